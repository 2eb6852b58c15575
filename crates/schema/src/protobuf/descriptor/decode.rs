//! A file from its descriptor.

use super::super::tree::{
    Constant, Enum, Extend, Field, File, Label, Message, OneOf, Range, Rpc, Scalar, Service,
    Setting, Syntax, Type,
};
use super::base64;
use super::options::{self, Known};
use super::wire::{Datum, Fields, Malformed};
use std::collections::{HashMap, HashSet};

type Result<T> = std::result::Result<T, Malformed>;

/// The file that `text` is the base64 of, if it is one. `depth_max` bounds how deep messages may
/// be nested in it.
pub(in super::super) fn decode(text: &str, depth_max: usize) -> Option<File> {
    let bytes = base64::decode(text)?;
    if bytes.is_empty() {
        return None;
    }
    let syntax = syntax_of(&bytes).ok()?;
    Decoder { proto3: syntax == Some(Syntax::Proto3) }.file(&bytes, syntax, depth_max).ok()
}

/// It stands near the end, and all fields need it.
fn syntax_of(bytes: &[u8]) -> Result<Option<Syntax>> {
    let mut syntax = None;
    for field in Fields::of(bytes) {
        if let (12, datum) = field? {
            let known = [Syntax::Proto2, Syntax::Proto3];
            let named = datum.text().unwrap_or_default();
            syntax = known.into_iter().find(|each| each.name() == named);
        }
    }
    Ok(syntax)
}

struct Decoder {
    proto3: bool,
}

impl Decoder {
    fn file(&self, bytes: &[u8], syntax: Option<Syntax>, depth_max: usize) -> Result<File> {
        let mut file = File { syntax, ..File::default() };
        let (mut imports, mut public, mut enums) = (Vec::new(), HashSet::new(), Vec::new());
        let mut extends = Extends::default();
        for field in Fields::of(bytes) {
            match field? {
                (2, datum) => file.package = datum.text().filter(|name| !name.is_empty()),
                (3, datum) => imports.extend(datum.text()),
                (4, Datum::Bytes(bytes)) => {
                    file.types.push(Type::Message(self.message(bytes, depth_max)?));
                }
                (5, Datum::Bytes(bytes)) => enums.push(Type::Enum(enumeration(bytes)?)),
                (6, Datum::Bytes(bytes)) => file.services.push(service(bytes)?),
                (7, Datum::Bytes(bytes)) => extends.add(self.field(bytes)?),
                (8, Datum::Bytes(bytes)) => settings(options::FILE, bytes, &mut file.options)?,
                (10, Datum::Bytes(packed)) => {
                    let mut rest = packed;
                    while let Some((byte, more)) = rest.split_first() {
                        public.insert(usize::from(*byte));
                        rest = more;
                    }
                }
                (10, datum) => {
                    public.extend(datum.number().and_then(|at| usize::try_from(at).ok()));
                }
                _ => {}
            }
        }
        file.types.append(&mut enums);
        file.extends = extends.list;
        for (at, path) in imports.into_iter().enumerate() {
            match public.contains(&at) {
                true => file.public_imports.push(path),
                false => file.imports.push(path),
            }
        }
        Ok(file)
    }

