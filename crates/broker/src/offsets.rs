//! Where committed offsets live: behind one trait, so that a store other than the log can take them.
//!
//! Whether a commit is allowed is the group's decision in any case; storages keep what was allowed.

use crate::groups::GroupShards;
use crate::shard::Pending;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_log::BoxFuture;
use tidegate_machine::Now;
use tidegate_machine::group::{
    Command, CommitOffsets, DeleteOffsets, DeleteOffsetsReply, GroupMachine, OffsetAndMetadata,
    OffsetToCommit, Reply, Settings,
};
use tidegate_model::{ErrorCode, TopicId};

/// A committed offset with its place.
pub type Committed = (String, i32, OffsetAndMetadata);

/// Which of a group's offsets are wanted: some partitions, or all.
pub type Wanted = Option<Vec<(String, i32)>>;

/// Keeps the committed offsets of all groups.
///
/// What `commit` acknowledged is what `fetch` returns from then on; offset, epoch and metadata of a
/// partition stay together.
pub trait OffsetStorage: Send + Sync {
    /// Checks the committer against its group and keeps its offsets: one code per offset, in order.
    ///
    /// Begins at once; the future only waits. COORDINATOR_NOT_AVAILABLE if nothing can be kept.
    fn commit(&self, request: CommitOffsets) -> BoxFuture<Result<Vec<ErrorCode>, ErrorCode>>;

    /// The committed ones among the wanted partitions, in order of topic and partition.
    fn fetch(&self, group_id: &str, wanted: Wanted)
    -> BoxFuture<Result<Vec<Committed>, ErrorCode>>;

    /// Forgets single offsets of a group that has no member subscribed to their topics.
    fn delete(&self, request: DeleteOffsets) -> BoxFuture<Result<DeleteOffsetsReply, ErrorCode>>;

    /// Forgets what was committed for topics, given by name and id, that exist no longer. What was
    /// committed for newer ones of the same names stays.
    fn topics_deleted(&self, topics: Vec<(String, TopicId)>) -> BoxFuture<Result<(), ErrorCode>>;

    /// Forgets what is past its retention. Called from time to time for a storage where nobody else does.
    fn expire(&self);

    /// Forgets what a group committed; the group itself is deleted elsewhere.
    fn delete_group(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>>;
}

/// Offsets as records in `__consumer_offsets`: a commit shares its fsync with produced records.
pub struct LogOffsets {
    shards: Arc<GroupShards>,
}

impl LogOffsets {
    /// A storage over the group coordinator's own shards.
    pub fn new(shards: Arc<GroupShards>) -> Self {
        LogOffsets { shards }
    }
}

impl OffsetStorage for LogOffsets {
    fn commit(&self, request: CommitOffsets) -> BoxFuture<Result<Vec<ErrorCode>, ErrorCode>> {
        let group_id = request.identity.group_id.clone();
        let pending = self.shards.submit(&group_id, Command::CommitOffsets(request));
        Box::pin(async move {
            match pending.wait().await? {
                Reply::CommitOffsets(codes) => Ok(codes),
                _ => Err(ErrorCode::UnknownServerError),
            }
        })
    }

    fn fetch(
        &self,
        group_id: &str,
        wanted: Wanted,
    ) -> BoxFuture<Result<Vec<Committed>, ErrorCode>> {
        let found = self.shards.get(group_id).and_then(|shard| {
            shard.read(|machine, _| match wanted {
                None => machine
                    .offsets()
                    .all(group_id)
                    .map(|(topic, partition, value)| (topic.to_owned(), partition, value.clone()))
                    .collect(),
                Some(wanted) => wanted
                    .into_iter()
                    .filter_map(|(topic, partition)| {
                        let value = machine.offsets().committed(group_id, &topic, partition)?;
                        let value = value.clone();
                        Some((topic, partition, value))
                    })
                    .collect::<Vec<_>>(),
            })
        });
        Box::pin(async move {
            let (found, commit) = found?;
            commit.await.map_err(|_| ErrorCode::NotCoordinator)?;
            Ok(found)
        })
    }

    fn delete(&self, request: DeleteOffsets) -> BoxFuture<Result<DeleteOffsetsReply, ErrorCode>> {
        delete_by_group(&self.shards, request)
    }

    fn topics_deleted(&self, topics: Vec<(String, TopicId)>) -> BoxFuture<Result<(), ErrorCode>> {
        let shards = self.shards.all();
        let ask = move || -> Vec<Pending<Reply>> {
            let command = || Command::TopicsDeleted { topics: topics.clone() };
            shards.iter().map(|shard| shard.submit(command())).collect()
        };
        let mut pending = ask();
        Box::pin(async move {
            loop {
                let mut unfinished = false;
                for reply in pending.drain(..) {
                    if let Reply::TopicsDeleted { more, .. } = reply.wait().await? {
                        unfinished |= more;
                    }
                }
                if !unfinished {
                    return Ok(());
                }
                pending = ask();
            }
        })
    }

    /// The groups look for what is expired themselves.
    fn expire(&self) {}

