//! The keywords of one schema, read with their types, and the shapes that they make.

use super::decimal::Decimal;
use super::documents::Scope;
use super::draft::Draft;
use super::graph::{Additional, ArrayShape, NodeId, NumberShape, ObjectShape, Shape, StringShape};
use super::load::Loader;
use crate::SchemaError;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Where in a text something stands, known by its ancestors.
pub(super) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    segment: Segment<'p>,
}

#[derive(Clone, Copy)]
pub(super) enum Segment<'p> {
    Name(&'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    /// The beginning of a text, `#`, or what a reference leads to.
    pub(super) fn root(name: &'p str) -> Self {
        Place { parent: None, segment: Segment::Name(name) }
    }

    pub(super) fn inside<'i>(&'i self, segment: Segment<'i>) -> Place<'i>
    where
        'p: 'i,
    {
        Place { parent: Some(self), segment }
    }

    fn pointer(&self) -> String {
        let mut segments = Vec::new();
        let mut place = Some(self);
        while let Some(at) = place {
            segments.push(at.segment);
            place = at.parent;
        }
        let mut pointer = String::new();
        for (depth, segment) in segments.iter().rev().enumerate() {
            if depth > 0 {
                pointer.push('/');
            }
            match segment {
                Segment::Name(name) if depth == 0 => pointer.push_str(name),
                Segment::Name(name) => {
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
                Segment::Index(index) => write!(pointer, "{index}").expect("a String takes all"),
            }
        }
        pointer
    }

    pub(super) fn invalid(&self, problem: &str) -> SchemaError {
        SchemaError::Invalid(format!("{}: {problem}", self.pointer()))
    }

    /// The error that `found` is of none of the types `expected`, in everit's words.
    pub(super) fn expected(&self, expected: &[&str], found: &Value) -> SchemaError {
        let found = match found {
            Value::Null => "Null",
            Value::Bool(_) => "Boolean",
            Value::Number(number) if number.as_str().contains(['.', 'e', 'E']) => "BigDecimal",
            Value::Number(number) if number.as_str().parse::<i32>().is_ok() => "Integer",
            Value::Number(number) if number.as_str().parse::<i64>().is_ok() => "Long",
            Value::Number(_) => "BigInteger",
            Value::String(_) => "String",
            Value::Array(_) => "JsonArray",
            Value::Object(_) => "JsonObject",
        };
        let expected = match expected {
            [one] => format!("expected type: {one}"),
            several => format!("expected type is one of {}", several.join(" or ")),
        };
        self.invalid(&format!("{expected}, found: {found}"))
    }
}

/// The members of one schema.
#[derive(Clone, Copy)]
pub(super) struct Keywords<'k, 'd> {
    pub(super) object: &'d Map<String, Value>,
    pub(super) place: &'k Place<'k>,
    pub(super) draft: Draft,
}

/// How the schemas inside of a keyword are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    One,
    Listed,
    Named,
}

