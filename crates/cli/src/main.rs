//! The `tidegate` binary: the gateway and the commands to look after it.

mod admin;
mod args;
mod client;
mod config;
mod engine;
mod failure;
mod group;
mod identity;
mod inspect;
mod load;
mod log_lines;
mod logging;
#[cfg(test)]
mod metrics_manual;
mod outcome;
mod output;
mod quota;
mod reach;
mod registry;
mod run;
mod schema;
mod scope;
mod settings;
mod time;
mod topic;

use args::{Cli, Command, ServeArgs};
use clap::Parser;
use failure::Failure;
use settings::Settings;
use std::process::ExitCode;

/// Frees less often to the system than the default and keeps threads out of each other's way.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => serve(*args),
        Command::Topic(command) => topic::run(*command),
        Command::Group(command) => group::run(*command),
        Command::Config(command) => config::run(command),
        Command::Quota(command) => quota::run(command),
        Command::Schema(command) => schema::run(*command),
        // What came of the run decides, not whether the command did its work.
        Command::Load(args) => return load::run(*args),
        Command::RegistryUser(args) => registry::user(&args),
        Command::LogLevel(args) => admin::log_level(&args),
        Command::Trace(args) => admin::trace(&args),
        Command::Connections(args) => admin::connections(&args),
        Command::Inspect(args) => inspect::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("tidegate: {failure}");
            failure.exit_code()
        }
    }
}

fn serve(args: ServeArgs) -> Result<(), Failure> {
    let file = args.config.clone().or_else(|| std::env::var_os("TIDEGATE_CONFIG").map(Into::into));
    // What is not UTF-8 cannot be one of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name != "TIDEGATE_CONFIG")
        .collect();
    let settings = Settings::load(file.as_deref(), environment, args.into_flags())?;
    run::serve(&settings)
}
