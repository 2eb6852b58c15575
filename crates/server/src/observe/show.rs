//! Decoded messages as JSON, with the names of errors and topics.

use super::observation::{Asked, Seen};
use serde_json::{Map, Value as Json, json};
use std::time::UNIX_EPOCH;
use tidegate_broker::TopicMap;
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::WireError;
use tidegate_wire::fields::{Batch, Entity, Field, Value};

/// What stands in place of a value that may be a secret.
const REDACTED: &str = "(not shown)";

/// Configs whose values nobody should read over a shoulder.
const SECRETS: [&str; 4] = ["password", "secret", "jaas", "credential"];

/// A request and its answer, decoded.
pub struct Decoded {
    /// The request's fields.
    pub request: Result<Value, WireError>,
    /// The answer's; `None` if there is none.
    pub response: Option<Result<Value, WireError>>,
}

impl Decoded {
    /// Decodes both.
    pub fn of(seen: &Seen) -> Self {
        let observation = &seen.observation;
        Decoded {
            request: observation.request(),
            response: seen.frame.as_ref().map(|frame| observation.response(frame)),
        }
    }

    /// The names of the errors in the answer, each once, in order of appearance.
    pub fn errors(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        if let Some(Ok(response)) = &self.response {
            response.visit(&mut |field| {
                if let Some(name) = error_of(field).filter(|name| *name != ErrorCode::None.name())
                    && !names.contains(&name)
                {
                    names.push(name);
                }
            });
        }
        names
    }

    /// True if the request names that group.
    pub fn names_group(&self, group: &str) -> bool {
        self.request.as_ref().is_ok_and(|request| names(request, Entity::Group, group))
    }

    /// True if the request names that topic, by its name or its id.
    pub fn names_topic(&self, topic: &str, topics: &TopicMap) -> bool {
        let Ok(request) = &self.request else { return false };
        let mut found = names(request, Entity::Topic, topic);
        request.visit(&mut |field| {
            if let Value::Uuid(id) = &field.value {
                found |= topics.by_id(TopicId(*id)).is_some_and(|known| *known.name == *topic);
            }
        });
        found
    }
}

fn names(value: &Value, entity: Entity, name: &str) -> bool {
    let is = |value: &Value| matches!(value, Value::Text(text) if text == name);
    let mut found = false;
    value.visit(&mut |field| {
        if field.entity == entity {
            found |= is(&field.value)
                || matches!(&field.value, Value::List { items, .. } if items.iter().any(is));
        }
    });
    found
}

/// The name of the error that the field holds, if it holds one.
pub fn error_of(field: &Field) -> Option<&'static str> {
    let Value::Int(code) = field.value else { return None };
    if !field.name.ends_with("ErrorCode") {
        return None;
    }
    let known = i16::try_from(code).ok().and_then(ErrorCode::from_code);
    Some(known.map_or("an error that is not known here", ErrorCode::name))
}

/// One line of a trace.
pub fn line(seen: &Seen, decoded: &Decoded, topics: &TopicMap) -> Json {
    let observation = &seen.observation;
    let at = observation.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut line = json!({
        "at_ms": at.as_millis() as u64,
        "connection": observation.connection.id,
        "peer": observation.connection.peer.to_string(),
        "client_id": observation.header.client_id.as_deref(),
        "api": observation.api,
        "version": observation.header.api_version,
        "correlation_id": observation.header.correlation_id,
        "took_ms": seen.took.as_micros() as f64 / 1_000.0,
        "errors": decoded.errors(),
        "request": message(&decoded.request, topics),
        "response": decoded.response.as_ref().map(|response| message(response, topics)),
    });
    if !observation.asked().is_empty() {
        line["asked"] = observation.asked().iter().map(asked).collect();
    }
    line
}

fn asked(asked: &Asked) -> Json {
    let Asked { topic, partition, fetch_offset } = asked;
    json!({ "topic": topic, "partition": partition, "fetch_offset": fetch_offset })
}

fn message(message: &Result<Value, WireError>, topics: &TopicMap) -> Json {
    match message {
        Ok(value) => json(value, topics),
        Err(error) => json!({ "not_decoded": error.to_string() }),
    }
}

fn json(value: &Value, topics: &TopicMap) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => json!(truth),
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Uuid(id) => json!(TopicId(*id).to_string()),
        Value::Bytes(bytes) => json!({ "bytes": bytes }),
        Value::Records { batches, bytes } => {
            json!({ "bytes": bytes, "batches": batches.iter().map(batch).collect::<Vec<_>>() })
        }
        Value::List { items, omitted } => {
            let mut list: Vec<Json> = items.iter().map(|item| json(item, topics)).collect();
            if *omitted > 0 {
                list.push(json!({ "omitted": omitted }));
            }
            Json::Array(list)
        }
        Value::Struct(fields) => Json::Object(object(fields, topics)),
    }
}

fn object(fields: &[Field], topics: &TopicMap) -> Map<String, Json> {
    let mut object = Map::new();
    let secret = holds_secret(fields);
    for field in fields {
        let value = match &field.value {
            Value::Text(_) if secret && field.name == "Value" => json!(REDACTED),
            value => json(value, topics),
        };
        object.insert(field.name.to_owned(), value);
        if let Some(name) = error_of(field) {
            object.insert(field.name.replace("ErrorCode", "Error"), json!(name));
        }
        if let Value::Uuid(id) = &field.value
            && let Some(topic) = topics.by_id(TopicId(*id))
        {
            object.insert("TopicName".to_owned(), json!(&*topic.name));
        }
    }
    object
}

/// True for a config whose name says that its value is a secret.
fn holds_secret(fields: &[Field]) -> bool {
    fields.iter().any(|field| match (&field.value, field.name) {
        (Value::Text(name), "Name") => {
            let name = name.to_lowercase();
            SECRETS.iter().any(|secret| name.contains(secret))
        }
        _ => false,
    })
}

fn batch(batch: &Batch) -> Json {
    json!({
        "base_offset": batch.base_offset,
        "records": batch.records,
        "bytes": batch.bytes,
        "compression": batch.compression(),
        "attributes": batch.attributes,
        "producer_id": batch.producer_id,
        "producer_epoch": batch.producer_epoch,
        "base_sequence": batch.base_sequence,
        "base_timestamp_ms": batch.base_timestamp,
        "max_timestamp_ms": batch.max_timestamp,
    })
}
