//! How long a registry of so many subjects takes to load, and how much memory it then has.
//!
//!     cargo run --release -p tidegate-machine --example schemas_load -- 20000

use std::time::Instant;
use tidegate_machine::schema::{
    QualifiedSubject, Record, SchemaEntity, SchemaMachine, SchemaValue, Settings,
};
use tidegate_machine::{Machine, Now};
use tidegate_schema::SchemaType;

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let records: Vec<_> = (1..=count).map(|id| record(id).encode()).collect();
    let bytes: usize =
        records.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, |v| v.len())).sum();
    let before = resident_bytes();
    let begun = Instant::now();
    let mut machine = SchemaMachine::new(Settings::default());
    let now = Now { steady_ms: 0, wall_ms: 0 };
    for (offset, (key, value)) in records.iter().enumerate() {
        let record = Record::decode(Some(key), value.as_deref()).expect("it was just encoded");
        machine.replaying(offset as i64, 0);
        machine.replay(now, &record);
    }
    let elapsed = begun.elapsed();
    let grown = resident_bytes().saturating_sub(before);
    let registry = machine.registry();
    println!(
        "{} subjects, {} versions, {bytes} bytes of records: {elapsed:?}, {grown} bytes more resident",
        registry.subject_count(),
        registry.version_count(),
    );
}

/// An Avro schema of some ten fields under a subject of its own.
fn record(id: i32) -> Record {
    let fields: Vec<String> = (0..10)
        .map(|field| {
            format!(r#"{{"name":"field_{field}_{id}","type":["null","string"],"default":null}}"#)
        })
        .collect();
    let text = format!(
        r#"{{"type":"record","name":"Event{id}","namespace":"com.example.events","fields":[{}]}}"#,
        fields.join(",")
    );
    let entity = SchemaEntity::of_text(SchemaType::Avro, text);
    let value = SchemaValue { id, deleted: false, entity, md5: None };
    let subject = QualifiedSubject::parse(&format!("com.example.topic-{id}-value"));
    Record::Schema { subject, version: 1, value: Some(value) }
}

/// Bytes of memory that the process has, where the system tells.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}
