//! The broker: one store, the topics in it, and the coordinators over it.

mod admin;
mod mutations;

pub use mutations::Allow;

use crate::catalog::Catalog;
use crate::clock::{Clock, ClockJumps};
use crate::config::{CurrentSettings, KafkaSettings};
use crate::fetch::FetchSessions;
use crate::groups::{CONSUMER_OFFSETS, Groups, OffsetStorageKind};
use crate::quota::{ClientQuotas, Window};
use crate::retention;
use crate::timers::Timers;
use crate::topics::{Topic, TopicMap};
use crate::validate::Validation;
use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex as SyncMutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidegate_log::{LogError, LogStore};
use tidegate_machine::group::Settings as GroupSettings;
use tidegate_metrics::Gauge;
use tidegate_model::{ErrorCode, LeaderEpoch, Offset, ProducerId, TopicId};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tracing::{info, warn};
use uuid::Uuid;

/// How often the clock is looked at for jumps.
const CLOCK_WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// How often silent producers are looked for.
const PRODUCER_EXPIRY_INTERVAL: Duration = Duration::from_secs(600);

/// A topic to create, as requests ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTopic {
    /// The name.
    pub name: String,
    /// Number of partitions, -1 for `num.partitions`.
    pub partitions: i32,
    /// Replicas of each, -1 for `default.replication.factor`.
    pub replication_factor: i16,
    /// Replicas by partition, in place of the two numbers.
    pub assignments: Vec<(i32, Vec<i32>)>,
    /// Settings of its own; a null value stands for the default.
    pub configs: Vec<(String, Option<String>)>,
}

/// A topic that was created, or could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its identity.
    pub id: TopicId,
    /// Number of partitions.
    pub partitions: i32,
    /// Replicas of each.
    pub replication_factor: i16,
    /// Settings that differ from the broker's.
    pub configs: BTreeMap<String, String>,
}

/// Names a topic to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteTopic {
    /// By name.
    Name(String),
    /// By id.
    Id(TopicId),
}

/// An error code with a sentence for people, empty where Kafka has none.
pub type Refusal = (ErrorCode, String);

/// What the broker is made of, beyond Kafka's settings.
pub struct BrokerParts {
    /// The engine.
    pub store: Arc<dyn LogStore>,
    /// Kafka's settings.
    pub settings: Arc<KafkaSettings>,
    /// Where committed offsets are kept.
    pub offset_storage: OffsetStorageKind,
    /// This gateway's id.
    pub node_id: i32,
    /// What tells the time.
    pub clock: Clock,
    /// Which produced records are looked at.
    pub validation: Validation,
}

/// Partitions, topics, groups, producer ids.
pub struct Broker {
    store: Arc<dyn LogStore>,
    settings: CurrentSettings,
    /// The settings without those that were set while the gateway ran.
    started_with: Arc<KafkaSettings>,
    node_id: i32,
    clock: Clock,
    clock_jumps: ClockJumps,
    topics: TopicMap,
    catalog: Catalog,
    groups: Groups,
    fetch_sessions: FetchSessions,
    parked_fetches: Arc<Gauge>,
    quotas: ClientQuotas,
    /// One after the other puts the catalog's quotas in force, so that the newest win.
    enforcing: SyncMutex<()>,
    validation: Validation,
    /// Creation and loading of `__consumer_offsets` happen once.
    ensuring: Mutex<()>,
    /// Snapshots of topics are made and put in place one at a time.
    refreshing: Mutex<()>,
    tasks: SyncMutex<Vec<JoinHandle<()>>>,
}

