//! From the text of a schema to its graph, refusing what is no schema.
//!
//! Keywords of wrong types are refused where the schema uses them, as the libraries behind Confluent's
//! registry do (everit up to draft 7, json-sKema above): up to draft 7 a definition that nothing refers
//! to may hold anything, and so may a keyword that the draft does not know.

use super::documents::{Found, Index, Scope, address};
use super::draft::Draft;
use super::graph::{About, Additional, Criterion, Graph, Node, NodeId, Shape, TargetId};
use super::keywords::{Keywords, Parts, Place, Segment};
use super::pattern::Patterns;
use super::text::{Members, print};
use crate::{SchemaError, Work};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};

/// Reads the schema that `index` is of, with everything it refers to.
///
/// # Errors
/// [`SchemaError::Invalid`] with a JSON pointer to what is wrong.
pub(super) fn load(index: &Index<'_>, work: &mut Work) -> Result<(Graph, NodeId), SchemaError> {
    let mut loader = Loader {
        index,
        work,
        graph: Graph::default(),
        targets: HashMap::new(),
        parts: HashMap::new(),
        pending: VecDeque::new(),
        patterns: Patterns::default(),
    };
    let found = index.root();
    if let Some(other) = found.value.get("$schema").filter(|schema| !schema.is_string()) {
        let root = Place::root("#");
        return Err(root.inside(Segment::Name("$schema")).expected(&["String"], other));
    }
    let root = loader.schema(found.value, &found.scope, &Place::root("#"))?;
    // References are followed one after the other, so that a chain of them takes no stack.
    while let Some((target, reference, found)) = loader.pending.pop_front() {
        let node = loader.schema(found.value, &found.scope, &Place::root(reference))?;
        loader.graph.set_target(target, node);
    }
    let mut graph = loader.graph;
    graph.finish();
    Ok((graph, root))
}

pub(super) struct Loader<'l, 'd> {
    index: &'l Index<'d>,
    pub(super) work: &'l mut Work,
    graph: Graph,
    /// What references lead to, by the address of the value.
    targets: HashMap<usize, TargetId>,
    /// Schemas that have been read as parts of others, by the address of the value.
    parts: HashMap<usize, NodeId>,
    pending: VecDeque<(TargetId, &'d str, Found<'d>)>,
    pub(super) patterns: Patterns,
}

