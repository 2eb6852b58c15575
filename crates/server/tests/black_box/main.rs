//! The gateway from outside: claims about what goes over the wire, each tested over a socket.

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../wire/tests/support/mod.rs"]
mod wire_support;

mod administration;
mod alter_configs;
mod commits;
mod connection;
mod create_partitions;
mod delete_records;
mod expiry;
mod fetch;
mod formats;
mod groups;
mod hostile;
mod log_dirs;
mod metadata;
mod offsets;
mod produce;
mod quotas;
mod retention;
mod schemas;
mod sessions;
mod throttling;
mod transcript;
mod versions;
