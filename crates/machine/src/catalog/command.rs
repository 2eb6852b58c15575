//! What the catalog is asked and what it answers, free of API versions.

use super::quotas::{QuotaEntity, QuotaValue};
use super::record::ConfigResource;
use std::collections::BTreeMap;
use tidegate_model::{ErrorCode, ProducerId, TopicId};

/// A request to the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// CreateTopics, or a topic created by its first use.
    CreateTopics(CreateTopics),
    /// DeleteTopics.
    DeleteTopics {
        /// Which ones.
        topics: Vec<TopicRef>,
    },
    /// CreatePartitions.
    CreatePartitions(CreatePartitions),
    /// IncrementalAlterConfigs and AlterConfigs.
    AlterConfigs(AlterConfigs),
    /// The next block of producer ids, for InitProducerId.
    AllocateProducerIds {
        /// The node that asks.
        broker_id: i32,
    },
    /// AlterClientQuotas.
    AlterQuotas(AlterQuotas),
}

/// The answer to the [`Command`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To [`Command::CreateTopics`], in the request's order.
    CreateTopics(Vec<CreatedTopic>),
    /// To [`Command::DeleteTopics`], in the request's order.
    DeleteTopics(Vec<DeletedTopic>),
    /// To [`Command::CreatePartitions`], in the request's order.
    CreatePartitions(Vec<Failure>),
    /// To [`Command::AlterConfigs`], in the request's order.
    AlterConfigs(Vec<Failure>),
    /// To [`Command::AllocateProducerIds`].
    AllocateProducerIds(ProducerIdBlock),
    /// To [`Command::AlterQuotas`]: each entity once, in the order of their first appearance.
    AlterQuotas(Vec<(QuotaEntity, Failure)>),
}

/// An error with words for the person who reads it; NONE without words if there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// NONE, or what is wrong.
    pub error: ErrorCode,
    /// What is wrong, in words.
    pub message: Option<String>,
}

impl Failure {
    /// No failure.
    pub const NONE: Failure = Failure { error: ErrorCode::None, message: None };

    /// A failure with words.
    pub fn new(error: ErrorCode, message: impl Into<String>) -> Self {
        Failure { error, message: Some(message.into()) }
    }

    pub(super) fn of(result: Result<(), Failure>) -> Self {
        result.err().unwrap_or(Failure::NONE)
    }
}

/// Topics to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTopics {
    /// Which ones.
    pub topics: Vec<NewTopic>,
    /// True to check without creating.
    pub validate_only: bool,
}

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// A fresh random id.
    pub topic_id: TopicId,
    /// -1 for the default, or with assignments.
    pub partitions: i32,
    /// -1 for the default, or with assignments.
    pub replication_factor: i16,
    /// Partition and the nodes to keep it; empty to let the gateway choose.
    pub assignments: Vec<(i32, Vec<i32>)>,
    /// Configurations that differ from the defaults; a null value is refused.
    pub configs: Vec<(String, Option<String>)>,
}

impl NewTopic {
    /// A topic with defaults for everything.
    pub fn with_defaults(name: &str, topic_id: TopicId) -> Self {
        NewTopic {
            name: name.to_owned(),
            topic_id,
            partitions: -1,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: Vec::new(),
        }
    }
}

/// What became of a [`NewTopic`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its name.
    pub name: String,
    /// Its id; zero on error.
    pub topic_id: TopicId,
    /// NONE, or why it does not exist.
    pub failure: Failure,
    /// How many partitions it has, -1 on error.
    pub partitions: i32,
    /// How many nodes keep each, -1 on error.
    pub replication_factor: i16,
    /// The configurations that were set for it.
    pub configs: BTreeMap<String, String>,
}

/// A topic by name or id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicRef {
    /// By name.
    Name(String),
    /// By id.
    Id(TopicId),
}

/// What became of a topic to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name if it is known.
    pub name: Option<String>,
    /// Its id; zero if it is not known.
    pub topic_id: TopicId,
    /// NONE, or why it is still there.
    pub failure: Failure,
}

/// Partitions to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePartitions {
    /// To which topics.
    pub topics: Vec<MorePartitions>,
    /// True to check without creating.
    pub validate_only: bool,
}

/// Partitions to add to one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MorePartitions {
    /// The topic's name.
    pub name: String,
    /// How many partitions it shall have in all.
    pub count: i32,
    /// The nodes to keep each new one; `None` to let the gateway choose.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// Resources whose configurations shall change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterConfigs {
    /// Which resources, and what becomes of them. Nobody names one twice.
    pub resources: Vec<(ConfigResource, Alteration)>,
    /// True to check without setting.
    pub validate_only: bool,
}

/// What becomes of a resource's configurations. Nobody names one twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alteration {
    /// Those that are named change (IncrementalAlterConfigs).
    Changes(Vec<(String, ConfigChange)>),
    /// These are set, all others are removed (AlterConfigs).
    Replacement(Vec<(String, String)>),
}

/// What becomes of one configuration (`AlterConfigOp.OpType`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigChange {
    /// It has this value.
    Set(String),
    /// It has its default.
    Delete,
    /// Entries, comma-separated, that its list holds besides.
    Append(String),
    /// Entries, comma-separated, that its list no longer holds.
    Subtract(String),
}

/// Client quotas to set and to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterQuotas {
    /// By entity.
    pub alterations: Vec<QuotaAlteration>,
    /// True to check without setting.
    pub validate_only: bool,
}

/// What changes for one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaAlteration {
    /// Whose quotas.
    pub entity: QuotaEntity,
    /// Values by key; `None` removes.
    pub ops: Vec<(String, Option<QuotaValue>)>,
}

/// Producer ids that nobody else gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// NONE, or UNKNOWN_SERVER_ERROR when all ids are used up.
    pub error: ErrorCode,
    /// The first.
    pub first: ProducerId,
    /// How many.
    pub len: i32,
}
