//! One segment file, opened when it is needed and closed when others are needed more.

use crate::disk::{self, read_cached};
use crate::index::{Index, Mark};
use bytes::Bytes;
use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tidegate_log::LogError;
use tidegate_model::{BATCH_HEADER_LEN, BatchHeader, Offset, TimestampMs, TopicIdPartition};

/// How much is read to walk over headers.
const WINDOW_BYTES: usize = 16 << 10;

/// Whether a reader may wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Only what is in memory: the caller is not to be kept.
    None,
    /// As long as it takes.
    Any,
}

/// Why a segment could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// It would have to wait for the disk, and may not.
    WouldWait,
    /// The file is gone: trimmed or deleted in the meantime.
    Vanished,
    /// For the caller's caller.
    Log(LogError),
}

impl From<LogError> for ReadError {
    fn from(error: LogError) -> Self {
        ReadError::Log(error)
    }
}

/// A segment file. What it holds, and how much of it, its partition knows.
#[derive(Debug)]
pub struct Segment {
    partition: TopicIdPartition,
    base_offset: Offset,
    slot: Mutex<Slot>,
    /// Written since the last checkpoint began.
    pub touched: AtomicBool,
    /// No longer appended to.
    closed: AtomicBool,
    last_used: AtomicU64,
}

#[derive(Debug)]
struct Slot {
    file: Option<Arc<File>>,
    index: Index,
}

/// The directory of a partition's segments, below that of all.
pub fn directory(segments: &Path, partition: TopicIdPartition) -> PathBuf {
    segments.join(partition.to_string())
}

/// True if `path` has the name of a partition's directory.
pub fn is_directory(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let parts = name.and_then(|name| name.split_once('-'));
    parts.is_some_and(|(topic_id, partition)| {
        topic_id.len() == 32
            && topic_id.bytes().all(|byte| byte.is_ascii_hexdigit())
            && partition.parse::<i32>().is_ok()
    })
}

/// The name of the segment that begins at `base_offset`; the same as in Kafka.
pub fn file_name(base_offset: Offset) -> String {
    format!("{base_offset:020}.log")
}

/// The base offset in a segment's file name.
pub fn base_offset_of(name: &str) -> Option<Offset> {
    name.strip_suffix(".log")?.parse().ok()
}

fn corrupt(path: &Path, position: u64, what: impl std::fmt::Display) -> ReadError {
    ReadError::Log(LogError::Corrupt {
        place: format!("{} at byte {position}: {what}", path.display()),
    })
}

impl Segment {
    /// A segment of which the first `len` bytes were written by an earlier run, or a new one.
    pub fn new(
        partition: TopicIdPartition,
        base_offset: Offset,
        len: u64,
        interval_bytes: u64,
    ) -> Arc<Self> {
        let index = Index::new(base_offset, interval_bytes, len);
        Arc::new(Segment {
            partition,
            base_offset,
            slot: Mutex::new(Slot { file: None, index }),
            touched: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            last_used: AtomicU64::new(0),
        })
    }

    /// Offset of its first record.
    pub fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// The directory it lies in.
    pub fn directory(&self, segments: &Path) -> PathBuf {
        directory(segments, self.partition)
    }

    /// Its file.
    pub fn path(&self, segments: &Path) -> PathBuf {
        self.directory(segments).join(file_name(self.base_offset))
    }

    fn index_path(&self, segments: &Path) -> PathBuf {
        self.path(segments).with_extension("index")
    }

