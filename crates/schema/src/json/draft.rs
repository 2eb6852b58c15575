//! The drafts of JSON Schema, and which keywords make which kind of schema in each.

use serde_json::{Map, Value};

/// A version of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    /// 2019-09.
    Nineteen,
    /// 2020-12.
    Twenty,
}

impl Draft {
    /// What `$schema` of `schema` says; draft 7 where it says nothing that is known, as Confluent has it.
    pub(super) fn of(schema: &Value) -> Option<Self> {
        let uri = schema.as_object()?.get("$schema")?.as_str()?;
        let uri = uri.strip_suffix('#').unwrap_or(uri);
        let name = uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://"))?;
        Some(match name {
            "json-schema.org/draft-04/schema" => Draft::Four,
            "json-schema.org/draft-06/schema" => Draft::Six,
            "json-schema.org/draft-07/schema" | "json-schema.org/schema" => Draft::Seven,
            "json-schema.org/draft/2019-09/schema" => Draft::Nineteen,
            "json-schema.org/draft/2020-12/schema" => Draft::Twenty,
            _ => return None,
        })
    }

    /// Whether it is one of the drafts in which `$ref` has siblings and tuples are `prefixItems`.
    pub(super) fn is_modern(self) -> bool {
        self >= Draft::Nineteen
    }

    /// The keyword that names a schema.
    pub(super) fn id_keyword(self) -> &'static str {
        if self == Draft::Four { "id" } else { "$id" }
    }

    /// Whether `schema` has a keyword that is about arrays.
    pub(super) fn has_array_keyword(self, schema: &Map<String, Value>) -> bool {
        has_any(schema, &["items", "minItems", "maxItems", "uniqueItems"])
            || self != Draft::Twenty && schema.contains_key("additionalItems")
            || self >= Draft::Six && schema.contains_key("contains")
            || self.is_modern()
                && has_any(
                    schema,
                    &["prefixItems", "unevaluatedItems", "minContains", "maxContains"],
                )
    }

    /// Whether `schema` has a keyword that is about objects.
    pub(super) fn has_object_keyword(self, schema: &Map<String, Value>) -> bool {
        has_any(schema, &["properties", "required", "minProperties", "maxProperties"])
            || has_any(schema, &["patternProperties", "additionalProperties"])
            || !self.is_modern() && schema.contains_key("dependencies")
            || self >= Draft::Six && schema.contains_key("propertyNames")
            || self.is_modern()
                && has_any(
                    schema,
                    &["dependentRequired", "dependentSchemas", "unevaluatedProperties"],
                )
    }

    /// Whether `schema` has a keyword that is about strings.
    pub(super) fn has_string_keyword(self, schema: &Map<String, Value>) -> bool {
        has_any(schema, &["minLength", "maxLength", "pattern"])
            || !self.is_modern() && schema.contains_key("format")
    }

    /// Whether `schema` has a keyword that is about numbers.
    pub(super) fn has_number_keyword(schema: &Map<String, Value>) -> bool {
        has_any(
            schema,
            &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
        )
    }
}

fn has_any(schema: &Map<String, Value>, keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| schema.contains_key(*keyword))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dollar_schema_names_the_draft() {
        let drafts = [
            ("http://json-schema.org/draft-04/schema#", Some(Draft::Four)),
            ("http://json-schema.org/draft-06/schema#", Some(Draft::Six)),
            ("http://json-schema.org/draft-07/schema#", Some(Draft::Seven)),
            ("http://json-schema.org/draft-07/schema", Some(Draft::Seven)),
            ("https://json-schema.org/draft-07/schema#", Some(Draft::Seven)),
            ("https://json-schema.org/draft/2019-09/schema", Some(Draft::Nineteen)),
            ("https://json-schema.org/draft/2020-12/schema", Some(Draft::Twenty)),
            ("https://example.com/mine", None),
        ];
        for (uri, draft) in drafts {
            assert_eq!(Draft::of(&json!({ "$schema": uri })), draft, "{uri}");
        }
        assert_eq!(Draft::of(&json!(true)), None);
    }
}
