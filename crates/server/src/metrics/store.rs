//! What the broker and its engine know, read when somebody asks.

use super::table::*;
use tidegate_broker::Broker;
use tidegate_metrics::Text;

/// Writes the figures of topics and of the store.
pub(super) fn write(text: &mut Text, broker: &Broker) {
    text.gauge(&FETCHES_PARKED, &[], broker.parked_fetches());
    text.value(&FETCH_SESSIONS, &[], broker.fetch_sessions().len() as f64);
    let (topics, partitions) = broker.topics().count();
    text.value(&TOPICS, &[], topics as f64);
    text.value(&PARTITIONS, &[], partitions as f64);
    let stats = broker.store().stats();
    text.count(&WAL_FRAMES, &[], stats.frames);
    text.count(&WAL_APPENDS, &[], stats.appends);
    text.count(&WAL_BYTES, &[], stats.bytes);
    text.count(&WAL_PENDING_BYTES, &[], stats.pending_bytes);
    let times = broker.store().times();
    text.histogram(&WAL_WRITE_SECONDS, &[], &times.write);
    text.histogram(&WAL_FRAME_APPENDS, &[], &times.frame_appends);
    text.histogram(&WAL_FRAME_BYTES, &[], &times.frame_bytes);
    text.histogram(&FSYNC_SECONDS, &["wal"], &times.wal_sync);
    text.histogram(&FSYNC_SECONDS, &["segments"], &times.segment_sync);
    text.histogram(&FSYNC_SECONDS, &["checkpoint"], &times.checkpoint_sync);
    text.histogram(&CHECKPOINT_SECONDS, &[], &times.checkpoint);
    text.count(&CHECKPOINTS, &[], stats.checkpoints);
    text.count(&WAL_SLOW_WRITES, &[], stats.slow_writes);
    text.count(&TAIL_BYTES, &[], stats.tail_bytes);
    text.count(&TRIMMED_SEGMENTS, &[], stats.trimmed_segments);
    text.count(&TRIMMED_BYTES, &[], stats.trimmed_bytes);
    text.value(&STORAGE_FULL, &[], stats.full);
    let volume = broker.store().volume();
    text.begin(&STORAGE_SIZE);
    if let Some(bytes) = volume.total_bytes {
        text.count(&STORAGE_SIZE, &[], bytes);
    }
    text.begin(&STORAGE_FREE);
    if let Some(bytes) = volume.usable_bytes {
        text.count(&STORAGE_FREE, &[], bytes);
    }
}
