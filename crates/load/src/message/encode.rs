//! The three encodings, written by hand: a message has always the same fields, and a load test that
//! spends its time in a serializer measures the serializer.

use super::content::checksum;
use super::{COUNTER_MAX, content};
use crate::plan::{Format, Plan};

/// The fields of a message but its padding.
pub(super) struct Fields<'a> {
    pub(super) id: &'a [u8],
    pub(super) timestamp: i64,
    pub(super) producer: u32,
    pub(super) counter: u64,
    pub(super) user: &'a [u8],
    pub(super) event: &'static str,
}

/// Names of properties. The order is that of their encoding.
pub(super) const FILL: &str = "fill";
pub(super) const PAD: &str = "pad";
pub(super) const SUM: &str = "sum";
const SUM_BYTES: usize = 16;

/// Magic byte and schema id, and the index of the message in a Protobuf file.
const fn framing_bytes(format: Format) -> usize {
    match format {
        Format::Avro | Format::Json => 5,
        Format::Protobuf => 6,
    }
}

fn frame(to: &mut Vec<u8>, format: Format, schema_id: u32) {
    to.clear();
    to.push(0);
    to.extend_from_slice(&schema_id.to_be_bytes());
    if format == Format::Protobuf {
        to.push(0);
    }
}

/// The smallest size that every value of a plan can have.
pub(super) fn size_min(format: Format, plan: &Plan) -> u32 {
    let counter = match plan.records_due() {
        Some(records) => (records / u64::from(plan.producers)).min(COUNTER_MAX - 1),
        None => COUNTER_MAX - 1,
    };
    let producer = plan.producers - 1;
    let mut id = Vec::new();
    put_id(&mut id, 0, producer, counter);
    let longest = content::EVENTS.iter().max_by_key(|event| event.len());
    let fields = Fields {
        id: &id,
        timestamp: 9_999_999_999_999_999,
        producer,
        counter,
        user: b"user-000000",
        event: longest.expect("there are events"),
    };
    size(format, &fields, 1, 0) as u32
}

/// Encodes a key.
pub(super) fn key(to: &mut Vec<u8>, format: Format, schema_id: u32, user: &[u8]) {
    frame(to, format, schema_id);
    match format {
        Format::Avro => put_avro_string(to, user),
        Format::Json => put_json_string(to, user),
        Format::Protobuf => put_protobuf_string(to, 1, user),
    }
}

/// Encodes a value of exactly `bytes` bytes; `pad` appends so many letters of padding.
pub(super) fn value(
    to: &mut Vec<u8>,
    format: Format,
    schema_id: u32,
    fields: &Fields<'_>,
    bytes: usize,
    pad: impl FnOnce(&mut Vec<u8>, usize),
) {
    let (fill, padding) = padding(format, fields, bytes);
    frame(to, format, schema_id);
    let fill = &b"xxx"[..fill];
    // The checksum comes after the padding, so that it is made of the bytes that are there.
    let pad = |to: &mut Vec<u8>| {
        let start = to.len();
        pad(to, padding);
        checksum(fields.id, fields.timestamp, fields.user, fields.event.as_bytes(), &to[start..])
    };
    match format {
        Format::Avro => avro(to, fields, fill, padding, pad),
        Format::Json => json(to, fields, fill, pad),
        Format::Protobuf => protobuf(to, fields, fill, padding, pad),
    }
    debug_assert_eq!(to.len(), bytes);
}

/// How long the padding is. Where a longer padding would need a longer length before it, the wanted
/// size can lie between: then `fill` takes up what is missing, one or two bytes.
fn padding(format: Format, fields: &Fields<'_>, bytes: usize) -> (usize, usize) {
    let mut pad = bytes.saturating_sub(size(format, fields, 1, 0));
    while pad > 0 && size(format, fields, 1, pad) > bytes {
        pad -= 1;
    }
    let missing = bytes.saturating_sub(size(format, fields, 1, pad));
    ((1 + missing).min(3), pad)
}

fn size(format: Format, fields: &Fields<'_>, fill: usize, pad: usize) -> usize {
    let texts = fields.id.len() + fields.user.len() + fields.event.len();
    let properties = [(FILL, fill), (PAD, pad), (SUM, SUM_BYTES)];
    let body = match format {
        Format::Avro => {
            let string = |bytes: usize| varint_len(2 * bytes as u64) + bytes;
            string(fields.id.len())
                + varint_len(zigzag(fields.timestamp))
                + varint_len(zigzag(i64::from(fields.producer)))
                + varint_len(zigzag(fields.counter as i64))
                + string(fields.user.len())
                + string(fields.event.len())
                + properties
                    .map(|(name, value)| string(name.len()) + string(value))
                    .iter()
                    .sum::<usize>()
                + 2
        }
        Format::Json => {
            let names = r#"{"id":"","timestamp":,"producer_id":,"counter":,"user_id":"","event_type":"","properties":{"fill":"","pad":"","sum":""}}"#;
            let numbers = decimal_len(fields.timestamp as u64)
                + decimal_len(u64::from(fields.producer))
                + decimal_len(fields.counter);
            names.len() + texts + numbers + fill + pad + SUM_BYTES
        }
        Format::Protobuf => {
            let string = |bytes: usize| 1 + varint_len(bytes as u64) + bytes;
            let number = |value: u64| if value == 0 { 0 } else { 1 + varint_len(value) };
            string(fields.id.len())
                + number(fields.timestamp as u64)
                + number(u64::from(fields.producer))
                + number(fields.counter)
                + string(fields.user.len())
                + string(fields.event.len())
                + properties
                    .map(|(name, value)| string(entry_len(name, value)))
                    .iter()
                    .sum::<usize>()
        }
    };
    framing_bytes(format) + body
}

