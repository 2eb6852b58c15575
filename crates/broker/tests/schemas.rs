//! The schema registry over `_schemas`: restarts, many at once, and others who write to the topic.

use std::collections::BTreeSet;
use std::sync::Arc;
use tidegate_broker::config::KafkaSettings;
use tidegate_broker::{
    Broker, BrokerParts, Clock, CreateTopic, DeleteTopic, OffsetStorageKind, Schemas, SchemasError,
    SchemasSettings, Validation,
};
use tidegate_log::{MemoryStore, ReadRequest};
use tidegate_machine::group;
use tidegate_machine::schema::{
    CompatibilityLevel, ConfigUpdate, Include, Mode, PutMode, QualifiedSubject, Refusal, Register,
    Registered, SchemaEntity,
};
use tidegate_model::{BatchBuilder, BatchHeader, Batches, Record, Records};
use tidegate_schema::SchemaType;

/// A registry on a store of its own, that can be started again.
struct Gateway {
    store: Arc<MemoryStore>,
    broker: Arc<Broker>,
    schemas: Arc<Schemas>,
}

impl Gateway {
    async fn start() -> Self {
        Self::on(Arc::new(MemoryStore::new())).await
    }

    async fn on(store: Arc<MemoryStore>) -> Self {
        let broker = Broker::open(BrokerParts {
            store: store.clone(),
            settings: Arc::new(KafkaSettings::default()),
            offset_storage: OffsetStorageKind::Log,
            node_id: 1,
            clock: Clock::system(),
            validation: Validation::default(),
        })
        .await
        .expect("the store opens");
        let schemas = Schemas::open(broker.clone(), SchemasSettings::default()).await;
        Gateway { store, broker, schemas: schemas.expect("the registry opens") }
    }

    /// Another gateway over what this one has made durable.
    async fn restart(self) -> Self {
        Self::on(self.store).await
    }

    async fn register(&self, subject: &str, text: &str) -> Registered {
        self.schemas.register(register(subject, text)).await.expect("it is registered")
    }

    /// Appends a batch as any producer does.
    async fn produce(&self, records: &[(&str, Option<&str>)]) {
        let topic = self.broker.topics().by_name("_schemas").expect("the topic is there");
        let mut builder = BatchBuilder::new();
        for (key, value) in records {
            builder.push(&Record::new(5, Some(key.as_bytes()), value.map(str::as_bytes)));
        }
        let mut batch = builder.finish().expect("there are records");
        let header = BatchHeader::parse(&batch).expect("it is a batch");
        let appended = topic.partitions[0].append(header, &mut batch, 5, None);
        appended.expect("it is appended").commit.await.expect("it is durable");
    }

    async fn create_topic(&self, partitions: i32, policy: &str) {
        let wanted = CreateTopic {
            name: "_schemas".to_owned(),
            partitions,
            replication_factor: 1,
            assignments: Vec::new(),
            configs: vec![("cleanup.policy".to_owned(), Some(policy.to_owned()))],
        };
        self.broker.create_topic(wanted, false).await.expect("it is created");
    }

    /// A member joins a group, as registries do to elect their leader.
    async fn join(&self, group_id: &str, protocol_type: &str, metadata: &'static [u8]) {
        self.broker.ensure_groups().await.expect("there is a coordinator");
        let command = group::Command::JoinGroup(group::JoinGroup {
            group_id: group_id.to_owned(),
            member_id: String::new(),
            fresh_member_id: "sr-1".to_owned(),
            group_instance_id: None,
            require_known_member_id: false,
            supports_skipping_assignment: false,
            client_id: "sr".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 300_000,
            protocol_type: protocol_type.to_owned(),
            protocols: vec![("v0".to_owned(), bytes::Bytes::from_static(metadata))],
            reason: None,
        });
        self.broker.groups().submit(group_id, command).wait().await.expect("it joins");
    }

