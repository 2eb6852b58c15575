//! Classic consumer groups: joining, assignments, heartbeats, static members.

use crate::commits::committed;
use crate::common::{Gateway, RawClient, code, text};
use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, SyncGroupRequest,
    SyncGroupResponse,
};
use std::time::{Duration, Instant};
use tidegate_model::ErrorCode;
use tidegate_server::Limits;

/// A client that knows the coordinator, so that the coordinator knows its groups.
pub async fn coordinated(gateway: &Gateway) -> RawClient {
    let mut client = gateway.client().await;
    let request = FindCoordinatorRequest::default().with_key(text("g"));
    let answer = client.call(3, &request).await;
    assert_eq!(code(answer.error_code), ErrorCode::None);
    assert_eq!(answer.port, i32::from(gateway.address.port()));
    client
}

/// A member of group "g" on a connection of its own.
pub struct Member {
    pub client: RawClient,
    pub id: String,
    pub generation: i32,
    pub instance: Option<&'static str>,
    pub protocols: &'static [&'static str],
    /// What it says of itself under each protocol, if not just any bytes.
    pub metadata: Option<Bytes>,
    pub session_ms: i32,
    pub rebalance_ms: i32,
}

const SYNC_VERSION: i16 = 5;
const HEARTBEAT_VERSION: i16 = 4;

impl Member {
    pub async fn new(gateway: &Gateway) -> Self {
        Member {
            client: coordinated(gateway).await,
            id: String::new(),
            generation: -1,
            instance: None,
            protocols: &["range"],
            metadata: None,
            session_ms: 30_000,
            rebalance_ms: 15_000,
        }
    }

    fn join_request(&self, version: i16) -> JoinGroupRequest {
        let protocols = self.protocols.iter().map(|name| {
            let any = || Bytes::from(format!("metadata of {name}"));
            JoinGroupRequestProtocol::default()
                .with_name(text(name))
                .with_metadata(self.metadata.clone().unwrap_or_else(any))
        });
        let mut request = JoinGroupRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_session_timeout_ms(self.session_ms)
            .with_member_id(text(&self.id))
            .with_protocol_type(text("consumer"))
            .with_protocols(protocols.collect());
        if version >= 1 {
            request.rebalance_timeout_ms = self.rebalance_ms;
        }
        if version >= 5 {
            request.group_instance_id = self.instance.map(text);
        }
        request
    }

    pub async fn begin_join(&mut self, version: i16) -> i32 {
        let request = self.join_request(version);
        self.client.begin(version, &request).await
    }

    pub async fn end_join(&mut self, version: i16, id: i32) -> JoinGroupResponse {
        let answer = self.client.end::<JoinGroupRequest>(version, id).await;
        self.id = answer.member_id.to_string();
        self.generation = answer.generation_id;
        answer
    }

    /// Joins, with the id it is told to use if it is told one.
    pub async fn join(&mut self, version: i16) -> JoinGroupResponse {
        let id = self.begin_join(version).await;
        let answer = self.end_join(version, id).await;
        if code(answer.error_code) != ErrorCode::MemberIdRequired {
            return answer;
        }
        let id = self.begin_join(version).await;
        self.end_join(version, id).await
    }

    pub fn sync_request(&self, version: i16, assignments: &[(&str, &[u8])]) -> SyncGroupRequest {
        let assignments = assignments.iter().map(|(member, bytes)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(member))
                .with_assignment(Bytes::copy_from_slice(bytes))
        });
        let mut request = SyncGroupRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_generation_id(self.generation)
            .with_member_id(text(&self.id))
            .with_assignments(assignments.collect());
        if version >= 3 {
            request.group_instance_id = self.instance.map(text);
        }
        if version >= 5 {
            request.protocol_type = Some(text("consumer"));
            request.protocol_name = Some(text(self.protocols[0]));
        }
        request
    }

    pub async fn sync(&mut self, assignments: &[(&str, &[u8])]) -> SyncGroupResponse {
        let request = self.sync_request(SYNC_VERSION, assignments);
        self.client.call(SYNC_VERSION, &request).await
    }

    pub async fn heartbeat(&mut self) -> ErrorCode {
        self.heartbeat_in(HEARTBEAT_VERSION).await
    }

    async fn heartbeat_in(&mut self, version: i16) -> ErrorCode {
        let mut request = HeartbeatRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_generation_id(self.generation)
            .with_member_id(text(&self.id));
        if version >= 3 {
            request.group_instance_id = self.instance.map(text);
        }
        code(self.client.call(version, &request).await.error_code)
    }

    /// Leaves the group.
    pub async fn leave(&mut self) {
        let request = LeaveGroupRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_member_id(text(&self.id));
        let left = self.client.call(2, &request).await;
        assert_eq!(code(left.error_code), ErrorCode::None);
    }

    /// Joins an empty group and takes everything.
    pub async fn alone(gateway: &Gateway) -> Self {
        let mut member = Member::new(gateway).await;
        member.take_all().await;
        member
    }

    pub async fn take_all(&mut self) {
        let joined = self.join(9).await;
        assert_eq!(code(joined.error_code), ErrorCode::None);
        let id = self.id.clone();
        let synced = self.sync(&[(&id, b"all")]).await;
        assert_eq!(
            (code(synced.error_code), &synced.assignment[..]),
            (ErrorCode::None, &b"all"[..])
        );
    }
}

