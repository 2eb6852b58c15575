//! Waiting for durability: one queue a store, one waker a waiting task.

use crate::store::LogError;
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

/// Tells waiting tasks how far a store's log is durable.
///
/// Commits are numbered from 1 in the order in which the store took them and become durable in that
/// order, so that one number says everything.
#[derive(Debug, Default)]
pub struct CommitQueue {
    durable: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiters: Vec<(u64, Waker)>,
    closed: Option<LogError>,
}

impl CommitQueue {
    /// A queue in which nothing is durable yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The commit of that number.
    pub fn commit(self: &Arc<Self>, number: u64) -> Commit {
        Commit { queue: Some(self.clone()), number }
    }

    /// The highest durable number.
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Declares all commits up to `number` durable and wakes their waiters.
    pub fn complete(&self, number: u64) {
        let due: Vec<Waker> = {
            let mut state = self.state.lock();
            self.durable.fetch_max(number, Ordering::Release);
            let waiters = &mut state.waiters;
            let mut due = Vec::with_capacity(waiters.len());
            waiters.retain_mut(|(waits_for, waker)| {
                let done = *waits_for <= number;
                if done {
                    due.push(std::mem::replace(waker, Waker::noop().clone()));
                }
                !done
            });
            due
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// Fails every commit that is not durable, now and later.
    pub fn close(&self, error: LogError) {
        let waiters = {
            let mut state = self.state.lock();
            state.closed.get_or_insert(error);
            std::mem::take(&mut state.waiters)
        };
        waiters.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

/// Resolves when an append is durable, in the order of the appends.
///
/// Fails only if the store was closed or fenced before that; whether the append survives is then
/// unknown. Dropping it does not take the append back.
#[derive(Debug, Clone)]
pub struct Commit {
    queue: Option<Arc<CommitQueue>>,
    number: u64,
}

impl Commit {
    /// A commit that is durable already, for an append that had nothing to wait for.
    pub fn done() -> Self {
        Commit { queue: None, number: 0 }
    }

    /// True once the append is durable.
    pub fn is_durable(&self) -> bool {
        self.queue.as_ref().is_none_or(|queue| queue.durable() >= self.number)
    }
}

impl Future for Commit {
    type Output = Result<(), LogError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.is_durable() {
            return Poll::Ready(Ok(()));
        }
        let queue = self.queue.as_ref().expect("a commit without a queue is durable");
        let mut state = queue.state.lock();
        // Looked at again under the lock, for `complete` may have run since.
        if queue.durable() >= self.number {
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = &state.closed {
            return Poll::Ready(Err(error.clone()));
        }
        let waker = context.waker();
        let known = state
            .waiters
            .iter_mut()
            .find(|(number, known)| *number == self.number && known.will_wake(waker));
        if known.is_none() {
            state.waiters.push((self.number, waker.clone()));
        }
        Poll::Pending
    }
}
