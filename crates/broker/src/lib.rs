//! Runs the pure machines over a log store: partitions, waiting, coordinators. No sockets and no
//! API versions; the server translates those at the door.

mod broker;
mod catalog;
mod clock;
pub mod compression;
pub mod config;
pub mod fetch;
mod figures;
mod group_events;
mod groups;
mod heavy;
mod lookup;
mod offsets;
mod partition;
mod produce;
pub mod quota;
mod recompress;
mod retention;
mod schemas;
mod shard;
mod timers;
mod topics;
mod validate;
mod wait;

pub use broker::{Broker, BrokerParts, CreateTopic, CreatedTopic, DeleteTopic, Refusal};
pub use catalog::check_topic_name;
pub use clock::{Clock, ClockJumps};
pub use fetch::check_leader_epoch;
pub use figures::{Lag, Largest, PartitionSize};
pub use group_events::Rebalances;
pub use groups::{CONSUMER_OFFSETS, GroupShards, Groups, OffsetStorageKind, gather};
pub use lookup::TimestampedOffset;
pub use offsets::conformance;
pub use offsets::{
    CacheFigures, Cached, Committed, Look, Metered, OffsetMeter, OffsetStorage, OffsetStore,
    OffsetsInMemory, Select, Wanted,
};
pub use partition::{Appended, Bounds, Partition};
pub use produce::{ProduceRefusal, ProduceRules, RecordRefusal, produce};
pub use schemas::{Schemas, SchemasError, SchemasFigures, SchemasSettings};
pub use shard::Pending;
pub use topics::{Topic, TopicMap};
pub use validate::Validation;
pub use wait::{WaitList, Waiter};
