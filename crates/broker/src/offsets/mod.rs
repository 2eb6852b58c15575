//! Where committed offsets live: behind one trait, so that a store other than the log can take them.
//!
//! Whether a commit is allowed is the group's decision in any case; storages keep what was allowed.
//! There are two: the coordinator's own log ([`LogOffsets`]), and [`StoredOffsets`] over an
//! [`OffsetStore`], which decides nothing: memory, or a store of another crate.

mod cached;
pub mod conformance;
mod memory;
mod metered;
mod store;
mod stored;

pub use cached::{CacheFigures, Cached};
pub use memory::OffsetsInMemory;
pub use metered::{Metered, OffsetMeter};
pub use store::{OffsetStore, Select};
pub use stored::StoredOffsets;

use crate::groups::GroupShards;
use crate::shard::Pending;
use std::sync::Arc;
use tidegate_log::BoxFuture;
use tidegate_machine::group::{
    Command, CommitOffsets, DeleteOffsets, DeleteOffsetsReply, GroupMachine, OffsetAndMetadata,
    Reply,
};
use tidegate_model::{ErrorCode, TopicId};

/// A committed offset with its place.
pub type Committed = (String, i32, OffsetAndMetadata);

/// Which of a group's offsets are wanted: some partitions, or all.
pub type Wanted = Option<Vec<(String, i32)>>;

/// Looks at one committed offset: group, topic, partition.
pub type Look<'a> = &'a mut dyn FnMut(&str, &str, i32, &OffsetAndMetadata);

/// Keeps the committed offsets of all groups.
///
/// What `commit` acknowledged is what `fetch` returns from then on; offset, epoch and metadata of a
/// partition stay together.
pub trait OffsetStorage: Send + Sync {
    /// Where offsets are kept, in metrics: `log`, `memory`, or a store's name.
    fn name(&self) -> &'static str;

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

    /// Shows all committed offsets that are in memory, for metrics. Asks no other machine and no disk.
    fn each_committed(&self, look: Look<'_>);

    /// Forgets what is past its retention. Called from time to time for a storage where nobody else does.
    fn expire(&self);

    /// Forgets what a group committed; the group itself is deleted elsewhere.
    fn delete_group(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>>;

    /// What a cache before the storage has done; nothing without one.
    fn cache_figures(&self) -> CacheFigures {
        CacheFigures::default()
    }
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
    fn name(&self) -> &'static str {
        "log"
    }

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

    fn each_committed(&self, look: Look<'_>) {
        for shard in self.shards.all().iter() {
            let all = |machine: &mut GroupMachine, _| {
                let offsets = machine.offsets();
                for group_id in offsets.group_ids() {
                    for (topic, partition, value) in offsets.all(group_id) {
                        look(group_id, topic, partition, value);
                    }
                }
            };
            // A shard that is being folded again has nothing to show for a moment.
            drop(shard.read(all));
        }
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
