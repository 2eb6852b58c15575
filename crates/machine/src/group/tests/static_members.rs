//! Static members (KIP-345).

use super::*;

#[test]
fn a_static_member_needs_no_member_id_to_join() {
    let mut coordinator = Coordinator::new();
    let reply = coordinator.joined(&mut Client::fixed("a", "i"));
    assert_eq!(
        (reply.generation_id, reply.members[0].group_instance_id.as_deref()),
        (1, Some("i"))
    );
}

#[test]
fn a_static_member_that_comes_back_gets_a_new_id_without_a_rebalance() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::fixed("a", "ia"), Client::fixed("b", "ib"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let generation = b.generation;
    let mut again = Client::fixed("b2", "ib");
    let reply = coordinator.joined(&mut again);
    assert_eq!((reply.generation_id, &*reply.member_id), (generation, "b2-fresh"));
    assert_eq!((reply.leader, reply.skip_assignment), (a.member_id.clone(), false));
    assert_eq!(coordinator.state(), Some(GroupState::Stable));
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    let syncs = coordinator.sync(&again, &[]);
    assert_eq!(coordinator.sync_reply(syncs).unwrap().assignment, Bytes::from_static(b"b"));
}

#[test]
fn the_old_id_of_a_replaced_static_member_is_fenced_everywhere() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::fixed("a", "i");
    coordinator.stabilize(&mut [&mut a]);
    coordinator.joined(&mut Client::fixed("a2", "i"));
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::FencedInstanceId);
    let joins = coordinator.join(&a);
    assert_eq!(coordinator.join_error(joins), Some(ErrorCode::FencedInstanceId));
    let syncs = coordinator.sync(&a, &[]);
    assert_eq!(coordinator.sync_error(syncs), Some(ErrorCode::FencedInstanceId));
    assert_eq!(coordinator.leave(&[&a]), [ErrorCode::FencedInstanceId]);
    let commits = coordinator.commit_as(&a, offset("t", 0, 1));
    assert_eq!(commits, ErrorCode::FencedInstanceId);
    let without_instance = Client { instance_id: None, ..a };
    assert_eq!(coordinator.heartbeat(&without_instance), ErrorCode::UnknownMemberId);
}

#[test]
fn a_static_leader_that_comes_back_is_told_to_skip_the_assignment() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::fixed("a", "ia"), Client::fixed("b", "ib"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let reply = coordinator.joined(&mut Client::fixed("a2", "ia"));
    assert_eq!((&*reply.leader, reply.skip_assignment), ("a2-fresh", true));
    assert_eq!(reply.members.len(), 2);
}

#[test]
fn a_static_leader_that_cannot_skip_the_assignment_is_told_its_old_id_as_leader() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::fixed("a", "i");
    coordinator.stabilize(&mut [&mut a]);
    let mut again = Client::fixed("a2", "i");
    again.supports_skipping_assignment = false;
    let reply = coordinator.joined(&mut again);
    assert_eq!((&*reply.leader, &*reply.member_id), ("a-fresh", "a2-fresh"));
    assert!(reply.members.is_empty() && !reply.skip_assignment);
}

#[test]
fn a_static_member_that_changes_the_chosen_protocol_causes_a_rebalance() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::fixed("a", "ia"), Client::fixed("b", "ib"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let mut again = Client::fixed("b2", "ib");
    again.protocols = protocols(&[("roundrobin", "rr")]);
    let joins = coordinator.join(&again);
    assert_eq!(coordinator.join_error(joins), None);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress);
    let reply = coordinator.joined(&mut a);
    assert_eq!(reply.protocol_name.as_deref(), Some("roundrobin"));
}

