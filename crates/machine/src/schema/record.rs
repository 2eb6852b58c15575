//! The records of `_schemas`, in Confluent's bytes.
//!
//! ```text
//! {"keytype":"NOOP","magic":0}                                     null
//! {"keytype":"SCHEMA","subject":"s","version":1,"magic":1}         {"subject":"s","version":1,"id":1,…,"schema":"…","deleted":false}
//! {"keytype":"CONFIG","subject":"s","magic":0}                     {"subject":"s","compatibilityLevel":"FULL",…}
//! {"keytype":"MODE","subject":"s","magic":0}                       {"subject":"s","mode":"READONLY"}
//! {"keytype":"CONTEXT","tenant":"default","context":".c","magic":0} {"tenant":"default","context":".c"}
//! {"keytype":"DELETE_SUBJECT","subject":"s","magic":0}             {"subject":"s","version":3}
//! {"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}              {"subject":"s"}
//! ```
//!
//! A global config or mode has no `subject`. Compaction compares keys byte by byte, so what is written
//! is exactly what Jackson writes. What is read may come from any release of Confluent's registry or
//! from Karapace: members in any order, null or missing, unknown ones, SCHEMA under magic 0, and an
//! empty value where a tombstone should be null.

use super::config::SubjectConfig;
use super::entity::{SchemaEntity, SchemaReference};
use super::guid::Guid;
use super::jackson;
use super::metadata::{Metadata, RuleSet};
use super::mode::Mode;
use super::subject::QualifiedSubject;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use tidegate_schema::SchemaType;

const TENANT: &str = "default";

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Written by a registry that wants to know how far the topic goes. Says nothing.
    Noop,
    /// A version of a subject, or its end.
    Schema {
        /// The subject.
        subject: QualifiedSubject,
        /// The version.
        version: i32,
        /// What it is; `None` is the tombstone.
        value: Option<SchemaValue>,
    },
    /// A config, or its end.
    Config {
        /// A subject, a context as a whole, or everything.
        scope: QualifiedSubject,
        /// What it is; `None` is the tombstone.
        value: Option<Arc<SubjectConfig>>,
    },
    /// A mode, or its end.
    Mode {
        /// A subject, a context as a whole, or everything.
        scope: QualifiedSubject,
        /// What it is; `None` is the tombstone.
        value: Option<Mode>,
    },
    /// A context that has had a schema, or its end.
    Context {
        /// Its name, `.name`.
        context: String,
        /// False is the tombstone.
        exists: bool,
    },
    /// The versions up to this one are softly deleted. `None` is the tombstone, which says nothing.
    DeleteSubject {
        /// The subject.
        subject: QualifiedSubject,
        /// The highest version.
        version: Option<i32>,
    },
    /// Versions that are softly deleted are gone.
    ClearSubject {
        /// A subject, a context as a whole, or everything.
        scope: QualifiedSubject,
        /// False is the tombstone, which says nothing.
        cleared: bool,
    },
    /// A record that means nothing here, such as an association.
    Other,
    /// A record under another form of its key than ours: to compaction another key, to a registry the
    /// same one. Only SCHEMA, CONFIG and MODE.
    Under {
        /// The bytes of the key.
        key: Bytes,
        /// The record.
        record: Box<Record>,
    },
}

/// A version of a subject as its record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaValue {
    /// The id.
    pub id: i32,
    /// Whether it is softly deleted.
    pub deleted: bool,
    /// The schema.
    pub entity: SchemaEntity,
    /// The guid that the record names, where metadata is encrypted and cannot be hashed.
    pub md5: Option<Guid>,
}

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There is no key.
    #[error("record without a key")]
    NoKey,
    /// The key is not one.
    #[error("key is damaged: {0}")]
    Key(String),
    /// The value is not one.
    #[error("value is damaged: {0}")]
    Value(String),
    /// A kind that nobody knows.
    #[error("keytype {0} is unknown")]
    Unknown(String),
    /// A SCHEMA key of a later form.
    #[error("SCHEMA key with magic {0}")]
    Magic(i64),
}

#[derive(Serialize)]
struct VersionKey<'a> {
    keytype: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    version: i32,
    magic: u8,
}

#[derive(Serialize)]
struct SubjectKey<'a> {
    keytype: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    magic: u8,
}

#[derive(Serialize)]
struct ContextKey<'a> {
    keytype: &'static str,
    tenant: &'static str,
    context: &'a str,
    magic: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SchemaOut<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    version: i32,
    id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5: Option<String>,
    schema_type: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    references: &'a [SchemaReference],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a RuleSet>,
    /// Written even if it is empty, as that of Protobuf's comments alone is.
    schema: &'a str,
    deleted: bool,
}

