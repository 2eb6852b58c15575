//! DeleteGroups (key 42), v0-v2 (KIP-229). Only groups without members; their offsets go too. A
//! group that is named twice has one row.

use crate::api::groups::expect;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};
use std::collections::HashSet;
use tidegate_machine::group::{self, Command};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DeleteGroupsRequest = request.decode()?;
    let broker = client.broker().clone();
    let groups = broker.groups();
    let mut seen = HashSet::new();
    let pending: Vec<_> = decoded
        .groups_names
        .into_iter()
        .filter(|group_id| seen.insert(group_id.clone()))
        .map(|group_id| {
            let command = Command::DeleteGroup { group_id: group_id.to_string() };
            let pending = groups.submit(&group_id, command);
            (group_id, pending)
        })
        .collect();
    Ok(later(async move {
        let mut response = DeleteGroupsResponse::default();
        for (group_id, pending) in pending {
            let deleted = expect(pending, |reply| match reply {
                group::Reply::DeleteGroup(error) => Some(error),
                _ => None,
            });
            let error = match deleted.await {
                Ok(ErrorCode::None) => {
                    let forgotten = broker.groups().offsets().delete_group(&group_id).await;
                    forgotten.err().unwrap_or(ErrorCode::None)
                }
                Ok(error) => error,
                Err(error) => error,
            };
            let row = DeletableGroupResult::default().with_group_id(group_id);
            response.results.push(row.with_error_code(error.code()));
        }
        to.reply(&response)
    }))
}
