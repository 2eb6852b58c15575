//! Arrays: items, tuples under each content model, limits.

use super::Row;

pub(super) const ARRAYS: &[Row] = &[
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

pub(super) const TUPLES: &[Row] = &[
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

pub(super) const TUPLES_SINCE_2020: &[Row] = &[
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
