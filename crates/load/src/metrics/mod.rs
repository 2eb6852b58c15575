//! What Prometheus can ask while a run lasts: [`METRICS`] at `/metrics` of the address of `--metrics-listen`.

mod table;

pub use table::{Kind, METRICS, Metric};

use crate::report::{Sample, Second};
use hdrhistogram::Histogram;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Upper bounds of the latency histograms' buckets, in seconds and in microseconds.
const BUCKETS: &[(&str, u64)] = &[
    ("0.0005", 500),
    ("0.001", 1_000),
    ("0.002", 2_000),
    ("0.005", 5_000),
    ("0.01", 10_000),
    ("0.02", 20_000),
    ("0.05", 50_000),
    ("0.1", 100_000),
    ("0.2", 200_000),
    ("0.5", 500_000),
    ("1", 1_000_000),
    ("2", 2_000_000),
    ("5", 5_000_000),
    ("10", 10_000_000),
    ("30", 30_000_000),
    ("60", 60_000_000),
];

/// The longest request that is read, and how long it may take: nobody but Prometheus is expected.
const REQUEST_BYTES_MAX: u64 = 16 * 1024;
const REQUEST_TIME_MAX: Duration = Duration::from_secs(2);

/// Answers Prometheus from a thread of its own for as long as the process lives.
#[derive(Clone, Debug)]
pub struct Exporter {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// What was told so far.
#[derive(Debug, Default)]
struct State {
    preset: String,
    client: String,
    phase: String,
    counters: Counters,
    lag: Option<u64>,
    outstanding: u64,
    planned_rate: f64,
    rss_bytes: u64,
    ack: Cumulated,
    end_to_end: Cumulated,
}

#[derive(Debug, Default)]
struct Counters {
    offered: u64,
    acknowledged: u64,
    failed: u64,
    consumed: u64,
    acknowledged_bytes: u64,
    consumed_bytes: u64,
    errors: u64,
    rebalances: u64,
    faults: u64,
    cpu_s: f64,
}

/// A histogram as Prometheus wants it.
#[derive(Debug)]
struct Cumulated {
    /// One for each of [`BUCKETS`], and one for what is above.
    counts: Vec<u64>,
    sum_s: f64,
}

impl Default for Cumulated {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS.len() + 1], sum_s: 0.0 }
    }
}

impl Exporter {
    /// Answers at `address`, `HOST:PORT`; port 0 is any free one. What is wrong is told in a sentence.
    pub fn listen(address: &str) -> Result<Self, String> {
        let problem = |error: io::Error| {
            format!(
                "--metrics-listen cannot use {address}: {error}. Give HOST:PORT of this machine with a free port, \
                 such as 127.0.0.1:9600."
            )
        };
        let listener = TcpListener::bind(address).map_err(problem)?;
        let address = listener.local_addr().map_err(problem)?;
        let state = Arc::new(Mutex::new(State::default()));
        let exporter = Self { address, state };
        let served = exporter.clone();
        thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(move || served.serve(&listener))
            .map_err(problem)?;
        Ok(exporter)
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what is run: the labels of `tidegate_load_info`, and the records per second that the plan offers, 0 for as fast as it goes.
    pub fn describe(&self, preset: &str, client: &str, planned_rate: f64) {
        let mut state = self.state();
        state.preset = preset.to_owned();
        state.client = client.to_owned();
        state.planned_rate = if planned_rate.is_finite() { planned_rate } else { 0.0 };
    }

    /// A phase began.
    pub(crate) fn phase(&self, name: &str) {
        self.state().phase = name.to_owned();
    }

    /// A second passed.
    pub(crate) fn second(&self, second: &Second, sample: &Sample) {
        let mut state = self.state();
        let sums = &mut state.counters;
        sums.offered += second.offered;
        sums.acknowledged += second.acknowledged;
        sums.failed += second.failed;
        sums.consumed += second.consumed;
        sums.acknowledged_bytes += second.acknowledged_bytes;
        sums.consumed_bytes += second.consumed_bytes;
        sums.errors += second.errors;
        sums.rebalances += second.rebalances;
        sums.faults += second.faults;
        sums.cpu_s += sample.cpus * sample.span_ms as f64 / 1000.0;
        state.lag = second.lag.or(state.lag);
        state.outstanding = second.outstanding;
        state.rss_bytes = second.rss_bytes;
        state.ack.add(&second.ack);
        state.end_to_end.add(&second.end_to_end);
    }

    /// The page that Prometheus gets.
    pub fn page(&self) -> String {
        let state = self.state();
        let mut page = String::new();
        for metric in METRICS {
            let kind = metric.kind.name();
            let _ = writeln!(page, "# HELP {} {}", metric.name, metric.help);
            let _ = writeln!(page, "# TYPE {} {kind}", metric.name);
            state.write(metric.name, &mut page);
        }
        page
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Sums of whole seconds: what a thread that panicked left is still right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            // Whoever goes away while being answered asks again.
            let _ = stream.and_then(|stream| self.answer(stream));
        }
    }

