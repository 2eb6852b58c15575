//! The lines of the live view, as a function of the run's state and the terminal's width.

use crate::human::{self, bytes, clock, grouped, latency, number};
use crate::report::{Percentiles, Sample, SoFar};
use std::time::Duration;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    pub color: bool,
    pub unicode: bool,
}

/// The narrowest bar that still says something.
const BAR_MIN: usize = 10;
const BAR_MAX: usize = 50;
/// How many of the last seconds the small chart shows.
const SPARKS: usize = 30;

const BOLD: &str = "1";
const GREEN: &str = "32";
const RED: &str = "1;31";
const YELLOW: &str = "33";
const DIM: &str = "2";

/// The frame. No line is wider than `width`, so that none wraps and the cursor finds back.
pub(super) fn lines(so_far: &SoFar<'_>, width: usize, style: Style) -> Vec<String> {
    // The last column stays free: some terminals wrap when it is written.
    let width = width.saturating_sub(1);
    let mut all = vec![head(so_far, width, style)];
    let Some(last) = so_far.recent.last() else {
        return all;
    };
    let totals = so_far.totals;
    let mut row = |cells: Vec<Cell>| all.push(fitted(&cells, width, style));
    row(vec![
        Cell::name("acknowledged"),
        Cell::right(format!("{}/s", rate(last.acknowledged, last)), 12),
        Cell::right(format!("{}/s", bytes(per_s(last.acknowledged_bytes, last))), 14),
        Cell::right(grouped(totals.acknowledged), 16),
        Cell::colored(format!("  {}", sparks(so_far.recent, style)), GREEN),
    ]);
    row(vec![
        Cell::name("consumed"),
        Cell::right(format!("{}/s", rate(last.consumed, last)), 12),
        Cell::right(format!("{}/s", bytes(per_s(last.consumed_bytes, last))), 14),
        Cell::right(grouped(totals.consumed), 16),
        Cell::plain(last.lag.map_or_else(String::new, |lag| format!("  lag {}", grouped(lag)))),
    ]);
    row(latencies("ack latency", newest(so_far.recent, |sample| sample.ack)));
    row(latencies("end to end", newest(so_far.recent, |sample| sample.end_to_end)));
    let alarm = |count: u64, color| if count == 0 { DIM } else { color };
    row(vec![
        Cell::name("faults"),
        Cell::colored(format!("{:>10}", grouped(so_far.faults)), alarm(so_far.faults, RED)),
        Cell::plain("   errors ".into()),
        Cell::colored(grouped(so_far.errors), alarm(so_far.errors, YELLOW)),
        Cell::plain("   rebalances ".into()),
        Cell::plain(grouped(totals.rebalances)),
        Cell::plain("   outstanding ".into()),
        Cell::plain(grouped(last.outstanding)),
    ]);
    all
}

/// One line for a log.
pub(super) fn plain(so_far: &SoFar<'_>, since: Duration, elapsed: Duration) -> String {
    let mut text = format!("{:>7} {:<8}", clock(elapsed), so_far.phase);
    let seconds = usize::try_from(since.as_secs().max(1)).unwrap_or(usize::MAX);
    let recent = &so_far.recent[so_far.recent.len().saturating_sub(seconds)..];
    let Some(last) = recent.last() else { return text };
    let span_ms = recent.iter().map(|sample| sample.span_ms).sum();
    let of = |count: fn(&Sample) -> u64| {
        human::number(crate::report::per_second(recent.iter().map(count).sum(), span_ms))
    };
    text = format!(
        "{text} {}/s acknowledged, {}/s consumed",
        of(|sample| sample.acknowledged),
        of(|sample| sample.consumed)
    );
    if let Some(lag) = last.lag {
        text = format!("{text}, lag {}", grouped(lag));
    }
    if let Some(ack) = newest(recent, |sample| sample.ack) {
        text = format!("{text}, ack p50 {} p99 {}", latency(ack.p50_us), latency(ack.p99_us));
    }
    if let Some(whole) = newest(recent, |sample| sample.end_to_end) {
        let (p50, p99) = (latency(whole.p50_us), latency(whole.p99_us));
        text = format!("{text}, end to end p50 {p50} p99 {p99}");
    }
    let (faults, errors) = (grouped(so_far.faults), grouped(so_far.errors));
    format!("{text}, faults {faults}, errors {errors}")
}

