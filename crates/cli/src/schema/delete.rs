//! `tidegate schema delete`.

use super::label;
use crate::args::RegistryArgs;
use crate::failure::Failure;
use crate::outcome::{Outcome, report};
use crate::schema::registry::{Refusal, Registry, VersionSpec};

/// What Confluent's registry answers where what shall be deleted softly is deleted already.
const SUBJECT_SOFT_DELETED: u32 = 40404;
const VERSION_SOFT_DELETED: u32 = 40406;

/// Deletes `versions` of each of `subjects`, or all of a subject if there are none.
pub fn run(
    args: &RegistryArgs,
    subjects: &[String],
    versions: &[VersionSpec],
    permanent: bool,
) -> Result<(), Failure> {
    let registry = Registry::new(args)?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    let deleted = if permanent { "deleted for good" } else { "deleted" };
    for subject in subjects {
        if versions.is_empty() {
            let said = whole(&registry, subject, permanent).map(|versions| {
                let versions: Vec<String> = versions.iter().map(i32::to_string).collect();
                format!("{subject} {deleted}, versions {}", versions.join(", "))
            });
            outcomes.push((subject.clone(), said));
        }
        for version in versions {
            let said = one(&registry, subject, *version, permanent)
                .map(|version| format!("{} {deleted}", label(subject, version)));
            outcomes.push((label(subject, version), said));
        }
    }
    report(args.json, outcomes)
}

fn whole(registry: &Registry, subject: &str, permanent: bool) -> Result<Vec<i32>, Failure> {
    let about = |refusal: Refusal| refusal.about(subject);
    let soft = registry.delete_subject(subject, false);
    if !permanent {
        return soft.map_err(about);
    }
    // A registry lets go for good what is deleted softly, and nothing else.
    match soft {
        Ok(_) => {}
        Err(refusal) if refusal.has_code(SUBJECT_SOFT_DELETED) || refusal.is_not_found() => {}
        Err(refusal) => return Err(about(refusal)),
    }
    registry.delete_subject(subject, true).map_err(about)
}

fn one(
    registry: &Registry,
    subject: &str,
    version: VersionSpec,
    permanent: bool,
) -> Result<i32, Failure> {
    let about = |refusal: Refusal| refusal.about(&label(subject, version));
    // The latest version is another one once it is deleted.
    let version = VersionSpec::Number(super::number(registry, subject, version)?);
    let soft = registry.delete_version(subject, version, false);
    if !permanent {
        return soft.map_err(about);
    }
    match soft {
        Ok(_) => {}
        Err(refusal) if refusal.has_code(VERSION_SOFT_DELETED) || refusal.is_not_found() => {}
        Err(refusal) => return Err(about(refusal)),
    }
    registry.delete_version(subject, version, true).map_err(about)
}
