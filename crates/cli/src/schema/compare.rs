//! Whether what is written with one schema can be read with another, found out without a registry.

use super::order::Order;
use super::source::Source;
use crate::failure::Failure;
use crate::schema::registry::{SchemaReference, Version};
use serde::Serialize;
use tidegate_schema::{Limits, Policy, Reference, Schema, SchemaError, SchemaType};

/// What came of a comparison.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Whether all that is written can be read.
    pub compatible: bool,
    /// Why it cannot.
    pub messages: Vec<String>,
}

/// Whether `reader` reads what is written with `writer`.
pub fn reading(reader: &Schema, writer: &Schema) -> Result<Verdict, SchemaError> {
    let found = reader.incompatibilities(writer, Policy::default(), &Limits::default())?;
    let messages = found.iter().map(ToString::to_string).collect();
    Ok(Verdict { compatible: found.is_empty(), messages })
}

/// Reads a schema of a registry. `dependencies` are all that it refers to over any number of steps,
/// those first that others refer to; `direct` is what it refers to itself.
pub fn parse(
    kind: &str,
    text: &str,
    direct: &[SchemaReference],
    dependencies: &[(SchemaReference, Version)],
) -> Result<Schema, SchemaError> {
    let kind = SchemaType::of(kind)
        .ok_or_else(|| SchemaError::Invalid(format!("{kind} is not a type that is known here")))?;
    let references: Vec<Reference<'_>> = dependencies
        .iter()
        .map(|(reference, found)| Reference {
            name: &reference.name,
            subject: &reference.subject,
            version: reference.version,
            text: &found.schema.text,
            direct: direct.iter().any(|direct| direct.name == reference.name),
        })
        .collect();
    Schema::parse(kind, text, &references, &Limits::default())
}

/// Reads a file with those of `others` that it refers to, over any number of steps.
pub fn read(source: &Source, others: &[Source]) -> Result<Schema, Failure> {
    let mut all = vec![source.clone()];
    all.extend(others.iter().cloned());
    let order = Order::of(&all)?;
    let mut needed = vec![false; all.len()];
    let mut steps = vec![0];
    while let Some(at) = steps.pop() {
        let targets = order.references[at].values().copied();
        let next: Vec<usize> = targets.filter(|target| !needed[*target]).collect();
        for target in next {
            needed[target] = true;
            steps.push(target);
        }
    }
    let mut references = Vec::new();
    for at in order.positions.iter().copied().filter(|at| needed[*at]) {
        for (name, is_direct) in names_of(&order, at) {
            let text = &*all[at].text;
            references.push(Reference { name, subject: name, version: 1, text, direct: is_direct });
        }
    }
    let parsed = Schema::parse(source.kind, &source.text, &references, &Limits::default());
    parsed.map_err(|error| Failure::Failed(format!("{}: {error}", source.path)))
}

/// The names by which the file at `at` is referred to, each with whether the first file does so.
fn names_of(order: &Order, at: usize) -> Vec<(&str, bool)> {
    let mut names: Vec<(&str, bool)> = Vec::new();
    for (from, references) in order.references.iter().enumerate() {
        for (name, _) in references.iter().filter(|(_, target)| **target == at) {
            match names.iter_mut().find(|(known, _)| known == name) {
                Some((_, direct)) => *direct |= from == 0,
                None => names.push((name, from == 0)),
            }
        }
    }
    names
}
