//! InitProducerId without a transactional id: ids of idempotent producers.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::InitProducerIdRequest;

scenarios![
    an_idempotent_producer_gets_a_fresh_id_and_epoch_0,
    every_producer_gets_another_id,
    an_empty_transactional_id_is_refused,
    an_id_and_epoch_that_the_producer_has,
    an_id_without_an_epoch_is_refused,
    an_epoch_without_an_id_is_refused,
    the_transaction_timeout_of_an_idempotent_producer_is_not_looked_at,
];

fn init(producer_id: i64, epoch: i16) -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(producer_id.into())
        .with_producer_epoch(epoch)
}

async fn an_idempotent_producer_gets_a_fresh_id_and_epoch_0(mut client: Client) {
    for version in client.each(0..=5) {
        let response = client.call(version, &init(-1, -1)).await;
        expect(response.error_code, ErrorCode::None);
        assert_eq!(response.producer_epoch, 0);
        assert!(response.producer_id.0 >= 0);
    }
}

async fn every_producer_gets_another_id(mut client: Client) {
    let mut other = client.connect().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        for client in [&mut client, &mut other] {
            let id = client.ask(4, &init(-1, -1)).await.producer_id.0;
            assert!(seen.insert(id), "{id} is given twice");
        }
    }
}

async fn an_empty_transactional_id_is_refused(mut client: Client) {
    for version in client.each(0..=5) {
        let request = init(-1, -1).with_transactional_id(Some(text("").into()));
        let response = client.call(version, &request).await;
        expect(response.error_code, ErrorCode::InvalidRequest);
    }
}

async fn an_id_and_epoch_that_the_producer_has(mut client: Client) {
    for version in client.each(3..=5) {
        let before = client.call(version, &init(-1, -1)).await;
        client.call(version, &init(before.producer_id.0, before.producer_epoch)).await;
    }
}

async fn an_id_without_an_epoch_is_refused(mut client: Client) {
    for version in client.each(3..=5) {
        let response = client.call(version, &init(5, -1)).await;
        expect(response.error_code, ErrorCode::InvalidRequest);
    }
}

async fn an_epoch_without_an_id_is_refused(mut client: Client) {
    for version in client.each(3..=5) {
        let response = client.call(version, &init(-1, 5)).await;
        expect(response.error_code, ErrorCode::InvalidRequest);
    }
}

async fn the_transaction_timeout_of_an_idempotent_producer_is_not_looked_at(mut client: Client) {
    for timeout_ms in [0, -1, i32::MAX] {
        let request = init(-1, -1).with_transaction_timeout_ms(timeout_ms);
        let response = client.call(4, &request).await;
        expect(response.error_code, ErrorCode::None);
    }
}
