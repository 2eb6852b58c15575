//! Declarations of a `.proto` text.
//!
//! As lenient as Square's Wire: names need not exist, numbers need not be unique or in range, and
//! what a place does not know (a `reserved` in a service) is read and forgotten.

use super::options;
use super::reader::{Place, Reader};
use super::tree::{
    Constant, Enum, Extend, Field, File, Group, Label, Message, OneOf, Range, Rpc, Service,
    Setting, Syntax, TAG_MAX, Type,
};
use crate::{Limits, SchemaError};
use std::collections::HashMap;

type Result<T> = std::result::Result<T, SchemaError>;

/// Reads one file.
///
/// # Errors
/// [`SchemaError::Invalid`] with line and column, [`SchemaError::TooExpensive`].
pub(super) fn parse(text: &str, limits: &Limits) -> Result<File> {
    let mut parser =
        Parser { reader: Reader::new(text, limits), declarations: 0, file: File::default() };
    parser.read_file()?;
    Ok(parser.file)
}

struct Parser<'a> {
    reader: Reader<'a>,
    /// How many declarations were begun; `syntax` has to be the first.
    declarations: usize,
    file: File,
}

/// What a declaration stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    File,
    Message,
    Enum,
    Rpc,
    Extend,
    Service,
}

/// In boxes, for a function that reads one keeps many of them on a stack that is not large.
enum Declaration {
    /// Nothing that the tree has.
    Nothing,
    Setting(Box<Setting>),
    Type(Box<Type>),
    Service(Box<Service>),
    Extend(Box<Extend>),
    Field(Box<Field>),
    Group(Box<Group>),
    OneOf(Box<OneOf>),
    Reserved(Vec<Range>),
    Extensions(Vec<Range>),
    Rpc(Box<Rpc>),
    Constant(Box<Constant>),
}

impl<'a> Parser<'a> {
    fn read_file(&mut self) -> Result<()> {
        let mut types: HashMap<String, Place> = HashMap::new();
        let mut services: HashMap<String, Place> = HashMap::new();
        loop {
            self.reader.skip_to_declaration()?;
            if self.reader.exhausted() {
                return Ok(());
            }
            let place = self.reader.place();
            match self.read_declaration(Within::File)? {
                Declaration::Type(found) => {
                    define(&mut types, found.name(), place, &self.reader)?;
                    self.file.types.push(*found);
                }
                Declaration::Service(found) => {
                    define(&mut services, &found.name, place, &self.reader)?;
                    self.file.services.push(*found);
                }
                Declaration::Setting(found) => self.file.options.push(*found),
                Declaration::Extend(found) => self.file.extends.push(*found),
                _ => {}
            }
        }
    }

    fn read_declaration(&mut self, within: Within) -> Result<Declaration> {
        let first = self.declarations == 0;
        self.declarations += 1;
        if self.reader.take(b';')? {
            return Ok(Declaration::Nothing);
        }
        let place = self.reader.place();
        let word = match within {
            Within::Enum => self.reader.word_without_leading_digit()?,
            _ => self.reader.word()?,
        };
        let has_types = matches!(within, Within::File | Within::Message);
        Ok(match (word, within) {
            ("package", Within::File) => {
                self.file.package = Some(self.reader.name(false)?);
                self.reader.require(';')?;
                Declaration::Nothing
            }
            ("import", Within::File) => self.read_import()?,
            ("syntax", Within::File) => self.read_syntax(place, first)?,
            ("option", _) => {
                let setting = options::setting(&mut self.reader, '=')?;
                self.reader.require(';')?;
                Declaration::Setting(Box::new(setting))
            }
            ("reserved", _) => Declaration::Reserved(self.read_reserved(place)?),
            ("message", _) if has_types => self.read_message()?,
            ("enum", _) if has_types => self.read_enum()?,
            ("service", Within::File) => self.read_service()?,
            ("extend", _) if has_types => self.read_extend()?,
            ("rpc", Within::Service) => self.read_rpc(place)?,
            ("oneof", Within::Message) => self.read_oneof()?,
            ("extensions", Within::Message) => self.read_extensions(place)?,
            (_, Within::Message | Within::Extend) => self.read_field(place, word)?,
            (_, Within::Enum) => self.read_constant(word)?,
            ("edition", Within::File) => {
                return Err(self.reader.unexpected("edition is not currently supported"));
            }
            _ => {
                return Err(self.reader.unexpected_at(place, &format!("unexpected label: {word}")));
            }
        })
    }

