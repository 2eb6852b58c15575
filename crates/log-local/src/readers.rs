//! A few threads for reads that have to wait for the disk.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;

type Job = Box<dyn FnOnce() + Send>;

/// The jobs.
#[derive(Default)]
pub struct Readers {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    stop: bool,
}

impl Readers {
    /// Has `job` done. Dropped undone if the store stops.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) {
        let mut state = self.state.lock();
        if !state.stop {
            state.jobs.push_back(Box::new(job));
            self.changed.notify_one();
        }
    }

    /// Does jobs until the store stops.
    pub fn run(&self) {
        loop {
            let job = {
                let mut state = self.state.lock();
                loop {
                    if state.stop {
                        return;
                    }
                    if let Some(job) = state.jobs.pop_front() {
                        break job;
                    }
                    self.changed.wait(&mut state);
                }
            };
            job();
        }
    }

    /// Ends the threads. What nobody did is dropped, which tells whoever waits.
    pub fn stop(&self) {
        let dropped = {
            let mut state = self.state.lock();
            state.stop = true;
            std::mem::take(&mut state.jobs)
        };
        self.changed.notify_all();
        drop(dropped);
    }
}
