//! Client quotas in force: what each sender has used up, and how long it has to wait for it.
//!
//! Kafka's `ClientQuotaManager` and its kin (KIP-13, KIP-124, KIP-219, KIP-599, KIP-612). A sender
//! is never refused for its rate; it is told how long it is throttled, and the server does not
//! read from it for as long. Only changes of topics are refused, and only to new clients.

mod filter;
mod limits;
mod rate;

pub use filter::{QuotaFilter, QuotaMatch};
pub use limits::Sender;
pub use rate::Window;

use limits::{Limits, SensorKey};
use parking_lot::Mutex;
use rate::{Rate, Sensor, TokenBucket};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use tidegate_machine::catalog::{IP, QuotaEntity, Quotas as Values};
use tidegate_model::TimestampMs;

/// Senders counted at once by one kind of quota. Those beyond share one count: a client that
/// changes its name with every request gains nothing by it, and takes no memory for it.
const SENSORS_MAX: usize = 65_536;

/// Idle senders are looked for when so many are counted, and again at twice as many.
const SENSORS_FIRST_PURGE: usize = 1_024;

/// What a quota limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum QuotaKind {
    /// Bytes of Produce requests a second (`producer_byte_rate`).
    Produce = 0,
    /// Bytes of Fetch responses a second (`consumer_byte_rate`).
    Fetch = 1,
    /// Percent of one thread's time (`request_percentage`).
    Request = 2,
    /// Partitions created and deleted a second (`controller_mutation_rate`).
    ControllerMutation = 3,
    /// Connections from one address a second (`connection_creation_rate`).
    Connection = 4,
}

impl QuotaKind {
    const ALL: [QuotaKind; 5] =
        [Self::Produce, Self::Fetch, Self::Request, Self::ControllerMutation, Self::Connection];

    fn key(self) -> &'static str {
        match self {
            QuotaKind::Produce => "producer_byte_rate",
            QuotaKind::Fetch => "consumer_byte_rate",
            QuotaKind::Request => "request_percentage",
            QuotaKind::ControllerMutation => "controller_mutation_rate",
            QuotaKind::Connection => "connection_creation_rate",
        }
    }
}

/// The kinds of quotas that anybody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveQuotas(u8);

impl ActiveQuotas {
    /// True if nobody has any, as is usual.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// True if somebody has a quota of that kind.
    pub fn has(self, kind: QuotaKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }
}

/// A change of topics was beyond the quota: it must not happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MutationRefused {
    /// How long until it may, in milliseconds.
    pub throttle_ms: i32,
}

/// All quotas with what was counted against them.
#[derive(Debug)]
pub struct ClientQuotas {
    active: AtomicU8,
    window: Window,
    controller_window: Window,
    produce: Mutex<Meters<Rate>>,
    fetch: Mutex<Meters<Rate>>,
    request: Mutex<Meters<Rate>>,
    mutation: Mutex<Meters<TokenBucket>>,
    connection: Mutex<ConnectionMeters>,
}

impl ClientQuotas {
    /// No quotas yet. `window` is that of all but changes of topics.
    pub fn new(window: Window, controller_window: Window) -> Self {
        ClientQuotas {
            active: AtomicU8::new(0),
            window,
            controller_window,
            produce: Mutex::default(),
            fetch: Mutex::default(),
            request: Mutex::default(),
            mutation: Mutex::default(),
            connection: Mutex::default(),
        }
    }

    /// Puts exactly these quotas in force. What was counted stays counted.
    pub fn set(&self, quotas: &BTreeMap<QuotaEntity, Values>) {
        let mut active = 0;
        for kind in QuotaKind::ALL {
            let limits = quotas.iter().filter_map(|(entity, values)| {
                values.get(kind.key()).map(|value| (entity, value.0))
            });
            let is_active = match kind {
                QuotaKind::ControllerMutation => self.mutation.lock().set(limits),
                QuotaKind::Connection => self.connection.lock().set(limits),
                QuotaKind::Produce | QuotaKind::Fetch | QuotaKind::Request => {
                    self.rates(kind).lock().set(limits)
                }
            };
            active |= u8::from(is_active) << kind as u8;
        }
        self.active.store(active, Ordering::Relaxed);
    }

    /// The kinds of quotas that anybody has. One load, which orders nothing: a request that comes
    /// with a change may be under either state.
    pub fn active(&self) -> ActiveQuotas {
        ActiveQuotas(self.active.load(Ordering::Relaxed))
    }

    fn rates(&self, kind: QuotaKind) -> &Mutex<Meters<Rate>> {
        match kind {
            QuotaKind::Produce => &self.produce,
            QuotaKind::Fetch => &self.fetch,
            QuotaKind::Request => &self.request,
            QuotaKind::ControllerMutation | QuotaKind::Connection => {
                unreachable!("{kind:?} has methods of its own")
            }
        }
    }

    /// Counts bytes, or percent of a second, and says how long the sender is throttled.
    pub fn record(&self, kind: QuotaKind, by: Sender<'_>, value: f64, now: TimestampMs) -> i32 {
        let window = self.window;
        let throttle_ms = self.rates(kind).lock().with(by, window, now, |rate, limit| {
            rate.record(window, value, now);
            rate.throttle_ms(window, limit, now)
        });
        match kind {
            // Kafka mutes for at most one sample where time itself is what is used up.
            QuotaKind::Request => throttle_ms.unwrap_or(0).min(sample_ms(window)),
            _ => throttle_ms.unwrap_or(0),
        }
    }

    /// Counts without throttling; a negative value takes back what was counted.
    pub fn record_unchecked(&self, kind: QuotaKind, by: Sender<'_>, value: f64, now: TimestampMs) {
        let window = self.window;
        let record = |rate: &mut Rate, _| rate.record(window, value, now);
        self.rates(kind).lock().with(by, window, now, record);
    }

