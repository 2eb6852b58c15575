//! JSON Schemas as the registry meets them: what is read and refused, where references lead, and how
//! recursive schemas compare.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_schema::json::JsonSchema;
use tidegate_schema::{Limits, Policy, Reference, SchemaError};

fn parse(text: &str) -> Result<JsonSchema, SchemaError> {
    JsonSchema::parse(text, &[], &Limits::default())
}

fn parse_with(text: &str, references: &[(&str, &str)]) -> Result<JsonSchema, SchemaError> {
    let references: Vec<_> = references
        .iter()
        .map(|(name, text)| Reference { name, subject: "s", version: 1, text, direct: true })
        .collect();
    JsonSchema::parse(text, &references, &Limits::default())
}

/// The kinds and sentences of what keeps `reader` from reading.
fn refusals(reader: &JsonSchema, writer: &JsonSchema) -> Vec<String> {
    let found = reader.incompatibilities(writer, Policy::Strict, &Limits::default());
    let found = found.expect("it is not too expensive");
    found.into_iter().map(|one| format!("{} {}", one.error_type, one.description)).collect()
}

fn reads(reader: &str, writer: &str) -> bool {
    let (reader, writer) = (parse(reader).expect("a schema"), parse(writer).expect("a schema"));
    refusals(&reader, &writer).is_empty()
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    let refused = [
        ("[]", "#: expected type is one of Boolean or JsonObject, found: JsonArray"),
        ("null", "#: expected type is one of Boolean or JsonObject, found: Null"),
        (r#"{"type":"foo"}"#, "#: unknown type: [foo]"),
        (r#"{"type":1}"#, "#: expected type is one of JsonArray or String, found: Integer"),
        (r#"{"type":["string",2]}"#, "#: expected type: String, found: Integer"),
        (r#"{"minLength":"1"}"#, "#/minLength: expected type: Integer, found: String"),
        (r#"{"maxItems":1.5}"#, "#/maxItems: expected type: Integer, found: BigDecimal"),
        (r#"{"maxItems":99999999999}"#, "#/maxItems: expected type: Integer, found: Long"),
        (r#"{"minimum":"0"}"#, "#/minimum: expected type: Number, found: String"),
        (r#"{"multipleOf":0.0}"#, "#: multipleOf should not be 0"),
        (r#"{"uniqueItems":1}"#, "#/uniqueItems: expected type: Boolean, found: Integer"),
        (r#"{"properties":[]}"#, "#/properties: expected type: JsonObject, found: JsonArray"),
        (
            r#"{"properties":{"a/b":{"items":3}}}"#,
            "#/properties/a~1b/items: expected type is one of Boolean or JsonObject, found: Integer",
        ),
        (r#"{"required":"a"}"#, "#/required: expected type: JsonArray, found: String"),
        (r#"{"required":["a",1]}"#, "#/required/1: expected type: String, found: Integer"),
        (r#"{"enum":1}"#, "#/enum: expected type: JsonArray, found: Integer"),
        (r#"{"allOf":{}}"#, "#/allOf: expected type: JsonArray, found: JsonObject"),
        (r#"{"title":1}"#, "#/title: expected type: String, found: Integer"),
        (r#"{"format":1}"#, "#/format: expected type: String, found: Integer"),
        (r#"{"readOnly":"x"}"#, "#/readOnly: expected type: Boolean, found: String"),
        (
            r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","$defs":{"a":3}}"#,
            "#/$defs/a: expected type is one of Boolean or JsonObject, found: Integer",
        ),
        (r#"{"$id":"a b"}"#, "#: illegal character in $id: a b"),
        (r#"{"$schema":1}"#, "#/$schema: expected type: String, found: Integer"),
        (
            r##"{"$ref":"#/definitions/a"}"##,
            "#: reference #/definitions/a: key definitions not found",
        ),
        (
            r#"{"$ref":"other.json"}"#,
            "#: reference other.json is not among the schema's references",
        ),
        ("{\"maximum\":1e99999999999}", "the exponent of 1e+99999999999 is too large"),
    ];
    for (text, problem) in refused {
        assert_eq!(parse(text).unwrap_err(), SchemaError::Invalid(problem.to_owned()), "{text}");
    }
    for text in ["", "{", "{} {}", r#"{"pattern":"("}"#, r#"{"patternProperties":{"[z-a]":{}}}"#] {
        assert!(matches!(parse(text), Err(SchemaError::Invalid(_))), "{text}");
    }
}

#[test]
fn what_nothing_refers_to_may_hold_anything() {
    for text in [
        "true",
        "false",
        "{}",
        r#"{"definitions":{"a":{"type":5}}}"#,
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","definitions":{"a":3},"then":1}"#,
        r#"{"x-mine":{"type":5}}"#,
        r#"{"type":"object","properties":{"$id":"x"}}"#,
        r#"{"minLength":-1,"enum":[],"allOf":[],"required":["a","a"]}"#,
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","maxLength":1.0,"minItems":1e10}"#,
        r#"{"$schema":"http://json-schema.org/draft-04/schema#","const":1,"if":3}"#,
    ] {
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn canonical_text_keeps_the_order_and_normalized_text_sorts() {
    let schema = parse("{ \"type\" : \"string\",\n \"maxLength\":1, \"b\":{\"z\":1.0,\"a\":1E3} }");
    let schema = schema.unwrap();
    assert_eq!(schema.canonical(), r#"{"type":"string","maxLength":1,"b":{"z":1.0,"a":1E+3}}"#);
    assert_eq!(schema.normalized(), r#"{"b":{"a":1E+3,"z":1.0},"maxLength":1,"type":"string"}"#);
    for format in ["resolved", "ignore_extensions", "serialized", "no such format"] {
        assert_eq!(schema.formatted(format), schema.canonical(), "{format}");
    }
    let again = parse(&schema.normalized()).unwrap();
    assert_eq!(again.canonical(), again.normalized());
}

#[test]
fn references_lead_by_pointer_anchor_and_id() {
    const FOUR: &str = "http://json-schema.org/draft-04/schema#";
    const SIX: &str = "http://json-schema.org/draft-06/schema#";
    const SEVEN: &str = "http://json-schema.org/draft-07/schema#";
    const NINETEEN: &str = "https://json-schema.org/draft/2019-09/schema";
    const TWENTY: &str = "https://json-schema.org/draft/2020-12/schema";
    for (draft, members) in [
        (SEVEN, r##""$ref":"#/definitions/a","definitions":{"a":{"type":"number"}}"##),
        (SEVEN, r##""$ref":"#/x~1y/0/%25%20","x/y":[{"% ":{"type":"number"}}]"##),
        (SEVEN, r##""items":{"$ref":"#n"},"definitions":{"a":{"$id":"#n","type":"number"}}"##),
        (FOUR, r##""items":{"$ref":"#n"},"definitions":{"a":{"id":"#n","type":"number"}}"##),
        (
            SIX,
            r#""$id":"http://a/b/root.json","items":{"$ref":"c.json"},
            "definitions":{"a":{"$id":"c.json","type":"number"}}"#,
        ),
        (NINETEEN, r##""items":{"$ref":"#n"},"$defs":{"a":{"$anchor":"n","type":"number"}}"##),
        (
            TWENTY,
            r#""$id":"http://a/root","items":{"$ref":"item#n"},
            "$defs":{"a":{"$id":"item","$defs":{"x":{"$anchor":"n","type":"number"}}}}"#,
        ),
        (
            TWENTY,
            r##""$id":"http://a/root","items":{"$ref":"item"},
            "$defs":{"a":{"$id":"item","$ref":"#/$defs/x","$defs":{"x":{"type":"number"}}}}"##,
        ),
    ] {
        let text = format!(r#"{{"$schema":"{draft}",{members}}}"#);
        let schema = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let other = parse(&text.replace(r#""type":"number""#, r#""type":"string""#)).unwrap();
        assert_eq!(refusals(&schema, &schema), Vec::<String>::new(), "{text}");
        let found = refusals(&other, &schema);
        assert!(found.len() == 1 && found[0].starts_with("TYPE_CHANGED"), "{text}: {found:?}");
    }
}

#[test]
fn references_lead_to_what_is_registered_under_their_names() {
    let root = r##"{"$id":"http://a/root.json","properties":{
        "own":{"$ref":"#/definitions/x"},"other":{"$ref":"other.json"},
        "part":{"$ref":"http://b/part.json#/definitions/y"}},
        "definitions":{"x":{"type":"string"}}}"##;
    // The other text has references of its own, one of them back to the first.
    let other = r##"{"properties":{"deep":{"$ref":"deep.json"},"root":{"$ref":"root.json"},
        "own":{"$ref":"#/definitions/z"}},"definitions":{"z":{"type":"null"}}}"##;
    let part = r#"{"definitions":{"y":{"type":"boolean"}}}"#;
    let references =
        |deep| vec![("deep.json", deep), ("other.json", other), ("http://b/part.json", part)];
    let writer = parse_with(root, &references(r#"{"type":"integer"}"#)).unwrap();
    let wider = parse_with(root, &references(r#"{"type":"number"}"#)).unwrap();
    assert_eq!(refusals(&wider, &writer), Vec::<String>::new());
    assert_eq!(
        refusals(&writer, &wider),
        ["TYPE_NARROWED A type at path '#/properties/other/properties/deep' is different between \
          the new schema and the old schema"]
    );
    let missing = parse_with(root, &[("other.json", other)]).unwrap_err();
    let SchemaError::Invalid(problem) = missing else { panic!("{missing}") };
    assert!(problem.contains("http://b/part.json"), "{problem}");
}

#[test]
fn a_recursive_schema_reads_itself() {
    let list = |value: &str| {
        format!(
            r##"{{"type":"object","properties":{{"value":{{"type":"{value}"}},
            "next":{{"oneOf":[{{"type":"null"}},{{"$ref":"#"}}]}}}},"additionalProperties":false}}"##
        )
    };
    assert!(reads(&list("integer"), &list("integer")));
    assert!(reads(&list("number"), &list("integer")));
    assert!(!reads(&list("integer"), &list("number")));
    let found = refusals(&parse(&list("string")).unwrap(), &parse(&list("number")).unwrap());
    assert_eq!(found.len(), 2, "the value, and the choice that holds the rest: {found:?}");
    // References that lead only to each other mean nothing, and hang nothing.
    let circle = r##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},
        "b":{"$ref":"#/definitions/a"}}}"##;
    assert!(reads(circle, circle));
}

#[test]
fn recursion_is_compared_with_what_it_meets_and_not_cut_off() {
    // The reader's list narrows at its third link; a guard that only remembers the writer's schema
    // would stop at the second.
    let writer = r##"{"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"number"}}}"##;
    let reader = r##"{"type":"object","properties":{"next":{"type":"object","properties":{"next":
        {"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"integer"}}},
        "v":{"type":"number"}}},"v":{"type":"number"}}}"##;
    assert!(!reads(reader, writer));
    assert!(reads(writer, reader));
}

#[test]
fn choices_that_depend_on_each_other_are_settled_together() {
    // Whether `a` goes with `a` is only known after `b` has been tried, which leads back to `a`.
    let schema = |leaf: &str| {
        format!(
            r##"{{"$ref":"#/definitions/a","definitions":{{
            "a":{{"anyOf":[{{"type":"object","properties":{{"b":{{"$ref":"#/definitions/b"}}}},
                "additionalProperties":false}},{{"type":"null"}}]}},
            "b":{{"anyOf":[{{"type":"object","properties":{{"a":{{"$ref":"#/definitions/a"}},
                "leaf":{{"type":"{leaf}"}}}},"additionalProperties":false}},{{"type":"string"}}]}}}}}}"##
        )
    };
    assert!(reads(&schema("number"), &schema("integer")));
    assert!(!reads(&schema("integer"), &schema("number")));
}

/// A schema of any draft, now and then with a keyword of a wrong type or a reference that leads nowhere.
fn any_schema() -> impl Strategy<Value = Value> {
    fn one_of(words: &[&'static str]) -> impl Strategy<Value = &'static str> + use<> {
        prop::sample::select(words.to_vec())
    }
    let types = ["string", "integer", "number", "array", "object", "null", "boolean"];
    let texts = ["a", "#a", "http://x/y#", "^a", "(", "\u{10000}"];
    let targets = ["#", "#/definitions/a", "#/$defs/a", "#/items", "#a", "b", "#/properties/a"];
    let limits = ["maxLength", "minimum", "multipleOf", "maxProperties", "minItems", "minContains"];
    let (schemas, lists, maps) = (
        ["items", "not", "if", "additionalProperties", "additionalItems", "unevaluatedItems"],
        ["allOf", "anyOf", "oneOf", "prefixItems", "items"],
        ["properties", "definitions", "$defs", "patternProperties", "dependencies"],
    );
    let drafts = [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ];
    let leaf = prop_oneof![
        6 => one_of(&types).prop_map(|name| json!({ "type": name })),
        1 => any::<bool>().prop_map(Value::from),
        1 => one_of(&texts).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 5, move |inner| {
        let member = prop_oneof![
            2 => (Just("type"), one_of(&types).prop_map(Value::from)),
            2 => (one_of(&limits), (-1..20).prop_map(Value::from)),
            2 => (one_of(&["$ref"]), one_of(&targets).prop_map(Value::from)),
            1 => (one_of(&["$id", "$anchor", "pattern", "const"]), one_of(&texts).prop_map(Value::from)),
            3 => (one_of(&schemas), inner.clone()),
            3 => (one_of(&lists), prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from)),
            3 => (one_of(&maps), inner.clone().prop_map(|schema| json!({ "a": schema }))),
            1 => (one_of(&limits), inner),
        ];
        let members = prop::collection::vec(member, 0..5);
        (members, prop::option::of(one_of(&drafts))).prop_map(|(members, draft)| {
            let mut schema: Value = members.into_iter().collect();
            if let (Some(draft), Some(members)) = (draft, schema.as_object_mut()) {
                members.insert("$schema".to_owned(), draft.into());
            }
            schema
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_json_is_read_or_refused_and_reads_itself(one in any_schema(), other in any_schema()) {
        let (one, other) = (parse(&one.to_string()), parse(&other.to_string()));
        for schema in [&one, &other].into_iter().flatten() {
            prop_assert_eq!(refusals(schema, schema), Vec::<String>::new());
            let again = parse(&schema.normalized()).expect("the same schema");
            prop_assert_eq!(again.canonical(), schema.normalized());
            prop_assert_eq!(refusals(&again, schema), Vec::<String>::new());
        }
        if let (Ok(one), Ok(other)) = (&one, &other) {
            refusals(one, other);
            refusals(other, one);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}\":,0-9a-z$# .+-]{0,60}") {
        let _ = parse(&text);
    }
}
