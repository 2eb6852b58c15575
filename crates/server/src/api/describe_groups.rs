//! DescribeGroups (key 15), v0-v6. State, protocol and members with their opaque bytes.
//!
//! Versions: v3 authorized operations (KIP-430), v4 static members, v6 GROUP_ID_NOT_FOUND with a
//! message for a group that is not there (KIP-1043); before, such a group is described as `Dead`.

use crate::api::configs::strbytes;
use crate::api::groups::expect;
use crate::api::metadata::OPERATIONS_NOT_ASKED;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::describe_groups_response::{
    DescribedGroup as GroupRow, DescribedGroupMember,
};
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};
use tidegate_machine::group::{self, Command, DescribedGroup};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

const NOT_FOUND_SINCE: i16 = 6;

/// Kafka's bits of the operations on a group (READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS,
/// ALTER_CONFIGS).
const GROUP_OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DescribeGroupsRequest = request.decode()?;
    let groups = client.broker().groups();
    let pending: Vec<_> = decoded
        .groups
        .into_iter()
        .map(|group_id| {
            let command = Command::DescribeGroup { group_id: group_id.to_string() };
            let pending = groups.submit(&group_id, command);
            (group_id, pending)
        })
        .collect();
    let operations = if decoded.include_authorized_operations && to.version >= 3 {
        GROUP_OPERATIONS
    } else {
        OPERATIONS_NOT_ASKED
    };
    Ok(later(async move {
        let mut response = DescribeGroupsResponse::default();
        for (group_id, pending) in pending {
            let described = expect(pending, |reply| match reply {
                group::Reply::DescribeGroup(described) => Some(described),
                _ => None,
            });
            let row = match described.await {
                Ok(described) => described_row(group_id, described, to.version),
                Err(error) => {
                    GroupRow::default().with_group_id(group_id).with_error_code(error.code())
                }
            };
            let found = row.error_code == ErrorCode::None.code();
            let operations = if found { operations } else { OPERATIONS_NOT_ASKED };
            response.groups.push(row.with_authorized_operations(operations));
        }
        to.reply(&response)
    }))
}

fn not_found(group_id: GroupId, version: i16) -> GroupRow {
    let row = GroupRow::default().with_group_state(strbytes("Dead"));
    let row = if version >= NOT_FOUND_SINCE {
        let message = format!("Group {} not found.", &*group_id.0);
        row.with_error_code(ErrorCode::GroupIdNotFound.code())
            .with_error_message(Some(strbytes(&message)))
    } else {
        row
    };
    row.with_group_id(group_id)
}

fn described_row(group_id: GroupId, described: DescribedGroup, version: i16) -> GroupRow {
    if described.error == ErrorCode::GroupIdNotFound {
        return not_found(group_id, version);
    }
    let members = described.members.into_iter().map(|member| {
        let instance_id = member.group_instance_id.filter(|_| version >= 4);
        DescribedGroupMember::default()
            .with_member_id(strbytes(&member.member_id))
            .with_group_instance_id(instance_id.as_deref().map(strbytes))
            .with_client_id(strbytes(&member.client_id))
            .with_client_host(strbytes(&member.client_host))
            .with_member_metadata(member.metadata)
            .with_member_assignment(member.assignment)
    });
    GroupRow::default()
        .with_error_code(described.error.code())
        .with_group_id(group_id)
        .with_group_state(strbytes(described.group_state))
        .with_protocol_type(strbytes(&described.protocol_type))
        .with_protocol_data(strbytes(&described.protocol_data))
        .with_members(members.collect())
}
