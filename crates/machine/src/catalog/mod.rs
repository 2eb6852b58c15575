//! The catalog: topics, configurations, client quotas and producer id blocks, folded from
//! `__cluster_metadata`.
//!
//! Errors and their order are those of Kafka's controller (`ControllerApis`,
//! `ReplicationControlManager`, `ConfigurationControlManager`, `ProducerIdControlManager`) with one
//! node in the cluster, and so are the messages that clients see.

mod command;
mod configs;
mod names;
mod quotas;
mod record;
mod state;
mod topics;

pub use command::{
    AlterConfigs, AlterQuotas, Alteration, Command, ConfigChange, CreatePartitions, CreateTopics,
    CreatedTopic, DeletedTopic, Failure, MorePartitions, NewTopic, ProducerIdBlock,
    QuotaAlteration, Reply, TopicRef,
};
pub use names::{TOPIC_NAME_LEN_MAX, validate_topic_name};
pub use quotas::{CLIENT_ID, IP, QuotaEntity, QuotaValue, Quotas, USER};
pub use record::{ConfigResource, ConfigResourceType, PartitionRecord, Record};
pub use state::{Catalog, Configs, PartitionMeta, TopicMeta};

use crate::machine::{Machine, Now, Outcome, ReplyTo};
use std::sync::Arc;
use tidegate_model::{ErrorCode, ProducerId};

/// Producer ids in one block (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`).
pub const PRODUCER_ID_BLOCK_LEN: i32 = 1_000;

/// The catalog's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `node.id`: the only node, which leads every partition.
    pub node_id: i32,
    /// `num.partitions`: of a topic that does not say. Default 1.
    pub num_partitions: i32,
    /// `default.replication.factor`. Default 1, and there is but one node.
    pub default_replication_factor: i16,
    /// Partitions that one request may create. Kafka's constant: 10000.
    pub max_partitions_per_request: usize,
    /// Records that one request may write: a topic's own, one for each of its partitions and
    /// configs. Kafka's constant (`QuorumController.MAX_RECORDS_PER_USER_OP`): 10000.
    pub max_records_per_request: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            node_id: 1,
            num_partitions: 1,
            default_replication_factor: 1,
            max_partitions_per_request: 10_000,
            max_records_per_request: 10_000,
        }
    }
}

/// Knows which configurations exist and which values they take.
pub trait ConfigRules {
    /// Checks all that would be set for `resource` after a change.
    fn check(&self, resource: &ConfigResource, configs: &Configs) -> Result<(), Failure>;

    /// The list that `change`, an APPEND or a SUBTRACT, starts from where the configuration `name`
    /// is not set. Fails where it is no list.
    fn list_default(
        &self,
        resource: &ConfigResource,
        name: &str,
        change: &ConfigChange,
    ) -> Result<String, Failure>;
}

type CatalogOutcome = Outcome<Record, Reply>;

/// The coordinator of topics and configurations.
#[derive(Clone)]
pub struct CatalogMachine {
    settings: Settings,
    rules: Arc<dyn ConfigRules + Send + Sync>,
    catalog: Catalog,
}

impl std::fmt::Debug for CatalogMachine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CatalogMachine")
            .field("settings", &self.settings)
            .field("catalog", &self.catalog)
            .finish_non_exhaustive()
    }
}

impl CatalogMachine {
    /// An empty catalog.
    pub fn new(settings: Settings, rules: Arc<dyn ConfigRules + Send + Sync>) -> Self {
        CatalogMachine { settings, rules, catalog: Catalog::default() }
    }

    /// The state.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn allocate_producer_ids(&self, broker_id: i32, out: &mut CatalogOutcome) -> ProducerIdBlock {
        let first = self.catalog.next_producer_id();
        let Some(next_producer_id) = first.checked_add(ProducerId::from(PRODUCER_ID_BLOCK_LEN))
        else {
            return ProducerIdBlock { error: ErrorCode::UnknownServerError, first: -1, len: 0 };
        };
        out.records.push(Record::ProducerIds { broker_id, broker_epoch: -1, next_producer_id });
        ProducerIdBlock { error: ErrorCode::None, first, len: PRODUCER_ID_BLOCK_LEN }
    }
}

impl Machine for CatalogMachine {
    type Command = Command;
    type Record = Record;
    type Reply = Reply;
    type Event = ();

    fn step(&mut self, _now: Now, reply_to: ReplyTo, command: Command) -> CatalogOutcome {
        let mut out = CatalogOutcome::default();
        let reply = match command {
            Command::CreateTopics(request) => {
                Reply::CreateTopics(self.create_topics(request, &mut out))
            }
            Command::DeleteTopics { topics } => {
                Reply::DeleteTopics(self.delete_topics(topics, &mut out))
            }
            Command::CreatePartitions(request) => {
                Reply::CreatePartitions(self.create_partitions(&request, &mut out))
            }
            Command::AlterConfigs(request) => {
                Reply::AlterConfigs(self.alter_configs(request, &mut out))
            }
            Command::AlterQuotas(request) => {
                Reply::AlterQuotas(self.alter_quotas(request, &mut out))
            }
            Command::AllocateProducerIds { broker_id } => {
                Reply::AllocateProducerIds(self.allocate_producer_ids(broker_id, &mut out))
            }
        };
        out.replies.push((reply_to, reply));
        out
    }

    fn replay(&mut self, _now: Now, record: &Record) {
        self.catalog.replay(record);
    }

    fn loaded(&mut self, _now: Now) {}

    fn on_timeout(&mut self, _now: Now) -> CatalogOutcome {
        CatalogOutcome::default()
    }
}

#[cfg(test)]
mod tests;
