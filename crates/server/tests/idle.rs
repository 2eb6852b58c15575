//! Ten thousand partitions that nobody uses cost memory and nothing else, retention included: a
//! process of its own, whose size and processor time are read from the system.

mod common;

use common::{Gateway, RawClient};
use kafka_protocol::messages::ApiVersionsRequest;
use std::time::{Duration, Instant};
use tidegate_server::Limits;

const TOPICS: usize = 10;
const PARTITIONS_EACH: i32 = 1_000;
const ROUNDS: u32 = 5;

/// Resident bytes of this process.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells the size");
    let pages: usize = statm.split(' ').nth(1).expect("a second number").parse().expect("a number");
    pages * 4096
}

/// Processor time that this process has used.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the target is a valid timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn serves(client: &mut RawClient) -> Duration {
    let started = Instant::now();
    assert!(!client.call(0, &ApiVersionsRequest::default()).await.api_keys.is_empty());
    started.elapsed()
}

/// One thread for everything: whatever holds it for long is seen by the client that waits.
#[tokio::test]
async fn ten_thousand_idle_partitions_cost_little_and_a_retention_round_holds_nobody_up() {
    let settings = [("log.retention.ms", "1"), ("log.retention.check.interval.ms", "86400000")];
    let gateway = Gateway::with(&settings, Limits::default()).await;
    let mut bystander = gateway.client().await;
    serves(&mut bystander).await;
    let before = resident_bytes();
    for n in 0..TOPICS {
        gateway.topic(&format!("t{n}"), PARTITIONS_EACH).await;
    }
    let grown = resident_bytes().saturating_sub(before);

    let used = processor_time();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let idle = processor_time() - used;

    let broker = gateway.broker.clone();
    let used = processor_time();
    let rounds = tokio::spawn(async move {
        for _ in 0..ROUNDS {
            broker.apply_retention().await;
        }
    });
    let mut slowest = Duration::ZERO;
    while !rounds.is_finished() {
        slowest = slowest.max(serves(&mut bystander).await);
    }
    rounds.await.expect("retention does not panic");
    let each = (processor_time() - used) / ROUNDS;
    println!(
        "10,000 idle partitions: {grown} bytes, {idle:?} of processor time in 500 ms; \
         a round of retention: {each:?}, slowest answer meanwhile {slowest:?}"
    );
    // All of them far more than it takes, for machines that do other things meanwhile.
    assert!(grown < 60 << 20, "grown by {grown} bytes");
    assert!(idle < Duration::from_millis(200), "idle for 500 ms, busy for {idle:?}");
    assert!(each < Duration::from_secs(3), "a round took {each:?}");
    assert!(slowest < Duration::from_secs(10), "an answer took {slowest:?}");
}
