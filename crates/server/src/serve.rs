//! Starting and stopping the gateway's listeners.

use crate::admin;
use crate::api::{Context, Endpoint};
use crate::metrics::{Metrics, MetricsSource, SeriesMax};
use crate::net::connection::ConnectionLimits;
use crate::net::listener::Listener;
use crate::net::memory::RequestMemory;
use crate::observe::{LogControl, Observe};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tidegate_broker::Broker;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};

const YEAR_MS: u64 = 365 * 24 * 3_600_000;

/// How long connections may take to answer what they had begun when the gateway stops.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Limits that Kafka has no setting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one connection that are begun and not answered; default 64. More of them hide
    /// more latency and cost the memory of their answers.
    pub requests_in_flight_max: usize,
    /// Bytes of large requests (over 1 MiB) being received at once, over all connections; default
    /// 256 MiB. Further ones wait.
    pub request_bytes_in_flight_max: usize,
    /// Bytes appended and not yet durable, over all connections, beyond which connections pause;
    /// default 32 MiB. More of them let more clients share one write to the disk, at the cost of
    /// memory.
    pub unacknowledged_bytes_max: u64,
    /// Longest pause between two bytes of a request, in milliseconds; default 30,000.
    pub request_stall_ms: u64,
    /// Partitions that metrics show one by one.
    pub series: SeriesMax,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            requests_in_flight_max: 64,
            request_bytes_in_flight_max: 256 << 20,
            unacknowledged_bytes_max: 32 << 20,
            request_stall_ms: 30_000,
            series: SeriesMax::default(),
        }
    }
}

/// What the server needs beyond the broker.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Where Kafka clients connect.
    pub listen: String,
    /// What they are told to connect to; `None` for the address each of them used.
    pub advertised: Option<Endpoint>,
    /// Where `/health`, `/ready` and `/metrics` are; `None` for nowhere.
    pub admin_listen: Option<String>,
    /// The cluster's id.
    pub cluster_id: String,
    /// This gateway's id.
    pub node_id: i32,
    /// From when on a request has a line in the log as slow; `None` for never.
    pub slow_request: Option<Duration>,
    /// Limits that Kafka has no setting for.
    pub limits: Limits,
}

/// Why the gateway does not listen.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address is taken, not of this machine, or not an address.
    #[error("cannot listen on {address} ({setting}): {source}")]
    Listen {
        /// The setting that names it.
        setting: &'static str,
        /// The address.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A gateway that listens.
pub struct Server {
    /// The bound address of the Kafka listener.
    pub kafka_address: SocketAddr,
    /// The bound address of the admin listener.
    pub admin_address: Option<SocketAddr>,
    broker: Arc<Broker>,
    metrics: Arc<Metrics>,
    observe: Arc<Observe>,
    stop: watch::Sender<bool>,
    kafka: JoinHandle<()>,
    admin: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds the addresses and begins to serve.
    pub async fn start(broker: Arc<Broker>, settings: ServerSettings) -> Result<Self, ServeError> {
        let socket = bind("listen", &settings.listen).await?;
        let admin_socket = match &settings.admin_listen {
            Some(address) => Some(bind("admin_listen", address).await?),
            None => None,
        };
        let address = |socket: &TcpListener| socket.local_addr().ok();
        let kafka_address = address(&socket).expect("a bound socket has an address");
        let admin_address = admin_socket.as_ref().and_then(address);
        let (stop, stopping) = watch::channel(false);
        let kafka_settings = broker.settings().clone();
        // Kafka takes a negative number for "never".
        let idle_ms = u64::try_from(kafka_settings.connections_max_idle_ms()).unwrap_or(YEAR_MS);
        let metrics = Arc::new(Metrics::default());
        let observe = Arc::new(Observe::new(settings.slow_request));
        let context = Arc::new(Context {
            broker: broker.clone(),
            node_id: settings.node_id,
            cluster_id: settings.cluster_id,
            advertised: settings.advertised,
            unacknowledged_bytes_max: settings.limits.unacknowledged_bytes_max,
            memory: RequestMemory::new(settings.limits.request_bytes_in_flight_max),
            metrics: metrics.clone(),
            series: settings.limits.series,
            observe: observe.clone(),
        });
        let listener = Listener {
            socket,
            context: context.clone(),
            limits: ConnectionLimits {
                frame_bytes_max: kafka_settings.socket_request_max_bytes() as usize,
                in_flight_max: settings.limits.requests_in_flight_max,
                idle_max: Duration::from_millis(idle_ms),
                stall_max: Duration::from_millis(settings.limits.request_stall_ms),
            },
        };
        let kafka = tokio::spawn(listener.run(stopping.clone()));
        let admin = admin_socket.map(|socket| {
            tokio::spawn(async move {
                if let Err(error) = admin::serve(socket, context, stopping).await {
                    warn!(target: "tidegate::server", %error, "admin listener failed");
                }
            })
        });
        Ok(Server { kafka_address, admin_address, broker, metrics, observe, stop, kafka, admin })
    }

    /// Shows the metrics of something that runs beside the server at its admin address too.
    pub fn add_metrics(&self, source: MetricsSource) {
        self.metrics.add_source(source);
    }

    /// Lets the admin address show and change which log lines are written. Counts once.
    pub fn control_logs(&self, logs: Box<dyn LogControl>) {
        self.observe.logs.set(logs).ok();
    }

    /// Answers what is in flight, then closes every connection.
    pub async fn stop(self) {
        // Without receivers everything has stopped already.
        self.stop.send(true).ok();
        self.broker.groups().release();
        if tokio::time::timeout(DRAIN_MAX, self.kafka).await.is_err() {
            warn!(target: "tidegate::server", "some connections did not finish in time and are cut off");
        }
        if let Some(admin) = self.admin
            && tokio::time::timeout(Duration::from_secs(1), admin).await.is_err()
        {
            info!(target: "tidegate::server", "admin connections are cut off");
        }
    }
}

async fn bind(setting: &'static str, address: &str) -> Result<TcpListener, ServeError> {
    let failed = |source| ServeError::Listen { setting, address: address.to_owned(), source };
    TcpListener::bind(address).await.map_err(failed)
}
