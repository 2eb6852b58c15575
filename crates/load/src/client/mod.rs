//! The seam between the engine and the Kafka clients that do the work: librdkafka inside the process, or a
//! driver in another language beside it. Producers and consumers only; what the engine asks of the
//! cluster itself goes through [`cluster`].

pub mod cluster;
pub mod driver;
mod errors;
pub mod librdkafka;

pub use errors::{ClientError, error_name};

use crate::judge::Timestamp;
use std::time::Duration;

/// Makes producers and consumers of one kind of client.
pub trait Client: Send + Sync {
    /// The client's name and version, for the report.
    fn describe(&self) -> String;

    /// A producer that tells `deliveries` what came of each record.
    fn producer(
        &self,
        spec: &ProducerSpec,
        deliveries: Box<dyn DeliverySink>,
    ) -> Result<Box<dyn Producer>, ClientError>;

    /// A consumer that has joined its group, or reads what it was assigned.
    fn consumer(&self, spec: &ConsumerSpec) -> Result<Box<dyn Consumer>, ClientError>;
}

/// What a producer is made of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProducerSpec {
    /// `client.id`.
    pub client_id: String,
    /// `transactional.id`, for a producer that writes in transactions.
    pub transactional_id: Option<String>,
    /// Properties by librdkafka's names, which other clients translate.
    pub properties: Vec<(String, String)>,
}

/// What a consumer is made of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConsumerSpec {
    /// `client.id`.
    pub client_id: String,
    /// What it reads.
    pub reads: Reads,
    /// Properties by librdkafka's names, which other clients translate.
    pub properties: Vec<(String, String)>,
}

/// What a consumer reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reads {
    /// The share of some topics that a group gives it.
    Group {
        /// `group.id`.
        group: String,
        /// The topics it subscribes to.
        topics: Vec<String>,
    },
    /// These partitions from their beginning, without a group.
    Partitions(Vec<(String, i32)>),
}

impl Default for Reads {
    fn default() -> Self {
        Reads::Partitions(Vec::new())
    }
}

/// A record on its way out.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition, or `None` to let the client's partitioner choose by the key.
    pub partition: Option<i32>,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: &'a [u8],
    /// The headers, in order.
    pub headers: &'a [(String, Vec<u8>)],
    /// `CreateTime`, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Comes back with the delivery report.
    pub token: u64,
}

/// Why a record was not taken by the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Its queue is full: try again a little later.
    QueueFull,
    /// It will not be sent.
    Failed(ClientError),
}

/// One producer. Driven by one thread.
pub trait Producer: Send {
    /// Hands a record over. Never blocks for the network.
    fn send(&mut self, record: &Outgoing<'_>) -> Result<(), Refused>;

    /// Prepares for transactions.
    fn init_transactions(&mut self, timeout: Duration) -> Result<(), ClientError>;

    /// Begins a transaction.
    fn begin_transaction(&mut self) -> Result<(), ClientError>;

    /// Waits for the delivery reports of the open transaction and commits it.
    fn commit_transaction(&mut self, timeout: Duration) -> Result<(), ClientError>;

    /// Aborts the open transaction.
    fn abort_transaction(&mut self, timeout: Duration) -> Result<(), ClientError>;

    /// Gives up what has no delivery report; each of them is reported as failed.
    fn purge(&mut self);
}

/// Where a record was acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acknowledged {
    /// The partition.
    pub partition: i32,
    /// The offset, or -1 if the acknowledgement has none (`acks=0`).
    pub offset: i64,
}

/// A record that was not acknowledged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undelivered {
    /// Why.
    pub error: ClientError,
    /// Whether it may be in the log nevertheless.
    pub maybe_written: bool,
}

/// Hears what came of each record, from one thread of the client at a time.
pub trait DeliverySink: Send {
    /// The record that was sent with this token was acknowledged, or failed.
    fn delivered(&mut self, token: u64, outcome: Result<Acknowledged, Undelivered>);

    /// The client had trouble that belongs to no record.
    fn trouble(&mut self, error: &ClientError);
}

/// A record that came in.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The time stamp, and who set it.
    pub timestamp: Timestamp,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
    /// The headers, in order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

/// Hears what a consumer reads and what happens to it.
pub trait ConsumerSink {
    /// A record was delivered to the application.
    fn record(&mut self, record: &Incoming<'_>);

    /// The group gave the consumer partitions.
    fn assigned(&mut self, partitions: &[(String, i32)]);

    /// The group took partitions away.
    fn revoked(&mut self, partitions: &[(String, i32)]);

    /// Offsets could not be committed, or the client had other trouble.
    fn trouble(&mut self, error: &ClientError);
}

/// One consumer. Driven by one thread.
pub trait Consumer: Send {
    /// Waits at most `timeout` for something to happen, and tells `sink` about all that has. Returns
    /// whether there was a record.
    fn poll(&mut self, timeout: Duration, sink: &mut dyn ConsumerSink) -> bool;

    /// Commits what was read and leaves the group.
    fn close(self: Box<Self>, sink: &mut dyn ConsumerSink);
}
