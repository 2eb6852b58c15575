//! Reading messages: quickly, to know which record it says it is, and wholly, to name what is wrong
//! with one.

use super::content::checksum;
use super::encode::{PAD, SUM, hex};
use crate::plan::Format;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which record it says it is. Only a comparison with what that record must be makes it true.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The run.
    pub run: u64,
    /// The producer.
    pub producer: u32,
    /// The producer's counter.
    pub counter: u64,
    /// When it was due, in microseconds since 1970.
    pub timestamp_us: i64,
}

/// A message, as any reader with the schema gets it.
#[derive(Clone, PartialEq, Deserialize, prost::Message)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the header of this module's parent has them")]
pub struct LoadTestMessage {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
    #[prost(int32, tag = "3")]
    pub producer_id: i32,
    #[prost(int64, tag = "4")]
    pub counter: i64,
    #[prost(string, tag = "5")]
    pub user_id: String,
    #[prost(string, tag = "6")]
    pub event_type: String,
    #[prost(btree_map = "string, string", tag = "7")]
    pub properties: BTreeMap<String, String>,
}

impl LoadTestMessage {
    /// Whether the message is as some run made it: its checksum is that of its fields.
    pub fn intact(&self) -> bool {
        let pad = self.properties.get(PAD).map_or("", String::as_str);
        let (id, user, event) = (&self.id, &self.user_id, &self.event_type);
        let sum = checksum(
            id.as_bytes(),
            self.timestamp,
            user.as_bytes(),
            event.as_bytes(),
            pad.as_bytes(),
        );
        self.properties.get(SUM).is_some_and(|found| found.as_bytes() == hex(sum))
    }
}

