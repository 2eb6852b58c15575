//! `inspect registry`: the records of a schema registry, as they lie in its topic.

use super::reader::Reader;
use crate::failure::Failure;
use crate::output::Table;
use serde::Serialize;
use serde_json::Value;
use std::ops::ControlFlow;

#[derive(Serialize)]
struct RecordRow {
    partition: i32,
    offset: i64,
    timestamp_ms: i64,
    /// The key, or its text where it is no JSON.
    key: Value,
    /// The value; `null` for a tombstone.
    value: Value,
}

/// Every record, also those that later ones replace.
pub fn records(reader: &Reader, topic: &str) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for id in reader.partitions(reader.topic_id(topic)?) {
        reader.records(id, 0, &mut |_, offset, record| {
            rows.push(RecordRow {
                partition: id.partition,
                offset,
                timestamp_ms: record.timestamp,
                key: record.key.map_or(Value::Null, json),
                value: record.value.map_or(Value::Null, json),
            });
            ControlFlow::Continue(())
        })?;
    }
    reader.print(&rows, |rows| {
        let headings = ["OFFSET", "KIND", "SUBJECT", "VERSION", "ID", "TYPE", "STATE"];
        let mut table = Table::new(&headings);
        for RecordRow { offset, key, value, .. } in rows {
            let state = match value {
                Value::Null => "tombstone",
                value if value["deleted"] == true => "deleted",
                _ => "",
            };
            let kind = text(&key["keytype"]);
            let default_type = if kind == "SCHEMA" && !value.is_null() { "AVRO" } else { "-" };
            let schema_type = match &value["schemaType"] {
                Value::Null => default_type.to_owned(),
                named => text(named),
            };
            table.row([
                offset.to_string(),
                kind,
                text(&key["subject"]),
                text(&key["version"]),
                text(&value["id"]),
                schema_type,
                state.to_owned(),
            ]);
        }
        table
    })
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
