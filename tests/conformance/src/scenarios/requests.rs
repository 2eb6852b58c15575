//! Each request in each version: with defaults, with nulls, full, with tagged fields that nobody
//! knows, and cut off.

use crate::client::Client;
use crate::print::Value;
use crate::scenario::Scenario;
use crate::wire_support::every::{default_request, recode_response, show_response};
use crate::wire_support::{Random, Variant, golden_requests};
use bytes::Bytes;
use kafka_protocol::messages::ApiVersionsRequest;
use std::ops::RangeInclusive;
use std::time::Duration;
use tidegate_wire::header::is_flexible;
use tokio::time::timeout;

/// Two scenarios for each request that both brokers have, in the versions that both serve, and those
/// for all of them together.
macro_rules! requests {
    ($($name:ident $key:literal $versions:expr;)*) => {
        pub const SCENARIOS: &[Scenario] = &[
            Scenario::new(module_path!(), "bent_requests_leave_others_alone", |client| {
                Box::pin(bent_requests_leave_others_alone(client))
            }),
            Scenario::new(module_path!(), "noise_leaves_others_alone", |client| {
                Box::pin(noise_leaves_others_alone(client))
            }),
            $(
                Scenario::new(
                    module_path!(),
                    concat!(stringify!($name), "_is_answered_in_every_version"),
                    |client| Box::pin(is_answered_in_every_version(client, $key, $versions)),
                ),
                Scenario::new(
                    module_path!(),
                    concat!(stringify!($name), "_closes_the_connection_wherever_it_is_cut_off"),
                    |client| Box::pin(closes_wherever_it_is_cut_off(client, $key, $versions)),
                ),
            )*
        ];
    };
}

requests! {
    produce 0 3..=13;
    fetch 1 4..=18;
    list_offsets 2 1..=10;
    metadata 3 0..=13;
    offset_commit 8 2..=10;
    offset_fetch 9 1..=10;
    find_coordinator 10 0..=6;
    join_group 11 0..=9;
    heartbeat 12 0..=4;
    leave_group 13 0..=5;
    sync_group 14 0..=5;
    describe_groups 15 0..=6;
    list_groups 16 0..=5;
    api_versions 18 0..=4;
    create_topics 19 2..=7;
    delete_topics 20 1..=6;
    delete_records 21 0..=2;
    init_producer_id 22 0..=5;
    offset_for_leader_epoch 23 2..=4;
    describe_acls 29 1..=3;
    create_acls 30 1..=3;
    delete_acls 31 1..=3;
    describe_configs 32 1..=4;
    alter_configs 33 0..=2;
    describe_log_dirs 35 1..=4;
    create_partitions 37 0..=3;
    delete_groups 42 0..=2;
    elect_leaders 43 0..=2;
    incremental_alter_configs 44 0..=1;
    alter_partition_reassignments 45 0..=1;
    list_partition_reassignments 46 0..=0;
    offset_delete 47 0..=0;
    describe_client_quotas 48 0..=1;
    alter_client_quotas 49 0..=1;
    describe_user_scram_credentials 50 0..=0;
    describe_quorum 55 0..=2;
    update_features 57 0..=2;
    describe_cluster 60 0..=2;
    describe_producers 61 0..=0;
    list_config_resources 74 0..=1;
    describe_topic_partitions 75 0..=0;
}

/// Requests whose answers may tell of everything that the broker has.
const TELL_OF_ALL: [i16; 8] = [3, 16, 18, 35, 43, 48, 74, 75];

async fn is_answered_in_every_version(mut client: Client, key: i16, versions: RangeInclusive<i16>) {
    for version in client.each(versions) {
        let default = default_request(key, version).expect("the table above has known requests");
        ask(&mut client, key, version, "defaults", &default[4..]).await;
        if is_flexible(key, version) {
            let frame = with_unknown_tagged_fields(&default[4..]);
            ask(&mut client, key, version, "unknown tagged fields", &frame).await;
        }
        for golden in golden_requests() {
            if (golden.api_key, golden.version) == (key, version) {
                let what = format!("{:?}", golden.variant).to_lowercase();
                ask(&mut client, key, version, &what, &golden.answered()).await;
            }
        }
    }
}