fn head(so_far: &SoFar<'_>, width: usize, style: Style) -> String {
    let time = match so_far.phase_planned {
        Some(planned) => format!("{} / {}", clock(so_far.phase_elapsed), clock(planned)),
        None => clock(so_far.phase_elapsed),
    };
    let name = Cell { text: format!("{:<13} ", so_far.phase), color: Some(BOLD) };
    let free = width.saturating_sub(name.text.chars().count() + time.chars().count() + 1);
    match so_far.phase_planned {
        Some(planned) if !planned.is_zero() && free >= BAR_MIN => {
            let length = free.min(BAR_MAX);
            let part = so_far.phase_elapsed.as_secs_f64() / planned.as_secs_f64();
            let full = (part.min(1.0) * length as f64) as usize;
            let (on, off) = if style.unicode { ("█", "░") } else { ("#", ".") };
            let bar = [on.repeat(full), off.repeat(length - full)].concat();
            fitted(
                &[name, Cell::colored(bar, GREEN), Cell::plain(format!(" {time}"))],
                width,
                style,
            )
        }
        _ => fitted(&[name, Cell::plain(time)], width, style),
    }
}

fn latencies(name: &'static str, of: Option<Percentiles>) -> Vec<Cell> {
    let mut cells = vec![Cell::name(name)];
    let Some(of) = of else {
        cells.push(Cell::colored(format!("{:>10}", "-"), DIM));
        return cells;
    };
    for (name, us) in [("p50", of.p50_us), ("p99", of.p99_us), ("max", of.max_us)] {
        cells.push(Cell::colored(format!("{name:>5} "), DIM));
        cells.push(Cell::plain(format!("{:<9}", latency(us))));
    }
    cells
}

fn newest(recent: &[Sample], of: impl Fn(&Sample) -> Option<Percentiles>) -> Option<Percentiles> {
    recent.iter().rev().take(5).find_map(of)
}

fn per_s(count: u64, sample: &Sample) -> f64 {
    crate::report::per_second(count, sample.span_ms)
}

fn rate(count: u64, sample: &Sample) -> String {
    number(per_s(count, sample))
}

/// A chart of one line: acknowledged records of the last seconds.
fn sparks(recent: &[Sample], style: Style) -> String {
    if !style.unicode {
        return String::new();
    }
    let rates: Vec<f64> = recent[recent.len().saturating_sub(SPARKS)..]
        .iter()
        .map(|sample| per_s(sample.acknowledged, sample))
        .collect();
    let highest = rates.iter().copied().fold(1.0, f64::max);
    let marks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    rates.iter().map(|rate| marks[((rate / highest * 7.0).round() as usize).min(7)]).collect()
}

/// A piece of a line.
struct Cell {
    text: String,
    color: Option<&'static str>,
}

impl Cell {
    fn name(name: &str) -> Self {
        Self { text: format!("{name:<13} "), color: Some(DIM) }
    }

    fn plain(text: String) -> Self {
        Self { text, color: None }
    }

    fn colored(text: String, color: &'static str) -> Self {
        Self { text, color: Some(color) }
    }

    fn right(text: String, width: usize) -> Self {
        Self::plain(format!("{text:>width$}"))
    }
}

