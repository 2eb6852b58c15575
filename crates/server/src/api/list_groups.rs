//! ListGroups (key 16), v0-v5. All groups, or those in the given states and of the given types.
//!
//! Versions: v4 states (KIP-518), v5 types (KIP-848).

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};
use tidegate_broker::gather;
use tidegate_machine::group::ListGroups;
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: ListGroupsRequest = request.decode()?;
    let filter = ListGroups {
        states_filter: decoded.states_filter.iter().map(|state| state.to_string()).collect(),
        types_filter: decoded.types_filter.iter().map(|kind| kind.to_string()).collect(),
    };
    let pending = client.broker().groups().list(&filter);
    Ok(later(async move {
        let groups = match gather(pending).await {
            Ok(groups) => groups,
            Err(error) => {
                return to.reply(&ListGroupsResponse::default().with_error_code(error.code()));
            }
        };
        let rows = groups.iter().map(|group| {
            let row = ListedGroup::default()
                .with_group_id(GroupId(strbytes(&group.group_id)))
                .with_protocol_type(strbytes(&group.protocol_type));
            let row = if to.version >= 4 {
                row.with_group_state(strbytes(group.group_state))
            } else {
                row
            };
            if to.version >= 5 { row.with_group_type(strbytes(group.group_type)) } else { row }
        });
        to.reply(&ListGroupsResponse::default().with_groups(rows.collect()))
    }))
}