/// The value of CONFIG, MODE, CLEAR_SUBJECT and DELETE_SUBJECT: the subject and what `value` has.
#[derive(Serialize)]
struct ScopeOut<'a, T> {
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    #[serde(flatten)]
    value: T,
}

#[derive(Serialize)]
struct ModeOut {
    mode: Mode,
}

#[derive(Serialize)]
struct VersionOut {
    version: i32,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct ContextOut<'a> {
    tenant: &'static str,
    context: &'a str,
}

impl Record {
    /// The bytes of key and value.
    pub fn encode(&self) -> (Bytes, Option<Bytes>) {
        (self.encode_key(), self.encode_value())
    }

    /// The bytes of the key.
    pub fn encode_key(&self) -> Bytes {
        let scope = |keytype, scope: &QualifiedSubject| {
            jackson::to_bytes(&SubjectKey { keytype, subject: scope.as_str(), magic: 0 })
        };
        match self {
            Record::Under { key, .. } => key.clone(),
            Record::Noop | Record::Other => scope("NOOP", &QualifiedSubject::everything()),
            Record::Schema { subject, version, .. } => {
                let (subject, version) = (subject.as_str(), *version);
                jackson::to_bytes(&VersionKey { keytype: "SCHEMA", subject, version, magic: 1 })
            }
            Record::Config { scope: of, .. } => scope("CONFIG", of),
            Record::Mode { scope: of, .. } => scope("MODE", of),
            Record::Context { context, .. } => jackson::to_bytes(&ContextKey {
                keytype: "CONTEXT",
                tenant: TENANT,
                context,
                magic: 0,
            }),
            Record::DeleteSubject { subject, .. } => scope("DELETE_SUBJECT", subject),
            Record::ClearSubject { scope: of, .. } => scope("CLEAR_SUBJECT", of),
        }
    }

    /// The bytes of the value, `None` for null.
    pub fn encode_value(&self) -> Option<Bytes> {
        Some(match self {
            Record::Under { record, .. } => return record.encode_value(),
            Record::Noop | Record::Other => return None,
            Record::Schema { subject, version, value } => {
                encode_schema(subject.as_str(), *version, value.as_ref()?)
            }
            Record::Config { scope, value } => {
                let value = &**value.as_ref()?;
                jackson::to_bytes(&ScopeOut { subject: scope.as_str(), value })
            }
            Record::Mode { scope, value } => {
                let value = ModeOut { mode: (*value)? };
                jackson::to_bytes(&ScopeOut { subject: scope.as_str(), value })
            }
            Record::Context { context, exists: true } => {
                jackson::to_bytes(&ContextOut { tenant: TENANT, context })
            }
            Record::DeleteSubject { subject, version } => {
                let value = VersionOut { version: (*version)? };
                jackson::to_bytes(&ScopeOut { subject: subject.as_str(), value })
            }
            Record::ClearSubject { scope, cleared: true } => {
                jackson::to_bytes(&ScopeOut { subject: scope.as_str(), value: Nothing {} })
            }
            Record::Context { exists: false, .. } | Record::ClearSubject { cleared: false, .. } => {
                return None;
            }
        })
    }

    /// Reads a record back, or one that another registry wrote. Kinds that are known and mean nothing
    /// here are [`Record::Other`].
    ///
    /// # Errors
    /// [`DecodeError`] for what cannot be read: skip it.
    pub fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, DecodeError> {
        let bytes = key.ok_or(DecodeError::NoKey)?;
        let key: KeyIn<'_> = object(bytes).map_err(DecodeError::Key)?;
        // Karapace writes an empty value for a tombstone.
        let record = Self::of(key, value.filter(|value| !value.is_empty()))?;
        let has_state =
            matches!(record, Record::Schema { .. } | Record::Config { .. } | Record::Mode { .. });
        if has_state && record.encode_key() != bytes {
            return Ok(Record::Under {
                key: Bytes::copy_from_slice(bytes),
                record: Box::new(record),
            });
        }
        Ok(record)
    }

