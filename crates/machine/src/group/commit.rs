//! Who may commit, what may be deleted, and when offsets expire.

use super::classic::{CONSUMER, Group, GroupState};
use super::{CommitIdentity, OffsetAndMetadata};
use crate::codec::Reader;
use std::collections::BTreeSet;
use tidegate_model::{ErrorCode, TimestampMs};

impl Group {
    /// Kafka's `ClassicGroup.validateOffsetCommit` without transactions.
    pub(super) fn validate_commit(&self, identity: &CommitIdentity) -> Result<(), ErrorCode> {
        if identity.generation_id < 0 && self.state == GroupState::Empty {
            return Ok(());
        }
        let names_member = identity.generation_id >= 0
            || !identity.member_id.is_empty()
            || identity.group_instance_id.is_some();
        if !names_member {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.validate_member(&identity.member_id, identity.group_instance_id.as_deref())?;
        if identity.generation_id != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        // While PreparingRebalance a commit is welcome: members commit before they give up their
        // partitions. While CompletingRebalance the member holds no partitions to commit for.
        match self.state {
            GroupState::CompletingRebalance => Err(ErrorCode::RebalanceInProgress),
            GroupState::Empty | GroupState::PreparingRebalance | GroupState::Stable => Ok(()),
        }
    }

    /// The topics whose offsets may not be deleted because members subscribe to them.
    pub(super) fn validate_offset_delete(&self) -> Result<SubscribedTopics, ErrorCode> {
        if self.state == GroupState::Empty {
            return Ok(SubscribedTopics::These(BTreeSet::new()));
        }
        if self.protocol_type.as_deref() != Some(CONSUMER) {
            return Err(ErrorCode::NonEmptyGroup);
        }
        Ok(self.subscribed_topics().map_or(SubscribedTopics::All, SubscribedTopics::These))
    }

    pub(super) fn expiration_rule(&self) -> ExpirationRule {
        let unused = self.state == GroupState::Empty && self.pending_join.is_empty();
        let since = match (&self.protocol_type, self.state) {
            (Some(_), GroupState::Empty) if self.state_timestamp >= 0 => {
                Since::Time(self.state_timestamp)
            }
            (None, _) | (Some(_), GroupState::Empty) => Since::Commit,
            (Some(_), GroupState::Stable) => match self.subscribed_topics() {
                Some(topics) => Since::CommitUnless(topics),
                None => Since::Never,
            },
            (Some(_), _) => Since::Never,
        };
        ExpirationRule { since, unused }
    }
}

/// Topics that members of a group read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SubscribedTopics {
    /// Their metadata cannot be read: any topic may be among them.
    All,
    /// Just these.
    These(BTreeSet<String>),
}

impl SubscribedTopics {
    pub(super) fn contains(&self, topic: &str) -> bool {
        match self {
            SubscribedTopics::All => true,
            SubscribedTopics::These(topics) => topics.contains(topic),
        }
    }
}

/// From when on the retention of a group's offsets counts (KIP-211).
#[derive(Debug, Clone)]
enum Since {
    /// The group became empty then.
    Time(TimestampMs),
    /// Each offset's own commit: the group only keeps offsets.
    Commit,
    /// Each offset's own commit, except of topics that members still read.
    CommitUnless(BTreeSet<String>),
    /// Members are there and it is not known what they read.
    Never,
}

/// Decides which offsets of one group have expired.
#[derive(Debug, Clone)]
pub struct ExpirationRule {
    since: Since,
    unused: bool,
}

impl ExpirationRule {
    /// The rule for offsets without a group: by their own commit.
    pub(super) fn without_group() -> Self {
        ExpirationRule { since: Since::Commit, unused: true }
    }

    /// True if the group may go once its offsets are gone.
    pub(super) fn group_is_unused(&self) -> bool {
        self.unused
    }

    /// True if the retention of all that the group committed has passed, whatever that was.
    pub(super) fn is_past(&self, now: TimestampMs, retention_ms: i64) -> bool {
        match self.since {
            Since::Time(at) => now.saturating_sub(at) >= retention_ms,
            // Whoever keeps the offsets sees when the last is gone.
            Since::Commit | Since::CommitUnless(_) | Since::Never => false,
        }
    }

    /// True for a group that is there only because it has offsets: with the last of them it goes.
    pub fn goes_with_its_offsets(&self) -> bool {
        self.unused && matches!(self.since, Since::Commit)
    }

    /// True if nothing of the group can have expired.
    pub fn keeps_all(&self) -> bool {
        matches!(self.since, Since::Never)
    }

    /// True if the group's offset for a partition of `topic` has expired. Times are those of the
    /// system's clock.
    pub fn is_expired(
        &self,
        topic: &str,
        value: &OffsetAndMetadata,
        now: TimestampMs,
        retention_ms: i64,
    ) -> bool {
        let since = match &self.since {
            Since::Time(at) => *at,
            Since::Commit => value.commit_timestamp,
            Since::CommitUnless(topics) if topics.contains(topic) => return false,
            Since::CommitUnless(_) => value.commit_timestamp,
            Since::Never => return false,
        };
        if value.expire_timestamp >= 0 {
            return now >= value.expire_timestamp;
        }
        now.saturating_sub(since) >= retention_ms
    }
}

/// The topics in a consumer's subscription. All versions begin like version 0: version i16, then
/// the topics as an array of strings (`ConsumerProtocolSubscription.json`).
pub(super) fn subscribed_topics(metadata: &[u8]) -> Option<BTreeSet<String>> {
    let mut reader = Reader::new(metadata);
    if reader.i16().ok()? < 0 {
        return None;
    }
    let count = reader.array_len(2).ok()?;
    (0..count).map(|_| reader.string(false).ok()).collect()
}
