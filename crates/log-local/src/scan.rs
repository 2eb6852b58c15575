//! Reads the write-ahead log's files back, and tells a torn end from damage.
//!
//! Frames are numbered without gaps, and the incarnation of the writer never falls along them. So a
//! frame left over from an earlier round of a file, or from beyond an end that was cut, is never
//! taken for the next one.

use crate::buffer::{FrameBuffer, Pool};
use crate::disk::BLOCK_BYTES;
use crate::frame::{Frame, FrameError, FrameHeader, HEADER_BYTES};
use crate::settings::OpenError;
use crate::wal::file_number;
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is read at once when a file is searched.
const SEARCH_BYTES: usize = 4 << 20;

/// Frames are read in steps of this size: the system reads ahead of small steps, so that the disk
/// works while what has been read is copied and verified.
const READ_BYTES: usize = 256 << 10;

/// A file of the log, open for reading.
pub struct LogFile {
    /// Its number.
    pub number: u32,
    /// Its path.
    pub path: PathBuf,
    /// Its size in whole blocks.
    pub len: u64,
    file: File,
}

/// The files of a log.
pub struct LogFiles {
    /// In the order of their numbers.
    pub files: Vec<LogFile>,
    store_id: u64,
}

/// A place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which of the files, by its place in the list.
    pub file: usize,
    /// Position in it.
    pub position: u64,
}

/// A sound frame, read into memory of the pool.
pub struct FoundFrame {
    /// Where it is.
    pub place: Place,
    /// What it says.
    pub frame: Frame,
    /// Its bytes.
    pub bytes: Bytes,
}

/// What was found where the next frame should be.
pub enum Found {
    /// The frame.
    Frame(FoundFrame),
    /// No sound frame of that number.
    End(FrameError),
}

/// A frame that proves that an earlier one was durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Where it is.
    pub place: Place,
    /// What it says.
    pub header: FrameHeader,
}

impl LogFiles {
    /// Opens the files in `directory`.
    pub fn open(directory: &Path, store_id: u64) -> Result<Self, OpenError> {
        let mut files = Vec::new();
        let entries = std::fs::read_dir(directory).map_err(OpenError::io("list", directory))?;
        for entry in entries {
            let path = entry.map_err(OpenError::io("list", directory))?.path();
            let Some(number) = file_number(&path) else { continue };
            let file = File::open(&path).map_err(OpenError::io("open", &path))?;
            let metadata = file.metadata().map_err(OpenError::io("look at", &path))?;
            let len = metadata.len() & !(BLOCK_BYTES as u64 - 1);
            files.push(LogFile { number, path, len, file });
        }
        files.sort_by_key(|file| file.number);
        Ok(LogFiles { files, store_id })
    }

    /// The place in the list of the file of that number.
    pub fn by_number(&self, number: u32) -> Option<usize> {
        self.files.iter().position(|file| file.number == number)
    }

    /// The header of the frame at `place`, by its looks: its checksum is not verified.
    fn peek(&self, place: Place) -> Result<Result<FrameHeader, FrameError>, OpenError> {
        let file = &self.files[place.file];
        if place.position + BLOCK_BYTES as u64 > file.len {
            return Ok(Err(FrameError::Length));
        }
        let mut bytes = [0; HEADER_BYTES];
        let read = file.file.read_exact_at(&mut bytes, place.position);
        read.map_err(OpenError::io("read", &file.path))?;
        let header = FrameHeader::parse(&bytes);
        let fits = |header: &FrameHeader| {
            header.store_id == self.store_id
                && place.position + u64::from(header.frame_len) <= file.len
        };
        Ok(header
            .and_then(|header| if fits(&header) { Ok(header) } else { Err(FrameError::Length) }))
    }

    /// Reads the frame at `place` if it has the number `lsn` and was written by `incarnation` or later.
    fn read_at(
        &self,
        place: Place,
        lsn: u64,
        incarnation: u64,
        memory: &mut Memory,
    ) -> Result<Found, OpenError> {
        let header = match self.peek(place)? {
            Ok(header) => header,
            Err(error) => return Ok(Found::End(error)),
        };
        if header.lsn != lsn || header.incarnation < incarnation {
            return Ok(Found::End(FrameError::Magic));
        }
        let file = &self.files[place.file];
        let fill = |target: &mut [u8]| {
            let mut position = place.position;
            for part in target.chunks_mut(READ_BYTES) {
                file.file.read_exact_at(part, position)?;
                position += part.len() as u64;
            }
            Ok(())
        };
        let bytes = memory.fill(header.frame_len as usize, fill);
        let bytes = bytes.map_err(OpenError::io("read", &file.path))?;
        Ok(match Frame::parse(&bytes) {
            Ok(frame) => Found::Frame(FoundFrame { place, frame, bytes }),
            Err(error) => Found::End(error),
        })
    }

