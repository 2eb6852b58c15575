//! The schema registry on its topic: one shard over partition 0 of `_schemas`.
//!
//! The topic is made by the first write; until then the registry is empty. Others may write to it
//! too, and what they were acknowledged is seen by every read that begins afterwards.

use crate::broker::{Broker, CreateTopic};
use crate::partition::Partition;
use crate::shard::{LogRecord, Shard};
use crate::timers::Timers;
use crate::topics::Topic;
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use parking_lot::Mutex as SyncMutex;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tidegate_log::LogError;
use tidegate_machine::group::GroupMachine;
use tidegate_machine::schema::{
    Command, ConfigUpdate, Deleted, DeletedSubject, Done, Mode, PutConfig, PutMode,
    QualifiedSubject, Record, Refusal, Register, Registered, Registry, Reply, SchemaMachine,
    Settings, SubjectConfig,
};
use tidegate_model::{ErrorCode, Offset, TimestampMs};
use tokio::sync::Mutex;
use tracing::info;

/// The protocol type of the groups in which registries elect their leader.
const REGISTRIES: &str = "sr";

/// How often all groups are searched for those of registries with a name of their own.
const OTHER_GROUPS_INTERVAL_MS: i64 = 1_000;

/// How often a topic that somebody else is creating is looked for, and how long in between.
const OPENING_TRIES: u32 = 100;
const OPENING_PAUSE: Duration = Duration::from_millis(20);

/// How the registry is run.
#[derive(Debug, Clone)]
pub struct SchemasSettings {
    /// The topic (`kafkastore.topic`).
    pub topic: String,
    /// The group in which other registries of the topic elect their leader
    /// (`schema.registry.group.id`). Groups of registries with other names are found, too, within a
    /// second.
    pub group_id: String,
    /// Write even if another registry leads (`--registry-takeover`).
    pub takeover: bool,
    /// What the registry's state is told.
    pub registry: Settings,
}

impl Default for SchemasSettings {
    fn default() -> Self {
        SchemasSettings {
            topic: "_schemas".to_owned(),
            group_id: "schema-registry".to_owned(),
            takeover: false,
            registry: Settings::default(),
        }
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
    /// The shard over the topic that is there now, if it was looked at yet.
    shard: ArcSwapOption<SchemaShard>,
    /// The topic is made once,
    creating: Mutex<()>,
    /// and loaded once.
    attaching: Mutex<()>,
    /// Timers that nobody runs: the machine has none.
    timers: Arc<Timers>,
    others: SyncMutex<OtherGroups>,
}

type SchemaShard = Shard<SchemaMachine>;

/// Groups of registries, looked for among all groups from time to time.
#[derive(Default)]
struct OtherGroups {
    looked_at_ms: Option<TimestampMs>,
    group_ids: Vec<String>,
}

impl LogRecord for Record {
    fn encode(&self) -> (Option<Bytes>, Option<Bytes>) {
        let (key, value) = Record::encode(self);
        (Some(key), value)
    }

    fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, String> {
        Record::decode(key, value).map_err(|error| error.to_string())
    }
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
        let timers = Timers::new(broker.clock().clone());
        let schemas = Arc::new(Schemas {
            broker,
            settings,
            shard: ArcSwapOption::empty(),
            creating: Mutex::new(()),
            attaching: Mutex::new(()),
            timers,
            others: SyncMutex::default(),
        });
        if schemas.shard().await?.is_none() {
            // Worth a line: whoever misses schemas wants to know whether the gateway ever had them.
            info!(target: "tidegate::registry", topic = schemas.settings.topic, "no schemas yet");
        }
        Ok(schemas)
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
        let other = self.other_leader();
        let shard = match self.shard().await? {
            Some(shard) if other.is_none() => shard,
            shard => {
                let (reply, writes) = self.preview(shard, command.clone()).await?;
                if !writes {
                    return Ok(reply?);
                }
                if let Some(other) = other {
                    return Err(other);
                }
                self.create_topic().await?
            }
        };
        let pending = shard.submit_shared(command).await.map_err(refused)?;
        Ok(pending.wait().await.map_err(refused)??)
    }

