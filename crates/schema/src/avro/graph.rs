//! What a schema is made of: nodes that refer to one another by number, because types may be recursive.

use super::name::Name;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::ops::{Index, IndexMut};

/// The names that Avro gives to its own types.
pub(super) const TYPE_NAMES: [&str; 14] = [
    "record", "enum", "array", "map", "union", "fixed", "string", "bytes", "int", "long", "float",
    "double", "boolean", "null",
];

/// The types without parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Primitive {
    String,
    Bytes,
    Int,
    Long,
    Float,
    Double,
    Boolean,
    Null,
}

impl Primitive {
    pub(super) const ALL: [Primitive; 8] = [
        Primitive::String,
        Primitive::Bytes,
        Primitive::Int,
        Primitive::Long,
        Primitive::Float,
        Primitive::Double,
        Primitive::Boolean,
        Primitive::Null,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Primitive::String => "string",
            Primitive::Bytes => "bytes",
            Primitive::Int => "int",
            Primitive::Long => "long",
            Primitive::Float => "float",
            Primitive::Double => "double",
            Primitive::Boolean => "boolean",
            Primitive::Null => "null",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|primitive| primitive.name() == name)
    }
}

/// The number of a node in its [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

/// Members of a JSON object that Avro gives no meaning to, in their order.
pub(super) type Properties = Box<[(Box<str>, Value)]>;

/// One type, as it stands at one place of a text.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) properties: Properties,
}

impl Node {
    /// The value of a property.
    pub(super) fn property(&self, name: &str) -> Option<&Value> {
        self.properties.iter().find(|(key, _)| **key == *name).map(|(_, value)| value)
    }
}

/// What kind of type a node is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Primitive(Primitive),
    Array(NodeId),
    Map(NodeId),
    Union(Vec<NodeId>),
    Named(Box<Named>),
    /// A full name whose definition is not complete, or not yet read. None is left in a graph that
    /// has been read to its end.
    Pending(String),
}

impl Kind {
    /// What is defined under the name, if the type has one.
    pub(super) fn body(&self) -> Option<&Body> {
        match self {
            Kind::Named(named) => Some(&named.body),
            _ => None,
        }
    }
}

/// A record, an enum or a fixed.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: Name,
    pub(super) doc: Option<Box<str>>,
    pub(super) aliases: Vec<Name>,
    pub(super) body: Body,
}

impl Named {
    /// Whether a type of the full name `name` may be read as this one because of an alias. An alias
    /// outside of all namespaces counts only for a type that is outside of them too.
    pub(super) fn has_alias(&self, name: &Name) -> bool {
        self.aliases.iter().any(|alias| {
            alias == name && (alias.namespace().is_some() || self.name.namespace().is_none())
        })
    }
}

/// What is defined under a name.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Record(Record),
    Enum { symbols: Vec<String>, default: Option<String> },
    Fixed { size: i32 },
}

/// The fields of a record.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// Whether it was declared as `error` rather than as `record`.
    pub(super) is_error: bool,
    pub(super) fields: Vec<Field>,
    /// Positions of the fields, ordered by name.
    by_name: Vec<u32>,
}

impl Record {
    /// The positions of a field and of the first later one that has its name.
    pub(super) fn duplicate(fields: &[Field]) -> Option<(usize, usize)> {
        let mut names = HashMap::with_capacity(fields.len());
        fields.iter().enumerate().find_map(|(position, field)| {
            names.insert(&*field.name, position).map(|earlier| (earlier, position))
        })
    }

    /// A record of fields whose names differ.
    pub(super) fn new(is_error: bool, fields: Vec<Field>) -> Self {
        let count = u32::try_from(fields.len()).expect("a text of less than 4 GiB");
        let mut by_name: Vec<u32> = (0..count).collect();
        by_name.sort_unstable_by_key(|position| &*fields[*position as usize].name);
        Record { is_error, fields, by_name }
    }

    /// The field of that name, which is likely to be at `position`.
    pub(super) fn field(&self, name: &str, position: usize) -> Option<&Field> {
        if let Some(field) = self.fields.get(position).filter(|field| *field.name == *name) {
            return Some(field);
        }
        let found = self
            .by_name
            .binary_search_by(|position| (*self.fields[*position as usize].name).cmp(name));
        found.ok().map(|at| &self.fields[self.by_name[at] as usize])
    }
}

/// One field of a record.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    pub(super) kind: NodeId,
    pub(super) doc: Option<Box<str>>,
    pub(super) default: Option<Box<Value>>,
    pub(super) order: Order,
    pub(super) aliases: Box<[Box<str>]>,
    pub(super) properties: Properties,
}

/// How values of a field are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
    Ignore,
}

/// All nodes of a schema and of what it refers to.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
}

impl Graph {
    pub(super) fn add(&mut self, kind: Kind, properties: Properties) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("a text of less than 4 GiB"));
        self.nodes.push(Node { kind, properties });
        id
    }

    /// Gives back the memory that is left over.
    pub(super) fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
    }

    /// All nodes, in the order in which they were added.
    pub(super) fn ids(&self) -> impl ExactSizeIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// The full names of those types among `ids` that have one.
    pub(super) fn names(&self, ids: &[NodeId]) -> HashSet<&str> {
        let names = ids.iter().map(|id| match &self[*id].kind {
            Kind::Named(named) => Some(named.name.full()),
            _ => None,
        });
        names.flatten().collect()
    }

    /// How Avro calls the type: a full name, or that of its own type.
    pub(super) fn full_name(&self, id: NodeId) -> &str {
        match &self[id].kind {
            Kind::Primitive(primitive) => primitive.name(),
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Named(named) => named.name.full(),
            Kind::Pending(name) => name,
        }
    }

    /// Which of [`TYPE_NAMES`] it is.
    pub(super) fn type_name(&self, id: NodeId) -> &'static str {
        match &self[id].kind {
            Kind::Primitive(primitive) => primitive.name(),
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Named(named) => match named.body {
                Body::Record(_) => "record",
                Body::Enum { .. } => "enum",
                Body::Fixed { .. } => "fixed",
            },
            // Only records can be used before they are complete, or defined later than used.
            Kind::Pending(_) => "record",
        }
    }
}

impl Index<NodeId> for Graph {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }
}

impl IndexMut<NodeId> for Graph {
    fn index_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }
}
