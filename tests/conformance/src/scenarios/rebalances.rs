//! Rebalances from beginning to end: what sets them off, what ends them, and whom they cost a place.

use crate::client::Client;
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use std::time::Duration;

scenarios![
    a_session_that_ends_sets_a_rebalance_off,
    the_barrier_falls_when_the_last_that_is_missing_loses_its_session,
    the_barrier_falls_when_a_given_out_member_id_is_forgotten,
    heartbeats_keep_a_member_while_others_join,
    a_member_that_waits_needs_no_heartbeats,
    a_member_that_waits_for_its_assignment_needs_no_heartbeats,
    the_longest_rebalance_timeout_of_all_members_counts,
    a_leader_that_is_silent_costs_its_place_and_the_next_one_leads,
    a_member_whose_connection_is_gone_still_joins,
    members_of_old_and_new_versions_join_one_generation,
    a_group_changes_its_protocol_one_member_after_the_other,
    a_member_that_is_evicted_while_it_is_slow_joins_as_somebody_new,
    what_an_old_generation_commits_is_refused_after_the_rebalance,
    assignments_are_those_of_the_current_generation,
    everybody_leaves_and_somebody_comes,
    the_last_member_leaves_while_another_has_been_given_an_id,
    a_full_group_that_rebalances_takes_those_who_come_first,
];

async fn a_session_that_ends_sets_a_rebalance_off(client: Client) {
    let group = client.unique("g");
    let mut members = [
        Member::new(&client, &group, "leader").await,
        Member::new(&client, &group, "silent").await,
    ];
    members[1].session_ms = SHORT_MS;
    gather(&mut members).await;
    assign(&mut members).await;
    let [mut leader, mut silent] = members;
    until_state(&mut silent.client, &group, "PreparingRebalance").await;
    expect(leader.heartbeat(4).await, ErrorCode::RebalanceInProgress);
    let led = leader.join(JOIN).await;
    assert_eq!((led.generation_id, led.members.len()), (3, 1));
    expect(silent.heartbeat(4).await, ErrorCode::UnknownMemberId);
}

async fn the_barrier_falls_when_the_last_that_is_missing_loses_its_session(client: Client) {
    let group = client.unique("g");
    let mut silent = Member::new(&client, &group, "silent").await;
    silent.session_ms = SHORT_MS;
    silent.enter().await;
    silent.settle(&[]).await;
    let mut new = Member::new(&client, &group, "new").await;
    new.get_id().await;
    // Everybody's rebalance timeout is much longer.
    let joined = new.join(JOIN).await;
    assert_eq!((joined.generation_id, joined.members.len()), (2, 1));
}

async fn the_barrier_falls_when_a_given_out_member_id_is_forgotten(client: Client) {
    let group = client.unique("g");
    let mut member = lone(&client, &group).await;
    let mut given = Member::new(&client, &group, "given").await;
    given.session_ms = SHORT_MS;
    given.get_id().await;
    let joined = member.join(JOIN).await;
    assert_eq!((joined.generation_id, joined.members.len()), (2, 1));
}

async fn heartbeats_keep_a_member_while_others_join(client: Client) {
    let group = client.unique("g");
    let mut member = Member::new(&client, &group, "busy").await;
    member.session_ms = KEPT_MS;
    member.enter().await;
    member.settle(&[]).await;
    let mut new = Member::new(&client, &group, "new").await;
    let joins = new.begin_enter().await;
    until_state(&mut member.client, &group, "PreparingRebalance").await;
    for _ in 0..8 {
        tokio::time::sleep(BEAT).await;
        expect(member.heartbeat(4).await, ErrorCode::RebalanceInProgress);
    }
    assert_eq!(member.join(JOIN).await.members.len(), 2);
    new.end_enter(joins).await;
}

async fn a_member_that_waits_needs_no_heartbeats(client: Client) {
    let group = client.unique("g");
    let mut members =
        [Member::new(&client, &group, "waiting").await, Member::new(&client, &group, "busy").await];
    members[0].session_ms = SHORT_MS;
    gather(&mut members).await;
    let leads = members[0].begin_join(JOIN).await;
    // Its generation's assignment is awaited; that alone is answered at once.
    members[0].end_enter(leads).await;
    assign(&mut members).await;
    let leads = members[0].begin_join(JOIN).await;
    assert!(members[0].client.raw.is_silent(BEYOND_SHORT).await);
    members[1].join(JOIN).await;
    let led = members[0].end_join(leads).await;
    assert_eq!((led.generation_id, led.members.len()), (3, 2));
}

