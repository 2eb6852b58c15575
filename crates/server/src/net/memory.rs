//! The budget for large requests that are still arriving.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Frames up to this size are received without asking; a connection may hold one.
pub const SMALL_FRAME_BYTES: usize = 1 << 20;

const UNIT_BYTES: usize = 1 << 10;

/// Shares a number of bytes among the connections that receive large frames.
///
/// A frame asks for its whole announced length before its second megabyte is received, so that
/// whoever has a share can finish; the memory itself grows only with the bytes that come.
#[derive(Debug, Clone)]
pub struct RequestMemory {
    units: Arc<Semaphore>,
    units_max: usize,
}

/// A frame's share; given back when dropped.
pub type Share = OwnedSemaphorePermit;

impl RequestMemory {
    /// A budget of `bytes_max`.
    pub fn new(bytes_max: usize) -> Self {
        let units_max = (bytes_max / UNIT_BYTES).clamp(1, u32::MAX as usize);
        RequestMemory { units: Arc::new(Semaphore::new(units_max)), units_max }
    }

    /// Bytes of the whole budget.
    pub fn max_bytes(&self) -> usize {
        self.units_max * UNIT_BYTES
    }

    /// Bytes that frames hold now.
    pub fn used_bytes(&self) -> usize {
        (self.units_max - self.units.available_permits().min(self.units_max)) * UNIT_BYTES
    }

    /// Waits for the share of a frame of `frame_bytes`; one larger than the budget takes it whole.
    pub async fn acquire(self, frame_bytes: usize) -> Share {
        let units = frame_bytes.div_ceil(UNIT_BYTES).min(self.units_max) as u32;
        self.units.acquire_many_owned(units).await.expect("the semaphore is never closed")
    }
}
