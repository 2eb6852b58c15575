//! Tags within a schema's text: `confluent:tags` of records and fields, which rules go by.
//!
//! An entity is named by a path. In Avro that is a record's full name, with the field behind it; in
//! JSON Schema it is the way to it: `object.address.object.street`, `array`, `allof.0`, `not`; in
//! Protobuf the names of the messages around it, without the package.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, VecDeque};
use tidegate_schema::protobuf::{self, TagChange};
use tidegate_schema::{Limits, SchemaError, SchemaType, Work};

const TAGS: &str = "confluent:tags";
/// How deep a schema is walked. Deeper ones are not read in the first place.
const DEPTH_MAX: usize = 1_000;

/// Tags of one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaTags {
    /// Whose.
    pub schema_entity: Entity,
    /// The tags.
    pub tags: Vec<String>,
}

/// A record or a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    /// The path to it.
    pub entity_path: String,
    /// Which of the two.
    pub entity_type: EntityType,
}

/// What an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntityType {
    /// A record or an object.
    #[serde(rename = "SR_RECORD")]
    Record,
    /// A field or a property.
    #[serde(rename = "SR_FIELD")]
    Field,
}

/// The text with tags added to its entities and others taken from them. Every node that is looked at
/// costs a step of `limits`, for every tag anew.
///
/// # Errors
/// [`SchemaError::Invalid`] on the first entity that is not there, or on what is wrong with the text;
/// [`SchemaError::TooExpensive`].
pub fn change(
    kind: SchemaType,
    text: &str,
    added: &[SchemaTags],
    removed: &[SchemaTags],
    limits: &Limits,
) -> Result<String, SchemaError> {
    if kind == SchemaType::Protobuf {
        return in_protobuf(text, added, removed, limits);
    }
    let mut work = Work::new(limits);
    let mut schema = read(text, limits)?;
    for (changes, is_added) in [(added, true), (removed, false)] {
        for SchemaTags { schema_entity, tags } in changes {
            let missing = || {
                let path = &schema_entity.entity_path;
                SchemaError::Invalid(format!("No matching path '{path}' found in the schema"))
            };
            let found = in_json_text(kind, &mut schema, schema_entity, &mut work)?;
            set(found.ok_or_else(missing)?, tags, is_added);
        }
    }
    Ok(schema.to_string())
}

/// Those of `tags` whose entities `text` has.
///
/// # Errors
/// As [`change`].
pub fn present(
    kind: SchemaType,
    text: &str,
    mut tags: Vec<SchemaTags>,
    limits: &Limits,
) -> Result<Vec<SchemaTags>, SchemaError> {
    if kind == SchemaType::Protobuf {
        // Only tags of Avro schemas are ever found, and none of them is in a file.
        return Ok(Vec::new());
    }
    let mut work = Work::new(limits);
    let mut schema = read(text, limits)?;
    let mut expensive = None;
    tags.retain(|tags| match in_json_text(kind, &mut schema, &tags.schema_entity, &mut work) {
        Ok(found) => found.is_some(),
        Err(error) => {
            expensive = Some(error);
            false
        }
    });
    expensive.map_or(Ok(tags), Err)
}

fn read(text: &str, limits: &Limits) -> Result<Value, SchemaError> {
    if text.len() > limits.text_bytes_max {
        let problem = format!("{} bytes, {} are allowed", text.len(), limits.text_bytes_max);
        return Err(SchemaError::TooExpensive(problem));
    }
    serde_json::from_str(text).map_err(|error| SchemaError::Invalid(error.to_string()))
}

fn in_json_text<'a>(
    kind: SchemaType,
    schema: &'a mut Value,
    entity: &Entity,
    work: &mut Work,
) -> Result<Option<&'a mut Map<String, Value>>, SchemaError> {
    match kind {
        SchemaType::Avro => in_avro(schema, entity, work),
        _ => {
            work.steps(1 + entity.entity_path.len())?;
            Ok(in_json(schema, entity))
        }
    }
}

