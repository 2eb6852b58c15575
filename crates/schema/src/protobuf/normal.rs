//! The tree in the order and with the names that all files have which mean the same.
//!
//! Fields, constants and ranges go by number, options by name; types have their full names with a
//! leading dot; what a compiler makes of map fields is a map again. The order of messages stays, for
//! messages on the wire are told by it.

use super::names::{Names, Scope};
use super::number;
use super::print::default_of;
use super::tree::{
    Constant, Enum, Extend, Field, File, Group, Message, OneOf, Range, Rpc, Scalar, Service,
    Setting, Syntax, Type, Value, map_of,
};
use crate::{SchemaError, Work};

type Result<T> = std::result::Result<T, SchemaError>;

/// The normal form of `file`.
///
/// # Errors
/// [`SchemaError::Invalid`] for a name that nothing is found for.
pub(super) fn normalize(file: &File, names: &Names<'_>, work: &mut Work) -> Result<File> {
    Normalizer { names, work, scope: Scope::of(file.package()) }.file(file)
}

struct Normalizer<'n, 'a, 'w> {
    names: &'n Names<'a>,
    work: &'w mut Work,
    scope: Scope,
}

impl Normalizer<'_, '_, '_> {
    fn file(&mut self, file: &File) -> Result<File> {
        Ok(File {
            syntax: file.syntax.filter(|syntax| *syntax == Syntax::Proto3),
            package: file.package.clone(),
            imports: sorted(&file.imports),
            public_imports: sorted(&file.public_imports),
            options: self.options(&file.options)?,
            types: self.types(&file.types)?,
            extends: self.extends(&file.extends)?,
            services: file.services.iter().map(|each| self.service(each)).collect::<Result<_>>()?,
        })
    }

    fn types(&mut self, types: &[Type]) -> Result<Vec<Type>> {
        let mut result = Vec::new();
        for kind in types {
            match kind {
                Type::Message(message) if message.map_entry().is_some() => {}
                Type::Message(message) => {
                    let outside = self.scope.enter(&message.name);
                    result.push(Type::Message(self.message(message)?));
                    self.scope.leave(outside);
                }
                Type::Enum(enumeration) => {
                    let outside = self.scope.enter(&enumeration.name);
                    result.push(Type::Enum(self.enumeration(enumeration)?));
                    self.scope.leave(outside);
                }
            }
        }
        Ok(result)
    }

    fn message(&mut self, message: &Message) -> Result<Message> {
        let mut oneofs = Vec::new();
        for oneof in message.oneofs.iter().filter(|oneof| !oneof.fields.is_empty()) {
            oneofs.push(OneOf {
                name: oneof.name.clone(),
                options: self.options(&oneof.options)?,
                fields: self.fields(&oneof.fields)?,
                groups: self.groups(&oneof.groups)?,
            });
        }
        oneofs.sort_by_key(|oneof| oneof.fields.first().map(|field| field.tag));
        let mut extensions = single(&message.extensions);
        extensions.sort_by_key(|ranges| start_of(ranges));
        Ok(Message {
            name: message.name.clone(),
            reserved: reserved(&message.reserved),
            options: self.options(&message.options)?,
            fields: self.fields(&message.fields)?,
            oneofs,
            groups: self.groups(&message.groups)?,
            extensions,
            extends: self.extends(&message.extends)?,
            types: self.types(&message.types)?,
        })
    }

    fn enumeration(&mut self, enumeration: &Enum) -> Result<Enum> {
        let mut constants = Vec::new();
        for constant in &enumeration.constants {
            let options = self.options(&constant.options)?;
            constants.push(Constant { options, ..constant.clone() });
        }
        constants.sort_by(|a, b| (a.tag, &a.name).cmp(&(b.tag, &b.name)));
        Ok(Enum {
            name: enumeration.name.clone(),
            reserved: reserved(&enumeration.reserved),
            options: self.options(&enumeration.options)?,
            constants,
        })
    }

    fn service(&mut self, service: &Service) -> Result<Service> {
        let mut rpcs = Vec::new();
        for rpc in &service.rpcs {
            rpcs.push(Rpc {
                request: self.full_name(&rpc.request)?,
                response: self.full_name(&rpc.response)?,
                options: self.options(&rpc.options)?,
                ..rpc.clone()
            });
        }
        let options = self.options(&service.options)?;
        Ok(Service { name: service.name.clone(), options, rpcs })
    }

    /// One declaration for each type that is extended.
    fn extends(&mut self, extends: &[Extend]) -> Result<Vec<Extend>> {
        let mut result: Vec<Extend> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for extend in extends.iter().filter(|extend| !extend.fields.is_empty()) {
            let name = self.full_name(&extend.name)?;
            let at = *places.entry(name.clone()).or_insert(result.len());
            if at == result.len() {
                result.push(Extend { name, fields: Vec::new() });
            }
            result[at].fields.extend(self.fields(&extend.fields)?);
        }
        for extend in &mut result {
            extend.fields.sort_by_key(|field| field.tag);
        }
        Ok(result)
    }

    fn groups(&mut self, groups: &[Group]) -> Result<Vec<Group>> {
        let mut result = Vec::new();
        for group in groups {
            result.push(Group { fields: self.fields(&group.fields)?, ..group.clone() });
        }
        result.sort_by_key(|group| group.tag);
        Ok(result)
    }

    fn fields(&mut self, fields: &[Field]) -> Result<Vec<Field>> {
        let mut result =
            fields.iter().map(|field| self.field(field)).collect::<Result<Vec<_>>>()?;
        result.sort_by_key(|field| field.tag);
        Ok(result)
    }

    fn field(&mut self, field: &Field) -> Result<Field> {
        let mut kind = field.kind.clone();
        check_map_key(&kind)?;
        if Scalar::of(&kind).is_none() && map_of(&kind).is_none() {
            kind = match self.names.resolve(&kind, &self.scope, self.work)? {
                None => return Err(unknown(&kind)),
                Some((full_name, named)) => match named.map_entry() {
                    None => format!(".{full_name}"),
                    Some((key, value)) => format!("map<{}, {}>", key.kind, value.kind),
                },
            };
        }
        let map = map_of(&kind).map(|(key, value)| (key.to_owned(), value.to_owned()));
        if let Some((key, value)) = &map
            && let Some((full_name, _)) = self.names.resolve(value, &self.scope, self.work)?
        {
            kind = format!("map<{key}, .{full_name}>");
        }
        let mut options = field.options.clone();
        let simple = kind.rsplit('.').next().expect("a split has one part at least");
        options.extend(
            field.default.iter().map(|text| Setting::plain("default", default_of(simple, text))),
        );
        options.extend(
            field
                .json_name
                .iter()
                .map(|name| Setting::plain("json_name", Value::String(name.clone()))),
        );
        Ok(Field {
            label: field.label.filter(|_| map.is_none()),
            kind,
            name: field.name.clone(),
            tag: field.tag,
            options: self.options(&options)?,
            default: None,
            json_name: None,
        })
    }

    fn full_name(&mut self, name: &str) -> Result<String> {
        match self.names.resolve(name, &self.scope, self.work)? {
            Some((full_name, _)) => Ok(format!(".{full_name}")),
            None => Err(unknown(name)),
        }
    }

    /// Options by name, custom ones by their full name; what is said of one option in several
    /// places becomes one aggregate, unless the option is repeated.
    fn options(&mut self, options: &[Setting]) -> Result<Vec<Setting>> {
        let mut named = Vec::new();
        for option in options {
            let found = match option.custom {
                true => self.names.resolve_extension(&option.name, &self.scope, self.work)?,
                false => None,
            };
            let mut option = option.clone();
            let mut merges = false;
            if let Some((full_name, repeated)) = found {
                merges = !repeated;
                option.name = full_name;
                option.value = self.value_of_fields(option.value);
            }
            named.push((option, merges));
        }
        named.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let mut result: Vec<Setting> = Vec::new();
        for (option, merges) in named {
            match result.last_mut() {
                Some(last) if merges && last.name == option.name => {
                    merge(last, option, self.work)?;
                }
                _ => result.push(option),
            }
        }
        for option in &mut result {
            self.value(&mut option.value, true)?;
        }
        Ok(result)
    }

    /// `(option).a.b = 1` as the aggregate that it is short for.
    fn value_of_fields(&self, value: Value) -> Value {
        match value {
            Value::Field(field) => {
                Value::Map(vec![(field.name, self.value_of_fields(field.value))])
            }
            other => other,
        }
    }

    /// Sorts what is in a value. A list of one inside an aggregate is that one.
    fn value(&mut self, value: &mut Value, outermost: bool) -> Result<()> {
        self.work.step()?;
        match value {
            Value::Number(text) => *text = number::formatted(text),
            Value::String(_) | Value::Boolean(_) | Value::Enum(_) => {}
            Value::Field(field) => self.value(&mut field.value, outermost)?,
            Value::List(items) => {
                for item in items.iter_mut() {
                    self.value(item, false)?;
                }
                if items.len() == 1 && !outermost {
                    *value = items.pop().expect("it has one");
                }
            }
            Value::Map(entries) => {
                entries
                    .retain(|(_, value)| !matches!(value, Value::List(items) if items.is_empty()));
                for (key, value) in entries.iter_mut() {
                    self.value(value, false)?;
                    let extension = key.strip_prefix('[').and_then(|key| key.strip_suffix(']'));
                    let found = match extension {
                        Some(name) => self.names.resolve_extension(name, &self.scope, self.work)?,
                        None => None,
                    };
                    if let Some((full_name, _)) = found {
                        *key = format!("[{full_name}]");
                    }
                }
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                entries.dedup_by(|later, earlier| later.0 == earlier.0);
            }
        }
        Ok(())
    }
}

