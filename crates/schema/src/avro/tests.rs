//! What the module promises; `tests/schema` compares it with Avro's and Confluent's own libraries.

use super::AvroSchema;
use crate::{Incompatibility, Limits, Reference, SchemaError};

fn parse(text: &str) -> Result<AvroSchema, SchemaError> {
    AvroSchema::parse(text, &[], &Limits::default())
}

fn read(text: &str) -> AvroSchema {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn with_references(text: &str, references: &[&str]) -> Result<AvroSchema, SchemaError> {
    let references: Vec<_> = references
        .iter()
        .map(|text| Reference { name: "n", subject: "s", version: 1, text, direct: true })
        .collect();
    AvroSchema::parse(text, &references, &Limits::default())
}

fn refused(text: &str) -> String {
    match parse(text) {
        Err(SchemaError::Invalid(problem)) => problem,
        other => panic!("{text} gave {other:?}"),
    }
}

fn reasons(reader: &str, writer: &str) -> Vec<String> {
    let reasons = read(reader).incompatibilities(&read(writer), &Limits::default());
    reasons.expect("it is small").iter().map(Incompatibility::to_string).collect()
}

#[test]
fn canonical_text_is_what_avro_prints() {
    for (text, canonical) in [
        (r#"{"type":"string"}"#, r#""string""#),
        (r#" [ "null" , {"type":"int"} ] "#, r#"["null","int"]"#),
        (
            r#"{"logicalType":"date","type":"int","x":{"b":1,"a":2.50}}"#,
            r#"{"type":"int","logicalType":"date","x":{"b":1,"a":2.5}}"#,
        ),
        (
            r#"{"fields":[{"default":1.0e2,"type":"double","aliases":["b"],"name":"a","order":"DESCENDING","doc":"d","p":[1]}],
                "aliases":["S","x.T"],"q":null,"doc":"ä\n","namespace":"n","name":"R","type":"record"}"#,
            r#"{"type":"record","name":"R","namespace":"n","doc":"ä\n","fields":[{"name":"a","type":"double","doc":"d","default":100.0,"order":"descending","aliases":["b"],"p":[1]}],"q":null,"aliases":["S","x.T"]}"#,
        ),
        (
            r#"{"type":"enum","name":"n.E","symbols":["A","B"],"default":"B","aliases":[".F"]}"#,
            r#"{"type":"enum","name":"E","namespace":"n","symbols":["A","B"],"default":"B","aliases":["F"]}"#,
        ),
        (
            r#"{"type":"record","name":"n.R","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":4}},{"name":"b","type":"F"},
                {"name":"c","type":{"type":"record","name":"o.S","fields":[{"name":"d","type":"n.F"},{"name":"e","type":{"type":"array","items":"n.R"}}]}}]}"#,
            r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":4}},{"name":"b","type":"F"},{"name":"c","type":{"type":"record","name":"S","namespace":"o","fields":[{"name":"d","type":"n.F"},{"name":"e","type":{"type":"array","items":"n.R"}}]}}]}"#,
        ),
    ] {
        let schema = read(text);
        assert_eq!(schema.canonical(), canonical);
        assert_eq!(read(canonical).canonical(), canonical, "it is its own canonical form");
    }
}

