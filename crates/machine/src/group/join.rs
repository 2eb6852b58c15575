//! JoinGroup: known and unknown members, static members, the join barrier.

use super::classic::{Context, Group, GroupState, InitialDelay, Member};
use super::event::{Cause, Departure, Event, EventMember, Trigger};
use super::timers::TimerKey;
use super::{JoinGroup, JoinGroupReply, SyncGroupReply};
use crate::machine::ReplyTo;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use tidegate_model::ErrorCode;

impl Group {
    /// Takes a JoinGroup whose session timeout is within limits.
    pub(super) fn join(&mut self, cx: &mut Context<'_>, reply_to: ReplyTo, mut request: JoinGroup) {
        if request.rebalance_timeout_ms < 0 {
            request.rebalance_timeout_ms = request.session_timeout_ms;
        }
        let mut seen = BTreeSet::new();
        request.protocols.retain(|(name, _)| seen.insert(name.clone()));

        if !self.accepts(cx, &request.member_id) {
            self.dismiss(cx, &request.member_id, Departure::GroupFull, "");
            cx.reply_join(reply_to, JoinGroupReply::failed(ErrorCode::GroupMaxSizeReached, ""));
            self.maybe_complete_join(cx);
        } else if !self.supports(&request.protocol_type, &request.protocols) {
            let error = ErrorCode::InconsistentGroupProtocol;
            cx.reply_join(reply_to, JoinGroupReply::failed(error, &request.member_id));
        } else if request.member_id.is_empty() {
            self.join_new(cx, reply_to, request);
        } else {
            self.join_existing(cx, reply_to, request);
        }
    }

    /// True if there is room for the member. While members join again those that already wait
    /// count, not those that are called: a group above a lowered limit sheds its last ones.
    fn accepts(&self, cx: &Context<'_>, member_id: &str) -> bool {
        let max = cx.settings.group_max_size;
        let member = self.members.get(member_id);
        match self.state {
            GroupState::Empty => true,
            GroupState::PreparingRebalance => {
                member.is_some_and(|member| member.awaiting_join.is_some())
                    || self.awaiting_join < max
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                member.is_some() || self.members.len() < max
            }
        }
    }

    fn join_new(&mut self, cx: &mut Context<'_>, reply_to: ReplyTo, request: JoinGroup) {
        let new_id: Arc<str> = request.fresh_member_id.as_str().into();
        let replaced = request
            .group_instance_id
            .as_ref()
            .and_then(|instance_id| self.static_members.get(instance_id).cloned());
        if let Some(old_id) = replaced {
            self.replace_static_member(cx, reply_to, request, &old_id, new_id);
        } else if request.group_instance_id.is_none() && request.require_known_member_id {
            self.pending_join.insert(new_id.clone());
            let key = TimerKey::Session(self.id.clone(), new_id.clone());
            cx.schedule(key, request.session_timeout_ms);
            cx.reply_join(reply_to, JoinGroupReply::failed(ErrorCode::MemberIdRequired, &new_id));
        } else {
            self.add_member(cx, reply_to, request, new_id);
        }
    }

    fn join_existing(&mut self, cx: &mut Context<'_>, reply_to: ReplyTo, request: JoinGroup) {
        let member_id: Arc<str> = request.member_id.as_str().into();
        if self.pending_join.contains(&member_id) && request.group_instance_id.is_none() {
            self.add_member(cx, reply_to, request, member_id);
            return;
        }
        let valid = self.validate_member(&member_id, request.group_instance_id.as_deref());
        if let Err(error) = valid {
            cx.reply_join(reply_to, JoinGroupReply::failed(error, &member_id));
            return;
        }
        let unchanged = self.members[&member_id].protocols == request.protocols;
        let as_it_is = match self.state {
            // Probably the reply to the first join was lost.
            GroupState::CompletingRebalance => unchanged,
            // A leader that joins again wants a rebalance: it saw a change that metadata do not
            // show, such as new partitions.
            GroupState::Stable => unchanged && !self.is_leader(&member_id),
            GroupState::PreparingRebalance | GroupState::Empty => false,
        };
        if as_it_is {
            let reply = self.joined(&member_id);
            self.restart_session(cx, &member_id);
            cx.reply_join(reply_to, reply);
        } else {
            let reason = request.reason.as_deref().unwrap_or_default();
            let trigger = Trigger::new(Cause::MemberRejoined, &member_id, reason);
            self.update_member(cx, reply_to, &member_id, request);
            self.rebalance_or_complete_join(cx, trigger);
        }
    }

