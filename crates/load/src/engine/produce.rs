//! Producing by a schedule that waits for nobody.
//!
//! Each producer has a thread that hands records to its client when they are due. What comes of them is
//! told by the client's own thread. If the target stalls, or the client's queue is full, the schedule goes
//! on: records are sent late, none is left out, and their latency counts from when they were due.

use super::clock::Tokens;
use super::stage::Stage;
use super::stop::Wish;
use super::tally::Tally;
use crate::client::{
    Acknowledged, ClientError, DeliverySink, Outgoing, Producer, ProducerSpec, Refused, Undelivered,
};
use crate::judge::{Failure, ProducerLedger};
use crate::message::Encoder;
use crate::plan::Acks;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A client that does not report on a record within its own time and this has forgotten it.
const REPORT_GRACE: Duration = Duration::from_secs(20);

/// How long a target may take to prepare for transactions; one that has none does not answer.
const INIT_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest that ending a transaction may take.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);

/// From the last preparation to the first record, so that all producers begin together.
const EPOCH_AHEAD_US: i64 = 20_000;

/// How long a producer waits before it offers a record again to a full queue.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(1);

/// How long what was reported may wait until the judge is told.
const LEDGER_FLUSH_US: i64 = 200_000;

/// What others may see of a producer.
#[derive(Debug, Default)]
pub(super) struct ProducerState {
    /// Records handed to the client.
    pub sent: AtomicU64,
    /// Bytes of their keys, values and headers.
    pub sent_bytes: AtomicU64,
    /// Records of which the outcome is known.
    pub resolved: AtomicU64,
    /// Whether no more will be sent.
    pub ended: AtomicBool,
}

/// All producers of a run, at work.
pub(super) struct Producers {
    threads: Vec<JoinHandle<Result<(), ClientError>>>,
    pub states: Vec<Arc<ProducerState>>,
}

impl Producers {
    /// Connects all producers, and then sets the time at which they begin: connecting may take long, and
    /// should not eat into the schedule.
    pub fn start(
        stage: &Arc<Stage>,
        properties: &[(String, String)],
    ) -> Result<Producers, ClientError> {
        let mut producers = Producers { threads: Vec::new(), states: Vec::new() };
        let connect = |index| Pacer::connect(stage, properties, index);
        let pacers: Vec<Pacer> =
            (0..stage.plan().producers).map(connect).collect::<Result<_, _>>()?;
        stage.epoch_us.store(stage.clock.now_us() + EPOCH_AHEAD_US, Ordering::Release);
        for pacer in pacers {
            producers.states.push(pacer.state.clone());
            let thread = std::thread::Builder::new()
                .name(format!("producer-{}", pacer.producer))
                .spawn(move || pacer.run())
                .map_err(|error| ClientError::local("_THREAD", error.to_string()))?;
            producers.threads.push(thread);
        }
        Ok(producers)
    }

    /// Waits until every record that was sent has an outcome. The errors that kept producers from their
    /// work come back.
    pub fn join(self) -> Vec<ClientError> {
        let join = |thread: JoinHandle<Result<(), ClientError>>| {
            thread.join().expect("a producer's thread does not panic").err()
        };
        self.threads.into_iter().filter_map(join).collect()
    }
}

/// Records that are due at `now_us`, of all producers.
pub(super) fn offered(stage: &Stage, states: &[Arc<ProducerState>], now_us: i64) -> u64 {
    let plan = stage.plan();
    let elapsed_us = (now_us - stage.epoch_us()).max(0) as f64;
    let elapsed_s = (elapsed_us / 1e6).min(plan.duration.duration().as_secs_f64());
    let each = |(index, state): (usize, &Arc<ProducerState>)| {
        let sent = state.sent.load(Ordering::Relaxed);
        if plan.rate <= 0.0 || state.ended.load(Ordering::Acquire) {
            return sent;
        }
        let shift = index as f64 / f64::from(plan.producers);
        let due = (elapsed_s * plan.rate - shift).ceil().max(0.0) as u64;
        due.max(sent)
    };
    states.iter().enumerate().map(each).sum()
}

/// What came of the records of one producer; shared by its pacer and the client's thread.
struct Outcomes {
    stage: Arc<Stage>,
    producer: u32,
    state: Arc<ProducerState>,
    ledger: ProducerLedger,
    tally: Tally,
    tokens: Tokens,
    flushed_us: i64,
    /// Acknowledged in a transaction that is not committed.
    held: Vec<(u64, Acknowledged)>,
    in_transaction: bool,
}

impl Outcomes {
    fn due_us(&self, token: u64, now_us: i64) -> i64 {
        if self.stage.plan().rate > 0.0 {
            let due_ns = self.stage.run.due_ns(self.producer, Tokens::counter(token));
            self.stage.epoch_us() + (due_ns / 1000) as i64
        } else {
            self.tokens.sent_us(token, now_us)
        }
    }

