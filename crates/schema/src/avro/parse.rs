//! From JSON to a [`Graph`]: names are resolved, and what Avro's Java library refuses is refused in its
//! words.
//!
//! As in Avro 1.12, a type may be used before the place where it is defined, and may be defined again
//! if the definitions are equal: what a reference defines inline is inline in the text that is stored,
//! and must be readable beside that reference.

use super::graph::{Body, Field, Graph, Kind, Named, NodeId, Order, Primitive, Properties, Record};
use super::name::{Name, check_name};
use super::{equality, jackson};
use crate::{Limits, SchemaError, Work, ordered};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

type Members = Map<String, Value>;

/// What a type's definition gives a meaning to; everything else is a property.
const TYPE_MEMBERS: [&str; 10] =
    ["doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"];
const ENUM_MEMBERS: [&str; 11] = [
    "doc",
    "fields",
    "items",
    "name",
    "namespace",
    "size",
    "symbols",
    "values",
    "type",
    "aliases",
    "default",
];
const FIELD_MEMBERS: [&str; 6] = ["default", "doc", "name", "order", "type", "aliases"];

const NAME_BYTES_PER_STEP: usize = 16;

/// The longest fixed that Java can hold in an array.
const FIXED_BYTES_MAX: i32 = i32::MAX - 8;

/// Reads several texts into one graph; each knows the names that those before it define.
pub(super) struct Parser<'l> {
    graph: Graph,
    limits: &'l Limits,
    work: Work,
    known: HashMap<String, NodeId>,
    plain: [Option<NodeId>; Primitive::ALL.len()],
    /// Uses of names that were not known where they were used.
    forward: Vec<NodeId>,
}