    /// A path need not be in quotes.
    fn read_import(&mut self) -> Result<Declaration> {
        let word = self.reader.string()?;
        let path = match word.as_str() {
            "public" | "weak" => self.reader.string()?,
            _ => word.clone(),
        };
        let path = import_path(&path);
        match word.as_str() {
            "public" => self.file.public_imports.push(path),
            "weak" => {}
            _ => self.file.imports.push(path),
        }
        self.reader.require(';')?;
        Ok(Declaration::Nothing)
    }

    fn read_syntax(&mut self, place: Place, first: bool) -> Result<Declaration> {
        if self.file.syntax.is_some() {
            return Err(self.reader.unexpected_at(place, "too many syntax definitions"));
        }
        self.reader.require('=')?;
        if !first {
            let problem = "'syntax' element must be the first declaration in a file";
            return Err(self.reader.unexpected_at(place, problem));
        }
        let name = self.reader.quoted()?;
        let known = [Syntax::Proto2, Syntax::Proto3].into_iter().find(|each| each.name() == name);
        let problem = || self.reader.unexpected_at(place, &format!("unexpected syntax: {name}"));
        self.file.syntax = Some(known.ok_or_else(problem)?);
        self.reader.require(';')?;
        Ok(Declaration::Nothing)
    }

    /// Reads what stands in braces, one declaration after the other.
    fn read_body(&mut self, within: Within, mut add: impl FnMut(Declaration)) -> Result<()> {
        self.reader.require('{')?;
        self.reader.enter()?;
        while !self.reader.take(b'}')? {
            let declaration = self.read_declaration(within)?;
            add(declaration);
        }
        self.reader.leave();
        Ok(())
    }

    fn read_message(&mut self) -> Result<Declaration> {
        let mut message = Message { name: self.reader.name(false)?, ..Message::default() };
        self.read_body(Within::Message, |found| match found {
            Declaration::Field(found) => message.fields.push(*found),
            Declaration::OneOf(found) => message.oneofs.push(*found),
            Declaration::Group(found) => message.groups.push(*found),
            Declaration::Type(found) => message.types.push(*found),
            Declaration::Extensions(found) => message.extensions.push(found),
            Declaration::Setting(found) => message.options.push(*found),
            Declaration::Extend(found) => message.extends.push(*found),
            Declaration::Reserved(found) => message.reserved.push(found),
            _ => {}
        })?;
        Ok(Declaration::Type(Box::new(Type::Message(message))))
    }

    fn read_enum(&mut self) -> Result<Declaration> {
        let mut enumeration = Enum { name: self.reader.name(false)?, ..Enum::default() };
        self.read_body(Within::Enum, |found| match found {
            Declaration::Constant(found) => enumeration.constants.push(*found),
            Declaration::Setting(found) => enumeration.options.push(*found),
            Declaration::Reserved(found) => enumeration.reserved.push(found),
            _ => {}
        })?;
        Ok(Declaration::Type(Box::new(Type::Enum(enumeration))))
    }

    fn read_extend(&mut self) -> Result<Declaration> {
        let mut extend = Extend { name: self.reader.name(false)?, fields: Vec::new() };
        self.read_body(Within::Extend, |found| {
            if let Declaration::Field(found) = found {
                extend.fields.push(*found);
            }
        })?;
        Ok(Declaration::Extend(Box::new(extend)))
    }

    fn read_service(&mut self) -> Result<Declaration> {
        let name = self.reader.name(false)?;
        let mut service = Service { name, options: Vec::new(), rpcs: Vec::new() };
        self.read_body(Within::Service, |found| match found {
            Declaration::Rpc(found) => service.rpcs.push(*found),
            Declaration::Setting(found) => service.options.push(*found),
            _ => {}
        })?;
        Ok(Declaration::Service(Box::new(service)))
    }

