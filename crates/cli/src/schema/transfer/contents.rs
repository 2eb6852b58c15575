//! All that a registry keeps, apart from any registry, folder or topic.

use crate::schema::registry::{Schema, SchemaReference};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What an exported registry holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The global config, if it is known.
    pub config: Option<Value>,
    /// The global mode, if it is known.
    pub mode: Option<String>,
    /// Subjects by their names. One without versions has a config or a mode of its own.
    pub subjects: BTreeMap<String, Subject>,
}

/// A subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// Its own config.
    pub config: Option<Value>,
    /// Its own mode.
    pub mode: Option<String>,
    /// Its versions.
    pub versions: BTreeMap<i32, Stored>,
}

/// A version.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The id.
    pub id: i32,
    /// Whether it is deleted and not yet gone for good.
    pub deleted: bool,
    /// The schema.
    pub schema: Schema,
}

impl Contents {
    /// How many versions there are.
    pub fn count(&self) -> usize {
        self.subjects.values().map(|subject| subject.versions.len()).sum()
    }

    /// The subject of that name, which is made if it is not there.
    pub fn subject(&mut self, name: &str) -> &mut Subject {
        self.subjects.entry(name.to_owned()).or_default()
    }

    /// Takes one record of `_schemas` in. The error says what is wrong with it; then nothing is taken.
    pub fn replay(&mut self, key: &Value, value: Option<&Value>) -> Result<(), String> {
        let subject = key["subject"].as_str().unwrap_or_default();
        match key["keytype"].as_str() {
            Some("SCHEMA") => self.replay_schema(key, value),
            Some("CONFIG") => {
                let config = value.map(config_of).transpose()?;
                match subject {
                    "" => self.config = config,
                    subject => self.subject(subject).config = config,
                }
                Ok(())
            }
            Some("MODE") => {
                let mode = value.map(|value| match value["mode"].as_str() {
                    Some(mode) => Ok(mode.to_owned()),
                    None => Err("it names no mode".to_owned()),
                });
                let mode = mode.transpose()?;
                match subject {
                    "" => self.mode = mode,
                    subject => self.subject(subject).mode = mode,
                }
                Ok(())
            }
            Some("DELETE_SUBJECT") => {
                let last = value.and_then(|value| number(&value["version"]));
                if let (Some(subject), Some(last)) = (self.subjects.get_mut(subject), last) {
                    for (_, stored) in subject.versions.range_mut(..=last) {
                        stored.deleted = true;
                    }
                }
                Ok(())
            }
            Some("CLEAR_SUBJECT") => {
                // What was deleted is gone for good: of one subject, or of all.
                for (name, found) in &mut self.subjects {
                    if subject.is_empty() || subject == name {
                        found.versions.retain(|_, stored| !stored.deleted);
                    }
                }
                Ok(())
            }
            Some("NOOP" | "CONTEXT") => Ok(()),
            Some(other) => Err(format!("records of type {other} are not known")),
            None => Err("its key names no keytype".to_owned()),
        }
    }

    fn replay_schema(&mut self, key: &Value, value: Option<&Value>) -> Result<(), String> {
        let subject = key["subject"].as_str().ok_or("its key names no subject")?;
        let version = number(&key["version"]).ok_or("its key names no version")?;
        let Some(value) = value else {
            if let Some(subject) = self.subjects.get_mut(subject) {
                subject.versions.remove(&version);
            }
            return Ok(());
        };
        let references: Option<Vec<SchemaReference>> = match &value["references"] {
            Value::Null => None,
            found => Some(
                serde_json::from_value(found.clone()).map_err(|_| "its references are wrong")?,
            ),
        };
        let given = |name: &str| Some(value[name].clone()).filter(|found| !found.is_null());
        let schema = Schema {
            kind: value["schemaType"].as_str().unwrap_or(crate::schema::registry::AVRO).to_owned(),
            text: value["schema"].as_str().ok_or("it has no schema")?.to_owned(),
            references: references.unwrap_or_default(),
            metadata: given("metadata"),
            rule_set: given("ruleSet"),
        };
        let id = number(&value["id"]).ok_or("it has no id")?;
        // Karapace has written it as a number.
        let deleted = value["deleted"] == json!(true) || number(&value["deleted"]) == Some(1);
        let stored = Stored { id, deleted, schema };
        self.subject(subject).versions.insert(version, stored);
        Ok(())
    }

