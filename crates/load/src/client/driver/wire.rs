//! The lines that a driver and the load test write to each other; `tests/clients/load/README.md`
//! describes them.

use crate::client::{ClientError, ConsumerSpec, Outgoing, ProducerSpec, Reads};
use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// The protocol's version, as a driver's first line tells it.
pub(super) const PROTOCOL: u32 = 1;

/// A command but `send`, whose records are written one by one.
#[derive(Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Command<'a> {
    Producer {
        id: u64,
        config: BTreeMap<&'a str, &'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        transactional_id: Option<&'a str>,
    },
    Consumer {
        id: u64,
        config: BTreeMap<&'a str, &'a str>,
        #[serde(flatten)]
        reads: CommandReads<'a>,
    },
    Init {
        id: u64,
        timeout_ms: u64,
    },
    Begin {
        id: u64,
        timeout_ms: u64,
    },
    Commit {
        id: u64,
        timeout_ms: u64,
    },
    Abort {
        id: u64,
        timeout_ms: u64,
    },
    Close {
        id: u64,
    },
}

/// What a consumer is told to read.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum CommandReads<'a> {
    Group { group: &'a str, topics: &'a [String] },
    Partitions { partitions: &'a [(String, i32)] },
}

impl<'a> Command<'a> {
    pub(super) fn producer(
        id: u64,
        base: &'a [(String, String)],
        spec: &'a ProducerSpec,
    ) -> Command<'a> {
        Command::Producer {
            id,
            config: config(base, &spec.properties, &spec.client_id),
            transactional_id: spec.transactional_id.as_deref(),
        }
    }

    pub(super) fn consumer(
        id: u64,
        base: &'a [(String, String)],
        spec: &'a ConsumerSpec,
    ) -> Command<'a> {
        let reads = match &spec.reads {
            Reads::Group { group, topics } => CommandReads::Group { group, topics },
            Reads::Partitions(partitions) => CommandReads::Partitions { partitions },
        };
        Command::Consumer { id, config: config(base, &spec.properties, &spec.client_id), reads }
    }

    pub(super) fn line(&self) -> Vec<u8> {
        json(self)
    }
}

/// Of two properties with the same name the later one counts.
fn config<'a>(
    base: &'a [(String, String)],
    own: &'a [(String, String)],
    client_id: &'a str,
) -> BTreeMap<&'a str, &'a str> {
    let all = base.iter().chain(own).map(|(name, value)| (name.as_str(), value.as_str()));
    std::iter::once(("client.id", client_id)).chain(all).collect()
}

/// A timeout as commands carry it.
pub(super) fn millis(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)
}

/// A record, as one of those of a `send`.
pub(super) fn record(record: &Outgoing<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Record<'a> {
        token: u64,
        topic: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        partition: Option<i32>,
        key: Option<Out<'a>>,
        value: Out<'a>,
        headers: Vec<(&'a str, Out<'a>)>,
        timestamp: i64,
    }
    json(&Record {
        token: record.token,
        topic: record.topic,
        partition: record.partition,
        key: record.key.map(Out),
        value: Out(record.value),
        headers: record.headers.iter().map(|(name, value)| (name.as_str(), Out(value))).collect(),
        timestamp: record.timestamp_ms,
    })
}

/// The line that sends records which [`record`] has written.
pub(super) fn send(id: u64, records: &[Vec<u8>], out: &mut Vec<u8>) {
    out.extend_from_slice(format!(r#"{{"do":"send","id":{id},"records":["#).as_bytes());
    for (i, record) in records.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(record);
    }
    out.extend_from_slice(b"]}\n");
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("maps with names as keys and no other can be written")
}

/// Bytes on their way out.
struct Out<'a>(&'a [u8]);

impl Serialize for Out<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// Bytes that came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct In(pub Vec<u8>);

impl<'de> Deserialize<'de> for In {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<In, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_ref()).map(In).map_err(D::Error::custom)
    }
}

/// An event.
#[derive(Deserialize, Debug)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    Hello { client: String, protocol: u32 },
    Done { id: u64 },
    Failed { id: u64, error: Failure },
    Delivered { id: u64, acks: Vec<(u64, i32, i64)> },
    Undelivered { id: u64, token: u64, error: Failure, maybe_written: bool },
    Records { id: u64, records: Vec<Record> },
    Assigned { id: u64, partitions: Vec<(String, i32)> },
    Revoked { id: u64, partitions: Vec<(String, i32)> },
    Trouble { id: u64, error: Failure },
    Closed { id: u64 },
}

/// What went wrong.
#[derive(Deserialize, Debug)]
pub(super) struct Failure {
    code: String,
    message: String,
    fatal: bool,
}

impl From<Failure> for ClientError {
    fn from(failure: Failure) -> ClientError {
        ClientError { code: failure.code, message: failure.message, fatal: failure.fatal }
    }
}

/// A record that was read.
#[derive(Deserialize, Debug)]
pub(super) struct Record {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    /// Whether the broker set the time.
    #[serde(default)]
    pub appended: bool,
    pub key: Option<In>,
    pub value: Option<In>,
    pub headers: Vec<(String, Option<In>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_readme() {
        let spec = ProducerSpec {
            client_id: "p-0".into(),
            transactional_id: None,
            properties: vec![("acks".into(), "1".into()), ("acks".into(), "all".into())],
        };
        let line =
            Command::producer(3, &[("bootstrap.servers".into(), "h:1".into())], &spec).line();
        let expected = r#"{"do":"producer","id":3,"config":{"acks":"all","bootstrap.servers":"h:1","client.id":"p-0"}}"#;
        assert_eq!(String::from_utf8(line).expect("it is text"), expected);

        let reads = Reads::Partitions(vec![("t".into(), 2)]);
        let spec = ConsumerSpec { client_id: "c".into(), reads, properties: Vec::new() };
        let line = Command::consumer(4, &[], &spec).line();
        let expected =
            r#"{"do":"consumer","id":4,"config":{"client.id":"c"},"partitions":[["t",2]]}"#;
        assert_eq!(String::from_utf8(line).expect("it is text"), expected);

        let out = Outgoing {
            topic: "t",
            partition: None,
            key: None,
            value: b"v\0",
            headers: &[("h".to_owned(), b"1".to_vec())],
            timestamp_ms: 5,
            token: 6,
        };
        let mut line = Vec::new();
        send(7, &[record(&out), record(&out)], &mut line);
        let one = r#"{"token":6,"topic":"t","key":null,"value":"dgA=","headers":[["h","MQ=="]],"timestamp":5}"#;
        let expected = format!("{{\"do\":\"send\",\"id\":7,\"records\":[{one},{one}]}}\n");
        assert_eq!(String::from_utf8(line).expect("it is text"), expected);
    }

    #[test]
    fn records_come_in_with_nulls_as_nulls() {
        let line = r#"{"event":"records","id":1,"records":[{"topic":"t","partition":0,"offset":9,
            "timestamp":-1,"key":null,"value":"dgA=","headers":[["h",null],["i",""]]}]}"#;
        let Ok(Event::Records { records, .. }) = serde_json::from_str(line) else {
            panic!("it is an event");
        };
        assert_eq!((&records[0].key, &records[0].value), (&None, &Some(In(b"v\0".to_vec()))));
        let headers = [("h".to_owned(), None), ("i".to_owned(), Some(In(Vec::new())))];
        assert_eq!(records[0].headers, headers);
    }
}
