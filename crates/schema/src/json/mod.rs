//! JSON Schemas, drafts 4 to 2020-12.
//!
//! `$schema` decides on the draft; a schema without it is of draft 7, as in Confluent's registry. What a
//! schema refers to comes with it ([`Reference`]) or stands in it: nothing is fetched.
//!
//! The rules are those of Confluent's registry 8.3, and so is what they do not look at: `if`, `then` and
//! `else`, the schemas of `contains` and `propertyNames`, `patternProperties` beyond the properties they
//! cover, `format`, `required` of what is no property, whether a keyword stands beside its `type`. What
//! differs:
//!
//! - Recursion is compared to its end. There a schema that is met again within itself counts as equal
//!   to whatever stands in its place.
//! - `exclusiveMinimum` and `exclusiveMaximum` of draft 4 are limits, there they are not looked at.
//! - Numbers are compared with all their digits, `multipleOf` of fractions too.
//! - Tuples of draft 2019-09 are read, there they are refused. A reference to a draft's own schema is
//!   refused, there it is fetched.
//! - References that lead to references are followed to the end, there only one is.
//! - `LOGICAL` asks for what `STRICT` asks for. What it adds there is about tables of Flink and Iceberg.
//! - Differences come in the order of the properties' names, there in that of a hash table, and no more
//!   than a thousand are listed.

mod decimal;
mod diff;
mod documents;
mod draft;
mod graph;
mod keywords;
mod load;
mod pattern;
mod text;
mod uri;

use crate::{Incompatibility, Limits, Policy, Reference, SchemaError, Work, ordered};
use diff::{Listed, Sides};
use documents::{Documents, Index};
use graph::{Graph, NodeId};
use serde_json::Value;
use text::{Members, print};

/// A schema of this language that has been read.
#[derive(Debug, Clone)]
pub struct JsonSchema {
    value: Value,
    graph: Graph,
    root: NodeId,
}

impl JsonSchema {
    /// Reads `text` with all that it refers to.
    ///
    /// # Errors
    /// [`SchemaError::Invalid`] for what is no schema or refers to something that is not there,
    /// [`SchemaError::TooExpensive`].
    pub fn parse(
        text: &str,
        references: &[Reference<'_>],
        limits: &Limits,
    ) -> Result<Self, SchemaError> {
        let mut work = Work::new(limits);
        let value = ordered::parse(text, limits)?;
        if let Some(number) = text::unprintable(&value) {
            return Err(SchemaError::Invalid(format!("the exponent of {number} is too large")));
        }
        let documents = Documents::read(value, references, limits)?;
        let (graph, root) = load::load(&Index::new(&documents, &mut work)?, &mut work)?;
        Ok(JsonSchema { value: documents.into_root(), graph, root })
    }

    /// The text that is stored and served: compact, members in the writer's order.
    pub fn canonical(&self) -> String {
        print(&self.value, Members::AsWritten)
    }

    /// The text that is stored with `normalize=true`: members sorted at every level.
    pub fn normalized(&self) -> String {
        print(&self.value, Members::Sorted)
    }

    /// The text in the form that `?format=` asks for. There is none but the canonical one: Confluent's
    /// registry knows `resolved` for Avro, `serialized` and `ignore_extensions` for Protobuf.
    pub fn formatted(&self, _format: &str) -> String {
        self.canonical()
    }

    /// Why a reader with `self` cannot read everything that `writer` allows; empty if it can.
    ///
    /// # Errors
    /// [`SchemaError::TooExpensive`]
    pub fn incompatibilities(
        &self,
        writer: &Self,
        policy: Policy,
        limits: &Limits,
    ) -> Result<Vec<Incompatibility>, SchemaError> {
        let differences = diff::differences(
            Sides { writer: (&writer.graph, writer.root), reader: (&self.graph, self.root) },
            policy,
            Listed::Incompatible,
            limits,
        )?;
        Ok(differences.into_iter().map(|(kind, path)| kind.at(&path)).collect())
    }
}
