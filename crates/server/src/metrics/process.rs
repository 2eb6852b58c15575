//! What the system says of this process (Linux: /proc/self).

use super::table::{CPU_SECONDS, MAX_FILES, OPEN_FILES, RESIDENT_MEMORY, START_TIME, THREADS};
use std::fs;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};
use tidegate_metrics::Text;

/// Writes what can be found out; a metric that cannot be has no value.
pub(super) fn write(text: &mut Text) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    text.begin(&RESIDENT_MEMORY);
    if let Some(kib) = number_after(&status, "VmRSS:") {
        text.value(&RESIDENT_MEMORY, &[], kib * 1_024.0);
    }
    text.begin(&CPU_SECONDS);
    if let Some(ticks) = cpu_ticks(&stat) {
        text.value(&CPU_SECONDS, &[], ticks / ticks_per_second());
    }
    text.begin(&OPEN_FILES);
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        // The descriptor that lists them is one of them.
        text.value(&OPEN_FILES, &[], files.count().saturating_sub(1) as f64);
    }
    text.begin(&MAX_FILES);
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if let Some(max) = number_after(&limits, "Max open files") {
        text.value(&MAX_FILES, &[], max);
    }
    text.begin(&THREADS);
    if let Some(threads) = number_after(&status, "Threads:") {
        text.value(&THREADS, &[], threads);
    }
    text.begin(&START_TIME);
    if let Some(seconds) = start_time(&stat) {
        text.value(&START_TIME, &[], seconds);
    }
}

/// The first number behind `name` at a line's beginning.
fn number_after(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The fields of /proc/self/stat behind the program's name, which may hold blanks; the first is the
/// third of proc(5).
fn fields(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(") ")?.1.split(' ').collect())
}

fn field(stat: &str, number: usize) -> Option<f64> {
    fields(stat)?.get(number - 3)?.parse().ok()
}

/// User and system time (fields 14 and 15 of proc(5)).
fn cpu_ticks(stat: &str) -> Option<f64> {
    Some(field(stat, 14)? + field(stat, 15)?)
}

/// Seconds since 1970, found out once: alerts on restarts count its changes, and clocks are set.
fn start_time(stat: &str) -> Option<f64> {
    static START_TIME: OnceLock<Option<f64>> = OnceLock::new();
    *START_TIME.get_or_init(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
        let age = seconds_since_boot()? - field(stat, 22)? / ticks_per_second();
        Some(wall - age)
    })
}

/// On the clock of field 22 of proc(5). /proc/stat and /proc/uptime are not there
/// for a unit with `ProcSubset=pid`.
fn seconds_since_boot() -> Option<f64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec that lives on this stack.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    (done == 0).then(|| time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

fn ticks_per_second() -> f64 {
    // SAFETY: sysconf has no preconditions.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    if ticks > 0 { ticks as f64 } else { 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_named_with_blanks_and_brackets_is_read_all_the_same() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 100 0 0 0 11 22 0 0 20 0 5 0 4242 1000 50";
        assert_eq!(cpu_ticks(stat), Some(33.0));
        assert_eq!(field(stat, 22), Some(4242.0));
    }

    #[test]
    fn this_process_began_lately_and_always_at_the_same_time() {
        let stat = || fs::read_to_string("/proc/self/stat").expect("Linux");
        let start = start_time(&stat()).expect("a time");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs_f64();
        assert!((now - 3_600.0..now + 1.0).contains(&start), "{start}, and it is {now}");
        assert_eq!(start_time(&stat()), Some(start));
    }

    #[test]
    fn everything_is_found_on_this_system() {
        let mut text = Text::new(tidegate_metrics::Format::Plain);
        write(&mut text);
        let text = text.finish();
        for name in ["resident_memory_bytes", "cpu_seconds_total", "open_fds", "start_time_seconds"]
        {
            assert!(text.contains(&format!("\nprocess_{name} ")), "{name} in {text}");
        }
    }
}
