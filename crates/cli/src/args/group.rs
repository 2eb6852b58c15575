//! The command line of `tidegate group`.

use super::ConnectArgs;
use crate::scope::TopicScope;
use crate::time::{parse_datetime, parse_duration};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Commands on consumer groups.
#[derive(Subcommand, Debug)]
pub enum GroupCommand {
    /// Print the groups with their states
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  \
                      tidegate group list\n  \
                      tidegate group list 'billing-*' --state empty --json"
    )]
    List {
        /// Only groups of these names; * stands for any characters and ? for one
        patterns: Vec<String>,
        /// Only groups in one of these states
        #[arg(long, value_name = "STATE", value_delimiter = ',', ignore_case = true)]
        state: Vec<GroupState>,
        /// Only groups of one of these types
        #[arg(long, value_name = "TYPE", value_delimiter = ',', ignore_case = true)]
        r#type: Vec<GroupType>,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Print groups' members with their partitions, and committed offsets with their lag
    #[command(after_help = "Examples:\n  \
                            tidegate group describe billing\n  \
                            tidegate group describe billing shipping --json")]
    Describe {
        /// The groups
        #[arg(required = true)]
        groups: Vec<String>,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Change the committed offsets of groups that have no members
    ///
    /// Shows what it would change. Only with --execute it does.
    ResetOffsets(ResetArgs),
    /// Print committed offsets in the form that `import` and `reset-offsets --from-file` read
    ///
    /// That is CSV as kafka-consumer-groups writes and reads it, or JSON with --json, which has leader
    /// epochs and the consumers' notes too.
    #[command(
        visible_alias = "export",
        after_help = "Examples:\n  \
                      tidegate group export-offsets billing > billing.csv\n  \
                      tidegate group reset-offsets billing --from-file billing.csv --execute\n  \
                      tidegate group export billing shipping --json > offsets.json"
    )]
    ExportOffsets {
        /// The groups; more than one makes lines that begin with the group
        #[arg(required = true)]
        groups: Vec<String>,
        /// Only these topics, or some of their partitions; may be repeated
        #[arg(long, value_name = "TOPIC[:N,N...]")]
        topic: Vec<TopicScope>,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Commit the offsets of a file as they are, for groups that have no members
    ///
    /// Brings offsets from one cluster, or one place where they are kept, to another. Shows what it would
    /// change. Only with --execute it does.
    #[command(after_help = "Examples:\n  \
                            tidegate group export billing shipping --json > offsets.json\n  \
                            tidegate group import offsets.json --execute\n  \
                            tidegate group import billing.csv --group billing --execute")]
    Import {
        /// What export-offsets has printed: CSV or JSON
        file: PathBuf,
        /// Only this group; the file need not name it then
        #[arg(long)]
        group: Option<String>,
        /// Do it
        #[arg(long)]
        execute: bool,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Delete committed offsets of a group, whose members must not be subscribed to the topic
    #[command(after_help = "Examples:\n  \
                            tidegate group delete-offsets billing --topic orders\n  \
                            tidegate group delete-offsets billing --topic orders:0,2 --topic payments")]
    DeleteOffsets {
        /// The group
        group: String,
        /// The topics, or some of their partitions; may be repeated
        #[arg(long, required = true, value_name = "TOPIC[:N,N...]")]
        topic: Vec<TopicScope>,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Delete groups, which must have no members, with their committed offsets
    #[command(visible_alias = "rm")]
    Delete {
        /// The groups
        #[arg(required = true)]
        groups: Vec<String>,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
}

/// The states of groups of all types (Kafka's GroupState).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum GroupState {
    /// Members are joining, or wait for their partitions.
    PreparingRebalance,
    /// The leader is assigning partitions.
    CompletingRebalance,
    /// Every member has its partitions.
    Stable,
    /// It is about to go.
    Dead,
    /// It has no members.
    Empty,
    /// The newer protocol computes an assignment.
    Assigning,
    /// Members of the newer protocol are moving to their assignment.
    Reconciling,
    /// A Streams group waits for its topics.
    NotReady,
}

/// The types of groups (Kafka's GroupType).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum GroupType {
    /// JoinGroup and SyncGroup: consumers, Connect, schema registries.
    Classic,
    /// Consumers of the newer protocol (KIP-848).
    Consumer,
    /// Share groups (KIP-932).
    Share,
    /// Kafka Streams (KIP-1071).
    Streams,
}

/// The arguments of `group reset-offsets`.
#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("scope").args(["all_topics", "topic", "from_file"]).required(true),
    group = ArgGroup::new("who").args(["groups", "all_groups"]).required(true),
    after_help = "Examples:\n  \
                  tidegate group reset-offsets billing --topic orders --to-earliest\n  \
                  tidegate group reset-offsets billing --topic orders:0,2 --to-offset 1500 --execute\n  \
                  tidegate group reset-offsets billing --all-topics --to-datetime 2026-11-21T10:00+01:00\n  \
                  tidegate group reset-offsets billing --all-topics --by-duration 2h --execute\n  \
                  tidegate group reset-offsets billing --from-file billing.csv --execute\n\n\
                  Offsets that a partition does not have any more, or not yet, become its first or \
                  last one, with a note. A file has lines TOPIC,PARTITION,OFFSET or \
                  GROUP,TOPIC,PARTITION,OFFSET, or is the JSON of this command or of export-offsets."
)]
pub struct ResetArgs {
    /// The groups
    pub groups: Vec<String>,
    /// All groups; those that have members are refused
    #[arg(long)]
    pub all_groups: bool,
    /// All partitions for which the group has committed offsets
    #[arg(long)]
    pub all_topics: bool,
    /// A topic, or some of its partitions; may be repeated
    #[arg(long, value_name = "TOPIC[:N,N...]")]
    pub topic: Vec<TopicScope>,
    /// Where to.
    #[command(flatten)]
    pub to: ResetTo,
    /// Do it
    #[arg(long)]
    pub execute: bool,
    /// Print the new offsets as CSV, as kafka-consumer-groups does
    #[arg(long, conflicts_with = "json")]
    pub export: bool,
    /// Where and how.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Where offsets are reset to: exactly one of these.
#[derive(Args, Debug, Default)]
#[group(required = true, multiple = false)]
pub struct ResetTo {
    /// To the first offset
    #[arg(long)]
    pub to_earliest: bool,
    /// To the offset after the last record
    #[arg(long)]
    pub to_latest: bool,
    /// To where they are, or to the latest where there is none yet
    #[arg(long)]
    pub to_current: bool,
    /// To this offset
    #[arg(long, value_name = "OFFSET", allow_negative_numbers = true)]
    pub to_offset: Option<i64>,
    /// To the first record of this time or later; UTC unless it has an offset
    #[arg(long, value_name = "2026-11-21T10:00", value_parser = parse_datetime)]
    pub to_datetime: Option<i64>,
    /// To the first record that is at most this old
    #[arg(long, value_name = "2h|PT2H", value_parser = parse_duration, allow_hyphen_values = true)]
    pub by_duration: Option<i64>,
    /// By so many records, back if negative
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub shift_by: Option<i64>,
    /// To the offsets in this file
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<PathBuf>,
}
