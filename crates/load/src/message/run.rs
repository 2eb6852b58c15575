//! A run: what all its records have in common, and the making of them.

use crate::plan::{Format, Plan};
use std::sync::Arc;

/// Which schema id a record of a topic carries, for each topic of a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SchemaIds {
    /// By topic: the ids of the key's and the value's schema.
    pub topics: Vec<(u32, u32)>,
}

impl SchemaIds {
    /// Ids for a run without a registry.
    pub fn made_up(plan: &Plan) -> SchemaIds {
        SchemaIds { topics: (0..plan.topics).map(|topic| (2 * topic + 1, 2 * topic + 2)).collect() }
    }
}

/// What all records of a run have in common. Share it: it is never changed.
#[derive(Debug)]
pub struct Run {
    /// Tells this run's records from those of others; from the clock, or random.
    pub id: u64,
    pub(crate) plan: Plan,
    pub(crate) schemas: SchemaIds,
}

/// A record to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoded<'a> {
    /// The topic's index in the plan.
    pub topic: u32,
    /// The key, encoded with its schema.
    pub key: &'a [u8],
    /// The value, encoded with its schema: exactly as many bytes as the plan asks for.
    pub value: &'a [u8],
    /// Names and values of the headers, in order.
    pub headers: &'a [(String, Vec<u8>)],
    /// Kafka's timestamp of the record, in milliseconds.
    pub timestamp_ms: i64,
}

/// Makes records. Each thread has its own, whose buffers it reuses.
#[derive(Debug)]
pub struct Encoder {
    run: Arc<Run>,
    key: Vec<u8>,
    value: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Run {
    /// A run of a plan that has been checked.
    pub fn new(plan: &Plan, id: u64, schemas: SchemaIds) -> Arc<Run> {
        Arc::new(Run { id, plan: plan.clone(), schemas })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The schemas' ids.
    pub fn schemas(&self) -> &SchemaIds {
        &self.schemas
    }

    /// When a record is due, in nanoseconds after the first one; 0 where the plan has no rate.
    /// Producers are shifted against each other, so that they do not all send at once.
    pub fn due_ns(&self, producer: u32, counter: u64) -> u64 {
        if self.plan.rate <= 0.0 {
            return 0;
        }
        let shift = f64::from(producer) / f64::from(self.plan.producers);
        ((counter as f64 + shift) * 1e9 / self.plan.rate) as u64
    }

    /// Which topic a record goes to.
    pub fn topic(&self, producer: u32, counter: u64) -> u32 {
        ((u64::from(producer) + counter) % u64::from(self.plan.topics)) as u32
    }

    /// How records of a topic are encoded.
    pub fn format(&self, topic: u32) -> Format {
        self.plan.format(topic)
    }
}

impl Encoder {
    /// An encoder for one thread.
    pub fn new(run: Arc<Run>) -> Encoder {
        Encoder { run, key: Vec::new(), value: Vec::new(), headers: Vec::new() }
    }

    /// The record that a producer sends at a counter; `timestamp_us` is when it should have been
    /// sent, in microseconds since 1970. The bytes are good until the next call.
    pub fn encode(&mut self, producer: u32, counter: u64, timestamp_us: i64) -> Encoded<'_> {
        Encoded {
            topic: self.run.topic(producer, counter),
            key: &self.key,
            value: &self.value,
            headers: &self.headers,
            timestamp_ms: timestamp_us.div_euclid(1000),
        }
    }
}
