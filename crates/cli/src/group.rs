//! `tidegate group`: list, describe and delete consumer groups.

use crate::args::{ConnectArgs, GroupCommand};
use crate::client::{Client, LATEST, Partition, check, name_of, text};
use crate::failure::Failure;
use crate::output::{Table, print, print_json};
use crate::topic::report;
use bytes::{Buf, Bytes};
use kafka_protocol::messages::describe_groups_response::DescribedGroupMember;
use kafka_protocol::messages::{
    ConsumerProtocolAssignment, DeleteGroupsRequest, DescribeGroupsRequest, GroupId,
    ListGroupsRequest, OffsetFetchRequest,
};
use kafka_protocol::protocol::{Decodable, Message};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_model::ErrorCode;

/// Runs one of the commands.
pub fn run(command: GroupCommand) -> Result<(), Failure> {
    match command {
        GroupCommand::List { connect } => list(&connect),
        GroupCommand::Describe { group, connect } => describe(&connect, &group),
        GroupCommand::Delete { groups, connect } => delete(&connect, groups),
    }
}

#[derive(Serialize)]
struct ListedGroup {
    group: String,
    state: String,
    r#type: String,
    protocol: String,
    coordinator: i32,
}

fn list(connect: &ConnectArgs) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let mut groups = Vec::new();
    for node_id in client.broker_ids() {
        let response = client.ask_broker(node_id, &ListGroupsRequest::default(), 5)?;
        check(response.error_code, None, || format!("the groups of broker {node_id}"))?;
        groups.extend(response.groups.into_iter().map(|group| ListedGroup {
            group: group.group_id.to_string(),
            state: group.group_state.to_string(),
            r#type: group.group_type.to_string(),
            protocol: group.protocol_type.to_string(),
            coordinator: node_id,
        }));
    }
    groups.sort_by(|a, b| a.group.cmp(&b.group));
    if connect.json {
        return print_json(&groups);
    }
    let mut table = Table::new(&["GROUP", "STATE", "TYPE", "PROTOCOL"]);
    for group in groups {
        table.row([group.group, group.state, group.r#type, group.protocol]);
    }
    print(&table.render())
}

#[derive(Serialize)]
struct DescribedGroup {
    group: String,
    state: String,
    assignor: String,
    coordinator: i32,
    members: Vec<DescribedMember>,
    offsets: Vec<DescribedOffset>,
}

#[derive(Serialize)]
struct DescribedMember {
    member_id: String,
    instance_id: Option<String>,
    client_id: String,
    host: String,
    /// Topics with their partitions; none if the assignment is not a consumer's.
    assignment: BTreeMap<String, Vec<i32>>,
}

#[derive(Serialize)]
struct DescribedOffset {
    topic: String,
    partition: i32,
    committed_offset: Option<i64>,
    end_offset: Option<i64>,
    lag: Option<i64>,
    metadata: Option<String>,
    member_id: Option<String>,
}

/// What a group has committed, with the metadata.
type Committed = BTreeMap<Partition, (i64, Option<String>)>;

fn describe(connect: &ConnectArgs, name: &str) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let coordinator = client.coordinator(name)?;
    let request = DescribeGroupsRequest::default().with_groups(vec![GroupId(text(name))]);
    // Version 6 answers with an error what version 5 calls the state Dead.
    let response = client.ask_broker(coordinator, &request, 5)?;
    let Some(group) = response.groups.into_iter().next() else {
        return Err(Failure::Failed(format!("group {name}: the broker did not describe it")));
    };
    check(group.error_code, None, || format!("group {name}"))?;
    let committed = committed(&mut client, coordinator, name)?;
    if &*group.group_state == "Dead" && committed.is_empty() {
        return Err(Failure::Failed(format!("group {name} does not exist")));
    }
    let members: Vec<DescribedMember> = group.members.into_iter().map(member).collect();
    let described = DescribedGroup {
        group: name.to_owned(),
        state: group.group_state.to_string(),
        assignor: group.protocol_data.to_string(),
        coordinator,
        offsets: offsets(&mut client, &members, committed)?,
        members,
    };
    if connect.json { print_json(&described) } else { print(&rendered(&described)) }
}

