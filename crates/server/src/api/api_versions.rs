//! ApiVersions (key 18), v0-v4. The answer is derived from the table of handlers.
//!
//! A version above those is answered as v0 with UNSUPPORTED_VERSION and the range of this very
//! request (KIP-511), so that newer clients can come down. Response header v0 in every version.
//! v3 and later name the client's software, which must match Kafka's pattern.

use crate::api::APIS;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, api_versions_response::ApiVersion,
};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;
use tracing::debug;

/// The key of this request, which is answered whatever its version.
pub const KEY: i16 = 18;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: ApiVersionsRequest = request.decode()?;
    let mut response = ApiVersionsResponse::default();
    if to.version >= 3 {
        let (name, version) = (&decoded.client_software_name, &decoded.client_software_version);
        if !is_software_name(name) || !is_software_name(version) {
            response.error_code = ErrorCode::InvalidRequest.code();
            return Ok(to.reply(&response));
        }
        let connection = &client.connection;
        connection.set_software(name, version);
        debug!(
            target: "tidegate::connection",
            connection = connection.id,
            peer = %client.peer,
            client_id = request.client_id(),
            software = &**name,
            version = &**version,
            "client"
        );
    }
    response.api_keys = APIS.iter().map(|api| row(api.key)).collect();
    Ok(to.reply(&response))
}

/// The answer to a version that is not served: v0, error 35, the range of ApiVersions alone.
pub fn unsupported(request: &Request) -> Reply {
    let mut to = request.response_to();
    to.version = 0;
    let response = ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UnsupportedVersion.code())
        .with_api_keys(vec![row(KEY)]);
    to.reply(&response)
}

fn row(key: i16) -> ApiVersion {
    let api = super::find(key).expect("rows are made for entries of the table");
    ApiVersion::default()
        .with_api_key(key)
        .with_min_version(*api.advertised.start())
        .with_max_version(*api.advertised.end())
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?` (KIP-511).
fn is_software_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => {
            first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() && bytes.iter().all(inner)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_follow_kip_511() {
        for good in ["a", "apache-kafka-java", "librdkafka", "2.16.1", "v1-0"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a.", "a b", "ä", "a_b"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}
