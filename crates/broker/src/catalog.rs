//! The catalog's shard: topics, their settings, client quotas and producer ids, in
//! `__cluster_metadata`.

use crate::broker::{CreateTopic, CreatedTopic, DeleteTopic, Refusal};
use crate::clock::Clock;
use crate::config::{ConfigRules, CurrentSettings, TopicSettings};
use crate::groups::CONSUMER_OFFSETS;
use crate::partition::Partition;
use crate::shard::{LogRecord, Pending, Shard};
use crate::timers::Timers;
use crate::topics::Topic;
use bytes::Bytes;
use parking_lot::Mutex as SyncMutex;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use tidegate_log::{LogError, LogStore};
use tidegate_machine::catalog::{
    AlterConfigs, AlterQuotas, CatalogMachine, Command, ConfigResource, ConfigResourceType,
    Configs, CreatePartitions, CreateTopics, Failure, NewTopic, QuotaEntity, Quotas, Record, Reply,
    Settings, TopicMeta, TopicRef, validate_topic_name,
};
use tidegate_model::{ErrorCode, ProducerId, TopicId, TopicIdPartition};
use tokio::sync::Mutex;
use uuid::Uuid;

impl LogRecord for Record {
    fn encode(&self) -> (Option<Bytes>, Option<Bytes>) {
        Record::encode(self)
    }

    fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, String> {
        Record::decode(key, value).map_err(|error| error.to_string())
    }
}

/// The catalog as a coordinator, with the block of producer ids that is being given out.
pub struct Catalog {
    shard: Arc<Shard<CatalogMachine>>,
    settings: CurrentSettings,
    node_id: i32,
    producer_ids: SyncMutex<Range<ProducerId>>,
    /// One block is fetched at a time.
    fetching_block: Mutex<()>,
}

/// A topic's place in the catalog, with its own settings.
pub struct CataloguedTopic {
    meta: Arc<TopicMeta>,
    configs: Arc<Configs>,
}

/// Creations that are decided and not yet durable.
pub struct PendingCreations(Pending<Reply>);

/// Changes that are decided and not yet durable.
pub struct PendingChanges {
    pending: Pending<Reply>,
    count: usize,
}

/// A deletion that is decided and not yet durable.
pub struct PendingDeletion(Pending<Reply>);

/// An alteration of quotas that is decided and not yet durable.
pub struct PendingQuotas(Pending<Reply>);

/// Kafka's rules for a topic's name, with a sentence about what is wrong.
pub fn check_topic_name(name: &str) -> Result<(), String> {
    validate_topic_name(name)
}

impl Catalog {
    /// Folds `__cluster_metadata`.
    pub async fn load(
        store: &dyn LogStore,
        clock: Clock,
        timers: Arc<Timers>,
        settings: CurrentSettings,
        node_id: i32,
    ) -> Result<Self, LogError> {
        let partition = Partition::open(store, TopicIdPartition::METADATA, 0).await?;
        let started_with = settings.load();
        let machine_settings = Settings {
            node_id,
            num_partitions: started_with.num_partitions(),
            default_replication_factor: started_with.default_replication_factor() as i16,
            ..Settings::default()
        };
        let rules = Arc::new(ConfigRules::new(settings.clone(), node_id));
        let fresh = move || CatalogMachine::new(machine_settings.clone(), rules.clone());
        let shard = Shard::load(partition, clock, timers, fresh, Box::new(|()| {})).await?;
        Ok(Catalog {
            shard,
            settings,
            node_id,
            producer_ids: SyncMutex::new(0..0),
            fetching_block: Mutex::new(()),
        })
    }

    /// The log of `__cluster_metadata`.
    pub fn partition(&self) -> &Arc<Partition> {
        self.shard.partition()
    }

    /// All topics in name order.
    pub fn topics(&self) -> Result<Vec<CataloguedTopic>, LogError> {
        self.look(|machine| {
            let catalog = machine.catalog();
            catalog.topics().map(|meta| catalogued(machine, meta)).collect()
        })
    }

    /// The topic of that id, once all that is told of it is durable.
    pub async fn durable_topic(&self, id: TopicId) -> Result<Option<CataloguedTopic>, LogError> {
        let look = |machine: &CatalogMachine| {
            machine.catalog().topic_by_id(id).map(|meta| catalogued(machine, meta))
        };
        let seen = self.shard.read(|machine, _| look(machine));
        let (topic, commit) = seen.map_err(|error| LogError::Unavailable(error.to_string()))?;
        commit.await?;
        Ok(topic)
    }

