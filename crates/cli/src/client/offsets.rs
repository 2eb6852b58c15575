//! Offsets and sizes of partitions, asked of the brokers that lead them, all at once.

use super::{Client, Partition, check, name_of, text};
use crate::failure::Failure;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    DeleteRecordsRequest, DescribeLogDirsRequest, ListOffsetsRequest, TopicName,
};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Which offset of a partition is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The first one.
    Earliest,
    /// The one after the last record.
    Latest,
    /// That of the record with the highest timestamp.
    MaxTimestamp,
    /// The first one that is on the broker's own disk (KIP-405).
    EarliestLocal,
    /// The last one that is in tiered storage (KIP-1005).
    LatestTiered,
    /// That of the first record of this time, in milliseconds since 1970, or later.
    Time(i64),
}

impl At {
    /// What ListOffsets calls it, and the versions that know it.
    fn on_the_wire(self) -> (i64, RangeInclusive<i16>) {
        match self {
            At::Time(time_ms) => (time_ms, 1..=7),
            At::Latest => (-1, 1..=7),
            At::Earliest => (-2, 1..=7),
            At::MaxTimestamp => (-3, 7..=7),
            At::EarliestLocal => (-4, 8..=9),
            At::LatestTiered => (-5, 9..=9),
        }
    }
}

/// An offset that a broker found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The offset.
    pub offset: i64,
    /// The time of its record in milliseconds since 1970, for lookups by time.
    pub timestamp_ms: Option<i64>,
}

/// Offsets of partitions. One that has nothing of what was asked for is not among them.
pub type Offsets = BTreeMap<Partition, Listed>;

/// The bytes that the leader of each partition keeps of it.
pub type Sizes = BTreeMap<Partition, i64>;

impl Client {
    /// The offsets of all partitions of `topics` that have a leader.
    pub fn offsets(
        &mut self,
        topics: &[MetadataResponseTopic],
        at: At,
    ) -> Result<Offsets, Failure> {
        let (timestamp, versions) = at.on_the_wire();
        let mut offsets = Offsets::new();
        for (leader, topics) in by_leader(topics) {
            let topics = topics.into_iter().map(|(name, partitions)| {
                let partition = |index| {
                    ListOffsetsPartition::default()
                        .with_partition_index(index)
                        .with_timestamp(timestamp)
                };
                ListOffsetsTopic::default()
                    .with_name(TopicName(text(&name)))
                    .with_partitions(partitions.into_iter().map(partition).collect())
            });
            let request = ListOffsetsRequest::default()
                .with_replica_id((-1).into())
                .with_topics(topics.collect());
            for topic in self.ask_broker(leader, &request, versions.clone())?.topics {
                for partition in topic.partitions {
                    let index = partition.partition_index;
                    let of = || format!("the offsets of {}-{index}", topic.name.as_str());
                    check(partition.error_code, None, of)?;
                    if partition.offset >= 0 {
                        let timestamp_ms = Some(partition.timestamp).filter(|ms| *ms >= 0);
                        let listed = Listed { offset: partition.offset, timestamp_ms };
                        offsets.insert((topic.name.to_string(), index), listed);
                    }
                }
            }
        }
        Ok(offsets)
    }

    /// The sizes of all partitions of `topics` that have a leader. Brokers that do not tell are
    /// left out.
    pub fn sizes(&mut self, topics: &[MetadataResponseTopic]) -> Result<Sizes, Failure> {
        let mut sizes = Sizes::new();
        for (leader, topics) in by_leader(topics) {
            if !self.offers::<DescribeLogDirsRequest>(leader)? {
                continue;
            }
            let topics = topics.into_iter().map(|(name, partitions)| {
                DescribableLogDirTopic::default()
                    .with_topic(TopicName(text(&name)))
                    .with_partitions(partitions)
            });
            let request = DescribeLogDirsRequest::default().with_topics(Some(topics.collect()));
            let response = self.ask_broker(leader, &request, 1..=4)?;
            check(response.error_code, None, || format!("the log directories of broker {leader}"))?;
            // A directory that cannot be read says so in its own error; the others still count.
            for topic in response.results.into_iter().flat_map(|directory| directory.topics) {
                for partition in topic.partitions.iter().filter(|found| !found.is_future_key) {
                    let key = (topic.name.to_string(), partition.partition_index);
                    sizes.insert(key, partition.partition_size);
                }
            }
        }
        Ok(sizes)
    }

    /// Deletes the records before each of `offsets`, and tells where each partition begins then.
    pub fn delete_records(
        &mut self,
        topics: &[MetadataResponseTopic],
        offsets: &BTreeMap<Partition, i64>,
    ) -> Result<BTreeMap<Partition, Result<i64, Failure>>, Failure> {
        let mut done = BTreeMap::new();
        for (leader, topics) in by_leader(topics) {
            let topics = topics.into_iter().map(|(name, partitions)| {
                let partitions = partitions.into_iter().filter_map(|index| {
                    let offset = offsets.get(&(name.clone(), index))?;
                    let partition = DeleteRecordsPartition::default().with_partition_index(index);
                    Some(partition.with_offset(*offset))
                });
                DeleteRecordsTopic::default()
                    .with_partitions(partitions.collect())
                    .with_name(TopicName(text(&name)))
            });
            let request = DeleteRecordsRequest::default()
                .with_topics(topics.filter(|topic| !topic.partitions.is_empty()).collect())
                .with_timeout_ms(self.timeout_ms());
            if request.topics.is_empty() {
                continue;
            }
            for topic in self.ask_broker(leader, &request, 0..=2)?.topics {
                for partition in topic.partitions {
                    let key = (topic.name.to_string(), partition.partition_index);
                    let what = || format!("the records of {}-{} were not deleted", key.0, key.1);
                    let result = check(partition.error_code, None, what);
                    done.insert(key, result.map(|()| partition.low_watermark));
                }
            }
        }
        Ok(done)
    }
}

/// The partitions of topics under the brokers that lead them.
fn by_leader(topics: &[MetadataResponseTopic]) -> BTreeMap<i32, BTreeMap<String, Vec<i32>>> {
    let mut leaders: BTreeMap<i32, BTreeMap<String, Vec<i32>>> = BTreeMap::new();
    for topic in topics {
        let name = name_of(topic);
        for partition in topic.partitions.iter().filter(|partition| partition.leader_id.0 >= 0) {
            let led = leaders.entry(partition.leader_id.0).or_default();
            match led.get_mut(&name) {
                Some(partitions) => partitions.push(partition.partition_index),
                None => drop(led.insert(name.clone(), vec![partition.partition_index])),
            }
        }
    }
    leaders
}
