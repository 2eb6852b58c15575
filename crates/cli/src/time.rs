//! Points in time and durations as users type them.
//!
//! Datetimes are ISO 8601 and UTC unless they carry an offset, as Kafka's tools take them. Durations
//! are ISO 8601 (`PT2H30M`) or plain (`2h30m`).

use std::time::{SystemTime, UNIX_EPOCH};

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What [`parse_datetime`] takes, for messages and help.
pub const DATETIME_FORMS: &str =
    "2026-11-21, 2026-11-21T10:00, 2026-11-21T10:00:30.250+01:00, or milliseconds since 1970";

/// What [`parse_duration`] takes, for messages and help.
pub const DURATION_FORMS: &str = "90s, 15m, 2h, 7d, 1h30m, or ISO 8601 such as P1DT2H";

/// The time now, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A datetime or a number of milliseconds since 1970, as milliseconds since 1970.
pub fn parse_datetime(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let wrong = || format!("{text:?} is not a point in time; it takes {DATETIME_FORMS}");
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() > 4 {
        return text.parse().map_err(|_| wrong());
    }
    datetime(text).ok_or_else(wrong)
}

/// A duration in milliseconds.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let (negative, body) = match lower.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, lower.strip_prefix('+').unwrap_or(&lower)),
    };
    let parsed = match body.strip_prefix('p') {
        Some(iso) => iso_duration(iso),
        None => amounts(body, PLAIN_UNITS),
    };
    let parsed = parsed.map(|duration_ms| if negative { -duration_ms } else { duration_ms });
    parsed.ok_or_else(|| format!("{text:?} is not a duration; it takes {DURATION_FORMS}"))
}

/// A point in time for people and programs: ISO 8601 in UTC.
pub fn format_datetime(time_ms: i64) -> String {
    let (year, month, day) = civil(time_ms.div_euclid(DAY_MS));
    let ms = time_ms.rem_euclid(DAY_MS);
    let (hour, minute) = (ms / HOUR_MS, ms % HOUR_MS / MINUTE_MS);
    let (second, fraction) = (ms % MINUTE_MS / SECOND_MS, ms % SECOND_MS);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

fn datetime(text: &str) -> Option<i64> {
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    if parts.next().is_some() || !(1..=12).contains(&month) {
        return None;
    }
    let days = days_since_1970(year, month, day);
    if civil(days) != (year, month, day) {
        return None;
    }
    let within = match rest {
        Some(rest) => time_of_day(rest)?,
        None => 0,
    };
    Some(days * DAY_MS + within)
}

/// `10:00[:30[.250]]` with `Z`, `+01`, `+0100`, `+01:00` or nothing behind it.
fn time_of_day(text: &str) -> Option<i64> {
    let (clock, offset_ms) = match text.find(['Z', 'z', '+', '-']) {
        None => (text, 0),
        Some(at) if text[at..].eq_ignore_ascii_case("z") => (&text[..at], 0),
        Some(at) => (&text[..at], utc_offset(&text[at..])?),
    };
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second_ms = match parts.next() {
        Some(seconds) => seconds_ms(seconds)?,
        None => 0,
    };
    let valid = parts.next().is_none() && hour < 24 && minute < 60 && second_ms < MINUTE_MS;
    valid.then_some(hour * HOUR_MS + minute * MINUTE_MS + second_ms - offset_ms)
}

fn utc_offset(text: &str) -> Option<i64> {
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() == 4 => rest.split_at_checked(2)?,
        None => (rest, "00"),
    };
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let offset_ms = hours * HOUR_MS + minutes * MINUTE_MS;
    let valid = hours <= 18 && minutes < 60;
    valid.then_some(if sign == "-" { -offset_ms } else { offset_ms })
}

/// Two digits of seconds with a fraction, of which what is below a millisecond is dropped.
fn seconds_ms(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    Some(digits(whole, 2)? * SECOND_MS + fraction_ms(fraction)?)
}

fn fraction_ms(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<3}")[..3].parse().ok()
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let valid = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if valid { text.parse().ok() } else { None }
}

/// Units of a duration, each with its length, from long to short.
type Units = &'static [(&'static str, i64)];

