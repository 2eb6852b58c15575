//! The descriptor of a file, built as Confluent's registry builds it: the fields of oneofs before the
//! others, the messages of map entries after the others, names of types as the text has them.

use super::super::names::{Names, Scope};
use super::super::tree::{
    Enum, Extend, Field, File, Label, Message, Range, Rpc, Scalar, Service, Setting, Syntax, Type,
    Value, map_of,
};
use super::base64;
use super::options;
use super::wire::Encoded;
use crate::Work;

/// The base64 of the descriptor of `file`. Only imports that `is_known` says yes to are listed.
pub(in super::super) fn encode(
    file: &File,
    names: &Names<'_>,
    is_known: impl Fn(&str) -> bool,
    work: &mut Work,
) -> String {
    let scope = Scope::of(file.package());
    let mut encoder = Encoder { names, work, scope, proto3: file.syntax == Some(Syntax::Proto3) };
    base64::encode(&encoder.file(file, is_known).into_bytes())
}

struct Encoder<'n, 'a, 'w> {
    names: &'n Names<'a>,
    work: &'w mut Work,
    scope: Scope,
    proto3: bool,
}

impl Encoder<'_, '_, '_> {
    fn file(&mut self, file: &File, is_known: impl Fn(&str) -> bool) -> Encoded {
        let mut result = Encoded::default();
        result.text(1, "default");
        if let Some(package) = &file.package {
            result.text(2, package);
        }
        let mut paths: Vec<&String> = Vec::new();
        let mut public = Vec::new();
        for path in file.imports.iter().filter(|path| is_known(path)) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        for path in file.public_imports.iter().filter(|path| is_known(path)) {
            let at = paths.iter().position(|known| *known == path).unwrap_or(paths.len());
            if at == paths.len() {
                paths.push(path);
            }
            public.push(i32::try_from(at).expect("a text has not so many imports"));
        }
        paths.iter().for_each(|path| result.text(3, path));
        for kind in &file.types {
            match kind {
                Type::Message(message) => result.message(4, self.message(message)),
                Type::Enum(enumeration) => result.message(5, encoded_enum(enumeration)),
            }
        }
        file.services.iter().for_each(|each| result.message(6, encoded_service(each)));
        self.extensions(&file.extends, 7, &mut result);
        put_options(&mut result, 8, options::FILE, "confluent.file_meta", &file.options);
        public.into_iter().for_each(|at| result.number(10, at));
        if let Some(syntax) = file.syntax {
            result.text(12, syntax.name());
        }
        result
    }

    fn message(&mut self, message: &Message) -> Encoded {
        let outside = self.scope.enter(&message.name);
        let mut result = Encoded::default();
        result.text(1, &message.name);
        let mut oneofs: Vec<String> = Vec::new();
        let mut entries = Vec::new();
        let mut added = std::collections::HashSet::new();
        for oneof in &message.oneofs {
            for field in &oneof.fields {
                let place = Place { oneof: Some(oneofs.len()), ..Place::default() };
                result.message(2, self.field(field, Some(Label::Optional), &field.kind, &place));
                added.insert(&field.name);
            }
            oneofs.push(oneof.name.clone());
        }
        for field in message.fields.iter().filter(|field| !added.contains(&field.name)) {
            let (mut label, mut kind) = (field.label, field.kind.clone());
            let mut place = Place::default();
            if let Some((key, value)) = map_of(&field.kind) {
                label = Some(Label::Repeated);
                kind = entry_name(&field.name);
                entries.push(self.map_entry(&kind, key, value));
                place.is_entry = true;
            }
            if self.proto3 && label == Some(Label::Optional) {
                place.oneof = Some(oneofs.len());
                place.proto3_optional = true;
                oneofs.push(format!("_{}", field.name));
            }
            result.message(2, self.field(field, label, &kind, &place));
        }
        message.messages().for_each(|each| result.message(3, self.message(each)));
        entries.into_iter().for_each(|entry| result.message(3, entry));
        let enums = super::super::tree::enums(&message.types);
        enums.for_each(|each| result.message(4, encoded_enum(each)));
        for range in message.extensions.iter().flatten() {
            put_range(&mut result, 5, range, 1);
        }
        self.extensions(&message.extends, 6, &mut result);
        put_options(&mut result, 7, options::MESSAGE, "confluent.message_meta", &message.options);
        for name in &oneofs {
            let mut oneof = Encoded::default();
            oneof.text(1, name);
            result.message(8, oneof);
        }
        put_reserved(&mut result, 9, &message.reserved, 1);
        self.scope.leave(outside);
        result
    }

    fn map_entry(&mut self, name: &str, key: &str, value: &str) -> Encoded {
        let mut result = Encoded::default();
        result.text(1, name);
        for (part, tag, kind) in [("key", 1, key), ("value", 2, value)] {
            let field = Field { name: part.to_owned(), tag, ..Field::default() };
            result.message(2, self.field(&field, None, kind, &Place::default()));
        }
        let map_entry = [Setting::plain("map_entry", Value::Boolean("true".to_owned()))];
        put_options(&mut result, 7, options::MESSAGE, "", &map_entry);
        result
    }

    fn extensions(&mut self, extends: &[Extend], number: u32, result: &mut Encoded) {
        for extend in extends {
            for field in &extend.fields {
                let place = Place { extendee: Some(&extend.name), ..Place::default() };
                let field = self.field(field, field.label, &field.kind, &place);
                result.message(number, field);
            }
        }
    }

    fn field(
        &mut self,
        field: &Field,
        label: Option<Label>,
        kind: &str,
        place: &Place<'_>,
    ) -> Encoded {
        let mut result = Encoded::default();
        result.text(1, &field.name);
        if let Some(extendee) = place.extendee {
            result.text(2, extendee);
        }
        result.number(3, field.tag);
        if let Some(label) = label {
            result.number(4, number_of_label(label));
        }
        match Scalar::of(kind) {
            Some(scalar) => result.number(5, number_of_scalar(scalar)),
            None => {
                if let Some(number) = self.number_of_named(kind, place.is_entry) {
                    result.number(5, number);
                }
                result.text(6, kind);
            }
        }
        if let Some(default) = &field.default {
            result.text(7, default);
        }
        put_options(&mut result, 8, options::FIELD, "confluent.field_meta", &field.options);
        if let Some(at) = place.oneof {
            result.number(9, i32::try_from(at).expect("a text has not so many oneofs"));
        }
        if let Some(json_name) = &field.json_name {
            result.text(10, json_name);
        }
        if place.proto3_optional {
            result.boolean(17, true);
        }
        result
    }

    /// The number of `FieldDescriptorProto.Type` of a name, unless nothing is found for it.
    fn number_of_named(&mut self, name: &str, is_entry: bool) -> Option<i32> {
        const MESSAGE: i32 = 11;
        const ENUM: i32 = 14;
        if is_entry {
            return Some(MESSAGE);
        }
        let (_, named) = self.names.resolve(name, &self.scope, self.work).ok()??;
        Some(if matches!(named.kind, Type::Enum(_)) { ENUM } else { MESSAGE })
    }
}

