//! What a group tells of itself: who came and went, and why it rebalances.

use super::*;

/// The events since the last call, each in a few words.
fn told(coordinator: &mut Coordinator) -> Vec<String> {
    let events = std::mem::take(&mut coordinator.events);
    events.iter().map(words).collect()
}

fn words(event: &Event) -> String {
    match event {
        Event::Joined { member, .. } => format!("{} joined", member.client_id),
        Event::Left { member, departure, reason, .. } => {
            format!("{} left: {} {reason}", member.client_id, departure.name()).trim().to_owned()
        }
        Event::Rebalance { cause, member_id, reason, members, .. } => {
            let text = format!("rebalance of {members}: {} {member_id} {reason}", cause.name());
            text.trim().to_owned()
        }
        Event::Stable { generation_id, members, leader, .. } => {
            format!("stable {generation_id} with {members}, {leader} leads")
        }
        Event::Empty { generation_id, .. } => format!("empty {generation_id}"),
        Event::OffsetsExpired { offsets, .. } => format!("{offsets} offsets expired"),
        Event::Dead { deleted, .. } => format!("dead, deleted: {deleted}"),
    }
}

#[test]
fn the_first_member_and_its_leave_are_told_with_their_causes() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    assert_eq!(
        told(&mut coordinator),
        ["a joined", "rebalance of 1: member_joined a-fresh", "stable 1 with 1, a-fresh leads"]
    );
    let reason = Some("the consumer is being closed".to_owned());
    let (member_id, group_instance_id) = (a.member_id.clone(), None);
    coordinator.leave_members(vec![LeavingMember { member_id, group_instance_id, reason }]);
    assert_eq!(
        told(&mut coordinator),
        [
            "a left: left the consumer is being closed",
            "rebalance of 0: member_left a-fresh the consumer is being closed",
            "empty 2",
        ]
    );
}

#[test]
fn a_silent_member_is_told_apart_from_one_that_left() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    told(&mut coordinator);
    coordinator.advance(SESSION_MS / 2);
    coordinator.heartbeat(&b);
    coordinator.advance(SESSION_MS / 2);
    assert_eq!(
        told(&mut coordinator),
        ["a left: session_expired", "rebalance of 1: session_expired a-fresh"]
    );
}

#[test]
fn members_that_do_not_come_back_or_do_not_sync_are_told_as_such() {
    let mut coordinator = Coordinator::new();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    coordinator.stabilize(&mut [&mut a, &mut b]);
    told(&mut coordinator);
    coordinator.join(&Client { member_id: String::new(), ..Client::new("c") });
    for _ in 0..=REBALANCE_MS / (SESSION_MS / 2) {
        coordinator.advance(SESSION_MS / 2);
        coordinator.heartbeat(&a);
        coordinator.heartbeat(&b);
    }
    let events = told(&mut coordinator);
    assert!(events.contains(&"a left: did_not_rejoin".to_owned()), "{events:?}");
    assert!(events.contains(&"b left: did_not_rejoin".to_owned()), "{events:?}");
}

#[test]
fn a_leader_that_joins_again_is_the_cause_of_the_rebalance() {
    let mut coordinator = Coordinator::new();
    let mut a = Client::new("a");
    coordinator.stabilize(&mut [&mut a]);
    told(&mut coordinator);
    let reason = Some("cached metadata has changed".to_owned());
    coordinator.submit(Command::JoinGroup(JoinGroup { reason, ..a.join() }));
    assert_eq!(
        told(&mut coordinator),
        ["rebalance of 1: member_rejoined a-fresh cached metadata has changed"]
    );
}

#[test]
fn a_group_that_is_deleted_or_expires_is_dead() {
    let mut coordinator = Coordinator::new();
    let nobody = Client::new("nobody");
    coordinator.commit_as(&nobody, offset("t", 0, 1));
    coordinator.submit(Command::DeleteGroup { group_id: "g".to_owned() });
    assert_eq!(told(&mut coordinator), ["dead, deleted: true"]);

    let settings = Settings { offsets_retention_ms: 1_000, ..Settings::default() };
    let mut coordinator = Coordinator::with(settings);
    coordinator.commit_as(&nobody, offset("t", 0, 1));
    coordinator.advance(Settings::default().offsets_retention_check_interval_ms as i32);
    assert_eq!(told(&mut coordinator), ["1 offsets expired", "dead, deleted: false"]);
}
