//! `tidegate schema check`: would a schema be accepted, and if not, why.

use super::compare::{Verdict, read, reading};
use super::label;
use super::names::names;
use super::register::given;
use super::source::{Source, parse_kind};
use crate::args::{CheckArgs, Level};
use crate::failure::Failure;
use crate::output::{print, print_json};
use crate::schema::registry::{Registry, Schema, SchemaReference, VersionSpec};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Row {
    /// What it was compared with.
    against: String,
    version: Option<i32>,
    compatible: bool,
    messages: Vec<String>,
}

/// Checks a file against a subject, or against another file.
pub fn run(args: &CheckArgs) -> Result<(), Failure> {
    let rows = match args.offline {
        true => offline(args)?,
        false => by_registry(args)?,
    };
    if args.registry.json {
        print_json(&rows)?;
    } else {
        for row in &rows {
            print(&row.shown(&args.file))?;
        }
    }
    let refused = rows.iter().filter(|row| !row.compatible).count();
    match (refused, rows.len()) {
        (0, _) => Ok(()),
        (_, 1) => Err(Failure::Failed(format!("{} is not compatible", args.file))),
        (refused, count) => {
            let of = if args.offline { "ways" } else { "versions" };
            let problem = format!("{} is not compatible: {refused} of {count} {of}", args.file);
            Err(Failure::Failed(problem))
        }
    }
}

fn by_registry(args: &CheckArgs) -> Result<Vec<Row>, Failure> {
    let source = Source::read(&args.file, parse_kind(args.r#type.as_deref())?)?;
    let registry = Registry::new(&args.registry)?;
    let schema = Schema {
        kind: source.kind.name().to_owned(),
        references: references(&registry, args, &source)?,
        text: source.text,
        metadata: None,
        rule_set: None,
    };
    let about = |version: &str| format!("{} against {}", args.file, label(&args.subject, version));
    let versions: Vec<VersionSpec> = match (args.all, args.version) {
        (true, _) => {
            let versions = registry.versions(&args.subject, false);
            let versions = versions.map_err(|refusal| refusal.about(&args.subject))?;
            versions.into_iter().map(VersionSpec::Number).collect()
        }
        (false, Some(version)) => vec![version],
        (false, None) => {
            match registry.check(&args.subject, None, &schema, args.normalize) {
                Ok(checked) => {
                    return Ok(vec![Row {
                        against: args.subject.clone(),
                        version: None,
                        compatible: checked.is_compatible,
                        messages: checked.messages.unwrap_or_default(),
                    }]);
                }
                // Not every registry can check as it would when registering.
                Err(refusal) if refusal.is_not_found() => vec![VersionSpec::Latest],
                Err(refusal) => return Err(refusal.about(&about("latest"))),
            }
        }
    };
    let mut rows = Vec::new();
    for version in versions {
        let checked = registry.check(&args.subject, Some(version), &schema, args.normalize);
        let checked = checked.map_err(|refusal| refusal.about(&about(&version.to_string())))?;
        rows.push(Row {
            against: label(&args.subject, version),
            version: match version {
                VersionSpec::Number(number) => Some(number),
                VersionSpec::Latest => None,
            },
            compatible: checked.is_compatible,
            messages: checked.messages.unwrap_or_default(),
        });
    }
    Ok(rows)
}

/// What the file refers to: as it is given, or as the latest version of the subject has it.
fn references(
    registry: &Registry,
    args: &CheckArgs,
    source: &Source,
) -> Result<Vec<SchemaReference>, Failure> {
    let needs = names(source.kind, &source.text).needs;
    if needs.is_empty() || !args.reference.is_empty() {
        return given(registry, &args.reference);
    }
    match registry.version(&args.subject, VersionSpec::Latest, false, None) {
        Ok(latest) => {
            let is_needed = |reference: &SchemaReference| {
                needs.iter().any(|names| names.contains(&reference.name))
            };
            Ok(latest.schema.references.into_iter().filter(is_needed).collect())
        }
        Err(refusal) if refusal.is_not_found() => Ok(Vec::new()),
        Err(refusal) => Err(refusal.about(&args.subject)),
    }
}

fn offline(args: &CheckArgs) -> Result<Vec<Row>, Failure> {
    let kind = parse_kind(args.r#type.as_deref())?;
    let with =
        args.with.iter().map(|path| Source::read(path, kind)).collect::<Result<Vec<_>, _>>()?;
    let old = Source::read(&args.subject, kind)?;
    let new = Source::read(&args.file, kind)?;
    let (old, new) = (read(&old, &with)?, read(&new, &with)?);
    let mut rows = Vec::new();
    if matches!(args.level, Level::Backward | Level::Full) {
        rows.push(row(&args.file, &new, &args.subject, &old)?);
    }
    if matches!(args.level, Level::Forward | Level::Full) {
        rows.push(row(&args.subject, &old, &args.file, &new)?);
    }
    Ok(rows)
}

/// Whether the schema of one file reads what was written with that of another.
fn row(
    reader_path: &str,
    reader: &tidegate_schema::Schema,
    writer_path: &str,
    writer: &tidegate_schema::Schema,
) -> Result<Row, Failure> {
    let Verdict { compatible, messages } = reading(reader, writer)
        .map_err(|error| Failure::Failed(format!("{reader_path} and {writer_path}: {error}")))?;
    let against = format!("{reader_path} reading what {writer_path} writes");
    Ok(Row { against, version: None, compatible, messages })
}

impl Row {
    fn shown(&self, file: &str) -> String {
        let verdict = if self.compatible { "compatible" } else { "NOT compatible" };
        let mut text = match self.against.contains(file) {
            true => format!("{verdict}: {}\n", self.against),
            false => format!("{verdict}: {file} with {}\n", self.against),
        };
        for message in &self.messages {
            text += &format!("  {message}\n");
        }
        text
    }
}