    /// All records of the topic: offset, key, value.
    async fn log(&self) -> Vec<(i64, String, Option<String>)> {
        let topic = self.broker.topics().by_name("_schemas").expect("the topic is there");
        let partition = &topic.partitions[0];
        let upper = partition.high_watermark();
        let request = ReadRequest { from: 0, upper, max_bytes: 1 << 20, at_least_one_batch: true };
        let read = partition.read(request).wait().await.expect("it is read");
        let bytes = read.to_bytes().expect("it is in memory");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("it is text");
        let mut log = Vec::new();
        for batch in Batches::new(&bytes) {
            let (at, header) = batch.expect("it is a batch");
            for record in Records::of_batch(&header, &bytes[at..at + header.len]) {
                let record = record.expect("it is a record");
                let offset = header.base_offset + i64::from(record.offset_delta);
                log.push((
                    offset,
                    text(record.key.expect("all have keys")),
                    record.value.map(text),
                ));
            }
        }
        log
    }

    async fn versions(&self, of: &str) -> Vec<i32> {
        let of = subject(of);
        let look = |registry: &tidegate_machine::schema::Registry| {
            registry.versions(&of).iter().map(|version| version.version).collect()
        };
        self.schemas.read(look).await.expect("it is read")
    }
}

fn subject(text: &str) -> QualifiedSubject {
    QualifiedSubject::parse(text)
}

