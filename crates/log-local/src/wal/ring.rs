//! The files of the write-ahead log: which one is written, which wait for a checkpoint, which are free.
//!
//! ```text
//!   used, oldest first ──► current ──► free ──► (made when needed, up to a limit)
//!     └────────── released by a checkpoint ──────┘
//! ```

use super::file::{WalFile, WriteMode};
use crate::disk::{self, fatal, is_full};
use crate::full::{Full, Shortage};
use crate::settings::{Settings, Sync};
use crate::trigger::Trigger;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The first file is small, so that it can be zeroed before the store begins to serve.
const FIRST_FILE_BYTES: u64 = 4 << 20;

/// Pause before the next attempt to get room for a file.
const RETRY: Duration = Duration::from_millis(250);

/// The files of one store.
pub struct Ring {
    directory: PathBuf,
    mode: WriteMode,
    file_bytes: u64,
    files_max: usize,
    state: Mutex<State>,
    changed: Condvar,
    /// Bytes of frames that fit without another file.
    available: AtomicU64,
    /// The writing thread waits for a file.
    starving: AtomicBool,
    full: Arc<Full>,
    /// Rung when only a checkpoint can free a file.
    checkpoint: Arc<Trigger>,
}

struct State {
    current: Arc<WalFile>,
    position: u64,
    used: VecDeque<(Arc<WalFile>, u64)>,
    free: VecDeque<Arc<WalFile>>,
    next_number: u32,
    /// Files that are to be removed when no checkpoint speaks of them any more.
    needless: Vec<Arc<WalFile>>,
    /// Files with frames that were not synced one by one.
    unsynced: Vec<Arc<WalFile>>,
    stop: bool,
}

impl State {
    fn total(&self) -> usize {
        self.used.len() + self.free.len() + 1
    }
}

/// What recovery hands over.
pub struct RingFiles {
    /// The file to write next, and where.
    pub current: WalFile,
    /// The position in it.
    pub position: u64,
    /// Files with frames that a checkpoint does not cover yet, oldest first, each with the number
    /// of its last frame.
    pub used: Vec<(WalFile, u64)>,
    /// Files without such frames.
    pub free: Vec<WalFile>,
}

/// How frames are to be written to `directory`, found out by trying.
pub fn choose_mode(settings: &Settings, directory: &Path) -> io::Result<WriteMode> {
    if settings.sync != Sync::Always {
        return Ok(WriteMode::Buffered);
    }
    let path = directory.join("probe");
    std::fs::File::create(&path)?;
    let probed = disk::open_direct(&path).and_then(|file| {
        let mut block = crate::buffer::Pool::new(disk::BLOCK_BYTES).buffer(disk::BLOCK_BYTES);
        block.put(&[0; disk::BLOCK_BYTES]);
        std::os::unix::fs::FileExt::write_all_at(&file, &block.freeze(), 0)
    });
    std::fs::remove_file(&path)?;
    match probed {
        Ok(()) => Ok(WriteMode::Direct),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            let directory = directory.display();
            tracing::warn!(target: "tidegate::log", %directory, "no O_DIRECT here, the write-ahead log is synced after each write");
            Ok(WriteMode::Synced)
        }
        Err(error) => Err(error),
    }
}

impl RingFiles {
    /// The one small file that a new store begins with.
    pub fn first(settings: &Settings, mode: WriteMode) -> io::Result<Self> {
        let len = FIRST_FILE_BYTES.min(settings.wal_file_bytes);
        let current = WalFile::create(&settings.wal_dir(), 0, len, mode)?;
        current.zero()?;
        Ok(RingFiles { current, position: 0, used: Vec::new(), free: Vec::new() })
    }
}