    /// The records of `_schemas` that make a registry of these contents, keys with values, in an order
    /// in which a registry could have written them.
    pub fn records(&self) -> Vec<(Value, Value)> {
        let mut records = Vec::new();
        if let Some(config) = &self.config {
            let key = json!({"keytype": "CONFIG", "magic": 0});
            records.push((key, config.clone()));
        }
        let mut contexts: Vec<&str> = Vec::new();
        for (id, name, version, stored) in self.by_id() {
            if let Some(context) = context_of(name).filter(|context| !contexts.contains(context)) {
                contexts.push(context);
                let tenant = "default";
                let key =
                    json!({"keytype": "CONTEXT", "tenant": tenant, "context": context, "magic": 0});
                records.push((key, json!({"tenant": tenant, "context": context})));
            }
            let key = json!({"keytype": "SCHEMA", "subject": name, "version": version, "magic": 1});
            let mut value = Map::new();
            value.insert("subject".to_owned(), name.into());
            value.insert("version".to_owned(), version.into());
            value.insert("id".to_owned(), id.into());
            value.extend(stored.schema.to_body());
            value.insert("deleted".to_owned(), stored.deleted.into());
            records.push((key, value.into()));
        }
        for (name, subject) in &self.subjects {
            if let Some(config) = &subject.config {
                let mut value = Map::from_iter([("subject".to_owned(), name.as_str().into())]);
                value.extend(
                    config
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(name, value)| (name.clone(), value.clone())),
                );
                let key = json!({"keytype": "CONFIG", "subject": name, "magic": 0});
                records.push((key, value.into()));
            }
        }
        // Modes last: a registry that replays them is writable until all is there.
        let modes = self.subjects.iter().map(|(name, subject)| (Some(name), &subject.mode));
        for (name, mode) in modes.chain([(None, &self.mode)]) {
            let (Some(mode), key) = (mode, mode_key(name)) else { continue };
            let mut value = Map::new();
            value.extend(name.map(|name| ("subject".to_owned(), name.as_str().into())));
            value.insert("mode".to_owned(), mode.as_str().into());
            records.push((key, value.into()));
        }
        records
    }

    /// All versions in the order of their ids, which is the order in which they came.
    pub fn by_id(&self) -> Vec<(i32, &str, i32, &Stored)> {
        let mut all = Vec::new();
        for (name, subject) in &self.subjects {
            for (version, stored) in &subject.versions {
                all.push((stored.id, name.as_str(), *version, stored));
            }
        }
        all.sort_by_key(|(id, name, version, _)| (*id, *name, *version));
        all
    }
}

fn mode_key(subject: Option<&String>) -> Value {
    match subject {
        Some(subject) => json!({"keytype": "MODE", "subject": subject, "magic": 0}),
        None => json!({"keytype": "MODE", "magic": 0}),
    }
}

/// The config in a record or an answer: without the subject's name and without what is null.
pub fn config_of(value: &Value) -> Result<Value, String> {
    let members = value.as_object().ok_or("it is no config")?.iter();
    let members = members.filter(|(name, value)| *name != "subject" && !value.is_null());
    Ok(members.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into())
}

/// The context of a subject, if it is not the default one.
pub fn context_of(subject: &str) -> Option<&str> {
    let context = subject.strip_prefix(':')?.split_once(':')?.0;
    (context.starts_with('.') && context.len() > 1).then_some(context)
}

