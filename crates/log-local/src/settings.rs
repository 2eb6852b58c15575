//! How a store on local disks is set up, and why it may refuse to open.

use crate::frame;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use tidegate_log::SegmentLimits;

/// When an append counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Once the disk has confirmed it. Costs one disk round trip a group of appends.
    Always,
    /// Once the system has it; the disk is told every so many milliseconds. What came since is lost
    /// when the machine, not the process, stops.
    Interval(u64),
    /// Once the system has it, which writes it when it sees fit.
    Os,
}

/// Settings of a [`LocalStore`](crate::LocalStore).
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where segments and the checkpoint are, and the write-ahead log unless `wal_dir` is set.
    pub data_dir: PathBuf,
    /// Where the write-ahead log is, for instance on a faster disk. Default: `wal` in `data_dir`.
    pub wal_dir: Option<PathBuf>,
    /// When an append counts as durable. Default: always.
    pub sync: Sync,
    /// Size of one file of the write-ahead log, and with it the largest append. At least 1 MiB,
    /// default 64 MiB. Larger files are changed less often.
    pub wal_file_bytes: u64,
    /// How many files the write-ahead log has at most. At least 2, default 16; they are made as they
    /// are needed. With `wal_file_bytes` it bounds what a start has to replay.
    pub wal_files: usize,
    /// Memory for what is durable in the write-ahead log and not in segments yet. At least 1 MiB,
    /// default 64 MiB. Above it, the partitions that hold the oldest memory are flushed.
    pub tail_bytes_max: u64,
    /// Size at which a partition begins a new segment until it is told its own limits: Kafka's
    /// `log.segment.bytes`, default 1 GiB.
    pub segment_bytes: u64,
    /// How much of a partition is gathered before it is written to its segment. Default 256 KiB.
    pub flush_bytes: u64,
    /// Distance of the entries of a segment's index, 32 KiB by default. An entry is 16 bytes.
    pub index_interval_bytes: u64,
    /// A checkpoint is made after this much of the write-ahead log, default 256 MiB, ...
    pub checkpoint_bytes: u64,
    /// ... or after this time if anything was appended, default 30,000 ms.
    pub checkpoint_interval_ms: u64,
    /// How many segment files are held open, default 1,024.
    pub open_files_max: usize,
}

impl Settings {
    /// The defaults, with data in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Settings {
            data_dir: data_dir.into(),
            wal_dir: None,
            sync: Sync::Always,
            wal_file_bytes: 64 << 20,
            wal_files: 16,
            tail_bytes_max: 64 << 20,
            segment_bytes: 1 << 30,
            flush_bytes: 256 << 10,
            index_interval_bytes: 32 << 10,
            checkpoint_bytes: 256 << 20,
            checkpoint_interval_ms: 30_000,
            open_files_max: 1024,
        }
    }

    /// Where the write-ahead log's files are.
    pub fn wal_dir(&self) -> PathBuf {
        self.wal_dir.clone().unwrap_or_else(|| self.data_dir.join("wal"))
    }

    /// The largest append that a store with these settings takes.
    pub fn append_bytes_max(&self) -> u64 {
        frame::append_bytes_max(self.clone().within_limits().wal_file_bytes)
    }

    /// Where the partitions' directories are.
    pub(crate) fn segments_dir(&self) -> PathBuf {
        self.data_dir.join("segments")
    }

    /// When segments end, of partitions that were told nothing else.
    pub(crate) fn segment_limits(&self) -> SegmentLimits {
        SegmentLimits { bytes: self.segment_bytes, ..SegmentLimits::NONE }
    }

    /// The checkpoint file.
    pub(crate) fn checkpoint_path(&self) -> PathBuf {
        self.data_dir.join("checkpoint")
    }

    /// Moves what is out of range to the nearest value that works.
    pub(crate) fn within_limits(mut self) -> Self {
        self.wal_file_bytes = self.wal_file_bytes.clamp(1 << 20, 1 << 30) & !4095;
        self.wal_files = self.wal_files.max(2);
        self.tail_bytes_max = self.tail_bytes_max.max(1 << 20);
        self.flush_bytes = self.flush_bytes.max(1);
        self.index_interval_bytes = self.index_interval_bytes.max(1);
        // The write-ahead log must have room to go on while a checkpoint is made.
        let half = self.wal_file_bytes * self.wal_files as u64 / 2;
        self.checkpoint_bytes = self.checkpoint_bytes.clamp(1, half);
        self.checkpoint_interval_ms = self.checkpoint_interval_ms.max(1);
        self.open_files_max = self.open_files_max.max(16);
        self
    }
}

/// Why a store cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has the directory.
    #[error("{} is in use by the process {pid}", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as far as the file says.
        pid: String,
    },
    /// Acknowledged data is damaged or missing. Nothing was changed.
    #[error("damaged: {what}, in {} at byte {position}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        position: u64,
        /// What is wrong there.
        what: String,
    },
    /// The system refused something.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
        let path = path.to_owned();
        move |source| OpenError::Io { what, path, source }
    }

    pub(crate) fn corrupt(path: &Path, position: u64, what: impl Into<String>) -> OpenError {
        OpenError::Corrupt { path: path.to_owned(), position, what: what.into() }
    }
}
