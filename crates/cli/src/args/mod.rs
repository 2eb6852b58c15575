//! The command line.

mod admin;
mod config;
mod group;
mod inspect;
mod load;
#[cfg(test)]
mod manual;
mod schema;
mod topic;

pub use admin::{AdminArgs, LogLevelArgs, TraceArgs};
pub use config::{ConfigCommand, QuotaCommand, QuotaEntity};
pub use group::{GroupCommand, GroupState, GroupType, ResetArgs, ResetTo};
pub use inspect::{InspectArgs, InspectLogArgs, InspectWhat};
pub use load::{LoadArgs, LoadCommand, LoadCompareArgs, LoadRunArgs};
pub use schema::{
    CheckArgs, DiffArgs, ExportArgs, GetArgs, ImportArgs, Level, ReferenceArg, RegisterArgs,
    RegistryArgs, SchemaCommand, SchemaConfigCommand, SchemaModeCommand,
};
pub use topic::{AlterArgs, CreateArgs, DeleteRecordsArgs, TopicCommand};

use crate::settings::Flags;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A Kafka gateway in one binary.
#[derive(Parser, Debug)]
#[command(
    name = "tidegate",
    version,
    about = "A Kafka gateway in one binary: any Kafka client, nothing to set up",
    after_help = "Start with `tidegate serve`, then point a Kafka client at 127.0.0.1:9092.\n\
                  Exit codes: 0 done, 1 failed, 2 wrong arguments or settings, \
                  3 gateway not reached, 4 damaged data.",
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run the gateway
    Serve(Box<ServeArgs>),
    /// List, describe, create, change and delete topics, and look up offsets in them
    #[command(subcommand, visible_alias = "topics")]
    Topic(Box<TopicCommand>),
    /// List, describe and delete consumer groups, and change their committed offsets
    #[command(subcommand, visible_alias = "groups")]
    Group(Box<GroupCommand>),
    /// Describe and change configs of topics, brokers, groups and clients' metrics
    #[command(subcommand, visible_alias = "configs")]
    Config(ConfigCommand),
    /// Describe and change the quotas of users, client ids and addresses
    #[command(subcommand, visible_alias = "quotas")]
    Quota(QuotaCommand),
    /// List, register, compare, delete, export and import schemas of any schema registry
    #[command(subcommand, visible_alias = "schemas")]
    Schema(Box<SchemaCommand>),
    /// Test a Kafka and a schema registry under load, and judge every record
    Load(Box<LoadArgs>),
    /// Make a line for the file of the registry's users; the password comes from standard input
    RegistryUser(RegistryUserArgs),
    /// Show or change which log lines a running gateway writes
    LogLevel(LogLevelArgs),
    /// Show requests and answers of a running gateway as they come, decoded
    Trace(TraceArgs),
    /// List the connections of a running gateway
    Connections(AdminArgs),
    /// Check every checksum of a stopped gateway's data directory, or show what is in it
    ///
    /// Reads only. The gateway must not be running on the directory.
    Inspect(InspectArgs),
}

/// The flags of `serve`. Each has a variable and a key in the file as well.
#[derive(Args, Debug)]
#[command(
    after_help = "Every setting can be given in three places: as a flag, as an environment variable \
                  and in the file of --config. A flag beats the environment, the environment beats \
                  the file.\n\n\
                  The file is TOML. Its keys are the flags with underscores; --storage, --wal-dir and \
                  --sync are engine, wal_dir and sync in the table [storage], --log-level and \
                  --log-format are level and format in [log]. Kafka's own broker configs go under \
                  their own names into [kafka], or into variables such as \
                  TIDEGATE_KAFKA_NUM_PARTITIONS. docs/settings.md lists them all.\n\n\
                  Examples:\n  \
                  tidegate serve\n  \
                  tidegate serve --storage memory --listen 127.0.0.1:19092 --admin-listen off\n  \
                  tidegate serve --listen 0.0.0.0:9092 --advertise gateway.example:9092"
)]
pub struct ServeArgs {
    /// Settings in TOML [env: TIDEGATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where data is kept [default: ./tidegate-data] [env: TIDEGATE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Where Kafka clients connect [default: 127.0.0.1:9092] [env: TIDEGATE_LISTEN]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// The address clients are told to use [default: the one each of them used]
    /// [env: TIDEGATE_ADVERTISE]
    #[arg(long, value_name = "HOST:PORT")]
    advertise: Option<String>,
    /// Metrics and health over HTTP [default: 127.0.0.1:9644] [env: TIDEGATE_ADMIN_LISTEN]
    #[arg(long, value_name = "HOST:PORT|off")]
    admin_listen: Option<String>,
    /// The embedded schema registry [default: 127.0.0.1:8081] [env: TIDEGATE_REGISTRY_LISTEN]
    #[arg(long, value_name = "HOST:PORT|off")]
    registry_listen: Option<String>,
    /// Write schemas even if another registry on this gateway leads
    #[arg(long)]
    registry_takeover: bool,
    /// Where data lives: on the local disk, or in memory only [default: local] [env: TIDEGATE_STORAGE]
    #[arg(long, value_name = "local|memory")]
    storage: Option<String>,
    /// Put the write-ahead log on another disk than the data [env: TIDEGATE_WAL_DIR]
    #[arg(long, value_name = "DIR")]
    wal_dir: Option<String>,
    /// When a write is acknowledged: on disk, at intervals, or left to the system [default: always]
    /// [env: TIDEGATE_SYNC]
    #[arg(long, value_name = "always|interval|os")]
    sync: Option<String>,
    /// error, warn, info, debug or trace, also per target [default: info] [env: TIDEGATE_LOG_LEVEL,
    /// TIDEGATE_LOG]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How log lines look [default: text] [env: TIDEGATE_LOG_FORMAT]
    #[arg(long, value_name = "text|json")]
    log_format: Option<String>,
}

impl ServeArgs {
    /// The flags that were given, with the keys of their settings.
    pub fn into_flags(self) -> Flags {
        [
            ("data_dir", "--data-dir", self.data_dir),
            ("listen", "--listen", self.listen),
            ("advertise", "--advertise", self.advertise),
            ("admin_listen", "--admin-listen", self.admin_listen),
            ("registry_listen", "--registry-listen", self.registry_listen),
            (
                "registry.takeover",
                "--registry-takeover",
                self.registry_takeover.then(|| "true".to_owned()),
            ),
            ("storage.engine", "--storage", self.storage),
            ("storage.wal_dir", "--wal-dir", self.wal_dir),
            ("storage.sync", "--sync", self.sync),
            ("log.level", "--log-level", self.log_level),
            ("log.format", "--log-format", self.log_format),
        ]
        .into_iter()
        .filter_map(|(key, flag, value)| Some((key, flag, value?)))
        .collect()
    }
}

/// What every command that talks to a gateway takes.
#[derive(Args, Debug, Clone)]
pub struct ConnectArgs {
    /// The gateway, or brokers of any Kafka cluster, separated by commas
    #[arg(
        long,
        short = 'b',
        visible_alias = "bootstrap-server",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:9092",
        env = "TIDEGATE_BOOTSTRAP"
    )]
    pub bootstrap: String,
    /// Print JSON in place of a table
    #[arg(long)]
    pub json: bool,
    /// Give up after this many seconds without an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// The arguments of `registry-user`.
#[derive(Args, Debug)]
pub struct RegistryUserArgs {
    /// The user's name
    #[arg(value_name = "NAME")]
    pub name: String,
}