    fn acknowledged(&mut self, token: u64, place: Acknowledged, now_us: i64) {
        let counter = Tokens::counter(token);
        let topic = self.stage.run.topic(self.producer, counter);
        // With acks=0 nobody tells an offset, and what the client reports instead means nothing.
        let told = place.offset >= 0 && self.stage.plan().acks != Acks::None;
        let offset = told.then_some(place.offset);
        self.ledger.acknowledged(counter, topic, place.partition, offset);
        let latency_us = now_us - self.due_us(token, now_us);
        self.tally.with(|measured| {
            measured.latency(latency_us);
            measured.record(now_us, 0);
        });
        self.resolved(1);
    }

    fn failed(&mut self, token: u64, failure: Failure) {
        self.ledger.failed(Tokens::counter(token), failure);
        self.tally.with(|measured| measured.failed += 1);
        self.resolved(1);
    }

    fn resolved(&self, count: u64) {
        self.state.resolved.fetch_add(count, Ordering::Release);
    }

    /// The transaction is over: its records are there, are not, or nobody knows.
    fn settle(&mut self, committed: Result<(), Failure>) {
        let now_us = self.stage.clock.now_us();
        for (token, place) in std::mem::take(&mut self.held) {
            match committed {
                Ok(()) => self.acknowledged(token, place, now_us),
                Err(failure) => self.failed(token, failure),
            }
        }
        self.ledger.flush();
    }
}

struct Sink(Arc<Mutex<Outcomes>>);

impl Sink {
    fn lock(&self) -> std::sync::MutexGuard<'_, Outcomes> {
        self.0.lock().expect("nobody panics with the lock")
    }
}

impl DeliverySink for Sink {
    fn delivered(&mut self, token: u64, outcome: Result<Acknowledged, Undelivered>) {
        let mut outcomes = self.lock();
        let now_us = outcomes.stage.clock.now_us();
        match outcome {
            Ok(place) if outcomes.in_transaction => outcomes.held.push((token, place)),
            Ok(place) => outcomes.acknowledged(token, place, now_us),
            Err(undelivered) => {
                outcomes.stage.error("produce", &undelivered.error);
                let failure = match undelivered.maybe_written {
                    true => Failure::Unknown,
                    false => Failure::NotWritten,
                };
                outcomes.failed(token, failure);
            }
        }
        if now_us - outcomes.flushed_us > LEDGER_FLUSH_US {
            outcomes.flushed_us = now_us;
            outcomes.ledger.flush();
        }
    }

    fn trouble(&mut self, error: &ClientError) {
        self.lock().stage.error("produce", error);
    }
}

/// Hands the records of one producer to its client when they are due.
struct Pacer {
    stage: Arc<Stage>,
    producer: u32,
    state: Arc<ProducerState>,
    ledger: ProducerLedger,
    encoder: Encoder,
    client: Box<dyn Producer>,
    outcomes: Arc<Mutex<Outcomes>>,
    tokens: Tokens,
    epoch_us: i64,
    /// How long the thread sleeps at least, so that many producers do not wake for every record.
    nap: Duration,
    transaction_began: Option<Instant>,
}

impl Pacer {
    fn connect(
        stage: &Arc<Stage>,
        properties: &[(String, String)],
        producer: u32,
    ) -> Result<Pacer, ClientError> {
        let plan = stage.plan();
        let state = Arc::new(ProducerState::default());
        let tokens =
            Tokens::new(stage.clock.began_us(), plan.delivery_timeout.duration() + REPORT_GRACE);
        let outcomes = Arc::new(Mutex::new(Outcomes {
            stage: stage.clone(),
            producer,
            state: state.clone(),
            ledger: stage.judge.producer(producer),
            tally: stage.acks.join(),
            tokens,
            flushed_us: 0,
            held: Vec::new(),
            in_transaction: false,
        }));
        let spec = ProducerSpec {
            client_id: format!("tidegate-load-producer-{producer}"),
            transactional_id: plan
                .transactional
                .then(|| format!("tidegate-load-{:016x}-{producer}", stage.run.id)),
            properties: properties.to_vec(),
        };
        let client = stage.client.producer(&spec, Box::new(Sink(outcomes.clone())))?;
        let mut pacer = Pacer {
            stage: stage.clone(),
            producer,
            state,
            ledger: stage.judge.producer(producer),
            encoder: Encoder::new(stage.run.clone()),
            client,
            outcomes,
            tokens,
            epoch_us: 0,
            nap: Duration::from_micros((100 * u64::from(plan.producers)).min(5_000)),
            transaction_began: None,
        };
        if plan.transactional {
            pacer.client.init_transactions(INIT_TIMEOUT)?;
        }
        Ok(pacer)
    }

    fn run(mut self) -> Result<(), ClientError> {
        let result = self.produce();
        let result = match self.transaction_began.take() {
            Some(_) => result.and(self.end_transaction()),
            None => result,
        };
        self.state.ended.store(true, Ordering::Release);
        self.await_reports();
        self.ledger.flush();
        result
    }

