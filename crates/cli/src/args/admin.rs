//! The arguments of the commands that talk to a gateway's admin address.

use clap::Args;

/// Which gateway.
#[derive(Args, Debug, Clone)]
pub struct AdminArgs {
    /// The gateway's admin address
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9644",
        env = "TIDEGATE_ADMIN"
    )]
    pub admin: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `log-level`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
                  tidegate log-level\n  \
                  tidegate log-level info,tidegate::fetch=debug\n  \
                  tidegate log-level info")]
pub struct LogLevelArgs {
    /// The new filter: a level, and others for some targets (docs/logging.md)
    #[arg(value_name = "FILTER")]
    pub filter: Option<String>,
    #[command(flatten)]
    pub admin: AdminArgs,
}