impl<'l> Parser<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Parser {
            graph: Graph::default(),
            limits,
            work: Work::new(limits),
            known: HashMap::new(),
            plain: [None; Primitive::ALL.len()],
            forward: Vec::new(),
        }
    }

    /// Reads one text. A type that is defined already gives the definition that was first.
    pub(super) fn text(&mut self, text: &str) -> Result<NodeId, SchemaError> {
        if text.trim().is_empty() {
            return invalid("Cannot parse <null> schema");
        }
        let value = match ordered::parse(text, self.limits) {
            // Avro's parser skips comments as Java has them, and such files are about.
            Err(SchemaError::Invalid(problem)) => match without_comments(text) {
                Some(text) => ordered::parse(&text, self.limits)?,
                None => return Err(SchemaError::Invalid(problem)),
            },
            read => read?,
        };
        let known_nodes = self.graph.ids().len();
        let root = self.schema(&value, None)?;
        self.resolve_forward(known_nodes)?;
        Ok(match &self.graph[root].kind {
            // A type that is named like one of Avro's own is not meant by that one.
            Kind::Named(_) | Kind::Pending(_) => {
                let known = self.known.get(self.graph.full_name(root));
                *known.expect("it has been defined, here or before")
            }
            _ => root,
        })
    }

    /// What was read.
    pub(super) fn into_graph(mut self) -> Graph {
        self.graph.shrink();
        self.graph
    }

    /// What was read so far.
    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    fn schema(&mut self, value: &Value, namespace: Option<&str>) -> Result<NodeId, SchemaError> {
        self.work.step()?;
        match value {
            Value::String(name) => self.find(name, namespace),
            Value::Object(members) => self.object(value, members, namespace),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.schema(branch, namespace));
                let branches = branches.collect::<Result<Vec<_>, _>>()?;
                let union = self.graph.add(Kind::Union(branches), Properties::default());
                self.check_union(union)?;
                Ok(union)
            }
            _ => invalid(format!("Schema not yet supported: {}", json(value))),
        }
    }

    fn object(
        &mut self,
        value: &Value,
        members: &Members,
        namespace: Option<&str>,
    ) -> Result<NodeId, SchemaError> {
        let type_name = required_text(members, "type", "No type", value)?;
        if let Some(primitive) = Primitive::of(type_name) {
            let properties = properties(members, &TYPE_MEMBERS);
            return Ok(match properties.is_empty() {
                true => self.plain(primitive),
                false => self.graph.add(Kind::Primitive(primitive), properties),
            });
        }
        match type_name {
            "record" | "error" | "enum" | "fixed" => self.named(value, members, namespace),
            "array" => {
                let Some(items) = members.get("items") else {
                    return invalid(format!("Array has no items type: {}", json(value)));
                };
                let items = self.schema(items, namespace)?;
                Ok(self.graph.add(Kind::Array(items), properties(members, &TYPE_MEMBERS)))
            }
            "map" => {
                let Some(values) = members.get("values") else {
                    return invalid(format!("Map has no values type: {}", json(value)));
                };
                let values = self.schema(values, namespace)?;
                Ok(self.graph.add(Kind::Map(values), properties(members, &TYPE_MEMBERS)))
            }
            name => self.find(name, namespace),
        }
    }

    /// The type of that name: in the namespace, outside of all, or to be found at the end.
    fn find(&mut self, name: &str, namespace: Option<&str>) -> Result<NodeId, SchemaError> {
        if let Some(primitive) = Primitive::of(name) {
            return Ok(self.plain(primitive));
        }
        let full = match namespace {
            Some(namespace) if !name.contains('.') => format!("{namespace}.{name}"),
            _ => name.to_owned(),
        };
        self.spend_name(&full)?;
        let known = self.known.get(&full).or_else(|| self.known.get(name)).copied();
        Ok(known.unwrap_or_else(|| {
            let pending = self.graph.add(Kind::Pending(full), Properties::default());
            self.forward.push(pending);
            pending
        }))
    }

    /// The type without properties; one node is enough for all places.
    fn plain(&mut self, primitive: Primitive) -> NodeId {
        *self.plain[primitive as usize].get_or_insert_with(|| {
            self.graph.add(Kind::Primitive(primitive), Properties::default())
        })
    }

    /// A long namespace is written once and inherited often: names cost by their length.
    fn spend_name(&mut self, full: &str) -> Result<(), SchemaError> {
        self.work.steps(full.len() / NAME_BYTES_PER_STEP)
    }

    fn named(
        &mut self,
        value: &Value,
        members: &Members,
        namespace: Option<&str>,
    ) -> Result<NodeId, SchemaError> {
        let own_namespace = optional_text(members, "namespace").or(namespace);
        let name = required_text(members, "name", "No name in schema", value)?;
        let name = Name::new(name, own_namespace)?;
        self.spend_name(name.full())?;
        name.check_definable()?;
        let doc = optional_text(members, "doc").map(Box::from);

        // The name is known to the fields, so that a record may hold itself.
        let id = self.graph.add(Kind::Pending(name.full().to_owned()), Properties::default());
        let earlier = self.known.get(name.full()).copied();
        match earlier.map(|earlier| &self.graph[earlier].kind) {
            // It is being defined just now, around this definition.
            Some(Kind::Pending(name)) => return invalid(format!("Can't redefine: {name}")),
            Some(_) => {}
            None => drop(self.known.insert(name.full().to_owned(), id)),
        }
        let type_name = optional_text(members, "type").unwrap_or_default();
        let (body, reserved) = match type_name {
            "enum" => (enum_body(value, members)?, &ENUM_MEMBERS[..]),
            "fixed" => (fixed_body(value, members)?, &TYPE_MEMBERS[..]),
            _ => (self.record_body(value, members, &name)?, &TYPE_MEMBERS[..]),
        };
        let mut aliases = Vec::new();
        let mut known_aliases = HashSet::new();
        for alias in alias_texts(value, members)? {
            let alias = Name::new(&alias, name.namespace())?;
            self.spend_name(alias.full())?;
            if known_aliases.insert(alias.clone()) {
                aliases.push(alias);
            }
        }
        let node = &mut self.graph[id];
        node.properties = properties(members, reserved);
        node.kind = Kind::Named(Box::new(Named { name, doc, aliases, body }));
        if let Some(earlier) = earlier
            && !equality::same(&self.graph, earlier, id, self.limits, &mut self.work)?
        {
            return invalid(format!("Can't redefine: {}", self.graph.full_name(id)));
        }
        Ok(id)
    }

    fn record_body(
        &mut self,
        value: &Value,
        members: &Members,
        name: &Name,
    ) -> Result<Body, SchemaError> {
        let Some(Value::Array(texts)) = members.get("fields") else {
            return invalid(format!("Record has no fields: {}", json(value)));
        };
        let mut fields = Vec::with_capacity(texts.len());
        for text in texts {
            fields.push(self.field(text, name.namespace())?);
        }
        let is_error = optional_text(members, "type") == Some("error");
        let described = |fields: &[Field], position: usize| {
            let field = &fields[position];
            let type_name = self.graph.type_name(field.kind).to_uppercase();
            format!("{} type:{type_name} pos:{position}", field.name)
        };
        if let Some((first, second)) = Record::duplicate(&fields) {
            return invalid(format!(
                "Duplicate field {} in record {}: {} and {}.",
                fields[second].name,
                name.full(),
                described(&fields, second),
                described(&fields, first),
            ));
        }
        Ok(Body::Record(Record::new(is_error, fields)))
    }

    fn field(&mut self, value: &Value, namespace: Option<&str>) -> Result<Field, SchemaError> {
        let nothing = Members::new();
        let members = value.as_object().unwrap_or(&nothing);
        let name = required_text(members, "name", "No field name", value)?;
        let Some(kind) = members.get("type") else {
            return invalid(format!("No field type: {}", json(value)));
        };
        let kind = self.schema(kind, namespace)?;
        let order = match members.get("order").map(|order| order.as_str().unwrap_or_default()) {
            None => Order::Ascending,
            Some(order) => match order.to_uppercase().as_str() {
                "ASCENDING" => Order::Ascending,
                "DESCENDING" => Order::Descending,
                "IGNORE" => Order::Ignore,
                other => {
                    let known_to = "No enum constant org.apache.avro.Schema.Field.Order";
                    return invalid(format!("{known_to}.{other}"));
                }
            },
        };
        let mut default = members.get("default").cloned();
        if let (Some(Value::String(text)), "float" | "double") =
            (&default, self.graph.type_name(kind))
        {
            default = Some(double_of(text)?);
        }
        check_name(name)?;
        Ok(Field {
            name: name.into(),
            kind,
            doc: optional_text(members, "doc").map(Box::from),
            default: default.map(Box::new),
            order,
            aliases: alias_texts(value, members)?.into(),
            properties: properties(members, &FIELD_MEMBERS),
        })
    }

    /// Refuses a union in a union, and two branches that a reader could not tell apart.
    fn check_union(&self, union: NodeId) -> Result<(), SchemaError> {
        let Kind::Union(branches) = &self.graph[union].kind else { return Ok(()) };
        let mut names = HashSet::with_capacity(branches.len());
        for branch in branches {
            if matches!(self.graph[*branch].kind, Kind::Union(_)) {
                let text = super::print::resolved(&self.graph, union, self.limits)?;
                return invalid(format!("Nested union: {text}"));
            }
            let name = self.graph.full_name(*branch);
            if !names.insert(name) {
                return invalid(format!("Duplicate in union:{name}"));
            }
        }
        Ok(())
    }

    /// Puts definitions in the place of names that were used before them, by the nodes of this text.
    fn resolve_forward(&mut self, of_this_text: usize) -> Result<(), SchemaError> {
        let mut found = HashMap::with_capacity(self.forward.len());
        for pending in std::mem::take(&mut self.forward) {
            let name = self.graph.full_name(pending);
            let Some(definition) = self.known.get(name) else {
                return invalid(format!("Undefined schema: {name}"));
            };
            found.insert(pending, *definition);
        }
        if found.is_empty() {
            return Ok(());
        }
        let replace = |id: &mut NodeId| {
            if let Some(definition) = found.get(id) {
                *id = *definition;
            }
        };
        for id in self.graph.ids().skip(of_this_text) {
            match &mut self.graph[id].kind {
                Kind::Array(element) | Kind::Map(element) => replace(element),
                Kind::Union(branches) => branches.iter_mut().for_each(replace),
                Kind::Named(named) => {
                    if let Body::Record(record) = &mut named.body {
                        record.fields.iter_mut().for_each(|field| replace(&mut field.kind));
                    }
                }
                Kind::Primitive(_) | Kind::Pending(_) => {}
            }
        }
        Ok(())
    }
}

