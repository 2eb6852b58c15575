//! Leads a conversation of `tests/black_box/testdata` with an Apache Kafka 4.3.1 and writes its
//! answers into the file. Each wants a new broker, for some list all that a broker has:
//!
//! ```text
//! tests/kafka/kafka.sh start --port 19092 --dir /tmp/kafka
//! cargo run -p tidegate-server --example record_transcripts -- 127.0.0.1:19092 create-topics
//! tests/kafka/kafka.sh stop --dir /tmp/kafka
//! ```

#[path = "../tests/common/mod.rs"]
mod common;

use common::RawClient;
use common::transcript::{NAMES, Part, ask, file, parts};
use std::net::SocketAddr;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("the first argument is ip:port");
    let address: SocketAddr = address.parse().expect("the address is ip:port");
    let name = arguments.next().unwrap_or_default();
    assert!(NAMES.contains(&name.as_str()), "the second argument is one of {NAMES:?}");
    record(address, &name).await;
}

/// Leads one conversation and writes the answers into its file.
async fn record(address: SocketAddr, name: &str) {
    let mut client = RawClient::connect(address).await;
    let mut content = String::new();
    for part in parts(name) {
        let exchange = match part {
            Part::Comment(line) => {
                content.push_str(&format!("{line}\n"));
                continue;
            }
            Part::Exchange(exchange) => exchange,
        };
        println!("{}", exchange.request);
        content.push_str(&format!("{}\n", exchange.request));
        for row in ask(&mut client, &exchange.request).await {
            content.push_str(&format!("    {row}\n"));
        }
        if exchange.request.starts_with("alter") || exchange.request.starts_with("replace") {
            // Kafka answers before what was altered is in force.
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        for row in exchange.ours.unwrap_or_default() {
            content.push_str(&format!("    ~ {row}\n"));
        }
    }
    std::fs::write(file(name), content).expect("the transcript can be written");
}
