//! Decisions on the registry.

use super::command::{Command, Refusal, Reply};
use super::config::CompatibilityLevel;
use super::registry::Registry;

/// What the registry was told at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The level where nobody has set one (`schema.compatibility.level`).
    pub compatibility_level: CompatibilityLevel,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { compatibility_level: CompatibilityLevel::Backward }
    }
}

/// The registry as a machine.
pub struct SchemaMachine {
    registry: Registry,
}

impl SchemaMachine {
    /// A registry without schemas.
    pub fn new(settings: Settings) -> Self {
        let _ = settings;
        SchemaMachine { registry: Registry::default() }
    }

    /// The state.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What `command` comes to.
    pub fn decide(&self, command: &Command) -> Reply {
        let _ = command;
        Err(Refusal::Stale)
    }
}