    /// What a command comes to if it writes nothing.
    async fn preview(
        &self,
        shard: Option<Arc<SchemaShard>>,
        command: Command,
    ) -> Result<(Reply, bool), SchemasError> {
        let now = self.broker.clock().now();
        let Some(shard) = shard else {
            return Ok(SchemaMachine::new(self.settings.registry).preview(now, command));
        };
        let seen = shard.read_shared(|machine| machine.preview(now, command)).await;
        let (previewed, commit) = seen.map_err(refused)?;
        commit.await.map_err(unavailable)?;
        Ok(previewed)
    }

    /// Looks at the state. What is seen is durable, and everything that was acknowledged to anybody
    /// before the call is in it. `look` holds a lock: it clones what it wants, and does no work.
    pub async fn read<T>(&self, look: impl FnOnce(&Registry) -> T) -> Result<T, SchemasError> {
        let Some(shard) = self.shard().await? else {
            return Ok(look(&Registry::new(self.settings.registry.compatibility_level)));
        };
        let seen = shard.read_shared(|machine| look(machine.registry())).await;
        let (seen, commit) = seen.map_err(refused)?;
        commit.await.map_err(unavailable)?;
        Ok(seen)
    }

    /// As [`Schemas::read`], for answers that rest on single versions: `look` tells the highest offset
    /// of what its answer rests on ([`Registry::seen_offset`]), and only that is waited for, not what
    /// others are just registering. `None` waits for all: what is not there may be so because of a
    /// record that is not durable.
    pub async fn read_seen<T>(
        &self,
        look: impl FnOnce(&Registry) -> (T, Option<Offset>),
    ) -> Result<T, SchemasError> {
        let Some(shard) = self.shard().await? else {
            return Ok(look(&Registry::new(self.settings.registry.compatibility_level)).0);
        };
        let seen = shard.read_shared(|machine| look(machine.registry())).await;
        let ((seen, offset), commit) = seen.map_err(refused)?;
        if offset.is_none_or(|offset| offset >= shard.partition().high_watermark()) {
            commit.await.map_err(unavailable)?;
        }
        Ok(seen)
    }

    /// Figures for metrics, of what is loaded.
    pub fn figures(&self) -> SchemasFigures {
        let shard = self.shard.load_full();
        let shard = shard.filter(|shard| !shard.partition().is_deleted());
        let figures = |machine: &SchemaMachine| {
            let registry = machine.registry();
            SchemasFigures {
                subjects: registry.subject_count(),
                versions: registry.version_count(),
                schemas: registry.schema_count(),
                skipped_records: registry.skipped_records(),
            }
        };
        shard.map_or(SchemasFigures::default(), |shard| shard.glance(figures))
    }

    /// The shard over the topic, folded now if the topic is new here; `None` without a topic.
    async fn shard(&self) -> Result<Option<Arc<SchemaShard>>, SchemasError> {
        let attached = || {
            let shard = self.shard.load_full();
            shard.filter(|shard| !shard.partition().is_deleted())
        };
        if let Some(shard) = attached() {
            return Ok(Some(shard));
        }
        let topic = || self.broker.topics().by_name(&self.settings.topic);
        if topic().is_none() && self.shard.load().is_none() {
            return Ok(None);
        }
        let _one = self.attaching.lock().await;
        if let Some(shard) = attached() {
            return Ok(Some(shard));
        }
        // What was folded of a topic that is gone is not kept.
        self.shard.store(None);
        let Some(topic) = topic() else { return Ok(None) };
        let partition = check_topic(&topic)?.clone();
        let settings = self.settings.registry;
        let fresh = move || SchemaMachine::new(settings);
        let (clock, timers) = (self.broker.clock().clone(), self.timers.clone());
        let shard = Shard::load_shared(partition, clock, timers, fresh).await;
        let shard = shard.map_err(unavailable)?;
        self.shard.store(Some(shard.clone()));
        let SchemasFigures { subjects, versions, schemas, skipped_records } = self.figures();
        info!(target: "tidegate::registry", topic = &*topic.name, subjects, versions, schemas, skipped_records, "schemas loaded");
        Ok(Some(shard))
    }

