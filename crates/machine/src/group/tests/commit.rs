//! Who may commit and what is kept of it.

use super::*;

fn simple() -> Client {
    Client { generation: -1, member_id: String::new(), ..Client::new("simple") }
}

#[test]
fn metadata_and_leader_epoch_round_trip_through_the_log() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    coordinator.advance(5);
    let committed = OffsetToCommit {
        leader_epoch: 7,
        metadata: Some("where I was".to_owned()),
        ..offset("t", 3, 42)
    };
    assert_eq!(coordinator.commit_as(&a, committed), ErrorCode::None);
    let expected = OffsetAndMetadata {
        leader_epoch: 7,
        metadata: "where I was".to_owned(),
        ..OffsetAndMetadata::new(42, 5)
    };
    assert_eq!(coordinator.machine.committed("g", "t", 3), Some(&expected));
    coordinator.restart();
    assert_eq!(coordinator.machine.committed("g", "t", 3), Some(&expected));
}

#[test]
fn metadata_over_the_limit_is_refused_for_its_partition_alone() {
    let mut coordinator = Coordinator::new();
    let with = |partition, metadata: String| OffsetToCommit {
        metadata: Some(metadata),
        ..offset("t", partition, 1)
    };
    let reply_to = coordinator.submit(Command::CommitOffsets(CommitOffsets {
        identity: simple().identity(),
        retention_time_ms: -1,
        offsets: vec![
            with(0, "x".repeat(4_097)),
            with(1, "x".repeat(4_096)),
            // 4096 of Java's characters in 8192 bytes.
            with(2, "é".repeat(4_096)),
            with(3, "é".repeat(4_097)),
        ],
    }));
    let (none, large) = (ErrorCode::None, ErrorCode::OffsetMetadataTooLarge);
    let expected = Reply::CommitOffsets(vec![large, none, none, large]);
    assert_eq!(coordinator.replies[&reply_to], expected);
    let kept: Vec<_> = coordinator.machine.all("g").map(|(_, partition, _)| partition).collect();
    assert_eq!(kept, [1, 2]);
}

#[test]
fn a_consumer_without_group_management_commits_to_an_absent_or_empty_group() {
    let mut coordinator = Coordinator::new();
    assert_eq!(coordinator.commit_as(&simple(), offset("t", 0, 1)), ErrorCode::None);
    assert_eq!(coordinator.state(), Some(GroupState::Empty));
    assert_eq!(coordinator.commit_as(&simple(), offset("t", 0, 2)), ErrorCode::None);
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    coordinator.leave(&[&a]);
    assert_eq!(coordinator.commit_as(&simple(), offset("t", 0, 3)), ErrorCode::None);
    assert_eq!(coordinator.machine.committed("g", "t", 0).unwrap().offset, 3);
}

#[test]
fn a_commit_without_member_is_refused_while_the_group_has_members() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    let refused = coordinator.commit_as(&simple(), offset("t", 0, 1));
    assert_eq!(refused, ErrorCode::UnknownMemberId);
    assert_eq!(coordinator.machine.committed("g", "t", 0), None);
}

#[test]
fn a_member_commits_to_no_absent_group() {
    let mut coordinator = Coordinator::new();
    let mut a = Client { member_id: "a".to_owned(), generation: 1, ..Client::new("a") };
    let refused = coordinator.commit_as(&a, offset("t", 0, 1));
    assert_eq!(refused, ErrorCode::IllegalGeneration);
    let identity = CommitIdentity { knows_group_id_not_found: true, ..a.identity() };
    let now = coordinator.now();
    let checked = coordinator.machine.membership_mut().validate_commit(now, &identity);
    assert_eq!(checked, Err(ErrorCode::GroupIdNotFound));
    coordinator.stabilize(&mut [&mut Client::new("b")]);
    a.generation = 1;
    assert_eq!(coordinator.commit_as(&a, offset("t", 0, 1)), ErrorCode::UnknownMemberId);
}

