//! `tidegate schema config` and `tidegate schema mode`.

use crate::args::{RegistryArgs, SchemaConfigCommand, SchemaModeCommand};
use crate::failure::Failure;
use crate::outcome::report;
use crate::output::{Table, print, print_json};
use crate::schema::registry::{Refusal, Registry};
use serde_json::{Map, Value};

/// The members of a config by their names in a request, and how their values are written.
const NAMES: &[(&str, Kind)] = &[
    ("compatibility", Kind::Text),
    ("compatibilityPolicy", Kind::Text),
    ("compatibilityGroup", Kind::Text),
    ("alias", Kind::Text),
    ("normalize", Kind::Boolean),
    ("validateFields", Kind::Boolean),
    ("validateNewSchemas", Kind::Boolean),
    ("validateRules", Kind::Boolean),
    ("defaultMetadata", Kind::Json),
    ("overrideMetadata", Kind::Json),
    ("defaultRuleSet", Kind::Json),
    ("overrideRuleSet", Kind::Json),
];

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Boolean,
    Json,
}

/// Runs one of the commands on configs.
pub fn config(command: SchemaConfigCommand) -> Result<(), Failure> {
    match command {
        SchemaConfigCommand::Get { subject, effective, registry } => {
            let found = Registry::new(&registry)?.config(subject.as_deref(), effective);
            show(&registry, found.map_err(about("config", subject.as_deref()))?)
        }
        SchemaConfigCommand::Set { settings, subject, registry } => {
            let config: Map<String, Value> =
                settings.iter().map(|setting| parse(setting)).collect::<Result<_, _>>()?;
            let done = Registry::new(&registry)?.set_config(subject.as_deref(), config);
            let name = name("config", subject.as_deref());
            let said = format!("{name} changed: {}", settings.join(", "));
            done_or_not(&registry, name, said, done)
        }
        SchemaConfigCommand::Delete { subject, registry } => {
            let done = Registry::new(&registry)?.delete_config(subject.as_deref());
            let name = name("config", subject.as_deref());
            let said = format!("{name} deleted");
            done_or_not(&registry, name, said, done)
        }
    }
}

/// Runs one of the commands on modes.
pub fn mode(command: SchemaModeCommand) -> Result<(), Failure> {
    match command {
        SchemaModeCommand::Get { subject, effective, registry } => {
            let found = Registry::new(&registry)?.mode(subject.as_deref(), effective);
            show(&registry, found.map_err(about("mode", subject.as_deref()))?)
        }
        SchemaModeCommand::Set { mode, subject, force, registry } => {
            let mode = mode.to_ascii_uppercase();
            let done = Registry::new(&registry)?.set_mode(subject.as_deref(), &mode, force);
            let name = name("mode", subject.as_deref());
            let said = format!("{name} is {mode}");
            done_or_not(&registry, name, said, done)
        }
        SchemaModeCommand::Delete { subject, registry } => {
            let done = Registry::new(&registry)?.delete_mode(subject.as_deref());
            let name = name("mode", subject.as_deref());
            let said = format!("{name} deleted");
            done_or_not(&registry, name, said, done)
        }
    }
}

fn show(args: &RegistryArgs, found: Value) -> Result<(), Failure> {
    if args.json {
        return print_json(&found);
    }
    let mut table = Table::new(&["NAME", "VALUE"]);
    for (name, value) in found.as_object().into_iter().flatten() {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        table.row([name.clone(), value]);
    }
    print(&table.render())
}

fn done_or_not(
    args: &RegistryArgs,
    name: String,
    said: String,
    done: Result<Value, Refusal>,
) -> Result<(), Failure> {
    let done = done.map(|_| said).map_err(|refusal| refusal.about(&name));
    report(args.json, vec![(name, done)])
}

fn name(what: &str, subject: Option<&str>) -> String {
    match subject {
        Some(subject) => format!("{what} of {subject}"),
        None => format!("global {what}"),
    }
}

fn about(what: &str, subject: Option<&str>) -> impl FnOnce(Refusal) -> Failure {
    let name = name(what, subject);
    move |refusal| refusal.about(&name)
}

/// `NAME=VALUE`, or a compatibility level alone.
fn parse(setting: &str) -> Result<(String, Value), Failure> {
    let wrong = |problem: String| Failure::Usage(format!("{setting:?}: {problem}"));
    let Some((name, value)) = setting.split_once('=') else {
        return Ok(("compatibility".to_owned(), setting.to_ascii_uppercase().into()));
    };
    // What answers call it.
    let name = if name == "compatibilityLevel" { "compatibility" } else { name };
    let Some((_, kind)) = NAMES.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        return Err(wrong(format!("there is no {name}; there are {}", names.join(", "))));
    };
    let text = match value.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("{path} cannot be read: {error}")))?,
        None => value.to_owned(),
    };
    let value = match (kind, text.trim()) {
        (_, "") => Value::Null,
        (Kind::Text, text) => text.into(),
        (Kind::Boolean, "true") => true.into(),
        (Kind::Boolean, "false") => false.into(),
        (Kind::Boolean, _) => return Err(wrong(format!("{name} takes true or false"))),
        (Kind::Json, text) => serde_json::from_str(text)
            .map_err(|error| wrong(format!("{name} takes JSON: {error}")))?,
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_have_values_of_their_kinds() {
        for (setting, name, value) in [
            ("full", "compatibility", json!("FULL")),
            ("compatibility=NONE", "compatibility", json!("NONE")),
            ("compatibilityLevel=NONE", "compatibility", json!("NONE")),
            ("normalize=true", "normalize", json!(true)),
            ("alias=", "alias", Value::Null),
            ("defaultMetadata={\"properties\":{}}", "defaultMetadata", json!({"properties": {}})),
        ] {
            let parsed = parse(setting).expect(setting);
            assert_eq!(parsed, (name.to_owned(), value), "{setting}");
        }
    }

    #[test]
    fn a_name_or_value_that_cannot_be_is_refused_before_anything_is_sent() {
        for (setting, said) in [
            ("colour=red", "there are compatibility, "),
            ("normalize=1", "true or false"),
            ("defaultRuleSet={", "takes JSON"),
            ("defaultRuleSet=@/does/not/exist", "cannot be read"),
        ] {
            let failure = parse(setting).expect_err(setting);
            assert!(matches!(&failure, Failure::Usage(text) if text.contains(said)), "{failure}");
        }
    }
}
