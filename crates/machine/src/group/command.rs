//! What the group coordinator is asked and what it answers, free of API versions.

use bytes::Bytes;
use tidegate_model::{ErrorCode, LeaderEpoch, NO_LEADER_EPOCH, Offset, TimestampMs, TopicId};

/// A request to the coordinator of one `__consumer_offsets` partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// JoinGroup; the reply may come from a later step.
    JoinGroup(JoinGroup),
    /// SyncGroup; the reply may come from a later step.
    SyncGroup(SyncGroup),
    /// Heartbeat.
    Heartbeat(Heartbeat),
    /// LeaveGroup.
    LeaveGroup(LeaveGroup),
    /// OffsetCommit.
    CommitOffsets(CommitOffsets),
    /// OffsetDelete.
    DeleteOffsets(DeleteOffsets),
    /// DescribeGroups, for one group.
    DescribeGroup {
        /// The group.
        group_id: String,
    },
    /// ListGroups.
    ListGroups(ListGroups),
    /// DeleteGroups, for one group.
    DeleteGroup {
        /// The group.
        group_id: String,
    },
    /// Offsets of a group that nobody has heard of are kept elsewhere: the group is there with them,
    /// as it is by an offset in the log.
    KeepGroup {
        /// The group.
        group_id: String,
    },
    /// The last offset of a group is gone that was kept elsewhere: the group goes too if it was there
    /// for its offsets only.
    DropGroup {
        /// The group.
        group_id: String,
    },
    /// Topics are gone; what was committed for them goes too.
    TopicsDeleted {
        /// Their names and ids: an offset of a newer topic of the same name stays.
        topics: Vec<(String, TopicId)>,
    },
}

/// The answer to the [`Command`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To [`Command::JoinGroup`].
    JoinGroup(JoinGroupReply),
    /// To [`Command::SyncGroup`].
    SyncGroup(SyncGroupReply),
    /// To [`Command::Heartbeat`].
    Heartbeat(ErrorCode),
    /// To [`Command::LeaveGroup`].
    LeaveGroup(LeaveGroupReply),
    /// To [`Command::CommitOffsets`]: one code per offset, in the request's order.
    CommitOffsets(Vec<ErrorCode>),
    /// To [`Command::DeleteOffsets`].
    DeleteOffsets(DeleteOffsetsReply),
    /// To [`Command::DescribeGroup`].
    DescribeGroup(DescribedGroup),
    /// To [`Command::ListGroups`], in order of group id.
    ListGroups(Vec<ListedGroup>),
    /// To [`Command::DeleteGroup`].
    DeleteGroup(ErrorCode),
    /// To [`Command::KeepGroup`] and [`Command::DropGroup`].
    Done,
    /// To [`Command::TopicsDeleted`].
    TopicsDeleted {
        /// How many offsets this step removed.
        removed: usize,
        /// One step does not remove more: ask again for the rest.
        more: bool,
    },
}

/// A member joins, or joins again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinGroup {
    /// The group.
    pub group_id: String,
    /// Empty for a member that has no id yet.
    pub member_id: String,
    /// The id that the member gets if it needs one: the instance id or else the client id, a dash
    /// and a fresh UUID.
    pub fresh_member_id: String,
    /// Set for static members (KIP-345).
    pub group_instance_id: Option<String>,
    /// True from version 4 on: a member without id is told one and must join again (KIP-394).
    pub require_known_member_id: bool,
    /// True from version 9 on: the client understands `skip_assignment` (KIP-814).
    pub supports_skipping_assignment: bool,
    /// The client's name for itself.
    pub client_id: String,
    /// The client's address, as Kafka prints it: `/127.0.0.1`.
    pub client_host: String,
    /// How long the member may stay silent.
    pub session_timeout_ms: i32,
    /// How long the member may take to join again. Negative (version 0) means the session timeout.
    pub rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, `sr`, or anything else: opaque.
    pub protocol_type: String,
    /// The protocols that the member speaks, best first, with its metadata for each.
    pub protocols: Vec<(String, Bytes)>,
    /// Why the member joins, for logs.
    pub reason: Option<String>,
}

/// What a joining member is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinGroupReply {
    /// NONE, or why the member did not join.
    pub error: ErrorCode,
    /// -1 on error.
    pub generation_id: i32,
    /// The group's protocol type.
    pub protocol_type: Option<String>,
    /// The protocol that the vote chose.
    pub protocol_name: Option<String>,
    /// Member id of the leader; empty on error.
    pub leader: String,
    /// True if the leader should not compute assignments (KIP-814).
    pub skip_assignment: bool,
    /// The member's id.
    pub member_id: String,
    /// All members with their metadata for the chosen protocol; only the leader gets them.
    pub members: Vec<JoinedMember>,
}