#[test]
fn commit_codes_follow_the_state_of_the_group() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.joined(&mut a);
    let completing = coordinator.commit_as(&a, offset("t", 0, 1));
    assert_eq!(completing, ErrorCode::RebalanceInProgress);
    coordinator.sync(&a, &[]);
    assert_eq!(coordinator.commit_as(&a, offset("t", 0, 2)), ErrorCode::None);
    let stale = Client { generation: a.generation - 1, ..a.clone() };
    let refused = coordinator.commit_as(&stale, offset("t", 0, 1));
    assert_eq!(refused, ErrorCode::IllegalGeneration);
    coordinator.join(&Client::new("b"));
    assert_eq!(coordinator.state(), Some(GroupState::PreparingRebalance));
    let preparing = coordinator.commit_as(&a, offset("t", 0, 3));
    assert_eq!(preparing, ErrorCode::None, "members commit before they give partitions up");
    assert_eq!(coordinator.machine.committed("g", "t", 0).unwrap().offset, 3);
}

#[test]
fn a_commit_keeps_the_session_alive() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    for n in 0..5 {
        coordinator.advance(SESSION_MS - 1);
        assert_eq!(coordinator.commit_as(&a, offset("t", 0, n)), ErrorCode::None);
    }
    coordinator.advance(SESSION_MS);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::UnknownMemberId);
}

#[test]
fn an_unknown_offset_is_absent_and_all_are_in_order() {
    let mut coordinator = Coordinator::new();
    for (topic, partition) in [("u", 0), ("t", 1), ("t", 0)] {
        coordinator.commit_as(&simple(), offset(topic, partition, 9));
    }
    assert_eq!(coordinator.machine.committed("g", "t", 2), None);
    assert_eq!(coordinator.machine.committed("other", "t", 0), None);
    let all: Vec<_> = coordinator.machine.all("g").map(|(t, p, _)| (t, p)).collect();
    assert_eq!(all, [("t", 0), ("t", 1), ("u", 0)]);
    assert_eq!(coordinator.machine.all("other").count(), 0);
}

const WEEK_MS: i32 = 7 * 24 * 60 * 60 * 1_000;
const CHECK_MS: i32 = 600_000;

#[test]
fn offsets_expire_seven_days_after_their_group_became_empty() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    coordinator.commit_as(&a, offset("t", 0, 1));
    for _ in 0..WEEK_MS / (SESSION_MS / 2) + 1_000 {
        coordinator.advance(SESSION_MS / 2);
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    }
    assert!(coordinator.machine.committed("g", "t", 0).is_some(), "a reads on for weeks");
    coordinator.leave(&[&a]);
    coordinator.advance(WEEK_MS - 1);
    assert!(coordinator.machine.committed("g", "t", 0).is_some());
    coordinator.advance(CHECK_MS);
    assert_eq!(coordinator.machine.committed("g", "t", 0), None);
    assert_eq!(coordinator.state(), None, "the group went with its last offset");
    coordinator.restart();
    assert_eq!((coordinator.state(), coordinator.machine.offsets().is_empty()), (None, true));
}

#[test]
fn offsets_of_a_simple_consumer_expire_seven_days_after_their_commit() {
    let mut coordinator = Coordinator::new();
    coordinator.commit_as(&simple(), offset("t", 0, 1));
    coordinator.advance(WEEK_MS / 2);
    coordinator.commit_as(&simple(), offset("t", 1, 1));
    coordinator.advance(WEEK_MS / 2 + CHECK_MS);
    let left: Vec<_> = coordinator.machine.all("g").map(|(_, p, _)| p).collect();
    assert_eq!(left, [1]);
    assert_eq!(coordinator.state(), Some(GroupState::Empty));
}

