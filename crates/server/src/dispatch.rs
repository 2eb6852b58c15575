//! From a frame to its handler.

use crate::api::{self, Api, Client, Context, Request};
use crate::metrics::{Answered, Outcome, Timing};
use crate::net::connection::{Reply, Service};
use crate::observe::{Ended, Watched};
use crate::quota::Account;
use bytes::BytesMut;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegate_wire::header::{decode_request_header, peek_request_header};
use tracing::info;

/// The length in front of each frame.
const LENGTH_BYTES: usize = 4;

/// A Fetch reads when its turn comes. What other requests do has begun before: while they stand
/// behind one that waits for the disk they wait for the disk as well, for the log's commits are
/// durable in the order in which it took them.
const FETCH_KEY: i16 = 1;

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
        Ok((api, Request { header, body, account, observation: None }))
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

    fn wrote(&mut self, bytes: usize) {
        self.client.context.metrics.wrote(bytes);
    }

    fn sent(&mut self, timing: Timing) {
        self.client.context.metrics.sent(timing);
    }

    fn stop(&mut self) {
        self.client.waiter.close();
    }

    fn begin(&mut self, frame: BytesMut) -> Reply {
        let started = Instant::now();
        let frame_len = frame.len();
        let (api, mut request) = match self.open(frame) {
            Ok(opened) => opened,
            Err(reply) => return reply,
        };
        let version = request.version();
        let context = self.client.context.clone();
        let watched = context.observe.begin(&self.client, &request);
        request.observation = watched.observation.clone();
        let ending = Ending { context, watched, api, version, started };
        ending.context.metrics.received(frame_len + LENGTH_BYTES);
        if !api.serves(version) {
            return ending.at_once(api::unsupported_api_versions(&request));
        }
        let account = request.account.clone();
        let handled = match &account {
            None => (api.handle)(&mut self.client, request),
            Some(account) => account.work(|| (api.handle)(&mut self.client, request)),
        };
        let reply = match handled {
            Ok(Reply::Later(future)) => {
                let (begun, waiter) = (Instant::now(), self.client.waiter.clone());
                let waited_before = waiter.waited();
                let begins_late = api.key == FETCH_KEY;
                Reply::Later(Box::pin(async move {
                    // Polled for the first time when everything before it is answered.
                    let (turn, waited_until_turn) = (begun.elapsed(), waiter.waited());
                    let queue = match begins_late {
                        true => turn,
                        false => turn.min(waited_until_turn - waited_before),
                    };
                    let reply = future.await;
                    ending.of(reply, queue, waiter.waited() - waited_until_turn)
                }))
            }
            Ok(reply) => ending.at_once(reply),
            Err(error) => {
                let why = format_args!("{} version {version}: {error}", api.name);
                return ending.at_once(self.refuse("request is malformed", why));
            }
        };
        let Some(account) = account else { return reply };
        if api.key == api::PRODUCE_KEY {
            account.charge_produce(frame_len);
        }
        account.settle(reply)
    }
}

/// What is counted when a request's answer is ready.
struct Ending {
    context: Arc<Context>,
    watched: Watched,
    api: &'static Api,
    version: i16,
    started: Instant,
}

impl Ending {
    /// The same for a reply that was there at once.
    fn at_once(self, reply: Reply) -> Reply {
        self.of(reply, Duration::ZERO, Duration::ZERO)
    }

    /// Counts `reply` and lets it know the request, so that it is counted again when it is sent.
    fn of(self, mut reply: Reply, queue: Duration, wait: Duration) -> Reply {
        let ready = Instant::now();
        let outcome = match &reply {
            Reply::Close(_) => Outcome::Closed,
            Reply::Ready(response) => Outcome::Answered(response.error),
            _ => Outcome::Answered(0),
        };
        let Ending { context, watched, api, version, started } = self;
        let (api_key, total) = (api.key, ready - started);
        context.metrics.answered(&Answered { api_key, version, outcome, queue, wait, total });
        let response = match &reply {
            Reply::Ready(response) => Some(response),
            _ => None,
        };
        let ended = Ended { api_key, api: api.name, version, response, queue, wait, total };
        context.observe.end(&watched, &ended, &context);
        if let Reply::Ready(response) = &mut reply {
            response.timing = Some(Timing { api_key, started, ready });
        }
        reply
    }
}
