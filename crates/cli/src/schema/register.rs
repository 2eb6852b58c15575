//! `tidegate schema register`.

use super::order::Order;
use super::source::{Source, parse_kind};
use super::{label, number};
use crate::args::{ReferenceArg, RegisterArgs};
use crate::failure::Failure;
use crate::outcome::failed;
use crate::output::{print, print_json};
use crate::schema::registry::{Place, Registry, Schema, SchemaReference};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// What came of one file.
#[derive(Clone, Debug, Default, Serialize)]
struct Row {
    file: String,
    subject: String,
    version: Option<i32>,
    id: Option<i32>,
    guid: Option<String>,
    references: Vec<SchemaReference>,
    done: bool,
    error: Option<String>,
}

/// What every file is registered with.
struct Common {
    references: Vec<SchemaReference>,
    metadata: Option<Value>,
    rule_set: Option<Value>,
    normalize: bool,
    place: Place,
}

/// Registers files, those first that others refer to.
pub fn run(args: &RegisterArgs) -> Result<(), Failure> {
    let kind = parse_kind(args.r#type.as_deref())?;
    let only_one = args.metadata.is_some()
        || args.rules.is_some()
        || args.id.is_some()
        || args.version.is_some();
    if only_one && args.files.len() > 1 {
        let flags = "--metadata, --rules, --id and --version";
        return Err(Failure::Usage(format!("{flags} are for one file, and there are several")));
    }
    let (mut sources, mut subjects) = (Vec::new(), Vec::new());
    for file in &args.files {
        let (subject, path) = split(file);
        sources.push(Source::read(path, kind)?);
        subjects.push(subject.map(str::to_owned));
    }
    let order = Order::of(&sources)?;
    let subjects = named(subjects, &sources, &order)?;
    let registry = Registry::new(&args.registry)?;
    let common = Common {
        references: given(&registry, &args.reference)?,
        metadata: read_json(args.metadata.as_deref())?,
        rule_set: read_json(args.rules.as_deref())?,
        normalize: args.normalize,
        place: Place { id: args.id, version: args.version },
    };
    let rows = registered(&registry, &sources, &subjects, &order, &common)?;
    tell(args, &rows)
}

/// `SUBJECT=FILE` or `FILE`, which may itself have such a character in its path.
fn split(file: &str) -> (Option<&str>, &str) {
    match file.rsplit_once('=') {
        Some((subject, path)) if !subject.is_empty() && !Path::new(file).exists() => {
            (Some(subject), path)
        }
        _ => (None, file),
    }
}

/// The subject of each file. Two files of one subject would be two versions in an order nobody chose.
fn named(
    subjects: Vec<Option<String>>,
    sources: &[Source],
    order: &Order,
) -> Result<Vec<String>, Failure> {
    let mut seen = BTreeSet::new();
    let mut named = Vec::new();
    for ((subject, source), called) in subjects.into_iter().zip(sources).zip(&order.called) {
        if subject.is_none() && called == "-" {
            return Err(Failure::Usage(
                "what comes from standard input needs a subject: SUBJECT=-".to_owned(),
            ));
        }
        let subject = subject.unwrap_or_else(|| called.clone());
        if !seen.insert(subject.clone()) {
            let path = &source.path;
            return Err(Failure::Usage(format!("{path}: another file has the subject {subject}")));
        }
        named.push(subject);
    }
    Ok(named)
}

/// The references of `--reference`, with the numbers of the latest versions.
pub fn given(registry: &Registry, args: &[ReferenceArg]) -> Result<Vec<SchemaReference>, Failure> {
    args.iter().map(|arg| Ok(arg.at(number(registry, &arg.subject, arg.version)?))).collect()
}

fn read_json(path: Option<&Path>) -> Result<Option<Value>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let wrong = |problem: String| Failure::Usage(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map(Some).map_err(|error| wrong(error.to_string()))
}

/// Registers one after another. A registry that cannot be reached ends it; what it refuses does not
/// keep others from being registered, but for those that refer to it.
fn registered(
    registry: &Registry,
    sources: &[Source],
    subjects: &[String],
    order: &Order,
    common: &Common,
) -> Result<Vec<Row>, Failure> {
    let mut rows: Vec<Row> = vec![Row::default(); sources.len()];
    for at in order.positions.iter().copied() {
        let (source, subject) = (&sources[at], &subjects[at]);
        let mut references = Vec::new();
        let mut missing = None;
        for (name, target) in &order.references[at] {
            match rows[*target].version {
                Some(version) => {
                    let (name, subject) = (name.clone(), subjects[*target].clone());
                    references.push(SchemaReference { name, subject, version });
                }
                None => missing = Some(&sources[*target].path),
            }
        }
        // In files that refer to each other nothing tells which of them need what is given, but by
        // name: Avro's and JSON's readers ignore what they do not need.
        let given = common.references.iter().filter(|given| {
            !references.iter().any(|found: &SchemaReference| found.name == given.name)
                && (sources.len() == 1 || source.text.contains(&given.name))
        });
        let given: Vec<SchemaReference> = given.cloned().collect();
        references.extend(given);
        let row = Row { file: source.path.clone(), subject: subject.clone(), ..Row::default() };
        rows[at] = match missing {
            Some(path) => Row { error: Some(format!("{path} is not registered")), ..row },
            None => one(registry, source, references, common, row)?,
        };
    }
    Ok(order.positions.iter().map(|at| rows[*at].clone()).collect())
}

fn one(
    registry: &Registry,
    source: &Source,
    references: Vec<SchemaReference>,
    common: &Common,
    row: Row,
) -> Result<Row, Failure> {
    let schema = Schema {
        kind: source.kind.name().to_owned(),
        text: source.text.clone(),
        references,
        metadata: common.metadata.clone(),
        rule_set: common.rule_set.clone(),
    };
    let registered = registry.register(&row.subject, &schema, common.normalize, common.place);
    let registered = registered.and_then(|registered| match registered.version {
        Some(_) => Ok(registered),
        None => {
            let found = registry.lookup(&row.subject, &schema, common.normalize, false)?;
            Ok(crate::schema::registry::Registered { version: Some(found.version), ..registered })
        }
    });
    let references = schema.references;
    match registered {
        Ok(registered) => Ok(Row {
            version: registered.version,
            id: Some(registered.id),
            guid: registered.guid,
            references,
            done: true,
            ..row
        }),
        Err(refusal) => match refusal.about(&format!("{} as {}", source.path, row.subject)) {
            Failure::Failed(problem) => Ok(Row { error: Some(problem), references, ..row }),
            failure => Err(failure),
        },
    }
}

fn tell(args: &RegisterArgs, rows: &[Row]) -> Result<(), Failure> {
    if args.registry.json {
        print_json(&rows)?;
    } else {
        for row in rows {
            if let (Some(version), Some(id)) = (row.version, row.id) {
                print(&format!("{} is {}, id {id}\n", row.file, label(&row.subject, version)))?;
            }
        }
    }
    let failures = rows.iter().filter_map(|row| row.error.clone().map(Failure::Failed)).collect();
    failed(failures, rows.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_come_with_its_subject() {
        assert_eq!(split("orders-value=a/b.avsc"), (Some("orders-value"), "a/b.avsc"));
        assert_eq!(split("b.avsc"), (None, "b.avsc"));
        assert_eq!(split("s=-"), (Some("s"), "-"));
        assert_eq!(split("=b.avsc"), (None, "=b.avsc"));
    }
}
