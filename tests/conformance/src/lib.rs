//! Claims about the Kafka protocol, each shown on any broker that listens at an address.
//!
//! A scenario talks to a broker, asserts what its name claims and leaves a transcript of the
//! answers. The transcripts of Apache Kafka are kept in `expected/`; those of Tidegate must be the
//! same, but for the differences that `differences.toml` names and explains.

#![allow(missing_docs, reason = "test code: its names are short sentences")]

pub mod admin;
pub mod batches;
pub mod client;
pub mod document;
pub mod expected;
pub mod groups;
pub mod help;
pub mod junit;
pub mod print;
pub mod run;
pub mod scenario;
pub mod scenarios;
pub mod target;
pub mod transcript;
#[path = "../../../crates/wire/tests/support/mod.rs"]
mod wire_support;