impl<'d> Keywords<'_, 'd> {
    /// How `keyword` holds schemas, if it means something in this schema.
    pub(super) fn parts_of(&self, keyword: &str) -> Option<Parts> {
        let (draft, modern) = (self.draft, self.draft.is_modern());
        if self.object.contains_key("$ref") && !modern {
            return None;
        }
        let tuple = matches!(self.object.get("items"), Some(Value::Array(_)));
        let (meant, parts) = match keyword {
            "allOf" | "anyOf" | "oneOf" => (true, Parts::Listed),
            "not" | "additionalProperties" => (true, Parts::One),
            "properties" | "patternProperties" => (true, Parts::Named),
            "items" if tuple => (draft != Draft::Twenty, Parts::Listed),
            "items" => (true, Parts::One),
            "additionalItems" => (!modern || draft == Draft::Nineteen && tuple, Parts::One),
            "contains" | "propertyNames" => (draft >= Draft::Six, Parts::One),
            "if" => (draft >= Draft::Seven, Parts::One),
            "then" | "else" if modern => (self.object.contains_key("if"), Parts::One),
            "then" | "else" => (draft >= Draft::Seven, Parts::One),
            "dependencies" => (!modern, Parts::Named),
            "prefixItems" => (modern, Parts::Listed),
            "unevaluatedItems" | "unevaluatedProperties" => (modern, Parts::One),
            "dependentSchemas" | "$defs" => (modern, Parts::Named),
            _ => return None,
        };
        meant.then_some(parts)
    }

    fn wrong(&self, keyword: &str, expected: &str, found: &Value) -> SchemaError {
        self.place.inside(Segment::Name(keyword)).expected(&[expected], found)
    }

    pub(super) fn string(&self, keyword: &str) -> Result<Option<&'d str>, SchemaError> {
        match self.object.get(keyword) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(keyword, "String", other)),
        }
    }

    pub(super) fn array(&self, keyword: &str) -> Result<Option<&'d Vec<Value>>, SchemaError> {
        match self.object.get(keyword) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(self.wrong(keyword, "JsonArray", other)),
        }
    }

    fn members(&self, keyword: &str) -> Result<Option<&'d Map<String, Value>>, SchemaError> {
        match self.object.get(keyword) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(other) => Err(self.wrong(keyword, "JsonObject", other)),
        }
    }

    fn boolean(&self, keyword: &str) -> Result<Option<bool>, SchemaError> {
        match self.object.get(keyword) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(self.wrong(keyword, "Boolean", other)),
        }
    }

    fn number(&self, keyword: &str) -> Result<Option<Decimal>, SchemaError> {
        match self.object.get(keyword) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(Decimal::new(number))),
            Some(other) => Err(self.wrong(keyword, "Number", other)),
        }
    }

    /// A number of characters, items or members. From 2019-09 on any number will do.
    fn count(&self, keyword: &str) -> Result<Option<i32>, SchemaError> {
        let Some(value) = self.object.get(keyword) else { return Ok(None) };
        let count = match value {
            Value::Number(number) if self.draft.is_modern() => {
                // A cast saturates, and what is larger than 32 bits limits nothing anyway.
                number.as_str().parse::<f64>().ok().map(|number| number as i32)
            }
            Value::Number(number) => number.as_str().parse().ok(),
            _ => None,
        };
        count.map(Some).ok_or_else(|| self.wrong(keyword, "Integer", value))
    }

    /// Refuses keywords of wrong types that nothing is made of.
    pub(super) fn check_unused(&self) -> Result<(), SchemaError> {
        if self.draft >= Draft::Seven {
            self.boolean("readOnly")?;
            self.boolean("writeOnly")?;
        }
        if self.draft.is_modern() {
            self.boolean("deprecated")?;
            self.string("format")?;
        }
        Ok(())
    }

    /// The name that the schema gives itself, a URI.
    pub(super) fn id(&self) -> Result<Option<&'d str>, SchemaError> {
        let keyword = self.draft.id_keyword();
        let id = match self.object.get(keyword) {
            Some(other) if self.draft.is_modern() && !other.is_string() => None,
            _ => self.string(keyword)?,
        };
        match id.filter(|id| id.contains(|c: char| c <= ' ' || "\"<>\\^`{|}\u{7f}".contains(c))) {
            Some(id) => Err(self.place.invalid(&format!("illegal character in {keyword}: {id}"))),
            None => Ok(id),
        }
    }

    /// The strings in the array at `place`.
    fn strings(place: &Place<'_>, items: &[Value]) -> Result<BTreeSet<String>, SchemaError> {
        let mut strings = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let Value::String(text) = item else {
                return Err(place.inside(Segment::Index(index)).expected(&["String"], item));
            };
            strings.insert(text.clone());
        }
        Ok(strings)
    }
}

