//! The interface, row by row. What is not here is 404, as in an open-source registry of Confluent's:
//! exporters, associations and the keys of encrypted fields.

use crate::handlers::server;
use crate::http::route::{Handler, Route};
use hyper::Method;

/// All routes.
pub static ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/",
        name: "getRootResource",
        about: "Nothing: whether the registry answers",
        query: &[],
        body: None,
        answer: "object",
        handler: Handler::Now(server::root),
    },
    Route {
        method: Method::POST,
        path: "/",
        name: "postRootResource",
        about: "Nothing: whether the registry takes bodies",
        query: &[],
        body: Some("object"),
        answer: "object",
        handler: Handler::Now(server::root),
    },
    Route {
        method: Method::GET,
        path: "/schemas/types",
        name: "getSchemaTypes",
        about: "The schema languages that are understood",
        query: &[],
        body: None,
        answer: "[string]",
        handler: Handler::Now(server::types),
    },
    Route {
        method: Method::GET,
        path: "/v1/metadata/id",
        name: "getClusterId",
        about: "The ids of the Kafka cluster and of the registry",
        query: &[],
        body: None,
        answer: "object",
        handler: Handler::Now(server::cluster_id),
    },
    Route {
        method: Method::GET,
        path: "/v1/metadata/version",
        name: "getSchemaRegistryVersion",
        about: "The version of this registry",
        query: &[],
        body: None,
        answer: "object",
        handler: Handler::Now(server::version),
    },
    Route {
        method: Method::GET,
        path: "/v1/metadata/deployment",
        name: "getSchemaRegistryDeployment",
        about: "The kind of this registry",
        query: &[],
        body: None,
        answer: "object",
        handler: Handler::Now(server::deployment),
    },
    Route {
        method: Method::GET,
        path: "/openapi.json",
        name: "getOpenApi",
        about: "This document",
        query: &[],
        body: None,
        answer: "object",
        handler: Handler::Now(server::openapi),
    },
];
