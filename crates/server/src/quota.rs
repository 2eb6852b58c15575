//! What one request costs its sender, and how long the sender is throttled for it.
//!
//! There is an account for each request while anybody has a quota, and none otherwise. Bytes are
//! charged where they are known: those of a Produce once it is begun, those of a Fetch before its
//! answer is made. Time is charged when the answer is ready. The longest of the throttle times is
//! written into the answer, which leaves at once; then the connection is not read for as long.

use crate::api::Client;
use crate::metrics::Metrics;
use crate::net::connection::Reply;
use crate::net::output::Response;
use bytes::BytesMut;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tidegate_broker::Broker;
use tidegate_broker::quota::{ActiveQuotas, QuotaKind, Sender};
use tidegate_log::Slice;
use tidegate_wire::header::RequestHeader;
use tidegate_wire::throttle::set_throttle_time_ms;
use tokio::time::Instant;
use tracing::debug;

/// The account of one request.
pub struct Account {
    broker: Arc<Broker>,
    metrics: Arc<Metrics>,
    active: ActiveQuotas,
    api_key: i16,
    version: i16,
    user: &'static str,
    client_id: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Time spent on the request, but for the stretch that goes on.
    worked: Duration,
    /// Since when the request is being worked on without a pause.
    working_since: Option<Instant>,
    is_time_charged: bool,
    throttle_ms: i32,
    muted_until: Option<Instant>,
}

impl Account {
    /// An account for a request of that header; `None` if nobody has a quota.
    pub fn open(client: &Client, header: &RequestHeader) -> Option<Arc<Self>> {
        let active = client.broker().quotas().active();
        if active.is_none() {
            return None;
        }
        Some(Arc::new(Account {
            broker: client.broker().clone(),
            metrics: client.context.metrics.clone(),
            active,
            api_key: header.api_key,
            version: header.api_version,
            user: client.user(),
            client_id: header.client_id.as_deref().unwrap_or("").to_owned(),
            state: Mutex::default(),
        }))
    }

    /// Does some of the request's work, whose time counts.
    pub fn work<T>(&self, work: impl FnOnce() -> T) -> T {
        self.state.lock().working_since = Some(Instant::now());
        let done = work();
        let mut state = self.state.lock();
        let stretch = state.working_since.take().map_or(Duration::ZERO, |since| since.elapsed());
        state.worked += stretch;
        done
    }

    /// Charges a Produce by the bytes of its frame.
    pub fn charge_produce(&self, bytes: usize) {
        self.throttle(self.charge(QuotaKind::Produce, bytes as f64));
    }

    /// The bytes that a Fetch may return without being throttled for certain.
    pub fn fetch_bytes_max(&self) -> Option<usize> {
        if !self.active.has(QuotaKind::Fetch) {
            return None;
        }
        let bytes = self.broker.quotas().fetch_bytes_max(self.sender())?;
        Some(bytes as usize)
    }

    /// Charges a Fetch that would return so many bytes. True if it must return nothing instead,
    /// which then costs no bytes: Kafka throttles before it hands out, not after.
    #[must_use]
    pub fn charge_fetch(&self, bytes: usize) -> bool {
        let throttle_ms = self.charge(QuotaKind::Fetch, bytes as f64);
        self.throttle(throttle_ms);
        self.charge_time();
        let is_throttled = self.state.lock().throttle_ms > 0;
        if is_throttled && self.active.has(QuotaKind::Fetch) {
            let (quotas, now) = (self.broker.quotas(), self.broker.clock().steady_ms());
            quotas.record_unchecked(QuotaKind::Fetch, self.sender(), -(bytes as f64), now);
        }
        is_throttled
    }

    /// True if somebody's changes of topics are limited.
    pub fn limits_mutations(&self) -> bool {
        self.active.has(QuotaKind::ControllerMutation)
    }

