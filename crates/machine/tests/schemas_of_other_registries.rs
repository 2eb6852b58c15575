//! Topics as other registries write them: Confluent's of three generations, and Karapace's.
//!
//! The samples in `testdata/schemas` are written by hand from what those registries' sources write: one
//! record a line, key and value parted by a tab, `null` for a null value.

use tidegate_machine::schema::{
    Command, CompatibilityLevel, Include, Mode, QualifiedSubject, Record, Registry, SchemaMachine,
    Settings,
};
use tidegate_machine::{Machine, Now, ReplyTo};
use tidegate_schema::{Policy, SchemaType};

/// The registry that a sample gives, with how many of its records were skipped as unknown.
fn load(sample: &str) -> (SchemaMachine, u64) {
    let mut machine = SchemaMachine::new(Settings::default());
    let now = Now { steady_ms: 0, wall_ms: 0 };
    let lines = sample.lines().filter(|line| !line.starts_with('#'));
    for (offset, line) in lines.enumerate() {
        let (key, value) = line.split_once('\t').expect("a tab parts key and value");
        let value = (value != "null").then_some(value.as_bytes());
        match Record::decode(Some(key.as_bytes()), value) {
            Ok(record) => {
                machine.replaying(offset as i64, 1_700_000_000_000 + offset as i64);
                machine.replay(now, &record);
            }
            Err(_) => machine.skipped(),
        }
    }
    let skipped = machine.registry().skipped_records();
    (machine, skipped)
}

fn subject(text: &str) -> QualifiedSubject {
    QualifiedSubject::parse(text)
}

/// Subject, version, id, deleted: all there are.
fn versions(registry: &Registry) -> Vec<(String, i32, i32, bool)> {
    let all = registry.versions_with_prefix(":*:", Include::All, false);
    let row = |held: &std::sync::Arc<tidegate_machine::schema::SchemaVersion>| {
        (held.subject.to_string(), held.version, held.id, held.deleted)
    };
    all.iter().map(row).collect()
}

fn rows(expected: &[(&str, i32, i32, bool)]) -> Vec<(String, i32, i32, bool)> {
    let row = |(subject, version, id, deleted): &(&str, i32, i32, bool)| {
        (subject.to_string(), *version, *id, *deleted)
    };
    expected.iter().map(row).collect()
}

#[test]
fn confluent_5_5_and_older() {
    let (machine, skipped) = load(include_str!("testdata/schemas/confluent-5.5.tsv"));
    let registry = machine.registry();
    assert_eq!(skipped, 0);
    assert_eq!(
        versions(registry),
        rows(&[
            ("gone", 1, 6, true),
            ("json-value", 1, 3, false),
            ("old-value", 1, 1, false),
            ("other", 1, 5, false),
            ("proto-value", 1, 4, false),
            ("user-value", 1, 1, true),
            ("user-value", 2, 2, false),
        ])
    );
    let kind = |of: &str| registry.latest(&subject(of)).expect("it is there").schema.entity.kind;
    assert_eq!(kind("old-value"), SchemaType::Avro);
    assert_eq!(kind("json-value"), SchemaType::Json);
    assert_eq!(kind("proto-value"), SchemaType::Protobuf);
    assert_eq!(registry.referenced_by(&subject("other"), 1), [4]);
    let level = |of: &str| registry.config_in_scope(&subject(of)).compatibility_level;
    assert_eq!(level("json-value"), Some(CompatibilityLevel::Full));
    assert_eq!(level("user-value"), Some(CompatibilityLevel::None));
    assert_eq!(registry.mode(&QualifiedSubject::everything()), Some(Mode::ReadWrite));
    let text = &registry.latest(&subject("user-value")).expect("it is there").schema.entity.text;
    assert!(text.contains("\"naïve\""));
}