impl Ring {
    /// The ring over the files that were found.
    pub fn new(
        settings: &Settings,
        mode: WriteMode,
        files: RingFiles,
        full: Arc<Full>,
        checkpoint: Arc<Trigger>,
    ) -> Self {
        let RingFiles { current, position, used, free } = files;
        let numbers = used.iter().map(|(file, _)| file).chain(&free).map(WalFile::number);
        let next_number = numbers.fold(current.number(), u32::max) + 1;
        current.take();
        let ring = Ring {
            directory: settings.wal_dir(),
            mode,
            file_bytes: settings.wal_file_bytes,
            files_max: settings.wal_files,
            state: Mutex::new(State {
                current: Arc::new(current),
                position,
                used: used.into_iter().map(|(file, last)| (Arc::new(file), last)).collect(),
                free: VecDeque::new(),
                next_number,
                needless: Vec::new(),
                unsynced: Vec::new(),
                stop: false,
            }),
            changed: Condvar::new(),
            available: AtomicU64::new(0),
            starving: AtomicBool::new(false),
            full,
            checkpoint,
        };
        {
            let mut state = ring.state.lock();
            free.into_iter().for_each(|file| ring.reuse(&mut state, Arc::new(file)));
            ring.count(&state);
        }
        ring
    }

    fn count(&self, state: &State) {
        let free: u64 = state.free.iter().map(|file| file.len()).sum();
        self.available.store(state.current.len() - state.position + free, Ordering::Relaxed);
    }

    /// Bytes of frames that fit without another file.
    pub fn available(&self) -> u64 {
        self.available.load(Ordering::Relaxed)
    }

    /// The largest frame that a file can hold.
    pub fn frame_bytes_max(&self) -> u64 {
        self.file_bytes
    }

    /// Puts a file without needed frames among the free ones, or among those to be removed if it is
    /// not of the size that files have now or there are enough.
    fn reuse(&self, state: &mut State, file: Arc<WalFile>) {
        if file.len() == self.file_bytes && state.total() < self.files_max {
            state.free.push_back(file);
        } else {
            state.needless.push(file);
        }
    }

    /// Where the frame `lsn` of `len` bytes goes. Waits for a file if there is none; `None` if the
    /// store stops.
    pub fn place(&self, len: u64, lsn: u64) -> Option<(Arc<WalFile>, u64)> {
        let mut state = self.state.lock();
        loop {
            if state.stop {
                return None;
            }
            if state.position + len <= state.current.len() {
                let position = state.position;
                state.position += len;
                self.count(&state);
                let file = state.current.clone();
                if self.mode == WriteMode::Buffered
                    && !state.unsynced.iter().any(|known| Arc::ptr_eq(known, &file))
                {
                    state.unsynced.push(file.clone());
                }
                return Some((file, position));
            }
            match state.free.pop_front() {
                Some(next) => {
                    next.take();
                    let last = std::mem::replace(&mut state.current, next);
                    state.used.push_back((last, lsn - 1));
                    state.position = 0;
                    if state.free.is_empty() && state.total() >= self.files_max {
                        self.checkpoint.ring();
                    }
                    self.changed.notify_all();
                }
                None => {
                    if state.total() >= self.files_max {
                        self.checkpoint.ring();
                    }
                    self.starving.store(true, Ordering::Release);
                    self.changed.wait(&mut state);
                    self.starving.store(false, Ordering::Release);
                }
            }
        }
    }

    /// True while nothing can be written for want of a file.
    pub fn is_starving(&self) -> bool {
        self.starving.load(Ordering::Acquire)
    }

    /// The files that a start must find once a checkpoint covers all frames below `lsn`, each with
    /// its size.
    pub fn files(&self, lsn: u64) -> Vec<(u32, u64)> {
        let state = self.state.lock();
        let used = state.used.iter().filter(|(_, last)| *last >= lsn).map(|(file, _)| file);
        used.chain([&state.current]).map(|file| (file.number(), file.len())).collect()
    }

    /// Frees the files whose frames all lie below `lsn`, after a checkpoint was put in place that
    /// covers these frames and says that the files `listed` must be there.
    ///
    /// The last file that was written before `lsn` is on that list, and full by now if the frame
    /// `lsn` began another one: it may be written again, but it must not be removed.
    pub fn release(&self, lsn: u64, listed: &[(u32, u64)]) {
        let mut state = self.state.lock();
        while state.used.front().is_some_and(|(_, last)| *last < lsn) {
            if let Some((file, _)) = state.used.pop_front() {
                state.unsynced.retain(|known| !Arc::ptr_eq(known, &file));
                self.reuse(&mut state, file);
            }
        }
        let is_listed =
            |file: &Arc<WalFile>| listed.iter().any(|(number, _)| *number == file.number());
        state.needless.retain(|file| is_listed(file) || !removed(file));
        self.count(&state);
        self.changed.notify_all();
    }

