//! The schema registry on its topic: one shard over partition 0 of `_schemas`.
//!
//! The topic is made by the first write; until then the registry is empty. Others may write to it
//! too, and what they were acknowledged is seen by every read that begins afterwards.

use crate::broker::Broker;
use std::sync::Arc;
use thiserror::Error;
use tidegate_machine::schema::{
    Command, ConfigUpdate, Deleted, DeletedSubject, Done, Mode, PutConfig, PutMode,
    QualifiedSubject, Refusal, Register, Registered, Registry, Settings, SubjectConfig,
};

/// How the registry is run.
#[derive(Debug, Clone)]
pub struct SchemasSettings {
    /// The topic (`kafkastore.topic`).
    pub topic: String,
    /// Write even if another registry leads (`--registry-takeover`).
    pub takeover: bool,
    /// What the registry's state is told.
    pub registry: Settings,
}

impl Default for SchemasSettings {
    fn default() -> Self {
        let (topic, takeover) = ("_schemas".to_owned(), false);
        SchemasSettings { topic, takeover, registry: Settings::default() }
    }
}

/// Why the registry did not do it.
#[derive(Debug, Clone, Error)]
pub enum SchemasError {
    /// The state forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another registry leads the group of that name: it writes, this one reads. 50003 or 50004.
    #[error(
        "another schema registry ({members}) leads the group '{group_id}' of the topic '{topic}', so \
         this one is read-only; stop it, or start the gateway with --registry-takeover"
    )]
    OtherLeader {
        /// The group.
        group_id: String,
        /// Who is in it, as their clients name themselves.
        members: String,
        /// The topic.
        topic: String,
    },
    /// A record is larger than the topic takes. 42209.
    #[error("Write failed because schema is too large")]
    TooLarge,
    /// The topic is not one that a registry can be kept in. 50001.
    #[error("{0}")]
    Topic(String),
    /// The log takes or gives nothing now. 50001.
    #[error("the log of the schemas is not available: {0}")]
    Unavailable(String),
}

/// What metrics tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SchemasFigures {
    /// Subjects with a live version.
    pub subjects: usize,
    /// Versions, deleted ones too.
    pub versions: usize,
    /// Schemas that differ.
    pub schemas: usize,
    /// Records that were skipped: damaged, of an unknown kind, or against what others say.
    pub skipped_records: u64,
}

/// The registry.
pub struct Schemas {
    broker: Arc<Broker>,
    settings: SchemasSettings,
}

impl Schemas {
    /// Loads what the topic holds, if there is one.
    ///
    /// # Errors
    /// [`SchemasError::Topic`] for a topic with more than one partition or that is not compacted,
    /// [`SchemasError::Unavailable`] if its log cannot be read.
    pub async fn open(
        broker: Arc<Broker>,
        settings: SchemasSettings,
    ) -> Result<Arc<Self>, SchemasError> {
        Ok(Arc::new(Schemas { broker, settings }))
    }

    /// The broker it is on.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    /// The settings.
    pub fn settings(&self) -> &SchemasSettings {
        &self.settings
    }

    /// Takes one command; the answer comes when what it stands on is durable.
    pub async fn submit(&self, command: Command) -> Result<Done, SchemasError> {
        let _ = command;
        Err(SchemasError::Unavailable("not there yet".to_owned()))
    }

    /// Looks at the state. What is seen is durable, and everything that was acknowledged to anybody
    /// before the call is in it. `look` holds a lock: it clones what it wants, and does no work.
    pub async fn read<T>(&self, look: impl FnOnce(&Registry) -> T) -> Result<T, SchemasError> {
        Ok(look(&Registry::new(self.settings.registry.compatibility_level)))
    }

    /// Figures for metrics, of what is loaded.
    pub fn figures(&self) -> SchemasFigures {
        SchemasFigures::default()
    }

    /// Registers a schema.
    pub async fn register(&self, register: Register) -> Result<Registered, SchemasError> {
        match self.submit(Command::Register(Box::new(register))).await? {
            Done::Registered(registered) => Ok(registered),
            other => unreachable!("a registration is not answered with {other:?}"),
        }
    }

    /// Deletes a version, the latest if it is `None`.
    pub async fn delete_version(
        &self,
        subject: QualifiedSubject,
        version: Option<i32>,
        permanent: bool,
    ) -> Result<Deleted, SchemasError> {
        match self.submit(Command::DeleteVersion { subject, version, permanent }).await? {
            Done::Deleted(deleted) => Ok(deleted),
            other => unreachable!("a deletion is not answered with {other:?}"),
        }
    }

    /// Deletes a subject.
    pub async fn delete_subject(
        &self,
        subject: QualifiedSubject,
        permanent: bool,
    ) -> Result<DeletedSubject, SchemasError> {
        match self.submit(Command::DeleteSubject { subject, permanent }).await? {
            Done::DeletedSubject(deleted) => Ok(deleted),
            other => unreachable!("a deletion is not answered with {other:?}"),
        }
    }

    /// Changes a config; returns the whole new one.
    pub async fn put_config(
        &self,
        scope: QualifiedSubject,
        update: ConfigUpdate,
    ) -> Result<Arc<SubjectConfig>, SchemasError> {
        let command = Command::PutConfig(Box::new(PutConfig { scope, update }));
        self.config(command).await
    }

    /// Takes a config away; returns what it was.
    pub async fn delete_config(
        &self,
        scope: QualifiedSubject,
    ) -> Result<Arc<SubjectConfig>, SchemasError> {
        self.config(Command::DeleteConfig { scope }).await
    }

    /// Sets a mode; returns the new one.
    pub async fn put_mode(&self, put: PutMode) -> Result<Option<Mode>, SchemasError> {
        self.mode(Command::PutMode(put)).await
    }

    /// Takes a mode away; returns what it was.
    pub async fn delete_mode(
        &self,
        scope: QualifiedSubject,
        recursive: bool,
    ) -> Result<Option<Mode>, SchemasError> {
        self.mode(Command::DeleteMode { scope, recursive }).await
    }

    /// Takes an empty context away.
    pub async fn delete_context(&self, context: QualifiedSubject) -> Result<(), SchemasError> {
        self.submit(Command::DeleteContext { context }).await.map(|_| ())
    }

    async fn config(&self, command: Command) -> Result<Arc<SubjectConfig>, SchemasError> {
        match self.submit(command).await? {
            Done::Config(config) => Ok(config),
            other => unreachable!("a config is not answered with {other:?}"),
        }
    }

    async fn mode(&self, command: Command) -> Result<Option<Mode>, SchemasError> {
        match self.submit(command).await? {
            Done::Mode(mode) => Ok(mode),
            other => unreachable!("a mode is not answered with {other:?}"),
        }
    }
}
