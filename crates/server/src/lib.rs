//! The Kafka protocol over TCP, and the admin address over HTTP.
//!
//! Sockets and API versions stop here: the broker below knows neither.

mod admin;
pub mod api;
mod dispatch;
pub mod metrics;
pub mod net;
pub mod observe;
mod quota;
mod serve;

pub use api::Endpoint;
pub use metrics::SeriesMax;
pub use serve::{Limits, ServeError, Server, ServerSettings};
