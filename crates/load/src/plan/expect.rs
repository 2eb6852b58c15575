//! Service levels: what a user expects of a run, as `p99=20ms,rate=10000`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr, time::Duration};

/// What is expected of a run; all of it must hold.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Expectations(pub Vec<Expectation>);

/// One service level.
#[derive(Clone, PartialEq, Debug)]
pub struct Expectation {
    text: String,
    level: Level,
}

/// A measure and its bound.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Level {
    /// A percentile of a latency, in microseconds at most.
    Latency { path: Path, percentile: f64, micros_max: u64 },
    /// Acknowledged records per second, at least.
    Rate(f64),
    /// Consumed records per second, by all groups together, at least.
    ConsumeRate(f64),
    /// Records that groups had not read when the drain ended, at most.
    Lag(u64),
    /// Records that could not be produced, at most.
    Errors(u64),
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Path {
    /// End to end where a run has consumers, else until the acknowledgement.
    Whole,
    Ack,
    EndToEnd,
}

/// What a run measured. Percentiles are asked for in percent and answered in microseconds.
pub struct Measured<'a> {
    /// The latency until the acknowledgement; none where nothing was acknowledged.
    pub ack: &'a dyn Fn(f64) -> Option<u64>,
    /// The latency until a consumer had the record; none where nothing was consumed.
    pub end_to_end: &'a dyn Fn(f64) -> Option<u64>,
    /// Whether the run has consumers.
    pub has_consumers: bool,
    /// Acknowledged records per second.
    pub acknowledged_per_s: f64,
    /// Consumed records per second.
    pub consumed_per_s: f64,
    /// What groups had not read when the drain ended; none if nobody could tell.
    pub lag: Option<u64>,
    /// Records that could not be produced.
    pub errors: u64,
}

/// What became of an expectation.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Outcome {
    /// As the user wrote it.
    pub expected: String,
    /// What was found, in the same unit.
    pub found: String,
    /// Whether it was kept.
    pub met: bool,
}

impl Expectations {
    /// The expectation of the groups' lag, as the user wrote it.
    pub(super) fn of_lag(&self) -> Option<&str> {
        let of_lag = |it: &&Expectation| matches!(it.level, Level::Lag(_));
        self.0.iter().find(of_lag).map(|it| it.text.as_str())
    }

    /// Compares each with what was measured. What could not be measured is not met.
    pub fn check(&self, measured: &Measured<'_>) -> Vec<Outcome> {
        self.0.iter().map(|expectation| expectation.check(measured)).collect()
    }
}

impl Expectation {
    fn check(&self, measured: &Measured<'_>) -> Outcome {
        let at_most = |found: u64, max: u64| (found.to_string(), found <= max);
        let nothing = || ("nothing measured".to_owned(), false);
        let at_least = |found: f64, min: f64| (format!("{found:.0}/s"), found >= min);
        let (found, met) = match self.level {
            Level::Latency { path, percentile, micros_max } => {
                let of = match path {
                    Path::Ack => measured.ack,
                    Path::EndToEnd => measured.end_to_end,
                    Path::Whole if measured.has_consumers => measured.end_to_end,
                    Path::Whole => measured.ack,
                };
                match of(percentile) {
                    Some(micros) => (millis(micros), micros <= micros_max),
                    None => nothing(),
                }
            }
            Level::Rate(min) => at_least(measured.acknowledged_per_s, min),
            Level::ConsumeRate(min) => at_least(measured.consumed_per_s, min),
            Level::Lag(max) => match measured.lag {
                Some(lag) => at_most(lag, max),
                None => nothing(),
            },
            Level::Errors(max) => at_most(measured.errors, max),
        };
        Outcome { expected: self.text.clone(), found, met }
    }
}

fn millis(micros: u64) -> String {
    format!("{:.3}ms", Duration::from_micros(micros).as_secs_f64() * 1e3)
}

