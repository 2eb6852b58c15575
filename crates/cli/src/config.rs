//! `tidegate config`: configs of topics, brokers, groups and client metrics subscriptions.

use crate::args::{ConfigCommand, ConnectArgs};
use crate::client::{Change, Client, Config, Resource};
use crate::failure::Failure;
use crate::outcome::report;
use crate::output::{Table, print, print_json};
use serde::Serialize;

/// Runs one of the commands.
pub fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Describe { r#type, name, all, connect } => {
            let name = name.unwrap_or_default();
            describe(&connect, Resource { r#type, name }, all)
        }
        ConfigCommand::Set { r#type, name, changes, validate_only, connect } => {
            alter(&connect, Resource { r#type, name }, &changes, validate_only)
        }
        ConfigCommand::Unset { r#type, name, configs, validate_only, connect } => {
            let changes: Vec<Change> = configs.iter().map(|name| Change::delete(name)).collect();
            alter(&connect, Resource { r#type, name }, &changes, validate_only)
        }
    }
}

#[derive(Serialize)]
struct Described {
    resource: String,
    configs: Vec<Config>,
}

fn describe(connect: &ConnectArgs, resource: Resource, all: bool) -> Result<(), Failure> {
    let described = Client::connect(connect)?.describe_configs(std::slice::from_ref(&resource))?;
    let Some((_, configs)) = described.into_iter().next() else {
        return Err(Failure::Failed(format!("the broker did not describe {resource}")));
    };
    let mut configs = configs?;
    configs.retain(|config| all || !config.is_default());
    if connect.json {
        return print_json(&Described { resource: resource.to_string(), configs });
    }
    if configs.is_empty() {
        return print(&format!("all configs of {resource} are defaults; --all shows them\n"));
    }
    let mut table = Table::new(&["CONFIG", "VALUE", "SOURCE", "CHANGEABLE"]);
    for config in configs {
        let value = match (config.sensitive, config.value) {
            (true, _) => "(secret)".to_owned(),
            (false, value) => value.unwrap_or_default(),
        };
        let changeable = if config.read_only { "no" } else { "yes" };
        table.row([config.name, value, config.source.to_owned(), changeable.to_owned()]);
    }
    print(&table.render())
}

fn alter(
    connect: &ConnectArgs,
    resource: Resource,
    changes: &[Change],
    validate_only: bool,
) -> Result<(), Failure> {
    let altered = Client::connect(connect)?.alter_configs(
        std::slice::from_ref(&resource),
        changes,
        validate_only,
    )?;
    let names: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
    let verb = if validate_only { "could be changed" } else { "changed" };
    let outcomes = altered.into_iter().map(|(resource, result)| {
        let said = result.map(|()| format!("{resource} {verb}: {}", names.join(", ")));
        (resource.to_string(), said)
    });
    report(connect.json, outcomes.collect())
}
