//! FindCoordinator: where a group's coordinator is.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};

scenarios![
    a_group_has_a_coordinator,
    any_text_names_a_group,
    an_empty_group_id,
    many_groups_may_be_asked_for_since_v4,
    a_group_asked_for_twice_is_answered_twice,
    no_groups_are_none,
    an_unknown_type_of_keys_is_refused,
    share_groups_are_told_of_since_v6_only,
];

const TYPES_SINCE: i16 = 1;
const MANY_SINCE: i16 = 4;
const GROUP: i8 = 0;
const SHARE: i8 = 2;

fn asked(version: i16, key_type: i8, keys: &[&str]) -> FindCoordinatorRequest {
    let request = FindCoordinatorRequest::default();
    let request = if version >= TYPES_SINCE { request.with_key_type(key_type) } else { request };
    if version >= MANY_SINCE {
        request.with_coordinator_keys(keys.iter().map(|key| text(key)).collect())
    } else {
        request.with_key(text(keys[0]))
    }
}

/// The code of an answer about one key.
fn only_code(version: i16, response: &FindCoordinatorResponse) -> ErrorCode {
    if version < MANY_SINCE {
        return code(response.error_code);
    }
    assert_eq!((response.error_code, response.coordinators.len()), (0, 1));
    code(response.coordinators[0].error_code)
}

async fn a_group_has_a_coordinator(mut client: Client) {
    for version in client.each(0..=6) {
        let group = client.unique("g");
        let response = client.call(version, &asked(version, GROUP, &[&group])).await;
        assert_eq!(only_code(version, &response), ErrorCode::None);
    }
}

async fn any_text_names_a_group(mut client: Client) {
    for version in client.each([0, 6]) {
        for group in [" ", "a/ä/€/𝄞", "a:b:c", "__consumer_offsets"] {
            let response = client.call(version, &asked(version, GROUP, &[group])).await;
            assert_eq!(only_code(version, &response), ErrorCode::None);
        }
    }
}

async fn an_empty_group_id(mut client: Client) {
    for version in client.each(0..=6) {
        client.call(version, &asked(version, GROUP, &[""])).await;
    }
}

async fn many_groups_may_be_asked_for_since_v4(mut client: Client) {
    for version in client.each(MANY_SINCE..=6) {
        let groups = ["b", "a", "c"].map(|base| client.unique(base));
        let names: Vec<&str> = groups.iter().map(String::as_str).collect();
        let response = client.call(version, &asked(version, GROUP, &names)).await;
        let answered: Vec<&str> = response.coordinators.iter().map(|row| &*row.key).collect();
        assert_eq!(answered, names);
    }
}

async fn a_group_asked_for_twice_is_answered_twice(mut client: Client) {
    for version in client.each(MANY_SINCE..=6) {
        let group = client.unique("g");
        let response = client.call(version, &asked(version, GROUP, &[&group, &group])).await;
        assert_eq!(response.coordinators.len(), 2);
    }
}

async fn no_groups_are_none(mut client: Client) {
    for version in client.each(MANY_SINCE..=6) {
        let response = client.call(version, &asked(version, GROUP, &[])).await;
        assert_eq!((response.error_code, response.coordinators.len()), (0, 0));
    }
}

async fn an_unknown_type_of_keys_is_refused(mut client: Client) {
    for version in client.each(TYPES_SINCE..=6) {
        for key_type in [3, 127, -1] {
            client.note(&format!("type {key_type}"));
            let group = client.unique("g");
            let response = client.call(version, &asked(version, key_type, &[&group])).await;
            assert_eq!(only_code(version, &response), ErrorCode::InvalidRequest);
        }
    }
}

async fn share_groups_are_told_of_since_v6_only(mut client: Client) {
    for version in client.each(TYPES_SINCE..6) {
        let key = format!("{}:AAAAAAAAAAAAAAAAAAAAAQ:0", client.unique("g"));
        let response = client.call(version, &asked(version, SHARE, &[&key])).await;
        assert_eq!(only_code(version, &response), ErrorCode::InvalidRequest);
    }
}
