//! DescribeQuorum (key 55), v0-v2 (KIP-595). The quorum over `__cluster_metadata` is this gateway
//! alone: it leads, it is the only voter and it is always caught up.
//!
//! Versions: v1 timestamps (KIP-836), v2 messages and nodes (KIP-853). The node's one listener is
//! the one that clients use; there is no controller listener beside it.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::describe_quorum_request::TopicData as AskedTopic;
use kafka_protocol::messages::describe_quorum_response::{
    Listener, Node, PartitionData, ReplicaState, TopicData,
};
use kafka_protocol::messages::{BrokerId, DescribeQuorumRequest, DescribeQuorumResponse};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

const CLUSTER_METADATA: &str = "__cluster_metadata";

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DescribeQuorumRequest = request.decode()?;
    let mut response = DescribeQuorumResponse::default();
    // Anything beside the one partition makes the whole question one that nobody answers.
    let asks_for_it = |topic: &AskedTopic| {
        let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
        &**topic.topic_name == CLUSTER_METADATA && partitions.eq([0])
    };
    let known = decoded.topics.len() == 1 && decoded.topics.iter().all(asks_for_it);
    for topic in decoded.topics {
        let rows = topic.partitions.iter().map(|partition| {
            let row = PartitionData::default().with_partition_index(partition.partition_index);
            if known { described(client, row, to.version) } else { unknown(row, to.version) }
        });
        let rows = rows.collect();
        response
            .topics
            .push(TopicData::default().with_topic_name(topic.topic_name).with_partitions(rows));
    }
    if known && to.version >= 2 {
        let endpoint = client.endpoint();
        let listener = Listener::default()
            .with_name(strbytes("PLAINTEXT"))
            .with_host(strbytes(&endpoint.host))
            .with_port(endpoint.port);
        let node = Node::default().with_node_id(BrokerId(client.context.node_id));
        response.nodes = vec![node.with_listeners(vec![listener])];
    }
    Ok(to.reply(&response))
}

fn unknown(row: PartitionData, version: i16) -> PartitionData {
    let row = row.with_error_code(ErrorCode::UnknownTopicOrPartition.code());
    if version < 2 {
        return row;
    }
    row.with_error_message(Some(strbytes("This server does not host this topic-partition.")))
}

fn described(client: &Client, row: PartitionData, version: i16) -> PartitionData {
    let node_id = BrokerId(client.context.node_id);
    let (leader_epoch, end) = client.broker().metadata_log_end();
    let now = client.broker().clock().wall_ms();
    let voter = ReplicaState::default().with_replica_id(node_id).with_log_end_offset(end);
    let voter = if version >= 1 {
        voter.with_last_fetch_timestamp(now).with_last_caught_up_timestamp(now)
    } else {
        voter
    };
    row.with_leader_id(node_id)
        .with_leader_epoch(leader_epoch)
        .with_high_watermark(end)
        .with_current_voters(vec![voter])
}
