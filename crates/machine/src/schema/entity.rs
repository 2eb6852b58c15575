//! What is kept of a schema, and where it is registered.

use super::guid::Guid;
use super::metadata::{Metadata, RuleSet};
use super::subject::QualifiedSubject;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tidegate_model::{Offset, TimestampMs};
use tidegate_schema::SchemaType;

/// A reference as a schema names it. Serializes in Confluent's field order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SchemaReference {
    /// The name under which the text refers to it.
    pub name: String,
    /// The subject, in the context of the schema that names it unless it names a context itself.
    pub subject: String,
    /// The version.
    pub version: i32,
}

/// A schema without a place: what a guid is computed of. The text is the canonical or normalized one.
///
/// Cheap to clone as long as there are no references, metadata or rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaEntity {
    /// The language.
    pub kind: SchemaType,
    /// The text.
    pub text: Arc<str>,
    /// What it refers to, directly.
    pub references: Box<[SchemaReference]>,
    /// Its metadata.
    pub metadata: Option<Box<Metadata>>,
    /// Its rules.
    pub rule_set: Option<Box<RuleSet>>,
}

impl SchemaEntity {
    /// A schema that is its text and nothing else.
    pub fn of_text(kind: SchemaType, text: impl Into<Arc<str>>) -> Self {
        SchemaEntity {
            kind,
            text: text.into(),
            references: Box::default(),
            metadata: None,
            rule_set: None,
        }
    }

    /// The guid: the same for the same schema in every registry.
    pub fn guid(&self) -> Guid {
        Guid::of(self)
    }
}

/// A schema that is kept once, however many subjects have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The schema.
    pub entity: SchemaEntity,
    /// Its guid.
    pub guid: Guid,
    /// Whether the record names the guid as `md5`: metadata that is encrypted cannot be hashed again.
    pub(super) has_md5: bool,
}

/// One version of a subject. A snapshot: whoever holds it goes on with what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaVersion {
    /// The subject.
    pub subject: QualifiedSubject,
    /// The version.
    pub version: i32,
    /// The id, unique within the subject's context.
    pub id: i32,
    /// Whether it is softly deleted.
    pub deleted: bool,
    /// The time stamp of its record.
    pub ts: TimestampMs,
    /// The offset of the newest record about it; -1 in the answer to its registration.
    pub offset: Offset,
    /// The schema.
    pub schema: Arc<Stored>,
}