fn in_protobuf(
    text: &str,
    added: &[SchemaTags],
    removed: &[SchemaTags],
    limits: &Limits,
) -> Result<String, SchemaError> {
    // A change looks at as many messages and fields as there are at most.
    Work::new(limits).steps((added.len() + removed.len()) * (1 + text.len() / 16))?;
    let changes: Vec<TagChange<'_>> = [(added, true), (removed, false)]
        .into_iter()
        .flat_map(|(changes, added)| changes.iter().map(move |change| (change, added)))
        .map(|(SchemaTags { schema_entity, tags }, added)| {
            let path = schema_entity.entity_path.as_str();
            let entity = match schema_entity.entity_type {
                EntityType::Record => protobuf::Entity::Message(path),
                EntityType::Field => protobuf::Entity::Field(path),
            };
            TagChange { entity, tags, added }
        })
        .collect();
    protobuf::with_tags(text, &changes, limits)
}

fn set(entity: &mut Map<String, Value>, changed: &[String], is_added: bool) {
    let mut tags = tags_of(entity);
    for tag in changed {
        if !is_added {
            tags.retain(|known| known != tag);
        } else if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    if tags.is_empty() {
        entity.remove(TAGS);
    } else {
        entity.insert(TAGS.to_owned(), tags.into());
    }
}

fn tags_of(entity: &Map<String, Value>) -> Vec<String> {
    let tags = entity.get(TAGS).and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The record or the field of that path, the nearest to the top first.
fn in_avro<'a>(
    schema: &'a mut Value,
    entity: &Entity,
    work: &mut Work,
) -> Result<Option<&'a mut Map<String, Value>>, SchemaError> {
    let path = entity.entity_path.as_str();
    let (record, field) = match (entity.entity_type, path.rsplit_once('.')) {
        (EntityType::Record, _) => (path, None),
        (EntityType::Field, Some((record, field))) => (record, Some(field)),
        (EntityType::Field, None) => return Ok(None),
    };
    let mut waiting = VecDeque::from([(schema, String::new(), 0)]);
    while let Some((node, namespace, depth)) = waiting.pop_front() {
        work.step()?;
        if depth > DEPTH_MAX {
            continue;
        }
        match node {
            Value::Array(branches) => {
                let branches =
                    branches.iter_mut().map(|branch| (branch, namespace.clone(), depth + 1));
                waiting.extend(branches);
            }
            Value::Object(node) => {
                let (name, namespace) = full_name(node, &namespace);
                if name.as_deref() == Some(record) && node.contains_key("fields") {
                    return match field {
                        None => Ok(Some(node)),
                        Some(field) => field_of(node, field, work),
                    };
                }
                for (key, value) in node.iter_mut() {
                    match (key.as_str(), value) {
                        ("type" | "items" | "values", value) => {
                            waiting.push_back((value, namespace.clone(), depth + 1));
                        }
                        ("fields", Value::Array(fields)) => {
                            let types = fields.iter_mut().filter_map(|field| field.get_mut("type"));
                            waiting.extend(types.map(|kind| (kind, namespace.clone(), depth + 1)));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

fn field_of<'a>(
    record: &'a mut Map<String, Value>,
    name: &str,
    work: &mut Work,
) -> Result<Option<&'a mut Map<String, Value>>, SchemaError> {
    let Some(fields) = record.get_mut("fields").and_then(Value::as_array_mut) else {
        return Ok(None);
    };
    work.steps(fields.len())?;
    let is_it = |field: &&mut Map<String, Value>| {
        field.get("name").and_then(Value::as_str).is_some_and(|known| known == name)
    };
    Ok(fields.iter_mut().filter_map(Value::as_object_mut).find(is_it))
}

/// A named type's full name, and the namespace of what is in it.
fn full_name(node: &Map<String, Value>, enclosing: &str) -> (Option<String>, String) {
    let text = |key: &str| node.get(key).and_then(Value::as_str);
    let Some(name) = text("name") else { return (None, enclosing.to_owned()) };
    if let Some((namespace, _)) = name.rsplit_once('.') {
        return (Some(name.to_owned()), namespace.to_owned());
    }
    match text("namespace").unwrap_or(enclosing) {
        "" => (Some(name.to_owned()), String::new()),
        namespace => (Some(format!("{namespace}.{name}")), namespace.to_owned()),
    }
}

/// The object or the property that a path leads to.
fn in_json<'a>(schema: &'a mut Value, entity: &Entity) -> Option<&'a mut Map<String, Value>> {
    let mut node = schema;
    let mut steps: VecDeque<&str> = entity.entity_path.split('.').collect();
    while let Some(step) = steps.pop_front() {
        let is_last = steps.is_empty();
        node = match step {
            "object" if is_last => return record(node, entity),
            "object" => property(node, &mut steps)?,
            "array" => node.get_mut("items")?,
            "not" => node.get_mut("not")?,
            "allof" | "anyof" | "oneof" => {
                let key = match step {
                    "allof" => "allOf",
                    "anyof" => "anyOf",
                    _ => "oneOf",
                };
                let index: usize = steps.pop_front()?.parse().ok()?;
                node.get_mut(key)?.get_mut(index)?
            }
            _ => return None,
        };
    }
    match entity.entity_type {
        EntityType::Field => node.as_object_mut(),
        EntityType::Record => None,
    }
}

fn record<'a>(node: &'a mut Value, entity: &Entity) -> Option<&'a mut Map<String, Value>> {
    node.as_object_mut().filter(|_| entity.entity_type == EntityType::Record)
}

/// A property or a definition; its name may have dots, so that as few steps as possible are taken.
fn property<'a>(node: &'a mut Value, steps: &mut VecDeque<&str>) -> Option<&'a mut Value> {
    let group = match *steps.front()? {
        definitions @ ("definitions" | "$defs") => {
            steps.pop_front();
            definitions
        }
        _ => "properties",
    };
    let properties = node.get_mut(group)?.as_object_mut()?;
    let mut name = steps.pop_front()?.to_owned();
    while !properties.contains_key(&name) {
        name.push('.');
        name.push_str(steps.pop_front()?);
    }
    properties.get_mut(&name)
}

