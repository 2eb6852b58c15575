//! What this crate makes of schemas, for tests that ask other libraries the same.
//!
//! Reads JSON lines, answers each with one:
//!
//! ```json
//! {"schemaType":"AVRO","schema":"…","references":[{"name":"…","schema":"…"}],"new":true,
//!  "previous":"…","previousReferences":[],"policy":"STRICT","formats":["resolved"]}
//! {"canonical":"…","normalized":"…","resolved":"…",
//!  "incompatibilities":[{"type":"…","description":"…","text":"…"}]}
//! {"error":"…","expensive":false}
//! ```
//!
//! Only `schema` is needed. With `previous` the answer has what keeps `schema` from reading what was
//! written with it; with `new` a schema is also refused for what only a new one is refused for.

use serde_json::{Map, Value, json};
use std::io::{BufRead, Write};
use tidegate_schema::{Limits, Policy, Reference, Schema, SchemaError, SchemaType};

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let answer = answer(&request).unwrap_or_else(|error| {
            let expensive = matches!(error, SchemaError::TooExpensive(_));
            json!({"error": error.to_string(), "expensive": expensive})
        });
        writeln!(out, "{answer}")?;
    }
    out.flush()
}

fn answer(request: &Value) -> Result<Value, SchemaError> {
    let schema = parse(request, "schema", "references")?;
    if request["new"] == true {
        schema.check_new()?;
    }
    let mut answer = Map::new();
    answer.insert("canonical".to_owned(), schema.canonical().into());
    answer.insert("normalized".to_owned(), schema.normalized().into());
    for format in request["formats"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        answer.insert(format.to_owned(), schema.formatted(format).into());
    }
    if request.get("previous").is_some() {
        let previous = parse(request, "previous", "previousReferences")?;
        let policy = match request["policy"].as_str() {
            Some("LENIENT") => Policy::Lenient,
            Some("LOGICAL") => Policy::Logical,
            _ => Policy::Strict,
        };
        let reasons = schema.incompatibilities(&previous, policy, &Limits::default())?;
        let reasons = reasons.iter().map(|reason| {
            json!({
                "type": reason.error_type,
                "description": reason.description,
                "text": reason.to_string(),
            })
        });
        answer.insert("incompatibilities".to_owned(), reasons.collect());
    }
    Ok(answer.into())
}

fn parse(request: &Value, text: &str, references: &str) -> Result<Schema, SchemaError> {
    let kind = request["schemaType"].as_str().and_then(SchemaType::of).unwrap_or(SchemaType::Avro);
    let references: Vec<Reference<'_>> = request[references]
        .as_array()
        .into_iter()
        .flatten()
        .map(|reference| Reference {
            name: reference["name"].as_str().unwrap_or_default(),
            subject: "reference",
            version: 1,
            text: reference["schema"].as_str().unwrap_or_default(),
            direct: true,
        })
        .collect();
    let text = request[text].as_str().unwrap_or_default();
    Schema::parse(kind, text, &references, &Limits::default())
}