/// Two members, the first of which leads, in a stable group.
async fn pair(gateway: &Gateway) -> (Member, Member) {
    let mut leader = Member::alone(gateway).await;
    let mut follower = Member::new(gateway).await;
    let id = follower.begin_join(4).await;
    let answer = follower.end_join(4, id).await;
    assert_eq!(code(answer.error_code), ErrorCode::MemberIdRequired);
    let waiting = follower.begin_join(9).await;
    assert!(follower.client.is_silent(Duration::from_millis(50)).await, "the barrier holds");
    assert_eq!(leader.heartbeat().await, ErrorCode::RebalanceInProgress);
    let joined = leader.join(9).await;
    assert_eq!(joined.members.len(), 2);
    follower.end_join(9, waiting).await;
    assert_eq!(leader.generation, follower.generation);
    let request = follower.sync_request(SYNC_VERSION, &[]);
    let waiting = follower.client.begin(SYNC_VERSION, &request).await;
    let (one, other) = (leader.id.clone(), follower.id.clone());
    leader.sync(&[(&one, b"one"), (&other, b"other")]).await;
    let synced = follower.client.end::<SyncGroupRequest>(SYNC_VERSION, waiting).await;
    assert_eq!(synced.assignment[..], b"other"[..]);
    (leader, follower)
}

#[tokio::test]
async fn join_without_member_id_returns_member_id_required_from_version_4_on() {
    let gateway = Gateway::start().await;
    for version in 0..=9 {
        let mut member = Member::new(&gateway).await;
        let id = member.begin_join(version).await;
        let answer = member.end_join(version, id).await;
        if version < 4 {
            assert_eq!(code(answer.error_code), ErrorCode::None, "v{version}");
            assert_eq!(answer.leader, answer.member_id, "v{version}");
        } else {
            assert_eq!(code(answer.error_code), ErrorCode::MemberIdRequired, "v{version}");
            assert!(answer.member_id.starts_with("raw-"), "v{version}: {}", &*answer.member_id);
            let id = member.begin_join(version).await;
            let answer = member.end_join(version, id).await;
            assert_eq!(code(answer.error_code), ErrorCode::None, "v{version}");
        }
        let leave = LeaveGroupRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_member_id(text(&member.id));
        assert_eq!(member.client.call(2, &leave).await.error_code, 0);
    }
}

#[tokio::test]
async fn a_group_forms_and_hands_assignments_on_verbatim_in_every_version() {
    let gateway = Gateway::start().await;
    let assignment = [0xff, 0x00, 0x80, 0x0a];
    for (join, sync, heartbeat, leave) in
        [(0, 0, 0, 0), (1, 1, 1, 1), (3, 2, 2, 2), (4, 3, 3, 3), (5, 4, 4, 4), (9, 5, 4, 5)]
    {
        let mut member = Member::new(&gateway).await;
        let joined = member.join(join).await;
        assert_eq!(code(joined.error_code), ErrorCode::None, "v{join}");
        assert_eq!(joined.protocol_name.as_deref(), Some("range"), "v{join}");
        assert_eq!(joined.members.len(), 1, "the leader is told the members");
        assert_eq!(joined.members[0].metadata[..], b"metadata of range"[..]);
        let id = member.id.clone();
        let request = member.sync_request(sync, &[(&id, &assignment)]);
        let synced = member.client.call(sync, &request).await;
        assert_eq!(code(synced.error_code), ErrorCode::None, "v{sync}");
        assert_eq!(synced.assignment[..], assignment, "v{sync}");
        assert_eq!(member.heartbeat_in(heartbeat).await, ErrorCode::None, "v{heartbeat}");
        let mut request = LeaveGroupRequest::default().with_group_id(GroupId(text("g")));
        if leave >= 3 {
            let identity = MemberIdentity::default().with_member_id(text(&id));
            request.members = vec![identity];
        } else {
            request.member_id = text(&id);
        }
        let left = member.client.call(leave, &request).await;
        assert_eq!(code(left.error_code), ErrorCode::None, "v{leave}");
        let gone = member.heartbeat_in(heartbeat).await;
        assert_eq!(gone, ErrorCode::UnknownMemberId, "v{heartbeat}");
    }
}

