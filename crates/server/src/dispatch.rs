//! From a frame to its handler.

use crate::api::{self, Client, Request};
use crate::metrics::Metrics;
use crate::net::connection::{Reply, Service};
use bytes::BytesMut;
use std::sync::Arc;
use std::time::Instant;
use tidegate_wire::header::{decode_request_header, peek_request_header};
use tracing::info;

/// Serves one connection's requests by the table of handlers.
pub struct Dispatcher {
    client: Client,
}

impl Dispatcher {
    /// A dispatcher for one connection.
    pub fn new(client: Client) -> Self {
        Dispatcher { client }
    }

    fn refuse(&self, why: &'static str, detail: impl std::fmt::Display) -> Reply {
        info!(peer = %self.client.peer, %detail, "{why}");
        Reply::Close(why)
    }
}

impl Service for Dispatcher {
    fn is_congested(&self) -> bool {
        let pending_bytes = self.client.broker().store().stats().pending_bytes;
        pending_bytes > self.client.context.unacknowledged_bytes_max
    }

    fn stop(&mut self) {
        self.client.waiter.close();
    }

    fn begin(&mut self, frame: BytesMut) -> Reply {
        let started = Instant::now();
        let mut body = frame;
        let (key, version) = match peek_request_header(&body) {
            Ok(peeked) => peeked,
            Err(error) => return self.refuse("request header is not readable", error),
        };
        let Some(api) = api::find(key) else {
            return self.refuse("request type is not supported", key);
        };
        let served = api.serves(version);
        if !served && api.key != api::API_VERSIONS_KEY {
            return self.refuse(
                "request version is not supported",
                format_args!("{} version {version}", api.name),
            );
        }
        let header = match decode_request_header(&mut body) {
            Ok(header) => header,
            Err(error) => return self.refuse("request header is not readable", error),
        };
        let request = Request { header, body };
        self.client.context.metrics.request_begun(key);
        if !served {
            return api::unsupported_api_versions(&request);
        }
        match (api.handle)(&mut self.client, request) {
            Ok(Reply::Later(future)) => {
                let metrics: Arc<Metrics> = self.client.context.metrics.clone();
                Reply::Later(Box::pin(async move {
                    let reply = future.await;
                    metrics.request_done(key, started.elapsed());
                    reply
                }))
            }
            Ok(reply) => {
                self.client.context.metrics.request_done(key, started.elapsed());
                reply
            }
            Err(error) => self.refuse(
                "request is malformed",
                format_args!("{} version {version}: {error}", api.name),
            ),
        }
    }
}
