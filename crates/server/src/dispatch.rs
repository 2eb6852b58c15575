//! From a frame to its handler.

use crate::api::{self, Api, Client, Request};
use crate::metrics::Metrics;
use crate::net::connection::{Reply, Service};
use crate::quota::Account;
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

    /// The handler of a frame and its request, the header decoded; or the reply to a frame that has
    /// no handler.
    fn open(&self, mut body: BytesMut) -> Result<(&'static Api, Request), Reply> {
        let (key, version) = match peek_request_header(&body) {
            Ok(peeked) => peeked,
            Err(error) => return Err(self.refuse("request header is not readable", error)),
        };
        let Some(api) = api::find(key) else {
            return Err(self.refuse("request type is not supported", key));
        };
        if !api.serves(version) && api.key != api::API_VERSIONS_KEY {
            return Err(self.refuse(
                "request version is not supported",
                format_args!("{} version {version}", api.name),
            ));
        }
        let header = match decode_request_header(&mut body) {
            Ok(header) => header,
            Err(error) => return Err(self.refuse("request header is not readable", error)),
        };
        self.client.connection.begun(header.client_id.as_deref());
        let account = Account::open(&self.client, &header);
        Ok((api, Request { header, body, account }))
    }

    fn refuse(&self, why: &'static str, detail: impl std::fmt::Display) -> Reply {
        let (connection, peer) = (self.client.connection.id, self.client.peer);
        info!(target: "tidegate::request", connection, %peer, %detail, "{why}");
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
        let frame_len = frame.len();
        let (api, request) = match self.open(frame) {
            Ok(opened) => opened,
            Err(reply) => return reply,
        };
        let (key, version) = (api.key, request.version());
        self.client.context.metrics.request_begun(key);
        if !api.serves(version) {
            return api::unsupported_api_versions(&request);
        }
        let account = request.account.clone();
        let handled = match &account {
            None => (api.handle)(&mut self.client, request),
            Some(account) => account.work(|| (api.handle)(&mut self.client, request)),
        };
        let reply = match handled {
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
            Err(error) => {
                return self.refuse(
                    "request is malformed",
                    format_args!("{} version {version}: {error}", api.name),
                );
            }
        };
        let Some(account) = account else { return reply };
        if key == api::PRODUCE_KEY {
            account.charge_produce(frame_len);
        }
        account.settle(reply)
    }
}
