//! Heartbeat (key 12), v0-v4. Keeps a member's session alive and tells it of a rebalance.
//!
//! Versions: v3 static members (KIP-345).

use crate::api::groups::{expect, optional};
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};
use tidegate_machine::group::{self, Command, Heartbeat};
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: HeartbeatRequest = request.decode()?;
    let group_id = decoded.group_id.to_string();
    let command = Command::Heartbeat(Heartbeat {
        group_id: group_id.clone(),
        generation_id: decoded.generation_id,
        member_id: decoded.member_id.to_string(),
        group_instance_id: optional(&decoded.group_instance_id),
    });
    let pending = client.broker().groups().submit(&group_id, command);
    Ok(later(async move {
        let beaten = expect(pending, |reply| match reply {
            group::Reply::Heartbeat(error) => Some(error),
            _ => None,
        });
        let error = beaten.await.unwrap_or_else(|error| error);
        to.reply(&HeartbeatResponse::default().with_error_code(error.code()))
    }))
}
