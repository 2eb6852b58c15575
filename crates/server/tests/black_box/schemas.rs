//! The topic of the schema registry, as clients of Kafka see it and write to it.

use crate::common::Gateway;
use crate::common::batch::Batch;
use crate::common::client::{Place, RawClient};
use std::sync::Arc;
use tidegate_broker::compression::{Levels, compress_to};
use tidegate_broker::{Schemas, SchemasSettings};
use tidegate_machine::schema::{QualifiedSubject, Register, SchemaEntity, SchemaType};
use tidegate_model::{BatchHeader, Batches, Compression, Record, Records};

const NAME: &str = "_schemas";

async fn registry(gateway: &Gateway) -> Arc<Schemas> {
    let opened = Schemas::open(gateway.broker.clone(), SchemasSettings::default()).await;
    opened.expect("the registry opens")
}

async fn register(schemas: &Schemas, of: &str, text: &str) -> (i32, i32) {
    let register = Register {
        subject: QualifiedSubject::parse(of),
        entity: SchemaEntity::of_text(SchemaType::Avro, text),
        id: None,
        version: None,
        checked: None,
    };
    let registered = schemas.register(register).await.expect("it is registered");
    (registered.version.id, registered.version.version)
}

async fn versions(schemas: &Schemas) -> Vec<(String, i32)> {
    let look = |registry: &tidegate_machine::schema::Registry| {
        let all = registry.versions_with_prefix(":*:", Default::default(), false);
        all.iter().map(|held| (held.subject.to_string(), held.id)).collect()
    };
    schemas.read(look).await.expect("it is read")
}

fn place(gateway: &Gateway) -> Place<'static> {
    let topic = gateway.broker.topics().by_name(NAME).expect("the topic is there");
    Place { name: NAME, id: topic.id, partition: 0 }
}

/// Key and value of every record of the topic.
async fn records(client: &mut RawClient, from: Place<'_>) -> Vec<(String, Option<String>)> {
    let bytes = client.read(12, from, 0).await.records;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("it is text");
    let mut found = Vec::new();
    for batch in Batches::new(&bytes) {
        let (at, header) = batch.expect("it is a batch");
        for record in Records::of_batch(&header, &bytes[at..at + header.len]) {
            let record = record.expect("it is a record");
            found.push((text(record.key.expect("it has a key")), record.value.map(text)));
        }
    }
    found
}

#[tokio::test]
async fn a_consumer_fetches_confluents_records_byte_by_byte() {
    let gateway = Gateway::start().await;
    let schemas = registry(&gateway).await;
    register(&schemas, ":.c:s", "\"long\"").await;
    let subject = QualifiedSubject::parse(":.c:s");
    for permanent in [false, true] {
        schemas.delete_version(subject.clone(), Some(1), permanent).await.expect("it is deleted");
    }
    let mut client = gateway.client().await;
    let key = r#"{"keytype":"SCHEMA","subject":":.c:s","version":1,"magic":1}"#;
    let value = |deleted| {
        Some(format!(
            r#"{{"subject":":.c:s","version":1,"id":1,"schemaType":"AVRO","schema":"\"long\"","deleted":{deleted}}}"#
        ))
    };
    let context = r#"{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}"#;
    let of_context = Some(r#"{"tenant":"default","context":".c"}"#.to_owned());
    let expected = [(context, of_context), (key, value(false)), (key, value(true)), (key, None)];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(records(&mut client, place(&gateway)).await, expected);
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_producer_was_acknowledged_is_read_at_once_in_every_codec() {
    let gateway = Gateway::start().await;
    let schemas = registry(&gateway).await;
    register(&schemas, "first", "1").await;
    let mut client = gateway.client().await;
    let place = place(&gateway);
    let mut expected = vec![("first".to_owned(), 1)];
    for codec in [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let id = 10 + i32::from(codec.id());
        let key = format!(r#"{{"keytype":"SCHEMA","subject":"s{id}","version":1,"magic":1}}"#);
        let value = format!(r#"{{"subject":"s{id}","version":1,"id":{id},"schema":"{id}"}}"#);
        let record = Record::new(0, Some(key.as_bytes()), Some(value.as_bytes()));
        let plain = Batch::of_records([record]);
        let batch = plain.clone().bytes();
        let header = BatchHeader::parse(&batch).expect("it is a batch");
        let levels = Levels { gzip: -1, zstd: 3 };
        let packed = compress_to(Vec::new(), codec, levels, &batch[61..header.len]);
        let packed = packed.expect("it is compressed");
        client.append(place, plain.attributes(codec.id()).payload(&packed)).await;
        expected.push((format!("s{id}"), id));
        assert_eq!(versions(&schemas).await, expected, "{codec:?}");
    }
    assert_eq!(register(&schemas, "next", "x").await, (15, 1));
    gateway.stop().await;
}

#[tokio::test]
async fn records_that_are_none_of_a_registry_are_skipped_and_counted() {
    let gateway = Gateway::start().await;
    let schemas = registry(&gateway).await;
    register(&schemas, "s", "1").await;
    let mut client = gateway.client().await;
    client.append(place(&gateway), Batch::of_keys(&[Some(b"k"), Some(b"{}"), Some(b"")])).await;
    assert_eq!(versions(&schemas).await, [("s".to_owned(), 1)]);
    assert_eq!(schemas.figures().skipped_records, 3);
    assert_eq!(register(&schemas, "s", "2").await, (2, 2));
    let again = registry(&gateway).await;
    assert_eq!(versions(&again).await, versions(&schemas).await);
    assert_eq!(again.figures(), schemas.figures());
    gateway.stop().await;
}
