//! A broker around the storage under test, and the few things that claims do with it.

use crate::config::KafkaSettings;
use crate::offsets::Committed;
use crate::{Broker, BrokerParts, Clock, CreateTopic, OffsetStorageKind, Validation};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tidegate_log::{BoxFuture, LogStore, MemoryStore};
use tidegate_machine::group::{
    Command, CommitIdentity, CommitOffsets, JoinGroup, OffsetToCommit, Reply, SyncGroup,
};
use tidegate_model::{ErrorCode, LeaderEpoch, Offset, TopicId};

/// How long something may take that happens by itself.
const SOON: Duration = Duration::from_secs(30);

/// The topics that claims commit offsets of. Offsets of topics that do not exist go at a start.
const TOPICS: [&str; 5] = ["t", "u", "a", "b", "a.b"];

/// Makes the storage, again after each restart.
type MakeStorage = Box<dyn Fn() -> OffsetStorageKind + Send + Sync>;

/// A broker with the storage under test. Its log is in memory and outlives a restart.
pub struct Bed {
    /// The broker.
    pub broker: Arc<Broker>,
    make: MakeStorage,
    log: Arc<dyn LogStore>,
    ahead_ms: Arc<AtomicI64>,
    keeps: bool,
}

/// An offset as claims write it.
#[derive(Clone)]
pub struct Commit<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: Offset,
    /// The epoch.
    pub leader_epoch: LeaderEpoch,
    /// The note.
    pub metadata: &'a str,
}

/// An offset of a topic's partition without epoch and note.
pub fn plain(topic: &str, partition: i32, offset: Offset) -> Commit<'_> {
    Commit { topic, partition, offset, leader_epoch: -1, metadata: "" }
}

impl Bed {
    /// A broker over what `make` makes; `keeps` says whether that outlives a restart.
    pub async fn new(
        make: impl Fn() -> OffsetStorageKind + Send + Sync + 'static,
        keeps: bool,
    ) -> Self {
        let log: Arc<dyn LogStore> = Arc::new(MemoryStore::new());
        let ahead_ms: Arc<AtomicI64> = Arc::default();
        let broker = open(log.clone(), make(), ahead_ms.clone()).await;
        Bed { broker, make: Box::new(make), log, ahead_ms, keeps }
    }

