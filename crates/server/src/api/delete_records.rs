//! DeleteRecords (key 21), v0-v2. Raises the log start of partitions; the response waits until that is
//! durable, and tells where they begin now.
//!
//! Offset -1 stands for the high watermark. A partition named twice is answered once, by its last
//! offset, as in Kafka. Versions: v2 is the first flexible one. Omitted: the timeout, for nothing is
//! waited for but this gateway's own disk.

use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse, TopicName};
use std::collections::BTreeMap;
use tidegate_model::Offset;
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DeleteRecordsRequest = request.decode()?;
    let mut wanted: BTreeMap<TopicName, BTreeMap<i32, Offset>> = BTreeMap::new();
    // Kafka leaves topics out of which it is asked no partition.
    for topic in decoded.topics.into_iter().filter(|topic| !topic.partitions.is_empty()) {
        let partitions = wanted.entry(topic.name).or_default();
        partitions.extend(topic.partitions.iter().map(|row| (row.partition_index, row.offset)));
    }
    // All are begun before the first is awaited, so that they share one write to the disk.
    let mut deletions = Vec::with_capacity(wanted.len());
    for (name, partitions) in wanted {
        let begin = |(index, before)| (index, client.broker().delete_records(&name, index, before));
        let begun: Vec<_> = partitions.into_iter().map(begin).collect();
        deletions.push((name, begun));
    }
    Ok(later(async move {
        let mut response = DeleteRecordsResponse::default();
        for (name, begun) in deletions {
            let mut rows = Vec::with_capacity(begun.len());
            for (index, deletion) in begun {
                let row = DeleteRecordsPartitionResult::default().with_partition_index(index);
                rows.push(match deletion.await {
                    Ok(low_watermark) => row.with_low_watermark(low_watermark),
                    Err(error) => row.with_low_watermark(-1).with_error_code(error.code()),
                });
            }
            response
                .topics
                .push(DeleteRecordsTopicResult::default().with_name(name).with_partitions(rows));
        }
        to.reply(&response)
    }))
}
