//! A load test that judges every record: it offers records to any Kafka through real clients, reads them back, and says what was
//! lost, repeated, reordered or changed.

pub mod client;
pub mod engine;
mod human;
pub mod judge;
pub mod live;
pub mod message;
pub mod metrics;
pub mod plan;
pub mod registry;
pub mod report;
