//! Joining: ids, the barrier, the vote.

use super::*;

#[test]
fn join_without_member_id_returns_member_id_required() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::known("a");
    let first = coordinator.join(&a);
    let reply = coordinator.join_reply(first).unwrap().clone();
    assert_eq!(reply.error, ErrorCode::MemberIdRequired);
    assert_eq!((reply.member_id.as_str(), reply.generation_id), ("a-fresh", -1));
    assert_eq!(coordinator.state(), Some(GroupState::Empty));

    a.member_id = reply.member_id;
    let reply = coordinator.joined(&mut a);
    assert_eq!((reply.member_id.as_str(), reply.generation_id), ("a-fresh", 1));
}

#[test]
fn join_without_member_id_before_version_4_joins_at_once() {
    let mut coordinator = Coordinator::new();
    let reply = coordinator.joined(&mut Client::new("a"));
    assert_eq!((reply.generation_id, reply.leader.as_str()), (1, "a-fresh"));
    assert_eq!(reply.members.len(), 1);
}

#[test]
fn a_group_is_empty_when_its_last_member_leaves_though_an_id_is_given_out() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    let given = coordinator.join(&Client::known("b"));
    assert_eq!(coordinator.join_error(given), Some(ErrorCode::MemberIdRequired));
    coordinator.joined(&mut a);
    coordinator.leave(&[&a]);
    assert_eq!(coordinator.state(), Some(GroupState::Empty));
    let mut b = Client { member_id: "b-fresh".to_owned(), ..Client::known("b") };
    assert_eq!(coordinator.joined(&mut b).generation_id, 3);
}

#[test]
fn a_member_id_that_was_never_given_out_is_unknown() {
    let mut coordinator = Coordinator::new();
    let stranger = Client { member_id: "x".to_owned(), ..Client::new("x") };
    let to_nothing = coordinator.join(&stranger);
    assert_eq!(coordinator.join_error(to_nothing), Some(ErrorCode::UnknownMemberId));
    assert_eq!(coordinator.state(), None, "a refused join makes no group");
    coordinator.joined(&mut Client::new("a"));
    let to_group = coordinator.join(&stranger);
    assert_eq!(coordinator.join_error(to_group), Some(ErrorCode::UnknownMemberId));
}

#[test]
fn the_join_barrier_waits_for_every_member_and_only_the_leader_gets_all() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a]);
    let b_joins = coordinator.join(&b);
    assert_eq!(coordinator.state(), Some(GroupState::PreparingRebalance));
    assert_eq!(coordinator.join_error(b_joins), None, "b waits for a");
    let a_joins = coordinator.join(&a);
    let for_a = coordinator.take_joined(&mut a, a_joins);
    let for_b = coordinator.take_joined(&mut b, b_joins);
    assert_eq!((for_a.generation_id, for_b.generation_id), (2, 2));
    assert_eq!((for_a.leader.as_str(), for_b.leader.as_str()), ("a-fresh", "a-fresh"));
    let members: Vec<_> = for_a.members.iter().map(|m| m.member_id.as_str()).collect();
    assert_eq!(members, ["a-fresh", "b-fresh"]);
    assert_eq!(for_a.members[1].metadata, Bytes::from_static(b"r"));
    assert!(for_b.members.is_empty());
}

#[test]
fn members_that_miss_the_barrier_are_evicted_at_the_rebalance_timeout() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a]);
    let b_joins = coordinator.join(&b);
    // Heartbeats keep the session alive; they do not replace joining.
    for _ in 0..REBALANCE_MS / 5_000 - 1 {
        coordinator.advance(5_000);
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress);
    }
    assert_eq!(coordinator.join_error(b_joins), None);
    coordinator.advance(5_000);
    let reply = coordinator.take_joined(&mut b, b_joins);
    assert_eq!((reply.leader.as_str(), reply.members.len()), ("b-fresh", 1));
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::UnknownMemberId);
}

#[test]
fn a_member_id_that_was_given_out_holds_the_barrier_until_its_session_ends() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    coordinator.join(&Client::known("b"));
    assert_eq!(coordinator.state(), Some(GroupState::Stable), "nobody joined yet");
    let a_joins = coordinator.join(&a);
    coordinator.advance(SESSION_MS - 1);
    assert_eq!(coordinator.join_error(a_joins), None, "a waits for the owner of the id");
    coordinator.advance(1);
    assert_eq!(coordinator.take_joined(&mut a, a_joins).members.len(), 1);
}

