//! Frames that are cut off, bent or noise: the worst that may happen is a closed connection.

use crate::common::{Gateway, RawClient, panics};
use crate::wire_support::{Random, Variant, golden_requests};
use kafka_protocol::messages::ApiVersionsRequest;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// The correlation id of the request that stands behind each hostile one.
const MARKER: i32 = 0x5afe;

async fn is_served(gateway: &Gateway) -> bool {
    let mut client = gateway.client().await;
    !client.call(0, &ApiVersionsRequest::default()).await.api_keys.is_empty()
}

/// Sends a frame and a request behind it; true if the latter was answered, false if the connection
/// was closed instead.
async fn survives(client: &mut RawClient, frame: &[u8]) -> bool {
    client.send_frame(frame).await;
    client.send(&[0, 0, 0, 13, 0, 18, 0, 0, 0, 0, 0x5a, 0xfe, 0, 3, b'r', b'a', b'w']).await;
    while let Some(answer) = client.receive_or_end().await {
        if answer[..4] == MARKER.to_be_bytes() {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn every_truncation_of_every_request_is_answered_or_closes_the_connection() {
    let panics_before = panics();
    let gateway = Gateway::start().await;
    let mut bystander = gateway.client().await;
    let mut client = gateway.client().await;
    let (mut frames, mut closed) = (0, 0);
    for golden in golden_requests().into_iter().filter(|g| g.variant == Variant::Full) {
        for len in 0..golden.frame.len() {
            frames += 1;
            if !survives(&mut client, &golden.frame[..len]).await {
                closed += 1;
                client = gateway.client().await;
            }
        }
        assert!(!bystander.call(0, &ApiVersionsRequest::default()).await.api_keys.is_empty());
    }
    assert_eq!(panics(), panics_before, "nothing panics");
    assert!(closed > 0 && frames > 5_000, "{closed} of {frames} frames closed a connection");
}

#[tokio::test]
async fn mutated_requests_never_keep_others_from_being_served() {
    let seed = 0x7469_6465;
    println!("seed {seed:#x}");
    let panics_before = panics();
    let gateway = Gateway::start().await;
    let mut random = Random(seed);
    let golden = golden_requests();
    let until = Instant::now() + Duration::from_secs(8);
    let mut client = gateway.client().await;
    let mut bystander = gateway.client().await;
    for round in 0..20_000 {
        if Instant::now() > until {
            println!("{round} frames");
            break;
        }
        let mut frame = golden[random.below(golden.len())].frame.clone();
        random.mutate(&mut frame);
        // A well-formed Fetch or JoinGroup may wait; it is left to itself.
        let survived = timeout(Duration::from_millis(100), survives(&mut client, &frame)).await;
        if survived != Ok(true) {
            client = gateway.client().await;
        }
        if round % 100 == 0 {
            let answer = bystander.call(0, &ApiVersionsRequest::default()).await;
            assert!(!answer.api_keys.is_empty(), "seed {seed:#x}, round {round}");
        }
    }
    assert!(is_served(&gateway).await, "seed {seed:#x}");
    assert_eq!(panics(), panics_before, "seed {seed:#x}: nothing panics");
}

#[tokio::test]
async fn noise_never_keeps_others_from_being_served() {
    let seed = 0x6e6f_6973;
    println!("seed {seed:#x}");
    let panics_before = panics();
    let gateway = Gateway::start().await;
    let mut random = Random(seed);
    for round in 0..1_000 {
        let len = random.below(300);
        let mut noise: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
        let mut client = gateway.client().await;
        if round % 2 == 0 {
            // Noise that passes for a frame of a known key.
            if len >= 4 {
                (noise[0], noise[1]) = (0, random.below(76) as u8);
                (noise[2], noise[3]) = (0, random.below(14) as u8);
            }
            client.send_frame(&noise).await;
        } else {
            client.send(&noise).await;
        }
        if round % 100 == 0 {
            assert!(is_served(&gateway).await, "seed {seed:#x}, round {round}");
        }
    }
    assert!(is_served(&gateway).await, "seed {seed:#x}");
    assert_eq!(panics(), panics_before, "seed {seed:#x}: nothing panics");
}
