//! The store: opening, closing, and the set of partitions.

use crate::core::Core;
use crate::disk::{file_system_space, sync_directory, try_lock};
use crate::frame::EntryKind;
use crate::log::LocalLog;
use crate::oneshot;
use crate::partition::Partition;
use crate::recovery;
use crate::settings::{OpenError, Settings, Sync};
use crate::wal::closed;
use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use tidegate_log::{
    BoxFuture, LogError, LogObserver, LogStore, Opened, Step, StoreStats, StoreTimes, Volume,
};
use tidegate_model::{LeaderEpoch, TopicIdPartition};

/// Threads for reads that wait for the disk.
const READER_THREADS: usize = 2;

/// Partition logs on local disks, behind one write-ahead log.
///
/// Dropping it without [`close`](LogStore::close) is like the end of the process: what is durable
/// stays, and the next open replays it.
pub struct LocalStore {
    core: Arc<Core>,
    running: Arc<Mutex<Option<Running>>>,
}

/// What ends with the store.
struct Running {
    threads: Vec<JoinHandle<()>>,
    _locks: Vec<File>,
}

impl LocalStore {
    /// Opens the store in `settings.data_dir`, making it if there is none.
    ///
    /// Replays what the last run made durable after its last checkpoint. Refuses with
    /// [`OpenError::Corrupt`], changing nothing, if acknowledged data is damaged or missing.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let settings = settings.within_limits();
        let directories = [settings.data_dir.clone(), settings.wal_dir(), settings.segments_dir()];
        for directory in &directories {
            make_directory(directory).map_err(OpenError::io("make", directory))?;
        }
        let mut locks = vec![lock(&settings.data_dir)?];
        if settings.wal_dir.is_some() {
            locks.push(lock(&settings.wal_dir())?);
        }
        let core = Arc::new(recovery::recover(settings)?);
        let running = Running { threads: start_threads(&core), _locks: locks };
        Ok(LocalStore { core, running: Arc::new(Mutex::new(Some(running))) })
    }

    /// Makes a checkpoint now.
    ///
    /// Tests and tools want one at a certain time; the store makes its own.
    pub fn checkpoint(&self) -> std::io::Result<()> {
        self.core.make_checkpoint(false)
    }
}

/// Makes a directory and those above it, durably: what is in it must not vanish with its name.
fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    make_directory(parent)?;
    match std::fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_directory(parent),
    }
}

/// Takes the lock of a directory for this process.
fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join("LOCK");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&path).map_err(OpenError::io("open", &path))?;
    let mut holder = String::new();
    if !try_lock(&file).map_err(OpenError::io("lock", &path))? {
        drop(file.read_to_string(&mut holder));
        return Err(OpenError::InUse { path, pid: holder.trim().to_owned() });
    }
    let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    noted.map_err(OpenError::io("write", &path))?;
    Ok(file)
}

fn start_threads(core: &Arc<Core>) -> Vec<JoinHandle<()>> {
    let mut threads = Vec::new();
    let mut start = |name: &str, run: fn(&Core)| {
        let core = core.clone();
        let builder = std::thread::Builder::new().name(format!("tidegate-{name}"));
        let thread = builder.spawn(move || run(&core));
        threads.push(thread.expect("the system can start one more thread"));
    };
    start("wal", |core| core.wal.run(|| core.wait_for_memory(), |written| core.publish(written)));
    start("wal-files", |core| core.wal.ring.prepare());
    start("flush", Core::run_flusher);
    start("checkpoint", Core::run_checkpointer);
    for _ in 0..READER_THREADS {
        start("read", |core| core.readers.run());
    }
    if let Sync::Interval(_) = core.settings.sync {
        start("sync", run_syncer);
    }
    threads
}

/// Syncs the log at the interval that was asked for.
fn run_syncer(core: &Core) {
    let Sync::Interval(interval_ms) = core.settings.sync else { return };
    while core.syncing.pause(Duration::from_millis(interval_ms.max(1))) {
        core.sync_wal();
    }
}

impl Core {
    /// Ends all threads at the next occasion.
    fn stop_threads(&self) {
        self.wal.stop();
        self.checkpoint.stop();
        self.syncing.stop();
        self.flush.stop();
        self.readers.stop();
    }

    /// Lets go of everything that refers to each other, and of whoever waits.
    fn clear(&self) {
        self.queue.close(closed());
        self.partitions.lock().clear();
        self.deleting.lock().clear();
        self.changed.lock().clear();
        self.touched.lock().clear();
        self.flush.clear();
    }

    /// Makes durable what was taken, and a checkpoint.
    fn finish(&self) -> Result<(), LogError> {
        self.wal.close();
        // While files are short, the checkpointing thread frees some.
        while !self.wal.barrier() && !self.full.is_short() {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.checkpoint.stop();
        let partitions: Vec<_> = self.partitions.lock().values().cloned().collect();
        let made = self.make_checkpoint(true);
        for partition in partitions {
            if let Some(info) = partition.state.lock().segments.last() {
                info.segment.save_index(&self.files, info.len);
            }
        }
        made.map_err(|error| LogError::Full(format!("cannot make a checkpoint: {error}")))
    }
}

impl Running {
    fn stop(self, core: &Core) {
        core.stop_threads();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!(target: "tidegate::log", "a thread of the store panicked");
            }
        }
        core.closed.store(true, Ordering::Release);
        core.clear();
    }
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        if let Some(running) = self.running.lock().take() {
            running.stop(&self.core);
        }
    }
}

