//! Responses as text: read from their `Debug` form, so that any response can be printed, and laid
//! out so that a difference is a line.

use std::fmt::Debug;

/// A value as `Debug` shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, a name, an id: anything without parts.
    Word(String),
    Text(String),
    Bytes(Vec<u8>),
    Null,
    List(Vec<Value>),
    Fields(Vec<(String, Value)>),
}

impl Value {
    /// Reads the `Debug` form of `value`. `Some` and types around one value are looked through.
    pub fn of(value: &impl Debug) -> Value {
        Value::read(&format!("{value:?}"))
    }

    /// Reads what a `Debug` form has already written.
    pub fn read(text: &str) -> Value {
        let mut reader = Reader { rest: text };
        let value = reader.value();
        assert!(reader.rest.is_empty(), "{:?} is left of {text}", reader.rest);
        value
    }

    /// Changes every value in depth-first order, told the name of the nearest field around it.
    pub fn each(&mut self, field: &str, change: &mut impl FnMut(&str, &mut Value)) {
        change(field, self);
        match self {
            Value::List(items) => items.iter_mut().for_each(|item| item.each(field, change)),
            Value::Fields(fields) => {
                fields.iter_mut().for_each(|(name, value)| value.each(name, change));
            }
            _ => {}
        }
    }
}

/// A cursor over `Debug` output.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip(&mut self, what: &str) -> bool {
        let rest = self.rest.trim_start();
        let rest = rest.strip_prefix(what);
        if let Some(rest) = rest {
            self.rest = rest.trim_start();
        }
        rest.is_some()
    }

    fn word(&mut self) -> String {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || "_-.+".contains(c)));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        assert!(!word.is_empty(), "no value at {:?}", self.rest);
        self.rest = rest;
        word.to_owned()
    }

    fn value(&mut self) -> Value {
        if self.rest.starts_with("b\"") {
            self.rest = &self.rest[1..];
            return Value::Bytes(self.quoted());
        }
        if self.rest.starts_with('"') {
            return Value::Text(String::from_utf8_lossy(&self.quoted()).into_owned());
        }
        if self.skip("[") {
            return Value::List(self.items("]"));
        }
        if self.skip("(") {
            return Value::List(self.items(")"));
        }
        if self.skip("{") {
            return Value::Fields(self.fields());
        }
        let word = self.word();
        if self.skip("(") {
            let mut items = self.items(")");
            return if items.len() == 1 { items.remove(0) } else { Value::List(items) };
        }
        if self.skip("{") {
            return Value::Fields(self.fields());
        }
        if word == "None" { Value::Null } else { Value::Word(word) }
    }

    fn items(&mut self, end: &str) -> Vec<Value> {
        let mut items = Vec::new();
        while !self.skip(end) {
            items.push(self.value());
            self.skip(",");
        }
        items
    }

    fn fields(&mut self) -> Vec<(String, Value)> {
        let mut fields = Vec::new();
        while !self.skip("}") {
            let name = match self.value() {
                Value::Word(name) | Value::Text(name) => name,
                other => format!("{other:?}"),
            };
            assert!(self.skip(":"), "no value for {name} at {:?}", self.rest);
            fields.push((name, self.value()));
            self.skip(",");
        }
        fields
    }

    /// The bytes of a quoted string, escapes resolved.
    fn quoted(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            if c == '"' {
                self.rest = &self.rest[1 + at + 1..];
                return bytes;
            }
            if c != '\\' {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            match chars.next().map(|(_, c)| c) {
                Some('n') => bytes.push(b'\n'),
                Some('r') => bytes.push(b'\r'),
                Some('t') => bytes.push(b'\t'),
                Some('0') => bytes.push(0),
                Some('x') => {
                    let digits: String = chars.by_ref().take(2).map(|(_, c)| c).collect();
                    bytes.push(u8::from_str_radix(&digits, 16).expect("Debug writes two digits"));
                }
                Some('u') => {
                    let digits = chars.by_ref().map(|(_, c)| c).skip(1).take_while(|c| *c != '}');
                    let code = u32::from_str_radix(&digits.collect::<String>(), 16);
                    let c = char::from_u32(code.expect("Debug writes hex digits"));
                    let c = c.expect("Debug writes characters");
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                None => break,
            }
        }
        panic!("a string without an end: {:?}", self.rest)
    }
}

