//! The storages of committed offsets, each through the same suite and the same load.
//!
//! ```text
//! offset_storages conformance log|memory|filer|filer-cached [URL,...]
//! offset_storages bench --dir DIRECTORY [--seconds 5] [URL,...]
//! ```
//!
//! `conformance` prints a line for each claim and fails if one does not hold. `bench` commits a hundred
//! partitions of a group at a time and fetches them, at 1 and at 16 at once, and prints a table: log
//! (local disk, every acknowledgement synced), memory, filer, filer behind the cache.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tidegate_broker::config::KafkaSettings;
use tidegate_broker::conformance::{Bed, CLAIMS};
use tidegate_broker::{
    Broker, BrokerParts, Cached, Clock, OffsetStorageKind, OffsetStore, Validation,
};
use tidegate_log::{LogStore, MemoryStore};
use tidegate_log_local::LocalStore;
use tidegate_machine::group::{CommitIdentity, CommitOffsets, OffsetToCommit};
use tidegate_model::{ErrorCode, TopicId};
use tidegate_offsets_filer::{FilerOffsets, Settings};

const CACHE_BYTES: usize = 64 << 20;
const PARTITIONS: i32 = 100;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("threads can be started");
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let failed = match words.as_slice() {
        ["conformance", storage] => runtime.block_on(conformance(storage, "")),
        ["conformance", storage, urls] => runtime.block_on(conformance(storage, urls)),
        ["bench", rest @ ..] => runtime.block_on(bench(rest)),
        _ => {
            eprintln!("usage: offset_storages conformance log|memory|filer|filer-cached [URLS]");
            eprintln!("       offset_storages bench --dir DIRECTORY [--seconds 5] [URLS]");
            std::process::exit(2);
        }
    };
    runtime.shutdown_timeout(Duration::from_secs(1));
    std::process::exit(i32::from(failed > 0));
}

/// A store in a folder of the filers that nobody else uses.
fn filer(urls: &str, folder: &str, cached: bool) -> OffsetStorageKind {
    let urls = urls.split(',').map(str::to_owned).collect();
    let settings = Settings {
        offsets_path: format!("/{folder}/offsets"),
        groups_path: format!("/{folder}/groups"),
        // A filer of a test machine may be slow, and that is no fault of the claim's.
        request_timeout: Duration::from_secs(30),
        attempt_timeout: Duration::from_secs(10),
        ..Settings::new(urls)
    };
    let store: Arc<dyn OffsetStore> =
        Arc::new(FilerOffsets::new(&settings).expect("the settings are good"));
    OffsetStorageKind::Store(match cached {
        true => Arc::new(Cached::new(store, CACHE_BYTES, Duration::ZERO)),
        false => store,
    })
}

fn storage(name: &str, urls: &str, folder: &str) -> OffsetStorageKind {
    match name {
        "log" => OffsetStorageKind::Log,
        "memory" => OffsetStorageKind::Memory,
        "filer" => filer(urls, folder, false),
        "filer-cached" => filer(urls, folder, true),
        _ => panic!("there is no storage {name}"),
    }
}

async fn conformance(name: &str, urls: &str) -> usize {
    let mut failed = 0;
    let stamp = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let stamp = stamp.expect("it is after 1970").as_micros();
    for (claim, check) in CLAIMS {
        let begin = Instant::now();
        let folder = format!("conformance-{stamp}/{claim}");
        let (name, urls) = (name.to_owned(), urls.to_owned());
        let keeps = name != "memory";
        let bed = Bed::new(move || storage(&name, &urls, &folder), keeps).await;
        let holds = tokio::spawn(check(bed)).await.is_ok();
        failed += usize::from(!holds);
        let verdict = if holds { "ok    " } else { "FAILED" };
        println!("{verdict} {claim} ({:.2} s)", begin.elapsed().as_secs_f64());
    }
    println!("{} claims, {failed} failed", CLAIMS.len());
    failed
}

struct Row {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
}