async fn a_member_that_waits_for_its_assignment_needs_no_heartbeats(client: Client) {
    let group = client.unique("g");
    let mut members = [
        Member::new(&client, &group, "leader").await,
        Member::new(&client, &group, "waiting").await,
    ];
    members[1].session_ms = SHORT_MS;
    gather(&mut members).await;
    let request = members[1].sync_request(&[]);
    let waits = members[1].client.begin(SYNC, &request).await;
    assert!(members[1].client.raw.is_silent(BEYOND_SHORT).await);
    let id = members[1].id.clone();
    members[0].settle(&[(&id, "late")]).await;
    assert_eq!(members[1].client.end(waits).await.assignment, "late");
}

async fn the_longest_rebalance_timeout_of_all_members_counts(client: Client) {
    let group = client.unique("g");
    let mut members =
        [Member::new(&client, &group, "slow").await, Member::new(&client, &group, "fast").await];
    members[0].rebalance_ms = 10 * SHORT_MS;
    members[1].rebalance_ms = SHORT_MS;
    gather(&mut members).await;
    assign(&mut members).await;
    members[1].label = "changed".to_owned();
    let joins = members[1].begin_join(JOIN).await;
    assert!(members[1].client.raw.is_silent(BEYOND_SHORT).await);
    assert_eq!(members[0].join(JOIN).await.members.len(), 2);
    members[1].end_join(joins).await;
}

async fn a_leader_that_is_silent_costs_its_place_and_the_next_one_leads(client: Client) {
    let group = client.unique("g");
    let mut members = [
        Member::new(&client, &group, "leader").await,
        Member::new(&client, &group, "follower").await,
    ];
    members[0].session_ms = SHORT_MS;
    gather(&mut members).await;
    let request = members[1].sync_request(&[]);
    // The leader never assigns anything; the follower is told when its session ends.
    let response = members[1].client.call(SYNC, &request).await;
    expect(response.error_code, ErrorCode::RebalanceInProgress);
    let led = members[1].join(JOIN).await;
    assert_eq!((led.generation_id, &led.leader), (3, &led.member_id));
}

async fn a_member_whose_connection_is_gone_still_joins(client: Client) {
    let group = client.unique("g");
    let mut member = lone(&client, &group).await;
    let mut gone = Member::new(&client, &group, "gone").await;
    let _ = gone.begin_enter().await;
    until(&mut member.client, &group, |group| group.members.len() == 2).await;
    drop(gone);
    assert_eq!(member.join(JOIN).await.members.len(), 2);
}

async fn members_of_old_and_new_versions_join_one_generation(client: Client) {
    let group = client.unique("g");
    let mut old = Member::new(&client, &group, "old").await;
    old.join(0).await;
    let mut new = Member::new(&client, &group, "new").await;
    let joins = new.begin_enter().await;
    until(&mut old.client, &group, |group| group.members.len() == 2).await;
    assert_eq!(old.join(0).await.members.len(), 2);
    new.end_join(joins).await;
    let id = new.id.clone();
    let request = old.sync_request(&[(&id, "for new")]);
    let request = request.with_protocol_type(None).with_protocol_name(None);
    expect(old.client.call(0, &request).await.error_code, ErrorCode::None);
    let request = new.sync_request(&[]);
    assert_eq!(new.client.call(SYNC, &request).await.assignment, "for new");
}

async fn a_group_changes_its_protocol_one_member_after_the_other(client: Client) {
    let group = client.unique("g");
    let mut members = stable(&client, &group, &["a", "b"]).await;
    for (number, expected) in [(1, "range"), (0, "sticky")] {
        members[number].protocols = &["sticky", "range"];
        let joins = members[number].begin_join(JOIN).await;
        let other = &mut members[1 - number];
        until_state(&mut other.client, &group, "PreparingRebalance").await;
        let joined = other.join(JOIN).await;
        assert_eq!(joined.protocol_name.as_deref(), Some(expected));
        members[number].end_join(joins).await;
        let request = members[0].sync_request(&[]).with_protocol_name(Some(text(expected)));
        expect(members[0].client.ask(SYNC, &request).await.error_code, ErrorCode::None);
    }
    client.note("and who speaks only the old one is refused when the old one is given up");
    members[0].protocols = &["sticky"];
    let joins = members[0].begin_join(JOIN).await;
    until_state(&mut members[1].client, &group, "PreparingRebalance").await;
    members[1].join(JOIN).await;
    members[0].end_join(joins).await;
    let mut late = Member::new(&client, &group, "late").await;
    expect(late.join(JOIN).await.error_code, ErrorCode::InconsistentGroupProtocol);
}

