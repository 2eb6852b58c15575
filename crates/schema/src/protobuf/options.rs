//! Options: `name = value`, where a value may be an aggregate in the text format of messages.

use super::reader::Reader;
use super::tree::{Setting, Value};
use crate::SchemaError;
use std::collections::HashMap;

type Result<T> = std::result::Result<T, SchemaError>;

/// The options in brackets, if there are some.
pub(super) fn bracketed(reader: &mut Reader<'_>) -> Result<Vec<Setting>> {
    let mut result = Vec::new();
    if !reader.take(b'[')? {
        return Ok(result);
    }
    loop {
        result.push(setting(reader, '=')?);
        if reader.take(b']')? {
            return Ok(result);
        }
        if !reader.take(b',')? {
            return Err(reader.unexpected("Expected ',' or ']"));
        }
    }
}

/// A name, `separator` and a value. In an aggregate a message needs no separator.
pub(super) fn setting(reader: &mut Reader<'_>, separator: char) -> Result<Setting> {
    let custom = reader.peek()? == b'(';
    let extension = reader.peek()? == b'[';
    let mut name = reader.name(false)?;
    if extension {
        name = format!("[{name}]");
    }
    let mut fields: Vec<String> = Vec::new();
    let mut found = reader.next()?;
    while found == '.' {
        let field = reader.name(true)?;
        match field.starts_with('(') {
            true => fields.push(field),
            false => fields.extend(field.split('.').map(str::to_owned)),
        }
        found = reader.next()?;
    }
    if separator == ':' && found == '{' {
        reader.push_back_brace();
    } else if found != separator {
        return Err(reader.unexpected(&format!("expected '{separator}' in option")));
    }
    for _ in &fields {
        reader.enter()?;
    }
    let mut value = value(reader)?;
    for field in fields.into_iter().rev() {
        reader.leave();
        let unwrapped = field.strip_prefix('(').map(|rest| rest.trim_end_matches(')'));
        let custom = unwrapped.is_some();
        let name = unwrapped.unwrap_or(&field).to_owned();
        value = Value::Field(Box::new(Setting { name, custom, value }));
    }
    Ok(Setting { name, custom, value })
}

fn value(reader: &mut Reader<'_>) -> Result<Value> {
    Ok(match reader.peek()? {
        b'{' => Value::Map(reader.descend(aggregate)?),
        b'[' => Value::List(reader.descend(list)?),
        b'"' | b'\'' => Value::String(reader.string()?),
        b'0'..=b'9' | b'-' => Value::Number(reader.word()?.to_owned()),
        _ => match reader.word()? {
            word @ ("true" | "false") => Value::Boolean(word.to_owned()),
            word => Value::Enum(word.to_owned()),
        },
    })
}

fn list(reader: &mut Reader<'_>) -> Result<Vec<Value>> {
    reader.require('[')?;
    let mut result = Vec::new();
    loop {
        if reader.take(b']')? {
            return Ok(result);
        }
        result.push(value(reader)?);
        if !reader.take(b',')? && reader.peek()? != b']' {
            return Err(reader.unexpected("expected ',' or ']'"));
        }
    }
}

fn aggregate(reader: &mut Reader<'_>) -> Result<Vec<(String, Value)>> {
    reader.require('{')?;
    let mut result = Aggregate::default();
    loop {
        if reader.take(b'}')? {
            return Ok(result.entries);
        }
        let setting = setting(reader, ':')?;
        result.add(setting);
        if !reader.take(b',')? {
            reader.take(b';')?;
        }
    }
}

/// An aggregate while it is read: a key that is mentioned again makes a list.
#[derive(Default)]
struct Aggregate {
    entries: Vec<(String, Value)>,
    /// Where a key is in `entries`.
    places: HashMap<String, usize>,
    /// Where the fields of an entry are that was written as `entry.field`.
    fields: HashMap<usize, HashMap<String, usize>>,
}

impl Aggregate {
    fn add(&mut self, setting: Setting) {
        let Setting { name, value, .. } = setting;
        let Some(place) = self.places.get(&name).copied() else {
            let place = self.entries.len();
            self.places.insert(name.clone(), place);
            match value {
                Value::Field(field) => {
                    self.entries.push((name, Value::Map(Vec::new())));
                    self.put(place, *field);
                }
                value => self.entries.push((name, value)),
            }
            return;
        };
        match (&mut self.entries[place].1, value) {
            (_, Value::Field(field)) => self.put(place, *field),
            (Value::List(items), value) => extend(items, value),
            (other, value) => {
                let mut items = vec![std::mem::replace(other, Value::List(Vec::new()))];
                extend(&mut items, value);
                *other = Value::List(items);
                self.fields.remove(&place);
            }
        }
    }

    /// `outer.inner: value` in an aggregate. Wire forgets there what kind of a word the value was,
    /// and prints it as a string; what reads the text back takes it for one.
    fn put(&mut self, place: usize, field: Setting) {
        let value = match field.value {
            Value::Boolean(word) | Value::Number(word) | Value::Enum(word) => Value::String(word),
            other => other,
        };
        let entry = &mut self.entries[place].1;
        if !matches!(entry, Value::Map(_)) {
            *entry = Value::Map(Vec::new());
            self.fields.remove(&place);
        }
        let Value::Map(fields) = entry else { unreachable!("it was made one") };
        let places = self.fields.entry(place).or_insert_with(|| {
            fields.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect()
        });
        match places.get(&field.name) {
            Some(at) => fields[*at].1 = value,
            None => {
                places.insert(field.name.clone(), fields.len());
                fields.push((field.name, value));
            }
        }
    }
}

fn extend(items: &mut Vec<Value>, value: Value) {
    match value {
        Value::List(more) => items.extend(more),
        one => items.push(one),
    }
}
