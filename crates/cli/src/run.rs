//! `tidegate serve`: from settings to a running gateway, and back to a clean end.

use crate::engine;
use crate::failure::Failure;
use crate::identity;
use crate::log_lines;
use crate::logging;
use crate::output;
use crate::reach;
use crate::registry;
use crate::settings::{Engine, HostPort, LogFormat, RegistryListen, Settings, Sync};
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use tidegate_broker::config::KafkaSettings;
use tidegate_broker::{Broker, BrokerParts, Clock};
use tidegate_log::LogError;
use tidegate_registry::RegistryServer;
use tidegate_server::observe::LogControl;
use tidegate_server::{Endpoint, Limits, SeriesMax, Server, ServerSettings};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// One gateway is the whole cluster, and this is its broker.
const NODE_ID: i32 = 1;

/// Runs the gateway until it is told to stop.
pub fn serve(settings: &Settings) -> Result<(), Failure> {
    let logs = logging::start(&settings.log);
    for warning in &settings.warnings {
        warn!(target: "tidegate::server", "{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start the threads: {error}")))?;
    runtime.block_on(run(settings, logs))
}

async fn run(settings: &Settings, logs: Box<dyn LogControl>) -> Result<(), Failure> {
    // Before anything else: a signal that found no handler would end the gateway by the system's hand.
    let stop = stop_signal()?;
    let registry_socket = registry::bind(settings).await?;
    let store = engine::open(settings)?;
    let cluster_id = cluster_id(settings)?;
    let broker = Broker::open(BrokerParts {
        store,
        settings: Arc::new(kafka_settings(settings)),
        offset_storage: engine::offsets(settings)?,
        node_id: NODE_ID,
        clock: Clock::system(),
        validation: settings.validation,
    })
    .await
    .map_err(|error| match error {
        LogError::Corrupt { .. } => Failure::Damaged(error.to_string()),
        error => Failure::Failed(format!("cannot read what is stored: {error}")),
    })?;
    let server = Server::start(broker.clone(), server_settings(settings, cluster_id.clone()))
        .await
        .map_err(|error| Failure::Failed(error.to_string()))?;
    server.control_logs(logs);
    server.add_metrics(Box::new(log_lines::write));
    if let Some(advertise) = &settings.advertise {
        tokio::spawn(reach::check(advertise.clone()));
    }
    let registry = match registry_socket {
        Some(socket) => {
            let table = &settings.registry;
            let registry = registry::start(socket, broker.clone(), table, cluster_id).await?;
            server.add_metrics(Box::new(registry.metrics()));
            Some(registry)
        }
        None => None,
    };
    let admin = server.admin_address.map(tracing::field::display);
    let registry_address = registry.as_ref().map(RegistryServer::address);
    let shown = registry_address.map(tracing::field::display);
    info!(target: "tidegate::server", kafka = %server.kafka_address, admin, registry = shown, "ready");
    greet(&bound(settings, server.kafka_address, server.admin_address, registry_address))?;
    let why = stop.await;
    info!(target: "tidegate::server", signal = why, "stopping");
    if let Some(registry) = registry {
        registry.stop().await;
    }
    server.stop().await;
    broker
        .close()
        .await
        .map_err(|error| Failure::Failed(format!("the data was not closed cleanly: {error}")))?;
    info!(target: "tidegate::server", "stopped");
    Ok(())
}

/// Kafka's settings with what the gateway decides itself, so that clients are told the truth of it.
fn kafka_settings(settings: &Settings) -> KafkaSettings {
    let node_id = NODE_ID.to_string();
    let kafka = settings
        .kafka
        .clone()
        .with_fact("node.id", &node_id)
        .with_fact("broker.id", &node_id)
        .with_fact("listeners", &format!("PLAINTEXT://{}", settings.listen));
    match settings.storage.engine {
        Engine::Local => kafka.with_fact("log.dirs", &settings.data_dir.display().to_string()),
        Engine::Memory => kafka,
    }
}

fn cluster_id(settings: &Settings) -> Result<String, Failure> {
    match settings.storage.engine {
        Engine::Memory => Ok(identity::fresh()),
        Engine::Local => identity::of_directory(&settings.data_dir).map_err(|error| {
            let directory = settings.data_dir.display();
            Failure::Failed(format!("cannot keep the cluster's id in {directory}: {error}"))
        }),
    }
}

fn server_settings(settings: &Settings, cluster_id: String) -> ServerSettings {
    let limits = &settings.limits;
    ServerSettings {
        listen: settings.listen.to_string(),
        advertised: settings
            .advertise
            .as_ref()
            .map(|HostPort { host, port }| Endpoint { host: host.clone(), port: *port }),
        admin_listen: settings.admin_listen.as_ref().map(HostPort::to_string),
        cluster_id,
        node_id: NODE_ID,
        slow_request: settings.log.slow_request,
        limits: Limits {
            requests_in_flight_max: limits.requests_in_flight_max,
            request_bytes_in_flight_max: limits.request_bytes_in_flight_max,
            unacknowledged_bytes_max: limits.unacknowledged_bytes_max,
            request_stall_ms: limits.request_stall_ms,
            series: SeriesMax {
                lags: settings.metrics.lag_partitions_max,
                partitions: settings.metrics.topic_partitions_max,
            },
        },
    }
}

