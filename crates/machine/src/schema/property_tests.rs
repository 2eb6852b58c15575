//! Whatever is asked in whatever order, the state is what its records say, and its indexes agree.

use super::registry::Context;
use super::tests::{Log, entity, subject};
use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const SUBJECTS: [&str; 5] = ["a", "b", ":.c:a", ":.c:b", ":.d:a"];
const SCOPES: [&str; 5] = ["a", ":.c:a", "", ":.c:", ":.__GLOBAL:"];

fn any_entity() -> impl Strategy<Value = SchemaEntity> {
    let metadata = prop::option::of(Just(Box::<Metadata>::default()));
    let reference = prop::option::of((prop::sample::select(&SUBJECTS[..]), 1..4));
    let texts = prop::sample::select(&["", "1", "2", "3", "4"][..]);
    (texts, metadata, reference).prop_map(|(text, metadata, reference)| SchemaEntity {
        metadata,
        references: reference
            .map(|(subject, version)| SchemaReference {
                name: "r".to_owned(),
                subject: subject.to_owned(),
                version,
            })
            .into_iter()
            .collect(),
        ..entity(text)
    })
}

fn any_register() -> impl Strategy<Value = Command> {
    let id = prop::option::weighted(0.2, 1..30);
    let version = prop::option::weighted(0.2, -1..6);
    (prop::sample::select(&SUBJECTS[..]), any_entity(), id, version).prop_map(
        |(of, entity, id, version)| {
            let subject = subject(of);
            Command::Register(Box::new(Register { subject, entity, id, version, checked: None }))
        },
    )
}

fn any_command() -> impl Strategy<Value = Command> {
    let subjects = || prop::sample::select(&SUBJECTS[..]).prop_map(subject);
    let scopes = || prop::sample::select(&SCOPES[..]).prop_map(subject);
    let mode = prop::sample::select(&Mode::ALL[..]);
    let level = prop::option::of(prop::sample::select(&CompatibilityLevel::ALL[..]));
    prop_oneof![
        12 => any_register(),
        4 => (subjects(), prop::option::of(1..5), any::<bool>()).prop_map(
            |(subject, version, permanent)| Command::DeleteVersion { subject, version, permanent }
        ),
        3 => (subjects(), any::<bool>())
            .prop_map(|(subject, permanent)| Command::DeleteSubject { subject, permanent }),
        1 => (scopes(), level).prop_map(|(scope, level)| {
            let update = ConfigUpdate { compatibility_level: Some(level), ..Default::default() };
            Command::PutConfig(Box::new(PutConfig { scope, update }))
        }),
        1 => scopes().prop_map(|scope| Command::DeleteConfig { scope }),
        2 => (scopes(), prop::option::weighted(0.7, mode), any::<bool>())
            .prop_map(|(scope, mode, force)| Command::PutMode(PutMode { scope, mode, force })),
        2 => (scopes(), any::<bool>())
            .prop_map(|(scope, recursive)| Command::DeleteMode { scope, recursive }),
        1 => scopes().prop_map(|context| Command::DeleteContext { context }),
    ]
}

/// Records as another registry may write them, without asking anybody.
fn any_foreign() -> impl Strategy<Value = Record> {
    let subjects = || prop::sample::select(&SUBJECTS[..]).prop_map(subject);
    let ids = prop_oneof![9 => 0..12, 1 => Just(i32::MAX)];
    let value = (ids, any_entity(), any::<bool>()).prop_map(|(id, entity, deleted)| SchemaValue {
        id,
        deleted,
        entity,
        md5: None,
    });
    let versions = prop_oneof![9 => 1..5, 1 => Just(i32::MAX)];
    prop_oneof![
        4 => (subjects(), versions, prop::option::weighted(0.8, value))
            .prop_map(|(subject, version, value)| Record::Schema { subject, version, value }),
        1 => (subjects(), 1..5)
            .prop_map(|(subject, version)| Record::DeleteSubject { subject, version: Some(version) }),
        1 => subjects().prop_map(|scope| Record::ClearSubject { scope, cleared: true }),
        1 => Just(Record::Noop),
    ]
}

/// The same under a key of Karapace's order.
fn any_foreign_key() -> impl Strategy<Value = Record> {
    any_foreign().prop_map(|record| match &record {
        Record::Schema { subject, version, .. } => {
            let key = format!(
                r#"{{"subject":"{subject}","version":{version},"magic":1,"keytype":"SCHEMA"}}"#
            );
            Record::Under { key: key.into(), record: Box::new(record) }
        }
        _ => record,
    })
}

/// All that can be seen of the state, and its indexes.
fn image(registry: &Registry) -> String {
    let context = |context: &Context| {
        let ids: BTreeMap<_, _> = context.ids.iter().collect();
        let (max, dense) = (context.max_id, context.dense_id);
        format!("{max} {dense} {ids:?} {:?} {:?}", context.guids, context.uses)
    };
    let contexts: Vec<_> =
        registry.contexts.iter().map(|(name, held)| format!("{name} {}", context(held))).collect();
    let scopes: BTreeMap<_, _> = registry.scopes.iter().collect();
    format!(
        "{:#?}\n{contexts:#?}\n{:?}\n{scopes:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{} {} {} {}",
        registry.subjects,
        registry.named_contexts,
        registry.referenced_by,
        registry.contradicted,
        registry.foreign_keys,
        registry.outlived,
        registry.live_subjects,
        registry.version_count,
        registry.skipped_records,
        registry.changes,
    )
}

