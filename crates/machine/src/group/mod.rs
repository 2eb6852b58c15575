//! The group coordinator: membership and committed offsets of one `__consumer_offsets` partition.
//!
//! The classic protocol of consumers, Connect workers and schema registries in full: join barrier,
//! leader-made assignments, static members (KIP-345), known member ids (KIP-394), skipped
//! assignments (KIP-814), offset expiry (KIP-211). Behaviour and error codes are those of Kafka's
//! `GroupMetadataManager`, `ClassicGroup` and `OffsetMetadataManager`.
//!
//! Membership and offsets are two types, so that offsets may be kept elsewhere:
//! [`Membership::validate_commit`] stands alone.
//!
//! What is durable: a group as it was when its leader's assignment arrived, when a static member
//! was replaced, or when it became empty; and offsets. Everything else (who waits, sessions,
//! member ids given out) is soft: members join again after it is lost.

mod classic;
mod command;
mod commit;
mod event;
mod join;
mod membership;
mod offsets;
mod record;
mod session;
mod sync;
mod timers;

pub use classic::GroupState;
pub use command::{
    Command, CommitIdentity, CommitOffsets, DeleteOffsets, DeleteOffsetsReply, DescribedGroup,
    DescribedMember, Heartbeat, JoinGroup, JoinGroupReply, JoinedMember, LeaveGroup,
    LeaveGroupReply, LeavingMember, LeftMember, ListGroups, ListedGroup, OffsetAndMetadata,
    OffsetToCommit, Reply, SyncGroup, SyncGroupReply,
};
pub use commit::ExpirationRule;
pub use event::{Cause, Departure, Event, EventMember};
pub use membership::Membership;
pub use offsets::Offsets;
pub use record::{GroupMetadata, MemberMetadata, Record};

use crate::machine::{Machine, Now, Outcome, ReplyTo};
use tidegate_model::{ErrorCode, TopicId};

/// Records that a step writes at most which removes offsets; the rest follows a moment later.
const REMOVED_PER_STEP_MAX: usize = 5_000;

