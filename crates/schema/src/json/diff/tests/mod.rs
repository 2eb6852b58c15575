//! Confluent's rules as tables: what each change is called, where it is reported, and whether a reader
//! with the second schema reads what was written under the first.

mod arrays;
mod objects;
mod single;

use super::*;
use crate::json::JsonSchema;
use arrays::{ARRAYS, TUPLES, TUPLES_SINCE_2020};
use objects::{CONTENT_MODELS, DEPENDENCIES, DEPENDENCIES_SINCE_2019, OBJECTS};
use single::{COMBINED, GENERAL, SCALARS};

/// A writer's schema, a reader's schema, the changes between them, and the verdict.
type Row = (&'static str, &'static str, &'static [&'static str], bool);

const SEVEN: &str = "http://json-schema.org/draft-07/schema#";
const TWENTY: &str = "https://json-schema.org/draft/2020-12/schema";

fn parsed(text: &str, draft: &str) -> JsonSchema {
    let text = match text.strip_prefix('{') {
        Some("}") => format!(r#"{{"$schema":"{draft}"}}"#),
        Some(members) => format!(r#"{{"$schema":"{draft}",{members}"#),
        None => text.to_owned(),
    };
    JsonSchema::parse(&text, &[], &Limits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn sides<'g>(writer: &'g JsonSchema, reader: &'g JsonSchema) -> Sides<'g> {
    Sides { writer: (&writer.graph, writer.root), reader: (&reader.graph, reader.root) }
}

fn changes(writer: &JsonSchema, reader: &JsonSchema) -> Vec<(Kind, String)> {
    differences(sides(writer, reader), Policy::Strict, Listed::All, &Limits::default()).unwrap()
}

fn is_compatible(writer: &JsonSchema, reader: &JsonSchema, policy: Policy) -> bool {
    reader.incompatibilities(writer, policy, &Limits::default()).unwrap().is_empty()
}

fn check(rows: &[Row], draft: &str) -> Vec<Kind> {
    let mut seen = Vec::new();
    for (writer, reader, expected, compatible) in rows {
        let (before, after) = (parsed(writer, draft), parsed(reader, draft));
        let changes = changes(&before, &after);
        let words: Vec<_> =
            changes.iter().map(|(kind, path)| format!("{} {path}", kind.name())).collect();
        assert_eq!(words, *expected, "{writer} -> {reader}");
        assert_eq!(
            is_compatible(&before, &after, Policy::Strict),
            *compatible,
            "{writer} -> {reader}"
        );
        seen.extend(changes.into_iter().map(|(kind, _)| kind));
    }
    seen
}

#[test]
fn schemas_of_single_types_are_compared_by_their_keywords() {
    check(GENERAL, SEVEN);
    check(GENERAL, TWENTY);
    check(SCALARS, SEVEN);
    check(SCALARS, TWENTY);
}

#[test]
fn objects_are_compared_under_their_content_models() {
    check(OBJECTS, SEVEN);
    check(OBJECTS, TWENTY);
    check(CONTENT_MODELS, SEVEN);
    check(CONTENT_MODELS, TWENTY);
}

#[test]
fn dependencies_and_what_no_keyword_evaluated_are_compared() {
    check(DEPENDENCIES, SEVEN);
    check(DEPENDENCIES_SINCE_2019, TWENTY);
    check(DEPENDENCIES_SINCE_2019, "https://json-schema.org/draft/2019-09/schema");
}

#[test]
fn arrays_and_tuples_are_compared() {
    check(ARRAYS, SEVEN);
    check(ARRAYS, TWENTY);
    check(TUPLES, SEVEN);
    check(TUPLES_SINCE_2020, TWENTY);
}

#[test]
fn combinations_are_matched_whatever_their_order() {
    check(COMBINED, SEVEN);
    check(COMBINED, TWENTY);
}

#[test]
fn the_tables_have_every_kind_of_difference() {
    let mut seen = Vec::new();
    for rows in [GENERAL, SCALARS, OBJECTS, CONTENT_MODELS, DEPENDENCIES, ARRAYS, TUPLES, COMBINED]
    {
        seen.extend(check(rows, SEVEN));
    }
    seen.extend(check(DEPENDENCIES_SINCE_2019, TWENTY));
    seen.extend(check(TUPLES_SINCE_2020, TWENTY));
    for kind in Kind::ALL {
        assert!(seen.contains(kind), "{}", kind.name());
    }
}

#[test]
fn a_default_of_null_counts_up_to_draft_7_and_that_beside_a_reference_never() {
    let writer = r##"{"definitions":{"s":{"type":"string"}},"additionalProperties":false}"##;
    let with = |property: &str| {
        format!(
            r#"{},"properties":{{"a":{property}}},"required":["a"]}}"#,
            &writer[..writer.len() - 1]
        )
    };
    for (property, seven, twenty) in [
        (r#"{"type":"null"}"#, false, false),
        (r#"{"type":"null","default":1}"#, true, true),
        (r#"{"oneOf":[{"type":"null"},{"type":"string"}],"default":null}"#, true, false),
        (r##"{"$ref":"#/definitions/s","default":"x"}"##, false, false),
    ] {
        for (draft, expected) in [(SEVEN, seven), (TWENTY, twenty)] {
            let found = is_compatible(
                &parsed(writer, draft),
                &parsed(&with(property), draft),
                Policy::Strict,
            );
            assert_eq!(found, expected, "{draft} {property}");
        }
    }
}

#[test]
fn lenient_trusts_writers_and_readers_with_content_models() {
    // (writer's, reader's, compatible under Strict, under Lenient)
    let open = r#"{"properties":{"f":{"type":"string"}}"#;
    let (optional, required, default) = (
        r#""g":{"type":"string"}"#,
        r#""required":["g"]"#,
        r#""g":{"type":"string","default":"x"}"#,
    );
    let with =
        |g: &str, more: &str| format!(r#"{{"properties":{{"f":{{"type":"string"}},{g}}}{more}}}"#);
    let (closed, required_too) = (r#","additionalProperties":false"#, format!(",{required}"));
    let plain = format!("{open}}}");
    let plain_closed = format!("{open}{closed}}}");
    let rows = [
        (plain.clone(), with(optional, ""), false, true),
        (plain.clone(), with(default, &required_too), false, true),
        (plain.clone(), with(optional, &required_too), false, false),
        (with(optional, ""), plain.clone(), true, true),
        (plain_closed.clone(), with(optional, closed), true, true),
        (plain_closed.clone(), with(optional, &format!("{required_too}{closed}")), false, false),
        (plain_closed.clone(), with(default, &format!("{required_too}{closed}")), true, true),
        (with(optional, closed), plain_closed.clone(), false, true),
        (plain.clone(), plain_closed.clone(), false, true),
        (
            plain.clone(),
            format!(r#"{open},"additionalProperties":{{"type":"null"}}}}"#),
            false,
            true,
        ),
    ];
    for (writer, reader, strict, lenient) in rows {
        let (before, after) = (parsed(&writer, SEVEN), parsed(&reader, SEVEN));
        for (policy, expected) in
            [(Policy::Strict, strict), (Policy::Logical, strict), (Policy::Lenient, lenient)]
        {
            let found = is_compatible(&before, &after, policy);
            assert_eq!(found, expected, "{policy:?}: {writer} -> {reader}");
        }
    }
}

#[test]
fn a_policy_holds_inside_of_combinations_too() {
    let writer = parsed(r#"{"allOf":[{"properties":{"a":{"type":"string"}}}]}"#, SEVEN);
    let reader = parsed(
        r#"{"allOf":[{"properties":{"a":{"type":"string"},"b":{"type":"string"}}}]}"#,
        SEVEN,
    );
    assert!(!is_compatible(&writer, &reader, Policy::Strict));
    assert!(is_compatible(&writer, &reader, Policy::Lenient));
}

#[test]
fn incompatibilities_are_worded_as_confluents_registry_words_them() {
    let writer = parsed(r#"{"properties":{"field1":{"type":"string"}}}"#, SEVEN);
    let reader =
        parsed(r#"{"properties":{"field1":{"type":"string"},"dname":{"type":"string"}}}"#, SEVEN);
    let found = reader.incompatibilities(&writer, Policy::Strict, &Limits::default()).unwrap();
    let words: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        ["{errorType:\"OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL\", description:\"The new \
          schema has an open content model and has a property or item at path \
          '#/properties/dname' which is missing in the old schema\"}"]
    );
    for kind in Kind::ALL {
        let silent = kind.at("#/x").description.is_empty();
        let harmless = kind.is_compatible(Policy::Strict);
        // SCHEMA_ADDED alone has no sentence in Confluent's registry either.
        assert_eq!(silent, harmless || *kind == Kind::SchemaAdded, "{}", kind.name());
    }
}

#[test]
fn draft_4_has_its_own_exclusive_limits() {
    let four = "http://json-schema.org/draft-04/schema#";
    let rows: &[Row] = &[
        (
            r#"{"maximum":10,"exclusiveMaximum":true}"#,
            r#"{"maximum":11,"exclusiveMaximum":true}"#,
            &["MAXIMUM_INCREASED #/maximum", "EXCLUSIVE_MAXIMUM_INCREASED #/exclusiveMaximum"],
            true,
        ),
        (
            r#"{"maximum":10}"#,
            r#"{"maximum":10,"exclusiveMaximum":true}"#,
            &["EXCLUSIVE_MAXIMUM_ADDED #/exclusiveMaximum"],
            false,
        ),
        (
            r#"{"minimum":10,"exclusiveMinimum":true}"#,
            r#"{"minimum":10}"#,
            &["EXCLUSIVE_MINIMUM_REMOVED #/exclusiveMinimum"],
            true,
        ),
        (r#"{"id":"http://a/b"}"#, r#"{"id":"http://a/c"}"#, &["ID_CHANGED #/"], true),
        (r#"{"const":1}"#, r#"{"const":2}"#, &[], true),
    ];
    check(rows, four);
}