#[test]
fn a_static_member_that_comes_back_while_completing_causes_a_rebalance() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::fixed("a", "ia"), Client::fixed("b", "ib"));
    coordinator.stabilize(&mut [&mut a]);
    let b_joins = coordinator.join(&b);
    coordinator.joined(&mut a);
    coordinator.take_joined(&mut b, b_joins);
    let b_syncs = coordinator.sync(&b, &[]);
    let again = Client::fixed("b2", "ib");
    let joins = coordinator.join(&again);
    assert_eq!(coordinator.sync_error(b_syncs), Some(ErrorCode::FencedInstanceId));
    assert_eq!(coordinator.join_error(joins), None);
    assert_eq!(coordinator.state(), Some(GroupState::PreparingRebalance));
}

#[test]
fn a_static_member_replaced_while_it_waits_in_the_barrier_is_fenced() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::fixed("a", "ia"), Client::fixed("b", "ib"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let a_joins = coordinator.join(&a);
    let mut again = Client::fixed("a2", "ia");
    let again_joins = coordinator.join(&again);
    assert_eq!(coordinator.join_error(a_joins), Some(ErrorCode::FencedInstanceId));
    coordinator.joined(&mut b);
    let reply = coordinator.take_joined(&mut again, again_joins);
    let expected = (&*reply.leader, reply.members.len());
    assert_eq!(expected, ("a2-fresh", 2));
}

#[test]
fn a_static_member_keeps_its_place_through_a_barrier_that_it_missed() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::fixed("a", "ia"), Client::fixed("b", "ib"));
    let join = |client: &Client| JoinGroup {
        session_timeout_ms: 100_000,
        rebalance_timeout_ms: 5_000,
        ..client.join()
    };
    let first = coordinator.submit(Command::JoinGroup(join(&a)));
    coordinator.take_joined(&mut a, first);
    let b_joins = coordinator.submit(Command::JoinGroup(join(&b)));
    coordinator.advance(5_000);
    let reply = coordinator.take_joined(&mut b, b_joins);
    assert_eq!((reply.leader, reply.members.len()), (b.member_id.clone(), 2));
}

#[test]
fn an_administrator_removes_a_static_member_by_its_instance_id() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::fixed("a", "ia"), Client::fixed("b", "ib"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let remove = |instance: &str| LeavingMember {
        member_id: String::new(),
        group_instance_id: Some(instance.to_owned()),
        reason: None,
    };
    let codes = coordinator.leave_members(vec![remove("ib"), remove("ic")]);
    assert_eq!(codes, [ErrorCode::None, ErrorCode::UnknownMemberId]);
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::UnknownMemberId);
    assert_eq!(coordinator.joined(&mut a).members.len(), 1);
}

#[test]
fn an_unknown_instance_id_with_a_member_id_is_an_unknown_member() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    let pretender = Client { instance_id: Some("i".to_owned()), ..a };
    let joins = coordinator.join(&pretender);
    assert_eq!(coordinator.join_error(joins), Some(ErrorCode::UnknownMemberId));
    assert_eq!(coordinator.heartbeat(&pretender), ErrorCode::UnknownMemberId);
}

#[test]
fn a_replaced_static_member_is_on_record() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::fixed("a", "i");
    coordinator.stabilize(&mut [&mut a]);
    let mut again = Client::fixed("a2", "i");
    coordinator.joined(&mut again);
    coordinator.restart();
    assert_eq!(coordinator.heartbeat(&again), ErrorCode::None);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::FencedInstanceId);
}

#[test]
fn a_replaced_static_member_still_owes_its_sync() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::fixed("a", "ia"), Client::fixed("b", "ib"));
    coordinator.stabilize(&mut [&mut a]);
    let b_joins = coordinator.join(&b);
    coordinator.joined(&mut a);
    coordinator.take_joined(&mut b, b_joins);
    coordinator.sync(&a, &[(&a, "x"), (&b, "y")]);
    let mut again = Client::fixed("b2", "ib");
    coordinator.joined(&mut again);
    for _ in 0..REBALANCE_MS / 5_000 {
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
        assert_eq!(coordinator.heartbeat(&again), ErrorCode::None);
        coordinator.advance(5_000);
    }
    assert_eq!(coordinator.heartbeat(&again), ErrorCode::UnknownMemberId);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress);
}
