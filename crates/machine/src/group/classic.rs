//! One group of the classic protocol: its members, who waits for what, and how it votes.

use super::{
    Departure, Event, EventMember, GroupMetadata, GroupOutcome, JoinGroupReply, JoinedMember,
    MemberMetadata, Record, Reply, Settings, SyncGroupReply,
};
use crate::group::timers::{TimerKey, Timers};
use crate::machine::{Now, ReplyTo};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidegate_model::{ErrorCode, TimestampMs};

/// The protocol type of consumers; only its metadata is ever looked into, for topic names.
pub(super) const CONSUMER: &str = "consumer";

/// The states of a classic group. (`Dead` is the absence of the group.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupState {
    /// No members; perhaps offsets.
    Empty,
    /// Members are called to join again; the join barrier is up.
    PreparingRebalance,
    /// All members joined; the leader's assignment is awaited.
    CompletingRebalance,
    /// Every member may have its assignment.
    Stable,
}

impl GroupState {
    /// The name that DescribeGroups and ListGroups show.
    pub fn name(self) -> &'static str {
        match self {
            GroupState::Empty => "Empty",
            GroupState::PreparingRebalance => "PreparingRebalance",
            GroupState::CompletingRebalance => "CompletingRebalance",
            GroupState::Stable => "Stable",
        }
    }
}

/// What a group needs besides itself to act.
pub(super) struct Context<'a> {
    pub(super) now: Now,
    pub(super) settings: &'a Settings,
    pub(super) timers: &'a mut Timers,
    pub(super) out: &'a mut GroupOutcome,
}

impl Context<'_> {
    /// A deadline from now. Never now itself, so that a timeout of 0 cannot spin.
    pub(super) fn schedule(&mut self, key: TimerKey, after_ms: i32) {
        let at = self.now.steady_ms.saturating_add(i64::from(after_ms.max(1)));
        self.timers.schedule(key, at);
    }

    pub(super) fn reply_join(&mut self, reply_to: ReplyTo, reply: JoinGroupReply) {
        self.out.replies.push((reply_to, Reply::JoinGroup(reply)));
    }

    pub(super) fn reply_sync(&mut self, reply_to: ReplyTo, reply: SyncGroupReply) {
        self.out.replies.push((reply_to, Reply::SyncGroup(reply)));
    }
}

/// One member.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) group_instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) session_timeout_ms: i32,
    pub(super) rebalance_timeout_ms: i32,
    /// Best first; no name twice.
    pub(super) protocols: Vec<(String, Bytes)>,
    pub(super) assignment: Bytes,
    pub(super) awaiting_join: Option<ReplyTo>,
    pub(super) awaiting_sync: Option<ReplyTo>,
    /// True until it was told its id by the reply to its first join.
    pub(super) is_new: bool,
}

impl Member {
    pub(super) fn metadata(&self, protocol: Option<&str>) -> Bytes {
        self.protocols
            .iter()
            .find(|(name, _)| Some(name.as_str()) == protocol)
            .map_or_else(Bytes::new, |(_, metadata)| metadata.clone())
    }

    /// The best of the candidates in this member's opinion.
    fn vote<'a>(&'a self, candidates: &BTreeSet<&str>) -> Option<&'a str> {
        self.protocols.iter().map(|(name, _)| name.as_str()).find(|name| candidates.contains(name))
    }
}

/// How the wait of a new group for more members goes on (`group.initial.rebalance.delay.ms`).
#[derive(Debug, Clone, Copy)]
pub(super) struct InitialDelay {
    pub(super) delay_ms: i32,
    pub(super) remaining_ms: i32,
}

/// One group. Fields change only through the methods here and in the files of its protocol steps.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) id: Arc<str>,
    pub(super) state: GroupState,
    pub(super) previous_state: GroupState,
    /// When it came into its state, on the system's clock; -1 if not known.
    pub(super) state_timestamp: TimestampMs,
    pub(super) protocol_type: Option<String>,
    pub(super) protocol: Option<String>,
    pub(super) generation: i32,
    pub(super) leader: Option<Arc<str>>,
    pub(super) members: BTreeMap<Arc<str>, Member>,
    /// Instance id to member id.
    pub(super) static_members: BTreeMap<String, Arc<str>>,
    /// Member ids that were given out and have not joined (KIP-394).
    pub(super) pending_join: BTreeSet<Arc<str>>,
    /// Members that have not asked for the assignment of this generation.
    pub(super) pending_sync: BTreeSet<Arc<str>>,
    pub(super) new_member_added: bool,
    pub(super) initial_delay: Option<InitialDelay>,
    /// True once the log knows the group, by a record of its own or by an offset.
    pub(super) recorded: bool,
    /// Number of members whose JoinGroup waits; kept so that the barrier costs no walk.
    pub(super) awaiting_join: usize,
    /// How many members speak each protocol.
    supported: BTreeMap<String, usize>,
}

