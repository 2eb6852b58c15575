//! `confluent:reserved`: names of fields that a subject's schemas must not use (validateFields).

use std::collections::BTreeSet;
use tidegate_machine::schema::{Metadata, SchemaEntity};
use tidegate_schema::{Limits, SchemaType, protobuf};

const RESERVED: &str = "confluent:reserved";

/// What a new schema does against the names that are reserved, in Confluent's words.
pub fn problems(
    new: &SchemaEntity,
    metadata: Option<&Metadata>,
    previous: Option<&SchemaEntity>,
    limits: &Limits,
) -> Vec<String> {
    let now = names(metadata);
    let before = previous.map(|previous| names(previous.metadata.as_deref())).unwrap_or_default();
    let removed = before.difference(&now).map(|name| {
        format!(
            "The new schema has reserved field {name} removed from its metadata which is present in \
             the old schema's metadata."
        )
    });
    let mut problems: Vec<String> = removed.collect();
    if !now.is_empty() {
        let fields = fields(new, limits);
        problems.extend(now.iter().filter(|name| fields.contains(name.as_str())).map(|name| {
            format!("The new schema has field that conflicts with the reserved field {name}.")
        }));
    }
    problems
}

fn names(metadata: Option<&Metadata>) -> BTreeSet<String> {
    let listed = metadata.and_then(|metadata| metadata.properties.get(RESERVED));
    let names = listed.into_iter().flat_map(|listed| listed.split(','));
    names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// The names of the fields at the top of a schema; in Protobuf those of all messages at the top.
fn fields(schema: &SchemaEntity, limits: &Limits) -> BTreeSet<String> {
    if schema.kind == SchemaType::Protobuf {
        let fields = protobuf::top_level_fields(&schema.text, limits);
        return fields.unwrap_or_default().into_iter().collect();
    }
    let Ok(json) = serde_json::from_str::<serde_json::Value>(&schema.text) else {
        return BTreeSet::new();
    };
    match schema.kind {
        SchemaType::Avro => {
            let fields = json["fields"].as_array().into_iter().flatten();
            fields.filter_map(|field| field["name"].as_str().map(str::to_owned)).collect()
        }
        _ => {
            json["properties"].as_object().into_iter().flat_map(|map| map.keys().cloned()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(kind: SchemaType, text: &str, reserved: &str) -> SchemaEntity {
        let properties = [(RESERVED.to_owned(), reserved.to_owned())].into();
        let metadata = Metadata { properties, ..Metadata::default() };
        SchemaEntity { metadata: Some(Box::new(metadata)), ..SchemaEntity::of_text(kind, text) }
    }

    #[test]
    fn a_reserved_name_is_neither_used_nor_dropped() {
        let limits = Limits::default();
        let record = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}"#;
        let new = schema(SchemaType::Avro, record, "a, b");
        let metadata = new.metadata.as_deref();
        let used = "The new schema has field that conflicts with the reserved field a.";
        assert_eq!(problems(&new, metadata, None, &limits), [used]);
        let object = schema(SchemaType::Json, r#"{"properties":{"b":{}}}"#, "b");
        assert_eq!(problems(&object, object.metadata.as_deref(), None, &limits).len(), 1);
        let file = "syntax = \"proto3\"; message M { string b = 1; message N { string c = 1; } }";
        let file = schema(SchemaType::Protobuf, file, "b, c");
        assert_eq!(problems(&file, file.metadata.as_deref(), None, &limits).len(), 1);
        let before = schema(SchemaType::Avro, "x", "a");
        let dropped = "The new schema has reserved field a removed from its metadata which is \
                       present in the old schema's metadata.";
        assert_eq!(problems(&new, None, Some(&before), &limits), [dropped]);
        assert_eq!(problems(&new, None, None, &limits), [""; 0]);
    }
}
