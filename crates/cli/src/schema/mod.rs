//! `tidegate schema`: what a schema registry keeps.

mod check;
mod compare;
mod delete;
mod diff;
mod get;
mod list;
mod names;
mod order;
mod register;
pub mod registry;
mod settings;
mod source;
mod transfer;

use crate::args::SchemaCommand;
use crate::failure::Failure;
use registry::{Refusal, Registry, SchemaReference, Version, VersionSpec};
use std::collections::BTreeSet;

/// Runs one of the commands.
pub fn run(command: SchemaCommand) -> Result<(), Failure> {
    match command {
        SchemaCommand::List { prefix, deleted, registry } => {
            list::run(&registry, prefix.as_deref().unwrap_or_default(), deleted)
        }
        SchemaCommand::Get(args) => get::run(&args),
        SchemaCommand::Register(args) => register::run(&args),
        SchemaCommand::Check(args) => check::run(&args),
        SchemaCommand::Diff(args) => diff::run(&args),
        SchemaCommand::Config(command) => settings::config(command),
        SchemaCommand::Mode(command) => settings::mode(command),
        SchemaCommand::Export(args) => transfer::export(&args),
        SchemaCommand::Import(args) => transfer::import(&args),
        SchemaCommand::Delete { subjects, version, permanent, registry } => {
            delete::run(&registry, &subjects, &version, permanent)
        }
    }
}

/// How people call a version.
fn label(subject: &str, version: impl std::fmt::Display) -> String {
    format!("{subject} version {version}")
}

/// All schemas that one of `subject` with these `references` refers to, over any number of steps, each
/// behind those that it refers to itself.
fn dependencies(
    registry: &Registry,
    subject: &str,
    references: &[SchemaReference],
) -> Result<Vec<(SchemaReference, Version)>, Failure> {
    let below = |subject: &str, references: &[SchemaReference]| -> Vec<Step> {
        let references = references.iter().rev().cloned();
        let within = |reference: SchemaReference| SchemaReference {
            subject: in_context_of(subject, &reference.subject),
            ..reference
        };
        references.map(|reference| Step::Fetch(within(reference))).collect()
    };
    let mut done = Vec::new();
    let mut seen = BTreeSet::new();
    let mut steps = below(subject, references);
    while let Some(step) = steps.pop() {
        match step {
            Step::Done(found) => done.push(*found),
            Step::Fetch(reference) if !seen.insert(reference.clone()) => {}
            Step::Fetch(reference) => {
                let number = VersionSpec::Number(reference.version);
                // What is deleted can still be referred to.
                let version = registry.version(&reference.subject, number, true, None);
                let what = || label(&reference.subject, reference.version);
                let version = version.map_err(|refusal| refusal.about(&what()))?;
                let next = below(&reference.subject, &version.schema.references);
                steps.push(Step::Done(Box::new((reference, version))));
                steps.extend(next);
            }
        }
    }
    Ok(done)
}

/// A schema that is to be fetched, or one that has been and waits for what it refers to itself.
enum Step {
    Fetch(SchemaReference),
    Done(Box<(SchemaReference, Version)>),
}

/// A subject that is named in a schema of another one is one of the same context (`:.context:name`),
/// unless it names its own.
fn in_context_of(parent: &str, subject: &str) -> String {
    let context = parent.strip_prefix(":.").and_then(|rest| rest.split_once(':'));
    match context {
        Some((context, _)) if !subject.starts_with(":.") => format!(":.{context}:{subject}"),
        _ => subject.to_owned(),
    }
}

/// The number of a version in a subject, which is asked for if it is the latest one.
fn number(registry: &Registry, subject: &str, version: VersionSpec) -> Result<i32, Failure> {
    match version {
        VersionSpec::Number(number) => Ok(number),
        VersionSpec::Latest => {
            let found = registry.version(subject, version, false, None);
            Ok(found.map_err(|refusal: Refusal| refusal.about(&label(subject, version)))?.version)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_without_a_context_is_in_that_of_the_schema_that_names_it() {
        assert_eq!(in_context_of("orders", "money"), "money");
        assert_eq!(in_context_of(":.a:orders", "money"), ":.a:money");
        assert_eq!(in_context_of(":.a:orders", ":.b:money"), ":.b:money");
        assert_eq!(in_context_of(":.a:", "money"), ":.a:money");
    }
}
