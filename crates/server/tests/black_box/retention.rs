//! Retention: what topics say about age and size is done to their logs, and to no others.

use crate::common::batch::Batch;
use crate::common::client::{Place, RawClient};
use crate::common::{Gateway, code};
use crate::groups::coordinated;
use crate::offsets::list;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};
use tidegate_broker::Topic;
use tidegate_broker::config::TopicSettings;
use tidegate_model::{ErrorCode, Record};
use tidegate_server::Limits;

/// Three of them fill a segment of a mebibyte, the smallest that Kafka allows.
const VALUE_BYTES: usize = 300_000;

const HOUR_MS: i64 = 3_600_000;

async fn gateway() -> Gateway {
    // Rounds only where a test asks for one.
    Gateway::with(&[("log.retention.check.interval.ms", "86400000")], Limits::default()).await
}

fn now_ms() -> i64 {
    UNIX_EPOCH.elapsed().expect("it is after 1970").as_millis() as i64
}

/// A batch that takes a third of a segment, of records `age_ms` old.
fn third(age_ms: i64) -> Batch {
    Batch::of_records([Record::new(now_ms() - age_ms, None, Some(&vec![b'x'; VALUE_BYTES]))])
}

async fn topic(
    gateway: &Gateway,
    name: &'static str,
    configs: &[(&'static str, &'static str)],
) -> Place<'static> {
    let small = [&[("segment.bytes", "1048576")], configs].concat();
    Place { name, id: gateway.topic_with(name, 1, &small).await, partition: 0 }
}

/// The log start and the end.
async fn bounds(client: &mut RawClient, place: Place<'_>) -> (i64, i64) {
    let (error, start, _) = list(client, 10, place, -2).await;
    assert_eq!(error, ErrorCode::None);
    (start, list(client, 10, place, -1).await.1)
}

#[tokio::test]
async fn segments_past_retention_ms_go_and_younger_ones_stay() {
    let gateway = gateway().await;
    let place = topic(&gateway, "t", &[("retention.ms", "3600000")]).await;
    let mut client = gateway.client().await;
    for age_ms in [3 * HOUR_MS, 3 * HOUR_MS, 2 * HOUR_MS, 2 * HOUR_MS, 0, 3 * HOUR_MS, 0] {
        client.append(place, third(age_ms)).await;
    }
    gateway.broker.apply_retention().await;
    // The second segment holds a young record, and with it all of it stays.
    assert_eq!(bounds(&mut client, place).await, (3, 7));
    let below = client.read(12, place, 2).await;
    assert_eq!(code(below.error_code), ErrorCode::OffsetOutOfRange);
    let at = client.read(12, place, 3).await;
    assert_eq!((code(at.error_code), at.log_start_offset), (ErrorCode::None, 3));
}

#[tokio::test]
async fn a_log_whose_last_segment_is_old_is_emptied_and_goes_on_at_its_end() {
    let gateway = gateway().await;
    let place = topic(&gateway, "t", &[("retention.ms", "3600000")]).await;
    let mut client = gateway.client().await;
    for _ in 0..5 {
        client.append(place, third(2 * HOUR_MS)).await;
    }
    gateway.broker.apply_retention().await;
    assert_eq!(bounds(&mut client, place).await, (5, 5));
    assert_eq!(client.append(place, third(0)).await, 5);
    gateway.broker.apply_retention().await;
    assert_eq!(bounds(&mut client, place).await, (5, 6));
}

#[tokio::test]
async fn records_from_the_future_stay_and_those_without_a_time_are_as_old_as_their_append() {
    let gateway = gateway().await;
    let ahead = topic(&gateway, "ahead", &[("retention.ms", "1")]).await;
    let timeless = topic(&gateway, "timeless", &[("retention.ms", "3600000")]).await;
    let mut client = gateway.client().await;
    client.append(ahead, third(-HOUR_MS)).await;
    client.append(timeless, Batch::at_times(&[-1])).await;
    gateway.broker.apply_retention().await;
    assert_eq!(bounds(&mut client, ahead).await, (0, 1));
    assert_eq!(bounds(&mut client, timeless).await, (0, 1));
}

