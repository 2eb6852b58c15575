//! Who traces requests, and what reaches them.
//!
//! A request is copied for a tracer and decoded in the tracer's own task. What waits there is bounded:
//! a tracer that is too slow loses requests and is told how many; clients never wait for it.

use super::connections::ConnectionInfo;
use super::observation::{Observation, Seen};
use super::show::{self, Decoded};
use crate::api::{self, Context, Request};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tidegate_log::Slice;
use tidegate_wire::header::RequestHeader;
use tokio::sync::mpsc;

/// Tracers at once.
const TRACERS_MAX: usize = 16;

/// Requests that wait for a tracer at most, and their bytes.
const WAITING_MAX: usize = 4_096;
const WAITING_BYTES_MAX: usize = 32 << 20;

/// Which requests a tracer wants: those that pass all of what is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceFilter {
    /// Requests that name this group.
    pub group: Option<String>,
    /// Requests that name this topic, or whose fetch session has it.
    pub topic: Option<String>,
    /// Requests of this client id.
    pub client: Option<String>,
    /// Requests of these types; all if empty.
    pub apis: Vec<i16>,
    /// Only requests in whose answers there is an error.
    pub errors: bool,
    /// Only requests that took at least so long, waiting included.
    pub slower_than: Duration,
}

impl TraceFilter {
    /// Reads one `name=value` of a query.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "group" => self.group = Some(value.to_owned()),
            "topic" => self.topic = Some(value.to_owned()),
            "client" => self.client = Some(value.to_owned()),
            "api" => {
                let known = api::APIS.iter().find(|api| api.name.eq_ignore_ascii_case(value));
                let api = known.ok_or_else(|| {
                    format!("there is no request type {value:?}; they are named as in Kafka: OffsetCommit")
                })?;
                self.apis.push(api.key);
            }
            "errors" => self.errors = value != "false",
            "slower_than_ms" => {
                let millis = value.parse().map_err(|_| format!("{value:?} is no number"))?;
                self.slower_than = Duration::from_millis(millis);
            }
            _ => return Err(format!("there is no filter {name:?}")),
        }
        Ok(())
    }

    /// What can be told before the request is decoded.
    fn may_want(&self, header: &RequestHeader) -> bool {
        (self.apis.is_empty() || self.apis.contains(&header.api_key))
            && self
                .client
                .as_deref()
                .is_none_or(|client| header.client_id.as_deref() == Some(client))
    }

    fn wants(&self, seen: &Seen, decoded: &Decoded, context: &Context) -> bool {
        let topics = context.broker.topics();
        let asks_for = |topic: &str| {
            seen.observation.asked().iter().any(|asked| asked.topic == topic)
                || decoded.names_topic(topic, topics)
        };
        self.group.as_deref().is_none_or(|group| decoded.names_group(group))
            && self.topic.as_deref().is_none_or(asks_for)
            && (!self.errors || !decoded.errors().is_empty())
    }
}

/// All tracers.
#[derive(Default)]
pub struct Tracers {
    /// Their number, so that a request looks at nothing else while there is none.
    count: AtomicUsize,
    tracers: Arc<Mutex<Vec<Arc<Tracer>>>>,
}

struct Tracer {
    filter: TraceFilter,
    sender: mpsc::Sender<Seen>,
    waiting_bytes: AtomicUsize,
    lost: AtomicU64,
}

impl Tracers {
    /// True if anybody traces.
    pub fn is_any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// A copy of the request if a tracer may want it.
    pub fn observe(
        &self,
        connection: &Arc<ConnectionInfo>,
        request: &Request,
    ) -> Option<Arc<Observation>> {
        let wanted =
            self.tracers.lock().iter().any(|tracer| tracer.filter.may_want(&request.header));
        wanted.then(|| Observation::new(connection, request))
    }

    /// Hands a request and its answer to the tracers that may want it; one of them did, others may not.
    pub fn tell(&self, seen: &Seen) {
        let header = &seen.observation.header;
        let may_want =
            |filter: &TraceFilter| seen.took >= filter.slower_than && filter.may_want(header);
        let tracers = self.tracers.lock().clone();
        for tracer in tracers.iter().filter(|tracer| may_want(&tracer.filter)) {
            tracer.offer(seen.clone());
        }
    }

    /// A new tracer; `None` if there are too many.
    pub fn subscribe(&self, filter: TraceFilter) -> Option<Subscription<'_>> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let mut tracers = self.tracers.lock();
        if tracers.len() >= TRACERS_MAX {
            return None;
        }
        let tracer = Arc::new(Tracer {
            filter,
            sender,
            waiting_bytes: AtomicUsize::default(),
            lost: AtomicU64::default(),
        });
        tracers.push(tracer.clone());
        self.count.store(tracers.len(), Ordering::Relaxed);
        Some(Subscription { tracers: self, tracer, receiver, told_lost: 0 })
    }
}

