//! What a cache may tell: nothing that the store does not have, whatever fails and however calls meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tidegate_broker::conformance::Bed;
use tidegate_broker::{
    CacheFigures, Cached, Committed, OffsetStorageKind, OffsetStore, OffsetsInMemory, Select,
};
use tidegate_log::BoxFuture;
use tidegate_machine::group::{Command, DeleteOffsets, OffsetAndMetadata};
use tidegate_model::ErrorCode;
use tokio::sync::Semaphore;

/// A store in memory whose answers can be held back, and whose commits can fail, kept or not.
struct Troubled {
    store: OffsetsInMemory,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    fails: AtomicBool,
    loses: AtomicBool,
    asked: AtomicU64,
}

impl Troubled {
    fn new() -> Arc<Self> {
        let open = || Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Arc::new(Troubled {
            store: OffsetsInMemory::default(),
            reads: open(),
            writes: open(),
            fails: AtomicBool::new(false),
            loses: AtomicBool::new(false),
            asked: AtomicU64::new(0),
        })
    }

    fn hold(gate: &Arc<Semaphore>) {
        gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn let_go(gate: &Arc<Semaphore>) {
        gate.add_permits(1_000);
    }
}

async fn pass(gate: Arc<Semaphore>) {
    gate.acquire().await.expect("the gate stays").forget();
}

impl OffsetStore for Troubled {
    fn name(&self) -> &'static str {
        "troubled"
    }

    fn put(&self, group_id: &str, offsets: Vec<Committed>) -> BoxFuture<Vec<ErrorCode>> {
        let count = offsets.len();
        if !self.loses.load(Ordering::SeqCst) {
            drop(self.store.put(group_id, offsets));
        }
        let fails = self.fails.load(Ordering::SeqCst);
        let code = if fails { ErrorCode::CoordinatorNotAvailable } else { ErrorCode::None };
        let gate = self.writes.clone();
        Box::pin(async move {
            pass(gate).await;
            vec![code; count]
        })
    }

    fn get(&self, group_id: &str, select: Select) -> BoxFuture<Result<Vec<Committed>, ErrorCode>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let found = self.store.get(group_id, select);
        let gate = self.reads.clone();
        Box::pin(async move {
            let found = found.await;
            pass(gate).await;
            found
        })
    }

    fn remove(
        &self,
        group_id: &str,
        partitions: Vec<(String, i32)>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        self.store.remove(group_id, partitions)
    }

    fn remove_unchanged(
        &self,
        group_id: &str,
        offsets: Vec<Committed>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        self.store.remove_unchanged(group_id, offsets)
    }

    fn remove_group(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        self.store.remove_group(group_id)
    }

    fn group_ids(&self) -> BoxFuture<Result<Vec<String>, ErrorCode>> {
        self.store.group_ids()
    }
}

fn cached(store: &Arc<Troubled>, bytes_max: usize, ttl: Duration) -> Arc<Cached> {
    Arc::new(Cached::new(store.clone(), bytes_max, ttl))
}

fn forever(store: &Arc<Troubled>) -> Arc<Cached> {
    cached(store, 1 << 20, Duration::ZERO)
}

async fn commit(cache: &dyn OffsetStore, partition: i32, offset: i64) -> ErrorCode {
    let one = ("t".to_owned(), partition, OffsetAndMetadata::new(offset, 0));
    cache.put("g", vec![one]).await[0]
}

async fn fetch(cache: &dyn OffsetStore, partition: i32) -> Option<i64> {
    let found = cache.get("g", Select::Partitions(vec![("t".to_owned(), partition)])).await;
    found.expect("the store answers").first().map(|(_, _, value)| value.offset)
}

#[tokio::test]
async fn what_was_committed_or_fetched_is_not_asked_for_again_also_if_it_is_nothing() {
    let store = Troubled::new();
    let cache = forever(&store);
    assert_eq!(commit(&*cache, 0, 5).await, ErrorCode::None);
    for _ in 0..3 {
        assert_eq!(fetch(&*cache, 0).await, Some(5));
        assert_eq!(fetch(&*cache, 1).await, None);
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), 1);
    let CacheFigures { entries, hits, misses, .. } = cache.cache_figures();
    assert_eq!((entries, hits, misses), (2, 5, 1));
    assert_eq!(commit(&*cache, 1, 6).await, ErrorCode::None);
    assert_eq!(fetch(&*cache, 1).await, Some(6));
}

#[tokio::test]
async fn a_commit_that_failed_leaves_nothing_behind_whether_it_happened_or_not() {
    for loses in [true, false] {
        let store = Troubled::new();
        let cache = forever(&store);
        assert_eq!(commit(&*cache, 0, 5).await, ErrorCode::None);
        store.fails.store(true, Ordering::SeqCst);
        store.loses.store(loses, Ordering::SeqCst);
        assert_eq!(commit(&*cache, 0, 6).await, ErrorCode::CoordinatorNotAvailable);
        assert_eq!(fetch(&*cache, 0).await, Some(if loses { 5 } else { 6 }));
    }
}

