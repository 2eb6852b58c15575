//! Protobuf files, proto2 and proto3.
//!
//! A text is read as leniently as Square's Wire reads it, with which Confluent's registry works, and
//! printed as Confluent's registry prints it: two blanks a level, comments dropped. A name for which
//! no type is found is an error, as it is where schemas are validated; imports need not be listed.
//!
//! Comparison goes by Confluent's newest rules: the fields of a message are matched by number over
//! the whole message, whether a oneof has them or not.
//!
//! Left out: editions (Wire refuses them too) and the policy `LOGICAL`, which is not released.

mod compare;
mod descriptor;
mod difference;
mod known;
mod names;
mod normal;
mod number;
mod options;
mod parser;
mod print;
mod reader;
mod shape;
mod tags;
mod tree;

pub use tags::{Entity, TagChange};

use crate::{Incompatibility, Limits, Reference, SchemaError, Work};
use compare::Side;
use difference::Difference;
use names::{Names, Origin, Scope};
use print::{Extent, print, print_and_doubt};
use std::sync::Arc;
use tree::File;

/// A schema of this language that has been read.
#[derive(Debug, Clone)]
pub struct ProtobufSchema {
    content: Arc<Content>,
}

#[derive(Debug)]
struct Content {
    file: File,
    dependencies: Vec<Dependency>,
    canonical: String,
    normalized: String,
}

/// A file that a schema refers to.
#[derive(Debug)]
struct Dependency {
    path: String,
    /// Subject and version, if the schema itself refers to it.
    registered: Option<(String, i32)>,
    file: File,
}

impl ProtobufSchema {
    /// Reads `text`, a file or the base64 of its descriptor, with all that it refers to.
    ///
    /// # Errors
    /// [`SchemaError::Invalid`] where it is no file, or where nothing is found for a name in it;
    /// [`SchemaError::TooExpensive`].
    pub fn parse(
        text: &str,
        references: &[Reference<'_>],
        limits: &Limits,
    ) -> Result<Self, SchemaError> {
        let (file, described) = read(text, limits)?;
        let mut dependencies = Vec::new();
        for reference in references {
            let registered =
                reference.direct.then(|| (reference.subject.to_owned(), reference.version));
            let (file, _) = read(reference.text, limits)?;
            dependencies.push(Dependency { path: reference.name.to_owned(), registered, file });
        }
        let mut content =
            Content { file, dependencies, canonical: String::new(), normalized: String::new() };
        let mut work = Work::new(limits);
        let normal = normal::normalize(&content.file, &content.names(&mut work)?, &mut work)?;
        content.normalized = bounded(print(&normal, Extent::Whole), limits)?;
        let (canonical, doubtful) = print_and_doubt(&content.file, Extent::Whole);
        content.canonical = bounded(canonical, limits)?;
        // The names in a descriptor can be anything.
        let doubtful = doubtful || described;
        if doubtful && let Err(problem) = parser::parse(&content.canonical, limits) {
            let problem = format!("Could not read again what is stored - {problem}");
            return Err(SchemaError::Invalid(problem));
        }
        Ok(ProtobufSchema { content: Arc::new(content) })
    }

    /// The text that is stored and served.
    pub fn canonical(&self) -> String {
        self.content.canonical.clone()
    }

    /// The text that is stored with `normalize=true`.
    pub fn normalized(&self) -> String {
        self.content.normalized.clone()
    }

    /// The text in the form that `?format=` asks for.
    pub fn formatted(&self, format: &str) -> String {
        match format {
            "serialized" => self.content.serialized(),
            "ignore_extensions" => print(&self.content.file, Extent::WithoutExtensions),
            _ => self.canonical(),
        }
    }

    /// Full names of all messages in the order of the text, each with its place: the number of each
    /// message on the way to it among the messages beside it. Serializers put the place before
    /// every record, and count in the text that the registry serves.
    pub fn message_indexes(&self) -> Vec<(String, Vec<usize>)> {
        let mut result = Vec::new();
        let mut scope = Scope::of(self.content.file.package());
        names::message_indexes(&self.content.file.types, &mut scope, &mut Vec::new(), &mut result);
        result
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
        let differences = self.differences(writer, limits)?;
        Ok(differences.iter().filter_map(Difference::incompatibility).collect())
    }

    fn differences(&self, writer: &Self, limits: &Limits) -> Result<Vec<Difference>, SchemaError> {
        let mut work = Work::new(limits);
        let old = Side { file: &writer.content.file, names: &writer.content.names(&mut work)? };
        let new = Side { file: &self.content.file, names: &self.content.names(&mut work)? };
        compare::compare(old, new, &mut work)
    }
}

impl Content {
    fn serialized(&self) -> String {
        // All of it was resolved within the limits when the schema was read.
        let limits = Limits { steps_max: u64::MAX, ..Limits::default() };
        let mut work = Work::new(&limits);
        let names = self.names(&mut work).expect("there is no limit");
        let is_known = |path: &str| {
            self.dependencies.iter().any(|dependency| dependency.path == path)
                || known::file(path).is_some()
        };
        descriptor::encode(&self.file, &names, is_known, &mut work)
    }