async fn a_member_that_is_evicted_while_it_is_slow_joins_as_somebody_new(client: Client) {
    let group = client.unique("g");
    let mut slow = Member::new(&client, &group, "slow").await;
    slow.rebalance_ms = SHORT_MS;
    slow.enter().await;
    slow.settle(&[]).await;
    let mut new = Member::new(&client, &group, "new").await;
    new.rebalance_ms = SHORT_MS;
    new.enter().await;
    new.settle(&[]).await;
    expect(slow.join(JOIN).await.error_code, ErrorCode::UnknownMemberId);
    slow.id = String::new();
    let joins = slow.begin_enter().await;
    until_state(&mut new.client, &group, "PreparingRebalance").await;
    assert_eq!(new.join(JOIN).await.members.len(), 2);
    assert_eq!(slow.end_join(joins).await.generation_id, 3);
}

async fn what_an_old_generation_commits_is_refused_after_the_rebalance(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let member = {
        let mut member = lone(&client, &client.unique("g")).await;
        let old = member.generation;
        member.enter().await;
        member.settle(&[]).await;
        assert_eq!(member.generation, old + 1);
        Member { generation: old, ..member }
    };
    for version in client.each(2..=10) {
        let response = client.commit(version, &commit_by(&member, version, &topic, 7)).await;
        expect(response.topics[0].partitions[0].1, ErrorCode::IllegalGeneration);
    }
}

async fn assignments_are_those_of_the_current_generation(client: Client) {
    let mut members = stable(&client, &client.unique("g"), &["leader", "follower"]).await;
    let leads = members[0].begin_join(JOIN).await;
    let group = members[0].group.clone();
    until_state(&mut members[1].client, &group, "PreparingRebalance").await;
    members[1].enter().await;
    members[0].end_enter(leads).await;
    members[0].settle(&[]).await;
    let request = members[1].sync_request(&[]);
    let synced = members[1].client.call(SYNC, &request).await;
    assert_eq!(synced.assignment, "", "what was assigned before is forgotten");
}

async fn everybody_leaves_and_somebody_comes(client: Client) {
    let group = client.unique("g");
    for member in &mut stable(&client, &group, &["a", "b", "c"]).await {
        member.leave().await;
    }
    let mut member = Member::new(&client, &group, "m").await;
    until_state(&mut member.client, &group, "Empty").await;
    member.get_id().await;
    let joined = member.join(JOIN).await;
    assert_eq!(joined.members.len(), 1);
}

async fn the_last_member_leaves_while_another_has_been_given_an_id(client: Client) {
    let group = client.unique("g");
    let mut given = Member::new(&client, &group, "given").await;
    given.get_id().await;
    let mut member = Member::new(&client, &group, "m").await;
    // A version that needs no id, so that the barrier does not wait for the other.
    member.join(3).await;
    member.leave().await;
    until_state(&mut given.client, &group, "Empty").await;
    assert_eq!(given.join(JOIN).await.generation_id, 3);
}

async fn a_full_group_that_rebalances_takes_those_who_come_first(client: Client) {
    let group = client.unique("g");
    let mut members = Vec::new();
    for label in ["a", "b", "c", "d", "e", "f"] {
        let mut member = Member::new(&client, &group, label).await;
        member.rebalance_ms = 5 * SHORT_MS;
        members.push(member);
    }
    gather(&mut members).await;
    assign(&mut members).await;
    let mut late = members.pop().expect("there are six");
    let leads = members[0].begin_join(JOIN).await;
    until_state(&mut late.client, &group, "PreparingRebalance").await;
    let mut new = Member::new(&client, &group, "new").await;
    let joins = new.begin_enter().await;
    until(&mut late.client, &group, |group| group.members.len() == 7).await;
    let mut waiting = Vec::new();
    for member in &mut members[1..] {
        waiting.push(member.begin_join(JOIN).await);
        assert!(member.client.raw.is_silent(Duration::from_millis(100)).await);
    }
    expect(late.join(JOIN).await.error_code, ErrorCode::GroupMaxSizeReached);
    if new.client.raw.is_silent(BEYOND_SHORT).await {
        client.note("the others wait until the rebalance times out");
    } else {
        client.note("the others wait no longer");
    }
    assert_eq!(members[0].end_join(leads).await.members.len(), 6);
    new.end_join(joins).await;
    for (member, pending) in members[1..].iter_mut().zip(waiting) {
        member.end_join(pending).await;
    }
}