fn committed(client: &mut Client, coordinator: i32, group: &str) -> Result<Committed, Failure> {
    let request =
        OffsetFetchRequest::default().with_group_id(GroupId(text(group))).with_topics(None);
    // From version 8 on the request asks for several groups at once, which nobody here does.
    let response = client.ask_broker(coordinator, &request, 7)?;
    check(response.error_code, None, || format!("the committed offsets of group {group}"))?;
    let mut committed = Committed::new();
    for topic in response.topics {
        for partition in topic.partitions {
            let index = partition.partition_index;
            let of = || format!("the committed offset of {}-{index}", topic.name.as_str());
            check(partition.error_code, None, of)?;
            let metadata = partition.metadata.filter(|metadata| !metadata.is_empty());
            let metadata = metadata.map(|metadata| metadata.to_string());
            committed
                .insert((topic.name.to_string(), index), (partition.committed_offset, metadata));
        }
    }
    Ok(committed)
}

fn member(member: DescribedGroupMember) -> DescribedMember {
    DescribedMember {
        member_id: member.member_id.to_string(),
        instance_id: member.group_instance_id.map(|id| id.to_string()),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        assignment: assignment(member.member_assignment),
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

fn offsets(
    client: &mut Client,
    members: &[DescribedMember],
    mut committed: Committed,
) -> Result<Vec<DescribedOffset>, Failure> {
    let mut holders: BTreeMap<Partition, String> = BTreeMap::new();
    for member in members {
        for (topic, partitions) in &member.assignment {
            for partition in partitions {
                holders.insert((topic.clone(), *partition), member.member_id.clone());
            }
        }
    }
    let partitions: BTreeSet<Partition> = committed.keys().chain(holders.keys()).cloned().collect();
    let names: BTreeSet<String> = partitions.iter().map(|(topic, _)| topic.clone()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let mut topics = client.topics(Some(&names))?;
    for topic in &mut topics {
        let name = name_of(topic);
        topic.partitions.retain(|p| partitions.contains(&(name.clone(), p.partition_index)));
    }
    let ends = client.offsets(&topics, LATEST)?;
    let row = |partition: Partition| {
        let (offset, metadata) = committed.remove(&partition).unzip();
        let offset = offset.filter(|offset| *offset >= 0);
        let end = ends.get(&partition).copied();
        let member_id = holders.get(&partition).cloned();
        DescribedOffset {
            topic: partition.0,
            partition: partition.1,
            committed_offset: offset,
            end_offset: end,
            lag: offset.and_then(|offset| Some((end? - offset).max(0))),
            metadata: metadata.flatten(),
            member_id,
        }
    };
    Ok(partitions.into_iter().map(row).collect())
}

fn rendered(group: &DescribedGroup) -> String {
    let mut members = Table::new(&["MEMBER", "INSTANCE", "CLIENT", "HOST", "PARTITIONS"]);
    for member in &group.members {
        members.row([
            member.member_id.clone(),
            member.instance_id.clone().unwrap_or_else(|| "-".to_owned()),
            member.client_id.clone(),
            member.host.clone(),
            member.assignment.values().map(Vec::len).sum::<usize>().to_string(),
        ]);
    }
    let mut offsets = Table::new(&["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER"]);
    let number = |value: Option<i64>| value.map_or("-".to_owned(), |value| value.to_string());
    for offset in &group.offsets {
        offsets.row([
            offset.topic.clone(),
            offset.partition.to_string(),
            number(offset.committed_offset),
            number(offset.end_offset),
            number(offset.lag),
            offset.member_id.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    let assignor = match group.assignor.as_str() {
        "" => String::new(),
        assignor => format!(", assigned by {assignor}"),
    };
    let members = match group.members.is_empty() {
        true => "no members\n".to_owned(),
        false => members.render(),
    };
    let offsets = match group.offsets.is_empty() {
        true => "no committed offsets\n".to_owned(),
        false => offsets.render(),
    };
    format!("{}  {}{assignor}\n\n{members}\n{offsets}", group.group, group.state)
}

fn delete(connect: &ConnectArgs, groups: Vec<String>) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let mut results = Vec::new();
    for group in groups {
        let result = delete_one(&mut client, &group);
        results.push((group, result));
    }
    report(connect, "group", results)
}

fn delete_one(client: &mut Client, group: &str) -> Result<(), Failure> {
    let coordinator = client.coordinator(group)?;
    let request = DeleteGroupsRequest::default().with_groups_names(vec![GroupId(text(group))]);
    for result in client.ask_broker(coordinator, &request, 2)?.results {
        if result.error_code == ErrorCode::GroupIdNotFound.code() {
            return Err(Failure::Failed(format!("group {group} does not exist")));
        }
        check(result.error_code, None, || format!("group {group} was not deleted"))?;
    }
    Ok(())
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