impl Claim {
    /// What a value says it is. It need not be a whole message.
    pub fn of_value(format: Format, value: &[u8]) -> Option<Claim> {
        let mut rest = value.get(5..)?;
        let (id, timestamp) = match format {
            Format::Avro => {
                let id = avro_string(&mut rest)?;
                (id, unzigzag(varint(&mut rest)?))
            }
            Format::Protobuf => {
                let mut rest = rest.strip_prefix(&[0, 1 << 3 | 2])?;
                let bytes = varint(&mut rest)?;
                let id = take(&mut rest, bytes)?;
                let mut rest = rest.strip_prefix(&[2 << 3])?;
                (id, varint(&mut rest)? as i64)
            }
            Format::Json => {
                let rest = rest.strip_prefix(br#"{"id":""#)?;
                let (id, rest) = rest.split_at_checked(rest.iter().position(|b| *b == b'"')?)?;
                let rest = rest.strip_prefix(br#"","timestamp":"#)?;
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                (id, i64::try_from(decimal(&rest[..digits])?).ok()?)
            }
        };
        Claim::of_id(id, timestamp)
    }

    /// What the header [`super::HEADER_RECORD`] says it is.
    pub fn of_header(value: &[u8]) -> Option<Claim> {
        let dash = value.iter().rposition(|b| *b == b'-')?;
        let timestamp = decimal(&value[dash + 1..])?;
        Claim::of_id(&value[..dash], i64::try_from(timestamp).ok()?)
    }

    fn of_id(id: &[u8], timestamp_us: i64) -> Option<Claim> {
        let (run, rest) = id.split_at_checked(16)?;
        let run = u64::from_str_radix(std::str::from_utf8(run).ok()?, 16).ok()?;
        let rest = rest.strip_prefix(b"-")?;
        let dash = rest.iter().position(|b| *b == b'-')?;
        let producer = u32::try_from(decimal(&rest[..dash])?).ok()?;
        Some(Claim { run, producer, counter: decimal(&rest[dash + 1..])?, timestamp_us })
    }
}

/// The schema id that an encoded key or value names; none where it is not framed.
pub fn schema_id(bytes: &[u8]) -> Option<u32> {
    let id = bytes.strip_prefix(&[0])?.first_chunk()?;
    Some(u32::from_be_bytes(*id))
}

/// Decodes a value wholly, or says why that cannot be done.
pub fn decode(format: Format, value: &[u8]) -> Result<LoadTestMessage, String> {
    if schema_id(value).is_none() {
        return Err("it does not begin with a zero and a schema's id".to_owned());
    }
    let body = &value[5..];
    match format {
        Format::Avro => avro(body).ok_or_else(|| "it is no message in Avro".to_owned()),
        Format::Json => serde_json::from_slice(body)
            .map_err(|error| format!("it is no message in JSON: {error}")),
        Format::Protobuf => {
            let body = body.strip_prefix(&[0]).ok_or("its message is not the first of the file")?;
            prost::Message::decode(body)
                .map_err(|error| format!("it is no message in Protobuf: {error}"))
        }
    }
}

/// Names the first field in which two messages differ, with both values: expected, then found.
pub fn difference(expected: &LoadTestMessage, found: &LoadTestMessage) -> Option<(String, String)> {
    let fields = |message: &LoadTestMessage| {
        let mut fields = vec![
            ("id".to_owned(), message.id.clone()),
            ("timestamp".to_owned(), message.timestamp.to_string()),
            ("producer_id".to_owned(), message.producer_id.to_string()),
            ("counter".to_owned(), message.counter.to_string()),
            ("user_id".to_owned(), message.user_id.clone()),
            ("event_type".to_owned(), message.event_type.clone()),
        ];
        let properties = message.properties.iter();
        fields
            .extend(properties.map(|(name, value)| (format!("properties.{name}"), value.clone())));
        fields
    };
    let (expected, found) = (fields(expected), fields(found));
    if expected.len() != found.len() {
        let count = |fields: &[_]| format!("{} properties", fields.len() - 6);
        return Some((count(&expected), count(&found)));
    }
    let (one, other) = expected.into_iter().zip(found).find(|(one, other)| one != other)?;
    Some(show(one, other))
}

/// Both values from a little before where they part.
fn show(expected: (String, String), found: (String, String)) -> (String, String) {
    let equal = expected.1.bytes().zip(found.1.bytes()).take_while(|(a, b)| a == b).count();
    let cut = |(name, value): (String, String)| {
        let from = value.floor_char_boundary(equal.saturating_sub(8));
        let to = value.floor_char_boundary((from + 48).min(value.len()));
        let dots = |cut: bool| if cut { "..." } else { "" };
        format!("{name}={}{}{}", dots(from > 0), &value[from..to], dots(to < value.len()))
    };
    (cut(expected), cut(found))
}

fn avro(mut body: &[u8]) -> Option<LoadTestMessage> {
    let rest = &mut body;
    let string = |rest: &mut &[u8]| String::from_utf8(avro_string(rest)?.to_vec()).ok();
    let mut message = LoadTestMessage {
        id: string(rest)?,
        timestamp: unzigzag(varint(rest)?),
        producer_id: i32::try_from(unzigzag(varint(rest)?)).ok()?,
        counter: unzigzag(varint(rest)?),
        user_id: string(rest)?,
        event_type: string(rest)?,
        properties: BTreeMap::new(),
    };
    loop {
        let mut count = unzigzag(varint(rest)?);
        if count < 0 {
            // A block of which also the size is told.
            (count, _) = (count.checked_neg()?, varint(rest)?);
        }
        if count == 0 {
            return rest.is_empty().then_some(message);
        }
        for _ in 0..count {
            let name = string(rest)?;
            message.properties.insert(name, string(rest)?);
        }
    }
}

fn avro_string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let bytes = u64::try_from(unzigzag(varint(rest)?)).ok()?;
    take(rest, bytes)
}

fn take<'a>(rest: &mut &'a [u8], bytes: u64) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(usize::try_from(bytes).ok()?)?;
    *rest = left;
    Some(taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for (at, byte) in rest.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *rest = &rest[at + 1..];
            return Some(value);
        }
    }
    None
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// A number as it is written, in 19 digits at most so that it cannot overflow.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + u64::from(digit - b'0'))
    })
}
