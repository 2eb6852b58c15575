//! A client of schema registries, by the REST interface that Confluent's has and others speak too.
//!
//! It takes what old and small ones answer: a resource that a registry does not have is asked for in
//! another way where there is one.

mod http;
mod types;

pub use http::Refusal;
pub use types::{AVRO, Checked, Registered, Schema, SchemaReference, SubjectVersion, Version};

use crate::args::RegistryArgs;
use crate::failure::Failure;
use http::Http;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use types::SchemaAnswer;
use ureq::http::Method;

/// What is escaped in a part of a path: all but what never needs it.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The prefix that Confluent's registry takes for subjects of all contexts; without it some lists are of
/// the default context only.
const ALL_CONTEXTS: &str = ":*:";

/// How many subjects or versions are asked for at once; Confluent's registry gives no more than 20,000.
const SUBJECTS_PER_PAGE: usize = 10_000;

/// How many schemas are asked for at once; Confluent's registry never gives more.
const SCHEMAS_PER_PAGE: usize = 1_000;

/// How many requests may be on their way at once where many are needed.
const WORKERS: usize = 8;

/// What `ask` answers for each of `items`, in their order, asked several at a time: registries may be
/// far away. Ends early if one of them fails.
pub fn for_each<T: Sync, R: Send>(
    items: &[T],
    ask: impl Fn(&T) -> Result<R, Refusal> + Sync,
) -> Result<Vec<R>, Refusal> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut answers = Vec::new();
        while let Some((at, item)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            items.get(at).map(|item| (at, item))
        } {
            match ask(item) {
                Ok(answer) => answers.push((at, answer)),
                Err(refusal) => {
                    next.store(items.len(), Ordering::Relaxed);
                    return Err(refusal);
                }
            }
        }
        Ok(answers)
    };
    let mut all = Vec::with_capacity(items.len());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS.min(items.len())).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            match worker.join() {
                Ok(answers) => all.extend(answers?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })?;
    all.sort_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, answer)| answer).collect())
}

/// A version, or the latest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionSpec {
    /// The highest one that is not deleted.
    Latest,
    /// This one.
    Number(i32),
}

impl std::fmt::Display for VersionSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            VersionSpec::Latest => f.write_str("latest"),
            VersionSpec::Number(version) => version.fmt(f),
        }
    }
}

impl std::str::FromStr for VersionSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse::<i32>()) {
            ("latest" | "-1", _) => Ok(VersionSpec::Latest),
            (_, Ok(version)) if version > 0 => Ok(VersionSpec::Number(version)),
            _ => Err(format!("{text:?} is not a version; it takes a number from 1 on, or latest")),
        }
    }
}

/// A schema registry.
#[derive(Debug)]
pub struct Registry {
    http: Http,
}

impl Registry {
    /// The registry of `--url`. Nothing is sent yet.
    pub fn new(args: &RegistryArgs) -> Result<Registry, Failure> {
        Ok(Registry { http: Http::new(args)? })
    }

    /// All subjects whose names begin with `prefix`, in the registry's order.
    pub fn subjects(&self, prefix: &str, deleted: bool) -> Result<Vec<String>, Refusal> {
        let found =
            self.of_prefix("/subjects", prefix, deleted, SUBJECTS_PER_PAGE, String::clone)?;
        // Not every registry knows the parameter.
        Ok(found.into_iter().filter(|subject| subject.starts_with(prefix)).collect())
    }

    /// A list of what begins with a prefix, or of all there is in all contexts that --url allows.
    fn of_prefix<T: DeserializeOwned>(
        &self,
        path: &str,
        prefix: &str,
        deleted: bool,
        per_page: usize,
        key: impl Fn(&T) -> String,
    ) -> Result<Vec<T>, Refusal> {
        let deleted = deleted.then_some("true");
        let path_of = |prefix: &str| {
            format!("{path}{}", query(&[("subjectPrefix", some(prefix)), ("deleted", deleted)]))
        };
        if !prefix.is_empty() || self.http.is_of_one_context() {
            return self.pages(&path_of(prefix), per_page, key);
        }
        let found = self.pages(&path_of(ALL_CONTEXTS), per_page, &key)?;
        match found.is_empty() {
            // A registry without contexts finds nothing that begins like this.
            true => self.pages(&path_of(""), per_page, key),
            false => Ok(found),
        }
    }

