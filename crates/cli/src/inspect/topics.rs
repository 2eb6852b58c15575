//! `inspect topics` and `inspect producers`.

use super::reader::Reader;
use crate::failure::Failure;
use crate::output::Table;
use crate::time::format_datetime;
use serde::Serialize;
use std::ops::ControlFlow;
use tidegate_machine::producer::ProducerTable;
use tidegate_model::TopicIdPartition;

#[derive(Serialize)]
struct PartitionRow {
    topic: String,
    topic_id: String,
    partition: i32,
    start_offset: i64,
    end_offset: i64,
    bytes: u64,
}

/// Every partition of every topic, with what it holds.
pub fn topics(reader: &Reader) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for topic in reader.catalog.topics() {
        for partition in (0..).take(topic.partitions.len()) {
            let id = TopicIdPartition::new(topic.topic_id, partition);
            let held = reader.contents.partitions().find(|(known, _)| *known == id);
            let held = held.map(|(_, held)| held);
            rows.push(PartitionRow {
                topic: topic.name.to_string(),
                topic_id: topic.topic_id.to_string(),
                partition,
                start_offset: held.map_or(0, |held| held.log_start_offset),
                end_offset: held.map_or(0, |held| held.end_offset),
                bytes: held.map_or(0, |held| held.bytes()),
            });
        }
    }
    reader.print(&rows, |rows| {
        let mut table = Table::new(&["TOPIC", "PARTITION", "START", "END", "BYTES", "TOPIC-ID"]);
        for row in rows {
            table.row([
                row.topic.clone(),
                row.partition.to_string(),
                row.start_offset.to_string(),
                row.end_offset.to_string(),
                row.bytes.to_string(),
                row.topic_id.clone(),
            ]);
        }
        table
    })
}

#[derive(Serialize)]
struct ProducerRow {
    topic: String,
    partition: i32,
    producer_id: i64,
    producer_epoch: i16,
    last_sequence: i32,
    last_timestamp_ms: i64,
}

/// The idempotent producers of a topic, as its batches tell of them.
pub fn producers(reader: &Reader, topic: &str) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for id in reader.partitions(reader.topic_id(topic)?) {
        let mut producers = ProducerTable::default();
        reader.batches(id, 0, &mut |header, _| {
            if header.producer_id >= 0 {
                producers.apply(header);
            }
            ControlFlow::Continue(())
        })?;
        rows.extend(producers.active().map(|producer| ProducerRow {
            topic: topic.to_owned(),
            partition: id.partition,
            producer_id: producer.producer_id,
            producer_epoch: producer.producer_epoch,
            last_sequence: producer.last_sequence,
            last_timestamp_ms: producer.last_timestamp,
        }));
    }
    reader.print(&rows, |rows| {
        let mut table =
            Table::new(&["TOPIC", "PARTITION", "PRODUCER", "EPOCH", "SEQUENCE", "LAST BATCH"]);
        for row in rows {
            table.row([
                row.topic.clone(),
                row.partition.to_string(),
                row.producer_id.to_string(),
                row.producer_epoch.to_string(),
                row.last_sequence.to_string(),
                format_datetime(row.last_timestamp_ms),
            ]);
        }
        table
    })
}
