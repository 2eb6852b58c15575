//! Sessions that end and members that leave.

use super::*;

#[test]
fn heartbeat_codes_follow_the_state_of_the_group() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    a.member_id = "nobody".to_owned();
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::UnknownMemberId, "no group");
    a.member_id.clear();
    coordinator.joined(&mut a);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None, "completing");
    coordinator.sync(&a, &[]);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None, "stable");
    coordinator.join(&Client::new("b"));
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress, "preparing");
    a.generation -= 1;
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::IllegalGeneration);
    a.member_id = "nobody".to_owned();
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::UnknownMemberId);
}

#[test]
fn heartbeats_keep_a_session_alive_and_write_nothing() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    let records = coordinator.log.len();
    for _ in 0..100 {
        coordinator.advance(SESSION_MS - 1);
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    }
    assert_eq!(coordinator.log.len(), records);
}

#[test]
fn a_silent_member_is_removed_and_the_others_rebalance() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    coordinator.advance(SESSION_MS / 2);
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::None);
    coordinator.advance(SESSION_MS / 2);
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::RebalanceInProgress);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::UnknownMemberId);
    let reply = coordinator.joined(&mut b);
    assert_eq!((reply.leader, reply.members.len()), (b.member_id, 1), "b leads now");
}

#[test]
fn a_session_that_ends_while_preparing_completes_the_join() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a]);
    let b_joins = coordinator.join(&b);
    coordinator.advance(SESSION_MS);
    assert_eq!(coordinator.take_joined(&mut b, b_joins).members.len(), 1);
}

#[test]
fn a_session_that_ends_while_completing_starts_another_rebalance() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a]);
    let b_joins = coordinator.join(&b);
    coordinator.joined(&mut a);
    coordinator.take_joined(&mut b, b_joins);
    let b_syncs = coordinator.sync(&b, &[]);
    coordinator.advance(SESSION_MS);
    assert_eq!(coordinator.sync_error(b_syncs), Some(ErrorCode::RebalanceInProgress));
    assert_eq!(coordinator.joined(&mut b).members.len(), 1, "the leader a fell silent");
}

#[test]
fn a_member_that_waits_in_the_barrier_does_not_lose_its_session() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let a_joins = coordinator.join(&a);
    for _ in 0..4 {
        coordinator.advance(SESSION_MS / 2);
        assert_eq!(coordinator.heartbeat(&b), ErrorCode::RebalanceInProgress);
    }
    coordinator.joined(&mut b);
    assert_eq!(coordinator.take_joined(&mut a, a_joins).members.len(), 2);
}

#[test]
fn a_new_member_that_vanished_while_it_waited_is_given_up_after_five_minutes() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    let long = JoinGroup { rebalance_timeout_ms: 900_000, ..Client::new("b").join() };
    let b_joins = coordinator.submit(Command::JoinGroup(long));
    for _ in 0..60 {
        assert_eq!(coordinator.join_error(b_joins), None);
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress);
        coordinator.advance(5_000);
    }
    assert_eq!(coordinator.join_error(b_joins), Some(ErrorCode::UnknownMemberId));
    assert_eq!(coordinator.joined(&mut a).members.len(), 1);
}

#[test]
fn a_leader_that_leaves_is_succeeded() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    assert_eq!(coordinator.leave(&[&a]), [ErrorCode::None]);
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::RebalanceInProgress);
    let reply = coordinator.joined(&mut b);
    assert_eq!((reply.leader, reply.members.len()), (b.member_id, 1));
}

#[test]
fn a_group_that_all_have_left_is_empty_with_a_new_generation_on_record() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let generation = a.generation;
    coordinator.advance(77);
    assert_eq!(coordinator.leave(&[&a, &b]), [ErrorCode::None, ErrorCode::None]);
    assert_eq!(coordinator.state(), Some(GroupState::Empty));
    let Some(Record::GroupMetadata { value, .. }) = coordinator.log.last() else {
        panic!("no group record: {:?}", coordinator.log);
    };
    assert_eq!((value.generation, value.members.len()), (generation + 1, 0));
    assert_eq!((value.protocol.as_ref(), value.leader.as_ref()), (None, None));
    assert_eq!((&*value.protocol_type, value.current_state_timestamp), ("consumer", 77));
    let mut c = Client::new("c");
    assert_eq!(coordinator.joined(&mut c).generation_id, generation + 2);
}

#[test]
fn several_members_leave_with_one_rebalance_and_a_code_each() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let stranger = Client { member_id: "x".to_owned(), ..Client::new("x") };
    let codes = coordinator.leave(&[&b, &stranger, &b]);
    let unknown = ErrorCode::UnknownMemberId;
    assert_eq!(codes, [ErrorCode::None, unknown, unknown]);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress);
    assert_eq!(coordinator.joined(&mut a).generation_id, a.generation);
    assert_eq!(a.generation, 3);
}