fn enum_body(value: &Value, members: &Members) -> Result<Body, SchemaError> {
    let Some(Value::Array(texts)) = members.get("symbols") else {
        return invalid(format!("Enum has no symbols: {}", json(value)));
    };
    let mut symbols = Vec::with_capacity(texts.len());
    let mut known = HashSet::with_capacity(texts.len());
    for symbol in texts {
        let Some(symbol) = symbol.as_str() else { return invalid("Null name") };
        check_name(symbol)?;
        if !known.insert(symbol) {
            return invalid(format!("Duplicate enum symbol: {symbol}"));
        }
        symbols.push(symbol.to_owned());
    }
    let default = optional_text(members, "default").map(str::to_owned);
    if let Some(default) = default.as_deref().filter(|default| !known.contains(default)) {
        let known = symbols.join(", ");
        let problem =
            format!("The Enum Default: {default} is not in the enum symbol set: [{known}]");
        return invalid(problem);
    }
    Ok(Body::Enum { symbols, default })
}

fn fixed_body(value: &Value, members: &Members) -> Result<Body, SchemaError> {
    let size =
        members.get("size").and_then(Value::as_i64).and_then(|size| i32::try_from(size).ok());
    match size {
        None => invalid(format!("Invalid or no size: {}", json(value))),
        Some(size) if size < 0 => invalid(format!("Malformed data. Length is negative: {size}")),
        Some(size) if size > FIXED_BYTES_MAX => {
            let problem = "Cannot read arrays longer than";
            invalid(format!("{problem} {FIXED_BYTES_MAX} bytes in Java library"))
        }
        Some(size) => Ok(Body::Fixed { size }),
    }
}