fn number(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|number| i32::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replayed(records: &[(Value, Value)]) -> Contents {
        let mut contents = Contents::default();
        for (key, value) in records {
            let value = Some(value).filter(|value| !value.is_null());
            contents.replay(key, value).expect("a record that registries write");
        }
        contents
    }

    fn schema(subject: &str, version: i32, id: i32) -> (Value, Value) {
        (
            json!({"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1}),
            json!({"subject": subject, "version": version, "id": id, "schemaType": "JSON",
                "references": [{"name": "n", "subject": "r", "version": 1}],
                "metadata": {"tags": {}}, "schema": "{}", "deleted": false}),
        )
    }

    #[test]
    fn records_are_what_contents_come_back_from() {
        let records = [
            schema(":.c:b", 1, 1),
            schema("a", 1, 2),
            (
                json!({"keytype": "CONFIG", "subject": "a", "magic": 0}),
                json!({"subject": "a", "compatibilityLevel": "FULL", "alias": null}),
            ),
            (
                json!({"keytype": "CONFIG", "subject": null, "magic": 0}),
                json!({"compatibilityLevel": "NONE"}),
            ),
            (json!({"keytype": "MODE", "magic": 0}), json!({"mode": "READONLY"})),
            (json!({"keytype": "NOOP", "magic": 0}), Value::Null),
        ];
        let contents = replayed(&records);
        assert_eq!(contents.count(), 2);
        assert_eq!(contents.subjects["a"].config, Some(json!({"compatibilityLevel": "FULL"})));
        assert_eq!(replayed(&contents.records()), contents);
        let keys: Vec<String> = contents.records().iter().map(|(key, _)| key.to_string()).collect();
        assert_eq!(
            keys,
            [
                r#"{"keytype":"CONFIG","magic":0}"#,
                r#"{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}"#,
                r#"{"keytype":"SCHEMA","subject":":.c:b","version":1,"magic":1}"#,
                r#"{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}"#,
                r#"{"keytype":"CONFIG","subject":"a","magic":0}"#,
                r#"{"keytype":"MODE","magic":0}"#,
            ]
        );
    }

    #[test]
    fn deletions_are_soft_for_good_and_of_whole_subjects() {
        let key = |keytype: &str| json!({"keytype": keytype, "subject": "a", "magic": 0});
        let mut records = vec![schema("a", 1, 1), schema("a", 2, 2), schema("a", 3, 3)];
        records.push((key("DELETE_SUBJECT"), json!({"subject": "a", "version": 2})));
        let deleted = |contents: &Contents| -> Vec<(i32, bool)> {
            let versions = contents.subjects["a"].versions.iter();
            versions.map(|(version, stored)| (*version, stored.deleted)).collect()
        };
        assert_eq!(deleted(&replayed(&records)), [(1, true), (2, true), (3, false)]);
        records.push((schema("a", 1, 1).0, Value::Null));
        assert_eq!(deleted(&replayed(&records)), [(2, true), (3, false)]);
        records.push((key("CLEAR_SUBJECT"), json!({"subject": "a"})));
        assert_eq!(deleted(&replayed(&records)), [(3, false)]);
    }

    #[test]
    fn old_forms_are_read_and_wrong_ones_change_nothing() {
        let mut contents = Contents::default();
        let key = json!({"keytype": "SCHEMA", "subject": "a", "version": 1, "magic": 0});
        let value =
            json!({"subject": "a", "version": 1, "id": 4, "schema": "\"int\"", "deleted": 1});
        contents.replay(&key, Some(&value)).expect("Karapace's form");
        let stored = contents.subjects["a"].versions[&1].clone();
        assert_eq!((&*stored.schema.kind, stored.deleted), ("AVRO", true));
        let before = contents.clone();
        for (key, value) in [
            (json!({"keytype": "SCHEMA", "subject": "a"}), json!({})),
            (key.clone(), json!({"id": 1})),
            (key.clone(), json!({"schema": ""})),
            (json!({"keytype": "ASSOC"}), json!({})),
            (json!({}), json!({})),
            (json!({"keytype": "MODE"}), json!({})),
            (json!({"keytype": "CONFIG"}), json!([])),
        ] {
            assert!(contents.replay(&key, Some(&value)).is_err(), "{key}");
        }
        assert_eq!(contents, before);
    }

    #[test]
    fn a_context_stands_between_colons_at_the_beginning() {
        assert_eq!(context_of(":.ctx:a"), Some(".ctx"));
        for other in ["a", ":.:a", ":a:b", ".ctx:a", ":.ctx"] {
            assert_eq!(context_of(other), None, "{other}");
        }
    }
}
