//! DescribeGroups: what is told of groups and of their members.

use crate::client::Client;
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::DescribeGroupsRequest;

scenarios![
    an_unknown_group_is_dead_and_since_v6_not_found,
    a_lone_member_is_told_in_full,
    members_of_a_stable_group_have_metadata_and_assignments,
    members_that_are_not_assigned_yet_have_neither,
    members_that_are_joining_have_neither,
    a_group_of_offsets_alone_is_empty,
    a_group_that_was_left_keeps_its_protocol_type,
    member_ids_that_were_given_out_are_no_members,
    several_groups_have_a_row_each,
    a_group_named_twice_is_answered_twice,
    no_groups_are_none,
    operations_are_told_when_asked_for_since_v3,
];

async fn an_unknown_group_is_dead_and_since_v6_not_found(mut client: Client) {
    for version in client.each(0..=6) {
        let group = client.unique("g");
        let described = describe(&mut client, version, &group).await;
        assert_eq!(&*described.group_state, "Dead");
        let error = if version >= 6 { ErrorCode::GroupIdNotFound } else { ErrorCode::None };
        expect(described.error_code, error);
    }
}

async fn a_lone_member_is_told_in_full(mut client: Client) {
    for version in client.each(0..=6) {
        let group = client.unique("g");
        let member = lone(&client, &group).await;
        let described = describe(&mut client, version, &group).await;
        assert_eq!((&*described.group_state, &*described.protocol_data), ("Stable", "range"));
        let row = &described.members[0];
        assert_eq!((&*row.member_id, &*row.client_id), (&*member.id, "raw"));
    }
}

async fn members_of_a_stable_group_have_metadata_and_assignments(mut client: Client) {
    for version in client.each([0, 3, 4, 6]) {
        let group = client.unique("g");
        let _members = stable(&client, &group, &["a", "b", "c"]).await;
        let described = describe(&mut client, version, &group).await;
        let assignments: Vec<_> =
            described.members.iter().map(|row| row.member_assignment.clone()).collect();
        let mut sorted = assignments.clone();
        sorted.sort();
        assert_eq!(sorted, ["for a", "for b", "for c"]);
    }
}

async fn members_that_are_not_assigned_yet_have_neither(mut client: Client) {
    for version in client.each(0..=6) {
        let group = client.unique("g");
        let _member = joined(&client, &group, &["m"]).await;
        let described = describe(&mut client, version, &group).await;
        assert_eq!(&*described.group_state, "CompletingRebalance");
        assert!(described.members[0].member_metadata.is_empty());
    }
}

async fn members_that_are_joining_have_neither(mut client: Client) {
    for version in client.each(0..=6) {
        let group = client.unique("g");
        let _member = lone(&client, &group).await;
        let mut new = Member::new(&client, &group, "new").await;
        let _joins = new.begin_enter().await;
        until_state(&mut client, &group, "PreparingRebalance").await;
        let described = describe(&mut client, version, &group).await;
        assert_eq!(described.members.len(), 2);
        assert!(described.members[0].member_metadata.is_empty());
    }
}

async fn a_group_of_offsets_alone_is_empty(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=6) {
        let group = client.unique("g");
        keep(&mut client, &group, &topic, &[(0, 1)]).await;
        let described = describe(&mut client, version, &group).await;
        assert_eq!((&*described.group_state, &*described.protocol_type), ("Empty", ""));
    }
}

async fn a_group_that_was_left_keeps_its_protocol_type(mut client: Client) {
    for version in client.each(0..=6) {
        let group = client.unique("g");
        lone(&client, &group).await.leave().await;
        let described = describe(&mut client, version, &group).await;
        assert_eq!((&*described.group_state, &*described.protocol_type), ("Empty", "consumer"));
    }
}

async fn member_ids_that_were_given_out_are_no_members(mut client: Client) {
    let group = client.unique("g");
    Member::new(&client, &group, "m").await.get_id().await;
    let described = describe(&mut client, 6, &group).await;
    assert_eq!((&*described.group_state, described.members.len()), ("Empty", 0));
}

async fn several_groups_have_a_row_each(mut client: Client) {
    let groups = ["a", "b", "missing"].map(|base| client.unique(base));
    let _members = [lone(&client, &groups[0]).await, lone(&client, &groups[1]).await];
    for version in client.each([0, 6]) {
        let names = groups.iter().map(|name| group_id(name)).collect();
        let request = DescribeGroupsRequest::default().with_groups(names);
        let mut response = client.ask(version, &request).await;
        // Kafka's order is that of the coordinators' partitions.
        response.groups.sort_by(|one, other| one.group_id.cmp(&other.group_id));
        client.answered("DescribeGroups", version, &response);
        let states: Vec<&str> = response.groups.iter().map(|row| &*row.group_state).collect();
        assert_eq!(states, ["Stable", "Stable", "Dead"]);
    }
}

async fn a_group_named_twice_is_answered_twice(mut client: Client) {
    let group = client.unique("g");
    for version in client.each([0, 6]) {
        let names = vec![group_id(&group), group_id(&group)];
        let request = DescribeGroupsRequest::default().with_groups(names);
        client.call(version, &request).await;
    }
}

async fn no_groups_are_none(mut client: Client) {
    for version in client.each(0..=6) {
        let response = client.call(version, &DescribeGroupsRequest::default()).await;
        assert_eq!(response.groups.len(), 0);
    }
}

async fn operations_are_told_when_asked_for_since_v3(mut client: Client) {
    let group = client.unique("g");
    let missing = client.unique("missing");
    lone(&client, &group).await.leave().await;
    for version in client.each(3..=6) {
        for name in [&group, &missing] {
            let request = DescribeGroupsRequest::default()
                .with_groups(vec![group_id(name)])
                .with_include_authorized_operations(true);
            client.call(version, &request).await;
        }
    }
}
