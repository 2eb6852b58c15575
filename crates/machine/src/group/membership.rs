//! All groups of one partition: finds the group of a request, keeps time, replays records.

use super::classic::{Context, Group, GroupState};
use super::commit::{ExpirationRule, SubscribedTopics};
use super::event::{Cause, Trigger};
use super::timers::{TimerKey, Timers};
use super::{
    CommitIdentity, DescribedGroup, DescribedMember, GroupMetadata, GroupOutcome, Heartbeat,
    JoinGroup, JoinGroupReply, LeaveGroup, LeaveGroupReply, LeftMember, ListGroups, ListedGroup,
    Record, Settings, SyncGroup, SyncGroupReply,
};
use crate::machine::{Now, ReplyTo};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_model::{ErrorCode, TimestampMs};

const CLASSIC: &str = "classic";

/// Records hold group ids under a 15-bit length.
const GROUP_ID_LEN_MAX: usize = i16::MAX as usize;

/// The groups of one `__consumer_offsets` partition and their members.
#[derive(Debug, Clone)]
pub struct Membership {
    settings: Settings,
    groups: BTreeMap<Arc<str>, Group>,
    timers: Timers,
}

impl Membership {
    /// No groups.
    pub fn new(settings: Settings) -> Self {
        Membership { settings, groups: BTreeMap::new(), timers: Timers::default() }
    }

    /// The state of a group, `None` if there is no such group.
    pub fn state(&self, group_id: &str) -> Option<GroupState> {
        self.groups.get(group_id).map(|group| group.state)
    }

    /// The group as a record would have it now: what survives if nothing else is written.
    pub fn snapshot(&self, group_id: &str) -> Option<GroupMetadata> {
        self.groups.get(group_id).map(Group::to_record)
    }

    /// The groups in order of id.
    pub fn group_ids(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(|id| &**id)
    }

    /// The groups of a protocol type that have members, in order of id.
    pub fn groups_of_type(&self, protocol_type: &str) -> impl Iterator<Item = &str> {
        let groups = self.groups.iter().filter(move |(_, group)| {
            group.protocol_type.as_deref() == Some(protocol_type) && !group.members.is_empty()
        });
        groups.map(|(id, _)| &**id)
    }

    /// What each member of a group says of itself, by the protocol it likes best; nothing for a group of
    /// another protocol type.
    pub fn metadata_of(&self, group_id: &str, protocol_type: &str) -> Vec<Bytes> {
        let group = self.groups.get(group_id);
        let group = group.filter(|group| group.protocol_type.as_deref() == Some(protocol_type));
        let members = group.into_iter().flat_map(|group| group.members.values());
        members.filter_map(|member| Some(member.protocols.first()?.1.clone())).collect()
    }

    /// Checks who commits, and restarts its session as Kafka does.
    ///
    /// A consumer without group management (generation -1, no member id) may commit while the
    /// group is empty or does not exist. Fails with UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID,
    /// ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS or GROUP_ID_NOT_FOUND.
    pub fn validate_commit(
        &mut self,
        now: Now,
        identity: &CommitIdentity,
    ) -> Result<(), ErrorCode> {
        if identity.group_id.len() > GROUP_ID_LEN_MAX {
            return Err(ErrorCode::InvalidGroupId);
        }
        let Some(group) = self.groups.get(&*identity.group_id) else {
            return match identity.generation_id {
                generation_id if generation_id < 0 => Ok(()),
                _ if identity.knows_group_id_not_found => Err(ErrorCode::GroupIdNotFound),
                _ => Err(ErrorCode::IllegalGeneration),
            };
        };
        group.validate_commit(identity)?;
        let mut out = GroupOutcome::default();
        let settings = &self.settings;
        let mut cx = Context { now, settings, timers: &mut self.timers, out: &mut out };
        group.restart_session(&mut cx, &identity.member_id);
        Ok(())
    }

    pub(super) fn join(
        &mut self,
        now: Now,
        reply_to: ReplyTo,
        request: JoinGroup,
        out: &mut GroupOutcome,
    ) {
        let settings = &self.settings;
        let mut cx = Context { now, settings, timers: &mut self.timers, out };
        let timeouts =
            settings.group_min_session_timeout_ms..=settings.group_max_session_timeout_ms;
        let error = if request.group_id.is_empty() || request.group_id.len() > GROUP_ID_LEN_MAX {
            Some(ErrorCode::InvalidGroupId)
        } else if !timeouts.contains(&request.session_timeout_ms) {
            Some(ErrorCode::InvalidSessionTimeout)
        } else if !request.member_id.is_empty() && !self.groups.contains_key(&*request.group_id) {
            Some(ErrorCode::UnknownMemberId)
        } else {
            None
        };
        if let Some(error) = error {
            cx.reply_join(reply_to, JoinGroupReply::failed(error, &request.member_id));
            return;
        }
        let group_id: Arc<str> = request.group_id.as_str().into();
        let group =
            self.groups.entry(group_id.clone()).or_insert_with(|| Group::new(group_id.clone()));
        group.join(&mut cx, reply_to, request);
        if group.is_unused() {
            self.groups.remove(&group_id);
        }
    }

