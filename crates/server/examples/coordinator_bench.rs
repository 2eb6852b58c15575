//! What groups and administration cost, and what they cost the producers beside them.
//!
//! Questions: by how much does the 99th percentile of produce latency at 5,000 records/s rise when
//! 200 groups heartbeat and commit? How long until 500 members of one group have their assignments?
//! How long does it take to describe 10,000 partitions? Against any broker, so that two can be
//! compared:
//!
//! ```text
//! cargo run --profile fast -p tidegate-server --example coordinator_bench -- 127.0.0.1:9092 [seconds [rounds]]
//! ```
//!
//! Latency counts from the moment when a record should have been sent.

#[path = "../tests/common/mod.rs"]
mod common;

use bytes::Bytes;
use common::client::{Place, RawClient, produce_request, topic_name};
use common::{batch::Batch, code, text};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::offsets::{CommitPartition, CommitTopic, OffsetCommitRequest};
use tidegate_wire::produce::{decode_produce_response, encode_produce_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const RECORDS_PER_SECOND: u64 = 5_000;
const RECORDS_PER_REQUEST: u64 = 5;
const GROUPS: usize = 200;
const HEARTBEAT_EVERY: Duration = Duration::from_millis(300);
const COMMIT_EVERY: Duration = Duration::from_secs(1);
const MEMBERS: usize = 500;
const WIDE_PARTITIONS: i32 = 10_000;
const WIDE_TOPICS: i32 = 10;
const ROUNDS: usize = 3;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("the first argument is host:port");
    let address: SocketAddr = address.parse().expect("the address is ip:port");
    let seconds = arguments.next().map_or(10, |text| text.parse().expect("seconds are a number"));
    let run = std::process::id();
    let rounds = arguments.next().map_or(ROUNDS, |text| text.parse().expect("rounds are a number"));
    members(address, run).await;
    produce_beside_groups(address, run, Duration::from_secs(seconds), rounds).await;
    describe(address, run).await;
}

/// Creates a topic, or panics; large ones take their time.
async fn create(client: &mut RawClient, name: &str, partitions: i32) -> TopicId {
    let topic = CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(partitions)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(20_000);
    let row = client.call(7, &request).await.topics.remove(0);
    assert_eq!(code(row.error_code), ErrorCode::None, "{:?}", row.error_message);
    // A broker may answer before the partitions have a leader that knows of itself.
    tokio::time::sleep(Duration::from_secs(1)).await;
    TopicId(row.topic_id)
}

async fn produce_beside_groups(address: SocketAddr, run: u32, how_long: Duration, rounds: usize) {
    let mut client = RawClient::connect(address).await;
    let name = format!("paced-{run}");
    let id = create(&mut client, &name, 1).await;
    let place = Place { name: &name, id, partition: 0 };
    paced(address, place, Duration::from_secs(3)).await;
    let (mut all_alone, mut all_beside) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let alone = paced(address, place, how_long).await;
        println!("round {round}, producer alone:      {alone}");
        let stop = Arc::new(AtomicBool::new(false));
        let requests = Arc::new(AtomicU64::new(0));
        let mut groups = Vec::new();
        for index in 0..GROUPS {
            let group = format!("g-{run}-{round}-{index}");
            let (name, stop, requests) = (name.clone(), stop.clone(), requests.clone());
            groups.push(tokio::spawn(async move {
                beat_and_commit(address, &group, &name, id, &stop, &requests).await;
            }));
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        requests.store(0, Ordering::Relaxed);
        let beside = paced(address, place, how_long).await;
        let rate = requests.load(Ordering::Relaxed) / how_long.as_secs();
        println!("round {round}, beside {GROUPS} groups:   {beside}   ({rate} group requests/s)");
        stop.store(true, Ordering::Relaxed);
        for group in groups {
            group.await.expect("a group's task does not panic");
        }
        all_alone.push(alone.at(0.99));
        all_beside.push(beside.at(0.99));
    }
    let (alone, beside) = (median(all_alone), median(all_beside));
    let ratio = beside.as_secs_f64() / alone.as_secs_f64();
    println!("medians of p99: alone {alone:.2?}, beside {beside:.2?}, ratio {ratio:.2}");
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

/// One group with one member until `stop`.
async fn beat_and_commit(
    address: SocketAddr,
    group: &str,
    topic: &str,
    id: TopicId,
    stop: &AtomicBool,
    requests: &AtomicU64,
) {
    let mut member = Member::connect(address, group).await;
    member.settle().await;
    let mut committed = Instant::now();
    let mut offset = 0;
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(HEARTBEAT_EVERY).await;
        assert_eq!(member.heartbeat().await, ErrorCode::None);
        requests.fetch_add(1, Ordering::Relaxed);
        if committed.elapsed() >= COMMIT_EVERY {
            committed = Instant::now();
            offset += 1;
            member.commit(topic, id, offset).await;
            requests.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Percentiles(Vec<Duration>);

impl Percentiles {
    fn at(&self, share: f64) -> Duration {
        self.0[((self.0.len() - 1) as f64 * share) as usize]
    }
}

impl std::fmt::Display for Percentiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            write!(f, "{name} {:.2} ms  ", self.at(share).as_secs_f64() * 1e3)?;
        }
        write!(f, "({} requests)", self.0.len())
    }
}

