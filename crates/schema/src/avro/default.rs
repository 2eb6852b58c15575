//! Whether the defaults of fields are values of their types. Avro's library checks it for schemas that
//! are new; those that are stored already may be wrong.

use super::equality::too_deep;
use super::graph::{Body, Graph, Kind, Named, NodeId, Primitive};
use super::{jackson, print};
use crate::{Limits, SchemaError, Work};
use serde_json::{Number, Value};

/// Refuses the first default that is no value of its field's type.
pub(super) fn check(graph: &Graph, limits: &Limits) -> Result<(), SchemaError> {
    let mut checker = Checker { graph, work: Work::new(limits), depth_left: limits.depth_max };
    for id in graph.ids() {
        let Some(Body::Record(record)) = graph[id].kind.body() else {
            continue;
        };
        for field in &record.fields {
            let Some(default) = &field.default else { continue };
            if !checker.field(field.kind, default)? {
                let mut value = String::new();
                jackson::write_value(&mut value, default, false);
                let kind = print::resolved(graph, field.kind, limits)?;
                let problem =
                    format!("Invalid default for field {}: {value} not a {kind}", field.name);
                return Err(SchemaError::Invalid(problem));
            }
        }
    }
    Ok(())
}

struct Checker<'g> {
    graph: &'g Graph,
    work: Work,
    depth_left: usize,
}

impl Checker<'_> {
    /// Whether `value` may be the default of a field. Texts that stand for numbers were made numbers
    /// when the field was read, except for those that JSON has no number for.
    fn field(&mut self, kind: NodeId, value: &Value) -> Result<bool, SchemaError> {
        let named = value.as_str().is_some_and(is_special_double);
        let is_double =
            matches!(self.graph[kind].kind, Kind::Primitive(Primitive::Float | Primitive::Double));
        Ok(named && is_double || self.value(kind, value)?)
    }

    fn value(&mut self, kind: NodeId, value: &Value) -> Result<bool, SchemaError> {
        self.work.step()?;
        self.depth_left = self.depth_left.checked_sub(1).ok_or_else(too_deep)?;
        let valid = match (&self.graph[kind].kind, value) {
            (Kind::Primitive(primitive), value) => is_primitive(*primitive, value),
            (Kind::Array(element), Value::Array(elements)) => {
                let mut elements = elements.iter();
                self.all(elements.by_ref().map(|value| (*element, value)))?
            }
            (Kind::Map(element), Value::Object(members)) => {
                self.all(members.values().map(|value| (*element, value)))?
            }
            (Kind::Union(branches), value) => {
                let mut found = false;
                for branch in branches {
                    found = found || self.value(*branch, value)?;
                }
                found
            }
            (Kind::Named(named), value) => self.named(named, value)?,
            _ => false,
        };
        self.depth_left += 1;
        Ok(valid)
    }

    fn named(&mut self, named: &Named, value: &Value) -> Result<bool, SchemaError> {
        let (record, members) = match (&named.body, value) {
            (Body::Enum { .. } | Body::Fixed { .. }, value) => return Ok(value.is_string()),
            (Body::Record(record), Value::Object(members)) => (record, members),
            (Body::Record(_), _) => return Ok(false),
        };
        for field in &record.fields {
            let valid = match (members.get(&*field.name), &field.default) {
                (Some(value), _) => self.value(field.kind, value)?,
                (None, Some(default)) => self.field(field.kind, default)?,
                (None, None) => false,
            };
            if !valid {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn all<'v>(
        &mut self,
        values: impl Iterator<Item = (NodeId, &'v Value)>,
    ) -> Result<bool, SchemaError> {
        for (kind, value) in values {
            if !self.value(kind, value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn is_primitive(primitive: Primitive, value: &Value) -> bool {
    let whole = || value.as_number().filter(|number| jackson::is_whole(number.as_str()));
    match primitive {
        Primitive::String | Primitive::Bytes => value.is_string(),
        Primitive::Int => whole().is_some_and(|number| number.as_str().parse::<i32>().is_ok()),
        Primitive::Long => whole().and_then(Number::as_i64).is_some(),
        Primitive::Float | Primitive::Double => value.is_number(),
        Primitive::Boolean => value.is_boolean(),
        Primitive::Null => value.is_null(),
    }
}

/// Java's names of doubles that are no numbers to JSON.
fn is_special_double(text: &str) -> bool {
    matches!(text, "NaN" | "Infinity" | "-Infinity")
}
