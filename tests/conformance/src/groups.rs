//! What scenarios of groups say often: members on connections of their own, and groups of them.

use crate::client::{Client, Pending, Topic};
use crate::help::*;
use bytes::Bytes;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, GroupId, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
};
use std::time::Duration;
use tidegate_wire::offsets::{
    CommitPartition, CommitTopic, FetchGroup, FetchTopic, OffsetCommitRequest, OffsetFetchRequest,
};

/// The versions in which members get along without a request of their own being the subject.
pub const JOIN: i16 = 9;
pub const SYNC: i16 = 5;

/// Sessions and rebalances that no scenario sits out.
const LONG_MS: i32 = 30_000;

/// Those that scenarios sit out: long enough for the few requests that have to come before their end.
pub const SHORT_MS: i32 = 4_000;

/// More than that.
pub const BEYOND_SHORT: Duration = Duration::from_millis(SHORT_MS as u64 + 1_000);

/// A session that is kept up with a sign of life every [`BEAT`].
pub const KEPT_MS: i32 = 8_000;

/// Eight of them last longer than [`KEPT_MS`].
pub const BEAT: Duration = Duration::from_millis(1_100);

pub fn group_id(name: &str) -> GroupId {
    GroupId(text(name))
}

/// A consumer that joins a group for the first time.
pub fn join_request(group: &str) -> JoinGroupRequest {
    JoinGroupRequest::default()
        .with_group_id(group_id(group))
        .with_session_timeout_ms(LONG_MS)
        .with_rebalance_timeout_ms(LONG_MS)
        .with_protocol_type(text("consumer"))
        .with_protocols(protocols(&["range"], subscription(&[], "m")))
}

/// Protocols, best first, with the same metadata for each.
pub fn protocols(names: &[&str], metadata: Bytes) -> Vec<JoinGroupRequestProtocol> {
    let protocol = |name: &&str| {
        JoinGroupRequestProtocol::default().with_name(text(name)).with_metadata(metadata.clone())
    };
    names.iter().map(protocol).collect()
}

/// A consumer's metadata in version 0: topics and the assignor's own data, here a label. Kafka
/// reads them when the group's protocol type is `consumer`, and does not always survive what is
/// none: it makes room for as many topics as the count says.
pub fn subscription(topics: &[&str], label: &str) -> Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend_from_slice(&(topics.len() as u32).to_be_bytes());
    for topic in topics {
        bytes.extend_from_slice(&(topic.len() as u16).to_be_bytes());
        bytes.extend_from_slice(topic.as_bytes());
    }
    bytes.extend_from_slice(&(label.len() as u32).to_be_bytes());
    bytes.extend_from_slice(label.as_bytes());
    bytes.into()
}

/// The question what a group has committed for partitions of one topic.
pub fn wanted_of(group: &str, topic: &Topic, partitions: Vec<i32>) -> OffsetFetchRequest {
    let row = FetchTopic { name: text(&topic.name), topic_id: topic.id, partitions };
    wanted(vec![wanted_group(group, Some(vec![row]))])
}

pub fn wanted(groups: Vec<FetchGroup>) -> OffsetFetchRequest {
    OffsetFetchRequest { groups, require_stable: false }
}

/// What one group has committed for those topics, or for all.
pub fn wanted_group(group: &str, topics: Option<Vec<FetchTopic>>) -> FetchGroup {
    FetchGroup { group_id: text(group), member_id: None, member_epoch: -1, topics }
}

/// A member of a group, on a connection of its own. Its metadata hold its label, by which the
/// transcript tells it from others.
pub struct Member {
    pub client: Client,
    pub group: String,
    pub label: String,
    pub instance: Option<String>,
    /// Best first.
    pub protocols: &'static [&'static str],
    /// What it subscribes to.
    pub topics: Vec<String>,
    pub session_ms: i32,
    pub rebalance_ms: i32,
    /// Empty before it is given one.
    pub id: String,
    /// -1 before it has joined.
    pub generation: i32,
}

impl Member {
    /// Somebody who has not asked for anything yet.
    pub async fn new(client: &Client, group: &str, label: &str) -> Member {
        Member {
            client: client.connect().await,
            group: group.to_owned(),
            label: label.to_owned(),
            instance: None,
            protocols: &["range"],
            topics: Vec::new(),
            session_ms: LONG_MS,
            rebalance_ms: LONG_MS,
            id: String::new(),
            generation: -1,
        }
    }

    /// A static member; its instance id is its label.
    pub async fn fixed(client: &Client, group: &str, label: &str) -> Member {
        let member = Member::new(client, group, label).await;
        Member { instance: Some(label.to_owned()), ..member }
    }

    // ------------------------------------------------------------------ requests

