//! Whether records lie where their delivery reports say.
//!
//! A delivery report and the first sight of its record meet in a window: whichever comes first
//! waits there for the other. Consumers follow producers closely, so the window is small. What does
//! not fit into it is still checked, by sums: each report adds a hash of the record and its offset
//! to the sum of its stretch of offsets, and the last reader takes the same away again for each
//! record that it finds. A stretch whose sum is not zero at the end has a wrong report in it.

use crate::message::COUNTER_MAX;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// How many records wait in the window: 40 MB of them.
const WINDOW_MAX: usize = 1 << 20;
/// How many stretches have sums: for 10,000 records a second a week, in 100 MB.
const SUMS_MAX: usize = 1 << 22;
/// Offsets of a stretch.
const STRETCH: i64 = 4096;

/// A record of this run: its producer and its counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct RecordId(u64);

impl RecordId {
    pub(super) fn new(producer: u32, counter: u64) -> RecordId {
        RecordId(u64::from(producer) * COUNTER_MAX + counter)
    }

    pub(super) fn producer(self) -> u32 {
        (self.0 / COUNTER_MAX) as u32
    }

    pub(super) fn counter(self) -> u64 {
        self.0 % COUNTER_MAX
    }
}

/// Where a record lies: the partition by its index among all of the run's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Place {
    pub(super) partition: u32,
    pub(super) offset: i64,
}

/// A report of a record that was found, but elsewhere so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mismatch {
    pub(super) reported: Place,
    pub(super) found: Place,
}

/// Which of the two waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Waiting {
    Report,
    Sight,
}

/// The window, and the sums.
#[derive(Clone, Debug)]
pub(super) struct Offsets {
    /// How many records may wait.
    pub(super) window_max: usize,
    window: HashMap<RecordId, (Place, Waiting), BuildHasherDefault<Mixed>>,
    mismatches: HashMap<RecordId, Mismatch, BuildHasherDefault<Mixed>>,
    sums: HashMap<Place, Sum, BuildHasherDefault<Mixed>>,
    /// Mismatches that were too many to be kept.
    pub(super) more_mismatches: u64,
    /// Whether there were too many stretches to have sums of all.
    pub(super) sums_overflowed: bool,
}

/// What was reported for a stretch and not found there yet.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Sum {
    pub(super) records: i64,
    hashes: u64,
}

impl Sum {
    pub(super) fn is_zero(self) -> bool {
        self == Sum::default()
    }
}

impl Default for Offsets {
    fn default() -> Self {
        Offsets {
            window_max: WINDOW_MAX,
            window: HashMap::default(),
            mismatches: HashMap::default(),
            sums: HashMap::default(),
            more_mismatches: 0,
            sums_overflowed: false,
        }
    }
}

impl Offsets {
    /// A record was reported to lie at a place.
    pub(super) fn reported(&mut self, id: RecordId, place: Place, seen: bool) {
        self.add(id, place, 1);
        match self.window.get(&id) {
            Some((found, Waiting::Sight)) => {
                let found = *found;
                self.window.remove(&id);
                self.compare(id, place, found);
            }
            // Seen, but not waiting: the window was full when it was seen.
            None if !seen => self.wait(id, place, Waiting::Report),
            _ => {}
        }
    }

    /// A reader saw a record for the first time, before the last reading.
    pub(super) fn seen(&mut self, id: RecordId, place: Place, acknowledged: bool) {
        match self.window.get(&id) {
            Some((reported, Waiting::Report)) => {
                let reported = *reported;
                self.window.remove(&id);
                self.compare(id, reported, place);
            }
            None if !acknowledged => self.wait(id, place, Waiting::Sight),
            _ => {}
        }
    }

    /// No report will come for a record.
    pub(super) fn never_reported(&mut self, id: RecordId) {
        self.window.remove(&id);
    }

    /// The last reader found a record that was acknowledged. `first` is for the first of several.
    pub(super) fn found_at_last(&mut self, id: RecordId, place: Place, first: bool) {
        if let Some(mismatch) = self.mismatches.get(&id) {
            if mismatch.reported == place {
                self.mismatches.remove(&id);
                self.add(id, place, -1);
            }
        } else if let Some((reported, Waiting::Report)) = self.window.get(&id) {
            let reported = *reported;
            self.window.remove(&id);
            if reported == place || !self.keep_mismatch(id, reported, place) {
                self.add(id, reported, -1);
            }
        } else if first {
            self.add(id, place, -1);
        }
    }

    /// Where a report says that a record lies, if nobody found it and it is still known.
    pub(super) fn reported_place(&self, id: RecordId) -> Option<Place> {
        match self.window.get(&id) {
            Some((place, Waiting::Report)) => Some(*place),
            _ => self.mismatches.get(&id).map(|mismatch| mismatch.reported),
        }
    }

    /// Takes a record that is known to be lost or misplaced out of the sums.
    pub(super) fn explain(&mut self, id: RecordId, reported: Place) {
        self.add(id, reported, -1);
    }

    /// Reports whose records were only found elsewhere, in order.
    pub(super) fn mismatches(&self) -> Vec<(RecordId, Mismatch)> {
        let mut all: Vec<_> = self.mismatches.iter().map(|(id, found)| (*id, *found)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// How many mismatches there are so far.
    pub(super) fn suspects(&self) -> u64 {
        self.mismatches.len() as u64 + self.more_mismatches
    }

    /// Stretches whose sums are not zero, in order: the place is their first offset.
    pub(super) fn unexplained(&self) -> Vec<(Place, Sum)> {
        let mut all: Vec<_> = self.sums.iter().map(|(place, sum)| (*place, *sum)).collect();
        all.retain(|(_, sum)| !sum.is_zero());
        all.sort_unstable_by_key(|(place, _)| *place);
        all
    }

    fn wait(&mut self, id: RecordId, place: Place, waiting: Waiting) {
        if self.window.len() < self.window_max {
            self.window.insert(id, (place, waiting));
        }
    }

    fn compare(&mut self, id: RecordId, reported: Place, found: Place) {
        if reported == found {
            return;
        }
        if !self.keep_mismatch(id, reported, found) {
            // The last reader will take it away where it was found.
            self.add(id, reported, -1);
            self.add(id, found, 1);
        }
    }

    /// Of a record that lies in the log twice, either place may have been reported. So a mismatch
    /// is only kept, until the last reader has been everywhere. Not kept if there are too many.
    fn keep_mismatch(&mut self, id: RecordId, reported: Place, found: Place) -> bool {
        let room = self.mismatches.len() < self.window_max;
        if room {
            self.mismatches.insert(id, Mismatch { reported, found });
        } else {
            self.more_mismatches += 1;
        }
        room
    }

    fn add(&mut self, id: RecordId, place: Place, sign: i64) {
        let offset = place.offset.div_euclid(STRETCH) * STRETCH;
        let stretch = Place { offset, ..place };
        if !self.sums.contains_key(&stretch) && self.sums.len() >= SUMS_MAX {
            self.sums_overflowed = true;
            return;
        }
        let sum = self.sums.entry(stretch).or_default();
        let hash = mix(id.0 ^ mix(place.offset as u64));
        sum.records += sign;
        sum.hashes = match sign {
            1 => sum.hashes.wrapping_add(hash),
            _ => sum.hashes.wrapping_sub(hash),
        };
    }
}

fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 32)
}

/// A hasher for numbers that nobody chooses to collide: several times as fast as the standard one.
#[derive(Default)]
pub(super) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0.rotate_left(5) ^ value);
    }
}
