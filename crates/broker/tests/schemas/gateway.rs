//! A registry in this process over the memory engine, and a producer beside it.

use bytes::BytesMut;
use std::sync::Arc;
use tidegate_broker::config::KafkaSettings;
use tidegate_broker::{
    Broker, BrokerParts, Clock, CreateTopic, OffsetStorageKind, Schemas, SchemasError,
    SchemasSettings, Validation,
};
use tidegate_log::{Commit, MemoryStore, ReadRequest};
use tidegate_machine::group;
use tidegate_machine::schema::{QualifiedSubject, Refusal, Register, Registered, SchemaEntity};
use tidegate_model::{BatchBuilder, BatchHeader, Batches, Record, Records};
use tidegate_schema::SchemaType;

/// A registry on a store of its own, that can be started again.
pub struct Gateway {
    store: Arc<MemoryStore>,
    pub broker: Arc<Broker>,
    pub schemas: Arc<Schemas>,
}

impl Gateway {
    pub async fn start() -> Self {
        Self::on(Arc::new(MemoryStore::new())).await
    }

    pub async fn on(store: Arc<MemoryStore>) -> Self {
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
    pub async fn restart(self) -> Self {
        Self::on(self.store).await
    }

    pub async fn register(&self, subject: &str, text: &str) -> Registered {
        self.schemas.register(register(subject, text)).await.expect("it is registered")
    }

    /// Appends a batch as any producer does, and waits for its acknowledgement.
    pub async fn produce(&self, records: &[(&str, Option<&str>)]) {
        self.send(records).await.expect("it is durable");
    }

    pub fn send(&self, records: &[(&str, Option<&str>)]) -> Commit {
        self.append(batch_of(records))
    }

    pub fn append(&self, mut batch: BytesMut) -> Commit {
        let topic = self.broker.topics().by_name("_schemas").expect("the topic is there");
        let header = BatchHeader::parse(&batch).expect("it is a batch");
        let appended = topic.partitions[0].append(header, &mut batch, 5, None);
        appended.expect("it is appended").commit
    }

    pub async fn create_topic(&self, partitions: i32, policy: &str) {
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
    pub async fn join(&self, group_id: &str, protocol_type: &str, metadata: &'static [u8]) {
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
    pub async fn log(&self) -> Vec<(i64, String, Option<String>)> {
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

    pub async fn versions(&self, of: &str) -> Vec<i32> {
        let of = subject(of);
        let look = |registry: &tidegate_machine::schema::Registry| {
            registry.versions(&of).iter().map(|version| version.version).collect()
        };
        self.schemas.read(look).await.expect("it is read")
    }
}

pub fn batch_of(records: &[(&str, Option<&str>)]) -> BytesMut {
    let mut builder = BatchBuilder::new();
    for (key, value) in records {
        builder.push(&Record::new(5, Some(key.as_bytes()), value.map(str::as_bytes)));
    }
    builder.finish().expect("there are records")
}

pub fn subject(text: &str) -> QualifiedSubject {
    QualifiedSubject::parse(text)
}

pub fn register(of: &str, text: &str) -> Register {
    Register {
        subject: subject(of),
        entity: SchemaEntity::of_text(SchemaType::Avro, text),
        id: None,
        version: None,
        checked: None,
    }
}

pub fn refusal<T: std::fmt::Debug>(result: Result<T, SchemasError>) -> Refusal {
    match result {
        Err(SchemasError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}
