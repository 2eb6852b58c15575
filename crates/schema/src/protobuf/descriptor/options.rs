//! Options that descriptors have fields for: their names, numbers and types.

use super::super::tree::{Setting, Value};
use super::wire::{Datum, Encoded};

/// An option of `google.protobuf.…Options`.
pub(super) struct Known {
    name: &'static str,
    number: u32,
    kind: Kind,
}

enum Kind {
    Text,
    Boolean,
    /// Words with their numbers.
    Words(&'static [(&'static str, i32)]),
}

const fn text(name: &'static str, number: u32) -> Known {
    Known { name, number, kind: Kind::Text }
}

const fn boolean(name: &'static str, number: u32) -> Known {
    Known { name, number, kind: Kind::Boolean }
}

const fn words(name: &'static str, number: u32, list: &'static [(&'static str, i32)]) -> Known {
    Known { name, number, kind: Kind::Words(list) }
}

// Each in the order in which Confluent's registry prints them.
pub(super) const FILE: &[Known] = &[
    text("java_package", 1),
    text("java_outer_classname", 8),
    boolean("java_multiple_files", 10),
    boolean("java_generate_equals_and_hash", 20),
    boolean("java_string_check_utf8", 27),
    words("optimize_for", 9, &[("SPEED", 1), ("CODE_SIZE", 2), ("LITE_RUNTIME", 3)]),
    text("go_package", 11),
    boolean("cc_generic_services", 16),
    boolean("java_generic_services", 17),
    boolean("py_generic_services", 18),
    boolean("php_generic_services", 42),
    boolean("deprecated", 23),
    boolean("cc_enable_arenas", 31),
    text("objc_class_prefix", 36),
    text("csharp_namespace", 37),
    text("swift_prefix", 39),
    text("php_class_prefix", 40),
    text("php_namespace", 41),
    text("php_metadata_namespace", 44),
    text("ruby_package", 45),
];

pub(super) const MESSAGE: &[Known] = &[
    boolean("no_standard_descriptor_accessor", 2),
    boolean("deprecated", 3),
    boolean("map_entry", 7),
];

pub(super) const FIELD: &[Known] = &[
    words("ctype", 1, &[("STRING", 0), ("CORD", 1), ("STRING_PIECE", 2)]),
    boolean("packed", 2),
    words("jstype", 6, &[("JS_NORMAL", 0), ("JS_STRING", 1), ("JS_NUMBER", 2)]),
    boolean("deprecated", 3),
];

pub(super) const ENUM: &[Known] = &[boolean("allow_alias", 2), boolean("deprecated", 3)];

pub(super) const ENUM_VALUE: &[Known] = &[boolean("deprecated", 1)];

pub(super) const SERVICE: &[Known] = &[boolean("deprecated", 33)];

pub(super) const METHOD: &[Known] = &[
    boolean("deprecated", 33),
    words(
        "idempotency_level",
        34,
        &[("IDEMPOTENCY_UNKNOWN", 0), ("NO_SIDE_EFFECTS", 1), ("IDEMPOTENT", 2)],
    ),
];

/// The number of Confluent's option in the options of a file, a message, a field, an enum and a
/// constant.
const META: u32 = 1088;

/// The option that `datum` sets in a field of one of the messages above.
pub(super) fn decoded(table: &[Known], number: u32, datum: Datum<'_>) -> Option<Setting> {
    let known = table.iter().find(|known| known.number == number)?;
    let value = match known.kind {
        Kind::Text => Value::String(datum.text()?),
        Kind::Boolean => Value::Boolean(datum.boolean()?.to_string()),
        Kind::Words(list) => {
            let number = datum.number()?;
            let (word, _) = list.iter().find(|(_, known)| *known == number)?;
            Value::Enum((*word).to_owned())
        }
    };
    Some(Setting::plain(known.name, value))
}

/// Sorts settings as the table has them.
pub(super) fn sort(table: &[Known], settings: &mut [Setting]) {
    settings.sort_by_key(|setting| table.iter().position(|known| known.name == setting.name));
}

/// The options message with those of `settings` that it has fields for, and Confluent's `meta`.
pub(super) fn encoded(table: &[Known], meta: &str, settings: &[Setting]) -> Encoded {
    let mut message = Encoded::default();
    let mut known: Vec<&Known> = table.iter().collect();
    known.sort_by_key(|known| known.number);
    for known in known {
        let Some(setting) = settings.iter().rev().find(|each| each.name == known.name) else {
            continue;
        };
        match (&known.kind, &setting.value) {
            (Kind::Text, Value::String(text)) => message.text(known.number, text),
            (Kind::Boolean, Value::Boolean(word)) => message.boolean(known.number, word == "true"),
            (Kind::Words(list), Value::Enum(word)) => {
                if let Some((_, number)) = list.iter().find(|(name, _)| name == word) {
                    message.number(known.number, *number);
                }
            }
            _ => {}
        }
    }
    let meta = encoded_meta(meta, settings);
    if !meta.is_empty() {
        message.message(META, meta);
    }
    message
}

/// `confluent.Meta`, whether written as one aggregate or field by field.
fn encoded_meta(name: &str, settings: &[Setting]) -> Encoded {
    let mut message = Encoded::default();
    let of_name = |setting: &&Setting| setting.name.trim_start_matches('.') == name;
    let mut parts: Vec<(&str, &Value)> = Vec::new();
    for setting in settings.iter().filter(of_name) {
        match &setting.value {
            Value::Map(entries) => {
                parts.extend(entries.iter().map(|(key, value)| (key.as_str(), value)));
            }
            Value::Field(field) => parts.push((&field.name, &field.value)),
            _ => {}
        }
    }
    for wanted in ["doc", "params", "tags"] {
        for (key, value) in parts.iter().filter(|(key, _)| *key == wanted) {
            encode_meta_field(key, value, &mut message);
        }
    }
    message
}

fn encode_meta_field(key: &str, value: &Value, message: &mut Encoded) {
    match (key, value) {
        ("doc", Value::String(text)) => message.text(1, text),
        ("tags", Value::String(text)) => message.text(3, text),
        ("params", Value::Map(entry)) => {
            let part = |name: &str| match entry.iter().find(|(key, _)| key == name) {
                Some((_, Value::String(text))) => text.as_str(),
                _ => "",
            };
            let mut param = Encoded::default();
            param.text(1, part("key"));
            param.text(2, part("value"));
            message.message(2, param);
        }
        ("params" | "tags", Value::List(items)) => {
            items.iter().for_each(|item| encode_meta_field(key, item, message));
        }
        _ => {}
    }
}
