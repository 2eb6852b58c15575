//! Each change between two files by its name, and whether a new reader is safe with it.

use super::*;
use crate::{Schema, SchemaType};

/// What changed, as `NAME path`.
fn changes(old: &ProtobufSchema, new: &ProtobufSchema) -> Vec<String> {
    let differences = new.differences(old, &Limits::default()).expect("it is cheap");
    differences.iter().map(|each| format!("{} {}", each.kind.name(), each.path)).collect()
}

fn proto3(body: &str) -> ProtobufSchema {
    parse(&format!("syntax = \"proto3\"; package p; {body}")).expect(body)
}

fn proto2(body: &str) -> ProtobufSchema {
    parse(&format!("syntax = \"proto2\"; package p; {body}")).expect(body)
}

#[track_caller]
fn check(old: &ProtobufSchema, new: &ProtobufSchema, expected: &[&str], compatible: bool) {
    assert_eq!(changes(old, new), expected);
    let found = new.incompatibilities(old, &Limits::default()).expect("it is cheap");
    assert_eq!(found.is_empty(), compatible, "{found:?}");
}

#[test]
fn a_schema_has_no_changes_to_itself() {
    let schema = parse(MANY_SIDED).expect("it is a schema");
    check(&schema, &schema, &[], true);
}

#[test]
fn types_that_come_and_go() {
    let cases: [(&str, &str, &[&str], bool); 9] = [
        ("message A {}", "message A {} message B {}", &["MESSAGE_ADDED #/B"], true),
        ("message A {} message B {}", "message A {}", &["MESSAGE_REMOVED #/B"], false),
        (
            "message A {} message B {}",
            "message B {} message A {}",
            &["MESSAGE_MOVED #/A", "MESSAGE_MOVED #/B"],
            true,
        ),
        ("message A { message I {} }", "message A {}", &["MESSAGE_REMOVED #/A/I"], false),
        ("", "enum E { Z = 0; }", &["ENUM_ADDED #/E"], true),
        ("enum E { Z = 0; }", "", &["ENUM_REMOVED #/E"], true),
        (
            "enum E { Z = 0; A = 1; B = 2; }",
            "enum E { Z = 0; X = 1; C = 3; }",
            &["ENUM_CONST_CHANGED #/E/1", "ENUM_CONST_REMOVED #/E/2", "ENUM_CONST_ADDED #/E/3"],
            true,
        ),
        (
            "message A { map<string, int32> m = 1; }",
            "message A { repeated MEntry m = 1; message MEntry { option map_entry = true; string \
             key = 1; int32 value = 2; } }",
            &[],
            true,
        ),
        ("message E {}", "enum E { Z = 0; }", &["MESSAGE_REMOVED #/E", "ENUM_ADDED #/E"], false),
    ];
    for (old, new, expected, compatible) in cases {
        check(&proto3(old), &proto3(new), expected, compatible);
    }
    let moved = parse("syntax = \"proto3\"; package q; message A {}").expect("it is a schema");
    check(&proto3("message A {}"), &moved, &["PACKAGE_CHANGED #/"], false);
}

#[test]
fn fields_that_come_and_go() {
    let message = |fields: &str| proto3(&format!("message M {{ {fields} }} message N {{}}"));
    let cases: [(&str, &str, &[&str], bool); 4] = [
        ("", "string a = 1;", &["FIELD_ADDED #/M/1"], true),
        ("string a = 1;", "", &["FIELD_REMOVED #/M/1"], true),
        ("string a = 1;", "string b = 1;", &["FIELD_NAME_CHANGED #/M/1"], true),
        ("string a = 1;", "string a = 2;", &["FIELD_REMOVED #/M/1", "FIELD_ADDED #/M/2"], true),
    ];
    for (old, new, expected, compatible) in cases {
        check(&message(old), &message(new), expected, compatible);
    }
    let required = proto2("message M { required string a = 1; }");
    let empty = proto2("message M {}");
    check(&empty, &required, &["REQUIRED_FIELD_ADDED #/M/1"], false);
    check(&required, &empty, &["REQUIRED_FIELD_REMOVED #/M/1"], false);
}

