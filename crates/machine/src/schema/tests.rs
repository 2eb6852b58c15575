//! The registry, command by command, as a shard runs it.

mod foreign;

use super::*;
use crate::machine::{Machine, Now, ReplyTo};
use std::sync::Arc;
use tidegate_schema::SchemaType;

/// A registry with its log.
pub(super) struct Log {
    pub(super) machine: SchemaMachine,
    pub(super) records: Vec<(bytes::Bytes, Option<bytes::Bytes>)>,
    times: Vec<i64>,
}

impl Log {
    pub(super) fn new() -> Self {
        Log {
            machine: SchemaMachine::new(Settings::default()),
            records: Vec::new(),
            times: Vec::new(),
        }
    }

    pub(super) fn registry(&self) -> &Registry {
        self.machine.registry()
    }

    pub(super) fn submit(&mut self, command: Command) -> Reply {
        let now = Now { steady_ms: 0, wall_ms: 1_000 + self.records.len() as i64 };
        let mut outcome = self.machine.step(now, ReplyTo(7), command);
        for record in &outcome.records {
            self.append(now.wall_ms, record);
        }
        let Some((ReplyTo(7), reply)) = outcome.replies.pop() else { panic!("no reply") };
        reply
    }

    /// Replays a record through its bytes.
    pub(super) fn append(&mut self, at: i64, record: &Record) {
        let (key, value) = record.encode();
        let decoded = Record::decode(Some(&key), value.as_deref()).expect("it was just encoded");
        assert_eq!(decoded, *record, "records survive their encoding");
        self.machine.replaying(self.records.len() as i64, at);
        self.machine.replay(Now { steady_ms: 0, wall_ms: at }, &decoded);
        self.records.push((key, value));
        self.times.push(at);
    }

    pub(super) fn restarted(&self) -> Self {
        let mut other = Log::new();
        for ((key, value), at) in self.records.iter().zip(&self.times) {
            let record = Record::decode(Some(key), value.as_deref()).expect("it is a record");
            other.append(*at, &record);
        }
        other
    }

    fn register(&mut self, of: &str, text: &str) -> (i32, i32) {
        self.register_entity(of, entity(text)).expect("it is registered")
    }

    fn register_entity(&mut self, of: &str, entity: SchemaEntity) -> Result<(i32, i32), Refusal> {
        let register =
            Register { subject: subject(of), entity, id: None, version: None, checked: None };
        self.submit_register(register)
    }

    fn import(
        &mut self,
        of: &str,
        text: &str,
        id: i32,
        version: i32,
    ) -> Result<(i32, i32), Refusal> {
        let (id, version) = (Some(id), Some(version));
        let (subject, entity) = (subject(of), entity(text));
        self.submit_register(Register { subject, entity, id, version, checked: None })
    }

    fn submit_register(&mut self, register: Register) -> Result<(i32, i32), Refusal> {
        match self.submit(Command::Register(Box::new(register)))? {
            Done::Registered(registered) => Ok((registered.version.id, registered.version.version)),
            other => panic!("not a registration: {other:?}"),
        }
    }

    fn delete(&mut self, of: &str, version: i32, permanent: bool) -> Result<(), Refusal> {
        let (subject, version) = (subject(of), Some(version));
        self.submit(Command::DeleteVersion { subject, version, permanent }).map(|_| ())
    }

    fn delete_subject(&mut self, of: &str, permanent: bool) -> Result<Vec<i32>, Refusal> {
        match self.submit(Command::DeleteSubject { subject: subject(of), permanent })? {
            Done::DeletedSubject(deleted) => Ok(deleted.versions),
            other => panic!("not a deletion: {other:?}"),
        }
    }

    fn mode(&mut self, scope: &str, mode: Mode, force: bool) -> Result<(), Refusal> {
        let put = PutMode { scope: subject(scope), mode: Some(mode), force };
        self.submit(Command::PutMode(put)).map(|_| ())
    }

    fn level(&mut self, scope: &str, level: CompatibilityLevel) -> Result<(), Refusal> {
        let update = ConfigUpdate { compatibility_level: Some(Some(level)), ..Default::default() };
        let put = PutConfig { scope: subject(scope), update };
        self.submit(Command::PutConfig(Box::new(put))).map(|_| ())
    }

    fn last_keys(&self, count: usize) -> Vec<&str> {
        let last = &self.records[self.records.len() - count..];
        last.iter().map(|(key, _)| std::str::from_utf8(key).unwrap()).collect()
    }
}

