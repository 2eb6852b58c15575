//! What a scenario observed, as text in which nothing is left to chance: what a broker makes up
//! (ids, times, its address) stands there as a placeholder, numbered by order of appearance.

use crate::print::{Value, lines};
use crate::target::Target;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tidegate_model::{BATCH_HEADER_LEN, BatchHeader, Batches, ErrorCode, Records};

/// Sections of observations. A section is one version's part of a loop over versions; sections that
/// say the same are told once.
#[derive(Debug)]
pub struct Transcript {
    target: Arc<Target>,
    sections: Vec<Section>,
    /// Random names of the scenario, and what is shown for them.
    aliases: Vec<(String, String)>,
    /// Made-up values of this section, by kind.
    seen: Vec<(&'static str, String)>,
}

#[derive(Debug, Default)]
struct Section {
    version: Option<i16>,
    body: Vec<String>,
}

/// Times this close to the present are the present.
const NOW_MS: i64 = 86_400_000;

impl Transcript {
    pub fn new(target: Arc<Target>) -> Self {
        let sections = vec![Section::default()];
        Transcript { target, sections, aliases: Vec::new(), seen: Vec::new() }
    }

    /// Begins the part of a version.
    pub fn begin_version(&mut self, version: i16) {
        self.sections.push(Section { version: Some(version), body: Vec::new() });
        self.seen.clear();
    }

    /// Ends a loop over versions.
    pub fn end_versions(&mut self) {
        self.sections.push(Section::default());
        self.seen.clear();
    }

    /// Shows `shown` wherever `name` stands.
    pub fn alias(&mut self, name: &str, shown: &str) {
        self.aliases.push((name.to_owned(), shown.to_owned()));
    }

    /// The heading of an exchange. Its version is left out where the section tells it.
    pub fn request(&mut self, connection: usize, name: &str, version: i16) {
        let connection = if connection > 1 { format!("[{connection}] ") } else { String::new() };
        let section = self.section();
        let version = match section.version {
            Some(of_section) if of_section == version => String::new(),
            _ => format!(" v{version}"),
        };
        section.body.push(format!("> {connection}{name}{version}"));
    }

    /// Anything that has a `Debug` form, normalized.
    pub fn value(&mut self, value: &impl Debug) {
        self.tree(Value::of(value));
    }

    pub fn tree(&mut self, mut value: Value) {
        value.each("", &mut |field, value| self.normalize(field, value));
        let lines = lines(&value);
        self.section().body.extend(lines);
    }

    /// A line of the scenario's own.
    pub fn note(&mut self, text: &str) {
        let text = self.normal_text(text);
        self.section().body.push(text);
    }

    fn section(&mut self) -> &mut Section {
        self.sections.last_mut().expect("there is a section from the beginning")
    }