/// Produces at the paced rate over one connection and returns the sorted latencies.
async fn paced(address: SocketAddr, place: Place<'_>, how_long: Duration) -> Percentiles {
    let stream = tokio::net::TcpStream::connect(address).await.expect("the broker listens");
    stream.set_nodelay(true).expect("sockets have the option");
    let (mut read, mut write) = stream.into_split();
    let gap = Duration::from_secs(1) / (RECORDS_PER_SECOND / RECORDS_PER_REQUEST) as u32;
    let count = how_long.as_nanos() / gap.as_nanos();
    let value = "x".repeat(100);
    let values = vec![value.as_str(); RECORDS_PER_REQUEST as usize];
    let start = Instant::now() + Duration::from_millis(50);
    let due = move |index: u128| start + gap * index as u32;
    let reading = tokio::spawn(async move {
        let mut latencies = Vec::with_capacity(count as usize);
        for index in 0..count {
            let len = read.read_i32().await.expect("the broker answers") as usize;
            let mut frame = vec![0; len];
            read.read_exact(&mut frame).await.expect("the broker answers");
            latencies.push(due(index).elapsed());
            let (_, answer) = decode_produce_response(9, Bytes::from(frame)).expect("it decodes");
            assert_eq!(code(answer.topics[0].partitions[0].error_code), ErrorCode::None);
        }
        latencies
    });
    for index in 0..count {
        tokio::time::sleep_until(due(index).into()).await;
        let request = produce_request(-1, place, Batch::of(&values));
        let frame = encode_produce_request(9, index as i32, "bench", &request);
        write.write_all(&frame).await.expect("the broker reads");
    }
    let mut latencies = reading.await.expect("the reader does not panic");
    latencies.sort_unstable();
    Percentiles(latencies)
}

/// A member of a group on a connection of its own.
struct Member {
    client: RawClient,
    group: GroupId,
    id: String,
    generation: i32,
}

impl Member {
    async fn connect(address: SocketAddr, group: &str) -> Self {
        let mut client = RawClient::connect(address).await;
        let request = FindCoordinatorRequest::default().with_key(text(group));
        while client.call(3, &request).await.error_code != 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Member { client, group: GroupId(text(group)), id: String::new(), generation: -1 }
    }

    async fn join(&mut self) -> JoinGroupResponse {
        let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
        let request = JoinGroupRequest::default()
            .with_group_id(self.group.clone())
            .with_session_timeout_ms(30_000)
            .with_rebalance_timeout_ms(30_000)
            .with_member_id(text(&self.id))
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        let answer = self.client.call(5, &request).await;
        self.id = answer.member_id.to_string();
        self.generation = answer.generation_id;
        answer
    }