    /// The successful reply to a member of this generation.
    fn joined(&self, member_id: &str) -> JoinGroupReply {
        JoinGroupReply {
            error: ErrorCode::None,
            generation_id: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader: self.leader_or_empty(),
            skip_assignment: false,
            member_id: member_id.to_owned(),
            members: match self.is_leader(member_id) {
                true => self.joined_members(),
                false => Vec::new(),
            },
        }
    }

    fn add_member(
        &mut self,
        cx: &mut Context<'_>,
        reply_to: ReplyTo,
        request: JoinGroup,
        member_id: Arc<str>,
    ) {
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type);
        }
        if self.state == GroupState::PreparingRebalance && self.previous_state == GroupState::Empty
        {
            self.new_member_added = true;
        }
        let member = Member {
            group_instance_id: request.group_instance_id,
            client_id: request.client_id,
            client_host: request.client_host,
            session_timeout_ms: request.session_timeout_ms,
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            protocols: request.protocols,
            assignment: Bytes::new(),
            awaiting_join: Some(reply_to),
            awaiting_sync: None,
            is_new: true,
        };
        let reason = request.reason.unwrap_or_default();
        let trigger = Trigger::new(Cause::MemberJoined, &member_id, &reason);
        let joined = EventMember::new(&member_id, &member);
        cx.out.events.push(Event::Joined { group_id: self.id.clone(), member: joined });
        self.add(member_id.clone(), member);
        // A new member cannot send heartbeats, because it does not know its id. A client that
        // vanished while it waited must not hold a place for ever all the same.
        let key = TimerKey::Session(self.id.clone(), member_id);
        cx.schedule(key, cx.settings.new_member_join_timeout_ms);
        self.rebalance_or_complete_join(cx, trigger);
    }

    fn update_member(
        &mut self,
        cx: &mut Context<'_>,
        reply_to: ReplyTo,
        member_id: &Arc<str>,
        request: JoinGroup,
    ) {
        self.set_protocols(member_id, request.protocols);
        if let Some(member) = self.members.get_mut(member_id) {
            member.session_timeout_ms = request.session_timeout_ms;
            member.rebalance_timeout_ms = request.rebalance_timeout_ms;
        }
        if let Some(before) = self.set_awaiting_join(member_id, Some(reply_to)) {
            // The client asked again, so nobody reads the answer to its first request.
            let error = ErrorCode::RebalanceInProgress;
            cx.reply_join(before, JoinGroupReply::failed(error, member_id));
        }
    }

    /// A static member came back without its member id: it gets a new one, and whoever uses the old
    /// one is fenced (KIP-345).
    fn replace_static_member(
        &mut self,
        cx: &mut Context<'_>,
        reply_to: ReplyTo,
        request: JoinGroup,
        old_id: &Arc<str>,
        new_id: Arc<str>,
    ) {
        let old_leader = self.leader_or_empty();
        let was_leader = self.is_leader(old_id);
        let was_pending_sync = self.pending_sync.contains(old_id);
        cx.timers.cancel(&TimerKey::Session(self.id.clone(), old_id.clone()));
        let mut member = self.remove(old_id).expect("static members are members");
        self.tell_replaced(cx, old_id, &new_id, &member);
        if let Some(before) = member.awaiting_join.take() {
            let reply = JoinGroupReply::failed(ErrorCode::FencedInstanceId, old_id);
            cx.reply_join(before, reply);
        }
        if let Some(before) = member.awaiting_sync.take() {
            cx.reply_sync(before, SyncGroupReply::failed(ErrorCode::FencedInstanceId));
        }
        member.is_new = false;
        self.add(new_id.clone(), member);
        if was_leader {
            self.leader = Some(new_id.clone());
        }
        if was_pending_sync {
            self.pending_sync.insert(new_id.clone());
        }
        let skips_assignment = request.supports_skipping_assignment;
        self.update_member(cx, reply_to, &new_id, request);
        self.restart_session(cx, &new_id);
        match self.state {
            GroupState::Stable if self.select_protocol() == self.protocol => {
                self.set_awaiting_join(&new_id, None);
                self.push_record(cx.out);
                let reply = self.rejoined(&new_id, old_leader, skips_assignment);
                cx.reply_join(reply_to, reply);
            }
            // The leader may have computed an assignment for the old id already.
            GroupState::CompletingRebalance | GroupState::Stable => {
                self.prepare_rebalance(cx, Trigger::new(Cause::StaticMemberReplaced, &new_id, ""));
            }
            GroupState::PreparingRebalance => self.maybe_complete_join(cx),
            GroupState::Empty => unreachable!("an empty group has no members to replace"),
        }
    }

    fn tell_replaced(&self, cx: &mut Context<'_>, old_id: &str, new_id: &str, member: &Member) {
        cx.out.events.push(Event::Left {
            group_id: self.id.clone(),
            member: EventMember::new(old_id, member),
            departure: Departure::Replaced,
            reason: String::new(),
        });
        let member = EventMember::new(new_id, member);
        cx.out.events.push(Event::Joined { group_id: self.id.clone(), member });
    }

    /// The reply to a static member that came back without causing a rebalance.
    fn rejoined(&self, new_id: &str, old_leader: String, skips_assignment: bool) -> JoinGroupReply {
        let mut reply = self.joined(new_id);
        if skips_assignment {
            reply.skip_assignment = self.is_leader(new_id);
        } else {
            // A client that cannot skip the assignment must not take itself for the leader: under
            // the old leader's id it does not.
            reply.leader = old_leader;
            reply.members.clear();
        }
        reply
    }

    /// Starts a rebalance if none runs, else lets the running one complete if it can.
    pub(super) fn rebalance_or_complete_join(&mut self, cx: &mut Context<'_>, trigger: Trigger) {
        match self.state {
            GroupState::PreparingRebalance => self.maybe_complete_join(cx),
            GroupState::Empty | GroupState::CompletingRebalance | GroupState::Stable => {
                self.prepare_rebalance(cx, trigger);
            }
        }
    }

    /// Raises the join barrier.
    pub(super) fn prepare_rebalance(&mut self, cx: &mut Context<'_>, trigger: Trigger) {
        cx.out.events.push(Event::Rebalance {
            group_id: self.id.clone(),
            generation_id: self.generation,
            members: self.members.len(),
            cause: trigger.cause,
            member_id: trigger.member_id,
            reason: trigger.reason,
        });
        if self.state == GroupState::CompletingRebalance {
            self.reset_assignments(cx);
        }
        self.pending_sync.clear();
        cx.timers.cancel(&TimerKey::Sync(self.id.clone()));
        let is_initial = self.state == GroupState::Empty;
        self.transition(GroupState::PreparingRebalance, cx.now);
        let delay_ms = cx.settings.group_initial_rebalance_delay_ms;
        if is_initial && delay_ms > 0 {
            let remaining_ms = (self.rebalance_timeout_ms().saturating_sub(delay_ms)).max(0);
            self.new_member_added = false;
            self.initial_delay = Some(InitialDelay { delay_ms, remaining_ms });
            cx.schedule(TimerKey::Join(self.id.clone()), delay_ms);
        } else if is_initial || self.members.is_empty() || self.has_all_members_joined() {
            // Without members there is nobody whose time would be waited for, even if somebody has
            // been given an id.
            self.complete_join(cx);
        } else {
            cx.schedule(TimerKey::Join(self.id.clone()), self.rebalance_timeout_ms());
        }
    }

    /// Lets the barrier fall if everybody is here, unless a new group waits out its delay.
    pub(super) fn maybe_complete_join(&mut self, cx: &mut Context<'_>) {
        if self.state == GroupState::PreparingRebalance
            && self.initial_delay.is_none()
            && self.has_all_members_joined()
        {
            self.complete_join(cx);
        }
    }

    /// The time of the join barrier is up.
    pub(super) fn join_expired(&mut self, cx: &mut Context<'_>) {
        if self.state != GroupState::PreparingRebalance {
            return;
        }
        match self.initial_delay {
            Some(wait) if self.new_member_added && wait.remaining_ms > 0 => {
                self.new_member_added = false;
                let delay_ms = cx.settings.group_initial_rebalance_delay_ms.min(wait.remaining_ms);
                let remaining_ms = (wait.remaining_ms - wait.delay_ms).max(0);
                self.initial_delay = Some(InitialDelay { delay_ms, remaining_ms });
                cx.schedule(TimerKey::Join(self.id.clone()), delay_ms);
            }
            _ => self.complete_join(cx),
        }
    }

    /// Ends the join phase: evicts who did not come, begins the next generation, answers who did.
    pub(super) fn complete_join(&mut self, cx: &mut Context<'_>) {
        cx.timers.cancel(&TimerKey::Join(self.id.clone()));
        self.initial_delay = None;
        let missing: Vec<Arc<str>> = self
            .members
            .iter()
            .filter(|(_, m)| m.awaiting_join.is_none() && m.group_instance_id.is_none())
            .map(|(id, _)| id.clone())
            .collect();
        for member_id in &missing {
            self.dismiss(cx, member_id, Departure::DidNotRejoin, "");
        }
        if self.members.is_empty() {
            self.become_empty(cx);
        } else if self.elect_leader() {
            self.begin_generation(cx);
        } else {
            // Only static members that did not come are left. Their sessions decide.
            cx.schedule(TimerKey::Join(self.id.clone()), self.rebalance_timeout_ms());
        }
    }

    /// Makes sure that the leader is one that joined; false if nobody did.
    fn elect_leader(&mut self) -> bool {
        let joined =
            |id: &Arc<str>| self.members.get(id).is_some_and(|m| m.awaiting_join.is_some());
        if self.leader.as_ref().is_some_and(joined) {
            return true;
        }
        match self.members.iter().find(|(_, member)| member.awaiting_join.is_some()) {
            Some((id, _)) => {
                self.leader = Some(id.clone());
                true
            }
            None => false,
        }
    }

    fn become_empty(&mut self, cx: &mut Context<'_>) {
        self.generation = self.generation.checked_add(1).unwrap_or(0);
        self.protocol = None;
        self.leader = None;
        self.pending_sync.clear();
        self.transition(GroupState::Empty, cx.now);
        let (group_id, generation_id) = (self.id.clone(), self.generation);
        cx.out.events.push(Event::Empty { group_id, generation_id });
        self.push_record(cx.out);
    }

    fn begin_generation(&mut self, cx: &mut Context<'_>) {
        self.generation = self.generation.checked_add(1).unwrap_or(0);
        self.protocol = self.select_protocol();
        self.transition(GroupState::CompletingRebalance, cx.now);
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for member_id in &ids {
            if let Some(reply_to) = self.set_awaiting_join(member_id, None) {
                let reply = self.joined(member_id);
                cx.reply_join(reply_to, reply);
            }
            if let Some(member) = self.members.get_mut(member_id) {
                member.is_new = false;
            }
            self.restart_session(cx, member_id);
        }
        self.pending_sync = ids.into_iter().collect();
        cx.schedule(TimerKey::Sync(self.id.clone()), self.rebalance_timeout_ms());
    }
}
