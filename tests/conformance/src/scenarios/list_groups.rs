//! ListGroups: which groups there are, and which of them a filter passes.
//!
//! Every scenario tells of its own groups only, for the broker has those of others too.

use crate::client::Client;
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{ListGroupsRequest, ListGroupsResponse};
use std::slice;

scenarios![
    a_group_is_listed_with_what_its_version_knows,
    groups_in_every_state_are_listed,
    only_groups_of_the_wanted_states_are_listed_since_v4,
    states_are_wanted_in_any_case,
    a_state_that_does_not_exist_passes_nothing,
    only_groups_of_the_wanted_types_are_listed_since_v5,
    types_are_wanted_in_any_case,
    a_type_that_does_not_exist,
    states_and_types_must_both_pass,
    a_deleted_group_is_not_listed,
    a_group_of_offsets_alone_has_no_protocol_type,
];

const STATES_SINCE: i16 = 4;
const TYPES_SINCE: i16 = 5;

/// Lists groups; those of these names, in their order.
async fn listed(
    client: &mut Client,
    version: i16,
    request: &ListGroupsRequest,
    groups: &[String],
) -> Vec<ListedGroup> {
    let mut response: ListGroupsResponse = client.ask(version, request).await;
    let place = |row: &ListedGroup| groups.iter().position(|name| **name == **row.group_id);
    response.groups.retain(|row| place(row).is_some());
    response.groups.sort_by_key(place);
    client.answered("ListGroups", version, &response);
    expect(response.error_code, ErrorCode::None);
    response.groups
}

fn of_states(states: &[&str]) -> ListGroupsRequest {
    ListGroupsRequest::default().with_states_filter(states.iter().map(|name| text(name)).collect())
}

fn of_types(types: &[&str]) -> ListGroupsRequest {
    ListGroupsRequest::default().with_types_filter(types.iter().map(|name| text(name)).collect())
}

/// A group in every state, with the members that keep it there.
async fn in_every_state(client: &mut Client) -> (Vec<String>, Vec<Member>) {
    let groups: Vec<String> = ["empty", "preparing", "completing", "stable", "offsets"]
        .iter()
        .map(|base| client.unique(base))
        .collect();
    lone(client, &groups[0]).await.leave().await;
    let mut new = Member::new(client, &groups[1], "new").await;
    let mut members = vec![lone(client, &groups[1]).await];
    new.begin_enter().await;
    until_state(client, &groups[1], "PreparingRebalance").await;
    members.push(new);
    members.extend(joined(client, &groups[2], &["m"]).await);
    members.push(lone(client, &groups[3]).await);
    let topic = client.topic("t", 1).await;
    keep(client, &groups[4], &topic, &[(0, 1)]).await;
    (groups, members)
}

async fn a_group_is_listed_with_what_its_version_knows(mut client: Client) {
    let group = client.unique("g");
    let _member = lone(&client, &group).await;
    for version in client.each(0..=5) {
        let request = ListGroupsRequest::default();
        let rows = listed(&mut client, version, &request, slice::from_ref(&group)).await;
        assert_eq!(&*rows[0].protocol_type, "consumer");
        assert_eq!(&*rows[0].group_state, if version >= STATES_SINCE { "Stable" } else { "" });
        assert_eq!(&*rows[0].group_type, if version >= TYPES_SINCE { "classic" } else { "" });
    }
}

async fn groups_in_every_state_are_listed(mut client: Client) {
    let (groups, _members) = in_every_state(&mut client).await;
    for version in client.each(0..=5) {
        let rows = listed(&mut client, version, &ListGroupsRequest::default(), &groups).await;
        assert_eq!(rows.len(), groups.len());
    }
}

