//! What a run is to do: every number of a load test, from a preset, a TOML file and flags.
//!
//! A preset is the beginning, a file changes it, flags change both; what comes out is checked as a
//! whole, and a value that cannot be is refused with the setting's name and what would be right.

mod check;
mod expect;
mod overrides;
mod presets;
mod span;
#[cfg(test)]
mod tests;

pub use expect::{Expectation, Expectations, Measured, Outcome};
pub use overrides::Overrides;
pub use presets::{PRESETS, Preset};
pub use span::Span;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Everything that a run needs to know.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The preset that it began as.
    pub preset: String,
    /// Whose client produces and consumes.
    pub client: ClientKind,
    /// Where the target is: `HOST:PORT`, several with commas.
    pub bootstrap: String,
    /// The schema registry's URL. Without one, schema ids are made up and not verified.
    pub registry: Option<String>,
    /// How long a request to the registry may take.
    pub registry_timeout: Span,
    /// A shell command that restarts the registry between the first verification and the second.
    pub registry_restart: Option<String>,
    /// The compatibility level that the subjects get.
    pub compatibility: String,
    /// Topics are named `PREFIX-0`, `PREFIX-1`, ...
    pub topic_prefix: String,
    /// How many topics.
    pub topics: u32,
    /// Partitions of each topic.
    pub partitions: u32,
    /// Their replication factor.
    pub replication_factor: i16,
    /// Whether topics stay when the run is over.
    pub keep_topics: bool,
    /// The format of topic `i` is the one at `i` modulo their number.
    pub formats: Vec<Format>,
    /// How many producers.
    pub producers: u32,
    /// Records per second of each producer; 0 for as fast as it goes.
    pub rate: f64,
    /// How long records are produced.
    pub duration: Span,
    /// The size of an encoded value, exactly.
    pub bytes: u32,
    /// Whether values are made of words, so that a codec makes them smaller, or of random letters.
    pub compressible: bool,
    /// How many different keys.
    pub keys: u32,
    /// How uneven keys are: the exponent of Zipf's law. 0 is even, 1 as words in a language.
    pub key_skew: f64,
    /// How many headers each record has.
    pub headers: u32,
    /// What acknowledges a record.
    pub acks: Acks,
    /// How batches are compressed.
    pub codec: Codec,
    /// How long a batch waits for more records.
    pub linger: Span,
    /// How many records a batch holds at most.
    pub batch_records: u32,
    /// Whether producers are idempotent.
    pub idempotent: bool,
    /// Whether records are produced in transactions.
    pub transactional: bool,
    /// How long a transaction is.
    pub transaction: Span,
    /// How long a record is tried before it counts as failed.
    pub delivery_timeout: Span,
    /// Consumers of each group; 0 for none.
    pub consumers: u32,
    /// How many consumer groups, each of which reads everything.
    pub groups: u32,
    /// Groups are named `PREFIX-RUN-0`, `PREFIX-RUN-1`, ...
    pub group_prefix: String,
    /// How often a consumer of each group leaves and another one joins; 0 for never.
    pub churn: Span,
    /// How long the drain goes on without any progress before it is given up.
    pub drain_timeout: Span,
    /// What is done to the target, and when.
    pub at: Vec<FaultCommand>,
    /// The service levels.
    pub expect: Expectations,
    /// Further properties for librdkafka, for producers and consumers; they win over everything above.
    pub properties: BTreeMap<String, String>,
    /// From which keys, sizes and contents come. Runs with one seed send the same.
    pub seed: u64,
}

/// A shell command that is run at a time after the first record was due.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct FaultCommand {
    /// When.
    pub after: Span,
    /// What, for `sh -c`.
    pub command: String,
}

/// Whose client produces and consumes.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    /// librdkafka, inside this program.
    Librdkafka,
    /// Apache Kafka's own.
    Java,
    /// franz-go.
    Franz,
    /// IBM's sarama.
    Sarama,
}

/// How messages are encoded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Apache Avro.
    Avro,
    /// JSON with a JSON Schema.
    Json,
    /// Protocol buffers.
    Protobuf,
}

/// What acknowledges a record.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub enum Acks {
    /// Nothing: what is sent counts as acknowledged.
    #[serde(rename = "0")]
    None,
    /// The partition's leader.
    #[serde(rename = "1")]
    Leader,
    /// All replicas in sync.
    #[serde(rename = "all")]
    All,
}

/// How batches are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are Kafka's")]
pub enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// How the program ends, for scripts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
pub enum Exit {
    /// Every record is where it should be, and all that was expected was met.
    Clean = 0,
    /// Records were lost, repeated, reordered or changed.
    DataFault = 1,
    /// The target, the registry or the plan could not be used.
    Unusable = 2,
    /// No fault, but a service level was missed.
    MissedExpectation = 3,
}

impl Exit {
    /// The process's exit code.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// A plan that cannot be run: a sentence that names the setting and says what would be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanError(pub String);

impl std::error::Error for PlanError {}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Plan {
    /// The preset of that name.
    pub fn preset(name: &str) -> Result<Plan, PlanError> {
        presets::find(name).map(Preset::plan)
    }

    /// A preset, changed by a file and then by flags, and checked. The preset's name is the flags',
    /// else the file's, else `default`.
    pub fn build(file: Option<Overrides>, flags: Overrides) -> Result<Plan, PlanError> {
        let file = file.unwrap_or_default();
        let name = flags.preset.as_ref().or(file.preset.as_ref());
        let mut plan = Plan::preset(name.map_or("default", String::as_str))?;
        file.apply(&mut plan);
        flags.apply(&mut plan);
        plan.check()?;
        Ok(plan)
    }

    /// The name of topic `index`.
    pub fn topic(&self, index: u32) -> String {
        format!("{}-{index}", self.topic_prefix)
    }

    /// How messages of topic `index` are encoded.
    pub fn format(&self, index: u32) -> Format {
        self.formats[index as usize % self.formats.len()]
    }

    /// How many records are due within the duration; none for as fast as it goes.
    pub fn records_due(&self) -> Option<u64> {
        (self.rate > 0.0).then(|| {
            let each = (self.rate * self.duration.duration().as_secs_f64()).ceil() as u64;
            each * u64::from(self.producers)
        })
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Gives an enum its names, for flags and for librdkafka's properties.
macro_rules! names {
    ($type:ident, $what:literal, $($variant:ident = $name:literal),+) => {
        impl $type {
            /// All of them.
            pub const ALL: &[$type] = &[$($type::$variant),+];

            /// As it is written in plans and in Kafka's properties.
            pub const fn name(self) -> &'static str {
                match self { $($type::$variant => $name),+ }
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                $type::ALL.iter().copied().find(|one| one.name() == text).ok_or_else(|| {
                    let known: Vec<&str> = $type::ALL.iter().map(|one| one.name()).collect();
                    format!("there is no {} '{text}'; there are {}", $what, known.join(", "))
                })
            }
        }
    };
}

names!(
    ClientKind,
    "client",
    Librdkafka = "librdkafka",
    Java = "java",
    Franz = "franz",
    Sarama = "sarama"
);
names!(Format, "format", Avro = "avro", Json = "json", Protobuf = "protobuf");
names!(Acks, "acks", None = "0", Leader = "1", All = "all");
names!(Codec, "codec", None = "none", Gzip = "gzip", Snappy = "snappy", Lz4 = "lz4", Zstd = "zstd");
