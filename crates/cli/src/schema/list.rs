//! `tidegate schema list`.

use crate::args::RegistryArgs;
use crate::failure::Failure;
use crate::output::{Table, number, print, print_json};
use crate::schema::registry::{Refusal, Registry, Version, VersionSpec, for_each};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Serialize)]
struct ListedSubject {
    subject: String,
    versions: Vec<ListedVersion>,
}

#[derive(Serialize)]
struct ListedVersion {
    version: i32,
    /// None if the registry lists a deleted version and does not show it.
    id: Option<i32>,
    r#type: Option<String>,
    deleted: bool,
}

/// Lists the subjects that begin with `prefix`.
pub fn run(args: &RegistryArgs, prefix: &str, deleted: bool) -> Result<(), Failure> {
    let registry = Registry::new(args)?;
    let listed = listed(&registry, prefix, deleted);
    let listed = listed.map_err(|refusal| refusal.about("the subjects cannot be listed"))?;
    if args.json {
        return print_json(&listed);
    }
    print(&table(&listed, deleted).render())
}

fn listed(registry: &Registry, prefix: &str, deleted: bool) -> Result<Vec<ListedSubject>, Refusal> {
    let all = all_versions(registry, prefix, deleted)?;
    let kept: Option<BTreeSet<(String, i32)>> = match deleted {
        true => Some(numbers(registry, prefix)?),
        false => None,
    };
    let mut subjects: BTreeMap<String, Vec<ListedVersion>> = BTreeMap::new();
    for Listed { subject, version, found } in all {
        let key = (subject, version);
        let deleted = kept.as_ref().is_some_and(|kept| !kept.contains(&key));
        let (id, r#type) = found.map(|found| (found.id, found.schema.kind)).unzip();
        subjects.entry(key.0).or_default().push(ListedVersion { version, id, r#type, deleted });
    }
    let subjects = subjects.into_iter();
    Ok(subjects.map(|(subject, versions)| ListedSubject { subject, versions }).collect())
}

/// A version that a registry lists.
#[derive(Debug)]
pub struct Listed {
    /// The subject.
    pub subject: String,
    /// The version.
    pub version: i32,
    /// What it is. Apicurio lists the versions of a deleted subject and does not show them.
    pub found: Option<Version>,
}

/// Every version of the subjects that begin with `prefix`, in the order of subjects and versions.
pub fn all_versions(
    registry: &Registry,
    prefix: &str,
    deleted: bool,
) -> Result<Vec<Listed>, Refusal> {
    if let Some(versions) = registry.all_versions(prefix, deleted)? {
        let listed = versions.into_iter().map(|found| Listed {
            subject: found.subject.clone(),
            version: found.version,
            found: Some(found),
        });
        return Ok(listed.collect());
    }
    let mut subjects = registry.subjects(prefix, deleted)?;
    subjects.sort_unstable();
    let of_subject = |subject: &String| {
        let versions = missing_is_empty(registry.versions(subject, deleted))?;
        let listed = versions.into_iter().filter_map(|version| {
            let found = registry.version(subject, VersionSpec::Number(version), deleted, None);
            let found = match found {
                Ok(found) => Some(found),
                Err(refusal) if refusal.is_not_found() => None,
                Err(refusal) => return Some(Err(refusal)),
            };
            // Without `deleted` somebody has deleted it meanwhile.
            let is_told = found.is_some() || deleted;
            is_told.then(|| Ok(Listed { subject: subject.clone(), version, found }))
        });
        listed.collect::<Result<Vec<Listed>, Refusal>>()
    };
    Ok(for_each(&subjects, of_subject)?.into_iter().flatten().collect())
}

/// The versions that are not deleted, of the subjects that begin with `prefix`.
pub fn numbers(registry: &Registry, prefix: &str) -> Result<BTreeSet<(String, i32)>, Refusal> {
    if let Some(versions) = registry.all_versions(prefix, false)? {
        return Ok(versions.into_iter().map(|v| (v.subject, v.version)).collect());
    }
    let subjects = registry.subjects(prefix, false)?;
    let versions =
        for_each(&subjects, |subject| missing_is_empty(registry.versions(subject, false)));
    let numbers = subjects.iter().zip(versions?).flat_map(|(subject, versions)| {
        versions.into_iter().map(|version| (subject.clone(), version))
    });
    Ok(numbers.collect())
}

/// A subject that somebody has deleted meanwhile has no versions.
fn missing_is_empty(versions: Result<Vec<i32>, Refusal>) -> Result<Vec<i32>, Refusal> {
    match versions {
        Err(refusal) if refusal.is_not_found() => Ok(Vec::new()),
        versions => versions,
    }
}

fn table(subjects: &[ListedSubject], deleted: bool) -> Table {
    let mut headings = vec!["SUBJECT", "TYPE", "VERSIONS", "LATEST ID"];
    if deleted {
        headings.push("DELETED");
    }
    let mut table = Table::new(&headings);
    for ListedSubject { subject, versions } in subjects {
        let of = |deleted: bool| {
            let versions = versions.iter().filter(|version| version.deleted == deleted);
            ranges(versions.map(|version| version.version))
        };
        let latest = versions.iter().rev().find(|version| !version.deleted);
        let r#type = latest.or(versions.last()).and_then(|version| version.r#type.clone());
        let id = number(latest.and_then(|version| version.id).map(i64::from));
        let r#type = r#type.unwrap_or_else(|| "-".to_owned());
        let mut row = vec![subject.clone(), r#type, of(false), id];
        if deleted {
            row.push(of(true));
        }
        table.row(row);
    }
    table
}

/// Ascending numbers in short: `1-3,5`, or a dash for none.
fn ranges(numbers: impl Iterator<Item = i32>) -> String {
    let mut ranges: Vec<(i32, i32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let ranges = ranges.into_iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let ranges: Vec<String> = ranges.collect();
    if ranges.is_empty() { "-".to_owned() } else { ranges.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_a_row_are_written_as_a_range() {
        assert_eq!(ranges([1, 2, 3, 5, 7, 8].into_iter()), "1-3,5,7-8");
        assert_eq!(ranges([].into_iter()), "-");
    }

    #[test]
    fn a_table_tells_deleted_versions_apart() {
        let version = |version, deleted| ListedVersion {
            version,
            id: Some(version + 10),
            r#type: Some("AVRO".to_owned()),
            deleted,
        };
        let versions = vec![version(1, true), version(2, false)];
        let subjects = [ListedSubject { subject: "orders".to_owned(), versions }];
        let text = table(&subjects, true).render();
        assert_eq!(text.lines().nth(1), Some("orders   AVRO         2         12        1"));
    }
}
