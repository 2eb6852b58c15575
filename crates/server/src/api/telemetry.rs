//! GetTelemetrySubscriptions (key 71), v0, and PushTelemetry (key 72), v0 (KIP-714). Nobody here
//! subscribes to clients' metrics: a client learns that none are wanted, and what it sends all the
//! same is taken and dropped.
//!
//! Nothing is kept per client: the id of a subscription follows from the client's instance id, so
//! any gateway recognises it. Omitted: THROTTLING_QUOTA_EXCEEDED for clients that ask too early.

use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::{
    GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, PushTelemetryRequest,
    PushTelemetryResponse,
};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;
use uuid::Uuid;

/// `ClientMetricsConfigs.INTERVAL_MS_DEFAULT`.
const PUSH_INTERVAL_MS: i32 = 300_000;
/// `telemetry.max.bytes`.
const TELEMETRY_BYTES_MAX: i32 = 1 << 20;
/// zstd, lz4, gzip, snappy: in Kafka's order of preference.
const COMPRESSION_TYPES: [i8; 4] = [4, 3, 1, 2];

pub fn get_subscriptions(_client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: GetTelemetrySubscriptionsRequest = request.decode()?;
    let known = decoded.client_instance_id;
    let id = if known.is_nil() { Uuid::new_v4() } else { known };
    let response = GetTelemetrySubscriptionsResponse::default()
        .with_client_instance_id(id)
        .with_subscription_id(subscription_id(id))
        .with_accepted_compression_types(COMPRESSION_TYPES.to_vec())
        .with_push_interval_ms(PUSH_INTERVAL_MS)
        .with_telemetry_max_bytes(TELEMETRY_BYTES_MAX)
        .with_delta_temporality(true);
    Ok(to.reply(&response))
}

pub fn push(_client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: PushTelemetryRequest = request.decode()?;
    let id = decoded.client_instance_id;
    let error = if id.is_nil() {
        ErrorCode::InvalidRequest
    } else if decoded.subscription_id != subscription_id(id) {
        ErrorCode::UnknownSubscriptionId
    } else if decoded.metrics.len() > TELEMETRY_BYTES_MAX as usize {
        ErrorCode::TelemetryTooLarge
    } else if decoded.compression_type != 0
        && !COMPRESSION_TYPES.contains(&decoded.compression_type)
    {
        ErrorCode::UnsupportedCompressionType
    } else {
        ErrorCode::None
    };
    Ok(to.reply(&PushTelemetryResponse::default().with_error_code(error.code())))
}

/// The same for the same client, everywhere.
fn subscription_id(client_instance_id: Uuid) -> i32 {
    let bytes = client_instance_id.as_u128();
    (bytes ^ bytes >> 32 ^ bytes >> 64 ^ bytes >> 96) as i32
}
