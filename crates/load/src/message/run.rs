//! A run: what all its records have in common, and the making of them.

use super::content::{Contents, EVENTS, mix};
use super::encode::{self, Fields};
use crate::plan::{Format, Plan};
use std::io::Write;
use std::sync::Arc;

/// The first header: `RUN-PRODUCER-COUNTER-TIMESTAMP`, so that a record with a broken value can
/// still be named.
pub const HEADER_RECORD: &str = "load-record";
/// The second header: the value's format.
const HEADER_FORMAT: &str = "load-format";

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
    plan: Plan,
    schemas: SchemaIds,
    contents: Contents,
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
    id: Vec<u8>,
    user: Vec<u8>,
    key: Vec<u8>,
    value: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Run {
    /// A run of a plan that has been checked. `schemas` must have the ids of each topic.
    pub fn new(plan: &Plan, id: u64, schemas: SchemaIds) -> Arc<Run> {
        assert_eq!(schemas.topics.len(), plan.topics as usize, "each topic has schemas");
        Arc::new(Run { id, plan: plan.clone(), schemas, contents: Contents::new(plan) })
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
        let names = |index| match index {
            0 => HEADER_RECORD.to_owned(),
            1 => HEADER_FORMAT.to_owned(),
            _ => format!("load-header-{index}"),
        };
        let headers = (0..run.plan.headers).map(|index| (names(index), Vec::new())).collect();
        let buffer = Vec::new;
        Encoder { id: buffer(), user: buffer(), key: buffer(), value: buffer(), headers, run }
    }

    /// The run.
    pub fn run(&self) -> &Arc<Run> {
        &self.run
    }

    /// The record that a producer sends at a counter; `timestamp_us` is when it should have been
    /// sent, in microseconds since 1970. The bytes are good until the next call.
    ///
    /// The counter must be below [`super::COUNTER_MAX`], the timestamp after 1970.
    pub fn encode(&mut self, producer: u32, counter: u64, timestamp_us: i64) -> Encoded<'_> {
        let run = &*self.run;
        let topic = run.topic(producer, counter);
        let format = run.plan.format(topic);
        let (key_schema, value_schema) = run.schemas.topics[topic as usize];
        let hash = run.contents.hash(producer, counter);
        self.id.clear();
        encode::put_id(&mut self.id, run.id, producer, counter);
        self.user.clear();
        write!(self.user, "user-{:06}", run.contents.key(hash)).expect("memory takes it");
        encode::key(&mut self.key, format, key_schema, &self.user);
        let fields = Fields {
            id: &self.id,
            timestamp: timestamp_us,
            producer,
            counter,
            user: &self.user,
            event: EVENTS[(hash & 7) as usize],
        };
        let bytes = run.plan.bytes as usize;
        encode::value(&mut self.value, format, value_schema, &fields, bytes, |to, bytes| {
            run.contents.pad(to, bytes, hash);
        });
        for (index, (_, value)) in self.headers.iter_mut().enumerate() {
            value.clear();
            match index {
                0 => {
                    value.extend_from_slice(&self.id);
                    value.push(b'-');
                    encode::put_decimal(value, timestamp_us as u64);
                }
                1 => value.extend_from_slice(format.name().as_bytes()),
                _ => value.extend_from_slice(&encode::hex(mix(hash ^ index as u64))),
            }
        }
        Encoded {
            topic,
            key: &self.key,
            value: &self.value,
            headers: &self.headers,
            timestamp_ms: timestamp_us.div_euclid(1000),
        }
    }
}
