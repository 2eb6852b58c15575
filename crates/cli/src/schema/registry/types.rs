//! What a registry keeps, in the names of its REST interface.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The language of a schema where none is named.
pub const AVRO: &str = "AVRO";

/// That a schema refers to a version of a subject, by a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SchemaReference {
    /// The name by which the text refers to it.
    pub name: String,
    /// The subject.
    pub subject: String,
    /// The version in that subject.
    pub version: i32,
}

/// A schema with all that makes it what it is: two of these that are equal have the same id.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// `AVRO`, `JSON`, `PROTOBUF`, or what else a registry may know.
    pub kind: String,
    /// The text.
    pub text: String,
    /// What it refers to itself.
    pub references: Vec<SchemaReference>,
    /// Properties, tags and what is sensitive, if it has any.
    pub metadata: Option<Value>,
    /// Rules, if it has any.
    pub rule_set: Option<Value>,
}

impl Schema {
    /// The body of a request that registers, looks up or checks it. What is as old registries
    /// assume is left out, for they refuse members that they do not know.
    pub fn to_body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        if self.kind != AVRO {
            body.insert("schemaType".to_owned(), self.kind.clone().into());
        }
        if !self.references.is_empty() {
            body.insert("references".to_owned(), json!(self.references));
        }
        if let Some(metadata) = &self.metadata {
            body.insert("metadata".to_owned(), metadata.clone());
        }
        if let Some(rule_set) = &self.rule_set {
            body.insert("ruleSet".to_owned(), rule_set.clone());
        }
        body.insert("schema".to_owned(), self.text.clone().into());
        body
    }
}

/// A schema as one version of a subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// The subject.
    pub subject: String,
    /// The version in it.
    pub version: i32,
    /// The id, which the same schema has in every subject.
    pub id: i32,
    /// The id over all registries; only newer ones tell it.
    pub guid: Option<String>,
    /// The schema.
    pub schema: Schema,
}

/// Every member of an answer that is about a schema.
///
/// One flat structure: `serde(flatten)` cannot read numbers whose digits are kept.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaAnswer {
    subject: Option<String>,
    version: Option<i32>,
    id: Option<i32>,
    guid: Option<String>,
    schema_type: Option<String>,
    references: Option<Vec<SchemaReference>>,
    metadata: Option<Value>,
    rule_set: Option<Value>,
    schema: Option<String>,
}

impl SchemaAnswer {
    /// What no other version has.
    pub fn key(&self) -> String {
        let version = self.version.unwrap_or_default();
        format!("{version} {}", self.subject.as_deref().unwrap_or_default())
    }

    /// The schema alone, with the id over all registries.
    pub fn into_schema(self) -> Option<(Option<String>, Schema)> {
        let schema = Schema {
            kind: self.schema_type.unwrap_or_else(|| AVRO.to_owned()),
            text: self.schema?,
            references: self.references.unwrap_or_default(),
            metadata: self.metadata,
            rule_set: self.rule_set,
        };
        Some((self.guid, schema))
    }

    /// The version that it is about.
    pub fn into_version(self) -> Option<Version> {
        let (subject, version, id) = (self.subject.clone()?, self.version?, self.id?);
        let (guid, schema) = self.into_schema()?;
        Some(Version { subject, version, id, guid, schema })
    }
}

/// A subject and a version of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SubjectVersion {
    /// The subject.
    pub subject: String,
    /// The version.
    pub version: i32,
}

/// What came of registering a schema.
#[derive(Debug, Deserialize)]
pub struct Registered {
    /// The id that it has now, or had already.
    pub id: i32,
    /// The version; only newer registries tell it.
    pub version: Option<i32>,
    /// The id over all registries; only newer ones tell it.
    pub guid: Option<String>,
}

/// What came of a compatibility check.
#[derive(Debug, Deserialize)]
pub struct Checked {
    /// Whether it is compatible.
    pub is_compatible: bool,
    /// Why it is not.
    #[serde(default)]
    pub messages: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_an_old_registry_is_avro_without_references() {
        let answer: SchemaAnswer =
            serde_json::from_str(r#"{"subject":"s","version":1,"id":7,"schema":"\"int\""}"#)
                .expect("it is an answer");
        let version = answer.into_version().expect("it is about a version");
        assert_eq!((version.version, version.id, &*version.schema.kind), (1, 7, AVRO));
        assert_eq!(Value::Object(version.schema.to_body()), json!({"schema": "\"int\""}));
    }

    #[test]
    fn what_a_schema_is_made_of_comes_back_from_its_body() {
        let text = r#"{"schemaType":"JSON","references":[{"name":"n","subject":"s","version":2}],
            "metadata":{"properties":{"a":"1.10"}},"ruleSet":{"domainRules":[]},"schema":"{}"}"#;
        let answer: SchemaAnswer = serde_json::from_str(text).expect("it is an answer");
        let (_, schema) = answer.into_schema().expect("it has a text");
        let body: Value = serde_json::from_str(text).expect("it is JSON");
        assert_eq!(Value::Object(schema.to_body()), body);
    }
}
