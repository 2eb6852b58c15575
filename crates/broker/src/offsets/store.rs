//! What a place for committed offsets outside of the log has to do. It decides nothing.

use super::{CacheFigures, Committed, Look};
use tidegate_log::BoxFuture;
use tidegate_machine::group::GroupMetadata;
use tidegate_model::ErrorCode;

/// Which of a group's offsets are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// All of them.
    All,
    /// Those of these topics.
    Topics(Vec<String>),
    /// Those of these partitions.
    Partitions(Vec<(String, i32)>),
}

/// Keeps offsets that were allowed already.
///
/// Calls for one group take effect in the order in which they are made: each begins at once, the
/// future only waits. Offset, epoch and metadata of a partition stay together, whatever fails. What
/// could not be kept for certain is COORDINATOR_NOT_AVAILABLE, so that the client asks again; it may
/// be there all the same.
pub trait OffsetStore: Send + Sync {
    /// What this place is called, in metrics.
    fn name(&self) -> &'static str;

    /// Keeps the offsets: one code for each, in order.
    fn put(&self, group_id: &str, offsets: Vec<Committed>) -> BoxFuture<Vec<ErrorCode>>;

    /// The selected ones of those that are kept, in order of topic and partition.
    fn get(&self, group_id: &str, select: Select) -> BoxFuture<Result<Vec<Committed>, ErrorCode>>;

    /// Forgets the offsets of these partitions.
    fn remove(
        &self,
        group_id: &str,
        partitions: Vec<(String, i32)>,
    ) -> BoxFuture<Result<(), ErrorCode>>;

    /// Forgets these offsets, except where another has been kept since.
    fn remove_unchanged(
        &self,
        group_id: &str,
        offsets: Vec<Committed>,
    ) -> BoxFuture<Result<(), ErrorCode>>;

    /// Forgets all that the group committed.
    fn remove_group(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>>;

    /// A group seems to have nothing left here: what is empty of it may go.
    fn tidy(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        let _ = group_id;
        Box::pin(std::future::ready(Ok(())))
    }

    /// The groups that have offsets here, in order.
    fn group_ids(&self) -> BoxFuture<Result<Vec<String>, ErrorCode>>;

    /// Shows group, topic, partition and offset of all that is known without asking anybody.
    fn each_known(&self, look: Look<'_>) {
        let _ = look;
    }

    /// What a cache before the store has done; nothing without one.
    fn cache_figures(&self) -> CacheFigures {
        CacheFigures::default()
    }

    /// Told of a group's new state when it is in the log, and of its end (`None`). For stores that
    /// show groups to people; the log is what a restart goes by.
    fn group_changed(&self, group_id: &str, state: Option<&GroupMetadata>) {
        let _ = (group_id, state);
    }
}
