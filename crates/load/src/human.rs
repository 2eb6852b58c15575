//! Numbers as people read them: three digits that matter and a unit.

use std::time::Duration;

/// `12,345` for 12345.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits that matter: `1,234`, `123`, `12.3`, `1.23`, `0.01`. Anything that is no number is 0.
pub(crate) fn number(value: f64) -> String {
    let value = if value.is_finite() { value.max(0.0) } else { 0.0 };
    match value {
        0.0 => "0".to_owned(),
        v if v >= 99.95 => grouped(v.round() as u64),
        v if v >= 9.995 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

/// `850 us`, `3.21 ms`, `1.50 s`, `2 min 5 s`.
pub(crate) fn latency(us: u64) -> String {
    match us {
        0..1000 => format!("{us} us"),
        1000..1_000_000 => format!("{} ms", number(us as f64 / 1e3)),
        1_000_000..60_000_000 => format!("{} s", number(us as f64 / 1e6)),
        _ => duration(Duration::from_micros(us)),
    }
}

/// `0.85 s`, `42 s`, `2 min 5 s`, `23 h 59 min`.
pub(crate) fn duration(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..10 => format!("{} s", number(duration.as_secs_f64())),
        10..60 => format!("{s} s"),
        60..3600 => joined(s / 60, "min", s % 60, "s"),
        _ => joined(s / 3600, "h", s / 60 % 60, "min"),
    }
}

fn joined(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

/// `0:34`, `12:05`, `23:59:59`: for a clock that runs.
pub(crate) fn clock(duration: Duration) -> String {
    let s = duration.as_secs();
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

/// `512 B`, `9.77 KiB`, `1.50 GiB`.
pub(crate) fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = if bytes.is_finite() { bytes.max(0.0) } else { 0.0 };
    let mut unit = 0;
    // Not 1024: what would be shown as 1,000 KiB is a MiB to the reader.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let shown = if unit == 0 { grouped(value.round() as u64) } else { number(value) };
    format!("{shown} {}", UNITS[unit])
}

/// A share in percent: `1.2 %`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    format!("{} %", number(part as f64 * 100.0 / whole as f64))
}

/// `1 record`, `2 records`.
pub(crate) fn counted(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1_234_567, u64::MAX].map(grouped),
            ["0", "999", "1,000", "1,234,567", "18,446,744,073,709,551,615"]
        );
    }

    #[test]
    fn numbers_have_the_digits_that_matter() {
        let numbers = [0.0, 0.014, 1.234, 9.99, 9.996, 12.34, 99.94, 99.96, 1234.5];
        assert_eq!(
            numbers.map(number),
            ["0", "0.01", "1.23", "9.99", "10.0", "12.3", "99.9", "100", "1,235"]
        );
        assert_eq!([f64::NAN, f64::INFINITY, -1.0].map(number), ["0", "0", "0"]);
    }

    #[test]
    fn latencies_have_the_unit_that_fits() {
        let latencies = [0, 999, 1000, 12_345, 999_999, 1_500_000, 125_000_000];
        assert_eq!(
            latencies.map(latency),
            ["0 us", "999 us", "1.00 ms", "12.3 ms", "1,000 ms", "1.50 s", "2 min 5 s"]
        );
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let durations = [0, 850, 42_000, 120_000, 125_000, 3_600_000, 86_399_000];
        assert_eq!(
            durations.map(|ms| duration(Duration::from_millis(ms))),
            ["0 s", "0.85 s", "42 s", "2 min", "2 min 5 s", "1 h", "23 h 59 min"]
        );
        assert_eq!(clock(Duration::from_secs(3725)), "1:02:05");
        assert_eq!(clock(Duration::from_secs(34)), "0:34");
    }

    #[test]
    fn bytes_go_up_to_tebibytes() {
        let all = [0.0, 512.0, 1000.0, 10_000.0, 1024.0 * 1024.0 * 1.5, 1e18];
        assert_eq!(
            all.map(bytes),
            ["0 B", "512 B", "0.98 KiB", "9.77 KiB", "1.50 MiB", "909,495 TiB"]
        );
    }
}
