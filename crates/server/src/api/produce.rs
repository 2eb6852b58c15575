//! Produce (key 0), v3-v13. Batches are checked, given their offsets and enqueued before the next
//! request is decoded; the response waits until they are durable, also for `acks=1`.
//!
//! The base offset in the response is exact, for duplicates too: registries wait for it.
//! Versions: v7 zstd, v8 record errors (KIP-467), v13 topic ids (KIP-516). v0-v2 are advertised and
//! refused (KAFKA-18659). `acks=0` gets no response; an error closes the connection, which is the
//! only way to tell. Omitted: transactions, leader hints (KIP-951).

use crate::api::errors;
use crate::api::request::{Client, Request, ResponseTo, later};
use crate::net::connection::Reply;
use smallvec::SmallVec;
use tidegate_broker::{ProduceRefusal, ProduceRules, Topic, produce};
use tidegate_log::Commit;
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::WireError;
use tidegate_wire::produce::{
    PartitionResponse, ProducePartition, ProduceRequest, ProduceResponse, ProduceTopic,
    RecordErrorResponse, TopicResponse, decode_produce_request, encode_produce_response,
};
use tracing::debug;

/// The number on the wire.
pub const KEY: i16 = 0;

const ZSTD_SINCE: i16 = 7;
const TOPIC_IDS_SINCE: i16 = 13;

/// What is said of a refusal that its code tells.
const NO_WORDS: &str = "";

/// The only client that may write to the coordinators' topics, as in Kafka.
const ADMIN_CLIENT_ID: &str = "__admin_client";

type Commits = SmallVec<[Commit; 4]>;

pub fn handle(client: &mut Client, request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let internal_allowed = request.client_id() == ADMIN_CLIENT_ID;
    let decoded = decode_produce_request(to.version, request.body)?;
    let acks = decoded.acks;
    let mut commits = Commits::new();
    let mut failed = false;
    let response =
        append_all(client, to.version, decoded, internal_allowed, &mut commits, &mut failed);
    if acks == 0 {
        return Ok(if failed { Reply::Close("acks=0 produce failed") } else { Reply::Silent });
    }
    if commits.iter().all(Commit::is_durable) {
        return Ok(respond(to, &response));
    }
    Ok(later(async move {
        let mut response = response;
        for commit in commits {
            if commit.await.is_err() {
                refuse_all(&mut response);
                break;
            }
        }
        respond(to, &response)
    }))
}

fn respond(to: ResponseTo, response: &ProduceResponse) -> Reply {
    let encoded = encode_produce_response(to.version, to.correlation_id, response);
    to.encoded(Ok(encoded), errors::of_produce(response))
}

/// The store closed before the appends were durable: whether they survive is not known.
fn refuse_all(response: &mut ProduceResponse) {
    for partition in response.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
        if partition.error_code == ErrorCode::None.code() {
            partition.error_code = ErrorCode::NotLeaderOrFollower.code();
            partition.base_offset = -1;
        }
    }
}

fn append_all(
    client: &Client,
    version: i16,
    request: ProduceRequest,
    internal_allowed: bool,
    commits: &mut Commits,
    failed: &mut bool,
) -> ProduceResponse {
    let refused = check_request(&request).err();
    let mut response = ProduceResponse::default();
    // Kafka's answers have a row for each topic of which they have partitions to tell.
    for topic_request in request.topics.into_iter().filter(|topic| !topic.partitions.is_empty()) {
        let topic = find_topic(client, version, &topic_request, internal_allowed);
        let mut topic_response = TopicResponse {
            name: topic_request.name,
            topic_id: topic_request.topic_id,
            partitions: Default::default(),
        };
        for mut partition in topic_request.partitions {
            let index = partition.index;
            let outcome = match &topic {
                Err(error) => Err(ProduceRefusal::new(*error, NO_WORDS)),
                Ok(topic) => append_one(client, version, topic, refused, &mut partition),
            };
            let answer = match outcome {
                Ok((answer, commit)) => {
                    commits.push(commit);
                    answer
                }
                Err(refusal) => {
                    *failed = true;
                    debug!(target: "tidegate::produce", topic = &*topic_response.name, partition = index, error = %refusal.error, message = refusal.message, "produce refused");
                    refusal_response(index, refusal)
                }
            };
            topic_response.partitions.push(answer);
        }
        response.topics.push(topic_response);
    }
    response
}

fn check_request(request: &ProduceRequest) -> Result<(), ErrorCode> {
    if !matches!(request.acks, -1..=1) {
        return Err(ErrorCode::InvalidRequiredAcks);
    }
    if request.transactional_id.is_some() {
        return Err(ErrorCode::InvalidTxnState);
    }
    Ok(())
}

fn find_topic(
    client: &Client,
    version: i16,
    request: &ProduceTopic,
    internal_allowed: bool,
) -> Result<std::sync::Arc<Topic>, ErrorCode> {
    let topics = client.broker().topics();
    let topic = if version >= TOPIC_IDS_SINCE {
        let id: TopicId = request.topic_id;
        topics.by_id(id).ok_or(ErrorCode::UnknownTopicId)?
    } else {
        topics.by_name(&request.name).ok_or(ErrorCode::UnknownTopicOrPartition)?
    };
    if topic.internal && !internal_allowed {
        return Err(ErrorCode::InvalidTopic);
    }
    Ok(topic)
}

fn append_one(
    client: &Client,
    version: i16,
    topic: &Topic,
    refused: Option<ErrorCode>,
    request: &mut ProducePartition,
) -> Result<(PartitionResponse, Commit), ProduceRefusal> {
    let unknown = || ProduceRefusal::new(ErrorCode::UnknownTopicOrPartition, NO_WORDS);
    let partition = topic.partition(request.index).ok_or_else(unknown)?;
    if let Some(error) = refused {
        return Err(ProduceRefusal::new(error, NO_WORDS));
    }
    let records = request.records.as_deref_mut().unwrap_or(&mut []);
    let rules = ProduceRules {
        zstd_allowed: version >= ZSTD_SINCE,
        validation: client.broker().validation(),
        now: client.broker().clock().wall_ms(),
    };
    let bytes = records.len();
    let appended = produce(topic, partition, records, rules)?;
    // A duplicate was counted when it came first.
    if appended.records > 0 {
        client.context.metrics.produced(1, u64::from(appended.records), bytes);
    }
    let answer = PartitionResponse {
        index: request.index,
        error_code: ErrorCode::None.code(),
        base_offset: appended.base_offset,
        log_append_time_ms: appended.log_append_time,
        log_start_offset: appended.log_start_offset,
        record_errors: Vec::new(),
        error_message: None,
    };
    Ok((answer, appended.commit))
}

/// Words go with refused records only, as in Kafka: clients know better ones for a code alone.
fn refusal_response(index: i32, refusal: ProduceRefusal) -> PartitionResponse {
    let error_message = (!refusal.records.is_empty()).then_some(refusal.message);
    let record_errors = refusal
        .records
        .into_iter()
        .map(|record| RecordErrorResponse {
            batch_index: record.batch_index,
            message: Some(record.message),
        })
        .collect();
    PartitionResponse {
        index,
        error_code: refusal.error.code(),
        base_offset: -1,
        log_append_time_ms: -1,
        log_start_offset: refusal.log_start_offset,
        record_errors,
        error_message,
    }
}