impl Tracer {
    fn offer(&self, seen: Seen) {
        let bytes = kept_bytes(&seen);
        let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        if waiting + bytes > WAITING_BYTES_MAX || self.sender.try_send(seen).is_err() {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Memory that waits with a request. Records in files take none.
fn kept_bytes(seen: &Seen) -> usize {
    let answer = seen.frame.iter().flatten().map(|slice| match slice {
        Slice::Memory(bytes) => bytes.len(),
        Slice::File { .. } => 0,
    });
    seen.observation.body_len() + answer.sum::<usize>()
}

/// One tracer's end.
pub struct Subscription<'a> {
    tracers: &'a Tracers,
    tracer: Arc<Tracer>,
    receiver: mpsc::Receiver<Seen>,
    told_lost: u64,
}

impl Subscription<'_> {
    /// The next line: a request with its answer, or `{"lost": n}` for those that came too fast.
    pub async fn next(&mut self, context: &Context) -> Value {
        loop {
            if let Some(lost) = self.take_lost() {
                return json!({ "lost": lost });
            }
            // This end keeps a sender alive, so there is always a next one.
            let seen = self.receiver.recv().await.expect("the tracer holds a sender");
            self.tracer.waiting_bytes.fetch_sub(kept_bytes(&seen), Ordering::Relaxed);
            let decoded = Decoded::of(&seen);
            if self.tracer.filter.wants(&seen, &decoded, context) {
                return show::line(&seen, &decoded, context.broker.topics());
            }
            // Decoding takes time that belongs to others too.
            tokio::task::yield_now().await;
        }
    }
}

impl Subscription<'_> {
    /// How many requests were lost since this was last asked, if any were.
    fn take_lost(&mut self) -> Option<u64> {
        let lost = self.tracer.lost.load(Ordering::Relaxed);
        let newly = lost - std::mem::replace(&mut self.told_lost, lost);
        (newly > 0).then_some(newly)
    }
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        let mut tracers = self.tracers.tracers.lock();
        tracers.retain(|other| !Arc::ptr_eq(other, &self.tracer));
        self.tracers.count.store(tracers.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::connections::Connections;
    use super::*;
    use bytes::BytesMut;
    use kafka_protocol::protocol::StrBytes;

    fn request(api_key: i16, client_id: &'static str, body_len: usize) -> Request {
        let client_id = Some(StrBytes::from_static_str(client_id));
        let header = RequestHeader { api_key, api_version: 0, correlation_id: 1, client_id };
        Request { header, body: BytesMut::zeroed(body_len), account: None, observation: None }
    }

    fn tell(tracers: &Tracers, request: &Request) {
        let peer = "127.0.0.1:1".parse().expect("an address");
        let open = Connections::default().open(peer);
        if let Some(observation) = tracers.observe(&open.info, request) {
            let took = Duration::from_millis(1);
            tracers.tell(&Seen { observation, frame: None, took });
        }
    }

    #[test]
    fn a_tracer_that_does_not_read_loses_requests_and_is_told_how_many() {
        let tracers = Tracers::default();
        let mut slow = tracers.subscribe(TraceFilter::default()).expect("the first one");
        for _ in 0..WAITING_MAX + 7 {
            tell(&tracers, &request(12, "app", 10));
        }
        assert_eq!((slow.take_lost(), slow.take_lost()), (Some(7), None));
        drop(slow);
        assert!(!tracers.is_any(), "nobody traces any more");
    }

    #[test]
    fn what_waits_for_a_tracer_is_bounded_in_bytes_too() {
        let tracers = Tracers::default();
        let mut slow = tracers.subscribe(TraceFilter::default()).expect("the first one");
        for _ in 0..5 {
            tell(&tracers, &request(0, "app", WAITING_BYTES_MAX / 4));
        }
        assert_eq!(slow.take_lost(), Some(1));
    }

    #[test]
    fn requests_of_other_clients_and_types_are_not_copied() {
        let tracers = Tracers::default();
        let mut filter = TraceFilter::default();
        filter.set("client", "app").expect("a filter");
        filter.set("api", "offsetcommit").expect("a type");
        let _tracer = tracers.subscribe(filter).expect("the first one");
        let wanted = |key, client| {
            let peer = "127.0.0.1:1".parse().expect("an address");
            let open = Connections::default().open(peer);
            tracers.observe(&open.info, &request(key, client, 1)).is_some()
        };
        assert_eq!((wanted(8, "app"), wanted(8, "other"), wanted(9, "app")), (true, false, false));
        assert!(TraceFilter::default().set("api", "OffsetComit").is_err());
    }

    #[test]
    fn a_tracer_of_one_client_and_type_is_told_of_no_other_while_another_traces_all() {
        let tracers = Tracers::default();
        let mut filter = TraceFilter::default();
        filter.set("client", "app").expect("a filter");
        filter.set("api", "offsetcommit").expect("a type");
        let mut one = tracers.subscribe(filter).expect("the first one");
        let mut all = tracers.subscribe(TraceFilter::default()).expect("the second one");
        for (key, client) in [(8, "other"), (9, "app"), (8, "app")] {
            tell(&tracers, &request(key, client, 1));
        }
        let told = |subscription: &mut Subscription<'_>| {
            let next = || subscription.receiver.try_recv().ok();
            std::iter::from_fn(next).map(|seen| seen.observation.header.api_key).collect::<Vec<_>>()
        };
        assert_eq!((told(&mut one), told(&mut all)), (vec![8], vec![8, 9, 8]));
    }
}
