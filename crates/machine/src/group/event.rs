//! What happens to groups, for people who look for a cause: logs and figures are made of these.

use super::classic::Member;
use std::sync::Arc;

/// One thing that happened. Nothing is decided by it, and nothing of it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A member came into the group; its first answer follows with the next generation.
    Joined {
        /// The group.
        group_id: Arc<str>,
        /// The member.
        member: EventMember,
    },
    /// A member is not in the group any more.
    Left {
        /// The group.
        group_id: Arc<str>,
        /// The member.
        member: EventMember,
        /// Why it is not.
        departure: Departure,
        /// What the client said of it (KIP-800); empty if nothing.
        reason: String,
    },
    /// All members are called to join again.
    Rebalance {
        /// The group.
        group_id: Arc<str>,
        /// The generation that ends.
        generation_id: i32,
        /// Members before.
        members: usize,
        /// What set it off.
        cause: Cause,
        /// The member that did; empty if none.
        member_id: Arc<str>,
        /// What the client said of it (KIP-800); empty if nothing.
        reason: String,
    },
    /// The leader's assignment has come.
    Stable {
        /// The group.
        group_id: Arc<str>,
        /// Its generation.
        generation_id: i32,
        /// Who assigned.
        leader: Arc<str>,
        /// The protocol that the members agreed on.
        protocol: String,
        /// Its members.
        members: usize,
    },
    /// The last member is gone; offsets stay.
    Empty {
        /// The group.
        group_id: Arc<str>,
        /// Its generation.
        generation_id: i32,
    },
    /// Offsets were not used for so long that they are forgotten (KIP-211).
    OffsetsExpired {
        /// The group.
        group_id: Arc<str>,
        /// Offsets that are gone.
        offsets: usize,
    },
    /// The group is forgotten, and its offsets with it.
    Dead {
        /// The group.
        group_id: Arc<str>,
        /// True if somebody asked for it, false if its last offset expired.
        deleted: bool,
    },
}

/// A member as logs name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMember {
    /// Its id.
    pub member_id: Arc<str>,
    /// `group.instance.id`; empty unless the member is static.
    pub group_instance_id: String,
    /// The client's name for itself.
    pub client_id: String,
    /// Where it is.
    pub client_host: String,
}

impl EventMember {
    pub(super) fn new(member_id: &str, member: &Member) -> Self {
        EventMember {
            member_id: member_id.into(),
            group_instance_id: member.group_instance_id.clone().unwrap_or_default(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
        }
    }
}

/// Why a member is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It said so, or an administrator did (LeaveGroup).
    Left,
    /// It sent no heartbeat for its session timeout.
    SessionExpired,
    /// It did not join again within the rebalance timeout.
    DidNotRejoin,
    /// It did not ask for its assignment within the rebalance timeout.
    DidNotSync,
    /// Another client came with its `group.instance.id`.
    Replaced,
    /// The group is as large as `group.max.size` allows.
    GroupFull,
}

impl Departure {
    /// As logs have it.
    pub fn name(self) -> &'static str {
        match self {
            Departure::Left => "left",
            Departure::SessionExpired => "session_expired",
            Departure::DidNotRejoin => "did_not_rejoin",
            Departure::DidNotSync => "did_not_sync",
            Departure::Replaced => "replaced",
            Departure::GroupFull => "group_full",
        }
    }
}

/// What sets a rebalance off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A new member.
    MemberJoined,
    /// A member joined again: it subscribes to other topics, or the leader saw other partitions.
    MemberRejoined,
    /// A member left by LeaveGroup.
    MemberLeft,
    /// A member's session ran out.
    SessionExpired,
    /// A member did not ask for its assignment in time.
    DidNotSync,
    /// A static member came back, with another subscription or in the middle of a rebalance.
    StaticMemberReplaced,
    /// The group is larger than `group.max.size` allows by now.
    GroupTooLarge,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Cause; 7] = [
        Cause::MemberJoined,
        Cause::MemberRejoined,
        Cause::MemberLeft,
        Cause::SessionExpired,
        Cause::DidNotSync,
        Cause::StaticMemberReplaced,
        Cause::GroupTooLarge,
    ];

    /// As logs and metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            Cause::MemberJoined => "member_joined",
            Cause::MemberRejoined => "member_rejoined",
            Cause::MemberLeft => "member_left",
            Cause::SessionExpired => "session_expired",
            Cause::DidNotSync => "did_not_sync",
            Cause::StaticMemberReplaced => "static_member_replaced",
            Cause::GroupTooLarge => "group_too_large",
        }
    }
}

/// Who set a rebalance off, and how.
#[derive(Debug, Clone)]
pub(super) struct Trigger {
    pub(super) cause: Cause,
    pub(super) member_id: Arc<str>,
    pub(super) reason: String,
}

impl Trigger {
    pub(super) fn new(cause: Cause, member_id: &str, reason: &str) -> Self {
        Trigger { cause, member_id: member_id.into(), reason: reason.to_owned() }
    }
}