#[test]
fn offsets_of_a_topic_that_members_stopped_reading_expire() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    a.protocols = vec![("range".to_owned(), subscription(&["read"]))];
    coordinator.stabilize(&mut [&mut a]);
    coordinator.commit_as(&a, offset("read", 0, 1));
    coordinator.commit_as(&a, offset("dropped", 0, 1));
    for _ in 0..(WEEK_MS + CHECK_MS) / 5_000 + 1 {
        coordinator.advance(5_000);
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    }
    let left: Vec<_> = coordinator.machine.all("g").map(|(topic, _, _)| topic).collect();
    assert_eq!(left, ["read"]);
    assert_eq!(coordinator.state(), Some(GroupState::Stable));
}

#[test]
fn a_retention_time_of_the_client_overrides_the_brokers() {
    let mut coordinator = Coordinator::new();
    coordinator.submit(Command::CommitOffsets(CommitOffsets {
        identity: simple().identity(),
        retention_time_ms: 1_000,
        offsets: vec![offset("t", 0, 1)],
    }));
    coordinator.restart();
    assert_eq!(coordinator.machine.committed("g", "t", 0).unwrap().expire_timestamp, 1_000);
    coordinator.advance(CHECK_MS);
    assert_eq!(coordinator.machine.committed("g", "t", 0), None);
}

#[test]
fn a_retention_time_that_ends_in_the_past_expires_at_the_next_check_and_the_longest_never() {
    let mut coordinator = Coordinator::new();
    coordinator.advance(CHECK_MS / 2);
    let now = i64::from(CHECK_MS / 2);
    let asked = [(0, now), (-2, now - 2), (i64::MIN, 0), (i64::MAX, i64::MAX)];
    for (partition, (retention_time_ms, _)) in (0..).zip(asked) {
        coordinator.submit(Command::CommitOffsets(CommitOffsets {
            identity: simple().identity(),
            retention_time_ms,
            offsets: vec![offset("t", partition, 1)],
        }));
    }
    let all = |coordinator: &Coordinator| -> Vec<_> {
        coordinator.machine.all("g").map(|(_, _, value)| value.expire_timestamp).collect()
    };
    assert_eq!(all(&coordinator), asked.map(|(_, expires)| expires));
    coordinator.advance(CHECK_MS);
    assert_eq!(all(&coordinator), [i64::MAX]);
}

#[test]
fn times_of_commits_and_of_states_are_those_of_the_system_clock() {
    let mut coordinator = Coordinator::new();
    coordinator.wall_ahead_ms = 5_000_000;
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    coordinator.commit_as(&a, offset("t", 0, 1));
    let time_of = |coordinator: &Coordinator| {
        coordinator.machine.committed("g", "t", 0).unwrap().commit_timestamp
    };
    assert_eq!(time_of(&coordinator), 5_000_000);
    coordinator.wall_ahead_ms = 1_000;
    coordinator.advance(1);
    coordinator.commit_as(&a, offset("t", 0, 2));
    assert_eq!(time_of(&coordinator), 1_001, "the clock was set back");
    coordinator.leave(&[&a]);
    let empty_since = coordinator.machine.membership().snapshot("g").unwrap();
    assert_eq!(empty_since.current_state_timestamp, 1_001);
}

#[test]
fn a_system_clock_that_is_set_expires_offsets_and_no_session() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    a.protocols = vec![("range".to_owned(), subscription(&["read"]))];
    coordinator.stabilize(&mut [&mut a]);
    coordinator.commit_as(&a, offset("read", 0, 1));
    coordinator.commit_as(&a, offset("dropped", 0, 1));
    coordinator.wall_ahead_ms = -3 * i64::from(WEEK_MS);
    coordinator.advance(SESSION_MS - 1);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None, "set back: its session goes on");
    coordinator.wall_ahead_ms = i64::from(WEEK_MS);
    coordinator.advance(SESSION_MS - 1);
    assert_eq!(coordinator.heartbeat(&a), ErrorCode::None, "set forth: it does, too");
    for _ in 0..CHECK_MS / 5_000 {
        coordinator.advance(5_000);
        assert_eq!(coordinator.heartbeat(&a), ErrorCode::None);
    }
    let left: Vec<_> = coordinator.machine.all("g").map(|(topic, _, _)| topic).collect();
    assert_eq!(left, ["read"]);
}

