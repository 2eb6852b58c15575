//! `tidegate schema import`.
//!
//! Ids stand in records on topics, so they are kept: a subject is put into mode IMPORT, in which a
//! registry takes ids and versions as they are given, and gets the mode that it shall have at the end.
//! A registry in which there is nothing is put into that mode as a whole, which costs it two records and
//! not three for each subject.
//!
//! What is there already is not sent again, so that an import which was interrupted can be run again.

mod settings;

use super::contents::{Contents, Stored, context_of};
use super::gather::gather;
use super::order::in_order;
use super::report::Report;
use super::{dump, folder};
use crate::args::ImportArgs;
use crate::failure::Failure;
use crate::schema::registry::{
    Place, Refusal, Registered, Registry, Schema, SchemaReference, SubjectVersion, VersionSpec,
    for_each,
};
use crate::schema::source::pretty;
use crate::schema::{in_context_of, label};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

const IMPORT: &str = "IMPORT";

/// How many versions are gathered before they are registered.
const BATCH_MAX: usize = 256;

const AGAIN: &str =
    "; the import is not done: run it again, until then what it began is in mode IMPORT";

/// What Confluent's registry answers where a schema is not compatible.
const INCOMPATIBLE: u32 = 409;
const INCOMPATIBLE_SCHEMA: u32 = 40901;

/// Brings what was exported into a registry.
pub fn run(args: &ImportArgs) -> Result<(), Failure> {
    let (mut source, notes) = read(&args.from)?;
    for note in &notes {
        eprintln!("tidegate: {note}");
    }
    if args.subjects_only {
        (source.config, source.mode) = (None, None);
    }
    let registry = Registry::new(&args.registry)?;
    let gathered = gather(&registry, "")?;
    let mut import = Import {
        registry: &registry,
        source: &source,
        target: gathered.contents,
        has_modes: gathered.has_modes,
        is_open: false,
        keep_ids: args.keep_ids,
        importing: BTreeSet::new(),
        opened: BTreeSet::new(),
        batch: Vec::new(),
        places: BTreeMap::new(),
        deletions: Vec::new(),
        report: Report { notes, ..Report::default() },
    };
    if args.validate_only {
        import.look_at_versions();
    } else if let Err(failure) = import.all() {
        return Err(match (failure, import.has_begun()) {
            (Failure::Failed(text), true) => Failure::Failed(text + AGAIN),
            (Failure::Unreachable(text), true) => Failure::Unreachable(text + AGAIN),
            (failure, _) => failure,
        });
    }
    import.report.tell(args.registry.json, args.validate_only)
}

/// A folder, a file with a dump, or a dump from standard input.
fn read(from: &Path) -> Result<(Contents, Vec<String>), Failure> {
    if from.is_dir() {
        return Ok((folder::read(from)?, Vec::new()));
    }
    let wrong = |error| Failure::Usage(format!("{}: {error}", from.display()));
    let mut text = String::new();
    match from == Path::new("-") {
        true => std::io::stdin().read_to_string(&mut text).map(drop).map_err(wrong)?,
        false => text = std::fs::read_to_string(from).map_err(wrong)?,
    }
    Ok(dump::read(&text))
}

/// An import on its way.
struct Import<'a> {
    registry: &'a Registry,
    source: &'a Contents,
    /// What the registry had before.
    target: Contents,
    has_modes: bool,
    /// Whether the default context is in mode IMPORT as a whole.
    is_open: bool,
    keep_ids: bool,
    /// Subjects that were put into mode IMPORT.
    importing: BTreeSet<String>,
    /// Subjects whose config was set to NONE, for a registry that checks what comes.
    opened: BTreeSet<String>,
    /// Versions that wait to be registered, none of which needs another one.
    batch: Vec<(SubjectVersion, Stored)>,
    /// The version that each version is now, where it came over.
    places: BTreeMap<SubjectVersion, i32>,
    /// Versions that are to be deleted when all is there that refers to them.
    deletions: Vec<SubjectVersion>,
    report: Report,
}

/// Why one version did not come over, or the import as a whole cannot go on.
enum Stop {
    Problem(String),
    Failed(Failure),
}