    /// Joins until it has an assignment.
    async fn settle(&mut self) {
        loop {
            let joined = self.join().await;
            match code(joined.error_code) {
                ErrorCode::None => {}
                ErrorCode::MemberIdRequired => continue,
                other => {
                    assert!(
                        matches!(
                            other,
                            ErrorCode::UnknownMemberId
                                | ErrorCode::NotCoordinator
                                | ErrorCode::CoordinatorLoadInProgress
                        ),
                        "{other}"
                    );
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            }
            let assignments = joined.members.iter().map(|member| {
                SyncGroupRequestAssignment::default()
                    .with_member_id(member.member_id.clone())
                    .with_assignment(Bytes::from_static(b"assignment"))
            });
            let request = SyncGroupRequest::default()
                .with_group_id(self.group.clone())
                .with_generation_id(self.generation)
                .with_member_id(text(&self.id))
                .with_assignments(assignments.collect());
            match code(self.client.call(3, &request).await.error_code) {
                ErrorCode::None => return,
                ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration => {}
                other => panic!("SyncGroup answers {other}"),
            }
        }
    }

    async fn heartbeat(&mut self) -> ErrorCode {
        let request = HeartbeatRequest::default()
            .with_group_id(self.group.clone())
            .with_generation_id(self.generation)
            .with_member_id(text(&self.id));
        code(self.client.call(3, &request).await.error_code)
    }

    async fn commit(&mut self, topic: &str, id: TopicId, offset: i64) {
        let partition =
            CommitPartition { index: 0, offset, leader_epoch: -1, metadata: Some(text("")) };
        let request = OffsetCommitRequest {
            group_id: self.group.0.clone(),
            generation_id: self.generation,
            member_id: text(&self.id),
            group_instance_id: None,
            retention_time_ms: -1,
            topics: vec![CommitTopic {
                name: text(topic),
                topic_id: id,
                partitions: vec![partition],
            }],
        };
        let answer = self.client.commit(8, &request).await;
        assert_eq!(code(answer.topics[0].partitions[0].1), ErrorCode::None);
    }
}

/// Time until all members of one group are settled in the same generation.
async fn members(address: SocketAddr, run: u32) {
    for round in 1..=ROUNDS {
        let group = format!("many-{run}-{round}");
        let mut all = Vec::new();
        for _ in 0..MEMBERS {
            all.push(Member::connect(address, &group).await);
        }
        let settled = Arc::new(AtomicU64::new(0));
        let newest = Arc::new(AtomicU64::new(0));
        let done = Arc::new(AtomicBool::new(false));
        let start = Instant::now();
        let tasks: Vec<_> = all
            .into_iter()
            .map(|mut member| {
                let (settled, newest, done) = (settled.clone(), newest.clone(), done.clone());
                tokio::spawn(async move {
                    while !done.load(Ordering::Relaxed) {
                        member.settle().await;
                        let generation = member.generation as u64;
                        if newest.fetch_max(generation, Ordering::SeqCst) < generation {
                            settled.store(0, Ordering::SeqCst);
                        }
                        if newest.load(Ordering::SeqCst) == generation
                            && settled.fetch_add(1, Ordering::SeqCst) + 1 == MEMBERS as u64
                        {
                            done.store(true, Ordering::Relaxed);
                        }
                        while !done.load(Ordering::Relaxed)
                            && member.heartbeat().await == ErrorCode::None
                        {
                            tokio::time::sleep(Duration::from_millis(200)).await;
                        }
                    }
                })
            })
            .collect();
        while !done.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(2)).await;
            assert!(start.elapsed() < Duration::from_secs(120), "the group does not settle");
        }
        let took = start.elapsed();
        let generations = newest.load(Ordering::SeqCst);
        println!(
            "round {round}, {MEMBERS} members settled in {took:.2?}, {generations} generations"
        );
        for task in tasks {
            task.abort();
        }
    }
}

async fn describe(address: SocketAddr, run: u32) {
    let mut client = RawClient::connect(address).await;
    let names: Vec<_> = (0..WIDE_TOPICS).map(|index| format!("wide-{run}-{index}")).collect();
    for name in &names {
        create(&mut client, name, WIDE_PARTITIONS / WIDE_TOPICS).await;
    }
    let topics = names
        .iter()
        .map(|name| MetadataRequestTopic::default().with_name(Some(topic_name(name))))
        .collect();
    let metadata = MetadataRequest::default().with_topics(Some(topics));
    // A broker may say that a topic is created before its metadata has all of it.
    let mut waited = Duration::ZERO;
    loop {
        let topics = client.call(12, &metadata).await.topics;
        if topics.iter().map(|topic| topic.partitions.len()).sum::<usize>()
            == WIDE_PARTITIONS as usize
        {
            break;
        }
        assert!(waited < Duration::from_secs(60), "the topics do not appear");
        waited += Duration::from_millis(500);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let wanted = |name: &String| {
        let partitions = (0..WIDE_PARTITIONS / WIDE_TOPICS).map(|index| {
            ListOffsetsPartition::default().with_partition_index(index).with_timestamp(-1)
        });
        ListOffsetsTopic::default()
            .with_name(topic_name(name))
            .with_partitions(partitions.collect())
    };
    let offsets = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(names.iter().map(wanted).collect());
    for round in 1..=ROUNDS {
        let start = Instant::now();
        let described = client.call(12, &metadata).await.topics;
        let metadata_took = start.elapsed();
        let rows: usize = described.iter().map(|topic| topic.partitions.len()).sum();
        assert_eq!(rows, WIDE_PARTITIONS as usize);
        let start = Instant::now();
        let listed = client.call(7, &offsets).await.topics;
        let offsets_took = start.elapsed();
        let rows: Vec<_> = listed.iter().flat_map(|topic| &topic.partitions).collect();
        assert!(rows.len() == WIDE_PARTITIONS as usize && rows.iter().all(|row| row.offset == 0));
        let start = Instant::now();
        let sizes = DescribeLogDirsRequest::default().with_topics(None);
        let directories = client.call(1, &sizes).await.results;
        let sizes_took = start.elapsed();
        let topics = directories.iter().flat_map(|directory| &directory.topics);
        let rows: usize = topics.map(|topic| topic.partitions.len()).sum();
        println!(
            "round {round}, {WIDE_PARTITIONS} partitions: metadata {metadata_took:.2?}, end offsets \
             {offsets_took:.2?}; sizes of {rows} {sizes_took:.2?}"
        );
    }
}
