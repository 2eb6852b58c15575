//! Bodies of answers: a schema as Confluent's registry writes it, of either generation.

use super::inline_tags::SchemaTags;
use crate::settings::Answers;
use serde::Serialize;
use tidegate_machine::schema::{Metadata, RuleSet, SchemaEntity, SchemaReference, SchemaVersion};
use tidegate_schema::SchemaType;

/// A version of a subject (Confluent's `Schema`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaAnswer<'a> {
    subject: &'a str,
    version: i32,
    id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    guid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_type: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    references: &'a [SchemaReference],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a RuleSet>,
    schema: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    schema_tags: &'a [SchemaTags],
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<bool>,
    /// Other names of the subject (`GET /schemas?aliases=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    aliases: Option<&'a [String]>,
}

impl<'a> SchemaAnswer<'a> {
    /// The version with `text`, its own or a formatted one.
    pub fn new(version: &'a SchemaVersion, text: &'a str, answers: Answers) -> Self {
        let entity = &version.schema.entity;
        let is_new = answers == Answers::Eight;
        SchemaAnswer {
            subject: version.subject.as_str(),
            version: version.version,
            id: version.id,
            guid: is_new.then(|| version.schema.guid.to_string()),
            schema_type: type_name(entity.kind, answers),
            references: &entity.references,
            metadata: entity.metadata.as_deref(),
            rule_set: entity.rule_set.as_deref(),
            schema: text,
            schema_tags: &[],
            ts: is_new.then_some(version.ts),
            deleted: is_new.then_some(version.deleted),
            aliases: None,
        }
    }

    /// The same with tags found in its text.
    pub fn with_tags(self, schema_tags: &'a [SchemaTags]) -> Self {
        SchemaAnswer { schema_tags, ..self }
    }

    /// The same with references written otherwise.
    pub fn with_references(self, references: &'a [SchemaReference]) -> Self {
        SchemaAnswer { references, ..self }
    }

    /// The same with the subject's other names.
    pub fn with_aliases(self, aliases: &'a [String]) -> Self {
        SchemaAnswer { aliases: Some(aliases), ..self }
    }
}

/// A schema by its id or guid (Confluent's `SchemaString`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StringAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
    /// Python's serializers take their id from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_type: Option<&'static str>,
    schema: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    references: &'a [SchemaReference],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a RuleSet>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    schema_tags: &'a [SchemaTags],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<bool>,
}

impl<'a> StringAnswer<'a> {
    /// The schema of that version with `text`. Where a request named a subject, the answer does too.
    pub fn new(
        version: &'a SchemaVersion,
        text: &'a str,
        names_subject: bool,
        max_id: Option<i32>,
        answers: Answers,
    ) -> Self {
        let entity = &version.schema.entity;
        let is_new = answers == Answers::Eight;
        StringAnswer {
            subject: (is_new && names_subject).then(|| version.subject.as_str()),
            version: (is_new && names_subject).then_some(version.version),
            id: (is_new && names_subject).then_some(version.id),
            guid: is_new.then(|| version.schema.guid.to_string()),
            schema_type: type_name(entity.kind, answers),
            schema: text,
            references: &entity.references,
            metadata: entity.metadata.as_deref(),
            rule_set: entity.rule_set.as_deref(),
            schema_tags: &[],
            max_id,
            ts: is_new.then_some(version.ts),
            deleted: is_new.then_some(version.deleted),
        }
    }
}

impl<'a> StringAnswer<'a> {
    /// The same with tags found in its text.
    pub fn with_tags(self, schema_tags: &'a [SchemaTags]) -> Self {
        StringAnswer { schema_tags, ..self }
    }
}

/// What a registration came to (Confluent's `RegisterSchemaResponse`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredAnswer<'a> {
    id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_type: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    references: &'a [SchemaReference],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a RuleSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a str>,
}

impl<'a> RegisteredAnswer<'a> {
    /// The answer with `text`. Before Confluent 8 it was the id alone, and all of it only where the
    /// registry had changed what it was given.
    pub fn new(
        version: &'a SchemaVersion,
        text: &'a str,
        was_changed: bool,
        answers: Answers,
    ) -> Self {
        let entity: &SchemaEntity = &version.schema.entity;
        let is_new = answers == Answers::Eight;
        let is_whole = is_new || was_changed;
        RegisteredAnswer {
            id: version.id,
            version: is_whole.then_some(version.version),
            guid: is_new.then(|| version.schema.guid.to_string()),
            schema_type: type_name(entity.kind, answers).filter(|_| is_whole),
            references: if is_whole { &entity.references } else { &[] },
            metadata: entity.metadata.as_deref().filter(|_| is_whole),
            rule_set: entity.rule_set.as_deref().filter(|_| is_whole),
            schema: is_whole.then_some(text),
        }
    }
}

/// Before Confluent 8, AVRO was not named.
fn type_name(kind: SchemaType, answers: Answers) -> Option<&'static str> {
    (answers == Answers::Eight || kind != SchemaType::Avro).then(|| kind.name())
}