    fn read_rpc(&mut self, place: Place) -> Result<Declaration> {
        let name = self.reader.name(false)?;
        let (request, request_streaming) = self.read_rpc_type()?;
        if self.reader.word()? != "returns" {
            return Err(self.reader.unexpected_at(place, "expected 'returns'"));
        }
        let (response, response_streaming) = self.read_rpc_type()?;
        let mut options = Vec::new();
        if self.reader.peek()? == b'{' {
            self.read_body(Within::Rpc, |found| {
                if let Declaration::Setting(found) = found {
                    options.push(*found);
                }
            })?;
        } else {
            self.reader.require(';')?;
        }
        let rpc = Rpc { name, request, request_streaming, response, response_streaming, options };
        Ok(Declaration::Rpc(Box::new(rpc)))
    }

    fn read_rpc_type(&mut self) -> Result<(String, bool)> {
        self.reader.require('(')?;
        let word = self.reader.word()?;
        let streaming = word == "stream";
        let kind = match streaming {
            true => self.reader.data_type()?,
            false => self.reader.data_type_after(word)?,
        };
        self.reader.require(')')?;
        Ok((kind, streaming))
    }

    fn read_constant(&mut self, name: &str) -> Result<Declaration> {
        self.reader.require('=')?;
        let tag = self.reader.integer()?;
        let options = options::bracketed(&mut self.reader)?;
        self.reader.require(';')?;
        self.reader.skip_trailing_comment()?;
        Ok(Declaration::Constant(Box::new(Constant { name: name.to_owned(), tag, options })))
    }

    /// A field or a group, the first word of it read already.
    fn read_field(&mut self, place: Place, word: &str) -> Result<Declaration> {
        let proto3 = self.file.syntax == Some(Syntax::Proto3);
        let label = match word {
            "required" if proto3 => {
                let problem = "'required' label forbidden in proto3 field declarations";
                return Err(self.reader.unexpected_at(place, problem));
            }
            "required" => Some(Label::Required),
            "optional" => Some(Label::Optional),
            "repeated" => Some(Label::Repeated),
            _ => None,
        };
        if label.is_none() && !proto3 && !(word == "map" && self.reader.peek()? == b'<') {
            return Err(self.reader.unexpected_at(place, &format!("unexpected label: {word}")));
        }
        let kind = match label {
            Some(_) => self.reader.data_type()?,
            None => self.reader.data_type_after(word)?,
        };
        if kind.starts_with("map<") && label.is_some() {
            return Err(self.reader.unexpected_at(place, "'map' type cannot have label"));
        }
        match kind.as_str() {
            "group" => Ok(Declaration::Group(Box::new(self.read_group(label)?))),
            _ => Ok(Declaration::Field(Box::new(self.read_field_of(label, kind)?))),
        }
    }

    fn read_field_of(&mut self, label: Option<Label>, kind: String) -> Result<Field> {
        let name = self.reader.field_name()?;
        self.reader.require('=')?;
        let tag = self.reader.integer()?;
        let mut options = options::bracketed(&mut self.reader)?;
        let default = self.strip("default", &mut options)?;
        let json_name = self.strip("json_name", &mut options)?;
        self.reader.require(';')?;
        self.reader.skip_trailing_comment()?;
        Ok(Field { label, kind, name, tag, options, default, json_name })
    }

    /// Takes out what looks like an option and is none; the last one counts.
    fn strip(&self, name: &str, options: &mut Vec<Setting>) -> Result<Option<String>> {
        use super::tree::Value;
        let mut result = None;
        for found in options.extract_if(.., |option| option.name == name) {
            result = Some(match found.value {
                Value::String(text)
                | Value::Boolean(text)
                | Value::Number(text)
                | Value::Enum(text) => text,
                Value::Map(_) | Value::List(_) | Value::Field(_) => {
                    return Err(self.reader.unexpected(&format!("'{name}' has to be one value")));
                }
            });
        }
        Ok(result)
    }