pub(super) fn subject(text: &str) -> QualifiedSubject {
    QualifiedSubject::parse(text)
}

pub(super) fn entity(text: &str) -> SchemaEntity {
    SchemaEntity::of_text(SchemaType::Avro, text)
}

fn refers(text: &str, to: &str, version: i32) -> SchemaEntity {
    let reference = SchemaReference { name: "r".to_owned(), subject: to.to_owned(), version };
    SchemaEntity { references: vec![reference].into(), ..entity(text) }
}

#[test]
fn a_schema_has_one_id_in_a_context_and_another_in_the_next() {
    let mut log = Log::new();
    assert_eq!(log.register("a", "1"), (1, 1));
    assert_eq!(log.register("b", "1"), (1, 1));
    assert_eq!(log.register("a", "2"), (2, 2));
    assert_eq!(log.register(":.c:a", "2"), (1, 1));
    assert_eq!(log.register("a", "1"), (1, 1), "known: no new version");
    assert_eq!(log.records.len(), 5, "one of them is the context");
    let registry = log.registry();
    assert_eq!((registry.max_id(&subject("")), registry.max_id(&subject(":.c:"))), (2, 1));
    assert_eq!(registry.contexts(), [".", ".c"]);
    assert_eq!(
        registry.versions_of_id(1, &subject(""), Include::Live).unwrap(),
        [(subject("a"), 1), (subject("b"), 1)]
    );
    let (one, other) = (registry.version(&subject("a"), 1), registry.version(&subject("b"), 1));
    assert!(Arc::ptr_eq(&one.unwrap().schema, &other.unwrap().schema));
    let guid = entity("2").guid();
    assert_eq!(registry.ids_of_guid(&guid), [(".".to_owned(), 2), (".c".to_owned(), 1)]);
    assert_eq!(registry.schema_by_guid(&guid).unwrap().entity, entity("2"));
    assert_eq!((registry.subject_count(), registry.version_count()), (3, 4));
}

#[test]
fn a_schema_of_an_empty_text_is_there_after_a_restart_and_its_id_is_not_given_again() {
    let mut log = Log::new();
    let empty = || SchemaEntity::of_text(SchemaType::Protobuf, "");
    assert_eq!(log.register_entity("s", empty()), Ok((1, 1)));
    let mut log = log.restarted();
    assert_eq!(log.register_entity("s", empty()), Ok((1, 1)));
    assert_eq!(log.register("s", "1"), (2, 2));
}

#[test]
fn texts_are_held_once_whatever_else_a_schema_has() {
    let mut log = Log::new();
    log.register("r", "0");
    for (index, entity) in [entity("1"), refers("1", "r", 1), entity("1")].into_iter().enumerate() {
        log.register_entity(&format!("s{index}"), entity).unwrap();
    }
    log.register_entity(":.c:r", entity("0")).unwrap();
    log.register_entity(":.c:s", refers("1", "r", 1)).unwrap();
    let text = |of: &str| log.registry().latest(&subject(of)).unwrap().schema.entity.text.clone();
    for of in ["s1", "s2", ":.c:s"] {
        assert!(Arc::ptr_eq(&text("s0"), &text(of)), "{of}");
    }
}

#[test]
fn the_id_of_a_deleted_schema_comes_back_with_it_and_its_old_version_goes() {
    let mut log = Log::new();
    log.register("s", "1");
    log.register("s", "2");
    log.delete("s", 1, false).unwrap();
    assert_eq!(log.register("s", "1"), (1, 3));
    let versions: Vec<i32> =
        log.registry().versions(&subject("s")).iter().map(|held| held.version).collect();
    assert_eq!(versions, [2, 3]);
    assert_eq!(
        log.last_keys(2),
        [
            r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#,
            r#"{"keytype":"SCHEMA","subject":"s","version":3,"magic":1}"#
        ]
    );
}

