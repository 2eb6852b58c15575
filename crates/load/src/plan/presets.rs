//! The presets: six beginnings of a plan.

use super::{Acks, ClientKind, Codec, Expectations, Format, Plan, PlanError, Span};
use std::collections::BTreeMap;

/// A beginning of a plan, with the numbers in which presets differ.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// How long records are produced.
    pub duration: Span,
    /// How many producers.
    pub producers: u32,
    /// Records per second of each.
    pub rate: u32,
    /// How many consumers.
    pub consumers: u32,
    /// The size of a value.
    pub bytes: u32,
}

/// All presets.
pub const PRESETS: &[Preset] = &[
    preset("quick", "whether it works at all", 60, (1, 10), 1, 256),
    preset("standard", "a small application", 120, (2, 50), 2, 512),
    preset("stress", "40,000 records of 2 KiB a second", 600, (20, 2000), 10, 2048),
    preset("endurance", "half an hour under load", 1800, (10, 1000), 5, 1024),
    preset("default", "10,000 records of 1 KiB a second", 300, (10, 1000), 5, 1024),
    preset("schema", "the schema registry with some traffic", 180, (3, 50), 2, 1024),
];

const fn preset(
    name: &'static str,
    about: &'static str,
    seconds: u64,
    (producers, rate): (u32, u32),
    consumers: u32,
    bytes: u32,
) -> Preset {
    let duration = Span::from_secs(seconds);
    Preset { name, about, duration, producers, rate, consumers, bytes }
}

pub(super) fn find(name: &str) -> Result<&'static Preset, PlanError> {
    PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
        let known: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        PlanError(format!("there is no preset '{name}'; there are {}", known.join(", ")))
    })
}

impl Preset {
    /// The whole plan, with what all presets have in common.
    pub fn plan(&self) -> Plan {
        Plan {
            preset: self.name.to_owned(),
            client: ClientKind::Librdkafka,
            bootstrap: "127.0.0.1:9092".to_owned(),
            registry: Some("http://127.0.0.1:8081".to_owned()),
            registry_timeout: Span::from_secs(10),
            registry_restart: None,
            compatibility: "FULL".to_owned(),
            topic_prefix: "loadtest-topic".to_owned(),
            topics: 5,
            partitions: 4,
            replication_factor: 1,
            keep_topics: false,
            formats: vec![Format::Avro, Format::Json, Format::Protobuf],
            producers: self.producers,
            rate: f64::from(self.rate),
            duration: self.duration,
            bytes: self.bytes,
            compressible: true,
            keys: 1000,
            key_skew: 0.0,
            headers: 2,
            acks: Acks::All,
            codec: Codec::Snappy,
            linger: Span::from_millis(5),
            batch_records: 100,
            idempotent: true,
            transactional: false,
            transaction: Span::from_millis(100),
            delivery_timeout: Span::from_secs(120),
            consumers: self.consumers,
            groups: 1,
            group_prefix: "loadtest-group".to_owned(),
            churn: Span::default(),
            // Longer than the 45 s after which a group gives up a member that is gone.
            drain_timeout: Span::from_secs(60),
            at: Vec::new(),
            expect: Expectations::default(),
            properties: BTreeMap::new(),
            seed: 1,
        }
    }
}
