//! One file of the write-ahead log.

use crate::disk::{self, faults};
use parking_lot::{Condvar, Mutex};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Zeros are written in steps of this size.
const ZERO_BYTES: usize = 1 << 20;

/// How frames get to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// Past the page cache, durable when the write returns.
    Direct,
    /// Through the page cache, then synced: for file systems that refuse the former.
    Synced,
    /// Through the page cache; whoever wants it durable syncs later.
    Buffered,
}

/// A file of fixed size that frames are written into from its beginning.
#[derive(Debug)]
pub struct WalFile {
    number: u32,
    path: PathBuf,
    len: u64,
    file: File,
    mode: WriteMode,
    zeroing: Mutex<Zeroing>,
    paused: Condvar,
}

#[derive(Debug, Default)]
struct Zeroing {
    taken: bool,
    at_work: bool,
}

/// The name of file `number`.
pub fn file_name(number: u32) -> String {
    format!("{number:03}.wal")
}

/// The number in a file's name.
pub fn file_number(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.strip_suffix(".wal")?.parse().ok()
}

impl WalFile {
    /// Makes a file of `len` bytes, allocated and not zeroed yet, and makes its name durable.
    pub fn create(directory: &Path, number: u32, len: u64, mode: WriteMode) -> io::Result<Self> {
        let path = directory.join(file_name(number));
        let made = || {
            let options = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)?;
            disk::allocate(&options, &path, len)?;
            options.sync_all()?;
            disk::sync_directory(directory)
        };
        if let Err(error) = made() {
            // A file that could not be made whole must not take the room that is missing.
            drop(std::fs::remove_file(&path));
            return Err(error);
        }
        Self::open(path, number, mode)
    }

    /// Opens a file that is there.
    pub fn open(path: PathBuf, number: u32, mode: WriteMode) -> io::Result<Self> {
        let file = match mode {
            WriteMode::Direct => disk::open_direct(&path)?,
            _ => OpenOptions::new().read(true).write(true).open(&path)?,
        };
        let len = file.metadata()?.len() & !(disk::BLOCK_BYTES as u64 - 1);
        let (zeroing, paused) = Default::default();
        Ok(WalFile { number, path, len, file, mode, zeroing, paused })
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Writes one frame; durable at return unless the mode is `Buffered`.
    pub fn write(&self, frame: &[u8], position: u64) -> io::Result<()> {
        faults::check(faults::Operation::WriteWal, &self.path)?;
        self.file.write_all_at(frame, position)?;
        if self.mode == WriteMode::Synced { self.file.sync_data() } else { Ok(()) }
    }

    /// Makes what was written durable.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Writes zeros until the end of the file, or until the file is taken into use.
    ///
    /// It only saves time: the first write to room that is merely allocated costs the file system
    /// an entry in its journal, and with it each small frame a second write.
    pub fn zero(&self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true);
        if self.mode == WriteMode::Direct {
            options.custom_flags(libc::O_DIRECT);
        }
        let file = options.open(&self.path)?;
        let zeros = zeros();
        let mut position = 0;
        while position < self.len {
            {
                let mut zeroing = self.zeroing.lock();
                if zeroing.taken {
                    break;
                }
                zeroing.at_work = true;
            }
            let len = ZERO_BYTES.min((self.len - position) as usize);
            let written = file.write_all_at(&zeros[..len], position);
            self.zeroing.lock().at_work = false;
            self.paused.notify_all();
            written?;
            position += len as u64;
        }
        file.sync_data()
    }

    /// Ends the zeroing: from now on the file belongs to frames.
    pub fn take(&self) {
        let mut zeroing = self.zeroing.lock();
        zeroing.taken = true;
        while zeroing.at_work {
            self.paused.wait(&mut zeroing);
        }
    }
}

/// `ZERO_BYTES` zeros, aligned to a block.
fn zeros() -> &'static [u8] {
    #[repr(C, align(4096))]
    struct Zeros([u8; ZERO_BYTES]);
    static ZEROS: Zeros = Zeros([0; ZERO_BYTES]);
    &ZEROS.0
}
