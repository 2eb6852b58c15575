//! What the system says of this process (Linux: /proc/self).

use super::table::{CPU_SECONDS, MAX_FILES, OPEN_FILES, RESIDENT_MEMORY, START_TIME, THREADS};
use std::fs;
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

/// Seconds since 1970, from the ticks since the system's start (field 22 of proc(5)).
fn start_time(stat: &str) -> Option<f64> {
    let system = fs::read_to_string("/proc/stat").ok()?;
    Some(number_after(&system, "btime")? + field(stat, 22)? / ticks_per_second())
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