impl<'d> Loader<'_, 'd> {
    /// Refuses what is no regular expression.
    fn pattern(&mut self, pattern: &'d str, place: &Place<'_>) -> Result<(), SchemaError> {
        let checked = self.patterns.check(pattern, self.work)?;
        checked.map_err(|problem| place.invalid(&problem))
    }

    pub(super) fn string_shape(
        &mut self,
        keywords: &Keywords<'_, 'd>,
    ) -> Result<Shape, SchemaError> {
        let pattern = keywords.string("pattern")?;
        if let Some(pattern) = pattern {
            self.pattern(pattern, &keywords.place.inside(Segment::Name("pattern")))?;
        }
        keywords.string("format")?;
        Ok(Shape::String(StringShape {
            min_length: keywords.count("minLength")?,
            max_length: keywords.count("maxLength")?,
            pattern: pattern.map(str::to_owned),
        }))
    }

    pub(super) fn number_shape(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        integer: bool,
    ) -> Result<Shape, SchemaError> {
        let (minimum, maximum) = (keywords.number("minimum")?, keywords.number("maximum")?);
        // In draft 4, whether a limit is outside of what it limits is a flag of its own.
        let (exclusive_minimum, exclusive_maximum) = if keywords.draft == Draft::Four {
            let below = keywords.boolean("exclusiveMinimum")?.unwrap_or(false);
            let above = keywords.boolean("exclusiveMaximum")?.unwrap_or(false);
            (minimum.clone().filter(|_| below), maximum.clone().filter(|_| above))
        } else {
            (keywords.number("exclusiveMinimum")?, keywords.number("exclusiveMaximum")?)
        };
        let multiple_of = keywords.number("multipleOf")?;
        if !keywords.draft.is_modern() && multiple_of.as_ref().is_some_and(Decimal::is_zero) {
            return Err(keywords.place.invalid("multipleOf should not be 0"));
        }
        Ok(Shape::Number(NumberShape {
            integer,
            minimum,
            maximum,
            exclusive_minimum,
            exclusive_maximum,
            multiple_of,
        }))
    }

    pub(super) fn object_shape(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
    ) -> Result<Shape, SchemaError> {
        let (mut property_dependencies, mut schema_dependencies) = Default::default();
        let (mut property_names, mut unevaluated) = (None, None);
        if keywords.draft.is_modern() {
            property_dependencies = self.dependent_required(keywords)?;
            schema_dependencies = self.named("dependentSchemas", keywords, scope)?;
            unevaluated = self.child("unevaluatedProperties", keywords, scope)?;
        } else {
            self.dependencies(
                keywords,
                scope,
                &mut property_dependencies,
                &mut schema_dependencies,
            )?;
        }
        if keywords.draft >= Draft::Six {
            property_names = self.child("propertyNames", keywords, scope)?;
        }
        let pattern_properties = self.named("patternProperties", keywords, scope)?;
        if let Some(members) = keywords.members("patternProperties")? {
            for pattern in members.keys() {
                self.pattern(pattern, &keywords.place.inside(Segment::Name("patternProperties")))?;
            }
        }
        let required = match keywords.array("required")? {
            Some(names) => {
                Keywords::strings(&keywords.place.inside(Segment::Name("required")), names)?
            }
            None => BTreeSet::new(),
        };
        Ok(Shape::Object(Box::new(ObjectShape {
            properties: self.named("properties", keywords, scope)?,
            pattern_properties,
            additional: self.additional("additionalProperties", keywords, scope)?,
            unevaluated,
            required,
            property_dependencies,
            schema_dependencies,
            property_names,
            min_properties: keywords.count("minProperties")?,
            max_properties: keywords.count("maxProperties")?,
        })))
    }

    /// The schemas in the object that `keyword` holds.
    pub(super) fn named(
        &mut self,
        keyword: &'static str,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
    ) -> Result<BTreeMap<String, NodeId>, SchemaError> {
        let mut nodes = BTreeMap::new();
        let outer = keywords.place.inside(Segment::Name(keyword));
        for (name, value) in keywords.members(keyword)?.into_iter().flatten() {
            // Up to draft 7, what is called like the keyword for names is taken for one.
            let named = name == keywords.draft.id_keyword() && !value.is_object();
            if named && !keywords.draft.is_modern() {
                continue;
            }
            let node = self.schema(value, scope, &outer.inside(Segment::Name(name)))?;
            nodes.insert(name.clone(), node);
        }
        Ok(nodes)
    }

    fn dependent_required(
        &mut self,
        keywords: &Keywords<'_, 'd>,
    ) -> Result<BTreeMap<String, BTreeSet<String>>, SchemaError> {
        let mut dependencies = BTreeMap::new();
        let outer = keywords.place.inside(Segment::Name("dependentRequired"));
        for (name, value) in keywords.members("dependentRequired")?.into_iter().flatten() {
            let place = outer.inside(Segment::Name(name));
            let Value::Array(names) = value else {
                return Err(place.expected(&["JsonArray"], value));
            };
            let needed = Keywords::strings(&place, names)?;
            // To need nothing is the same as not to be named here.
            if !needed.is_empty() {
                dependencies.insert(name.clone(), needed);
            }
        }
        Ok(dependencies)
    }

    /// `dependencies` of the drafts up to 7: a schema or the names of properties.
    fn dependencies(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
        of_properties: &mut BTreeMap<String, BTreeSet<String>>,
        of_schemas: &mut BTreeMap<String, NodeId>,
    ) -> Result<(), SchemaError> {
        let outer = keywords.place.inside(Segment::Name("dependencies"));
        for (name, value) in keywords.members("dependencies")?.into_iter().flatten() {
            let place = outer.inside(Segment::Name(name));
            match value {
                Value::Array(names) => {
                    let needed = Keywords::strings(&place, names)?;
                    if !needed.is_empty() {
                        of_properties.insert(name.clone(), needed);
                    }
                }
                schema => {
                    of_schemas.insert(name.clone(), self.schema(schema, scope, &place)?);
                }
            }
        }
        Ok(())
    }

    pub(super) fn array_shape(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
    ) -> Result<Shape, SchemaError> {
        let mut shape = ArrayShape {
            min_items: keywords.count("minItems")?,
            max_items: keywords.count("maxItems")?,
            unique_items: keywords.boolean("uniqueItems")?.unwrap_or(false),
            ..ArrayShape::default()
        };
        if keywords.draft >= Draft::Six {
            shape.contains = self.child("contains", keywords, scope)?;
        }
        if keywords.draft.is_modern() {
            // What is no number here is taken for an unknown keyword.
            shape.min_contains = keywords.count("minContains").unwrap_or(None);
            shape.max_contains = keywords.count("maxContains").unwrap_or(None);
            shape.unevaluated = self.child("unevaluatedItems", keywords, scope)?;
            shape.items = self.schemas("prefixItems", keywords, scope)?.unwrap_or_default();
        }
        let tuple = matches!(keywords.object.get("items"), Some(Value::Array(_)));
        if keywords.draft == Draft::Twenty || keywords.draft == Draft::Nineteen && !tuple {
            self.items_behind_prefix(keywords, scope, &mut shape)?;
        } else {
            shape.additional = self.additional("additionalItems", keywords, scope)?;
            if tuple {
                shape.items = self.schemas("items", keywords, scope)?.unwrap_or_default();
            } else if let (Draft::Four, Some(other @ Value::Bool(_))) =
                (keywords.draft, keywords.object.get("items"))
            {
                let place = keywords.place.inside(Segment::Name("items"));
                return Err(place.expected(&["JsonArray", "JsonObject"], other));
            } else {
                shape.every_item = self.child("items", keywords, scope)?;
            }
        }
        Ok(Shape::Array(Box::new(shape)))
    }

    /// `items` of draft 2020-12: what is not in `prefixItems`.
    fn items_behind_prefix(
        &mut self,
        keywords: &Keywords<'_, 'd>,
        scope: &Scope,
        shape: &mut ArrayShape,
    ) -> Result<(), SchemaError> {
        match keywords.object.get("items") {
            None | Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => shape.additional = Additional::Nothing,
            Some(_) => {
                let node = self.child("items", keywords, scope)?;
                if shape.items.is_empty() {
                    shape.every_item = node;
                } else if let Some(node) = node {
                    shape.additional = Additional::Matching(node);
                }
            }
        }
        Ok(())
    }
}