#[tokio::test]
async fn the_oldest_segments_go_until_no_more_than_retention_bytes_and_a_part_are_left() {
    let gateway = gateway().await;
    let place = topic(&gateway, "t", &[("retention.bytes", "1000000")]).await;
    let mut client = gateway.client().await;
    for _ in 0..10 {
        client.append(place, third(0)).await;
    }
    gateway.broker.apply_retention().await;
    // 1.2 MB in segments of three and one are left: without the three it would be too little.
    assert_eq!(bounds(&mut client, place).await, (6, 10));
}

#[tokio::test]
async fn only_topics_with_the_policy_delete_lose_anything() {
    let gateway = gateway().await;
    let mut client = gateway.client().await;
    for (name, policy, start) in [
        ("deleted", "delete", 1),
        ("both", "compact,delete", 1),
        ("compacted", "compact", 0),
        ("kept", "", 0),
    ] {
        let configs = [("cleanup.policy", policy), ("retention.ms", "1"), ("retention.bytes", "0")];
        let place = topic(&gateway, name, &configs).await;
        client.append(place, Batch::of_keys(&[Some(b"k")])).await;
        gateway.broker.apply_retention().await;
        assert_eq!(bounds(&mut client, place).await, (start, 1), "{policy:?}");
    }
}

#[tokio::test]
async fn the_coordinators_own_topic_keeps_everything() {
    let settings = [
        ("log.retention.check.interval.ms", "86400000"),
        ("log.retention.ms", "1"),
        ("log.retention.bytes", "0"),
        ("log.cleanup.policy", "delete"),
    ];
    let gateway = Gateway::with(&settings, Limits::default()).await;
    drop(coordinated(&gateway).await);
    let topic = gateway.broker.topics().by_name("__consumer_offsets").expect("it was created");
    let mut member = crate::groups::Member::alone(&gateway).await;
    member.take_all().await;
    let ends = |topic: &Topic| -> Vec<(i64, i64)> {
        let partitions = topic.partitions.iter().map(|partition| partition.bounds());
        partitions.map(|bounds| (bounds.log_start_offset, bounds.high_watermark)).collect()
    };
    let before = ends(&topic);
    assert!(before.iter().any(|(_, end)| *end > 0), "the group was written");
    gateway.broker.apply_retention().await;
    assert_eq!(ends(&topic), before);
    assert!(before.iter().all(|(start, _)| *start == 0));
}

#[tokio::test]
async fn a_changed_retention_counts_in_the_next_round() {
    let gateway = gateway().await;
    let place = topic(&gateway, "t", &[("retention.ms", "-1")]).await;
    let mut client = gateway.client().await;
    client.append(place, third(HOUR_MS)).await;
    gateway.broker.apply_retention().await;
    assert_eq!(bounds(&mut client, place).await, (0, 1));
    let topics = gateway.broker.topics();
    let known = topics.by_name("t").expect("it exists");
    topics.insert(Arc::new(Topic {
        name: known.name.clone(),
        id: known.id,
        internal: false,
        configs: known.configs.clone(),
        settings: TopicSettings { retention_ms: 60_000, ..known.settings.clone() },
        partitions: known.partitions.clone(),
    }));
    gateway.broker.apply_retention().await;
    assert_eq!(bounds(&mut client, place).await, (1, 1));
}

#[tokio::test]
async fn rounds_come_by_themselves_and_are_counted() {
    let settings = [("log.retention.check.interval.ms", "50"), ("log.retention.ms", "600000")];
    let gateway = Gateway::with(&settings, Limits::default()).await;
    let place = topic(&gateway, "t", &[]).await;
    let mut client = gateway.client().await;
    for _ in 0..3 {
        client.append(place, third(HOUR_MS)).await;
    }
    let begun = Instant::now();
    while bounds(&mut client, place).await != (3, 3) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no round comes");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let stats = gateway.broker.store().stats();
    assert!(stats.trimmed_segments >= 1, "{stats:?}");
    assert_eq!(stats.trimmed_bytes, 3 * third(0).len() as u64);
}
