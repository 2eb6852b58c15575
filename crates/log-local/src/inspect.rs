//! Looks at a data directory without opening it: what is there, and what of it is damaged.
//!
//! Every checksum is verified. Nothing is changed and no lock is taken; on a store that is running, the
//! end of the log is where it was when the look came by.

use crate::checkpoint::{Checkpoint, SegmentRecord};
use crate::frame::{EntryKind, FrameError};
use crate::index::Index;
use crate::recovery::directory_with_data;
use crate::scan::{Found, FoundFrame, LogFiles, Memory, Place};
use crate::segment;
use crate::settings::{OpenError, Settings};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use tidegate_model::{BATCH_HEADER_LEN, BatchHeader, Offset, batch_crc_matches};

/// Frames are at most this long, but for those with one larger append.
const CHUNK_BYTES: usize = 4 << 20;

/// What a data directory holds.
#[derive(Debug, Default, Serialize)]
pub struct Inspection {
    /// The checkpoint; absent if there is none that can be read.
    pub checkpoint: Option<CheckpointSummary>,
    /// The frames of the log that the checkpoint does not cover, in order.
    pub frames: Vec<FrameSummary>,
    /// The segments that the checkpoint names, in order.
    pub segments: Vec<SegmentSummary>,
    /// Everything that is not as it was written.
    pub damage: Vec<Damage>,
}

/// What the checkpoint says.
#[derive(Debug, Serialize)]
pub struct CheckpointSummary {
    /// How many times the store has been opened.
    pub incarnation: u64,
    /// First frame that is not covered.
    pub lsn: u64,
    /// True if the store was closed, and nothing follows.
    pub clean: bool,
    /// Number of partitions.
    pub partitions: usize,
    /// Number of segments.
    pub segments: usize,
    /// Bytes in them.
    pub segment_bytes: u64,
}

/// One frame of the log.
#[derive(Debug, Serialize)]
pub struct FrameSummary {
    /// Its file.
    pub path: PathBuf,
    /// Where it begins.
    pub position: u64,
    /// Its number.
    pub lsn: u64,
    /// The run that wrote it.
    pub incarnation: u64,
    /// Up to where its writer knew the log to be durable.
    pub durable_lsn: u64,
    /// Bytes in the file.
    pub bytes: u32,
    /// Its entries.
    pub entries: Vec<EntrySummary>,
}

/// One entry of a frame.
#[derive(Debug, Serialize)]
pub struct EntrySummary {
    /// Topic id and partition.
    pub partition: String,
    /// What it does.
    pub kind: EntryKind,
    /// Offset of an append's first record, or a trim's new log start.
    pub base_offset: Offset,
    /// Offset after an append's last record.
    pub next_offset: Offset,
    /// The epoch of an append.
    pub leader_epoch: i32,
    /// Bytes of batches.
    pub bytes: u32,
}

/// One segment.
#[derive(Debug, Serialize)]
pub struct SegmentSummary {
    /// Topic id and partition.
    pub partition: String,
    /// Its file.
    pub path: PathBuf,
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Offset after its last record.
    pub end_offset: Offset,
    /// Bytes that count.
    pub bytes: u64,
    /// Batches in them.
    pub batches: u64,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub position: u64,
    /// What is wrong there.
    pub what: String,
    /// True if data is hit that was acknowledged: the store will not open. False for a torn end that
    /// the next start cuts, and for what it builds anew.
    pub acknowledged: bool,
}

/// Inspects the directories of `settings`; the other settings do not matter.
///
/// Fails only if something cannot be read at all; damage is part of the answer.
pub fn inspect(settings: &Settings) -> Result<Inspection, OpenError> {
    let mut inspection = Inspection::default();
    let path = settings.checkpoint_path();
    let checkpoint = match Checkpoint::load(&path) {
        Ok(Some(checkpoint)) => checkpoint,
        Ok(None) => {
            if directory_with_data(settings)?.is_some() {
                inspection.note(&path, 0, "there is data and no checkpoint", true);
            }
            return Ok(inspection);
        }
        Err(OpenError::Corrupt { position, what, .. }) => {
            inspection.note(&path, position, &what, true);
            return Ok(inspection);
        }
        Err(error) => return Err(error),
    };
    let records = || checkpoint.partitions.iter().flat_map(|record| &record.segments);
    inspection.checkpoint = Some(CheckpointSummary {
        incarnation: checkpoint.incarnation,
        lsn: checkpoint.lsn,
        clean: checkpoint.clean,
        partitions: checkpoint.partitions.len(),
        segments: records().count(),
        segment_bytes: records().map(|segment| segment.len).sum(),
    });
    inspection.look_at_log(settings, &checkpoint)?;
    inspection.look_at_segments(settings, &checkpoint)?;
    Ok(inspection)
}

impl Inspection {
    /// True if the store would refuse to open.
    pub fn is_refused(&self) -> bool {
        self.damage.iter().any(|damage| damage.acknowledged)
    }

    fn note(&mut self, path: &Path, position: u64, what: &str, acknowledged: bool) {
        let (path, what) = (path.to_owned(), what.to_owned());
        self.damage.push(Damage { path, position, what, acknowledged });
    }

