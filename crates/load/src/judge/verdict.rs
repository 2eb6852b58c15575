//! What the judge says at the end.

use serde::{Deserialize, Serialize};

/// How many examples of a fault are kept.
pub const EXAMPLES_MAX: usize = 20;

/// What the judge says at the end.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize, Debug)]
pub struct Verdict {
    /// Whether there is no fault.
    pub clean: bool,
    /// Whether every record was checked. If not, `notes` say what was not.
    pub complete: bool,
    /// What was counted, faults or not.
    pub counts: Counts,
    /// The faults, each kind that was found once, the worst first.
    pub faults: Vec<Fault>,
    /// Sentences on what is no fault and worth knowing, and on what could not be checked.
    pub notes: Vec<String>,
}

/// What was counted, faults or not.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, Debug)]
#[serde(default)]
pub struct Counts {
    /// Handed to the client.
    pub sent: u64,
    /// Acknowledged by the target.
    pub acknowledged: u64,
    /// Given up by the client.
    pub failed: u64,
    /// Neither acknowledged nor given up when the run ended.
    pub unresolved: u64,
    /// In the log at the end, each record counted once.
    pub present: u64,
    /// In the log although nobody acknowledged them: allowed.
    pub unacknowledged_present: u64,
    /// Records of earlier runs and other programs, from before this run.
    pub earlier: u64,
    /// Acknowledged, and gone with the beginning of a log by its retention.
    pub expired: u64,
    /// Acknowledged, and not found, while partitions where they may be could not be read to the end.
    pub unknown: u64,
    /// Offsets that no reader of the log was given: control records, or holes.
    pub offsets_skipped: u64,
    /// Records whose timestamp the broker had set.
    pub timestamps_not_compared: u64,
    /// By group.
    pub groups: Vec<GroupCounts>,
}

/// What was counted of a group.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, Debug)]
#[serde(default)]
pub struct GroupCounts {
    /// Records that it got, with those that it got again.
    pub delivered: u64,
    /// Records that it got again after a rebalance or a restart: at-least-once allows it.
    pub redelivered: u64,
}

/// A fault of one kind.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Fault {
    /// What it is.
    pub kind: FaultKind,
    /// How often.
    pub count: u64,
    /// Whether there may be more, because not every record could be told apart.
    pub at_least: bool,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// Where a fault was seen, and what it was. What is not known is left out.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, Debug)]
#[serde(default)]
pub struct Example {
    /// The topic's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// The offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<u32>,
    /// Which of the producer's it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter: Option<u64>,
    /// The consumer group that saw it; none for the last reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub found: String,
}

/// What can be wrong with records. The order is that of gravity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Acknowledged, and not in the log at the end.
    Lost,
    /// Acknowledged and in the log, but never delivered to a group.
    Missed,
    /// In the log at more than one offset.
    Duplicated,
    /// Delivered to a group again, without a rebalance that would explain it.
    DeliveredAgain,
    /// Behind a later record of the same producer in the same partition.
    Reordered,
    /// The value is not what was sent.
    ChangedValue,
    /// The key is not what was sent.
    ChangedKey,
    /// The headers are not what was sent.
    ChangedHeaders,
    /// The timestamp is not what was sent.
    ChangedTimestamp,
    /// It lies at another offset than its delivery report says.
    WrongOffset,
    /// It lies in another partition than its delivery report says, or in another topic than it was
    /// sent to.
    WrongPartition,
    /// It names a schema that is not the registered one.
    WrongSchema,
    /// Not a record of this run, in a topic of its own.
    Foreign,
    /// Delivered at an offset at or below the one before it.
    OffsetWentBack,
    /// Of a transaction that was aborted, and visible.
    AbortedVisible,
}

impl FaultKind {
    /// All kinds, the worst first.
    pub const ALL: &[FaultKind] = &[
        FaultKind::Lost,
        FaultKind::Missed,
        FaultKind::Duplicated,
        FaultKind::DeliveredAgain,
        FaultKind::Reordered,
        FaultKind::ChangedValue,
        FaultKind::ChangedKey,
        FaultKind::ChangedHeaders,
        FaultKind::ChangedTimestamp,
        FaultKind::WrongOffset,
        FaultKind::WrongPartition,
        FaultKind::WrongSchema,
        FaultKind::Foreign,
        FaultKind::OffsetWentBack,
        FaultKind::AbortedVisible,
    ];

    /// As it is called in reports: `changed_value`.
    pub const fn name(self) -> &'static str {
        match self {
            FaultKind::Lost => "lost",
            FaultKind::Missed => "missed",
            FaultKind::Duplicated => "duplicated",
            FaultKind::DeliveredAgain => "delivered_again",
            FaultKind::Reordered => "reordered",
            FaultKind::ChangedValue => "changed_value",
            FaultKind::ChangedKey => "changed_key",
            FaultKind::ChangedHeaders => "changed_headers",
            FaultKind::ChangedTimestamp => "changed_timestamp",
            FaultKind::WrongOffset => "wrong_offset",
            FaultKind::WrongPartition => "wrong_partition",
            FaultKind::WrongSchema => "wrong_schema",
            FaultKind::Foreign => "foreign",
            FaultKind::OffsetWentBack => "offset_went_back",
            FaultKind::AbortedVisible => "aborted_visible",
        }
    }

    /// What it means, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            FaultKind::Lost => "acknowledged, and not in the log at the end",
            FaultKind::Missed => "acknowledged and in the log, but never delivered to a group",
            FaultKind::Duplicated => "in the log more than once",
            FaultKind::DeliveredAgain => "delivered to a group again without a rebalance",
            FaultKind::Reordered => "behind a later record of its producer in its partition",
            FaultKind::ChangedValue => "the value is not what was sent",
            FaultKind::ChangedKey => "the key is not what was sent",
            FaultKind::ChangedHeaders => "the headers are not what was sent",
            FaultKind::ChangedTimestamp => "the timestamp is not what was sent",
            FaultKind::WrongOffset => "at another offset than its delivery report says",
            FaultKind::WrongPartition => "in another partition or topic than it was sent to",
            FaultKind::WrongSchema => "names a schema that is not the registered one",
            FaultKind::Foreign => "not a record of this run",
            FaultKind::OffsetWentBack => "a reader's offsets went back or repeated",
            FaultKind::AbortedVisible => "of an aborted transaction, and visible",
        }
    }
}
