//! Every version of every request type that is served, as Kafka writes it.

use crate::common::{Gateway, RawClient};
use crate::quotas;
use crate::wire_support::every::{default_request, recode_response, show_response};
use crate::wire_support::golden_requests;
use tidegate_server::api::APIS;

/// Receives the answer to a request and checks that a client can read it to its last byte.
async fn answer_decodes(client: &mut RawClient, key: i16, version: i16, what: &str) {
    let frame = client.receive_or_end().await.unwrap_or_else(|| panic!("{what}: closed"));
    let again = recode_response(key, version, frame.clone())
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(again[4..], frame[..], "{what}: the answer holds what the version knows, no more");
}

#[tokio::test]
async fn every_served_version_answers_a_request_of_defaults() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    for api in APIS {
        for version in api.advertised.clone().filter(|version| api.serves(*version)) {
            let what = format!("{} v{version}", api.name);
            let frame =
                default_request(api.key, version).unwrap_or_else(|error| panic!("{what}: {error}"));
            client.send(&frame).await;
            answer_decodes(&mut client, api.key, version, &what).await;
        }
    }
}

/// The versions of some request types whose responses have no throttle time (Kafka's schemas).
fn has_throttle_time(key: i16, version: i16) -> bool {
    match key {
        55 => false,
        0 | 1 | 10 | 12..=16 | 18 | 20 => version >= 1,
        2 | 11 | 19 | 23 => version >= 2,
        3 | 8 | 9 => version >= 3,
        _ => true,
    }
}

#[tokio::test]
async fn every_answer_that_can_tells_how_long_its_sender_is_throttled() {
    let gateway = Gateway::start().await;
    // Whoever does anything at all is beyond that, and one sample is the longest wait.
    let raw = &[("client-id", Some("raw"))];
    quotas::set(&gateway, raw, "request_percentage", Some(1e-9)).await;
    for api in APIS {
        for version in api.advertised.clone().filter(|version| api.serves(*version)) {
            let what = format!("{} v{version}", api.name);
            let mut client = gateway.client().await;
            let frame = default_request(api.key, version).expect("there is such a request");
            client.send(&frame).await;
            let answer = client.receive_or_end().await.unwrap_or_else(|| panic!("{what}: closed"));
            let again = recode_response(api.key, version, answer.clone());
            assert_eq!(again.expect(&what)[4..], answer[..], "{what}: the answer is whole");
            let shown = show_response(api.key, version, answer).expect(&what);
            let tells = shown.contains("throttle_time_ms: 1000");
            assert_eq!(tells, has_throttle_time(api.key, version), "{what}: {shown}");
        }
    }
}

#[tokio::test]
async fn every_served_version_answers_a_request_as_kafka_writes_it() {
    let gateway = Gateway::start().await;
    let mut seen = std::collections::BTreeSet::new();
    for golden in golden_requests() {
        let Some(api) = tidegate_server::api::find(golden.api_key) else { continue };
        if !api.serves(golden.version) {
            continue;
        }
        seen.insert((golden.api_key, golden.version));
        // A connection and a member of its own: whoever joins a group may have to wait for others.
        let mut client = gateway.client().await;
        client.send_frame(&golden.answered()).await;
        answer_decodes(&mut client, golden.api_key, golden.version, &golden.to_string()).await;
    }
    for api in APIS {
        for version in api.advertised.clone().filter(|version| api.serves(*version)) {
            assert!(seen.contains(&(api.key, version)), "{} v{version} is not there", api.name);
        }
    }
}
