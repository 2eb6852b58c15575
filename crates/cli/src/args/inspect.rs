//! The arguments of `inspect`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The flags of `inspect`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
                  tidegate inspect --data-dir ./tidegate-data\n  \
                  tidegate inspect groups\n  \
                  tidegate inspect offsets --group billing --json\n  \
                  tidegate inspect log --topic orders --partition 0 --from 1500 --records")]
pub struct InspectArgs {
    /// What to show; the whole directory, with every checksum verified, if nothing is named
    #[command(subcommand)]
    pub what: Option<InspectWhat>,
    /// The directory of the data
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "./tidegate-data",
        env = "TIDEGATE_DATA_DIR"
    )]
    pub data_dir: PathBuf,
    /// The directory of the write-ahead log, if it is not in the data directory
    #[arg(long, global = true, value_name = "DIR", env = "TIDEGATE_WAL_DIR")]
    pub wal_dir: Option<PathBuf>,
    /// Print JSON in place of a summary
    #[arg(long, global = true)]
    pub json: bool,
}

/// What of it.
#[derive(Subcommand, Debug)]
pub enum InspectWhat {
    /// Every partition of every topic, with its offsets and bytes
    Topics,
    /// Consumer groups as the gateway would find them at its start
    Groups,
    /// Committed offsets
    Offsets {
        /// Only of this group
        #[arg(long, value_name = "GROUP")]
        group: Option<String>,
    },
    /// Idempotent producers of a topic, as its batches tell of them
    Producers {
        /// The topic
        #[arg(long, value_name = "TOPIC")]
        topic: String,
    },
    /// Records of the schema registry, also those that later ones replace
    Registry {
        /// The registry's topic
        #[arg(long, value_name = "TOPIC", default_value = "_schemas")]
        topic: String,
    },
    /// Batches of one partition, or the records in them
    Log(InspectLogArgs),
}

/// The flags of `inspect log`.
#[derive(Args, Debug)]
pub struct InspectLogArgs {
    /// The topic
    #[arg(long, value_name = "TOPIC")]
    pub topic: String,
    /// The partition
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub partition: i32,
    /// The first offset
    #[arg(long, value_name = "OFFSET", default_value_t = 0)]
    pub from: i64,
    /// Show records, not batches
    #[arg(long)]
    pub records: bool,
    /// End after so many
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    pub limit: u64,
}
