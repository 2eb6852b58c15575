//! `inspect log`: the batches of one partition, and the records in them.

use super::reader::Reader;
use crate::args::InspectLogArgs;
use crate::failure::Failure;
use crate::output::Table;
use crate::time::format_datetime;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use tidegate_model::{BatchHeader, Record, TopicIdPartition};

/// Letters of a key or value that a table shows.
const SHOWN_MAX: usize = 60;

#[derive(Serialize)]
struct BatchRow {
    base_offset: i64,
    last_offset: i64,
    records: i32,
    bytes: usize,
    compression: String,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    leader_epoch: i32,
    max_timestamp_ms: i64,
    control: bool,
}

#[derive(Serialize)]
struct RecordRow {
    offset: i64,
    timestamp_ms: i64,
    key: Value,
    value: Value,
    headers: Vec<Value>,
}

/// Prints batches, or records with `--records`.
pub fn log(reader: &Reader, args: &InspectLogArgs) -> Result<(), Failure> {
    let topic_id = reader.topic_id(&args.topic)?;
    let known = reader.catalog.topic(&args.topic);
    let count = known.map_or(0, |topic| topic.partitions.len());
    if usize::try_from(args.partition).map_or(true, |index| index >= count) {
        let (topic, partition) = (&args.topic, args.partition);
        return Err(Failure::Failed(format!("topic {topic} has no partition {partition}")));
    }
    let id = TopicIdPartition::new(topic_id, args.partition);
    if args.records { records(reader, id, args) } else { batches(reader, id, args) }
}

fn batches(reader: &Reader, id: TopicIdPartition, args: &InspectLogArgs) -> Result<(), Failure> {
    let mut rows = Vec::new();
    reader.batches(id, args.from, &mut |header, _| {
        rows.push(batch_row(header));
        limit(rows.len(), args)
    })?;
    reader.print(&rows, |rows| {
        let headings =
            ["FROM", "TO", "RECORDS", "BYTES", "CODEC", "PRODUCER", "SEQUENCE", "LATEST TIME"];
        let mut table = Table::new(&headings);
        for row in rows {
            table.row([
                row.base_offset.to_string(),
                row.last_offset.to_string(),
                row.records.to_string(),
                row.bytes.to_string(),
                row.compression.clone(),
                row.producer_id.to_string(),
                row.base_sequence.to_string(),
                format_datetime(row.max_timestamp_ms),
            ]);
        }
        table
    })
}

fn batch_row(header: &BatchHeader) -> BatchRow {
    BatchRow {
        base_offset: header.base_offset,
        last_offset: header.last_offset(),
        records: header.record_count,
        bytes: header.len,
        compression: match header.attributes.compression() {
            Some(codec) => format!("{codec:?}").to_lowercase(),
            None => "unknown".to_owned(),
        },
        producer_id: header.producer_id,
        producer_epoch: header.producer_epoch,
        base_sequence: header.base_sequence,
        leader_epoch: header.leader_epoch,
        max_timestamp_ms: header.max_timestamp,
        control: header.attributes.is_control(),
    }
}

fn records(reader: &Reader, id: TopicIdPartition, args: &InspectLogArgs) -> Result<(), Failure> {
    let mut rows = Vec::new();
    reader.records(id, args.from, &mut |_, offset, record| {
        rows.push(record_row(offset, record));
        limit(rows.len(), args)
    })?;
    reader.print(&rows, |rows| {
        let mut table = Table::new(&["OFFSET", "TIME", "KEY", "VALUE"]);
        for row in rows {
            table.row([
                row.offset.to_string(),
                format_datetime(row.timestamp_ms),
                shown(&row.key),
                shown(&row.value),
            ]);
        }
        table
    })
}

fn record_row(offset: i64, record: &Record<'_>) -> RecordRow {
    let headers = record.headers.iter().map(|header| {
        json!({
            "key": String::from_utf8_lossy(header.key),
            "value": header.value.map_or(Value::Null, content),
        })
    });
    RecordRow {
        offset,
        timestamp_ms: record.timestamp,
        key: record.key.map_or(Value::Null, content),
        value: record.value.map_or(Value::Null, content),
        headers: headers.collect(),
    }
}

/// Text as text, other bytes as base64.
fn content(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other["base64"].as_str().unwrap_or_default().to_owned(),
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn limit(rows: usize, args: &InspectLogArgs) -> ControlFlow<()> {
    if rows as u64 >= args.limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
