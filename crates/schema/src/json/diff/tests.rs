//! Confluent's rules as tables: what each change is called, where it is reported, and whether a reader
//! with the second schema reads what was written under the first.

use super::*;
use crate::json::JsonSchema;

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

const GENERAL: &[Row] = &[
    ("{}", "{}", &[], true),
    (r#"{"$id":"a"}"#, r#"{"$id":"b"}"#, &["ID_CHANGED #/"], true),
    (r#"{"title":"a"}"#, r#"{"title":"b"}"#, &["TITLE_CHANGED #/"], true),
    (r#"{"description":"a"}"#, "{}", &["DESCRIPTION_CHANGED #/"], true),
    (
        r#"{"type":"string","default":"a"}"#,
        r#"{"type":"string","default":"b"}"#,
        &["DEFAULT_CHANGED #/"],
        true,
    ),
    (r#"{"type":"string"}"#, "{}", &[], true),
    ("{}", r#"{"type":"string"}"#, &["TYPE_CHANGED #/"], false),
    ("false", r#"{"type":"string"}"#, &[], true),
    (r#"{"type":"string"}"#, "false", &["TYPE_CHANGED #/"], false),
    ("true", "{}", &[], true),
    ("{}", "true", &[], true),
    (r#"{"type":"object"}"#, r#"{"type":"array"}"#, &["TYPE_CHANGED #/"], false),
    (r#"{"type":"null"}"#, r#"{"type":"boolean"}"#, &["TYPE_CHANGED #/"], false),
    (r#"{"type":"integer"}"#, r#"{"type":"number"}"#, &["TYPE_EXTENDED #/"], true),
    (r#"{"type":"number"}"#, r#"{"type":"integer"}"#, &["TYPE_NARROWED #/"], false),
    (
        r#"{"type":"string","connect.type":"bytes"}"#,
        r#"{"type":"number","connect.type":"bytes"}"#,
        &[],
        true,
    ),
];

const SCALARS: &[Row] = &[
    (
        r#"{"type":"string"}"#,
        r#"{"type":"string","maxLength":3}"#,
        &["MAX_LENGTH_ADDED #/maxLength"],
        false,
    ),
    (r#"{"maxLength":3}"#, r#"{"type":"string"}"#, &["MAX_LENGTH_REMOVED #/maxLength"], true),
    (r#"{"maxLength":3}"#, r#"{"maxLength":4}"#, &["MAX_LENGTH_INCREASED #/maxLength"], true),
    (r#"{"maxLength":4}"#, r#"{"maxLength":3}"#, &["MAX_LENGTH_DECREASED #/maxLength"], false),
    (r#"{"type":"string"}"#, r#"{"minLength":3}"#, &["MIN_LENGTH_ADDED #/minLength"], false),
    (r#"{"minLength":3}"#, r#"{"type":"string"}"#, &["MIN_LENGTH_REMOVED #/minLength"], true),
    (r#"{"minLength":3}"#, r#"{"minLength":4}"#, &["MIN_LENGTH_INCREASED #/minLength"], false),
    (r#"{"minLength":4}"#, r#"{"minLength":3}"#, &["MIN_LENGTH_DECREASED #/minLength"], true),
    (r#"{"type":"string"}"#, r#"{"pattern":"a"}"#, &["PATTERN_ADDED #/pattern"], false),
    (r#"{"pattern":"a"}"#, r#"{"type":"string"}"#, &["PATTERN_REMOVED #/pattern"], true),
    (r#"{"pattern":"a"}"#, r#"{"pattern":"b"}"#, &["PATTERN_CHANGED #/pattern"], false),
    (r#"{"type":"number"}"#, r#"{"maximum":3}"#, &["MAXIMUM_ADDED #/maximum"], false),
    (r#"{"maximum":3}"#, r#"{"type":"number"}"#, &["MAXIMUM_REMOVED #/maximum"], true),
    (r#"{"maximum":3}"#, r#"{"maximum":3.5}"#, &["MAXIMUM_INCREASED #/maximum"], true),
    (r#"{"maximum":3}"#, r#"{"maximum":2e0}"#, &["MAXIMUM_DECREASED #/maximum"], false),
    (r#"{"maximum":3}"#, r#"{"maximum":3.0}"#, &[], true),
    (r#"{"type":"number"}"#, r#"{"minimum":3}"#, &["MINIMUM_ADDED #/minimum"], false),
    (r#"{"minimum":3}"#, r#"{"type":"number"}"#, &["MINIMUM_REMOVED #/minimum"], true),
    (r#"{"minimum":3}"#, r#"{"minimum":4}"#, &["MINIMUM_INCREASED #/minimum"], false),
    (r#"{"minimum":3}"#, r#"{"minimum":-4}"#, &["MINIMUM_DECREASED #/minimum"], true),
    (
        r#"{"type":"number"}"#,
        r#"{"exclusiveMaximum":3}"#,
        &["EXCLUSIVE_MAXIMUM_ADDED #/exclusiveMaximum"],
        false,
    ),
    (
        r#"{"exclusiveMaximum":3}"#,
        r#"{"type":"number"}"#,
        &["EXCLUSIVE_MAXIMUM_REMOVED #/exclusiveMaximum"],
        true,
    ),
    (
        r#"{"exclusiveMaximum":3}"#,
        r#"{"exclusiveMaximum":4}"#,
        &["EXCLUSIVE_MAXIMUM_INCREASED #/exclusiveMaximum"],
        true,
    ),
    (
        r#"{"exclusiveMaximum":4}"#,
        r#"{"exclusiveMaximum":3}"#,
        &["EXCLUSIVE_MAXIMUM_DECREASED #/exclusiveMaximum"],
        false,
    ),
    (
        r#"{"type":"number"}"#,
        r#"{"exclusiveMinimum":3}"#,
        &["EXCLUSIVE_MINIMUM_ADDED #/exclusiveMinimum"],
        false,
    ),
    (
        r#"{"exclusiveMinimum":3}"#,
        r#"{"type":"number"}"#,
        &["EXCLUSIVE_MINIMUM_REMOVED #/exclusiveMinimum"],
        true,
    ),
    (
        r#"{"exclusiveMinimum":3}"#,
        r#"{"exclusiveMinimum":4}"#,
        &["EXCLUSIVE_MINIMUM_INCREASED #/exclusiveMinimum"],
        false,
    ),
    (
        r#"{"exclusiveMinimum":4}"#,
        r#"{"exclusiveMinimum":3}"#,
        &["EXCLUSIVE_MINIMUM_DECREASED #/exclusiveMinimum"],
        true,
    ),
    (r#"{"type":"number"}"#, r#"{"multipleOf":2}"#, &["MULTIPLE_OF_ADDED #/multipleOf"], false),
    (r#"{"multipleOf":2}"#, r#"{"type":"number"}"#, &["MULTIPLE_OF_REMOVED #/multipleOf"], true),
    (r#"{"multipleOf":2}"#, r#"{"multipleOf":4}"#, &["MULTIPLE_OF_EXPANDED #/multipleOf"], false),
    (r#"{"multipleOf":0.3}"#, r#"{"multipleOf":0.1}"#, &["MULTIPLE_OF_REDUCED #/multipleOf"], true),
    (r#"{"multipleOf":2}"#, r#"{"multipleOf":3}"#, &["MULTIPLE_OF_CHANGED #/multipleOf"], false),
    (r#"{"enum":[1,2]}"#, r#"{"enum":[2,1,3]}"#, &["ENUM_ARRAY_EXTENDED #/enum"], true),
    (r#"{"enum":[1,{"a":1,"b":2}]}"#, r#"{"enum":[{"b":2,"a":1},1]}"#, &[], true),
    (r#"{"enum":[1,2]}"#, r#"{"enum":[1]}"#, &["ENUM_ARRAY_NARROWED #/enum"], false),
    (r#"{"enum":[1,2]}"#, r#"{"enum":[1,3]}"#, &["ENUM_ARRAY_CHANGED #/enum"], false),
    (r#"{"const":1}"#, r#"{"const":2}"#, &["ENUM_ARRAY_CHANGED #/const"], false),
    (r#"{"const":1}"#, r#"{"enum":[1]}"#, &["TYPE_CHANGED #/"], false),
];

#[test]
fn schemas_of_single_types_are_compared_by_their_keywords() {
    check(GENERAL, SEVEN);
    check(GENERAL, TWENTY);
    check(SCALARS, SEVEN);
    check(SCALARS, TWENTY);
}

const OBJECTS: &[Row] = &[
    (
        r#"{"properties":{"a":{"type":"string"}}}"#,
        r#"{"properties":{"a":{"type":"number"}}}"#,
        &["TYPE_CHANGED #/properties/a"],
        false,
    ),
    (
        r#"{"properties":{"a":{}}}"#,
        r#"{"properties":{"a":{}},"required":["a"]}"#,
        &["REQUIRED_ATTRIBUTE_ADDED #/required/a"],
        false,
    ),
    (
        r#"{"properties":{"a":{"type":"string","default":"x"}}}"#,
        r#"{"properties":{"a":{"type":"string","default":"x"}},"required":["a"]}"#,
        &["REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED #/required/a"],
        true,
    ),
    (
        r#"{"properties":{"a":{}},"required":["a"]}"#,
        r#"{"properties":{"a":{}},"required":["b"]}"#,
        &["REQUIRED_ATTRIBUTE_REMOVED #/required/a"],
        true,
    ),
    (
        r#"{"type":"object"}"#,
        r#"{"maxProperties":1}"#,
        &["MAX_PROPERTIES_ADDED #/maxProperties"],
        false,
    ),
    (
        r#"{"maxProperties":1}"#,
        r#"{"type":"object"}"#,
        &["MAX_PROPERTIES_REMOVED #/maxProperties"],
        true,
    ),
    (
        r#"{"maxProperties":1}"#,
        r#"{"maxProperties":2}"#,
        &["MAX_PROPERTIES_INCREASED #/maxProperties"],
        true,
    ),
    (
        r#"{"maxProperties":2}"#,
        r#"{"maxProperties":1}"#,
        &["MAX_PROPERTIES_DECREASED #/maxProperties"],
        false,
    ),
    (
        r#"{"type":"object"}"#,
        r#"{"minProperties":1}"#,
        &["MIN_PROPERTIES_ADDED #/minProperties"],
        false,
    ),
    (
        r#"{"minProperties":1}"#,
        r#"{"type":"object"}"#,
        &["MIN_PROPERTIES_REMOVED #/minProperties"],
        true,
    ),
    (
        r#"{"minProperties":1}"#,
        r#"{"minProperties":2}"#,
        &["MIN_PROPERTIES_INCREASED #/minProperties"],
        false,
    ),
    (
        r#"{"minProperties":2}"#,
        r#"{"minProperties":1}"#,
        &["MIN_PROPERTIES_DECREASED #/minProperties"],
        true,
    ),
    (
        r#"{"additionalProperties":false}"#,
        r#"{"additionalProperties":true}"#,
        &["ADDITIONAL_PROPERTIES_ADDED #/additionalProperties"],
        true,
    ),
    (
        r#"{"additionalProperties":{"type":"string"}}"#,
        r#"{"additionalProperties":false}"#,
        &["ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties"],
        false,
    ),
    (
        r#"{"additionalProperties":{"type":"string"}}"#,
        r#"{"type":"object"}"#,
        &["ADDITIONAL_PROPERTIES_EXTENDED #/additionalProperties"],
        true,
    ),
    (
        r#"{"type":"object"}"#,
        r#"{"additionalProperties":{"type":"string"}}"#,
        &["ADDITIONAL_PROPERTIES_NARROWED #/additionalProperties"],
        false,
    ),
    (
        r#"{"additionalProperties":{"type":"integer"}}"#,
        r#"{"additionalProperties":{"type":"number"}}"#,
        &["TYPE_EXTENDED #/additionalProperties"],
        true,
    ),
];

const CONTENT_MODELS: &[Row] = &[
    (
        r#"{"type":"object"}"#,
        r#"{"properties":{"a":{"type":"string"}}}"#,
        &["OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a"],
        false,
    ),
    (
        r#"{"type":"object"}"#,
        r#"{"properties":{"a":{"type":"string"}},"required":["a"]}"#,
        &["REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a"],
        false,
    ),
    (
        r#"{"type":"object"}"#,
        r#"{"properties":{"a":{"type":"string","default":""}},"required":["a"]}"#,
        &["REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a"],
        false,
    ),
    (
        r#"{"type":"object"}"#,
        r#"{"properties":{"a":true,"b":{}}}"#,
        &[
            "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a",
            "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b",
        ],
        true,
    ),
    (
        r#"{"additionalProperties":false}"#,
        r#"{"additionalProperties":false,"properties":{"a":{"type":"string"}},"required":["a"]}"#,
        &["REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a"],
        false,
    ),
    (
        r#"{"additionalProperties":false}"#,
        r#"{"additionalProperties":false,"properties":{"a":{"type":"null","default":1}},"required":["a"]}"#,
        &["REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a"],
        true,
    ),
    (
        r#"{"additionalProperties":false}"#,
        r#"{"additionalProperties":false,"properties":{"a":{"type":"string"}}}"#,
        &["OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a"],
        true,
    ),
    (
        r#"{"properties":{"a":{"type":"string"}}}"#,
        r#"{"type":"object"}"#,
        &["PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL #/properties/a"],
        true,
    ),
    (
        r#"{"properties":{"a":{"type":"string"}},"additionalProperties":false}"#,
        r#"{"additionalProperties":false}"#,
        &["PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a"],
        false,
    ),
    (
        r#"{"properties":{"a":false},"additionalProperties":false}"#,
        r#"{"additionalProperties":false}"#,
        &["PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a"],
        true,
    ),
    (
        r#"{"properties":{"n_a":{"type":"integer"}},"patternProperties":{"^n_":{"type":"number"}}}"#,
        r#"{"patternProperties":{"^n_":{"type":"number"}}}"#,
        &[
            "TYPE_EXTENDED #/properties/n_a",
            "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/n_a",
        ],
        true,
    ),
    (
        r#"{"properties":{"a":{"type":"null"}},"additionalProperties":{"type":"string"}}"#,
        r#"{"additionalProperties":{"type":"string"}}"#,
        &[
            "TYPE_CHANGED #/properties/a",
            "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a",
        ],
        false,
    ),
    (
        r#"{"additionalProperties":{"type":"integer"}}"#,
        r#"{"additionalProperties":{"type":"integer"},"properties":{"a":{"type":"number"}}}"#,
        &[
            "TYPE_EXTENDED #/properties/a",
            "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a",
            "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a",
        ],
        true,
    ),
    (
        r#"{"patternProperties":{"^a":{"type":"string"}},"additionalProperties":false}"#,
        r#"{"patternProperties":{"^a":{"type":"string"}},"additionalProperties":false,
            "properties":{"ab":{"type":"number"}}}"#,
        &[
            "TYPE_CHANGED #/properties/ab",
            "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/ab",
            "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/ab",
        ],
        false,
    ),
];

#[test]
fn objects_are_compared_under_their_content_models() {
    check(OBJECTS, SEVEN);
    check(OBJECTS, TWENTY);
    check(CONTENT_MODELS, SEVEN);
    check(CONTENT_MODELS, TWENTY);
}

const DEPENDENCIES: &[Row] = &[
    (
        r#"{"type":"object"}"#,
        r#"{"dependencies":{"a":["b"]}}"#,
        &["DEPENDENCY_ARRAY_ADDED #/dependencies/a"],
        false,
    ),
    (
        r#"{"dependencies":{"a":["b"]}}"#,
        r#"{"dependencies":{"a":[]}}"#,
        &["DEPENDENCY_ARRAY_REMOVED #/dependencies/a"],
        true,
    ),
    (
        r#"{"dependencies":{"a":["b"]}}"#,
        r#"{"dependencies":{"a":["b","c"]}}"#,
        &["DEPENDENCY_ARRAY_EXTENDED #/dependencies/a"],
        false,
    ),
    (
        r#"{"dependencies":{"a":["b","c"]}}"#,
        r#"{"dependencies":{"a":["c"]}}"#,
        &["DEPENDENCY_ARRAY_NARROWED #/dependencies/a"],
        true,
    ),
    (
        r#"{"dependencies":{"a":["b"]}}"#,
        r#"{"dependencies":{"a":["c"]}}"#,
        &["DEPENDENCY_ARRAY_CHANGED #/dependencies/a"],
        false,
    ),
    (
        r#"{"type":"object"}"#,
        r#"{"dependencies":{"a":{"required":["b"]}}}"#,
        &["DEPENDENCY_SCHEMA_ADDED #/dependencies/a"],
        false,
    ),
    (
        r#"{"dependencies":{"a":{"required":["b"]}}}"#,
        r#"{"dependencies":{}}"#,
        &["DEPENDENCY_SCHEMA_REMOVED #/dependencies/a"],
        true,
    ),
    (
        r#"{"dependencies":{"a":{"minProperties":1}}}"#,
        r#"{"dependencies":{"a":{"minProperties":2}}}"#,
        &["MIN_PROPERTIES_INCREASED #/dependencies/a/minProperties"],
        false,
    ),
];

const DEPENDENCIES_SINCE_2019: &[Row] = &[
    (
        r#"{"dependentRequired":{"a":["b"]}}"#,
        r#"{"dependentRequired":{"a":["b","c"]}}"#,
        &["DEPENDENCY_ARRAY_EXTENDED #/dependencies/a"],
        false,
    ),
    (
        r#"{"dependentSchemas":{"a":{"minProperties":2}}}"#,
        r#"{"dependentSchemas":{"a":{"minProperties":1}}}"#,
        &["MIN_PROPERTIES_DECREASED #/dependencies/a/minProperties"],
        true,
    ),
    (
        r#"{"unevaluatedProperties":false}"#,
        r#"{"type":"object"}"#,
        &["UNEVALUATED_PROPERTIES_ADDED #/unevaluatedProperties"],
        true,
    ),
    (
        r#"{"type":"object"}"#,
        r#"{"unevaluatedProperties":false}"#,
        &["UNEVALUATED_PROPERTIES_REMOVED #/unevaluatedProperties"],
        false,
    ),
    (
        r#"{"unevaluatedProperties":{"type":"string"}}"#,
        r#"{"unevaluatedProperties":true}"#,
        &["UNEVALUATED_PROPERTIES_EXTENDED #/unevaluatedProperties"],
        true,
    ),
    (
        r#"{"unevaluatedProperties":true}"#,
        r#"{"unevaluatedProperties":{"type":"string"}}"#,
        &["UNEVALUATED_PROPERTIES_NARROWED #/unevaluatedProperties"],
        false,
    ),
    (
        r#"{"unevaluatedProperties":{"type":"string"}}"#,
        r#"{"unevaluatedProperties":{"type":"null"}}"#,
        &["TYPE_CHANGED #/unevaluatedProperties"],
        false,
    ),
    (
        r#"{"unevaluatedProperties":false}"#,
        r#"{"unevaluatedProperties":false,"properties":{"a":{"type":"string"}}}"#,
        &["OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a"],
        true,
    ),
];

#[test]
fn dependencies_and_what_no_keyword_evaluated_are_compared() {
    check(DEPENDENCIES, SEVEN);
    check(DEPENDENCIES_SINCE_2019, TWENTY);
    check(DEPENDENCIES_SINCE_2019, "https://json-schema.org/draft/2019-09/schema");
}

const ARRAYS: &[Row] = &[
    (r#"{"type":"array"}"#, r#"{"items":{"type":"string"}}"#, &["SCHEMA_ADDED #/items"], false),
    (r#"{"items":{"type":"string"}}"#, r#"{"type":"array"}"#, &["SCHEMA_REMOVED #/items"], true),
    (
        r#"{"items":{"type":"integer"}}"#,
        r#"{"items":{"type":"number"}}"#,
        &["TYPE_EXTENDED #/items"],
        true,
    ),
    (r#"{"type":"array"}"#, r#"{"maxItems":1}"#, &["MAX_ITEMS_ADDED #/maxItems"], false),
    (r#"{"maxItems":1}"#, r#"{"type":"array"}"#, &["MAX_ITEMS_REMOVED #/maxItems"], true),
    (r#"{"maxItems":1}"#, r#"{"maxItems":2}"#, &["MAX_ITEMS_INCREASED #/maxItems"], true),
    (r#"{"maxItems":2}"#, r#"{"maxItems":1}"#, &["MAX_ITEMS_DECREASED #/maxItems"], false),
    (r#"{"type":"array"}"#, r#"{"minItems":1}"#, &["MIN_ITEMS_ADDED #/minItems"], false),
    (r#"{"minItems":1}"#, r#"{"type":"array"}"#, &["MIN_ITEMS_REMOVED #/minItems"], true),
    (r#"{"minItems":1}"#, r#"{"minItems":2}"#, &["MIN_ITEMS_INCREASED #/minItems"], false),
    (r#"{"minItems":2}"#, r#"{"minItems":1}"#, &["MIN_ITEMS_DECREASED #/minItems"], true),
    (
        r#"{"type":"array"}"#,
        r#"{"uniqueItems":true}"#,
        &["UNIQUE_ITEMS_ADDED #/uniqueItems"],
        false,
    ),
    (
        r#"{"uniqueItems":true}"#,
        r#"{"uniqueItems":false}"#,
        &["UNIQUE_ITEMS_REMOVED #/uniqueItems"],
        true,
    ),
];

const TUPLES: &[Row] = &[
    (
        r#"{"items":[{"type":"string"}]}"#,
        r#"{"items":[{"type":"null"}]}"#,
        &["TYPE_CHANGED #/items/0"],
        false,
    ),
    (
        r#"{"items":[{"type":"string"}]}"#,
        r#"{"type":"array"}"#,
        &["ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL #/items/0"],
        true,
    ),
    (
        r#"{"items":[{"type":"string"}],"additionalItems":false}"#,
        r#"{"items":[],"additionalItems":false}"#,
        &["ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/0"],
        false,
    ),
    (
        r#"{"items":[false],"additionalItems":false}"#,
        r#"{"additionalItems":false}"#,
        &["ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/0"],
        true,
    ),
    (
        r#"{"items":[{"type":"integer"}],"additionalItems":{"type":"number"}}"#,
        r#"{"items":[],"additionalItems":{"type":"number"}}"#,
        &[
            "TYPE_EXTENDED #/items/0",
            "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/0",
        ],
        true,
    ),
    (
        r#"{"items":[{"type":"null"}],"additionalItems":{"type":"number"}}"#,
        r#"{"items":[],"additionalItems":{"type":"number"}}"#,
        &[
            "TYPE_CHANGED #/items/0",
            "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/0",
        ],
        false,
    ),
    (
        r#"{"items":[]}"#,
        r#"{"items":[{"type":"string"},true]}"#,
        &[
            "ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/0",
            "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL #/items/1",
        ],
        false,
    ),
    (
        r#"{"additionalItems":false}"#,
        r#"{"items":[{"type":"string"}],"additionalItems":false}"#,
        &["ITEM_ADDED_TO_CLOSED_CONTENT_MODEL #/items/0"],
        true,
    ),
    (
        r#"{"additionalItems":{"type":"integer"}}"#,
        r#"{"items":[{"type":"number"}],"additionalItems":{"type":"integer"}}"#,
        &[
            "TYPE_EXTENDED #/items/0",
            "ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/0",
        ],
        true,
    ),
    (
        r#"{"additionalItems":{"type":"number"}}"#,
        r#"{"items":[{"type":"integer"}],"additionalItems":{"type":"number"}}"#,
        &[
            "TYPE_NARROWED #/items/0",
            "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/0",
        ],
        false,
    ),
    (
        r#"{"additionalItems":false}"#,
        r#"{"type":"array"}"#,
        &["ADDITIONAL_ITEMS_ADDED #/additionalItems"],
        true,
    ),
    (
        r#"{"type":"array"}"#,
        r#"{"additionalItems":false}"#,
        &["ADDITIONAL_ITEMS_REMOVED #/additionalItems"],
        false,
    ),
    (
        r#"{"additionalItems":{"type":"null"}}"#,
        r#"{"type":"array"}"#,
        &["ADDITIONAL_ITEMS_EXTENDED #/additionalItems"],
        true,
    ),
    (
        r#"{"type":"array"}"#,
        r#"{"additionalItems":{"type":"null"}}"#,
        &["ADDITIONAL_ITEMS_NARROWED #/additionalItems"],
        false,
    ),
];

const TUPLES_SINCE_2020: &[Row] = &[
    (
        r#"{"prefixItems":[{"type":"string"}],"items":false}"#,
        r#"{"prefixItems":[{"type":"string"},{"type":"null"}],"items":false}"#,
        &["ITEM_ADDED_TO_CLOSED_CONTENT_MODEL #/items/1"],
        true,
    ),
    (
        r#"{"prefixItems":[true],"items":{"type":"string"}}"#,
        r#"{"prefixItems":[true],"items":{"type":"null"}}"#,
        &["TYPE_CHANGED #/additionalItems"],
        false,
    ),
    (
        r#"{"items":false}"#,
        r#"{"items":true}"#,
        &["ADDITIONAL_ITEMS_ADDED #/additionalItems"],
        true,
    ),
    (
        r#"{"unevaluatedItems":false}"#,
        r#"{"type":"array"}"#,
        &["UNEVALUATED_ITEMS_ADDED #/unevaluatedItems"],
        true,
    ),
    (
        r#"{"type":"array"}"#,
        r#"{"unevaluatedItems":false}"#,
        &["UNEVALUATED_ITEMS_REMOVED #/unevaluatedItems"],
        false,
    ),
    (
        r#"{"unevaluatedItems":{"type":"null"}}"#,
        r#"{"type":"array"}"#,
        &["UNEVALUATED_ITEMS_EXTENDED #/unevaluatedItems"],
        true,
    ),
    (
        r#"{"type":"array"}"#,
        r#"{"unevaluatedItems":{"type":"null"}}"#,
        &["UNEVALUATED_ITEMS_NARROWED #/unevaluatedItems"],
        false,
    ),
    (
        r#"{"contains":{}}"#,
        r#"{"contains":{},"maxContains":2}"#,
        &["MAX_CONTAINS_ADDED #/maxContains"],
        false,
    ),
    (
        r#"{"contains":{},"maxContains":2}"#,
        r#"{"contains":{}}"#,
        &["MAX_CONTAINS_REMOVED #/maxContains"],
        true,
    ),
    (
        r#"{"maxContains":2}"#,
        r#"{"maxContains":3}"#,
        &["MAX_CONTAINS_INCREASED #/maxContains"],
        true,
    ),
    (
        r#"{"maxContains":3}"#,
        r#"{"maxContains":2}"#,
        &["MAX_CONTAINS_DECREASED #/maxContains"],
        false,
    ),
    (
        r#"{"contains":{}}"#,
        r#"{"contains":{},"minContains":2}"#,
        &["MIN_CONTAINS_ADDED #/minContains"],
        false,
    ),
    (
        r#"{"contains":{},"minContains":2}"#,
        r#"{"contains":{}}"#,
        &["MIN_CONTAINS_REMOVED #/minContains"],
        true,
    ),
    (
        r#"{"minContains":2}"#,
        r#"{"minContains":3}"#,
        &["MIN_CONTAINS_INCREASED #/minContains"],
        false,
    ),
    (
        r#"{"minContains":3}"#,
        r#"{"minContains":2}"#,
        &["MIN_CONTAINS_DECREASED #/minContains"],
        true,
    ),
];

#[test]
fn arrays_and_tuples_are_compared() {
    check(ARRAYS, SEVEN);
    check(ARRAYS, TWENTY);
    check(TUPLES, SEVEN);
    check(TUPLES_SINCE_2020, TWENTY);
}

const COMBINED: &[Row] = &[
    (
        r#"{"oneOf":[{"type":"string"}]}"#,
        r#"{"oneOf":[{"type":"number"},{"type":"string"}]}"#,
        &["SUM_TYPE_EXTENDED #/"],
        true,
    ),
    (
        r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#,
        r#"{"oneOf":[{"type":"string"}]}"#,
        &["SUM_TYPE_NARROWED #/"],
        false,
    ),
    (
        r#"{"allOf":[{"type":"string"}]}"#,
        r#"{"allOf":[{"type":"string"},{"maxLength":3}]}"#,
        &["PRODUCT_TYPE_EXTENDED #/"],
        false,
    ),
    (
        r#"{"allOf":[{"type":"string"},{"enum":["a"]}]}"#,
        r#"{"allOf":[{"enum":["b","a"]}]}"#,
        &["PRODUCT_TYPE_NARROWED #/", "ENUM_ARRAY_EXTENDED #/allOf/1/enum"],
        true,
    ),
    (
        r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#,
        r#"{"anyOf":[{"type":"null"},{"type":"string"}]}"#,
        &["COMBINED_TYPE_EXTENDED #/"],
        true,
    ),
    (
        r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#,
        r#"{"oneOf":[{"type":"null"},{"type":"string"}]}"#,
        &["COMBINED_TYPE_CHANGED #/"],
        false,
    ),
    (
        r#"{"anyOf":[{"type":"string"}]}"#,
        r#"{"oneOf":[{"type":"null"},{"type":"string"}]}"#,
        &["COMBINED_TYPE_EXTENDED #/", "SUM_TYPE_EXTENDED #/"],
        true,
    ),
    (
        r#"{"anyOf":[{"type":"string"},{"type":"integer"}]}"#,
        r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#,
        &["COMBINED_TYPE_SUBSCHEMAS_CHANGED #/"],
        false,
    ),
    (
        r#"{"anyOf":[{"type":"string"},{"type":"string"}]}"#,
        r#"{"anyOf":[{"type":"string"}]}"#,
        &[],
        true,
    ),
    (
        r#"{"type":"string","maxLength":3}"#,
        r#"{"oneOf":[{"type":"null"},{"type":"string"}]}"#,
        &["MAX_LENGTH_REMOVED #/maxLength", "SUM_TYPE_EXTENDED #/"],
        true,
    ),
    (r#"{"type":"string"}"#, r#"{"allOf":[{"type":"string"}]}"#, &[], true),
    (
        r#"{"type":"string"}"#,
        r#"{"allOf":[{"type":"string"},{"maxLength":1}]}"#,
        &["TYPE_CHANGED #/"],
        false,
    ),
    (r#"{"anyOf":[{"type":"string"}]}"#, r#"{"type":"string"}"#, &[], true),
    (
        r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#,
        r#"{"type":"string"}"#,
        &["TYPE_CHANGED #/"],
        false,
    ),
    (
        r#"{"type":"string","enum":["a"]}"#,
        r#"{"type":"string"}"#,
        &["PRODUCT_TYPE_NARROWED #/"],
        true,
    ),
    (r#"{"type":["string"]}"#, r#"{"type":["null","string"]}"#, &["SUM_TYPE_EXTENDED #/"], true),
    (r#"{"type":["string","null"]}"#, r#"{"type":["string"]}"#, &["SUM_TYPE_NARROWED #/"], false),
    (
        r#"{"type":["string","null"],"maxLength":3}"#,
        r#"{"maxLength":4,"type":["null","string"]}"#,
        &["MAX_LENGTH_INCREASED #/anyOf/0/maxLength"],
        true,
    ),
    (
        r#"{"items":{"type":"string"},"type":["array"]}"#,
        r#"{"type":["array","null"],"items":{"type":"null"}}"#,
        &["SUM_TYPE_EXTENDED #/", "COMBINED_TYPE_SUBSCHEMAS_CHANGED #/"],
        false,
    ),
    (
        r#"{"type":"object","maxItems":1}"#,
        r#"{"type":"object","maxItems":2}"#,
        &["MAX_ITEMS_INCREASED #/allOf/1/maxItems"],
        true,
    ),
    (
        r#"{"not":{"type":"number"}}"#,
        r#"{"not":{"type":"integer"}}"#,
        &["NOT_TYPE_NARROWED #/not"],
        true,
    ),
    (
        r#"{"not":{"type":"integer"}}"#,
        r#"{"not":{"type":"number"}}"#,
        &["NOT_TYPE_EXTENDED #/not"],
        false,
    ),
    (
        r#"{"not":{"not":{"type":"integer"}}}"#,
        r#"{"not":{"not":{"type":"number"}}}"#,
        &["NOT_TYPE_NARROWED #/not"],
        true,
    ),
];

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
