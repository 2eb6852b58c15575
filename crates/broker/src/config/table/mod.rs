//! The tables themselves, by subject.

mod cluster;
mod group;
mod log;
mod network;
mod resource;
mod security;
mod topic;

pub(super) use cluster::CLUSTER;
pub(super) use group::GROUP;
pub(super) use log::LOG;
pub(super) use network::NETWORK;
pub(super) use resource::{CLIENT_METRICS, DYNAMIC, GROUP_RESOURCE};
pub(super) use security::SECURITY;
pub(super) use topic::TOPIC;