#[test]
fn types_of_fields_that_change() {
    let message = |fields: &str| {
        proto3(&format!(
            "message M {{ {fields} }} message N {{}} message O {{}} enum E {{ Z = 0; }}"
        ))
    };
    let cases: [(&str, &str, &[&str], bool); 11] = [
        ("N a = 1;", ".p.N a = 1;", &[], true),
        ("N a = 1;", "O a = 1;", &["FIELD_NAMED_TYPE_CHANGED #/M/1"], false),
        ("N a = 1;", "int32 a = 1;", &["FIELD_KIND_CHANGED #/M/1"], false),
        ("N a = 1;", "map<string, N> a = 1;", &["FIELD_KIND_CHANGED #/M/1"], false),
        ("E a = 1;", "int32 a = 1;", &[], true),
        ("E a = 1;", "string a = 1;", &["FIELD_SCALAR_KIND_CHANGED #/M/1"], false),
        ("map<int32, N> a = 1;", "map<uint64, N> a = 1;", &[], true),
        (
            "map<string, int32> a = 1;",
            "map<int32, string> a = 1;",
            &["FIELD_SCALAR_KIND_CHANGED #/M/1", "FIELD_SCALAR_KIND_CHANGED #/M/1"],
            false,
        ),
        (
            "optional int32 a = 1;",
            "repeated int32 a = 1;",
            &["FIELD_NUMERIC_LABEL_CHANGED #/M/1"],
            false,
        ),
        (
            "optional bytes a = 1;",
            "repeated string a = 1;",
            &["FIELD_STRING_OR_BYTES_LABEL_CHANGED #/M/1"],
            true,
        ),
        ("int32 a = 1;", "repeated int32 a = 1;", &[], true),
    ];
    for (old, new, expected, compatible) in cases {
        check(&message(old), &message(new), expected, compatible);
    }
}

#[test]
fn scalars_of_one_group_are_read_as_each_other() {
    let groups: [&[&str]; 7] = [
        &["int32", "int64", "uint32", "uint64", "bool", "E"],
        &["sint32", "sint64"],
        &["string", "bytes"],
        &["fixed32", "sfixed32"],
        &["fixed64", "sfixed64"],
        &["float"],
        &["double"],
    ];
    let all =
        groups.iter().enumerate().flat_map(|(at, group)| group.iter().map(move |it| (at, it)));
    let of = |kind: &str| proto3(&format!("message M {{ {kind} a = 1; }} enum E {{ Z = 0; }}"));
    for (old_group, old) in all.clone() {
        for (new_group, new) in all.clone() {
            let changed: &[&str] = &["FIELD_SCALAR_KIND_CHANGED #/M/1"];
            let same = old_group == new_group;
            check(&of(old), &of(new), if same { &[] } else { changed }, same);
        }
    }
}

#[test]
fn fields_that_move_into_and_out_of_oneofs() {
    let message = |body: &str| proto3(&format!("message M {{ {body} }}"));
    let cases: [(&str, &str, &[&str], bool); 12] = [
        (
            "string a = 1;",
            "oneof o { string a = 1; string b = 2; }",
            &["ONEOF_ADDED #/M/o", "ONEOF_FIELD_ADDED #/M/o/2"],
            true,
        ),
        (
            "string a = 1; string b = 2;",
            "oneof o { string a = 1; string b = 2; }",
            &["MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/o", "ONEOF_ADDED #/M/o"],
            false,
        ),
        (
            "string a = 1; oneof o { string b = 2; }",
            "oneof o { string a = 1; string b = 2; }",
            &["FIELD_MOVED_TO_EXISTING_ONEOF #/M/o"],
            false,
        ),
        (
            "oneof o { string a = 1; } oneof q { string b = 2; }",
            "oneof o { string a = 1; string b = 2; }",
            &["FIELD_MOVED_TO_EXISTING_ONEOF #/M/o", "ONEOF_REMOVED #/M/q"],
            false,
        ),
        (
            "oneof o { string a = 1; string b = 2; }",
            "oneof o { string a = 1; string b = 2; string c = 3; }",
            &["ONEOF_FIELD_ADDED #/M/o/3"],
            true,
        ),
        (
            "oneof o { string a = 1; string b = 2; }",
            "oneof o { string a = 1; }",
            &["ONEOF_FIELD_REMOVED #/M/o/2"],
            false,
        ),
        (
            "oneof o { string a = 1; string b = 2; }",
            "oneof o { string a = 1; } string b = 2;",
            &["ONEOF_FIELD_MOVED_TO_TOP_LEVEL #/M/2"],
            true,
        ),
        ("oneof o { string a = 1; }", "", &["ONEOF_REMOVED #/M/o"], true),
        (
            "oneof o { string a = 1; string b = 2; }",
            "string a = 1;",
            &[
                "ONEOF_REMOVED #/M/o",
                "ONEOF_FIELD_MOVED_TO_TOP_LEVEL #/M/1",
                "ONEOF_FIELD_REMOVED #/M/o/2",
            ],
            false,
        ),
        (
            "oneof o { string a = 1; string b = 2; }",
            "oneof q { string a = 1; int32 b = 2; }",
            &["ONEOF_REMOVED #/M/o", "ONEOF_ADDED #/M/q", "FIELD_SCALAR_KIND_CHANGED #/M/q/2"],
            false,
        ),
        (
            "oneof o { string a = 1; string b = 2; }",
            "oneof o { string a = 1; string c = 2; }",
            &["FIELD_NAME_CHANGED #/M/o/2"],
            true,
        ),
        (
            "string a = 1;",
            "oneof o { int32 a = 1; }",
            &["ONEOF_ADDED #/M/o", "FIELD_SCALAR_KIND_CHANGED #/M/o/1"],
            false,
        ),
    ];
    for (old, new, expected, compatible) in cases {
        check(&message(old), &message(new), expected, compatible);
    }
}

