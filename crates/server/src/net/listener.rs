//! Accepting connections, up to a limit, until the gateway stops.

use crate::api::{Client, Context};
use crate::dispatch::Dispatcher;
use crate::net::connection::{Connection, ConnectionLimits};
use crate::observe::ConnectionInfo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidegate_broker::Waiter;
use tidegate_broker::quota::QuotaKind;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tracing::{debug, warn};

/// A failed accept (for want of file descriptors, mostly) is tried again after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections of throttled addresses that are kept waiting at once; further ones are closed.
const THROTTLED_MAX: usize = 1_024;

/// More connections than a process can have; `max.connections` allows fewer.
const PLACES: usize = u32::MAX as usize;

/// The listening side of the gateway.
pub struct Listener {
    /// The bound socket.
    pub socket: TcpListener,
    /// The gateway.
    pub context: Arc<Context>,
    /// Limits of each connection.
    pub limits: ConnectionLimits,
}

impl Listener {
    /// Serves until `stopping` turns true and every connection has answered what it had begun.
    pub async fn run(self, mut stopping: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(PLACES));
        let waiting = Arc::new(Semaphore::new(THROTTLED_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                _ = stopping.wait_for(|stopping| *stopping) => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.context.metrics.accept_failed();
                    warn!(target: "tidegate::connection", %error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let throttle_ms = self.throttle_ms(peer);
            if throttle_ms > 0 {
                self.context.metrics.connection_throttled();
                debug!(target: "tidegate::connection", %peer, throttle_ms, "connection is beyond its address's quota");
                // Closed late, so that its client does not come back at once (KIP-612).
                if let Ok(waits) = waiting.clone().try_acquire_owned() {
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(throttle_ms)).await;
                        drop((stream, waits));
                    });
                }
                continue;
            }
            // It can change while the gateway runs.
            let max_connections = self.context.broker.settings().max_connections();
            let open = PLACES - places.available_permits();
            let place = match places.clone().try_acquire_owned() {
                Ok(place) if open < max_connections as usize => place,
                _ => {
                    self.context.metrics.connection_refused();
                    warn!(target: "tidegate::connection", %peer, max_connections, "too many connections, closed");
                    continue;
                }
            };
            let guard = self.context.metrics.connection_opened();
            let open = self.context.observe.connections.open(peer);
            let info = open.info.clone();
            let Ok(connection) = self.connection(stream, info.clone()) else { continue };
            debug!(target: "tidegate::connection", connection = info.id, %peer, "connection accepted");
            let metrics = self.context.metrics.clone();
            let mut stopping = stopping.clone();
            tokio::spawn(async move {
                let stopped = async move {
                    // An error means that the sender is gone, which is a stop as well.
                    drop(stopping.wait_for(|stopping| *stopping).await);
                };
                let end = connection.run(stopped).await;
                metrics.connection_ended(&end);
                end.log(&info);
                drop((place, guard, open));
            });
        }
        // The places come back as the connections end.
        drop(places.acquire_many(u32::MAX).await);
    }

    /// How long a connection from there has to wait before it is closed; 0 if it is welcome.
    fn throttle_ms(&self, peer: SocketAddr) -> u64 {
        let broker = &self.context.broker;
        if !broker.quotas().active().has(QuotaKind::Connection) {
            return 0;
        }
        let now = broker.clock().steady_ms();
        u64::try_from(broker.quotas().record_connection(peer.ip(), now)).unwrap_or(0)
    }

    fn connection(
        &self,
        stream: TcpStream,
        info: Arc<ConnectionInfo>,
    ) -> std::io::Result<Connection<Dispatcher>> {
        stream.set_nodelay(true)?;
        let client = Client {
            context: self.context.clone(),
            peer: info.peer,
            connection: info.clone(),
            local: stream.local_addr()?,
            waiter: Waiter::counted(self.context.broker.parked_fetches().clone()),
        };
        let dispatcher = Dispatcher::new(client);
        Ok(Connection::new(stream, info, dispatcher, self.limits, self.context.memory.clone()))
    }
}