#[tokio::test]
async fn a_second_member_joins_through_the_barrier_and_each_gets_its_assignment() {
    let gateway = Gateway::start().await;
    let (mut leader, mut follower) = pair(&gateway).await;
    assert_eq!(leader.heartbeat().await, ErrorCode::None);
    assert_eq!(follower.heartbeat().await, ErrorCode::None);
    // Asking again is answered from what was decided.
    assert_eq!(follower.sync(&[]).await.assignment[..], b"other"[..]);
}

#[tokio::test]
async fn members_that_do_not_rejoin_in_the_rebalance_timeout_are_evicted() {
    let gateway = Gateway::start().await;
    let mut lazy = Member::new(&gateway).await;
    lazy.rebalance_ms = 400;
    lazy.take_all().await;
    let mut eager = Member::new(&gateway).await;
    eager.rebalance_ms = 400;
    let started = Instant::now();
    let joined = eager.join(9).await;
    let took = started.elapsed();
    assert_eq!(code(joined.error_code), ErrorCode::None);
    assert!(took >= Duration::from_millis(350), "the barrier held {took:?}");
    assert!(took < Duration::from_secs(60), "the barrier held {took:?}");
    assert_eq!(joined.members.len(), 1);
    assert_eq!(joined.leader, joined.member_id);
    assert_eq!(lazy.heartbeat().await, ErrorCode::UnknownMemberId);
}

