//! GetTelemetrySubscriptions and PushTelemetry, where nobody subscribes to what this client tells.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use bytes::Bytes;
use kafka_protocol::messages::{
    GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, PushTelemetryRequest,
};
use uuid::Uuid;

scenarios![
    a_client_without_an_id_is_given_one,
    a_client_with_an_id_keeps_it,
    a_client_that_asks_again_too_early_is_told_to_wait,
    metrics_that_nobody_wants_are_taken,
    metrics_under_another_subscription_are_refused,
    metrics_of_no_client_are_refused,
    metrics_in_an_unknown_compression_are_refused,
    nothing_is_told_after_the_last_metrics_of_a_client,
];

fn ask_for(id: Uuid) -> GetTelemetrySubscriptionsRequest {
    GetTelemetrySubscriptionsRequest::default().with_client_instance_id(id)
}

/// The subscription of a new client, without a word in the transcript.
async fn subscription(client: &mut Client) -> GetTelemetrySubscriptionsResponse {
    let response = client.ask(0, &ask_for(Uuid::nil())).await;
    expect(response.error_code, ErrorCode::None);
    response
}

fn push(to: &GetTelemetrySubscriptionsResponse) -> PushTelemetryRequest {
    PushTelemetryRequest::default()
        .with_client_instance_id(to.client_instance_id)
        .with_subscription_id(to.subscription_id)
        .with_compression_type(0)
        .with_metrics(Bytes::new())
}

/// Which number a subscription has is the broker's affair.
fn record(client: &Client, mut response: GetTelemetrySubscriptionsResponse) {
    response.subscription_id = 0;
    client.record("> GetTelemetrySubscriptions", &response);
}

async fn a_client_without_an_id_is_given_one(mut client: Client) {
    let first = client.ask(0, &ask_for(Uuid::nil())).await;
    assert!(!first.client_instance_id.is_nil());
    record(&client, first.clone());
    let second = client.connect().await.ask(0, &ask_for(Uuid::nil())).await;
    assert_ne!(first.client_instance_id, second.client_instance_id);
    record(&client, second);
}

async fn a_client_with_an_id_keeps_it(mut client: Client) {
    let id = Uuid::new_v4();
    let response = client.ask(0, &ask_for(id)).await;
    assert_eq!(response.client_instance_id, id);
    record(&client, response);
}

async fn a_client_that_asks_again_too_early_is_told_to_wait(mut client: Client) {
    let id = Uuid::new_v4();
    let first = client.ask(0, &ask_for(id)).await;
    let second = client.ask(0, &ask_for(id)).await;
    record(&client, first);
    record(&client, second);
}

async fn metrics_that_nobody_wants_are_taken(mut client: Client) {
    let subscription = subscription(&mut client).await;
    let response = client.call(0, &push(&subscription)).await;
    expect(response.error_code, ErrorCode::None);
}

async fn metrics_under_another_subscription_are_refused(mut client: Client) {
    let mut subscription = subscription(&mut client).await;
    subscription.subscription_id ^= 1;
    let response = client.call(0, &push(&subscription)).await;
    expect(response.error_code, ErrorCode::UnknownSubscriptionId);
}

async fn metrics_of_no_client_are_refused(mut client: Client) {
    let mut subscription = subscription(&mut client).await;
    subscription.client_instance_id = Uuid::nil();
    let response = client.call(0, &push(&subscription)).await;
    expect(response.error_code, ErrorCode::InvalidRequest);
}

async fn metrics_in_an_unknown_compression_are_refused(mut client: Client) {
    for kind in [5, -1] {
        let subscription = subscription(&mut client).await;
        let request = push(&subscription).with_compression_type(kind);
        let response = client.call(0, &request).await;
        expect(response.error_code, ErrorCode::UnsupportedCompressionType);
    }
}

async fn nothing_is_told_after_the_last_metrics_of_a_client(mut client: Client) {
    let subscription = subscription(&mut client).await;
    for terminating in [true, true] {
        client.call(0, &push(&subscription).with_terminating(terminating)).await;
    }
}