async fn only_groups_of_the_wanted_states_are_listed_since_v4(mut client: Client) {
    let (groups, _members) = in_every_state(&mut client).await;
    for version in client.each(STATES_SINCE..=5) {
        for (states, count) in [
            (&["Empty"][..], 2),
            (&["PreparingRebalance"], 1),
            (&["CompletingRebalance"], 1),
            (&["Stable"], 1),
            (&["Stable", "Empty"], 3),
            (&["Dead"], 0),
            (&["Assigning", "Reconciling"], 0),
        ] {
            client.note(&format!("{states:?}"));
            let rows = listed(&mut client, version, &of_states(states), &groups).await;
            assert_eq!(rows.len(), count);
        }
    }
}

async fn states_are_wanted_in_any_case(mut client: Client) {
    let (groups, _members) = in_every_state(&mut client).await;
    for version in client.each(STATES_SINCE..=5) {
        for (state, count) in [("stable", 1), ("EMPTY", 2), ("pREPARINGrEBALANCE", 1)] {
            let rows = listed(&mut client, version, &of_states(&[state]), &groups).await;
            assert_eq!(rows.len(), count);
        }
    }
}

async fn a_state_that_does_not_exist_passes_nothing(mut client: Client) {
    let (groups, _members) = in_every_state(&mut client).await;
    for version in client.each(STATES_SINCE..=5) {
        for states in [&["NoSuchState"][..], &[""], &["NoSuchState", "Stable"], &[" Stable"]] {
            client.note(&format!("{states:?}"));
            listed(&mut client, version, &of_states(states), &groups).await;
        }
    }
}

async fn only_groups_of_the_wanted_types_are_listed_since_v5(mut client: Client) {
    let group = client.unique("g");
    let _member = lone(&client, &group).await;
    for (types, count) in
        [(&["classic"][..], 1), (&["consumer"], 0), (&["share"], 0), (&["consumer", "classic"], 1)]
    {
        client.note(&format!("{types:?}"));
        let rows = listed(&mut client, 5, &of_types(types), slice::from_ref(&group)).await;
        assert_eq!(rows.len(), count);
    }
}

async fn types_are_wanted_in_any_case(mut client: Client) {
    let group = client.unique("g");
    let _member = lone(&client, &group).await;
    for kind in ["Classic", "CLASSIC"] {
        let rows = listed(&mut client, 5, &of_types(&[kind]), slice::from_ref(&group)).await;
        assert_eq!(rows.len(), 1);
    }
}

async fn a_type_that_does_not_exist(mut client: Client) {
    let group = client.unique("g");
    let _member = lone(&client, &group).await;
    for types in [&["nosuchtype"][..], &[""], &["nosuchtype", "classic"], &[" classic"]] {
        client.note(&format!("{types:?}"));
        listed(&mut client, 5, &of_types(types), slice::from_ref(&group)).await;
    }
}

async fn states_and_types_must_both_pass(mut client: Client) {
    let group = client.unique("g");
    let _member = lone(&client, &group).await;
    for (state, kind, count) in
        [("Stable", "classic", 1), ("Empty", "classic", 0), ("Stable", "share", 0)]
    {
        let request = of_types(&[kind]).with_states_filter(vec![text(state)]);
        let rows = listed(&mut client, 5, &request, slice::from_ref(&group)).await;
        assert_eq!(rows.len(), count);
    }
}

async fn a_deleted_group_is_not_listed(mut client: Client) {
    let group = client.unique("g");
    lone(&client, &group).await.leave().await;
    delete_group(&mut client, &group).await;
    for version in client.each([0, 5]) {
        let request = ListGroupsRequest::default();
        assert_eq!(listed(&mut client, version, &request, slice::from_ref(&group)).await, []);
    }
}

async fn a_group_of_offsets_alone_has_no_protocol_type(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 1)]).await;
    for version in client.each(0..=5) {
        let request = ListGroupsRequest::default();
        let rows = listed(&mut client, version, &request, slice::from_ref(&group)).await;
        assert_eq!(&*rows[0].protocol_type, "");
    }
}
