//! A set of counters, a bit for each at most.
//!
//! Counters are dense: a producer's begin at 0 and have no gaps, and sooner or later nearly all of
//! them are in a set. So the set is a row of chunks, and a chunk without gaps is only a word. What
//! is full from the beginning on is only a number. A day of ten thousand records a second takes
//! kilobytes while nothing is missing, and 108 MB if every chunk had a gap: there is no run for
//! which it must forget anything.

use std::collections::VecDeque;

const WORDS: usize = 64;
const CHUNK: u64 = 64 * WORDS as u64;

/// A set of counters.
#[derive(Clone, Default, Debug)]
pub(super) struct CounterSet {
    /// So many chunks from the beginning are full, and not in the row any more.
    full: u64,
    chunks: VecDeque<Chunk>,
    len: u64,
}

#[derive(Clone, Debug)]
enum Chunk {
    Empty,
    Full,
    Bits(Box<Bits>),
}

#[derive(Clone, Debug)]
struct Bits {
    len: u64,
    words: [u64; WORDS],
}

impl CounterSet {
    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Adds one; whether it is new.
    pub(super) fn insert(&mut self, counter: u64) -> bool {
        let Some(index) = (counter / CHUNK).checked_sub(self.full) else { return false };
        let index = index as usize;
        if index >= self.chunks.len() {
            self.chunks.resize_with(index + 1, || Chunk::Empty);
        }
        let chunk = &mut self.chunks[index];
        if !chunk.insert(counter % CHUNK) {
            return false;
        }
        self.len += 1;
        if index == 0 {
            while let Some(Chunk::Full) = self.chunks.front() {
                self.chunks.pop_front();
                self.full += 1;
            }
        }
        true
    }

    /// Whether it is in the set.
    pub(super) fn contains(&self, counter: u64) -> bool {
        let Some(index) = (counter / CHUNK).checked_sub(self.full) else { return true };
        let word = |bits: &Bits| bits.words[(counter % CHUNK / 64) as usize];
        match self.chunks.get(index as usize) {
            None | Some(Chunk::Empty) => false,
            Some(Chunk::Full) => true,
            Some(Chunk::Bits(bits)) => word(bits) >> (counter % 64) & 1 == 1,
        }
    }

    /// Those that are not in another set, in order.
    pub(super) fn minus(&self, other: &CounterSet) -> impl Iterator<Item = u64> {
        let chunks = self.full + self.chunks.len() as u64;
        // What both have whole needs no look.
        let from = self.full.min(other.full);
        (from..chunks).flat_map(move |chunk| {
            (0..WORDS as u64).flat_map(move |word| {
                let left = self.word(chunk, word) & !other.word(chunk, word);
                let first = chunk * CHUNK + word * 64;
                ones(left).map(move |bit| first + bit)
            })
        })
    }

    fn word(&self, chunk: u64, word: u64) -> u64 {
        let Some(index) = chunk.checked_sub(self.full) else { return u64::MAX };
        match self.chunks.get(index as usize) {
            None | Some(Chunk::Empty) => 0,
            Some(Chunk::Full) => u64::MAX,
            Some(Chunk::Bits(bits)) => bits.words[word as usize],
        }
    }

    /// The memory of the chunks, in bytes.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        let bits = self.chunks.iter().filter(|chunk| matches!(chunk, Chunk::Bits(_))).count();
        self.chunks.capacity() * size_of::<Chunk>() + bits * size_of::<Bits>()
    }
}

impl Chunk {
    fn insert(&mut self, bit: u64) -> bool {
        let bits = match self {
            Chunk::Full => return false,
            Chunk::Bits(bits) => bits,
            Chunk::Empty => {
                *self = Chunk::Bits(Box::new(Bits { len: 0, words: [0; WORDS] }));
                let Chunk::Bits(bits) = self else { unreachable!("it was just made") };
                bits
            }
        };
        let (word, mask) = (&mut bits.words[(bit / 64) as usize], 1 << (bit % 64));
        if *word & mask != 0 {
            return false;
        }
        *word |= mask;
        bits.len += 1;
        if bits.len == CHUNK {
            *self = Chunk::Full;
        }
        true
    }
}

/// The numbers of the bits that are set.
fn ones(mut word: u64) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| u64::from(word.trailing_zeros()))?;
        word &= word - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % limit
        }
    }

    /// Mostly in order, as acknowledgements come, with gaps, repetitions and outliers.
    fn history(random: &mut Random) -> Vec<u64> {
        let (mut next, spread) = (0, 1 + random.below(3 * CHUNK));
        let gaps = random.below(50);
        (0..random.below(30_000))
            .filter_map(|_| {
                next += 1;
                match random.below(100) {
                    n if n < gaps / 10 => None,
                    n if n < gaps => Some(next + random.below(spread)),
                    99 => Some(random.below(next + 1)),
                    _ => Some(next - 1),
                }
            })
            .collect()
    }

    #[test]
    fn it_holds_what_a_set_holds() {
        for seed in 1..200 {
            let mut random = Random(seed * 0x9e37_79b9);
            let (mut set, mut model) = (CounterSet::default(), BTreeSet::new());
            for counter in history(&mut random) {
                assert_eq!(set.insert(counter), model.insert(counter), "seed {seed}: {counter}");
            }
            assert_eq!(set.len(), model.len() as u64, "seed {seed}");
            let end = model.last().map_or(0, |last| last + 2 * CHUNK);
            for counter in 0..end {
                assert_eq!(
                    set.contains(counter),
                    model.contains(&counter),
                    "seed {seed}: {counter}"
                );
            }
            let (mut other, mut other_model) = (CounterSet::default(), BTreeSet::new());
            for counter in history(&mut random) {
                other.insert(counter);
                other_model.insert(counter);
            }
            assert!(set.minus(&other).eq(model.difference(&other_model).copied()), "seed {seed}");
            assert!(other.minus(&set).eq(other_model.difference(&model).copied()), "seed {seed}");
        }
    }

    #[test]
    fn a_day_without_gaps_takes_no_memory() {
        let mut set = CounterSet::default();
        // Five million in order, each thousand of them backwards.
        for thousand in 0..5_000u64 {
            (0..1000).rev().for_each(|n| assert!(set.insert(thousand * 1000 + n)));
        }
        assert_eq!(set.len(), 5_000_000);
        assert!(set.bytes() < 10_000, "{} bytes", set.bytes());
    }

    #[test]
    fn a_gap_in_every_chunk_takes_a_bit_for_each_counter() {
        let mut set = CounterSet::default();
        (0..4_000_000u64).filter(|n| n % 1000 != 0).for_each(|n| assert!(set.insert(n)));
        assert!(set.bytes() < 600_000, "{} bytes", set.bytes());
    }
}
