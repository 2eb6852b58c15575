//! Fetch (key 1), v4-v18. Reads from exactly the offset asked, waits for `min_bytes` without
//! polling, and hands out slices of memory or files that go to the socket uncopied.
//!
//! Versions: v5 log start, v7 sessions (KIP-227), v9 leader epochs (KIP-320), v12 last fetched epoch
//! (KIP-595), v13 topic ids (KIP-516). Omitted: preferred replica (KIP-392), reads by followers.

use crate::api::errors;
use crate::api::request::{Client, Request, ResponseTo, later};
use crate::net::connection::Reply;
use crate::net::output::Response;
use crate::observe::{Asked, Observation};
use crate::quota::Account;
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;
use tidegate_broker::fetch::{
    FetchLimits, FetchSession, FetchTarget, FetchedPartition, SessionPartition, SessionRequest,
    TopicRef, fetch_until, is_unchanged, resolve,
};
use tidegate_broker::{Broker, Waiter};
use tidegate_log::{LogRead, Slice};
use tidegate_model::Offset;
use tidegate_wire::WireError;
use tidegate_wire::fetch::{
    FetchPartitionResponse, FetchRequest, FetchResponse, FetchTopicResponse, Part, RecordsPayload,
    decode_fetch_request, encode_fetch_response,
};
use tokio::time::Instant;

const TOPIC_IDS_SINCE: i16 = 13;

/// No Fetch sleeps longer, whatever its `max_wait_ms` says.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// Records on their way out; a new type, for both trait and slices belong to other crates.
#[derive(Default)]
struct Records {
    read: LogRead,
    /// How many of them the client asked for: a batch may begin before the offset.
    wanted: u64,
}

impl RecordsPayload for Records {
    fn byte_len(&self) -> usize {
        self.read.len()
    }
}

type Session = Arc<parking_lot::Mutex<FetchSession>>;

pub fn handle(client: &mut Client, request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let observation = request.observation;
    let account = request.account;
    let decoded = decode_fetch_request(to.version, request.body)?;
    let broker = client.broker().clone();
    let quota = account.as_ref().and_then(|account| account.fetch_bytes_max());
    let max_bytes = (decoded.max_bytes.max(0) as usize)
        .min(broker.settings().fetch_max_bytes() as usize)
        .min(quota.unwrap_or(usize::MAX));
    let limits = FetchLimits {
        // Nothing is waited for that would not be returned.
        min_bytes: (decoded.min_bytes.max(0) as u64).min(max_bytes as u64),
        max_bytes,
        deadline: Instant::now()
            + Duration::from_millis(decoded.max_wait_ms.max(0) as u64).min(WAIT_MAX),
        read_committed: decoded.isolation_level == 1,
    };
    let session_request = session_request(to.version, decoded);
    let now = broker.clock().steady_ms();
    let (session, incremental) = match broker.fetch_sessions().begin(session_request, now) {
        Ok(begun) => begun,
        Err(error) => {
            let response = FetchResponse { error_code: error.code(), ..Default::default() };
            return Ok(respond(to, response));
        }
    };
    let waiter = client.waiter.clone();
    let metrics = client.context.metrics.clone();
    Ok(later(async move {
        let fetched = Fetching { broker, account, session, incremental, observation };
        let response = fetched.run(limits, &waiter).await;
        let partitions = || response.topics.iter().flat_map(|topic| &topic.partitions);
        metrics.fetched(
            partitions().map(|partition| partition.records.wanted).sum(),
            partitions().map(|partition| partition.records.byte_len()).sum(),
        );
        respond(to, response)
    }))
}

/// One Fetch whose session is known.
struct Fetching {
    broker: Arc<Broker>,
    account: Option<Arc<Account>>,
    session: Session,
    incremental: bool,
    observation: Option<Arc<Observation>>,
}

