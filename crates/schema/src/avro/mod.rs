//! Avro schemas, by the rules and in the words of Avro's Java library 1.12 and of Confluent's registry
//! around it.
//!
//! Avro's releases differ, and Confluent's with them (7.x is built with Avro 1.11, 8.x with 1.12.1):
//!
//! - a type may be used before it is defined, and defined again in the same way (1.12);
//! - the path of a reason below a writer's union has the number of the branch (1.12);
//! - `uuid`, `duration`, `big-decimal` and the nanoseconds are logical types on what they fit (1.12);
//! - `{"type": "some.Name"}` is that type (until 1.12.1);
//! - a record finds itself by name wherever it is used inside of itself, and is not defined again
//!   there (1.11 and the specification; 1.12.0 allows the one, 1.12.1 fails at the other).
//!
//! Where Confluent's registry loses something, this does not: see `normalize.rs`.
//!
//! A text becomes a graph of types once; everything else walks that graph. The canonical text is
//! printed at once too: that it can be printed within the limits is a part of being valid.

mod compatibility;
mod default;
mod equality;
mod graph;
mod jackson;
mod logical;
mod name;
mod normalize;
mod parse;
mod print;
#[cfg(test)]
mod tests;

use crate::{Incompatibility, Limits, Reference, SchemaError};
use graph::{Graph, Kind, NodeId};

/// A schema of this language that has been read.
#[derive(Debug, Clone)]
pub struct AvroSchema {
    graph: Graph,
    root: NodeId,
    /// The types that the references define, and the texts they were read from.
    references: Vec<(NodeId, Box<str>)>,
    canonical: String,
    limits: Limits,
}

impl AvroSchema {
    /// Reads `text` with all that it refers to. A reference is known by the name of the type that its
    /// text defines; the name it is registered under means nothing to Avro.
    ///
    /// # Errors
    /// [`SchemaError::Invalid`] with what Avro's parser says (that of a JSON parser where it is no JSON
    /// at all), [`SchemaError::TooExpensive`].
    pub fn parse(
        text: &str,
        references: &[Reference<'_>],
        limits: &Limits,
    ) -> Result<Self, SchemaError> {
        let mut parser = parse::Parser::new(limits);
        let mut read = Vec::with_capacity(references.len());
        for reference in references {
            read.push((parser.text(reference.text)?, Box::from(reference.text)));
        }
        let root = parser.text(text)?;
        let mut schema = AvroSchema {
            graph: parser.into_graph(),
            root,
            references: read,
            canonical: String::new(),
            limits: *limits,
        };
        schema.canonical = print::canonical(&schema.graph, root, &schema.elsewhere(), limits)?;
        if !schema.references.is_empty() {
            // Other definitions come first there, so it may be nested deeper.
            print::resolved(&schema.graph, root, limits)?;
        }
        Ok(schema)
    }

    /// Refuses what a new schema is refused for (`validateNewSchemas` of a subject's config): defaults
    /// that are no values of their field's type, and namespaces that are no names. Both may stand in
    /// schemas that are stored already, those of older registries too (Avro 1.11 does not look at
    /// namespaces).
    ///
    /// # Errors
    /// [`SchemaError::Invalid`] with Avro's sentence on the first of them, [`SchemaError::TooExpensive`].
    pub fn check_new(&self) -> Result<(), SchemaError> {
        for id in self.graph.ids() {
            if let Kind::Named(named) = &self.graph[id].kind {
                named.name.check_namespace()?;
            }
        }
        default::check(&self.graph, &self.limits)
    }

    /// The text that is stored and served: `Schema.toString` without what references define.
    pub fn canonical(&self) -> String {
        self.canonical.clone()
    }

    /// The text that is stored with `normalize=true`.
    pub fn normalized(&self) -> String {
        let text = normalize::text(&self.graph, self.root, &self.elsewhere());
        self.reread(&text).unwrap_or_else(|_| self.canonical.clone())
    }

    /// The text in the form that `?format=` asks for: `resolved` has the definitions of references
    /// inline.
    pub fn formatted(&self, format: &str) -> String {
        if format.eq_ignore_ascii_case("resolved") {
            let resolved = print::resolved(&self.graph, self.root, &self.limits);
            return resolved.expect("it was printed when it was read");
        }
        self.canonical()
    }

    /// Why a reader with `self` cannot read everything that `writer` allows; empty if it can.
    ///
    /// # Errors
    /// [`SchemaError::TooExpensive`]
    pub fn incompatibilities(
        &self,
        writer: &Self,
        limits: &Limits,
    ) -> Result<Vec<Incompatibility>, SchemaError> {
        let (reader, writer) = ((&self.graph, self.root), (&writer.graph, writer.root));
        compatibility::incompatibilities(reader, writer, limits)
    }

    /// The types that are defined by the texts of references.
    fn elsewhere(&self) -> Vec<NodeId> {
        self.references.iter().map(|(id, _)| *id).collect()
    }

    /// The canonical form of another text with the same references.
    fn reread(&self, text: &str) -> Result<String, SchemaError> {
        let mut parser = parse::Parser::new(&self.limits);
        let mut elsewhere = Vec::with_capacity(self.references.len());
        for (_, text) in &self.references {
            elsewhere.push(parser.text(text)?);
        }
        let root = parser.text(text)?;
        print::canonical(parser.graph(), root, &elsewhere, &self.limits)
    }
}