#[tokio::test]
async fn a_fetch_that_meets_a_commit_leaves_nothing_old_behind() {
    let store = Troubled::new();
    let cache = forever(&store);
    drop(store.store.put("g", vec![("t".to_owned(), 0, OffsetAndMetadata::new(5, 0))]));
    Troubled::hold(&store.reads);
    let reader = cache.clone();
    let reading = tokio::spawn(async move { fetch(&*reader, 0).await });
    while store.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(commit(&*cache, 0, 6).await, ErrorCode::None);
    Troubled::let_go(&store.reads);
    assert_eq!(reading.await.expect("no panic"), Some(5), "it began before the commit");
    assert_eq!(fetch(&*cache, 0).await, Some(6));
}

#[tokio::test]
async fn a_commit_whose_client_has_left_is_seen_all_the_same() {
    let store = Troubled::new();
    let cache = forever(&store);
    assert_eq!(commit(&*cache, 0, 5).await, ErrorCode::None);
    Troubled::hold(&store.writes);
    drop(cache.put("g", vec![("t".to_owned(), 0, OffsetAndMetadata::new(6, 0))]));
    assert_eq!(fetch(&*cache, 0).await, Some(6), "the store has it");
    Troubled::let_go(&store.writes);
    while cache.cache_figures().entries == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fetch(&*cache, 0).await, Some(6));
}

#[tokio::test]
async fn what_is_removed_is_gone_from_the_cache() {
    let store = Troubled::new();
    let cache = forever(&store);
    for partition in 0..3 {
        assert_eq!(commit(&*cache, partition, 5).await, ErrorCode::None);
    }
    assert_eq!(cache.remove("g", vec![("t".to_owned(), 0)]).await, Ok(()));
    let second = ("t".to_owned(), 1, OffsetAndMetadata::new(5, 0));
    assert_eq!(cache.remove_unchanged("g", vec![second]).await, Ok(()));
    assert_eq!((fetch(&*cache, 0).await, fetch(&*cache, 1).await), (None, None));
    assert_eq!(fetch(&*cache, 2).await, Some(5));
    assert_eq!(cache.remove_group("g").await, Ok(()));
    assert_eq!(fetch(&*cache, 2).await, None);
}

#[tokio::test]
async fn the_least_recently_used_goes_when_the_bytes_are_spent() {
    let store = Troubled::new();
    let cache = cached(&store, 10_000, Duration::ZERO);
    for partition in 0..100 {
        assert_eq!(commit(&*cache, partition, 5).await, ErrorCode::None);
        assert_eq!(fetch(&*cache, 0).await, Some(5));
    }
    let figures = cache.cache_figures();
    assert!(figures.bytes <= 10_000 && (10..60).contains(&figures.entries), "{figures:?}");
    assert_eq!(store.asked.load(Ordering::SeqCst), 0, "partition 0 was used all the time");
    assert_eq!(fetch(&*cache, 1).await, Some(5));
    assert_eq!(store.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_others_write_is_seen_after_the_time_to_live() {
    let store = Troubled::new();
    let (one, other) = (cached(&store, 1 << 20, Duration::from_millis(50)), forever(&store));
    assert_eq!(commit(&*one, 0, 5).await, ErrorCode::None);
    assert_eq!(commit(&*other, 0, 6).await, ErrorCode::None);
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(fetch(&*one, 0).await, Some(6));
}

#[tokio::test]
async fn a_commit_that_meets_the_deletion_of_an_older_one_stays() {
    let store = Troubled::new();
    let kept = store.clone();
    let bed = Bed::new(move || OffsetStorageKind::Store(kept.clone()), false).await;
    bed.ask("g", Command::KeepGroup { group_id: "g".to_owned() }).await;
    for partition in 0..2 {
        assert_eq!(commit(&*store, partition, 1).await, ErrorCode::None);
    }
    Troubled::hold(&store.reads);
    let partitions = (0..3).map(|partition| ("t".to_owned(), partition)).collect();
    let request = DeleteOffsets { group_id: "g".to_owned(), partitions };
    let deleting = bed.broker.groups().offsets().delete(request);
    assert_eq!(commit(&*store, 0, 2).await, ErrorCode::None);
    Troubled::let_go(&store.reads);
    let reply = deleting.await.expect("it answers");
    assert_eq!((reply.error, reply.partitions), (ErrorCode::None, vec![ErrorCode::None; 3]));
    assert_eq!(bed.offsets("g").await, [("t".to_owned(), 0, 2)]);
}
