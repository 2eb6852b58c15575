//! The schema registry over HTTP, with Confluent's interface, codes and sentences.
//!
//! Requests come in at `http` and leave as answers; `routes` says which handler is whose, and the
//! OpenAPI document is made from the same table. What is decided and kept is below: the broker runs
//! the machine over `_schemas`, and the `schema` crate reads and compares schemas.

mod error;
mod handlers;
mod http;
mod openapi;
mod registry;
mod routes;
mod settings;

pub use error::ApiError;
pub use http::{BadPassword, BadUsers, METRICS, RegistryServer, Users, user_line};
pub use registry::Registry;
pub use settings::{Answers, HttpSettings, ListLimit, RegistrySettings};
