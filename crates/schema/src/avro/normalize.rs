//! The normal form of `normalize=true`: one text for schemas that differ in the order of members, in
//! the spelling of names or in how a default is written.
//!
//! As in Confluent's `AvroSchemaUtils`, what is printed here is read again and stored in the canonical
//! form, so that only its order and its values matter. Two accidents of that code are not repeated: a
//! type outside of all namespaces that is defined inside of one stays outside, where it would be moved
//! into it; and a default is kept that is no value of a union's first branch, where it would be lost.

use super::graph::{Body, Field, Graph, Kind, Named, Node, NodeId, Order, Primitive, Properties};
use super::jackson::{write_double, write_float, write_list, write_string, write_value};
use super::logical;
use serde_json::Value;
use std::collections::HashSet;

/// The text of `root` in which the types `elsewhere` are only named. Its graph was printed before, and
/// so is known not to be nested too deeply.
pub(super) fn text(graph: &Graph, root: NodeId, elsewhere: &[NodeId]) -> String {
    let known = graph.names(elsewhere);
    let mut normalizer = Normalizer { graph, known, out: String::new() };
    normalizer.node(root, None);
    normalizer.out
}

struct Normalizer<'g> {
    graph: &'g Graph,
    known: HashSet<&'g str>,
    out: String,
}

impl<'g> Normalizer<'g> {
    fn node(&mut self, id: NodeId, namespace: Option<&str>) {
        let graph = self.graph;
        let node = &graph[id];
        match &node.kind {
            Kind::Primitive(primitive) if node.properties.is_empty() => {
                write_string(&mut self.out, primitive.name());
            }
            Kind::Primitive(primitive) => {
                self.out.push('{');
                self.text("type", primitive.name());
                self.properties(node, logical::of(node));
                self.out.push('}');
            }
            Kind::Array(element) | Kind::Map(element) => {
                self.out.push('{');
                self.text("type", graph.type_name(id));
                let is_array = matches!(node.kind, Kind::Array(_));
                self.member(if is_array { "items" } else { "values" });
                self.node(*element, namespace);
                self.properties(node, None);
                self.out.push('}');
            }
            Kind::Union(branches) => {
                self.out.push('[');
                for (position, branch) in branches.iter().enumerate() {
                    if position > 0 {
                        self.out.push(',');
                    }
                    self.node(*branch, namespace);
                }
                self.out.push(']');
            }
            Kind::Named(named) if self.known.insert(named.name.full()) => {
                self.named(id, node, named, namespace);
            }
            Kind::Named(_) | Kind::Pending(_) => {
                write_string(&mut self.out, graph.full_name(id));
            }
        }
    }

    fn named(&mut self, id: NodeId, node: &'g Node, named: &'g Named, namespace: Option<&str>) {
        self.out.push('{');
        self.text("name", named.name.full());
        let own_namespace = named.name.namespace();
        if own_namespace.is_none() && namespace.is_some() {
            self.text("namespace", "");
        }
        // An `error` is a `record` here.
        self.text("type", self.graph.type_name(id));
        let mut logical_type = None;
        match &named.body {
            Body::Record(record) => {
                self.member("fields");
                self.out.push('[');
                for (position, field) in record.fields.iter().enumerate() {
                    if position > 0 {
                        self.out.push(',');
                    }
                    self.field(field, own_namespace);
                }
                self.out.push(']');
            }
            Body::Enum { symbols, .. } => {
                self.texts("symbols", symbols.iter().map(String::as_str).collect());
            }
            Body::Fixed { size } => {
                self.member("size");
                self.out.push_str(&size.to_string());
                logical_type = logical::of(node);
            }
        }
        if let Some(doc) = named.doc.as_deref().filter(|doc| !doc.is_empty()) {
            self.text("doc", doc);
        }
        let outside = |alias: &super::name::Name| {
            alias.namespace().is_none() && named.name.namespace().is_some()
        };
        let aliases = named.aliases.iter().map(|alias| match alias {
            alias if outside(alias) => format!(".{}", alias.full()),
            alias => alias.full().to_owned(),
        });
        let aliases: Vec<String> = aliases.collect();
        self.sorted_texts("aliases", aliases.iter().map(String::as_str).collect());
        if let Body::Enum { default: Some(default), .. } = &named.body {
            self.text("default", default);
        }
        self.properties(node, logical_type);
        self.out.push('}');
    }