#[test]
fn an_unknown_member_that_leaves_disturbs_nobody() {
    let mut coordinator = Coordinator::new();
    let stranger = Client { member_id: "x".to_owned(), ..Client::new("x") };
    assert_eq!(coordinator.leave(&[&stranger]), [ErrorCode::UnknownMemberId]);
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    assert_eq!(coordinator.leave(&[&stranger]), [ErrorCode::UnknownMemberId]);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
}

#[test]
fn an_unused_member_id_that_leaves_lets_the_barrier_fall() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::known("b"));
    coordinator.stabilize(&mut [&mut a]);
    coordinator.join(&b);
    b.member_id = "b-fresh".to_owned();
    assert_eq!(coordinator.state(), Some(GroupState::Stable));
    let a_joins = coordinator.join(&a);
    assert_eq!(coordinator.join_error(a_joins), None);
    assert_eq!(coordinator.leave(&[&b]), [ErrorCode::None]);
    assert_eq!(coordinator.take_joined(&mut a, a_joins).members.len(), 1);
    let joins = coordinator.join(&b);
    assert_eq!(coordinator.join_error(joins), Some(ErrorCode::UnknownMemberId));
}

#[test]
fn a_member_that_leaves_while_it_waits_is_answered() {
    let mut coordinator = Coordinator::new();
    let (mut a, b) = (Client::new("a"), Client { member_id: "b-fresh".into(), ..Client::new("b") });
    coordinator.stabilize(&mut [&mut a]);
    let joins = coordinator.join(&Client::new("b"));
    assert_eq!(coordinator.leave(&[&b]), [ErrorCode::None]);
    let reply = coordinator.join_reply(joins).unwrap();
    assert_eq!((reply.error, &*reply.member_id), (ErrorCode::UnknownMemberId, ""));
}

#[test]
fn describe_shows_metadata_and_assignments_of_a_stable_group_only() {
    let mut coordinator = Coordinator::new();
    let group = coordinator.describe();
    assert_eq!((group.error, group.group_state), (ErrorCode::GroupIdNotFound, "Dead"));
    let mut a = Client::new("a");
    coordinator.joined(&mut a);
    let group = coordinator.describe();
    assert_eq!((group.group_state, &*group.protocol_data), ("CompletingRebalance", ""));
    assert!(group.members[0].metadata.is_empty());
    coordinator.sync(&a, &[(&a, "all")]);
    let group = coordinator.describe();
    assert_eq!((group.error, group.group_state), (ErrorCode::None, "Stable"));
    assert_eq!((&*group.protocol_type, &*group.protocol_data), ("consumer", "range"));
    let member = &group.members[0];
    assert_eq!((&*member.client_id, &*member.client_host), ("a", "/127.0.0.1"));
    assert_eq!((&member.metadata[..], &member.assignment[..]), (&b"r"[..], &b"all"[..]));
}

#[test]
fn list_filters_by_state_and_type_in_any_case() {
    let mut coordinator = Coordinator::new();
    coordinator.stabilize(&mut [&mut Client::new("a")]);
    let simple = Client { member_id: String::new(), ..Client::new("x") };
    let mut identity = simple.identity();
    identity.group_id = "simple".to_owned();
    coordinator.submit(Command::CommitOffsets(CommitOffsets {
        identity,
        retention_time_ms: -1,
        offsets: vec![offset("t", 0, 1)],
    }));
    for (states, types, expected) in [
        (vec![], vec![], vec!["g", "simple"]),
        (vec!["stable"], vec![], vec!["g"]),
        (vec!["EMPTY", "Dead"], vec!["Classic"], vec!["simple"]),
        (vec![], vec!["consumer"], vec![]),
    ] {
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        let filter = ListGroups { states_filter: owned(states), types_filter: owned(types) };
        let reply_to = coordinator.submit(Command::ListGroups(filter));
        let Reply::ListGroups(groups) = &coordinator.replies[&reply_to] else { panic!() };
        let ids: Vec<_> = groups.iter().map(|group| &*group.group_id).collect();
        assert_eq!(ids, expected);
        assert!(groups.iter().all(|group| group.group_type == "classic"));
    }
}

#[test]
fn a_session_that_ran_out_in_the_barrier_starts_anew_with_the_answer() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let a_joins = coordinator.join(&a);
    for _ in 0..4 {
        coordinator.advance(SESSION_MS / 2);
        assert_eq!(coordinator.heartbeat(&b), ErrorCode::RebalanceInProgress);
    }
    coordinator.joined(&mut b);
    coordinator.take_joined(&mut a, a_joins);
    coordinator.advance(SESSION_MS / 2);
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::None);
    coordinator.advance(SESSION_MS / 2);
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::RebalanceInProgress, "a fell silent");
}
