//! ApiVersions, and what becomes of versions that nobody serves.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};
use tidegate_wire::codec::decode_response;

scenarios![
    the_requests_and_their_versions,
    every_version_tells_the_same_ranges,
    versions_above_the_newest_are_answered_as_v0_with_the_range_of_api_versions,
    the_response_header_stays_old_in_flexible_versions,
    software_names_that_are_none_are_refused,
    software_names_of_letters_digits_dots_and_dashes_are_taken,
    features_are_told_since_v3,
    produce_is_advertised_from_v0_and_served_from_v3,
    versions_below_the_lowest_close_the_connection,
    versions_above_the_highest_close_the_connection,
    requests_that_kafka_4_removed_close_the_connection,
    requests_that_never_existed_close_the_connection,
];

fn software(name: &str, version: &str) -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(text(name))
        .with_client_software_version(text(version))
}

fn request(version: i16) -> ApiVersionsRequest {
    if version < 3 { ApiVersionsRequest::default() } else { software("suite", "1.0") }
}

/// docs/compatibility.md is written from its transcripts.
async fn the_requests_and_their_versions(mut client: Client) {
    for row in client.ask(4, &request(4)).await.api_keys {
        let (key, least, most) = (row.api_key, row.min_version, row.max_version);
        // The codec lacks the newest ones.
        let name = match key {
            88 => "StreamsGroupHeartbeat".to_owned(),
            89 => "StreamsGroupDescribe".to_owned(),
            _ => ApiKey::try_from(key).map_or("unknown".to_owned(), |key| format!("{key:?}")),
        };
        client.note(&format!("{key} {name}: {least} to {most}"));
        assert!(least <= most);
    }
}

async fn every_version_tells_the_same_ranges(mut client: Client) {
    let all = client.ask(0, &request(0)).await.api_keys;
    let key = |row: &kafka_protocol::messages::api_versions_response::ApiVersion| row.api_key;
    assert!(all.is_sorted_by_key(key), "keys rise");
    for version in client.each(0..=4) {
        let response = client.ask(version, &request(version)).await;
        expect(response.error_code, ErrorCode::None);
        assert_eq!(response.api_keys, all, "v{version}");
    }
}

async fn versions_above_the_newest_are_answered_as_v0_with_the_range_of_api_versions(
    mut client: Client,
) {
    for version in [5, 6, 99, i16::MAX] {
        let frame = frame(18, version, b"\x06suite\x041.0\0");
        let answer = client.send_frame(&format!("v{version}"), &frame).await.expect("answered");
        let (id, response): (i32, ApiVersionsResponse) =
            decode_response(18, 0, answer).expect("the answer is v0");
        client.record("as v0", &response);
        expect(response.error_code, ErrorCode::UnsupportedVersion);
        assert_eq!((id, response.api_keys.len(), response.api_keys[0].api_key), (7, 1, 18));
    }
}

async fn the_response_header_stays_old_in_flexible_versions(mut client: Client) {
    for version in 3..=4 {
        let frame = frame(18, version, b"\x06suite\x041.0\0");
        let answer = client.send_frame(&format!("v{version}"), &frame).await.expect("answered");
        // Correlation id and error code, without tagged fields between them.
        assert_eq!(answer[..6], [0, 0, 0, 7, 0, 0]);
    }
}

async fn software_names_that_are_none_are_refused(mut client: Client) {
    let bad = ["", "-a", "a-", ".a", "a b", "a_b", "ä", "a/b"];
    for version in client.each(3..=4) {
        for name in bad {
            for request in [software(name, "1"), software("a", name)] {
                let response = client.ask(version, &request).await;
                expect(response.error_code, ErrorCode::InvalidRequest);
                client.record(&format!("name {name:?}"), &response);
            }
        }
    }
}

async fn software_names_of_letters_digits_dots_and_dashes_are_taken(mut client: Client) {
    for version in client.each(3..=4) {
        for name in ["a", "7", "apache-kafka-java", "1.2.3-SNAPSHOT", "a..b--c"] {
            let response = client.ask(version, &software(name, name)).await;
            expect(response.error_code, ErrorCode::None);
        }
    }
}

async fn features_are_told_since_v3(mut client: Client) {
    for version in client.each(0..=4) {
        let mut response = client.ask(version, &request(version)).await;
        response.api_keys.clear();
        response.supported_features.sort_by(|one, next| one.name.cmp(&next.name));
        response.finalized_features.sort_by(|one, next| one.name.cmp(&next.name));
        // It counts the changes of this very broker's features.
        response.finalized_features_epoch = response.finalized_features_epoch.min(0);
        client.record("> ApiVersions", &response);
        assert!(version >= 3 || response.supported_features.is_empty());
    }
}

async fn produce_is_advertised_from_v0_and_served_from_v3(mut client: Client) {
    assert_eq!(*client.target.versions[&0].start(), 0, "so that librdkafka goes on compressing");
    for version in 0..=2 {
        // acks=-1, a timeout of 1 s, no topics.
        let frame = frame(0, version, b"\xff\xff\0\0\x03\xe8\0\0\0\0");
        client.send_frame(&format!("Produce v{version}"), &frame).await;
    }
}

async fn versions_below_the_lowest_close_the_connection(mut client: Client) {
    for (name, key, version) in [
        ("Fetch", 1, 3),
        ("ListOffsets", 2, 0),
        ("CreateTopics", 19, 1),
        ("DeleteTopics", 20, 0),
        ("DescribeConfigs", 32, 0),
        ("Metadata", 3, -1),
        ("ApiVersions", 18, -1),
    ] {
        let answer =
            client.send_frame(&format!("{name} v{version}"), &frame(key, version, &[0; 40])).await;
        assert_eq!(answer.is_some(), key == 18);
    }
}

async fn versions_above_the_highest_close_the_connection(mut client: Client) {
    for (name, key, version) in
        [("Produce", 0, 99), ("Fetch", 1, 99), ("Metadata", 3, 14), ("FindCoordinator", 10, 7)]
    {
        let what = format!("{name} v{version}");
        let answer = client.send_frame(&what, &frame(key, version, &[0; 40])).await;
        assert!(answer.is_none());
    }
}

async fn requests_that_kafka_4_removed_close_the_connection(mut client: Client) {
    for key in 4..=7 {
        assert!(!client.target.versions.contains_key(&key));
        let answer = client.send_frame(&format!("key {key}"), &frame(key, 0, &[0; 40])).await;
        assert!(answer.is_none());
    }
}

async fn requests_that_never_existed_close_the_connection(mut client: Client) {
    for key in [999, i16::MAX, -1] {
        let answer = client.send_frame(&format!("key {key}"), &frame(key, 0, &[0; 40])).await;
        assert!(answer.is_none());
    }
}
