//! DescribeLogDirs (key 35), v1-v4. The one directory of this gateway, with the size of every partition
//! asked for; null asks for all. Topics and partitions that do not exist are left out.
//!
//! A size is what is kept, also where it has not been written to a segment yet. No replica lags here and
//! none moves between directories. Versions: v3 an error of the whole request, v4 the size of the volume
//! (KIP-827); -1 where an engine has none.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_broker::Topic;
use tidegate_wire::WireError;

const VOLUME_SINCE: i16 = 4;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DescribeLogDirsRequest = request.decode()?;
    let broker = client.broker();
    let mut topics = Vec::new();
    match decoded.topics {
        None => {
            for topic in broker.topics().all() {
                let indexes = 0..topic.partitions.len() as i32;
                topics.extend(topic_row(&topic, indexes));
            }
        }
        Some(wanted) => {
            let mut indexes: BTreeMap<_, BTreeSet<i32>> = BTreeMap::new();
            for topic in wanted {
                indexes.entry(topic.topic).or_default().extend(topic.partitions);
            }
            for (name, indexes) in indexes {
                let topic = broker.topics().by_name(&name);
                topics.extend(topic.and_then(|topic| topic_row(&topic, indexes)));
            }
        }
    }
    let volume = broker.store().volume();
    let mut directory =
        DescribeLogDirsResult::default().with_log_dir(strbytes(&volume.path)).with_topics(topics);
    if to.version >= VOLUME_SINCE {
        let told = |bytes: Option<u64>| bytes.map_or(-1, |bytes| bytes.min(i64::MAX as u64) as i64);
        directory.total_bytes = told(volume.total_bytes);
        directory.usable_bytes = told(volume.usable_bytes);
    }
    Ok(to.reply(&DescribeLogDirsResponse::default().with_results(vec![directory])))
}

/// The sizes of those partitions of `topic` that exist, if any does.
fn topic_row(
    topic: &Topic,
    indexes: impl IntoIterator<Item = i32>,
) -> Option<DescribeLogDirsTopic> {
    let row = |index| {
        let size = topic.partition(index)?.log().size_bytes();
        Some(
            DescribeLogDirsPartition::default()
                .with_partition_index(index)
                .with_partition_size(size as i64),
        )
    };
    let partitions: Vec<_> = indexes.into_iter().filter_map(row).collect();
    if partitions.is_empty() {
        return None;
    }
    let name = super::metadata::topic_name(&topic.name);
    Some(DescribeLogDirsTopic::default().with_name(name).with_partitions(partitions))
}
