//! What every handler gets: the request, who sent it, and the gateway.

use crate::api::errors::Answer;
use crate::metrics::{Metrics, SeriesMax};
use crate::net::connection::Reply;
use crate::net::memory::RequestMemory;
use crate::net::output::{Response, single};
use crate::observe::{ConnectionInfo, Observation, Observe};
use crate::quota::Account;
use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::Decodable;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tidegate_broker::{Broker, Waiter};
use tidegate_wire::WireError;
use tidegate_wire::codec;
use tidegate_wire::header::RequestHeader;
use tracing::error;

/// A host and port that clients are told to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// The gateway, shared by all connections.
pub struct Context {
    /// Partitions and coordinators.
    pub broker: Arc<Broker>,
    /// This gateway's id among its peers; there is one for now.
    pub node_id: i32,
    /// The cluster's id, the same over restarts.
    pub cluster_id: String,
    /// Where clients are sent; `None` for the address that each of them connected to.
    pub advertised: Option<Endpoint>,
    /// Appended bytes that may wait for the disk before connections pause.
    pub unacknowledged_bytes_max: u64,
    /// The budget of all connections for large requests.
    pub memory: RequestMemory,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    /// How many partitions metrics show one by one.
    pub series: SeriesMax,
    /// Connections, log lines and traces.
    pub observe: Arc<Observe>,
}

/// One connection as handlers see it.
pub struct Client {
    /// The gateway.
    pub context: Arc<Context>,
    /// The connection's id and counters.
    pub connection: Arc<ConnectionInfo>,
    /// Where the client connected from.
    pub peer: SocketAddr,
    /// The address on which it reached this gateway.
    pub local: SocketAddr,
    /// Where its fetches sleep.
    pub waiter: Arc<Waiter>,
}

impl Client {
    /// The broker behind this connection.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.context.broker
    }

    /// The name of the principal that requests come from: nobody has another one yet.
    pub fn user(&self) -> &'static str {
        "ANONYMOUS"
    }

    /// Where this client is told to connect to.
    pub fn endpoint(&self) -> Endpoint {
        self.context.advertised.clone().unwrap_or_else(|| Endpoint {
            host: plain_ip(self.local.ip()).to_string(),
            port: self.local.port(),
        })
    }

    /// The client's host as group descriptions show it: "/127.0.0.1".
    pub fn host(&self) -> String {
        format!("/{}", plain_ip(self.peer.ip()))
    }
}

/// An IPv4 address that came mapped into IPv6 is shown as what it is.
fn plain_ip(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// A request whose header is decoded.
pub struct Request {
    /// API key, version, correlation id and client id.
    pub header: RequestHeader,
    /// The rest of the frame.
    pub body: BytesMut,
    /// What the request costs; `None` while nobody has a quota.
    pub account: Option<Arc<Account>>,
    /// A copy for somebody who looks; `None` while nobody does.
    pub observation: Option<Arc<Observation>>,
}

impl Request {
    /// The client id, empty if null.
    pub fn client_id(&self) -> &str {
        self.header.client_id.as_deref().unwrap_or("")
    }

    /// The version of the request.
    pub fn version(&self) -> i16 {
        self.header.api_version
    }

    /// Where the response goes.
    pub fn response_to(&self) -> ResponseTo {
        ResponseTo {
            api_key: self.header.api_key,
            version: self.header.api_version,
            correlation_id: self.header.correlation_id,
        }
    }

    /// Decodes the body by the library's codec.
    pub fn decode<R: Decodable>(&mut self) -> Result<R, WireError> {
        let body: Bytes = self.body.split().freeze();
        codec::decode(self.header.api_key, self.header.api_version, body)
    }
}

/// Names the request that a response answers.
#[derive(Debug, Clone, Copy)]
pub struct ResponseTo {
    /// The request's key.
    pub api_key: i16,
    /// The request's version.
    pub version: i16,
    /// Copied into the response.
    pub correlation_id: i32,
}

impl ResponseTo {
    /// Encodes `response` by the library's codec.
    pub fn reply<R: Answer>(self, response: &R) -> Reply {
        let encoded =
            codec::encode_response(self.api_key, self.version, self.correlation_id, response);
        self.encoded(encoded, response.error())
    }

    /// A reply of encoded bytes, whose first error code is `error`. A response that cannot be encoded is our own mistake: it closes
    /// the connection rather than leave the client waiting.
    pub fn encoded(self, encoded: Result<Bytes, WireError>, error: i16) -> Reply {
        match encoded {
            Ok(bytes) => Reply::Ready(Response { error, ..single(bytes) }),
            Err(error) => {
                error!(
                    target: "tidegate::request",
                    api_key = self.api_key,
                    version = self.version,
                    %error,
                    "response cannot be encoded"
                );
                Reply::Close("response cannot be encoded")
            }
        }
    }
}

/// A reply that needs something to become durable or to be decided first.
pub fn later(future: impl Future<Output = Reply> + Send + 'static) -> Reply {
    Reply::Later(Box::pin(future))
}