    /// The bytes that one answer may have without being throttled for certain.
    pub fn fetch_bytes_max(&self, by: Sender<'_>) -> Option<f64> {
        let (_, limit) = self.fetch.lock().limits.find(by)?;
        Some(limit * self.window.complete_ms() as f64 / 1_000.0)
    }

    /// Counts partitions to create or delete. Returns how long the sender is throttled.
    ///
    /// If `strict`, refuses while earlier ones are not paid for, and throttles nobody else; if not,
    /// takes them all and throttles who is beyond its quota (KIP-599).
    pub fn record_mutation(
        &self,
        by: Sender<'_>,
        partitions: usize,
        strict: bool,
        now: TimestampMs,
    ) -> Result<i32, MutationRefused> {
        let window = self.controller_window;
        let outcome = self.mutation.lock().with(by, window, now, |bucket, limit| {
            if strict {
                let throttle_ms = bucket.throttle_ms(window, limit, now);
                if bucket.is_exhausted() {
                    return Err(MutationRefused { throttle_ms });
                }
            }
            bucket.record(window, limit, partitions as f64, now);
            Ok(if strict { 0 } else { bucket.throttle_ms(window, limit, now) })
        });
        outcome.unwrap_or(Ok(0))
    }

    /// Counts a connection from `address`. More than 0 if it must wait so long before it is closed;
    /// it then does not count.
    pub fn record_connection(&self, address: IpAddr, now: TimestampMs) -> i32 {
        let window = self.window;
        self.connection.lock().record(address, window, now).min(sample_ms(window))
    }
}

/// One sample's length as a throttle time.
fn sample_ms(window: Window) -> i32 {
    i32::try_from(window.sample_ms).unwrap_or(i32::MAX)
}

/// The quotas of one kind and what is counted against them.
#[derive(Debug)]
struct Meters<S> {
    limits: Limits,
    sensors: Sensors<SensorKey, S>,
}

impl<S> Default for Meters<S> {
    fn default() -> Self {
        Meters { limits: Limits::default(), sensors: Sensors::default() }
    }
}

impl<S: Sensor> Meters<S> {
    fn set<'a>(&mut self, quotas: impl Iterator<Item = (&'a QuotaEntity, f64)>) -> bool {
        self.limits = Limits::default();
        for (entity, limit) in quotas {
            self.limits.insert(entity, limit);
        }
        !self.limits.is_empty()
    }

    /// What `act` makes of the sender's count and limit; `None` if it has no limit.
    fn with<T>(
        &mut self,
        by: Sender<'_>,
        window: Window,
        now: TimestampMs,
        act: impl FnOnce(&mut S, f64) -> T,
    ) -> Option<T> {
        let (key, limit) = self.limits.find(by)?;
        Some(act(self.sensors.get(key, SensorKey::default(), window, now), limit))
    }
}

/// Counts by whom they are for, those that are idle forgotten.
#[derive(Debug)]
struct Sensors<K, S> {
    sensors: HashMap<K, S>,
    purge_len: usize,
    /// Not before this time: a purge looks at all of them.
    purge_after: TimestampMs,
}

impl<K, S> Default for Sensors<K, S> {
    fn default() -> Self {
        Sensors { sensors: HashMap::new(), purge_len: SENSORS_FIRST_PURGE, purge_after: 0 }
    }
}

impl<K: std::hash::Hash + Eq, S: Sensor> Sensors<K, S> {
    /// The count of `key`, or that of all `others` when there are too many.
    fn get(&mut self, key: K, others: K, window: Window, now: TimestampMs) -> &mut S {
        if self.sensors.len() >= self.purge_len && now >= self.purge_after {
            self.sensors.retain(|_, sensor| !sensor.is_idle(window, now));
            self.purge_len = (self.sensors.len() * 2).clamp(SENSORS_FIRST_PURGE, SENSORS_MAX);
            self.purge_after = now + window.sample_ms;
        }
        let is_full = self.sensors.len() >= SENSORS_MAX && !self.sensors.contains_key(&key);
        self.sensors.entry(if is_full { others } else { key }).or_insert_with(S::new)
    }
}

/// The quotas of addresses.
#[derive(Debug, Default)]
struct ConnectionMeters {
    limits: HashMap<IpAddr, f64>,
    default: Option<f64>,
    sensors: Sensors<Option<IpAddr>, Rate>,
}

impl ConnectionMeters {
    fn set<'a>(&mut self, quotas: impl Iterator<Item = (&'a QuotaEntity, f64)>) -> bool {
        self.limits.clear();
        self.default = None;
        for (entity, limit) in quotas {
            match entity.name(IP) {
                Some(None) => self.default = Some(limit),
                // Only addresses come into the catalog.
                Some(Some(name)) => {
                    let address = name.parse::<IpAddr>().ok();
                    self.limits.extend(address.map(|address| (address.to_canonical(), limit)));
                }
                None => {}
            }
        }
        self.default.is_some() || !self.limits.is_empty()
    }

    fn record(&mut self, address: IpAddr, window: Window, now: TimestampMs) -> i32 {
        let address = address.to_canonical();
        let Some(limit) = self.limits.get(&address).copied().or(self.default) else { return 0 };
        let rate = self.sensors.get(Some(address), None, window, now);
        rate.record(window, 1.0, now);
        let throttle_ms = rate.throttle_ms(window, limit, now);
        if throttle_ms > 0 {
            rate.record(window, -1.0, now);
        }
        throttle_ms
    }
}

#[cfg(test)]
mod tests;
