//! Groups: who is in them, and what they have committed.

use super::{Client, Partition, by_topic, check, text};
use crate::failure::Failure;
use bytes::{Buf, Bytes};
use kafka_protocol::messages::consumer_group_describe_response::Member as ConsumerMember;
use kafka_protocol::messages::describe_groups_response::DescribedGroupMember;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerProtocolAssignment, DeleteGroupsRequest,
    DescribeGroupsRequest, GroupId, ListGroupsRequest, OffsetCommitRequest, OffsetDeleteRequest,
    OffsetFetchRequest, TopicName,
};
use kafka_protocol::protocol::{Decodable, Message};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_model::ErrorCode;

/// The state in which the older DescribeGroups tells that there is no such group.
pub const DEAD: &str = "Dead";

/// A group as its coordinator describes it.
#[derive(Debug)]
pub struct Group {
    /// The broker that coordinates it.
    pub coordinator: i32,
    /// Its state, [`DEAD`] if there is none of this name.
    pub state: String,
    /// `Classic` or `Consumer`.
    pub r#type: &'static str,
    /// The strategy by which partitions are assigned.
    pub assignor: String,
    /// Its members.
    pub members: Vec<Member>,
}

/// A member of a group.
#[derive(Debug)]
pub struct Member {
    /// The id that the coordinator or the client gave it.
    pub member_id: String,
    /// The id of a static member.
    pub instance_id: Option<String>,
    /// How the client calls itself.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// Topics with their partitions; none if the assignment is not a consumer's.
    pub assignment: BTreeMap<String, Vec<i32>>,
}

/// An offset that a group has committed.
#[derive(Debug, Clone)]
pub struct CommittedOffset {
    /// The offset of the next record to read.
    pub offset: i64,
    /// The leader epoch of the record before it, if the consumer knew.
    pub leader_epoch: Option<i32>,
    /// What the consumer has put beside it.
    pub metadata: String,
}

/// What a group has committed.
pub type Committed = BTreeMap<Partition, CommittedOffset>;

/// What came of each partition.
pub type Results = BTreeMap<Partition, Result<(), Failure>>;

impl Client {
    /// All groups, with the brokers that coordinate them, by name.
    pub fn groups(&mut self) -> Result<Vec<(i32, ListedGroup)>, Failure> {
        let mut groups = Vec::new();
        for node_id in self.broker_ids() {
            let request = ListGroupsRequest::default();
            let response = self.ask_coordinator(node_id, &request, 0..=5, |r| r.error_code)?;
            check(response.error_code, None, || format!("the groups of broker {node_id}"))?;
            groups.extend(response.groups.into_iter().map(|group| (node_id, group)));
        }
        groups.sort_by(|(_, a), (_, b)| a.group_id.cmp(&b.group_id));
        Ok(groups)
    }

    /// Describes a group of consumers, whichever protocol they speak.
    pub fn group(&mut self, name: &str) -> Result<Group, Failure> {
        let coordinator = self.coordinator(name)?;
        if let Some(group) = self.consumer_group(coordinator, name)? {
            return Ok(group);
        }
        let request = DescribeGroupsRequest::default().with_groups(vec![GroupId(text(name))]);
        // Version 6 answers with an error what version 5 calls the state Dead.
        let code = |response: &kafka_protocol::messages::DescribeGroupsResponse| {
            response.groups.first().map_or(0, |group| group.error_code)
        };
        let response = self.ask_coordinator(coordinator, &request, 0..=5, code)?;
        let Some(group) = response.groups.into_iter().next() else {
            return Err(Failure::Failed(format!("group {name}: the broker did not describe it")));
        };
        check(group.error_code, None, || format!("group {name}"))?;
        Ok(Group {
            coordinator,
            state: group.group_state.to_string(),
            r#type: "Classic",
            assignor: group.protocol_data.to_string(),
            members: group.members.into_iter().map(classic_member).collect(),
        })
    }

