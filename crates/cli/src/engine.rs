//! The choice of a storage engine. No other crate names one.

use crate::failure::Failure;
use crate::settings::{Engine, Settings};
use std::sync::Arc;
use tidegate_log::{LogStore, MemoryStore};

/// Opens the engine of the settings, with all it holds.
pub fn open(settings: &Settings) -> Result<Arc<dyn LogStore>, Failure> {
    match settings.storage.engine {
        Engine::Memory => Ok(Arc::new(MemoryStore::new())),
        Engine::Local => Err(Failure::Failed("the local engine is not in this build".to_owned())),
    }
}
