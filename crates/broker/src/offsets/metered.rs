//! Counts what a storage of offsets does, whichever it is.

use super::{CacheFigures, Committed, Look, OffsetStorage, Wanted};
use std::sync::Arc;
use std::time::Instant;
use tidegate_log::BoxFuture;
use tidegate_machine::group::{CommitOffsets, DeleteOffsets, DeleteOffsetsReply};
use tidegate_metrics::{Counter, Histogram};
use tidegate_model::{ErrorCode, TopicId};

/// What a storage has done since the start.
pub struct OffsetMeter {
    /// What an answer waits for its commit, once it is its turn: the answers before it have gone out.
    pub commit: Histogram,
    /// The same of fetches.
    pub fetch: Histogram,
    /// Offsets that were kept.
    pub commits: Counter,
    /// Commits that the storage could not keep, in part or whole. A refusal by the group is none.
    pub commit_errors: Counter,
    /// Fetches that it could not answer.
    pub fetch_errors: Counter,
    /// Deletions that came to nothing.
    pub delete_errors: Counter,
}

impl Default for OffsetMeter {
    fn default() -> Self {
        OffsetMeter {
            commit: Histogram::seconds(),
            fetch: Histogram::seconds(),
            commits: Counter::default(),
            commit_errors: Counter::default(),
            fetch_errors: Counter::default(),
            delete_errors: Counter::default(),
        }
    }
}

/// A storage whose work is counted.
pub struct Metered {
    inner: Box<dyn OffsetStorage>,
    meter: Arc<OffsetMeter>,
}

impl Metered {
    /// Counts what `inner` does.
    pub fn new(inner: Box<dyn OffsetStorage>) -> Self {
        Metered { inner, meter: Arc::default() }
    }

    /// What was counted.
    pub fn meter(&self) -> &OffsetMeter {
        &self.meter
    }
}

/// True for what a storage answers that could not keep or find something.
fn is_failure(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::CoordinatorNotAvailable | ErrorCode::UnknownServerError)
}

fn counting<T: 'static>(
    counter: fn(&OffsetMeter) -> &Counter,
    meter: &Arc<OffsetMeter>,
    future: BoxFuture<Result<T, ErrorCode>>,
) -> BoxFuture<Result<T, ErrorCode>> {
    let meter = meter.clone();
    Box::pin(async move {
        let result = future.await;
        if result.is_err() {
            counter(&meter).inc();
        }
        result
    })
}

impl OffsetStorage for Metered {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn commit(&self, request: CommitOffsets) -> BoxFuture<Result<Vec<ErrorCode>, ErrorCode>> {
        let meter = self.meter.clone();
        let commit = self.inner.commit(request);
        Box::pin(async move {
            let begin = Instant::now();
            let result = commit.await;
            meter.commit.observe(begin.elapsed());
            let (kept, failed) = match &result {
                Ok(codes) => {
                    let kept = codes.iter().filter(|code| **code == ErrorCode::None).count();
                    (kept as u64, codes.iter().any(|code| is_failure(*code)))
                }
                Err(error) => (0, is_failure(*error)),
            };
            meter.commits.add(kept);
            meter.commit_errors.add(u64::from(failed));
            result
        })
    }

    fn fetch(
        &self,
        group_id: &str,
        wanted: Wanted,
    ) -> BoxFuture<Result<Vec<Committed>, ErrorCode>> {
        let meter = self.meter.clone();
        let fetch = self.inner.fetch(group_id, wanted);
        Box::pin(async move {
            let begin = Instant::now();
            let result = fetch.await;
            meter.fetch.observe(begin.elapsed());
            let failed = result.as_ref().is_err_and(|error| is_failure(*error));
            meter.fetch_errors.add(u64::from(failed));
            result
        })
    }

    fn delete(&self, request: DeleteOffsets) -> BoxFuture<Result<DeleteOffsetsReply, ErrorCode>> {
        counting(|meter| &meter.delete_errors, &self.meter, self.inner.delete(request))
    }

    fn topics_deleted(&self, topics: Vec<(String, TopicId)>) -> BoxFuture<Result<(), ErrorCode>> {
        counting(|meter| &meter.delete_errors, &self.meter, self.inner.topics_deleted(topics))
    }

    fn expire(&self) {
        self.inner.expire();
    }

    fn delete_group(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        counting(|meter| &meter.delete_errors, &self.meter, self.inner.delete_group(group_id))
    }

    fn each_committed(&self, look: Look<'_>) {
        self.inner.each_committed(look);
    }

    fn cache_figures(&self) -> CacheFigures {
        self.inner.cache_figures()
    }
}
