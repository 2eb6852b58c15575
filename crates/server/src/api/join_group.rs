//! JoinGroup (key 11), v0-v9. The member joins before the next request is decoded; the response
//! waits for the join barrier.
//!
//! Versions: v1 rebalance timeout, v4 member id required (KIP-394), v5 static members (KIP-345), v7
//! protocol type, v8 reason (KIP-800), v9 `skip_assignment` (KIP-814).

use crate::api::configs::strbytes;
use crate::api::groups::{expect, optional};
use crate::api::request::{Client, Request, ResponseTo, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use tidegate_machine::group::{self, Command, JoinGroup, JoinGroupReply};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;
use tracing::debug;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let connection = client.connection.id;
    let decoded: JoinGroupRequest = request.decode()?;
    let client_id = request.client_id().to_owned();
    let instance_id = optional(&decoded.group_instance_id).filter(|_| to.version >= 5);
    let fresh = uuid::Uuid::new_v4();
    let named_by = instance_id.as_deref().unwrap_or(&client_id);
    let group_id = decoded.group_id.to_string();
    let member_id = decoded.member_id.to_string();
    let command = Command::JoinGroup(JoinGroup {
        group_id: group_id.clone(),
        member_id: member_id.clone(),
        fresh_member_id: format!("{named_by}-{fresh}"),
        group_instance_id: instance_id,
        require_known_member_id: to.version >= 4,
        supports_skipping_assignment: to.version >= 9,
        client_id,
        client_host: client.host(),
        session_timeout_ms: decoded.session_timeout_ms,
        rebalance_timeout_ms: if to.version >= 1 { decoded.rebalance_timeout_ms } else { -1 },
        protocol_type: decoded.protocol_type.to_string(),
        protocols: decoded
            .protocols
            .into_iter()
            .map(|protocol| (protocol.name.to_string(), protocol.metadata))
            .collect(),
        reason: optional(&decoded.reason),
    });
    let waiter = client.waiter.clone();
    let pending = client.broker().groups().submit(&group_id, command);
    Ok(later(async move {
        let joined = expect(pending, |reply| match reply {
            group::Reply::JoinGroup(joined) => Some(joined),
            _ => None,
        });
        let response = match waiter.waits(joined).await {
            Ok(joined) => {
                debug!(
                    target: "tidegate::group",
                    connection,
                    group = group_id,
                    member = joined.member_id,
                    generation_id = joined.generation_id,
                    error = %joined.error,
                    "join group"
                );
                joined_response(to, joined)
            }
            Err(error) => failed(to, error, &member_id),
        };
        to.reply(&response)
    }))
}

fn failed(to: ResponseTo, error: ErrorCode, member_id: &str) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_error_code(error.code())
        .with_generation_id(-1)
        .with_protocol_name(empty_name(to))
        .with_member_id(strbytes(member_id))
}

/// Versions before 7 cannot say "no protocol" but by an empty name.
fn empty_name(to: ResponseTo) -> Option<kafka_protocol::protocol::StrBytes> {
    (to.version < 7).then(|| strbytes(""))
}

fn joined_response(to: ResponseTo, joined: JoinGroupReply) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|member| {
        let row = JoinGroupResponseMember::default()
            .with_member_id(strbytes(&member.member_id))
            .with_metadata(member.metadata);
        let instance_id = member.group_instance_id.filter(|_| to.version >= 5);
        row.with_group_instance_id(instance_id.as_deref().map(strbytes))
    });
    let name = joined.protocol_name.as_deref().map(strbytes).or_else(|| empty_name(to));
    let response = JoinGroupResponse::default()
        .with_error_code(joined.error.code())
        .with_generation_id(joined.generation_id)
        .with_protocol_name(name)
        .with_leader(strbytes(&joined.leader))
        .with_member_id(strbytes(&joined.member_id))
        .with_members(members.collect());
    let response = match joined.protocol_type {
        Some(protocol_type) if to.version >= 7 => {
            response.with_protocol_type(Some(strbytes(&protocol_type)))
        }
        _ => response,
    };
    if to.version >= 9 { response.with_skip_assignment(joined.skip_assignment) } else { response }
}
