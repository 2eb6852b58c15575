//! Records that another registry wrote: what they leave behind, and what we write over them.

use super::*;

#[test]
fn a_record_that_gives_an_id_to_another_text_is_skipped_and_put_right_by_the_next_write() {
    let mut log = Log::new();
    log.register("s", "1");
    log.register("s", "2");
    let value = |text: &str| SchemaValue { id: 1, deleted: false, entity: entity(text), md5: None };
    let foreign =
        |version| Record::Schema { subject: subject("s"), version, value: Some(value("x")) };
    log.append(5, &foreign(2));
    log.append(5, &foreign(3));
    assert_eq!(log.registry().skipped_records(), 2);
    assert_eq!(log.registry().latest(&subject("s")).unwrap().id, 2);
    log.register("t", "4");
    let keys = log.last_keys(3);
    assert_eq!(keys[0], r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#);
    assert_eq!(keys[1], r#"{"keytype":"SCHEMA","subject":"s","version":3,"magic":1}"#);
    let values: Vec<_> =
        log.records[log.records.len() - 3..].iter().map(|(_, value)| value).collect();
    assert!(values[0].is_some() && values[1].is_none(), "what stood, and that nothing stood");
    log.register("t", "5");
    assert_eq!(log.records.len(), 8, "once");
}

fn foreign(of: &str, version: i32, id: i32, text: &str) -> Record {
    let value = SchemaValue { id, deleted: false, entity: entity(text), md5: None };
    Record::Schema { subject: subject(of), version, value: Some(value) }
}

#[test]
fn after_the_highest_id_of_all_new_schemas_get_the_lowest_ones_that_are_free() {
    let mut log = Log::new();
    assert_eq!(log.register("s", "1"), (1, 1));
    log.append(5, &foreign("t", 1, 3, "3"));
    log.append(5, &foreign("t", 2, i32::MAX, "max"));
    assert_eq!(log.register("s", "2"), (2, 2));
    assert_eq!(log.register("s", "4"), (4, 3));
    log.delete("s", 3, false).unwrap();
    log.delete("s", 3, true).unwrap();
    assert_eq!(log.register("s", "5"), (5, 3), "an id that was given is not given again");
    let mut log = log.restarted();
    assert_eq!(log.register("s", "6"), (6, 4));
    assert_eq!(log.register(":.c:s", "1"), (1, 1), "another context");
    assert_eq!(log.registry().max_id(&subject("")), i32::MAX);
}

#[test]
fn after_the_highest_version_of_all_there_is_none_until_it_is_deleted_for_good() {
    let mut log = Log::new();
    log.register("s", "1");
    log.append(5, &foreign("s", i32::MAX, 2, "2"));
    assert_eq!(log.register_entity("s", entity("3")), Err(Refusal::VersionsExhausted));
    assert_eq!(log.register("t", "3"), (3, 1), "another subject");
    log.mode("s", Mode::Import, true).unwrap();
    assert_eq!(log.import("s", "4", 9, 7), Ok((9, 7)), "a version that is asked for");
    log.mode("s", Mode::ReadWrite, true).unwrap();
    log.delete("s", i32::MAX, false).unwrap();
    log.delete("s", i32::MAX, true).unwrap();
    assert_eq!(log.register("s", "5"), (10, 8));
}

#[test]
fn what_another_registry_wrote_under_keys_of_its_own_does_not_outlive_its_end() {
    let mut log = Log::new();
    let theirs = |record: &Record, key: &str| Record::Under {
        key: bytes::Bytes::copy_from_slice(key.as_bytes()),
        record: Box::new(record.clone()),
    };
    let value = SchemaValue { id: 1, deleted: false, entity: entity("1"), md5: None };
    let schema = Record::Schema { subject: subject("s"), version: 1, value: Some(value) };
    let schema_key = r#"{"subject":"s","version":1,"magic":1,"keytype":"SCHEMA"}"#;
    log.append(0, &theirs(&schema, schema_key));
    let config = SubjectConfig { normalize: Some(true), ..SubjectConfig::default() };
    let config =
        Record::Config { scope: QualifiedSubject::everything(), value: Some(Arc::new(config)) };
    let config_key = r#"{"keytype":"CONFIG","subject":null,"magic":0}"#;
    log.append(0, &theirs(&config, config_key));
    log.level("", CompatibilityLevel::Full).unwrap();
    assert_eq!(log.last_keys(2), [config_key, r#"{"keytype":"CONFIG","magic":0}"#]);
    assert_eq!(log.records[2].1, None, "a tombstone");
    assert_eq!(log.registry().config(&subject("")).unwrap().normalize, Some(true));
    log.delete("s", 1, false).unwrap();
    let own_key = r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#;
    assert_eq!(log.last_keys(2), [schema_key, own_key]);
    assert!(log.registry().version(&subject("s"), 1).unwrap().deleted);
    log.delete("s", 1, true).unwrap();
    assert_eq!(log.last_keys(2), [own_key, own_key], "once");
    assert!(log.registry().versions(&subject("s")).is_empty());
    log.level("", CompatibilityLevel::None).unwrap();
    assert_eq!(log.records.len(), 8);
}

#[test]
fn keys_that_others_contradict_are_restored_in_steps_that_the_log_takes() {
    let settings = Settings { record_bytes_max: 1_000, ..Settings::default() };
    let mut log = Log { machine: SchemaMachine::new(settings), ..Log::new() };
    for version in 1..=20 {
        log.append(5, &foreign("s", version, version, &format!("{version}{}", "x".repeat(200))));
    }
    // One that is larger than what is restored alone, and one that is larger than one step has.
    log.append(5, &foreign("a", 1, 21, &"a".repeat(5_000)));
    log.append(5, &foreign("b", 1, 22, &"b".repeat(2_000)));
    for (of, last) in [("s", 20), ("a", 1), ("b", 1)] {
        (1..=last).for_each(|version| log.append(5, &foreign(of, version, 20, "other")));
    }
    let contradicted = log.registry().contradicted.len();
    assert_eq!(contradicted, 22);
    let mut left = contradicted;
    for step in 0..20 {
        let before = log.records.len();
        log.register("t", &format!("{step}"));
        let len = |(key, value): &(bytes::Bytes, Option<bytes::Bytes>)| {
            key.len() + value.as_ref().map_or(0, |value| value.len())
        };
        let restored = &log.records[before..log.records.len() - 1];
        let total: usize = restored.iter().map(len).sum();
        assert!(total <= 1_000 || restored.len() == 1, "{total} of {}", restored.len());
        let now = log.registry().contradicted.len();
        assert!(now < left || now == 1, "each step restores one at least");
        left = now;
    }
    assert_eq!(left, 1, "all but what is larger than the log takes");
}

#[test]
fn many_forms_of_a_key_end_in_steps_that_the_log_takes_and_none_outlives_it() {
    let settings = Settings { record_bytes_max: 1_000, ..Settings::default() };
    let mut log = Log { machine: SchemaMachine::new(settings), ..Log::new() };
    let record = foreign("s", 1, 1, "1");
    for form in 0..100 {
        let space = " ".repeat(form);
        let key = format!(r#"{{{space}"subject":"s","version":1,"magic":1,"keytype":"SCHEMA"}}"#);
        log.append(5, &Record::Under { key: key.into(), record: Box::new(record.clone()) });
    }
    let ends_in_bounds = |log: &Log, from: usize| {
        let keys = log.records[from..].iter().map(|(key, _)| key.len()).sum::<usize>();
        assert!(keys <= 2_000 + 400, "{keys}");
    };
    for permanent in [false, true] {
        let before = log.records.len();
        log.delete("s", 1, permanent).unwrap();
        ends_in_bounds(&log, before);
    }
    assert!(!log.registry().foreign_keys.is_empty(), "more than two steps take");
    assert_eq!(log.register("s", "1"), (2, 1), "the key anew, while other forms are left");
    assert!(!log.registry().versions(&subject("s")).is_empty());
    log.delete("s", 1, false).unwrap();
    log.delete("s", 1, true).unwrap();
    for step in 0..20 {
        let before = log.records.len();
        log.register("t", &format!("t{step}"));
        ends_in_bounds(&log, before);
    }
    assert!(log.registry().foreign_keys.is_empty());
    assert!(log.registry().outlived.is_empty());
    assert!(log.registry().versions(&subject("s")).is_empty());
}
