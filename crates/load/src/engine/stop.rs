//! The user's wish to stop: once to end the run early, twice to end it at once.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// Shared by everybody who waits. Waiting on it ends when the user asks for it.
#[derive(Debug, Default)]
pub struct Stop {
    wish: Mutex<Wish>,
    /// The same, for those who ask between two records.
    seen: AtomicU8,
    changed: Condvar,
}

/// How urgent it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Wish {
    /// Go on.
    #[default]
    None,
    /// Produce no more, then drain, judge and report.
    Stop,
    /// End as fast as it goes.
    Abort,
}

impl Stop {
    /// Asks to stop; asks for the end if that was asked before.
    pub fn ask(&self) {
        let mut wish = self.lock();
        *wish = if *wish == Wish::None { Wish::Stop } else { Wish::Abort };
        self.seen.store(*wish as u8, Ordering::Release);
        self.changed.notify_all();
    }

    /// What was asked for.
    pub fn wish(&self) -> Wish {
        match self.seen.load(Ordering::Acquire) {
            0 => Wish::None,
            1 => Wish::Stop,
            _ => Wish::Abort,
        }
    }

    /// Waits until `until`, or until at least `least` was asked for. Says whether it was.
    pub fn wait_until(&self, until: Instant, least: Wish) -> bool {
        let mut wish = self.lock();
        while *wish < least {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return false };
            if left.is_zero() {
                return false;
            }
            wish = self.changed.wait_timeout(wish, left).expect("nobody panics with the lock").0;
        }
        true
    }

    /// The same for a length of time.
    pub fn wait(&self, length: Duration, least: Wish) -> bool {
        self.wait_until(Instant::now() + length, least)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Wish> {
        self.wish.lock().expect("nobody panics with the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn asking_twice_is_more_urgent_than_asking_once() {
        let stop = Stop::default();
        assert_eq!(stop.wish(), Wish::None);
        stop.ask();
        assert_eq!(stop.wish(), Wish::Stop);
        stop.ask();
        stop.ask();
        assert_eq!(stop.wish(), Wish::Abort);
    }

    #[test]
    fn who_waits_for_a_long_time_is_woken_by_the_wish() {
        let stop = Arc::new(Stop::default());
        let asking = stop.clone();
        let asker = std::thread::spawn(move || asking.ask());
        assert!(stop.wait(Duration::from_secs(3600), Wish::Stop));
        asker.join().unwrap();
        assert!(!stop.wait(Duration::from_millis(1), Wish::Abort));
    }
}
