//! A gateway in this process over the memory engine, and a client that hides nothing of the wire.

#![allow(dead_code, unused_imports, reason = "each test binary uses what it needs")]

pub mod transcript;

pub use tidegate_raw_client::{RawClient, batch, client, code, text};

use client::topic_name;
use kafka_protocol::messages::CreateTopicsRequest;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::protocol::StrBytes;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use tidegate_broker::config::KafkaSettings;
use tidegate_broker::{Broker, BrokerParts, Clock, OffsetStorageKind, Validation};
use tidegate_log::MemoryStore;
use tidegate_model::{ErrorCode, TopicId};
use tidegate_server::{Limits, Server, ServerSettings};

/// A gateway on a port of its own.
pub struct Gateway {
    pub address: SocketAddr,
    pub broker: Arc<Broker>,
    server: Server,
}

impl Gateway {
    pub async fn start() -> Self {
        Self::with(&[], Limits::default()).await
    }

    /// A gateway with Kafka's settings as given, over those that make tests quick.
    pub async fn with(settings: &[(&str, &str)], limits: Limits) -> Self {
        Self::of(Self::parts(settings), limits).await
    }

    /// A gateway over what is in `store`.
    pub async fn on(store: Arc<MemoryStore>, settings: &[(&str, &str)], limits: Limits) -> Self {
        Self::of(BrokerParts { store, ..Self::parts(settings) }, limits).await
    }

    /// A gateway by a clock of the test's.
    pub async fn at(clock: Clock, settings: &[(&str, &str)], limits: Limits) -> Self {
        let parts = BrokerParts { clock, ..Self::parts(settings) };
        Self::of(parts, limits).await
    }

    /// A gateway that looks at the records of compressed batches too.
    pub async fn that_unpacks() -> Self {
        let parts = BrokerParts { validation: Validation::All, ..Self::parts(&[]) };
        Self::of(parts, Limits::default()).await
    }

    /// What such a gateway is made of, to be changed.
    pub fn parts(settings: &[(&str, &str)]) -> BrokerParts {
        let quick = [
            ("group.initial.rebalance.delay.ms", "0"),
            ("group.min.session.timeout.ms", "100"),
            ("offsets.topic.num.partitions", "3"),
            // Tests write records with old timestamps.
            ("log.retention.ms", "-1"),
        ];
        let pairs = quick.iter().chain(settings).copied();
        let kafka = KafkaSettings::from_pairs(pairs).expect("the test's settings are valid");
        BrokerParts {
            store: Arc::new(MemoryStore::new()),
            settings: Arc::new(kafka),
            offset_storage: OffsetStorageKind::Log,
            node_id: 1,
            clock: Clock::system(),
            validation: Validation::default(),
        }
    }

    /// A gateway of those parts.
    pub async fn of(parts: BrokerParts, limits: Limits) -> Self {
        let broker = Broker::open(parts).await.expect("the store opens");
        let settings = ServerSettings {
            listen: "127.0.0.1:0".to_owned(),
            advertised: None,
            admin_listen: None,
            cluster_id: "tests".to_owned(),
            node_id: 1,
            slow_request: None,
            limits,
        };
        let server = Server::start(broker.clone(), settings).await.expect("a port is free");
        Gateway { address: server.kafka_address, broker, server }
    }

    pub async fn client(&self) -> RawClient {
        RawClient::connect(self.address).await
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }

    /// Creates a topic and tells its id.
    pub async fn topic(&self, name: &str, partitions: i32) -> TopicId {
        self.topic_with(name, partitions, &[]).await
    }

    pub async fn topic_with(
        &self,
        name: &str,
        partitions: i32,
        configs: &[(&'static str, &'static str)],
    ) -> TopicId {
        let configs = configs.iter().map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(Some(StrBytes::from_static_str(value)))
        });
        let topic = CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(partitions)
            .with_replication_factor(-1)
            .with_configs(configs.collect());
        let request =
            CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(9_000);
        let response = self.client().await.call(7, &request).await;
        let row = &response.topics[0];
        assert_eq!(code(row.error_code), ErrorCode::None, "{:?}", row.error_message);
        TopicId(row.topic_id)
    }
}

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Panics of this process so far. A task of the gateway that panics looks to its client like any
/// other closed connection, so whoever expects closed connections must count panics too.
pub fn panics() -> usize {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            print(panic);
        }));
    });
    PANICS.load(Ordering::SeqCst)
}
