//! What callers ask of the registry, and what they are told.

use super::config::{ConfigUpdate, SubjectConfig};
use super::entity::{SchemaEntity, SchemaVersion};
use super::mode::Mode;
use super::registry::Revision;
use super::subject::QualifiedSubject;
use std::sync::Arc;

/// What may change the state.
#[derive(Debug, Clone)]
pub enum Command {
    /// Registers a schema; answered with [`Done::Registered`].
    Register(Box<Register>),
    /// Deletes one version, softly or for good; answered with [`Done::Deleted`].
    DeleteVersion {
        /// The subject.
        subject: QualifiedSubject,
        /// The version; `None` is the latest.
        version: Option<i32>,
        /// Whether its record goes.
        permanent: bool,
    },
    /// Deletes all versions, softly or for good; answered with [`Done::DeletedSubject`].
    DeleteSubject {
        /// The subject.
        subject: QualifiedSubject,
        /// Whether their records go.
        permanent: bool,
    },
    /// Changes a config; answered with [`Done::Config`], the whole new one.
    PutConfig(Box<PutConfig>),
    /// Takes a config away; answered with [`Done::Config`], what it was.
    DeleteConfig {
        /// A subject, a context as a whole, or everything.
        scope: QualifiedSubject,
    },
    /// Sets a mode; answered with [`Done::Mode`], the new one.
    PutMode(PutMode),
    /// Takes a mode away; answered with [`Done::Mode`], what it was.
    DeleteMode {
        /// A subject, a context as a whole, or everything.
        scope: QualifiedSubject,
        /// Those of a context's subjects too.
        recursive: bool,
    },
    /// Takes an empty context away; answered with [`Done::Done`].
    DeleteContext {
        /// The context as a whole.
        context: QualifiedSubject,
    },
}

/// A schema to register, parsed and compared already.
#[derive(Debug, Clone)]
pub struct Register {
    /// The subject.
    pub subject: QualifiedSubject,
    /// The schema in the form in which it is to be kept: canonical or normalized, with metadata and
    /// rules merged from the config and the version before.
    pub entity: SchemaEntity,
    /// The id that it must get. Only where the mode is IMPORT.
    pub id: Option<i32>,
    /// The version that it must get; `None` is the next one, or the one that has the schema already.
    /// `Some(-1)` is the next one unless the latest has the schema.
    pub version: Option<i32>,
    /// What the caller looked at when it compared: [`Registry::revision`](super::Registry::revision).
    /// `None` for a caller that compared with nothing.
    pub checked: Option<Revision>,
}

/// A config to change.
#[derive(Debug, Clone)]
pub struct PutConfig {
    /// A subject, a context as a whole, or everything.
    pub scope: QualifiedSubject,
    /// The change.
    pub update: ConfigUpdate,
}

/// A mode to set.
#[derive(Debug, Clone)]
pub struct PutMode {
    /// A subject, a context as a whole, or everything.
    pub scope: QualifiedSubject,
    /// The mode; `None` takes it away (`{"mode": null}`).
    pub mode: Option<Mode>,
    /// IMPORT even where there are schemas.
    pub force: bool,
}

/// What a command came to.
pub type Reply = Result<Done, Refusal>;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// A schema is registered.
    Registered(Registered),
    /// A version is deleted.
    Deleted(Deleted),
    /// A subject is deleted.
    DeletedSubject(DeletedSubject),
    /// The config that is in force now, or was.
    Config(Arc<SubjectConfig>),
    /// The mode that is in force now, or was.
    Mode(Option<Mode>),
    /// Nothing to tell.
    Done,
}

/// A schema that is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Where, with its id.
    pub version: Arc<SchemaVersion>,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// A version that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// The version.
    pub version: i32,
}

/// A subject that is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedSubject {
    /// The versions that this deleted, rising.
    pub versions: Vec<i32>,
}

/// Why not. Each has one of Confluent's error codes, named first; its message is Confluent's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No code: what the caller compared with has changed. Look again.
    #[error("the subject or its config has changed")]
    Stale,
    /// 40401.
    #[error("Subject '{0}' not found.")]
    SubjectNotFound(QualifiedSubject),
    /// 40402.
    #[error("Version {0} not found.")]
    VersionNotFound(i32),
    /// 40404.
    #[error("Subject '{0}' was soft deleted.Set permanent=true to delete permanently")]
    SubjectSoftDeleted(QualifiedSubject),
    /// 40405.
    #[error("Subject '{0}' was not deleted first before being permanently deleted")]
    SubjectNotSoftDeleted(QualifiedSubject),
    /// 40406.
    #[error(
        "Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete permanently"
    )]
    VersionSoftDeleted {
        /// The subject.
        subject: QualifiedSubject,
        /// The version.
        version: i32,
    },
    /// 40407.
    #[error(
        "Subject '{subject}' Version {version} was not deleted first before being permanently deleted"
    )]
    VersionNotSoftDeleted {
        /// The subject.
        subject: QualifiedSubject,
        /// The version.
        version: i32,
    },
    /// 40408.
    #[error("Subject '{0}' does not have subject-level compatibility configured")]
    ConfigNotFound(QualifiedSubject),
    /// 40409.
    #[error("Subject '{0}' does not have subject-level mode configured")]
    ModeNotFound(QualifiedSubject),
    /// 42201: a version was asked for that is not the next one.
    #[error("Version is not one more than previous version")]
    VersionNotNext,
    /// 42201: it refers to a version that there is not.
    #[error("No schema reference found for subject \"{subject}\" and version {version}")]
    ReferenceNotFound {
        /// The subject referred to.
        subject: QualifiedSubject,
        /// The version referred to.
        version: i32,
    },
    /// 42205: the mode forbids every change.
    #[error("Subject {subject} in context {context} is in read-only mode", context = .subject.context_prefix(), subject = .subject)]
    ReadOnly {
        /// The subject.
        subject: QualifiedSubject,
    },
    /// 42205: an id was asked for where the mode is not IMPORT.
    #[error("Subject {subject} in context {context} is not in import mode", context = .subject.context_prefix(), subject = .subject)]
    NotInImportMode {
        /// The subject.
        subject: QualifiedSubject,
    },
    /// 42205: no id was asked for where the mode is IMPORT.
    #[error("Subject {subject} in context {context} is not in read-write mode", context = .subject.context_prefix(), subject = .subject)]
    NotInReadWriteMode {
        /// The subject.
        subject: QualifiedSubject,
    },
    /// 42205: IMPORT was asked for where there are schemas.
    #[error("Cannot import since found existing subjects")]
    ImportOverSubjects,
    /// 42205: the id belongs to another schema.
    #[error("Overwrite new schema with id {id} in context {context} is not permitted.", context = .context.context_prefix(), id = .id)]
    IdInUse {
        /// The id.
        id: i32,
        /// The context as a whole.
        context: QualifiedSubject,
    },
    /// 42206.
    #[error("One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}.", subject = .subject, version = .version)]
    ReferenceExists {
        /// The subject referred to.
        subject: QualifiedSubject,
        /// The version referred to.
        version: i32,
    },
    /// 42209: a record would be larger than the log takes.
    #[error("Write failed because schema is too large")]
    TooLarge,
    /// 42211.
    #[error("The specified context '{0}' is not empty.")]
    ContextNotEmpty(QualifiedSubject),
    /// 42201: all ids of the context are taken.
    #[error("no id is left in the context")]
    IdsExhausted,
    /// 42201: the highest version of the subject is the highest that there can be.
    #[error("no version is left in the subject")]
    VersionsExhausted,
}
