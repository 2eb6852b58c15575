//! What many clients that promise much and send little cost: a process of its own, whose size is
//! read from the system.

mod common;

use common::{Gateway, RawClient};
use kafka_protocol::messages::ApiVersionsRequest;
use std::time::{Duration, Instant};
use tidegate_server::Limits;

const CONNECTIONS: usize = 200;
const ANNOUNCED_BYTES: i32 = 90_000_000;
const GROWTH_BYTES_MAX: usize = 20_000_000;

/// Resident bytes of this process.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells the size");
    let pages: usize = statm.split(' ').nth(1).expect("a second number").parse().expect("a number");
    pages * 4096
}

async fn serves(client: &mut RawClient) -> Duration {
    let started = Instant::now();
    assert!(!client.call(0, &ApiVersionsRequest::default()).await.api_keys.is_empty());
    started.elapsed()
}

#[tokio::test]
async fn half_open_requests_cost_little_and_time_out_while_others_are_served() {
    let limits = Limits { request_stall_ms: 2_000, ..Limits::default() };
    let gateway = Gateway::with(&[], limits).await;
    let mut bystander = gateway.client().await;
    serves(&mut bystander).await;
    let before = resident_bytes();
    let mut half_open = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = gateway.client().await;
        client.send(&ANNOUNCED_BYTES.to_be_bytes()).await;
        client.send(&[0, 0, 0, 9, 0, 0]).await;
        half_open.push(client);
    }
    let started = Instant::now();
    let mut slowest = Duration::ZERO;
    while started.elapsed() < Duration::from_millis(500) {
        slowest = slowest.max(serves(&mut bystander).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let grown = resident_bytes().saturating_sub(before);
    println!("{CONNECTIONS} half-open requests: {grown} bytes, slowest answer {slowest:?}");
    assert!(grown < GROWTH_BYTES_MAX, "grown by {grown} bytes");
    assert!(slowest < Duration::from_secs(10), "an answer took {slowest:?}");
    for client in &mut half_open {
        assert_eq!(client.receive_or_end().await, None, "a stalled request ends its connection");
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(60), "the last was closed after {took:?}");
    serves(&mut bystander).await;
}