#[test]
fn versions_are_deleted_softly_first_and_their_number_is_not_given_again() {
    let mut log = Log::new();
    log.register("s", "1");
    log.register("s", "2");
    let not_found = Refusal::SubjectNotFound(subject("x"));
    assert_eq!(log.delete("x", 1, false), Err(not_found.clone()));
    assert_eq!(log.delete_subject("x", true), Err(not_found));
    assert_eq!(log.delete("s", 3, false), Err(Refusal::VersionNotFound(3)));
    let (of, version) = (subject("s"), 2);
    let not_yet = Refusal::VersionNotSoftDeleted { subject: of.clone(), version };
    assert_eq!(log.delete("s", 2, true), Err(not_yet));
    let latest = Command::DeleteVersion { subject: of.clone(), version: None, permanent: false };
    assert_eq!(log.submit(latest), Ok(Done::Deleted(Deleted { version: 2 })));
    let already = Refusal::VersionSoftDeleted { subject: of.clone(), version };
    assert_eq!(log.delete("s", 2, false), Err(already));
    assert_eq!(log.registry().latest(&of).unwrap().version, 1);
    assert!(log.registry().lookup(&of, &entity("2"), Include::Live).is_none());
    assert!(log.registry().lookup(&of, &entity("2"), Include::All).is_some());
    assert!(log.registry().by_id(2, &subject("")).is_some(), "consumers still need it");
    assert_eq!(log.register("s", "3"), (3, 3));
    log.delete("s", 2, true).unwrap();
    assert!(log.registry().by_id(2, &subject("")).is_none());
    assert!(log.registry().schema_by_guid(&entity("2").guid()).is_none());
    assert_eq!(log.register("s", "2"), (4, 4), "what is gone is new again");
}

#[test]
fn a_subject_is_deleted_softly_then_for_good_and_takes_config_and_mode_along() {
    let mut log = Log::new();
    log.register("s", "1");
    log.register("s", "2");
    log.level("s", CompatibilityLevel::Full).unwrap();
    assert_eq!(log.delete_subject("s", true), Err(Refusal::SubjectNotSoftDeleted(subject("s"))));
    assert_eq!(log.delete_subject("s", false), Ok(vec![1, 2]));
    assert_eq!(log.delete_subject("s", false), Err(Refusal::SubjectSoftDeleted(subject("s"))));
    assert!(log.registry().config(&subject("s")).is_some(), "as 8.x: only with the last version");
    assert_eq!(log.registry().subjects(":*:", Include::Live), []);
    assert_eq!(log.registry().subjects(":*:", Include::DeletedOnly), [subject("s")]);
    log.mode("s", Mode::ReadWrite, false).unwrap();
    assert_eq!(log.delete_subject("s", true), Ok(vec![1, 2]));
    assert!(log.registry().config(&subject("s")).is_none());
    assert!(log.registry().mode(&subject("s")).is_none());
    assert_eq!(log.registry().subjects(":*:", Include::All), []);
    assert_eq!(log.register("s", "1"), (3, 1));
}

#[test]
fn a_subject_of_many_versions_is_deleted_at_once() {
    let mut log = Log::new();
    let count = 3_000;
    for version in 1..=count {
        let entity = entity(&version.to_string());
        let value = SchemaValue { id: version, deleted: false, entity, md5: None };
        log.append(0, &Record::Schema { subject: subject("s"), version, value: Some(value) });
    }
    let all: Vec<i32> = (1..=count).collect();
    assert_eq!(log.delete_subject("s", false).as_ref(), Ok(&all));
    assert_eq!(log.records.len(), all.len() + 1, "one record");
    assert_eq!(log.delete_subject("s", true), Ok(all));
    assert!(log.registry().subjects(":*:", Include::All).is_empty());
}

#[test]
fn what_is_referred_to_is_not_deleted() {
    let mut log = Log::new();
    log.register("r", "1");
    let missing = Refusal::ReferenceNotFound { subject: subject("r"), version: 2 };
    assert_eq!(log.register_entity("s", refers("2", "r", 2)), Err(missing));
    log.register_entity("s", refers("2", "r", 1)).unwrap();
    log.register_entity("t", refers("2", "r", 1)).unwrap();
    assert_eq!(log.registry().referenced_by(&subject("r"), 1), [2]);
    let exists = Refusal::ReferenceExists { subject: subject("r"), version: 1 };
    assert_eq!(log.delete("r", 1, false), Err(exists.clone()));
    assert_eq!(log.delete_subject("r", false), Err(exists.clone()));
    log.delete("s", 1, false).unwrap();
    assert_eq!(log.delete("r", 1, false), Err(exists), "the other subject still refers to it");
    log.delete_subject("t", false).unwrap();
    assert!(log.registry().referenced_by(&subject("r"), 1).is_empty());
    log.delete("r", 1, false).unwrap();
    let message = Refusal::ReferenceExists { subject: subject("r"), version: 1 }.to_string();
    assert_eq!(
        message,
        "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=r,version=1}."
    );
}

