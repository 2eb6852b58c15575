//! One request and its answer, kept for somebody who looks.

use super::connections::ConnectionInfo;
use super::slices::Slices;
use crate::api::{self, Request};
use bytes::Bytes;
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use tidegate_log::Slice;
use tidegate_wire::WireError;
use tidegate_wire::fields::{Input, Value, decode_request, decode_response};
use tidegate_wire::header::RequestHeader;

/// The bytes of an answer, its length first.
pub type Frame = SmallVec<[Slice; 1]>;

/// A request that somebody looks at.
pub struct Observation {
    /// Where it came from.
    pub connection: Arc<ConnectionInfo>,
    /// Its header.
    pub header: RequestHeader,
    /// Kafka's name of its type.
    pub api: &'static str,
    /// When it was begun.
    pub at: SystemTime,
    body: Bytes,
    asked: OnceLock<Vec<Asked>>,
}

/// A partition that a Fetch asks for. Most are in its session, and not in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The topic's name, or its id if there is no such topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// From where.
    pub fetch_offset: i64,
}

impl Observation {
    /// Keeps a copy of the request.
    pub fn new(connection: &Arc<ConnectionInfo>, request: &Request) -> Arc<Self> {
        Arc::new(Observation {
            connection: connection.clone(),
            header: request.header.clone(),
            api: api::find(request.header.api_key).map_or("unknown", |api| api.name),
            at: SystemTime::now(),
            body: Bytes::copy_from_slice(&request.body),
            asked: OnceLock::new(),
        })
    }

    /// Keeps what a Fetch asks for. Counts once.
    pub fn set_asked(&self, asked: Vec<Asked>) {
        self.asked.set(asked).ok();
    }

    /// What a Fetch asks for, as far as its handler got.
    pub fn asked(&self) -> &[Asked] {
        self.asked.get().map_or(&[], Vec::as_slice)
    }

    /// Bytes of the request that are kept.
    pub fn body_len(&self) -> usize {
        self.body.len()
    }

    /// The request's fields.
    pub fn request(&self) -> Result<Value, WireError> {
        let (key, version) = (self.header.api_key, self.header.api_version);
        decode_request(key, version, &mut &self.body[..])
    }

    /// The fields of the answer to it.
    pub fn response(&self, frame: &[Slice]) -> Result<Value, WireError> {
        const LENGTH_LEN: usize = 4;
        let mut slices = Slices::new(frame);
        if slices.remaining() < LENGTH_LEN {
            return Err(WireError::Truncated("response"));
        }
        slices.skip(LENGTH_LEN);
        decode_response(self.header.api_key, self.header.api_version, &mut slices)
    }
}

/// A request with its answer.
#[derive(Clone)]
pub struct Seen {
    /// The request.
    pub observation: Arc<Observation>,
    /// The answer; `None` if there is none (`acks=0`, or the connection is closed).
    pub frame: Option<Frame>,
    /// From the request's begin to its answer, waiting included.
    pub took: Duration,
}
