//! The gateway leads the recorded conversations with Apache Kafka with the same words.

use crate::common::Gateway;
use crate::common::transcript::{NAMES, Part, ask, parts};
use std::fmt::Write as _;

/// Leads the conversation of that name with a new gateway.
async fn the_gateway_answers_as_in(name: &str) {
    let gateway = Gateway::with(
        &[("group.initial.rebalance.delay.ms", "0"), ("log.retention.ms", "-1")],
        tidegate_server::Limits::default(),
    )
    .await;
    let mut client = gateway.client().await;
    let mut different = String::new();
    for part in parts(name) {
        let Part::Exchange(exchange) = part else { continue };
        let expected = exchange.ours.unwrap_or(exchange.kafkas);
        let answered = ask(&mut client, &exchange.request).await;
        if answered != expected {
            writeln!(different, "{}", exchange.request).expect("strings take all");
            expected.iter().for_each(|row| different.push_str(&format!("  - {row}\n")));
            answered.iter().for_each(|row| different.push_str(&format!("  + {row}\n")));
        }
    }
    assert!(different.is_empty(), "{name}: expected (-) and answered (+)\n{different}");
}

macro_rules! transcripts {
    ($($claim:ident: $name:literal;)*) => {
        $(
            #[tokio::test]
            async fn $claim() {
                the_gateway_answers_as_in($name).await;
            }
        )*

        #[test]
        fn every_recorded_conversation_is_led() {
            assert_eq!([$($name),*], *NAMES);
        }
    };
}

transcripts! {
    partitions_are_added_as_kafka_adds_them: "create-partitions";
    topic_configs_are_altered_as_kafka_alters_them: "alter-topic-configs";
    broker_configs_are_altered_as_kafka_alters_them: "alter-broker-configs";
    other_configs_are_altered_as_kafka_alters_them: "alter-other-configs";
    topics_are_created_as_kafka_creates_them: "create-topics";
    values_of_topic_configs_are_those_that_kafka_takes: "topic-config-values";
}
