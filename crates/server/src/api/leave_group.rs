//! LeaveGroup (key 13), v0-v5. Members leave at once; those that stay rebalance.
//!
//! Versions: v3 many members, by instance id too (KIP-345); v5 reason (KIP-800).

use crate::api::configs::strbytes;
use crate::api::groups::{expect, optional};
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};
use tidegate_machine::group::{self, Command, LeaveGroup, LeaveGroupReply, LeavingMember};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;
use tracing::debug;

const MANY_MEMBERS_SINCE: i16 = 3;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let connection = client.connection.id;
    let decoded: LeaveGroupRequest = request.decode()?;
    let group_id = decoded.group_id.to_string();
    let members = if to.version >= MANY_MEMBERS_SINCE {
        let members = decoded.members.iter();
        members
            .map(|member| LeavingMember {
                member_id: member.member_id.to_string(),
                group_instance_id: optional(&member.group_instance_id),
                reason: optional(&member.reason),
            })
            .collect()
    } else {
        let member_id = decoded.member_id.to_string();
        vec![LeavingMember { member_id, group_instance_id: None, reason: None }]
    };
    let command = Command::LeaveGroup(LeaveGroup { group_id: group_id.clone(), members });
    let pending = client.broker().groups().submit(&group_id, command);
    Ok(later(async move {
        let left = expect(pending, |reply| match reply {
            group::Reply::LeaveGroup(left) => Some(left),
            _ => None,
        });
        let left = match left.await {
            Ok(left) if left.error == ErrorCode::None => left.members,
            Ok(LeaveGroupReply { error, .. }) | Err(error) => {
                let response = LeaveGroupResponse::default().with_error_code(error.code());
                return to.reply(&response);
            }
        };
        let mut response = LeaveGroupResponse::default();
        if to.version < MANY_MEMBERS_SINCE {
            let error = left.first().map_or(ErrorCode::None, |member| member.error);
            response.error_code = error.code();
        }
        for member in left {
            debug!(target: "tidegate::group", connection, group = group_id, member = member.member_id, error = %member.error, "leave group");
            if to.version >= MANY_MEMBERS_SINCE {
                response.members.push(
                    MemberResponse::default()
                        .with_member_id(strbytes(&member.member_id))
                        .with_group_instance_id(member.group_instance_id.as_deref().map(strbytes))
                        .with_error_code(member.error.code()),
                );
            }
        }
        to.reply(&response)
    }))
}
