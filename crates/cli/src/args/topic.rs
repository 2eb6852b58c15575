//! The command line of `tidegate topic`.

use super::ConnectArgs;
use crate::client::Change;
use crate::scope::TopicScope;
use crate::topic::{Before, Lookup};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Commands on topics.
#[derive(Subcommand, Debug)]
pub enum TopicCommand {
    /// Print the topics with their partition counts
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  \
                      tidegate topic list\n  \
                      tidegate topic list 'orders-*' '*.dlq' --json"
    )]
    List {
        /// Only topics of these names; * stands for any characters and ? for one
        patterns: Vec<String>,
        /// Also those the gateway keeps for itself, such as __consumer_offsets
        #[arg(long)]
        internal: bool,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Print topics' partitions with their offsets and sizes, and the configs that are not defaults
    #[command(after_help = "Examples:\n  \
                            tidegate topic describe orders\n  \
                            tidegate topic describe 'orders-*' --all-configs --json")]
    Describe {
        /// The topics; * stands for any characters and ? for one
        #[arg(required = true)]
        topics: Vec<String>,
        /// Also the configs that are defaults
        #[arg(long)]
        all_configs: bool,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Create a topic
    Create(CreateArgs),
    /// Add partitions to topics, and change their configs
    Alter(AlterArgs),
    /// Delete topics with all their records
    ///
    /// Names are deleted as they are. For patterns it shows the topics first and asks; --yes answers.
    #[command(
        visible_alias = "rm",
        after_help = "Examples:\n  \
                      tidegate topic delete orders payments\n  \
                      tidegate topic delete 'test-*' --yes"
    )]
    Delete {
        /// The topics; * stands for any characters and ? for one
        #[arg(required = true)]
        topics: Vec<String>,
        /// Do not ask before deleting what a pattern found
        #[arg(long, short)]
        yes: bool,
        /// Succeed if a topic does not exist
        #[arg(long)]
        if_exists: bool,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Delete the records before an offset or a point in time
    ///
    /// Shows what it would delete. Only with --execute it does.
    DeleteRecords(DeleteRecordsArgs),
    /// Look up offsets by position or time
    #[command(after_help = "Examples:\n  \
                            tidegate topic offsets orders\n  \
                            tidegate topic offsets orders:0,2 --at latest\n  \
                            tidegate topic offsets orders --at 2026-11-21T10:00 --at 2h")]
    Offsets {
        /// The topics, or some of their partitions
        #[arg(required = true, value_name = "TOPIC[:N,N...]")]
        topics: Vec<TopicScope>,
        /// earliest, latest, max-timestamp, earliest-local, latest-tiered, a datetime (UTC unless
        /// it has an offset), milliseconds since 1970, or a duration before now such as 2h; may be
        /// repeated
        #[arg(long, value_name = "AT", default_values = ["earliest", "latest"])]
        at: Vec<Lookup>,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
}

/// The arguments of `topic create`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
                        tidegate topic create orders --partitions 12\n  \
                        tidegate topic create prices -p 3 -c cleanup.policy=compact --if-not-exists")]
pub struct CreateArgs {
    /// The topic
    pub topic: String,
    /// How many partitions; without it the gateway's num.partitions
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: Option<i32>,
    /// How many replicas of each partition; without it the cluster's default.replication.factor
    #[arg(
        long,
        short,
        value_name = "N",
        visible_alias = "replication-factor",
        value_parser = clap::value_parser!(i16).range(1..)
    )]
    pub replicas: Option<i16>,
    /// A topic config, such as cleanup.policy=compact; may be repeated
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub config: Vec<String>,
    /// Succeed if the topic exists already
    #[arg(long)]
    pub if_not_exists: bool,
    /// Only check whether it could be created
    #[arg(long)]
    pub validate_only: bool,
    /// Where and how.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// The arguments of `topic alter`.
#[derive(Args, Debug)]
#[command(
    group = clap::ArgGroup::new("change").required(true).multiple(true)
        .args(["partitions", "config", "delete_config"]),
    after_help = "Examples:\n  \
                  tidegate topic alter orders --partitions 24\n  \
                  tidegate topic alter orders --config retention.ms=86400000 --delete-config segment.bytes\n  \
                  tidegate topic alter orders --config cleanup.policy+=compact"
)]
pub struct AlterArgs {
    /// The topics; * stands for any characters and ? for one
    #[arg(required = true)]
    pub topics: Vec<String>,
    /// How many partitions there shall be in all, which is more than there are
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: Option<i32>,
    /// Set a config; += and -= add to a list and take out of it; may be repeated
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub config: Vec<Change>,
    /// Set a config back to its default; may be repeated
    #[arg(long, value_name = "NAME")]
    pub delete_config: Vec<String>,
    /// Only check whether it could be done
    #[arg(long)]
    pub validate_only: bool,
    /// Where and how.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// The arguments of `topic delete-records`.
#[derive(Args, Debug)]
#[command(
    group = clap::ArgGroup::new("where").required(true).args(["before", "from_file"]),
    after_help = "Examples:\n  \
                  tidegate topic delete-records orders --before 7d\n  \
                  tidegate topic delete-records orders:0 --before 1500 --execute\n  \
                  tidegate topic delete-records orders --before latest --execute\n  \
                  tidegate topic delete-records --from-file records.json --execute\n\n\
                  The file is that of kafka-delete-records: \
                  {\"partitions\": [{\"topic\": \"orders\", \"partition\": 0, \"offset\": 1500}], \"version\": 1}"
)]
pub struct DeleteRecordsArgs {
    /// The topics, or some of their partitions
    #[arg(value_name = "TOPIC[:N,N...]", required_unless_present = "from_file")]
    pub topics: Vec<TopicScope>,
    /// The first offset that stays; or latest for none; or a datetime (UTC unless it has an
    /// offset) or a duration before now such as 7d, whose first record stays
    #[arg(long, value_name = "OFFSET|latest|TIME")]
    pub before: Option<Before>,
    /// Partitions with the first offsets that stay, in JSON
    #[arg(long, value_name = "FILE", conflicts_with = "topics")]
    pub from_file: Option<PathBuf>,
    /// Do it
    #[arg(long)]
    pub execute: bool,
    /// Where and how.
    #[command(flatten)]
    pub connect: ConnectArgs,
}