fn avro(
    to: &mut Vec<u8>,
    fields: &Fields<'_>,
    fill: &[u8],
    padding: usize,
    pad: impl FnOnce(&mut Vec<u8>) -> u64,
) {
    put_avro_string(to, fields.id);
    put_varint(to, zigzag(fields.timestamp));
    put_varint(to, zigzag(i64::from(fields.producer)));
    put_varint(to, zigzag(fields.counter as i64));
    put_avro_string(to, fields.user);
    put_avro_string(to, fields.event.as_bytes());
    // A map is blocks of entries, each with their number before it, and a zero.
    put_varint(to, zigzag(3));
    put_avro_string(to, FILL.as_bytes());
    put_avro_string(to, fill);
    put_avro_string(to, PAD.as_bytes());
    put_varint(to, 2 * padding as u64);
    let sum = pad(to);
    put_avro_string(to, SUM.as_bytes());
    put_avro_string(to, &hex(sum));
    to.push(0);
}

fn json(to: &mut Vec<u8>, fields: &Fields<'_>, fill: &[u8], pad: impl FnOnce(&mut Vec<u8>) -> u64) {
    to.extend_from_slice(br#"{"id":"#);
    put_json_string(to, fields.id);
    to.extend_from_slice(br#","timestamp":"#);
    put_decimal(to, fields.timestamp as u64);
    to.extend_from_slice(br#","producer_id":"#);
    put_decimal(to, u64::from(fields.producer));
    to.extend_from_slice(br#","counter":"#);
    put_decimal(to, fields.counter);
    to.extend_from_slice(br#","user_id":"#);
    put_json_string(to, fields.user);
    to.extend_from_slice(br#","event_type":"#);
    put_json_string(to, fields.event.as_bytes());
    to.extend_from_slice(br#","properties":{"fill":"#);
    put_json_string(to, fill);
    to.extend_from_slice(br#","pad":""#);
    let sum = pad(to);
    to.extend_from_slice(br#"","sum":"#);
    put_json_string(to, &hex(sum));
    to.extend_from_slice(b"}}");
}

fn protobuf(
    to: &mut Vec<u8>,
    fields: &Fields<'_>,
    fill: &[u8],
    padding: usize,
    pad: impl FnOnce(&mut Vec<u8>) -> u64,
) {
    put_protobuf_string(to, 1, fields.id);
    put_protobuf_number(to, 2, fields.timestamp as u64);
    put_protobuf_number(to, 3, u64::from(fields.producer));
    put_protobuf_number(to, 4, fields.counter);
    put_protobuf_string(to, 5, fields.user);
    put_protobuf_string(to, 6, fields.event.as_bytes());
    // An entry of a map is a message of a key and a value.
    let entry = |to: &mut Vec<u8>, name: &str, bytes: usize| {
        to.push(7 << 3 | 2);
        put_varint(to, entry_len(name, bytes) as u64);
        put_protobuf_string(to, 1, name.as_bytes());
        to.push(2 << 3 | 2);
        put_varint(to, bytes as u64);
    };
    entry(to, FILL, fill.len());
    to.extend_from_slice(fill);
    entry(to, PAD, padding);
    let sum = pad(to);
    entry(to, SUM, SUM_BYTES);
    to.extend_from_slice(&hex(sum));
}

fn entry_len(name: &str, value: usize) -> usize {
    2 + varint_len(name.len() as u64) + name.len() + varint_len(value as u64) + value
}

fn put_avro_string(to: &mut Vec<u8>, text: &[u8]) {
    put_varint(to, 2 * text.len() as u64);
    to.extend_from_slice(text);
}

/// Only for texts that need no escaping, and all texts here are such.
fn put_json_string(to: &mut Vec<u8>, text: &[u8]) {
    to.push(b'"');
    to.extend_from_slice(text);
    to.push(b'"');
}

fn put_protobuf_string(to: &mut Vec<u8>, field: u8, text: &[u8]) {
    to.push(field << 3 | 2);
    put_varint(to, text.len() as u64);
    to.extend_from_slice(text);
}

/// Zero is the default and is left out, as every encoder of proto3 does.
fn put_protobuf_number(to: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        to.push(field << 3);
        put_varint(to, value);
    }
}

/// `RUN-PRODUCER-COUNTER`.
pub(super) fn put_id(to: &mut Vec<u8>, run: u64, producer: u32, counter: u64) {
    to.extend_from_slice(&hex(run));
    to.push(b'-');
    put_decimal(to, u64::from(producer));
    to.push(b'-');
    put_decimal(to, counter);
}

/// 16 digits.
pub(super) fn hex(value: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (at, digit) in digits.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(value >> (60 - 4 * at)) as usize & 0xf];
    }
    digits
}

pub(super) fn put_decimal(to: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    to.extend_from_slice(&digits[at..]);
}

const fn decimal_len(value: u64) -> usize {
    match value.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

const fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}