    /// The group's deletion writes the tombstones of its offsets itself.
    fn delete_group(&self, _group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Asks the group which offsets may go; it writes tombstones for those that its log holds.
fn delete_by_group(
    shards: &GroupShards,
    request: DeleteOffsets,
) -> BoxFuture<Result<DeleteOffsetsReply, ErrorCode>> {
    let group_id = request.group_id.clone();
    let pending = shards.submit(&group_id, Command::DeleteOffsets(request));
    Box::pin(async move {
        match pending.wait().await? {
            Reply::DeleteOffsets(reply) => Ok(reply),
            _ => Err(ErrorCode::UnknownServerError),
        }
    })
}

type ByPartition = BTreeMap<(String, i32), OffsetAndMetadata>;

/// Offsets in memory only, for tests and throw-away gateways: a restart forgets them.
pub struct MemoryOffsets {
    shards: Arc<GroupShards>,
    metadata_bytes_max: usize,
    retention_ms: i64,
    groups: Arc<Mutex<BTreeMap<String, ByPartition>>>,
}

impl MemoryOffsets {
    /// An empty storage whose commits are checked by `shards`; metadata is limited and kept as
    /// `offset.metadata.max.bytes` and `offsets.retention.minutes` say.
    pub fn new(shards: Arc<GroupShards>, settings: &Settings) -> Self {
        MemoryOffsets {
            shards,
            metadata_bytes_max: settings.offset_metadata_max_bytes,
            retention_ms: settings.offsets_retention_ms,
            groups: Arc::default(),
        }
    }
}

impl OffsetStorage for MemoryOffsets {
    fn commit(&self, request: CommitOffsets) -> BoxFuture<Result<Vec<ErrorCode>, ErrorCode>> {
        let group_id = request.identity.group_id.clone();
        let checked = self.shards.get(&group_id).and_then(|shard| {
            let checked = shard.read(|machine, now| {
                machine.membership_mut().validate_commit(now, &request.identity).map(|()| now)
            });
            checked.map(|(checked, _)| checked)
        });
        let kept = checked.map(|checked| match checked {
            Err(error) => vec![error; request.offsets.len()],
            Ok(now) => {
                let expire_timestamp = request.expire_timestamp(now.wall_ms);
                let mut groups = self.groups.lock();
                let offsets = groups.entry(group_id).or_default();
                let keep = |wanted: OffsetToCommit| {
                    if wanted.is_metadata_over(self.metadata_bytes_max) {
                        return ErrorCode::OffsetMetadataTooLarge;
                    }
                    let (topic, partition, value) = wanted.kept(now.wall_ms, expire_timestamp);
                    offsets.insert((topic, partition), value);
                    ErrorCode::None
                };
                request.offsets.into_iter().map(keep).collect()
            }
        });
        Box::pin(std::future::ready(kept))
    }

    fn fetch(
        &self,
        group_id: &str,
        wanted: Wanted,
    ) -> BoxFuture<Result<Vec<Committed>, ErrorCode>> {
        let groups = self.groups.lock();
        let offsets = groups.get(group_id);
        let found = match (offsets, wanted) {
            (None, _) => Vec::new(),
            (Some(offsets), None) => offsets
                .iter()
                .map(|((topic, partition), value)| (topic.clone(), *partition, value.clone()))
                .collect(),
            (Some(offsets), Some(wanted)) => wanted
                .into_iter()
                .filter_map(|key| offsets.get(&key).map(|value| (key.0, key.1, value.clone())))
                .collect(),
        };
        Box::pin(std::future::ready(Ok(found)))
    }

    fn delete(&self, request: DeleteOffsets) -> BoxFuture<Result<DeleteOffsetsReply, ErrorCode>> {
        let groups = self.groups.clone();
        let (group_id, partitions) = (request.group_id.clone(), request.partitions.clone());
        let decided = delete_by_group(&self.shards, request);
        Box::pin(async move {
            let reply = decided.await?;
            if let Some(offsets) = groups.lock().get_mut(&group_id) {
                let allowed = partitions.iter().zip(&reply.partitions);
                for (key, _) in allowed.filter(|(_, code)| **code == ErrorCode::None) {
                    offsets.remove(key);
                }
            }
            Ok(reply)
        })
    }

    fn topics_deleted(&self, topics: Vec<(String, TopicId)>) -> BoxFuture<Result<(), ErrorCode>> {
        let mut groups = self.groups.lock();
        groups.retain(|_, offsets| {
            let is_gone = |name: &str, id: TopicId| {
                topics.iter().any(|(topic, gone)| topic == name && *gone == id)
            };
            offsets.retain(|(topic, _), value| !is_gone(topic, value.topic_id));
            !offsets.is_empty()
        });
        Box::pin(std::future::ready(Ok(())))
    }

    fn expire(&self) {
        let group_ids: Vec<String> = self.groups.lock().keys().cloned().collect();
        for group_id in group_ids {
            // A group whose coordinator is not there keeps its offsets until it is.
            let Ok(shard) = self.shards.get(&group_id) else { continue };
            let look = |machine: &mut GroupMachine, now: Now| {
                (machine.membership().expiration_rule(&group_id), now.wall_ms)
            };
            let Ok(((rule, now), _)) = shard.read(look) else { continue };
            let mut groups = self.groups.lock();
            let Some(offsets) = groups.get_mut(&group_id) else { continue };
            offsets
                .retain(|(topic, _), value| !rule.is_expired(topic, value, now, self.retention_ms));
            if offsets.is_empty() {
                groups.remove(&group_id);
            }
        }
    }

    fn delete_group(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        self.groups.lock().remove(group_id);
        Box::pin(std::future::ready(Ok(())))
    }
}
