//! What scenarios speak with: a raw client whose every answer goes into the transcript, checked to
//! its last byte.

use crate::target::Target;
use crate::transcript::Transcript;
use crate::wire_support::every::recode_response;
use bytes::Bytes;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{CreateTopicsRequest, MetadataRequest};
use kafka_protocol::protocol::Request;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tidegate_model::{ErrorCode, TopicId};
use tidegate_raw_client::client::{fetch_request, produce_request, topic_name};
use tidegate_raw_client::{Batch, Place, RawClient, code, text};
use tidegate_wire::codec::decode_response;
use tidegate_wire::fetch::{FetchPartitionResponse, FetchRequest, FetchResponse};
use tidegate_wire::offsets::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
};
use tidegate_wire::produce::{PartitionResponse, ProduceRequest, ProduceResponse};

/// A connection of a scenario.
pub struct Client {
    /// The connection itself, for what has to go past the transcript.
    pub raw: RawClient,
    pub target: Arc<Target>,
    number: usize,
    shared: Arc<Shared>,
}

struct Shared {
    transcript: Mutex<Transcript>,
    connections: Mutex<usize>,
}

/// A topic of a scenario's own.
#[derive(Debug, Clone)]
pub struct Topic {
    pub name: String,
    pub id: TopicId,
}

impl Topic {
    pub fn partition(&self, partition: i32) -> Place<'_> {
        Place { name: &self.name, id: self.id, partition }
    }
}

/// A request whose answer has not been received.
pub struct Pending<R> {
    version: i16,
    id: i32,
    of: PhantomData<R>,
}

impl<R> Pending<R> {
    /// The version of the request.
    pub fn version(&self) -> i16 {
        self.version
    }
}

impl Client {
    /// The first connection of a scenario, with an empty transcript.
    pub async fn open(target: Arc<Target>) -> Client {
        let transcript = Mutex::new(Transcript::new(target.clone()));
        let shared = Arc::new(Shared { transcript, connections: Mutex::new(1) });
        Client { raw: RawClient::connect(target.address).await, target, number: 1, shared }
    }

    /// Another connection; its exchanges are marked with its number.
    pub async fn connect(&self) -> Client {
        let number = {
            let mut connections = self.shared.connections.lock().expect("nobody panics with it");
            *connections += 1;
            *connections
        };
        let raw = RawClient::connect(self.target.address).await;
        Client { raw, target: self.target.clone(), number, shared: self.shared.clone() }
    }

    pub fn transcript(&self) -> MutexGuard<'_, Transcript> {
        // A scenario that failed leaves its transcript behind all the same.
        self.shared.transcript.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The transcript, for whoever outlives the connection.
    pub fn keep_transcript(&self) -> impl Fn() -> String + use<> {
        let shared = self.shared.clone();
        move || {
            let transcript = shared.transcript.lock();
            transcript.unwrap_or_else(std::sync::PoisonError::into_inner).text()
        }
    }

    /// Writes a failure into the transcript, for whoever outlives the connection.
    pub fn keep_failure(&self) -> impl Fn(&str) + use<> {
        let shared = self.shared.clone();
        move |message| {
            let transcript = shared.transcript.lock();
            let mut transcript = transcript.unwrap_or_else(std::sync::PoisonError::into_inner);
            transcript.note(&format!("FAILED {message}"));
        }
    }

    /// Loops over versions; each of them has a section of its own in the transcript, in which the
    /// numbers of its connections go on from those before the loop.
    pub fn each<V: IntoIterator<Item = i16>>(
        &self,
        versions: V,
    ) -> impl Iterator<Item = i16> + use<V> {
        let shared = self.shared.clone();
        let connections = *shared.connections.lock().expect("nobody panics with it");
        let versions: Vec<i16> = versions.into_iter().collect();
        let steps = versions.into_iter().map(Some).chain([None]);
        steps.map_while(move |version| {
            *shared.connections.lock().expect("nobody panics with it") = connections;
            let mut transcript = shared.transcript.lock().expect("nobody panics with it");
            match version {
                Some(version) => transcript.begin_version(version),
                None => transcript.end_versions(),
            }
            version
        })
    }

    /// A name that nobody else has; the transcript shows `base`.
    pub fn unique(&self, base: &str) -> String {
        let name = format!("{base}-{:08x}", uuid::Uuid::new_v4().as_fields().0);
        self.transcript().alias(&name, base);
        name
    }

    /// Writes something into the transcript that is no answer.
    pub fn record(&self, what: &str, value: &impl Debug) {
        let mut transcript = self.transcript();
        transcript.note(what);
        transcript.value(value);
    }

    pub fn note(&self, what: &str) {
        self.transcript().note(what);
    }