    fn produce(&mut self) -> Result<(), ClientError> {
        self.epoch_us = self.stage.epoch_us();
        let duration_ns = self.stage.plan().duration.duration().as_nanos() as u64;
        let mut counter = 0;
        self.stage.stop.wait_until(self.stage.clock.instant(self.epoch_us), Wish::Stop);
        while self.stage.stop.wish() == Wish::None {
            let now_us = self.stage.clock.now_us();
            let due_us = match self.stage.plan().rate > 0.0 {
                true => {
                    let due_ns = self.stage.run.due_ns(self.producer, counter);
                    if due_ns >= duration_ns {
                        break;
                    }
                    self.epoch_us + (due_ns / 1000) as i64
                }
                false if (now_us - self.epoch_us) as u64 * 1000 >= duration_ns => break,
                false => now_us,
            };
            if due_us > now_us {
                self.sleep_until(due_us, now_us);
                continue;
            }
            self.roll_transaction()?;
            if !self.send(counter, due_us)? {
                break;
            }
            counter += 1;
        }
        Ok(())
    }

    fn sleep_until(&self, due_us: i64, now_us: i64) {
        let wait = Duration::from_micros((due_us - now_us) as u64).max(self.nap);
        if wait < Duration::from_millis(20) {
            std::thread::sleep(wait);
        } else {
            self.stage.stop.wait(wait, Wish::Stop);
        }
    }

    /// Sends a record, however long the client's queue is full. Says whether to go on.
    fn send(&mut self, counter: u64, due_us: i64) -> Result<bool, ClientError> {
        let record = self.encoder.encode(self.producer, counter, due_us);
        let header_bytes: usize =
            record.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = record.key.len() + record.value.len() + header_bytes;
        let token = match self.stage.plan().rate > 0.0 {
            true => counter,
            false => self.tokens.pack(counter, due_us),
        };
        let outgoing = Outgoing {
            topic: &self.stage.topics.names[record.topic as usize],
            partition: None,
            key: Some(record.key),
            value: record.value,
            headers: record.headers,
            timestamp_ms: record.timestamp_ms,
            token,
        };
        loop {
            match self.client.send(&outgoing) {
                Ok(()) => break,
                Err(Refused::QueueFull) => {
                    // The user's wish counts more than what could not even be handed over.
                    if self.stage.stop.wish() > Wish::None {
                        return Ok(false);
                    }
                    std::thread::sleep(QUEUE_FULL_PAUSE);
                }
                Err(Refused::Failed(error)) => {
                    self.stage.error("produce", &error);
                    self.ledger.sent(counter);
                    self.state.sent.fetch_add(1, Ordering::Release);
                    let mut outcomes = self.outcomes.lock().expect("nobody panics with the lock");
                    outcomes.failed(token, Failure::NotWritten);
                    return if error.fatal { Err(error) } else { Ok(true) };
                }
            }
        }
        self.ledger.sent(counter);
        self.state.sent.fetch_add(1, Ordering::Release);
        self.state.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(true)
    }

    /// Ends the transaction when it is as long as the plan wants it, and begins the next one.
    fn roll_transaction(&mut self) -> Result<(), ClientError> {
        if !self.stage.plan().transactional {
            return Ok(());
        }
        let length = self.stage.plan().transaction.duration();
        if self.transaction_began.is_some_and(|began| began.elapsed() >= length) {
            self.transaction_began = None;
            self.end_transaction()?;
        }
        if self.transaction_began.is_none() {
            self.client.begin_transaction()?;
            self.outcomes.lock().expect("nobody panics with the lock").in_transaction = true;
            self.transaction_began = Some(Instant::now());
        }
        Ok(())
    }

    fn end_transaction(&mut self) -> Result<(), ClientError> {
        let committed = self.client.commit_transaction(TRANSACTION_TIMEOUT);
        let outcome = match &committed {
            Ok(()) => Ok(()),
            Err(error) => {
                self.stage.error("produce", error);
                match self.client.abort_transaction(TRANSACTION_TIMEOUT) {
                    Ok(()) => Err(Failure::Aborted),
                    Err(_) => Err(Failure::Unknown),
                }
            }
        };
        self.outcomes.lock().expect("nobody panics with the lock").settle(outcome);
        match (committed, outcome) {
            (Err(error), Err(Failure::Unknown)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits until the client has reported on all. It gives each record up in its own time.
    fn await_reports(&mut self) {
        let sent = self.state.sent.load(Ordering::Acquire);
        let longest = self.stage.plan().delivery_timeout.duration() + REPORT_GRACE;
        let deadline = Instant::now() + longest;
        let mut purged = false;
        while self.state.resolved.load(Ordering::Acquire) < sent && Instant::now() < deadline {
            if self.stage.stop.wish() == Wish::Abort && !purged {
                purged = true;
                self.client.purge();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