#[test]
fn comments_are_skipped_where_avros_parser_skips_them() {
    let text = "/* one */ {\"type\": // two\n \"string\", \"u\":\"http://x/*y*/\"}";
    assert_eq!(read(text).canonical(), r#"{"type":"string","u":"http://x/*y*/"}"#);
    assert!(parse("{\"type\":\"string\" / }").is_err());
}

#[test]
fn what_is_no_schema_is_refused_in_avros_words() {
    for (text, problem) in [
        ("", "Cannot parse <null> schema"),
        ("1", "Schema not yet supported: 1"),
        (r#""R""#, "Undefined schema: R"),
        (r#"{"type":["int"]}"#, r#"No type: {"type":["int"]}"#),
        (r#"{"type":"array"}"#, r#"Array has no items type: {"type":"array"}"#),
        (r#"{"type":"record","fields":[]}"#, r#"No name in schema: {"type":"record","fields":[]}"#),
        (
            r#"{"type":"record","name":"R"}"#,
            r#"Record has no fields: {"type":"record","name":"R"}"#,
        ),
        (
            r#"{"type":"record","name":"int","fields":[]}"#,
            "Schemas may not be named after primitives: int",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":["int"]}]}"#,
            "Duplicate field a in record R: a type:UNION pos:1 and a type:INT pos:0.",
        ),
        (r#"{"type":"enum","name":"E","symbols":["A","A"]}"#, "Duplicate enum symbol: A"),
        (
            r#"{"type":"enum","name":"E","symbols":["A","B"],"default":"C"}"#,
            "The Enum Default: C is not in the enum symbol set: [A, B]",
        ),
        (r#"["int",["null"]]"#, r#"Nested union: ["int",["null"]]"#),
        (r#"["int",{"type":"int","a":1}]"#, "Duplicate in union:int"),
        (
            r#"[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":2}]"#,
            "Can't redefine: F",
        ),
        (
            r#"{"type":"record","name":"n.R","fields":[{"name":"a","type":{"type":"fixed","name":"R","size":1}}]}"#,
            "Can't redefine: n.R",
        ),
        (r#"{"type":"fixed","name":"F","size":-1}"#, "Malformed data. Length is negative: -1"),
    ] {
        assert_eq!(refused(text), problem);
    }
}

#[test]
fn a_type_may_be_used_before_it_is_defined() {
    let text = r#"{"type":"record","name":"n.R","fields":[{"name":"a","type":["null","S"]},
        {"name":"b","type":{"type":"enum","name":"S","symbols":[]}}]}"#;
    let moved = r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":["null",{"type":"enum","name":"S","symbols":[]}]},{"name":"b","type":"S"}]}"#;
    assert_eq!(read(text).canonical(), moved);
}

#[test]
fn a_type_may_be_named_like_one_of_avros_own() {
    for text in [
        r#"[{"type":"record","name":"union","fields":[]},"int"]"#,
        r#"{"type":"array","items":{"type":"fixed","name":"array","size":1}}"#,
        r#"{"type":"record","name":"n.map","fields":[{"name":"a","type":["null","n.map"]}]}"#,
    ] {
        let canonical = read(text).canonical();
        assert_eq!(read(&canonical).canonical(), canonical);
        assert!(reasons(&canonical, text).is_empty());
    }
    let reference = r#"{"type":"array","items":"int"}"#;
    let text = r#"{"type":"fixed","name":"array","size":1}"#;
    assert_eq!(with_references(text, &[reference]).expect("a schema").canonical(), text);
}

#[test]
fn references_are_named_and_what_they_define_inside_is_repeated() {
    let address = r#"{"type":"record","name":"a.Address","fields":[{"name":"zip","type":{"type":"fixed","name":"Zip","size":5}}]}"#;
    let text = r#"{"type":"record","name":"a.P","fields":[{"name":"at","type":"Address"},{"name":"z","type":"Zip"}]}"#;
    let schema = with_references(text, &[address]).expect("a schema");
    let canonical = r#"{"type":"record","name":"P","namespace":"a","fields":[{"name":"at","type":"Address"},{"name":"z","type":{"type":"fixed","name":"Zip","size":5}}]}"#;
    assert_eq!(schema.canonical(), canonical);
    assert_eq!(
        with_references(canonical, &[address]).expect("it can be read again").canonical(),
        canonical
    );
    assert_eq!(
        schema.formatted("RESOLVED"),
        r#"{"type":"record","name":"P","namespace":"a","fields":[{"name":"at","type":{"type":"record","name":"Address","fields":[{"name":"zip","type":{"type":"fixed","name":"Zip","size":5}}]}},{"name":"z","type":"Zip"}]}"#
    );
    assert_eq!(schema.formatted("serialized"), canonical);
}

#[test]
fn defaults_are_checked_only_when_asked_for() {
    let record = |kind: &str, default: &str| {
        let field = format!(r#"{{"name":"f","type":{kind},"default":{default}}}"#);
        read(&format!(r#"{{"type":"record","name":"R","fields":[{field}]}}"#)).check_new()
    };
    for (kind, default) in [
        (r#""int""#, "-2147483648"),
        (r#""long""#, "2147483648"),
        (r#""float""#, "\"NaN\""),
        (r#"["null","int"]"#, "3"),
        (r#"{"type":"map","values":["null","string"]}"#, r#"{"a":null,"b":"c"}"#),
        (r#"{"type":"record","name":"S","fields":[{"name":"a","type":"int","default":1}]}"#, "{}"),
    ] {
        assert_eq!(record(kind, default), Ok(()));
    }
    for (kind, default) in [
        (r#""int""#, "2147483648"),
        (r#""int""#, "1.0"),
        (r#""string""#, "null"),
        (r#"["null","int"]"#, "\"x\""),
        (r#"{"type":"array","items":"int"}"#, r#"[1,"2"]"#),
    ] {
        let problem = format!("Invalid default for field f: {default} not a {kind}");
        assert_eq!(record(kind, default), Err(SchemaError::Invalid(problem)));
    }
    let endless = r#"{"type":"record","name":"R","fields":[{"name":"f","type":"R","default":{}}]}"#;
    assert!(matches!(read(endless).check_new(), Err(SchemaError::TooExpensive(_))));
}

#[test]
fn namespaces_are_checked_only_when_asked_for() {
    let text = r#"{"type":"record","name":"R","namespace":".topLevel","fields":[]}"#;
    let schema = read(text);
    assert_eq!(
        schema.canonical(),
        r#"{"type":"record","name":"R","namespace":".topLevel","fields":[]}"#
    );
    let problem = r#"Namespace part "" is invalid: Empty name"#.to_owned();
    assert_eq!(schema.check_new(), Err(SchemaError::Invalid(problem)));
}

#[test]
fn reasons_read_as_confluents_registry_words_them() {
    let record = |fields: &str| format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
    let of = |kind: &str| record(&format!(r#"{{"name":"a","type":{kind}}}"#));
    let fixed = |size: u32| format!(r#"{{"type":"fixed","name":"F","size":{size}}}"#);
    let symbols = |list: &str| format!(r#"{{"type":"enum","name":"E","symbols":[{list}]}}"#);
    for (reader, writer, reason) in [
        (
            of("\"int\""),
            record(""),
            "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'a' at path '/fields/0' in the new schema has no default value and is missing in the old schema', additionalInfo:'a'}",
        ),
        (
            of("\"int\""),
            of("\"string\""),
            "{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: INT not compatible with writer type: STRING'}",
        ),
        (
            of(&fixed(3)),
            of(&fixed(4)),
            "{errorType:'FIXED_SIZE_MISMATCH', description:'The size of FIXED type field at path '/fields/0/type/size' in the new schema does not match with the old schema', additionalInfo:'expected: 4, found: 3'}",
        ),
        (
            of(&symbols(r#""A""#)),
            of(&symbols(r#""C","A","B""#)),
            "{errorType:'MISSING_ENUM_SYMBOLS', description:'The new schema is missing enum symbols '[B, C]' at path '/fields/0/type/symbols' in the old schema', additionalInfo:'[B, C]'}",
        ),
        (
            of(r#"["null","int"]"#),
            of(r#"["null","string"]"#),
            "{errorType:'MISSING_UNION_BRANCH', description:'The new schema is missing a type inside a union field at path '/fields/0/type/1' in the old schema', additionalInfo:'reader union lacking writer type: STRING'}",
        ),
        (
            symbols(r#""A""#),
            r#"{"type":"enum","name":"n.G","symbols":["A"]}"#.to_owned(),
            "{errorType:'NAME_MISMATCH', description:'The name of the schema has changed (path '/name')', additionalInfo:'expected: n.G'}",
        ),
        (
            record(r#"{"name":"a","type":"int","aliases":["b"]}"#),
            record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#),
            r#"Unexpected exception during compatibility check: Reader record field a type:INT pos:0 matches multiple fields in writer record schema {"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}"#,
        ),
    ] {
        assert_eq!(reasons(&reader, &writer), [reason]);
    }
}

#[test]
fn a_type_is_the_same_inline_and_by_reference() {
    let zip = |kind: &str| {
        format!(
            r#"{{"type":"record","name":"a.Zip","fields":[{{"name":"code","type":"{kind}"}}]}}"#
        )
    };
    let address = |zip: &str| {
        format!(
            r#"{{"type":"record","name":"a.Address","fields":[{{"name":"zip","type":{zip}}}]}}"#
        )
    };
    let inline = |kind| read(&address(&zip(kind)));
    let referring =
        |kind| with_references(&address("\"a.Zip\""), &[&zip(kind)]).expect("it has its reference");
    let limits = Limits::default();
    for (reader, writer) in [
        (inline("long"), referring("int")),
        (referring("long"), inline("int")),
        (referring("long"), referring("int")),
    ] {
        assert_eq!(reader.incompatibilities(&writer, &limits), Ok(vec![]));
        let reasons = writer.incompatibilities(&reader, &limits).expect("they are small");
        let [reason] = &reasons[..] else { panic!("{reasons:?}") };
        assert!(reason.description.contains("path '/fields/0/type/fields/0/type'"), "{reason}");
    }
    assert_eq!(inline("int").canonical(), referring("int").formatted("resolved"));
}

#[test]
fn promotions_go_one_way_except_between_strings_and_bytes() {
    let names = ["int", "long", "float", "double", "string", "bytes", "boolean", "null"];
    for (r, reader) in names.iter().enumerate() {
        for (w, writer) in names.iter().enumerate() {
            let readable = r == w || w < r && r < 4 || (4..6).contains(&r) && (4..6).contains(&w);
            let found = reasons(&format!("{reader:?}"), &format!("{writer:?}"));
            assert_eq!(found.is_empty(), readable, "{reader} reads {writer}");
        }
    }
}

#[test]
fn recursive_types_are_compared_once() {
    let list = |kind: &str| {
        format!(
            r#"{{"type":"record","name":"L","fields":[{{"name":"v","type":"{kind}"}},{{"name":"next","type":["null","L"]}}]}}"#
        )
    };
    assert!(reasons(&list("long"), &list("int")).is_empty());
    assert_eq!(reasons(&list("int"), &list("long")).len(), 1);
}
