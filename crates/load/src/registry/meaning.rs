//! Whether two texts are the same schema. Registries may lay a text out anew.

use crate::plan::Format;
use serde_json::{Map, Value};

/// Whether two texts mean the same in a format.
pub(super) fn same(format: Format, one: &str, other: &str) -> bool {
    match format {
        Format::Json => json(one).is_some_and(|one| Some(one) == json(other)),
        Format::Avro => json(one).is_some_and(|one| Some(avro(one)) == json(other).map(avro)),
        Format::Protobuf => protobuf(one) == protobuf(other),
    }
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// `{"type": "string"}` is `"string"`, and a name with its namespace is one word.
fn avro(schema: Value) -> Value {
    match schema {
        Value::Object(mut object) => {
            if object.len() == 1
                && let Some(only) = object.remove("type")
            {
                return avro(only);
            }
            if let Some(Value::String(name)) = object.get("name")
                && let Some(Value::String(namespace)) = object.get("namespace")
                && !name.contains('.')
            {
                let full = format!("{namespace}.{name}");
                object.remove("namespace");
                object.insert("name".to_owned(), Value::String(full));
            }
            let members = object.into_iter().map(|(name, value)| (name, avro(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(avro).collect()),
        plain => plain,
    }
}

/// The words and signs without comments and spaces.
fn protobuf(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            let end = match first {
                '"' | '\'' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
                _ if word(first) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            words.push(rest[..end].replace('\'', "\""));
            end
        };
        rest = rest[end..].trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::schemas::{Side, text};

    #[test]
    fn layout_does_not_matter() {
        for format in Format::ALL {
            for side in [Side::Key, Side::Value] {
                let schema = text(*format, side);
                assert!(same(*format, schema, schema));
                let flat = schema.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(same(*format, schema, &flat), "{format:?} {side:?}");
            }
        }
        assert!(same(Format::Avro, r#""string""#, r#"{"type":"string"}"#));
        let comments = format!("// from a registry\n{}/* end", text(Format::Protobuf, Side::Value));
        assert!(same(Format::Protobuf, &comments, text(Format::Protobuf, Side::Value)));
        let full = r#"{"type":"record","name":"a.B","fields":[]}"#;
        let apart = r#"{"type":"record","namespace":"a","name":"B","fields":[]}"#;
        assert!(same(Format::Avro, full, apart));
    }

    #[test]
    fn another_schema_is_another() {
        for format in Format::ALL {
            let (key, value) = (text(*format, Side::Key), text(*format, Side::Value));
            assert!(!same(*format, key, value));
            let other = value.replace("event_type", "event");
            assert!(!same(*format, &other, value), "{format:?}");
        }
        assert!(!same(Format::Json, "<html>", "<html>"));
        let value = text(Format::Protobuf, Side::Value);
        assert!(!same(Format::Protobuf, &value.replace("counter = 4", "counter = 44"), value));
    }
}
