//! Schemas in files: what language they are in, and how they are shown.

use crate::failure::Failure;
use std::io::Read;
use std::path::Path;
use tidegate_schema::SchemaType;

/// The name that stands for standard input.
const STDIN: &str = "-";

/// A schema that was read from a file or from standard input.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as it was given.
    pub path: String,
    /// The language.
    pub kind: SchemaType,
    /// What is in the file.
    pub text: String,
}

impl Source {
    /// Reads a file. Its language is `kind`, or what the end of its name says.
    pub fn read(path: &str, kind: Option<SchemaType>) -> Result<Source, Failure> {
        let wrong = |problem: String| Failure::Usage(format!("{path}: {problem}"));
        let kind = kind.or_else(|| kind_of_name(path)).ok_or_else(|| {
            wrong("nothing tells the type of this schema; --type does".to_owned())
        })?;
        let text = match path {
            STDIN => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).map(|_| text)
            }
            path => std::fs::read_to_string(path),
        };
        let text = text.map_err(|error| wrong(error.to_string()))?;
        Ok(Source { path: path.to_owned(), kind, text })
    }
}

/// The type that `--type` names.
pub fn parse_kind(name: Option<&str>) -> Result<Option<SchemaType>, Failure> {
    let kind = |name: &str| {
        SchemaType::of(name).ok_or_else(|| {
            Failure::Usage(format!("--type cannot be {name:?}; it takes AVRO, JSON or PROTOBUF"))
        })
    };
    name.map(kind).transpose()
}

fn kind_of_name(path: &str) -> Option<SchemaType> {
    let extension = Path::new(path).extension()?.to_str()?;
    match extension.to_ascii_lowercase().as_str() {
        "avsc" => Some(SchemaType::Avro),
        "json" => Some(SchemaType::Json),
        "proto" => Some(SchemaType::Protobuf),
        _ => None,
    }
}

/// A schema as people like to read it: JSON indented, with members and digits as they are. The text
/// ends with a line end.
pub fn pretty(text: &str) -> String {
    let json = text.trim_start().starts_with(['{', '[', '"']);
    let read: Option<serde_json::Value> = json.then(|| serde_json::from_str(text).ok()).flatten();
    let indented = read.and_then(|value| serde_json::to_string_pretty(&value).ok());
    ended(indented.as_deref().unwrap_or(text))
}

/// The text with a line end behind it.
pub fn ended(text: &str) -> String {
    match text.ends_with('\n') {
        true => text.to_owned(),
        false => format!("{text}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_tells_the_language() {
        assert_eq!(kind_of_name("a/order.avsc"), Some(SchemaType::Avro));
        assert_eq!(kind_of_name("order.v1.JSON"), Some(SchemaType::Json));
        assert_eq!(kind_of_name("order.proto"), Some(SchemaType::Protobuf));
        assert_eq!(kind_of_name("-"), None);
        assert!(matches!(Source::read("order.txt", None), Err(Failure::Usage(_))));
        assert!(matches!(parse_kind(Some("XML")), Err(Failure::Usage(_))));
    }

    #[test]
    fn json_is_indented_and_keeps_its_order_and_its_digits() {
        assert_eq!(pretty(r#"{"b":1.10,"a":[]}"#), "{\n  \"b\": 1.10,\n  \"a\": []\n}\n");
        let proto = "syntax = \"proto3\";\n";
        assert_eq!(pretty(proto), proto);
        assert_eq!(pretty("{ not JSON"), "{ not JSON\n");
    }
}
