//! Reads the batches of a data directory that no process has open. Nothing is changed.
//!
//! A partition's batches are in the segments that the checkpoint names and in the frames of the write-ahead log
//! that follow it. Where each lies is found first; they are read when somebody asks, one at a time.

use crate::buffer::Pool;
use crate::checkpoint::{Checkpoint, PartitionRecord};
use crate::disk::try_lock;
use crate::frame::{EntryKind, FrameEntry};
use crate::scan::{Found, LogFiles, Memory, Place};
use crate::segment;
use crate::settings::{OpenError, Settings};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use tidegate_model::{BATCH_HEADER_LEN, BatchHeader, Offset, TopicIdPartition};

/// Frames are at most this long, but for those with one larger append.
const CHUNK_BYTES: usize = 4 << 20;

/// Where the batches of every partition lie.
pub struct Contents {
    partitions: BTreeMap<TopicIdPartition, PartitionContents>,
    /// Nobody starts on the directories while they are read.
    _locks: Vec<File>,
}

/// One partition.
pub struct PartitionContents {
    /// The first offset that is kept.
    pub log_start_offset: Offset,
    /// The offset after the last record.
    pub end_offset: Offset,
    created_lsn: u64,
    pieces: Vec<Piece>,
}

/// Whole batches that lie together.
struct Piece {
    path: PathBuf,
    position: u64,
    len: u64,
    end_offset: Offset,
}

impl PartitionContents {
    /// Bytes of its batches.
    pub fn bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len).sum()
    }
}

impl Contents {
    /// Finds out what the directories of `settings` hold; the other settings do not matter.
    ///
    /// Fails with [`OpenError::InUse`] if a store is open on them. Damage behind what can be read is not
    /// looked for: see [`inspect`](crate::inspect::inspect).
    pub fn open(settings: &Settings) -> Result<Self, OpenError> {
        let mut locks = Vec::new();
        locks.extend(lock(&settings.data_dir)?);
        if settings.wal_dir.is_some() {
            locks.extend(lock(&settings.wal_dir())?);
        }
        let mut contents = Contents { partitions: BTreeMap::new(), _locks: locks };
        let Some(checkpoint) = Checkpoint::load(&settings.checkpoint_path())? else {
            return Ok(contents);
        };
        for record in &checkpoint.partitions {
            contents.add_segments(settings, record);
        }
        if !checkpoint.clean {
            contents.add_frames(settings, &checkpoint)?;
        }
        Ok(contents)
    }

    /// The partitions, in order.
    pub fn partitions(&self) -> impl Iterator<Item = (TopicIdPartition, &PartitionContents)> {
        self.partitions.iter().map(|(id, partition)| (*id, partition))
    }

    /// Hands the batches that hold offsets from `from` on to `visit`, in order, until it breaks.
    pub fn read(
        &self,
        id: TopicIdPartition,
        from: Offset,
        visit: &mut dyn FnMut(&BatchHeader, Bytes) -> ControlFlow<()>,
    ) -> Result<(), OpenError> {
        let Some(partition) = self.partitions.get(&id) else { return Ok(()) };
        let mut next_offset = from.max(partition.log_start_offset);
        for piece in &partition.pieces {
            if piece.end_offset > next_offset
                && piece.read(&mut next_offset, visit)? == ControlFlow::Break(())
            {
                break;
            }
        }
        Ok(())
    }

    fn add_segments(&mut self, settings: &Settings, record: &PartitionRecord) {
        let directory = segment::directory(&settings.segments_dir(), record.id);
        let pieces = record.segments.iter().map(|segment| Piece {
            path: directory.join(segment::file_name(segment.base_offset)),
            position: 0,
            len: segment.len,
            end_offset: segment.end_offset,
        });
        let partition = PartitionContents {
            log_start_offset: record.log_start_offset,
            end_offset: record.end_offset,
            created_lsn: record.created_lsn,
            pieces: pieces.collect(),
        };
        self.partitions.insert(record.id, partition);
    }

