//! A chart over time, as SVG.

use super::super::series::Sample;
use super::axis::{Axis, time_ticks};
use super::escaped;
use crate::human::{clock, grouped, latency, number};
use std::fmt::Write as _;
use std::time::Duration;

/// The drawing's size and the plot's place in it. The page scales it.
pub(super) const WIDTH: f64 = 760.0;
pub(super) const HEIGHT: f64 = 240.0;
pub(super) const LEFT: f64 = 66.0;
pub(super) const RIGHT: f64 = 738.0;
pub(super) const TOP: f64 = 16.0;
pub(super) const BOTTOM: f64 = 212.0;

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    PerSecond,
    Latency,
    Records,
    Processors,
}

/// A line of a chart: a value for each sample, or none.
#[derive(Debug)]
pub(super) struct Line {
    name: &'static str,
    class: &'static str,
    values: Vec<Option<f64>>,
}

/// Something that happened at a time.
#[derive(Debug)]
pub(super) struct Mark {
    pub at_ms: u64,
    /// `command`, `fault`, `error` or `rebalance`.
    pub kind: &'static str,
    pub text: String,
}

/// A chart.
#[derive(Debug)]
pub(super) struct Chart {
    pub title: &'static str,
    pub about: &'static str,
    pub unit: Unit,
    pub lines: Vec<Line>,
}

impl Line {
    pub fn new(name: &'static str, class: &'static str, values: Vec<Option<f64>>) -> Self {
        Self { name, class, values }
    }
}

impl Unit {
    /// A value with its unit.
    pub fn shown(self, value: f64) -> String {
        match self {
            Unit::PerSecond => format!("{}/s", number(value)),
            Unit::Latency => latency(value as u64),
            Unit::Records => grouped(value as u64),
            Unit::Processors => number(value),
        }
    }

    /// A number at the axis, short.
    fn at_axis(self, value: f64) -> String {
        match self {
            Unit::Latency => decade(value as u64),
            _ if value >= 1e9 => format!("{}G", value / 1e9),
            _ if value >= 1e6 => format!("{}M", value / 1e6),
            _ if value >= 1e3 => format!("{}k", value / 1e3),
            // Steps are 1, 2 or 5 of a power of ten: rounding takes the noise of the sum away.
            _ => format!("{}", (value * 1e6).round() / 1e6),
        }
    }
}

/// A power of ten of microseconds.
pub(super) fn decade(us: u64) -> String {
    match us {
        0..1000 => format!("{us} us"),
        1000..1_000_000 => format!("{} ms", us / 1000),
        _ => format!("{} s", us / 1_000_000),
    }
}

/// The places of the times.
#[derive(Clone, Copy)]
struct Times {
    from_ms: u64,
    to_ms: u64,
}

impl Times {
    fn of(samples: &[Sample]) -> Self {
        let begin = |sample: &Sample| sample.at_ms.saturating_sub(sample.span_ms);
        let from_ms = samples.iter().map(begin).min().unwrap_or(0);
        let to_ms = samples.iter().map(|sample| sample.at_ms).max().unwrap_or(0);
        Self { from_ms, to_ms: to_ms.max(from_ms + 1) }
    }

    fn x(self, at_ms: u64) -> f64 {
        let part = at_ms.saturating_sub(self.from_ms) as f64 / (self.to_ms - self.from_ms) as f64;
        LEFT + part.min(1.0) * (RIGHT - LEFT)
    }
}

impl Chart {
    /// Appends the chart, or nothing if it has no value.
    pub fn draw(&self, samples: &[Sample], marks: &[Mark], page: &mut String) {
        let values = || self.lines.iter().flat_map(|line| &line.values).flatten().copied();
        if values().next().is_none() {
            return;
        }
        let highest = values().fold(0.0, f64::max);
        let axis = match self.unit {
            Unit::Latency => Axis::logarithmic(values().fold(f64::INFINITY, f64::min), highest),
            _ => Axis::linear(highest),
        };
        let times = Times::of(samples);
        self.caption(page);
        let _ = writeln!(
            page,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\"{}>",
            escaped(&self.description(highest)),
            self.data(samples, times)
        );
        grid(&axis, |value| self.unit.at_axis(value), page);
        for at_ms in time_ticks(times.from_ms, times.to_ms) {
            let at = clock(Duration::from_millis(at_ms));
            below(times.x(at_ms), &at, page);
        }
        draw_marks(marks, times, page);
        for line in &self.lines {
            let path =
                path(samples, &line.values, |at_ms, value| (times.x(at_ms), y(axis.part(value))));
            let _ = writeln!(page, "<path class=\"line {}\" d=\"{path}\"/>", line.class);
        }
        page.push_str("<line class=\"cross\" y1=\"16\" y2=\"212\"/>\n</svg></div></figure>\n");
    }

