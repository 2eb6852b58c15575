//! AlterPartitionReassignments (key 45), v0-v1, and ListPartitionReassignments (key 46), v0
//! (KIP-455). Every partition has this gateway as its only replica, so there is nothing to move:
//! asking for what is already so succeeds, anything else names a broker that does not exist, and no
//! reassignment is ever under way.
//!
//! Versions: v1 `allow_replication_factor_change`, which cannot matter with one node.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, BrokerId,
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};
use std::collections::BTreeSet;
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

pub fn alter(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: AlterPartitionReassignmentsRequest = request.decode()?;
    let mut response = AlterPartitionReassignmentsResponse::default();
    if to.version >= 1 {
        response.allow_replication_factor_change = decoded.allow_replication_factor_change;
    }
    if !decoded.topics.is_empty() {
        response.error_message = None;
    }
    for topic in decoded.topics {
        let rows = topic.partitions.iter().map(|partition| {
            let replicas = partition.replicas.as_deref();
            let result = check(client, &topic.name, partition.partition_index, replicas);
            let (error, message) = result.err().unwrap_or((ErrorCode::None, None));
            ReassignablePartitionResponse::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(error.code())
                .with_error_message(message.as_deref().map(strbytes))
        });
        let rows = rows.collect();
        response
            .responses
            .push(ReassignableTopicResponse::default().with_name(topic.name).with_partitions(rows));
    }
    Ok(to.reply(&response))
}

/// Nothing if the partition is where it shall be; without replicas, a reassignment shall be
/// cancelled, and there is none.
fn check(
    client: &Client,
    name: &str,
    index: i32,
    replicas: Option<&[BrokerId]>,
) -> Result<(), (ErrorCode, Option<String>)> {
    let unknown = |message: String| (ErrorCode::UnknownTopicOrPartition, Some(message));
    let Some(topic) = client.broker().topics().by_name(name) else {
        return Err(unknown(format!("Unable to find a topic named {name}.")));
    };
    if topic.partition(index).is_none() {
        return Err(unknown(format!("Unable to find partition {name}:{index}.")));
    }
    let Some(replicas) = replicas else {
        return Err((ErrorCode::NoReassignmentInProgress, None));
    };
    let invalid = |what: String| {
        let message = format!("The manual partition assignment includes {what}");
        (ErrorCode::InvalidReplicaAssignment, Some(message))
    };
    if replicas.is_empty() {
        return Err(invalid("an empty replica list.".to_owned()));
    }
    let mut seen = BTreeSet::new();
    let mut sorted: Vec<i32> = replicas.iter().map(|id| id.0).collect();
    sorted.sort_unstable();
    for id in sorted {
        if id != client.context.node_id {
            return Err(invalid(format!("broker {id}, but no such broker is registered.")));
        }
        if !seen.insert(id) {
            return Err(invalid(format!("the broker {id} more than once.")));
        }
    }
    Ok(())
}

pub fn list(_client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let _: ListPartitionReassignmentsRequest = request.decode()?;
    Ok(to.reply(&ListPartitionReassignmentsResponse::default().with_error_message(None)))
}
