//! The book of faults: each record once for each kind, with the first examples.

use super::inspect::Flaw;
use super::offsets::{Mixed, Place, RecordId};
use super::{EXAMPLES_MAX, Example, Fault, FaultKind, counters::CounterSet};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many records that nobody can name are told from each other.
const UNNAMED_MAX: usize = 1 << 20;

/// Of which kinds examples are still wanted: to write one costs more than to check a record.
#[derive(Debug)]
pub(super) struct Wanted([AtomicBool; FaultKind::ALL.len()]);

impl Default for Wanted {
    fn default() -> Self {
        Wanted([const { AtomicBool::new(true) }; FaultKind::ALL.len()])
    }
}

impl Wanted {
    /// A flaw, with its example if one is wanted.
    pub(super) fn flaw(&self, kind: FaultKind, shown: impl FnOnce() -> (String, String)) -> Flaw {
        let wanted = self.0[kind as usize].load(Ordering::Relaxed);
        Flaw { kind, shown: wanted.then(shown) }
    }
}

/// The faults so far.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    wanted: Arc<Wanted>,
    kinds: [Kind; FaultKind::ALL.len()],
}

#[derive(Clone, Default, Debug)]
struct Kind {
    count: u64,
    at_least: bool,
    examples: Vec<Example>,
    /// Which records have it, by producer: several readers see the same record.
    named: HashMap<u32, CounterSet>,
    unnamed: HashSet<Place, BuildHasherDefault<Mixed>>,
}

impl Faults {
    pub(super) fn new(wanted: Arc<Wanted>) -> Faults {
        Faults { wanted, kinds: Default::default() }
    }

    /// Faults of all kinds.
    pub(super) fn count(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.count).sum()
    }

    /// Counts a fault, however often the record was counted before.
    pub(super) fn add(&mut self, kind: FaultKind, example: impl FnOnce() -> Example) {
        let book = &mut self.kinds[kind as usize];
        book.count += 1;
        if book.examples.len() < EXAMPLES_MAX {
            book.examples.push(example());
            if book.examples.len() == EXAMPLES_MAX {
                self.wanted.0[kind as usize].store(false, Ordering::Relaxed);
            }
        }
    }

    /// Counts a fault of a record that was not counted with that kind before.
    pub(super) fn add_once(
        &mut self,
        kind: FaultKind,
        id: Option<RecordId>,
        place: Place,
        example: impl FnOnce() -> Example,
    ) {
        let book = &mut self.kinds[kind as usize];
        let new = match id {
            Some(id) => book.named.entry(id.producer()).or_default().insert(id.counter()),
            None if book.unnamed.len() < UNNAMED_MAX => book.unnamed.insert(place),
            None => {
                book.at_least = true;
                false
            }
        };
        if new {
            self.add(kind, example);
        }
    }

    /// Counts more faults, of which nothing else is known.
    pub(super) fn add_more(&mut self, kind: FaultKind, count: u64) {
        self.kinds[kind as usize].count += count;
    }

    /// There may be more of a kind.
    pub(super) fn at_least(&mut self, kind: FaultKind) {
        self.kinds[kind as usize].at_least = true;
    }

    /// The kinds that were found.
    pub(super) fn found(self) -> Vec<Fault> {
        let found = FaultKind::ALL.iter().zip(self.kinds).filter(|(_, book)| book.count > 0);
        found
            .map(|(kind, book)| Fault {
                kind: *kind,
                count: book.count,
                at_least: book.at_least,
                examples: book.examples,
            })
            .collect()
    }
}