    fn caption(&self, page: &mut String) {
        let _ = write!(
            page,
            "<figure><figcaption><b>{}</b> <span class=\"about\">{}</span><span class=\"legend\">",
            self.title, self.about
        );
        for line in &self.lines {
            let _ = write!(page, " <span class=\"{}\">{}</span>", line.class, line.name);
        }
        page.push_str("</span> <output></output></figcaption><div class=\"scroll\">");
    }

    /// What a screen reader says of it.
    fn description(&self, highest: f64) -> String {
        let names: Vec<&str> = self.lines.iter().map(|line| line.name).collect();
        let highest = self.unit.shown(highest);
        format!("{}, {}: {}; highest {highest}", self.title, self.about, names.join(", "))
    }

    /// What the script shows under the pointer: where the samples are, and what is said of each.
    fn data(&self, samples: &[Sample], times: Times) -> String {
        let places: Vec<String> =
            samples.iter().map(|sample| format!("{:.1}", times.x(sample.at_ms))).collect();
        let said: Vec<String> = samples
            .iter()
            .enumerate()
            .map(|(index, sample)| {
                let mut parts = vec![clock(Duration::from_millis(sample.at_ms))];
                for line in &self.lines {
                    if let Some(value) = line.values.get(index).copied().flatten() {
                        parts.push(format!("{} {}", line.name, self.unit.shown(value)));
                    }
                }
                parts.join("  ")
            })
            .collect();
        format!(" data-x=\"{}\" data-say=\"{}\"", places.join(" "), escaped(&said.join("|")))
    }
}

/// From a part of the plot's height to the drawing's.
pub(super) fn y(part: f64) -> f64 {
    BOTTOM - part * (BOTTOM - TOP)
}

/// Lines across, with numbers at their left.
pub(super) fn grid(axis: &Axis, text: impl Fn(f64) -> String, page: &mut String) {
    for tick in axis.ticks() {
        let y = y(axis.part(tick));
        let _ = writeln!(
            page,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"left\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            escaped(&text(tick))
        );
    }
}

/// A text below the plot.
pub(super) fn below(x: f64, text: &str, page: &mut String) {
    let _ = writeln!(
        page,
        "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{BOTTOM}\" y2=\"{}\"/>\
         <text class=\"below\" x=\"{x:.1}\" y=\"{}\">{}</text>",
        BOTTOM + 4.0,
        BOTTOM + 20.0,
        escaped(text)
    );
}

fn draw_marks(marks: &[Mark], times: Times, page: &mut String) {
    for mark in marks {
        let x = times.x(mark.at_ms);
        let title = escaped(&mark.text);
        let shape = match mark.kind {
            "command" => format!("M{x:.1} {TOP}V{BOTTOM}"),
            "fault" => format!("M{x:.1} {:.1}l5 6l-5 6l-5 -6z", TOP - 8.0),
            "error" => format!("M{x:.1} {:.1}l5 9h-10z", BOTTOM - 10.0),
            _ => format!("M{:.1} {:.1}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", x - 4.0, BOTTOM - 5.0),
        };
        let _ = writeln!(
            page,
            "<path class=\"mark {}\" d=\"{shape}\"><title>{title}</title></path>",
            mark.kind
        );
    }
}

/// A line through the values, with gaps where there is none. A value alone is a dot.
fn path(
    samples: &[Sample],
    values: &[Option<f64>],
    place: impl Fn(u64, f64) -> (f64, f64),
) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for (sample, value) in samples.iter().zip(values) {
        let Some(value) = value else {
            pen_down = false;
            continue;
        };
        let (x, y) = place(sample.at_ms, *value);
        let _ = if pen_down {
            write!(path, "L{x:.1} {y:.1}")
        } else {
            // A move and a stroke of no length: with round ends it is a dot.
            write!(path, "M{x:.1} {y:.1}h0")
        };
        pen_down = true;
    }
    path
}
