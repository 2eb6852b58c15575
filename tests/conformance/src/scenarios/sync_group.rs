//! SyncGroup: what the leader assigns, who waits for it, and who is sent away.

use crate::client::Client;
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use std::time::Duration;

scenarios![
    an_empty_group_id_is_refused,
    nobody_is_a_member_of_an_unknown_group,
    a_stranger_is_an_unknown_member,
    another_generation_than_the_groups_is_illegal,
    nobody_is_a_member_of_an_empty_group,
    protocol_type_and_name_must_be_told_since_v5,
    protocol_type_and_name_must_be_the_groups,
    protocol_type_and_name_are_told_since_v5,
    assignments_are_handed_on_as_they_are,
    followers_wait_for_the_leader,
    a_follower_that_asks_late_is_answered_at_once,
    members_that_the_leader_does_not_name_get_nothing,
    assignments_to_strangers_are_dropped,
    a_member_named_twice_gets_the_last_assignment,
    followers_assign_nothing,
    a_stable_group_keeps_its_first_assignment,
    a_rebalance_sends_away_who_waits,
    members_are_called_to_join_again_while_the_group_rebalances,
    members_that_do_not_ask_in_time_are_evicted,
    a_leader_that_leaves_sends_away_who_waits,
    a_second_question_takes_the_firsts_place,
];

/// The request as that version writes it.
fn of_version(version: i16, request: SyncGroupRequest) -> SyncGroupRequest {
    if version >= 5 {
        return request;
    }
    request.with_protocol_type(None).with_protocol_name(None)
}

async fn sync(
    member: &mut Member,
    version: i16,
    assignments: &[(&str, &str)],
) -> SyncGroupResponse {
    let request = of_version(version, member.sync_request(assignments));
    member.client.call(version, &request).await
}

async fn an_empty_group_id_is_refused(client: Client) {
    for version in client.each(0..=5) {
        let mut nobody = Member::new(&client, "", "m").await;
        nobody.id = "stranger".to_owned();
        expect(sync(&mut nobody, version, &[]).await.error_code, ErrorCode::InvalidGroupId);
    }
}

async fn nobody_is_a_member_of_an_unknown_group(client: Client) {
    for version in client.each(0..=5) {
        let mut nobody = Member::new(&client, &client.unique("g"), "m").await;
        nobody.id = "stranger".to_owned();
        nobody.generation = 1;
        expect(sync(&mut nobody, version, &[]).await.error_code, ErrorCode::UnknownMemberId);
    }
}

async fn a_stranger_is_an_unknown_member(client: Client) {
    for version in client.each(0..=5) {
        let mut member = lone(&client, &client.unique("g")).await;
        for id in ["stranger", ""] {
            member.id = id.to_owned();
            expect(sync(&mut member, version, &[]).await.error_code, ErrorCode::UnknownMemberId);
        }
    }
}

async fn another_generation_than_the_groups_is_illegal(client: Client) {
    for version in client.each(0..=5) {
        let mut member = lone(&client, &client.unique("g")).await;
        for generation in [0, 2, -1] {
            member.generation = generation;
            expect(sync(&mut member, version, &[]).await.error_code, ErrorCode::IllegalGeneration);
        }
    }
}

async fn nobody_is_a_member_of_an_empty_group(client: Client) {
    for version in client.each(0..=5) {
        let mut member = lone(&client, &client.unique("g")).await;
        member.leave().await;
        expect(sync(&mut member, version, &[]).await.error_code, ErrorCode::UnknownMemberId);
    }
}

async fn protocol_type_and_name_must_be_told_since_v5(client: Client) {
    let mut member = lone(&client, &client.unique("g")).await;
    let request = member.sync_request(&[]);
    for request in [
        request.clone().with_protocol_type(None),
        request.clone().with_protocol_name(None),
        of_version(0, request),
    ] {
        let response = member.client.call(5, &request).await;
        expect(response.error_code, ErrorCode::InconsistentGroupProtocol);
    }
}

