//! Sockets: accepting, framing, order of answers. Nothing here knows what a request means.

pub mod connection;
pub mod listener;
pub mod memory;
pub mod output;