/// Puts `more` of the same option into `option`: entries that both have become lists without
/// duplicates. What is no aggregate replaces what was said before.
fn merge(option: &mut Setting, more: Setting, work: &mut Work) -> Result<()> {
    let (entries, more) = match (&mut option.value, more) {
        (Value::Map(entries), Setting { value: Value::Map(more), .. }) => (entries, more),
        (_, more) => {
            *option = more;
            return Ok(());
        }
    };
    for (key, value) in more {
        work.steps(entries.len())?;
        let Some((_, present)) = entries.iter_mut().find(|(known, _)| *known == key) else {
            entries.push((key, value));
            continue;
        };
        let mut items = items_of(std::mem::replace(present, Value::List(Vec::new())));
        for item in items_of(value) {
            work.steps(items.len())?;
            if !items.contains(&item) {
                items.push(item);
            }
        }
        *present = Value::List(items);
    }
    Ok(())
}

fn items_of(value: Value) -> Vec<Value> {
    match value {
        Value::List(items) => items,
        one => vec![one],
    }
}

/// The entries of a map are found by scalars that can be compared.
fn check_map_key(kind: &str) -> Result<()> {
    let mut kind = kind;
    while let Some((key, value)) = map_of(kind) {
        match Scalar::of(key) {
            None | Some(Scalar::Bytes | Scalar::Double | Scalar::Float) => {
                let problem = format!("map key must be non-byte, non-floating point scalar: {key}");
                return Err(SchemaError::Invalid(problem));
            }
            Some(_) => kind = value,
        }
    }
    Ok(())
}

