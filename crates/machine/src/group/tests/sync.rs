//! Assignments on their way from the leader to the members.

use super::*;

/// Two members that have joined and not synced.
fn completing() -> (Coordinator, Client, Client) {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a]);
    let b_joins = coordinator.join(&b);
    coordinator.joined(&mut a);
    coordinator.take_joined(&mut b, b_joins);
    assert_eq!(coordinator.state(), Some(GroupState::CompletingRebalance));
    (coordinator, a, b)
}

#[test]
fn assignments_reach_their_members_verbatim() {
    let (mut coordinator, a, b) = completing();
    let b_syncs = coordinator.sync(&b, &[]);
    assert_eq!(coordinator.sync_error(b_syncs), None, "b waits for the leader");
    let a_syncs = coordinator.sync(&a, &[(&a, "\0\u{1}for a"), (&b, "for b")]);
    let reply = coordinator.sync_reply(a_syncs).unwrap();
    assert_eq!(reply.assignment, Bytes::from_static(b"\0\x01for a"));
    assert_eq!(reply.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(reply.protocol_name.as_deref(), Some("range"));
    let reply = coordinator.sync_reply(b_syncs).unwrap();
    assert_eq!(reply.assignment, Bytes::from_static(b"for b"));
    assert_eq!(coordinator.state(), Some(GroupState::Stable));
}

#[test]
fn a_member_that_the_leader_forgot_gets_an_empty_assignment() {
    let (mut coordinator, a, b) = completing();
    coordinator.sync(&a, &[(&a, "all")]);
    let b_syncs = coordinator.sync(&b, &[]);
    let reply = coordinator.sync_reply(b_syncs).unwrap();
    assert_eq!((reply.error, reply.assignment.len()), (ErrorCode::None, 0));
}

#[test]
fn a_sync_of_a_follower_does_not_assign() {
    let (mut coordinator, a, b) = completing();
    coordinator.sync(&b, &[(&a, "x"), (&b, "x")]);
    assert_eq!(coordinator.state(), Some(GroupState::CompletingRebalance));
}

#[test]
fn a_sync_whose_reply_was_lost_is_answered_again() {
    let (mut coordinator, a, b) = completing();
    let first = coordinator.sync(&a, &[(&a, "for a"), (&b, "for b")]);
    let records = coordinator.log.len();
    let again = coordinator.sync(&a, &[(&a, "other"), (&b, "other")]);
    assert_eq!(coordinator.sync_reply(first), coordinator.sync_reply(again));
    assert_eq!(coordinator.log.len(), records, "the generation has its assignment already");
}

#[test]
fn a_sync_repeated_while_it_waits_replaces_the_first_one() {
    let (mut coordinator, a, b) = completing();
    let first = coordinator.sync(&b, &[]);
    let second = coordinator.sync(&b, &[]);
    assert_eq!(coordinator.sync_error(first), Some(ErrorCode::RebalanceInProgress));
    coordinator.sync(&a, &[(&b, "for b")]);
    assert_eq!(coordinator.sync_error(second), Some(ErrorCode::None));
}

#[test]
fn sync_with_a_stale_generation_is_an_illegal_generation() {
    let (mut coordinator, mut a, _) = completing();
    a.generation -= 1;
    let syncs = coordinator.sync(&a, &[]);
    assert_eq!(coordinator.sync_error(syncs), Some(ErrorCode::IllegalGeneration));
}

#[test]
fn sync_of_an_unknown_member_or_group_is_an_unknown_member() {
    let mut stranger = Client::new("x");
    stranger.member_id = "x".to_owned();
    let nobody = Coordinator::new().sync_one(&stranger);
    assert_eq!(nobody, Some(ErrorCode::UnknownMemberId));
    let (mut coordinator, ..) = completing();
    assert_eq!(coordinator.sync_one(&stranger), Some(ErrorCode::UnknownMemberId));
}

impl Coordinator {
    fn sync_one(&mut self, client: &Client) -> Option<ErrorCode> {
        let syncs = self.sync(client, &[]);
        self.sync_error(syncs)
    }
}

#[test]
fn sync_with_another_protocol_or_type_is_inconsistent() {
    let (mut coordinator, a, _) = completing();
    for (protocol_type, protocol_name, expected) in [
        (Some("connect"), None, Some(ErrorCode::InconsistentGroupProtocol)),
        (Some("consumer"), Some("sticky"), Some(ErrorCode::InconsistentGroupProtocol)),
        (Some("consumer"), Some("range"), Some(ErrorCode::None)),
    ] {
        let request = SyncGroup {
            protocol_type: protocol_type.map(str::to_owned),
            protocol_name: protocol_name.map(str::to_owned),
            ..a.sync()
        };
        let syncs = coordinator.submit(Command::SyncGroup(request));
        assert_eq!(coordinator.sync_error(syncs), expected);
    }
}

#[test]
fn a_rebalance_sends_those_who_wait_for_assignments_back_to_join() {
    let (mut coordinator, a, b) = completing();
    let b_syncs = coordinator.sync(&b, &[]);
    coordinator.join(&Client::new("c"));
    assert_eq!(coordinator.sync_error(b_syncs), Some(ErrorCode::RebalanceInProgress));
    let a_syncs = coordinator.sync(&a, &[(&a, "late")]);
    assert_eq!(coordinator.sync_error(a_syncs), Some(ErrorCode::RebalanceInProgress));
}

#[test]
fn a_leader_that_never_syncs_is_removed_after_the_rebalance_timeout() {
    let (mut coordinator, a, mut b) = completing();
    let b_syncs = coordinator.sync(&b, &[]);
    for _ in 0..REBALANCE_MS / 5_000 - 1 {
        coordinator.advance(5_000);
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    }
    assert_eq!(coordinator.sync_error(b_syncs), None);
    coordinator.advance(5_000);
    assert_eq!(coordinator.sync_error(b_syncs), Some(ErrorCode::RebalanceInProgress));
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::UnknownMemberId);
    let reply = coordinator.joined(&mut b);
    assert_eq!((reply.leader, reply.members.len()), (b.member_id, 1));
}