impl JoinGroupReply {
    pub(super) fn failed(error: ErrorCode, member_id: &str) -> Self {
        JoinGroupReply {
            error,
            generation_id: -1,
            protocol_type: None,
            protocol_name: None,
            leader: String::new(),
            skip_assignment: false,
            member_id: member_id.to_owned(),
            members: Vec::new(),
        }
    }
}

/// A member as the leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedMember {
    /// Its id.
    pub member_id: String,
    /// Its instance id if it is static.
    pub group_instance_id: Option<String>,
    /// Its metadata for the chosen protocol.
    pub metadata: Bytes,
}

/// A member fetches its assignment; the leader brings all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncGroup {
    /// The group.
    pub group_id: String,
    /// The generation that the member joined.
    pub generation_id: i32,
    /// The member.
    pub member_id: String,
    /// Set for static members.
    pub group_instance_id: Option<String>,
    /// Version 5 on: checked against the group's.
    pub protocol_type: Option<String>,
    /// Version 5 on: checked against the group's.
    pub protocol_name: Option<String>,
    /// From the leader: member id and assignment. Opaque and kept as they are.
    pub assignments: Vec<(String, Bytes)>,
}

/// A member's assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncGroupReply {
    /// NONE, or why there is no assignment.
    pub error: ErrorCode,
    /// The group's protocol type.
    pub protocol_type: Option<String>,
    /// The group's protocol.
    pub protocol_name: Option<String>,
    /// What the leader assigned; empty if it assigned nothing, or on error.
    pub assignment: Bytes,
}

impl SyncGroupReply {
    pub(super) fn failed(error: ErrorCode) -> Self {
        SyncGroupReply { error, protocol_type: None, protocol_name: None, assignment: Bytes::new() }
    }
}

/// A member is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The group.
    pub group_id: String,
    /// The generation that the member believes current.
    pub generation_id: i32,
    /// The member.
    pub member_id: String,
    /// Set for static members.
    pub group_instance_id: Option<String>,
}

/// Members leave, or an administrator removes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveGroup {
    /// The group.
    pub group_id: String,
    /// Before version 3 exactly one.
    pub members: Vec<LeavingMember>,
}

/// One member to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeavingMember {
    /// Empty if an administrator names the member by its instance id.
    pub member_id: String,
    /// Set for static members.
    pub group_instance_id: Option<String>,
    /// Why, for logs.
    pub reason: Option<String>,
}

/// What became of a [`LeaveGroup`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveGroupReply {
    /// Of the request as a whole: NONE or INVALID_GROUP_ID.
    pub error: ErrorCode,
    /// One per member, in the request's order, empty if the whole failed. Before version 3 the only
    /// one is the answer.
    pub members: Vec<LeftMember>,
}

/// What became of one leaving member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftMember {
    /// As in the request.
    pub member_id: String,
    /// As in the request.
    pub group_instance_id: Option<String>,
    /// NONE, UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID.
    pub error: ErrorCode,
}

/// Who commits: checked before offsets are taken, wherever they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitIdentity {
    /// The group.
    pub group_id: String,
    /// Empty for a consumer that uses no group management.
    pub member_id: String,
    /// Set for static members.
    pub group_instance_id: Option<String>,
    /// -1 for a consumer that uses no group management.
    pub generation_id: i32,
    /// True from version 9 on: GROUP_ID_NOT_FOUND is understood. Older clients are told
    /// ILLEGAL_GENERATION when a member commits to a group that does not exist.
    pub knows_group_id_not_found: bool,
}

/// Offsets to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitOffsets {
    /// Who commits.
    pub identity: CommitIdentity,
    /// Versions 2 to 4: keep for so many milliseconds, -1 for the broker's own retention. What lies
    /// in the past is expired at once.
    pub retention_time_ms: i64,
    /// What to keep.
    pub offsets: Vec<OffsetToCommit>,
}

/// A client that does not say how long its offsets are to be kept.
const BROKERS_RETENTION: i64 = -1;

impl CommitOffsets {
    /// When these offsets expire because the client said so, else -1.
    pub fn expire_timestamp(&self, now_ms: TimestampMs) -> TimestampMs {
        match self.retention_time_ms {
            BROKERS_RETENTION => -1,
            // Kafka's sum overflows for a client that means "for ever", and expires it at once.
            retention => now_ms.saturating_add(retention).max(0),
        }
    }
}