impl Fetching {
    async fn run(self, limits: FetchLimits, waiter: &Arc<Waiter>) -> FetchResponse<Records> {
        let (keys, targets) = self.targets();
        if let Some(observation) = &self.observation {
            observation.set_asked(self.asked(&keys, &targets));
        }
        let fetched = fetch_until(&targets, limits, waiter).await;
        let mut session = self.session.lock();
        if let Some(account) = &self.account
            && account.charge_fetch(self.response_bytes(&session, &keys, &fetched))
        {
            return self.throttled(&session);
        }
        let mut response =
            FetchResponse { session_id: session.id, ..FetchResponse::<Records>::default() };
        for ((key, target), one) in keys.into_iter().zip(&targets).zip(fetched) {
            let has_records = !one.records.is_empty();
            if let Some(known) = session.partitions.get_mut(&key) {
                if self.incremental && self.leave_out(known, &one, has_records) {
                    continue;
                }
                known.told_high_watermark = one.bounds.high_watermark;
                known.told_log_start_offset = one.bounds.log_start_offset;
            }
            // The first fetch of a session leaves the order as it is, as in Kafka.
            if self.incremental
                && has_records
                && let Some(index) = session.partitions.get_index_of(&key)
            {
                let last = session.partitions.len() - 1;
                session.partitions.move_index(index, last);
            }
            push(&mut response, &key, target.fetch_offset, one);
        }
        response
    }

    /// About the length of the answer, by the length of one partition's fields.
    fn response_bytes(
        &self,
        session: &FetchSession,
        keys: &[(TopicRef, i32)],
        fetched: &[FetchedPartition],
    ) -> usize {
        const HEAD_BYTES: usize = 20;
        const PARTITION_BYTES: usize = 64;
        let told = |(key, one): (&(TopicRef, i32), &FetchedPartition)| {
            let known = session.partitions.get(key).filter(|_| self.incremental);
            let left_out =
                known.is_some_and(|known| self.leave_out(known, one, !one.records.is_empty()));
            if left_out { 0 } else { PARTITION_BYTES + one.records.len() }
        };
        HEAD_BYTES + keys.iter().zip(fetched).map(told).sum::<usize>()
    }

    /// The answer of a Fetch that is throttled: nothing, in the session if there was one before.
    fn throttled(&self, session: &FetchSession) -> FetchResponse<Records> {
        if self.incremental {
            return FetchResponse { session_id: session.id, ..Default::default() };
        }
        // A client takes an empty full answer for no session at all, and asks for one again.
        self.broker.fetch_sessions().forget(session.id);
        FetchResponse::default()
    }

    fn leave_out(&self, known: &SessionPartition, one: &FetchedPartition, records: bool) -> bool {
        one.diverging.is_none()
            && is_unchanged(
                known,
                records,
                one.error,
                one.bounds.high_watermark,
                one.bounds.log_start_offset,
            )
    }

    /// What is asked for, for somebody who looks: a session's request does not repeat it.
    fn asked(&self, keys: &[(TopicRef, i32)], targets: &[FetchTarget]) -> Vec<Asked> {
        let name = |topic: &TopicRef| match topic {
            TopicRef::Name(name) => name.to_string(),
            TopicRef::Id(id) => match self.broker.topics().by_id(*id) {
                Some(topic) => topic.name.to_string(),
                None => id.to_string(),
            },
        };
        let asked = |((topic, partition), target): (&(TopicRef, i32), &FetchTarget)| Asked {
            topic: name(topic),
            partition: *partition,
            fetch_offset: target.fetch_offset,
        };
        keys.iter().zip(targets).map(asked).collect()
    }

    fn targets(&self) -> (Vec<(TopicRef, i32)>, Vec<FetchTarget>) {
        let session = self.session.lock();
        let topics = self.broker.topics();
        let mut keys = Vec::with_capacity(session.partitions.len());
        let mut targets = Vec::with_capacity(session.partitions.len());
        for (key, wanted) in &session.partitions {
            targets.push(FetchTarget {
                partition: resolve(topics, &key.0, key.1),
                fetch_offset: wanted.fetch_offset,
                max_bytes: wanted.max_bytes.max(0) as usize,
                current_leader_epoch: wanted.current_leader_epoch,
                last_fetched_epoch: wanted.last_fetched_epoch,
            });
            keys.push(key.clone());
        }
        (keys, targets)
    }
}

