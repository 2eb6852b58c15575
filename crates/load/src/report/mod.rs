//! What a run tells: the [`Report`], and what becomes of it.
//!
//! The engine fills a `Report`; everything that people or programs read is made from it and from nothing else, so that a report read
//! back from its JSON shows the same again.

mod advice;
pub mod compare;
mod csv;
mod files;
mod html;
mod latency;
mod machine;
mod model;
mod plan_line;
mod plan_record;
mod recorder;
mod series;
mod summary;
mod time;

pub use files::{ReportProblem, check_target, read, write};
pub use latency::{Latency, Percentiles, new_histogram, record};
pub use machine::{Machine, Meter, Usage};
pub(crate) use model::per_second;
pub use model::{
    Broker, Command, ErrorCount, FORMAT, Group, Phase, Report, SchemaCheck, Target, Totals,
};
pub use plan_line::plan_line;
pub use plan_record::plan_record;
pub use recorder::{Recorder, SoFar};
pub use series::{SAMPLES_MAX, Sample, Second, Series};
pub use summary::summary;
pub use time::{iso_time, unix_ms};

#[cfg(test)]
mod tests;
