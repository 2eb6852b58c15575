//! Counts the log lines that are written, by level: errors and warnings show on a board that way.

use std::sync::atomic::{AtomicU64, Ordering};
use tidegate_metrics::{Metric, Text};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// The one metric of this program itself.
pub const METRICS: &[Metric] = &[Metric::counter(
    "tidegate_log_lines_total",
    &["level"],
    "Log lines written, by level; those that the filter leaves out are not counted",
)];

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// There is one log for the process.
static LINES: [AtomicU64; LEVELS.len()] = [const { AtomicU64::new(0) }; LEVELS.len()];

/// Counts every line that the filters below it let through.
pub struct CountLines;

impl<S: Subscriber> Layer<S> for CountLines {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let index = match *event.metadata().level() {
            Level::ERROR => 0,
            Level::WARN => 1,
            Level::INFO => 2,
            Level::DEBUG => 3,
            Level::TRACE => 4,
        };
        LINES[index].fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes the counts.
pub fn write(text: &mut Text) {
    for (level, lines) in LEVELS.iter().zip(&LINES) {
        text.count(&METRICS[0], &[level], lines.load(Ordering::Relaxed));
    }
}
