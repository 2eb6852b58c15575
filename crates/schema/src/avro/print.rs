//! A graph as JSON: what Avro's `Schema.toString` prints.

use super::equality::too_deep;
use super::graph::{Body, Field, Graph, Kind, Named, NodeId, Order, Properties};
use super::jackson::{write_list, write_string, write_value};
use crate::{Limits, SchemaError, ordered};
use std::collections::HashSet;

/// The text of `root` with all that it refers to; each name is defined where it is used first.
pub(super) fn resolved(
    graph: &Graph,
    root: NodeId,
    limits: &Limits,
) -> Result<String, SchemaError> {
    canonical(graph, root, &[], limits)
}

/// The text of `root` in which the types `elsewhere` are only named.
///
/// # Errors
/// [`SchemaError::TooExpensive`] if the text is nested deeper than can be read again: types that are
/// defined behind their use move inside of it.
pub(super) fn canonical(
    graph: &Graph,
    root: NodeId,
    elsewhere: &[NodeId],
    limits: &Limits,
) -> Result<String, SchemaError> {
    let known = graph.names(elsewhere);
    let mut printer = Printer { graph, known, out: String::new(), depth_max: limits.depth_max };
    printer.node(root, None, 0)?;
    if ordered::depth_of(&printer.out) > limits.depth_max {
        return Err(too_deep());
    }
    printer.out.shrink_to_fit();
    Ok(printer.out)
}

struct Printer<'g> {
    graph: &'g Graph,
    /// Full names that need no definition any more.
    known: HashSet<&'g str>,
    out: String,
    depth_max: usize,
}

impl<'g> Printer<'g> {
    fn node(
        &mut self,
        id: NodeId,
        namespace: Option<&str>,
        depth: usize,
    ) -> Result<(), SchemaError> {
        if depth > self.depth_max {
            return Err(too_deep());
        }
        let graph = self.graph;
        let node = &graph[id];
        match &node.kind {
            Kind::Primitive(primitive) if node.properties.is_empty() => {
                write_string(&mut self.out, primitive.name());
            }
            Kind::Primitive(primitive) => {
                self.open("type", primitive.name());
                self.properties(&node.properties);
                self.out.push('}');
            }
            Kind::Array(element) | Kind::Map(element) => {
                let is_array = matches!(node.kind, Kind::Array(_));
                self.open("type", if is_array { "array" } else { "map" });
                self.out.push_str(if is_array { ",\"items\":" } else { ",\"values\":" });
                self.node(*element, namespace, depth + 1)?;
                self.properties(&node.properties);
                self.out.push('}');
            }
            Kind::Union(branches) => {
                self.out.push('[');
                for (position, branch) in branches.iter().enumerate() {
                    if position > 0 {
                        self.out.push(',');
                    }
                    self.node(*branch, namespace, depth + 1)?;
                }
                self.out.push(']');
            }
            Kind::Named(named) if self.known.insert(named.name.full()) => {
                self.named(named, &node.properties, namespace, depth)?;
            }
            Kind::Named(named) => write_string(&mut self.out, named.name.within(namespace)),
            Kind::Pending(name) => write_string(&mut self.out, name),
        }
        Ok(())
    }

    fn named(
        &mut self,
        named: &'g Named,
        properties: &Properties,
        namespace: Option<&str>,
        depth: usize,
    ) -> Result<(), SchemaError> {
        let type_name = match &named.body {
            Body::Record(record) if record.is_error => "error",
            Body::Record(_) => "record",
            Body::Enum { .. } => "enum",
            Body::Fixed { .. } => "fixed",
        };
        self.open("type", type_name);
        self.text("name", named.name.simple());
        let own_namespace = named.name.namespace();
        if own_namespace != namespace {
            self.text("namespace", own_namespace.unwrap_or_default());
        }
        if let Some(doc) = &named.doc {
            self.text("doc", doc);
        }
        match &named.body {
            Body::Record(record) => {
                self.out.push_str(",\"fields\":[");
                for (position, field) in record.fields.iter().enumerate() {
                    if position > 0 {
                        self.out.push(',');
                    }
                    self.field(field, own_namespace, depth + 3)?;
                }
                self.out.push(']');
            }
            Body::Enum { symbols, default } => {
                self.texts("symbols", symbols.iter().map(String::as_str));
                if let Some(default) = default {
                    self.text("default", default);
                }
            }
            Body::Fixed { size } => self.out.push_str(&format!(",\"size\":{size}")),
        }
        self.properties(properties);
        if !named.aliases.is_empty() {
            self.texts("aliases", named.aliases.iter().map(|alias| alias.within(own_namespace)));
        }
        self.out.push('}');
        Ok(())
    }

    fn field(
        &mut self,
        field: &'g Field,
        namespace: Option<&str>,
        depth: usize,
    ) -> Result<(), SchemaError> {
        self.open("name", &field.name);
        self.out.push_str(",\"type\":");
        self.node(field.kind, namespace, depth)?;
        if let Some(doc) = &field.doc {
            self.text("doc", doc);
        }
        if let Some(default) = &field.default {
            self.out.push_str(",\"default\":");
            write_value(&mut self.out, default, false);
        }
        match field.order {
            Order::Ascending => {}
            Order::Descending => self.text("order", "descending"),
            Order::Ignore => self.text("order", "ignore"),
        }
        if !field.aliases.is_empty() {
            self.texts("aliases", field.aliases.iter().map(AsRef::as_ref));
        }
        self.properties(&field.properties);
        self.out.push('}');
        Ok(())
    }

    /// Begins an object with its first member.
    fn open(&mut self, name: &str, value: &str) {
        self.out.push('{');
        write_string(&mut self.out, name);
        self.out.push(':');
        write_string(&mut self.out, value);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.out.push(',');
        write_string(&mut self.out, name);
        self.out.push(':');
        write_string(&mut self.out, value);
    }

    fn texts<'t>(&mut self, name: &str, values: impl Iterator<Item = &'t str>) {
        self.out.push(',');
        write_string(&mut self.out, name);
        self.out.push(':');
        write_list(&mut self.out, ['[', ']'], values, write_string);
    }

    fn properties(&mut self, properties: &Properties) {
        for (name, value) in properties {
            self.out.push(',');
            write_string(&mut self.out, name);
            self.out.push(':');
            write_value(&mut self.out, value, false);
        }
    }
}
