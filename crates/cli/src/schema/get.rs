//! `tidegate schema get`.

use super::source::{ended, pretty};
use super::{dependencies, label};
use crate::args::GetArgs;
use crate::failure::Failure;
use crate::output::{print, print_json};
use crate::schema::registry::{
    Refusal, Registry, Schema, SchemaReference, SubjectVersion, Version, VersionSpec,
};
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
struct Got {
    subject: Option<String>,
    version: Option<i32>,
    id: Option<i32>,
    guid: Option<String>,
    r#type: String,
    references: Vec<SchemaReference>,
    metadata: Option<Value>,
    rule_set: Option<Value>,
    schema: String,
    /// Where else it is registered, if it was asked for by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects: Option<Vec<SubjectVersion>>,
    /// What it refers to, dependencies first, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    dependencies: Option<Vec<Got>>,
}

/// Prints a schema.
pub fn run(args: &GetArgs) -> Result<(), Failure> {
    let registry = Registry::new(&args.registry)?;
    let mut got = match (&args.subject, args.id, &args.guid) {
        (Some(subject), _, _) => by_subject(&registry, args, subject)?,
        (None, Some(id), _) => by_id(&registry, args, id)?,
        (None, None, Some(guid)) => {
            let schema = registry.by_guid(guid, args.format.as_deref());
            let schema = schema.map_err(|refusal| refusal.about(&format!("guid {guid}")))?;
            Got { guid: Some(guid.clone()), ..Got::of(schema) }
        }
        (None, None, None) => return Err(Failure::Usage("nothing is named".to_owned())),
    };
    if args.references {
        let context = args.context.as_ref().map(|context| format!(":{context}:"));
        let subject = got.subject.clone().or(context).unwrap_or_default();
        let found = dependencies(&registry, &subject, &got.references)?;
        got.dependencies =
            Some(found.into_iter().map(|(_, version)| Got::of_version(version)).collect());
    }
    if args.registry.json {
        return print_json(&got);
    }
    let shown = got.dependencies.iter().flatten().chain([&got]);
    let shown: Vec<String> = shown.map(|got| got.shown(args.raw)).collect();
    print(&shown.join("\n"))
}

fn by_subject(registry: &Registry, args: &GetArgs, subject: &str) -> Result<Got, Failure> {
    let (subject, version) = match args.version {
        Some(version) => (subject, version),
        None => split(subject),
    };
    let found = registry.version(subject, version, args.deleted, args.format.as_deref());
    let found = found.map_err(|refusal| refusal.about(&label(subject, version)))?;
    Ok(Got::of_version(found))
}

fn by_id(registry: &Registry, args: &GetArgs, id: i32) -> Result<Got, Failure> {
    // A subject without a name stands for its context.
    let context = args.context.as_ref().map(|context| format!(":{context}:"));
    let about = |refusal: Refusal| refusal.about(&format!("id {id}"));
    let found = registry.by_id(id, context.as_deref(), args.format.as_deref()).map_err(about)?;
    let subjects = match registry.versions_of_id(id, context.as_deref()) {
        Ok(mut subjects) => {
            subjects.sort_unstable();
            Some(subjects)
        }
        Err(refusal) if refusal.is_not_found() => None,
        Err(refusal) => return Err(about(refusal)),
    };
    let (guid, schema) = found;
    Ok(Got { id: Some(id), guid, subjects, ..Got::of(schema) })
}

/// `SUBJECT/VERSION`, where the version may be missing.
fn split(name: &str) -> (&str, VersionSpec) {
    match name.rsplit_once('/').map(|(subject, version)| (subject, version.parse())) {
        Some((subject, Ok(version))) if !subject.is_empty() => (subject, version),
        _ => (name, VersionSpec::Latest),
    }
}

impl Got {
    fn of(schema: Schema) -> Got {
        Got {
            subject: None,
            version: None,
            id: None,
            guid: None,
            r#type: schema.kind,
            references: schema.references,
            metadata: schema.metadata,
            rule_set: schema.rule_set,
            schema: schema.text,
            subjects: None,
            dependencies: None,
        }
    }

    fn of_version(version: Version) -> Got {
        Got {
            subject: Some(version.subject),
            version: Some(version.version),
            id: Some(version.id),
            guid: version.guid,
            ..Got::of(version.schema)
        }
    }

    fn shown(&self, raw: bool) -> String {
        if raw {
            return ended(&self.schema);
        }
        let mut about = Vec::new();
        if let (Some(subject), Some(version)) = (&self.subject, self.version) {
            about.push(label(subject, version));
        }
        about.extend(self.id.map(|id| format!("id {id}")));
        about.extend(self.guid.as_ref().map(|guid| format!("guid {guid}")));
        about.push(self.r#type.clone());
        let mut lines = vec![about.join(", ")];
        for SubjectVersion { subject, version } in self.subjects.iter().flatten() {
            lines.push(format!("is {}", label(subject, version)));
        }
        for SchemaReference { name, subject, version } in &self.references {
            lines.push(format!("refers to {name}, {}", label(subject, version)));
        }
        let more = [("metadata", &self.metadata), ("rules", &self.rule_set)];
        for (name, value) in
            more.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)))
        {
            lines.push(format!("{name} {value}"));
        }
        format!("{}\n\n{}", lines.join("\n"), pretty(&self.schema))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_stands_behind_the_last_slash_of_a_name() {
        assert_eq!(split("orders"), ("orders", VersionSpec::Latest));
        assert_eq!(split("orders/3"), ("orders", VersionSpec::Number(3)));
        assert_eq!(split("a/b/latest"), ("a/b", VersionSpec::Latest));
        assert_eq!(split("common/money.proto"), ("common/money.proto", VersionSpec::Latest));
        assert_eq!(split("/3"), ("/3", VersionSpec::Latest));
    }
}