    fn of(key: KeyIn<'_>, value: Option<&[u8]>) -> Result<Self, DecodeError> {
        let subject = || QualifiedSubject::parse(key.subject.as_deref().unwrap_or_default());
        Ok(match &*key.keytype {
            "NOOP" => Record::Noop,
            "SCHEMA" => {
                if !(0..=1).contains(&key.magic) {
                    return Err(DecodeError::Magic(key.magic));
                }
                let version = key.version.filter(|version| *version >= 1);
                let version = version.ok_or(DecodeError::Key("no version".to_owned()))?;
                let value = value.map(decode_schema).transpose()?;
                Record::Schema { subject: subject(), version, value }
            }
            "CONFIG" => {
                let value = value.map(read::<SubjectConfig>).transpose()?.map(Arc::new);
                Record::Config { scope: subject(), value }
            }
            "MODE" => {
                let mode = value.map(read::<ModeIn>).transpose()?.and_then(|value| value.mode);
                Record::Mode { scope: subject(), value: mode }
            }
            "CONTEXT" if key.tenant.as_deref().unwrap_or(TENANT) == TENANT => {
                let context = key.context.ok_or(DecodeError::Key("no context".to_owned()))?;
                Record::Context { context: context.into_owned(), exists: value.is_some() }
            }
            "DELETE_SUBJECT" => {
                let value = value.map(read::<VersionIn>).transpose()?;
                let version = value.map(|value| value.version);
                Record::DeleteSubject { subject: subject(), version }
            }
            "CLEAR_SUBJECT" => Record::ClearSubject { scope: subject(), cleared: value.is_some() },
            "CONTEXT" | "ASSOC" => Record::Other,
            unknown => return Err(DecodeError::Unknown(unknown.to_owned())),
        })
    }

    /// The tombstone of the same key; `None` for records that leave nothing behind.
    pub(super) fn tombstone(&self) -> Option<Self> {
        Some(match self {
            Record::Schema { subject, version, .. } => {
                Record::Schema { subject: subject.clone(), version: *version, value: None }
            }
            Record::Config { scope, .. } => Record::Config { scope: scope.clone(), value: None },
            Record::Mode { scope, .. } => Record::Mode { scope: scope.clone(), value: None },
            _ => return None,
        })
    }
}

fn encode_schema(subject: &str, version: i32, value: &SchemaValue) -> Bytes {
    let entity = &value.entity;
    jackson::to_bytes(&SchemaOut {
        subject,
        version,
        id: value.id,
        md5: value.md5.map(|guid| BASE64.encode(guid.0)),
        schema_type: entity.kind.name(),
        references: &entity.references,
        metadata: entity.metadata.as_deref(),
        rule_set: entity.rule_set.as_deref(),
        schema: &entity.text,
        deleted: value.deleted,
    })
}

#[derive(Deserialize)]
struct KeyIn<'a> {
    #[serde(borrow)]
    keytype: Cow<'a, str>,
    #[serde(default, borrow)]
    subject: Option<Cow<'a, str>>,
    #[serde(default)]
    version: Option<i32>,
    #[serde(default)]
    magic: i64,
    #[serde(default, borrow)]
    tenant: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    context: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SchemaIn<'a> {
    id: i32,
    #[serde(default, borrow)]
    md5: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    schema_type: Option<Cow<'a, str>>,
    #[serde(default)]
    references: Option<Vec<SchemaReference>>,
    #[serde(default)]
    metadata: Option<Box<Metadata>>,
    #[serde(default)]
    rule_set: Option<Box<RuleSet>>,
    /// Missing where a writer leaves out what is empty.
    #[serde(default, borrow)]
    schema: Cow<'a, str>,
    #[serde(default)]
    deleted: Option<bool>,
}

#[derive(Deserialize)]
struct ModeIn {
    #[serde(default)]
    mode: Option<Mode>,
}

#[derive(Deserialize)]
struct VersionIn {
    version: i32,
}

fn read<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Result<T, DecodeError> {
    object(value).map_err(DecodeError::Value)
}

/// Reads a JSON object. serde would also take an array for the members in their order.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, String> {
    match json.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(json).map_err(|error| error.to_string()),
        _ => Err("it is not a JSON object".to_owned()),
    }
}

fn decode_schema(value: &[u8]) -> Result<SchemaValue, DecodeError> {
    let value: SchemaIn<'_> = read(value)?;
    let kind = match value.schema_type.as_deref() {
        None => SchemaType::Avro,
        Some(name) => SchemaType::of(name)
            .ok_or_else(|| DecodeError::Value(format!("unknown schema type {name}")))?,
    };
    if value.id < 0 {
        return Err(DecodeError::Value("the id is negative".to_owned()));
    }
    let md5 = value.md5.and_then(|text| BASE64.decode(text.as_bytes()).ok());
    let md5 = md5.and_then(|bytes| Some(Guid(bytes.try_into().ok()?)));
    Ok(SchemaValue {
        id: value.id,
        deleted: value.deleted.unwrap_or(false),
        entity: SchemaEntity {
            kind,
            text: value.schema.into(),
            references: value.references.unwrap_or_default().into(),
            metadata: value.metadata,
            rule_set: value.rule_set,
        },
        md5,
    })
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
