//! The suite of every storage of offsets, on those that are in this crate.

use tidegate_broker::OffsetStorageKind;
use tidegate_broker::conformance::Bed;

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
