//! The memory that all bodies share while they are read and answered.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const UNIT_BYTES: usize = 1 << 10;

/// Shares a number of bytes among the requests that have a body.
#[derive(Debug, Clone)]
pub struct BodyMemory {
    units: Arc<Semaphore>,
    units_max: usize,
}

/// What one body has of it; given back when dropped.
#[derive(Debug)]
pub struct BodyShare {
    memory: BodyMemory,
    held: Option<OwnedSemaphorePermit>,
}

impl BodyMemory {
    /// A budget of `bytes_max`.
    pub fn new(bytes_max: usize) -> Self {
        let units_max = (bytes_max / UNIT_BYTES).clamp(1, u32::MAX as usize);
        BodyMemory { units: Arc::new(Semaphore::new(units_max)), units_max }
    }

    /// A share of nothing yet.
    pub fn share(&self) -> BodyShare {
        BodyShare { memory: self.clone(), held: None }
    }
}

impl BodyShare {
    /// Waits until the share is one of `bytes`; a body larger than the budget takes it whole. Shares
    /// that grow bit by bit may wait for one another, so that whoever waits sets a time.
    pub async fn grow_to(&mut self, bytes: usize) {
        let wanted = bytes.div_ceil(UNIT_BYTES).min(self.memory.units_max);
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if wanted <= held {
            return;
        }
        let missing = u32::try_from(wanted - held).expect("a budget has no more units");
        let more = self.memory.units.clone().acquire_many_owned(missing).await;
        let more = more.expect("the semaphore is never closed");
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_share_grows_by_what_it_lacks_and_comes_back_whole() {
        let memory = BodyMemory::new(4 << 10);
        let mut share = memory.share();
        for (bytes, left) in [(0, 4), (1, 3), (1_000, 3), (1_025, 2), (500, 2), (1 << 30, 0)] {
            share.grow_to(bytes).await;
            assert_eq!(memory.units.available_permits(), left, "{bytes}");
        }
        drop(share);
        assert_eq!(memory.units.available_permits(), 4);
    }
}
