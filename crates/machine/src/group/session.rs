//! Heartbeat, LeaveGroup and sessions that run out.

use super::classic::{Context, Group, GroupState};
use super::event::{Cause, Departure, Trigger};
use super::{Heartbeat, LeavingMember, LeftMember};
use std::sync::Arc;
use tidegate_model::ErrorCode;

impl Group {
    /// Takes a Heartbeat. In CompletingRebalance it answers NONE: consumers begin to send them as
    /// soon as they have joined.
    pub(super) fn heartbeat(&mut self, cx: &mut Context<'_>, request: &Heartbeat) -> ErrorCode {
        let valid = self.validate_member(&request.member_id, request.group_instance_id.as_deref());
        if let Err(error) = valid {
            return error;
        }
        if request.generation_id != self.generation {
            return ErrorCode::IllegalGeneration;
        }
        match self.state {
            GroupState::Empty => ErrorCode::UnknownMemberId,
            GroupState::PreparingRebalance => {
                self.restart_session(cx, &request.member_id);
                ErrorCode::RebalanceInProgress
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                self.restart_session(cx, &request.member_id);
                ErrorCode::None
            }
        }
    }

    /// Takes a LeaveGroup, then rebalances once for all who left.
    pub(super) fn leave(
        &mut self,
        cx: &mut Context<'_>,
        leaving: Vec<LeavingMember>,
    ) -> Vec<LeftMember> {
        let members_before = self.members.len();
        let first = leaving.first().map(|first| {
            let reason = first.reason.as_deref().unwrap_or_default();
            Trigger::new(Cause::MemberLeft, &first.member_id, reason)
        });
        let left = leaving.into_iter().map(|member| self.leave_one(cx, member)).collect();
        if self.members.len() < members_before
            && let Some(trigger) = first
        {
            self.rebalance_or_complete_join(cx, trigger);
        } else {
            // A member id that was given out may have left; others may wait just for it.
            self.maybe_complete_join(cx);
        }
        left
    }

    fn leave_one(&mut self, cx: &mut Context<'_>, leaving: LeavingMember) -> LeftMember {
        let member_id = match (leaving.member_id.as_str(), &leaving.group_instance_id) {
            // An administrator removes a static member by its instance id.
            ("", Some(instance_id)) => {
                self.static_members.get(instance_id).cloned().ok_or(ErrorCode::UnknownMemberId)
            }
            (id, None) if self.pending_join.contains(id) => Ok(Arc::from(id)),
            (id, instance_id) => {
                self.validate_member(id, instance_id.as_deref()).map(|()| Arc::from(id))
            }
        };
        let error = match member_id {
            Ok(member_id) => {
                let reason = leaving.reason.as_deref().unwrap_or_default();
                self.dismiss(cx, &member_id, Departure::Left, reason);
                ErrorCode::None
            }
            Err(error) => error,
        };
        LeftMember {
            member_id: leaving.member_id,
            group_instance_id: leaving.group_instance_id,
            error,
        }
    }

    /// A session ran out: of a member, or of a member id that was given out and not used.
    pub(super) fn session_expired(&mut self, cx: &mut Context<'_>, member_id: &str) {
        if let Some(member) = self.members.get(member_id) {
            let waits = member.awaiting_join.is_some() || member.awaiting_sync.is_some();
            if waits && !member.is_new {
                // The group keeps the member waiting; its session starts anew with the answer.
                return;
            }
            self.dismiss(cx, member_id, Departure::SessionExpired, "");
            match self.state {
                GroupState::Empty => {}
                GroupState::CompletingRebalance | GroupState::Stable => {
                    self.prepare_rebalance(cx, Trigger::new(Cause::SessionExpired, member_id, ""));
                }
                GroupState::PreparingRebalance => self.maybe_complete_join(cx),
            }
        } else if self.pending_join.contains(member_id) {
            self.remove(member_id);
            self.maybe_complete_join(cx);
        }
    }
}
