//! A cache in front of any store: fetches of offsets that were committed or fetched lately ask nobody.
//!
//! What was committed goes through to the store and is kept here when the store has it. What a fetch has
//! found, also that there is nothing, is kept if no change of it began meanwhile. A change that failed
//! leaves nothing here: the next fetch asks the store what became of it. So one gateway reads its
//! writes. Several gateways over one store see each other's after the time to live at the latest.

use super::{Committed, Look, OffsetStore, Select};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tidegate_log::BoxFuture;
use tidegate_machine::group::{GroupMetadata, OffsetAndMetadata};
use tidegate_model::ErrorCode;

/// Partitions share so many marks of changes: two that meet lose an entry, never the truth.
const MARKS: usize = 1_024;

/// What an entry costs beside its texts: two maps' nodes and the value.
const ENTRY_BYTES: usize = 256;

/// An entry that is used is placed anew in the order of use after insertions of this part of all entries.
const PLACED_ANEW_AFTER: u64 = 8;

type Key = Arc<(String, String, i32)>;

/// A store with a cache in front.
pub struct Cached {
    inner: Arc<dyn OffsetStore>,
    shared: Arc<Shared>,
}

/// What a cache has done and holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheFigures {
    /// Partitions of which it is known what they have, nothing included.
    pub entries: u64,
    /// Memory that they take, estimated.
    pub bytes: u64,
    /// Partitions that were answered from here.
    pub hits: u64,
    /// Partitions for which the store was asked.
    pub misses: u64,
}

struct Shared {
    cache: Mutex<Cache>,
    hasher: RandomState,
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Cache {
    entries: HashMap<Key, Entry>,
    /// The keys by when they were used last.
    by_use: BTreeMap<u64, Key>,
    uses: u64,
    inserted: u64,
    bytes: usize,
    bytes_max: usize,
    /// Zero is for ever.
    ttl: Duration,
    marks: Vec<Mark>,
    /// Removals of whole groups: how many have begun, and how many are under way.
    removals: Mark,
}

struct Entry {
    value: Option<OffsetAndMetadata>,
    used: u64,
    /// How many insertions there had been when it was last placed in the order of use.
    placed_at: u64,
    at: Instant,
    bytes: usize,
}

/// Changes of partitions that share this mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Mark {
    begun: u64,
    under_way: u32,
}

impl Cache {
    fn get(&mut self, key: &(String, String, i32)) -> Option<Option<OffsetAndMetadata>> {
        let entry = self.entries.get(key)?;
        if !self.ttl.is_zero() && entry.at.elapsed() >= self.ttl {
            self.remove(key);
            return None;
        }
        let value = entry.value.clone();
        // The order counts when something has to go, so it is kept only as exact as insertions need it.
        if self.inserted - entry.placed_at > self.entries.len() as u64 / PLACED_ANEW_AFTER {
            self.place_anew(key);
        }
        Some(value)
    }

    /// Makes an entry the one that was used last.
    fn place_anew(&mut self, key: &(String, String, i32)) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let Some(key) = self.by_use.remove(&entry.used) else { return };
        self.uses += 1;
        (entry.used, entry.placed_at) = (self.uses, self.inserted);
        self.by_use.insert(self.uses, key);
    }

    fn insert(&mut self, key: Key, value: Option<OffsetAndMetadata>) {
        self.remove(&key);
        let texts = value.as_ref().map_or(0, |value| value.metadata.len());
        let bytes = ENTRY_BYTES + key.0.len() + key.1.len() + texts;
        self.uses += 1;
        let used = self.uses;
        self.by_use.insert(used, key.clone());
        self.inserted += 1;
        let (at, placed_at) = (Instant::now(), self.inserted);
        self.entries.insert(key, Entry { value, used, placed_at, at, bytes });
        self.bytes += bytes;
        while self.bytes > self.bytes_max {
            let Some((_, oldest)) = self.by_use.first_key_value() else { return };
            let oldest = oldest.clone();
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &(String, String, i32)) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_use.remove(&entry.used);
            self.bytes -= entry.bytes;
        }
    }
}

