//! The engine in memory keeps the contract.

use std::sync::Arc;
use tidegate_log::conformance::Harness;
use tidegate_log::{LogStore, MemoryStore};

struct Memory(Arc<MemoryStore>);

impl Harness for Memory {
    fn store(&self) -> Arc<dyn LogStore> {
        self.0.clone()
    }

    fn reopen(&mut self) -> bool {
        false
    }

    fn crash(&mut self) -> bool {
        false
    }
}

tidegate_log::conformance!(|| Memory(Arc::new(MemoryStore::new())));
