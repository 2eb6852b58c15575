//! DescribeCluster: who the broker is, and which endpoints can be asked.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::DescribeClusterRequest;

scenarios![
    the_broker_and_the_controller_are_told,
    operations_are_told_when_asked_for,
    a_broker_does_not_answer_for_controllers,
    endpoints_that_do_not_exist_are_refused,
    metadata_and_describe_cluster_tell_the_same,
];

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

async fn the_broker_and_the_controller_are_told(mut client: Client) {
    for version in client.each(0..=2) {
        let response = client.call(version, &DescribeClusterRequest::default()).await;
        expect(response.error_code, ErrorCode::None);
        assert_eq!(response.brokers.len(), 1);
        assert_eq!(response.brokers[0].broker_id, response.controller_id);
    }
}

async fn operations_are_told_when_asked_for(mut client: Client) {
    for version in client.each(0..=2) {
        let request = DescribeClusterRequest::default();
        let request = request.with_include_cluster_authorized_operations(true);
        let response = client.call(version, &request).await;
        assert!(response.cluster_authorized_operations > 0);
    }
}

async fn a_broker_does_not_answer_for_controllers(mut client: Client) {
    for version in client.each(1..=2) {
        let request = DescribeClusterRequest::default().with_endpoint_type(CONTROLLERS);
        let response = client.call(version, &request).await;
        expect(response.error_code, ErrorCode::MismatchedEndpointType);
    }
}

async fn endpoints_that_do_not_exist_are_refused(mut client: Client) {
    for version in client.each(1..=2) {
        for endpoint_type in [0, 3, -1] {
            let request = DescribeClusterRequest::default().with_endpoint_type(endpoint_type);
            let response = client.call(version, &request).await;
            expect(response.error_code, ErrorCode::UnsupportedEndpointType);
        }
    }
}

async fn metadata_and_describe_cluster_tell_the_same(mut client: Client) {
    let request = DescribeClusterRequest::default().with_endpoint_type(BROKERS);
    let cluster = client.ask(2, &request).await;
    let metadata = client.ask(12, &metadata(12, &[])).await;
    assert_eq!(Some(cluster.cluster_id), metadata.cluster_id);
    assert_eq!(cluster.controller_id, metadata.controller_id);
    let (one, other) = (&cluster.brokers[0], &metadata.brokers[0]);
    assert_eq!((&one.host, one.port), (&other.host, other.port));
}