    pub(super) fn sync(
        &mut self,
        now: Now,
        reply_to: ReplyTo,
        request: SyncGroup,
        out: &mut GroupOutcome,
    ) {
        let settings = &self.settings;
        let mut cx = Context { now, settings, timers: &mut self.timers, out };
        // Offsets may have made a group of that id, but nobody is a member of it.
        if request.group_id.is_empty() {
            cx.reply_sync(reply_to, SyncGroupReply::failed(ErrorCode::InvalidGroupId));
            return;
        }
        match self.groups.get_mut(&*request.group_id) {
            Some(group) => group.sync(&mut cx, reply_to, request),
            None => cx.reply_sync(reply_to, SyncGroupReply::failed(ErrorCode::UnknownMemberId)),
        }
    }

    pub(super) fn heartbeat(&mut self, now: Now, request: &Heartbeat) -> ErrorCode {
        if request.group_id.is_empty() {
            return ErrorCode::InvalidGroupId;
        }
        let Some(group) = self.groups.get_mut(&*request.group_id) else {
            return ErrorCode::UnknownMemberId;
        };
        let mut out = GroupOutcome::default();
        let settings = &self.settings;
        let mut cx = Context { now, settings, timers: &mut self.timers, out: &mut out };
        group.heartbeat(&mut cx, request)
    }

    pub(super) fn leave(
        &mut self,
        now: Now,
        request: LeaveGroup,
        out: &mut GroupOutcome,
    ) -> LeaveGroupReply {
        if request.group_id.is_empty() {
            return LeaveGroupReply { error: ErrorCode::InvalidGroupId, members: Vec::new() };
        }
        let settings = &self.settings;
        let mut cx = Context { now, settings, timers: &mut self.timers, out };
        let members = match self.groups.get_mut(&*request.group_id) {
            Some(group) => {
                let members = group.leave(&mut cx, request.members);
                if group.is_unused() {
                    self.groups.remove(&*request.group_id);
                }
                members
            }
            None => {
                let unknown = |member: super::LeavingMember| LeftMember {
                    member_id: member.member_id,
                    group_instance_id: member.group_instance_id,
                    error: ErrorCode::UnknownMemberId,
                };
                request.members.into_iter().map(unknown).collect()
            }
        };
        LeaveGroupReply { error: ErrorCode::None, members }
    }

    /// Makes a group that only keeps offsets, unless there is one of that id.
    pub(super) fn keep(&self, now: Now, group_id: String, out: &mut GroupOutcome) {
        if self.groups.contains_key(&*group_id) {
            return;
        }
        let value = GroupMetadata {
            protocol_type: String::new(),
            generation: 0,
            protocol: None,
            leader: None,
            current_state_timestamp: now.wall_ms,
            members: Vec::new(),
        };
        out.records.push(Record::GroupMetadata { group_id, value });
    }

    pub(super) fn validate_delete(&self, group_id: &str) -> Result<(), ErrorCode> {
        match self.state(group_id) {
            None => Err(ErrorCode::GroupIdNotFound),
            Some(GroupState::Empty) => Ok(()),
            Some(_) => Err(ErrorCode::NonEmptyGroup),
        }
    }

    pub(super) fn validate_offset_delete(
        &self,
        group_id: &str,
    ) -> Result<SubscribedTopics, ErrorCode> {
        self.groups.get(group_id).ok_or(ErrorCode::GroupIdNotFound)?.validate_offset_delete()
    }

    pub(super) fn describe(&self, group_id: &str) -> DescribedGroup {
        let Some(group) = self.groups.get(group_id) else {
            return DescribedGroup {
                error: ErrorCode::GroupIdNotFound,
                group_id: group_id.to_owned(),
                group_state: "Dead",
                protocol_type: String::new(),
                protocol_data: String::new(),
                members: Vec::new(),
            };
        };
        let stable = group.state == GroupState::Stable;
        let protocol = group.protocol.as_deref().filter(|_| stable);
        let members = group.members.iter().map(|(id, member)| DescribedMember {
            member_id: id.to_string(),
            group_instance_id: member.group_instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: protocol.map_or_else(Bytes::new, |name| member.metadata(Some(name))),
            assignment: member.assignment.clone(),
        });
        DescribedGroup {
            error: ErrorCode::None,
            group_id: group_id.to_owned(),
            group_state: group.state.name(),
            protocol_type: group.protocol_type.clone().unwrap_or_default(),
            protocol_data: protocol.unwrap_or_default().to_owned(),
            members: members.collect(),
        }
    }