fn register(of: &str, text: &str) -> Register {
    Register {
        subject: subject(of),
        entity: SchemaEntity::of_text(SchemaType::Avro, text),
        id: None,
        version: None,
        checked: None,
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, SchemasError>) -> Refusal {
    match result {
        Err(SchemasError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn the_topic_is_made_by_the_first_write_and_not_before() {
    let gateway = Gateway::start().await;
    assert!(gateway.versions("s").await.is_empty());
    let missing = gateway.schemas.delete_subject(subject("s"), false).await;
    assert_eq!(refusal(missing), Refusal::SubjectNotFound(subject("s")));
    assert!(gateway.broker.topics().by_name("_schemas").is_none());
    let registered = gateway.register("s", "\"int\"").await;
    assert_eq!((registered.version.id, registered.version.version), (1, 1));
    let topic = gateway.broker.topics().by_name("_schemas").expect("it is made");
    assert_eq!(topic.partitions.len(), 1);
    assert_eq!(topic.configs["cleanup.policy"], "compact");
}

#[tokio::test]
async fn records_in_the_topic_are_confluents_byte_by_byte() {
    let gateway = Gateway::start().await;
    gateway.register(":.c:s", "\"int\"").await;
    let scope = subject("s");
    let update = ConfigUpdate {
        compatibility_level: Some(Some(CompatibilityLevel::Full)),
        ..ConfigUpdate::default()
    };
    gateway.schemas.put_config(scope.clone(), update).await.expect("it is set");
    let put = PutMode { scope, mode: Some(Mode::ReadOnly), force: false };
    gateway.schemas.put_mode(put).await.expect("it is set");
    gateway.schemas.delete_subject(subject(":.c:s"), false).await.expect("it is deleted");
    let record =
        |offset: i64, key: &str, value: &str| (offset, key.to_owned(), Some(value.to_owned()));
    let expected = [
        record(
            0,
            r#"{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}"#,
            r#"{"tenant":"default","context":".c"}"#,
        ),
        record(
            1,
            r#"{"keytype":"SCHEMA","subject":":.c:s","version":1,"magic":1}"#,
            r#"{"subject":":.c:s","version":1,"id":1,"schemaType":"AVRO","schema":"\"int\"","deleted":false}"#,
        ),
        record(
            2,
            r#"{"keytype":"CONFIG","subject":"s","magic":0}"#,
            r#"{"subject":"s","compatibilityLevel":"FULL"}"#,
        ),
        record(
            3,
            r#"{"keytype":"MODE","subject":"s","magic":0}"#,
            r#"{"subject":"s","mode":"READONLY"}"#,
        ),
        record(
            4,
            r#"{"keytype":"DELETE_SUBJECT","subject":":.c:s","magic":0}"#,
            r#"{"subject":":.c:s","version":1}"#,
        ),
    ];
    assert_eq!(gateway.log().await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_schema_from_a_hundred_at_once_is_one_id_and_one_record() {
    let gateway = Gateway::start().await;
    let mut tasks = Vec::new();
    for _ in 0..100 {
        let schemas = gateway.schemas.clone();
        tasks.push(tokio::spawn(async move { schemas.register(register("s", "\"int\"")).await }));
    }
    let mut is_new = 0;
    for task in tasks {
        let registered = task.await.expect("no panic").expect("it is registered");
        assert_eq!((registered.version.id, registered.version.version), (1, 1));
        is_new += usize::from(registered.is_new);
    }
    assert_eq!(is_new, 1);
    assert_eq!(gateway.log().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_are_dense_and_in_the_order_of_offsets() {
    let gateway = Gateway::start().await;
    let mut tasks = Vec::new();
    for index in 0..100 {
        let schemas = gateway.schemas.clone();
        tasks.push(tokio::spawn(async move {
            let of = format!("s{}", index % 7);
            schemas.register(register(&of, &format!("\"{index}\""))).await
        }));
    }
    let mut ids = BTreeSet::new();
    for task in tasks {
        let registered = task.await.expect("no panic").expect("it is registered");
        ids.insert(registered.version.id);
    }
    assert_eq!(ids, (1..=100).collect());
    let gateway = gateway.restart().await;
    for (index, (offset, _, value)) in gateway.log().await.into_iter().enumerate() {
        let value = value.expect("all are schemas");
        assert!(value.contains(&format!("\"id\":{},", index + 1)), "offset {offset}: {value}");
    }
    let max_id = gateway.schemas.read(|registry| registry.max_id(&subject(""))).await;
    assert_eq!(max_id.expect("it is read"), 100);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let gateway = Gateway::start().await;
    gateway.register("s", "1").await;
    let second = gateway.register("s", "2").await;
    gateway.schemas.delete_version(subject("s"), Some(1), false).await.expect("it is deleted");
    let gateway = gateway.restart().await;
    let of = subject("s");
    let (live, all) = gateway
        .schemas
        .read(|registry| (registry.latest(&of).cloned(), registry.versions(&of).to_vec()))
        .await
        .expect("it is read");
    let live = live.expect("the second is live");
    assert_eq!((live.version, live.id, live.deleted), (2, 2, false));
    assert_eq!(live.schema, second.version.schema);
    assert_eq!(live.ts, second.version.ts, "the time of an answer is that of its record");
    assert_eq!(all.iter().map(|held| held.deleted).collect::<Vec<_>>(), [true, false]);
    assert_eq!(gateway.register("s", "3").await.version.id, 3);
}

#[tokio::test]
async fn a_version_that_is_seen_is_durable_whatever_others_are_writing() {
    let gateway = Gateway::start().await;
    let empty = gateway.schemas.read_seen(|registry| (registry.version_count(), None)).await;
    assert_eq!(empty.expect("it is read"), 0);
    for index in 0..50 {
        let text = format!("{index}");
        let writing = gateway.schemas.register(register("s", &text));
        let looking = gateway.schemas.read_seen(|registry| {
            let latest = registry.latest(&subject("s")).cloned();
            let offset = latest.as_ref().map(|latest| latest.offset);
            (offset, offset)
        });
        let (written, seen) = tokio::join!(writing, looking);
        written.expect("it is registered");
        let topic = gateway.broker.topics().by_name("_schemas").expect("it is there");
        let durable = topic.partitions[0].high_watermark();
        let seen = seen.expect("it is read");
        assert!(seen.is_none_or(|offset| offset < durable), "{seen:?} of {durable}");
    }
}

#[tokio::test]
async fn a_registration_cut_off_between_its_append_and_its_answer_is_found_by_the_next() {
    let gateway = Gateway::start().await;
    gateway.register("first", "0").await;
    for index in 0..20 {
        let text = format!("{index}");
        // Polled once the step is taken; then the caller is gone, and so is the gateway.
        let cut_off = gateway.schemas.register(register("s", &text));
        let polled = tokio::time::timeout(std::time::Duration::ZERO, cut_off).await;
        drop(polled);
    }
    let before = gateway.log().await.len();
    let gateway = gateway.restart().await;
    for index in 0..20 {
        let registered = gateway.register("s", &format!("{index}")).await;
        let version = &registered.version;
        assert_eq!((version.id, version.version), (index + 1, index + 1));
    }
    let log = gateway.log().await;
    assert_eq!(log.len(), 21, "one record for each, {before} of them from before");
}

#[tokio::test]
async fn while_another_registry_leads_this_one_only_reads() {
    let gateway = Gateway::start().await;
    gateway.register("s", "1").await;
    gateway
        .join("schema-registry", "sr", br#"{"version":1,"host":"h","port":8081,"scheme":"http"}"#)
        .await;
    let refused = gateway.schemas.register(register("s", "2")).await;
    let Err(error @ SchemasError::OtherLeader { .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(
        error.to_string(),
        "another schema registry (http://h:8081) leads the group 'schema-registry' of the topic \
         '_schemas', so this one is read-only; stop it, or start the gateway with --registry-takeover"
    );
    assert_eq!(gateway.register("s", "1").await.version.id, 1, "what is known needs no write");
    let missing = gateway.schemas.delete_subject(subject("x"), false).await;
    assert_eq!(refusal(missing), Refusal::SubjectNotFound(subject("x")));
    // What the leader writes is followed.
    let key = r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#;
    let value = r#"{"subject":"s","version":2,"id":2,"schema":"2","deleted":false}"#;
    gateway.produce(&[(key, Some(value))]).await;
    assert_eq!(gateway.versions("s").await, [1, 2]);
    let takeover = SchemasSettings { takeover: true, ..SchemasSettings::default() };
    let schemas = Schemas::open(gateway.broker.clone(), takeover).await.expect("it opens");
    let registered = schemas.register(register("s", "3")).await.expect("it takes over");
    assert_eq!((registered.version.id, registered.version.version), (3, 3));
    assert_eq!(gateway.versions("s").await, [1, 2, 3], "two on one topic see each other");
}

#[tokio::test]
async fn registries_in_a_group_of_another_name_are_found_and_other_groups_are_not_them() {
    let gateway = Gateway::start().await;
    gateway.join("schema-registry", "consumer", b"").await;
    gateway.register("s", "1").await;
    gateway.join("ours", "sr", b"no JSON").await;
    let fresh = Schemas::open(gateway.broker.clone(), SchemasSettings::default()).await;
    let refused = fresh.expect("it opens").register(register("s", "2")).await;
    assert!(
        matches!(refused, Err(SchemasError::OtherLeader { group_id, .. }) if group_id == "ours")
    );
}

#[tokio::test]
async fn what_others_write_is_seen_by_the_next_read_and_decided_upon_by_the_next_write() {
    let gateway = Gateway::start().await;
    gateway.register("s", "1").await;
    let key = r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#;
    let value = r#"{"subject":"s","version":2,"id":7,"schema":"2","deleted":false}"#;
    gateway.produce(&[(r#"{"keytype":"NOOP","magic":0}"#, None), (key, Some(value))]).await;
    assert_eq!(gateway.versions("s").await, [1, 2]);
    let third = gateway.register("s", "3").await;
    assert_eq!((third.version.version, third.version.id), (3, 8));
    gateway.produce(&[(r#"{"keytype":"MODE","magic":0}"#, Some(r#"{"mode":"READONLY"}"#))]).await;
    let refused = gateway.schemas.register(register("s", "4")).await;
    assert_eq!(refusal(refused), Refusal::ReadOnly { subject: subject("s") });
    let known = gateway.register("s", "2").await;
    assert_eq!((known.version.id, known.is_new), (7, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registrations_among_the_records_of_others_get_ids_of_their_own() {
    let gateway = Arc::new(Gateway::start().await);
    gateway.register("first", "0").await;
    let other = gateway.clone();
    let foreign = tokio::spawn(async move {
        for index in 0..200 {
            let noop = r#"{"keytype":"NOOP","magic":0}"#;
            let key =
                format!(r#"{{"keytype":"SCHEMA","subject":"f{index}","version":1,"magic":1}}"#);
            let (id, text) = (1_000 + 10 * index, format!("f{index}"));
            let value =
                format!(r#"{{"subject":"f{index}","version":1,"id":{id},"schema":"{text}"}}"#);
            other.produce(&[(noop, None), (&key, Some(&value))]).await;
        }
    });
    let mut ids = Vec::new();
    for index in 0..200 {
        ids.push(gateway.register("mine", &format!("mine {index}")).await.version.id);
    }
    foreign.await.expect("no panic");
    assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
    let seen = gateway.schemas.read(|registry| {
        let everything = subject("");
        let of =
            |id: &i32| registry.schema_by_id(*id, &everything).map(|held| held.entity.text.clone());
        (ids.iter().map(of).collect::<Vec<_>>(), registry.skipped_records())
    });
    let (texts, skipped) = seen.await.expect("it is read");
    for (index, text) in texts.iter().enumerate() {
        assert_eq!(text.as_deref(), Some(&*format!("mine {index}")));
    }
    // A foreign record may have taken an id that was given in between: that one is skipped.
    let subjects = gateway.schemas.figures().subjects as u64;
    assert_eq!(subjects + skipped, 202);
}

#[tokio::test]
async fn damaged_and_unknown_records_are_skipped_and_counted() {
    let gateway = Gateway::start().await;
    gateway.create_topic(1, "compact").await;
    let key = r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#;
    let good = r#"{"subject":"s","version":1,"id":1,"schema":"1","deleted":false}"#;
    gateway
        .produce(&[
            ("rubbish", Some("rubbish")),
            (r#"{"keytype":"TOMORROW","magic":9}"#, Some("{}")),
            (r#"{"keytype":"ASSOC","tenant":"default"}"#, Some("{}")),
            (key, Some("{")),
            (key, Some(good)),
        ])
        .await;
    assert_eq!(gateway.versions("s").await, [1]);
    assert_eq!(gateway.schemas.figures().skipped_records, 3);
    let gateway = gateway.restart().await;
    assert_eq!(gateway.schemas.figures().skipped_records, 3);
    assert_eq!(gateway.register("s", "2").await.version.id, 2);
}

#[tokio::test]
async fn a_deleted_topic_ends_the_state_and_the_next_write_begins_anew() {
    let gateway = Gateway::start().await;
    gateway.register("s", "1").await;
    gateway.register("s", "2").await;
    let name = DeleteTopic::Name("_schemas".to_owned());
    gateway.broker.delete_topic(name).await.expect("it is deleted");
    assert!(gateway.versions("s").await.is_empty());
    assert_eq!(gateway.schemas.figures().subjects, 0);
    assert_eq!(gateway.register("s", "2").await.version.id, 1);
}

#[tokio::test]
async fn a_topic_that_is_not_compacted_or_has_more_partitions_is_a_clear_error() {
    for (partitions, policy, says) in [
        (2, "compact", "has 2 partitions"),
        (1, "delete", "cleanup.policy=compact"),
        (1, "compact,delete", "cleanup.policy=compact"),
    ] {
        let gateway = Gateway::start().await;
        gateway.create_topic(partitions, policy).await;
        let written = gateway.schemas.register(register("s", "1")).await;
        let Err(SchemasError::Topic(message)) = written else { panic!("{written:?}") };
        assert!(message.contains(says), "{message}");
        let opened = Schemas::open(gateway.broker.clone(), SchemasSettings::default()).await;
        assert!(matches!(opened, Err(SchemasError::Topic(_))));
    }
}

#[tokio::test]
async fn a_registration_checked_against_what_has_changed_is_stale() {
    let gateway = Gateway::start().await;
    gateway.register("s", "1").await;
    let of = subject("s");
    let looked = gateway.schemas.read(|registry| registry.revision(&of)).await.expect("it is read");
    let checked = |text: &str| Register { checked: Some(looked), ..register("s", text) };
    gateway.register("other", "1").await;
    gateway.schemas.register(checked("2")).await.expect("another subject does not matter");
    assert_eq!(refusal(gateway.schemas.register(checked("3")).await), Refusal::Stale);
    let include = Include::Live;
    let has = gateway.schemas.read(|registry| registry.has_subjects(&of, include)).await;
    assert!(has.expect("it is read"));
}
