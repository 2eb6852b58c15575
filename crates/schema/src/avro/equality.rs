//! Whether two definitions of one name are the same to Avro: texts of documentation and aliases may
//! differ, as may an enum's default.

use super::graph::{Body, Field, Graph, Kind, Named, NodeId, Properties};
use crate::{Limits, SchemaError, Work};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Whether `a` and `b` mean the same.
pub(super) fn same(
    graph: &Graph,
    a: NodeId,
    b: NodeId,
    limits: &Limits,
    work: &mut Work,
) -> Result<bool, SchemaError> {
    Comparison { graph, seen: HashSet::new(), depth_left: limits.depth_max, work }.nodes(a, b)
}

struct Comparison<'g> {
    graph: &'g Graph,
    /// Pairs that are equal, unless something else that is being compared is not.
    seen: HashSet<(NodeId, NodeId)>,
    depth_left: usize,
    work: &'g mut Work,
}

impl Comparison<'_> {
    fn nodes(&mut self, a: NodeId, b: NodeId) -> Result<bool, SchemaError> {
        if a == b || !self.seen.insert((a, b)) {
            return Ok(true);
        }
        self.work.step()?;
        self.depth_left = self.depth_left.checked_sub(1).ok_or_else(too_deep)?;
        let same = self.parts(a, b)?;
        self.depth_left += 1;
        Ok(same)
    }

    fn parts(&mut self, a: NodeId, b: NodeId) -> Result<bool, SchemaError> {
        let graph = self.graph;
        if !same_properties(&graph[a].properties, &graph[b].properties) {
            return Ok(false);
        }
        match (&graph[a].kind, &graph[b].kind) {
            (Kind::Primitive(a), Kind::Primitive(b)) => Ok(a == b),
            (Kind::Array(a), Kind::Array(b)) | (Kind::Map(a), Kind::Map(b)) => self.nodes(*a, *b),
            (Kind::Union(a), Kind::Union(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                self.all(a.iter().copied().zip(b.iter().copied()))
            }
            (Kind::Named(a), Kind::Named(b)) => self.named(a, b),
            // The name is used inside of its own definition, or before it: it is one and the same.
            (Kind::Pending(_), _) | (_, Kind::Pending(_)) => {
                Ok(graph.full_name(a) == graph.full_name(b))
            }
            _ => Ok(false),
        }
    }

    fn named(&mut self, a: &Named, b: &Named) -> Result<bool, SchemaError> {
        if a.name != b.name {
            return Ok(false);
        }
        match (&a.body, &b.body) {
            (Body::Record(a), Body::Record(b)) => {
                let pairs = || a.fields.iter().zip(&b.fields);
                if a.fields.len() != b.fields.len() || !pairs().all(|(a, b)| same_field(a, b)) {
                    return Ok(false);
                }
                self.all(pairs().map(|(a, b)| (a.kind, b.kind)))
            }
            (Body::Enum { symbols: a, .. }, Body::Enum { symbols: b, .. }) => Ok(a == b),
            (Body::Fixed { size: a }, Body::Fixed { size: b }) => Ok(a == b),
            _ => Ok(false),
        }
    }

    fn all(&mut self, pairs: impl Iterator<Item = (NodeId, NodeId)>) -> Result<bool, SchemaError> {
        for (a, b) in pairs {
            if !self.nodes(a, b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether all but the types of two fields is the same.
fn same_field(a: &Field, b: &Field) -> bool {
    a.name == b.name
        && a.default == b.default
        && a.order == b.order
        && same_properties(&a.properties, &b.properties)
}

fn same_properties(a: &Properties, b: &Properties) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let b: HashMap<&str, &Value> = b.iter().map(|(name, value)| (&**name, value)).collect();
    a.iter().all(|(name, value)| b.get(&**name) == Some(&value))
}

pub(super) fn too_deep() -> SchemaError {
    SchemaError::TooExpensive("its types are nested too deeply".to_owned())
}
