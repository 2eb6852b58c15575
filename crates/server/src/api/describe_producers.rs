//! DescribeProducers (key 61), v0 (KIP-664). The idempotent producers whose sequences a partition
//! remembers, in order of their ids.
//!
//! There are no transactions: `current_txn_start_offset` and `coordinator_epoch` are -1.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse, ProducerId};
use tidegate_broker::{Topic, check_topic_name};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

const NOT_HOSTED: &str = "This server does not host this topic-partition.";

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DescribeProducersRequest = request.decode()?;
    let mut response = DescribeProducersResponse::default();
    for wanted in decoded.topics {
        let topic = client.broker().topics().by_name(&wanted.name);
        let name_check = check_topic_name(&wanted.name);
        let rows = wanted.partition_indexes.iter().map(|index| match (&topic, &name_check) {
            (Some(topic), _) => described(topic, *index),
            (None, Ok(())) => refused(*index, ErrorCode::UnknownTopicOrPartition, NOT_HOSTED),
            (None, Err(why)) => refused(*index, ErrorCode::InvalidTopic, why),
        });
        let rows = rows.collect();
        response.topics.push(TopicResponse::default().with_name(wanted.name).with_partitions(rows));
    }
    Ok(to.reply(&response))
}

fn refused(index: i32, error: ErrorCode, message: &str) -> PartitionResponse {
    PartitionResponse::default()
        .with_partition_index(index)
        .with_error_code(error.code())
        .with_error_message(Some(strbytes(message)))
}

fn described(topic: &Topic, index: i32) -> PartitionResponse {
    let row = PartitionResponse::default().with_partition_index(index).with_error_message(None);
    let Some(partition) = topic.partition(index) else {
        return row.with_error_code(ErrorCode::UnknownTopicOrPartition.code());
    };
    let producers = partition.active_producers().into_iter().map(|producer| {
        ProducerState::default()
            .with_producer_id(ProducerId(producer.producer_id))
            .with_producer_epoch(i32::from(producer.producer_epoch))
            .with_last_sequence(producer.last_sequence)
            .with_last_timestamp(producer.last_timestamp)
            .with_coordinator_epoch(-1)
            .with_current_txn_start_offset(-1)
    });
    row.with_active_producers(producers.collect())
}