impl FromStr for Expectations {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Expectations)
    }
}

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "the expectation '{text}' {why}: write p99=20ms (end to end), ack.p99.9=50ms, e2e.max=1s, \
                 rate=10000, consume_rate=10000, lag=0 or errors=0, with commas between"
            )
        };
        let (name, bound) = text.split_once('=').ok_or_else(|| wrong("has no '='"))?;
        let (name, bound) = (name.trim(), bound.trim());
        let count = || bound.parse::<u64>().map_err(|_| wrong("needs a whole number"));
        let rate = || match bound.parse::<f64>() {
            Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(rate),
            _ => Err(wrong("needs a number of records per second")),
        };
        let level = match name {
            "rate" => Level::Rate(rate()?),
            "consume_rate" => Level::ConsumeRate(rate()?),
            "lag" => Level::Lag(count()?),
            "errors" => Level::Errors(count()?),
            _ => {
                let (path, percentile) = match name.split_once('.') {
                    Some(("ack", rest)) => (Path::Ack, rest),
                    Some(("e2e", rest)) => (Path::EndToEnd, rest),
                    _ => (Path::Whole, name),
                };
                let percentile = percentile_of(percentile)
                    .ok_or_else(|| wrong("names nothing that is measured"))?;
                let span: super::Span = bound.parse().map_err(|error: String| wrong(&error))?;
                Level::Latency { path, percentile, micros_max: span.as_micros() }
            }
        };
        Ok(Expectation { text: text.to_owned(), level })
    }
}

/// `p99.9` is 99.9, `max` is 100; `p999` and `p9999` are what people also write.
fn percentile_of(name: &str) -> Option<f64> {
    match name {
        "max" => return Some(100.0),
        "p999" => return Some(99.9),
        "p9999" => return Some(99.99),
        _ => {}
    }
    let percentile = name.strip_prefix('p')?.parse::<f64>().ok()?;
    (0.0..=100.0).contains(&percentile).then_some(percentile)
}

impl fmt::Display for Expectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self.0.iter().map(|expectation| expectation.text.as_str()).collect();
        f.write_str(&texts.join(","))
    }
}

impl Serialize for Expectations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Expectations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<bool> {
        let ack = |percentile: f64| Some((percentile * 100.0) as u64);
        let end_to_end = |percentile: f64| Some((percentile * 1000.0) as u64);
        let measured = Measured {
            ack: &ack,
            end_to_end: &end_to_end,
            has_consumers: true,
            acknowledged_per_s: 1000.0,
            consumed_per_s: 2000.0,
            lag: Some(7),
            errors: 0,
        };
        let expectations: Expectations = text.parse().unwrap();
        assert_eq!(expectations.to_string(), text);
        expectations.check(&measured).iter().map(|outcome| outcome.met).collect()
    }

    #[test]
    fn a_plain_percentile_is_end_to_end() {
        assert_eq!(
            check("p99=99ms,p99=98ms,e2e.p99=99ms,ack.p99=9900us"),
            [true, false, true, true]
        );
        assert_eq!(check("max=100ms,ack.max=9ms,p999=99.9ms"), [true, false, true]);
    }

    #[test]
    fn rates_are_lower_bounds_and_counts_are_upper_bounds() {
        assert_eq!(check("rate=1000,rate=1001,consume_rate=2000"), [true, false, true]);
        assert_eq!(check("lag=7,lag=6,errors=0"), [true, false, true]);
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        let nothing = |_: f64| None;
        let measured = Measured {
            ack: &nothing,
            end_to_end: &nothing,
            has_consumers: false,
            acknowledged_per_s: 0.0,
            consumed_per_s: 0.0,
            lag: None,
            errors: 0,
        };
        for outcome in "p99=1h,lag=0".parse::<Expectations>().unwrap().check(&measured) {
            assert!(!outcome.met, "{outcome:?}");
            assert_eq!(outcome.found, "nothing measured");
        }
    }

    #[test]
    fn a_wrong_expectation_is_told_what_to_write() {
        for text in ["p99", "p99=20", "speed=3", "rate=fast", "lag=-1", "p101=1s", "rate=nan"] {
            let error = text.parse::<Expectations>().unwrap_err();
            assert!(error.contains("write p99=20ms"), "{text}: {error}");
        }
    }
}
