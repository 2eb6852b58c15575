//! The machine that the load came from, and what a process uses of it, as Linux tells it in `/proc`. Elsewhere it is unknown.

use serde::{Deserialize, Serialize};
use std::fs;
use std::time::{Duration, Instant};

/// The machine that the load came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The processor's name. Empty if unknown.
    pub processor: String,
    /// Processors that this process may use.
    pub cores: u32,
    /// Memory of the machine. 0 if unknown.
    pub memory_bytes: u64,
    /// Operating system, release of its kernel, architecture.
    pub system: String,
}

/// What a process used while it was watched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Processor time.
    pub cpu_s: f64,
    /// Processors in use on average: 1.5 is one and a half.
    pub cpus: f64,
    /// The most memory that it held.
    pub rss_bytes_max: u64,
}

/// Watches a process. Reads `/proc` whenever [`Meter::read`] is called.
#[derive(Debug)]
pub struct Meter {
    folder: String,
    began: Instant,
    first_s: Option<f64>,
    last_s: f64,
    rss_bytes_max: u64,
}

impl Machine {
    /// The one that this process runs on.
    pub fn here() -> Self {
        let of_cpu = read("/proc/cpuinfo");
        let of_memory = read("/proc/meminfo");
        let processor = field(&of_cpu, "model name").or_else(|| field(&of_cpu, "Model"));
        let release = read("/proc/sys/kernel/osrelease");
        let (name, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        Self {
            processor: processor.unwrap_or_default().to_owned(),
            cores: std::thread::available_parallelism().map_or(0, |n| n.get() as u32),
            memory_bytes: kilobytes(field(&of_memory, "MemTotal")),
            system: format!("{name} {} {architecture}", release.trim()).replace("  ", " "),
        }
    }
}

impl Meter {
    /// Watches this process.
    pub fn of_self() -> Self {
        Self::of("/proc/self".to_owned())
    }

    /// Watches the process with this id.
    pub fn of_process(pid: u32) -> Self {
        Self::of(format!("/proc/{pid}"))
    }

    fn of(folder: String) -> Self {
        let mut meter =
            Self { folder, began: Instant::now(), first_s: None, last_s: 0.0, rss_bytes_max: 0 };
        meter.read();
        meter
    }

    /// Processor time in seconds since the last call, and memory in bytes now. Zeros if the process is gone.
    pub fn read(&mut self) -> (f64, u64) {
        let Some(cpu_s) = cpu_seconds(&read(&format!("{}/stat", self.folder))) else {
            return (0.0, 0);
        };
        let status = read(&format!("{}/status", self.folder));
        let rss_bytes = kilobytes(field(&status, "VmRSS"));
        self.rss_bytes_max = self.rss_bytes_max.max(rss_bytes);
        let since_last = match self.first_s {
            Some(_) => (cpu_s - self.last_s).max(0.0),
            None => 0.0,
        };
        self.first_s.get_or_insert(cpu_s);
        self.last_s = cpu_s;
        (since_last, rss_bytes)
    }

    /// What it used from the beginning to the last [`Meter::read`].
    pub fn usage(&self) -> Usage {
        let cpu_s = self.first_s.map_or(0.0, |first| (self.last_s - first).max(0.0));
        let elapsed = self.began.elapsed().max(Duration::from_millis(1)).as_secs_f64();
        Usage { cpu_s, cpus: cpu_s / elapsed, rss_bytes_max: self.rss_bytes_max }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The value of the first line `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (left, right) = line.split_once(':')?;
        (left.trim() == name).then(|| right.trim())
    })
}

/// Bytes from `1234 kB`.
fn kilobytes(value: Option<&str>) -> u64 {
    let number = value.and_then(|value| value.split_whitespace().next());
    number.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Processor time from `/proc/PID/stat`, in seconds.
///
/// The name of the process may hold spaces and brackets, so fields are counted from the last bracket: user and system time are the
/// 12th and 13th after it. They are in ticks, of which Linux shows 100 a second on every machine that Rust runs on.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_past_any_name_of_a_process() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 9 0 1000";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds(""), None);
        assert_eq!(cpu_seconds("42 (name) S 1"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_works_uses_time_and_memory() {
        let mut meter = Meter::of_self();
        let began = Instant::now();
        let mut sum = 0u64;
        // The system counts by its ticks, and a busy one gives few of them to each.
        let rss_bytes = loop {
            let until = Instant::now() + Duration::from_millis(100);
            while Instant::now() < until {
                sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
            }
            let (_, rss_bytes) = meter.read();
            if meter.usage().cpu_s > 0.0 || began.elapsed() > Duration::from_secs(60) {
                break rss_bytes;
            }
        };
        assert!(rss_bytes > 1 << 20, "{rss_bytes}");
        let usage = meter.usage();
        assert!(usage.cpu_s > 0.0 && usage.rss_bytes_max >= rss_bytes, "{usage:?}");
    }

    #[test]
    fn a_process_that_is_gone_uses_nothing() {
        let mut meter = Meter::of("/proc/none".to_owned());
        assert_eq!(meter.read(), (0.0, 0));
        assert_eq!(meter.usage().cpu_s, 0.0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_has_processors_memory_and_a_system() {
        let machine = Machine::here();
        assert!(machine.cores > 0 && machine.memory_bytes > 1 << 20, "{machine:?}");
        assert!(machine.system.starts_with("linux "), "{machine:?}");
    }
}