    pub(super) fn list(&self, filter: &ListGroups) -> Vec<ListedGroup> {
        let passes = |names: &[String], name: &str| {
            names.is_empty() || names.iter().any(|asked| asked.eq_ignore_ascii_case(name))
        };
        if !passes(&filter.types_filter, CLASSIC) {
            return Vec::new();
        }
        // Kafka cuts space off the names of states, not off those of types.
        let states: Vec<String> =
            filter.states_filter.iter().map(|state| state.trim().to_owned()).collect();
        self.groups
            .iter()
            .filter(|(_, group)| passes(&states, group.state.name()))
            .map(|(id, group)| ListedGroup {
                group_id: id.to_string(),
                protocol_type: group.protocol_type.clone().unwrap_or_default(),
                group_state: group.state.name(),
                group_type: CLASSIC,
            })
            .collect()
    }

    /// When offsets of that group expire that are kept elsewhere.
    pub fn expiration_rule(&self, group_id: &str) -> ExpirationRule {
        let group = self.groups.get(group_id);
        group.map_or_else(ExpirationRule::without_group, Group::expiration_rule)
    }

    pub(super) fn expiration_rules(&self) -> impl Iterator<Item = (&str, ExpirationRule)> {
        self.groups.iter().map(|(id, group)| (&**id, group.expiration_rule()))
    }

    pub(super) fn schedule_expiration(&mut self, now: Now, after_ms: i64) {
        self.timers.schedule(TimerKey::Expiration, now.steady_ms.saturating_add(after_ms.max(1)));
    }

    pub(super) fn wake_at(&self) -> Option<TimestampMs> {
        self.timers.wake_at()
    }

    /// Folds one record.
    pub(super) fn replay(&mut self, record: &Record) {
        match record {
            Record::OffsetCommit { group_id, .. } => {
                if !self.groups.contains_key(&**group_id) {
                    let id: Arc<str> = group_id.as_str().into();
                    self.groups.insert(id.clone(), Group::new(id));
                }
                self.groups.get_mut(&**group_id).expect("inserted above").recorded = true;
            }
            Record::GroupMetadata { group_id, value } => self.replay_group(group_id, value),
            Record::GroupTombstone { group_id } => self.forget(group_id),
            Record::OffsetTombstone { .. } | Record::Unknown { .. } => {}
        }
    }

    fn replay_group(&mut self, group_id: &str, value: &GroupMetadata) {
        // Live, the step that wrote the record has made the group what the record says already;
        // it must keep who waits and what was learned of the members' protocols.
        if let Some(group) = self.groups.get_mut(group_id)
            && group.to_record() == *value
        {
            group.recorded = true;
            return;
        }
        self.forget(group_id);
        let id: Arc<str> = group_id.into();
        self.groups.insert(id.clone(), Group::from_record(id, value));
    }

    fn forget(&mut self, group_id: &str) {
        let Some(group) = self.groups.remove(group_id) else { return };
        self.timers.cancel(&TimerKey::Join(group.id.clone()));
        self.timers.cancel(&TimerKey::Sync(group.id.clone()));
        for member_id in group.members.keys().chain(&group.pending_join) {
            self.timers.cancel(&TimerKey::Session(group.id.clone(), member_id.clone()));
        }
    }

    /// Starts the session of every member that recovery found, and the search for expired offsets.
    pub(super) fn loaded(&mut self, now: Now) {
        let mut out = GroupOutcome::default();
        for group in self.groups.values_mut() {
            let settings = &self.settings;
            let mut cx = Context { now, settings, timers: &mut self.timers, out: &mut out };
            let ids: Vec<Arc<str>> = group.members.keys().cloned().collect();
            for member_id in &ids {
                group.restart_session(&mut cx, member_id);
            }
            if group.members.len() > settings.group_max_size {
                group.prepare_rebalance(&mut cx, Trigger::new(Cause::GroupTooLarge, "", ""));
            }
        }
        assert!(out.records.is_empty() && out.replies.is_empty(), "nobody waits after recovery");
        self.schedule_expiration(now, self.settings.offsets_retention_check_interval_ms);
    }

    /// Acts on all deadlines that have come; true if it is time to look for expired offsets.
    pub(super) fn on_timeout(&mut self, now: Now, out: &mut GroupOutcome) -> bool {
        let mut expiration_is_due = false;
        while let Some(key) = self.timers.pop_due(now.steady_ms) {
            let group_id = match &key {
                TimerKey::Join(id) | TimerKey::Sync(id) | TimerKey::Session(id, _) => id.clone(),
                TimerKey::Expiration => {
                    expiration_is_due = true;
                    continue;
                }
            };
            let Some(group) = self.groups.get_mut(&group_id) else { continue };
            let settings = &self.settings;
            let mut cx = Context { now, settings, timers: &mut self.timers, out };
            match key {
                TimerKey::Join(_) => group.join_expired(&mut cx),
                TimerKey::Sync(_) => group.sync_expired(&mut cx),
                TimerKey::Session(_, member_id) => group.session_expired(&mut cx, &member_id),
                TimerKey::Expiration => {}
            }
            if group.is_unused() {
                self.groups.remove(&group_id);
            }
        }
        expiration_is_due
    }
}