/// What the descriptor of a field says beyond the field itself.
#[derive(Default)]
struct Place<'a> {
    extendee: Option<&'a str>,
    oneof: Option<usize>,
    proto3_optional: bool,
    is_entry: bool,
}

/// The name that the message for the entries of a map field has: `my_map` makes `MyMapEntry`, and
/// `myMap` `myMapEntry`.
fn entry_name(field: &str) -> String {
    if !field.contains('_') {
        return format!("{field}Entry");
    }
    let mut name = String::new();
    for word in field.split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.extend(letters.map(|letter| letter.to_ascii_lowercase()));
    }
    name + "Entry"
}

fn number_of_label(label: Label) -> i32 {
    match label {
        Label::Optional => 1,
        Label::Required => 2,
        Label::Repeated => 3,
    }
}

fn number_of_scalar(scalar: Scalar) -> i32 {
    match scalar {
        Scalar::Double => 1,
        Scalar::Float => 2,
        Scalar::Int64 => 3,
        Scalar::Uint64 => 4,
        Scalar::Int32 => 5,
        Scalar::Fixed64 => 6,
        Scalar::Fixed32 => 7,
        Scalar::Bool => 8,
        Scalar::String => 9,
        Scalar::Bytes => 12,
        Scalar::Uint32 => 13,
        Scalar::Sfixed32 => 15,
        Scalar::Sfixed64 => 16,
        Scalar::Sint32 => 17,
        Scalar::Sint64 => 18,
    }
}

fn encoded_enum(enumeration: &Enum) -> Encoded {
    let mut result = Encoded::default();
    result.text(1, &enumeration.name);
    for constant in &enumeration.constants {
        let mut value = Encoded::default();
        value.text(1, &constant.name);
        value.number(2, constant.tag);
        let meta = "confluent.enum_value_meta";
        put_options(&mut value, 3, options::ENUM_VALUE, meta, &constant.options);
        result.message(2, value);
    }
    put_options(&mut result, 3, options::ENUM, "confluent.enum_meta", &enumeration.options);
    put_reserved(&mut result, 4, &enumeration.reserved, 0);
    result
}

fn encoded_service(service: &Service) -> Encoded {
    let mut result = Encoded::default();
    result.text(1, &service.name);
    service.rpcs.iter().for_each(|rpc| result.message(2, encoded_method(rpc)));
    put_options(&mut result, 3, options::SERVICE, "", &service.options);
    result
}

fn encoded_method(rpc: &Rpc) -> Encoded {
    let mut result = Encoded::default();
    result.text(1, &rpc.name);
    result.text(2, &rpc.request);
    result.text(3, &rpc.response);
    put_options(&mut result, 4, options::METHOD, "", &rpc.options);
    result.boolean(5, rpc.request_streaming);
    result.boolean(6, rpc.response_streaming);
    result
}

fn put_options(
    message: &mut Encoded,
    number: u32,
    table: &[options::Known],
    meta: &str,
    settings: &[Setting],
) {
    let encoded = options::encoded(table, meta, settings);
    if !encoded.is_empty() {
        message.message(number, encoded);
    }
}

/// Ranges as field `number` and names as the next one.
fn put_reserved(message: &mut Encoded, number: u32, reserved: &[Vec<Range>], beyond: i32) {
    for range in reserved.iter().flatten() {
        put_range(message, number, range, beyond);
    }
    for range in reserved.iter().flatten() {
        if let Range::Name(name) = range {
            message.text(number + 1, name);
        }
    }
}

/// A range whose end is `beyond` its last number; names are no ranges.
fn put_range(message: &mut Encoded, number: u32, range: &Range, beyond: i32) {
    let (start, last) = match range {
        Range::Number(only) => (*only, *only),
        Range::Span(start, last) => (*start, *last),
        Range::Name(_) => return,
    };
    let mut encoded = Encoded::default();
    encoded.number(1, start);
    encoded.number(2, last.saturating_add(beyond));
    message.message(number, encoded);
}
