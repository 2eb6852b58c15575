//! Work that takes milliseconds of a core and megabytes of memory: unpacking and packing records.

use parking_lot::{Condvar, Mutex};
use std::sync::LazyLock;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Does `work` on this thread, which is taken from the connections' for as long: what else they
/// have to do goes on on others.
///
/// As many as there are cores run at once and the rest wait. That bounds memory too: a batch of a
/// megabyte may unpack to a hundred, on each of many connections.
pub(crate) fn heavy<T>(work: impl FnOnce() -> T) -> T {
    let limited = || {
        let _permit = Permit::take();
        work()
    };
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(limited),
        // Nothing to hand over to, as in tests.
        _ => limited(),
    }
}

static FREE: LazyLock<Mutex<usize>> =
    LazyLock::new(|| Mutex::new(std::thread::available_parallelism().map_or(1, usize::from)));
static FREED: Condvar = Condvar::new();

struct Permit;

impl Permit {
    fn take() -> Self {
        let mut free = FREE.lock();
        while *free == 0 {
            FREED.wait(&mut free);
        }
        *free -= 1;
        Permit
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *FREE.lock() += 1;
        FREED.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn no_more_than_the_cores_run_at_once_and_all_run() {
        let (running, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..cores * 4 {
                scope.spawn(|| {
                    heavy(|| {
                        most.fetch_max(
                            running.fetch_add(1, Ordering::SeqCst) + 1,
                            Ordering::SeqCst,
                        );
                        std::thread::sleep(std::time::Duration::from_millis(2));
                        running.fetch_sub(1, Ordering::SeqCst);
                    });
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(done.into_inner(), cores * 4);
        assert!(most.into_inner() <= cores);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_only_worker_still_serves_others_meanwhile() {
        let (tell, told) = std::sync::mpsc::channel();
        let other = tokio::spawn(async move {
            tokio::task::yield_now().await;
            tell.send(()).expect("the work waits for it");
        });
        let busy = tokio::spawn(async move { heavy(|| told.recv().is_ok()) });
        assert!(busy.await.expect("it does not panic"));
        other.await.expect("it does not panic");
    }
}