    fn field(&mut self, field: &'g Field, namespace: Option<&str>) {
        self.out.push('{');
        self.text("name", &field.name);
        self.member("type");
        self.node(field.kind, namespace);
        match field.order {
            Order::Ascending => {}
            Order::Descending => self.text("order", "descending"),
            Order::Ignore => self.text("order", "ignore"),
        }
        if let Some(doc) = &field.doc {
            self.text("doc", doc);
        }
        self.sorted_texts("aliases", field.aliases.iter().map(AsRef::as_ref).collect());
        if let Some(default) = &field.default {
            self.member("default");
            write_default(&mut self.out, self.graph, Some(field.kind), default);
        }
        for (name, value) in sorted(&field.properties) {
            self.member(name);
            write_value(&mut self.out, value, true);
        }
        self.out.push('}');
    }

    /// Begins a member of the object that is open.
    fn member(&mut self, name: &str) {
        if !self.out.ends_with('{') {
            self.out.push(',');
        }
        write_string(&mut self.out, name);
        self.out.push(':');
    }

    fn text(&mut self, name: &str, value: &str) {
        self.member(name);
        write_string(&mut self.out, value);
    }

    fn texts(&mut self, name: &str, values: Vec<&str>) {
        self.member(name);
        write_list(&mut self.out, ['[', ']'], values, write_string);
    }

    fn sorted_texts(&mut self, name: &str, mut values: Vec<&str>) {
        if !values.is_empty() {
            values.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            self.texts(name, values);
        }
    }

    /// All properties by name, those of a logical type before the others.
    fn properties(&mut self, node: &Node, logical_type: Option<&str>) {
        let mut first = Vec::new();
        if let Some(logical_type) = logical_type {
            first.push("logicalType");
            if logical_type == "decimal" {
                first.push("precision");
                if logical::scale(node) != Some(0) {
                    first.push("scale");
                }
            }
        }
        for name in &first {
            if let Some(value) = node.property(name) {
                self.member(name);
                write_value(&mut self.out, value, true);
            }
        }
        for (name, value) in sorted(&node.properties) {
            if !first.contains(&&**name) {
                self.member(name);
                write_value(&mut self.out, value, true);
            }
        }
    }
}

fn sorted(properties: &Properties) -> Vec<&(Box<str>, Value)> {
    let mut sorted: Vec<_> = properties.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    sorted
}

/// Appends a default as a value of its type: a whole number for a double gets its `.0`.
///
/// The type of a union is its first branch. What is no value of the type stays as it is.
fn write_default(out: &mut String, graph: &Graph, kind: Option<NodeId>, value: &Value) {
    let kind = kind.map(|kind| &graph[kind].kind);
    if let Some(Kind::Union(branches)) = kind {
        return write_default(out, graph, branches.first().copied(), value);
    }
    match value {
        Value::Null | Value::Bool(_) => write_value(out, value, true),
        Value::Number(number) => {
            let double: f64 = number.as_str().parse().expect("JSON's numbers are doubles to Rust");
            match kind {
                Some(Kind::Primitive(Primitive::Double)) => write_double(out, double),
                Some(Kind::Primitive(Primitive::Float)) => write_float(out, double as f32),
                _ => write_value(out, value, true),
            }
        }
        Value::String(text) => {
            let is_bytes = matches!(kind, Some(Kind::Primitive(Primitive::Bytes)))
                || matches!(kind.and_then(Kind::body), Some(Body::Fixed { .. }));
            // Bytes are letters of Latin-1; others cannot be kept.
            let kept = |c| if is_bytes && u32::from(c) > 0xFF { '?' } else { c };
            write_string(out, &text.chars().map(kept).collect::<String>());
        }
        Value::Array(elements) => {
            let element = match kind {
                Some(Kind::Array(element)) => Some(*element),
                _ => None,
            };
            write_list(out, ['[', ']'], elements, |out, value| {
                write_default(out, graph, element, value);
            });
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            write_list(out, ['{', '}'], members, |out, (name, value)| {
                write_string(out, name);
                out.push(':');
                let member = match (kind, kind.and_then(Kind::body)) {
                    (Some(Kind::Map(element)), _) => Some(*element),
                    (_, Some(Body::Record(record))) => {
                        record.field(name, 0).map(|field| field.kind)
                    }
                    _ => None,
                };
                write_default(out, graph, member, value);
            });
        }
    }
}