/// The coordinator's settings, under Kafka's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `group.min.session.timeout.ms`. Default 6000.
    pub group_min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`. Default 1800000.
    pub group_max_session_timeout_ms: i32,
    /// `group.max.size`: members of one group. Default 2147483647.
    pub group_max_size: usize,
    /// `group.initial.rebalance.delay.ms`: how long a new group waits for more members. Kafka's
    /// default is 3000; 0 lets a lone consumer start at once and costs a rebalance per late one.
    pub group_initial_rebalance_delay_ms: i32,
    /// How long a member that never got an answer keeps its place. Kafka's constant: 300000.
    pub new_member_join_timeout_ms: i32,
    /// `offset.metadata.max.bytes`. Default 4096.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`, in milliseconds. Default 604800000: seven days.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`. Default 600000.
    pub offsets_retention_check_interval_ms: i64,
    /// Offsets are not in this log: an empty group stays for `offsets_retention_ms`, though nothing is
    /// seen here of what it committed, so that its offsets can be dated from when it became empty.
    /// Default false.
    pub offsets_elsewhere: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            group_min_session_timeout_ms: 6_000,
            group_max_session_timeout_ms: 1_800_000,
            group_max_size: i32::MAX as usize,
            group_initial_rebalance_delay_ms: 0,
            new_member_join_timeout_ms: 300_000,
            offset_metadata_max_bytes: 4_096,
            offsets_retention_ms: 7 * 24 * 60 * 60 * 1_000,
            offsets_retention_check_interval_ms: 600_000,
            offsets_elsewhere: false,
        }
    }
}

/// The outcome of the coordinator's steps.
pub(crate) type GroupOutcome = Outcome<Record, Reply, Event>;

/// The coordinator of all groups of one `__consumer_offsets` partition.
#[derive(Debug, Clone)]
pub struct GroupMachine {
    settings: Settings,
    membership: Membership,
    offsets: Offsets,
}

impl GroupMachine {
    /// A coordinator without groups.
    pub fn new(settings: Settings) -> Self {
        let membership = Membership::new(settings.clone());
        GroupMachine { settings, membership, offsets: Offsets::default() }
    }

    /// The groups and their members.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Like [`GroupMachine::membership`], to check a commit whose offsets are kept elsewhere.
    pub fn membership_mut(&mut self) -> &mut Membership {
        &mut self.membership
    }

    /// The committed offsets.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// The offset that `group_id` committed for the partition (OffsetFetch).
    pub fn committed(
        &self,
        group_id: &str,
        topic: &str,
        partition: i32,
    ) -> Option<&OffsetAndMetadata> {
        self.offsets.committed(group_id, topic, partition)
    }

    /// All that `group_id` committed, in order of topic and partition (OffsetFetch of all topics).
    pub fn all(&self, group_id: &str) -> impl Iterator<Item = (&str, i32, &OffsetAndMetadata)> {
        self.offsets.all(group_id)
    }

    fn commit(
        &mut self,
        now: Now,
        request: CommitOffsets,
        out: &mut GroupOutcome,
    ) -> Vec<ErrorCode> {
        if let Err(error) = self.membership.validate_commit(now, &request.identity) {
            return vec![error; request.offsets.len()];
        }
        let expire_timestamp = request.expire_timestamp(now.wall_ms);
        let mut errors = Vec::with_capacity(request.offsets.len());
        out.records.reserve(request.offsets.len());
        for offset in request.offsets {
            if offset.is_metadata_over(self.settings.offset_metadata_max_bytes) {
                errors.push(ErrorCode::OffsetMetadataTooLarge);
                continue;
            }
            errors.push(ErrorCode::None);
            let group_id = request.identity.group_id.clone();
            let (topic, partition, value) = offset.kept(now.wall_ms, expire_timestamp);
            out.records.push(Record::OffsetCommit { group_id, topic, partition, value });
        }
        errors
    }

    fn delete_offsets(
        &mut self,
        request: &DeleteOffsets,
        out: &mut GroupOutcome,
    ) -> DeleteOffsetsReply {
        let subscribed = match self.membership.validate_offset_delete(&request.group_id) {
            Ok(subscribed) => subscribed,
            Err(error) => return DeleteOffsetsReply { error, partitions: Vec::new() },
        };
        let mut partitions = Vec::with_capacity(request.partitions.len());
        for (topic, partition) in &request.partitions {
            if subscribed.contains(topic) {
                partitions.push(ErrorCode::GroupSubscribedToTopic);
                continue;
            }
            partitions.push(ErrorCode::None);
            if self.offsets.committed(&request.group_id, topic, *partition).is_some() {
                out.records.push(Record::OffsetTombstone {
                    group_id: request.group_id.clone(),
                    topic: topic.clone(),
                    partition: *partition,
                });
            }
        }
        DeleteOffsetsReply { error: ErrorCode::None, partitions }
    }

    fn delete_group(&self, group_id: &str, out: &mut GroupOutcome) -> ErrorCode {
        if let Err(error) = self.membership.validate_delete(group_id) {
            return error;
        }
        out.records.extend(self.offsets.tombstones(group_id, |_, _, _| true));
        out.records.push(Record::GroupTombstone { group_id: group_id.to_owned() });
        out.events.push(Event::Dead { group_id: group_id.into(), deleted: true });
        ErrorCode::None
    }

    fn topics_deleted(&self, topics: &[(String, TopicId)], out: &mut GroupOutcome) -> Reply {
        let gone = self.offsets.group_ids().flat_map(|group_id| {
            topics.iter().flat_map(move |(topic, id)| {
                let of_topic = self.offsets.of_topic(group_id, topic);
                // Offsets from before ids were recorded go by their name.
                of_topic
                    .filter(|(_, value)| value.topic_id == *id || value.topic_id == TopicId::ZERO)
                    .map(move |(partition, _)| Record::OffsetTombstone {
                        group_id: group_id.to_owned(),
                        topic: topic.clone(),
                        partition,
                    })
            })
        });
        out.records.extend(gone.take(REMOVED_PER_STEP_MAX));
        let removed = out.records.len();
        Reply::TopicsDeleted { removed, more: removed == REMOVED_PER_STEP_MAX }
    }

    /// Tombstones for expired offsets and for empty groups that have none left (KIP-211).
    fn expire(&mut self, now: Now, out: &mut GroupOutcome) {
        let retention_ms = self.settings.offsets_retention_ms;
        let mut next_ms = self.settings.offsets_retention_check_interval_ms;
        for (group_id, rule) in self.membership.expiration_rules() {
            if out.records.len() >= REMOVED_PER_STEP_MAX {
                next_ms = 1;
                break;
            }
            let tombstones = self.offsets.tombstones(group_id, |topic, _, value| {
                rule.is_expired(topic, value, now.wall_ms, retention_ms)
            });
            let left = self.offsets.all(group_id).count() - tombstones.len();
            if !tombstones.is_empty() {
                let (group_id, offsets) = (group_id.into(), tombstones.len());
                out.events.push(Event::OffsetsExpired { group_id, offsets });
            }
            out.records.extend(tombstones);
            let has_none =
                !self.settings.offsets_elsewhere || rule.is_past(now.wall_ms, retention_ms);
            if left == 0 && rule.group_is_unused() && has_none {
                out.records.push(Record::GroupTombstone { group_id: group_id.to_owned() });
                out.events.push(Event::Dead { group_id: group_id.into(), deleted: false });
            }
        }
        self.membership.schedule_expiration(now, next_ms);
    }
}

impl Machine for GroupMachine {
    type Command = Command;
    type Record = Record;
    type Reply = Reply;
    type Event = Event;

    fn step(&mut self, now: Now, reply_to: ReplyTo, command: Command) -> GroupOutcome {
        let mut out = GroupOutcome::default();
        let reply = match command {
            Command::JoinGroup(request) => {
                self.membership.join(now, reply_to, request, &mut out);
                None
            }
            Command::SyncGroup(request) => {
                self.membership.sync(now, reply_to, request, &mut out);
                None
            }
            Command::Heartbeat(request) => {
                Some(Reply::Heartbeat(self.membership.heartbeat(now, &request)))
            }
            Command::LeaveGroup(request) => {
                Some(Reply::LeaveGroup(self.membership.leave(now, request, &mut out)))
            }
            Command::CommitOffsets(request) => {
                Some(Reply::CommitOffsets(self.commit(now, request, &mut out)))
            }
            Command::DeleteOffsets(request) => {
                Some(Reply::DeleteOffsets(self.delete_offsets(&request, &mut out)))
            }
            Command::DescribeGroup { group_id } => {
                Some(Reply::DescribeGroup(self.membership.describe(&group_id)))
            }
            Command::ListGroups(filter) => Some(Reply::ListGroups(self.membership.list(&filter))),
            Command::DeleteGroup { group_id } => {
                Some(Reply::DeleteGroup(self.delete_group(&group_id, &mut out)))
            }
            Command::KeepGroup { group_id } => {
                self.membership.keep(now, group_id, &mut out);
                Some(Reply::Done)
            }
            Command::DropGroup { group_id } => {
                if self.membership.expiration_rule(&group_id).goes_with_its_offsets()
                    && self.membership.state(&group_id).is_some()
                {
                    out.records.push(Record::GroupTombstone { group_id });
                }
                Some(Reply::Done)
            }
            Command::TopicsDeleted { topics } => Some(self.topics_deleted(&topics, &mut out)),
        };
        out.replies.extend(reply.map(|reply| (reply_to, reply)));
        out.wake_at = self.membership.wake_at();
        out
    }

    fn replay(&mut self, _now: Now, record: &Record) {
        self.offsets.replay(record);
        self.membership.replay(record);
    }

    fn loaded(&mut self, now: Now) {
        self.membership.loaded(now);
    }

    fn on_timeout(&mut self, now: Now) -> GroupOutcome {
        let mut out = GroupOutcome::default();
        if self.membership.on_timeout(now, &mut out) {
            self.expire(now, &mut out);
        }
        out.wake_at = self.membership.wake_at();
        out
    }
}

#[cfg(test)]
mod tests;
