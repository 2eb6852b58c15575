//! What a schema refers to, and what that refers to, found in the state.

use super::requests::ReferenceRequest;
use std::collections::HashMap;
use std::sync::Arc;
use tidegate_machine::schema::{
    Include, QualifiedSubject, Registry as State, SchemaReference, SchemaVersion,
};

/// How deep references may go.
const DEPTH_MAX: usize = 256;
/// How many schemas one may need.
const COUNT_MAX: usize = 10_000;

/// One schema that another needs.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The name under which it is referred to.
    pub name: String,
    /// The schema.
    pub version: Arc<SchemaVersion>,
    /// Whether the schema itself names it, rather than one of its references.
    pub direct: bool,
}

/// The references of a schema as a request names them.
///
/// # Errors
/// A sentence on one of whose members some are missing.
pub fn requested(references: Option<&[ReferenceRequest]>) -> Result<Vec<SchemaReference>, String> {
    let whole = |reference: &ReferenceRequest| match reference {
        ReferenceRequest { name: Some(name), subject: Some(subject), version: Some(version) } => {
            let (name, subject) = (name.clone(), subject.clone());
            Ok(SchemaReference { name, subject, version: *version })
        }
        ReferenceRequest { name, subject, version } => {
            let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "null".to_owned());
            let version = version.map_or_else(|| "null".to_owned(), |version| version.to_string());
            Err(format!(
                "Invalid reference: {{name='{}', subject='{}', version={version}}}",
                shown(name),
                shown(subject)
            ))
        }
    };
    references.unwrap_or_default().iter().map(whole).collect()
}

/// Finds all that `references` of a schema under `subject` need, dependencies first, and writes the
/// latest version where they say -1.
///
/// # Errors
/// A sentence, in Confluent's words, on the first that is not there.
pub fn resolve(
    state: &State,
    subject: &QualifiedSubject,
    references: &mut [SchemaReference],
    include: Include,
) -> Result<Vec<Resolved>, String> {
    let mut walk = Walk { state, include, found: Vec::new(), names: HashMap::new() };
    for reference in references.iter_mut() {
        let version = walk.find(subject, reference)?;
        reference.version = version.version;
        walk.visit(&reference.name, version, 0)?;
        let index = walk.names[&reference.name];
        if let Some(found) = index {
            walk.found[found].direct = true;
        }
    }
    Ok(walk.found)
}

struct Walk<'a> {
    state: &'a State,
    include: Include,
    found: Vec<Resolved>,
    /// Where each name was found; `None` while its own references are being found.
    names: HashMap<String, Option<usize>>,
}

impl Walk<'_> {
    fn find(
        &self,
        parent: &QualifiedSubject,
        reference: &SchemaReference,
    ) -> Result<Arc<SchemaVersion>, String> {
        let subject = parent.reference(&reference.subject);
        let found = match reference.version {
            -1 => self.state.latest(&subject),
            version => self.state.version(&subject, version),
        };
        let found = found.filter(|found| self.include.includes(found.deleted));
        found.cloned().ok_or_else(|| {
            let version = reference.version;
            format!("No schema reference found for subject \"{subject}\" and version {version}")
        })
    }

    /// Depth first, so that each stands behind what it needs. A name counts once: what refers to
    /// itself ends there.
    fn visit(
        &mut self,
        name: &str,
        version: Arc<SchemaVersion>,
        depth: usize,
    ) -> Result<(), String> {
        if self.names.contains_key(name) {
            return Ok(());
        }
        if depth > DEPTH_MAX || self.names.len() >= COUNT_MAX {
            return Err(format!(
                "references go deeper than {DEPTH_MAX} or are more than {COUNT_MAX}"
            ));
        }
        self.names.insert(name.to_owned(), None);
        for reference in &version.schema.entity.references {
            let needed = self.find(&version.subject, reference)?;
            self.visit(&reference.name, needed, depth + 1)?;
        }
        self.names.insert(name.to_owned(), Some(self.found.len()));
        self.found.push(Resolved { name: name.to_owned(), version, direct: false });
        Ok(())
    }
}