impl Group {
    pub(super) fn new(id: Arc<str>) -> Self {
        Group {
            id,
            state: GroupState::Empty,
            previous_state: GroupState::Empty,
            state_timestamp: -1,
            protocol_type: None,
            protocol: None,
            generation: 0,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_join: BTreeSet::new(),
            pending_sync: BTreeSet::new(),
            new_member_added: false,
            initial_delay: None,
            recorded: false,
            awaiting_join: 0,
            supported: BTreeMap::new(),
        }
    }

    /// The group that a record describes: `Stable` if it has members, else `Empty`.
    pub(super) fn from_record(id: Arc<str>, value: &GroupMetadata) -> Self {
        let mut group = Group::new(id);
        group.state = match value.members.is_empty() {
            true => GroupState::Empty,
            false => GroupState::Stable,
        };
        group.previous_state = group.state;
        group.state_timestamp = value.current_state_timestamp;
        group.protocol_type = Some(value.protocol_type.clone()).filter(|name| !name.is_empty());
        group.protocol = value.protocol.clone();
        group.generation = value.generation;
        group.recorded = true;
        for member in &value.members {
            let id: Arc<str> = member.member_id.as_str().into();
            let protocol = value.protocol.clone().unwrap_or_default();
            let rebalance_timeout_ms = match member.rebalance_timeout_ms {
                -1 => member.session_timeout_ms,
                timeout => timeout,
            };
            group.add(
                id,
                Member {
                    group_instance_id: member.group_instance_id.clone(),
                    client_id: member.client_id.clone(),
                    client_host: member.client_host.clone(),
                    session_timeout_ms: member.session_timeout_ms,
                    rebalance_timeout_ms,
                    protocols: vec![(protocol, member.subscription.clone())],
                    assignment: member.assignment.clone(),
                    awaiting_join: None,
                    awaiting_sync: None,
                    is_new: false,
                },
            );
        }
        // A record names its leader; one that does not gets the first member as `add` chose it.
        if let Some(leader) = value.leader.as_deref()
            && let Some((id, _)) = group.members.get_key_value(leader)
        {
            group.leader = Some(id.clone());
        }
        group
    }

    /// The group as its record says it: what recovery finds if nothing is written after it.
    pub(super) fn to_record(&self) -> GroupMetadata {
        let protocol = self.protocol.as_deref();
        let member = |(id, member): (&Arc<str>, &Member)| MemberMetadata {
            member_id: id.to_string(),
            group_instance_id: member.group_instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            session_timeout_ms: member.session_timeout_ms,
            subscription: member.metadata(protocol),
            assignment: member.assignment.clone(),
        };
        GroupMetadata {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.as_deref().map(str::to_owned),
            current_state_timestamp: self.state_timestamp,
            members: self.members.iter().map(member).collect(),
        }
    }

    pub(super) fn push_record(&self, out: &mut GroupOutcome) {
        let group_id = self.id.to_string();
        out.records.push(Record::GroupMetadata { group_id, value: self.to_record() });
    }