async fn protocol_type_and_name_must_be_the_groups(client: Client) {
    let mut member = lone(&client, &client.unique("g")).await;
    let request = member.sync_request(&[]);
    for request in [
        request.clone().with_protocol_type(Some(text("connect"))),
        request.clone().with_protocol_type(Some(text(""))),
        request.clone().with_protocol_name(Some(text("roundrobin"))),
        request.with_protocol_name(Some(text(""))),
    ] {
        let response = member.client.call(5, &request).await;
        expect(response.error_code, ErrorCode::InconsistentGroupProtocol);
    }
    client.note("the generation is looked at before");
    member.generation = 9;
    let request = member.sync_request(&[]).with_protocol_type(Some(text("connect")));
    let response = member.client.call(5, &request).await;
    expect(response.error_code, ErrorCode::IllegalGeneration);
}

async fn protocol_type_and_name_are_told_since_v5(client: Client) {
    for version in client.each(0..=5) {
        let mut member = lone(&client, &client.unique("g")).await;
        expect(sync(&mut member, version, &[]).await.error_code, ErrorCode::None);
    }
}

async fn assignments_are_handed_on_as_they_are(client: Client) {
    for version in client.each(0..=5) {
        for bytes in [&b""[..], b"\0", b"\xff\xfe not \0 text \x80", &[7; 100_000]] {
            let mut member = joined(&client, &client.unique("g"), &["m"]).await.remove(0);
            let id = member.id.clone();
            let mut request = of_version(version, member.sync_request(&[(&id, "")]));
            request.assignments[0].assignment = bytes::Bytes::copy_from_slice(bytes);
            let response = member.client.ask(version, &request).await;
            assert_eq!(response.assignment, bytes);
        }
    }
}

async fn followers_wait_for_the_leader(client: Client) {
    for version in client.each(0..=5) {
        let mut members = joined(&client, &client.unique("g"), &["leader", "follower"]).await;
        let mut follower = members.remove(1);
        let mut leader = members.remove(0);
        let request = of_version(version, follower.sync_request(&[]));
        let waits = follower.client.begin(version, &request).await;
        assert!(follower.client.raw.is_silent(Duration::from_millis(100)).await);
        let assignments = [(&*leader.id.clone(), "first"), (&*follower.id, "second")];
        assert_eq!(sync(&mut leader, version, &assignments).await.assignment, "first");
        assert_eq!(follower.client.end(waits).await.assignment, "second");
        describe(&mut leader.client, 5, &follower.group).await;
    }
}

async fn a_follower_that_asks_late_is_answered_at_once(client: Client) {
    for version in client.each(0..=5) {
        let mut members = joined(&client, &client.unique("g"), &["leader", "follower"]).await;
        let follower_id = members[1].id.clone();
        sync(&mut members[0], version, &[(&follower_id, "second")]).await;
        for _ in 0..2 {
            assert_eq!(sync(&mut members[1], version, &[]).await.assignment, "second");
        }
    }
}

async fn members_that_the_leader_does_not_name_get_nothing(client: Client) {
    for version in client.each([0, 5]) {
        for member in &mut stable_but_unassigned(&client).await {
            let synced = sync(member, version, &[]).await;
            expect(synced.error_code, ErrorCode::None);
            assert_eq!(synced.assignment, "");
        }
    }
}

/// Two members, of whom the first assigned nothing to anybody.
async fn stable_but_unassigned(client: &Client) -> Vec<Member> {
    let mut members = joined(client, &client.unique("g"), &["leader", "follower"]).await;
    members[0].settle(&[]).await;
    members
}

async fn assignments_to_strangers_are_dropped(client: Client) {
    let mut member = joined(&client, &client.unique("g"), &["m"]).await.remove(0);
    let id = member.id.clone();
    let assignments = [("stranger", "a"), (&*id, "b"), ("", "c")];
    assert_eq!(sync(&mut member, 5, &assignments).await.assignment, "b");
    let group = member.group.clone();
    assert_eq!(describe(&mut member.client, 5, &group).await.members.len(), 1);
}

async fn a_member_named_twice_gets_the_last_assignment(client: Client) {
    let mut member = joined(&client, &client.unique("g"), &["m"]).await.remove(0);
    let id = member.id.clone();
    assert_eq!(sync(&mut member, 5, &[(&id, "a"), (&id, "b")]).await.assignment, "b");
}