/// Sends a frame on a connection of its own and records the answer, which must be read to its end.
async fn ask(client: &mut Client, key: i16, version: i16, what: &str, frame: &[u8]) {
    let mut other = client.connect().await;
    other.raw.send_frame(frame).await;
    let Some(answer) = other.raw.receive_or_end().await else {
        client.note(&format!("{what}: closed"));
        return;
    };
    client.note(&format!("{what}:"));
    show(client, key, version, answer);
}

fn show(client: &Client, key: i16, version: i16, answer: Bytes) {
    let again = recode_response(key, version, answer.clone()).expect("a client can read it");
    assert_eq!(again[4..], answer[..], "the answer holds what the version knows, no more");
    let shown = show_response(key, version, answer).expect("a client can read it");
    let mut shown = Value::read(&shown);
    let rows = if let Value::Fields(fields) = &mut shown { fields } else { &mut Vec::new() };
    for (_, rows) in rows.iter_mut().filter(|_| TELL_OF_ALL.contains(&key)) {
        keep_what_was_asked_for(rows);
    }
    shown.each("", &mut |_, value| sort(value));
    client.transcript().tree(shown);
}

/// All names in the frames that Kafka wrote have this letter.
fn keep_what_was_asked_for(rows: &mut Value) {
    if let Value::List(rows) = rows {
        rows.retain(|row| format!("{row:?}").contains('\u{e9}'));
    }
}

/// Kafka answers in the order of its hash tables.
fn sort(value: &mut Value) {
    if let Value::List(rows) = value {
        rows.sort_by_cached_key(|row| format!("{row:?}"));
    }
}

/// A flexible request of defaults with a tagged field in its header and one at its end, where both
/// have none so far.
fn with_unknown_tagged_fields(frame: &[u8]) -> Vec<u8> {
    // Tag 99, three bytes.
    const FIELD: &[u8] = b"\x01\x63\x03abc";
    // Key, version, correlation id and the client id "raw".
    let (header, body) = frame.split_at(13);
    let (none, body) = body.split_first().expect("a flexible header ends with a count");
    let (none_either, body) = body.split_last().expect("a flexible body ends with a count");
    assert_eq!((none, none_either), (&0, &0));
    [header, FIELD, body, FIELD].concat()
}

async fn closes_wherever_it_is_cut_off(
    mut client: Client,
    key: i16,
    versions: RangeInclusive<i16>,
) {
    for golden in golden_requests() {
        let is_end = [*versions.start(), *versions.end()].contains(&golden.version);
        if golden.api_key != key || golden.variant != Variant::Full || !is_end {
            continue;
        }
        for len in 0..golden.frame.len() {
            let mut other = client.connect().await;
            other.raw.send_frame(&golden.frame[..len]).await;
            let answer = other.raw.receive_or_end().await;
            assert!(answer.is_none(), "v{} of {len} bytes is answered", golden.version);
        }
    }
    client.ask(0, &ApiVersionsRequest::default()).await;
}

/// Sends a frame on a connection of its own and waits a little for what becomes of it: a well-formed
/// Fetch or JoinGroup may take its time, and is left to itself.
async fn send_and_forget(client: &Client, frame: &[u8]) {
    let mut other = client.connect().await;
    other.raw.send_frame(frame).await;
    drop(timeout(Duration::from_millis(50), other.raw.receive_or_end()).await);
}

async fn bent_requests_leave_others_alone(mut client: Client) {
    let mut random = Random(0x7469_6465);
    let golden = golden_requests();
    for _ in 0..500 {
        let mut frame = golden[random.below(golden.len())].frame.clone();
        random.mutate(&mut frame);
        send_and_forget(&client, &frame).await;
    }
    client.ask(0, &ApiVersionsRequest::default()).await;
}

async fn noise_leaves_others_alone(mut client: Client) {
    let mut random = Random(0x6e6f_6973);
    for _ in 0..200 {
        let len = random.below(300);
        let mut noise: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
        if len >= 4 {
            // Noise that passes for a frame of a known key.
            (noise[0], noise[1]) = (0, random.below(76) as u8);
            (noise[2], noise[3]) = (0, random.below(14) as u8);
        }
        send_and_forget(&client, &noise).await;
    }
    client.ask(0, &ApiVersionsRequest::default()).await;
}
