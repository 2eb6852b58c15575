//! InitProducerId (key 22), v0-v5: a fresh producer id for an idempotent producer (KIP-98).
//!
//! Ids are taken from blocks that are durable before the first id of them is given, so that none is
//! given twice, also after a crash. v3 carries the old id and epoch of a producer that goes on
//! (KIP-360): without a transactional id it gets a fresh one, as in Kafka, and one of both alone is an
//! INVALID_REQUEST. Omitted: transactions; a
//! transactional id answers UNSUPPORTED_VERSION, which clients report at once.

use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: InitProducerIdRequest = request.decode()?;
    let failed = |error: ErrorCode| {
        InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
    };
    let has_id = decoded.producer_id.0 != -1;
    let has_epoch = decoded.producer_epoch != -1;
    let names_no_transaction = decoded.transactional_id.as_ref().is_some_and(|id| id.is_empty());
    if (to.version >= 3 && has_id != has_epoch) || names_no_transaction {
        return Ok(to.reply(&failed(ErrorCode::InvalidRequest)));
    }
    if decoded.transactional_id.is_some() {
        return Ok(to.reply(&failed(ErrorCode::UnsupportedVersion)));
    }
    let broker = client.broker().clone();
    Ok(later(async move {
        match broker.fresh_producer_id().await {
            Ok(id) => to.reply(
                &InitProducerIdResponse::default()
                    .with_producer_id(ProducerId(id))
                    .with_producer_epoch(0),
            ),
            Err(error) => to.reply(&failed(error)),
        }
    }))
}