    /// All pages of a list, until one brings nothing more: a registry may give fewer than it was asked
    /// for, and one that knows no pages gives all of it each time.
    fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        per_page: usize,
        key: impl Fn(&T) -> String,
    ) -> Result<Vec<T>, Refusal> {
        let (mut all, mut seen, mut offset) = (Vec::new(), HashSet::new(), 0);
        let joint = if path.contains('?') { '&' } else { '?' };
        loop {
            let page: Vec<T> =
                self.get(&format!("{path}{joint}offset={offset}&limit={per_page}"))?;
            offset += page.len();
            let before = all.len();
            all.extend(page.into_iter().filter(|item| seen.insert(key(item))));
            if all.len() == before {
                return Ok(all);
            }
        }
    }

    /// The versions of a subject.
    pub fn versions(&self, subject: &str, deleted: bool) -> Result<Vec<i32>, Refusal> {
        let path = format!("{}/versions?deleted={deleted}", subject_path(subject));
        self.pages(&path, SUBJECTS_PER_PAGE, |version: &i32| version.to_string())
    }

    /// One version of a subject; one that is deleted too, if `deleted`.
    pub fn version(
        &self,
        subject: &str,
        version: VersionSpec,
        deleted: bool,
        format: Option<&str>,
    ) -> Result<Version, Refusal> {
        let query = query(&[("deleted", deleted.then_some("true")), ("format", format)]);
        let path = format!("{}/versions/{version}{query}", subject_path(subject));
        let answer: SchemaAnswer = self.get(&path)?;
        answer.into_version().ok_or_else(|| unexpected(&path))
    }

    /// Every version of every subject that begins with `prefix`; none if the registry cannot tell
    /// them in one list.
    pub fn all_versions(
        &self,
        prefix: &str,
        deleted: bool,
    ) -> Result<Option<Vec<Version>>, Refusal> {
        let key = |answer: &SchemaAnswer| answer.key();
        let found = match self.of_prefix("/schemas", prefix, deleted, SCHEMAS_PER_PAGE, key) {
            Err(refusal) if refusal.is_not_found() => return Ok(None),
            found => found?,
        };
        let versions = found.into_iter().map(SchemaAnswer::into_version).map(|version| {
            let version = version.ok_or_else(|| unexpected("/schemas"))?;
            Ok(((version.subject.clone(), version.version), version))
        });
        let versions: BTreeMap<(String, i32), Version> =
            versions.collect::<Result<_, Refusal>>()?;
        // Not every registry knows the parameter.
        let wanted = |version: &Version| version.subject.starts_with(prefix);
        Ok(Some(versions.into_values().filter(|version| wanted(version)).collect()))
    }

    /// The schema of an id, with its id over all registries where that is told.
    pub fn by_id(
        &self,
        id: i32,
        subject: Option<&str>,
        format: Option<&str>,
    ) -> Result<(Option<String>, Schema), Refusal> {
        let path =
            format!("/schemas/ids/{id}{}", query(&[("subject", subject), ("format", format)]));
        let answer: SchemaAnswer = self.get(&path)?;
        answer.into_schema().ok_or_else(|| unexpected(&path))
    }

    /// The schema of an id over all registries.
    pub fn by_guid(&self, guid: &str, format: Option<&str>) -> Result<Schema, Refusal> {
        let guid = utf8_percent_encode(guid, ESCAPED);
        let path = format!("/schemas/guids/{guid}{}", query(&[("format", format)]));
        let answer: SchemaAnswer = self.get(&path)?;
        Ok(answer.into_schema().ok_or_else(|| unexpected(&path))?.1)
    }

    /// Which versions of subjects have this id.
    pub fn versions_of_id(
        &self,
        id: i32,
        subject: Option<&str>,
    ) -> Result<Vec<SubjectVersion>, Refusal> {
        self.get(&format!("/schemas/ids/{id}/versions{}", query(&[("subject", subject)])))
    }

    /// Registers a schema under a subject. `place` has the id and the version that it must get, for
    /// a registry that is in mode IMPORT.
    pub fn register(
        &self,
        subject: &str,
        schema: &Schema,
        normalize: bool,
        place: Place,
    ) -> Result<Registered, Refusal> {
        let mut body = schema.to_body();
        if let Some(id) = place.id {
            body.insert("id".to_owned(), id.into());
        }
        if let Some(version) = place.version {
            body.insert("version".to_owned(), version.into());
        }
        let query = query(&[("normalize", normalize.then_some("true"))]);
        let path = format!("{}/versions{query}", subject_path(subject));
        self.send(Method::POST, &path, Some(body))
    }

    /// The version under which a schema is registered in a subject.
    pub fn lookup(
        &self,
        subject: &str,
        schema: &Schema,
        normalize: bool,
        deleted: bool,
    ) -> Result<Version, Refusal> {
        let path = format!(
            "{}{}",
            subject_path(subject),
            query(&[
                ("normalize", normalize.then_some("true")),
                ("deleted", deleted.then_some("true")),
            ])
        );
        let answer: SchemaAnswer = self.send(Method::POST, &path, Some(schema.to_body()))?;
        answer.into_version().ok_or_else(|| unexpected(&path))
    }

    /// Checks a schema against one version of a subject, or as registering it would.
    pub fn check(
        &self,
        subject: &str,
        version: Option<VersionSpec>,
        schema: &Schema,
        normalize: bool,
    ) -> Result<Checked, Refusal> {
        let version = version.map(|version| format!("/{version}")).unwrap_or_default();
        let normalize = if normalize { "&normalize=true" } else { "" };
        let path = format!(
            "/compatibility{}/versions{version}?verbose=true{normalize}",
            subject_path(subject)
        );
        self.send(Method::POST, &path, Some(schema.to_body()))
    }

    /// Deletes a whole subject; tells which versions that were.
    pub fn delete_subject(&self, subject: &str, permanent: bool) -> Result<Vec<i32>, Refusal> {
        let query = query(&[("permanent", permanent.then_some("true"))]);
        self.send(Method::DELETE, &format!("{}{query}", subject_path(subject)), None)
    }

    /// Deletes one version.
    pub fn delete_version(
        &self,
        subject: &str,
        version: VersionSpec,
        permanent: bool,
    ) -> Result<i32, Refusal> {
        let query = query(&[("permanent", permanent.then_some("true"))]);
        let path = format!("{}/versions/{version}{query}", subject_path(subject));
        self.send(Method::DELETE, &path, None)
    }

    /// The config of a subject, or the global one; with `effective` the global one for a subject that
    /// has none of its own.
    pub fn config(&self, subject: Option<&str>, effective: bool) -> Result<Value, Refusal> {
        self.get(&scoped("config", subject, &[("defaultToGlobal", effective.then_some("true"))]))
    }

    /// Changes what `config` names.
    pub fn set_config(
        &self,
        subject: Option<&str>,
        config: Map<String, Value>,
    ) -> Result<Value, Refusal> {
        self.send(Method::PUT, &scoped("config", subject, &[]), Some(config))
    }

    /// Takes the config of a subject away, or sets the global one back.
    pub fn delete_config(&self, subject: Option<&str>) -> Result<Value, Refusal> {
        self.send(Method::DELETE, &scoped("config", subject, &[]), None)
    }

    /// The mode of a subject, or the global one; with `effective` the global one for a subject that
    /// has none of its own.
    pub fn mode(&self, subject: Option<&str>, effective: bool) -> Result<Value, Refusal> {
        self.get(&scoped("mode", subject, &[("defaultToGlobal", effective.then_some("true"))]))
    }

    /// Sets a mode; with `force` IMPORT also where there are schemas.
    pub fn set_mode(
        &self,
        subject: Option<&str>,
        mode: &str,
        force: bool,
    ) -> Result<Value, Refusal> {
        let path = scoped("mode", subject, &[("force", force.then_some("true"))]);
        self.send(Method::PUT, &path, Some(Map::from_iter([("mode".to_owned(), mode.into())])))
    }

    /// Takes the mode of a subject away, or sets the global one back.
    pub fn delete_mode(&self, subject: Option<&str>) -> Result<Value, Refusal> {
        self.send(Method::DELETE, &scoped("mode", subject, &[]), None)
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        self.send(Method::GET, path, None)
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Map<String, Value>>,
    ) -> Result<T, Refusal> {
        let answer = self.http.call(method, path, body.map(Value::Object).as_ref())?;
        serde_json::from_value(answer).map_err(|_| unexpected(path))
    }
}