#[test]
fn a_member_id_that_was_given_out_may_join_within_its_session_only() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::known("a");
    coordinator.join(&a);
    a.member_id = "a-fresh".to_owned();
    coordinator.advance(SESSION_MS);
    assert_eq!(coordinator.state(), None, "the group was never used");
    let late = coordinator.join(&a);
    assert_eq!(coordinator.join_error(late), Some(ErrorCode::UnknownMemberId));
}

#[test]
fn the_protocol_is_chosen_by_vote_among_those_that_all_speak() {
    for (lists, expected) in [
        (vec![vec!["x", "y"], vec!["y", "x"], vec!["y", "x"]], "y"),
        (vec![vec!["x", "y"], vec!["x", "y"], vec!["y", "x"]], "x"),
        // The favourite of most is worth nothing if one does not speak it.
        (vec![vec!["x", "y"], vec!["x", "y"], vec!["y"]], "y"),
        (vec![vec!["y", "x"], vec!["x", "y"]], "x"),
    ] {
        let mut coordinator = Coordinator::new();
        let names = ["a", "b", "c"];
        let mut clients: Vec<Client> = lists
            .iter()
            .zip(names)
            .map(|(list, name)| {
                let list: Vec<_> = list.iter().map(|protocol| (*protocol, "m")).collect();
                Client::speaking(name, &list)
            })
            .collect();
        coordinator.stabilize(&mut clients.iter_mut().collect::<Vec<_>>());
        assert_eq!(coordinator.describe().protocol_data, expected, "{lists:?}");
    }
}

#[test]
fn a_member_without_a_common_protocol_is_inconsistent() {
    let mut coordinator = Coordinator::new();
    coordinator.stabilize(&mut [&mut Client::new("a")]);
    let connect = Client { protocol_type: "connect", ..Client::new("b") };
    let sticky = Client::speaking("c", &[("sticky", "s")]);
    let silent = Client::speaking("d", &[]);
    for other in [connect, sticky, silent] {
        let joins = coordinator.join(&other);
        assert_eq!(coordinator.join_error(joins), Some(ErrorCode::InconsistentGroupProtocol));
    }
    assert_eq!(coordinator.state(), Some(GroupState::Stable), "the group is left in peace");
}

#[test]
fn a_first_member_without_protocol_or_type_is_inconsistent_and_makes_no_group() {
    let mut coordinator = Coordinator::new();
    let typeless = Client { protocol_type: "", ..Client::new("a") };
    for client in [typeless, Client::speaking("a", &[])] {
        let joins = coordinator.join(&client);
        assert_eq!(coordinator.join_error(joins), Some(ErrorCode::InconsistentGroupProtocol));
        assert_eq!(coordinator.state(), None);
    }
}

#[test]
fn session_timeouts_outside_the_limits_are_invalid() {
    let mut coordinator = Coordinator::new();
    for session_timeout_ms in [5_999, 1_800_001, -1] {
        let join = JoinGroup { session_timeout_ms, ..Client::new("a").join() };
        let joins = coordinator.submit(Command::JoinGroup(join));
        assert_eq!(coordinator.join_error(joins), Some(ErrorCode::InvalidSessionTimeout));
    }
}

#[test]
fn an_empty_or_overlong_group_id_is_invalid() {
    let mut coordinator = Coordinator::new();
    for group_id in [String::new(), "x".repeat(40_000)] {
        let join = JoinGroup { group_id, ..Client::new("a").join() };
        let joins = coordinator.submit(Command::JoinGroup(join));
        assert_eq!(coordinator.join_error(joins), Some(ErrorCode::InvalidGroupId));
    }
}

#[test]
fn a_follower_that_joins_again_unchanged_gets_its_generation_without_a_rebalance() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let records = coordinator.log.len();
    let generation = b.generation;
    let reply = coordinator.joined(&mut b);
    assert_eq!((reply.generation_id, reply.members.len()), (generation, 0));
    assert_eq!(reply.leader, a.member_id);
    assert_eq!(coordinator.state(), Some(GroupState::Stable));
    assert_eq!(coordinator.log.len(), records);
}

#[test]
fn a_follower_with_other_metadata_causes_a_rebalance() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    b.protocols = protocols(&[("range", "other")]);
    let joins = coordinator.join(&b);
    assert_eq!(coordinator.join_error(joins), None);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::RebalanceInProgress);
    let reply = coordinator.joined(&mut a);
    assert_eq!(reply.protocol_name.as_deref(), Some("range"));
    assert_eq!(reply.members[1].metadata, Bytes::from_static(b"other"));
}

#[test]
fn a_leader_that_joins_again_causes_a_rebalance() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let a_joins = coordinator.join(&a);
    assert_eq!(coordinator.state(), Some(GroupState::PreparingRebalance));
    coordinator.joined(&mut b);
    assert_eq!(coordinator.take_joined(&mut a, a_joins).generation_id, 3);
}

