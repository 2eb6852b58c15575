//! What is wrong with one record: the comparison of its bytes with what they must be.

use super::faults::Wanted;
use super::{FaultKind, Received, Timestamp};
use crate::message::{COUNTER_MAX, Run};
use crate::message::{Claim, Encoded, Encoder, HEADER_RECORD, decode, difference, schema_id};
use crate::plan::Format;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Compares records with what they must be. Each thread has its own.
#[derive(Debug)]
pub(super) struct Inspector {
    encoder: Encoder,
    wanted: Arc<Wanted>,
    /// How many records each producer has sent so far: a larger counter is a damaged one.
    sent: Arc<[AtomicU64]>,
}

/// What is wrong with a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Flaw {
    pub(super) kind: FaultKind,
    /// What was expected, and what was found; only while examples are wanted.
    pub(super) shown: Option<(String, String)>,
}

/// Which record it is, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) claim: Option<Claim>,
    pub(super) flaws: Vec<Flaw>,
}

impl Inspector {
    pub(super) fn new(run: Arc<Run>, wanted: Arc<Wanted>, sent: Arc<[AtomicU64]>) -> Inspector {
        Inspector { encoder: Encoder::new(run), wanted, sent }
    }

    /// Which record it is, by its value or, where that is broken, by its header; and what is wrong.
    pub(super) fn inspect<'h>(
        &mut self,
        record: Received<'_>,
        headers: impl Iterator<Item = (&'h str, Option<&'h [u8]>)> + Clone,
    ) -> Finding {
        let format = self.encoder.run().format(record.topic);
        let says = record.value.and_then(|value| Claim::of_value(format, value));
        let own = says.filter(|claim| self.may_be_ours(claim));
        if let Some(claim) = own {
            let must = self.encoder.encode(claim.producer, claim.counter, claim.timestamp_us);
            if record.value == Some(must.value) {
                let flaws = rest_of(record, headers, &must, &self.wanted);
                return Finding { claim: own, flaws };
            }
        }
        let header = headers.clone().find(|(name, _)| *name == HEADER_RECORD);
        let header = header.and_then(|(_, value)| Claim::of_header(value?));
        // A value that is not what it says cannot be believed to say what it is, if the header can.
        let claim = header.filter(|claim| self.may_be_ours(claim)).or(own);
        let Some(claim) = claim else { return self.unknown(record, says.or(header)) };
        let run = self.encoder.run();
        let format = run.format(run.topic(claim.producer, claim.counter));
        let must = self.encoder.encode(claim.producer, claim.counter, claim.timestamp_us);
        let mut flaws = rest_of(record, headers, &must, &self.wanted);
        flaws.insert(0, value_flaw(record, format, &must, &self.wanted));
        Finding { claim: Some(claim), flaws }
    }

    fn may_be_ours(&self, claim: &Claim) -> bool {
        // Producers tell what they send in time, but what they say and what a consumer gets cross
        // each other between threads.
        const SLACK: u64 = 4096;
        claim.run == self.encoder.run().id
            && claim.timestamp_us >= 0
            && self.sent.get(claim.producer as usize).is_some_and(|sent| {
                claim.counter < (sent.load(Ordering::Relaxed) + SLACK).min(COUNTER_MAX)
            })
    }

    /// A record that cannot be named: damaged beyond that, or another program's.
    fn unknown(&self, record: Received<'_>, says: Option<Claim>) -> Finding {
        let run = self.encoder.run();
        let ours = |id: u32| run.schemas().topics[record.topic as usize].1 == id;
        let decoded = record.value.map(|value| decode(run.format(record.topic), value));
        let (kind, found) = match (record.value, decoded, says) {
            (None, ..) => (FaultKind::Foreign, "a record without a value".to_owned()),
            (_, Some(Ok(message)), Some(claim)) if message.intact() && claim.run != run.id => {
                (FaultKind::Foreign, format!("record {} of another run", message.id))
            }
            (Some(value), Some(Err(why)), _) if schema_id(value).is_some_and(ours) => {
                (FaultKind::ChangedValue, format!("with its schema's id, but {why}"))
            }
            (Some(value), ..) if schema_id(value).is_some_and(ours) => (
                FaultKind::ChangedValue,
                "a message whose checksum is not that of its fields".into(),
            ),
            (Some(value), ..) => (FaultKind::Foreign, show(value)),
        };
        let shown = || ("a record of this run".to_owned(), found);
        Finding { claim: None, flaws: vec![self.wanted.flaw(kind, shown)] }
    }
}

