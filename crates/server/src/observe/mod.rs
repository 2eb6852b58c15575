//! What shows from outside what the gateway does: log targets, connections, slow requests, traces.
//!
//! Nothing here is on the path of a request unless somebody looks.

mod connections;
mod targets;

pub use connections::{ConnectionInfo, Connections};
pub use targets::{TARGETS, Target};

use std::sync::OnceLock;

/// Which log lines are written, while the gateway runs.
pub trait LogControl: Send + Sync {
    /// The filter in force, such as `info,tidegate::fetch=debug`.
    fn filter(&self) -> String;

    /// Puts another one in force. Fails with what is wrong with it, and changes nothing then.
    fn set_filter(&self, filter: &str) -> Result<(), String>;
}

/// What the admin address shows and changes, shared by all connections.
#[derive(Default)]
pub struct Observe {
    /// The connections that are open.
    pub connections: Connections,
    /// Set by whoever writes the log; without it the filter cannot be changed.
    pub logs: OnceLock<Box<dyn LogControl>>,
}