    pub fn join_request(&self) -> JoinGroupRequest {
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        join_request(&self.group)
            .with_member_id(text(&self.id))
            .with_group_instance_id(self.instance.as_deref().map(text))
            .with_session_timeout_ms(self.session_ms)
            .with_rebalance_timeout_ms(self.rebalance_ms)
            .with_protocols(protocols(self.protocols, subscription(&topics, &self.label)))
    }

    /// The leader names members' ids and assignments, everybody else none.
    pub fn sync_request(&self, assignments: &[(&str, &str)]) -> SyncGroupRequest {
        let row = |(id, assignment): &(&str, &str)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(id))
                .with_assignment(Bytes::from((*assignment).to_owned()))
        };
        SyncGroupRequest::default()
            .with_group_id(group_id(&self.group))
            .with_generation_id(self.generation)
            .with_member_id(text(&self.id))
            .with_group_instance_id(self.instance.as_deref().map(text))
            .with_protocol_type(Some(text("consumer")))
            .with_protocol_name(Some(text("range")))
            .with_assignments(assignments.iter().map(row).collect())
    }

    pub fn heartbeat_request(&self) -> HeartbeatRequest {
        HeartbeatRequest::default()
            .with_group_id(group_id(&self.group))
            .with_generation_id(self.generation)
            .with_member_id(text(&self.id))
            .with_group_instance_id(self.instance.as_deref().map(text))
    }

    /// The member as versions 3 and above of LeaveGroup name it.
    pub fn identity(&self) -> MemberIdentity {
        MemberIdentity::default()
            .with_member_id(text(&self.id))
            .with_group_instance_id(self.instance.as_deref().map(text))
    }

    // ------------------------------------------------------------------ steps, in the transcript

    /// Waits for the answer to a join and keeps what it gives the member. The leader's list of
    /// members is told in the order of their metadata: Kafka's own order is that of a hash map.
    pub async fn end_join(&mut self, pending: Pending<JoinGroupRequest>) -> JoinGroupResponse {
        let version = pending.version();
        let mut response = self.client.receive(pending).await;
        response.members.sort_by(|one, other| one.metadata.cmp(&other.metadata));
        self.client.answered("JoinGroup", version, &response);
        self.keep(&response);
        response
    }

    /// Asks to join, with the id it has; [`Member::end_join`] waits for the answer.
    pub async fn begin_join(&mut self, version: i16) -> Pending<JoinGroupRequest> {
        self.client.begin(version, &self.join_request()).await
    }

    pub async fn join(&mut self, version: i16) -> JoinGroupResponse {
        let pending = self.begin_join(version).await;
        self.end_join(pending).await
    }

    /// The error code of a heartbeat.
    pub async fn heartbeat(&mut self, version: i16) -> i16 {
        self.client.call(version, &self.heartbeat_request()).await.error_code
    }

    // ------------------------------------------------------------------ steps nobody is told of

    pub fn keep(&mut self, response: &JoinGroupResponse) {
        self.id = response.member_id.to_string();
        self.generation = response.generation_id;
    }

    /// Asks for a member id. Joins wait for whoever has one.
    pub async fn get_id(&mut self) {
        assert!(self.instance.is_none(), "static members get their id as they join");
        let response = self.client.ask(JOIN, &self.join_request()).await;
        expect(response.error_code, ErrorCode::MemberIdRequired);
        self.id = response.member_id.to_string();
    }

    /// Joins and waits for the answer, which must be good.
    pub async fn enter(&mut self) -> JoinGroupResponse {
        let pending = self.begin_enter().await;
        self.end_enter(pending).await
    }

    pub async fn begin_enter(&mut self) -> Pending<JoinGroupRequest> {
        if self.id.is_empty() && self.instance.is_none() {
            self.get_id().await;
        }
        self.client.begin(JOIN, &self.join_request()).await
    }

    pub async fn end_enter(&mut self, pending: Pending<JoinGroupRequest>) -> JoinGroupResponse {
        let response = self.client.receive(pending).await;
        expect(response.error_code, ErrorCode::None);
        self.keep(&response);
        response
    }

    /// Asks for the assignment, or brings those of all, and waits for the answer.
    pub async fn settle(&mut self, assignments: &[(&str, &str)]) {
        let response = self.client.ask(SYNC, &self.sync_request(assignments)).await;
        expect(response.error_code, ErrorCode::None);
    }

    pub async fn leave(&mut self) {
        let request = LeaveGroupRequest::default()
            .with_group_id(group_id(&self.group))
            .with_members(vec![self.identity()]);
        let response = self.client.ask(5, &request).await;
        expect(response.error_code, ErrorCode::None);
        expect(response.members[0].error_code, ErrorCode::None);
    }
}

/// A stable group of one member.
pub async fn lone(client: &Client, group: &str) -> Member {
    stable(client, group, &["m"]).await.remove(0)
}