/// Begins to listen for SIGTERM and SIGINT; the future names the one that came.
fn stop_signal() -> Result<impl Future<Output = &'static str>, Failure> {
    let listen = |kind| {
        let failed = |error| Failure::Failed(format!("cannot listen for signals: {error}"));
        signal(kind).map_err(failed)
    };
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

/// The settings with the ports that the system chose where port 0 asked it to.
fn bound(
    settings: &Settings,
    kafka: SocketAddr,
    admin: Option<SocketAddr>,
    registry: Option<SocketAddr>,
) -> Settings {
    let mut bound = settings.clone();
    bound.registry_listen = match (settings.registry_listen.address(), registry) {
        (Some(HostPort { host, .. }), Some(registry)) => {
            RegistryListen::Named(HostPort { host, port: registry.port() })
        }
        _ => RegistryListen::Off,
    };
    bound.listen.port = kafka.port();
    if let (Some(address), Some(admin)) = (&mut bound.admin_listen, admin) {
        address.port = admin.port();
    }
    bound
}

/// Tells whoever started the gateway in a terminal where it is and what to try. Programs that read
/// JSON logs get the same facts from the log.
fn greet(settings: &Settings) -> Result<(), Failure> {
    match settings.log.format {
        LogFormat::Text => output::print(&greeting(settings)),
        LogFormat::Json => Ok(()),
    }
}

fn greeting(settings: &Settings) -> String {
    let at = reachable(settings);
    let data = match settings.storage.engine {
        Engine::Memory => "in memory, gone when the gateway stops".to_owned(),
        Engine::Local => {
            let when = match settings.storage.sync {
                Sync::Always => "synced to disk before every acknowledgement".to_owned(),
                Sync::Interval(interval) => {
                    format!("synced to disk every {} ms", interval.as_millis())
                }
                Sync::Os => "synced to disk when the system sees fit".to_owned(),
            };
            format!("{}, {when}", settings.data_dir.display())
        }
    };
    let mut text = format!("tidegate {}\n\n", env!("CARGO_PKG_VERSION"));
    let mut line = |name: &str, value: &str| {
        writeln!(text, "  {name:<8} {value}").expect("a string takes all writes");
    };
    line("kafka", &settings.listen.to_string());
    if let Some(advertise) = &settings.advertise {
        line("known as", &advertise.to_string());
    }
    if let Some(registry) = settings.registry_listen.address() {
        line("registry", &format!("http://{registry}"));
    }
    if let Some(admin) = &settings.admin_listen {
        line("admin", &format!("http://{admin}/metrics, /health, /ready"));
    }
    line("data", &data);
    let commands = format!(
        "\nTry:\n  tidegate topic create hello --partitions 3 --bootstrap {at}\n  \
         echo 'hello, tide' | kcat -b {at} -t hello -P\n  \
         kafka-console-consumer.sh --bootstrap-server {at} --topic hello --from-beginning\n\n\
         Stop with Ctrl-C.\n"
    );
    text + &commands
}

/// An address that works from this machine, for the commands to try.
fn reachable(settings: &Settings) -> HostPort {
    let listen = &settings.listen;
    match &settings.advertise {
        Some(advertise) => advertise.clone(),
        None if listen.is_wildcard() => {
            HostPort { host: "127.0.0.1".to_owned(), port: listen.port }
        }
        None => listen.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting_with(flags: crate::settings::Flags) -> String {
        greeting(&Settings::load(None, Vec::new(), flags).expect("the flags are valid"))
    }

    #[test]
    fn the_greeting_names_the_advertised_address_in_every_command() {
        let text = greeting_with(vec![("advertise", "--advertise", "gateway:19092".to_owned())]);
        assert_eq!(text.matches("gateway:19092").count(), 4, "{text}");
        assert!(text.contains("  kafka    127.0.0.1:9092\n"), "{text}");
    }

    #[test]
    fn the_greeting_never_names_an_address_nobody_can_connect_to() {
        let text = greeting_with(vec![("listen", "--listen", "0.0.0.0:9092".to_owned())]);
        assert!(text.contains("--bootstrap 127.0.0.1:9092\n"), "{text}");
        assert_eq!(text.matches("0.0.0.0").count(), 1, "{text}");
    }

    #[test]
    fn the_greeting_says_that_memory_does_not_last() {
        let text = greeting_with(vec![("storage.engine", "--storage", "memory".to_owned())]);
        assert!(text.contains("gone when the gateway stops"), "{text}");
    }

    #[test]
    fn the_greeting_names_the_registry_unless_it_is_off() {
        assert!(greeting_with(vec![]).contains("  registry http://127.0.0.1:8081\n"));
        let off = vec![("registry_listen", "--registry-listen", "off".to_owned())];
        assert!(!greeting_with(off).contains("registry"));
    }

    #[test]
    fn the_greeting_leaves_out_an_admin_address_that_is_off() {
        let text = greeting_with(vec![("admin_listen", "--admin-listen", "off".to_owned())]);
        assert!(!text.contains("/metrics"), "{text}");
    }
}
