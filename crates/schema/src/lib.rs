//! Schemas as a registry sees them: read, printed in one canonical form, and compared.
//!
//! Pure: no clock, no chance, no storage, no HTTP. A schema is text and the texts it refers to; what
//! comes out is another text, or the list of reasons why two schemas do not go together. The rules and
//! the words are those of Confluent's Schema Registry, which clients and build plugins compare with.
//!
//! Each of the three languages is a module with the same five verbs (`parse`, `canonical`,
//! `normalized`, `formatted`, `incompatibilities`); [`Schema`] is one of the three.

pub mod avro;
mod incompatibility;
pub mod json;
mod limits;
mod ordered;
pub mod protobuf;
mod reference;

pub use incompatibility::{Incompatibility, Policy};
pub use limits::{Limits, Work};
pub use reference::Reference;

/// The language of a schema, as `schemaType` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SchemaType {
    /// Apache Avro, the default where a request or a record names none.
    Avro,
    /// JSON Schema, drafts 4 to 2020-12.
    Json,
    /// Protocol Buffers, proto2 and proto3.
    Protobuf,
}

impl SchemaType {
    /// All of them, in the order in which `GET /schemas/types` lists them.
    pub const ALL: [SchemaType; 3] = [SchemaType::Json, SchemaType::Protobuf, SchemaType::Avro];

    /// `AVRO`, `JSON` or `PROTOBUF`.
    pub fn name(self) -> &'static str {
        match self {
            SchemaType::Avro => "AVRO",
            SchemaType::Json => "JSON",
            SchemaType::Protobuf => "PROTOBUF",
        }
    }

    /// The type of that name, whatever the case of its letters.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// Why a text is no schema, or why two schemas were not compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The text is not a schema of its language. The message is for the person who wrote it.
    #[error("{0}")]
    Invalid(String),
    /// Reading or comparing would cost more than [`Limits`] allow.
    #[error("the schema is too large or too deeply nested: {0}")]
    TooExpensive(String),
}

/// A schema that has been read, in one of the three languages.
#[derive(Debug, Clone)]
pub enum Schema {
    /// Avro.
    Avro(avro::AvroSchema),
    /// JSON Schema.
    Json(json::JsonSchema),
    /// Protobuf.
    Protobuf(protobuf::ProtobufSchema),
}

impl Schema {
    /// Reads `text` with all that it refers to, dependencies first.
    ///
    /// # Errors
    /// [`SchemaError::Invalid`] with a sentence on what is wrong and where, [`SchemaError::TooExpensive`].
    pub fn parse(
        kind: SchemaType,
        text: &str,
        references: &[Reference<'_>],
        limits: &Limits,
    ) -> Result<Self, SchemaError> {
        Ok(match kind {
            SchemaType::Avro => Schema::Avro(avro::AvroSchema::parse(text, references, limits)?),
            SchemaType::Json => Schema::Json(json::JsonSchema::parse(text, references, limits)?),
            SchemaType::Protobuf => {
                Schema::Protobuf(protobuf::ProtobufSchema::parse(text, references, limits)?)
            }
        })
    }

    /// Refuses what only a new schema is refused for, and one that is stored already is not.
    ///
    /// # Errors
    /// As [`Schema::parse`].
    pub fn check_new(&self) -> Result<(), SchemaError> {
        match self {
            Schema::Avro(schema) => schema.check_new(),
            Schema::Json(_) | Schema::Protobuf(_) => Ok(()),
        }
    }

    /// The language it is written in.
    pub fn kind(&self) -> SchemaType {
        match self {
            Schema::Avro(_) => SchemaType::Avro,
            Schema::Json(_) => SchemaType::Json,
            Schema::Protobuf(_) => SchemaType::Protobuf,
        }
    }

    /// The text that is stored and served: one form for what differs in white space only.
    pub fn canonical(&self) -> String {
        match self {
            Schema::Avro(schema) => schema.canonical(),
            Schema::Json(schema) => schema.canonical(),
            Schema::Protobuf(schema) => schema.canonical(),
        }
    }

    /// The text that is stored with `normalize=true`: one form for what means the same.
    pub fn normalized(&self) -> String {
        match self {
            Schema::Avro(schema) => schema.normalized(),
            Schema::Json(schema) => schema.normalized(),
            Schema::Protobuf(schema) => schema.normalized(),
        }
    }

    /// The text in one of the forms that `?format=` asks for (`resolved`, `serialized`,
    /// `ignore_extensions`); a form that the language does not know gives the canonical text.
    pub fn formatted(&self, format: &str) -> String {
        match self {
            Schema::Avro(schema) => schema.formatted(format),
            Schema::Json(schema) => schema.formatted(format),
            Schema::Protobuf(schema) => schema.formatted(format),
        }
    }

    /// Why a reader with `self` cannot read everything that `writer` allows; empty if it can.
    ///
    /// # Errors
    /// [`SchemaError::TooExpensive`] when `limits` do not suffice to tell.
    pub fn incompatibilities(
        &self,
        writer: &Schema,
        policy: Policy,
        limits: &Limits,
    ) -> Result<Vec<Incompatibility>, SchemaError> {
        match (self, writer) {
            (Schema::Avro(reader), Schema::Avro(writer)) => {
                reader.incompatibilities(writer, limits)
            }
            (Schema::Json(reader), Schema::Json(writer)) => {
                reader.incompatibilities(writer, policy, limits)
            }
            (Schema::Protobuf(reader), Schema::Protobuf(writer)) => {
                reader.incompatibilities(writer, limits)
            }
            _ => Ok(vec![Incompatibility::other_language()]),
        }
    }
}
