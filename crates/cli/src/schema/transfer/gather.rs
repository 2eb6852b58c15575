//! Reads all that a registry keeps by its REST interface.

use super::contents::{Contents, Stored, config_of, context_of};
use crate::failure::Failure;
use crate::schema::list::{Listed, all_versions, numbers};
use crate::schema::registry::{Refusal, Registry, for_each};
use serde_json::Value;
use std::collections::BTreeSet;

/// Contents with what could not be had.
pub struct Gathered {
    /// What there is.
    pub contents: Contents,
    /// Versions that the registry lists and does not show.
    pub notes: Vec<String>,
    /// Whether the registry has modes at all.
    pub has_modes: bool,
}

/// Reads the subjects that begin with `prefix` with their configs and modes, and the global ones.
pub fn gather(registry: &Registry, prefix: &str) -> Result<Gathered, Failure> {
    let about = |refusal: Refusal| refusal.about("the schemas cannot be read");
    let mut contents = Contents::default();
    let mut notes = Vec::new();
    let all = all_versions(registry, prefix, true).map_err(about)?;
    let kept = numbers(registry, prefix).map_err(about)?;
    for Listed { subject, version, found } in all {
        match found {
            Some(found) => {
                let deleted = !kept.contains(&(subject.clone(), version));
                let stored = Stored { id: found.id, deleted, schema: found.schema };
                contents.subject(&subject).versions.insert(version, stored);
            }
            None => notes.push(format!(
                "{subject} version {version} is left out: the registry lists it and does not show it"
            )),
        }
    }
    contents.config = config(registry, None).map_err(about)?;
    contents.mode = mode(registry, None).map_err(about)?;
    let has_modes = contents.mode.is_some();
    let contexts: BTreeSet<String> = contents
        .subjects
        .keys()
        .filter_map(|subject| context_of(subject))
        .map(|context| format!(":{context}:"))
        .filter(|context| context.starts_with(prefix))
        .collect();
    let named: BTreeSet<String> = contents.subjects.keys().cloned().chain(contexts).collect();
    let named = Vec::from_iter(named);
    let settings = for_each(&named, |name| {
        let mode = if has_modes { mode(registry, Some(name))? } else { None };
        Ok((config(registry, Some(name))?, mode))
    });
    for (name, (config, mode)) in named.iter().zip(settings.map_err(about)?) {
        if config.is_some() || mode.is_some() {
            let subject = contents.subject(name);
            (subject.config, subject.mode) = (config, mode);
        }
    }
    Ok(Gathered { contents, notes, has_modes })
}

/// The config of a subject of its own, or the global one.
fn config(registry: &Registry, subject: Option<&str>) -> Result<Option<Value>, Refusal> {
    match registry.config(subject, false) {
        Ok(config) => Ok(config_of(&config).ok()),
        Err(refusal) if refusal.is_not_found() => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// The mode of a subject of its own, or the global one.
fn mode(registry: &Registry, subject: Option<&str>) -> Result<Option<String>, Refusal> {
    match registry.mode(subject, false) {
        Ok(mode) => Ok(mode["mode"].as_str().map(str::to_owned)),
        Err(refusal) if refusal.is_not_found() => Ok(None),
        Err(refusal) => Err(refusal),
    }
}