/// Members that have joined and wait for the leader, the first of them, to assign.
pub async fn joined(client: &Client, group: &str, labels: &[&str]) -> Vec<Member> {
    let mut members = Vec::new();
    for label in labels {
        members.push(Member::new(client, group, label).await);
    }
    gather(&mut members).await;
    members
}

/// Lets all of them join one generation, led by the first. That one is there alone before, so
/// that the generation is the second unless there is nobody else.
pub async fn gather(members: &mut [Member]) {
    members[0].enter().await;
    if members.len() == 1 {
        return;
    }
    members[0].settle(&[]).await;
    let mut waiting = Vec::new();
    for number in 1..members.len() {
        waiting.push(members[number].begin_enter().await);
        // The next request goes over another connection, and must not overtake this one.
        let group = members[0].group.clone();
        until(&mut members[0].client, &group, |group| group.members.len() == number + 1).await;
    }
    let led = members[0].enter().await;
    assert_eq!(led.members.len(), members.len(), "the first member leads all of them");
    for (member, pending) in members[1..].iter_mut().zip(waiting) {
        member.end_enter(pending).await;
    }
}

/// Members with their assignments, `for <label>`; the first is the leader.
pub async fn stable(client: &Client, group: &str, labels: &[&str]) -> Vec<Member> {
    let mut members = joined(client, group, labels).await;
    assign(&mut members).await;
    members
}

/// Gives every member its assignment.
pub async fn assign(members: &mut [Member]) {
    let ids: Vec<(String, String)> =
        members.iter().map(|one| (one.id.clone(), format!("for {}", one.label))).collect();
    let ids: Vec<(&str, &str)> = ids.iter().map(|(id, to)| (id.as_str(), to.as_str())).collect();
    members[0].settle(&ids).await;
    for member in &mut members[1..] {
        member.settle(&[]).await;
    }
}

/// Waits until the group looks like that.
pub async fn until(client: &mut Client, group: &str, looks: impl Fn(&DescribedGroup) -> bool) {
    for _ in 0..6_000 {
        if looks(&ask_about(client, group).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the group never looked like that");
}

pub async fn until_state(client: &mut Client, group: &str, state: &str) {
    until(client, group, |group| *group.group_state == *state).await;
}

/// The group as it is described, without a word in the transcript.
pub async fn ask_about(client: &mut Client, group: &str) -> DescribedGroup {
    let request = DescribeGroupsRequest::default().with_groups(vec![group_id(group)]);
    client.ask(5, &request).await.groups.remove(0)
}

/// Describes the group, members in the order of their metadata and assignments.
pub async fn describe(client: &mut Client, version: i16, group: &str) -> DescribedGroup {
    let request = DescribeGroupsRequest::default().with_groups(vec![group_id(group)]);
    let mut response = client.ask(version, &request).await;
    let members = &mut response.groups[0].members;
    members.sort_by(|one, other| {
        let key = |member: &DescribedGroupMember| {
            (member.member_metadata.clone(), member.member_assignment.clone())
        };
        key(one).cmp(&key(other))
    });
    client.answered("DescribeGroups", version, &response);
    response.groups.remove(0)
}

/// Commits offsets of one topic for a group without members.
pub async fn keep(client: &mut Client, group: &str, topic: &Topic, offsets: &[(i32, i64)]) {
    let partition = |&(index, offset): &(i32, i64)| CommitPartition {
        index,
        offset,
        leader_epoch: 3,
        metadata: Some(text("note")),
    };
    let partitions = offsets.iter().map(partition).collect();
    let row = CommitTopic { name: text(&topic.name), topic_id: topic.id, partitions };
    let request = OffsetCommitRequest {
        group_id: text(group),
        generation_id: -1,
        member_id: text(""),
        group_instance_id: None,
        retention_time_ms: -1,
        topics: vec![row],
    };
    let response = client.raw.commit(9, &request).await;
    for (_, error) in &response.topics[0].partitions {
        expect(*error, ErrorCode::None);
    }
}

/// A commit of one offset of partition 0 by that member, as the version writes it.
pub fn commit_by(member: &Member, version: i16, topic: &Topic, offset: i64) -> OffsetCommitRequest {
    let instance = member.instance.as_deref().filter(|_| version >= 7);
    let partition =
        CommitPartition { index: 0, offset, leader_epoch: -1, metadata: Some(text("note")) };
    OffsetCommitRequest {
        group_id: text(&member.group),
        generation_id: member.generation,
        member_id: text(&member.id),
        group_instance_id: instance.map(text),
        retention_time_ms: -1,
        topics: vec![CommitTopic {
            name: text(&topic.name),
            topic_id: topic.id,
            partitions: vec![partition],
        }],
    }
}

/// Deletes a group that must be there and empty, without a word in the transcript.
pub async fn delete_group(client: &mut Client, group: &str) {
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(group)]);
    expect(client.ask(2, &request).await.results[0].error_code, ErrorCode::None);
}