    fn add_frames(
        &mut self,
        settings: &Settings,
        checkpoint: &Checkpoint,
    ) -> Result<(), OpenError> {
        let files = LogFiles::open(&settings.wal_dir(), checkpoint.store_id)?;
        if files.files.is_empty() {
            return Ok(());
        }
        let start = files.by_number(checkpoint.wal_file);
        let mut at = start.map_or(Place { file: 0, position: 0 }, |file| Place {
            file,
            position: checkpoint.wal_position,
        });
        let mut memory = Memory::new(&Pool::new(CHUNK_BYTES));
        let (mut lsn, mut incarnation) = (checkpoint.lsn, checkpoint.min_incarnation);
        while let Found::Frame(found) = files.next(at, lsn, incarnation, &mut memory)? {
            let header = found.frame.header;
            incarnation = header.incarnation;
            let path = &files.files[found.place.file].path;
            for (entry, position, _) in &found.frame.entries {
                self.add_entry(entry, lsn, path, found.place.position + *position as u64);
            }
            at = Place {
                position: found.place.position + u64::from(header.frame_len),
                ..found.place
            };
            lsn += 1;
        }
        Ok(())
    }

    fn add_entry(&mut self, entry: &FrameEntry, lsn: u64, path: &Path, position: u64) {
        let id = entry.partition;
        // What is in the checkpoint by that name may have come later.
        if self.partitions.get(&id).is_some_and(|partition| partition.created_lsn > lsn) {
            return;
        }
        match entry.kind {
            EntryKind::Delete => drop(self.partitions.remove(&id)),
            EntryKind::Trim => {
                if let Some(partition) = self.partitions.get_mut(&id) {
                    let start = &mut partition.log_start_offset;
                    *start = entry.base_offset.max(*start);
                }
            }
            EntryKind::Append => {
                let partition = self.partitions.entry(id).or_insert_with(|| PartitionContents {
                    log_start_offset: entry.base_offset,
                    end_offset: entry.base_offset,
                    created_lsn: lsn,
                    pieces: Vec::new(),
                });
                // Segments may have it already.
                if entry.next_offset > partition.end_offset {
                    partition.end_offset = entry.next_offset;
                    let (len, end_offset) = (u64::from(entry.len), entry.next_offset);
                    let path = path.to_owned();
                    partition.pieces.push(Piece { path, position, len, end_offset });
                }
            }
        }
    }
}

impl Piece {
    fn read(
        &self,
        next_offset: &mut Offset,
        visit: &mut dyn FnMut(&BatchHeader, Bytes) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, OpenError> {
        let file = File::open(&self.path).map_err(OpenError::io("open", &self.path))?;
        let failed = || OpenError::io("read", &self.path);
        let end = self.position + self.len;
        let mut position = self.position;
        while position < end {
            let mut prefix = [0; BATCH_HEADER_LEN];
            file.read_exact_at(&mut prefix, position).map_err(failed())?;
            let header = BatchHeader::parse_prefix(&prefix)
                .map_err(|error| OpenError::corrupt(&self.path, position, error.to_string()))?;
            if position + header.len as u64 > end {
                return Err(OpenError::corrupt(&self.path, position, "a batch is cut off"));
            }
            if header.next_offset() > *next_offset {
                let mut batch = vec![0; header.len];
                file.read_exact_at(&mut batch, position).map_err(failed())?;
                *next_offset = header.next_offset();
                if visit(&header, batch.into()).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            position += header.len as u64;
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Keeps others from starting on the directory; `None` if no store was ever there.
fn lock(directory: &Path) -> Result<Option<File>, OpenError> {
    let path = directory.join("LOCK");
    let mut file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(OpenError::io("open", &path))?,
    };
    if try_lock(&file).map_err(OpenError::io("lock", &path))? {
        return Ok(Some(file));
    }
    let mut holder = String::new();
    drop(file.read_to_string(&mut holder));
    Err(OpenError::InUse { path, pid: holder.trim().to_owned() })
}
