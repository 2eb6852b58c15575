//! Identifiers and scalar quantities.

use std::fmt;
use uuid::Uuid;

/// The position of a record in its partition: dense from 0, except where transaction markers or
/// compaction leave gaps.
pub type Offset = i64;

/// Milliseconds since the Unix epoch. -1 stands for "none" on the wire.
pub type TimestampMs = i64;

/// The epoch under which a partition's owner appends. It never falls.
pub type LeaderEpoch = i32;

/// The wire's "no leader epoch known".
pub const NO_LEADER_EPOCH: LeaderEpoch = -1;

/// The id under which a producer's sequence numbers are checked (KIP-98).
pub type ProducerId = i64;

/// The incarnation of a producer id; an older epoch is fenced.
pub type ProducerEpoch = i16;

/// The producer id of a batch that a non-idempotent producer sent.
pub const NO_PRODUCER_ID: ProducerId = -1;

/// A topic's identity (KIP-516). A re-created topic of the same name has another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TopicId(pub Uuid);

impl TopicId {
    /// The wire's "no topic id".
    pub const ZERO: TopicId = TopicId(Uuid::nil());

    /// The id Kafka reserves for `__cluster_metadata` (`Uuid.METADATA_TOPIC_ID`).
    pub const METADATA: TopicId = TopicId(Uuid::from_u128(1));

    /// True for ids that Kafka never gives to a topic: zero and the metadata topic's.
    pub fn is_reserved(self) -> bool {
        self == Self::ZERO || self == Self::METADATA
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TopicId {
    /// 32 lower-case hex digits: safe in a file name, unlike Kafka's base64 form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_simple())
    }
}

/// One partition of one incarnation of a topic: the key of everything durable.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TopicIdPartition {
    /// The topic's identity.
    pub topic_id: TopicId,
    /// The partition's index, from 0.
    pub partition: i32,
}

impl TopicIdPartition {
    /// The only partition of `__cluster_metadata`.
    pub const METADATA: TopicIdPartition =
        TopicIdPartition { topic_id: TopicId::METADATA, partition: 0 };

    /// The partition `partition` of the topic `topic_id`.
    pub fn new(topic_id: TopicId, partition: i32) -> Self {
        TopicIdPartition { topic_id, partition }
    }
}

impl fmt::Display for TopicIdPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic_id, self.partition)
    }
}