    /// Charges partitions created or deleted. False if they must not be: requests of at least
    /// version `strict_since` are refused what is beyond the quota, older ones are throttled
    /// (KIP-599).
    pub fn charge_mutation(&self, partitions: usize, strict_since: i16) -> bool {
        let (quotas, now) = (self.broker.quotas(), self.broker.clock().steady_ms());
        let strict = self.version >= strict_since;
        let (is_allowed, throttle_ms) =
            match quotas.record_mutation(self.sender(), partitions, strict, now) {
                Ok(throttle_ms) => (true, throttle_ms),
                Err(refused) => (false, refused.throttle_ms),
            };
        self.throttle(throttle_ms);
        is_allowed
    }

    /// Charges a topic that is created because somebody asked for it, and throttles nobody. False if
    /// it must not be.
    pub fn charge_auto_creation(&self, partitions: usize) -> bool {
        if !self.limits_mutations() {
            return true;
        }
        let (quotas, now) = (self.broker.quotas(), self.broker.clock().steady_ms());
        quotas.record_mutation(self.sender(), partitions, true, now).is_ok()
    }

    /// The reply with what the request cost: told in the answer, and kept by the connection.
    pub fn settle(self: Arc<Self>, reply: Reply) -> Reply {
        let reply = match reply {
            Reply::Later(future) => {
                let work = Work { account: self.clone(), future };
                let account = self.clone();
                Reply::Later(Box::pin(async move { account.settle(work.await) }))
            }
            Reply::Ready(response) => {
                self.charge_time();
                Reply::Ready(self.tell(response))
            }
            // Time is not charged where no answer could tell of it, as in Kafka.
            Reply::Silent => {
                self.tell(Response::default());
                Reply::Silent
            }
            Reply::Close(_) | Reply::Throttled(..) => return reply,
        };
        match self.state.lock().muted_until {
            Some(until) => Reply::Throttled(Box::new(reply), until),
            None => reply,
        }
    }

    fn sender(&self) -> Sender<'_> {
        Sender { user: self.user, client_id: &self.client_id }
    }

    fn charge(&self, kind: QuotaKind, value: f64) -> i32 {
        if !self.active.has(kind) {
            return 0;
        }
        let now = self.broker.clock().steady_ms();
        self.broker.quotas().record(kind, self.sender(), value, now)
    }

    fn charge_time(&self) {
        let worked = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.is_time_charged, true) {
                return;
            }
            state.worked + state.working_since.map_or(Duration::ZERO, |since| since.elapsed())
        };
        const PERCENT: f64 = 100.0;
        self.throttle(self.charge(QuotaKind::Request, worked.as_secs_f64() * PERCENT));
    }

    /// Throttles for that long if it is longer than what has been found before.
    fn throttle(&self, throttle_ms: i32) {
        let mut state = self.state.lock();
        if throttle_ms > state.throttle_ms {
            state.throttle_ms = throttle_ms;
            let mute = Duration::from_millis(throttle_ms.unsigned_abs().into());
            state.muted_until = Some(Instant::now() + mute);
        }
    }

    /// The answer with its throttle time.
    fn tell(&self, mut response: Response) -> Response {
        let throttle_ms = self.state.lock().throttle_ms;
        if throttle_ms == 0 {
            return response;
        }
        self.metrics.throttled(self.api_key, throttle_ms);
        debug!(
            target: "tidegate::request",
            client_id = self.client_id,
            api_key = self.api_key,
            throttle_ms,
            "throttled by a quota"
        );
        if let Some(Slice::Memory(first)) = response.slices.first_mut() {
            // A copy, unless nobody else holds the answer: throttled senders have the time.
            let mut bytes = BytesMut::from(std::mem::take(first));
            set_throttle_time_ms(self.api_key, self.version, &mut bytes, throttle_ms);
            *first = bytes.freeze();
        }
        response
    }
}

/// A reply to come, each of whose polls is work.
struct Work {
    account: Arc<Account>,
    future: Pin<Box<dyn Future<Output = Reply> + Send>>,
}

impl Future for Work {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        let Work { account, future } = &mut *self;
        account.work(|| future.as_mut().poll(context))
    }
}
