//! The registry's listener: connections, their limits, and their end.

use super::bodies::BodyMemory;
use super::cors::Cors;
use super::dispatch::Dispatcher;
use super::metrics::Metrics;
use super::route::Router;
use super::stall::Stalling;
use super::users::Users;
use crate::Registry;
use crate::routes::ROUTES;
use crate::settings::HttpSettings;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidegate_metrics::Text;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing::{debug, warn};

/// How long connections may take to answer what they had begun when the registry stops.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// How long to wait when the system has no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A registry that listens.
pub struct RegistryServer {
    address: SocketAddr,
    registry: Arc<Registry>,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl RegistryServer {
    /// Serves `registry` on a socket that is bound. Without `users` everybody may ask.
    pub fn start(
        socket: TcpListener,
        registry: Arc<Registry>,
        users: Option<Users>,
        settings: HttpSettings,
    ) -> std::io::Result<Self> {
        let address = socket.local_addr()?;
        let metrics = Arc::new(Metrics::new(ROUTES));
        let dispatcher = Arc::new(Dispatcher {
            registry: registry.clone(),
            router: Router::new(ROUTES),
            users: users.map(Arc::new),
            cors: Cors::new(settings.allowed_origins),
            realm: settings.realm,
            body_bytes_max: settings.body_bytes_max,
            body_time_max: settings.idle_max,
            bodies: BodyMemory::new(settings.bodies_bytes_max),
            metrics: metrics.clone(),
        });
        let (stop, stopping) = watch::channel(false);
        let listener = Listener {
            socket,
            dispatcher,
            idle_max: settings.idle_max,
            slots: Arc::new(Semaphore::new(settings.connections_max)),
        };
        let task = tokio::spawn(listener.run(stopping));
        Ok(RegistryServer { address, registry, metrics, stop, task })
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What writes the registry's metrics.
    pub fn metrics(&self) -> impl Fn(&mut Text) + Send + Sync + 'static {
        let (metrics, registry) = (self.metrics.clone(), self.registry.clone());
        move |text| metrics.write(registry.counts(), text)
    }

    /// Refuses new connections, answers what is in flight, and closes every connection. Nothing asks
    /// the broker any more when this returns.
    pub async fn stop(self) {
        // Without receivers everything has stopped already.
        self.stop.send(true).ok();
        if let Err(error) = self.task.await {
            warn!(target: "tidegate::registry", %error, "the registry's listener did not end by itself");
        }
    }
}

struct Listener {
    socket: TcpListener,
    dispatcher: Arc<Dispatcher>,
    idle_max: Duration,
    slots: Arc<Semaphore>,
}

impl Listener {
    async fn run(self, mut stopping: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = async {
                let slot = self.slots.clone().acquire_owned().await;
                let slot = slot.expect("the semaphore is never closed");
                (self.socket.accept().await, slot)
            };
            let (accepted, slot) = tokio::select! {
                accepted = accepted => accepted,
                _ = stopping.wait_for(|stopping| *stopping) => break,
            };
            // Those that have ended are forgotten while others come.
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, peer)) => {
                    let (dispatcher, idle_max) = (self.dispatcher.clone(), self.idle_max);
                    let stopping = stopping.clone();
                    connections.spawn(async move {
                        serve(stream, peer, dispatcher, idle_max, stopping).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    warn!(target: "tidegate::registry", %error, "registry connection not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // Whoever connects from now on must not wait for a socket that nobody accepts from.
        drop(self.socket);
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_MAX, drained).await.is_err() {
            warn!(target: "tidegate::registry", "some connections of the registry did not finish in time and are cut off");
            connections.shutdown().await;
        }
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    dispatcher: Arc<Dispatcher>,
    idle_max: Duration,
    mut stopping: watch::Receiver<bool>,
) {
    let _open = dispatcher.metrics.connection_opened();
    if let Err(error) = stream.set_nodelay(true) {
        debug!(target: "tidegate::registry", %peer, %error, "registry connection keeps small packets back");
    }
    let service = service_fn(move |request| {
        let dispatcher = dispatcher.clone();
        async move { Ok::<_, Infallible>(dispatcher.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_max)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(Stalling::new(stream, idle_max)), service);
    let mut connection = std::pin::pin!(connection);
    let stop = async { drop(stopping.wait_for(|stopping| *stopping).await) };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stop => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(target: "tidegate::registry", %peer, %error, "registry connection ended");
    }
}