/// The indexes say what the versions do.
fn check_indexes(registry: &Registry) {
    let all: Vec<_> = registry.subjects.values().flat_map(|subject| &subject.versions).collect();
    assert_eq!(registry.version_count, all.len());
    let live: BTreeSet<_> =
        all.iter().filter(|held| !held.deleted).map(|held| &held.subject).collect();
    assert_eq!(registry.live_subjects, live.len());
    let mut references: BTreeMap<_, BTreeMap<i32, u32>> = BTreeMap::new();
    for held in &all {
        let context = &registry.contexts[held.subject.context()];
        assert!(context.max_id >= held.id);
        assert!(context.ids.contains_key(&held.id));
        assert!(context.ids_of(&held.schema.guid).any(|id| id == held.id));
        assert_eq!(held.schema.guid, held.schema.entity.guid());
        let version = context.uses[&(held.id, held.subject.clone())];
        assert_eq!(registry.version(&held.subject, version).map(|held| held.id), Some(held.id));
        let found = registry.lookup(&held.subject, &held.schema.entity, Include::All);
        assert_eq!(found.map(|found| &found.schema), Some(&held.schema));
        for reference in held.schema.entity.references.iter().filter(|_| !held.deleted) {
            let to = (held.subject.reference(&reference.subject), reference.version);
            *references.entry(to).or_default().entry(held.id).or_default() += 1;
        }
    }
    assert_eq!(registry.referenced_by, references);
    let in_use: BTreeSet<_> =
        all.iter().map(|held| (held.subject.context().to_owned(), held.id)).collect();
    for (name, context) in &registry.contexts {
        for (id, (_, count)) in &context.ids {
            assert!(in_use.contains(&(name.to_string(), *id)), "{name} {id} is of no use");
            let with_id =
                all.iter().filter(|held| held.subject.context() == &**name && held.id == *id);
            assert_eq!(*count as usize, with_id.count());
        }
        assert!(context.next_id().is_some_and(|id| id >= 1 && !context.ids.contains_key(&id)));
        assert!(context.uses.keys().all(|(id, _)| context.ids.contains_key(id)));
    }
}

proptest! {
    #[test]
    fn live_state_is_what_its_records_say(commands in prop::collection::vec(any_command(), 0..60)) {
        let mut log = Log::new();
        for command in commands {
            let _ = log.submit(command);
            check_indexes(log.registry());
        }
        prop_assert_eq!(image(log.registry()), image(log.restarted().registry()));
    }

    #[test]
    fn records_of_others_in_between_leave_the_same_state_after_a_restart(
        steps in prop::collection::vec(prop_oneof![
            any_command().prop_map(Ok),
            any_foreign().prop_map(Err),
            any_foreign_key().prop_map(Err),
        ], 0..60),
    ) {
        let mut log = Log::new();
        for step in steps {
            match step {
                Ok(command) => drop(log.submit(command)),
                Err(record) => log.append(1_000 + log.records.len() as i64, &record),
            }
            check_indexes(log.registry());
        }
        prop_assert_eq!(image(log.registry()), image(log.restarted().registry()));
    }

    /// Without imports ids are 1, 2, 3 in every context, over any restarts.
    #[test]
    fn ids_are_dense_in_each_context(
        steps in prop::collection::vec(prop_oneof![
            8 => any_register().prop_map(Some),
            2 => any_command().prop_map(|command| match command {
                Command::PutMode(_) => None,
                other => Some(other),
            }),
        ], 0..60),
    ) {
        let mut log = Log::new();
        let mut given: BTreeMap<String, i32> = BTreeMap::new();
        for step in steps {
            let Some(command) = step else {
                log = log.restarted();
                continue;
            };
            if let Ok(Done::Registered(registered)) = log.submit(command)
                && registered.is_new
            {
                let version = &registered.version;
                let last = given.entry(version.subject.context().to_owned()).or_default();
                prop_assert!(version.id <= *last + 1, "{} after {last}", version.id);
                *last = (*last).max(version.id);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(key in ".{0,80}", value in prop::option::of(".{0,80}")) {
        let value = value.as_deref().map(str::as_bytes);
        let _ = Record::decode(Some(key.as_bytes()), value);
        let key = format!(r#"{{"keytype":"SCHEMA","subject":{key:?},"version":1}}"#);
        let _ = Record::decode(Some(key.as_bytes()), value);
    }

    #[test]
    fn any_text_is_a_subject_that_prints_as_it_reads(text in "(:[.*]?)?[a:.]{0,6}") {
        let parsed = QualifiedSubject::parse(&text);
        prop_assert_eq!(&QualifiedSubject::parse(parsed.as_str()), &parsed);
        prop_assert_eq!(QualifiedSubject::new(parsed.context(), parsed.name()), parsed);
    }
}
