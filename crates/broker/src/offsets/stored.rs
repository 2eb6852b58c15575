//! Offsets in a store outside of the log: the group decides, the store keeps.

use super::{
    CacheFigures, Committed, Look, OffsetStorage, OffsetStore, Select, Wanted, delete_by_group,
};
use crate::groups::GroupShards;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tidegate_log::BoxFuture;
use tidegate_machine::Now;
use tidegate_machine::group::{
    Command, CommitOffsets, DeleteOffsets, DeleteOffsetsReply, GroupMachine, Settings,
};
use tidegate_model::{ErrorCode, TopicId};
use tracing::{debug, warn};

/// A storage over any [`OffsetStore`]. Groups stay in the log: their offsets alone are elsewhere.
pub struct StoredOffsets {
    shards: Arc<GroupShards>,
    store: Arc<dyn OffsetStore>,
    metadata_bytes_max: usize,
    retention_ms: i64,
    /// A search for expired offsets is under way: the next one waits for its turn.
    expiring: Arc<AtomicBool>,
    /// Deleted topics whose offsets the store could not be made to forget yet.
    unforgotten: Arc<Mutex<BTreeSet<(String, TopicId)>>>,
}

impl StoredOffsets {
    /// A storage whose commits are checked by `shards`; metadata is limited and offsets are kept as
    /// `offset.metadata.max.bytes` and `offsets.retention.minutes` say.
    pub fn new(shards: Arc<GroupShards>, store: Arc<dyn OffsetStore>, settings: &Settings) -> Self {
        StoredOffsets {
            shards,
            store,
            metadata_bytes_max: settings.offset_metadata_max_bytes,
            retention_ms: settings.offsets_retention_ms,
            expiring: Arc::default(),
            unforgotten: Arc::default(),
        }
    }
}

/// What is known of a commit at once.
struct Begun {
    /// One for each offset of the request: decided, or to be taken from the store's answer.
    codes: Vec<Option<ErrorCode>>,
    kept: BoxFuture<Vec<ErrorCode>>,
    /// Nobody has heard of the group: it has to be there for as long as its offsets are.
    is_unknown_group: bool,
}

impl OffsetStorage for StoredOffsets {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn each_committed(&self, look: Look<'_>) {
        self.store.each_known(look);
    }

    fn cache_figures(&self) -> CacheFigures {
        self.store.cache_figures()
    }

    fn commit(&self, request: CommitOffsets) -> BoxFuture<Result<Vec<ErrorCode>, ErrorCode>> {
        let group_id = request.identity.group_id.clone();
        let count = request.offsets.len();
        let begun = self.shards.get(&group_id).and_then(|shard| {
            // The store takes them while the shard is locked, so that a member of an older generation
            // cannot come second.
            let begin = |machine: &mut GroupMachine, now: Now| {
                machine.membership_mut().validate_commit(now, &request.identity)?;
                let is_unknown_group = machine.membership().state(&group_id).is_none();
                let (codes, kept) = self.begin_put(now, request);
                Ok(Begun { codes, kept, is_unknown_group })
            };
            shard.read(begin).map(|(begun, _)| begun)
        });
        let begun = match begun {
            Ok(Ok(begun)) => begun,
            Ok(Err(refused)) => return ready(Ok(vec![refused; count])),
            Err(error) => return ready(Err(error)),
        };
        let made = begun.is_unknown_group.then(|| {
            self.shards.submit(&group_id, Command::KeepGroup { group_id: group_id.clone() })
        });
        Box::pin(async move {
            let mut kept = begun.kept.await.into_iter();
            if let Some(made) = made {
                made.wait().await?;
            }
            let mut code = |decided: Option<ErrorCode>| {
                decided.or_else(|| kept.next()).unwrap_or(ErrorCode::UnknownServerError)
            };
            Ok(begun.codes.into_iter().map(&mut code).collect())
        })
    }

    fn fetch(
        &self,
        group_id: &str,
        wanted: Wanted,
    ) -> BoxFuture<Result<Vec<Committed>, ErrorCode>> {
        if let Err(error) = self.shards.get(group_id) {
            return ready(Err(error));
        }
        let select = wanted.map_or(Select::All, Select::Partitions);
        self.store.get(group_id, select)
    }

    fn delete(&self, request: DeleteOffsets) -> BoxFuture<Result<DeleteOffsetsReply, ErrorCode>> {
        let store = self.store.clone();
        let (group_id, partitions) = (request.group_id.clone(), request.partitions.clone());
        // What is there before the group decides may go; what a member commits behind that stays.
        let before = store.get(&group_id, Select::Partitions(partitions.clone()));
        let shards = self.shards.clone();
        Box::pin(async move {
            let before = before.await;
            let mut reply = delete_by_group(&shards, request).await?;
            let removed = match before {
                Ok(mut gone) => {
                    let codes = partitions.into_iter().zip(reply.partitions.iter().copied());
                    let codes: HashMap<_, _> = codes.collect();
                    gone.retain(|(topic, partition, _)| {
                        codes.get(&(topic.clone(), *partition)) == Some(&ErrorCode::None)
                    });
                    match gone.is_empty() {
                        true => Ok(()),
                        false => store.remove_unchanged(&group_id, gone).await,
                    }
                }
                Err(error) => Err(error),
            };
            if let Err(error) = removed {
                let removed = reply.partitions.iter_mut().filter(|code| **code == ErrorCode::None);
                removed.for_each(|code| *code = error);
            }
            Ok(reply)
        })
    }