#[test]
fn references_stay_in_the_context_unless_they_name_one() {
    let mut log = Log::new();
    log.register("r", "1");
    log.register(":.c:r", "1");
    log.register_entity(":.c:s", refers("2", "r", 1)).unwrap();
    assert!(log.registry().referenced_by(&subject("r"), 1).is_empty());
    assert_eq!(log.registry().referenced_by(&subject(":.c:r"), 1), [2]);
    log.register_entity("s", refers("3", ":.c:r", 1)).unwrap();
    assert_eq!(log.registry().referenced_by(&subject(":.c:r"), 1), [2]);
}

#[test]
fn modes_say_what_may_be_registered() {
    let mut log = Log::new();
    log.register("s", "1");
    let of = || subject("s");
    assert_eq!(log.import("s", "2", 9, 2), Err(Refusal::NotInImportMode { subject: of() }));
    log.mode("s", Mode::ReadOnly, false).unwrap();
    let read_only = Refusal::ReadOnly { subject: of() };
    assert_eq!(log.register_entity("s", entity("2")), Err(read_only.clone()));
    assert_eq!(log.register("s", "1"), (1, 1), "what is known is told in every mode");
    assert_eq!(log.delete("s", 1, false), Err(read_only.clone()));
    assert_eq!(log.delete_subject("s", false), Err(read_only.clone()));
    assert_eq!(log.level("s", CompatibilityLevel::None), Err(read_only.clone()));
    assert_eq!(log.mode("s", Mode::Import, false), Err(Refusal::ImportOverSubjects));
    log.mode("s", Mode::Import, true).unwrap();
    let not_read_write = Refusal::NotInReadWriteMode { subject: of() };
    assert_eq!(log.register_entity("s", entity("2")), Err(not_read_write));
    assert_eq!(log.import("s", "2", 9, 5), Ok((9, 5)));
    assert_eq!(log.import("s", "2", 9, 5), Ok((9, 5)), "again: nothing new");
    let in_use = Refusal::IdInUse { id: 9, context: subject("") };
    assert_eq!(log.import("s", "3", 9, 6), Err(in_use));
    assert_eq!(log.import("s", "2", 12, 6), Ok((12, 6)), "a second id for the same text");
    log.mode("", Mode::ReadonlyOverride, false).unwrap();
    assert_eq!(log.registry().mode_in_scope(&of()), Mode::ReadonlyOverride);
    assert_eq!(log.registry().mode(&of()), Some(Mode::ReadonlyOverride));
    log.mode("", Mode::ReadWrite, false).unwrap();
    log.mode("s", Mode::ReadWrite, false).unwrap();
    assert_eq!(log.register("s", "4"), (13, 7));
    let message = read_only.to_string();
    assert_eq!(message, "Subject s in context  is in read-only mode", "as Confluent words it");
}

