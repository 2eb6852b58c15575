//! The choice of a storage engine, and of what keeps committed offsets. No other crate names one.

use crate::failure::Failure;
use crate::settings::{Engine, Offsets, Settings, Sync};
use std::sync::Arc;
use std::time::Duration;
use tidegate_broker::{Cached, OffsetStorageKind};
use tidegate_log::{LogStore, MemoryStore};
use tidegate_log_local::{LocalStore, OpenError};
use tidegate_offsets_filer::FilerOffsets;

/// Opens the engine of the settings, with all it holds.
pub fn open(settings: &Settings) -> Result<Arc<dyn LogStore>, Failure> {
    match settings.storage.engine {
        Engine::Memory => Ok(Arc::new(MemoryStore::new())),
        Engine::Local => {
            let local = local(settings);
            check_room(settings, &local)?;
            match LocalStore::open(local) {
                Ok(store) => Ok(Arc::new(store)),
                Err(error @ OpenError::Corrupt { .. }) => Err(Failure::Damaged(error.to_string())),
                Err(error) => Err(Failure::Failed(error.to_string())),
            }
        }
    }
}

/// What keeps committed offsets.
pub fn offsets(settings: &Settings) -> Result<OffsetStorageKind, Failure> {
    let storage = &settings.storage;
    let filer = match (storage.offsets, &storage.filer) {
        (Offsets::Log, _) => return Ok(OffsetStorageKind::Log),
        (Offsets::Memory, _) => return Ok(OffsetStorageKind::Memory),
        (Offsets::Filer, None) => return Err(Failure::Usage("[filer] names no filer".to_owned())),
        (Offsets::Filer, Some(filer)) => filer,
    };
    let store = FilerOffsets::new(filer)
        .map_err(|error| Failure::Usage(format!("storage.offsets = \"filer\": {error}")))?;
    Ok(OffsetStorageKind::Store(match storage.offsets_cache_bytes {
        0 => Arc::new(store),
        bytes => Arc::new(Cached::new(Arc::new(store), bytes, storage.offsets_cache_ttl)),
    }))
}

/// Refuses settings under which a batch may be allowed that can never be stored: its producer
/// would learn that in production, by an error on one topic.
fn check_room(settings: &Settings, local: &tidegate_log_local::Settings) -> Result<(), Failure> {
    let wanted = u64::try_from(settings.kafka.message_max_bytes()).unwrap_or(0);
    let max = local.append_bytes_max();
    if wanted <= max {
        return Ok(());
    }
    let file_bytes = local.wal_file_bytes;
    let enough = (file_bytes + (wanted - max)).next_multiple_of(1 << 20);
    Err(Failure::Usage(format!(
        "message.max.bytes = {wanted}: a batch of that size does not fit into a file of the \
         write-ahead log, storage.wal_file_bytes = {file_bytes}; set storage.wal_file_bytes to \
         {enough}, or message.max.bytes to {max} or less"
    )))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn check(variables: &[(&str, &str)]) -> Result<(), String> {
        let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let settings = Settings::load(None, variables, Vec::new()).expect("each is valid alone");
        check_room(&settings, &local(&settings)).map_err(|failure| failure.to_string())
    }

    #[test]
    fn batches_that_no_file_of_the_log_can_hold_stop_the_start() {
        assert_eq!(check(&[]), Ok(()));
        let small = ("TIDEGATE_WAL_FILE_BYTES", "1048576");
        let message = "message.max.bytes = 1048588: a batch of that size does not fit into a file \
                       of the write-ahead log, storage.wal_file_bytes = 1048576; set \
                       storage.wal_file_bytes to 2097152, or message.max.bytes to 1048464 or less";
        assert_eq!(check(&[small]), Err(message.to_owned()));
        assert_eq!(check(&[small, ("TIDEGATE_KAFKA_MESSAGE_MAX_BYTES", "1048464")]), Ok(()));
        assert!(check(&[small, ("TIDEGATE_KAFKA_MESSAGE_MAX_BYTES", "1048465")]).is_err());
        assert_eq!(check(&[("TIDEGATE_WAL_FILE_BYTES", "2097152")]), Ok(()));
        assert!(check(&[("TIDEGATE_KAFKA_MESSAGE_MAX_BYTES", "100000000")]).is_err());
    }
}
