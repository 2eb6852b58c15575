//! OffsetForLeaderEpoch (key 23), v2-v4 (KIP-101, KIP-320): where an epoch ends in a partition's
//! log. An epoch below the first known one ends where the next begins; one above all known ones
//! answers -1 for epoch and offset.

use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
use tidegate_broker::check_leader_epoch;
use tidegate_model::{ErrorCode, LeaderEpoch, Offset};
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: OffsetForLeaderEpochRequest = request.decode()?;
    let mut response = OffsetForLeaderEpochResponse::default();
    for topic in decoded.topics {
        let rows = topic.partitions.iter().map(|wanted| {
            let found = find(client, &topic.topic, wanted);
            let (error, (epoch, offset)) = match found {
                Ok(found) => (ErrorCode::None, found),
                Err(error) => (error, (-1, -1)),
            };
            EpochEndOffset::default()
                .with_error_code(error.code())
                .with_partition(wanted.partition)
                .with_leader_epoch(epoch)
                .with_end_offset(offset)
        });
        let rows = rows.collect();
        response.topics.push(
            OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(rows),
        );
    }
    Ok(to.reply(&response))
}

fn find(
    client: &Client,
    topic: &str,
    wanted: &OffsetForLeaderPartition,
) -> Result<(LeaderEpoch, Offset), ErrorCode> {
    let missing = ErrorCode::UnknownTopicOrPartition;
    let topic = client.broker().topics().by_name(topic).ok_or(missing)?;
    let partition = topic.partition(wanted.partition).ok_or(missing)?;
    check_leader_epoch(partition, wanted.current_leader_epoch)?;
    Ok(partition.end_offset_for_epoch(wanted.leader_epoch))
}