#[test]
fn confluent_7() {
    let (mut machine, skipped) = load(include_str!("testdata/schemas/confluent-7.tsv"));
    let delete = Command::DeleteVersion {
        subject: subject("secret-value"),
        version: None,
        permanent: false,
    };
    let now = Now { steady_ms: 0, wall_ms: 0 };
    let (_, value) = machine.step(now, ReplyTo(0), delete).records[0].encode();
    let value = String::from_utf8(value.expect("it is no tombstone").into()).expect("it is JSON");
    assert_eq!(
        value,
        concat!(
            r#"{"subject":"secret-value","version":1,"id":3,"md5":"1B2M2Y8AsgTpgAmY7PhCfg==","#,
            r#""schemaType":"AVRO","metadata":{"properties":{"__enc__":"true","owner":"c2VjcmV0"},"#,
            r#""sensitive":["owner"]},"schema":"{\"type\":\"record\",\"name\":\"User\",\"fields\":"#,
            r#"[{\"name\":\"id\",\"type\":\"long\"}]}","deleted":true}"#
        ),
        "nothing of it is lost"
    );
    let registry = machine.registry();
    assert_eq!(skipped, 0);
    assert_eq!(
        versions(registry),
        rows(&[
            (":.lab:user-value", 1, 1, false),
            ("emoji-😀-value", 1, 5, false),
            ("secret-value", 1, 3, false),
            ("user-value", 1, 1, false),
            ("user-value", 2, 2, false),
        ])
    );
    assert_eq!(registry.contexts(), [".", ".lab"]);
    assert_eq!(registry.max_id(&subject("")), 5, "the id of what is gone counts");
    let latest = registry.latest(&subject("user-value")).expect("it is there");
    let metadata = latest.schema.entity.metadata.as_ref().expect("it has metadata");
    assert_eq!(metadata.properties["owner"], "team \"a\"");
    let secret = registry.latest(&subject("secret-value")).expect("it is there");
    assert_eq!(secret.schema.guid.to_string(), "d41d8cd9-8f00-b204-e980-0998ecf8427e");
    assert_eq!(registry.mode_in_scope(&subject(":.lab:x")), Mode::Import);
    assert_eq!(registry.mode_in_scope(&subject("x")), Mode::ReadWrite);
    let config = registry.config_in_scope(&subject(":.lab:x"));
    assert_eq!(
        (config.normalize, config.compatibility_level),
        (Some(true), Some(CompatibilityLevel::None))
    );
    assert_eq!(registry.resolve_alias(&subject("alias-value")), subject("user-value"));
}

#[test]
fn confluent_8() {
    let (machine, skipped) = load(include_str!("testdata/schemas/confluent-8.tsv"));
    let registry = machine.registry();
    assert_eq!(skipped, 1, "the key type that nobody knows");
    assert_eq!(
        versions(registry),
        rows(&[("user-value", 1, 1, false), ("user-value", 2, 2, false)])
    );
    let latest = registry.latest(&subject("user-value")).expect("it is there");
    let rules = latest.schema.entity.rule_set.as_ref().expect("it has rules");
    assert_eq!(rules.domain_rules[0].expr.as_deref(), Some("message.id > 0"));
    assert_eq!(rules.encoding_rules[0].rule_type.as_deref(), Some("ENCRYPT_PAYLOAD"));
    assert_eq!(rules.enable_at.as_deref(), Some("CLIENT"));
    let config = registry.config_in_scope(&subject("user-value"));
    assert_eq!(config.compatibility_policy, Some(Policy::Lenient));
    assert_eq!(config.compatibility_group.as_deref(), Some("app.version"));
    assert_eq!(registry.mode(&subject("user-value")), Some(Mode::Forward));
}

#[test]
fn karapace() {
    let (machine, skipped) = load(include_str!("testdata/schemas/karapace.tsv"));
    let registry = machine.registry();
    assert_eq!(skipped, 0);
    assert_eq!(
        versions(registry),
        rows(&[
            ("json-value", 1, 3, false),
            ("proto-value", 1, 4, false),
            ("user-value", 1, 1, false),
            ("user-value", 2, 2, false),
        ])
    );
    let level = registry.config_in_scope(&subject("user-value")).compatibility_level;
    assert_eq!(
        level,
        Some(CompatibilityLevel::BackwardTransitive),
        "the empty value deleted its own"
    );
    assert_eq!(registry.referenced_by(&subject("json-value"), 1), [4]);
}
