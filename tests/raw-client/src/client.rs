//! A client of one connection: frames out, frames in, nothing retried and nothing hidden.

use crate::batch::Batch;
use crate::{code, text};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol;
use smallvec::smallvec;
use std::net::SocketAddr;
use std::time::Duration;
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::codec::{decode_response, encode_request};
use tidegate_wire::fetch::{
    FetchPartition, FetchPartitionResponse, FetchRequest, FetchResponse, FetchTopic,
    decode_fetch_response, encode_fetch_request,
};
use tidegate_wire::offsets::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
    decode_offset_commit_response, decode_offset_fetch_response, encode_offset_commit_request,
    encode_offset_fetch_request,
};
use tidegate_wire::produce::{
    PartitionResponse, ProducePartition, ProduceRequest, ProduceResponse, ProduceTopic,
    decode_produce_response, encode_produce_request,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(60);

const CLIENT_ID: &str = "raw";

pub struct RawClient {
    pub stream: TcpStream,
    /// The name that requests carry.
    pub client_id: String,
    next_id: i32,
}

/// A topic under both of its names.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub name: &'a str,
    pub id: TopicId,
    pub partition: i32,
}

impl RawClient {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the gateway listens");
        stream.set_nodelay(true).expect("sockets have the option");
        RawClient { stream, client_id: CLIENT_ID.to_owned(), next_id: 1 }
    }

    /// A correlation id that this connection has not used.
    pub fn fresh_id(&mut self) -> i32 {
        self.next_id += 1;
        self.next_id
    }

    /// Sends bytes as they are. A gateway that has closed the connection is no failure here.
    pub async fn send(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes).await);
    }

    /// Sends `frame` behind its length.
    pub async fn send_frame(&mut self, frame: &[u8]) {
        let mut bytes = (frame.len() as i32).to_be_bytes().to_vec();
        bytes.extend_from_slice(frame);
        self.send(&bytes).await;
    }

    /// The next answer without its length, or `None` if the gateway closed the connection first.
    pub async fn receive_or_end(&mut self) -> Option<Bytes> {
        timeout(PATIENCE, self.read_frame()).await.expect("an answer or an end comes in time")
    }

    async fn read_frame(&mut self) -> Option<Bytes> {
        let len = self.stream.read_i32().await.ok()?;
        let mut frame = BytesMut::zeroed(usize::try_from(len).expect("lengths are positive"));
        self.stream.read_exact(&mut frame).await.ok()?;
        Some(frame.freeze())
    }

    pub async fn receive(&mut self) -> Bytes {
        self.receive_or_end().await.expect("the gateway answers")
    }

    /// True if no byte and no end comes for that long.
    pub async fn is_silent(&mut self, how_long: Duration) -> bool {
        timeout(how_long, self.stream.peek(&mut [0])).await.is_err()
    }

    /// Sends a request of the library's and returns the decoded answer.
    pub async fn call<R: protocol::Request>(&mut self, version: i16, request: &R) -> R::Response {
        let id = self.begin(version, request).await;
        self.end::<R>(version, id).await
    }

    /// Sends a request of the library's; its answer is fetched by [`RawClient::end`].
    pub async fn begin<R: protocol::Request>(&mut self, version: i16, request: &R) -> i32 {
        let id = self.fresh_id();
        let frame = encode_request(R::KEY, version, id, &self.client_id, request);
        let frame = frame.unwrap_or_else(|error| panic!("key {} v{version}: {error}", R::KEY));
        self.send(&frame).await;
        id
    }

    pub async fn end<R: protocol::Request>(&mut self, version: i16, id: i32) -> R::Response {
        let (answered, response) = decode_response(R::KEY, version, self.receive().await)
            .unwrap_or_else(|error| panic!("answer to key {} v{version}: {error}", R::KEY));
        assert_eq!(answered, id, "answers come in the order of the requests");
        response
    }

    /// Sends a Produce; its answer is fetched by [`RawClient::end_produce`].
    pub async fn begin_produce(&mut self, version: i16, request: &ProduceRequest) -> i32 {
        let id = self.fresh_id();
        self.send(&encode_produce_request(version, id, &self.client_id, request)).await;
        id
    }

    pub async fn end_produce(&mut self, version: i16, id: i32) -> ProduceResponse {
        let (answered, response) =
            decode_produce_response(version, self.receive().await).expect("the answer decodes");
        assert_eq!(answered, id, "answers come in the order of the requests");
        response
    }

    /// Produces one batch with `acks=all`.
    pub async fn produce(
        &mut self,
        version: i16,
        to: Place<'_>,
        batch: Batch,
    ) -> PartitionResponse {
        let id = self.begin_produce(version, &produce_request(-1, to, batch)).await;
        let mut response = self.end_produce(version, id).await;
        response.topics.remove(0).partitions.remove(0)
    }

    /// Produces one batch that must be taken; returns its base offset.
    pub async fn append(&mut self, to: Place<'_>, batch: Batch) -> i64 {
        let answer = self.produce(9, to, batch).await;
        assert_eq!(code(answer.error_code), ErrorCode::None, "{:?}", answer.error_message);
        answer.base_offset
    }

    pub async fn begin_fetch(&mut self, version: i16, request: &FetchRequest) -> i32 {
        let id = self.fresh_id();
        self.send(&encode_fetch_request(version, id, &self.client_id, request)).await;
        id
    }

    pub async fn end_fetch(&mut self, version: i16, id: i32) -> FetchResponse<Bytes> {
        let (answered, response) =
            decode_fetch_response(version, self.receive().await).expect("the answer decodes");
        assert_eq!(answered, id, "answers come in the order of the requests");
        response
    }

    pub async fn fetch(&mut self, version: i16, request: &FetchRequest) -> FetchResponse<Bytes> {
        let id = self.begin_fetch(version, request).await;
        self.end_fetch(version, id).await
    }

    /// Fetches one partition from `offset`, without waiting and without a session.
    pub async fn read(
        &mut self,
        version: i16,
        from: Place<'_>,
        offset: i64,
    ) -> FetchPartitionResponse<Bytes> {
        let mut response = self.fetch(version, &fetch_request(&[(from, offset)])).await;
        assert_eq!(response.topics.len(), 1, "one row for one topic");
        response.topics.remove(0).partitions.remove(0)
    }

    pub async fn commit(
        &mut self,
        version: i16,
        request: &OffsetCommitRequest,
    ) -> OffsetCommitResponse {
        let id = self.fresh_id();
        self.send(&encode_offset_commit_request(version, id, &self.client_id, request)).await;
        let (answered, response) = decode_offset_commit_response(version, self.receive().await)
            .expect("the answer decodes");
        assert_eq!(answered, id, "answers come in the order of the requests");
        response
    }

    pub async fn committed(
        &mut self,
        version: i16,
        request: &OffsetFetchRequest,
    ) -> OffsetFetchResponse {
        let id = self.fresh_id();
        self.send(&encode_offset_fetch_request(version, id, &self.client_id, request)).await;
        let (answered, response) = decode_offset_fetch_response(version, self.receive().await)
            .expect("the answer decodes");
        assert_eq!(answered, id, "answers come in the order of the requests");
        response
    }
}