fn unknown(name: &str) -> SchemaError {
    SchemaError::Invalid(format!("Could not resolve type: {name}"))
}

fn sorted(paths: &[String]) -> Vec<String> {
    let mut result = paths.to_vec();
    result.sort();
    result.dedup();
    result
}

/// Each range in a declaration of its own.
fn single(declarations: &[Vec<Range>]) -> Vec<Vec<Range>> {
    let alone = |range: &Range| match range {
        Range::Span(start, end) if start == end => vec![Range::Number(*start)],
        other => vec![other.clone()],
    };
    declarations.iter().flatten().map(alone).collect()
}

fn reserved(declarations: &[Vec<Range>]) -> Vec<Vec<Range>> {
    let mut result = single(declarations);
    let text = |range: &Range| match range {
        Range::Number(number) => number.to_string(),
        Range::Span(start, end) => format!("{start}..{end}"),
        Range::Name(name) => name.clone(),
    };
    result.sort_by_cached_key(|ranges| (start_of(ranges), ranges.first().map(text)));
    result
}

/// Names come after all numbers.
fn start_of(ranges: &[Range]) -> i32 {
    match ranges.first() {
        Some(Range::Number(start) | Range::Span(start, _)) => *start,
        Some(Range::Name(_)) | None => i32::MAX,
    }
}
