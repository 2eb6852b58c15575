//! Counters and histograms of plain atomics, the table that describes them, and their text form.
//!
//! A figure costs whoever counts it one or two relaxed atomics: no lock, no allocation, no hash. What
//! a figure is called, what labels it has and what it means is said once, in a [`Metric`]; the text
//! that Prometheus reads and `docs/metrics.md` are both made of it.

mod atomic;
mod metric;
mod text;

pub use atomic::{COUNTS, Counter, Gauge, Histogram, OpenGauge, SECONDS, SIZES, Snapshot, Unit};
pub use metric::{Kind, Metric};
pub use text::{Format, Text};
