//! HTTP around the registry: sockets, requests, and which handler is whose.

pub mod answer;
mod bodies;
pub mod call;
mod context;
mod cors;
mod dispatch;
mod media;
pub mod metrics;
pub mod route;
mod server;
mod stall;
mod target;
mod users;

pub use metrics::METRICS;
pub use server::RegistryServer;
pub use users::{BadPassword, BadUsers, Users, user_line};
