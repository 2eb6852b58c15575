//! A schema as a graph of nodes, the form in which two of them are compared.
//!
//! What JSON Schema lets one object say in several keywords is split by the type it is about, as
//! Confluent's registry does (it compares the model of the everit library): `{"type": "string",
//! "minimum": 1}` is all of a string and a number. Equal nodes are one node, so that a schema which
//! refers to one definition a thousand times holds it once.

use super::decimal::Decimal;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A node of one graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

/// Something that `$ref` leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TargetId(u32);

/// A schema: what it asks for and what it says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) shape: Shape,
    pub(super) about: About,
}

/// What changes no verdict, but is reported as a difference or decides about a required property.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct About {
    pub(super) id: Option<String>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    /// The value as text with sorted members.
    pub(super) default: Option<String>,
    /// `"connect.type": "bytes"`: Kafka Connect writes the bytes as a string or as a number.
    pub(super) connect_bytes: bool,
}

/// What a value must be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// `true`.
    True,
    /// An object without a keyword that means anything.
    Empty,
    /// `false`.
    False,
    Boolean,
    Null,
    String(StringShape),
    Number(NumberShape),
    Object(Box<ObjectShape>),
    Array(Box<ArrayShape>),
    /// The values as texts with sorted members.
    Enum(BTreeSet<String>),
    Const(String),
    Combined(Criterion, Vec<NodeId>),
    Not(NodeId),
    Conditional([Option<NodeId>; 3]),
    Reference(TargetId),
}

impl Shape {
    pub(super) fn is_combined(&self) -> bool {
        matches!(self, Shape::Combined(..))
    }

    /// Whether there are no schemas inside of it that are compared.
    pub(super) fn is_leaf(&self) -> bool {
        match self {
            Shape::True | Shape::Empty | Shape::False | Shape::Boolean | Shape::Null => true,
            Shape::String(_) | Shape::Number(_) | Shape::Enum(_) | Shape::Const(_) => true,
            Shape::Conditional(_) | Shape::Reference(_) => true,
            Shape::Object(_) | Shape::Array(_) | Shape::Combined(..) | Shape::Not(_) => false,
        }
    }
}

/// How many of the parts of a combined schema a value must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Criterion {
    All,
    Any,
    One,
}

impl Criterion {
    pub(super) fn keyword(self) -> &'static str {
        match self {
            Criterion::All => "allOf",
            Criterion::Any => "anyOf",
            Criterion::One => "oneOf",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct StringShape {
    pub(super) min_length: Option<i32>,
    pub(super) max_length: Option<i32>,
    pub(super) pattern: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct NumberShape {
    pub(super) integer: bool,
    pub(super) minimum: Option<Decimal>,
    pub(super) maximum: Option<Decimal>,
    pub(super) exclusive_minimum: Option<Decimal>,
    pub(super) exclusive_maximum: Option<Decimal>,
    pub(super) multiple_of: Option<Decimal>,
}

/// What may stand where nothing is said about a property or an item by its name or position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) enum Additional {
    /// Anything.
    #[default]
    Anything,
    /// Nothing.
    Nothing,
    /// What matches the schema.
    Matching(NodeId),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct ObjectShape {
    pub(super) properties: BTreeMap<String, NodeId>,
    pub(super) pattern_properties: BTreeMap<String, NodeId>,
    pub(super) additional: Additional,
    pub(super) unevaluated: Option<NodeId>,
    pub(super) required: BTreeSet<String>,
    pub(super) property_dependencies: BTreeMap<String, BTreeSet<String>>,
    pub(super) schema_dependencies: BTreeMap<String, NodeId>,
    pub(super) property_names: Option<NodeId>,
    pub(super) min_properties: Option<i32>,
    pub(super) max_properties: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct ArrayShape {
    /// One schema for every item.
    pub(super) every_item: Option<NodeId>,
    /// One schema for each of the first items.
    pub(super) items: Vec<NodeId>,
    pub(super) additional: Additional,
    pub(super) unevaluated: Option<NodeId>,
    pub(super) contains: Option<NodeId>,
    pub(super) min_contains: Option<i32>,
    pub(super) max_contains: Option<i32>,
    pub(super) min_items: Option<i32>,
    pub(super) max_items: Option<i32>,
    pub(super) unique_items: bool,
}

/// All nodes of a schema and of what it refers to.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    interned: HashMap<Node, NodeId>,
    /// Where references lead; `None` while that is being read.
    targets: Vec<Option<NodeId>>,
}

impl Graph {
    /// The node that equals `node`, made if there is none.
    pub(super) fn intern(&mut self, node: Node) -> NodeId {
        match self.interned.entry(node) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let id =
                    u32::try_from(self.nodes.len()).expect("a text of megabytes has few nodes");
                self.nodes.push(vacant.key().clone());
                *vacant.insert(NodeId(id))
            }
        }
    }

    /// A place for what a reference leads to.
    pub(super) fn reserve_target(&mut self) -> TargetId {
        let id = u32::try_from(self.targets.len()).expect("a text of megabytes has few references");
        self.targets.push(None);
        TargetId(id)
    }

    pub(super) fn set_target(&mut self, target: TargetId, node: NodeId) {
        self.targets[target.0 as usize] = Some(node);
    }

    /// Follows references to references, and forgets what is needed only while nodes are added.
    pub(super) fn finish(&mut self) {
        for first in 0..self.targets.len() {
            let mut passed = vec![first];
            let last = loop {
                let node = self.targets[passed[passed.len() - 1]].expect("it has been read");
                match self.shape(node) {
                    Shape::Reference(next) if passed.contains(&(next.0 as usize)) => break node,
                    Shape::Reference(next) => passed.push(next.0 as usize),
                    _ => break node,
                }
            };
            for target in passed {
                self.targets[target] = Some(last);
            }
        }
        self.interned = HashMap::new();
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(super) fn shape(&self, id: NodeId) -> &Shape {
        &self.node(id).shape
    }

    /// The node itself, or what it refers to. References that lead only to each other stay one.
    pub(super) fn resolved(&self, id: NodeId) -> NodeId {
        match self.shape(id) {
            Shape::Reference(target) => {
                self.targets[target.0 as usize].expect("every target has been read")
            }
            _ => id,
        }
    }
}
