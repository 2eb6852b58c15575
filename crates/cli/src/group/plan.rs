//! Where the committed offsets of a group are reset to: the rules of Kafka's ConsumerGroupCommand,
//! without a broker.

use crate::client::Partition;
use crate::time::format_datetime;
use std::collections::BTreeMap;

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The first offset.
    Earliest,
    /// The offset after the last record.
    Latest,
    /// The committed offset, or the latest where there is none.
    Current,
    /// This offset.
    Offset(i64),
    /// The first record of this time, in milliseconds since 1970, or later.
    Time(i64),
    /// So many records on, or back.
    Shift(i64),
    /// Each partition's own.
    Explicit(BTreeMap<Partition, i64>),
}

/// What is known of a partition.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// What the group has committed.
    pub current: Option<i64>,
    /// The first offset.
    pub start: i64,
    /// The offset after the last record.
    pub end: i64,
    /// The offset of the first record of the target's time or later.
    pub at_time: Option<i64>,
}

/// What a partition is reset to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The offset that will be committed.
    pub offset: i64,
    /// Why it is another one than was asked for.
    pub note: Option<String>,
}

impl Planned {
    fn exactly(offset: i64) -> Planned {
        Planned { offset, note: None }
    }

    /// `offset`, moved into the range that the partition has.
    fn within(facts: &Facts, offset: i64) -> Planned {
        let note = match offset {
            _ if offset > facts.end => "is after the last record",
            _ if offset < facts.start => "is before the first record",
            _ => return Planned::exactly(offset),
        };
        let note = Some(format!("{offset} {note}"));
        Planned { offset: offset.clamp(facts.start, facts.end), note }
    }
}

/// Where `partition` is reset to, or why it cannot be.
pub fn plan(target: &Target, partition: &Partition, facts: &Facts) -> Result<Planned, String> {
    let name = || format!("{}-{}", partition.0, partition.1);
    Ok(match target {
        Target::Earliest => Planned::exactly(facts.start),
        Target::Latest => Planned::exactly(facts.end),
        Target::Current => match facts.current {
            Some(current) => Planned::exactly(current),
            None => Planned {
                offset: facts.end,
                note: Some("none is committed: the latest".to_owned()),
            },
        },
        Target::Offset(offset) => Planned::within(facts, *offset),
        Target::Time(time_ms) => match facts.at_time {
            Some(offset) => Planned::exactly(offset),
            None => Planned {
                offset: facts.end,
                note: Some(format!("no record since {}: the latest", format_datetime(*time_ms))),
            },
        },
        Target::Shift(by) => match facts.current {
            Some(current) => Planned::within(facts, current.saturating_add(*by)),
            None => {
                return Err(format!(
                    "the offset of {} cannot be shifted: none is committed",
                    name()
                ));
            }
        },
        Target::Explicit(offsets) => match offsets.get(partition) {
            Some(offset) => Planned::within(facts, *offset),
            None => return Err(format!("no offset is given for {}", name())),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts { current: Some(15), start: 10, end: 20, at_time: Some(12) };

    fn planned(target: &Target, facts: &Facts) -> Result<(i64, Option<String>), String> {
        plan(target, &("t".to_owned(), 0), facts).map(|planned| (planned.offset, planned.note))
    }

    #[test]
    fn each_target_gives_its_offset() {
        let explicit = Target::Explicit(BTreeMap::from([(("t".to_owned(), 0), 17)]));
        for (target, offset) in [
            (Target::Earliest, 10),
            (Target::Latest, 20),
            (Target::Current, 15),
            (Target::Offset(11), 11),
            (Target::Offset(20), 20),
            (Target::Time(1), 12),
            (Target::Shift(3), 18),
            (Target::Shift(-3), 12),
            (explicit, 17),
        ] {
            assert_eq!(planned(&target, &FACTS), Ok((offset, None)), "{target:?}");
        }
    }

    #[test]
    fn an_offset_out_of_range_becomes_the_nearest_with_a_note() {
        for (target, offset, note) in [
            (Target::Offset(21), 20, "21 is after the last record"),
            (Target::Offset(-5), 10, "-5 is before the first record"),
            (Target::Shift(100), 20, "115 is after the last record"),
            (Target::Shift(-100), 10, "-85 is before the first record"),
            (Target::Shift(i64::MAX), 20, "9223372036854775807 is after the last record"),
        ] {
            let expected = Ok((offset, Some(note.to_owned())));
            assert_eq!(planned(&target, &FACTS), expected, "{target:?}");
        }
    }

    #[test]
    fn the_current_offset_stays_even_out_of_range() {
        let facts = Facts { current: Some(3), ..FACTS };
        assert_eq!(planned(&Target::Current, &facts), Ok((3, None)));
    }

    #[test]
    fn without_a_committed_offset_current_is_the_latest_and_a_shift_is_refused() {
        let facts = Facts { current: None, ..FACTS };
        assert_eq!(planned(&Target::Current, &facts).unwrap().0, 20);
        assert!(planned(&Target::Shift(1), &facts).unwrap_err().contains("t-0"));
    }

    #[test]
    fn a_time_after_the_last_record_is_the_latest_offset_with_a_note() {
        let facts = Facts { at_time: None, ..FACTS };
        let (offset, note) = planned(&Target::Time(0), &facts).unwrap();
        assert_eq!(offset, 20);
        assert_eq!(note.unwrap(), "no record since 1970-01-01T00:00:00.000Z: the latest");
    }

    #[test]
    fn a_partition_that_is_not_in_the_file_is_refused() {
        let target = Target::Explicit(BTreeMap::new());
        assert!(planned(&target, &FACTS).unwrap_err().contains("t-0"));
    }
}
