//! Conversions that the group handlers share.

use kafka_protocol::protocol::StrBytes;
use tidegate_broker::Pending;
use tidegate_machine::group::Reply;
use tidegate_model::ErrorCode;

/// An optional string as the machines take it.
pub fn optional(text: &Option<StrBytes>) -> Option<String> {
    text.as_deref().map(str::to_owned)
}

/// Waits for a group's reply of one kind.
///
/// A reply of another kind cannot come; if it did, the client is told UNKNOWN_SERVER_ERROR.
pub async fn expect<T>(
    pending: Pending<Reply>,
    kind: impl FnOnce(Reply) -> Option<T>,
) -> Result<T, ErrorCode> {
    kind(pending.wait().await?).ok_or(ErrorCode::UnknownServerError)
}