    fn look_at_log(
        &mut self,
        settings: &Settings,
        checkpoint: &Checkpoint,
    ) -> Result<(), OpenError> {
        let files = LogFiles::open(&settings.wal_dir(), checkpoint.store_id)?;
        for (number, len) in &checkpoint.wal_files {
            let found = files.by_number(*number).map(|at| files.files[at].len);
            if found.is_none_or(|found| found < *len) {
                let path = settings.wal_dir().join(format!("{number:03}.wal"));
                self.note(&path, found.unwrap_or(0), "the file is missing or cut off", true);
            }
        }
        if checkpoint.clean || files.files.is_empty() {
            return Ok(());
        }
        let start = files.by_number(checkpoint.wal_file);
        let mut at = start.map_or(Place { file: 0, position: 0 }, |file| Place {
            file,
            position: checkpoint.wal_position,
        });
        let mut memory = Memory::new(&crate::buffer::Pool::new(CHUNK_BYTES));
        let (mut lsn, mut incarnation) = (checkpoint.lsn, checkpoint.min_incarnation);
        loop {
            match files.next(at, lsn, incarnation, &mut memory)? {
                Found::Frame(found) => {
                    let header = found.frame.header;
                    incarnation = header.incarnation;
                    let position = found.place.position + u64::from(header.frame_len);
                    at = Place { position, ..found.place };
                    lsn += 1;
                    let path = &files.files[found.place.file].path;
                    self.frames.push(summary(path, &found));
                }
                Found::End(error) => return self.look_at_end(&files, at, lsn, error),
            }
        }
    }

    fn look_at_end(
        &mut self,
        files: &LogFiles,
        at: Place,
        lsn: u64,
        error: FrameError,
    ) -> Result<(), OpenError> {
        let path = &files.files[at.file].path;
        if let Some(evidence) = files.evidence(at, lsn)? {
            let what = format!(
                "frame {lsn}: {error}; frame {} says that it had been made durable",
                evidence.header.lsn
            );
            self.note(path, at.position, &what, true);
        } else if files.begins_frame(at, lsn)? {
            self.note(path, at.position, &format!("frame {lsn}: {error}; a torn end"), false);
        }
        Ok(())
    }

    fn look_at_segments(
        &mut self,
        settings: &Settings,
        checkpoint: &Checkpoint,
    ) -> Result<(), OpenError> {
        let root = settings.segments_dir();
        // What a trim or a deletion in the log has made needless may be gone.
        let mut dropped: BTreeMap<String, Offset> = BTreeMap::new();
        for entry in self.frames.iter().flat_map(|frame| &frame.entries) {
            let start = match entry.kind {
                EntryKind::Append => continue,
                EntryKind::Trim => entry.base_offset,
                EntryKind::Delete => Offset::MAX,
            };
            let known = dropped.entry(entry.partition.clone()).or_insert(start);
            *known = start.max(*known);
        }
        for record in &checkpoint.partitions {
            let name = record.id.to_string();
            let start = dropped.get(&name).copied().unwrap_or(0).max(record.log_start_offset);
            for segment in record.segments.iter().filter(|segment| segment.end_offset > start) {
                let directory = segment::directory(&root, record.id);
                let path = directory.join(segment::file_name(segment.base_offset));
                let batches = match count_batches(&path, segment) {
                    Ok(batches) => batches,
                    Err((position, what)) => {
                        self.note(&path, position, &what, true);
                        continue;
                    }
                };
                self.look_at_index(&path, segment.base_offset);
                self.segments.push(SegmentSummary {
                    partition: name.clone(),
                    path,
                    base_offset: segment.base_offset,
                    end_offset: segment.end_offset,
                    bytes: segment.len,
                    batches,
                });
            }
        }
        Ok(())
    }

    fn look_at_index(&mut self, segment: &Path, base_offset: Offset) {
        let path = segment.with_extension("index");
        let Ok(bytes) = std::fs::read(&path) else { return };
        if Index::decode(base_offset, 1, &bytes).is_none() {
            self.note(&path, 0, "the index is damaged; it is built anew when it is needed", false);
        }
    }
}

fn summary(path: &Path, found: &FoundFrame) -> FrameSummary {
    let header = found.frame.header;
    let entries = found.frame.entries.iter().map(|(entry, _, _)| EntrySummary {
        partition: entry.partition.to_string(),
        kind: entry.kind,
        base_offset: entry.base_offset,
        next_offset: entry.next_offset,
        leader_epoch: entry.leader_epoch,
        bytes: entry.len,
    });
    FrameSummary {
        path: path.to_owned(),
        position: found.place.position,
        lsn: header.lsn,
        incarnation: header.incarnation,
        durable_lsn: header.durable_lsn,
        bytes: header.frame_len,
        entries: entries.collect(),
    }
}

/// Verifies the recorded bytes of a segment and counts their batches.
fn count_batches(path: &Path, segment: &SegmentRecord) -> Result<u64, (u64, String)> {
    let SegmentRecord { base_offset, end_offset, len, .. } = *segment;
    let file = File::open(path).map_err(|error| (0, error.to_string()))?;
    let mut input = BufReader::with_capacity(1 << 20, file);
    let (mut position, mut batches, mut next_offset) = (0, 0, base_offset);
    let mut batch = Vec::new();
    while position < len {
        let damaged = |what: &dyn std::fmt::Display| (position, what.to_string());
        batch.resize(BATCH_HEADER_LEN, 0);
        input.read_exact(&mut batch).map_err(|error| damaged(&error))?;
        let header = BatchHeader::parse_prefix(&batch).map_err(|error| damaged(&error))?;
        if position + header.len as u64 > len {
            return Err(damaged(&"a batch reaches over the end of what is durable"));
        }
        batch.resize(header.len, 0);
        input.read_exact(&mut batch[BATCH_HEADER_LEN..]).map_err(|error| damaged(&error))?;
        if !batch_crc_matches(&batch) {
            return Err(damaged(&"a batch has a wrong CRC"));
        }
        if header.base_offset != next_offset {
            return Err(damaged(&format!("offset {next_offset} should follow here")));
        }
        next_offset = header.next_offset();
        position += header.len as u64;
        batches += 1;
    }
    match next_offset == end_offset {
        true => Ok(batches),
        false => Err((len, format!("the segment ends at offset {next_offset}, not {end_offset}"))),
    }
}