impl Broker {
    /// Opens everything that the store holds: topics, groups, offsets. Ready to serve afterwards.
    pub async fn open(parts: BrokerParts) -> Result<Arc<Self>, LogError> {
        let BrokerParts { store, settings, offset_storage, node_id, clock, validation } = parts;
        let timers = Timers::new(clock.clone());
        let started_with = settings;
        let settings: CurrentSettings = Arc::new(ArcSwap::new(started_with.clone()));
        let catalog =
            Catalog::load(&*store, clock.clone(), timers.clone(), settings.clone(), node_id)
                .await?;
        let (node, cluster) = catalog.durable_node_configs().await?;
        settings.store(Arc::new(started_with.with_dynamic(node, cluster)));
        let current = settings.load_full();
        let group_settings = group_settings(&current);
        let slots = current.max_incremental_fetch_session_cache_slots().max(0) as usize;
        let broker = Arc::new(Broker {
            groups: Groups::new(clock.clone(), timers.clone(), group_settings, offset_storage),
            fetch_sessions: FetchSessions::new(slots, Uuid::new_v4().as_u128() as i32),
            parked_fetches: Arc::default(),
            quotas: client_quotas(&current),
            store,
            settings,
            started_with,
            node_id,
            clock_jumps: ClockJumps::new(clock.clone()),
            clock,
            topics: TopicMap::default(),
            catalog,
            enforcing: SyncMutex::new(()),
            validation,
            ensuring: Mutex::new(()),
            refreshing: Mutex::new(()),
            tasks: SyncMutex::default(),
        });
        broker.open_topics().await?;
        broker.enforce_quotas()?;
        if let Some(topic) = broker.topics.by_name(CONSUMER_OFFSETS) {
            broker.groups.load(&topic).await?;
            if let Err(error) = broker.groups.forget_all_but(&broker.topics).await {
                warn!(target: "tidegate::offsets", %error, "offsets of deleted topics cannot be forgotten yet");
            }
        }
        let mut tasks = vec![tokio::spawn(timers.run())];
        tasks.push(tokio::spawn(expire_producers(Arc::downgrade(&broker))));
        tasks.push(tokio::spawn(watch_clock(Arc::downgrade(&broker))));
        tasks.push(tokio::spawn(retention::run(Arc::downgrade(&broker))));
        if broker.groups.offsets_are_elsewhere() {
            tasks.push(tokio::spawn(expire_offsets(Arc::downgrade(&broker))));
        }
        *broker.tasks.lock() = tasks;
        Ok(broker)
    }

    async fn open_topics(&self) -> Result<(), LogError> {
        for meta in self.catalog.topics()? {
            let topic = self.catalog.open_topic(&*self.store, &meta, None).await?;
            self.topics.insert(topic);
        }
        self.delete_orphans().await;
        let (topics, partitions) = self.topics.count();
        info!(target: "tidegate::topic", topics, partitions, "topics opened");
        Ok(())
    }

    /// Gives back the space of topics whose deletion was durable before their data was removed.
    async fn delete_orphans(&self) {
        for partition in self.store.partitions() {
            if partition.topic_id.is_reserved() || self.topics.by_id(partition.topic_id).is_some() {
                continue;
            }
            info!(target: "tidegate::topic", %partition, "removing the data of a deleted topic");
            if let Err(error) = self.store.delete(partition).wait().await {
                warn!(target: "tidegate::topic", %partition, %error, "data of a deleted topic cannot be removed");
            }
        }
    }

    /// Kafka's settings as they are now.
    pub fn settings(&self) -> Guard<Arc<KafkaSettings>> {
        self.settings.load()
    }

    /// This gateway's id.
    pub fn node_id(&self) -> i32 {
        self.node_id
    }

    /// Which produced records are looked at.
    pub fn validation(&self) -> Validation {
        self.validation
    }

    /// The broker's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How often the wall clock jumped.
    pub fn clock_jumps(&self) -> &ClockJumps {
        &self.clock_jumps
    }

    /// The engine.
    pub fn store(&self) -> &dyn LogStore {
        &*self.store
    }

    /// All topics.
    pub fn topics(&self) -> &TopicMap {
        &self.topics
    }

    /// Leader epoch and high watermark of `__cluster_metadata`.
    pub fn metadata_log_end(&self) -> (LeaderEpoch, Offset) {
        let partition = self.catalog.partition();
        (partition.leader_epoch(), partition.high_watermark())
    }

    /// Incremental fetch sessions.
    pub fn fetch_sessions(&self) -> &FetchSessions {
        &self.fetch_sessions
    }

    /// How many fetches wait for records.
    pub fn parked_fetches(&self) -> &Arc<Gauge> {
        &self.parked_fetches
    }

    /// The group coordinator as it stands; [`Broker::ensure_groups`] brings it up.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Creates `__consumer_offsets` if this is the first time that anyone asks for a group.
    pub async fn ensure_groups(self: &Arc<Self>) -> Result<(), ErrorCode> {
        if self.groups.is_loaded() {
            return Ok(());
        }
        let _once = self.ensuring.lock().await;
        if self.groups.is_loaded() {
            return Ok(());
        }
        let topic = match self.topics.by_name(CONSUMER_OFFSETS) {
            Some(topic) => topic,
            None => self.create_offsets_topic().await?,
        };
        self.groups.load(&topic).await.map_err(|error| {
            warn!(target: "tidegate::group", %error, "groups cannot be loaded");
            ErrorCode::CoordinatorNotAvailable
        })
    }

