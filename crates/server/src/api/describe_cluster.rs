//! DescribeCluster (key 60), v0-v2 (KIP-700). One node, which is also the controller.
//!
//! Versions: v1 endpoint type (KIP-919): only brokers, for there is no controller to connect to;
//! v2 fenced brokers, of which there are none.

use crate::api::configs::strbytes;
use crate::api::metadata::{CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED};
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DescribeClusterRequest = request.decode()?;
    let mut response =
        DescribeClusterResponse::default().with_cluster_authorized_operations(OPERATIONS_NOT_ASKED);
    if to.version >= 1 {
        response.endpoint_type = BROKERS;
        if let Some((error, message)) = mismatch(decoded.endpoint_type) {
            response.error_code = error.code();
            response.error_message = Some(strbytes(&message));
            return Ok(to.reply(&response));
        }
    }
    let node_id = BrokerId(client.context.node_id);
    let endpoint = client.endpoint();
    response.cluster_id = strbytes(&client.context.cluster_id);
    response.controller_id = node_id;
    response.brokers = vec![
        DescribeClusterBroker::default()
            .with_broker_id(node_id)
            .with_host(StrBytes::from_string(endpoint.host))
            .with_port(i32::from(endpoint.port)),
    ];
    if decoded.include_cluster_authorized_operations {
        response.cluster_authorized_operations = CLUSTER_OPERATIONS;
    }
    Ok(to.reply(&response))
}

/// Why an endpoint of another type than this one is refused.
fn mismatch(endpoint_type: i8) -> Option<(ErrorCode, String)> {
    match endpoint_type {
        BROKERS => None,
        CONTROLLERS => Some((
            ErrorCode::MismatchedEndpointType,
            "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of \
             type CONTROLLER"
                .to_owned(),
        )),
        other => {
            Some((ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {other}")))
        }
    }
}