    fn answer(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(REQUEST_TIME_MAX))?;
        stream.set_write_timeout(Some(REQUEST_TIME_MAX))?;
        let mut reader = BufReader::new((&stream).take(REQUEST_BYTES_MAX));
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut header = String::new();
        while reader.read_line(&mut header)? > 2 {
            header.clear();
        }
        let mut words = first.split_whitespace();
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let path = path.split('?').next().unwrap_or("");
        let (status, body) = match (method, path) {
            ("GET" | "HEAD", "/metrics") => ("200 OK", self.page()),
            ("GET" | "HEAD", _) => ("404 Not Found", "Metrics are at /metrics.\n".to_owned()),
            _ => ("405 Method Not Allowed", "Only GET is answered.\n".to_owned()),
        };
        let shown = if method == "HEAD" { "" } else { &body };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        (&stream).write_all([head.as_str(), shown].concat().as_bytes())
    }
}

impl State {
    fn write(&self, name: &str, page: &mut String) {
        let sums = &self.counters;
        let value = match name {
            "tidegate_load_info" => {
                let (preset, client) = (escaped(&self.preset), escaped(&self.client));
                let version = env!("CARGO_PKG_VERSION");
                let _ = writeln!(
                    page,
                    "{name}{{preset=\"{preset}\",client=\"{client}\",version=\"{version}\"}} 1"
                );
                return;
            }
            "tidegate_load_phase" => {
                let _ = writeln!(page, "{name}{{phase=\"{}\"}} 1", escaped(&self.phase));
                return;
            }
            "tidegate_load_ack_latency_seconds" => return self.ack.write(name, page),
            "tidegate_load_end_to_end_latency_seconds" => return self.end_to_end.write(name, page),
            "tidegate_load_planned_records_per_second" => self.planned_rate,
            "tidegate_load_offered_records_total" => sums.offered as f64,
            "tidegate_load_acknowledged_records_total" => sums.acknowledged as f64,
            "tidegate_load_failed_records_total" => sums.failed as f64,
            "tidegate_load_consumed_records_total" => sums.consumed as f64,
            "tidegate_load_acknowledged_bytes_total" => sums.acknowledged_bytes as f64,
            "tidegate_load_consumed_bytes_total" => sums.consumed_bytes as f64,
            "tidegate_load_faults_total" => sums.faults as f64,
            "tidegate_load_errors_total" => sums.errors as f64,
            "tidegate_load_rebalances_total" => sums.rebalances as f64,
            "tidegate_load_outstanding_records" => self.outstanding as f64,
            "tidegate_load_cpu_seconds_total" => sums.cpu_s,
            "tidegate_load_resident_memory_bytes" => self.rss_bytes as f64,
            "tidegate_load_lag_records" => match self.lag {
                Some(lag) => lag as f64,
                // Unknown is not 0: the metric is there once the broker has answered.
                None => return,
            },
            _ => unreachable!("the table names {name}, and nothing is said of it"),
        };
        let _ = writeln!(page, "{name} {value}");
    }
}

impl Cumulated {
    fn add(&mut self, histogram: &Histogram<u64>) {
        if histogram.is_empty() {
            return;
        }
        for value in histogram.iter_recorded() {
            let (us, count) = (value.value_iterated_to(), value.count_since_last_iteration());
            // A recorded value stands for a small range: it belongs where the range begins.
            let lowest = histogram.lowest_equivalent(us);
            let bucket = BUCKETS.partition_point(|(_, bound_us)| *bound_us < lowest);
            self.counts[bucket] += count;
            self.sum_s += histogram.median_equivalent(us) as f64 / 1e6 * count as f64;
        }
    }

    fn write(&self, name: &str, page: &mut String) {
        let mut count = 0;
        let bounds = BUCKETS.iter().map(|(bound, _)| *bound).chain(["+Inf"]);
        for (bound, of_bucket) in bounds.zip(&self.counts) {
            count += of_bucket;
            let _ = writeln!(page, "{name}_bucket{{le=\"{bound}\"}} {count}");
        }
        let _ = writeln!(page, "{name}_sum {}\n{name}_count {count}", self.sum_s);
    }
}

/// A label's value with what the format gives a meaning escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