#[test]
fn only_an_empty_group_is_deleted_and_its_offsets_go_with_it() {
    let mut coordinator = Coordinator::new();
    let delete = |coordinator: &mut Coordinator| {
        let reply_to = coordinator.submit(Command::DeleteGroup { group_id: "g".to_owned() });
        coordinator.replies[&reply_to].clone()
    };
    let missing = Reply::DeleteGroup(ErrorCode::GroupIdNotFound);
    assert_eq!(delete(&mut coordinator), missing);
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    coordinator.commit_as(&a, offset("t", 0, 1));
    assert_eq!(delete(&mut coordinator), Reply::DeleteGroup(ErrorCode::NonEmptyGroup));
    coordinator.leave(&[&a]);
    assert_eq!(delete(&mut coordinator), Reply::DeleteGroup(ErrorCode::None));
    assert_eq!(coordinator.describe().group_state, "Dead");
    assert_eq!(coordinator.machine.committed("g", "t", 0), None);
    assert_eq!(coordinator.log.last(), Some(&Record::GroupTombstone { group_id: "g".into() }));
    coordinator.restart();
    assert_eq!((coordinator.state(), coordinator.machine.offsets().is_empty()), (None, true));
}

#[test]
fn offsets_of_topics_that_members_read_are_not_deleted() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    a.protocols = vec![("range".to_owned(), subscription(&["read"]))];
    coordinator.stabilize(&mut [&mut a]);
    for topic in ["read", "left"] {
        coordinator.commit_as(&a, offset(topic, 0, 1));
    }
    let partitions = vec![("read".to_owned(), 0), ("left".to_owned(), 0), ("none".to_owned(), 0)];
    let request = DeleteOffsets { group_id: "g".to_owned(), partitions };
    let reply_to = coordinator.submit(Command::DeleteOffsets(request.clone()));
    let (none, subscribed) = (ErrorCode::None, ErrorCode::GroupSubscribedToTopic);
    let reply = |partitions| Reply::DeleteOffsets(DeleteOffsetsReply { error: none, partitions });
    assert_eq!(coordinator.replies[&reply_to], reply(vec![subscribed, none, none]));
    assert_eq!(coordinator.machine.all("g").count(), 1);
    coordinator.leave(&[&a]);
    let reply_to = coordinator.submit(Command::DeleteOffsets(request));
    assert_eq!(coordinator.replies[&reply_to], reply(vec![none, none, none]));
    assert_eq!(coordinator.machine.all("g").count(), 0);
}

#[test]
fn offsets_of_a_group_of_another_type_are_deleted_only_when_it_is_empty() {
    let mut coordinator = Coordinator::new();
    let mut a = Client { protocol_type: "connect", ..Client::new("a") };
    let request = DeleteOffsets { group_id: "g".to_owned(), partitions: vec![("t".to_owned(), 0)] };
    let failed = |error| Reply::DeleteOffsets(DeleteOffsetsReply { error, partitions: vec![] });
    let reply_to = coordinator.submit(Command::DeleteOffsets(request.clone()));
    assert_eq!(coordinator.replies[&reply_to], failed(ErrorCode::GroupIdNotFound));
    coordinator.stabilize(&mut [&mut a]);
    let reply_to = coordinator.submit(Command::DeleteOffsets(request));
    assert_eq!(coordinator.replies[&reply_to], failed(ErrorCode::NonEmptyGroup));
}

