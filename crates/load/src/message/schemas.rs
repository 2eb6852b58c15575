//! The texts of the schemas: a value's and a key's in each of the three formats.

use crate::plan::{Format, Plan};

/// Which part of a record a schema is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the words are Kafka's")]
pub enum Side {
    Key,
    Value,
}

impl Side {
    /// As subjects end.
    pub const fn name(self) -> &'static str {
        match self {
            Side::Key => "key",
            Side::Value => "value",
        }
    }
}

/// A subject of a plan and the schema that it gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subject {
    /// The topic's index.
    pub topic: u32,
    /// For keys or for values.
    pub side: Side,
    /// `loadtest-topic-0-value`.
    pub name: String,
    /// The schema's format.
    pub format: Format,
    /// The schema.
    pub text: &'static str,
}

/// All subjects of a plan: of each topic the value's, then the key's.
pub fn subjects(plan: &Plan) -> Vec<Subject> {
    let sides = [Side::Value, Side::Key];
    (0..plan.topics).flat_map(|topic| sides.map(|side| subject(plan, topic, side))).collect()
}

fn subject(plan: &Plan, topic: u32, side: Side) -> Subject {
    let format = plan.format(topic);
    let name = format!("{}-{}", plan.topic(topic), side.name());
    Subject { topic, side, name, format, text: text(format, side) }
}

/// A schema's text.
pub const fn text(format: Format, side: Side) -> &'static str {
    match (format, side) {
        (Format::Avro, Side::Value) => AVRO_VALUE,
        (Format::Avro, Side::Key) => "\"string\"",
        (Format::Json, Side::Value) => JSON_VALUE,
        (Format::Json, Side::Key) => JSON_KEY,
        (Format::Protobuf, Side::Value) => PROTOBUF_VALUE,
        (Format::Protobuf, Side::Key) => PROTOBUF_KEY,
    }
}

const AVRO_VALUE: &str = r#"{
  "type": "record",
  "name": "LoadTestMessage",
  "namespace": "tidegate.load",
  "fields": [
    {"name": "id", "type": "string"},
    {"name": "timestamp", "type": "long"},
    {"name": "producer_id", "type": "int"},
    {"name": "counter", "type": "long"},
    {"name": "user_id", "type": "string"},
    {"name": "event_type", "type": "string"},
    {"name": "properties", "type": {"type": "map", "values": "string"}}
  ]
}"#;

const JSON_VALUE: &str = r#"{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "LoadTestMessage",
  "type": "object",
  "properties": {
    "id": {"type": "string"},
    "timestamp": {"type": "integer"},
    "producer_id": {"type": "integer"},
    "counter": {"type": "integer"},
    "user_id": {"type": "string"},
    "event_type": {"type": "string"},
    "properties": {"type": "object", "additionalProperties": {"type": "string"}}
  },
  "required": ["id", "timestamp", "producer_id", "counter", "user_id", "event_type", "properties"],
  "additionalProperties": false
}"#;

const JSON_KEY: &str = r#"{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "LoadTestKey",
  "type": "string"
}"#;

const PROTOBUF_VALUE: &str = r#"syntax = "proto3";
package tidegate.load;

message LoadTestMessage {
  string id = 1;
  int64 timestamp = 2;
  int32 producer_id = 3;
  int64 counter = 4;
  string user_id = 5;
  string event_type = 6;
  map<string, string> properties = 7;
}
"#;

const PROTOBUF_KEY: &str = r#"syntax = "proto3";
package tidegate.load;

message LoadTestKey {
  string user_id = 1;
}
"#;