    /// What was configured for a resource.
    pub fn configs(&self, resource: &ConfigResource) -> Result<Arc<Configs>, LogError> {
        self.look(|machine| machine.catalog().configs(resource).cloned().unwrap_or_default())
    }

    /// What was configured for this node and for all nodes, once it is durable.
    pub async fn durable_node_configs(&self) -> Result<(Arc<Configs>, Arc<Configs>), LogError> {
        let resources = [ConfigResource::broker(Some(self.node_id)), ConfigResource::broker(None)];
        let seen = self.shard.read(|machine, _| {
            resources.map(|resource| machine.catalog().configs(&resource).cloned())
        });
        let ([node, cluster], commit) =
            seen.map_err(|error| LogError::Unavailable(error.to_string()))?;
        commit.await?;
        Ok((node.unwrap_or_default(), cluster.unwrap_or_default()))
    }

    /// The names of all resources of that kind for which something was configured.
    pub fn configured(&self, kind: ConfigResourceType) -> Result<Vec<String>, LogError> {
        self.look(|machine| {
            let configured = machine.catalog().configured();
            let of_kind = configured.filter(|(resource, _)| resource.kind == kind);
            of_kind.map(|(resource, _)| resource.name.clone()).collect()
        })
    }

    fn look<T>(&self, look: impl FnOnce(&CatalogMachine) -> T) -> Result<T, LogError> {
        let seen = self.shard.read(|machine, _| look(machine));
        seen.map(|(seen, _)| seen).map_err(|error| LogError::Unavailable(error.to_string()))
    }

    /// A snapshot of a topic: with the partitions of `before`, and with the others opened.
    pub async fn open_topic(
        &self,
        store: &dyn LogStore,
        topic: &CataloguedTopic,
        before: Option<&Topic>,
    ) -> Result<Arc<Topic>, LogError> {
        let meta = &topic.meta;
        let mut partitions = before.map_or_else(Vec::new, |topic| topic.partitions.clone());
        for (index, partition) in meta.partitions.iter().enumerate().skip(partitions.len()) {
            let id = TopicIdPartition::new(meta.topic_id, index as i32);
            partitions.push(Partition::open(store, id, partition.leader_epoch).await?);
        }
        Ok(Arc::new(Topic {
            name: meta.name.clone(),
            id: meta.topic_id,
            internal: *meta.name == *CONSUMER_OFFSETS,
            settings: TopicSettings::of(&topic.configs, &self.settings.load()),
            configs: topic.configs.clone(),
            partitions,
        }))
    }

    /// Decides on creations.
    pub fn create(&self, wanted: Vec<CreateTopic>, validate_only: bool) -> PendingCreations {
        let topics = wanted.into_iter().map(new_topic).collect();
        let command = CreateTopics { topics, validate_only };
        PendingCreations(self.shard.submit(Command::CreateTopics(command)))
    }

    /// How many partitions each of these topics would have; `None` for those that cannot be
    /// created. Nothing at all if the catalog cannot be read.
    pub fn partitions_to_create(&self, wanted: &[CreateTopic]) -> Vec<Option<usize>> {
        let topics = wanted.iter().cloned().map(new_topic).collect();
        let request = CreateTopics { topics, validate_only: true };
        self.look(|machine| machine.partitions_to_create(request)).unwrap_or_default()
    }

    /// How many partitions each of these topics would get; `None` for those that cannot get any.
    /// Nothing at all if the catalog cannot be read.
    pub fn partitions_to_add(&self, request: &CreatePartitions) -> Vec<Option<usize>> {
        self.look(|machine| machine.partitions_to_add(request)).unwrap_or_default()
    }

    /// Decides on partitions to add.
    pub fn create_partitions(&self, request: CreatePartitions) -> PendingChanges {
        let count = request.topics.len();
        let pending = self.shard.submit(Command::CreatePartitions(request));
        PendingChanges { pending, count }
    }

    /// Decides on changes of configs.
    pub fn alter_configs(&self, request: AlterConfigs) -> PendingChanges {
        let count = request.resources.len();
        let pending = self.shard.submit(Command::AlterConfigs(request));
        PendingChanges { pending, count }
    }

    /// Decides on a deletion.
    pub fn delete(&self, which: DeleteTopic) -> PendingDeletion {
        let topic = match which {
            DeleteTopic::Name(name) => TopicRef::Name(name),
            DeleteTopic::Id(id) => TopicRef::Id(id),
        };
        PendingDeletion(self.shard.submit(Command::DeleteTopics { topics: vec![topic] }))
    }

