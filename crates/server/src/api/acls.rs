//! DescribeAcls, CreateAcls and DeleteAcls (keys 29 to 31), v1-v3. Nothing is authorized here, and
//! that is told as Kafka tells it where no authorizer is configured: SECURITY_DISABLED, for each ACL
//! to create and each filter of those to delete. None to create or to delete is none.
//!
//! A kind of resource, pattern, operation or permission that is 0, which stands for an unknown one,
//! closes the connection; others without a meaning are not looked at.
//!
//! Versions: v2 flexible, v3 knows users as a kind of resource.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse,
    DescribeAclsRequest, DescribeAclsResponse,
};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

/// What the broker says, which describes.
const NO_AUTHORIZER_ON_THE_BROKER: &str = "No Authorizer is configured on the broker";

/// What Kafka's controller says, which creates and deletes.
const NO_AUTHORIZER: &str = "No Authorizer is configured.";

pub fn describe(_client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let asked: DescribeAclsRequest = request.decode()?;
    check_known([
        asked.resource_type_filter,
        asked.pattern_type_filter,
        asked.operation,
        asked.permission_type,
    ])?;
    let message = Some(strbytes(NO_AUTHORIZER_ON_THE_BROKER));
    Ok(to.reply(
        &DescribeAclsResponse::default()
            .with_error_code(ErrorCode::SecurityDisabled.code())
            .with_error_message(message),
    ))
}

pub fn create(_client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let CreateAclsRequest { creations, .. } = request.decode()?;
    for one in &creations {
        check_known([
            one.resource_type,
            one.resource_pattern_type,
            one.operation,
            one.permission_type,
        ])?;
    }
    let refused = AclCreationResult::default()
        .with_error_code(ErrorCode::SecurityDisabled.code())
        .with_error_message(Some(strbytes(NO_AUTHORIZER)));
    Ok(to.reply(&CreateAclsResponse::default().with_results(vec![refused; creations.len()])))
}

pub fn delete(_client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let DeleteAclsRequest { filters, .. } = request.decode()?;
    for one in &filters {
        check_known([
            one.resource_type_filter,
            one.pattern_type_filter,
            one.operation,
            one.permission_type,
        ])?;
    }
    let refused = DeleteAclsFilterResult::default()
        .with_error_code(ErrorCode::SecurityDisabled.code())
        .with_error_message(Some(strbytes(NO_AUTHORIZER)));
    Ok(to.reply(&DeleteAclsResponse::default().with_filter_results(vec![refused; filters.len()])))
}

/// Refuses kinds of which one is unknown.
fn check_known(kinds: [i8; 4]) -> Result<(), WireError> {
    const UNKNOWN: i8 = 0;
    if kinds.contains(&UNKNOWN) {
        return Err(WireError::Codec("a kind of ACL that is unknown".to_owned()));
    }
    Ok(())
}
