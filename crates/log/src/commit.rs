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
        Commit { queue: Some(self.clone()), number, registered: None }
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
#[derive(Debug)]
pub struct Commit {
    queue: Option<Arc<CommitQueue>>,
    number: u64,
    /// The waker that stands in the queue for this commit, so that a poll need not look for it
    /// among those of thousands of others.
    registered: Option<Waker>,
}

impl Clone for Commit {
    fn clone(&self) -> Self {
        Commit { queue: self.queue.clone(), number: self.number, registered: None }
    }
}

impl Commit {
    /// A commit that is durable already, for an append that had nothing to wait for.
    pub fn done() -> Self {
        Commit { queue: None, number: 0, registered: None }
    }

    /// True once the append is durable.
    pub fn is_durable(&self) -> bool {
        self.queue.as_ref().is_none_or(|queue| queue.durable() >= self.number)
    }
}

impl Future for Commit {
    type Output = Result<(), LogError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.is_durable() {
            return Poll::Ready(Ok(()));
        }
        let commit = &mut *self;
        let queue = commit.queue.as_ref().expect("a commit without a queue is durable");
        let mut state = queue.state.lock();
        // Looked at again under the lock, for `complete` may have run since.
        if queue.durable() >= commit.number {
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = &state.closed {
            return Poll::Ready(Err(error.clone()));
        }
        let waker = context.waker();
        if !commit.registered.as_ref().is_some_and(|known| known.will_wake(waker)) {
            state.waiters.push((commit.number, waker.clone()));
            commit.registered = Some(waker.clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(commit: &mut Commit, waker: &Waker) -> Poll<Result<(), LogError>> {
        Pin::new(commit).poll(&mut Context::from_waker(waker))
    }

    #[test]
    fn completion_wakes_exactly_those_it_covers_and_each_once() {
        let queue = CommitQueue::new();
        let counters: Vec<Arc<Counter>> = (0..4).map(|_| Arc::default()).collect();
        let mut commits: Vec<Commit> = (1..=4).map(|number| queue.commit(number)).collect();
        for _ in 0..3 {
            for (commit, counter) in commits.iter_mut().zip(&counters) {
                assert!(poll(commit, &counter.clone().into()).is_pending());
            }
        }
        queue.complete(2);
        let woken: Vec<_> =
            counters.iter().map(|counter| counter.0.load(Ordering::Relaxed)).collect();
        assert_eq!(woken, [1, 1, 0, 0]);
        assert!(matches!(poll(&mut commits[1], Waker::noop()), Poll::Ready(Ok(()))));
        assert!(commits[0].is_durable() && !commits[2].is_durable());
    }

    #[test]
    fn a_commit_polled_by_another_task_wakes_that_one_too() {
        let queue = CommitQueue::new();
        let (first, second) = (Arc::new(Counter::default()), Arc::new(Counter::default()));
        let mut commit = queue.commit(1);
        assert!(poll(&mut commit, &first.into()).is_pending());
        assert!(poll(&mut commit, &second.clone().into()).is_pending());
        queue.complete(1);
        assert_eq!(second.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn closing_fails_what_is_not_durable_and_nothing_else() {
        let queue = CommitQueue::new();
        queue.complete(1);
        let waiting = Arc::new(Counter::default());
        let mut commit = queue.commit(2);
        assert!(poll(&mut commit, &waiting.clone().into()).is_pending());
        queue.close(LogError::Unavailable("closed".to_owned()));
        assert_eq!(waiting.0.load(Ordering::Relaxed), 1);
        assert!(matches!(poll(&mut commit, Waker::noop()), Poll::Ready(Err(_))));
        assert!(matches!(poll(&mut queue.commit(1), Waker::noop()), Poll::Ready(Ok(()))));
    }
}