async fn bench(arguments: &[&str]) -> usize {
    let after = |flag: &str| {
        arguments.iter().position(|word| *word == flag).and_then(|at| arguments.get(at + 1))
    };
    let directory = PathBuf::from(after("--dir").expect("--dir names a directory"));
    let seconds: f64 = after("--seconds").map_or(5.0, |text| text.parse().expect("a number"));
    let urls = arguments.last().filter(|word| word.starts_with("http"));
    let mut names = vec!["log", "memory"];
    if urls.is_some() {
        names.extend(["filer", "filer-cached"]);
    }
    println!(
        "{PARTITIONS} partitions a request, {seconds} s each; offsets/s, p50 and p99 of a request in ms\n"
    );
    println!("| storage | at once | commits/s | p50 | p99 | fetches/s | p50 | p99 |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for name in names {
        for at_once in [1, 16] {
            let urls = urls.copied().unwrap_or_default();
            let broker = gateway(name, urls, &directory.join(format!("{name}-{at_once}"))).await;
            let commit = load(&broker, at_once, seconds, true).await;
            let fetch = load(&broker, at_once, seconds, false).await;
            println!(
                "| {name} | {at_once} | {:.0} | {:.3} | {:.3} | {:.0} | {:.3} | {:.3} |",
                commit.rate, commit.p50_ms, commit.p99_ms, fetch.rate, fetch.p50_ms, fetch.p99_ms
            );
        }
    }
    0
}

async fn gateway(name: &str, urls: &str, directory: &Path) -> Arc<Broker> {
    let store: Arc<dyn LogStore> = match name {
        "log" => {
            let settings = tidegate_log_local::Settings::new(directory);
            Arc::new(LocalStore::open(settings).expect("the directory can be used"))
        }
        _ => Arc::new(MemoryStore::new()),
    };
    let folder = format!("bench-{}-{}", std::process::id(), directory.display().to_string().len());
    let parts = BrokerParts {
        store,
        settings: Arc::new(
            KafkaSettings::from_pairs([("offsets.topic.num.partitions", "50")]).expect("good"),
        ),
        offset_storage: storage(name, urls, &folder),
        node_id: 1,
        clock: Clock::system(),
        validation: Validation::default(),
    };
    let broker = Broker::open(parts).await.expect("the log opens");
    broker.ensure_groups().await.expect("groups can be coordinated");
    broker
}

/// So many clients, a group each, one request behind the other.
async fn load(broker: &Arc<Broker>, at_once: usize, seconds: f64, commits: bool) -> Row {
    let failures = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let begin = Instant::now();
    let clients: Vec<_> = (0..at_once)
        .map(|client| {
            let (broker, failures) = (broker.clone(), failures.clone());
            tokio::spawn(async move {
                let group_id = format!("bench-{client}");
                let mut took = Vec::new();
                while Instant::now() < end {
                    let begin = Instant::now();
                    let is_good = match commits {
                        true => commit(&broker, &group_id, took.len() as i64).await,
                        false => fetch(&broker, &group_id).await,
                    };
                    took.push(begin.elapsed());
                    failures.fetch_add(u64::from(!is_good), Ordering::Relaxed);
                }
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for client in clients {
        took.extend(client.await.expect("a client does not panic"));
    }
    let elapsed = begin.elapsed().as_secs_f64();
    assert_eq!(failures.load(Ordering::Relaxed), 0, "requests failed");
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let rate = took.len() as f64 * f64::from(PARTITIONS) / elapsed;
    Row { rate, p50_ms: at(0.5), p99_ms: at(0.99) }
}

async fn commit(broker: &Broker, group_id: &str, offset: i64) -> bool {
    let offsets = (0..PARTITIONS).map(|partition| OffsetToCommit {
        topic: "t".to_owned(),
        topic_id: TopicId::ZERO,
        partition,
        offset,
        leader_epoch: 0,
        metadata: None,
    });
    let identity = CommitIdentity {
        group_id: group_id.to_owned(),
        member_id: String::new(),
        group_instance_id: None,
        generation_id: -1,
        knows_group_id_not_found: true,
    };
    let request = CommitOffsets { identity, retention_time_ms: -1, offsets: offsets.collect() };
    let codes = broker.groups().offsets().commit(request).await;
    codes.is_ok_and(|codes| codes.iter().all(|code| *code == ErrorCode::None))
}

async fn fetch(broker: &Broker, group_id: &str) -> bool {
    let wanted = (0..PARTITIONS).map(|partition| ("t".to_owned(), partition)).collect();
    let fetched = broker.groups().offsets().fetch(group_id, Some(wanted)).await;
    fetched.is_ok_and(|fetched| fetched.len() == PARTITIONS as usize)
}