impl Shared {
    fn mark_of(&self, key: &Key) -> usize {
        self.hasher.hash_one(key) as usize % MARKS
    }

    /// Changes of these partitions begin: nothing of them is known until they end. Tells what each
    /// mark has counted.
    fn begin(&self, keys: &[Key]) -> Vec<u64> {
        let mut cache = self.cache.lock();
        let begin = |key: &Key| {
            cache.remove(key);
            let mark = &mut cache.marks[self.mark_of(key)];
            mark.begun += 1;
            mark.under_way += 1;
            mark.begun
        };
        keys.iter().map(begin).collect()
    }

    /// Those changes have ended. What is certain is kept, unless another change has begun since.
    fn end(&self, changes: Vec<(Key, u64, Option<OffsetAndMetadata>)>) {
        let mut cache = self.cache.lock();
        for (key, begun, value) in changes {
            let mark = &mut cache.marks[self.mark_of(&key)];
            mark.under_way -= 1;
            let is_last = mark.begun == begun;
            if is_last && value.is_some() && cache.removals.under_way == 0 {
                cache.insert(key, value);
            }
        }
    }

    fn figures(&self) -> CacheFigures {
        let cache = self.cache.lock();
        CacheFigures {
            entries: cache.entries.len() as u64,
            bytes: cache.bytes as u64,
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }
}

impl Cached {
    /// A cache of at most `bytes_max` in front of `inner`, whose entries live for `ttl`; zero is for
    /// ever, right where nobody else writes to the store.
    pub fn new(inner: Arc<dyn OffsetStore>, bytes_max: usize, ttl: Duration) -> Self {
        let cache = Cache {
            entries: HashMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
            inserted: 0,
            bytes: 0,
            bytes_max,
            ttl,
            marks: vec![Mark::default(); MARKS],
            removals: Mark::default(),
        };
        let shared = Shared {
            cache: Mutex::new(cache),
            hasher: RandomState::new(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        };
        Cached { inner, shared: Arc::new(shared) }
    }

    fn remove_of_group(
        &self,
        group_id: &str,
        removal: BoxFuture<Result<(), ErrorCode>>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        {
            let mut cache = self.shared.cache.lock();
            cache.removals.begun += 1;
            cache.removals.under_way += 1;
            let gone: Vec<Key> =
                cache.entries.keys().filter(|key| key.0 == group_id).cloned().collect();
            gone.iter().for_each(|key| cache.remove(key));
        }
        let shared = self.shared.clone();
        to_its_end(async move {
            let result = removal.await;
            shared.cache.lock().removals.under_way -= 1;
            result
        })
    }

    fn remove_keys(
        &self,
        keys: Vec<Key>,
        removal: impl FnOnce() -> BoxFuture<Result<(), ErrorCode>>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        let begun = self.shared.begin(&keys);
        let removal = removal();
        let shared = self.shared.clone();
        to_its_end(async move {
            let result = removal.await;
            let ended = keys.into_iter().zip(begun).map(|(key, begun)| (key, begun, None));
            shared.end(ended.collect());
            result
        })
    }
}

fn key(group_id: &str, topic: String, partition: i32) -> Key {
    Arc::new((group_id.to_owned(), topic, partition))
}

/// Those of the places that have something.
fn rows(seen: Vec<(String, i32, Option<OffsetAndMetadata>)>) -> Vec<Committed> {
    let rows = seen.into_iter();
    rows.filter_map(|(topic, partition, value)| Some((topic, partition, value?))).collect()
}

/// Runs a future to its end, also if nobody waits for it any more.
fn to_its_end<T: Send + 'static>(
    future: impl Future<Output = Result<T, ErrorCode>> + Send + 'static,
) -> BoxFuture<Result<T, ErrorCode>> {
    let running = tokio::spawn(future);
    Box::pin(async move { running.await.unwrap_or(Err(ErrorCode::UnknownServerError)) })
}

impl OffsetStore for Cached {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn put(&self, group_id: &str, offsets: Vec<Committed>) -> BoxFuture<Vec<ErrorCode>> {
        let count = offsets.len();
        let keys: Vec<Key> = offsets
            .iter()
            .map(|(topic, partition, _)| key(group_id, topic.clone(), *partition))
            .collect();
        let values: Vec<_> = offsets.iter().map(|(_, _, value)| value.clone()).collect();
        let begun = self.shared.begin(&keys);
        let kept = self.inner.put(group_id, offsets);
        let shared = self.shared.clone();
        let done = to_its_end(async move {
            let codes = kept.await;
            let is_kept = |index: usize| codes.get(index) == Some(&ErrorCode::None);
            let ended = keys.into_iter().zip(begun).zip(values).enumerate();
            let ended = ended.map(|(index, ((key, begun), value))| {
                (key, begun, is_kept(index).then_some(value))
            });
            shared.end(ended.collect());
            Ok(codes)
        });
        Box::pin(async move { done.await.unwrap_or_else(|error| vec![error; count]) })
    }