/// Lines longer than this are broken between fields.
const COLUMNS: usize = 110;

/// The value as lines.
pub fn lines(value: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    match value {
        Value::Fields(fields) => put_fields(fields, 0, &mut lines),
        Value::List(items) if !items.iter().all(is_scalar) => put_items(items, 0, &mut lines),
        scalar => lines.push(scalar_text(scalar)),
    }
    lines
}

fn is_scalar(value: &Value) -> bool {
    match value {
        Value::Fields(fields) => fields.is_empty(),
        Value::List(items) => {
            items.iter().all(|item| !matches!(item, Value::Fields(_)) && is_scalar(item))
        }
        _ => true,
    }
}

fn put_fields(fields: &[(String, Value)], indent: usize, lines: &mut Vec<String>) {
    let margin = " ".repeat(indent);
    let mut line = String::new();
    for (name, value) in fields {
        let text = is_scalar(value).then(|| format!("{name}: {}", scalar_text(value)));
        let fits = |text: &String| indent + line.len() + 2 + text.len() <= COLUMNS;
        if !line.is_empty() && !text.as_ref().is_some_and(fits) {
            lines.push(format!("{margin}{}", std::mem::take(&mut line)));
        }
        match (text, value) {
            (Some(text), _) => {
                if !line.is_empty() {
                    line.push_str(", ");
                }
                line.push_str(&text);
            }
            (None, Value::Fields(fields)) => {
                lines.push(format!("{margin}{name}:"));
                put_fields(fields, indent + 2, lines);
            }
            (None, Value::List(items)) => {
                lines.push(format!("{margin}{name}:"));
                put_items(items, indent, lines);
            }
            (None, _) => unreachable!("only lists and fields are not scalar"),
        }
    }
    if !line.is_empty() {
        lines.push(format!("{margin}{line}"));
    }
}

fn put_items(items: &[Value], indent: usize, lines: &mut Vec<String>) {
    for item in items {
        let first = lines.len();
        match item {
            Value::Fields(fields) if !fields.is_empty() => put_fields(fields, indent + 2, lines),
            Value::List(items) if !is_scalar(item) => put_items(items, indent + 2, lines),
            scalar => lines.push(format!("{}{}", " ".repeat(indent + 2), scalar_text(scalar))),
        }
        lines[first].replace_range(indent..=indent, "-");
    }
}

fn scalar_text(value: &Value) -> String {
    match value {
        Value::Word(word) => word.clone(),
        Value::Text(text) => format!("{text:?}"),
        Value::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        Value::Null => "null".to_owned(),
        Value::Fields(_) => "{}".to_owned(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(scalar_text).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[allow(dead_code, reason = "only its Debug form is looked at")]
    struct Row {
        name: Option<&'static str>,
        wrapped: Wrapped,
        bytes: bytes::Bytes,
        rows: Vec<Row>,
    }

    #[derive(Debug)]
    #[allow(dead_code, reason = "only its Debug form is looked at")]
    struct Wrapped(i32);

    #[test]
    fn every_part_of_a_response_is_printed_and_rows_are_lines() {
        let row = |name, rows| Row {
            name,
            wrapped: Wrapped(-1),
            bytes: bytes::Bytes::from_static(b"\x00\"\xff\\"),
            rows,
        };
        let value = Value::of(&row(Some("a \"b\"\u{7}ä"), vec![row(None, vec![])]));
        assert_eq!(
            lines(&value),
            [
                r#"name: "a \"b\"\u{7}ä", wrapped: -1, bytes: b"\x00\"\xff\\""#,
                "rows:",
                r#"- name: null, wrapped: -1, bytes: b"\x00\"\xff\\", rows: []"#,
            ]
        );
    }

    #[test]
    fn maps_and_tuples_and_ids_are_read() {
        let map = std::collections::BTreeMap::from([(1, uuid::Uuid::nil())]);
        let nil = "00000000-0000-0000-0000-000000000000";
        assert_eq!(lines(&Value::of(&map)), [format!("1: {nil}")]);
        assert_eq!(lines(&Value::of(&(1, "a", -2.5))), [r#"[1, "a", -2.5]"#]);
    }
}
