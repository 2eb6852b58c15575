//! The arguments of the commands that talk to a gateway's admin address.

use clap::Args;
use std::time::Duration;

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

/// The arguments of `trace`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
                  tidegate trace --group billing\n  \
                  tidegate trace --topic orders --api Produce --errors\n  \
                  tidegate trace --client app-7 --slower-than 50ms --json --limit 100")]
pub struct TraceArgs {
    /// Requests that name this consumer group
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Requests that name this topic, and fetches that have it in their session
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Requests of this client id
    #[arg(long, value_name = "CLIENT")]
    pub client: Option<String>,
    /// Requests of this type only, such as OffsetCommit; may be repeated
    #[arg(long, value_name = "NAME")]
    pub api: Vec<String>,
    /// Only those in whose answers there is an error
    #[arg(long)]
    pub errors: bool,
    /// Only those that took at least so long, waiting included: 50ms, 2s
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub slower_than: Option<Duration>,
    /// End after so many
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// Milliseconds, or a number with `ms` or `s`.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit_ms) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1_000),
        (None, None) => (text, 1),
    };
    let number: u64 = number.parse().map_err(|_| "takes a time such as 50ms or 2s".to_owned())?;
    Ok(Duration::from_millis(number.saturating_mul(unit_ms)))
}