/// Which id and version a schema must get, if it is not for the registry to say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// The id.
    pub id: Option<i32>,
    /// The version.
    pub version: Option<i32>,
}

/// The path of what a subject may have and there is a global one of.
fn scoped(what: &str, subject: Option<&str>, parameters: &[(&str, Option<&str>)]) -> String {
    let subject = subject.map(|subject| format!("/{}", utf8_percent_encode(subject, ESCAPED)));
    format!("/{what}{}{}", subject.unwrap_or_default(), query(parameters))
}

fn subject_path(subject: &str) -> String {
    format!("/subjects/{}", utf8_percent_encode(subject, ESCAPED))
}

/// The parameters that have a value, behind a question mark.
fn query(parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = String::new();
    for (name, value) in parameters.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
        query += &format!(
            "{}{name}={}",
            if query.is_empty() { '?' } else { '&' },
            utf8_percent_encode(value, ESCAPED)
        );
    }
    query
}

/// The text, unless it is empty.
fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn unexpected(path: &str) -> Refusal {
    Refusal::Failed(Failure::Failed(format!(
        "the registry's answer to {path} is not what registries answer"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_part_of_a_path_whatever_is_in_its_name() {
        assert_eq!(subject_path(":.ctx:a/b ü?"), "/subjects/%3A.ctx%3Aa%2Fb%20%C3%BC%3F");
        assert_eq!(query(&[("a", None), ("b", Some("x&y")), ("c", Some("1"))]), "?b=x%26y&c=1");
    }

    #[test]
    fn answers_come_in_the_order_of_what_was_asked_and_a_refusal_ends_it() {
        let items: Vec<usize> = (0..1000).collect();
        let doubled = for_each(&items, |item| Ok(item * 2)).expect("none is refused");
        assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        let refused = for_each(&items, |item| match item {
            500 => Err(unexpected("/500")),
            item => Ok(*item),
        });
        assert!(refused.is_err());
        assert!(for_each(&[], |item: &usize| Ok(*item)).expect("nothing is asked").is_empty());
    }

    #[test]
    fn a_version_is_a_number_from_1_on_or_latest() {
        assert_eq!("7".parse(), Ok(VersionSpec::Number(7)));
        assert_eq!("latest".parse(), Ok(VersionSpec::Latest));
        for wrong in ["", "0", "-2", "newest", "1.0"] {
            assert!(wrong.parse::<VersionSpec>().is_err(), "{wrong}");
        }
    }
}
