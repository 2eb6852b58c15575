//! The table of messages, read from its text on first use.

use super::value::Entity;
use std::iter::Peekable;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

const TEXT: &str = include_str!("messages.txt");

/// A request type and its two messages.
pub struct Message {
    pub api_key: i16,
    /// The first version with compact lengths and tagged fields; the last of all if there is none.
    pub flexible_since: i16,
    pub request: Vec<Definition>,
    pub response: Vec<Definition>,
}

/// One field of a message.
pub struct Definition {
    pub name: &'static str,
    pub kind: Kind,
    pub versions: RangeInclusive<i16>,
    pub nullable: Option<RangeInclusive<i16>>,
    /// Number and versions, for fields that come behind the others.
    pub tag: Option<u32>,
    pub entity: Entity,
}

/// The type of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Primitive {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Int64,
    Float64,
    Uuid,
    Text,
    Bytes,
    Records,
}

pub enum Kind {
    Primitive(Primitive),
    List(Primitive),
    Struct(Vec<Definition>),
    Structs(Vec<Definition>),
}

static MESSAGES: LazyLock<Vec<Message>> = LazyLock::new(|| read(TEXT));

/// The messages of a request type, `None` if it is not served.
pub fn find(api_key: i16) -> Option<&'static Message> {
    MESSAGES.iter().find(|message| message.api_key == api_key)
}

/// A line's depth and its words.
type Line = (usize, Vec<&'static str>);

fn read(text: &'static str) -> Vec<Message> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut lines = lines
        .map(|line| {
            let words = line.trim_start();
            (line.len() - words.len(), words.split(' ').collect::<Vec<_>>())
        })
        .peekable();
    let mut messages = Vec::new();
    while let Some((_, words)) = lines.next() {
        let number = |text: &str| text.parse().expect("the table has numbers there");
        lines.next_if(|(_, words)| words == &["request"]).expect("a request comes first");
        let request = fields(&mut lines, 2);
        lines.next_if(|(_, words)| words == &["response"]).expect("its response follows");
        let response = fields(&mut lines, 2);
        let api_key = number(words[0]);
        let flexible_since = if words[2] == "none" { i16::MAX } else { number(words[2]) };
        messages.push(Message { api_key, flexible_since, request, response });
    }
    messages
}

/// The fields at this depth, up to the first line above it.
fn fields(lines: &mut Peekable<impl Iterator<Item = Line>>, depth: usize) -> Vec<Definition> {
    let mut fields = Vec::new();
    while let Some((_, words)) = lines.next_if(|(at, _)| *at == depth) {
        let option = |name: &str| words[3..].iter().find_map(|word| word.strip_prefix(name));
        let kind = match words[1] {
            "{}" => Kind::Struct(self::fields(lines, depth + 2)),
            "[]" => Kind::Structs(self::fields(lines, depth + 2)),
            list if list.starts_with("[]") => Kind::List(primitive(&list[2..])),
            one => Kind::Primitive(primitive(one)),
        };
        fields.push(Definition {
            name: words[0],
            kind,
            versions: versions(words[2]),
            nullable: option("null=").map(versions),
            tag: option("tag=").map(|tag| tag.parse().expect("a tag is a number")),
            entity: match option("is=") {
                Some("group") => Entity::Group,
                Some("topic") => Entity::Topic,
                _ => Entity::None,
            },
        });
    }
    fields
}

fn versions(text: &str) -> RangeInclusive<i16> {
    let number = |text: &str| text.parse::<i16>().expect("a version is a number");
    match text.split_once('-') {
        Some((first, last)) => number(first)..=number(last),
        None => match text.strip_suffix('+') {
            Some(first) => number(first)..=i16::MAX,
            None => number(text)..=number(text),
        },
    }
}

fn primitive(name: &str) -> Primitive {
    match name {
        "bool" => Primitive::Bool,
        "int8" => Primitive::Int8,
        "int16" => Primitive::Int16,
        "uint16" => Primitive::Uint16,
        "int32" => Primitive::Int32,
        "int64" => Primitive::Int64,
        "float64" => Primitive::Float64,
        "uuid" => Primitive::Uuid,
        "string" => Primitive::Text,
        "bytes" => Primitive::Bytes,
        "records" => Primitive::Records,
        other => unreachable!("the table has no type {other}"),
    }
}