    fn message(&self, bytes: &[u8], depth_max: usize) -> Result<Message> {
        let depth_max = depth_max.checked_sub(1).ok_or(Malformed)?;
        let mut message = Message::default();
        let (mut fields, mut enums, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let mut extends = Extends::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, datum) => message.name = datum.text().unwrap_or_default(),
                (2, Datum::Bytes(bytes)) => fields.push(self.field(bytes)?),
                (3, Datum::Bytes(bytes)) => {
                    message.types.push(Type::Message(self.message(bytes, depth_max)?));
                }
                (4, Datum::Bytes(bytes)) => enums.push(Type::Enum(enumeration(bytes)?)),
                (5, Datum::Bytes(bytes)) => message.extensions.push(vec![range(bytes, 1)?]),
                (6, Datum::Bytes(bytes)) => extends.add(self.field(bytes)?),
                (7, Datum::Bytes(bytes)) => {
                    settings(options::MESSAGE, bytes, &mut message.options)?;
                }
                (8, Datum::Bytes(bytes)) => {
                    let name = name_of(bytes)?;
                    message.oneofs.push(OneOf { name, ..OneOf::default() });
                }
                (9, Datum::Bytes(bytes)) => message.reserved.push(vec![range(bytes, 1)?]),
                (10, datum) => names.extend(datum.text().map(|name| vec![Range::Name(name)])),
                _ => {}
            }
        }
        message.types.append(&mut enums);
        message.extends = extends.list;
        message.reserved.append(&mut names);
        for Described { mut field, oneof, .. } in fields {
            match oneof.and_then(|at| message.oneofs.get_mut(at)) {
                Some(oneof) => {
                    field.label = None;
                    oneof.fields.push(field);
                }
                None => message.fields.push(field),
            }
        }
        message.oneofs.retain(|oneof| !oneof.fields.is_empty());
        Ok(message)
    }

    fn field(&self, bytes: &[u8]) -> Result<Described> {
        let mut field = Field::default();
        let (mut extendee, mut scalar, mut oneof) = (String::new(), None, None);
        let (mut label, mut proto3_optional) = (None, false);
        for part in Fields::of(bytes) {
            match part? {
                (1, datum) => field.name = datum.text().unwrap_or_default(),
                (2, datum) => extendee = datum.text().unwrap_or_default(),
                (3, datum) => field.tag = datum.number().unwrap_or_default(),
                (4, datum) => label = datum.number(),
                (5, datum) => scalar = datum.number(),
                (6, datum) => field.kind = datum.text().unwrap_or_default(),
                (7, datum) => field.default = datum.text().filter(|_| !self.proto3),
                (8, Datum::Bytes(bytes)) => settings(options::FIELD, bytes, &mut field.options)?,
                (9, datum) => oneof = datum.number().and_then(|at| usize::try_from(at).ok()),
                (10, datum) => field.json_name = datum.text(),
                (17, datum) => proto3_optional = datum.boolean().unwrap_or_default(),
                _ => {}
            }
        }
        if field.kind.is_empty() {
            field.kind = kind_of(scalar.ok_or(Malformed)?).ok_or(Malformed)?.to_owned();
        }
        field.label = match label {
            _ if proto3_optional => Some(Label::Optional),
            Some(3) => Some(Label::Repeated),
            _ if self.proto3 => None,
            Some(2) => Some(Label::Required),
            _ => Some(Label::Optional),
        };
        Ok(Described { field, extendee, oneof: oneof.filter(|_| !proto3_optional) })
    }
}

/// A field with what its descriptor says of where it belongs.
struct Described {
    field: Field,
    extendee: String,
    oneof: Option<usize>,
}

/// Extensions, those of the same message together.
#[derive(Default)]
struct Extends {
    list: Vec<Extend>,
    places: HashMap<String, usize>,
}

impl Extends {
    fn add(&mut self, described: Described) {
        let Described { field, extendee: name, .. } = described;
        let at = *self.places.entry(name.clone()).or_insert(self.list.len());
        match self.list.get_mut(at) {
            Some(extend) => extend.fields.push(field),
            None => self.list.push(Extend { name, fields: vec![field] }),
        }
    }
}

/// The scalar of a number of `FieldDescriptorProto.Type`.
fn kind_of(number: i32) -> Option<&'static str> {
    let scalar = match number {
        1 => Scalar::Double,
        2 => Scalar::Float,
        3 => Scalar::Int64,
        4 => Scalar::Uint64,
        5 => Scalar::Int32,
        6 => Scalar::Fixed64,
        7 => Scalar::Fixed32,
        8 => Scalar::Bool,
        9 => Scalar::String,
        12 => Scalar::Bytes,
        13 => Scalar::Uint32,
        15 => Scalar::Sfixed32,
        16 => Scalar::Sfixed64,
        17 => Scalar::Sint32,
        18 => Scalar::Sint64,
        _ => return None,
    };
    Some(scalar.name())
}