/// The cells beside each other, cut at `width` characters. Colours take no room.
fn fitted(cells: &[Cell], width: usize, style: Style) -> String {
    let mut line = String::new();
    let mut free = width;
    for cell in cells {
        let shown: String = cell.text.chars().take(free).collect();
        free -= shown.chars().count();
        match cell.color {
            Some(color) if style.color && !shown.is_empty() => {
                line.push_str(&format!("\x1b[{color}m{shown}\x1b[0m"));
            }
            _ => line.push_str(&shown),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Totals;

    fn sample() -> Sample {
        let ack = Percentiles {
            count: 10_000,
            p50_us: 3_100,
            p99_us: 8_250,
            max_us: 12_000,
            ..Percentiles::default()
        };
        Sample {
            span_ms: 1000,
            acknowledged: 10_012,
            consumed: 9_998,
            acknowledged_bytes: 10_252_288,
            consumed_bytes: 10_237_952,
            lag: Some(1234),
            outstanding: 42,
            ack: Some(ack),
            ..Sample::default()
        }
    }

    fn with_run<T>(test: impl FnOnce(&SoFar<'_>) -> T) -> T {
        let totals =
            Totals { acknowledged: 345_678, consumed: 345_000, rebalances: 2, ..Totals::default() };
        let recent = [Sample { acknowledged: 5_000, ..sample() }, sample()];
        test(&SoFar {
            phase: "produce",
            phase_elapsed: Duration::from_secs(30),
            phase_planned: Some(Duration::from_secs(60)),
            totals: &totals,
            faults: 7,
            errors: 0,
            recent: &recent,
        })
    }

    #[test]
    fn the_frame_tells_progress_rates_latencies_lag_and_faults() {
        let text =
            with_run(|run| lines(run, 100, Style { color: false, unicode: true })).join("\n");
        let wanted = "\
produce       █████████████████████████░░░░░░░░░░░░░░░░░░░░░░░░░ 0:30 / 1:00
acknowledged      10,012/s    9.78 MiB/s         345,678  ▄█
consumed           9,998/s    9.76 MiB/s         345,000  lag 1,234
ack latency     p50 3.10 ms    p99 8.25 ms    max 12.0 ms  \n\
end to end             -
faults                 7   errors 0   rebalances 2   outstanding 42";
        assert_eq!(text, wanted);
    }

    #[test]
    fn no_line_is_as_wide_as_the_terminal() {
        for width in 0..120 {
            for unicode in [true, false] {
                let drawn = with_run(|run| lines(run, width, Style { color: false, unicode }));
                let widest = drawn.iter().map(|line| line.chars().count()).max();
                assert!(widest <= Some(width.saturating_sub(1)), "{width}: {drawn:#?}");
            }
        }
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let colored =
            with_run(|run| lines(run, 70, Style { color: true, unicode: true })).join("\n");
        assert!(colored.contains("\x1b[1;31m         7\x1b[0m"), "{colored:?}");
        let mut bare = String::new();
        let mut parts = colored.split('\x1b');
        bare.push_str(parts.next().unwrap_or_default());
        for part in parts {
            bare.push_str(part.split_once('m').expect("a colour ends with m").1);
        }
        assert_eq!(
            bare,
            with_run(|run| lines(run, 70, Style { color: false, unicode: true })).join("\n")
        );
    }

    #[test]
    fn a_plain_line_has_the_rates_of_the_time_that_it_stands_for() {
        let line = with_run(|run| plain(run, Duration::from_secs(5), Duration::from_secs(65)));
        assert_eq!(
            line,
            "   1:05 produce  7,506/s acknowledged, 9,998/s consumed, lag 1,234, \
             ack p50 3.10 ms p99 8.25 ms, faults 7, errors 0"
        );
    }

    #[test]
    fn before_the_first_second_only_the_phase_is_told() {
        let run = SoFar {
            phase: "register",
            phase_elapsed: Duration::ZERO,
            phase_planned: None,
            totals: &Totals::default(),
            faults: 0,
            errors: 0,
            recent: &[],
        };
        assert_eq!(lines(&run, 80, Style { color: false, unicode: false }), ["register      0:00"]);
        assert_eq!(plain(&run, Duration::ZERO, Duration::ZERO), "   0:00 register");
    }
}