/// The texts of `aliases`, each once.
fn alias_texts(value: &Value, members: &Members) -> Result<Vec<Box<str>>, SchemaError> {
    let Some(aliases) = members.get("aliases") else { return Ok(Vec::new()) };
    let Value::Array(aliases) = aliases else {
        return invalid(format!("aliases not an array: {}", json(value)));
    };
    let mut known = HashSet::with_capacity(aliases.len());
    let mut texts = Vec::with_capacity(aliases.len());
    for alias in aliases {
        let Value::String(text) = alias else {
            return invalid(format!("alias not a string: {}", json(alias)));
        };
        if known.insert(text.as_str()) {
            texts.push(text.as_str().into());
        }
    }
    Ok(texts)
}

fn properties(members: &Members, reserved: &[&str]) -> Properties {
    let others = members.iter().filter(|(name, _)| !reserved.contains(&name.as_str()));
    others.map(|(name, value)| (name.as_str().into(), value.clone())).collect()
}

fn optional_text<'v>(members: &'v Members, name: &str) -> Option<&'v str> {
    members.get(name).and_then(Value::as_str)
}

fn required_text<'v>(
    members: &'v Members,
    name: &str,
    problem: &str,
    value: &Value,
) -> Result<&'v str, SchemaError> {
    optional_text(members, name)
        .ok_or_else(|| SchemaError::Invalid(format!("{problem}: {}", json(value))))
}

/// The number that a text stands for as the default of a float or double. What JSON has no number
/// for (`NaN`, infinities) stays a text, in Java's spelling.
fn double_of(text: &str) -> Result<Value, SchemaError> {
    let digits = text.trim_matches(|c| c <= ' ');
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    let known = matches!(unsigned, "NaN" | "Infinity")
        || unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let plain = digits.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(digits);
    let double = if known { plain.parse::<f64>().ok() } else { None };
    let Some(double) = double else {
        return invalid(match digits {
            "" => "empty String".to_owned(),
            _ => format!("For input string: \"{digits}\""),
        });
    };
    let mut number = String::new();
    jackson::write_double(&mut number, double);
    Ok(serde_json::from_str(&number).expect("a double prints as JSON"))
}

/// `text` with blanks in the place of comments, if it has any.
fn without_comments(text: &str) -> Option<String> {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find(['"', '/']) {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        let length = match from.as_bytes() {
            [b'"', ..] => {
                let length = string_length(from);
                kept.push_str(&from[..length]);
                length
            }
            [b'/', b'/', ..] => from.find('\n').unwrap_or(from.len()),
            [b'/', b'*', ..] => from[2..].find("*/").map_or(from.len(), |end| end + 4),
            _ => {
                kept.push('/');
                rest = &from[1..];
                continue;
            }
        };
        if !from.starts_with('"') {
            found = true;
            kept.push(' ');
        }
        rest = &from[length..];
    }
    kept.push_str(rest);
    found.then_some(kept)
}

/// The length in bytes of the string that `text` begins with, its quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn json(value: &Value) -> String {
    let mut text = String::new();
    jackson::write_value(&mut text, value, false);
    text
}

fn invalid<T>(problem: impl Into<String>) -> Result<T, SchemaError> {
    Err(SchemaError::Invalid(problem.into()))
}
