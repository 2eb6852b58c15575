//! What answers each route: a request's parts in, a call of the registry, an answer out.

pub mod server;
