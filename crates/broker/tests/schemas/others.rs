//! Others who write to the topic: registries that lead or followed, and producers of anything.

use crate::gateway::{Gateway, batch_of, refusal, register, subject};
use std::sync::Arc;
use tidegate_broker::{Schemas, SchemasError, SchemasSettings};
use tidegate_machine::schema::Refusal;

#[tokio::test]
async fn records_that_are_on_their_way_to_the_disk_while_the_topic_is_loaded_are_not_missed() {
    let gateway = Gateway::start().await;
    gateway.create_topic(1, "compact").await;
    for version in 1..=50 {
        let key = format!(r#"{{"keytype":"SCHEMA","subject":"s","version":{version},"magic":1}}"#);
        let value =
            format!(r#"{{"subject":"s","version":{version},"id":{version},"schema":"{version}"}}"#);
        let commit = gateway.send(&[(&key, Some(&value))]);
        let fresh = Schemas::open(gateway.broker.clone(), SchemasSettings::default()).await;
        commit.await.expect("it is durable");
        let seen = fresh.expect("it opens").read(|registry| registry.version_count()).await;
        assert_eq!(seen.expect("it is read"), version);
    }
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
async fn batches_that_do_not_unpack_are_skipped_and_counted() {
    let gateway = Gateway::start().await;
    gateway.register("s", "1").await;
    for codec in 0..=7_u8 {
        let mut batch = batch_of(&[("k", Some("v"))]);
        batch.truncate(61);
        batch.extend_from_slice(b"records of no codec at all");
        let len = i32::try_from(batch.len() - 12).expect("it is short");
        batch[8..12].copy_from_slice(&len.to_be_bytes());
        batch[22] = codec;
        gateway.append(batch).await.expect("it is durable");
    }
    assert_eq!(gateway.versions("s").await, [1]);
    assert_eq!(gateway.schemas.figures().skipped_records, 8);
    assert_eq!(gateway.register("s", "2").await.version.version, 2);
    let gateway = gateway.restart().await;
    assert_eq!(gateway.schemas.figures().skipped_records, 8);
    assert_eq!(gateway.versions("s").await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_others_is_read_part_by_part() {
    let gateway = Gateway::start().await;
    gateway.register("s", "1").await;
    let text = "x".repeat(100_000);
    let mut last = None;
    for version in 2..=60 {
        let key = format!(r#"{{"keytype":"SCHEMA","subject":"s","version":{version},"magic":1}}"#);
        let value = format!(
            r#"{{"subject":"s","version":{version},"id":{version},"schema":"{version}{text}"}}"#
        );
        last = Some(gateway.send(&[(&key, Some(&value))]));
    }
    last.expect("there are some").await.expect("it is durable");
    assert_eq!(gateway.schemas.figures().versions, 1, "figures are of what has been read");
    let (one, other) = tokio::join!(gateway.versions("s"), gateway.versions("s"));
    assert_eq!((one.len(), other.len()), (60, 60));
    assert_eq!(gateway.register("s", "2").await.version.version, 61);
}
