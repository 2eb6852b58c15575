//! What the broker and its engine know, read when somebody asks.

use super::SeriesMax;
use super::table::*;
use tidegate_broker::Broker;
use tidegate_metrics::Text;

/// Writes the figures of topics and of the store.
pub(super) fn write(text: &mut Text, broker: &Broker, series: SeriesMax) {
    text.gauge(&FETCHES_PARKED, &[], broker.parked_fetches());
    text.value(&FETCH_SESSIONS, &[], broker.fetch_sessions().len() as f64);
    let (topics, partitions) = broker.topics().count();
    text.value(&TOPICS, &[], topics as f64);
    text.value(&PARTITIONS, &[], partitions as f64);
    write_topics(text, broker, series.partitions);
    write_groups(text, broker, series.lags);
    write_offsets(text, broker);
    write_engine(text, broker);
    let jumps = broker.clock_jumps();
    text.counter(&CLOCK_JUMPS, &["forward"], &jumps.forward);
    text.counter(&CLOCK_JUMPS, &["back"], &jumps.back);
}

fn write_topics(text: &mut Text, broker: &Broker, max: usize) {
    let sizes = broker.partition_sizes(max);
    let rows: Vec<_> =
        sizes.rows.iter().map(|row| (&*row.topic, row.partition.to_string(), row)).collect();
    text.begin(&TOPIC_SIZE);
    for (topic, partition, row) in &rows {
        text.count(&TOPIC_SIZE, &[topic, partition], row.bytes);
    }
    text.begin(&TOPIC_START);
    for (topic, partition, row) in &rows {
        text.value(&TOPIC_START, &[topic, partition], row.log_start_offset as f64);
    }
    text.begin(&TOPIC_END);
    for (topic, partition, row) in &rows {
        text.value(&TOPIC_END, &[topic, partition], row.high_watermark as f64);
    }
    let hidden = if max == 0 { 0 } else { sizes.of - rows.len() };
    text.value(&TOPIC_HIDDEN, &[], hidden as f64);
}

fn write_groups(text: &mut Text, broker: &Broker, max: usize) {
    text.begin(&GROUPS);
    for (state, count) in broker.groups_by_state() {
        text.value(&GROUPS, &[state], count as f64);
    }
    text.begin(&REBALANCES);
    for (cause, count) in broker.groups().rebalances().by_cause() {
        text.count(&REBALANCES, &[cause], count);
    }
    let lags = broker.lags(max);
    text.begin(&GROUP_LAG);
    for lag in &lags.rows {
        let labels = [&*lag.group_id, &*lag.topic, &lag.partition.to_string()];
        text.count(&GROUP_LAG, &labels, lag.records);
    }
    text.value(&LAG_HIDDEN, &[], (lags.of - lags.rows.len()) as f64);
}

fn write_offsets(text: &mut Text, broker: &Broker) {
    let (meter, offsets) = (broker.groups().offset_meter(), broker.groups().offsets());
    let (storage, cache) = ([offsets.name()], offsets.cache_figures());
    text.histogram(&OFFSET_COMMIT_SECONDS, &storage, &meter.commit);
    text.histogram(&OFFSET_FETCH_SECONDS, &storage, &meter.fetch);
    text.counter(&OFFSET_COMMITS, &storage, &meter.commits);
    let errors = [
        ("commit", &meter.commit_errors),
        ("fetch", &meter.fetch_errors),
        ("delete", &meter.delete_errors),
    ];
    for (operation, counter) in errors {
        text.counter(&OFFSET_ERRORS, &[storage[0], operation], counter);
    }
    text.count(&OFFSET_CACHE_ENTRIES, &storage, cache.entries);
    text.count(&OFFSET_CACHE_BYTES, &storage, cache.bytes);
    text.count(&OFFSET_CACHE_HITS, &storage, cache.hits);
    text.count(&OFFSET_CACHE_MISSES, &storage, cache.misses);
}

fn write_engine(text: &mut Text, broker: &Broker) {
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
