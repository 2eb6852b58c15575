//! The registry itself.

use crate::http::metrics::Counts;
use crate::settings::RegistrySettings;

/// Schemas, their subjects, and the rules by which new ones come.
pub struct Registry {
    settings: RegistrySettings,
}

impl Registry {
    /// A registry with these settings.
    pub fn new(settings: RegistrySettings) -> Self {
        Registry { settings }
    }

    /// What it was told.
    pub fn settings(&self) -> &RegistrySettings {
        &self.settings
    }

    /// How much there is.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }
}