    fn get(&self, group_id: &str, select: Select) -> BoxFuture<Result<Vec<Committed>, ErrorCode>> {
        let Select::Partitions(wanted) = select else { return self.inner.get(group_id, select) };
        let mut seen = Vec::with_capacity(wanted.len());
        let mut missing = Vec::new();
        let mut place = (group_id.to_owned(), String::new(), 0);
        let removals = {
            let mut cache = self.shared.cache.lock();
            for (topic, partition) in wanted {
                (place.1, place.2) = (topic, partition);
                let value = cache.get(&place);
                if value.is_none() {
                    let key = Arc::new(place.clone());
                    let mark = cache.marks[self.shared.mark_of(&key)];
                    missing.push((seen.len(), key, mark));
                }
                seen.push((std::mem::take(&mut place.1), partition, value.flatten()));
            }
            cache.removals
        };
        self.shared.hits.fetch_add((seen.len() - missing.len()) as u64, Ordering::Relaxed);
        self.shared.misses.fetch_add(missing.len() as u64, Ordering::Relaxed);
        if missing.is_empty() {
            return Box::pin(std::future::ready(Ok(rows(seen))));
        }
        let places = missing.iter().map(|(_, key, _)| (key.1.clone(), key.2)).collect();
        let asked = self.inner.get(group_id, Select::Partitions(places));
        let shared = self.shared.clone();
        Box::pin(async move {
            let found = asked.await?.into_iter();
            let found: HashMap<(String, i32), OffsetAndMetadata> =
                found.map(|(topic, partition, value)| ((topic, partition), value)).collect();
            let mut cache = shared.cache.lock();
            let is_still = cache.removals == removals && removals.under_way == 0;
            for (index, key, mark) in missing {
                let value = found.get(&(key.1.clone(), key.2)).cloned();
                seen[index].2 = value.clone();
                if is_still && mark.under_way == 0 && cache.marks[shared.mark_of(&key)] == mark {
                    cache.insert(key, value);
                }
            }
            Ok(rows(seen))
        })
    }

    fn remove(
        &self,
        group_id: &str,
        partitions: Vec<(String, i32)>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        let keys = partitions.iter().map(|(topic, index)| key(group_id, topic.clone(), *index));
        self.remove_keys(keys.collect(), || self.inner.remove(group_id, partitions))
    }

    fn remove_unchanged(
        &self,
        group_id: &str,
        offsets: Vec<Committed>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        let keys = offsets.iter().map(|(topic, index, _)| key(group_id, topic.clone(), *index));
        self.remove_keys(keys.collect(), || self.inner.remove_unchanged(group_id, offsets))
    }

    fn remove_group(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        self.remove_of_group(group_id, self.inner.remove_group(group_id))
    }

    fn tidy(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        self.inner.tidy(group_id)
    }

    fn group_ids(&self) -> BoxFuture<Result<Vec<String>, ErrorCode>> {
        self.inner.group_ids()
    }

    fn each_known(&self, look: Look<'_>) {
        self.inner.each_known(look);
    }

    fn group_changed(&self, group_id: &str, state: Option<&GroupMetadata>) {
        self.inner.group_changed(group_id, state);
    }

    fn cache_figures(&self) -> CacheFigures {
        self.shared.figures()
    }
}
