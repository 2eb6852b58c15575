//! The schema registry over `_schemas`: its topic, its records, restarts, and many callers at once.

mod gateway;
mod others;

use gateway::{Gateway, refusal, register, subject};
use std::collections::BTreeSet;
use tidegate_broker::{DeleteTopic, Schemas, SchemasError, SchemasSettings};
use tidegate_machine::schema::{
    CompatibilityLevel, ConfigUpdate, Include, Mode, PutMode, Refusal, Register,
};

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

/// The latest version as a reader is told it, with where the log's durable part ended then.
async fn latest_and_durable(gateway: &Gateway) -> (Option<i32>, i64) {
    let of = subject("s");
    let seen = gateway.schemas.read_seen(|registry| {
        let latest = registry.latest(&of);
        let offset = latest.and_then(|latest| registry.seen_offset(&of, latest));
        (latest.map(|latest| latest.version), offset)
    });
    (seen.await.expect("it is read"), durable(gateway))
}

fn durable(gateway: &Gateway) -> i64 {
    let topic = gateway.broker.topics().by_name("_schemas").expect("it is there");
    topic.partitions[0].high_watermark()
}

#[tokio::test]
async fn a_version_that_is_seen_is_durable_whatever_others_are_writing() {
    let gateway = Gateway::start().await;
    let empty = gateway.schemas.read_seen(|registry| (registry.version_count(), None)).await;
    assert_eq!(empty.expect("it is read"), 0);
    gateway.register("first", "0").await;
    for version in 1..=50 {
        let text = format!("{version}");
        let writing = gateway.schemas.register(register("s", &text));
        let looking = latest_and_durable(&gateway);
        let (written, (seen, durable_then)) = tokio::join!(writing, looking);
        written.expect("it is registered");
        assert!(seen != Some(version) || durable_then == durable(&gateway), "{version}");
    }
}

#[tokio::test]
async fn a_version_is_the_latest_only_after_the_deletion_of_the_one_above_it_is_durable() {
    let gateway = Gateway::start().await;
    for version in 1..=50 {
        gateway.register("s", &format!("{version}")).await;
    }
    for version in (2..=50).rev() {
        let deleting = gateway.schemas.delete_version(subject("s"), Some(version), false);
        let looking = latest_and_durable(&gateway);
        let (deleted, (seen, durable_then)) = tokio::join!(deleting, looking);
        deleted.expect("it is deleted");
        assert!(seen == Some(version) || durable_then == durable(&gateway), "{version}");
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
