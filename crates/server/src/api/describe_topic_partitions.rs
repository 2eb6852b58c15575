//! DescribeTopicPartitions (key 75), v0 (KIP-966): metadata by pages.
//!
//! No topics asked for are all topics. Topics come in name order, at most as many partitions as the
//! request and `max.request.partition.size.limit` allow; the cursor names the first one left out.
//! A cursor is INVALID_REQUEST if its partition is negative or its topic not among those asked for.

use crate::api::metadata::{TOPIC_OPERATIONS, topic_name};
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use tidegate_broker::Topic;
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DescribeTopicPartitionsRequest = request.decode()?;
    let topics = client.broker().topics();
    let mut names: BTreeSet<String> = if decoded.topics.is_empty() {
        topics.all().iter().map(|topic| topic.name.to_string()).collect()
    } else {
        decoded.topics.iter().map(|topic| topic.name.to_string()).collect()
    };
    let mut first_partition = 0;
    if let Some(cursor) = &decoded.cursor {
        let is_named = decoded.topics.is_empty() || names.contains(&*cursor.topic_name.0);
        if cursor.partition_index < 0 || !is_named {
            return Ok(to.reply(&refused(&decoded)));
        }
        names = names.split_off(&*cursor.topic_name.0);
        first_partition = cursor.partition_index as usize;
        // A cursor into a topic that is gone starts with the next topic's first partition.
        if !names.contains(&*cursor.topic_name.0) {
            first_partition = 0;
        }
    }
    let partitions_max = client.broker().settings().max_request_partition_size_limit().max(1);
    let mut page = Page {
        node_id: BrokerId(client.context.node_id),
        left: decoded.response_partition_limit.clamp(1, partitions_max) as usize,
        response: DescribeTopicPartitionsResponse::default(),
    };
    for name in names {
        if page.is_full(&name, 0) {
            break;
        }
        page.add(&name, topics.by_name(&name), std::mem::take(&mut first_partition));
    }
    Ok(to.reply(&page.response))
}

/// The answer to a cursor that cannot be one: a row with the error for each topic asked for.
fn refused(request: &DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let row = |name: &TopicName| {
        DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(name.clone()))
            .with_error_code(ErrorCode::InvalidRequest.code())
    };
    let topics = request.topics.iter().map(|topic| row(&topic.name)).collect();
    DescribeTopicPartitionsResponse::default().with_topics(topics)
}

struct Page {
    node_id: BrokerId,
    left: usize,
    response: DescribeTopicPartitionsResponse,
}

impl Page {
    /// True if nothing more fits; then the cursor names what comes next.
    fn is_full(&mut self, next_topic: &str, next_partition: usize) -> bool {
        if self.response.next_cursor.is_none() && self.left == 0 {
            self.response.next_cursor = Some(
                Cursor::default()
                    .with_topic_name(topic_name(next_topic))
                    .with_partition_index(next_partition as i32),
            );
        }
        self.response.next_cursor.is_some()
    }

    fn add(&mut self, name: &str, topic: Option<Arc<Topic>>, first: usize) {
        let row = DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(topic_name(name)))
            .with_topic_authorized_operations(TOPIC_OPERATIONS);
        let Some(topic) = topic else {
            let error = match tidegate_broker::check_topic_name(name) {
                Ok(()) => ErrorCode::UnknownTopicOrPartition,
                Err(_) => ErrorCode::InvalidTopic,
            };
            self.response.topics.push(row.with_error_code(error.code()));
            return;
        };
        let end = topic.partitions.len().min(first.saturating_add(self.left));
        let nodes = vec![self.node_id];
        let partitions = (first..end).map(|index| {
            DescribeTopicPartitionsResponsePartition::default()
                .with_partition_index(index as i32)
                .with_leader_id(self.node_id)
                .with_leader_epoch(topic.partitions[index].leader_epoch())
                .with_replica_nodes(nodes.clone())
                .with_isr_nodes(nodes.clone())
                .with_eligible_leader_replicas(Some(Vec::new()))
                .with_last_known_elr(Some(Vec::new()))
        });
        let row = row
            .with_topic_id(topic.id.0)
            .with_is_internal(topic.internal)
            .with_partitions(partitions.collect());
        self.left -= end.saturating_sub(first);
        self.response.topics.push(row);
        if end < topic.partitions.len() {
            self.is_full(name, end);
        }
    }
}