impl LogStore for LocalStore {
    fn open(
        &self,
        partition: TopicIdPartition,
        leader_epoch: LeaderEpoch,
        observer: Arc<dyn LogObserver>,
    ) -> Step<Result<Opened, LogError>> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut deleting = self.core.deleting.lock();
            match deleting.get_mut(&partition) {
                Some(waiting) => waiting.push(sender),
                None => return open(&self.core, partition, leader_epoch, observer),
            }
        }
        let core = self.core.clone();
        Step::Later(Box::pin(async move {
            receiver.await.ok_or_else(closed)?;
            open(&core, partition, leader_epoch, observer).wait().await
        }))
    }

    fn delete(&self, partition: TopicIdPartition) -> Step<Result<(), LogError>> {
        let (sender, receiver) = oneshot::channel();
        let mut deleting = self.core.deleting.lock();
        if let Some(waiting) = deleting.get_mut(&partition) {
            waiting.push(sender);
        } else {
            let known = self.core.partitions.lock().get(&partition).cloned();
            let Some(known) = known else { return Step::Ready(Ok(())) };
            let mut writer = known.writer.lock();
            if let Err(error) = self.core.wal.control(&known, EntryKind::Delete, 0) {
                return Step::Ready(Err(error));
            }
            writer.deleted = true;
            known.state.lock().deleted = true;
            deleting.insert(partition, vec![sender]);
        }
        Step::Later(Box::pin(async move { receiver.await.ok_or_else(closed) }))
    }

    fn partitions(&self) -> Vec<TopicIdPartition> {
        let deleting = self.core.deleting.lock();
        let partitions = self.core.partitions.lock();
        partitions.keys().filter(|id| !deleting.contains_key(id)).copied().collect()
    }

    fn volume(&self) -> Volume {
        let directory = &self.core.settings.data_dir;
        let path = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
        let space = file_system_space(directory);
        if let Err(error) = &space {
            tracing::warn!(target: "tidegate::log", path = %directory.display(), %error, "space cannot be asked for");
        }
        let space = space.ok();
        Volume {
            path: path.to_string_lossy().into_owned(),
            total_bytes: space.map(|space| space.total_bytes),
            usable_bytes: space.map(|space| space.usable_bytes),
        }
    }

    fn stats(&self) -> StoreStats {
        let core = &self.core;
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        StoreStats {
            frames: read(&core.counters.frames),
            appends: read(&core.counters.appends),
            bytes: read(&core.counters.bytes),
            pending_bytes: core.wal.pending_bytes(),
            tail_bytes: core.pool.live_bytes(),
            trimmed_segments: read(&core.counters.trimmed_segments),
            trimmed_bytes: read(&core.counters.trimmed_bytes),
            checkpoints: read(&core.counters.checkpoints),
            sync_nanos: read(&core.counters.sync_nanos),
            slow_writes: core.counters.slow_writes.total(),
            full: core.full.is_short(),
        }
    }

    fn times(&self) -> &StoreTimes {
        &self.core.times
    }

    fn close(&self) -> BoxFuture<Result<(), LogError>> {
        self.core.wal.close();
        let (core, running) = (self.core.clone(), self.running.clone());
        let (sender, receiver) = oneshot::channel();
        let closing =
            std::thread::Builder::new().name("tidegate-close".to_owned()).spawn(move || {
                let mut running = running.lock();
                let finished = match running.take() {
                    Some(running) => {
                        let finished = core.finish();
                        running.stop(&core);
                        finished
                    }
                    None => Ok(()),
                };
                sender.send(finished);
            });
        Box::pin(async move {
            closing.map_err(|error| LogError::Unavailable(error.to_string()))?;
            receiver.await.unwrap_or_else(|| Err(closed()))
        })
    }
}

/// Opens a partition that no deletion is in the way of.
fn open(
    core: &Arc<Core>,
    id: TopicIdPartition,
    leader_epoch: LeaderEpoch,
    observer: Arc<dyn LogObserver>,
) -> Step<Result<Opened, LogError>> {
    if core.wal.is_closing() {
        return Step::Ready(Err(closed()));
    }
    let partition = {
        let mut partitions = core.partitions.lock();
        let new = || Partition::new(id, core.wal.open_lsn(), core.settings.segment_limits());
        partitions.entry(id).or_insert_with(new).clone()
    };
    let pending = match partition.claim(leader_epoch, observer) {
        Ok(pending) => pending,
        Err(error) => return Step::Ready(Err(error)),
    };
    let log = LocalLog::new(core.clone(), partition.clone());
    let opened = move || {
        let state = partition.state.lock();
        Opened {
            log: Arc::new(log),
            log_start_offset: state.log_start_offset,
            log_end_offset: state.durable_end,
            snapshot: state.snapshot.clone(),
        }
    };
    if pending.is_durable() {
        return Step::Ready(Ok(opened()));
    }
    Step::Later(Box::pin(async move {
        pending.await?;
        Ok(opened())
    }))
}
