//! UpdateFeatures (key 57), v0-v2 (KIP-584). This gateway has no feature whose level could be
//! changed: what it can do is what ApiVersions names. So a change of any feature is refused, in
//! the words of Kafka's controller for a feature that it does not know.
//!
//! Versions: v1 upgrade types and `validate_only` (KIP-778), v2 one error for all.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

/// Upgrade, safe downgrade, unsafe downgrade.
const UPGRADE_TYPES: std::ops::RangeInclusive<i8> = 1..=3;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: UpdateFeaturesRequest = request.decode()?;
    let mut response = UpdateFeaturesResponse::default().with_error_message(None);
    let updates = &decoded.feature_updates;
    // Of updates of one feature Kafka sees the last.
    let first = updates.first().map(|update| &update.feature);
    if let Some(update) = updates.iter().rfind(|update| Some(&update.feature) == first) {
        let why = refusal(update, to.version, client.context.node_id);
        let message = format!(
            "The update failed for all features since the following feature had an error: \
             Invalid update version {} for feature {}. {why}",
            update.max_version_level, &*update.feature
        );
        response.error_code = ErrorCode::InvalidUpdateVersion.code();
        response.error_message = Some(strbytes(&message));
    }
    Ok(to.reply(&response))
}

fn refusal(update: &FeatureUpdateKey, version: i16, node_id: i32) -> String {
    if version >= 1 && !UPGRADE_TYPES.contains(&update.upgrade_type) {
        return "The controller does not support the given upgrade type.".to_owned();
    }
    match update.max_version_level {
        ..0 => "A feature version cannot be less than 0.".to_owned(),
        0 => format!("Feature {} not found.", &*update.feature),
        1.. => format!("Local controller {node_id} does not support this feature."),
    }
}