#[test]
fn a_follower_that_never_syncs_is_removed_after_the_rebalance_timeout() {
    let (mut coordinator, a, b) = completing();
    coordinator.sync(&a, &[(&a, "x"), (&b, "y")]);
    for _ in 0..REBALANCE_MS / 5_000 {
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
        assert_eq!(coordinator.heartbeat(&b), ErrorCode::None);
        coordinator.advance(5_000);
    }
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress);
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::UnknownMemberId);
}

#[test]
fn a_member_that_waits_for_its_assignment_does_not_lose_its_session() {
    let (mut coordinator, a, b) = completing();
    let b_syncs = coordinator.sync(&b, &[]);
    for _ in 0..3 {
        coordinator.advance(SESSION_MS / 2);
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    }
    coordinator.sync(&a, &[(&b, "for b")]);
    assert_eq!(coordinator.sync_error(b_syncs), Some(ErrorCode::None));
    coordinator.advance(SESSION_MS - 1);
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::None, "its session began with the answer");
}

#[test]
fn the_group_is_written_once_per_generation_when_the_leader_assigns() {
    let (mut coordinator, a, b) = completing();
    let before = coordinator.log.len();
    coordinator.sync(&b, &[]);
    assert_eq!(coordinator.log.len(), before);
    coordinator.sync(&a, &[(&a, "x"), (&b, "y")]);
    let Some(Record::GroupMetadata { group_id, value }) = coordinator.log.get(before) else {
        panic!("no group record: {:?}", coordinator.log);
    };
    assert_eq!((coordinator.log.len(), group_id.as_str()), (before + 1, "g"));
    assert_eq!((value.generation, value.leader.as_deref()), (2, Some("a-fresh")));
    assert_eq!((value.protocol.as_deref(), &*value.protocol_type), (Some("range"), "consumer"));
    let written: Vec<_> =
        value.members.iter().map(|m| (&*m.member_id, &m.assignment[..])).collect();
    assert_eq!(written, [("a-fresh", &b"x"[..]), ("b-fresh", &b"y"[..])]);
    assert_eq!(value.members[0].subscription, Bytes::from_static(b"r"));
}

#[test]
fn a_member_that_got_its_assignment_and_falls_silent_loses_its_session() {
    let (mut coordinator, a, b) = completing();
    let b_syncs = coordinator.sync(&b, &[]);
    for _ in 0..3 {
        coordinator.advance(SESSION_MS / 2);
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    }
    coordinator.sync(&a, &[(&b, "for b")]);
    assert_eq!(coordinator.sync_error(b_syncs), Some(ErrorCode::None));
    coordinator.advance(SESSION_MS / 2);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    coordinator.advance(SESSION_MS / 2);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress);
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::UnknownMemberId);
}

#[test]
fn a_sync_in_a_stable_group_keeps_the_session_alive() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    for _ in 0..3 {
        coordinator.advance(SESSION_MS - 1);
        assert_eq!(coordinator.sync_one(&a), Some(ErrorCode::None));
    }
}

#[test]
fn a_member_that_leaves_while_it_waits_for_its_assignment_is_answered() {
    let (mut coordinator, _, b) = completing();
    let b_syncs = coordinator.sync(&b, &[]);
    assert_eq!(coordinator.leave(&[&b]), [ErrorCode::None]);
    assert_eq!(coordinator.sync_error(b_syncs), Some(ErrorCode::UnknownMemberId));
}

#[test]
fn assignments_of_an_interrupted_generation_are_not_shown() {
    let (mut coordinator, ..) = completing();
    assert_eq!(coordinator.describe().members[0].assignment, Bytes::from_static(b"a"));
    coordinator.join(&Client::new("c"));
    let members = coordinator.describe().members;
    assert!(members.iter().all(|member| member.assignment.is_empty()), "{members:?}");
}
