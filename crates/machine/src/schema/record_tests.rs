//! Each record byte by byte, and the forms of other registries.

use super::*;
use crate::schema::{CompatibilityLevel, Rule, RuleKind, RuleMode};

fn text(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).expect("JSON is UTF-8")
}

/// The record has exactly these bytes, and they are read back as the record.
fn assert_bytes(record: &Record, key: &str, value: Option<&str>) {
    let (encoded_key, encoded_value) = record.encode();
    assert_eq!(text(&encoded_key), key);
    assert_eq!(encoded_value.as_ref().map(text), value);
    assert_eq!(&decode(key, value), record);
}

fn decode(key: &str, value: Option<&str>) -> Record {
    Record::decode(Some(key.as_bytes()), value.map(str::as_bytes)).expect("it is a record")
}

fn subject(text: &str) -> QualifiedSubject {
    QualifiedSubject::parse(text)
}

fn avro(schema: &str) -> SchemaValue {
    let entity = SchemaEntity::of_text(SchemaType::Avro, schema);
    SchemaValue { id: 7, deleted: false, entity, md5: None }
}

fn version(value: Option<SchemaValue>) -> Record {
    Record::Schema { subject: subject("s"), version: 1, value }
}

const KEY: &str = r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#;

#[test]
fn noop() {
    assert_bytes(&Record::Noop, r#"{"keytype":"NOOP","magic":0}"#, None);
}

#[test]
fn schema_and_its_tombstone() {
    let value = r#"{"subject":"s","version":1,"id":7,"schemaType":"AVRO","schema":"\"string\"","deleted":false}"#;
    assert_bytes(&version(Some(avro("\"string\""))), KEY, Some(value));
    let deleted = SchemaValue { deleted: true, ..avro("\"string\"") };
    assert_bytes(&version(Some(deleted)), KEY, Some(&value.replace("false", "true")));
    assert_bytes(&version(None), KEY, None);
}

#[test]
fn schema_with_everything() {
    let rule = Rule {
        name: Some("r".to_owned()),
        kind: RuleKind::Condition,
        mode: RuleMode::WriteRead,
        rule_type: Some("CEL".to_owned()),
        tags: ["b".to_owned(), "a".to_owned()].into(),
        params: [("k".to_owned(), "v".to_owned())].into(),
        expr: Some("true".to_owned()),
        on_failure: Some("ERROR,NONE".to_owned()),
        ..Rule::default()
    };
    let metadata = Metadata {
        tags: [("p".to_owned(), ["PII".to_owned()].into())].into(),
        properties: [("owner".to_owned(), "me".to_owned())].into(),
        sensitive: ["owner".to_owned()].into(),
    };
    let reference =
        SchemaReference { name: "n".to_owned(), subject: ":.c:r".to_owned(), version: 2 };
    let entity = SchemaEntity {
        references: vec![reference].into(),
        metadata: Some(Box::new(metadata)),
        rule_set: Some(Box::new(RuleSet { domain_rules: vec![rule], ..RuleSet::default() })),
        ..SchemaEntity::of_text(SchemaType::Json, "{}")
    };
    let md5 = Some(Guid([0xfb; 16]));
    let value = SchemaValue { id: 1, deleted: false, entity, md5 };
    let expected = concat!(
        r#"{"subject":"s","version":1,"id":1,"md5":"+/v7+/v7+/v7+/v7+/v7+w==","schemaType":"JSON","#,
        r#""references":[{"name":"n","subject":":.c:r","version":2}],"#,
        r#""metadata":{"tags":{"p":["PII"]},"properties":{"owner":"me"},"sensitive":["owner"]},"#,
        r#""ruleSet":{"domainRules":[{"name":"r","kind":"CONDITION","mode":"WRITEREAD","type":"CEL","#,
        r#""tags":["a","b"],"params":{"k":"v"},"expr":"true","onFailure":"ERROR,NONE","#,
        r#""disabled":false}]},"schema":"{}","deleted":false}"#
    );
    assert_bytes(&version(Some(value)), KEY, Some(expected));
}

#[test]
fn an_empty_text_is_written_and_one_that_is_missing_is_read_as_empty() {
    let entity = SchemaEntity::of_text(SchemaType::Protobuf, "");
    let record = version(Some(SchemaValue { entity, ..avro("") }));
    let value =
        r#"{"subject":"s","version":1,"id":7,"schemaType":"PROTOBUF","schema":"","deleted":false}"#;
    assert_bytes(&record, KEY, Some(value));
    assert_eq!(decode(KEY, Some(&value.replace(r#""schema":"","#, ""))), record);
}

#[test]
fn empty_metadata_is_not_none() {
    let entity = SchemaEntity { metadata: Some(Box::default()), ..avro("1").entity };
    let value = r#"{"subject":"s","version":1,"id":7,"schemaType":"AVRO","metadata":{},"schema":"1","deleted":false}"#;
    assert_bytes(&version(Some(SchemaValue { entity, ..avro("1") })), KEY, Some(value));
}

#[test]
fn names_and_texts_are_escaped_as_jackson_does() {
    let record = Record::Schema {
        subject: subject("a/\"é\u{1f}😀"),
        version: 1,
        value: Some(avro("{\n\t\"x\": \"/\u{b}\u{7f}ß😀\"}")),
    };
    let key = "{\"keytype\":\"SCHEMA\",\"subject\":\"a/\\\"é\\u001F\\uD83D\\uDE00\",\"version\":1,\"magic\":1}";
    let value = "{\"subject\":\"a/\\\"é\\u001F\\uD83D\\uDE00\",\"version\":1,\"id\":7,\"schemaType\":\"AVRO\",\
                 \"schema\":\"{\\n\\t\\\"x\\\": \\\"/\\u000B\u{7f}ß\\uD83D\\uDE00\\\"}\",\"deleted\":false}";
    assert_bytes(&record, key, Some(value));
}

#[test]
fn config_of_a_subject_and_of_everything() {
    let config = SubjectConfig {
        alias: Some("other".to_owned()),
        normalize: Some(true),
        validate_fields: Some(false),
        compatibility_level: Some(CompatibilityLevel::FullTransitive),
        compatibility_policy: Some(tidegate_schema::Policy::Lenient),
        compatibility_group: Some("g".to_owned()),
        default_metadata: Some(Metadata::default()),
        override_rule_set: Some(RuleSet::default()),
        ..SubjectConfig::default()
    };
    let members = concat!(
        r#""alias":"other","normalize":true,"validateFields":false,"#,
        r#""compatibilityLevel":"FULL_TRANSITIVE","compatibilityPolicy":"LENIENT","#,
        r#""compatibilityGroup":"g","defaultMetadata":{},"overrideRuleSet":{}"#
    );
    let value = Some(Arc::new(config));
    assert_bytes(
        &Record::Config { scope: subject("s"), value: value.clone() },
        r#"{"keytype":"CONFIG","subject":"s","magic":0}"#,
        Some(&format!("{{\"subject\":\"s\",{members}}}")),
    );
    assert_bytes(
        &Record::Config { scope: QualifiedSubject::everything(), value },
        r#"{"keytype":"CONFIG","magic":0}"#,
        Some(&format!("{{{members}}}")),
    );
    assert_bytes(
        &Record::Config { scope: subject(":.c:"), value: None },
        r#"{"keytype":"CONFIG","subject":":.c:","magic":0}"#,
        None,
    );
}

#[test]
fn modes_of_all_kinds() {
    for mode in Mode::ALL {
        assert_bytes(
            &Record::Mode { scope: subject("s"), value: Some(mode) },
            r#"{"keytype":"MODE","subject":"s","magic":0}"#,
            Some(&format!("{{\"subject\":\"s\",\"mode\":\"{}\"}}", mode.name())),
        );
    }
    assert_bytes(
        &Record::Mode { scope: QualifiedSubject::everything(), value: Some(Mode::Import) },
        r#"{"keytype":"MODE","magic":0}"#,
        Some(r#"{"mode":"IMPORT"}"#),
    );
}

#[test]
fn context_and_the_two_of_subjects() {
    let context = |exists| Record::Context { context: ".c".to_owned(), exists };
    let key = r#"{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}"#;
    assert_bytes(&context(true), key, Some(r#"{"tenant":"default","context":".c"}"#));
    assert_bytes(&context(false), key, None);
    let delete = |version| Record::DeleteSubject { subject: subject("s"), version };
    let key = r#"{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}"#;
    assert_bytes(&delete(Some(3)), key, Some(r#"{"subject":"s","version":3}"#));
    assert_bytes(&delete(None), key, None);
    let clear = |cleared| Record::ClearSubject { scope: subject("s"), cleared };
    let key = r#"{"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}"#;
    assert_bytes(&clear(true), key, Some(r#"{"subject":"s"}"#));
    let all = Record::ClearSubject { scope: QualifiedSubject::everything(), cleared: true };
    assert_bytes(&all, r#"{"keytype":"CLEAR_SUBJECT","magic":0}"#, Some("{}"));
}

/// What is under a key of another form, which stays as it is.
fn under(key: &str, value: Option<&str>) -> Record {
    let decoded = decode(key, value);
    let Record::Under { key: held, record } = &decoded else { panic!("{decoded:?}") };
    assert_eq!(held, key.as_bytes());
    assert_eq!(decoded.encode_key(), key.as_bytes());
    assert_eq!(decoded.encode_value(), record.encode_value());
    (**record).clone()
}

#[test]
fn the_forms_of_other_registries_are_read() {
    let plain = version(Some(avro("1")));
    let old = r#"{"subject":"s","version":1,"id":7,"schema":"1","deleted":false}"#;
    assert_eq!(decode(KEY, Some(old)), plain);
    assert_eq!(under(&KEY.replace("\"magic\":1", "\"magic\":0"), Some(old)), plain);
    // Another order, members that are null, and members that nobody knows.
    assert_eq!(
        under(
            r#"{"magic":1,"subject":"s","version":1,"keytype":"SCHEMA","new":{"a":[1]}}"#,
            Some(
                r#"{"deleted":null,"schema":"1","references":null,"schemaType":null,"id":7,
                    "metadata":null,"ruleSet":null,"md5":null,"ts":1.5e3,"version":1,"subject":"s"}"#
            ),
        ),
        plain
    );
    // Karapace deletes with an empty value.
    assert_eq!(decode(KEY, Some("")), version(None));
    let global = Record::Config {
        scope: QualifiedSubject::everything(),
        value: Some(Arc::new(SubjectConfig {
            compatibility_level: Some(CompatibilityLevel::Full),
            ..SubjectConfig::default()
        })),
    };
    let key = r#"{"keytype":"CONFIG","subject":null,"magic":0}"#;
    assert_eq!(under(key, Some(r#"{"compatibilityLevel":"FULL"}"#)), global);
    assert_eq!(under(key, Some(r#"{"subject":null,"compatibilityLevel":"FULL"}"#)), global);
    for other in [
        r#"{"keytype":"ASSOC","tenant":"default","guid":"g","magic":0}"#,
        r#"{"keytype":"CONTEXT","tenant":"other","context":".c","magic":0}"#,
    ] {
        assert_eq!(decode(other, Some("{}")), Record::Other);
    }
}

#[test]
fn what_is_damaged_is_refused() {
    let refused = |key: Option<&[u8]>, value: Option<&[u8]>| Record::decode(key, value).is_err();
    assert!(refused(None, None));
    let keys: [&[u8]; 9] = [
        br#"{"keytype":"NEW"}"#,
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"{}",
        br#"{"keytype":"SCHEMA","subject":"s","magic":1}"#,
        br#"{"keytype":"SCHEMA","subject":"s","version":0,"magic":1}"#,
        br#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":2}"#,
    ];
    for key in keys {
        assert!(refused(Some(key), None), "{}", String::from_utf8_lossy(key));
    }
    let values: [&[u8]; 9] = [
        b"[]",
        b"[7]",
        b"{",
        b"{}",
        b"null1",
        br#"{"schema":"1"}"#,
        br#"{"id":-1,"schema":"1"}"#,
        br#"{"id":99999999999,"schema":"1"}"#,
        br#"{"id":1,"schema":"1","schemaType":"THRIFT"}"#,
    ];
    for value in values {
        assert!(refused(Some(KEY.as_bytes()), Some(value)), "{}", String::from_utf8_lossy(value));
    }
    let nested = format!("{{\"keytype\":{}", "[".repeat(100_000));
    assert!(refused(Some(nested.as_bytes()), None));
}
