//! When committed offsets expire, wherever they are kept, by a system clock that the test sets.

use crate::commits::{commit, commit_of, committed};
use crate::common::client::Place;
use crate::common::{Gateway, RawClient, text};
use crate::groups::{Member, coordinated};
use bytes::{BufMut, Bytes, BytesMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tidegate_broker::{BrokerParts, Clock, OffsetStorageKind};
use tidegate_model::ErrorCode;
use tidegate_server::Limits;

const MINUTE_MS: i64 = 60_000;
const SOON: Duration = Duration::from_secs(60);

/// So many looks for expired offsets must have been made before it is said that something stays.
const LOOKS: Duration = Duration::from_millis(300);

/// All behave alike.
const STORAGES: [OffsetStorageKind; 2] = [OffsetStorageKind::Log, OffsetStorageKind::Memory];

/// A gateway that keeps offsets for a minute and looks all the time, and its clock's adjustment.
struct Aging {
    gateway: Gateway,
    ahead_ms: Arc<AtomicI64>,
}

impl Aging {
    async fn start(offset_storage: OffsetStorageKind) -> Self {
        let settings =
            [("offsets.retention.minutes", "1"), ("offsets.retention.check.interval.ms", "20")];
        let ahead_ms: Arc<AtomicI64> = Arc::default();
        let clock = Clock::ahead_by(ahead_ms.clone());
        let parts = BrokerParts { clock, offset_storage, ..Gateway::parts(&settings) };
        let gateway = Gateway::of(parts, Limits::default()).await;
        Aging { gateway, ahead_ms }
    }

    /// A topic of one partition.
    async fn place(&self, name: &'static str) -> Place<'static> {
        Place { name, id: self.gateway.topic(name, 1).await, partition: 0 }
    }

    fn set_forth(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

/// The topics that group "g" has an offset for, in order.
async fn topics(client: &mut RawClient) -> Vec<String> {
    let group = committed(client, 8, None).await;
    group.topics.iter().map(|topic| topic.name.to_string()).collect()
}

async fn become_those(client: &mut RawClient, expected: &[&str]) {
    let end = Instant::now() + SOON;
    while topics(client).await != expected {
        assert!(Instant::now() < end, "{:?} instead of {expected:?}", topics(client).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn stay_those(client: &mut RawClient, expected: &[&str]) {
    tokio::time::sleep(LOOKS).await;
    assert_eq!(topics(client).await, expected);
}

/// What a consumer says of itself (`ConsumerProtocolSubscription`, version 0).
fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(topics.len() as i32);
    for topic in topics {
        bytes.put_i16(topic.len() as i16);
        bytes.put_slice(topic.as_bytes());
    }
    bytes.put_i32(-1);
    bytes.freeze()
}

#[tokio::test]
async fn offsets_without_a_group_expire_by_the_time_of_their_commit() {
    for storage in STORAGES {
        let aging = Aging::start(storage).await;
        let (one, other) = (aging.place("one").await, aging.place("other").await);
        let mut client = coordinated(&aging.gateway).await;
        assert_eq!(commit(&mut client, 8, &commit_of(one, 1, -1, "")).await, ErrorCode::None);
        aging.set_forth(MINUTE_MS / 2);
        assert_eq!(commit(&mut client, 8, &commit_of(other, 1, -1, "")).await, ErrorCode::None);
        stay_those(&mut client, &["one", "other"]).await;
        aging.set_forth(MINUTE_MS / 2);
        become_those(&mut client, &["other"]).await;
        stay_those(&mut client, &["other"]).await;
        aging.set_forth(-10 * MINUTE_MS);
        stay_those(&mut client, &["other"]).await;
        aging.set_forth(11 * MINUTE_MS);
        become_those(&mut client, &[]).await;
    }
}

#[tokio::test]
async fn a_live_group_keeps_what_it_subscribes_to_and_an_empty_one_counts_from_its_last_member() {
    for storage in STORAGES {
        let aging = Aging::start(storage).await;
        let (read, dropped) = (aging.place("read").await, aging.place("dropped").await);
        let mut member = Member::new(&aging.gateway).await;
        member.metadata = Some(subscription(&["read"]));
        member.take_all().await;
        let mut client = coordinated(&aging.gateway).await;
        for place in [read, dropped] {
            let mut own = commit_of(place, 7, -1, "");
            own.member_id = text(&member.id);
            own.generation_id = member.generation;
            assert_eq!(commit(&mut client, 8, &own).await, ErrorCode::None);
        }
        aging.set_forth(MINUTE_MS / 2);
        stay_those(&mut client, &["dropped", "read"]).await;
        aging.set_forth(2 * MINUTE_MS);
        become_those(&mut client, &["read"]).await;
        aging.set_forth(99 * MINUTE_MS);
        stay_those(&mut client, &["read"]).await;
        assert_eq!(member.heartbeat().await, ErrorCode::None, "its session goes by another clock");
        member.leave().await;
        aging.set_forth(MINUTE_MS / 2);
        stay_those(&mut client, &["read"]).await;
        aging.set_forth(MINUTE_MS / 2);
        become_those(&mut client, &[]).await;
    }
}

#[tokio::test]
async fn versions_2_to_4_say_how_long_their_offsets_are_kept() {
    for storage in STORAGES {
        let aging = Aging::start(storage).await;
        let names = ["v1", "v2", "v4", "v4-at-once", "v5"];
        let mut places = Vec::new();
        for name in names {
            places.push(aging.place(name).await);
        }
        let mut client = coordinated(&aging.gateway).await;
        let kept_ms = [-1, 2 * MINUTE_MS, 3 * MINUTE_MS, 0, -1];
        for ((place, version), kept_ms) in places.iter().zip([1, 2, 4, 4, 5]).zip(kept_ms) {
            let mut request = commit_of(*place, 7, -1, "");
            request.retention_time_ms = kept_ms;
            assert_eq!(commit(&mut client, version, &request).await, ErrorCode::None, "{version}");
        }
        become_those(&mut client, &["v1", "v2", "v4", "v5"]).await;
        aging.set_forth(MINUTE_MS);
        become_those(&mut client, &["v2", "v4"]).await;
        aging.set_forth(MINUTE_MS);
        become_those(&mut client, &["v4"]).await;
        stay_those(&mut client, &["v4"]).await;
        aging.set_forth(MINUTE_MS);
        become_those(&mut client, &[]).await;
    }
}