/// One offset to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetToCommit {
    /// The topic's name.
    pub topic: String,
    /// The topic's id if it is known, else zero.
    pub topic_id: TopicId,
    /// The partition.
    pub partition: i32,
    /// The next offset to read.
    pub offset: Offset,
    /// Epoch of the last record read, -1 if not known.
    pub leader_epoch: LeaderEpoch,
    /// The client's own note; null and empty are the same to Kafka.
    pub metadata: Option<String>,
}

impl OffsetToCommit {
    /// True if the note is longer than `max`. Kafka measures Java's characters: UTF-16 units.
    pub fn is_metadata_over(&self, max: usize) -> bool {
        let metadata = self.metadata.as_deref().unwrap_or_default();
        metadata.len() > max && metadata.encode_utf16().count() > max
    }

    /// The offset as it is kept, with its topic and partition.
    pub fn kept(
        self,
        commit_timestamp: TimestampMs,
        expire_timestamp: TimestampMs,
    ) -> (String, i32, OffsetAndMetadata) {
        let value = OffsetAndMetadata {
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            metadata: self.metadata.unwrap_or_default(),
            commit_timestamp,
            expire_timestamp,
            topic_id: self.topic_id,
        };
        (self.topic, self.partition, value)
    }
}

/// A committed offset as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetAndMetadata {
    /// The next offset to read.
    pub offset: Offset,
    /// Epoch of the last record read, -1 if not known.
    pub leader_epoch: LeaderEpoch,
    /// The client's own note.
    pub metadata: String,
    /// When it was committed.
    pub commit_timestamp: TimestampMs,
    /// When it expires if the client said so (OffsetCommit 2 to 4), else -1.
    pub expire_timestamp: TimestampMs,
    /// The topic's id when it was committed, zero if not known.
    pub topic_id: TopicId,
}

impl OffsetAndMetadata {
    /// An offset without epoch, note or topic id.
    pub fn new(offset: Offset, commit_timestamp: TimestampMs) -> Self {
        OffsetAndMetadata {
            offset,
            leader_epoch: NO_LEADER_EPOCH,
            metadata: String::new(),
            commit_timestamp,
            expire_timestamp: -1,
            topic_id: TopicId::ZERO,
        }
    }
}

/// Offsets to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteOffsets {
    /// The group.
    pub group_id: String,
    /// Topics and partitions.
    pub partitions: Vec<(String, i32)>,
}

/// What became of a [`DeleteOffsets`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteOffsetsReply {
    /// Of the request as a whole: NONE, GROUP_ID_NOT_FOUND or NON_EMPTY_GROUP.
    pub error: ErrorCode,
    /// One per partition in the request's order, empty if the whole failed. Members still
    /// subscribe to a topic: GROUP_SUBSCRIBED_TO_TOPIC.
    pub partitions: Vec<ErrorCode>,
}

/// Which groups to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListGroups {
    /// State names in any case; empty means all.
    pub states_filter: Vec<String>,
    /// Type names in any case; empty means all.
    pub types_filter: Vec<String>,
}

/// A line of ListGroups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedGroup {
    /// The group.
    pub group_id: String,
    /// Empty for a group that only keeps offsets.
    pub protocol_type: String,
    /// Its state's name.
    pub group_state: &'static str,
    /// Its type's name: `classic`.
    pub group_type: &'static str,
}

/// A group in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedGroup {
    /// NONE, or GROUP_ID_NOT_FOUND, which versions below 6 leave out: to them an unknown group is
    /// one in state `Dead`.
    pub error: ErrorCode,
    /// The group.
    pub group_id: String,
    /// Its state's name.
    pub group_state: &'static str,
    /// Empty for a group that only keeps offsets.
    pub protocol_type: String,
    /// The chosen protocol while `Stable`, else empty.
    pub protocol_data: String,
    /// Its members in order of id.
    pub members: Vec<DescribedMember>,
}

/// A member as DescribeGroups shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedMember {
    /// Its id.
    pub member_id: String,
    /// Its instance id if it is static.
    pub group_instance_id: Option<String>,
    /// The client's name for itself.
    pub client_id: String,
    /// The client's address.
    pub client_host: String,
    /// Its metadata for the chosen protocol while `Stable`, else empty.
    pub metadata: Bytes,
    /// Its assignment.
    pub assignment: Bytes,
}