    /// All of it. Neighbouring versions with the same answers share one section.
    pub fn text(&self) -> String {
        let mut merged: Vec<(Vec<i16>, &[String])> = Vec::new();
        for section in self.sections.iter().filter(|section| !section.body.is_empty()) {
            match (merged.last_mut(), section.version) {
                (Some((versions, body)), Some(version))
                    if !versions.is_empty() && *body == section.body =>
                {
                    versions.push(version);
                }
                _ => merged.push((section.version.into_iter().collect(), &section.body)),
            }
        }
        let mut text = String::new();
        for (versions, body) in merged {
            if let (Some(first), Some(last)) = (versions.first(), versions.last()) {
                let range = if first == last { String::new() } else { format!(" to v{last}") };
                text.push_str(&format!("== v{first}{range}\n"));
            }
            for line in body {
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }

    fn normalize(&mut self, field: &str, value: &mut Value) {
        match value {
            Value::Fields(fields) => fields.retain(|(name, value)| match name.as_str() {
                "unknown_tagged_fields" => *value != Value::Fields(Vec::new()),
                "throttle_time_ms" => *value != Value::Word("0".to_owned()),
                _ => true,
            }),
            Value::Word(word) => *word = self.normal_word(field, word),
            Value::Text(text) if field == "host" && *text == self.target.host => {
                *value = Value::Word("<host>".to_owned());
            }
            Value::Text(text) if field == "cluster_id" && *text == self.target.cluster_id => {
                *value = Value::Word("<cluster>".to_owned());
            }
            Value::Text(text) => *text = self.normal_text(text),
            Value::Bytes(bytes) if field == "records" => *value = batches(bytes),
            Value::Bytes(_) | Value::Null | Value::List(_) => {}
        }
    }

    fn normal_word(&mut self, field: &str, word: &str) -> String {
        if is_uuid(word) {
            return self.id(word);
        }
        // `TopicId` shows itself without hyphens.
        if word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let (a, b, c) = (&word[..8], &word[8..12], &word[12..16]);
            return self.id(&format!("{a}-{b}-{c}-{}-{}", &word[16..20], &word[20..]));
        }
        let Ok(number) = word.parse::<i64>() else { return word.to_owned() };
        let is_node = field.ends_with("node_id")
            || field.ends_with("leader_id")
            || field.ends_with("controller_id")
            || field.ends_with("_nodes")
            || field == "broker_ids"
            || field == "broker_id";
        if field.ends_with("error_code") {
            let known = i16::try_from(number).ok().and_then(ErrorCode::from_code);
            return known.map_or(word.to_owned(), |code| code.name().to_owned());
        }
        if is_node && number == i64::from(self.target.node_id) {
            return "<node>".to_owned();
        }
        if field == "port" && number == i64::from(self.target.port) {
            return "<port>".to_owned();
        }
        if field.ends_with("producer_id") && number >= 0 {
            return self.placeholder("producer", word);
        }
        if field == "session_id" && number > 0 {
            return self.placeholder("session", word);
        }
        if field.contains("time") && (number - now_ms()).abs() < NOW_MS {
            return "<now>".to_owned();
        }
        word.to_owned()
    }

    /// Text with the scenario's names and with ids as placeholders.
    fn normal_text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, shown) in &self.aliases {
            text = text.replace(name, shown);
        }
        text = with_times(&text);
        let found: Vec<String> = (0..text.len())
            .filter_map(|at| text.get(at..at + 36))
            .filter(|part| is_uuid(part))
            .map(str::to_owned)
            .collect();
        for id in found {
            let shown = self.id(&id);
            text = text.replace(&id, &shown);
        }
        let ids = self.seen.iter().filter(|(kind, _)| *kind == "id").enumerate();
        for (index, (_, id)) in ids {
            text = text.replace(&short_id(id), &format!("<id {}>", index + 1));
        }
        text
    }

    /// The placeholder of a UUID. Zero stays, for it means that there is none.
    fn id(&mut self, id: &str) -> String {
        if id.bytes().all(|byte| matches!(byte, b'0' | b'-')) {
            return "0".to_owned();
        }
        self.placeholder("id", id)
    }

    fn placeholder(&mut self, kind: &'static str, value: &str) -> String {
        if !self.seen.iter().any(|seen| seen.0 == kind && seen.1 == value) {
            self.seen.push((kind, value.to_owned()));
        }
        let mut of_kind = self.seen.iter().filter(|seen| seen.0 == kind);
        let index = of_kind.position(|seen| seen.1 == value).expect("it has been seen");
        format!("<{kind} {}>", index + 1)
    }
}

/// Numbers that are times near the present, or as long before it as a range can reach, as placeholders.
fn with_times(text: &str) -> String {
    let is_near = |number: i64| number.wrapping_sub(now_ms()).unsigned_abs() < NOW_MS as u64;
    let mut shown = text.to_owned();
    for part in text.split(|c: char| !c.is_ascii_digit() && c != '-') {
        let Ok(number) = part.parse::<i64>() else { continue };
        if is_near(number) {
            shown = shown.replace(part, "<now>");
        } else if is_near(number.wrapping_add(i64::MAX)) {
            shown = shown.replace(part, "<now - 2^63>");
        }
    }
    shown
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("the clock is past 1970").as_millis() as i64
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The UUID as Kafka writes it in messages: 22 characters of base 64, URL safe, without padding.
pub fn short_id(uuid: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let uuid = u128::from_str_radix(&uuid.replace('-', ""), 16).unwrap_or_default();
    let digit =
        |at: u32| DIGITS[(if at < 21 { uuid >> (122 - 6 * at) } else { uuid << 4 }) as usize & 63];
    (0..22).map(|at| char::from(digit(at))).collect()
}

/// Fetched bytes as batches and records; as they are where they are not whole, uncompressed batches.
fn batches(bytes: &[u8]) -> Value {
    let mut rows = Vec::new();
    for batch in Batches::new(bytes) {
        let Ok((at, header)) = batch else { return Value::Bytes(bytes.to_vec()) };
        rows.push(Value::Fields(batch_row(&header, &bytes[at..at + header.len])));
    }
    Value::List(rows)
}

fn batch_row(header: &BatchHeader, batch: &[u8]) -> Vec<(String, Value)> {
    let mut row = vec![
        number("base_offset", header.base_offset),
        number("last_offset_delta", i64::from(header.last_offset_delta)),
        number("leader_epoch", i64::from(header.leader_epoch)),
        number("attributes", i64::from(header.attributes.0)),
        number("base_timestamp", header.base_timestamp),
        number("max_timestamp", header.max_timestamp),
        number("producer_id", header.producer_id),
        number("producer_epoch", i64::from(header.producer_epoch)),
        number("base_sequence", i64::from(header.base_sequence)),
    ];
    let records: Result<Vec<Value>, _> = Records::of_batch(header, batch)
        .map(|record| record.map(|record| record_row(&record)))
        .collect();
    row.push(match records {
        Ok(rows) if header.attributes.0 & 7 == 0 => ("rows".to_owned(), Value::List(rows)),
        _ => ("payload".to_owned(), Value::Bytes(batch[BATCH_HEADER_LEN..].to_vec())),
    });
    row
}

fn record_row(record: &tidegate_model::Record<'_>) -> Value {
    let data = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => Value::Bytes(bytes.to_vec()),
        None => Value::Null,
    };
    let header = |header: &tidegate_model::RecordHeader<'_>| {
        Value::List(vec![data(Some(header.key)), data(header.value)])
    };
    Value::Fields(vec![
        number("offset_delta", i64::from(record.offset_delta)),
        number("timestamp", record.timestamp),
        ("key".to_owned(), data(record.key)),
        ("value".to_owned(), data(record.value)),
        ("headers".to_owned(), Value::List(record.headers.iter().map(header).collect())),
    ])
}

