//! The arguments of `load`.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use tidegate_load::plan::{Acks, ClientKind, Codec, Expectations, Format, Span};

/// The arguments of `load`.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Every record is judged: what was acknowledged must be there, once, in order and unchanged.\n\
                  Latency counts from when a record should have been sent.\n\n\
                  Examples:\n  \
                  tidegate load quick --embedded\n  \
                  tidegate load stress --bootstrap broker:9092 --registry http://registry:8081 --report stress.html\n  \
                  tidegate load --producers 4 --rate 5000 --bytes 200 --duration 1m --expect p99=20ms,rate=20000\n  \
                  tidegate load standard --embedded --at 30s 'kill -9 $(cat $TIDEGATE_LOAD_PID_FILE)'\n  \
                  tidegate load quick --embedded -- --storage memory\n  \
                  tidegate load compare before.json after.json\n\n\
                  Exit codes: 0 clean, 1 records were lost, repeated, reordered or changed, \
                  2 the target or the plan could not be used, 3 an expectation was missed."
)]
pub struct LoadArgs {
    /// What else there is to do.
    #[command(subcommand)]
    pub command: Option<LoadCommand>,
    /// A run.
    #[command(flatten)]
    pub run: Box<LoadRunArgs>,
}

/// The commands beside a run.
#[derive(Subcommand, Debug)]
pub enum LoadCommand {
    /// List the presets with their numbers
    Presets,
    /// Two reports side by side: what the second has in relation to the first
    Compare(LoadCompareArgs),
}

/// The arguments of `load compare`.
#[derive(Args, Debug)]
pub struct LoadCompareArgs {
    /// A report that --report wrote as .json
    #[arg(value_name = "A.json")]
    pub a: PathBuf,
    /// The report that is compared with it
    #[arg(value_name = "B.json")]
    pub b: PathBuf,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

/// The flags of a run. Each number of a plan is one.
#[derive(Args, Debug)]
pub struct LoadRunArgs {
    /// Where to begin: quick, standard, stress, endurance, default or schema [default: default]
    #[arg(value_name = "PRESET", conflicts_with = "preset_flag")]
    pub preset: Option<String>,
    /// The same as a flag
    #[arg(long = "preset", value_name = "PRESET", id = "preset_flag")]
    pub preset_flag: Option<String>,
    /// A plan in TOML that changes the preset; flags change both
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Start a gateway and registry for this run, in a temporary directory; flags of `serve` after --
    #[arg(long, conflicts_with_all = ["bootstrap", "registry"])]
    pub embedded: bool,
    /// Flags of `tidegate serve`, for --embedded
    #[arg(last = true, value_name = "SERVE FLAGS", requires = "embedded")]
    pub serve: Vec<String>,
    /// What is tested and how it is reached.
    #[command(flatten)]
    pub target: TargetArgs,
    /// What is sent.
    #[command(flatten)]
    pub records: RecordArgs,
    /// How it is sent and read.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// What comes of it.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What is tested.
#[derive(Args, Debug)]
#[command(next_help_heading = "Target")]
pub struct TargetArgs {
    /// Brokers, separated by commas [default: 127.0.0.1:9092]
    #[arg(long, short = 'b', visible_alias = "bootstrap-server", value_name = "HOST:PORT")]
    pub bootstrap: Option<String>,
    /// The schema registry [default: http://127.0.0.1:8081]
    #[arg(long, value_name = "URL", conflicts_with = "no_registry")]
    pub registry: Option<String>,
    /// Test without a registry: schema ids are made up
    #[arg(long)]
    pub no_registry: bool,
    /// How long a request to the registry may take
    #[arg(long, value_name = "TIME")]
    pub registry_timeout: Option<Span>,
    /// A shell command that restarts the registry after the schemas were registered
    #[arg(long, value_name = "COMMAND")]
    pub registry_restart: Option<String>,
    /// Do not restart the embedded registry after the schemas were registered
    #[arg(long, requires = "embedded")]
    pub no_restart: bool,
    /// The compatibility level of the subjects
    #[arg(long, value_name = "LEVEL")]
    pub compatibility: Option<String>,
    /// A property of librdkafka, such as security.protocol=SSL; it wins over other flags
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = property)]
    pub properties: Vec<(String, String)>,
    /// Whose client produces and consumes: librdkafka, java, franz or sarama
    #[arg(long, value_name = "CLIENT")]
    pub client: Option<ClientKind>,
}