impl Stop {
    fn of(refusal: Refusal, what: &str) -> Stop {
        match refusal.about(what) {
            Failure::Failed(problem) => Stop::Problem(problem),
            failure => Stop::Failed(failure),
        }
    }
}

impl Import<'_> {
    fn look_at_versions(&mut self) {
        for (subject, version) in in_order(self.source) {
            let stored = &self.source.subjects[subject].versions[&version];
            match self.there(subject, version) {
                Some(there) if same(there, stored) => self.report.unchanged += 1,
                // Without that mode numbers mean nothing, and it comes as another version.
                Some(there) if self.has_modes => {
                    self.report.problems.push(conflict(subject, version, there.id))
                }
                _ => self.report.registered += 1,
            }
        }
    }

    fn there(&self, subject: &str, version: i32) -> Option<&Stored> {
        self.target.subjects.get(subject)?.versions.get(&version)
    }

    /// Whether anything is in mode IMPORT.
    fn has_begun(&self) -> bool {
        self.is_open || !self.importing.is_empty()
    }

    fn all(&mut self) -> Result<(), Failure> {
        self.open_all()?;
        self.versions()?;
        self.delete_versions()?;
        self.settings()
    }

    /// Puts a registry without schemas into mode IMPORT, if it gets its own mode at the end.
    fn open_all(&mut self) -> Result<(), Failure> {
        let gets_a_mode = self.has_modes && self.source.mode.is_some();
        if !gets_a_mode || self.source.count() == 0 {
            return Ok(());
        }
        self.is_open = match self.target.count() {
            0 => match self.registry.set_mode(None, IMPORT, false) {
                Ok(_) => true,
                // Then each subject is tried.
                Err(Refusal::Answered { .. }) => false,
                Err(Refusal::Failed(failure)) => return Err(failure),
            },
            // So it is left if it was interrupted.
            _ => self.target.mode.as_deref() == Some(IMPORT),
        };
        Ok(())
    }

    fn versions(&mut self) -> Result<(), Failure> {
        for (subject, version) in in_order(self.source) {
            let key = SubjectVersion { subject: subject.to_owned(), version };
            let stored = &self.source.subjects[subject].versions[&version];
            if self.must_wait(&key, stored) {
                self.send()?;
            }
            let done = self.version(&key, stored);
            self.take(done)?;
        }
        self.send()
    }

    /// Whether a version needs one that is to be sent, or there are enough of these.
    fn must_wait(&self, key: &SubjectVersion, stored: &Stored) -> bool {
        let needs = |subject: &str| self.batch.iter().any(|(sent, _)| sent.subject == subject);
        let references = stored.schema.references.iter();
        let mut targets = references.map(|target| in_context_of(&key.subject, &target.subject));
        self.batch.len() >= BATCH_MAX || needs(&key.subject) || targets.any(|target| needs(&target))
    }

    /// Registers the versions that wait for it, several at a time: none of them needs another one.
    fn send(&mut self) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batch);
        let registry = self.registry;
        let register = |(key, stored): &(SubjectVersion, Stored)| {
            let place = Place { id: Some(stored.id), version: Some(key.version) };
            Ok(registry.register(&key.subject, &stored.schema, false, place))
        };
        let answers = for_each(&batch, register).map_err(|refusal| refusal.about("the import"))?;
        for ((key, stored), answer) in batch.iter().zip(answers) {
            let done = self.registered(key, stored, answer);
            self.take(done)?;
        }
        Ok(())
    }

    fn registered(
        &mut self,
        key: &SubjectVersion,
        stored: &Stored,
        answer: Result<Registered, Refusal>,
    ) -> Result<(), Stop> {
        let what = label(&key.subject, key.version);
        let registered = answer.map_err(|refusal| Stop::of(refusal, &what))?;
        self.report.registered += 1;
        let version = registered.version.unwrap_or(key.version);
        self.report.place(key, stored.id, version, registered.id);
        self.places.insert(key.clone(), version);
        match stored.deleted {
            true => self.delete_in_time(key, stored),
            false => Ok(()),
        }
    }

    /// A version that did not come over is a problem, and the others go on.
    fn take(&mut self, done: Result<(), Stop>) -> Result<(), Failure> {
        match done {
            Ok(()) => Ok(()),
            Err(Stop::Problem(problem)) => {
                self.report.problems.push(problem);
                Ok(())
            }
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    fn version(&mut self, key: &SubjectVersion, stored: &Stored) -> Result<(), Stop> {
        let there = self.there(&key.subject, key.version).cloned();
        let is_there = there.as_ref().filter(|there| same(there, stored));
        // What is deleted there and not where it comes from is registered, which brings it back.
        if let Some(there) = is_there.filter(|there| stored.deleted || !there.deleted) {
            return self.is_there(key, stored, there.deleted);
        }
        match self.open(&key.subject)? {
            true => self.with_its_place(key, stored, there.as_ref()),
            false => self.with_any_place(key, stored),
        }
    }

    /// Notes that a version need not come.
    fn is_there(
        &mut self,
        key: &SubjectVersion,
        stored: &Stored,
        deleted: bool,
    ) -> Result<(), Stop> {
        self.report.unchanged += 1;
        self.places.insert(key.clone(), key.version);
        match stored.deleted && !deleted {
            true => self.delete_in_time(key, stored),
            false => Ok(()),
        }
    }

    /// Deletes a version in the end, since other versions may refer to it. But a registry takes no
    /// second version of a schema while there is one that is not deleted.
    fn delete_in_time(&mut self, key: &SubjectVersion, stored: &Stored) -> Result<(), Stop> {
        let versions = &self.source.subjects[&key.subject].versions;
        let mut later = versions.range(key.version + 1..);
        if later.any(|(_, later)| later.schema == stored.schema) {
            return self.delete(key);
        }
        self.deletions.push(key.clone());
        Ok(())
    }

    /// Puts a subject into mode IMPORT. False if the registry cannot, so that ids are its own choice.
    fn open(&mut self, subject: &str) -> Result<bool, Stop> {
        if self.report.not_kept.is_some() {
            return Ok(false);
        }
        let there = self.target.subjects.get(subject);
        let has_own_mode = there.is_some_and(|there| there.mode.is_some());
        let is_open = self.is_open && context_of(subject).is_none() && !has_own_mode;
        if is_open || self.importing.contains(subject) {
            return Ok(true);
        }
        // Forced, it leaves deleted versions alone that are there already.
        let force = there.is_some_and(|there| !there.versions.is_empty());
        let refused = match self.has_modes {
            false => Some("the registry has no modes".to_owned()),
            true => match self.registry.set_mode(Some(subject), IMPORT, force) {
                Ok(_) => None,
                Err(Refusal::Answered { code, message, .. }) => {
                    Some(format!("mode IMPORT was refused: {message} (error {code})"))
                }
                Err(Refusal::Failed(failure)) => return Err(Stop::Failed(failure)),
            },
        };
        match refused {
            None => {
                self.importing.insert(subject.to_owned());
                Ok(true)
            }
            Some(reason) if self.keep_ids || self.has_begun() => {
                let problem = format!("{subject} cannot keep its ids: {reason}");
                // Of one that was let in, others may be; of the first one, it is for all.
                Err(match self.has_begun() {
                    true => Stop::Problem(problem),
                    false => Stop::Failed(Failure::Failed(problem)),
                })
            }
            Some(reason) => {
                self.report.not_kept = Some(reason);
                Ok(false)
            }
        }
    }

    fn with_its_place(
        &mut self,
        key: &SubjectVersion,
        stored: &Stored,
        there: Option<&Stored>,
    ) -> Result<(), Stop> {
        if let Some(there) = there {
            // The registry may print the same schema in another way.
            let found = self.registry.lookup(&key.subject, &stored.schema, false, true);
            let is_same = matches!(&found, Ok(found) if found.version == key.version);
            if there.id != stored.id || !is_same {
                return Err(Stop::Problem(conflict(&key.subject, key.version, there.id)));
            }
            if stored.deleted || !there.deleted {
                return self.is_there(key, stored, there.deleted);
            }
        }
        self.batch.push((key.clone(), stored.clone()));
        Ok(())
    }

    fn with_any_place(&mut self, key: &SubjectVersion, stored: &Stored) -> Result<(), Stop> {
        let what = label(&key.subject, key.version);
        let of_subject = &self.source.subjects[&key.subject].versions;
        let mut live = of_subject.iter().filter(|(_, other)| !other.deleted);
        if stored.deleted
            && let Some((twin, _)) = live.find(|(_, other)| other.schema == stored.schema)
        {
            // It would be found under the number of the other one, and nothing tells them apart.
            let note = format!("{what} is left out: it is deleted, and version {twin} is the same");
            self.report.notes.push(note);
            return Ok(());
        }
        let schema = self.with_moved_references(key, &stored.schema);
        let found = match self.registry.lookup(&key.subject, &schema, false, stored.deleted) {
            Ok(found) => {
                self.report.unchanged += 1;
                found
            }
            Err(refusal) if refusal.is_not_found() => {
                self.register(&key.subject, &schema).map_err(|refusal| Stop::of(refusal, &what))?;
                self.report.registered += 1;
                let found = self.registry.lookup(&key.subject, &schema, false, false);
                found.map_err(|refusal| Stop::of(refusal, &what))?
            }
            Err(refusal) => return Err(Stop::of(refusal, &what)),
        };
        let is_deleted = self.there(&key.subject, found.version).is_some_and(|there| there.deleted);
        if stored.deleted && !is_deleted {
            let (subject, version) = (key.subject.clone(), found.version);
            self.deletions.push(SubjectVersion { subject, version });
        }
        self.report.place(key, stored.id, found.version, found.id);
        self.places.insert(key.clone(), found.version);
        Ok(())
    }

    /// A schema that refers to the versions that the others are now.
    fn with_moved_references(&self, key: &SubjectVersion, schema: &Schema) -> Schema {
        let moved = |reference: &SchemaReference| {
            let subject = in_context_of(&key.subject, &reference.subject);
            let was = SubjectVersion { subject, version: reference.version };
            let version = self.places.get(&was).copied().unwrap_or(reference.version);
            SchemaReference { version, ..reference.clone() }
        };
        Schema { references: schema.references.iter().map(moved).collect(), ..schema.clone() }
    }

    /// Registers for a registry that checks what comes: what was once accepted is accepted again.
    fn register(&mut self, subject: &str, schema: &Schema) -> Result<(), Refusal> {
        let registered = self.registry.register(subject, schema, false, Place::default());
        let Err(refusal) = registered else { return Ok(()) };
        let incompatible = refusal.has_code(INCOMPATIBLE) || refusal.has_code(INCOMPATIBLE_SCHEMA);
        if !incompatible || !self.opened.insert(subject.to_owned()) {
            return Err(refusal);
        }
        let none = Map::from_iter([("compatibility".to_owned(), "NONE".into())]);
        self.registry.set_config(Some(subject), none)?;
        self.registry.register(subject, schema, false, Place::default()).map(drop)
    }

    /// Deletes what is left to be deleted, backwards, since a registry does not delete what others refer
    /// to.
    fn delete_versions(&mut self) -> Result<(), Failure> {
        while let Some(key) = self.deletions.pop() {
            let done = self.delete(&key);
            self.take(done)?;
        }
        Ok(())
    }

    fn delete(&mut self, key: &SubjectVersion) -> Result<(), Stop> {
        let version = VersionSpec::Number(key.version);
        let done = self.registry.delete_version(&key.subject, version, false);
        done.map_err(|refusal| Stop::of(refusal, &label(&key.subject, key.version)))?;
        self.report.deleted += 1;
        Ok(())
    }
}

/// Whether a version is there as it was exported, but for whether it is deleted.
fn same(there: &Stored, exported: &Stored) -> bool {
    let (a, b) = (&there.schema, &exported.schema);
    there.id == exported.id
        && (&a.kind, &a.references, &a.metadata, &a.rule_set)
            == (&b.kind, &b.references, &b.metadata, &b.rule_set)
        && (a.text == b.text || pretty(&a.text) == pretty(&b.text))
}

fn conflict(subject: &str, version: i32, id: i32) -> String {
    format!("{} is another schema there, with id {id}", label(subject, version))
}