#[test]
fn a_join_whose_reply_was_lost_is_answered_again_with_the_same_generation() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    let first = coordinator.joined(&mut a);
    let again = coordinator.joined(&mut a);
    assert_eq!(first, again);
    assert_eq!(coordinator.state(), Some(GroupState::CompletingRebalance));
}

#[test]
fn a_join_repeated_while_it_waits_replaces_the_first_one() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let first = coordinator.join(&a);
    let second = coordinator.join(&a);
    assert_eq!(coordinator.join_error(first), Some(ErrorCode::RebalanceInProgress));
    coordinator.joined(&mut b);
    assert_eq!(coordinator.take_joined(&mut a, second).members.len(), 2);
}

#[test]
fn the_generation_rises_with_every_rebalance() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    for expected in 1..5 {
        coordinator.stabilize(&mut [&mut a]);
        assert_eq!(a.generation, expected);
    }
}

#[test]
fn a_full_group_takes_no_new_member_and_keeps_its_old_ones() {
    let settings = Settings { group_max_size: 2, ..Settings::default() };
    let mut coordinator = Coordinator::with(settings);
    let (mut a, mut b, c) = (Client::new("a"), Client::new("b"), Client::new("c"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let full = coordinator.join(&c);
    assert_eq!(coordinator.join_error(full), Some(ErrorCode::GroupMaxSizeReached));
    assert_eq!(coordinator.heartbeat(&b), ErrorCode::None);
    let a_joins = coordinator.join(&a);
    coordinator.joined(&mut b);
    assert_eq!(coordinator.take_joined(&mut a, a_joins).members.len(), 2);
}

#[test]
fn a_group_above_a_lowered_limit_sheds_the_last_to_join() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    coordinator.settings.group_max_size = 1;
    coordinator.restart();
    assert_eq!(coordinator.state(), Some(GroupState::PreparingRebalance));
    let b_joins = coordinator.join(&b);
    let a_joins = coordinator.join(&a);
    assert_eq!(coordinator.join_error(a_joins), Some(ErrorCode::GroupMaxSizeReached));
    assert_eq!(coordinator.take_joined(&mut b, b_joins).members.len(), 1);
}

#[test]
fn a_new_group_waits_for_more_members_as_long_as_they_come() {
    let settings = Settings { group_initial_rebalance_delay_ms: 3_000, ..Settings::default() };
    let mut coordinator = Coordinator::with(settings);
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    let a_joins = coordinator.join(&a);
    coordinator.advance(2_000);
    let b_joins = coordinator.join(&b);
    coordinator.advance(3_999);
    assert_eq!(coordinator.join_error(a_joins), None, "b made the group wait once more");
    coordinator.advance(1);
    assert_eq!(coordinator.take_joined(&mut a, a_joins).members.len(), 2);
    assert_eq!(coordinator.take_joined(&mut b, b_joins).generation_id, 1);
}

#[test]
fn the_wait_of_a_new_group_ends_with_the_rebalance_timeout() {
    let settings = Settings { group_initial_rebalance_delay_ms: 3_000, ..Settings::default() };
    let mut coordinator = Coordinator::with(settings);
    let rebalance_timeout_ms = 7_000;
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut waiting = Vec::new();
    for name in names {
        let join = JoinGroup { rebalance_timeout_ms, ..Client::new(name).join() };
        waiting.push(coordinator.submit(Command::JoinGroup(join)));
        coordinator.advance(1_500);
    }
    let reply = coordinator.join_reply(waiting[0]).expect("7 s have passed");
    assert_eq!((reply.generation_id, reply.members.len()), (1, 5));
}

#[test]
fn a_protocol_listed_twice_counts_once() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::speaking("a", &[("x", "1"), ("x", "2"), ("y", "3")]);
    let mut b = Client::speaking("b", &[("y", "4")]);
    coordinator.stabilize(&mut [&mut a, &mut b]);
    assert_eq!(coordinator.describe().protocol_data, "y");
}

#[test]
fn any_protocol_type_works_with_opaque_bytes() {
    let mut coordinator = Coordinator::new();
    let registry = |name| Client {
        protocol_type: "sr",
        ..Client::speaking(name, &[("v0", "\u{1}{\"host\":\"h\"}")])
    };
    let (mut a, mut b) = (registry("a"), registry("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    let group = coordinator.describe();
    assert_eq!((group.protocol_type.as_str(), group.protocol_data.as_str()), ("sr", "v0"));
    assert_eq!(group.members[0].metadata, Bytes::from_static(b"\x01{\"host\":\"h\"}"));
}