/// What is sent.
#[derive(Args, Debug)]
#[command(next_help_heading = "Topics and records")]
pub struct RecordArgs {
    /// Topics are named PREFIX-0, PREFIX-1, ...
    #[arg(long, value_name = "PREFIX")]
    pub topic_prefix: Option<String>,
    /// Topics
    #[arg(long, value_name = "COUNT")]
    pub topics: Option<u32>,
    /// Partitions of each topic
    #[arg(long, value_name = "COUNT")]
    pub partitions: Option<u32>,
    /// Replication factor of the topics
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true)]
    pub replication_factor: Option<i16>,
    /// Leave topics and groups behind
    #[arg(long)]
    pub keep_topics: bool,
    /// Formats of the topics in turn: avro, json, protobuf
    #[arg(long, value_name = "FORMAT,...", value_delimiter = ',')]
    pub formats: Option<Vec<Format>>,
    /// Bytes of an encoded value, exactly
    #[arg(long, value_name = "BYTES")]
    pub bytes: Option<u32>,
    /// Make values of words that a codec makes smaller, or of random letters
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub compressible: Option<bool>,
    /// Different keys
    #[arg(long, value_name = "COUNT")]
    pub keys: Option<u32>,
    /// How uneven keys are: 0 is even, 1 as words in a language
    #[arg(long, value_name = "EXPONENT")]
    pub key_skew: Option<f64>,
    /// Headers of each record
    #[arg(long, value_name = "COUNT")]
    pub headers: Option<u32>,
    /// Keys and contents come from this number
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

/// How it is sent and read.
#[derive(Args, Debug)]
#[command(next_help_heading = "Producers and consumers")]
pub struct ClientArgs {
    /// How long records are produced
    #[arg(long, value_name = "TIME")]
    pub duration: Option<Span>,
    /// Producers
    #[arg(long, value_name = "COUNT")]
    pub producers: Option<u32>,
    /// Records per second of each producer; 0 is as fast as it goes
    #[arg(long, value_name = "RECORDS")]
    pub rate: Option<f64>,
    /// What acknowledges a record: 0, 1 or all
    #[arg(long, value_name = "ACKS")]
    pub acks: Option<Acks>,
    /// none, gzip, snappy, lz4 or zstd
    #[arg(long, value_name = "CODEC")]
    pub codec: Option<Codec>,
    /// How long a batch waits for more records
    #[arg(long, value_name = "TIME")]
    pub linger: Option<Span>,
    /// Records of a batch, at most
    #[arg(long, value_name = "RECORDS")]
    pub batch_records: Option<u32>,
    /// Idempotent producers
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub idempotent: Option<bool>,
    /// Produce in transactions
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub transactional: Option<bool>,
    /// How long a transaction is
    #[arg(long, value_name = "TIME")]
    pub transaction: Option<Span>,
    /// How long a record is tried before it counts as failed
    #[arg(long, value_name = "TIME")]
    pub delivery_timeout: Option<Span>,
    /// Consumers of each group; 0 for none
    #[arg(long, value_name = "COUNT")]
    pub consumers: Option<u32>,
    /// Consumer groups, each of which reads everything
    #[arg(long, value_name = "COUNT")]
    pub groups: Option<u32>,
    /// Groups are named PREFIX-RUN-0, PREFIX-RUN-1, ...
    #[arg(long, value_name = "PREFIX")]
    pub group_prefix: Option<String>,
    /// How often a consumer of each group leaves and another one joins; 0s is never
    #[arg(long, value_name = "TIME")]
    pub churn: Option<Span>,
    /// How long the drain goes on without getting on
    #[arg(long, value_name = "TIME")]
    pub drain_timeout: Option<Span>,
    /// Run a shell command so long after the first record was due; may be given several times
    #[arg(long, num_args = 2, value_names = ["TIME", "COMMAND"], action = clap::ArgAction::Append)]
    pub at: Vec<String>,
}

/// What comes of it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Result")]
pub struct OutputArgs {
    /// Service levels: p99=20ms (end to end), ack.p99.9=50ms, rate=10000, consume_rate=10000, lag=0, errors=0
    #[arg(long, value_name = "LEVEL,...")]
    pub expect: Option<Expectations>,
    /// Write a report: .json, .csv or .html; may be given several times
    #[arg(long = "report", value_name = "FILE")]
    pub reports: Vec<PathBuf>,
    /// Show nothing while it runs
    #[arg(long, short)]
    pub quiet: bool,
    /// Show a plain line this often, also on a terminal
    #[arg(long, value_name = "TIME")]
    pub progress_interval: Option<Span>,
    /// Serve Prometheus metrics while it runs
    #[arg(long, value_name = "HOST:PORT")]
    pub metrics_listen: Option<String>,
}

fn property(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE".to_owned()),
    }
}
