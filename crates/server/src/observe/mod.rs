//! What shows from outside what the gateway does: log targets, connections, slow requests, traces.
//!
//! Nothing here is on the path of a request unless somebody looks.

mod connections;
mod lines;
mod observation;
mod show;
mod slices;
mod slow;
mod targets;
mod tracers;

pub use connections::{ConnectionInfo, Connections};
pub use observation::{Asked, Observation};
pub use targets::{TARGETS, Target};
pub use tracers::{TraceFilter, Tracers};

use crate::api::{Client, Context, Request};
use crate::net::output::Response;
use lines::Need;
use observation::Seen;
use slow::{SlowLog, SlowRequest};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing::debug;

/// Which log lines are written, while the gateway runs.
pub trait LogControl: Send + Sync {
    /// The filter in force, such as `info,tidegate::fetch=debug`.
    fn filter(&self) -> String;

    /// Puts another one in force. Fails with what is wrong with it, and changes nothing then.
    fn set_filter(&self, filter: &str) -> Result<(), String>;
}

/// What the admin address shows and changes, shared by all connections.
pub struct Observe {
    /// The connections that are open.
    pub connections: Connections,
    /// Who traces requests.
    pub tracers: Tracers,
    slow: SlowLog,
    /// Set by whoever writes the log; without it the filter cannot be changed.
    pub logs: OnceLock<Box<dyn LogControl>>,
}

impl Observe {
    /// `slow` is from when on a request counts as slow; `None` for never.
    pub fn new(slow: Option<Duration>) -> Self {
        Observe {
            connections: Connections::default(),
            tracers: Tracers::default(),
            slow: SlowLog::new(slow),
            logs: OnceLock::new(),
        }
    }

    /// Looks at a request that begins. Costs two relaxed loads while nobody is interested.
    pub fn begin(&self, client: &Client, request: &Request) -> Watched {
        let need = lines::need(request.header.api_key);
        let connection = &client.connection;
        let mut observation = None;
        let mut is_traced = false;
        if self.tracers.is_any() {
            observation = self.tracers.observe(connection, request);
            is_traced = observation.is_some();
        }
        if need == Need::Message && observation.is_none() {
            observation = Some(Observation::new(connection, request));
        }
        let (connection, correlation_id) = (connection.clone(), request.header.correlation_id);
        Watched { connection, correlation_id, need, observation, is_traced }
    }

    /// Looks at the same request when its answer is ready.
    pub fn end(&self, watched: &Watched, ended: &Ended<'_>, context: &Context) {
        if let Some(observation) = &watched.observation {
            let frame = ended.response.map(|response| response.slices.clone());
            let seen = Seen { observation: observation.clone(), frame, took: ended.total };
            if watched.need == Need::Message {
                lines::write(&seen, context.broker.topics());
            }
            if watched.is_traced {
                self.tracers.tell(&seen);
            }
        }
        let Ended { api_key, api, version, .. } = *ended;
        let connection = watched.connection.id;
        let (client_id, correlation_id) = (watched.connection.client_id(), watched.correlation_id);
        if watched.need == Need::Header {
            let took_us = ended.total.as_micros() as u64;
            let answered = ended.response.is_some();
            debug!(target: "tidegate::request", connection, client_id, correlation_id, api, version, answered, took_us, "request");
        }
        let (took, waited) = (ended.total, ended.queue + ended.wait);
        let slow =
            SlowRequest { connection, client_id, api_key, version, correlation_id, took, waited };
        if self.slow.is_slow(&slow) {
            context.metrics.slow(api_key);
            self.slow.write(&slow);
        }
    }
}

/// What is remembered of a request while it is served.
pub struct Watched {
    connection: Arc<ConnectionInfo>,
    correlation_id: i32,
    need: Need,
    /// A copy of it, if somebody wants to see more than its header.
    pub observation: Option<Arc<Observation>>,
    is_traced: bool,
}

/// How a request ended.
pub struct Ended<'a> {
    /// Its type.
    pub api_key: i16,
    /// Kafka's name of it.
    pub api: &'static str,
    /// Its version.
    pub version: i16,
    /// The answer, if there is one.
    pub response: Option<&'a Response>,
    /// Time until everything before it on its connection was answered.
    pub queue: Duration,
    /// Time that it waited because its client asked it to.
    pub wait: Duration,
    /// From its begin to its answer.
    pub total: Duration,
}
