//! What a schema is called and what it refers to, read from its text.
//!
//! This looks only for names, so that files which refer to each other can be registered in order. What
//! is not a schema at all is left for the registry to refuse, in its own words.

use serde_json::Value;
use std::collections::BTreeSet;
use tidegate_schema::SchemaType;

/// The names in one schema.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// What it is called: the full name in Avro, the `$id` in JSON Schema. Files of Protobuf are known
    /// by their paths only.
    pub own: Option<String>,
    /// What it defines, for Avro all named types.
    pub defines: BTreeSet<String>,
    /// What it refers to and does not define. Each is a list of names of which the first that is found
    /// is meant; the first one is also the name of the reference.
    pub needs: BTreeSet<Vec<String>>,
}

/// Reads the names in `text`.
pub fn names(kind: SchemaType, text: &str) -> Names {
    match kind {
        SchemaType::Protobuf => protobuf(text),
        SchemaType::Avro => {
            serde_json::from_str(text).map(|value| avro(&value)).unwrap_or_default()
        }
        SchemaType::Json => {
            serde_json::from_str(text).map(|value| json(&value)).unwrap_or_default()
        }
    }
}

const AVRO_PRIMITIVES: &[&str] =
    &["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

fn avro(schema: &Value) -> Names {
    let mut walk = AvroWalk::default();
    walk.schema(schema, "");
    let own = walk.own(schema);
    let needs =
        walk.used.into_iter().filter(|names| !names.iter().any(|name| walk.defined.contains(name)));
    Names { own, needs: needs.collect(), defines: walk.defined }
}

#[derive(Default)]
struct AvroWalk {
    defined: BTreeSet<String>,
    used: BTreeSet<Vec<String>>,
}

impl AvroWalk {
    fn own(&self, schema: &Value) -> Option<String> {
        Some(full_name(schema.get("name")?.as_str()?, schema["namespace"].as_str().unwrap_or("")))
    }

    fn schema(&mut self, schema: &Value, namespace: &str) {
        match schema {
            Value::String(name) if !AVRO_PRIMITIVES.contains(&name.as_str()) => {
                let mut names = vec![full_name(name, namespace)];
                if names[0] != *name {
                    names.push(name.clone());
                }
                self.used.insert(names);
            }
            Value::Array(branches) => {
                branches.iter().for_each(|branch| self.schema(branch, namespace))
            }
            Value::Object(members) => match members.get("type").and_then(Value::as_str) {
                Some("record" | "error" | "enum" | "fixed") => self.named(schema, namespace),
                Some("array") => self.schema(&schema["items"], namespace),
                Some("map") => self.schema(&schema["values"], namespace),
                _ => self.schema(&schema["type"], namespace),
            },
            _ => {}
        }
    }

    fn named(&mut self, schema: &Value, namespace: &str) {
        let namespace = schema["namespace"].as_str().unwrap_or(namespace);
        let Some(name) = schema["name"].as_str() else { return };
        let full = full_name(name, namespace);
        let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        self.defined.insert(full);
        for field in schema["fields"].as_array().into_iter().flatten() {
            self.schema(&field["type"], &namespace);
        }
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    match name.contains('.') || namespace.is_empty() {
        true => name.to_owned(),
        false => format!("{namespace}.{name}"),
    }
}

fn json(schema: &Value) -> Names {
    let id = schema["$id"].as_str().or(schema["id"].as_str());
    let id = id.map(|id| without_fragment(id).to_owned()).filter(|id| !id.is_empty());
    let mut used = BTreeSet::new();
    json_references(schema, &mut used);
    let needs = used.into_iter().map(|name| {
        let absolute = id.as_deref().and_then(|id| joined(id, &name));
        let mut names = vec![name];
        names.extend(absolute.filter(|absolute| *absolute != names[0]));
        names
    });
    let needs = needs
        .filter(|names| !names.iter().any(|name| Some(name) == id.as_ref()))
        .filter(|names| !names[0].contains("://json-schema.org/"));
    Names { needs: needs.collect(), defines: id.iter().cloned().collect(), own: id }
}

/// Keywords whose values are schemas by their names.
const NAMED_SCHEMAS: &[&str] = &[
    "properties",
    "patternProperties",
    "definitions",
    "$defs",
    "dependencies",
    "dependentSchemas",
];

fn json_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| json_references(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("$ref", Value::String(target)) if !without_fragment(target).is_empty() => {
                        found.insert(without_fragment(target).to_owned());
                    }
                    // What is in these is data, and not schema.
                    ("const" | "enum" | "default" | "examples", _) => {}
                    // The members of these have names of the user's choice, whatever they mean elsewhere.
                    (name, Value::Object(schemas)) if NAMED_SCHEMAS.contains(&name) => {
                        schemas.values().for_each(|schema| json_references(schema, found));
                    }
                    (_, member) => json_references(member, found),
                }
            }
        }
        _ => {}
    }
}