    fn names(&self, work: &mut Work) -> Result<Names<'_>, SchemaError> {
        let dependencies = self.dependencies.iter().map(|dependency| {
            let origin = match &dependency.registered {
                Some((subject, version)) => Origin::Reference(subject, *version),
                None => Origin::Other,
            };
            (dependency.path.as_str(), &dependency.file, origin)
        });
        Names::collect(dependencies.chain([("", &self.file, Origin::Own)]), work)
    }
}

/// Names of the fields of the messages at the top of the file, those in oneofs left out: what
/// Confluent's registry compares with the names that a subject reserves.
///
/// # Errors
/// [`SchemaError`] if `text` is no file. What it refers to is not looked at.
pub fn top_level_fields(text: &str, limits: &Limits) -> Result<Vec<String>, SchemaError> {
    let (file, _) = read(text, limits)?;
    let fields = tree::messages(&file.types).flat_map(|message| &message.fields);
    Ok(fields.map(|field| field.name.clone()).collect())
}

/// The canonical text with tags of messages and fields changed, one change after the other.
///
/// # Errors
/// [`SchemaError`] if `text` is no file, or with the name of the first message or field that is not
/// there. What it refers to is not looked at.
pub fn with_tags(
    text: &str,
    changes: &[TagChange<'_>],
    limits: &Limits,
) -> Result<String, SchemaError> {
    let (mut file, _) = read(text, limits)?;
    for change in changes {
        tags::change(&mut file, change).map_err(SchemaError::Invalid)?;
    }
    bounded(print(&file, Extent::Whole), limits)
}

/// The file, and whether it is from a descriptor.
fn read(text: &str, limits: &Limits) -> Result<(File, bool), SchemaError> {
    if text.len() > limits.text_bytes_max {
        let problem = format!("{} bytes, {} are allowed", text.len(), limits.text_bytes_max);
        return Err(SchemaError::TooExpensive(problem));
    }
    let problem = match parser::parse(text, limits) {
        Err(SchemaError::Invalid(problem)) => problem,
        other => return other.map(|file| (file, false)),
    };
    descriptor::decode(text, limits.depth_max.min(reader::DEPTH_MAX))
        .map(|file| (file, true))
        .ok_or_else(|| SchemaError::Invalid(format!("Could not parse Protobuf - {problem}")))
}

/// Indentation can make a text much longer than it was.
fn bounded(text: String, limits: &Limits) -> Result<String, SchemaError> {
    if text.len() <= limits.text_bytes_max {
        return Ok(text);
    }
    let problem = format!("it prints {} bytes, {} are allowed", text.len(), limits.text_bytes_max);
    Err(SchemaError::TooExpensive(problem))
}

#[cfg(test)]
mod tests;
