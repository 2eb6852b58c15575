//! Which error a request of groups gets that is wrong in more than one way.

use crate::client::Client;
use crate::groups::*;
use crate::help::*;
use crate::scenarios;

scenarios![
    joins_without_a_group_id_are_not_looked_at_further,
    joins_with_a_wrong_session_are_not_looked_at_further,
    joins_by_strangers_with_protocols_that_do_not_fit,
    joins_by_strangers_to_a_full_group,
    joins_of_static_strangers,
    joins_with_protocols_that_do_not_fit_to_a_full_group,
    members_that_change_their_protocol_type,
    heartbeats_of_strangers_in_another_generation,
    heartbeats_of_fenced_members_in_another_generation,
    syncs_of_strangers_with_protocols_that_do_not_fit,
    syncs_in_another_generation_while_the_group_rebalances,
    commits_of_strangers_in_another_generation,
    commits_of_strangers_with_metadata_that_are_too_long,
    commits_of_strangers_for_topics_that_do_not_exist,
    deletions_of_offsets_of_topics_that_do_not_exist_in_a_group_that_does_not,
];

/// What a join of that member is answered, in every version.
async fn joins(client: Client, error: ErrorCode, change: impl Fn(&mut Member)) {
    for version in client.each(0..=9) {
        let mut member = Member::new(&client, &client.unique("g"), "m").await;
        change(&mut member);
        expect(member.join(version).await.error_code, error);
    }
}

async fn joins_without_a_group_id_are_not_looked_at_further(client: Client) {
    joins(client, ErrorCode::InvalidGroupId, |member| {
        member.group = String::new();
        member.session_ms = 1;
        member.id = "stranger".to_owned();
        member.protocols = &[];
    })
    .await;
}

async fn joins_with_a_wrong_session_are_not_looked_at_further(client: Client) {
    joins(client, ErrorCode::InvalidSessionTimeout, |member| {
        member.session_ms = 1;
        member.id = "stranger".to_owned();
        member.protocols = &[];
    })
    .await;
}

async fn joins_by_strangers_with_protocols_that_do_not_fit(client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        let mut stranger = Member::new(&client, &group, "m").await;
        stranger.id = "stranger".to_owned();
        stranger.protocols = &["other"];
        client.note("to a group that does not exist");
        expect(stranger.join(version).await.error_code, ErrorCode::UnknownMemberId);
        let _member = lone(&client, &group).await;
        client.note("to one that does");
        stranger.id = "stranger".to_owned();
        expect(stranger.join(version).await.error_code, ErrorCode::InconsistentGroupProtocol);
    }
}

/// A group that takes nobody in.
async fn full(client: &Client, group: &str) -> Vec<Member> {
    stable(client, group, &["a", "b", "c", "d", "e", "f"]).await
}

async fn joins_by_strangers_to_a_full_group(client: Client) {
    let group = client.unique("g");
    let _members = full(&client, &group).await;
    for version in client.each([0, 4, 9]) {
        let mut stranger = Member::new(&client, &group, "m").await;
        stranger.id = "stranger".to_owned();
        expect(stranger.join(version).await.error_code, ErrorCode::GroupMaxSizeReached);
    }
}

async fn joins_of_static_strangers(client: Client) {
    let group = client.unique("g");
    let mut members = [Member::fixed(&client, &group, "i").await];
    gather(&mut members).await;
    assign(&mut members).await;
    for version in client.each(5..=9) {
        for (id, protocols, error) in [
            ("stranger", &["range"][..], ErrorCode::FencedInstanceId),
            ("stranger", &["other"], ErrorCode::InconsistentGroupProtocol),
            ("", &["other"], ErrorCode::InconsistentGroupProtocol),
        ] {
            let mut stranger = Member::fixed(&client, &group, "i").await;
            stranger.id = id.to_owned();
            stranger.protocols = protocols;
            expect(stranger.join(version).await.error_code, error);
        }
    }
}

async fn joins_with_protocols_that_do_not_fit_to_a_full_group(client: Client) {
    let group = client.unique("g");
    let _members = full(&client, &group).await;
    for version in client.each([0, 4, 9]) {
        let mut new = Member::new(&client, &group, "m").await;
        new.protocols = &["other"];
        expect(new.join(version).await.error_code, ErrorCode::GroupMaxSizeReached);
    }
}

