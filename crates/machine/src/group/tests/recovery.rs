//! What a restart finds again.

use super::*;

#[test]
fn a_stable_group_is_stable_after_a_restart_with_members_and_assignments() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let before = coordinator.describe();
    coordinator.restart();
    assert_eq!(coordinator.describe(), before);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None, "no spurious UNKNOWN_MEMBER_ID");
    assert_eq!(coordinator.commit_as(&b, offset("t", 0, 1)), ErrorCode::None);
    let syncs = coordinator.sync(&b, &[]);
    assert_eq!(coordinator.sync_reply(syncs).unwrap().assignment, Bytes::from_static(b"b"));
}

#[test]
fn every_members_session_starts_anew_after_a_restart() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    coordinator.advance(SESSION_MS - 1);
    coordinator.restart();
    coordinator.advance(SESSION_MS - 1);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    coordinator.advance(1);
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::UnknownMemberId);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress);
}

#[test]
fn a_rebalance_that_a_restart_interrupted_begins_again_from_the_last_generation() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a]);
    let b_joins = coordinator.join(&b);
    let generation_before = a.generation;
    coordinator.joined(&mut a);
    coordinator.take_joined(&mut b, b_joins);
    coordinator.restart();
    assert_eq!(coordinator.state(), Some(GroupState::Stable));
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::UnknownMemberId);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::IllegalGeneration);
    a.generation = generation_before;
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    b.member_id.clear();
    let b_joins = coordinator.join(&b);
    coordinator.joined(&mut a);
    coordinator.take_joined(&mut b, b_joins);
    assert_eq!((a.generation, b.generation), (generation_before + 1, generation_before + 1));
}

#[test]
fn an_empty_group_keeps_its_generation_and_offsets_through_a_restart() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    coordinator.commit_as(&a, offset("t", 0, 5));
    coordinator.leave(&[&a]);
    coordinator.restart();
    assert_eq!(coordinator.state(), Some(GroupState::Empty));
    assert_eq!(coordinator.machine.committed("g", "t", 0).unwrap().offset, 5);
    a.member_id.clear();
    assert_eq!(coordinator.joined(&mut a).generation_id, 3);
}

#[test]
fn a_group_that_only_keeps_offsets_is_there_after_a_restart() {
    let mut coordinator = Coordinator::new();
    let simple = Client { generation: -1, ..Client::new("s") };
    coordinator.commit_as(&simple, offset("t", 0, 5));
    coordinator.restart();
    assert_eq!(coordinator.state(), Some(GroupState::Empty));
    assert_eq!(coordinator.describe().protocol_type, "");
}

#[test]
fn records_of_other_kinds_are_skipped() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    let unknown = Record::decode(Some(&[0, 3, 0, 1, b'g']), Some(&[0, 0])).unwrap();
    coordinator.log.push(unknown);
    coordinator.restart();
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
}

#[test]
fn a_member_recorded_without_rebalance_timeout_gets_its_session_timeout() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    let Some(Record::GroupMetadata { value, .. }) = coordinator.log.last_mut() else {
        panic!("no group record")
    };
    value.members[0].rebalance_timeout_ms = -1;
    coordinator.restart();
    let b = Client::new("b");
    let b_joins = coordinator.join(&b);
    coordinator.advance(SESSION_MS / 2);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress);
    // b's rebalance timeout is the longer one and holds for all.
    coordinator.advance(SESSION_MS / 2);
    assert_eq!(coordinator.join_error(b_joins), None);
    let group = coordinator.machine.membership().snapshot("g").unwrap();
    assert_eq!(group.members[0].rebalance_timeout_ms, SESSION_MS);
}
