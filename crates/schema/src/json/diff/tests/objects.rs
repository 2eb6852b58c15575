//! Objects: properties under each content model, dependencies, limits.

use super::Row;

pub(super) const OBJECTS: &[Row] = &[
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

pub(super) const CONTENT_MODELS: &[Row] = &[
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

pub(super) const DEPENDENCIES: &[Row] = &[
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

pub(super) const DEPENDENCIES_SINCE_2019: &[Row] = &[
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
