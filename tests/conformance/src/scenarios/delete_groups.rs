//! DeleteGroups: which groups may go, and what goes with them.

use crate::client::Client;
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

scenarios![
    an_unknown_group_is_not_found,
    an_empty_group_goes_with_its_offsets,
    a_group_of_offsets_alone_goes,
    a_group_with_members_stays,
    a_group_that_rebalances_stays,
    a_group_whose_member_ids_were_only_given_out,
    several_groups_have_a_code_each,
    a_group_named_twice,
    no_groups_are_none,
    a_deleted_groups_generations_begin_anew,
];

async fn delete(client: &mut Client, version: i16, groups: &[&str]) -> DeleteGroupsResponse {
    let names = groups.iter().map(|name| group_id(name)).collect();
    client.call(version, &DeleteGroupsRequest::default().with_groups_names(names)).await
}

async fn is_answered(client: &mut Client, version: i16, group: &str, error: ErrorCode) {
    let response = delete(client, version, &[group]).await;
    expect(response.results[0].error_code, error);
}

async fn an_unknown_group_is_not_found(mut client: Client) {
    for version in client.each(0..=2) {
        let group = client.unique("g");
        is_answered(&mut client, version, &group, ErrorCode::GroupIdNotFound).await;
    }
}

async fn an_empty_group_goes_with_its_offsets(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=2) {
        let group = client.unique("g");
        lone(&client, &group).await.leave().await;
        keep(&mut client, &group, &topic, &[(0, 5)]).await;
        is_answered(&mut client, version, &group, ErrorCode::None).await;
        let told = client.committed(9, &wanted_of(&group, &topic, vec![0])).await;
        assert_eq!(told.groups[0].topics[0].partitions[0].offset, -1);
        is_answered(&mut client, version, &group, ErrorCode::GroupIdNotFound).await;
    }
}

async fn a_group_of_offsets_alone_goes(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=2) {
        let group = client.unique("g");
        keep(&mut client, &group, &topic, &[(0, 5)]).await;
        is_answered(&mut client, version, &group, ErrorCode::None).await;
        is_answered(&mut client, version, &group, ErrorCode::GroupIdNotFound).await;
    }
}

async fn a_group_with_members_stays(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=2) {
        let group = client.unique("g");
        keep(&mut client, &group, &topic, &[(0, 5)]).await;
        let mut member = lone(&client, &group).await;
        is_answered(&mut client, version, &group, ErrorCode::NonEmptyGroup).await;
        let told = client.committed(9, &wanted_of(&group, &topic, vec![0])).await;
        assert_eq!(told.groups[0].topics[0].partitions[0].offset, 5);
        expect(member.heartbeat(4).await, ErrorCode::None);
    }
}

async fn a_group_that_rebalances_stays(mut client: Client) {
    for version in client.each(0..=2) {
        client.note("while its members join");
        let group = client.unique("g");
        let _member = lone(&client, &group).await;
        let mut new = Member::new(&client, &group, "new").await;
        let _joins = new.begin_enter().await;
        until_state(&mut client, &group, "PreparingRebalance").await;
        is_answered(&mut client, version, &group, ErrorCode::NonEmptyGroup).await;
        client.note("while its leader assigns");
        let group = client.unique("g");
        let _members = joined(&client, &group, &["m"]).await;
        is_answered(&mut client, version, &group, ErrorCode::NonEmptyGroup).await;
    }
}

async fn a_group_whose_member_ids_were_only_given_out(mut client: Client) {
    let group = client.unique("g");
    let mut member = Member::new(&client, &group, "m").await;
    member.get_id().await;
    delete(&mut client, 2, &[&group]).await;
    client.note("and whoever has one");
    member.client.call(JOIN, &member.join_request()).await;
}

async fn several_groups_have_a_code_each(mut client: Client) {
    for version in client.each(0..=2) {
        let groups = ["empty", "missing", "stable"].map(|base| client.unique(base));
        lone(&client, &groups[0]).await.leave().await;
        let _member = lone(&client, &groups[2]).await;
        let names = groups.iter().map(|name| group_id(name)).collect();
        let request = DeleteGroupsRequest::default().with_groups_names(names);
        let mut response = client.ask(version, &request).await;
        // Kafka's order is that of the coordinators' partitions.
        response.results.sort_by(|one, other| one.group_id.cmp(&other.group_id));
        client.answered("DeleteGroups", version, &response);
        let codes: Vec<_> = response.results.iter().map(|row| code(row.error_code)).collect();
        let expected = [ErrorCode::None, ErrorCode::GroupIdNotFound, ErrorCode::NonEmptyGroup];
        assert_eq!(codes, expected);
    }
}

async fn a_group_named_twice(mut client: Client) {
    for version in client.each(0..=2) {
        let group = client.unique("g");
        lone(&client, &group).await.leave().await;
        delete(&mut client, version, &[&group, &group]).await;
    }
}

async fn no_groups_are_none(mut client: Client) {
    for version in client.each(0..=2) {
        assert_eq!(delete(&mut client, version, &[]).await.results.len(), 0);
    }
}

async fn a_deleted_groups_generations_begin_anew(mut client: Client) {
    let group = client.unique("g");
    lone(&client, &group).await.leave().await;
    is_answered(&mut client, 2, &group, ErrorCode::None).await;
    let mut member = Member::new(&client, &group, "m").await;
    member.get_id().await;
    assert_eq!(member.join(JOIN).await.generation_id, 1);
}
