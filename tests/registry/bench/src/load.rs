//! Requests over many connections at once from one thread, and how long each of them took.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::http::{Connection, Target};

/// How much is asked, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub connections: usize,
    /// Asked before the clock starts: a server that compiles while it runs is measured when it has.
    pub warm_up: Duration,
    pub end: End,
}

#[derive(Clone, Copy, Debug)]
pub enum End {
    After(Duration),
    Requests(u64),
}

/// A kind of request: its bytes by number, and what must be true of the answer.
pub trait Work {
    fn request(&self, number: u64) -> Vec<u8>;
    fn check(&self, number: u64, body: &[u8]) -> Result<()>;
}

/// What a run came to.
pub struct Measured {
    latency_us: Histogram<u64>,
    seconds: f64,
}

impl Measured {
    pub fn to_json(&self) -> Value {
        let at = |quantile| self.latency_us.value_at_quantile(quantile) as f64 / 1000.0;
        json!({
            "requests": self.latency_us.len(),
            "seconds": self.seconds,
            "per_s": self.latency_us.len() as f64 / self.seconds,
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
            "p999_ms": at(0.999),
            "max_ms": self.latency_us.max() as f64 / 1000.0,
        })
    }
}

struct Shared {
    next: Cell<u64>,
    measured_from: Instant,
    latency_us: RefCell<Histogram<u64>>,
    last_answer: Cell<Instant>,
}

/// Asks `work` by `plan`. The first answer that is wrong ends the run.
pub async fn run(target: &Target, plan: Plan, work: Rc<dyn Work>) -> Result<Measured> {
    let mut connections = Vec::new();
    for _ in 0..plan.connections {
        connections.push(Connection::open(target).await?);
    }
    let measured_from = Instant::now() + plan.warm_up;
    let shared = Rc::new(Shared {
        next: Cell::new(0),
        measured_from,
        // From a microsecond to a minute, to three digits.
        latency_us: RefCell::new(Histogram::new_with_bounds(1, 60_000_000, 3)?),
        last_answer: Cell::new(measured_from),
    });
    let tasks = LocalSet::new();
    let running: Vec<_> = connections
        .into_iter()
        .map(|connection| {
            tasks.spawn_local(one_connection(
                connection,
                plan.end,
                Rc::clone(&shared),
                Rc::clone(&work),
            ))
        })
        .collect();
    tasks
        .run_until(async {
            for task in running {
                task.await.context("a connection's task")??;
            }
            anyhow::Ok(())
        })
        .await?;
    let seconds = (shared.last_answer.get() - measured_from).as_secs_f64();
    let latency_us = shared.latency_us.borrow().clone();
    ensure!(!latency_us.is_empty(), "no request was both sent and answered in the time measured");
    Ok(Measured { latency_us, seconds })
}

async fn one_connection(
    mut connection: Connection,
    end: End,
    shared: Rc<Shared>,
    work: Rc<dyn Work>,
) -> Result<()> {
    loop {
        let number = shared.next.get();
        let done = match end {
            End::After(time) => Instant::now() >= shared.measured_from + time,
            End::Requests(count) => number >= count,
        };
        if done {
            return Ok(());
        }
        shared.next.set(number + 1);
        let request = work.request(number);
        let sent = Instant::now();
        let body = connection.ask(&request).await?;
        let answered = Instant::now();
        work.check(number, body).with_context(|| {
            format!("request {number} was answered with {}", String::from_utf8_lossy(body))
        })?;
        if sent >= shared.measured_from {
            let latency_us = (answered - sent).as_micros() as u64;
            shared.latency_us.borrow_mut().saturating_record(latency_us.max(1));
            shared.last_answer.set(answered);
        }
    }
}
