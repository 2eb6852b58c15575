//! One blocking connection to a Kafka broker.

use crate::failure::Failure;
use crate::settings::HostPort;
use bytes::Bytes;
use kafka_protocol::messages::ApiVersionsRequest;
use kafka_protocol::protocol::Request;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::time::Duration;
use tidegate_wire::codec::{decode_response, encode_request};

/// The largest response that is believed, as Kafka's clients limit it.
const RESPONSE_BYTES_MAX: i32 = 100 * 1024 * 1024;

/// How this program calls itself to brokers.
const CLIENT_ID: &str = "tidegate";

/// A connection that sends one request at a time and waits for its response.
#[derive(Debug)]
pub struct Connection {
    address: HostPort,
    stream: TcpStream,
    timeout: Duration,
    correlation_id: i32,
    /// The versions of each API that the broker offers.
    offered: HashMap<i16, (i16, i16)>,
}

impl Connection {
    /// Connects and asks which versions the broker offers.
    pub fn open(address: &HostPort, timeout: Duration) -> Result<Self, Failure> {
        let unreachable = |error: std::io::Error| {
            Failure::Unreachable(format!("cannot reach a Kafka broker at {address}: {error}"))
        };
        let resolved = address.resolve().map_err(unreachable)?;
        let stream = TcpStream::connect_timeout(&resolved, timeout).map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        stream.set_read_timeout(Some(timeout)).map_err(unreachable)?;
        stream.set_write_timeout(Some(timeout)).map_err(unreachable)?;
        let mut connection = Connection {
            address: address.clone(),
            stream,
            timeout,
            correlation_id: 0,
            offered: HashMap::new(),
        };
        // Version 0 is the one that every broker of any age answers.
        let versions = connection.exchange(&ApiVersionsRequest::default(), 0)?;
        connection.offered = versions
            .api_keys
            .iter()
            .map(|api| (api.api_key, (api.min_version, api.max_version)))
            .collect();
        Ok(connection)
    }

    /// The address that it is a connection to.
    pub fn address(&self) -> &HostPort {
        &self.address
    }

    /// The highest of `versions` of a request that both the broker and this program know.
    pub fn version_of<R: Request>(&self, versions: &RangeInclusive<i16>) -> Option<i16> {
        let (least, most) = self.offered.get(&R::KEY).copied()?;
        let version = most.min(*versions.end()).min(R::VERSIONS.max);
        (version >= least.max(*versions.start()).max(R::VERSIONS.min)).then_some(version)
    }

    /// Sends `request` in the highest of `versions` that the broker knows too.
    pub fn call<R: Request>(
        &mut self,
        request: &R,
        versions: RangeInclusive<i16>,
    ) -> Result<R::Response, Failure> {
        match self.version_of::<R>(&versions) {
            Some(version) => self.exchange(request, version),
            None => {
                let name = std::any::type_name::<R>().rsplit("::").next().unwrap_or_default();
                Err(Failure::Failed(format!(
                    "{} offers no version of {} that can do this",
                    self.address,
                    name.trim_end_matches("Request")
                )))
            }
        }
    }

    fn exchange<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, Failure> {
        self.correlation_id += 1;
        let frame = encode_request(R::KEY, version, self.correlation_id, CLIENT_ID, request)
            .map_err(|error| self.broken(&error))?;
        self.stream.write_all(&frame).map_err(|error| self.lost(&error))?;
        let frame = self.read_frame()?;
        let (correlation_id, response) =
            decode_response(R::KEY, version, frame).map_err(|error| self.broken(&error))?;
        if correlation_id != self.correlation_id {
            return Err(self.broken(&format!("an answer to request {correlation_id}")));
        }
        Ok(response)
    }

    fn read_frame(&mut self) -> Result<Bytes, Failure> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).map_err(|error| self.lost(&error))?;
        let length = i32::from_be_bytes(length);
        if !(0..=RESPONSE_BYTES_MAX).contains(&length) {
            return Err(self.broken(&format!("a response of {length} bytes")));
        }
        let mut body = Vec::new();
        let wanted = u64::from(length.unsigned_abs());
        // `take` grows the buffer with what comes, whatever the length promises.
        let got = (&mut self.stream).take(wanted).read_to_end(&mut body);
        match got {
            Ok(read) if read as u64 == wanted => Ok(body.into()),
            Ok(_) => Err(self.lost(&ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.lost(&error)),
        }
    }

    fn lost(&self, error: &std::io::Error) -> Failure {
        let address = &self.address;
        Failure::Unreachable(match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                format!("{address} did not answer within {} s", self.timeout.as_secs())
            }
            ErrorKind::UnexpectedEof => format!("{address} closed the connection"),
            _ => format!("the connection to {address} failed: {error}"),
        })
    }

    fn broken(&self, problem: &dyn std::fmt::Display) -> Failure {
        Failure::Failed(format!("{} does not speak Kafka's protocol: {problem}", self.address))
    }
}
