//! From what a run left on the disk to a store that goes on.
//!
//! Checkpoint, segments cut to the recorded length, then the write-ahead log's frames up to the first
//! bad one. If a later frame shows that the bad one had been acknowledged, the start is refused;
//! otherwise it is the torn end of a write that nobody was told of.

use crate::buffer::Pool;
use crate::checkpoint::{Checkpoint, PartitionRecord, SegmentRecord};
use crate::core::{Core, Counters, News};
use crate::disk::is_full;
use crate::flush::FlushQueue;
use crate::frame::{EntryKind, FrameEntry, FrameError, tail_entry};
use crate::full::Full;
use crate::partition::{Partition, SegmentInfo, State};
use crate::readers::Readers;
use crate::scan::{Found, FoundFrame, LogFiles, Memory, Place};
use crate::segment::{self, OpenFiles, Segment};
use crate::settings::{OpenError, Settings};
use crate::trigger::Trigger;
use crate::wal::{
    Identity, Progress, Ring, RingFiles, Wal, WalFile, WriteMode, choose_mode, file_number,
};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tidegate_log::{CommitQueue, EpochHistory, StoreTimes, wall_clock_ms};
use tidegate_model::{Offset, TopicIdPartition};

/// Memory of frames is taken in chunks of at most this size, which is that of the largest frame but
/// for one that holds a single larger append.
const CHUNK_BYTES_MAX: usize = 4 << 20;
const CHUNK_BYTES_MIN: usize = 256 << 10;

/// Brings a store up from its directory; nothing runs yet.
pub fn recover(settings: Settings) -> Result<Core, OpenError> {
    let begun = std::time::Instant::now();
    let mode = choose_mode(&settings, &settings.wal_dir())
        .map_err(OpenError::io("write to", &settings.wal_dir()))?;
    let path = settings.checkpoint_path();
    let Some(checkpoint) = Checkpoint::load(&path)? else {
        return begin(settings, mode);
    };
    let files = LogFiles::open(&settings.wal_dir(), checkpoint.store_id)?;
    require_files(&settings, &checkpoint, &files)?;
    let end = find_end(&checkpoint, &files)?;
    let found = examine_segments(&settings, &checkpoint)?;
    // Up to here nothing was changed; what follows can be repeated if it is cut short.
    found.apply()?;
    let core = new_core(settings, mode, &checkpoint, &files, &end)?;
    let replayed = replay(&core, &files, &end)?;
    refuse_missing(&core, &found)?;
    note_opening(&core, checkpoint)?;
    let took_ms = begun.elapsed().as_millis() as u64;
    let partitions = core.partitions.lock().len();
    tracing::info!(target: "tidegate::log", partitions, frames = replayed, took_ms, "store recovered");
    Ok(core)
}

/// Makes a new store, or says what stands in its place.
fn begin(settings: Settings, mode: WriteMode) -> Result<Core, OpenError> {
    let path = settings.checkpoint_path();
    if let Some(directory) = directory_with_data(&settings)? {
        let what = format!("{} holds data, and the checkpoint is missing", directory.display());
        return Err(OpenError::corrupt(&path, 0, what));
    }
    let store_id = RandomState::new().hash_one(std::process::id());
    let checkpoint = Checkpoint { store_id, lsn: 1, ..Checkpoint::default() };
    // Before the first file of the log, so that a start that is cut short here can be repeated.
    checkpoint.write(&path).map_err(OpenError::io("write", &path))?;
    let files = LogFiles::open(&settings.wal_dir(), store_id)?;
    let end = End::at(1, None);
    let core = new_core(settings, mode, &checkpoint, &files, &end)?;
    note_opening(&core, checkpoint)?;
    Ok(core)
}

/// The directory in which there is something that a checkpoint should speak of.
pub fn directory_with_data(settings: &Settings) -> Result<Option<PathBuf>, OpenError> {
    for directory in [settings.wal_dir(), settings.segments_dir()] {
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.map_err(OpenError::io("list", &directory))?,
        };
        let ours = |path: &Path| file_number(path).is_some() || segment::is_directory(path);
        if entries.map_while(Result::ok).any(|entry| ours(&entry.path())) {
            return Ok(Some(directory));
        }
    }
    Ok(None)
}