#[test]
fn import_begins_with_an_empty_subject_and_clears_what_was_deleted() {
    let mut log = Log::new();
    log.register("s", "1");
    log.register("t", "2");
    log.delete_subject("s", false).unwrap();
    log.mode("s", Mode::Import, false).unwrap();
    assert!(log.registry().versions(&subject("s")).is_empty());
    assert_eq!(log.last_keys(2)[0], r#"{"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}"#);
    assert_eq!(log.import("s", "7", 40, 3), Ok((40, 3)));
    assert_eq!(log.mode("", Mode::Import, false), Err(Refusal::ImportOverSubjects));
    assert_eq!(
        log.import("t", "8", 41, 2),
        Err(Refusal::NotInImportMode { subject: subject("t") })
    );
    let gone = Command::DeleteMode { scope: subject("s"), recursive: false };
    assert_eq!(log.submit(gone.clone()), Ok(Done::Mode(Some(Mode::Import))));
    assert_eq!(log.submit(gone), Err(Refusal::ModeNotFound(subject("s"))));
}

#[test]
fn configs_are_found_by_subject_then_context_then_the_global_context() {
    let mut log = Log::new();
    let level = |log: &Log, of: &str| {
        log.registry().config_in_scope(&subject(of)).compatibility_level.unwrap()
    };
    assert_eq!(level(&log, "s"), CompatibilityLevel::Backward);
    log.level(":.__GLOBAL:", CompatibilityLevel::Forward).unwrap();
    log.level("", CompatibilityLevel::None).unwrap();
    assert_eq!(
        (level(&log, "s"), level(&log, ":.c:s")),
        (CompatibilityLevel::None, CompatibilityLevel::Forward)
    );
    log.level(":.c:", CompatibilityLevel::Full).unwrap();
    assert_eq!(level(&log, ":.c:s"), CompatibilityLevel::Full);
    let update = ConfigUpdate {
        normalize: Some(Some(true)),
        alias: Some(Some("t".to_owned())),
        ..Default::default()
    };
    let put = PutConfig { scope: subject(":.c:s"), update };
    log.submit(Command::PutConfig(Box::new(put))).unwrap();
    let config = log.registry().config_in_scope(&subject(":.c:s"));
    assert_eq!(
        (config.normalize, config.compatibility_level),
        (Some(true), Some(CompatibilityLevel::Full))
    );
    assert_eq!(log.registry().resolve_alias(&subject(":.c:s")), subject(":.c:t"));
    assert_eq!(log.registry().aliases(), [(subject(":.c:s"), subject(":.c:t"))]);
    let update = ConfigUpdate { alias: Some(None), ..Default::default() };
    let put = PutConfig { scope: subject(":.c:s"), update };
    log.submit(Command::PutConfig(Box::new(put))).unwrap();
    assert_eq!(log.registry().config(&subject(":.c:s")).unwrap().normalize, Some(true));
    assert_eq!(log.registry().aliases(), []);
    let delete = |scope: &str| Command::DeleteConfig { scope: subject(scope) };
    assert!(log.submit(delete(":.c:s")).is_ok());
    assert_eq!(log.submit(delete("x")), Err(Refusal::ConfigNotFound(subject("x"))));
    assert!(log.submit(delete("")).is_ok());
    assert_eq!(level(&log, "s"), CompatibilityLevel::Forward);
}

#[test]
fn a_revision_ends_with_any_change_that_matters() {
    let mut log = Log::new();
    log.register("s", "1");
    let mut last = log.registry().revision(&subject("s"));
    let mut is_stale = |log: &Log| {
        let now = log.registry().revision(&subject("s"));
        std::mem::replace(&mut last, now) != now
    };
    log.register("t", "2");
    assert!(!is_stale(&log), "another subject");
    log.register("s", "2");
    assert!(is_stale(&log), "a version");
    log.level("", CompatibilityLevel::Full).unwrap();
    assert!(is_stale(&log), "the global config");
    log.level("s", CompatibilityLevel::Full).unwrap();
    assert!(is_stale(&log), "the subject's config");
    log.submit(Command::DeleteConfig { scope: subject("s") }).unwrap();
    assert!(is_stale(&log), "its end");
    log.mode("", Mode::ReadOnly, false).unwrap();
    assert!(is_stale(&log), "the mode");
    log.mode("", Mode::ReadWrite, false).unwrap();
    assert!(is_stale(&log), "the mode again");
    log.delete_subject("s", false).unwrap();
    assert!(is_stale(&log), "the subject's deletion");
    log.delete_subject("s", true).unwrap();
    assert!(is_stale(&log), "its end");
    log.register("s", "1");
    assert!(is_stale(&log), "its return");
}

#[test]
fn ids_are_looked_for_as_confluent_does_with_a_subject() {
    let mut log = Log::new();
    log.register("a", "1");
    log.register(":.c:a", "0");
    log.register(":.c:b", "1");
    let found =
        |id, of: &str| log.registry().by_id(id, &subject(of)).map(|held| held.subject.to_string());
    assert_eq!(found(1, "").as_deref(), Some("a"));
    assert_eq!(found(2, ""), None, "the default context has no such id");
    assert_eq!(found(2, ":.c:").as_deref(), Some(":.c:b"));
    assert_eq!(found(2, "b").as_deref(), Some(":.c:b"), "the name in another context");
    assert_eq!(found(1, "zzz").as_deref(), Some("a"), "any of the context");
    assert_eq!(found(1, ":.c:zzz"), None, "a context that is named is not left");
    assert_eq!(
        log.registry().subject_in_contexts(&subject("b"), Include::Live),
        Some(subject(":.c:b"))
    );
    assert_eq!(log.registry().subject_in_contexts(&subject("zzz"), Include::Live), None);
}

#[test]
fn what_is_found_in_a_subject_rests_on_its_last_change() {
    let mut log = Log::new();
    log.register("s", "1");
    log.register("s", "2");
    log.register(":.c:t", "1");
    let end = |log: &Log| Some(log.records.len() as i64 - 1);
    let seen = |log: &Log, asked: &str, of: &str| {
        let found = log.registry().version(&subject(of), 1).unwrap();
        log.registry().seen_offset(&subject(asked), found)
    };
    assert_eq!(seen(&log, "s", "s"), Some(1));
    assert_eq!(seen(&log, "", "s"), Some(0), "an id rests on a version that has it");
    assert_eq!(seen(&log, "t", ":.c:t"), None, "what is found elsewhere rests on everything");
    log.delete("s", 2, false).unwrap();
    assert_eq!(seen(&log, "s", "s"), end(&log), "now the first is the latest");
    log.delete("s", 2, true).unwrap();
    assert_eq!(seen(&log, "s", "s"), end(&log));
    log.register("s", "3");
    assert_eq!(seen(&log, "s", "s"), end(&log));
    log.delete_subject("s", false).unwrap();
    assert_eq!(seen(&log, "s", "s"), end(&log));
    log.register("s", "4");
    log.append(9, &Record::ClearSubject { scope: subject(":.d:"), cleared: true });
    assert_eq!(seen(&log, "s", "s"), Some(log.records.len() as i64 - 2));
    log.append(9, &Record::ClearSubject { scope: subject("s"), cleared: true });
    let latest = log.registry().latest(&subject("s")).unwrap();
    assert_eq!(log.registry().seen_offset(&subject("s"), latest), end(&log));
}

#[test]
fn lists_go_by_confluents_prefixes() {
    let mut log = Log::new();
    for of in ["ab", "b", ":.c:ab", ":.d:b", ":.cc:b"] {
        log.register(of, "1");
    }
    log.delete_subject("b", false).unwrap();
    let list = |prefix: &str, include| {
        let subjects = log.registry().subjects(prefix, include);
        subjects.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(list(":*:", Include::Live), [":.c:ab", ":.cc:b", ":.d:b", "ab"]);
    assert_eq!(list("", Include::All), ["ab", "b"]);
    assert_eq!(list("a", Include::All), ["ab"]);
    assert_eq!(list(":*:b", Include::All), [":.cc:b", ":.d:b", "b"]);
    assert_eq!(list(":.c:", Include::Live), [":.c:ab"]);
    assert_eq!(list(":.c", Include::Live), [":.c:ab", ":.cc:b"]);
    assert_eq!(list(":.c:b", Include::Live), Vec::<String>::new());
    assert_eq!(list(":*:", Include::DeletedOnly), ["b"]);
    let latest = log.registry().versions_with_prefix(":*:", Include::All, true);
    assert_eq!(latest.len(), 5);
}

#[test]
fn a_context_goes_when_it_is_empty() {
    let mut log = Log::new();
    log.register(":.c:s", "1");
    let delete = || Command::DeleteContext { context: subject(":.c:") };
    assert_eq!(log.submit(delete()), Err(Refusal::ContextNotEmpty(subject(":.c:"))));
    log.delete_subject(":.c:s", false).unwrap();
    assert_eq!(log.submit(delete()), Err(Refusal::ContextNotEmpty(subject(":.c:"))));
    log.delete_subject(":.c:s", true).unwrap();
    assert_eq!(log.submit(delete()), Ok(Done::Done));
    assert_eq!(log.registry().contexts(), ["."]);
    assert_eq!(log.register(":.c:s", "2"), (2, 1), "ids are not given again");
    assert_eq!(log.registry().contexts(), [".", ".c"]);
}

#[test]
fn versions_that_are_asked_for_are_the_next_ones() {
    let mut log = Log::new();
    log.register("s", "1");
    log.register("s", "2");
    let mut with = |text: &str, version| {
        let (subject, entity) = (subject("s"), entity(text));
        let version = Some(version);
        log.submit_register(Register { subject, entity, id: None, version, checked: None })
    };
    assert_eq!(with("3", 4), Err(Refusal::VersionNotNext));
    assert_eq!(with("3", 3), Ok((3, 3)));
    assert_eq!(with("3", -1), Ok((3, 3)), "the latest has it");
    assert_eq!(with("1", -1), Ok((1, 4)), "an older one has it");
    assert_eq!(with("1", 0), Ok((1, 4)));
}

#[test]
fn a_schema_beyond_the_limit_is_too_large() {
    let settings = Settings { record_bytes_max: 1_000, ..Settings::default() };
    let mut log = Log { machine: SchemaMachine::new(settings), ..Log::new() };
    let text = |len| entity(&"x".repeat(len));
    assert!(log.register_entity("s", text(700)).is_ok());
    assert_eq!(log.register_entity("s", text(900)), Err(Refusal::TooLarge));
    let escaped = entity(&"\u{1}".repeat(170));
    assert_eq!(log.register_entity("s", escaped), Err(Refusal::TooLarge));
}