const PLAIN_UNITS: Units = &[
    ("w", 7 * DAY_MS),
    ("d", DAY_MS),
    ("h", HOUR_MS),
    ("m", MINUTE_MS),
    ("s", SECOND_MS),
    ("ms", 1),
];
const ISO_DATE_UNITS: Units = &[("d", DAY_MS)];
const ISO_TIME_UNITS: Units = &[("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS)];

fn iso_duration(text: &str) -> Option<i64> {
    match text.split_once('t') {
        None => amounts(text, ISO_DATE_UNITS),
        Some(("", time)) => amounts(time, ISO_TIME_UNITS),
        Some((date, time)) => {
            amounts(date, ISO_DATE_UNITS)?.checked_add(amounts(time, ISO_TIME_UNITS)?)
        }
    }
}

/// The sum of amounts with units, each unit once and from long to short: `1h30m`.
fn amounts(mut text: &str, mut units: Units) -> Option<i64> {
    let mut sum: i64 = 0;
    if text.is_empty() {
        return None;
    }
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (amount, rest) = text.split_at(end);
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(end);
        let at = units.iter().position(|(name, _)| *name == unit)?;
        sum = sum.checked_add(amount_ms(amount, units[at].1)?)?;
        (text, units) = (rest, &units[at + 1..]);
    }
    Some(sum)
}

/// A whole amount of a unit; seconds may have a fraction.
fn amount_ms(amount: &str, unit_ms: i64) -> Option<i64> {
    match amount.split_once('.') {
        Some((whole, fraction)) if unit_ms == SECOND_MS => {
            let (negative, whole) =
                whole.strip_prefix('-').map_or((false, whole), |whole| (true, whole));
            let ms = whole.parse::<i64>().ok()?.checked_mul(unit_ms)?;
            let ms = ms.checked_add(fraction_ms(fraction)?)?;
            Some(if negative { -ms } else { ms })
        }
        Some(_) => None,
        None => amount.parse::<i64>().ok()?.checked_mul(unit_ms),
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years begin in March, so that the day
/// that leap years add is the last one.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_OF_ERA + day_of_era - DAYS_TO_1970
}

/// Days in 400 years, after which the calendar repeats.
const DAYS_OF_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

/// The date of a day: the inverse of [`days_since_1970`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let (era, day_of_era) = (days.div_euclid(DAYS_OF_ERA), days.rem_euclid(DAYS_OF_ERA));
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datetimes_are_utc_unless_they_carry_an_offset() {
        let ten: i64 = 1_795_255_200_000;
        for text in [
            "2026-11-21T10:00",
            "2026-11-21T10:00:00",
            "2026-11-21T10:00:00.000",
            "2026-11-21 10:00Z",
            "2026-11-21T11:00+01:00",
            "2026-11-21T11:00:00.000+0100",
            "2026-11-21T04:30-05:30",
            "1795255200000",
        ] {
            assert_eq!(parse_datetime(text), Ok(ten), "{text}");
        }
        assert_eq!(parse_datetime("2026-11-21"), Ok(ten - 10 * HOUR_MS));
        assert_eq!(parse_datetime("2026-11-21T10:00:30.25"), Ok(ten + 30_250));
    }

    #[test]
    fn what_is_no_point_in_time_is_refused_with_the_forms_that_are() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-11-21T24:00",
            "2026-11-21T10",
            "2026-11-21T10:00:60",
            "2026-11-21T10:00+1",
            "2026-11-21T10:00é",
            "yesterday",
        ] {
            let message = parse_datetime(text).expect_err(text);
            assert!(message.contains("2026-11-21T10:00"), "{message}");
        }
    }

    #[test]
    fn every_day_of_eight_centuries_reads_back_as_it_was_written() {
        for day in -146_097..146_097 {
            let time_ms = day * DAY_MS + 12_345_678;
            assert_eq!(parse_datetime(&format_datetime(time_ms)), Ok(time_ms));
        }
    }

    #[test]
    fn durations_are_iso_or_plain() {
        for (text, duration_ms) in [
            ("PT2H", 2 * HOUR_MS),
            ("p1dt2h3m4.5s", DAY_MS + 2 * HOUR_MS + 3 * MINUTE_MS + 4_500),
            ("P0DT0H0M0S", 0),
            ("-PT1M", -MINUTE_MS),
            ("PT-1M", -MINUTE_MS),
            ("PT-0.5S", -500),
            ("2h", 2 * HOUR_MS),
            ("1h30m", HOUR_MS + 30 * MINUTE_MS),
            ("7d", 7 * DAY_MS),
            ("2w", 14 * DAY_MS),
            ("250ms", 250),
        ] {
            assert_eq!(parse_duration(text), Ok(duration_ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_forms_that_are() {
        for text in ["", "P", "PT", "P1DT", "2", "h", "30m1h", "1.5h", "PT1D", "2 hours", "1hé"] {
            let message = parse_duration(text).expect_err(text);
            assert!(message.contains("15m, 2h, 7d"), "{message}");
        }
    }
}
