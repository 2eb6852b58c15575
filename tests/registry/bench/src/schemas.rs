//! The schemas of the load, each with a text of its own.

use serde_json::{Value, json};

/// A record of six fields, as an event has them, whose name nobody else's has.
pub fn event(name: &str) -> String {
    json!({
        "type": "record",
        "name": name,
        "namespace": "bench",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["MADE", "CHANGED", "GONE"]}},
            {"name": "total", "type": ["null", "double"], "default": null},
            {"name": "tags", "type": {"type": "array", "items": "string"}},
            {"name": "attributes", "type": {"type": "map", "values": "string"}},
        ],
    })
    .to_string()
}

/// A record of 50 fields: 49 that all versions have and one, with a default, that only this one has.
pub fn wide(own: &str) -> String {
    wide_with(json!({"name": own, "type": "string", "default": ""}))
}

/// The same without the default, which no reader of older records can do without.
pub fn wide_incompatible(own: &str) -> String {
    wide_with(json!({"name": own, "type": "string"}))
}

fn wide_with(own: Value) -> String {
    let mut fields: Vec<Value> =
        (0..49).map(|n| json!({"name": format!("field_{n}"), "type": kind(n)})).collect();
    fields.push(own);
    json!({"type": "record", "name": "Wide", "namespace": "bench", "fields": fields}).to_string()
}

fn kind(n: usize) -> Value {
    match n % 7 {
        0 => json!("long"),
        1 => json!("string"),
        2 => json!(["null", "string"]),
        3 => json!({"type": "array", "items": "string"}),
        4 => json!({"type": "map", "values": "long"}),
        5 => json!({"type": "enum", "name": format!("Enum{n}"), "symbols": ["A", "B", "C"]}),
        _ => json!({
            "type": "record",
            "name": format!("Inner{n}"),
            "fields": [{"name": "x", "type": "double"}, {"name": "y", "type": ["null", "int"]}],
        }),
    }
}