async fn followers_assign_nothing(client: Client) {
    let mut members = joined(&client, &client.unique("g"), &["leader", "follower"]).await;
    let id = members[1].id.clone();
    let request = members[1].sync_request(&[(&id, "mine")]);
    let waits = members[1].client.begin(5, &request).await;
    assert!(members[1].client.raw.is_silent(Duration::from_millis(100)).await);
    sync(&mut members[0], 5, &[(&id, "leader's")]).await;
    assert_eq!(members[1].client.end(waits).await.assignment, "leader's");
}

async fn a_stable_group_keeps_its_first_assignment(client: Client) {
    let mut member = lone(&client, &client.unique("g")).await;
    let id = member.id.clone();
    assert_eq!(sync(&mut member, 5, &[(&id, "other")]).await.assignment, "for m");
}

async fn a_rebalance_sends_away_who_waits(client: Client) {
    for version in client.each(0..=5) {
        let group = client.unique("g");
        let mut members = joined(&client, &group, &["leader", "follower"]).await;
        let request = of_version(version, members[1].sync_request(&[]));
        let waits = members[1].client.begin(version, &request).await;
        assert!(members[1].client.raw.is_silent(Duration::from_millis(100)).await);
        let mut new = Member::new(&client, &group, "new").await;
        let _joins = new.begin_enter().await;
        let response = members[1].client.end(waits).await;
        expect(response.error_code, ErrorCode::RebalanceInProgress);
    }
}

async fn members_are_called_to_join_again_while_the_group_rebalances(client: Client) {
    for version in client.each(0..=5) {
        let mut member = lone(&client, &client.unique("g")).await;
        let mut new = Member::new(&client, &member.group, "new").await;
        let _joins = new.begin_enter().await;
        let group = member.group.clone();
        until_state(&mut member.client, &group, "PreparingRebalance").await;
        let response = sync(&mut member, version, &[]).await;
        expect(response.error_code, ErrorCode::RebalanceInProgress);
    }
}

async fn members_that_do_not_ask_in_time_are_evicted(client: Client) {
    let group = client.unique("g");
    let mut leader = Member::new(&client, &group, "leader").await;
    leader.rebalance_ms = SHORT_MS;
    let mut silent = Member::new(&client, &group, "silent").await;
    silent.rebalance_ms = SHORT_MS;
    let mut members = [leader, silent];
    gather(&mut members).await;
    let [mut leader, mut silent] = members;
    let follower_id = silent.id.clone();
    leader.settle(&[(&follower_id, "nobody asks for this")]).await;
    until_state(&mut silent.client, &group, "PreparingRebalance").await;
    expect(leader.heartbeat(4).await, ErrorCode::RebalanceInProgress);
    expect(silent.heartbeat(4).await, ErrorCode::UnknownMemberId);
    let joined = leader.join(JOIN).await;
    assert_eq!((joined.generation_id, joined.members.len()), (3, 1));
}

async fn a_leader_that_leaves_sends_away_who_waits(client: Client) {
    let mut members = joined(&client, &client.unique("g"), &["leader", "follower"]).await;
    let request = members[1].sync_request(&[]);
    let waits = members[1].client.begin(5, &request).await;
    assert!(members[1].client.raw.is_silent(Duration::from_millis(100)).await);
    members[0].leave().await;
    let response = members[1].client.end(waits).await;
    expect(response.error_code, ErrorCode::RebalanceInProgress);
    let joined = members[1].join(JOIN).await;
    assert_eq!(joined.leader, joined.member_id);
}

async fn a_second_question_takes_the_firsts_place(client: Client) {
    let mut members = joined(&client, &client.unique("g"), &["leader", "follower"]).await;
    let request = members[1].sync_request(&[]);
    let first = members[1].client.begin(5, &request).await;
    assert!(members[1].client.raw.is_silent(Duration::from_millis(100)).await);
    let mut again = client.connect().await;
    let second = again.begin(5, &request).await;
    assert!(again.raw.is_silent(Duration::from_millis(200)).await);
    let id = members[1].id.clone();
    members[0].settle(&[(&id, "for follower")]).await;
    assert_eq!(again.end(second).await.assignment, "for follower");
    if members[1].client.raw.is_silent(Duration::from_millis(2_000)).await {
        client.note("the first is never answered");
    } else {
        members[1].client.end(first).await;
    }
}