/// The entities of an Avro schema that have one of the wanted tags, `*` being all.
pub fn find(kind: SchemaType, text: &str, wanted: &BTreeSet<String>) -> Vec<SchemaTags> {
    let mut found = Vec::new();
    if kind == SchemaType::Avro
        && let Ok(schema) = serde_json::from_str::<Value>(text)
    {
        walk(&schema, "", 0, &mut found);
    }
    let is_wanted = |tags: &SchemaTags| {
        wanted.contains("*") || tags.tags.iter().any(|tag| wanted.contains(tag))
    };
    found.retain(is_wanted);
    found
}

fn walk(node: &Value, namespace: &str, depth: usize, found: &mut Vec<SchemaTags>) {
    if depth > DEPTH_MAX {
        return;
    }
    let tagged = |node: &Map<String, Value>, path: &str, entity_type| {
        let tags = tags_of(node);
        let schema_entity = Entity { entity_path: path.to_owned(), entity_type };
        (!tags.is_empty()).then_some(SchemaTags { schema_entity, tags })
    };
    match node {
        Value::Array(branches) => {
            branches.iter().for_each(|branch| walk(branch, namespace, depth + 1, found));
        }
        Value::Object(node) => {
            let (name, namespace) = full_name(node, namespace);
            if let (Some(name), Some(Value::Array(fields))) = (&name, node.get("fields")) {
                found.extend(tagged(node, name, EntityType::Record));
                for field in fields.iter().filter_map(Value::as_object) {
                    let path = format!(
                        "{name}.{}",
                        field.get("name").and_then(Value::as_str).unwrap_or_default()
                    );
                    found.extend(tagged(field, &path, EntityType::Field));
                    field
                        .get("type")
                        .into_iter()
                        .for_each(|kind| walk(kind, &namespace, depth + 1, found));
                }
            }
            for key in ["type", "items", "values"] {
                node.get(key)
                    .into_iter()
                    .for_each(|inner| walk(inner, &namespace, depth + 1, found));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(path: &str, entity_type: EntityType, tags: &[&str]) -> SchemaTags {
        let schema_entity = Entity { entity_path: path.to_owned(), entity_type };
        SchemaTags { schema_entity, tags: tags.iter().map(|tag| (*tag).to_owned()).collect() }
    }

    const AVRO: &str = r#"{"type":"record","name":"r","namespace":"n.m","fields":[{"name":"a","type":["null",{"type":"record","name":"s","fields":[{"name":"b","type":"int"}]}]}]}"#;

    #[test]
    fn avro_entities_are_named_by_full_names() {
        use EntityType::{Field, Record};
        let added = [
            tags("n.m.r", Record, &["A", "B"]),
            tags("n.m.s.b", Field, &["PII"]),
            tags("n.m.r.a", Field, &["X"]),
        ];
        let text =
            change(SchemaType::Avro, AVRO, &added, &[], &Limits::default()).expect("all are there");
        let found = find(SchemaType::Avro, &text, &BTreeSet::from(["*".to_owned()]));
        assert_eq!(found, [added[0].clone(), added[2].clone(), added[1].clone()]);
        assert_eq!(
            find(SchemaType::Avro, &text, &BTreeSet::from(["PII".to_owned()])),
            [added[1].clone()]
        );
        let removed = [tags("n.m.r", Record, &["B"]), tags("n.m.r.a", Field, &["X"])];
        let text = change(SchemaType::Avro, &text, &[], &removed, &Limits::default())
            .expect("all are there");
        assert!(text.contains(r#""confluent:tags":["A"]"#) && !text.contains("\"X\""), "{text}");
        let missing =
            change(SchemaType::Avro, AVRO, &[tags("n.r", Record, &["A"])], &[], &Limits::default());
        let problem = "No matching path 'n.r' found in the schema".to_owned();
        assert_eq!(missing, Err(SchemaError::Invalid(problem)));
    }

    #[test]
    fn many_tags_of_a_large_schema_are_refused_instead_of_searched_for() {
        let fields: Vec<_> =
            (0..10_000).map(|n| format!(r#"{{"name":"f{n}","type":"int"}}"#)).collect();
        let text = format!(r#"{{"type":"record","name":"r","fields":[{}]}}"#, fields.join(","));
        let many = vec![tags("r.f9999", EntityType::Field, &["A"]); 10_000];
        let limits = Limits::default();
        assert!(change(SchemaType::Avro, &text, &many[..50], &[], &limits).is_ok());
        let refused = change(SchemaType::Avro, &text, &many, &[], &limits);
        assert!(matches!(refused, Err(SchemaError::TooExpensive(_))));
        let refused = present(SchemaType::Avro, &text, many.clone(), &limits);
        assert!(matches!(refused, Err(SchemaError::TooExpensive(_))));
        let file = format!("syntax = \"proto3\"; message r {{ {} }}", " ".repeat(1 << 20));
        let refused = change(SchemaType::Protobuf, &file, &many, &[], &limits);
        assert!(matches!(refused, Err(SchemaError::TooExpensive(_))));
    }

    #[test]
    fn protobuf_entities_are_named_by_the_messages_around_them() {
        use EntityType::{Field, Record};
        let text =
            "syntax = \"proto3\"; package p; message A { message B { string b = 1; } B a = 1; }";
        let limits = Limits::default();
        let added = [tags("A.B", Record, &["R"]), tags("A.B.b", Field, &["PII", "X"])];
        let removed = [tags("A.B.b", Field, &["X"])];
        let text = change(SchemaType::Protobuf, text, &added, &removed, &limits);
        let text = text.expect("all are there");
        assert!(text.contains("message_meta") && text.contains("\"R\""), "{text}");
        assert!(text.contains("\"PII\"") && !text.contains("\"X\""), "{text}");
        tidegate_schema::Schema::parse(SchemaType::Protobuf, &text, &[], &limits)
            .expect("the options that were written can be read");
        let missing = [tags("p.A", Record, &["R"])];
        assert!(change(SchemaType::Protobuf, &text, &missing, &[], &limits).is_err());
    }

    #[test]
    fn json_entities_are_named_by_the_way_to_them() {
        use EntityType::{Field, Record};
        let json = r#"{"properties":{"a":{"items":{"properties":{"b.c":{"allOf":[{"type":"object"}]}}}}}}"#;
        let added = [
            tags("object", Record, &["R"]),
            tags("object.a", Field, &["A"]),
            tags("object.a.array.object.b.c", Field, &["B"]),
            tags("object.a.array.object.b.c.allof.0.object", Record, &["C"]),
        ];
        let text =
            change(SchemaType::Json, json, &added, &[], &Limits::default()).expect("all are there");
        let expected = r#"{"properties":{"a":{"items":{"properties":{"b.c":{"allOf":[{"type":"object","confluent:tags":["C"]}],"confluent:tags":["B"]}}},"confluent:tags":["A"]}},"confluent:tags":["R"]}"#;
        let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("it is JSON");
        assert_eq!(parsed(&text), parsed(expected));
        for path in ["array", "object.x", "object.a.anyof.0", "x", "", "object.a.allof"] {
            let changes = [tags(path, Field, &["A"])];
            assert!(
                change(SchemaType::Json, json, &changes, &[], &Limits::default()).is_err(),
                "{path}"
            );
        }
    }
}
