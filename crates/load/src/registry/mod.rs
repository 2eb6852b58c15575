//! A client of a schema registry that speaks Confluent's interface: it registers the schemas of a
//! plan, and verifies that each is found again by subject, by version and by id.

mod http;
mod meaning;
#[cfg(test)]
mod tests;

use crate::message::SchemaIds;
use crate::message::schemas::{Side, Subject, subjects};
use crate::plan::{Format, Plan};
use http::{Http, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

/// A schema registry.
#[derive(Debug)]
pub struct Registry {
    http: Http,
}

/// How many of the registered schemas were found again.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, Debug)]
pub struct Verification {
    /// Found by subject, by version and by id, and equal.
    pub found: u32,
    /// Registered.
    pub of: u32,
    /// A sentence for each schema that was not as it should be.
    pub problems: Vec<String>,
}

impl Verification {
    /// Whether all were found.
    pub fn complete(&self) -> bool {
        self.found == self.of && self.problems.is_empty()
    }
}

/// What a registry did not do: a sentence that says what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistryError(pub String);

impl std::error::Error for RegistryError {}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Registry {
    /// A client of the plan's registry; none where the plan has none. Nothing is sent yet.
    pub fn of(plan: &Plan) -> Result<Option<Registry>, RegistryError> {
        let Some(url) = &plan.registry else { return Ok(None) };
        Ok(Some(Registry { http: Http::new(url, plan.registry_timeout)? }))
    }

    /// Sets the compatibility level of each subject and registers its schema.
    pub fn register(&self, plan: &Plan) -> Result<SchemaIds, RegistryError> {
        let mut ids = SchemaIds { topics: vec![(0, 0); plan.topics as usize] };
        for subject in subjects(plan) {
            // Some registries know a subject's level only once there is a schema.
            let early = self.set_compatibility(&subject, plan);
            let id = self.register_one(&subject)?;
            match early {
                Err(Refusal::Answered { status: 404, .. }) => {
                    self.set_compatibility(&subject, plan)
                }
                told => told,
            }
            .map_err(|refusal| {
                refusal.about(&format!("the compatibility level of {} was not set", subject.name))
            })?;
            let topic = &mut ids.topics[subject.topic as usize];
            match subject.side {
                Side::Key => topic.0 = id,
                Side::Value => topic.1 = id,
            }
        }
        Ok(ids)
    }

    fn set_compatibility(&self, subject: &Subject, plan: &Plan) -> Result<(), Refusal> {
        let body = json!({"compatibility": plan.compatibility});
        self.http.put(&format!("/config/{}", subject.name), &body).map(drop)
    }

    fn register_one(&self, subject: &Subject) -> Result<u32, RegistryError> {
        let path = format!("/subjects/{}/versions", subject.name);
        let body = json!({"schema": subject.text, "schemaType": type_name(subject.format)});
        let answer = self.http.post(&path, &body).map_err(|refusal| {
            let sentence = refusal.about(&format!("the schema of {} was not registered", subject.name));
            match refusal {
                Refusal::Answered { status: 409, .. } => RegistryError(format!(
                    "{sentence}; the subject has other schemas: delete it, or choose another topic_prefix"
                )),
                _ => sentence,
            }
        })?;
        number(&answer, "id").ok_or_else(|| {
            RegistryError(format!(
                "{} answered {answer} to a registration, without an id: it is no schema registry \
                 of Confluent's kind",
                self.http.base()
            ))
        })
    }

    /// Asks for each schema by subject, by version and by id. Never fails: what cannot be asked is
    /// a problem.
    pub fn verify(&self, plan: &Plan, ids: &SchemaIds) -> Verification {
        let subjects = subjects(plan);
        let mut verification = Verification { of: subjects.len() as u32, ..Default::default() };
        for subject in subjects {
            let (key, value) = ids.topics[subject.topic as usize];
            let id = if subject.side == Side::Key { key } else { value };
            match self.verify_one(&subject, id) {
                Ok(()) => verification.found += 1,
                Err(Refusal::Silent(why)) => {
                    // Each further question would have to time out as well.
                    verification.problems.push(format!("{}: {why}", subject.name));
                    return verification;
                }
                Err(refusal) => verification.problems.push(refusal.about(&subject.name).0),
            }
        }
        verification
    }

    fn verify_one(&self, subject: &Subject, id: u32) -> Result<(), Refusal> {
        let versions = format!("/subjects/{}/versions", subject.name);
        let latest = self.schema_at(&format!("{versions}/latest"), subject, Some(id))?;
        let version = number(&latest, "version")
            .ok_or_else(|| Refusal::Wrong(format!("{versions}/latest has no version")))?;
        let by_version = self.schema_at(&format!("{versions}/{version}"), subject, Some(id))?;
        if number(&by_version, "version") != Some(version) {
            return Err(Refusal::Wrong(format!("{versions}/{version} has another version")));
        }
        self.schema_at(&format!("/schemas/ids/{id}"), subject, None).map(drop)
    }

    /// What the registry has there: it must be the subject's schema, with the id if one is to be.
    fn schema_at(&self, path: &str, subject: &Subject, id: Option<u32>) -> Result<Value, Refusal> {
        let answer = self.http.get(path).map_err(|refusal| refusal.at(path))?;
        let wrong = |what: String| Err(Refusal::Wrong(format!("{path} {what}")));
        if let (Some(id), found) = (id, number(&answer, "id"))
            && found != Some(id)
        {
            return wrong(match found {
                Some(found) => format!("has id {found}, and {id} was registered"),
                None => format!("has no id, and {id} was registered"),
            });
        }
        let named = answer["schemaType"].as_str().unwrap_or("AVRO");
        if named != type_name(subject.format) {
            return wrong(format!("is of type {named}, not {}", type_name(subject.format)));
        }
        let Some(text) = answer["schema"].as_str() else {
            return wrong("has no schema".to_owned());
        };
        if !meaning::same(subject.format, text, subject.text) {
            return wrong(format!("is another schema: {}", first_letters(text)));
        }
        Ok(answer)
    }
}

/// As Confluent's interface names a format.
const fn type_name(format: Format) -> &'static str {
    match format {
        Format::Avro => "AVRO",
        Format::Json => "JSON",
        Format::Protobuf => "PROTOBUF",
    }
}

fn number(answer: &Value, name: &str) -> Option<u32> {
    answer[name].as_u64().and_then(|number| u32::try_from(number).ok())
}

/// As much of a text as fits into a sentence, on one line.
fn first_letters(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(120) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