    /// Makes the file, and the partition's directory if it is the first.
    pub fn create(self: &Arc<Self>, files: &OpenFiles) -> io::Result<()> {
        let path = self.path(files.directory());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let opened = options.open(&path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                std::fs::create_dir_all(self.directory(files.directory()))?;
                options.open(&path)
            }
            _ => Err(error),
        })?;
        self.slot.lock().file = Some(Arc::new(opened));
        files.add(self);
        Ok(())
    }

    /// The open file.
    pub fn file(
        self: &Arc<Self>,
        files: &OpenFiles,
        patience: Patience,
    ) -> Result<Arc<File>, ReadError> {
        self.last_used.store(files.tick(), Ordering::Relaxed);
        if let Some(file) = &self.slot.lock().file {
            return Ok(file.clone());
        }
        if patience == Patience::None {
            return Err(ReadError::WouldWait);
        }
        let path = self.path(files.directory());
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let file = Arc::new(opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ReadError::Vanished,
            _ => ReadError::Log(LogError::Unavailable(format!("{}: {error}", path.display()))),
        })?);
        self.slot.lock().file = Some(file.clone());
        files.add(self);
        Ok(file)
    }

    /// When the file was written to last, on the system's clock.
    pub fn modified_at(&self, segments: &Path) -> Option<TimestampMs> {
        let modified = std::fs::metadata(self.path(segments)).ok()?.modified().ok()?;
        let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    }

    /// Notes batches that were written at the end of the file.
    pub fn index_batches(&self, batches: &[(Offset, u64, i64)]) {
        let mut slot = self.slot.lock();
        for (offset, position, max_timestamp) in batches {
            slot.index.push(*offset, *position, *max_timestamp);
        }
    }

    /// Writes the index beside the segment, which is complete with `len` bytes, if all of it is known.
    pub fn save_index(&self, files: &OpenFiles, len: u64) {
        let encoded = {
            let slot = self.slot.lock();
            (slot.index.covered_from() == 0).then(|| slot.index.encode(len))
        };
        let Some(encoded) = encoded else { return };
        let path = self.index_path(files.directory());
        if let Err(error) = std::fs::write(&path, encoded) {
            // It saves a scan later, and nothing is lost without it.
            tracing::debug!(target: "tidegate::log", path = %path.display(), %error, "segment index not written");
        }
    }

    /// Notes that nothing will be appended any more.
    pub fn close(&self, files: &OpenFiles, len: u64) {
        self.save_index(files, len);
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Says that nothing will be appended to a segment of an earlier run.
    pub fn mark_closed(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Lets go of the file, and of the index if it can be read back.
    fn release(&self) {
        let mut slot = self.slot.lock();
        slot.file = None;
        if self.closed.load(Ordering::Relaxed) {
            let (base_offset, interval) = (self.base_offset, slot.index.interval_bytes());
            slot.index = Index::new(base_offset, interval, u64::MAX);
        }
    }

    /// Removes the file and its index.
    pub fn remove(&self, segments: &Path) -> io::Result<()> {
        self.slot.lock().file = None;
        drop(std::fs::remove_file(self.index_path(segments)));
        match std::fs::remove_file(self.path(segments)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Looks something up in the index, if the index is complete.
    pub fn with_index<T>(&self, look: impl FnOnce(&Index) -> T) -> Option<T> {
        let slot = self.slot.lock();
        (slot.index.covered_from() == 0).then(|| look(&slot.index))
    }

    /// Sees to it that the index of the first `len` bytes is complete.
    pub fn complete_index(
        self: &Arc<Self>,
        files: &OpenFiles,
        len: u64,
        patience: Patience,
    ) -> Result<(), ReadError> {
        let (covered_from, interval) = {
            let slot = self.slot.lock();
            (slot.index.covered_from(), slot.index.interval_bytes())
        };
        if covered_from == 0 {
            return Ok(());
        }
        if patience == Patience::None {
            return Err(ReadError::WouldWait);
        }
        let len = len.min(covered_from);
        let saved = std::fs::read(self.index_path(files.directory())).ok();
        let saved = saved.and_then(|bytes| Index::decode(self.base_offset, interval, &bytes));
        let (mut front, from) = saved
            .filter(|(_, covered)| *covered <= len)
            .unwrap_or_else(|| (Index::new(self.base_offset, interval, 0), 0));
        let file = self.file(files, patience)?;
        let mut walk = Walk::new(&file, from, len, patience);
        while let Some((position, header)) = walk.next(self, files)? {
            front.push(header.base_offset, position, header.max_timestamp);
        }
        let mut slot = self.slot.lock();
        // Somebody else may have been quicker.
        if slot.index.covered_from() == covered_from {
            slot.index.prepend(front);
        }
        Ok(())
    }

    /// The first batch at or after `mark` that ends above `offset`, if it is within `len` bytes.
    pub fn seek(
        &self,
        files: &OpenFiles,
        file: &File,
        mark: Mark,
        len: u64,
        offset: Offset,
        patience: Patience,
    ) -> Result<Option<Mark>, ReadError> {
        let mut walk = Walk::new(file, mark.position, len, patience);
        while let Some((position, header)) = walk.next(self, files)? {
            if header.next_offset() > offset {
                return Ok(Some(Mark { offset: header.base_offset, position }));
            }
        }
        Ok(None)
    }
}

/// A walk over the batch headers in a part of a segment.
pub struct Walk<'a> {
    file: &'a File,
    position: u64,
    end: u64,
    patience: Patience,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Walk<'a> {
    /// A walk over the batches in `position..end`.
    pub fn new(file: &'a File, position: u64, end: u64, patience: Patience) -> Self {
        Walk { file, position, end, patience, window: Vec::new(), window_at: 0 }
    }

    /// The next batch: its position and its header.
    pub fn next(
        &mut self,
        segment: &Segment,
        files: &OpenFiles,
    ) -> Result<Option<(u64, BatchHeader)>, ReadError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let damaged = |position, what: &dyn std::fmt::Display| {
            corrupt(&segment.path(files.directory()), position, what)
        };
        let position = self.position;
        let within = position >= self.window_at
            && position + BATCH_HEADER_LEN as u64 <= self.window_at + self.window.len() as u64;
        if !within {
            self.fill().map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => ReadError::WouldWait,
                _ => damaged(position, &error),
            })?;
        }
        let at = (position - self.window_at) as usize;
        let header = BatchHeader::parse_prefix(&self.window[at..])
            .map_err(|error| damaged(position, &error))?;
        if position + header.len as u64 > self.end {
            return Err(damaged(position, &"the batch is longer than the segment"));
        }
        self.position += header.len as u64;
        Ok(Some((position, header)))
    }

    fn fill(&mut self) -> io::Result<()> {
        let wanted = WINDOW_BYTES.min((self.end - self.position) as usize);
        self.window.resize(wanted, 0);
        self.window_at = self.position;
        let read = match self.patience {
            Patience::None => read_cached(self.file, &mut self.window, self.position)?,
            Patience::Any => {
                self.file.read_exact_at(&mut self.window, self.position)?;
                wanted
            }
        };
        self.window.truncate(read);
        if read < BATCH_HEADER_LEN.min(wanted) {
            return Err(match self.patience {
                Patience::None => io::ErrorKind::WouldBlock.into(),
                Patience::Any => io::ErrorKind::UnexpectedEof.into(),
            });
        }
        Ok(())
    }
}

