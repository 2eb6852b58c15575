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
