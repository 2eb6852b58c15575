//! Parked fetches: who waits for which partitions, and how they are woken.
//!
//! A waiter belongs to a connection, not to a request, and may stand in many partitions' lists at
//! once. Lists hold weak references and are emptied when they are woken, so that nobody has to
//! leave a list: a stale entry costs one needless wake-up at most.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tidegate_metrics::Gauge;
use tokio::sync::Notify;

/// One connection's place to sleep until any of its partitions has news.
#[derive(Debug, Default)]
pub struct Waiter {
    notify: Notify,
    closed: AtomicBool,
    /// How many sleep, of all connections.
    parked: Arc<Gauge>,
    /// Time that requests of this connection waited because their client wanted it, in all.
    waited_nanos: AtomicU64,
}

impl Waiter {
    /// A waiter that nobody has woken.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The same, counted in `parked` while it sleeps.
    pub fn counted(parked: Arc<Gauge>) -> Arc<Self> {
        Arc::new(Waiter { parked, ..Waiter::default() })
    }

    /// Waits for what the client asked to wait for, and keeps how long it took.
    pub async fn waits<T>(&self, wait: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = wait.await;
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waited_nanos.fetch_add(nanos, Ordering::Relaxed);
        done
    }

    /// How long was waited that way since the connection began. Requests of a connection are answered
    /// one after the other, so that what is added during one's turn is its own.
    pub fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited_nanos.load(Ordering::Relaxed))
    }

    /// Wakes the sleeper, or the next one to sleep.
    pub fn wake(&self) {
        self.notify.notify_one();
    }

    /// Wakes the sleeper for good: whatever it waits for is to be answered with what there is.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// True once nothing should be waited for.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Sleeps until woken.
    pub async fn woken(&self) {
        let _parked = self.parked.open();
        self.notify.notified().await;
    }
}

/// The waiters of one partition.
#[derive(Debug, Default)]
pub struct WaitList {
    occupied: AtomicBool,
    waiters: Mutex<Vec<Weak<Waiter>>>,
}

impl WaitList {
    /// Adds `waiter` unless it is there already.
    ///
    /// The caller must look at the partition again afterwards: what came before is not reported.
    pub fn register(&self, waiter: &Arc<Waiter>) {
        let mut waiters = self.waiters.lock();
        let pointer = Arc::as_ptr(waiter);
        waiters.retain(|known| known.strong_count() > 0);
        if !waiters.iter().any(|known| known.as_ptr() == pointer) {
            waiters.push(Arc::downgrade(waiter));
        }
        self.occupied.store(true, Ordering::SeqCst);
    }

    /// Wakes everyone and empties the list. Costs one load when nobody waits.
    pub fn wake_all(&self) {
        if !self.occupied.load(Ordering::SeqCst) {
            return;
        }
        let waiters = {
            let mut waiters = self.waiters.lock();
            self.occupied.store(false, Ordering::SeqCst);
            std::mem::take(&mut *waiters)
        };
        for waiter in waiters {
            if let Some(waiter) = waiter.upgrade() {
                waiter.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_stands_in_a_list_once_and_leaves_when_woken() {
        let list = WaitList::default();
        let waiter = Waiter::new();
        list.register(&waiter);
        list.register(&waiter);
        assert_eq!(list.waiters.lock().len(), 1);
        list.wake_all();
        assert!(list.waiters.lock().is_empty());
    }

    #[test]
    fn a_closed_connection_leaves_nothing_behind() {
        let list = WaitList::default();
        list.register(&Waiter::new());
        let waiter = Waiter::new();
        list.register(&waiter);
        assert_eq!(list.waiters.lock().len(), 1);
    }
}
