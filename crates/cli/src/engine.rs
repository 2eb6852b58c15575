//! The choice of a storage engine. No other crate names one.

use crate::failure::Failure;
use crate::settings::{Engine, Settings, Sync};
use std::sync::Arc;
use std::time::Duration;
use tidegate_log::{LogStore, MemoryStore};
use tidegate_log_local::{LocalStore, OpenError};

/// Opens the engine of the settings, with all it holds.
pub fn open(settings: &Settings) -> Result<Arc<dyn LogStore>, Failure> {
    match settings.storage.engine {
        Engine::Memory => Ok(Arc::new(MemoryStore::new())),
        Engine::Local => match LocalStore::open(local(settings)) {
            Ok(store) => Ok(Arc::new(store)),
            Err(error @ OpenError::Corrupt { .. }) => Err(Failure::Damaged(error.to_string())),
            Err(error) => Err(Failure::Failed(error.to_string())),
        },
    }
}

fn local(settings: &Settings) -> tidegate_log_local::Settings {
    let storage = &settings.storage;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    tidegate_log_local::Settings {
        wal_dir: storage.wal_dir.clone(),
        sync: match storage.sync {
            Sync::Always => tidegate_log_local::Sync::Always,
            Sync::Interval(interval) => tidegate_log_local::Sync::Interval(millis(interval)),
            Sync::Os => tidegate_log_local::Sync::Os,
        },
        wal_file_bytes: storage.wal_file_bytes,
        wal_files: storage.wal_files,
        tail_bytes_max: storage.tail_bytes_max,
        segment_bytes: u64::try_from(settings.kafka.log_segment_bytes()).unwrap_or(1 << 30),
        flush_bytes: storage.flush_bytes,
        checkpoint_bytes: storage.checkpoint_bytes,
        checkpoint_interval_ms: millis(storage.checkpoint_interval),
        open_files_max: storage.open_files_max,
        ..tidegate_log_local::Settings::new(&settings.data_dir)
    }
}