pub fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

pub fn produce_request(acks: i16, to: Place<'_>, batch: Batch) -> ProduceRequest {
    let partition = ProducePartition { index: to.partition, records: Some(batch.bytes()) };
    let topic =
        ProduceTopic { name: text(to.name), topic_id: to.id, partitions: smallvec![partition] };
    ProduceRequest { transactional_id: None, acks, timeout_ms: 9_000, topics: smallvec![topic] }
}

/// A fetch of those offsets, without waiting and without a session.
pub fn fetch_request(wanted: &[(Place<'_>, i64)]) -> FetchRequest {
    let mut request = FetchRequest::default();
    for (place, offset) in wanted {
        let partition = fetch_partition(place.partition, *offset);
        match request.topics.iter_mut().find(|topic| *topic.name == *place.name) {
            Some(topic) => topic.partitions.push(partition),
            None => request.topics.push(FetchTopic {
                name: text(place.name),
                topic_id: place.id,
                partitions: vec![partition],
            }),
        }
    }
    request
}

pub fn fetch_partition(index: i32, fetch_offset: i64) -> FetchPartition {
    FetchPartition {
        index,
        current_leader_epoch: -1,
        fetch_offset,
        last_fetched_epoch: -1,
        log_start_offset: -1,
        max_bytes: i32::MAX,
    }
}
