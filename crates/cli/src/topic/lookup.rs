//! `tidegate topic offsets`, and how offsets and times are written on a command line.

use crate::args::ConnectArgs;
use crate::client::{At, Client};
use crate::failure::Failure;
use crate::output::{Table, number, print, print_json};
use crate::scope::{TopicScope, partitions_of, resolve};
use crate::time::{DATETIME_FORMS, DURATION_FORMS, format_datetime, now_ms};
use crate::time::{parse_datetime, parse_duration};
use serde::Serialize;
use std::str::FromStr;

/// Which offset is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// One by its place, or by a point in time.
    At(At),
    /// The first that is at most this old, in milliseconds.
    Ago(i64),
}

impl FromStr for Lookup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Lookup::At(match text {
            "earliest" => At::Earliest,
            "latest" => At::Latest,
            "max-timestamp" => At::MaxTimestamp,
            "earliest-local" => At::EarliestLocal,
            "latest-tiered" => At::LatestTiered,
            _ => match time_or_age(text) {
                Some(Ok(time_ms)) => At::Time(time_ms),
                Some(Err(age_ms)) => return Ok(Lookup::Ago(age_ms)),
                None => {
                    return Err(format!(
                        "{text:?} is not an offset's place; it takes earliest, latest, max-timestamp, \
                         {DATETIME_FORMS}, or a duration before now: {DURATION_FORMS}"
                    ));
                }
            },
        }))
    }
}

impl Lookup {
    fn at(&self, now_ms: i64) -> At {
        match self {
            Lookup::At(at) => *at,
            Lookup::Ago(age_ms) => At::Time(now_ms.saturating_sub(*age_ms)),
        }
    }
}

/// Up to where records are deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// The first offset that stays.
    Offset(i64),
    /// Nothing stays.
    Latest,
    /// The first record of this time or later stays, in milliseconds since 1970.
    Time(i64),
    /// The first record that is at most this old stays, in milliseconds.
    Ago(i64),
}

impl FromStr for Before {
    type Err = String;

    /// A bare number is an offset, never a time.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "latest" {
            return Ok(Before::Latest);
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Before::Offset).map_err(|_| format!("{text} is too large"));
        }
        match time_or_age(text) {
            Some(Ok(time_ms)) => Ok(Before::Time(time_ms)),
            Some(Err(age_ms)) => Ok(Before::Ago(age_ms)),
            None => Err(format!(
                "{text:?} is not a place in a log; it takes an offset, latest, {DATETIME_FORMS}, or \
                 a duration before now: {DURATION_FORMS}"
            )),
        }
    }
}

/// A point in time, or an age that is not negative.
fn time_or_age(text: &str) -> Option<Result<i64, i64>> {
    if let Ok(time_ms) = parse_datetime(text) {
        return Some(Ok(time_ms));
    }
    parse_duration(text).ok().filter(|age_ms| *age_ms >= 0).map(Err)
}

#[derive(Serialize)]
struct FoundOffset {
    topic: String,
    partition: i32,
    at: String,
    offset: Option<i64>,
    timestamp_ms: Option<i64>,
}

/// Prints the offsets of `scopes` at each of `lookups`, in one request a broker and lookup.
pub fn run(
    connect: &ConnectArgs,
    scopes: &[TopicScope],
    lookups: &[Lookup],
) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let topics = resolve(&mut client, scopes)?;
    let now_ms = now_ms();
    let mut found = Vec::new();
    for lookup in lookups {
        let at = lookup.at(now_ms);
        let offsets = client.offsets(&topics, at)?;
        for (topic, partition) in partitions_of(&topics) {
            let listed = offsets.get(&(topic.clone(), partition));
            found.push(FoundOffset {
                at: label(at),
                offset: listed.map(|listed| listed.offset),
                timestamp_ms: listed.and_then(|listed| listed.timestamp_ms),
                topic,
                partition,
            });
        }
    }
    if connect.json {
        return print_json(&found);
    }
    let mut table = Table::new(&["TOPIC", "PARTITION", "AT", "OFFSET", "TIMESTAMP"]);
    for row in found {
        table.row([
            row.topic,
            row.partition.to_string(),
            row.at,
            number(row.offset),
            row.timestamp_ms.map_or_else(|| "-".to_owned(), format_datetime),
        ]);
    }
    print(&table.render())
}

fn label(at: At) -> String {
    match at {
        At::Earliest => "earliest".to_owned(),
        At::Latest => "latest".to_owned(),
        At::MaxTimestamp => "max-timestamp".to_owned(),
        At::EarliestLocal => "earliest-local".to_owned(),
        At::LatestTiered => "latest-tiered".to_owned(),
        At::Time(time_ms) => format_datetime(time_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_looked_up_by_place_time_or_age() {
        let lookup = |text: &str| text.parse::<Lookup>();
        assert_eq!(lookup("earliest"), Ok(Lookup::At(At::Earliest)));
        assert_eq!(lookup("max-timestamp"), Ok(Lookup::At(At::MaxTimestamp)));
        assert_eq!(lookup("1970-01-02"), Ok(Lookup::At(At::Time(86_400_000))));
        assert_eq!(lookup("1732147200000"), Ok(Lookup::At(At::Time(1_732_147_200_000))));
        assert_eq!(lookup("2h"), Ok(Lookup::Ago(7_200_000)));
        assert_eq!(lookup("2h").map(|lookup| lookup.at(7_200_001)), Ok(At::Time(1)));
        for wrong in ["", "-2h", "soon"] {
            assert!(lookup(wrong).expect_err(wrong).contains("it takes earliest"), "{wrong}");
        }
    }

    #[test]
    fn a_bare_number_is_an_offset_to_delete_records_before() {
        let before = |text: &str| text.parse::<Before>();
        assert_eq!(before("1500"), Ok(Before::Offset(1500)));
        assert_eq!(before("1732147200000"), Ok(Before::Offset(1_732_147_200_000)));
        assert_eq!(before("latest"), Ok(Before::Latest));
        assert_eq!(before("1970-01-02T00:00"), Ok(Before::Time(86_400_000)));
        assert_eq!(before("7d"), Ok(Before::Ago(604_800_000)));
        for wrong in ["", "-1", "earliest", "99999999999999999999"] {
            assert!(before(wrong).is_err(), "{wrong}");
        }
    }
}
