//! OffsetDelete (key 47), v0 (KIP-496). Forgets committed offsets of a group, except for topics
//! that its members subscribe to; durable before it is answered.
//!
//! Rows of partitions that do not exist come before the others of their topic, as in Kafka. They
//! are answered only if the group is one that may be asked. Topics without partitions have no row.

use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};
use tidegate_machine::group::DeleteOffsets;
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: OffsetDeleteRequest = request.decode()?;
    let group_id = decoded.group_id.to_string();
    if group_id.is_empty() {
        let error = ErrorCode::InvalidGroupId.code();
        return Ok(to.reply(&OffsetDeleteResponse::default().with_error_code(error)));
    }
    let broker = client.broker();
    let mut partitions = Vec::new();
    let mut response = OffsetDeleteResponse::default();
    // The topic's row in the response, for each partition that is asked of the group.
    let mut places = Vec::new();
    for wanted in decoded.topics.into_iter().filter(|wanted| !wanted.partitions.is_empty()) {
        let topic = broker.topics().by_name(&wanted.name);
        let mut rows = Vec::new();
        for partition in wanted.partitions {
            let index = partition.partition_index;
            if topic.as_ref().is_some_and(|topic| topic.partition(index).is_some()) {
                partitions.push((wanted.name.to_string(), index));
                places.push(response.topics.len());
            } else {
                rows.push(row(index, ErrorCode::UnknownTopicOrPartition));
            }
        }
        let topic = OffsetDeleteResponseTopic::default().with_name(wanted.name);
        response.topics.push(topic.with_partitions(rows));
    }
    let indexes: Vec<i32> = partitions.iter().map(|(_, index)| *index).collect();
    let deleted = broker.groups().offsets().delete(DeleteOffsets { group_id, partitions });
    Ok(later(async move {
        let error = match deleted.await {
            Ok(reply) => {
                for ((place, index), code) in places.into_iter().zip(indexes).zip(reply.partitions)
                {
                    response.topics[place].partitions.push(row(index, code));
                }
                reply.error
            }
            Err(error) => error,
        };
        if error != ErrorCode::None {
            response = OffsetDeleteResponse::default().with_error_code(error.code());
        }
        to.reply(&response)
    }))
}

fn row(index: i32, error: ErrorCode) -> OffsetDeleteResponsePartition {
    OffsetDeleteResponsePartition::default()
        .with_partition_index(index)
        .with_error_code(error.code())
}