/// Makes it known that the store was opened once more, before it writes anything.
///
/// Otherwise what this run writes could be mistaken for what the one before left behind an end
/// that was cut.
fn note_opening(core: &Core, mut checkpoint: Checkpoint) -> Result<(), OpenError> {
    checkpoint.incarnation = core.wal.identity().incarnation;
    checkpoint.clean = false;
    checkpoint.wal_files = core.wal.ring.files(checkpoint.lsn);
    let path = core.settings.checkpoint_path();
    checkpoint.write(&path).map_err(OpenError::io("write", &path))?;
    core.wal.ring.release(checkpoint.lsn, &checkpoint.wal_files);
    Ok(())
}

fn require_files(
    settings: &Settings,
    checkpoint: &Checkpoint,
    files: &LogFiles,
) -> Result<(), OpenError> {
    for (number, len) in &checkpoint.wal_files {
        let found = files.by_number(*number).map(|at| &files.files[at]);
        let path = || settings.wal_dir().join(format!("{number:03}.wal"));
        match found {
            None => return Err(OpenError::corrupt(&path(), 0, "a file of the log is missing")),
            Some(file) if file.len < *len => {
                let what = format!("a file of the log has {} of {len} bytes", file.len);
                return Err(OpenError::corrupt(&path(), file.len, what));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Where the log ends.
struct End {
    /// Number of the next frame.
    lsn: u64,
    /// Where it goes if it fits; `None` if there is no file yet.
    place: Option<Place>,
    /// Where the frames lie that the checkpoint does not cover.
    replay: Vec<(u64, Place)>,
    /// The last deletion of each partition in them.
    deletions: HashMap<TopicIdPartition, u64>,
    /// The trims in them.
    trims: Vec<(TopicIdPartition, u64, Offset)>,
}

impl End {
    fn at(lsn: u64, place: Option<Place>) -> Self {
        let (replay, trims) = (Vec::new(), Vec::new());
        End { lsn, place, replay, deletions: HashMap::new(), trims }
    }

    fn note(&mut self, found: &FoundFrame) {
        self.replay.push((self.lsn, found.place));
        for (entry, _, _) in &found.frame.entries {
            match entry.kind {
                EntryKind::Append => {}
                EntryKind::Trim => self.trims.push((entry.partition, self.lsn, entry.base_offset)),
                EntryKind::Delete => drop(self.deletions.insert(entry.partition, self.lsn)),
            }
        }
        self.lsn += 1;
    }
}

/// Walks over the frames that the checkpoint does not cover, verifying all of them.
fn find_end(checkpoint: &Checkpoint, files: &LogFiles) -> Result<End, OpenError> {
    let first = files.by_number(checkpoint.wal_file);
    let start = first.map(|file| Place { file, position: checkpoint.wal_position });
    let mut end = End::at(checkpoint.lsn, start);
    if checkpoint.clean || files.files.is_empty() {
        return Ok(end);
    }
    let mut memory = Memory::new(&Pool::new(CHUNK_BYTES_MAX));
    let mut incarnation = checkpoint.min_incarnation;
    let mut at = start.unwrap_or(Place { file: 0, position: 0 });
    loop {
        match files.next(at, end.lsn, incarnation, &mut memory)? {
            Found::Frame(found) => {
                let header = found.frame.header;
                incarnation = header.incarnation;
                let position = found.place.position + u64::from(header.frame_len);
                at = Place { position, ..found.place };
                end.note(&found);
            }
            Found::End(error) => {
                end.place = Some(at);
                refuse_damage(files, at, end.lsn, error)?;
                return Ok(end);
            }
        }
    }
}

fn refuse_damage(
    files: &LogFiles,
    at: Place,
    lsn: u64,
    error: FrameError,
) -> Result<(), OpenError> {
    let Some(evidence) = files.evidence(at, lsn)? else { return Ok(()) };
    let what = format!(
        "frame {lsn} of the log should be here and {error}, although frame {} ({} at byte {}) says \
         that all up to {} had been made durable",
        evidence.header.lsn,
        files.files[evidence.place.file].path.display(),
        evidence.place.position,
        evidence.header.durable_lsn
    );
    Err(OpenError::corrupt(&files.files[at.file].path, at.position, what))
}

/// What is to be done to segment files before the log is replayed onto them.
#[derive(Default)]
struct Segments {
    /// Longer than the checkpoint says.
    cut: Vec<(PathBuf, u64)>,
    /// Not in the checkpoint.
    remove: Vec<PathBuf>,
    /// Of partitions that are not in the checkpoint.
    remove_directories: Vec<PathBuf>,
    /// Missing or too short; an entry of the log may explain it.
    missing: Vec<Missing>,
}

struct Missing {
    id: TopicIdPartition,
    created_lsn: u64,
    base_offset: Offset,
    path: PathBuf,
    what: String,
}

/// Compares the segment files with the checkpoint; changes nothing.
fn examine_segments(settings: &Settings, checkpoint: &Checkpoint) -> Result<Segments, OpenError> {
    let root = settings.segments_dir();
    let mut found = Segments::default();
    let mut known: HashMap<String, &PartitionRecord> = checkpoint
        .partitions
        .iter()
        .filter(|record| !record.segments.is_empty())
        .map(|record| (record.id.to_string(), record))
        .collect();
    let entries = std::fs::read_dir(&root).map_err(OpenError::io("list", &root))?;
    for entry in entries {
        let entry = entry.map_err(OpenError::io("list", &root))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        match known.remove(&name) {
            Some(record) => examine_partition(&entry.path(), record, checkpoint.clean, &mut found)?,
            None if segment::is_directory(&entry.path()) => {
                found.remove_directories.push(entry.path());
            }
            // Not ours.
            None => {}
        }
    }
    for record in known.into_values() {
        let directory = segment::directory(&root, record.id);
        record.segments.iter().for_each(|segment| found.miss(&directory, record, segment, 0));
    }
    Ok(found)
}

fn examine_partition(
    directory: &Path,
    record: &PartitionRecord,
    clean: bool,
    found: &mut Segments,
) -> Result<(), OpenError> {
    let mut lens: BTreeMap<Offset, u64> = BTreeMap::new();
    let mut indexes = Vec::new();
    let entries = std::fs::read_dir(directory).map_err(OpenError::io("list", directory))?;
    for entry in entries {
        let entry = entry.map_err(OpenError::io("list", directory))?;
        let path = entry.path();
        match segment::base_offset_of(&entry.file_name().to_string_lossy()) {
            Some(base_offset) => {
                let metadata = entry.metadata().map_err(OpenError::io("look at", &path))?;
                lens.insert(base_offset, metadata.len());
            }
            None => indexes.push(path),
        }
    }
    for (n, segment) in record.segments.iter().enumerate() {
        let path = directory.join(segment::file_name(segment.base_offset));
        let is_last = n + 1 == record.segments.len();
        let keeps_index = !is_last || clean;
        indexes.retain(|index| !(keeps_index && *index == path.with_extension("index")));
        match lens.remove(&segment.base_offset) {
            Some(len) if len < segment.len => found.miss(directory, record, segment, len),
            Some(len) if len > segment.len => found.cut.push((path, segment.len)),
            Some(_) => {}
            None => found.miss(directory, record, segment, 0),
        }
    }
    let needless =
        lens.into_keys().map(|base_offset| directory.join(segment::file_name(base_offset)));
    found.remove.extend(needless);
    // An index that may speak of batches that are cut; it can be rebuilt.
    found.remove.extend(indexes);
    Ok(())
}

impl Segments {
    fn miss(
        &mut self,
        directory: &Path,
        record: &PartitionRecord,
        segment: &SegmentRecord,
        len: u64,
    ) {
        self.missing.push(Missing {
            id: record.id,
            created_lsn: record.created_lsn,
            base_offset: segment.base_offset,
            path: directory.join(segment::file_name(segment.base_offset)),
            what: format!("a segment has {len} of {} bytes", segment.len),
        });
    }

    fn apply(&self) -> Result<(), OpenError> {
        for directory in &self.remove_directories {
            std::fs::remove_dir_all(directory).map_err(OpenError::io("remove", directory))?;
        }
        for path in &self.remove {
            std::fs::remove_file(path).map_err(OpenError::io("remove", path))?;
        }
        for (path, len) in &self.cut {
            let file = std::fs::OpenOptions::new().write(true).open(path);
            let cut = file.and_then(|file| file.set_len(*len));
            cut.map_err(OpenError::io("cut", path))?;
        }
        Ok(())
    }
}

/// Missing segments are damage unless they lie below the log start or their partition is deleted.
fn refuse_missing(core: &Core, found: &Segments) -> Result<(), OpenError> {
    let partitions = core.partitions.lock();
    for missing in &found.missing {
        let partition = partitions.get(&missing.id);
        // One of the same id that was made later has nothing to do with it.
        let same = partition.filter(|partition| partition.created_lsn == missing.created_lsn);
        let needed = same.is_some_and(|partition| {
            let state = partition.state.lock();
            let mut segments = state.segments.iter();
            segments.any(|info| {
                info.base_offset() == missing.base_offset
                    && info.end_offset > state.log_start_offset
            })
        });
        if needed {
            return Err(OpenError::corrupt(&missing.path, 0, missing.what.clone()));
        }
    }
    Ok(())
}

fn new_core(
    settings: Settings,
    mode: WriteMode,
    checkpoint: &Checkpoint,
    files: &LogFiles,
    end: &End,
) -> Result<Core, OpenError> {
    let chunk_bytes = (settings.tail_bytes_max / 8).min(settings.wal_file_bytes / 4) as usize;
    let pool = Pool::new(chunk_bytes.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX));
    let full = Arc::new(Full::default());
    let trigger = Arc::new(Trigger::default());
    let (ring_files, position) = take_files(&settings, mode, files, end)?;
    let ring = Ring::new(&settings, mode, ring_files, full.clone(), trigger.clone());
    let identity =
        Identity { store_id: checkpoint.store_id, incarnation: checkpoint.incarnation + 1 };
    let progress = Progress { lsn: end.lsn - 1, end: position };
    let queue = CommitQueue::new();
    queue.complete(progress.lsn);
    let partitions = checkpoint.partitions.iter();
    let partitions =
        partitions.map(|record| (record.id, partition_of(record, &settings))).collect();
    Ok(Core {
        wal: Wal::new(ring, mode, pool.clone(), full.clone(), identity, progress),
        pool,
        files: OpenFiles::new(settings.segments_dir(), settings.open_files_max),
        readers: Readers::default(),
        flush: FlushQueue::default(),
        queue,
        full,
        checkpoint: trigger,
        syncing: Trigger::default(),
        checkpointing: parking_lot::Mutex::new(()),
        closed: false.into(),
        partitions: parking_lot::Mutex::new(partitions),
        deleting: parking_lot::Mutex::default(),
        changed: parking_lot::Mutex::default(),
        touched: parking_lot::Mutex::default(),
        counters: Counters::default(),
        times: StoreTimes::default(),
        settings,
    })
}

/// Divides the log's files into the one to go on with, those to be kept and those that are free.
fn take_files(
    settings: &Settings,
    mode: WriteMode,
    files: &LogFiles,
    end: &End,
) -> Result<(RingFiles, (u32, u64)), OpenError> {
    let directory = settings.wal_dir();
    let Some(place) = end.place.filter(|_| !files.files.is_empty()) else {
        let first = RingFiles::first(settings, mode);
        return Ok((first.map_err(OpenError::io("make a file in", &directory))?, (0, 0)));
    };
    let mut last_lsns: BTreeMap<usize, u64> = BTreeMap::new();
    for (lsn, place) in &end.replay {
        last_lsns.insert(place.file, *lsn);
    }
    let (mut current, mut used, mut free) = (None, Vec::new(), Vec::new());
    for (at, file) in files.files.iter().enumerate() {
        let opened = WalFile::open(file.path.clone(), file.number, mode);
        let opened = opened.map_err(OpenError::io("open", &file.path))?;
        match last_lsns.get(&at) {
            _ if at == place.file => current = Some(opened),
            Some(last) => used.push((opened, *last)),
            None => free.push(opened),
        }
    }
    used.sort_by_key(|(_, last)| *last);
    // What is replayed counts as durable, also where its writer was ended before its sync.
    for file in used.iter().map(|(file, _)| file).chain(&current) {
        file.sync().map_err(OpenError::io("sync", file.path()))?;
    }
    let current = current.expect("the end of the log is in one of its files");
    let position = (current.number(), place.position);
    Ok((RingFiles { current, position: place.position, used, free }, position))
}

fn partition_of(record: &PartitionRecord, settings: &Settings) -> Arc<Partition> {
    let interval_bytes = settings.index_interval_bytes;
    let begun_at = wall_clock_ms();
    let info = |(n, segment): (usize, &SegmentRecord)| {
        let file = Segment::new(record.id, segment.base_offset, segment.len, interval_bytes);
        if n + 1 < record.segments.len() {
            file.mark_closed();
        }
        SegmentInfo {
            segment: file,
            end_offset: segment.end_offset,
            len: segment.len,
            max_timestamp: segment.max_timestamp,
            first_timestamp: None,
            begun_at,
        }
    };
    let segments: Vec<SegmentInfo> = record.segments.iter().enumerate().map(info).collect();
    // A flush that went on while the checkpoint was made may have moved a part of an entry.
    let durable_end = segments.last().map_or(0, |last| last.end_offset).max(record.end_offset);
    let state = State {
        segments,
        log_start_offset: record.log_start_offset,
        durable_end,
        epochs: EpochHistory::from_starts(record.epochs.clone()),
        snapshot: record.snapshot.clone(),
        ..State::default()
    };
    let limits = record.limits.unwrap_or(settings.segment_limits());
    Partition::recovered(record.id, record.created_lsn, record.leader_epoch, limits, state)
}

/// Applies all frames that the checkpoint does not cover. Returns how many there were.
fn replay(core: &Core, files: &LogFiles, end: &End) -> Result<usize, OpenError> {
    let mut memory = Memory::new(&core.pool);
    remove_before_replay(core, end);
    for (lsn, place) in &end.replay {
        let Found::Frame(found) = files.next(*place, *lsn, 0, &mut memory)? else {
            let file = &files.files[place.file].path;
            return Err(OpenError::corrupt(
                file,
                place.position,
                "a frame changed while it was read",
            ));
        };
        let mut news = News::default();
        for (entry, at, max_timestamp) in &found.frame.entries {
            if end.deletions.get(&entry.partition).is_some_and(|deleted| lsn <= deleted) {
                continue;
            }
            let bytes = found.bytes.slice(*at..*at + entry.len as usize);
            let applied = replay_entry(core, entry, *max_timestamp, *lsn, bytes, &mut news);
            applied.map_err(|what| {
                OpenError::corrupt(&files.files[place.file].path, place.position, what)
            })?;
        }
        let frame_len = u64::from(found.frame.header.frame_len);
        let counter = &core.counters.since_checkpoint;
        counter.fetch_add(frame_len, Ordering::Relaxed);
        drop(found);
        core.flush.add(news);
        core.flush_replayed();
    }
    let partitions: Vec<_> = core.partitions.lock().values().cloned().collect();
    for partition in &partitions {
        finish_partition(core, partition);
    }
    // What is counted began with this run.
    core.counters.trimmed_segments.store(0, Ordering::Relaxed);
    core.counters.trimmed_bytes.store(0, Ordering::Relaxed);
    Ok(end.replay.len())
}

/// Removes what deletions and trims made needless, before anything is added: its files may be gone
/// already, and nothing must be appended to those.
fn remove_before_replay(core: &Core, end: &End) {
    let known = |id: &TopicIdPartition, lsn: u64| {
        let known = core.partitions.lock().get(id).cloned();
        known.filter(|partition| partition.created_lsn <= lsn)
    };
    for (id, lsn) in &end.deletions {
        if let Some(partition) = known(id, *lsn) {
            core.apply_delete(&partition);
            core.remove_files(&partition);
        }
    }
    for (id, lsn, new_start) in &end.trims {
        if let Some(partition) = known(id, *lsn) {
            core.remove_below(&partition, *new_start);
        }
    }
}

fn replay_entry(
    core: &Core,
    entry: &FrameEntry,
    max_timestamp: i64,
    lsn: u64,
    bytes: bytes::Bytes,
    news: &mut News,
) -> Result<(), String> {
    let known = core.partitions.lock().get(&entry.partition).cloned();
    let known = known.filter(|partition| partition.created_lsn <= lsn);
    match (entry.kind, known) {
        (EntryKind::Append, known) => {
            let partition = known.unwrap_or_else(|| {
                let partition =
                    Partition::new(entry.partition, lsn, core.settings.segment_limits());
                let mut partitions = core.partitions.lock();
                partitions.entry(entry.partition).or_insert(partition).clone()
            });
            // Another partition of the same id, which came later, is in the checkpoint already.
            if partition.created_lsn > lsn {
                return Ok(());
            }
            let end = partition.durable_end();
            if entry.next_offset <= end {
                return Ok(());
            }
            if entry.base_offset > end {
                let id = entry.partition;
                let begin = entry.base_offset;
                return Err(format!(
                    "{id} ends at offset {end}, and this frame goes on at {begin}"
                ));
            }
            let mut tail = tail_entry(entry, max_timestamp, lsn, bytes);
            tail.cut_front(end);
            core.apply(&partition, tail, entry.leader_epoch, news);
            let mut writer = partition.writer.lock();
            writer.log_end_offset = entry.next_offset;
            writer.leader_epoch = writer.leader_epoch.max(entry.leader_epoch);
        }
        (EntryKind::Trim, Some(partition)) => {
            core.apply_trim(&partition, entry.base_offset);
        }
        (EntryKind::Trim, None) => {}
        (EntryKind::Delete, _) => unreachable!("deletions are applied before all else"),
    }
    Ok(())
}

/// Last touches on a partition after all frames.
fn finish_partition(core: &Core, partition: &Arc<Partition>) {
    let needless = {
        let mut state = partition.state.lock();
        let end = state.durable_end;
        // Only where syncs were left to the system can a snapshot be ahead of its log.
        if state.snapshot.as_ref().is_some_and(|snapshot| snapshot.offset > end) {
            state.snapshot = None;
        }
        state.segments.first().is_some_and(|info| info.end_offset <= state.log_start_offset)
    };
    if needless {
        core.remove_files(partition);
    }
}

impl Core {
    /// Moves to segments what has gathered in memory, as the flushing thread will once it runs.
    fn flush_replayed(&self) {
        let flush = |partition: Arc<Partition>| match self.flush_partition(&partition) {
            Ok(()) => true,
            Err(error) => {
                let message = format!("cannot write segments: {error}");
                debug_assert!(is_full(&error), "all other errors end the process");
                self.full.begin(crate::full::Shortage::Flush, message);
                // The flushing thread tries again.
                self.flush.retry(partition);
                false
            }
        };
        while !self.full.refuses_all() {
            let Some(partition) = self.flush.pop_ready() else { break };
            flush(partition);
        }
        let limit = self.settings.tail_bytes_max;
        while self.pool.live_bytes() > limit && !self.full.refuses_all() {
            let Some(partition) = self.flush.pop_dirty() else { break };
            flush(partition);
        }
    }
}
