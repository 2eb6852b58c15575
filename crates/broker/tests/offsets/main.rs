//! The suite of every storage of offsets, on those that are in this crate.

mod cached;

use std::sync::Arc;
use std::time::Duration;
use tidegate_broker::conformance::Bed;
use tidegate_broker::{Cached, OffsetStorageKind, OffsetsInMemory};

mod log {
    use super::*;

    async fn bed() -> Bed {
        Bed::new(|| OffsetStorageKind::Log, true).await
    }

    tidegate_broker::offsets_conformance!(bed);
}

mod memory {
    use super::*;

    async fn bed() -> Bed {
        Bed::new(|| OffsetStorageKind::Memory, false).await
    }

    tidegate_broker::offsets_conformance!(bed);
}

mod behind_a_cache {
    use super::*;

    async fn bed() -> Bed {
        let storage = || {
            let store = Arc::new(OffsetsInMemory::default());
            OffsetStorageKind::Store(Arc::new(Cached::new(store, 1 << 20, Duration::ZERO)))
        };
        Bed::new(storage, false).await
    }

    tidegate_broker::offsets_conformance!(bed);
}

mod behind_a_cache_that_is_too_small {
    use super::*;

    async fn bed() -> Bed {
        let storage = || {
            let store = Arc::new(OffsetsInMemory::default());
            OffsetStorageKind::Store(Arc::new(Cached::new(store, 700, Duration::ZERO)))
        };
        Bed::new(storage, false).await
    }

    tidegate_broker::offsets_conformance!(bed);
}
