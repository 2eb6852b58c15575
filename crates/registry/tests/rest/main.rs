//! The registry over a real socket, in this process and with its log in memory.

mod client;
mod configs;
mod deletions;
mod hostile;
mod languages;
mod lists;
mod reads;
mod registering;
mod transport;