#[test]
fn offsets_go_with_their_topic() {
    let mut coordinator = Coordinator::new();
    for topic in ["t", "u"] {
        coordinator.commit_as(&simple(), offset(topic, 0, 1));
        coordinator.commit_as(&simple(), offset(topic, 1, 1));
    }
    let gone = Command::TopicsDeleted { topics: vec![("t".to_owned(), TopicId::METADATA)] };
    let reply_to = coordinator.submit(gone);
    let told = Reply::TopicsDeleted { removed: 2, more: false };
    assert_eq!(coordinator.replies[&reply_to], told);
    let left: Vec<_> = coordinator.machine.all("g").map(|(topic, _, _)| topic).collect();
    assert_eq!(left, ["u", "u"]);
}

#[test]
fn offsets_of_a_recreated_topic_stay_when_those_of_the_old_one_go() {
    let mut coordinator = Coordinator::new();
    let [old, new] = [1, 2].map(|n| TopicId(uuid::Uuid::from_u128(n)));
    for (partition, topic_id) in [(0, old), (1, new), (2, old), (3, TopicId::ZERO)] {
        let offset = OffsetToCommit { topic_id, ..offset("t", partition, 1) };
        coordinator.commit_as(&simple(), offset);
    }
    coordinator.submit(Command::TopicsDeleted { topics: vec![("t".to_owned(), old)] });
    let left: Vec<_> = coordinator.machine.all("g").map(|(_, partition, _)| partition).collect();
    assert_eq!(left, [1]);
}

#[test]
fn many_offsets_of_a_deleted_topic_go_in_several_steps() {
    let mut coordinator = Coordinator::new();
    for group in 0..4 {
        let identity = CommitIdentity { group_id: format!("g{group}"), ..simple().identity() };
        let offsets = (0..2_000).map(|partition| offset("t", partition, 1)).collect();
        let request = CommitOffsets { identity, retention_time_ms: -1, offsets };
        coordinator.submit(Command::CommitOffsets(request));
    }
    let gone = Command::TopicsDeleted { topics: vec![("t".to_owned(), TopicId::METADATA)] };
    for (removed, more) in [(5_000, true), (3_000, false)] {
        let reply_to = coordinator.submit(gone.clone());
        assert_eq!(coordinator.replies[&reply_to], Reply::TopicsDeleted { removed, more });
    }
    assert!(coordinator.machine.offsets().is_empty());
}

#[test]
fn a_group_whose_next_member_is_on_its_way_is_not_expired() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    coordinator.leave(&[&a]);
    let mut b = Client::known("b");
    let join = JoinGroup { session_timeout_ms: 1_800_000, ..b.join() };
    coordinator.submit(Command::JoinGroup(join));
    coordinator.advance(CHECK_MS);
    assert_eq!(coordinator.state(), Some(GroupState::Empty));
    b.member_id = "b-fresh".to_owned();
    assert_eq!(coordinator.joined(&mut b).generation_id, 3);
}

#[test]
fn an_empty_group_without_offsets_goes_at_the_next_check() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    coordinator.leave(&[&a]);
    coordinator.advance(CHECK_MS);
    assert_eq!(coordinator.state(), None);
}

#[test]
fn a_large_expiry_is_spread_over_several_steps() {
    let mut coordinator = Coordinator::new();
    for group in 0..8 {
        let identity = CommitIdentity { group_id: format!("g{group}"), ..simple().identity() };
        let offsets = (0..2_000).map(|partition| offset("t", partition, 1)).collect();
        let request = CommitOffsets { identity, retention_time_ms: 1, offsets };
        coordinator.submit(Command::CommitOffsets(request));
    }
    coordinator.now = i64::from(CHECK_MS);
    let outcome = coordinator.machine.on_timeout(coordinator.now());
    assert!((5_000..=8_000).contains(&outcome.records.len()), "{}", outcome.records.len());
    coordinator.settle(outcome);
    coordinator.advance(10);
    assert!(coordinator.machine.offsets().is_empty());
    assert_eq!(coordinator.machine.membership().group_ids().count(), 0);
}