fn without_fragment(uri: &str) -> &str {
    uri.split_once('#').map_or(uri, |(uri, _)| uri)
}

/// A relative reference, seen from where `base` is.
fn joined(base: &str, reference: &str) -> Option<String> {
    if reference.contains("://") {
        return None;
    }
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in reference.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn protobuf(text: &str) -> Names {
    let tokens = protobuf_tokens(text);
    let mut needs = BTreeSet::new();
    for at in 0..tokens.len() {
        if tokens[at] != Token::Word("import") {
            continue;
        }
        let modifier = matches!(tokens.get(at + 1), Some(Token::Word("public" | "weak")));
        if let Some(Token::Text(path)) = tokens.get(at + 1 + usize::from(modifier))
            && !path.starts_with("google/")
        {
            needs.insert(vec![(*path).to_owned()]);
        }
    }
    Names { needs, ..Names::default() }
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Other,
}

/// The words and strings of a Protobuf file, without its comments.
fn protobuf_tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '/' if rest.starts_with("//") => rest.find('\n'),
            '/' if rest.starts_with("/*") => rest[2..].find("*/").map(|end| end + 4),
            '"' | '\'' => {
                let end = end_of_string(rest, first);
                tokens.push(end.map_or(Token::Other, |end| Token::Text(&rest[1..end])));
                end.map(|end| end + 1)
            }
            c if c.is_alphanumeric() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                tokens.push(Token::Word(&rest[..end.unwrap_or(rest.len())]));
                end
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token::Other);
                }
                Some(c.len_utf8())
            }
        };
        rest = &rest[end.unwrap_or(rest.len())..];
    }
    tokens
}

/// Where the quote stands that ends the string at the beginning of `text`.
fn end_of_string(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(kind: SchemaType, text: &str) -> Vec<String> {
        names(kind, text).needs.into_iter().map(|names| names.join(" or ")).collect()
    }

    #[test]
    fn avro_needs_the_names_that_it_does_not_define() {
        let text = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
            {"name":"a","type":["null","Money",{"type":"array","items":"other.Place"}]},
            {"name":"b","type":{"type":"map","values":{"type":"enum","name":"Kind","symbols":["A"]}}},
            {"name":"c","type":"Kind"},{"name":"d","type":{"type":"Order"}},
            {"name":"e","type":{"type":"bytes","logicalType":"decimal"}}]}"#;
        assert_eq!(needed(SchemaType::Avro, text), ["other.Place", "shop.Money or Money"]);
        let names = names(SchemaType::Avro, text);
        assert_eq!(names.own.as_deref(), Some("shop.Order"));
        assert_eq!(Vec::from_iter(names.defines), ["shop.Kind", "shop.Order"]);
        assert!(needed(SchemaType::Avro, "\"string\"").is_empty());
        assert_eq!(needed(SchemaType::Avro, "\"a.B\""), ["a.B"]);
    }

    #[test]
    fn json_needs_the_documents_of_its_references() {
        let text = r##"{"$id":"http://x/shop/order.json","properties":{
            "a":{"$ref":"money.json#/definitions/m"},"b":{"$ref":"#/definitions/c"},
            "c":{"$ref":"http://json-schema.org/draft-07/schema#"},"d":{"$ref":"../b.json"},
            "e":{"const":{"$ref":"data.json"}},"f":{"$ref":"order.json"},
            "default":{"items":[{"$ref":"z.json"}]},"$ref":{"type":"string"}}}"##;
        assert_eq!(
            needed(SchemaType::Json, text),
            [
                "../b.json or http://x/b.json",
                "money.json or http://x/shop/money.json",
                "z.json or http://x/shop/z.json"
            ]
        );
        assert_eq!(names(SchemaType::Json, text).own.as_deref(), Some("http://x/shop/order.json"));
    }

    #[test]
    fn protobuf_needs_its_imports_and_not_those_in_comments_and_strings() {
        let text = r#"syntax = "proto3"; // import "no.proto";
            /*/ import "no.proto"; */ import public "a/b.proto";import'c.proto';
            import weak "d.proto"; import "google/protobuf/timestamp.proto";
            message M { option x = "import \"no.proto\";"; string import_ = 1; }"#;
        assert_eq!(needed(SchemaType::Protobuf, text), ["a/b.proto", "c.proto", "d.proto"]);
        for torn in ["import \"", "/* import", "import", "\"\\", "é'"] {
            assert!(needed(SchemaType::Protobuf, torn).is_empty(), "{torn}");
        }
    }

    #[test]
    fn what_is_no_schema_has_no_names() {
        for kind in SchemaType::ALL {
            assert_eq!(names(kind, "{"), Names::default());
        }
    }
}