    async fn create_offsets_topic(self: &Arc<Self>) -> Result<Arc<Topic>, ErrorCode> {
        let settings = self.settings.load_full();
        let config = |name: &str, value: String| (name.to_owned(), Some(value));
        let wanted = CreateTopic {
            name: CONSUMER_OFFSETS.to_owned(),
            partitions: settings.offsets_topic_num_partitions(),
            replication_factor: 1,
            assignments: Vec::new(),
            configs: vec![
                config("cleanup.policy", "compact".to_owned()),
                config("compression.type", "producer".to_owned()),
                config("segment.bytes", settings.offsets_topic_segment_bytes().to_string()),
            ],
        };
        match self.create_topic(wanted, false).await {
            Ok(_) | Err((ErrorCode::TopicAlreadyExists, _)) => {}
            Err((error, message)) => {
                warn!(target: "tidegate::group", %error, message, "{CONSUMER_OFFSETS} cannot be created");
                return Err(ErrorCode::CoordinatorNotAvailable);
            }
        }
        self.topics.by_name(CONSUMER_OFFSETS).ok_or(ErrorCode::CoordinatorNotAvailable)
    }

    /// The topic of that name, created by the broker's defaults if it does not exist, and if `allow`
    /// lets it.
    ///
    /// INVALID_TOPIC_EXCEPTION for a bad name; what creation answers otherwise.
    pub async fn auto_create_topic(
        self: &Arc<Self>,
        name: &str,
        allow: &mut Allow<'_>,
    ) -> Result<Arc<Topic>, ErrorCode> {
        if name == CONSUMER_OFFSETS {
            self.ensure_groups().await?;
        } else {
            let wanted = CreateTopic {
                name: name.to_owned(),
                partitions: -1,
                replication_factor: -1,
                assignments: Vec::new(),
                configs: Vec::new(),
            };
            let mut created = self.create_topics_within(vec![wanted], false, allow).await;
            match created.pop().expect("one topic has one result") {
                Ok(_) | Err((ErrorCode::TopicAlreadyExists, _)) => {}
                Err((error, _)) => return Err(error),
            }
        }
        // Whoever created it first may not have opened it yet: a retriable answer.
        self.topics.by_name(name).ok_or(ErrorCode::LeaderNotAvailable)
    }

    /// A producer id that was never given before.
    pub async fn fresh_producer_id(&self) -> Result<ProducerId, ErrorCode> {
        self.catalog.fresh_producer_id().await
    }

    /// Makes everything durable and closes the store.
    pub async fn close(&self) -> Result<(), LogError> {
        for task in self.tasks.lock().drain(..) {
            task.abort();
        }
        self.store.close().await
    }
}

fn client_quotas(settings: &KafkaSettings) -> ClientQuotas {
    let window = |samples: i32, seconds: i32| Window {
        samples: samples.max(1) as usize,
        sample_ms: i64::from(seconds.max(1)) * 1_000,
    };
    ClientQuotas::new(
        window(settings.quota_window_num(), settings.quota_window_size_seconds()),
        window(
            settings.controller_quota_window_num(),
            settings.controller_quota_window_size_seconds(),
        ),
    )
}

fn group_settings(settings: &KafkaSettings) -> GroupSettings {
    GroupSettings {
        group_min_session_timeout_ms: settings.group_min_session_timeout_ms(),
        group_max_session_timeout_ms: settings.group_max_session_timeout_ms(),
        group_max_size: settings.group_max_size().max(1) as usize,
        group_initial_rebalance_delay_ms: settings.group_initial_rebalance_delay_ms(),
        offset_metadata_max_bytes: settings.offset_metadata_max_bytes().max(0) as usize,
        offsets_retention_ms: i64::from(settings.offsets_retention_minutes()) * 60_000,
        offsets_retention_check_interval_ms: settings.offsets_retention_check_interval_ms(),
        ..GroupSettings::default()
    }
}

async fn expire_offsets(broker: std::sync::Weak<Broker>) {
    loop {
        let Some(pause) = broker.upgrade().map(|broker| broker.groups.expiry_interval()) else {
            return;
        };
        tokio::time::sleep(pause).await;
        let Some(broker) = broker.upgrade() else { return };
        broker.groups.offsets().expire();
    }
}

async fn watch_clock(broker: std::sync::Weak<Broker>) {
    loop {
        tokio::time::sleep(CLOCK_WATCH_INTERVAL).await;
        let Some(broker) = broker.upgrade() else { return };
        broker.clock_jumps.look();
    }
}

async fn expire_producers(broker: std::sync::Weak<Broker>) {
    loop {
        tokio::time::sleep(PRODUCER_EXPIRY_INTERVAL).await;
        let Some(broker) = broker.upgrade() else { return };
        let expiration_ms = i64::from(broker.settings().producer_id_expiration_ms());
        let now = broker.clock.wall_ms();
        for topic in broker.topics.all() {
            for partition in &topic.partitions {
                partition.expire_producers(now, expiration_ms);
            }
        }
    }
}