fn push(
    response: &mut FetchResponse<Records>,
    key: &(TopicRef, i32),
    from: Offset,
    one: FetchedPartition,
) {
    // Offsets are dense: no record is looked at.
    let wanted = match one.records.is_empty() {
        true => 0,
        false => u64::try_from(one.records.next_offset - from).unwrap_or(0),
    };
    let partition = FetchPartitionResponse {
        index: key.1,
        error_code: one.error.code(),
        high_watermark: one.bounds.high_watermark,
        last_stable_offset: one.bounds.last_stable_offset,
        log_start_offset: one.bounds.log_start_offset,
        diverging_epoch: one.diverging.map(|end| (end.epoch, end.end_offset)),
        aborted_transactions: one.aborted_transactions,
        records: Records { read: one.records, wanted },
        ..Default::default()
    };
    let same = |topic: &FetchTopicResponse<Records>| match &key.0 {
        TopicRef::Name(name) => *topic.name == **name,
        TopicRef::Id(id) => topic.topic_id == *id,
    };
    if let Some(topic) = response.topics.last_mut()
        && same(topic)
    {
        topic.partitions.push(partition);
        return;
    }
    let mut topic = FetchTopicResponse::<Records>::default();
    match &key.0 {
        TopicRef::Name(name) => topic.name = name.to_string().into(),
        TopicRef::Id(id) => topic.topic_id = *id,
    }
    topic.partitions.push(partition);
    response.topics.push(topic);
}

fn session_request(version: i16, request: FetchRequest) -> SessionRequest {
    let uses_topic_ids = version >= TOPIC_IDS_SINCE;
    let mut partitions = Vec::new();
    for topic in request.topics {
        let topic_ref = topic_ref(uses_topic_ids, &topic.name, topic.topic_id);
        for partition in topic.partitions {
            let wanted = SessionPartition {
                fetch_offset: partition.fetch_offset,
                current_leader_epoch: partition.current_leader_epoch,
                last_fetched_epoch: partition.last_fetched_epoch,
                max_bytes: partition.max_bytes,
                told_high_watermark: -1,
                told_log_start_offset: -1,
            };
            partitions.push(((topic_ref.clone(), partition.index), wanted));
        }
    }
    let mut forgotten = Vec::new();
    for topic in request.forgotten {
        let topic_ref = topic_ref(uses_topic_ids, &topic.name, topic.topic_id);
        forgotten.extend(topic.partitions.iter().map(|index| (topic_ref.clone(), *index)));
    }
    SessionRequest {
        session_id: request.session_id,
        session_epoch: request.session_epoch,
        partitions,
        forgotten,
        uses_topic_ids,
    }
}

fn topic_ref(by_id: bool, name: &str, id: tidegate_model::TopicId) -> TopicRef {
    if by_id { TopicRef::Id(id) } else { TopicRef::Name(name.into()) }
}

fn respond(to: ResponseTo, response: FetchResponse<Records>) -> Reply {
    let error = errors::of_fetch(&response);
    let mut slices: SmallVec<[Slice; 1]> = SmallVec::new();
    for part in encode_fetch_response(to.version, to.correlation_id, response) {
        match part {
            Part::Bytes(bytes) => slices.push(Slice::Memory(bytes)),
            Part::Records(records) => slices.extend(records.read.slices),
        }
    }
    Reply::Ready(Response { slices, error, timing: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_model::ErrorCode;

    #[test]
    fn an_error_is_never_left_out_of_an_incremental_answer() {
        let known = SessionPartition {
            fetch_offset: 0,
            current_leader_epoch: -1,
            last_fetched_epoch: -1,
            max_bytes: 1,
            told_high_watermark: -1,
            told_log_start_offset: -1,
        };
        assert!(!is_unchanged(&known, false, ErrorCode::OffsetOutOfRange, -1, -1));
        assert!(is_unchanged(&known, false, ErrorCode::None, -1, -1));
    }
}
