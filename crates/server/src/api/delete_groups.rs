//! DeleteGroups (key 42), v0-v2 (KIP-229). Only groups without members; their offsets go too. A
//! group that is named twice has one row.

use crate::api::groups::expect;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};
use std::collections::HashSet;
use std::sync::Arc;
use tidegate_broker::{Broker, Pending};
use tidegate_machine::group::{self, Command};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DeleteGroupsRequest = request.decode()?;
    let broker = client.broker().clone();
    let mut seen = HashSet::new();
    let deleting: Vec<_> = decoded
        .groups_names
        .into_iter()
        .filter(|group_id| seen.insert(group_id.clone()))
        .map(|group_id| {
            let command = Command::DeleteGroup { group_id: group_id.to_string() };
            let pending = broker.groups().submit(&group_id, command);
            // Its offsets go as soon as the group has, also if the client leaves or other requests of
            // its connection take their time: a group of the same name may be there at any moment.
            let deleted = tokio::spawn(delete(broker.clone(), group_id.to_string(), pending));
            (group_id, deleted)
        })
        .collect();
    Ok(later(async move {
        let mut response = DeleteGroupsResponse::default();
        for (group_id, deleted) in deleting {
            let error = deleted.await.unwrap_or(ErrorCode::UnknownServerError);
            let row = DeletableGroupResult::default().with_group_id(group_id);
            response.results.push(row.with_error_code(error.code()));
        }
        to.reply(&response)
    }))
}

/// Waits for the group's end and forgets its offsets, which may be somewhere else.
async fn delete(
    broker: Arc<Broker>,
    group_id: String,
    pending: Pending<group::Reply>,
) -> ErrorCode {
    let deleted = expect(pending, |reply| match reply {
        group::Reply::DeleteGroup(error) => Some(error),
        _ => None,
    });
    match deleted.await {
        Ok(ErrorCode::None) => {
            let forgotten = broker.groups().offsets().delete_group(&group_id).await;
            forgotten.err().unwrap_or(ErrorCode::None)
        }
        Ok(error) | Err(error) => error,
    }
}