    /// The group, if it is one of the newer protocol (KIP-848).
    fn consumer_group(&mut self, coordinator: i32, name: &str) -> Result<Option<Group>, Failure> {
        if !self.offers::<ConsumerGroupDescribeRequest>(coordinator)? {
            return Ok(None);
        }
        let request =
            ConsumerGroupDescribeRequest::default().with_group_ids(vec![GroupId(text(name))]);
        let code = |response: &kafka_protocol::messages::ConsumerGroupDescribeResponse| {
            response.groups.first().map_or(0, |group| group.error_code)
        };
        let response = self.ask_coordinator(coordinator, &request, 0..=1, code)?;
        let Some(group) = response.groups.into_iter().next() else { return Ok(None) };
        // The classic protocol is asked next, also where the newer one is switched off.
        let elsewhere = [ErrorCode::GroupIdNotFound, ErrorCode::UnsupportedVersion];
        if elsewhere.iter().any(|error| error.code() == group.error_code) {
            return Ok(None);
        }
        check(group.error_code, group.error_message.as_deref(), || format!("group {name}"))?;
        Ok(Some(Group {
            coordinator,
            state: group.group_state.to_string(),
            r#type: "Consumer",
            assignor: group.assignor_name.to_string(),
            members: group.members.into_iter().map(consumer_member).collect(),
        }))
    }

    /// All offsets that a group has committed.
    pub fn committed(&mut self, coordinator: i32, group: &str) -> Result<Committed, Failure> {
        let request =
            OffsetFetchRequest::default().with_group_id(GroupId(text(group))).with_topics(None);
        // From version 8 on the request asks for several groups at once, which nobody here does.
        let response = self.ask_coordinator(coordinator, &request, 2..=7, |r| r.error_code)?;
        check(response.error_code, None, || format!("the committed offsets of group {group}"))?;
        let mut committed = Committed::new();
        for topic in response.topics {
            for partition in topic.partitions {
                let index = partition.partition_index;
                let of = || format!("the committed offset of {}-{index}", topic.name.as_str());
                check(partition.error_code, None, of)?;
                if partition.committed_offset >= 0 {
                    let offset = CommittedOffset {
                        offset: partition.committed_offset,
                        leader_epoch: Some(partition.committed_leader_epoch)
                            .filter(|epoch| *epoch >= 0),
                        metadata: partition.metadata.map(|m| m.to_string()).unwrap_or_default(),
                    };
                    committed.insert((topic.name.to_string(), index), offset);
                }
            }
        }
        Ok(committed)
    }

    /// Commits offsets for a group without members, which is the only kind that takes them.
    pub fn commit(
        &mut self,
        coordinator: i32,
        group: &str,
        offsets: &Committed,
    ) -> Result<Results, Failure> {
        let topics = by_topic(offsets.keys()).into_iter().map(|(topic, partitions)| {
            let partition = |index: i32| {
                let offset = &offsets[&(topic.to_owned(), index)];
                OffsetCommitRequestPartition::default()
                    .with_partition_index(index)
                    .with_committed_offset(offset.offset)
                    .with_committed_leader_epoch(offset.leader_epoch.unwrap_or(-1))
                    .with_committed_metadata(Some(text(&offset.metadata)))
            };
            OffsetCommitRequestTopic::default()
                .with_name(TopicName(text(topic)))
                .with_partitions(partitions.into_iter().map(partition).collect())
        });
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(topics.collect());
        let code = |response: &kafka_protocol::messages::OffsetCommitResponse| {
            let first = response.topics.first().and_then(|topic| topic.partitions.first());
            first.map_or(0, |partition| partition.error_code)
        };
        let response = self.ask_coordinator(coordinator, &request, 2..=9, code)?;
        let mut results = Results::new();
        for topic in response.topics {
            for partition in topic.partitions {
                let index = partition.partition_index;
                let what =
                    || format!("the offset of {}-{index} was not committed", topic.name.as_str());
                let message = match ErrorCode::from_code(partition.error_code) {
                    Some(ErrorCode::UnknownMemberId) => Some("the group has members again"),
                    _ => None,
                };
                let result = check(partition.error_code, message, what);
                results.insert((topic.name.to_string(), index), result);
            }
        }
        Ok(results)
    }

