//! `tidegate schema diff`.

use super::compare::{Verdict, parse, reading};
use super::source::{Source, ended, parse_kind, pretty};
use super::{dependencies, label};
use crate::args::DiffArgs;
use crate::failure::Failure;
use crate::output::{print, print_json};
use crate::schema::registry::{Registry, SchemaReference, VersionSpec};
use serde::Serialize;
use tidegate_schema::{Schema, SchemaError};

/// One of the two that are compared.
struct Side {
    label: String,
    kind: String,
    text: String,
    references: Vec<SchemaReference>,
}

#[derive(Serialize)]
struct Compared {
    old: String,
    new: String,
    identical: bool,
    diff: String,
    /// Whether the new one reads what the old one wrote; none if it could not be found out.
    backward: Option<Verdict>,
    /// Whether the old one reads what the new one writes; none if it could not be found out.
    forward: Option<Verdict>,
    /// Why it could not be found out.
    note: Option<String>,
}

/// Compares two versions, or a version and a file.
pub fn run(args: &DiffArgs) -> Result<(), Failure> {
    let registry = Registry::new(&args.registry)?;
    let (old, new) = sides(&registry, args)?;
    let read = read(&registry, &args.subject, &old, &new)?;
    let (old_text, new_text) = match &read {
        Ok((old_schema, new_schema)) => (old.shown(old_schema), new.shown(new_schema)),
        Err(_) => (pretty(&old.text), pretty(&new.text)),
    };
    let diff = similar::TextDiff::from_lines(&old_text, &new_text)
        .unified_diff()
        .context_radius(args.unified)
        .header(&old.label, &new.label)
        .to_string();
    let identical = old_text == new_text && old.kind == new.kind;
    let mut compared = Compared {
        old: old.label.clone(),
        new: new.label.clone(),
        identical,
        diff,
        backward: None,
        forward: None,
        note: None,
    };
    match read.and_then(|(old, new)| Ok((reading(&new, &old)?, reading(&old, &new)?))) {
        Ok((backward, forward)) => {
            compared.backward = Some(backward);
            compared.forward = Some(forward);
        }
        Err(error) => compared.note = Some(error.to_string()),
    }
    if args.registry.json {
        return print_json(&compared);
    }
    print(&compared.shown())
}

fn sides(registry: &Registry, args: &DiffArgs) -> Result<(Side, Side), Failure> {
    let (old, new) = match (args.old, &args.new) {
        (None, _) => {
            let versions = registry.versions(&args.subject, false);
            let versions = versions.map_err(|refusal| refusal.about(&args.subject))?;
            let [.., old, new] = versions[..] else {
                let problem =
                    format!("{} has one version, and nothing to compare it with", args.subject);
                return Err(Failure::Failed(problem));
            };
            (VersionSpec::Number(old), Ok(VersionSpec::Number(new)))
        }
        (Some(old), None) => (old, Ok(VersionSpec::Latest)),
        (Some(old), Some(new)) => (old, new.parse().map_err(|_| new)),
    };
    let of_version = |version: VersionSpec| {
        let found = registry.version(&args.subject, version, true, None);
        let found = found.map_err(|refusal| refusal.about(&label(&args.subject, version)))?;
        Ok(Side {
            label: label(&found.subject, found.version),
            kind: found.schema.kind,
            text: found.schema.text,
            references: found.schema.references,
        })
    };
    let old = of_version(old)?;
    let new = match new {
        Ok(version) => of_version(version)?,
        Err(path) => {
            let source = Source::read(path, parse_kind(args.r#type.as_deref())?)?;
            let (kind, references) = (source.kind.name().to_owned(), old.references.clone());
            Side { label: source.path, kind, text: source.text, references }
        }
    };
    Ok((old, new))
}

/// Reads both with all that they refer to.
fn read(
    registry: &Registry,
    subject: &str,
    old: &Side,
    new: &Side,
) -> Result<Result<(Schema, Schema), SchemaError>, Failure> {
    let old_dependencies = dependencies(registry, subject, &old.references)?;
    let new_dependencies = match new.references == old.references {
        true => old_dependencies.clone(),
        false => dependencies(registry, subject, &new.references)?,
    };
    let parsed = parse(&old.kind, &old.text, &old.references, &old_dependencies);
    Ok(parsed.and_then(|old| {
        Ok((old, parse(&new.kind, &new.text, &new.references, &new_dependencies)?))
    }))
}

impl Side {
    /// The text in lines that can be compared: JSON indented, Protobuf as registries print it.
    fn shown(&self, schema: &Schema) -> String {
        match schema {
            Schema::Protobuf(schema) => ended(&schema.canonical()),
            Schema::Avro(_) | Schema::Json(_) => pretty(&self.text),
        }
    }
}

impl Compared {
    fn shown(&self) -> String {
        let mut text = match (self.identical, self.diff.is_empty()) {
            (true, _) => format!("{} and {} are the same\n", self.old, self.new),
            // Only their types differ.
            (false, true) => format!("--- {}\n+++ {}\n", self.old, self.new),
            (false, false) => self.diff.clone(),
        };
        for (what, verdict) in [
            ("backward compatible (new reads old)", &self.backward),
            ("forward compatible (old reads new)", &self.forward),
        ] {
            let Some(verdict) = verdict else { continue };
            let answer = if verdict.compatible { "yes" } else { "no" };
            text += &format!("{what}: {answer}\n");
            for message in &verdict.messages {
                text += &format!("  {message}\n");
            }
        }
        if let Some(note) = &self.note {
            text += &format!("compatibility could not be found out: {note}\n");
        }
        text
    }
}
