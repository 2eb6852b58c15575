//! ElectLeaders (key 43), v0-v2. The one gateway leads every partition already, so nothing is ever
//! elected: partitions that are named answer ELECTION_NOT_NEEDED, and with null for all topics,
//! where Kafka lists only what was elected or failed, no partition is listed.
//!
//! Versions: v1 election type and an error of the whole (KIP-460).

use crate::api::configs::strbytes;
use crate::api::metadata::topic_name;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

const UNCLEAN: i8 = 1;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: ElectLeadersRequest = request.decode()?;
    let mut response = ElectLeadersResponse::default();
    let kind = decoded.election_type;
    let unknown_kind = (!(0..=UNCLEAN).contains(&kind)).then(|| {
        response.error_code = ErrorCode::InvalidRequest.code();
        (ErrorCode::InvalidRequest, format!("Unknown election type {kind}"))
    });
    response.replica_election_results = match decoded.topic_partitions {
        None if unknown_kind.is_some() => Vec::new(),
        None => {
            let mut names: Vec<_> =
                client.broker().topics().all().iter().map(|topic| topic.name.clone()).collect();
            names.sort();
            let row = |name: &str| ReplicaElectionResult::default().with_topic(topic_name(name));
            names.iter().map(|name| row(name)).collect()
        }
        Some(topics) => topics
            .into_iter()
            .map(|topic| {
                let results = topic.partitions.iter().map(|index| {
                    let refusal = unknown_kind.clone();
                    refusal.unwrap_or_else(|| refusal_of(client, &topic.topic, *index))
                });
                let rows = topic.partitions.iter().zip(results).map(|(index, (error, message))| {
                    PartitionResult::default()
                        .with_partition_id(*index)
                        .with_error_code(error.code())
                        .with_error_message(Some(strbytes(&message)))
                });
                let rows = rows.collect();
                ReplicaElectionResult::default().with_topic(topic.topic).with_partition_result(rows)
            })
            .collect(),
    };
    Ok(to.reply(&response))
}

fn refusal_of(client: &Client, name: &str, index: i32) -> (ErrorCode, String) {
    match client.broker().topics().by_name(name) {
        None => (ErrorCode::UnknownTopicOrPartition, format!("No such topic as {name}")),
        Some(topic) if topic.partition(index).is_none() => {
            (ErrorCode::UnknownTopicOrPartition, format!("No such partition as {name}-{index}"))
        }
        Some(_) => (
            ErrorCode::ElectionNotNeeded,
            "Leader election not needed for topic partition.".to_owned(),
        ),
    }
}