    /// Decides on an alteration of client quotas.
    pub fn alter_quotas(&self, request: AlterQuotas) -> PendingQuotas {
        PendingQuotas(self.shard.submit(Command::AlterQuotas(request)))
    }

    /// All client quotas.
    pub fn quotas(&self) -> Result<BTreeMap<QuotaEntity, Quotas>, LogError> {
        self.look(|machine| machine.catalog().quotas().clone())
    }

    /// A producer id from the current block, or from a new one once that is durable.
    pub async fn fresh_producer_id(&self) -> Result<ProducerId, ErrorCode> {
        if let Some(id) = self.producer_ids.lock().next() {
            return Ok(id);
        }
        let _one = self.fetching_block.lock().await;
        if let Some(id) = self.producer_ids.lock().next() {
            return Ok(id);
        }
        let command = Command::AllocateProducerIds { broker_id: self.node_id };
        match self.shard.submit(command).wait().await? {
            Reply::AllocateProducerIds(block) if !block.error.is_error() => {
                let mut ids = self.producer_ids.lock();
                *ids = block.first..block.first + i64::from(block.len);
                ids.next().ok_or(ErrorCode::UnknownServerError)
            }
            Reply::AllocateProducerIds(block) => Err(block.error),
            _ => Err(ErrorCode::UnknownServerError),
        }
    }
}

impl PendingCreations {
    /// Waits until the decisions are durable; they are in the order of what was wanted.
    pub async fn wait(self) -> Result<Vec<Result<CreatedTopic, Refusal>>, Refusal> {
        let reply = self.0.wait().await.map_err(unavailable)?;
        let Reply::CreateTopics(created) = reply else { return Err(unexpected()) };
        let told = created.into_iter().map(|created| {
            check(created.failure)?;
            Ok(CreatedTopic {
                id: created.topic_id,
                partitions: created.partitions,
                replication_factor: created.replication_factor,
                configs: created.configs,
            })
        });
        Ok(told.collect())
    }
}

impl PendingChanges {
    /// Waits until the decisions are durable; they are in the order of what was asked.
    pub async fn wait(self) -> Vec<Failure> {
        let refused = match self.pending.wait().await {
            Ok(Reply::CreatePartitions(failures) | Reply::AlterConfigs(failures)) => {
                return failures;
            }
            Ok(_) => unexpected(),
            Err(error) => unavailable(error),
        };
        let failure = Failure::new(refused.0, refused.1);
        vec![failure; self.count]
    }
}

impl PendingDeletion {
    /// Waits until the decision is durable; the id of the topic that is gone.
    pub async fn wait(self) -> Result<TopicId, Refusal> {
        let reply = self.0.wait().await.map_err(unavailable)?;
        let Reply::DeleteTopics(deleted) = reply else { return Err(unexpected()) };
        let deleted = deleted.into_iter().next().ok_or_else(unexpected)?;
        check(deleted.failure)?;
        Ok(deleted.topic_id)
    }
}

impl PendingQuotas {
    /// Waits until the decision is durable: what became of each entity.
    pub async fn wait(self) -> Result<Vec<(QuotaEntity, Failure)>, Refusal> {
        match self.0.wait().await.map_err(unavailable)? {
            Reply::AlterQuotas(altered) => Ok(altered),
            _ => Err(unexpected()),
        }
    }
}

fn new_topic(wanted: CreateTopic) -> NewTopic {
    NewTopic {
        name: wanted.name,
        topic_id: TopicId(Uuid::new_v4()),
        partitions: wanted.partitions,
        replication_factor: wanted.replication_factor,
        assignments: wanted.assignments,
        configs: wanted.configs,
    }
}

fn check(failure: Failure) -> Result<(), Refusal> {
    if failure.error.is_error() {
        let message = failure.message.unwrap_or_else(|| failure.error.name().to_owned());
        return Err((failure.error, message));
    }
    Ok(())
}

/// The log takes nothing: for topics that is the storage's error, not a coordinator's.
fn unavailable(_error: ErrorCode) -> Refusal {
    (ErrorCode::KafkaStorageError, "the catalog cannot be written now".to_owned())
}

fn unexpected() -> Refusal {
    (ErrorCode::UnknownServerError, "the catalog gave another answer than was asked for".to_owned())
}

fn catalogued(machine: &CatalogMachine, meta: &Arc<TopicMeta>) -> CataloguedTopic {
    let configs = machine.catalog().topic_configs(&meta.name);
    CataloguedTopic { meta: meta.clone(), configs: configs.cloned().unwrap_or_default() }
}
