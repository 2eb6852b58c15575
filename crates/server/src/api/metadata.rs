//! Metadata (key 3), v0-v13. Null topics are all topics, no topics are none (v0: none are all); an
//! unknown topic gets a row with an error, or is created where request and settings allow it.
//!
//! Versions: v4 `allow_auto_topic_creation`, v8-v10 authorized operations, v10 topic ids, v12 topics
//! by id (before that an id is an INVALID_REQUEST), v13 top-level error (KIP-1102).

use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use crate::quota::Account;
use kafka_protocol::messages::{
    BrokerId, MetadataRequest, MetadataResponse, TopicName,
    metadata_request::MetadataRequestTopic,
    metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
};
use kafka_protocol::protocol::StrBytes;
use std::collections::HashSet;
use std::sync::Arc;
use tidegate_broker::{Broker, Topic};
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::WireError;
use uuid::Uuid;

/// "Not asked for" in the fields of authorized operations.
pub const OPERATIONS_NOT_ASKED: i32 = i32::MIN;

/// Kafka's bits of the operations that apply to a topic: without ACLs all of them are allowed
/// (READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS).
pub const TOPIC_OPERATIONS: i32 =
    1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;

/// The same for the cluster (CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS,
/// ALTER_CONFIGS, IDEMPOTENT_WRITE).
pub const CLUSTER_OPERATIONS: i32 = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;

/// The first version that finds topics by their ids. v10 has the field and refuses it.
const BY_ID_SINCE: i16 = 12;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let mut decoded: MetadataRequest = request.decode()?;
    if to.version < BY_ID_SINCE && decoded.topics.iter().flatten().any(is_by_id) {
        return Ok(to.reply(&refused(decoded.topics)));
    }
    if let Some(topics) = &mut decoded.topics {
        keep_first(topics);
    }
    let endpoint = client.endpoint();
    let node_id = BrokerId(client.context.node_id);
    let broker_row = MetadataResponseBroker::default()
        .with_node_id(node_id)
        .with_host(StrBytes::from_string(endpoint.host))
        .with_port(i32::from(endpoint.port));
    let mut response = MetadataResponse::default()
        .with_brokers(vec![broker_row])
        .with_controller_id(node_id)
        .with_cluster_authorized_operations(OPERATIONS_NOT_ASKED);
    if to.version >= 2 {
        let cluster_id = StrBytes::from_string(client.context.cluster_id.clone());
        response.cluster_id = Some(cluster_id);
    }
    if (8..=10).contains(&to.version) && decoded.include_cluster_authorized_operations {
        response.cluster_authorized_operations = CLUSTER_OPERATIONS;
    }
    let rows = Rows {
        broker: client.broker().clone(),
        node_id,
        version: to.version,
        operations: decoded.include_topic_authorized_operations && to.version >= 8,
        create: to.version < 4 || decoded.allow_auto_topic_creation,
        account: request.account,
    };
    let wanted = match decoded.topics {
        Some(topics) if !(topics.is_empty() && to.version == 0) => topics,
        _ => {
            let all = rows.broker.topics().all();
            response.topics = all.iter().map(|topic| rows.row(topic)).collect();
            return Ok(to.reply(&response));
        }
    };
    if let Some(known) = rows.all_known(&wanted) {
        response.topics = known;
        return Ok(to.reply(&response));
    }
    Ok(later(async move {
        for topic in &wanted {
            response.topics.push(rows.find_or_create(topic).await);
        }
        to.reply(&response)
    }))
}

fn is_by_id(topic: &MetadataRequestTopic) -> bool {
    topic.name.is_none() || !topic.topic_id.is_nil()
}

/// Kafka's answer to ids in versions that do not know them: nothing but an error for each topic.
fn refused(topics: Option<Vec<MetadataRequestTopic>>) -> MetadataResponse {
    let row = |topic: MetadataRequestTopic| {
        MetadataResponseTopic::default()
            .with_name(Some(topic.name.unwrap_or_default()))
            .with_topic_id(topic.topic_id)
            .with_error_code(ErrorCode::InvalidRequest.code())
            .with_topic_authorized_operations(OPERATIONS_NOT_ASKED)
    };
    MetadataResponse::default()
        .with_controller_id(BrokerId(-1))
        .with_cluster_authorized_operations(OPERATIONS_NOT_ASKED)
        .with_topics(topics.into_iter().flatten().map(row).collect())
}