    /// Starts a new broker over what the old one left. False if the storage keeps nothing.
    pub async fn restart(&mut self) -> bool {
        self.broker.groups().release();
        let nothing = open(Arc::new(MemoryStore::new()), OffsetStorageKind::Memory, Arc::default());
        let old = std::mem::replace(&mut self.broker, nothing.await);
        // As the end of a process: a search for expired offsets that is under way must not append
        // to the log that the new broker has opened.
        let shards: Vec<_> = old.groups().shards().iter().map(Arc::downgrade).collect();
        drop(old);
        let end = Instant::now() + SOON;
        while shards.iter().any(|shard| shard.strong_count() > 0) {
            assert!(Instant::now() < end, "the old broker's coordinators are still at work");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.broker = open(self.log.clone(), (self.make)(), self.ahead_ms.clone()).await;
        self.keeps
    }

    /// The id of a topic that the claims use.
    pub fn id_of(&self, topic: &str) -> TopicId {
        self.broker.topics().by_name(topic).expect("one of the suite's topics").id
    }

    /// Sets the system's clock forth.
    pub fn set_forth(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Begins a commit of a consumer that uses no group management.
    pub fn begin(
        &self,
        group_id: &str,
        commits: &[Commit<'_>],
    ) -> BoxFuture<Result<Vec<ErrorCode>, ErrorCode>> {
        self.begin_as(identity(group_id, "", -1), commits, -1)
    }

    /// Begins a commit of somebody.
    pub fn begin_as(
        &self,
        identity: CommitIdentity,
        commits: &[Commit<'_>],
        retention_time_ms: i64,
    ) -> BoxFuture<Result<Vec<ErrorCode>, ErrorCode>> {
        let offsets = commits.iter().map(|commit| OffsetToCommit {
            topic: commit.topic.to_owned(),
            topic_id: self.id_of(commit.topic),
            partition: commit.partition,
            offset: commit.offset,
            leader_epoch: commit.leader_epoch,
            metadata: Some(commit.metadata.to_owned()),
        });
        let request = CommitOffsets { identity, retention_time_ms, offsets: offsets.collect() };
        self.broker.groups().offsets().commit(request)
    }

    /// Commits, and it must be taken.
    pub async fn commit(&self, group_id: &str, commits: &[Commit<'_>]) {
        let codes = self.begin(group_id, commits).await.expect("the coordinator is there");
        assert_eq!(codes, vec![ErrorCode::None; commits.len()], "commit of {group_id:?}");
    }

    /// All that a group has committed.
    pub async fn all(&self, group_id: &str) -> Vec<Committed> {
        let fetched = self.broker.groups().offsets().fetch(group_id, None).await;
        fetched.expect("the storage answers")
    }

    /// Topic, partition and offset of all that a group has committed.
    pub async fn offsets(&self, group_id: &str) -> Vec<(String, i32, Offset)> {
        let all = self.all(group_id).await.into_iter();
        all.map(|(topic, partition, value)| (topic, partition, value.offset)).collect()
    }

    /// The offset of one partition.
    pub async fn offset(&self, group_id: &str, topic: &str, partition: i32) -> Option<Offset> {
        let wanted = Some(vec![(topic.to_owned(), partition)]);
        let fetched = self.broker.groups().offsets().fetch(group_id, wanted).await;
        fetched.expect("the storage answers").first().map(|(_, _, value)| value.offset)
    }

    /// Waits until a group has just these offsets, while expiry is asked for again and again.
    pub async fn becomes(&self, group_id: &str, expected: &[(&str, i32, Offset)]) {
        let end = Instant::now() + SOON;
        loop {
            let seen = self.offsets(group_id).await;
            let seen: Vec<_> =
                seen.iter().map(|(t, p, offset)| (t.as_str(), *p, *offset)).collect();
            if seen == expected {
                return;
            }
            assert!(Instant::now() < end, "{seen:?} instead of {expected:?}");
            self.broker.groups().offsets().expire();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The ids of all groups that are listed.
    pub async fn listed(&self) -> Vec<String> {
        let lists = self.broker.groups().list(&Default::default());
        let groups = crate::gather(lists).await.expect("the coordinator is there");
        groups.into_iter().map(|group| group.group_id).collect()
    }

    /// Waits until a group is not listed any more.
    pub async fn is_unlisted(&self, group_id: &str) {
        let end = Instant::now() + SOON;
        while self.listed().await.iter().any(|listed| listed == group_id) {
            assert!(Instant::now() < end, "{group_id} is still listed");
            self.broker.groups().offsets().expire();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends the coordinator a command.
    pub async fn ask(&self, group_id: &str, command: Command) -> Reply {
        self.broker.groups().submit(group_id, command).wait().await.expect("it answers")
    }

    /// Deletes a group as DeleteGroups does.
    pub async fn delete_group(&self, group_id: &str) -> ErrorCode {
        let command = Command::DeleteGroup { group_id: group_id.to_owned() };
        let Reply::DeleteGroup(code) = self.ask(group_id, command).await else {
            panic!("another reply")
        };
        if code == ErrorCode::None {
            let forgotten = self.broker.groups().offsets().delete_group(group_id).await;
            forgotten.expect("the storage answers");
        }
        code
    }

    /// Makes one member of a group that reads `topics`: who it is when it commits.
    pub async fn join(&self, group_id: &str, topics: &[&str]) -> CommitIdentity {
        let join = JoinGroup {
            group_id: group_id.to_owned(),
            member_id: String::new(),
            fresh_member_id: "member-1".to_owned(),
            group_instance_id: None,
            require_known_member_id: false,
            supports_skipping_assignment: false,
            client_id: "client".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            session_timeout_ms: 60_000,
            rebalance_timeout_ms: 60_000,
            protocol_type: "consumer".to_owned(),
            protocols: vec![("range".to_owned(), subscription(topics))],
            reason: None,
        };
        let Reply::JoinGroup(joined) = self.ask(group_id, Command::JoinGroup(join)).await else {
            panic!("another reply")
        };
        assert_eq!(joined.error, ErrorCode::None);
        let sync = SyncGroup {
            group_id: group_id.to_owned(),
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            group_instance_id: None,
            protocol_type: None,
            protocol_name: None,
            assignments: vec![(joined.member_id.clone(), Bytes::from_static(b"all"))],
        };
        self.ask(group_id, Command::SyncGroup(sync)).await;
        identity(group_id, &joined.member_id, joined.generation_id)
    }
}

/// Who commits.
pub fn identity(group_id: &str, member_id: &str, generation_id: i32) -> CommitIdentity {
    CommitIdentity {
        group_id: group_id.to_owned(),
        member_id: member_id.to_owned(),
        group_instance_id: None,
        generation_id,
        knows_group_id_not_found: true,
    }
}

/// What a consumer says of itself (`ConsumerProtocolSubscription`, version 0).
fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend_from_slice(&(topics.len() as i32).to_be_bytes());
    for topic in topics {
        bytes.extend_from_slice(&(topic.len() as i16).to_be_bytes());
        bytes.extend_from_slice(topic.as_bytes());
    }
    bytes.extend_from_slice(&(-1i32).to_be_bytes());
    Bytes::from(bytes)
}

async fn open(
    store: Arc<dyn LogStore>,
    offset_storage: OffsetStorageKind,
    ahead_ms: Arc<AtomicI64>,
) -> Arc<Broker> {
    let settings = [
        ("group.initial.rebalance.delay.ms", "0"),
        ("offsets.topic.num.partitions", "3"),
        ("offsets.retention.minutes", "1"),
        // The claims ask for it themselves; the log looks for itself.
        ("offsets.retention.check.interval.ms", "100"),
    ];
    let settings = KafkaSettings::from_pairs(settings).expect("the suite's settings are valid");
    let parts = BrokerParts {
        store,
        settings: Arc::new(settings),
        offset_storage,
        node_id: 1,
        clock: Clock::ahead_by(ahead_ms),
        validation: Validation::default(),
    };
    let broker = Broker::open(parts).await.expect("the log opens");
    broker.ensure_groups().await.expect("groups can be coordinated");
    for name in TOPICS {
        let wanted = CreateTopic {
            name: name.to_owned(),
            partitions: 1,
            replication_factor: 1,
            assignments: Vec::new(),
            configs: Vec::new(),
        };
        match broker.create_topic(wanted, false).await {
            Ok(_) | Err((ErrorCode::TopicAlreadyExists, _)) => {}
            Err((error, message)) => panic!("{name}: {error:?}, {message}"),
        }
    }
    broker
}