    /// Makes durable what was written and not synced.
    pub fn sync(&self) {
        let files = {
            let mut state = self.state.lock();
            let current = state.current.clone();
            let files = state.unsynced.clone();
            // The file in use may have a frame on its way that this sync misses.
            state.unsynced.retain(|file| Arc::ptr_eq(file, &current));
            files
        };
        for file in files {
            if let Err(error) = file.sync() {
                fatal("sync", file.path(), &error);
            }
        }
    }

    /// Ends the waiting of all threads.
    pub fn stop(&self) {
        self.state.lock().stop = true;
        self.changed.notify_all();
    }

    /// Keeps one free file ahead of need until the store stops.
    pub fn prepare(&self) {
        while let Some(number) = self.await_need() {
            match WalFile::create(&self.directory, number, self.file_bytes, self.mode) {
                Ok(file) => self.add(Arc::new(file)),
                Err(error) if is_full(&error) => {
                    let message = format!("no room for {} more bytes of log", self.file_bytes);
                    self.full.begin(Shortage::Extend, message);
                    let mut state = self.state.lock();
                    if !state.stop {
                        self.changed.wait_for(&mut state, RETRY);
                    }
                }
                Err(error) => fatal("make a file in", &self.directory, &error),
            }
        }
    }

    fn await_need(&self) -> Option<u32> {
        let mut state = self.state.lock();
        let enough = |state: &State| !state.free.is_empty() || state.total() >= self.files_max;
        while !state.stop && enough(&state) {
            self.full.end(Shortage::Extend);
            self.changed.wait(&mut state);
        }
        (!state.stop).then_some(state.next_number)
    }

    fn add(&self, file: Arc<WalFile>) {
        {
            let mut state = self.state.lock();
            state.next_number += 1;
            state.free.push_back(file.clone());
            self.count(&state);
            self.changed.notify_all();
        }
        self.full.end(Shortage::Extend);
        match file.zero() {
            Ok(()) => {}
            // Left as it is, merely allocated: that costs time and no space.
            Err(error) if is_full(&error) => {}
            Err(error) => fatal("write zeros to", file.path(), &error),
        }
    }
}

/// Removes a file; if that fails it is tried again with the next checkpoint.
fn removed(file: &WalFile) -> bool {
    let removed = std::fs::remove_file(file.path());
    if let Err(error) = &removed {
        let path = file.path().display();
        tracing::warn!(target: "tidegate::log", %path, %error, "a file of the write-ahead log that is not needed stays");
    }
    removed.is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    const FILE_BYTES: u64 = 1 << 20;
    const SMALL_BYTES: u64 = 256 << 10;

    /// A ring whose first file is smaller than the others, of which one is free.
    fn ring(directory: &Path) -> Ring {
        let mut settings = Settings::new(directory);
        settings.wal_dir = Some(directory.to_owned());
        settings.wal_file_bytes = FILE_BYTES;
        let mode = WriteMode::Buffered;
        let file = |number, len| WalFile::create(directory, number, len, mode).unwrap();
        let (current, free) = (file(0, SMALL_BYTES), vec![file(1, FILE_BYTES)]);
        let files = RingFiles { current, position: 0, used: Vec::new(), free };
        Ring::new(&settings, mode, files, Arc::default(), Arc::default())
    }

    #[test]
    fn a_file_that_the_checkpoint_in_place_lists_is_not_removed() {
        let directory = std::env::temp_dir().join(format!("ring-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let ring = ring(&directory);
        let place = |lsn| ring.place(SMALL_BYTES, lsn).unwrap().0.number();
        assert_eq!(place(1), 0);
        // A checkpoint of all frames so far. While it is written, the next frame begins a new file.
        let listed = ring.files(2);
        assert_eq!(listed, [(0, SMALL_BYTES)]);
        assert_eq!(place(2), 1);
        ring.release(2, &listed);
        assert!(directory.join("000.wal").exists(), "a start would miss it");
        let listed = ring.files(2);
        assert_eq!(listed, [(1, FILE_BYTES)]);
        ring.release(2, &listed);
        assert!(!directory.join("000.wal").exists(), "of another size than files have now");
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