fn number(name: &str, value: i64) -> (String, Value) {
    (name.to_owned(), Value::Word(value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn transcript() -> Transcript {
        Transcript::new(Arc::new(Target {
            address: "127.0.0.1:9".parse().expect("an address"),
            node_id: 5,
            cluster_id: "abc".to_owned(),
            host: "here".to_owned(),
            port: 9,
            versions: BTreeMap::new(),
        }))
    }

    #[derive(Debug)]
    #[allow(dead_code, reason = "only its Debug form is looked at")]
    struct Answer {
        error_code: i16,
        topic_id: uuid::Uuid,
        message: String,
        leader_id: i32,
        host: &'static str,
        at_time: i64,
        throttle_time_ms: i32,
    }

    fn answer(id: uuid::Uuid) -> Answer {
        let message = format!("topic t-17 has the id {}", short_id(&id.to_string()));
        let (leader_id, at_time) = (5, now_ms() - 20);
        Answer {
            error_code: 3,
            topic_id: id,
            message,
            leader_id,
            host: "here",
            at_time,
            throttle_time_ms: 0,
        }
    }

    #[test]
    fn what_a_broker_makes_up_becomes_a_placeholder() {
        let mut transcript = transcript();
        transcript.alias("t-17", "t");
        let id = uuid::Uuid::new_v4();
        transcript.value(&answer(id));
        transcript.value(&(tidegate_model::TopicId(id), tidegate_model::TopicId::ZERO));
        assert_eq!(
            transcript.text(),
            "error_code: UNKNOWN_TOPIC_OR_PARTITION, topic_id: <id 1>, \
             message: \"topic t has the id <id 1>\"\nleader_id: <node>, host: <host>, at_time: <now>\n\
             [<id 1>, 0]\n"
        );
    }

    #[test]
    fn versions_that_answer_the_same_are_told_once() {
        let mut transcript = transcript();
        for version in 0..=3 {
            transcript.begin_version(version);
            transcript.request(1, "Any", version);
            transcript.value(&(version == 3, uuid::Uuid::new_v4()));
        }
        transcript.end_versions();
        transcript.request(2, "Other", 1);
        let text =
            "== v0 to v2\n> Any\n[false, <id 1>]\n== v3\n> Any\n[true, <id 1>]\n> [2] Other v1\n";
        assert_eq!(transcript.text(), text);
    }

    #[test]
    fn times_near_the_present_in_messages_become_a_placeholder() {
        let now = now_ms();
        let long_ago = now.wrapping_sub(i64::MAX);
        let text = format!("{now} is not in [{long_ago}, {}], 5 -7", now + 5);
        assert_eq!(with_times(&text), "<now> is not in [<now - 2^63>, <now>], 5 -7");
    }

    #[test]
    fn ids_in_messages_are_written_as_kafka_writes_them() {
        // Uuid.toString of Kafka's clients for this very id.
        assert_eq!(short_id("4f5bbbd5-a9b4-4dc3-9c2a-000000000001"), "T1u71am0TcOcKgAAAAAAAQ");
    }
}
