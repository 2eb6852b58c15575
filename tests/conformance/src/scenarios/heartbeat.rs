//! Heartbeat: what a member is told of its group, and how long it may be silent.

use crate::client::Client;
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::HeartbeatRequest;

scenarios![
    an_empty_group_id_is_refused,
    nobody_is_a_member_of_an_unknown_group,
    a_stranger_is_an_unknown_member,
    another_generation_than_the_groups_is_illegal,
    a_member_of_a_stable_group_is_well,
    a_member_that_has_not_been_assigned_anything_yet_is_well,
    a_member_is_called_to_join_again_while_the_group_rebalances,
    a_member_id_that_was_given_out_is_not_a_member_yet,
    nobody_is_a_member_of_an_empty_group,
    a_silent_member_is_forgotten_after_its_session,
    heartbeats_keep_a_member,
];

async fn an_empty_group_id_is_refused(mut client: Client) {
    for version in client.each(0..=4) {
        let response = client.call(version, &HeartbeatRequest::default()).await;
        expect(response.error_code, ErrorCode::InvalidGroupId);
    }
}

async fn nobody_is_a_member_of_an_unknown_group(mut client: Client) {
    for version in client.each(0..=4) {
        let group = client.unique("g");
        let request = HeartbeatRequest::default().with_group_id(group_id(&group));
        let response = client.call(version, &request.with_member_id(text("stranger"))).await;
        expect(response.error_code, ErrorCode::UnknownMemberId);
    }
}

async fn a_stranger_is_an_unknown_member(client: Client) {
    for version in client.each(0..=4) {
        let group = client.unique("g");
        let mut member = lone(&client, &group).await;
        for id in ["stranger", ""] {
            member.id = id.to_owned();
            expect(member.heartbeat(version).await, ErrorCode::UnknownMemberId);
        }
    }
}

async fn another_generation_than_the_groups_is_illegal(client: Client) {
    for version in client.each(0..=4) {
        let group = client.unique("g");
        let mut member = lone(&client, &group).await;
        for generation in [0, 2, -1, i32::MAX] {
            member.generation = generation;
            expect(member.heartbeat(version).await, ErrorCode::IllegalGeneration);
        }
    }
}

async fn a_member_of_a_stable_group_is_well(client: Client) {
    for version in client.each(0..=4) {
        let group = client.unique("g");
        for member in &mut stable(&client, &group, &["a", "b"]).await {
            expect(member.heartbeat(version).await, ErrorCode::None);
        }
    }
}

async fn a_member_that_has_not_been_assigned_anything_yet_is_well(client: Client) {
    for version in client.each(0..=4) {
        let group = client.unique("g");
        for member in &mut joined(&client, &group, &["a", "b"]).await {
            expect(member.heartbeat(version).await, ErrorCode::None);
        }
    }
}

async fn a_member_is_called_to_join_again_while_the_group_rebalances(mut client: Client) {
    for version in client.each(0..=4) {
        let group = client.unique("g");
        let mut member = lone(&client, &group).await;
        let mut other = Member::new(&client, &group, "other").await;
        let _waiting = other.begin_enter().await;
        until_state(&mut client, &group, "PreparingRebalance").await;
        expect(member.heartbeat(version).await, ErrorCode::RebalanceInProgress);
        client.note("of a generation that is over");
        member.generation -= 1;
        expect(member.heartbeat(version).await, ErrorCode::IllegalGeneration);
    }
}

async fn a_member_id_that_was_given_out_is_not_a_member_yet(client: Client) {
    for version in client.each(0..=4) {
        let group = client.unique("g");
        lone(&client, &group).await;
        let mut new = Member::new(&client, &group, "new").await;
        new.get_id().await;
        new.generation = 1;
        expect(new.heartbeat(version).await, ErrorCode::UnknownMemberId);
    }
}

async fn nobody_is_a_member_of_an_empty_group(mut client: Client) {
    for version in client.each(0..=4) {
        let group = client.unique("g");
        let mut member = lone(&client, &group).await;
        member.leave().await;
        until_state(&mut client, &group, "Empty").await;
        expect(member.heartbeat(version).await, ErrorCode::UnknownMemberId);
    }
}

/// Joins with a session of that length.
async fn with_session(client: &Client, session_ms: i32) -> Member {
    let mut member = Member::new(client, &client.unique("g"), "m").await;
    member.session_ms = session_ms;
    member.enter().await;
    member.settle(&[]).await;
    member
}

async fn a_silent_member_is_forgotten_after_its_session(client: Client) {
    let mut member = with_session(&client, SHORT_MS).await;
    let group = member.group.clone();
    until_state(&mut member.client, &group, "Empty").await;
    expect(member.heartbeat(4).await, ErrorCode::UnknownMemberId);
}

async fn heartbeats_keep_a_member(client: Client) {
    let mut member = with_session(&client, KEPT_MS).await;
    for _ in 0..10 {
        tokio::time::sleep(BEAT).await;
        expect(member.heartbeat(4).await, ErrorCode::None);
    }
}