    async fn create_topic(&self) -> Result<Arc<SchemaShard>, SchemasError> {
        let _one = self.creating.lock().await;
        if let Some(shard) = self.shard().await? {
            return Ok(shard);
        }
        let wanted = CreateTopic {
            name: self.settings.topic.clone(),
            partitions: 1,
            replication_factor: 1,
            assignments: Vec::new(),
            configs: vec![("cleanup.policy".to_owned(), Some("compact".to_owned()))],
        };
        match self.broker.create_topic(wanted, false).await {
            Ok(_) | Err((ErrorCode::TopicAlreadyExists, _)) => {}
            Err((error, message)) => {
                let name = error.name();
                let message = format!("the topic cannot be created: {name} {message}");
                return Err(SchemasError::Unavailable(message));
            }
        }
        for _ in 0..OPENING_TRIES {
            if let Some(shard) = self.shard().await? {
                return Ok(shard);
            }
            // Somebody else has created it and has not opened it yet.
            tokio::time::sleep(OPENING_PAUSE).await;
        }
        Err(SchemasError::Unavailable("the topic is created and does not open".to_owned()))
    }

    /// The registry that leads, if another one does and this one is not to take over: any group of
    /// registries that has members.
    pub fn other_leader(&self) -> Option<SchemasError> {
        if self.settings.takeover || !self.broker.groups().is_loaded() {
            return None;
        }
        let now_ms = self.broker.clock().steady_ms();
        let mut others = self.others.lock();
        let is_due = others.looked_at_ms.is_none_or(|at| now_ms >= at + OTHER_GROUPS_INTERVAL_MS);
        if is_due {
            others.looked_at_ms = Some(now_ms);
            others.group_ids = self.groups_of_registries();
        }
        let usual = std::iter::once(&self.settings.group_id);
        let group_ids = usual.chain(&others.group_ids);
        group_ids.into_iter().find_map(|group_id| {
            let shard = self.broker.groups().shard(group_id).ok()?;
            let look = |machine: &mut GroupMachine, _| {
                machine.membership().metadata_of(group_id, REGISTRIES)
            };
            let (members, _) = shard.read(look).ok()?;
            if members.is_empty() {
                return None;
            }
            let members: Vec<String> = members.iter().map(|member| address_of(member)).collect();
            Some(SchemasError::OtherLeader {
                group_id: group_id.clone(),
                members: members.join(", "),
                topic: self.settings.topic.clone(),
            })
        })
    }

    fn groups_of_registries(&self) -> Vec<String> {
        let look = |machine: &mut GroupMachine, _| {
            let groups = machine.membership().groups_of_type(REGISTRIES);
            groups.map(str::to_owned).collect::<Vec<_>>()
        };
        let shards = self.broker.groups().shards();
        shards.iter().filter_map(|shard| shard.read(look).ok()).flat_map(|(ids, _)| ids).collect()
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

/// The topic's only partition.
fn check_topic(topic: &Topic) -> Result<&Arc<Partition>, SchemasError> {
    let name = &*topic.name;
    let [partition] = &topic.partitions[..] else {
        return Err(SchemasError::Topic(format!(
            "the topic '{name}' has {} partitions, schemas need a topic with one",
            topic.partitions.len()
        )));
    };
    if !topic.settings.compact || topic.settings.delete {
        return Err(SchemasError::Topic(format!(
            "the topic '{name}' must have cleanup.policy=compact, or schemas would be lost"
        )));
    }
    Ok(partition)
}

fn refused(error: ErrorCode) -> SchemasError {
    match error {
        ErrorCode::MessageTooLarge => SchemasError::TooLarge,
        other => SchemasError::Unavailable(other.name().to_owned()),
    }
}

fn unavailable(error: LogError) -> SchemasError {
    SchemasError::Unavailable(error.to_string())
}

/// Where a registry says that it is: Confluent's and Karapace's members have a JSON object with
/// `scheme`, `host` and `port`.
fn address_of(metadata: &[u8]) -> String {
    let identity: Option<serde_json::Value> = serde_json::from_slice(metadata).ok();
    let address = identity.and_then(|identity| {
        let scheme = identity.get("scheme").and_then(|scheme| scheme.as_str()).unwrap_or("http");
        let (host, port) = (identity.get("host")?.as_str()?, identity.get("port")?.as_u64()?);
        Some(format!("{scheme}://{host}:{port}"))
    });
    address.unwrap_or_else(|| "an address it does not tell".to_owned())
}
