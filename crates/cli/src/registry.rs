//! The schema registry as part of the gateway: its socket, its users, and its start.

use crate::args::RegistryUserArgs;
use crate::failure::Failure;
use crate::output;
use crate::settings::{RegistryListen, RegistryTable, Settings};
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use tidegate_broker::{Broker, Schemas, SchemasSettings};
use tidegate_machine::schema::Settings as StateSettings;
use tidegate_registry::{Registry, RegistryServer, RegistrySettings, Users, user_line};
use tokio::net::TcpListener;
use tracing::warn;

/// Binds the registry's address; `None` if there is to be no registry, or if another program has the
/// address and nobody asked for it.
pub async fn bind(settings: &Settings) -> Result<Option<TcpListener>, Failure> {
    let Some(address) = settings.registry_listen.address() else { return Ok(None) };
    match TcpListener::bind(address.to_string()).await {
        Ok(socket) => Ok(Some(socket)),
        Err(error)
            if settings.registry_listen == RegistryListen::Default
                && error.kind() == ErrorKind::AddrInUse =>
        {
            warn!(
                target: "tidegate::registry",
                %address,
                "no schema registry: another program has the address; set registry_listen to \
                 another one, or to off"
            );
            Ok(None)
        }
        Err(error) => {
            Err(Failure::Failed(format!("cannot listen on {address} (registry_listen): {error}")))
        }
    }
}

/// Serves the registry on a socket that is bound.
pub async fn start(
    socket: TcpListener,
    broker: Arc<Broker>,
    table: &RegistryTable,
    cluster_id: String,
) -> Result<RegistryServer, Failure> {
    let users = users(table)?;
    let schemas = SchemasSettings {
        topic: table.topic.clone(),
        takeover: table.takeover,
        group_id: table.group_id.clone(),
        registry: StateSettings {
            compatibility_level: table.compatibility_level,
            ..StateSettings::default()
        },
    };
    let schemas = Schemas::open(broker, schemas)
        .await
        .map_err(|error| Failure::Failed(format!("the schema registry cannot start: {error}")))?;
    let rules = RegistrySettings { cluster_id, ..table.rules.clone() };
    let registry = Arc::new(Registry::new(schemas, rules));
    RegistryServer::start(socket, registry, users, table.http.clone())
        .map_err(|error| Failure::Failed(format!("the schema registry cannot start: {error}")))
}

fn users(table: &RegistryTable) -> Result<Option<Users>, Failure> {
    let Some(path) = &table.users_file else { return Ok(None) };
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::Usage(format!("registry.users_file {shown}: cannot be read: {error}"))
    })?;
    let users = Users::parse(&text);
    users.map(Some).map_err(|error| Failure::Usage(format!("registry.users_file {shown}: {error}")))
}

/// `tidegate registry-user`: prints a line for the users' file.
pub fn user(args: &RegistryUserArgs) -> Result<(), Failure> {
    let mut password = String::new();
    std::io::stdin()
        .read_to_string(&mut password)
        .map_err(|error| Failure::Failed(format!("the password cannot be read: {error}")))?;
    let password = password.trim_end_matches(['\n', '\r']);
    let line =
        user_line(&args.name, password).map_err(|error| Failure::Usage(error.to_string()))?;
    output::print(&format!("{line}\n"))
}