    pub(super) fn transition(&mut self, state: GroupState, now: Now) {
        self.previous_state = self.state;
        self.state = state;
        self.state_timestamp = now.wall_ms;
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    pub(super) fn leader_or_empty(&self) -> String {
        self.leader.as_deref().unwrap_or_default().to_owned()
    }

    /// True if nothing would be lost by forgetting the group: nobody joined, nothing is recorded.
    pub(super) fn is_unused(&self) -> bool {
        !self.recorded
            && self.state == GroupState::Empty
            && self.generation == 0
            && self.pending_join.is_empty()
    }

    /// UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID if another member took over the instance id.
    pub(super) fn validate_member(
        &self,
        member_id: &str,
        group_instance_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance_id) = group_instance_id {
            match self.static_members.get(instance_id) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(current) if **current != *member_id => {
                    return Err(ErrorCode::FencedInstanceId);
                }
                Some(_) => {}
            }
        }
        match self.members.contains_key(member_id) {
            true => Ok(()),
            false => Err(ErrorCode::UnknownMemberId),
        }
    }

    pub(super) fn has_all_members_joined(&self) -> bool {
        self.members.len() == self.awaiting_join && self.pending_join.is_empty()
    }

    /// The longest rebalance timeout of any member.
    pub(super) fn rebalance_timeout_ms(&self) -> i32 {
        self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0)
    }

    pub(super) fn add(&mut self, id: Arc<str>, member: Member) {
        if let Some(instance_id) = &member.group_instance_id {
            self.static_members.insert(instance_id.clone(), id.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(id.clone());
        }
        self.pending_join.remove(&id);
        self.awaiting_join += usize::from(member.awaiting_join.is_some());
        self.count_protocols(&member.protocols, 1);
        let before = self.members.insert(id, member);
        assert!(before.is_none(), "a member is added once");
    }

    /// Removes a member, or a member id that was given out. Its callers see to who waits.
    pub(super) fn remove(&mut self, member_id: &str) -> Option<Member> {
        self.pending_join.remove(member_id);
        self.pending_sync.remove(member_id);
        let member = self.members.remove(member_id)?;
        self.count_protocols(&member.protocols, -1);
        self.awaiting_join -= usize::from(member.awaiting_join.is_some());
        if let Some(instance_id) = &member.group_instance_id
            && self.static_members.get(instance_id).is_some_and(|id| **id == *member_id)
        {
            self.static_members.remove(instance_id);
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// Sets or clears whom a member's JoinGroup answers, and returns who waited before.
    pub(super) fn set_awaiting_join(
        &mut self,
        member_id: &str,
        reply_to: Option<ReplyTo>,
    ) -> Option<ReplyTo> {
        let member = self.members.get_mut(member_id)?;
        let before = std::mem::replace(&mut member.awaiting_join, reply_to);
        self.awaiting_join += usize::from(reply_to.is_some());
        self.awaiting_join -= usize::from(before.is_some());
        before
    }

    pub(super) fn set_protocols(&mut self, member_id: &str, protocols: Vec<(String, Bytes)>) {
        let Some(member) = self.members.get_mut(member_id) else { return };
        let before = std::mem::replace(&mut member.protocols, protocols.clone());
        self.count_protocols(&before, -1);
        self.count_protocols(&protocols, 1);
    }

    fn count_protocols(&mut self, protocols: &[(String, Bytes)], by: isize) {
        for (name, _) in protocols {
            let count = self.supported.entry(name.clone()).or_default();
            *count = count.checked_add_signed(by).expect("a protocol is uncounted once per count");
            if *count == 0 {
                self.supported.remove(name);
            }
        }
    }

    /// True if the joining member speaks a protocol that all present members speak.
    pub(super) fn supports(&self, protocol_type: &str, protocols: &[(String, Bytes)]) -> bool {
        if self.state == GroupState::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|(name, _)| {
                self.supported.get(name).copied().unwrap_or(0) == self.members.len()
            })
    }

    /// The protocol with the most votes among those that all members speak; of equals the first by
    /// name. `None` without members.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let candidates: BTreeSet<&str> = self
            .supported
            .iter()
            .filter(|(_, count)| **count == self.members.len())
            .map(|(name, _)| name.as_str())
            .collect();
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.members.values().filter_map(|member| member.vote(&candidates)) {
            *votes.entry(name).or_default() += 1;
        }
        let most = votes.values().copied().max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.to_owned())
    }

    /// All members with their metadata, as the leader gets them.
    pub(super) fn joined_members(&self) -> Vec<JoinedMember> {
        let joined = |(id, member): (&Arc<str>, &Member)| JoinedMember {
            member_id: id.to_string(),
            group_instance_id: member.group_instance_id.clone(),
            metadata: member.metadata(self.protocol.as_deref()),
        };
        self.members.iter().map(joined).collect()
    }

    /// Removes a member that left, failed or was evicted, and tells whoever still waits for it.
    pub(super) fn dismiss(
        &mut self,
        cx: &mut Context<'_>,
        member_id: &str,
        departure: Departure,
        reason: &str,
    ) {
        cx.timers.cancel(&TimerKey::Session(self.id.clone(), member_id.into()));
        let Some(member) = self.remove(member_id) else { return };
        cx.out.events.push(Event::Left {
            group_id: self.id.clone(),
            member: EventMember::new(member_id, &member),
            departure,
            reason: reason.to_owned(),
        });
        if let Some(reply_to) = member.awaiting_join {
            // Without an id, so that a client that is still there joins as a new member.
            let reply = JoinGroupReply::failed(ErrorCode::UnknownMemberId, "");
            cx.reply_join(reply_to, reply);
        }
        if let Some(reply_to) = member.awaiting_sync {
            cx.reply_sync(reply_to, SyncGroupReply::failed(ErrorCode::UnknownMemberId));
        }
    }

    /// Restarts a member's session.
    pub(super) fn restart_session(&self, cx: &mut Context<'_>, member_id: &str) {
        if let Some((id, member)) = self.members.get_key_value(member_id) {
            let key = TimerKey::Session(self.id.clone(), id.clone());
            cx.schedule(key, member.session_timeout_ms);
        }
    }

    /// The topics that the members subscribe to, or `None` if their metadata does not say.
    pub(super) fn subscribed_topics(&self) -> Option<BTreeSet<String>> {
        if self.protocol_type.as_deref() != Some(CONSUMER) {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_deref()?;
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            topics.extend(super::commit::subscribed_topics(&member.metadata(Some(protocol)))?);
        }
        Some(topics)
    }
}