    /// Writes an answer into the transcript that was received without a word in it.
    pub fn answered<R: Debug>(&self, name: &str, version: i16, response: &R) {
        let mut transcript = self.transcript();
        transcript.request(self.number, name, version);
        transcript.value(response);
    }

    // ------------------------------------------------------------------ any request

    /// Sends a request and writes its answer into the transcript.
    pub async fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response
    where
        R::Response: Debug,
    {
        let pending = self.begin(version, request).await;
        self.end(pending).await
    }

    /// Like [`Client::call`], without a word in the transcript: for preparations, and for answers
    /// of which the scenario records a part.
    pub async fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let pending = self.begin(version, request).await;
        self.receive(pending).await
    }

    /// Sends a request; [`Client::end`] receives its answer.
    pub async fn begin<R: Request>(&mut self, version: i16, request: &R) -> Pending<R> {
        let id = self.raw.begin(version, request).await;
        Pending { version, id, of: PhantomData }
    }

    pub async fn end<R: Request>(&mut self, pending: Pending<R>) -> R::Response
    where
        R::Response: Debug,
    {
        let version = pending.version;
        let response = self.receive(pending).await;
        self.answered(request_name::<R>(), version, &response);
        response
    }

    /// Like [`Client::end`], without a word in the transcript.
    pub async fn receive<R: Request>(&mut self, pending: Pending<R>) -> R::Response {
        let frame = self.raw.receive().await;
        let (name, version) = (request_name::<R>(), pending.version);
        let (answered, response) = decode_response(R::KEY, version, frame.clone())
            .unwrap_or_else(|error| panic!("answer to {name} v{version}: {error}"));
        assert_eq!(answered, pending.id, "answers come in the order of the requests");
        read_to_the_end(R::KEY, name, version, frame);
        response
    }

    /// Sends a frame as it is, without its length. The transcript tells whether it was answered or
    /// whether the connection was closed, in which case a new one takes its place.
    pub async fn send_frame(&mut self, what: &str, frame: &[u8]) -> Option<Bytes> {
        self.raw.send_frame(frame).await;
        self.fate(what).await
    }

    /// Tells and records what became of the bytes sent last: an answer, or the end of the connection.
    pub async fn fate(&mut self, what: &str) -> Option<Bytes> {
        let answer = self.raw.receive_or_end().await;
        if answer.is_none() {
            self.raw = RawClient::connect(self.target.address).await;
        }
        self.note(&format!("{what}: {}", if answer.is_some() { "answered" } else { "closed" }));
        answer
    }

    // ------------------------------------------------------------------ requests of our own codec

    pub async fn produce(&mut self, version: i16, request: &ProduceRequest) -> ProduceResponse {
        let id = self.raw.begin_produce(version, request).await;
        let response = self.raw.end_produce(version, id).await;
        self.answered("Produce", version, &response);
        response
    }

    /// Produces one batch with `acks=all`.
    pub async fn produce_one(
        &mut self,
        version: i16,
        to: Place<'_>,
        batch: Batch,
    ) -> PartitionResponse {
        let mut response = self.produce(version, &produce_request(-1, to, batch)).await;
        response.topics.remove(0).partitions.remove(0)
    }

    /// Produces one batch that must be taken, without a word in the transcript; its base offset.
    pub async fn append(&mut self, to: Place<'_>, batch: Batch) -> i64 {
        self.raw.append(to, batch).await
    }

    pub async fn fetch(&mut self, version: i16, request: &FetchRequest) -> FetchResponse<Bytes> {
        let response = self.raw.fetch(version, request).await;
        self.answered("Fetch", version, &response);
        response
    }

    /// Fetches one partition from `offset`, without waiting and without a session.
    pub async fn fetch_one(
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
        let response = self.raw.commit(version, request).await;
        self.answered("OffsetCommit", version, &CommittedRows::of(&response));
        response
    }

    pub async fn committed(
        &mut self,
        version: i16,
        request: &OffsetFetchRequest,
    ) -> OffsetFetchResponse {
        let response = self.raw.committed(version, request).await;
        self.answered("OffsetFetch", version, &response);
        response
    }

    // ------------------------------------------------------------------ preparations

    /// Creates a topic of a unique name, without a word in the transcript.
    pub async fn topic(&mut self, base: &str, partitions: i32) -> Topic {
        self.topic_with(base, partitions, &[]).await
    }

    /// Creates a topic under a name that the transcript knows already.
    pub async fn topic_again(&mut self, name: &str, partitions: i32) -> Topic {
        self.create_topic(name.to_owned(), partitions, &[]).await
    }

    pub async fn topic_with(
        &mut self,
        base: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Topic {
        let name = self.unique(base);
        self.create_topic(name, partitions, configs).await
    }

    async fn create_topic(
        &mut self,
        name: String,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Topic {
        let configs = configs.iter().map(|(name, value)| {
            CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
        });
        let topic = CreatableTopic::default()
            .with_name(topic_name(&name))
            .with_num_partitions(partitions)
            .with_replication_factor(-1)
            .with_configs(configs.collect());
        let request =
            CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(9_000);
        let response = self.ask(7, &request).await;
        let row = &response.topics[0];
        assert_eq!(code(row.error_code), ErrorCode::None, "{:?}", row.error_message);
        let topic = Topic { name, id: TopicId(row.topic_id) };
        self.until_writable(&topic, row.num_partitions).await;
        topic
    }

    /// Waits until the topic's partitions can be written: Kafka answers CreateTopics a moment before,
    /// and tells of leaders in Metadata a moment before they lead.
    pub async fn until_writable(&mut self, topic: &Topic, partitions: i32) {
        use kafka_protocol::messages::ListOffsetsRequest;
        use kafka_protocol::messages::list_offsets_request as of;
        let rows = (0..partitions).map(|partition| {
            of::ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(-1)
        });
        let row = of::ListOffsetsTopic::default()
            .with_name(topic_name(&topic.name))
            .with_partitions(rows.collect());
        let request = ListOffsetsRequest::default().with_topics(vec![row]);
        for _ in 0..500 {
            let response = self.ask(7, &request).await;
            if response.topics[0].partitions.iter().all(|partition| partition.error_code == 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} has no leaders", topic.name);
    }

    /// What Metadata tells of a topic, without a word in the transcript.
    pub async fn told_of(&mut self, name: &str) -> MetadataResponseTopic {
        let row = MetadataRequestTopic::default().with_name(Some(topic_name(name)));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![row]))
            .with_allow_auto_topic_creation(false);
        self.ask(12, &request).await.topics.remove(0)
    }

    /// Waits until the topic's partitions have leaders, as Metadata tells it.
    pub async fn until_led(&mut self, name: &str) -> MetadataResponseTopic {
        let led = |row: &MetadataResponseTopic| {
            row.error_code == 0 && row.partitions.iter().all(|partition| partition.error_code == 0)
        };
        let row = self.until(name, "has no leaders", led).await;
        for partition in &row.partitions {
            let partition = partition.partition_index;
            let place = Place { name, id: TopicId(row.topic_id), partition };
            // The leader itself may be told a moment later.
            while code(self.raw.read(12, place, 0).await.error_code)
                == ErrorCode::NotLeaderOrFollower
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        row
    }

    /// Waits until nobody is told of the topic: Kafka answers DeleteTopics a moment before.
    pub async fn until_gone(&mut self, name: &str) {
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        self.until(name, "is still there", |row| row.error_code == unknown).await;
    }

    async fn until(
        &mut self,
        name: &str,
        or_else: &str,
        is_so: impl Fn(&MetadataResponseTopic) -> bool,
    ) -> MetadataResponseTopic {
        for _ in 0..500 {
            let row = self.told_of(name).await;
            if is_so(&row) {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{name} {or_else}");
    }
}

/// An OffsetCommit response whose codes have names in the transcript.
#[derive(Debug)]
#[allow(dead_code, reason = "only its Debug form is looked at")]
struct CommittedRows {
    throttle_time_ms: i32,
    topics: Vec<CommittedTopicRow>,
}

#[derive(Debug)]
#[allow(dead_code, reason = "only its Debug form is looked at")]
struct CommittedTopicRow {
    name: String,
    topic_id: TopicId,
    partitions: Vec<CommittedRow>,
}

#[derive(Debug)]
#[allow(dead_code, reason = "only its Debug form is looked at")]
struct CommittedRow {
    index: i32,
    error_code: i16,
}

impl CommittedRows {
    fn of(response: &OffsetCommitResponse) -> Self {
        let topics = response.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter();
            let rows = partitions.map(|&(index, error_code)| CommittedRow { index, error_code });
            CommittedTopicRow {
                name: topic.name.to_string(),
                topic_id: topic.topic_id,
                partitions: rows.collect(),
            }
        });
        CommittedRows { throttle_time_ms: response.throttle_time_ms, topics: topics.collect() }
    }
}

/// Kafka's name of a request type.
fn request_name<R>() -> &'static str {
    let path = std::any::type_name::<R>();
    let name = path.rsplit("::").next().unwrap_or(path);
    name.strip_suffix("Request").unwrap_or(name)
}

/// Panics if the answer holds more or less than its version knows.
fn read_to_the_end(key: i16, name: &str, version: i16, frame: Bytes) {
    let again = recode_response(key, version, frame.clone())
        .unwrap_or_else(|error| panic!("answer to {name} v{version}: {error}"));
    assert_eq!(again[4..], frame[..], "{name} v{version} answers what its version knows, no more");
}