fn with_reference(text: &str, subject: &str, version: i32, other: &str) -> ProtobufSchema {
    let text = format!("syntax = \"proto3\"; {text}");
    let other = format!("syntax = \"proto3\"; {other}");
    let reference = Reference { name: "o.proto", subject, version, text: &other, direct: true };
    ProtobufSchema::parse(&text, &[reference], &Limits::default()).expect("it is a schema")
}

#[test]
fn messages_of_other_files_are_compared_where_a_field_names_them() {
    let user = "import \"o.proto\"; message M { .o.In a = 1; .o.In b = 2; }";
    let old = with_reference(user, "s", 1, "package o; message In { int32 x = 1; }");
    let changed = "package o; message In { string x = 1; }";
    let new = with_reference(user, "s", 2, changed);
    check(
        &old,
        &new,
        &[
            "FIELD_SCALAR_KIND_CHANGED #/In/1",
            "FIELD_NAMED_TYPE_CHANGED #/M/1",
            "FIELD_NAMED_TYPE_CHANGED #/M/2",
        ],
        false,
    );
    let same_version = with_reference(user, "s", 1, changed);
    check(&old, &same_version, &[], true);
    let elsewhere = "import \"o.proto\"; message M { .q.In a = 1; .q.In b = 2; }";
    let elsewhere = with_reference(elsewhere, "s", 2, "package q; message In { int64 x = 1; }");
    check(&old, &elsewhere, &[], true);
    let within = "message M { In a = 1; In b = 2; } message In { int32 x = 1; }";
    let within = parse(&format!("syntax = \"proto3\"; {within}")).expect("it is a schema");
    check(&old, &within, &["MESSAGE_ADDED #/In"], true);
    check(&within, &old, &["MESSAGE_REMOVED #/In"], false);
}

#[test]
fn messages_that_refer_to_each_other_are_compared_once() {
    let user = "import \"o.proto\"; message M { .o.A a = 1; }";
    let cycle = |kind: &str| {
        format!(
            "package o; message A {{ B b = 1; A a = 2; }} message B {{ A a = 1; {kind} x = 2; }}"
        )
    };
    let old = with_reference(user, "s", 1, &cycle("int32"));
    check(&old, &with_reference(user, "s", 2, &cycle("int64")), &[], true);
    check(
        &old,
        &with_reference(user, "s", 2, &cycle("string")),
        &[
            "FIELD_SCALAR_KIND_CHANGED #/B/2",
            "FIELD_NAMED_TYPE_CHANGED #/A/1",
            "FIELD_NAMED_TYPE_CHANGED #/M/1",
        ],
        false,
    );
}

#[test]
fn known_files_are_the_same_for_all() {
    let user = "message M { google.protobuf.Timestamp a = 1; confluent.type.Decimal d = 2; }";
    check(&proto3(user), &proto3(user), &[], true);
    let own = with_reference(
        "message M { .google.protobuf.Timestamp a = 1; }",
        "s",
        1,
        "package google.protobuf; message Timestamp { int64 seconds = 1; int32 nanos = 2; }",
    );
    let known = parse("syntax = \"proto3\"; message M { .google.protobuf.Timestamp a = 1; }");
    check(&known.expect("it is a schema"), &own, &[], true);
}

#[test]
fn a_reason_is_told_in_confluents_words() {
    let old = proto3("message M { int32 a = 1; }");
    let new = proto3("message M { string a = 1; }");
    let found = new.incompatibilities(&old, &Limits::default()).expect("it is cheap");
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    let expected = "{errorType:\"FIELD_SCALAR_KIND_CHANGED\", description:\"The kind of a SCALAR \
                    field at path '#/M/1' in the new schema does not match its kind in the old \
                    schema\"}";
    assert_eq!(texts, [expected]);
}

#[test]
fn another_language_is_a_reason() {
    let limits = Limits::default();
    let avro = Schema::parse(SchemaType::Avro, "\"string\"", &[], &limits).expect("it is Avro");
    let protobuf = Schema::Protobuf(proto3("message M {}"));
    let found = protobuf.incompatibilities(&avro, crate::Policy::Strict, &limits);
    assert_eq!(found.expect("it is cheap").len(), 1);
}