/// A topic asked for twice is answered once.
fn keep_first(topics: &mut Vec<MetadataRequestTopic>) {
    let mut seen = HashSet::with_capacity(topics.len());
    topics.retain(|topic| seen.insert((topic.name.clone(), topic.topic_id)));
}

struct Rows {
    broker: Arc<Broker>,
    node_id: BrokerId,
    version: i16,
    operations: bool,
    create: bool,
    account: Option<Arc<Account>>,
}

impl Rows {
    /// Rows for `wanted` if all of it exists, which needs no waiting.
    fn all_known(&self, wanted: &[MetadataRequestTopic]) -> Option<Vec<MetadataResponseTopic>> {
        wanted.iter().map(|topic| self.known(topic).map(|topic| self.row(&topic))).collect()
    }

    fn known(&self, wanted: &MetadataRequestTopic) -> Option<Arc<Topic>> {
        match Self::wanted_name(wanted) {
            Some(name) => self.broker.topics().by_name(name),
            None => self.broker.topics().by_id(TopicId(wanted.topic_id)),
        }
    }

    /// The name of a topic that is asked for by name. Java's clients put an empty name beside an id.
    fn wanted_name(wanted: &MetadataRequestTopic) -> Option<&TopicName> {
        wanted.name.as_ref().filter(|_| wanted.topic_id.is_nil())
    }

    async fn find_or_create(&self, wanted: &MetadataRequestTopic) -> MetadataResponseTopic {
        if let Some(topic) = self.known(wanted) {
            return self.row(&topic);
        }
        let Some(name) = Self::wanted_name(wanted) else {
            let row = MetadataResponseTopic::default().with_topic_id(wanted.topic_id);
            return row
                .with_name(None)
                .with_error_code(ErrorCode::UnknownTopicId.code())
                .with_topic_authorized_operations(self.operations());
        };
        let error = if !self.create || !self.broker.settings().auto_create_topics_enable() {
            match tidegate_broker::check_topic_name(name) {
                Ok(()) => ErrorCode::UnknownTopicOrPartition,
                Err(_) => ErrorCode::InvalidTopic,
            }
        } else {
            let account = self.account.as_ref();
            let allow = &mut |partitions| {
                account.is_none_or(|account| account.charge_auto_creation(partitions))
            };
            match self.broker.auto_create_topic(name, allow).await {
                Ok(topic) => return self.row(&topic),
                // Nobody is told of a quota who did not say that a topic is to be created.
                Err(ErrorCode::ThrottlingQuotaExceeded) => ErrorCode::UnknownTopicOrPartition,
                Err(error) => error,
            }
        };
        MetadataResponseTopic::default()
            .with_name(Some(name.clone()))
            .with_error_code(error.code())
            .with_topic_authorized_operations(self.operations())
    }

    /// What the request's sender may do with any topic, if it asked.
    fn operations(&self) -> i32 {
        if self.operations { TOPIC_OPERATIONS } else { OPERATIONS_NOT_ASKED }
    }

    fn row(&self, topic: &Topic) -> MetadataResponseTopic {
        let nodes = vec![self.node_id];
        let partitions = topic.partitions.iter().enumerate().map(|(index, partition)| {
            let row = MetadataResponsePartition::default()
                .with_partition_index(index as i32)
                .with_leader_id(self.node_id)
                .with_replica_nodes(nodes.clone())
                .with_isr_nodes(nodes.clone());
            if self.version >= 7 { row.with_leader_epoch(partition.leader_epoch()) } else { row }
        });
        MetadataResponseTopic::default()
            .with_name(Some(topic_name(&topic.name)))
            .with_topic_id(if self.version >= 10 { topic.id.0 } else { Uuid::nil() })
            .with_is_internal(topic.internal)
            .with_partitions(partitions.collect())
            .with_topic_authorized_operations(self.operations())
    }
}

/// A topic's name as the codec takes it.
pub fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