    /// Finds the frame `lsn`: at `place`, or at the beginning of another file.
    pub fn next(
        &self,
        place: Place,
        lsn: u64,
        incarnation: u64,
        memory: &mut Memory,
    ) -> Result<Found, OpenError> {
        let here = self.read_at(place, lsn, incarnation, memory)?;
        let Found::End(error) = here else { return Ok(here) };
        for file in 0..self.files.len() {
            let there = Place { file, position: 0 };
            if there == place {
                continue;
            }
            if let Found::Frame(frame) = self.read_at(there, lsn, incarnation, memory)? {
                return Ok(Found::Frame(frame));
            }
        }
        Ok(Found::End(error))
    }

    /// True if what is at `place` looks like the beginning of frame `lsn`, sound or not.
    pub fn begins_frame(&self, place: Place, lsn: u64) -> Result<bool, OpenError> {
        Ok(self.peek(place)?.is_ok_and(|header| header.lsn == lsn))
    }

    /// Looks for a frame whose writer knew that frame `lsn`, which is not sound at `place`, was durable.
    ///
    /// Such a frame lies behind it in its file, or in a file that was begun later. Of other files
    /// only the frames' headers are looked at, unless the first of them is damaged.
    pub fn evidence(&self, place: Place, lsn: u64) -> Result<Option<Evidence>, OpenError> {
        if let Some(found) = self.search(place, lsn)? {
            return Ok(Some(found));
        }
        for file in (0..self.files.len()).filter(|file| *file != place.file) {
            let mut at = Place { file, position: 0 };
            if self.is_damaged_beginning(at)? {
                if let Some(found) = self.search(at, lsn)? {
                    return Ok(Some(found));
                }
                continue;
            }
            while let Ok(header) = self.peek(at)? {
                if header.durable_lsn >= lsn && self.is_sound(at, &header)? {
                    return Ok(Some(Evidence { place: at, header }));
                }
                at.position += u64::from(header.frame_len);
            }
            // What follows the last header is old or damaged; frames behind damage count as well.
            if let Some(found) = self.search_behind_newer(at, lsn)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Searches the rest of a file whose frames so far reach up to `lsn` or beyond.
    fn search_behind_newer(&self, at: Place, lsn: u64) -> Result<Option<Evidence>, OpenError> {
        let first = self.peek(Place { file: at.file, position: 0 })?;
        match first {
            Ok(first) if first.lsn >= lsn => self.search(at, lsn),
            _ => Ok(None),
        }
    }

    /// True if the file begins with something that is neither a frame nor room never used.
    fn is_damaged_beginning(&self, at: Place) -> Result<bool, OpenError> {
        let file = &self.files[at.file];
        if file.len < BLOCK_BYTES as u64 {
            return Ok(false);
        }
        let mut block = [0; BLOCK_BYTES];
        let read = file.file.read_exact_at(&mut block, 0);
        read.map_err(OpenError::io("read", &file.path))?;
        let looks_sound = match self.peek(at)? {
            Ok(header) => self.is_sound(at, &header)?,
            Err(_) => false,
        };
        Ok(!looks_sound && block.iter().any(|byte| *byte != 0))
    }

    /// True if the frame's header and entries are what was written.
    fn is_sound(&self, place: Place, header: &FrameHeader) -> Result<bool, OpenError> {
        let file = &self.files[place.file];
        let mut bytes = vec![0; header.frame_len as usize];
        let read = file.file.read_exact_at(&mut bytes, place.position);
        read.map_err(OpenError::io("read", &file.path))?;
        Ok(Frame::parse_entries(&bytes).is_ok())
    }

    /// Looks at every block behind `from` for a frame that knew `lsn` to be durable.
    fn search(&self, from: Place, lsn: u64) -> Result<Option<Evidence>, OpenError> {
        let file = &self.files[from.file];
        let mut position = from.position;
        let mut window = vec![0; SEARCH_BYTES];
        while position < file.len {
            let len = SEARCH_BYTES.min((file.len - position) as usize);
            let read = file.file.read_exact_at(&mut window[..len], position);
            read.map_err(OpenError::io("read", &file.path))?;
            for (n, block) in window[..len].chunks_exact(BLOCK_BYTES).enumerate() {
                let Ok(header) = FrameHeader::parse(block) else { continue };
                if header.durable_lsn < lsn {
                    continue;
                }
                let at = position + (n * BLOCK_BYTES) as u64;
                let place = Place { file: from.file, position: at };
                if self.peek(place)?.is_ok() && self.is_sound(place, &header)? {
                    return Ok(Some(Evidence { place, header }));
                }
            }
            position += len as u64;
        }
        Ok(None)
    }
}

/// Memory that frames are read into, as if they had just been written.
pub struct Memory {
    pool: Arc<Pool>,
    buffer: FrameBuffer,
}

impl Memory {
    /// Memory of `pool`.
    pub fn new(pool: &Arc<Pool>) -> Self {
        Memory { pool: pool.clone(), buffer: pool.buffer(BLOCK_BYTES) }
    }

    fn fill(
        &mut self,
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<Bytes> {
        if self.buffer.capacity() < len {
            self.buffer = self.pool.buffer(len);
        }
        let rest = self.buffer.split(len);
        let mut buffer = std::mem::replace(&mut self.buffer, rest);
        buffer.put_with(len, fill)?;
        Ok(buffer.freeze())
    }
}
