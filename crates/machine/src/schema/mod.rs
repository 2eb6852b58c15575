//! The schema registry's state: a fold over partition 0 of `_schemas`, in Confluent's records.
//!
//! ```text
//! Command ──► SchemaMachine::step ──► Record (bytes of `_schemas`) ──► replay ──► Registry
//!                                       ▲ also those that others wrote      │ reads
//! ```
//!
//! The machine keeps and numbers schemas; it never reads one. Whoever registers has parsed the text,
//! has compared it with what is there, and says with a [`Revision`] what "there" was: if that has
//! changed, the step refuses with [`Refusal::Stale`] and the caller looks again.
//!
//! Sources: Confluent Schema Registry (`KafkaSchemaRegistry`, `AbstractSchemaRegistry`,
//! `InMemoryCache`, `KafkaStoreMessageHandler`) as of 8.x.

mod command;
mod config;
mod entity;
mod fold;
mod guid;
mod interner;
mod jackson;
mod machine;
mod metadata;
mod mode;
mod record;
mod registry;
mod subject;

pub use command::{
    Command, Deleted, DeletedSubject, Done, PutConfig, PutMode, Refusal, Register, Registered,
    Reply,
};
pub use config::{CompatibilityLevel, ConfigUpdate, SubjectConfig};
pub use entity::{SchemaEntity, SchemaReference, SchemaVersion, Stored};
pub use guid::{Guid, InvalidGuid};
pub use machine::{SchemaMachine, Settings};
pub use metadata::{Metadata, Rule, RuleKind, RuleMode, RuleSet};
pub use mode::Mode;
pub use record::{DecodeError, Record, SchemaValue};
pub use registry::{Include, Registry, Revision};
pub use subject::{DEFAULT_CONTEXT, GLOBAL_CONTEXT, InvalidContext, QualifiedSubject};

pub use tidegate_schema::SchemaType;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
