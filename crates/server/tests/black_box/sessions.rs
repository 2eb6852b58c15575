//! Incremental fetch sessions (KIP-227): epochs, what is left out, what never is.

use crate::common::batch::Batch;
use crate::common::batch::log_records;
use crate::common::client::{Place, RawClient, fetch_partition, fetch_request};
use crate::common::{Gateway, code, text};
use bytes::Bytes;
use tidegate_model::{ErrorCode, TopicId};
use tidegate_server::Limits;
use tidegate_wire::fetch::{FetchRequest, FetchResponse, FetchTopic, ForgottenTopic};

const VERSIONS: [i16; 5] = [7, 12, 13, 15, 18];

async fn two_partitions(gateway: &Gateway) -> [Place<'static>; 2] {
    let id = gateway.topic("t", 2).await;
    [0, 1].map(|partition| Place { name: "t", id, partition })
}

/// Begins a session and returns its id.
async fn begin(client: &mut RawClient, version: i16, wanted: &[(Place<'_>, i64)]) -> i32 {
    let request = FetchRequest { session_epoch: 0, ..fetch_request(wanted) };
    let answer = client.fetch(version, &request).await;
    assert_eq!(code(answer.error_code), ErrorCode::None);
    assert_ne!(answer.session_id, 0, "there is room for a session");
    answer.session_id
}

async fn go_on(
    client: &mut RawClient,
    version: i16,
    (session_id, session_epoch): (i32, i32),
    wanted: &[(Place<'_>, i64)],
) -> FetchResponse<Bytes> {
    let request = FetchRequest { session_id, session_epoch, ..fetch_request(wanted) };
    client.fetch(version, &request).await
}

/// The partitions that an answer has rows for.
fn rows(answer: &FetchResponse<Bytes>) -> Vec<i32> {
    answer.topics.iter().flat_map(|t| t.partitions.iter().map(|p| p.index)).collect()
}

#[tokio::test]
async fn unchanged_partitions_are_left_out_and_changed_ones_are_not() {
    let gateway = Gateway::start().await;
    let [first, second] = two_partitions(&gateway).await;
    let mut client = gateway.client().await;
    for version in VERSIONS {
        let at = client.read(12, second, 0).await.high_watermark;
        let id = begin(&mut client, version, &[(first, 0), (second, at)]).await;
        let answer = go_on(&mut client, version, (id, 1), &[]).await;
        assert_eq!((rows(&answer), answer.session_id), (vec![], id), "v{version}");
        client.append(second, Batch::of(&["v"])).await;
        let answer = go_on(&mut client, version, (id, 2), &[]).await;
        assert_eq!(rows(&answer), [1], "v{version}");
        assert_eq!(log_records(&answer.topics[0].partitions[0].records)[0].0, at);
        // Until the client moves on, the same records come again.
        let answer = go_on(&mut client, version, (id, 3), &[]).await;
        assert_eq!(rows(&answer), [1], "v{version}");
        let answer = go_on(&mut client, version, (id, 4), &[(second, at + 1)]).await;
        assert_eq!(rows(&answer), [0; 0], "v{version}");
    }
}

#[tokio::test]
async fn a_changed_high_watermark_is_told_though_there_are_no_records() {
    let gateway = Gateway::start().await;
    let [first, _] = two_partitions(&gateway).await;
    let mut client = gateway.client().await;
    client.append(first, Batch::of_len(3_000)).await;
    let mut request = FetchRequest { session_epoch: 0, ..fetch_request(&[(first, 1)]) };
    request.topics[0].partitions[0].max_bytes = 1;
    let id = client.fetch(12, &request).await.session_id;
    client.append(first, Batch::of(&["v"])).await;
    let answer = go_on(&mut client, 12, (id, 1), &[(first, 2)]).await;
    assert_eq!(rows(&answer), [0]);
    let partition = &answer.topics[0].partitions[0];
    assert_eq!((partition.high_watermark, partition.records.len()), (2, 0));
}

#[tokio::test]
async fn partitions_with_errors_are_told_every_time() {
    let gateway = Gateway::start().await;
    let [first, _] = two_partitions(&gateway).await;
    let missing = Place { name: "missing", id: TopicId(uuid::Uuid::from_u128(9)), partition: 0 };
    let beyond = Place { partition: 9, ..first };
    let mut client = gateway.client().await;
    for version in VERSIONS {
        let wanted = [(first, 0), (beyond, 0), (missing, 0)];
        let id = begin(&mut client, version, &wanted).await;
        for epoch in 1..4 {
            let answer = go_on(&mut client, version, (id, epoch), &[]).await;
            assert_eq!(code(answer.error_code), ErrorCode::None);
            assert_eq!(rows(&answer), [9, 0], "v{version}, epoch {epoch}");
        }
    }
}

#[tokio::test]
async fn a_topic_that_appears_later_is_fetched_by_name_in_the_same_session() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    let late = Place { name: "late", id: TopicId::ZERO, partition: 0 };
    let id = begin(&mut client, 12, &[(late, 0)]).await;
    gateway.topic("late", 1).await;
    client.append(late, Batch::of(&["v"])).await;
    let answer = go_on(&mut client, 12, (id, 1), &[]).await;
    assert_eq!(log_records(&answer.topics[0].partitions[0].records).len(), 1);
}

#[tokio::test]
async fn forgotten_partitions_are_gone_and_added_ones_are_there() {
    let gateway = Gateway::start().await;
    let [first, second] = two_partitions(&gateway).await;
    let mut client = gateway.client().await;
    for place in [first, second] {
        client.append(place, Batch::of(&["v"])).await;
    }
    for version in VERSIONS {
        let id = begin(&mut client, version, &[(first, 0)]).await;
        let answer = go_on(&mut client, version, (id, 1), &[(second, 0)]).await;
        let mut both = rows(&answer);
        both.sort();
        assert_eq!(both, [0, 1], "v{version}");
        let forgotten = ForgottenTopic { name: text("t"), topic_id: first.id, partitions: vec![0] };
        let request = FetchRequest {
            session_id: id,
            session_epoch: 2,
            forgotten: vec![forgotten],
            ..FetchRequest::default()
        };
        assert_eq!(rows(&client.fetch(version, &request).await), [1], "v{version}");
    }
}

#[tokio::test]
async fn a_wrong_epoch_is_refused_and_the_right_one_still_works() {
    let gateway = Gateway::start().await;
    let [first, _] = two_partitions(&gateway).await;
    let mut client = gateway.client().await;
    for version in VERSIONS {
        let id = begin(&mut client, version, &[(first, 0)]).await;
        for epoch in [2, 17, i32::MAX] {
            let answer = go_on(&mut client, version, (id, epoch), &[]).await;
            assert_eq!(code(answer.error_code), ErrorCode::InvalidFetchSessionEpoch);
            assert!(answer.topics.is_empty());
        }
        let answer = go_on(&mut client, version, (id, 1), &[]).await;
        assert_eq!(code(answer.error_code), ErrorCode::None, "v{version}");
        let again = go_on(&mut client, version, (id, 1), &[]).await;
        assert_eq!(code(again.error_code), ErrorCode::InvalidFetchSessionEpoch, "v{version}");
    }
}

#[tokio::test]
async fn unknown_and_closed_sessions_are_not_found() {
    let gateway = Gateway::start().await;
    let [first, _] = two_partitions(&gateway).await;
    let mut client = gateway.client().await;
    for version in VERSIONS {
        let id = begin(&mut client, version, &[(first, 0)]).await;
        for unknown in [id + 1, -5] {
            let answer = go_on(&mut client, version, (unknown, 1), &[]).await;
            assert_eq!(code(answer.error_code), ErrorCode::FetchSessionIdNotFound);
        }
        // Epoch -1 closes the session and is a full fetch of its own.
        let answer = go_on(&mut client, version, (id, -1), &[(first, 0)]).await;
        assert_eq!((answer.error_code, answer.session_id, rows(&answer)), (0, 0, vec![0]));
        let answer = go_on(&mut client, version, (id, 1), &[]).await;
        assert_eq!(code(answer.error_code), ErrorCode::FetchSessionIdNotFound, "v{version}");
    }
}

#[tokio::test]
async fn epoch_zero_replaces_a_session_by_a_new_one() {
    let gateway = Gateway::start().await;
    let [first, second] = two_partitions(&gateway).await;
    let mut client = gateway.client().await;
    let old = begin(&mut client, 12, &[(first, 0)]).await;
    let answer = go_on(&mut client, 12, (old, 0), &[(second, 0)]).await;
    assert!(answer.session_id != 0 && answer.session_id != old);
    assert_eq!(rows(&answer), [1]);
    let answer = go_on(&mut client, 12, (old, 1), &[]).await;
    assert_eq!(code(answer.error_code), ErrorCode::FetchSessionIdNotFound);
}

#[tokio::test]
async fn a_session_outlives_its_connection() {
    let gateway = Gateway::start().await;
    let [first, _] = two_partitions(&gateway).await;
    let id = begin(&mut gateway.client().await, 12, &[(first, 0)]).await;
    let answer = go_on(&mut gateway.client().await, 12, (id, 1), &[]).await;
    assert_eq!(code(answer.error_code), ErrorCode::None);
}

#[tokio::test]
async fn without_room_for_a_session_the_answer_is_full_with_id_zero() {
    let slots = [("max.incremental.fetch.session.cache.slots", "1")];
    let gateway = Gateway::with(&slots, Limits::default()).await;
    let [first, _] = two_partitions(&gateway).await;
    let mut client = gateway.client().await;
    begin(&mut client, 12, &[(first, 0)]).await;
    let request = FetchRequest { session_epoch: 0, ..fetch_request(&[(first, 0)]) };
    let answer = client.fetch(12, &request).await;
    assert_eq!((answer.error_code, answer.session_id, rows(&answer)), (0, 0, vec![0]));
}

#[tokio::test]
async fn a_small_limit_serves_every_partition_of_a_session_in_turn() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 4).await;
    let places = [0, 1, 2, 3].map(|partition| Place { name: "t", id, partition });
    let mut client = gateway.client().await;
    for place in places {
        client.append(place, Batch::of_len(2_000)).await;
    }
    let wanted = places.map(|place| (place, 0));
    let mut request = FetchRequest { session_epoch: 0, max_bytes: 1, ..fetch_request(&wanted) };
    let mut served = Vec::new();
    for epoch in 1..=8 {
        let answer = client.fetch(12, &request).await;
        let partitions = answer.topics.iter().flat_map(|t| &t.partitions);
        served.extend(partitions.filter(|p| !p.records.is_empty()).map(|p| p.index));
        request = FetchRequest {
            session_id: answer.session_id,
            session_epoch: epoch,
            max_bytes: 1,
            ..FetchRequest::default()
        };
    }
    // The first fetch of a session leaves the order as it is, as in Kafka.
    assert_eq!(served, [0, 0, 1, 2, 3, 0, 1, 2]);
}

#[tokio::test]
async fn a_session_cannot_change_between_names_and_ids() {
    let gateway = Gateway::start().await;
    let [first, _] = two_partitions(&gateway).await;
    let mut client = gateway.client().await;
    let id = begin(&mut client, 12, &[(first, 0)]).await;
    let answer = go_on(&mut client, 13, (id, 1), &[(first, 0)]).await;
    assert_eq!(code(answer.error_code), ErrorCode::FetchSessionTopicIdError);
}

#[tokio::test]
async fn one_topic_in_two_rows_is_fetched_from_both() {
    let gateway = Gateway::start().await;
    let [first, second] = two_partitions(&gateway).await;
    let mut client = gateway.client().await;
    let row = |place: Place<'_>| FetchTopic {
        name: text("t"),
        topic_id: place.id,
        partitions: vec![fetch_partition(place.partition, 0)],
    };
    let request = FetchRequest { topics: vec![row(first), row(second)], ..Default::default() };
    assert_eq!(rows(&client.fetch(12, &request).await), [0, 1]);
}