    fn read_oneof(&mut self) -> Result<Declaration> {
        let mut oneof = OneOf { name: self.reader.name(false)?, ..OneOf::default() };
        self.reader.require('{')?;
        while !self.reader.take(b'}')? {
            match self.reader.data_type()?.as_str() {
                "group" => oneof.groups.push(self.read_group(None)?),
                "option" => {
                    oneof.options.push(options::setting(&mut self.reader, '=')?);
                    self.reader.require(';')?;
                }
                kind => oneof.fields.push(self.read_field_of(None, kind.to_owned())?),
            }
        }
        Ok(Declaration::OneOf(Box::new(oneof)))
    }

    fn read_group(&mut self, label: Option<Label>) -> Result<Group> {
        let name = self.reader.word()?.to_owned();
        self.reader.require('=')?;
        let tag = self.reader.integer()?;
        let mut fields = Vec::new();
        self.reader.require('{')?;
        self.reader.enter()?;
        while !self.reader.take(b'}')? {
            let place = self.reader.place();
            let word = self.reader.word()?;
            match self.read_field(place, word)? {
                Declaration::Field(field) => fields.push(*field),
                _ => return Err(self.reader.unexpected("expected field declaration, was a group")),
            }
        }
        self.reader.leave();
        Ok(Group { label, name, tag, fields })
    }

    fn read_reserved(&mut self, place: Place) -> Result<Vec<Range>> {
        let mut result = Vec::new();
        loop {
            match self.reader.peek()? {
                b'"' | b'\'' => result.push(Range::Name(self.reader.quoted()?)),
                _ => result.push(self.read_range(place, b"", "expected ',', ';', or 'to'")?),
            }
            if self.ends_list()? {
                self.reader.skip_trailing_comment()?;
                return Ok(result);
            }
        }
    }

    fn read_extensions(&mut self, place: Place) -> Result<Declaration> {
        let mut result = Vec::new();
        loop {
            let problem = "expected ',', ';', '[' or 'to'";
            result.push(self.read_range(place, b"[", problem)?);
            // What the options declare is not kept: the canonical text has only the numbers.
            if self.reader.peek()? == b'[' {
                options::bracketed(&mut self.reader)?;
                self.reader.require(';')?;
                return Ok(Declaration::Extensions(result));
            }
            if self.ends_list()? {
                return Ok(Declaration::Extensions(result));
            }
        }
    }

    /// A number, or two with `to` between them.
    fn read_range(&mut self, place: Place, also: &[u8], problem: &str) -> Result<Range> {
        let start = self.reader.integer()?;
        let next = self.reader.peek()?;
        if matches!(next, b',' | b';') || also.contains(&next) {
            return Ok(Range::Number(start));
        }
        if self.reader.word()? != "to" {
            return Err(self.reader.unexpected_at(place, problem));
        }
        let end = match self.reader.word()? {
            "max" => TAG_MAX,
            word => word
                .parse()
                .map_err(|_| SchemaError::Invalid(format!("For input string: \"{word}\"")))?,
        };
        Ok(Range::Span(start, end))
    }

    fn ends_list(&mut self) -> Result<bool> {
        match self.reader.next()? {
            ';' => Ok(true),
            ',' => Ok(false),
            _ => Err(self.reader.unexpected("expected ',' or ';'")),
        }
    }
}

/// The path that an import means: slashes one by one, and no parts that lead nowhere.
fn import_path(text: &str) -> String {
    let text = text.replace('\\', "/");
    let rooted = text.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/').filter(|part| !matches!(*part, "" | ".")) {
        // There is nothing above the root.
        if !(part == ".." && rooted && parts.is_empty()) {
            parts.push(part);
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

fn define(
    known: &mut HashMap<String, Place>,
    name: &str,
    place: Place,
    reader: &Reader<'_>,
) -> Result<()> {
    match known.insert(name.to_owned(), place) {
        None => Ok(()),
        Some(first) => {
            let (place, first) = (reader.location(place), reader.location(first));
            let problem = format!("{name} ({place}) is already defined at {first}");
            Err(SchemaError::Invalid(problem))
        }
    }
}