    /// Deletes committed offsets of a group.
    pub fn delete_offsets(
        &mut self,
        coordinator: i32,
        group: &str,
        partitions: &BTreeSet<Partition>,
    ) -> Result<Results, Failure> {
        let topics = by_topic(partitions).into_iter().map(|(topic, partitions)| {
            let partition =
                |index| OffsetDeleteRequestPartition::default().with_partition_index(index);
            OffsetDeleteRequestTopic::default()
                .with_name(TopicName(text(topic)))
                .with_partitions(partitions.into_iter().map(partition).collect())
        });
        let request = OffsetDeleteRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_topics(topics.collect());
        let response = self.ask_coordinator(coordinator, &request, 0..=0, |r| r.error_code)?;
        if response.error_code == ErrorCode::GroupIdNotFound.code() {
            return Err(Failure::Failed(format!("group {group} does not exist")));
        }
        check(response.error_code, None, || format!("the offsets of group {group} stay"))?;
        let mut results = Results::new();
        for topic in response.topics {
            for partition in topic.partitions {
                let index = partition.partition_index;
                let what =
                    || format!("the offset of {}-{index} was not deleted", topic.name.as_str());
                let message = match ErrorCode::from_code(partition.error_code) {
                    Some(ErrorCode::GroupSubscribedToTopic) => {
                        Some("members of the group are subscribed to the topic")
                    }
                    _ => None,
                };
                let result = check(partition.error_code, message, what);
                results.insert((topic.name.to_string(), index), result);
            }
        }
        Ok(results)
    }

    /// Deletes a group with its committed offsets.
    pub fn delete_group(&mut self, group: &str) -> Result<(), Failure> {
        let coordinator = self.coordinator(group)?;
        let request = DeleteGroupsRequest::default().with_groups_names(vec![GroupId(text(group))]);
        let code = |response: &kafka_protocol::messages::DeleteGroupsResponse| {
            response.results.first().map_or(0, |result| result.error_code)
        };
        for result in self.ask_coordinator(coordinator, &request, 0..=2, code)?.results {
            let message = match ErrorCode::from_code(result.error_code) {
                Some(ErrorCode::GroupIdNotFound) => {
                    return Err(Failure::Failed(format!("group {group} does not exist")));
                }
                Some(ErrorCode::NonEmptyGroup) => Some("it has members; stop them first"),
                _ => None,
            };
            check(result.error_code, message, || format!("group {group} was not deleted"))?;
        }
        Ok(())
    }
}

fn classic_member(member: DescribedGroupMember) -> Member {
    Member {
        member_id: member.member_id.to_string(),
        instance_id: member.group_instance_id.map(|id| id.to_string()),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        assignment: assignment(member.member_assignment),
    }
}

fn consumer_member(member: ConsumerMember) -> Member {
    let topics = member.assignment.topic_partitions.into_iter();
    Member {
        member_id: member.member_id.to_string(),
        instance_id: member.instance_id.map(|id| id.to_string()),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        assignment: topics.map(|topic| (topic.topic_name.to_string(), topic.partitions)).collect(),
    }
}

/// The partitions in an assignment of the consumer protocol, which begins with its version. Other
/// protocols (Connect, schema registries) put what they like there; it counts as empty.
fn assignment(mut bytes: Bytes) -> BTreeMap<String, Vec<i32>> {
    if bytes.remaining() < 2 {
        return BTreeMap::new();
    }
    let version = bytes.get_i16().min(ConsumerProtocolAssignment::VERSIONS.max);
    if version < 0 || !is_plausible(&bytes) {
        return BTreeMap::new();
    }
    let Ok(assignment) = ConsumerProtocolAssignment::decode(&mut bytes, version) else {
        return BTreeMap::new();
    };
    assignment
        .assigned_partitions
        .into_iter()
        .map(|topic| (topic.topic.to_string(), topic.partitions))
        .collect()
}

/// Whether the count of topics fits the bytes: the decoder makes room for as many as are announced.
fn is_plausible(bytes: &Bytes) -> bool {
    let shortest_topic_bytes = 2 + 4;
    let announced = bytes.get(..4).map(|count| Bytes::copy_from_slice(count).get_i32());
    announced.is_some_and(|count| {
        usize::try_from(count).is_ok_and(|count| count * shortest_topic_bytes <= bytes.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_of_the_consumer_protocol_is_read() {
        let bytes = b"\0\x01\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\0\0\0\0\x03\xff\xff\xff\xff";
        let expected = BTreeMap::from([("t".to_owned(), vec![0, 3])]);
        assert_eq!(assignment(Bytes::from_static(bytes)), expected);
    }

    #[test]
    fn an_assignment_of_another_protocol_counts_as_empty() {
        let registry = b"{\"version\":1,\"error\":0,\"master\":\"sr-1\"}";
        let huge = b"\0\0\x7f\xff\xff\xff";
        for bytes in [&registry[..], &huge[..], &b""[..], &b"\0"[..]] {
            assert!(assignment(Bytes::copy_from_slice(bytes)).is_empty(), "{bytes:?}");
        }
    }
}
