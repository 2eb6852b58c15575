//! FindCoordinator (key 10), v0-v6. One node coordinates every group; the first question creates
//! `__consumer_offsets`.
//!
//! Versions: v1 key types, v4 many keys at once (KIP-699), v6 share groups (KIP-932). Transaction and
//! share coordinators do not exist yet and answer UNSUPPORTED_VERSION with a message.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

const GROUP: i8 = 0;
const SHARE: i8 = 2;
const MANY_KEYS_SINCE: i16 = 4;
const SHARE_SINCE: i16 = 6;

/// Kafka's words for INVALID_REQUEST.
const MALFORMED: &str = "This most likely occurs because of a request being malformed by the client \
                         library or the message was sent to an incompatible broker. See the broker \
                         logs for more details.";

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: FindCoordinatorRequest = request.decode()?;
    let key_type = if to.version == 0 { GROUP } else { decoded.key_type };
    let keys =
        if to.version >= MANY_KEYS_SINCE { decoded.coordinator_keys } else { vec![decoded.key] };
    let broker = client.broker().clone();
    let node_id = client.context.node_id;
    let endpoint = client.endpoint();
    Ok(later(async move {
        let outcome = match key_type {
            GROUP => broker.ensure_groups().await.map_err(|error| (error, error.name())),
            1 => Err((ErrorCode::UnsupportedVersion, "transactions are not available")),
            SHARE if to.version >= SHARE_SINCE => {
                Err((ErrorCode::UnsupportedVersion, "share groups are not available"))
            }
            // Kafka has no words for it in many keys.
            SHARE if to.version >= MANY_KEYS_SINCE => Err((ErrorCode::InvalidRequest, "")),
            _ => Err((ErrorCode::InvalidRequest, MALFORMED)),
        };
        let mut response = FindCoordinatorResponse::default();
        if to.version < MANY_KEYS_SINCE {
            match outcome {
                Ok(()) => {
                    // Versions 1 to 3 of Kafka say so in words too.
                    if to.version >= 1 {
                        response.error_message = Some(strbytes(ErrorCode::None.name()));
                    }
                    response.node_id = BrokerId(node_id);
                    response.host = StrBytes::from_string(endpoint.host);
                    response.port = i32::from(endpoint.port);
                }
                Err((error, message)) => {
                    response.error_code = error.code();
                    response.node_id = BrokerId(-1);
                    response.port = -1;
                    if to.version >= 1 {
                        response.error_message = Some(strbytes(message));
                    }
                }
            }
            return to.reply(&response);
        }
        let rows = keys.into_iter().map(|key| {
            let row = Coordinator::default().with_key(key);
            match outcome {
                Ok(()) => row
                    .with_node_id(BrokerId(node_id))
                    .with_host(strbytes(&endpoint.host))
                    .with_port(i32::from(endpoint.port)),
                Err((error, message)) => row
                    .with_error_code(error.code())
                    .with_error_message(Some(strbytes(message)))
                    .with_node_id(BrokerId(-1))
                    .with_port(-1),
            }
        });
        response.coordinators = rows.collect();
        to.reply(&response)
    }))
}
