//! DescribeAcls, CreateAcls and DeleteAcls where nothing is authorized: there are no ACLs to tell of
//! or to change.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest};
use tidegate_wire::codec::encode_request;

scenarios![
    without_an_authorizer_acls_are_not_described,
    without_an_authorizer_acls_are_not_created,
    without_an_authorizer_acls_are_not_deleted,
    creating_or_deleting_no_acls_succeeds_in_nothing,
    an_unknown_kind_closes_the_connection,
    a_kind_without_a_name_is_a_kind,
];

const UNKNOWN: i8 = 0;
const ANY: i8 = 1;
const TOPIC: i8 = 2;
const LITERAL: i8 = 3;
const READ: i8 = 3;
const ALLOW: i8 = 3;

/// Every ACL there is.
fn all() -> DescribeAclsRequest {
    DescribeAclsRequest::default()
        .with_resource_type_filter(ANY)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(ANY)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY)
}

fn creation(topic: &str) -> AclCreation {
    AclCreation::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic))
        .with_resource_pattern_type(LITERAL)
        .with_principal(text("User:u"))
        .with_host(text("*"))
        .with_operation(READ)
        .with_permission_type(ALLOW)
}

fn filter(topic: &str) -> DeleteAclsFilter {
    DeleteAclsFilter::default()
        .with_resource_type_filter(TOPIC)
        .with_resource_name_filter(Some(text(topic)))
        .with_pattern_type_filter(LITERAL)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY)
}

fn create(creations: Vec<AclCreation>) -> CreateAclsRequest {
    CreateAclsRequest::default().with_creations(creations)
}

fn delete(filters: Vec<DeleteAclsFilter>) -> DeleteAclsRequest {
    DeleteAclsRequest::default().with_filters(filters)
}

async fn without_an_authorizer_acls_are_not_described(mut client: Client) {
    for version in client.each(1..=3) {
        let response = client.call(version, &all()).await;
        expect(response.error_code, ErrorCode::SecurityDisabled);
        assert!(response.resources.is_empty());
    }
}

async fn without_an_authorizer_acls_are_not_created(mut client: Client) {
    for version in client.each(1..=3) {
        // The last is wrong in itself: an ACL is for one kind of resource.
        let wrong = creation("w").with_resource_type(ANY);
        let request = create(vec![creation("t"), creation("t"), wrong]);
        let results = client.call(version, &request).await.results;
        assert_eq!(results.len(), 3);
        results.iter().for_each(|one| expect(one.error_code, ErrorCode::SecurityDisabled));
    }
}

async fn without_an_authorizer_acls_are_not_deleted(mut client: Client) {
    for version in client.each(1..=3) {
        let request = delete(vec![filter("t"), filter("w")]);
        let results = client.call(version, &request).await.filter_results;
        assert_eq!(results.len(), 2);
        results.iter().for_each(|one| expect(one.error_code, ErrorCode::SecurityDisabled));
    }
}

async fn creating_or_deleting_no_acls_succeeds_in_nothing(mut client: Client) {
    for version in client.each(1..=3) {
        assert!(client.call(version, &create(vec![])).await.results.is_empty());
        assert!(client.call(version, &delete(vec![])).await.filter_results.is_empty());
    }
}

/// Sends requests in which one kind is unknown, and the answers' absence goes into the transcript.
macro_rules! is_closed {
    ($client:expr, $key:literal, $($what:literal: $request:expr),+ $(,)?) => {
        $(
            let frame = encode_request($key, 3, 7, "raw", &$request).expect("v3 has all fields");
            assert!($client.send_frame($what, &frame[4..]).await.is_none());
        )+
    };
}

async fn an_unknown_kind_closes_the_connection(mut client: Client) {
    is_closed!(client, 29,
        "DescribeAcls, resource": all().with_resource_type_filter(UNKNOWN),
        "DescribeAcls, pattern": all().with_pattern_type_filter(UNKNOWN),
        "DescribeAcls, operation": all().with_operation(UNKNOWN),
        "DescribeAcls, permission": all().with_permission_type(UNKNOWN),
    );
    let second = |one| create(vec![creation("t"), one]);
    is_closed!(client, 30,
        "CreateAcls, resource": second(creation("t").with_resource_type(UNKNOWN)),
        "CreateAcls, pattern": second(creation("t").with_resource_pattern_type(UNKNOWN)),
        "CreateAcls, operation": second(creation("t").with_operation(UNKNOWN)),
        "CreateAcls, permission": second(creation("t").with_permission_type(UNKNOWN)),
    );
    let second = |one| delete(vec![filter("t"), one]);
    is_closed!(client, 31,
        "DeleteAcls, resource": second(filter("t").with_resource_type_filter(UNKNOWN)),
        "DeleteAcls, pattern": second(filter("t").with_pattern_type_filter(UNKNOWN)),
        "DeleteAcls, operation": second(filter("t").with_operation(UNKNOWN)),
        "DeleteAcls, permission": second(filter("t").with_permission_type(UNKNOWN)),
    );
}

async fn a_kind_without_a_name_is_a_kind(mut client: Client) {
    for kind in [-1, 99] {
        let response = client.call(3, &all().with_resource_type_filter(kind)).await;
        expect(response.error_code, ErrorCode::SecurityDisabled);
        let response = client.call(3, &create(vec![creation("t").with_operation(kind)])).await;
        expect(response.results[0].error_code, ErrorCode::SecurityDisabled);
        let response =
            client.call(3, &delete(vec![filter("t").with_pattern_type_filter(kind)])).await;
        expect(response.filter_results[0].error_code, ErrorCode::SecurityDisabled);
    }
}