fn enumeration(bytes: &[u8]) -> Result<Enum> {
    let mut result = Enum::default();
    let mut names = Vec::new();
    for field in Fields::of(bytes) {
        match field? {
            (1, datum) => result.name = datum.text().unwrap_or_default(),
            (2, Datum::Bytes(bytes)) => result.constants.push(constant(bytes)?),
            (3, Datum::Bytes(bytes)) => settings(options::ENUM, bytes, &mut result.options)?,
            (4, Datum::Bytes(bytes)) => result.reserved.push(vec![range(bytes, 0)?]),
            (5, datum) => names.extend(datum.text().map(|name| vec![Range::Name(name)])),
            _ => {}
        }
    }
    result.reserved.append(&mut names);
    Ok(result)
}

fn constant(bytes: &[u8]) -> Result<Constant> {
    let mut result = Constant { name: name_of(bytes)?, tag: 0, options: Vec::new() };
    for field in Fields::of(bytes) {
        match field? {
            (2, datum) => result.tag = datum.number().unwrap_or_default(),
            (3, Datum::Bytes(bytes)) => settings(options::ENUM_VALUE, bytes, &mut result.options)?,
            _ => {}
        }
    }
    Ok(result)
}

fn service(bytes: &[u8]) -> Result<Service> {
    let mut result = Service { name: name_of(bytes)?, options: Vec::new(), rpcs: Vec::new() };
    for field in Fields::of(bytes) {
        match field? {
            (2, Datum::Bytes(bytes)) => result.rpcs.push(method(bytes)?),
            (3, Datum::Bytes(bytes)) => settings(options::SERVICE, bytes, &mut result.options)?,
            _ => {}
        }
    }
    Ok(result)
}

fn method(bytes: &[u8]) -> Result<Rpc> {
    let mut result = Rpc {
        name: name_of(bytes)?,
        request: String::new(),
        request_streaming: false,
        response: String::new(),
        response_streaming: false,
        options: Vec::new(),
    };
    for field in Fields::of(bytes) {
        match field? {
            (2, datum) => result.request = datum.text().unwrap_or_default(),
            (3, datum) => result.response = datum.text().unwrap_or_default(),
            (4, Datum::Bytes(bytes)) => settings(options::METHOD, bytes, &mut result.options)?,
            (5, datum) => result.request_streaming = datum.boolean().unwrap_or_default(),
            (6, datum) => result.response_streaming = datum.boolean().unwrap_or_default(),
            _ => {}
        }
    }
    Ok(result)
}

fn name_of(bytes: &[u8]) -> Result<String> {
    let mut name = String::new();
    for field in Fields::of(bytes) {
        if let (1, datum) = field? {
            name = datum.text().unwrap_or_default();
        }
    }
    Ok(name)
}

/// A range whose end is `beyond` its last number.
fn range(bytes: &[u8], beyond: i32) -> Result<Range> {
    let (mut start, mut end) = (0, 0);
    for field in Fields::of(bytes) {
        match field? {
            (1, datum) => start = datum.number().unwrap_or_default(),
            (2, datum) => end = datum.number().unwrap_or_default(),
            _ => {}
        }
    }
    let last = end.saturating_sub(beyond);
    Ok(if start == last { Range::Number(start) } else { Range::Span(start, last) })
}

fn settings(table: &[Known], bytes: &[u8], result: &mut Vec<Setting>) -> Result<()> {
    for field in Fields::of(bytes) {
        let (number, datum) = field?;
        result.extend(options::decoded(table, number, datum));
    }
    options::sort(table, result);
    Ok(())
}