/// Reads a part of a segment into memory.
pub fn read_range(
    segment: &Segment,
    files: &OpenFiles,
    file: &File,
    range: (u64, u64),
    patience: Patience,
) -> Result<Bytes, ReadError> {
    let mut bytes = vec![0; (range.1 - range.0) as usize];
    let read = match patience {
        Patience::None => read_cached(file, &mut bytes, range.0),
        Patience::Any => file.read_exact_at(&mut bytes, range.0).map(|()| bytes.len()),
    };
    match read {
        Ok(read) if read == bytes.len() => Ok(bytes.into()),
        Ok(_) => Err(ReadError::WouldWait),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(ReadError::WouldWait),
        Err(error) => Err(corrupt(&segment.path(files.directory()), range.0, error)),
    }
}

/// Brings a part of a file into the page cache, or says that it is not there.
///
/// Whoever sends it to a socket then does not wait for the disk.
pub fn warm(file: &File, range: (u64, u64), patience: Patience) -> Result<(), ReadError> {
    const STEP: u64 = 128 << 10;
    let mut probe = [0; 1];
    let mut position = range.0;
    while position < range.1 {
        // Holes between the probes are possible, and cost a wait then.
        if !matches!(read_cached(file, &mut probe, position), Ok(1)) {
            if patience == Patience::None {
                return Err(ReadError::WouldWait);
            }
            let mut scratch = vec![0; STEP.min(range.1 - position) as usize];
            // Errors are the sender's to find: the range is valid.
            drop(file.read_at(&mut scratch, position));
        }
        position += STEP;
    }
    if range.1 > range.0
        && patience == Patience::None
        && !matches!(read_cached(file, &mut probe, range.1 - 1), Ok(1))
    {
        return Err(ReadError::WouldWait);
    }
    Ok(())
}

/// The segment files that are open, the least recently used of which are closed.
pub struct OpenFiles {
    directory: PathBuf,
    limit: usize,
    open: Mutex<Vec<Arc<Segment>>>,
    clock: AtomicU64,
}

impl OpenFiles {
    /// At most `limit` files below `directory`.
    pub fn new(directory: PathBuf, limit: usize) -> Self {
        OpenFiles { directory, limit, open: Mutex::default(), clock: AtomicU64::new(0) }
    }

    /// The directory of all segments.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a segment whose file was opened, and closes an eighth of all if there are too many.
    pub fn add(&self, segment: &Arc<Segment>) {
        segment.last_used.store(self.tick(), Ordering::Relaxed);
        let closing = {
            let mut open = self.open.lock();
            open.push(segment.clone());
            if open.len() <= self.limit {
                return;
            }
            let keep = self.limit - self.limit / 8;
            let age = |segment: &Arc<Segment>| {
                std::cmp::Reverse(segment.last_used.load(Ordering::Relaxed))
            };
            open.select_nth_unstable_by_key(keep, age);
            open.split_off(keep)
        };
        closing.iter().for_each(|segment| segment.release());
    }

    /// Forgets segments that were removed.
    pub fn forget(&self, removed: &[Arc<Segment>]) {
        let mut open = self.open.lock();
        open.retain(|known| !removed.iter().any(|segment| Arc::ptr_eq(known, segment)));
    }
}

/// Appends `parts` to the file of `segment` at `position`.
pub fn append(
    segment: &Segment,
    files: &OpenFiles,
    file: &File,
    parts: &[Bytes],
    position: u64,
) -> io::Result<()> {
    disk::write_parts(file, &segment.path(files.directory()), parts, position)
}
