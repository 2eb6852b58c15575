//! The system calls that the standard library has no name for, and the end of the process when the
//! disk fails.

use bytes::Bytes;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Alignment of everything in the write-ahead log: what disks and O_DIRECT ask for.
pub const BLOCK_BYTES: usize = 4096;

/// The most parts that one vectored write may have (Linux's IOV_MAX).
const PARTS_MAX: usize = 1024;

/// `len` rounded up to whole blocks.
pub fn blocks(len: usize) -> usize {
    len.div_ceil(BLOCK_BYTES) * BLOCK_BYTES
}

/// True for the errors that go away when somebody makes room.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT))
}

/// Ends the process: after a failed sync nobody knows what the disk holds, and a second try would
/// report success for what the first one lost.
pub fn fatal(what: &str, path: &Path, error: &io::Error) -> ! {
    eprintln!(
        "tidegate: cannot {what} {}: {error}; stopping, for data may be lost",
        path.display()
    );
    std::process::abort()
}

/// Opens a file for reading and writing past the page cache, each write durable at its return.
pub fn open_direct(path: &Path) -> io::Result<File> {
    faults::check(faults::Operation::OpenDirect, path)?;
    let flags = libc::O_DIRECT | libc::O_DSYNC;
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)
}

/// Gives `file` room for `len` bytes, which read as zeros until they are written.
pub fn allocate(file: &File, path: &Path, len: u64) -> io::Result<()> {
    faults::check(faults::Operation::Allocate, path)?;
    let len = len as libc::off_t;
    // SAFETY: the descriptor is open for the duration of the call.
    let result = unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, len) };
    if result == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // A file system that cannot reserve: the zeros written next do it.
        Some(libc::EOPNOTSUPP) => file.set_len(len as u64),
        _ => Err(error),
    }
}

/// Room on a file system.
#[derive(Debug, Clone, Copy)]
pub struct Space {
    /// Used and free.
    pub total_bytes: u64,
    /// Free for this user.
    pub usable_bytes: u64,
}

/// The room on the file system that holds `path`.
pub fn file_system_space(path: &Path) -> io::Result<Space> {
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: a statvfs of zeros is a valid one; the path ends with a zero and lives through the
    // call.
    let (result, stat) = unsafe {
        let mut stat: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &mut stat), stat)
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    let bytes = |blocks| stat.f_frsize * blocks;
    Ok(Space { total_bytes: bytes(stat.f_blocks), usable_bytes: bytes(stat.f_bavail) })
}

/// Writes all `parts` one after the other from `position` on.
pub fn write_parts(file: &File, path: &Path, parts: &[Bytes], mut position: u64) -> io::Result<()> {
    faults::check(faults::Operation::WriteSegment, path)?;
    let mut skip = 0;
    let mut parts = parts;
    while let Some(first) = parts.first() {
        let slices: Vec<libc::iovec> = parts
            .iter()
            .take(PARTS_MAX)
            .enumerate()
            .map(|(n, part)| {
                let part = if n == 0 { &part[skip..] } else { &part[..] };
                libc::iovec { iov_base: part.as_ptr() as *mut _, iov_len: part.len() }
            })
            .collect();
        // SAFETY: every iovec points into a part that is borrowed for the duration of the call.
        let written = unsafe {
            let count = slices.len() as libc::c_int;
            libc::pwritev(file.as_raw_fd(), slices.as_ptr(), count, position as libc::off_t)
        };
        if written < 0 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        if written == 0 && first.len() > skip {
            return Err(io::ErrorKind::WriteZero.into());
        }
        position += written as u64;
        let mut done = skip + written as usize;
        while let Some(first) = parts.first()
            && done >= first.len()
        {
            done -= first.len();
            parts = &parts[1..];
        }
        skip = done;
    }
    Ok(())
}

/// Reads at `position` only what is in the page cache.
///
/// `WouldBlock` if the first byte is not; fewer bytes than asked for if a later one is not.
pub fn read_cached(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    let part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: the one iovec points into `buffer`, which is borrowed for the duration of the call.
    let read = unsafe {
        let position = position as libc::off_t;
        libc::preadv2(file.as_raw_fd(), &part, 1, position, libc::RWF_NOWAIT)
    };
    if read >= 0 {
        return Ok(read as usize);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // A file system without the notion; those live in memory.
        Some(libc::EOPNOTSUPP) => file.read_at(buffer, position),
        _ => Err(error),
    }
}

/// Makes the names in `directory` durable.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Makes everything on the file system of `directory` durable.
pub fn sync_file_system(directory: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open for the duration of the call.
    match unsafe { libc::syncfs(directory.as_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Takes the lock on an open file. False if somebody else has it.
pub fn try_lock(file: &File) -> io::Result<bool> {
    // SAFETY: the descriptor is open for the duration of the call.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.kind() {
        io::ErrorKind::WouldBlock => Ok(false),
        _ => Err(error),
    }
}

/// CRC-32C over several parts as if they were one.
pub fn crc32c(parts: &[&[u8]]) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize() as u32
}

/// Errors on demand, for tests: disks seldom fail when one looks.
pub mod faults {
    use parking_lot::Mutex;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Where an error can be ordered.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Operation {
        /// Opening a file past the page cache.
        OpenDirect,
        /// Making a file of the write-ahead log.
        Allocate,
        /// Writing a frame.
        WriteWal,
        /// Writing to a segment.
        WriteSegment,
        /// Syncing segments at a checkpoint.
        SyncSegment,
        /// Writing a checkpoint.
        WriteCheckpoint,
    }

    static ARMED: AtomicBool = AtomicBool::new(false);
    static FAULTS: Mutex<Vec<(Operation, PathBuf, i32)>> = Mutex::new(Vec::new());

    /// From now on `operation` fails with `errno` on files below `directory`.
    pub fn inject(operation: Operation, directory: &Path, errno: i32) {
        FAULTS.lock().push((operation, directory.to_owned(), errno));
        ARMED.store(true, Ordering::SeqCst);
    }

    /// Nothing fails below `directory` any more.
    pub fn heal(directory: &Path) {
        FAULTS.lock().retain(|(_, path, _)| path != directory);
    }

    pub(crate) fn check(operation: Operation, path: &Path) -> io::Result<()> {
        if !ARMED.load(Ordering::Relaxed) {
            return Ok(());
        }
        let faults = FAULTS.lock();
        let found =
            faults.iter().find(|(at, below, _)| *at == operation && path.starts_with(below));
        found.map_or(Ok(()), |(_, _, errno)| Err(io::Error::from_raw_os_error(*errno)))
    }
}
