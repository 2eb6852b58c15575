//! The command lines of `tidegate config` and `tidegate quota`.

use super::ConnectArgs;
use crate::client::{Change, ResourceType};
use clap::{Args, Subcommand};

/// Commands on configs.
#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Print configs with where their values come from
    #[command(after_help = "Examples:\n  \
                            tidegate config describe topic orders\n  \
                            tidegate config describe broker 1 --all\n  \
                            tidegate config describe broker")]
    Describe {
        /// What has the configs
        r#type: ResourceType,
        /// Its name, or a broker's id; without it the defaults of all brokers
        name: Option<String>,
        /// Also the configs that are defaults
        #[arg(long)]
        all: bool,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Set configs
    #[command(after_help = "Examples:\n  \
                            tidegate config set topic orders retention.ms=86400000\n  \
                            tidegate config set topic orders cleanup.policy+=compact\n  \
                            tidegate config set broker '' log.cleaner.threads=2")]
    Set {
        /// What has the configs
        r#type: ResourceType,
        /// Its name, or a broker's id; '' for the defaults of all brokers
        name: String,
        /// What to set; += and -= add to a list and take out of it
        #[arg(required = true, value_name = "NAME=VALUE")]
        changes: Vec<Change>,
        /// Only check whether it could be done
        #[arg(long)]
        validate_only: bool,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Set configs back to their defaults
    #[command(after_help = "Examples:\n  \
                            tidegate config unset topic orders retention.ms segment.bytes")]
    Unset {
        /// What has the configs
        r#type: ResourceType,
        /// Its name, or a broker's id; '' for the defaults of all brokers
        name: String,
        /// The configs
        #[arg(required = true, value_name = "NAME")]
        configs: Vec<String>,
        /// Only check whether it could be done
        #[arg(long)]
        validate_only: bool,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
}

/// Commands on quotas.
#[derive(Subcommand, Debug)]
pub enum QuotaCommand {
    /// Print quotas: all of them, or those of an entity
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  \
                      tidegate quota list\n  \
                      tidegate quota list --user ann"
    )]
    List {
        /// Whose.
        #[command(flatten)]
        entity: QuotaEntity,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Set quotas of an entity
    #[command(after_help = "Examples:\n  \
                            tidegate quota set --user ann producer_byte_rate=1048576\n  \
                            tidegate quota set --user-default --client-id batch consumer_byte_rate=1e6")]
    Set {
        /// The quotas: producer_byte_rate, consumer_byte_rate, request_percentage,
        /// controller_mutation_rate, connection_creation_rate
        #[arg(required = true, value_name = "NAME=NUMBER")]
        quotas: Vec<String>,
        /// Whose.
        #[command(flatten)]
        entity: QuotaEntity,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Take quotas of an entity away
    Unset {
        /// The quotas
        #[arg(required = true, value_name = "NAME")]
        quotas: Vec<String>,
        /// Whose.
        #[command(flatten)]
        entity: QuotaEntity,
        /// Where and how.
        #[command(flatten)]
        connect: ConnectArgs,
    },
}

/// Whose quota: a user, a client id, both, or an address.
#[derive(Args, Debug, Default, Clone)]
pub struct QuotaEntity {
    /// A user
    #[arg(long, value_name = "USER", conflicts_with = "user_default")]
    pub user: Option<String>,
    /// Every user without a quota of its own
    #[arg(long)]
    pub user_default: bool,
    /// A client id
    #[arg(long, value_name = "ID", conflicts_with = "client_id_default")]
    pub client_id: Option<String>,
    /// Every client id without a quota of its own
    #[arg(long)]
    pub client_id_default: bool,
    /// An address
    #[arg(long, value_name = "IP", conflicts_with_all = ["ip_default", "user", "user_default", "client_id", "client_id_default"])]
    pub ip: Option<String>,
    /// Every address without a quota of its own
    #[arg(long, conflicts_with_all = ["user", "user_default", "client_id", "client_id_default"])]
    pub ip_default: bool,
}
