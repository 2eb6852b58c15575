//! The registry over a real socket, in this process and with its log in memory.

mod client;
mod transport;