#[tokio::test]
async fn a_member_without_heartbeats_is_gone_after_its_session_and_one_with_them_stays() {
    let gateway = Gateway::start().await;
    let mut silent = Member::new(&gateway).await;
    // Long beside the pauses between heartbeats, which a machine with much to do makes longer.
    let session = Duration::from_secs(5);
    silent.session_ms = session.as_millis() as i32;
    silent.take_all().await;
    let mut last = Instant::now();
    for _ in 0..10 {
        tokio::time::sleep(session / 8).await;
        last = Instant::now();
        assert_eq!(silent.heartbeat().await, ErrorCode::None);
    }
    let mut other = coordinated(&gateway).await;
    let describe = DescribeGroupsRequest::default().with_groups(vec![GroupId(text("g"))]);
    // A heartbeat would begin its session anew.
    while !other.call(5, &describe).await.groups[0].members.is_empty() {
        assert!(last.elapsed() < Duration::from_secs(60), "it stays for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        last.elapsed() >= session - Duration::from_millis(50),
        "gone after {:?}",
        last.elapsed()
    );
    assert_eq!(silent.heartbeat().await, ErrorCode::UnknownMemberId);
}

#[tokio::test]
async fn the_protocol_is_one_that_all_members_know() {
    let gateway = Gateway::start().await;
    let mut first = Member::new(&gateway).await;
    first.protocols = &["range", "sticky"];
    first.take_all().await;
    let mut second = Member::new(&gateway).await;
    second.protocols = &["sticky", "other"];
    let id = second.begin_join(4).await;
    second.end_join(4, id).await;
    let waiting = second.begin_join(9).await;
    let joined = first.join(9).await;
    assert_eq!(joined.protocol_name.as_deref(), Some("sticky"));
    assert_eq!(joined.members[0].metadata[..], b"metadata of sticky"[..]);
    let joined = second.end_join(9, waiting).await;
    assert_eq!(joined.protocol_name.as_deref(), Some("sticky"));
    assert!(joined.members.is_empty(), "only the leader is told the members");
    let mut stranger = Member::new(&gateway).await;
    stranger.protocols = &["unheard-of"];
    let refused = stranger.join(9).await;
    assert_eq!(code(refused.error_code), ErrorCode::InconsistentGroupProtocol);
}

#[tokio::test]
async fn stale_generations_and_unknown_members_are_told_apart() {
    let gateway = Gateway::start().await;
    let mut member = Member::alone(&gateway).await;
    member.generation += 1;
    assert_eq!(member.heartbeat().await, ErrorCode::IllegalGeneration);
    assert_eq!(code(member.sync(&[]).await.error_code), ErrorCode::IllegalGeneration);
    member.generation -= 1;
    assert_eq!(member.heartbeat().await, ErrorCode::None);
    member.id.push('x');
    assert_eq!(member.heartbeat().await, ErrorCode::UnknownMemberId);
    assert_eq!(code(member.sync(&[]).await.error_code), ErrorCode::UnknownMemberId);
    let rejoined = member.join(9).await;
    assert_eq!(code(rejoined.error_code), ErrorCode::UnknownMemberId);
}

#[tokio::test]
async fn heartbeats_are_welcome_through_a_whole_rebalance() {
    let gateway = Gateway::start().await;
    let mut leader = Member::alone(&gateway).await;
    let mut follower = Member::new(&gateway).await;
    let id = follower.begin_join(4).await;
    follower.end_join(4, id).await;
    let waiting = follower.begin_join(9).await;
    for _ in 0..3 {
        assert_eq!(leader.heartbeat().await, ErrorCode::RebalanceInProgress);
    }
    leader.join(9).await;
    follower.end_join(9, waiting).await;
    // Joined and not yet assigned.
    assert_eq!(leader.heartbeat().await, ErrorCode::None);
    assert_eq!(follower.heartbeat().await, ErrorCode::None);
    let id = leader.id.clone();
    leader.sync(&[(&id, b"all")]).await;
    assert_eq!(leader.heartbeat().await, ErrorCode::None);
}

#[tokio::test]
async fn leaving_starts_a_rebalance_of_those_that_stay() {
    let gateway = Gateway::start().await;
    let (mut leader, mut follower) = pair(&gateway).await;
    let identity = MemberIdentity::default().with_member_id(text(&follower.id));
    let request = LeaveGroupRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_members(vec![identity, MemberIdentity::default().with_member_id(text("nobody"))]);
    let left = follower.client.call(5, &request).await;
    let codes: Vec<_> = left.members.iter().map(|row| code(row.error_code)).collect();
    assert_eq!(codes, [ErrorCode::None, ErrorCode::UnknownMemberId]);
    assert_eq!(leader.heartbeat().await, ErrorCode::RebalanceInProgress);
    let joined = leader.join(9).await;
    assert_eq!(joined.members.len(), 1);
}

#[tokio::test]
async fn a_second_member_of_the_same_instance_fences_the_first() {
    let gateway = Gateway::start().await;
    for version in [5, 9] {
        let mut first = Member::new(&gateway).await;
        first.instance = Some("i");
        let joined = first.join(version).await;
        assert_eq!(code(joined.error_code), ErrorCode::None, "v{version}");
        let id = first.id.clone();
        first.sync(&[(&id, b"all")]).await;
        let mut second = Member::new(&gateway).await;
        second.instance = Some("i");
        let joined = second.join(version).await;
        assert_eq!(code(joined.error_code), ErrorCode::None, "v{version}");
        assert_ne!(second.id, first.id);
        assert_eq!(first.heartbeat().await, ErrorCode::FencedInstanceId, "v{version}");
        let synced = first.sync(&[]).await;
        assert_eq!(code(synced.error_code), ErrorCode::FencedInstanceId, "v{version}");
        let refused = first.join(version).await;
        assert_eq!(code(refused.error_code), ErrorCode::FencedInstanceId, "v{version}");
    }
}

#[tokio::test]
async fn a_static_member_that_comes_back_unchanged_causes_no_rebalance() {
    let gateway = Gateway::start().await;
    let mut first = Member::new(&gateway).await;
    first.instance = Some("i");
    first.take_all().await;
    let mut again = Member::new(&gateway).await;
    again.instance = Some("i");
    let joined = again.join(9).await;
    assert_eq!(code(joined.error_code), ErrorCode::None);
    assert_eq!(joined.generation_id, first.generation, "the generation stays");
    let synced = again.sync(&[]).await;
    assert_eq!(synced.assignment[..], b"all"[..], "and so does the assignment");
    assert_eq!(again.heartbeat().await, ErrorCode::None);
}

#[tokio::test]
async fn bad_group_ids_and_session_timeouts_are_refused() {
    let gateway = Gateway::start().await;
    for (session_ms, expected) in [
        (99, ErrorCode::InvalidSessionTimeout),
        (i32::MAX, ErrorCode::InvalidSessionTimeout),
        (-1, ErrorCode::InvalidSessionTimeout),
        (100, ErrorCode::None),
    ] {
        let mut member = Member::new(&gateway).await;
        member.session_ms = session_ms;
        assert_eq!(code(member.join(3).await.error_code), expected, "{session_ms} ms");
    }
    let mut client = coordinated(&gateway).await;
    for version in 0..=9 {
        let request = JoinGroupRequest::default().with_session_timeout_ms(10_000);
        let answer = client.call(version, &request).await;
        assert_eq!(code(answer.error_code), ErrorCode::InvalidGroupId, "v{version}");
    }
}

#[tokio::test]
async fn a_group_takes_no_more_than_group_max_size_members() {
    let gateway = Gateway::with(&[("group.max.size", "1")], Limits::default()).await;
    let _member = Member::alone(&gateway).await;
    let refused = Member::new(&gateway).await.join(9).await;
    assert_eq!(code(refused.error_code), ErrorCode::GroupMaxSizeReached);
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_rebalance() {
    let gateway = Gateway::start().await;
    let _lazy = Member::alone(&gateway).await;
    let mut waiting = Member::new(&gateway).await;
    let id = waiting.begin_join(4).await;
    waiting.end_join(4, id).await;
    waiting.begin_join(9).await;
    assert!(waiting.client.is_silent(Duration::from_millis(50)).await, "the barrier holds");
    let started = Instant::now();
    gateway.stop().await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(30), "stopped after {took:?}");
}

/// What a client is told about group "g": by Heartbeat, DescribeGroups, DeleteGroups and OffsetFetch,
/// and how many groups are listed.
async fn told_of_g(client: &mut RawClient) -> ([ErrorCode; 4], usize) {
    let group = || GroupId(text("g"));
    let heartbeat = HeartbeatRequest::default().with_group_id(group()).with_member_id(text("m"));
    let heartbeat = client.call(4, &heartbeat).await.error_code;
    let describe = DescribeGroupsRequest::default().with_groups(vec![group()]);
    let described = client.call(5, &describe).await.groups[0].error_code;
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group()]);
    let deleted = client.call(2, &delete).await.results[0].error_code;
    let fetched = committed(client, 8, None).await.error_code;
    let listed = client.call(4, &ListGroupsRequest::default()).await;
    assert_eq!(code(listed.error_code), ErrorCode::None);
    ([heartbeat, described, deleted, fetched].map(code), listed.groups.len())
}