impl<'d> Loader<'_, 'd> {
    pub(super) fn schema(
        &mut self,
        value: &'d Value,
        scope: &Scope,
        place: &Place<'_>,
    ) -> Result<NodeId, SchemaError> {
        self.work.step()?;
        match value {
            Value::Bool(true) => Ok(self.plain(Shape::True)),
            Value::Bool(false) => Ok(self.plain(Shape::False)),
            Value::Object(object) => {
                if let Some(node) = self.parts.get(&address(value)) {
                    return Ok(*node);
                }
                let scope = self.index.scope_of(value, scope);
                let keywords = Keywords { object, place, draft: scope.draft };
                self.read_parts(&keywords, &scope)?;
                let node = self.object(&keywords, &scope)?;
                self.parts.insert(address(value), node);
                Ok(node)
            }
            other => Err(place.expected(&["Boolean", "JsonObject"], other)),
        }
    }

    /// Reads the schemas inside of a schema before the schema itself. Nothing depends on it but the
    /// stack: this way a level of nesting takes two small frames and not one of each keyword's.
    fn read_parts(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
    ) -> Result<(), SchemaError> {
        for (keyword, value) in keywords.object {
            let place = keywords.place.inside(Segment::Name(keyword));
            match (keywords.parts_of(keyword), value) {
                (Some(Parts::One), Value::Object(_)) => {
                    self.schema(value, scope, &place)?;
                }
                (Some(Parts::Listed), Value::Array(items)) => {
                    for (index, item) in items.iter().enumerate().filter(|(_, it)| it.is_object()) {
                        self.schema(item, scope, &place.inside(Segment::Index(index)))?;
                    }
                }
                (Some(Parts::Named), Value::Object(members)) => {
                    for (name, member) in members.iter().filter(|(_, it)| it.is_object()) {
                        self.schema(member, scope, &place.inside(Segment::Name(name)))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn plain(&mut self, shape: Shape) -> NodeId {
        self.graph.intern(Node { shape, about: About::default() })
    }

    #[inline(never)]
    fn object(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
    ) -> Result<NodeId, SchemaError> {
        let mut shapes = Vec::new();
        let reference = keywords.string("$ref")?;
        if let Some(reference) = reference {
            shapes.push(Shape::Reference(self.reference(reference, keywords, scope)?));
        }
        // Up to draft 7, `$ref` replaces everything that stands beside it.
        if reference.is_none() || keywords.draft.is_modern() {
            self.values(keywords, &mut shapes)?;
            self.combinations(keywords, scope, &mut shapes)?;
            let said = self.typed(keywords, scope, &mut shapes)?;
            self.untyped(keywords, scope, said, &mut shapes)?;
        }
        let shape = match shapes.len() {
            0 => Shape::Empty,
            1 => shapes.swap_remove(0),
            _ => {
                let parts = shapes.into_iter().map(|shape| self.plain(shape)).collect();
                Shape::Combined(Criterion::All, parts)
            }
        };
        keywords.check_unused()?;
        if keywords.draft.is_modern() {
            // Definitions are read whether or not something refers to them.
            self.named("$defs", keywords, scope)?;
        }
        let about = self.about(keywords, matches!(shape, Shape::Reference(_)))?;
        Ok(self.graph.intern(Node { shape, about }))
    }

    fn reference(
        &mut self,
        reference: &'d str,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
    ) -> Result<TargetId, SchemaError> {
        if !reference.starts_with('#') {
            self.work.steps(self.index.base_len(scope) / 32)?;
        }
        let found = self
            .index
            .find(reference, scope)
            .map_err(|problem| keywords.place.invalid(&problem))?;
        if let Some(known) = self.targets.get(&address(found.value)) {
            return Ok(*known);
        }
        let target = self.graph.reserve_target();
        self.targets.insert(address(found.value), target);
        self.pending.push_back((target, reference, found));
        Ok(target)
    }

    /// `enum` and `const`.
    fn values(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        shapes: &mut Vec<Shape>,
    ) -> Result<(), SchemaError> {
        if let Some(values) = keywords.array("enum")? {
            let texts = values.iter().map(|value| print(value, Members::Sorted));
            shapes.push(Shape::Enum(texts.collect()));
        }
        match keywords.object.get("const") {
            Some(value) if keywords.draft >= Draft::Six => {
                shapes.push(Shape::Const(print(value, Members::Sorted)));
            }
            _ => {}
        }
        Ok(())
    }

    /// `allOf`, `anyOf`, `oneOf` and `not`.
    fn combinations(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
        shapes: &mut Vec<Shape>,
    ) -> Result<(), SchemaError> {
        for criterion in [Criterion::All, Criterion::Any, Criterion::One] {
            if let Some(parts) = self.schemas(criterion.keyword(), keywords, scope)? {
                shapes.push(Shape::Combined(criterion, parts));
            }
        }
        if let Some(node) = self.child("not", keywords, scope)? {
            shapes.push(Shape::Not(node));
        }
        Ok(())
    }

    /// What `type` says, with the keywords about the types that it names; which those are comes back.
    fn typed(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
        shapes: &mut Vec<Shape>,
    ) -> Result<Said, SchemaError> {
        let mut said = Said::default();
        match keywords.object.get("type") {
            None => {}
            Some(Value::String(name)) => {
                let shape = self.explicit(name, keywords, scope, &mut said)?;
                shapes.push(shape);
            }
            Some(Value::Array(names)) => {
                let mut parts = Vec::new();
                for name in names {
                    let Value::String(name) = name else {
                        return Err(keywords.place.expected(&["String"], name));
                    };
                    let shape = self.explicit(name, keywords, scope, &mut said)?;
                    parts.push(self.plain(shape));
                }
                shapes.push(Shape::Combined(Criterion::Any, parts));
            }
            Some(other) => {
                return Err(keywords.place.expected(&["JsonArray", "String"], other));
            }
        }
        Ok(said)
    }

    fn explicit(
        &mut self,
        name: &str,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
        said: &mut Said,
    ) -> Result<Shape, SchemaError> {
        match name {
            "string" => {
                said.string = true;
                self.string_shape(keywords)
            }
            "integer" | "number" => {
                said.number = true;
                self.number_shape(keywords, name == "integer")
            }
            "array" => {
                said.array = true;
                self.array_shape(keywords, scope)
            }
            "object" => {
                said.object = true;
                self.object_shape(keywords, scope)
            }
            "boolean" => Ok(Shape::Boolean),
            "null" => Ok(Shape::Null),
            _ => Err(keywords.place.invalid(&format!("unknown type: [{name}]"))),
        }
    }

    /// The keywords about types that `type` does not name, and conditions.
    fn untyped(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
        said: Said,
        shapes: &mut Vec<Shape>,
    ) -> Result<(), SchemaError> {
        let (draft, object) = (keywords.draft, keywords.object);
        if !said.array && draft.has_array_keyword(object) {
            shapes.push(self.array_shape(keywords, scope)?);
        }
        if !said.object && draft.has_object_keyword(object) {
            shapes.push(self.object_shape(keywords, scope)?);
        }
        if !said.number && Draft::has_number_keyword(object) {
            shapes.push(self.number_shape(keywords, false)?);
        }
        if !said.string && draft.has_string_keyword(object) {
            shapes.push(self.string_shape(keywords)?);
        }
        let conditions = ["if", "then", "else"];
        // From 2019-09 on, `then` and `else` mean nothing without `if`.
        let needed = if draft.is_modern() { &conditions[..1] } else { &conditions[..] };
        let conditional = needed.iter().any(|keyword| object.contains_key(*keyword));
        if draft >= Draft::Seven && conditional {
            let mut nodes = [None; 3];
            for (node, keyword) in nodes.iter_mut().zip(conditions) {
                *node = self.child(keyword, keywords, scope)?;
            }
            shapes.push(Shape::Conditional(nodes));
        }
        Ok(())
    }

    /// `refers` tells that there is nothing but a reference.
    fn about(&self, keywords: &Keywords<'_, 'd>, refers: bool) -> Result<About, SchemaError> {
        let text = |keyword| Ok(keywords.string(keyword)?.map(str::to_owned));
        let default = keywords.object.get("default");
        // To json-sKema's translation null is none, and to neither library a reference has one.
        let default = default.filter(|value| !value.is_null() || !keywords.draft.is_modern());
        let default = default.filter(|_| !refers);
        let connect_type = keywords.object.get("connect.type").and_then(Value::as_str);
        Ok(About {
            id: keywords.id()?.map(str::to_owned),
            title: text("title")?,
            description: text("description")?,
            default: default.map(|value| print(value, Members::Sorted)),
            connect_bytes: connect_type == Some("bytes"),
        })
    }

    /// The schema that `keyword` holds.
    pub(super) fn child(
        &mut self,
        keyword: &'static str,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
    ) -> Result<Option<NodeId>, SchemaError> {
        let Some(value) = keywords.object.get(keyword) else { return Ok(None) };
        let place = keywords.place.inside(Segment::Name(keyword));
        self.schema(value, scope, &place).map(Some)
    }

    /// The schemas in the array that `keyword` holds.
    pub(super) fn schemas(
        &mut self,
        keyword: &'static str,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
    ) -> Result<Option<Vec<NodeId>>, SchemaError> {
        let Some(values) = keywords.array(keyword)? else { return Ok(None) };
        let outer = keywords.place.inside(Segment::Name(keyword));
        let mut nodes = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            nodes.push(self.schema(value, scope, &outer.inside(Segment::Index(index)))?);
        }
        Ok(Some(nodes))
    }

    /// `additionalProperties`, `additionalItems` and what stands for them.
    pub(super) fn additional(
        &mut self,
        keyword: &'static str,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
    ) -> Result<Additional, SchemaError> {
        Ok(match keywords.object.get(keyword) {
            None | Some(Value::Bool(true)) => Additional::Anything,
            Some(Value::Bool(false)) => Additional::Nothing,
            Some(Value::Object(_)) => match self.child(keyword, keywords, scope)? {
                Some(node) => Additional::Matching(node),
                None => Additional::Anything,
            },
            Some(other) => {
                let place = keywords.place.inside(Segment::Name(keyword));
                return Err(place.expected(&["Boolean", "JsonObject"], other));
            }
        })
    }
}

/// Types that `type` has spoken about: the keywords about them belong to it.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    string: bool,
    number: bool,
    array: bool,
    object: bool,
}
