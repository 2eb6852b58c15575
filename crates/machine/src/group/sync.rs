//! SyncGroup: the leader's assignment and its way to the members.

use super::classic::{Context, Group, GroupState};
use super::event::{Cause, Departure, Event, Trigger};
use super::timers::TimerKey;
use super::{SyncGroup, SyncGroupReply};
use crate::machine::ReplyTo;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_model::ErrorCode;

impl Group {
    /// Takes a SyncGroup.
    pub(super) fn sync(&mut self, cx: &mut Context<'_>, reply_to: ReplyTo, request: SyncGroup) {
        if let Err(error) = self.validate_sync(&request) {
            cx.reply_sync(reply_to, SyncGroupReply::failed(error));
            return;
        }
        let member_id: Arc<str> = request.member_id.as_str().into();
        match self.state {
            GroupState::Empty => {
                cx.reply_sync(reply_to, SyncGroupReply::failed(ErrorCode::UnknownMemberId));
            }
            GroupState::PreparingRebalance => {
                cx.reply_sync(reply_to, SyncGroupReply::failed(ErrorCode::RebalanceInProgress));
            }
            GroupState::CompletingRebalance => {
                self.synced(cx, &member_id);
                self.await_sync(cx, reply_to, &member_id);
                if self.is_leader(&member_id) {
                    self.assign(cx, request.assignments);
                }
            }
            GroupState::Stable => {
                self.synced(cx, &member_id);
                self.restart_session(cx, &member_id);
                cx.reply_sync(reply_to, self.assigned(&member_id));
            }
        }
    }

    fn validate_sync(&self, request: &SyncGroup) -> Result<(), ErrorCode> {
        self.validate_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        let differs = |asked: &Option<String>, ours: &Option<String>| {
            asked.is_some() && ours.is_some() && asked != ours
        };
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        Ok(())
    }

    fn synced(&mut self, cx: &mut Context<'_>, member_id: &Arc<str>) {
        self.pending_sync.remove(member_id);
        if self.pending_sync.is_empty() {
            cx.timers.cancel(&TimerKey::Sync(self.id.clone()));
        }
    }

    fn await_sync(&mut self, cx: &mut Context<'_>, reply_to: ReplyTo, member_id: &Arc<str>) {
        let member = self.members.get_mut(member_id).expect("the member was validated");
        if let Some(before) = member.awaiting_sync.replace(reply_to) {
            // The client asked again, so nobody reads the answer to its first request.
            cx.reply_sync(before, SyncGroupReply::failed(ErrorCode::RebalanceInProgress));
        }
    }

    /// Keeps the leader's assignment, writes the group down and answers all who wait.
    fn assign(&mut self, cx: &mut Context<'_>, assignments: Vec<(String, Bytes)>) {
        let mut assignments: BTreeMap<String, Bytes> = assignments.into_iter().collect();
        for (member_id, member) in &mut self.members {
            member.assignment = assignments.remove(&**member_id).unwrap_or_default();
        }
        self.transition(GroupState::Stable, cx.now);
        cx.out.events.push(Event::Stable {
            group_id: self.id.clone(),
            generation_id: self.generation,
            leader: self.leader.clone().unwrap_or_default(),
            protocol: self.protocol.clone().unwrap_or_default(),
            members: self.members.len(),
        });
        self.push_record(cx.out);
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for member_id in ids {
            let waiting = self.members.get_mut(&member_id).and_then(|m| m.awaiting_sync.take());
            if let Some(reply_to) = waiting {
                cx.reply_sync(reply_to, self.assigned(&member_id));
                // A session that ran out while the member waited was let pass; it starts anew.
                self.restart_session(cx, &member_id);
            }
        }
    }

    fn assigned(&self, member_id: &str) -> SyncGroupReply {
        SyncGroupReply {
            error: ErrorCode::None,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment: self
                .members
                .get(member_id)
                .map_or_else(Bytes::new, |member| member.assignment.clone()),
        }
    }

    /// Sends all who wait for an assignment back to JoinGroup.
    pub(super) fn reset_assignments(&mut self, cx: &mut Context<'_>) {
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for member_id in ids {
            let Some(member) = self.members.get_mut(&member_id) else { continue };
            member.assignment = Bytes::new();
            if let Some(reply_to) = member.awaiting_sync.take() {
                let error = ErrorCode::RebalanceInProgress;
                cx.reply_sync(reply_to, SyncGroupReply::failed(error));
                self.restart_session(cx, &member_id);
            }
        }
    }

    /// Members that did not ask for their assignment within the rebalance timeout are gone.
    pub(super) fn sync_expired(&mut self, cx: &mut Context<'_>) {
        match self.state {
            GroupState::Empty | GroupState::PreparingRebalance => return,
            GroupState::CompletingRebalance | GroupState::Stable => {}
        }
        let missing = std::mem::take(&mut self.pending_sync);
        if missing.is_empty() {
            return;
        }
        for member_id in &missing {
            self.dismiss(cx, member_id, Departure::DidNotSync, "");
        }
        let first = missing.first().map_or("", |id| &**id);
        self.prepare_rebalance(cx, Trigger::new(Cause::DidNotSync, first, ""));
    }
}