    fn topics_deleted(&self, topics: Vec<(String, TopicId)>) -> BoxFuture<Result<(), ErrorCode>> {
        let (store, unforgotten) = (self.store.clone(), self.unforgotten.clone());
        Box::pin(async move {
            unforgotten.lock().extend(topics.iter().cloned());
            forget_topics(&*store, &topics).await?;
            unforgotten.lock().retain(|topic| !topics.contains(topic));
            Ok(())
        })
    }

    fn expire(&self) {
        if self.expiring.swap(true, Ordering::AcqRel) {
            return;
        }
        let search = Search {
            shards: self.shards.clone(),
            store: self.store.clone(),
            retention_ms: self.retention_ms,
            unforgotten: self.unforgotten.clone(),
        };
        let expiring = self.expiring.clone();
        tokio::spawn(async move {
            if let Err(error) = search.expire().await {
                warn!(target: "tidegate::offsets", %error, "expired offsets cannot be looked for");
            }
            expiring.store(false, Ordering::Release);
        });
    }

    fn delete_group(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        self.store.remove_group(group_id)
    }
}

impl StoredOffsets {
    /// Gives the store those that may be kept.
    fn begin_put(
        &self,
        now: Now,
        request: CommitOffsets,
    ) -> (Vec<Option<ErrorCode>>, BoxFuture<Vec<ErrorCode>>) {
        let expire_timestamp = request.expire_timestamp(now.wall_ms);
        let mut codes = Vec::with_capacity(request.offsets.len());
        let mut kept = Vec::with_capacity(request.offsets.len());
        for wanted in request.offsets {
            if wanted.is_metadata_over(self.metadata_bytes_max) {
                codes.push(Some(ErrorCode::OffsetMetadataTooLarge));
                continue;
            }
            codes.push(None);
            kept.push(wanted.kept(now.wall_ms, expire_timestamp));
        }
        let kept = match kept.is_empty() {
            true => ready(Vec::new()),
            false => self.store.put(&request.identity.group_id, kept),
        };
        (codes, kept)
    }
}

/// Removes what was committed for topics that exist no longer.
async fn forget_topics(
    store: &dyn OffsetStore,
    topics: &[(String, TopicId)],
) -> Result<(), ErrorCode> {
    let names: Vec<String> = topics.iter().map(|(name, _)| name.clone()).collect();
    for group_id in store.group_ids().await? {
        let mut committed = store.get(&group_id, Select::Topics(names.clone())).await?;
        committed.retain(|(topic, _, value)| {
            // Offsets from before ids were recorded go by their name.
            let is_same = |id: TopicId| value.topic_id == id || value.topic_id == TopicId::ZERO;
            topics.iter().any(|(gone, id)| gone == topic && is_same(*id))
        });
        if !committed.is_empty() {
            store.remove_unchanged(&group_id, committed).await?;
        }
    }
    Ok(())
}

/// One search for expired offsets, and for those of deleted topics that were not forgotten yet.
struct Search {
    shards: Arc<GroupShards>,
    store: Arc<dyn OffsetStore>,
    retention_ms: i64,
    unforgotten: Arc<Mutex<BTreeSet<(String, TopicId)>>>,
}

impl Search {
    async fn expire(&self) -> Result<(), ErrorCode> {
        let topics: Vec<_> = self.unforgotten.lock().iter().cloned().collect();
        if !topics.is_empty() {
            forget_topics(&*self.store, &topics).await?;
            self.unforgotten.lock().retain(|topic| !topics.contains(topic));
        }
        let mut group_ids: BTreeSet<String> = self.store.group_ids().await?.into_iter().collect();
        // Groups that are there for their offsets only go with the last of them.
        for shard in self.shards.all().iter() {
            let look = |machine: &mut GroupMachine, _: Now| {
                let membership = machine.membership();
                let ids = membership.group_ids().map(str::to_owned);
                ids.filter(|id| membership.expiration_rule(id).goes_with_its_offsets())
                    .collect::<Vec<_>>()
            };
            group_ids.extend(shard.read(look)?.0);
        }
        for group_id in group_ids {
            // A group whose coordinator is not there keeps its offsets until it is.
            if let Err(error) = self.expire_group(&group_id).await {
                debug!(target: "tidegate::offsets", group = group_id, %error, "offsets are not looked at");
            }
        }
        Ok(())
    }

    async fn expire_group(&self, group_id: &str) -> Result<(), ErrorCode> {
        let shard = self.shards.get(group_id)?;
        let look = |machine: &mut GroupMachine, now: Now| {
            (machine.membership().expiration_rule(group_id), now.wall_ms)
        };
        let ((rule, now), _) = shard.read(look)?;
        if rule.keeps_all() {
            return Ok(());
        }
        let mut committed = self.store.get(group_id, Select::All).await?;
        let count = committed.len();
        committed.retain(|(topic, _, value)| rule.is_expired(topic, value, now, self.retention_ms));
        let is_last = committed.len() == count;
        if !committed.is_empty() {
            self.store.remove_unchanged(group_id, committed).await?;
        }
        if is_last {
            self.store.tidy(group_id).await?;
        }
        if is_last && rule.goes_with_its_offsets() {
            let group_id = group_id.to_owned();
            shard.submit(Command::DropGroup { group_id }).wait().await?;
        }
        Ok(())
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<T> {
    Box::pin(std::future::ready(value))
}