async fn members_that_change_their_protocol_type(client: Client) {
    for version in client.each([0, 4, 9]) {
        let mut member = lone(&client, &client.unique("g")).await;
        let request = member.join_request().with_protocol_type(text("connect"));
        let response = member.client.call(version, &request).await;
        expect(response.error_code, ErrorCode::InconsistentGroupProtocol);
        expect(member.heartbeat(4).await, ErrorCode::None);
    }
}

async fn heartbeats_of_strangers_in_another_generation(client: Client) {
    for version in client.each(0..=4) {
        let mut member = lone(&client, &client.unique("g")).await;
        member.id = "stranger".to_owned();
        member.generation = 9;
        expect(member.heartbeat(version).await, ErrorCode::UnknownMemberId);
    }
}

async fn heartbeats_of_fenced_members_in_another_generation(client: Client) {
    let group = client.unique("g");
    let mut members = [Member::fixed(&client, &group, "i").await];
    gather(&mut members).await;
    let [mut member] = members;
    member.id = "stranger".to_owned();
    member.generation = 9;
    for version in client.each(3..=4) {
        expect(member.heartbeat(version).await, ErrorCode::FencedInstanceId);
    }
}

async fn syncs_of_strangers_with_protocols_that_do_not_fit(client: Client) {
    let mut member = lone(&client, &client.unique("g")).await;
    let request = member.sync_request(&[]).with_protocol_name(Some(text("other")));
    let stranger = request.clone().with_member_id(text("stranger")).with_generation_id(9);
    expect(member.client.call(SYNC, &stranger).await.error_code, ErrorCode::UnknownMemberId);
    let old = request.with_generation_id(9);
    expect(member.client.call(SYNC, &old).await.error_code, ErrorCode::IllegalGeneration);
    client.note("without a protocol type nothing else is looked at");
    let request = stranger.with_protocol_type(None);
    let response = member.client.call(SYNC, &request).await;
    expect(response.error_code, ErrorCode::InconsistentGroupProtocol);
}

async fn syncs_in_another_generation_while_the_group_rebalances(client: Client) {
    let mut member = lone(&client, &client.unique("g")).await;
    let mut new = Member::new(&client, &member.group, "new").await;
    let _joins = new.begin_enter().await;
    let group = member.group.clone();
    until_state(&mut member.client, &group, "PreparingRebalance").await;
    for (generation, protocol, error) in [
        (9, "range", ErrorCode::IllegalGeneration),
        (1, "other", ErrorCode::InconsistentGroupProtocol),
        (1, "range", ErrorCode::RebalanceInProgress),
    ] {
        let request = member.sync_request(&[]).with_generation_id(generation);
        let request = request.with_protocol_name(Some(text(protocol)));
        expect(member.client.call(SYNC, &request).await.error_code, error);
    }
}

async fn commits_of_strangers_in_another_generation(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let member = lone(&client, &client.unique("g")).await;
    let stranger = Member { id: "stranger".to_owned(), generation: 9, ..member };
    for version in client.each(2..=10) {
        let response = client.commit(version, &commit_by(&stranger, version, &topic, 7)).await;
        expect(response.topics[0].partitions[0].1, ErrorCode::UnknownMemberId);
    }
}

async fn commits_of_strangers_with_metadata_that_are_too_long(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let member = lone(&client, &client.unique("g")).await;
    let stranger = Member { id: "stranger".to_owned(), ..member };
    for version in client.each(2..=10) {
        let mut request = commit_by(&stranger, version, &topic, 7);
        request.topics[0].partitions[0].metadata = Some(text(&"x".repeat(5_000)));
        let response = client.commit(version, &request).await;
        expect(response.topics[0].partitions[0].1, ErrorCode::UnknownMemberId);
    }
}

async fn commits_of_strangers_for_topics_that_do_not_exist(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let member = lone(&client, &client.unique("g")).await;
    let stranger = Member { id: "stranger".to_owned(), ..member };
    for version in client.each(2..=10) {
        let mut request = commit_by(&stranger, version, &topic, 7);
        request.topics[0].partitions[0].index = 1;
        let response = client.commit(version, &request).await;
        expect(response.topics[0].partitions[0].1, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn deletions_of_offsets_of_topics_that_do_not_exist_in_a_group_that_does_not(
    mut client: Client,
) {
    use kafka_protocol::messages::OffsetDeleteRequest;
    use kafka_protocol::messages::offset_delete_request::*;
    let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(topic_name(&client.unique("missing")))
        .with_partitions(vec![partition]);
    let request = OffsetDeleteRequest::default().with_topics(vec![topic]);
    let group = client.unique("g");
    for name in ["", &group] {
        client.call(0, &request.clone().with_group_id(group_id(name))).await;
    }
}
