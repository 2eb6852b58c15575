//! SyncGroup (key 14), v0-v5. Followers wait for the leader's assignments, which are opaque and
//! handed on as they are.
//!
//! Versions: v3 static members (KIP-345), v5 protocol type and name, which must be the group's.

use crate::api::configs::strbytes;
use crate::api::groups::{expect, optional};
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use tidegate_machine::group::{self, Command, SyncGroup};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;
use tracing::debug;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let connection = client.connection.id;
    let decoded: SyncGroupRequest = request.decode()?;
    // From version 5 on both must be there; before, neither is known (KIP-559).
    if to.version >= 5 && (decoded.protocol_type.is_none() || decoded.protocol_name.is_none()) {
        let code = ErrorCode::InconsistentGroupProtocol.code();
        return Ok(to.reply(&SyncGroupResponse::default().with_error_code(code)));
    }
    let group_id = decoded.group_id.to_string();
    let member_id = decoded.member_id.to_string();
    let command = Command::SyncGroup(SyncGroup {
        group_id: group_id.clone(),
        generation_id: decoded.generation_id,
        member_id: member_id.clone(),
        group_instance_id: optional(&decoded.group_instance_id),
        protocol_type: optional(&decoded.protocol_type),
        protocol_name: optional(&decoded.protocol_name),
        assignments: decoded
            .assignments
            .into_iter()
            .map(|row| (row.member_id.to_string(), row.assignment))
            .collect(),
    });
    let waiter = client.waiter.clone();
    let pending = client.broker().groups().submit(&group_id, command);
    Ok(later(async move {
        let synced = expect(pending, |reply| match reply {
            group::Reply::SyncGroup(synced) => Some(synced),
            _ => None,
        });
        let response = match waiter.waits(synced).await {
            Ok(synced) => {
                debug!(target: "tidegate::group", connection, group = group_id, member = member_id, error = %synced.error, "sync group");
                let response = SyncGroupResponse::default()
                    .with_error_code(synced.error.code())
                    .with_assignment(synced.assignment);
                if to.version >= 5 {
                    response
                        .with_protocol_type(synced.protocol_type.as_deref().map(strbytes))
                        .with_protocol_name(synced.protocol_name.as_deref().map(strbytes))
                } else {
                    response
                }
            }
            Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
        };
        to.reply(&response)
    }))
}