/// What differs in a value that is not what it must be.
fn value_flaw(record: Received<'_>, format: Format, must: &Encoded<'_>, wanted: &Wanted) -> Flaw {
    let Some(value) = record.value else {
        let shown = || (format!("{} bytes", must.value.len()), "null".to_owned());
        return wanted.flaw(FaultKind::ChangedValue, shown);
    };
    if let Some(flaw) = schema_flaw("value", value, must.value, wanted) {
        return flaw;
    }
    let shown = || {
        if value.len() != must.value.len() {
            let bytes = |value: &[u8]| format!("{} bytes", value.len());
            return (bytes(must.value), bytes(value));
        }
        let message = |value: &[u8]| decode(format, value).ok();
        let fields = message(must.value)
            .zip(message(value))
            .and_then(|(expected, found)| difference(&expected, &found));
        fields.unwrap_or_else(|| differing(must.value, value))
    };
    wanted.flaw(FaultKind::ChangedValue, shown)
}

/// The flaw of bytes that differ in nothing but the schema's id.
fn schema_flaw(what: &str, found: &[u8], must: &[u8], wanted: &Wanted) -> Option<Flaw> {
    let equal = found.len() == must.len() && found.get(5..) == must.get(5..);
    let (is, should) = (schema_id(found)?, schema_id(must)?);
    (equal && is != should).then(|| {
        let shown = || (format!("{what} with schema {should}"), format!("schema {is}"));
        wanted.flaw(FaultKind::WrongSchema, shown)
    })
}

/// What is wrong with everything but the value.
fn rest_of<'h>(
    record: Received<'_>,
    headers: impl Iterator<Item = (&'h str, Option<&'h [u8]>)> + Clone,
    must: &Encoded<'_>,
    wanted: &Wanted,
) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    if record.topic != must.topic {
        let shown = || (format!("topic {}", must.topic), format!("topic {}", record.topic));
        flaws.push(wanted.flaw(FaultKind::WrongPartition, shown));
    }
    if record.key != Some(must.key) {
        let key = record.key.unwrap_or_default();
        flaws.push(schema_flaw("key", key, must.key, wanted).unwrap_or_else(|| {
            let shown = || (show(must.key), record.key.map_or("null".to_owned(), show));
            wanted.flaw(FaultKind::ChangedKey, shown)
        }));
    }
    let expected = must.headers.iter().map(|(name, value)| (name.as_str(), Some(value.as_slice())));
    // Both must live as long for the compiler to compare them.
    let headers = headers.map(|(name, value)| -> Header<'_> { (name, value) });
    if !headers.clone().eq(expected.clone()) {
        let shown =
            || header_difference(&expected.collect::<Vec<_>>(), &headers.collect::<Vec<_>>());
        flaws.push(wanted.flaw(FaultKind::ChangedHeaders, shown));
    }
    let timestamp = match record.timestamp {
        Timestamp::Create(found) if found == must.timestamp_ms => None,
        Timestamp::Create(found) => Some(found.to_string()),
        Timestamp::LogAppend(_) => None,
        Timestamp::Missing => Some("none".to_owned()),
    };
    if let Some(found) = timestamp {
        let shown = || (must.timestamp_ms.to_string(), found);
        flaws.push(wanted.flaw(FaultKind::ChangedTimestamp, shown));
    }
    flaws
}

type Header<'h> = (&'h str, Option<&'h [u8]>);

fn header_difference(expected: &[Header<'_>], found: &[Header<'_>]) -> (String, String) {
    if expected.len() != found.len() {
        let count = |headers: &[Header<'_>]| format!("{} headers", headers.len());
        return (count(expected), count(found));
    }
    let one =
        |(name, value): &Header<'_>| format!("{name}={}", value.map_or("null".to_owned(), show));
    let mut pairs = expected.iter().zip(found).filter(|(expected, found)| expected != found);
    pairs.next().map(|(expected, found)| (one(expected), one(found))).unwrap_or_default()
}

/// Where bytes differ, for those that nobody can decode.
fn differing(must: &[u8], found: &[u8]) -> (String, String) {
    let at = must.iter().zip(found).take_while(|(a, b)| a == b).count();
    let show =
        |bytes: &[u8]| format!("at byte {at}: {}", show(bytes.get(at..).unwrap_or_default()));
    (show(must), show(found))
}

/// Bytes for people: as text with escapes, not too long.
fn show(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(48)];
    let dots = if cut.len() < bytes.len() { "..." } else { "" };
    format!("{}{dots}", cut.escape_ascii())
}