#[tokio::test]
async fn before_anybody_looked_for_the_coordinator_there_is_none() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    assert_eq!(told_of_g(&mut client).await, ([ErrorCode::NotCoordinator; 4], 0));
    let mut client = coordinated(&gateway).await;
    let (unknown, none) = (ErrorCode::UnknownMemberId, ErrorCode::None);
    let found = [unknown, none, ErrorCode::GroupIdNotFound, none];
    assert_eq!(told_of_g(&mut client).await, (found, 0));
}

#[tokio::test]
async fn groups_are_gone_with_consumer_offsets_and_begin_anew_with_the_next_one() {
    let gateway = Gateway::start().await;
    let (mut leader, mut follower) = pair(&gateway).await;
    // One member waits for the other in a rebalance.
    let waiting = leader.begin_join(9).await;
    assert!(leader.client.is_silent(Duration::from_millis(50)).await, "the barrier holds");
    let mut client = gateway.client().await;
    crate::fetch::delete_topic(&mut client, "__consumer_offsets").await;
    let joined = leader.end_join(9, waiting).await;
    assert_eq!(code(joined.error_code), ErrorCode::NotCoordinator);
    assert_eq!(follower.heartbeat().await, ErrorCode::NotCoordinator);
    assert_eq!(told_of_g(&mut client).await, ([ErrorCode::NotCoordinator; 4], 0));
    coordinated(&gateway).await;
    assert_eq!(follower.heartbeat().await, ErrorCode::UnknownMemberId);
    let member = Member::alone(&gateway).await;
    assert_eq!(member.generation, 1);
    let (_, groups) = told_of_g(&mut client).await;
    assert_eq!(groups, 1);
}
