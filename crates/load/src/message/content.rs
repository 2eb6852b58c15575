//! What the fields of a message hold: keys by their skew, events, and padding of a kind.

use super::COUNTER_MAX;
use crate::plan::Plan;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What users do, in the words of a shop.
pub(super) const EVENTS: [&str; 8] =
    ["page_view", "search", "click", "add_to_cart", "checkout", "purchase", "refund", "logout"];

const WORDS: [&str; 32] = [
    "tide",
    "harbour",
    "north",
    "crane",
    "the",
    "of",
    "and",
    "vessel",
    "arrives",
    "at",
    "berth",
    "seven",
    "with",
    "containers",
    "for",
    "customs",
    "which",
    "were",
    "checked",
    "by",
    "pilot",
    "weather",
    "clear",
    "wind",
    "south",
    "west",
    "order",
    "delivered",
    "to",
    "warehouse",
    "gate",
    "open",
];

/// Text that paddings are cut from.
const POOL_BYTES: usize = 64 << 10;

/// The sources of contents that a run's records share.
#[derive(Debug)]
pub(super) struct Contents {
    seed: u64,
    keys: u32,
    /// Walker's alias table, where keys are not even.
    skewed: Vec<Slot>,
    /// Words, where values are to be compressible.
    pool: Vec<u8>,
}

/// One column of an alias table: below the threshold it is itself, else its alias.
#[derive(Clone, Copy, Default, Debug)]
struct Slot {
    threshold: u32,
    alias: u32,
}

impl Contents {
    pub(super) fn new(plan: &Plan) -> Contents {
        let skewed = if plan.key_skew > 0.0 { zipf(plan.keys, plan.key_skew) } else { Vec::new() };
        let pool = if plan.compressible { words(plan.seed) } else { Vec::new() };
        Contents { seed: plan.seed, keys: plan.keys, skewed, pool }
    }

    /// From which everything about a record's content comes.
    pub(super) fn hash(&self, producer: u32, counter: u64) -> u64 {
        debug_assert!(counter < COUNTER_MAX);
        mix(self.seed ^ mix((u64::from(producer) << 40) | counter))
    }

    /// Which key a record has.
    pub(super) fn key(&self, hash: u64) -> u32 {
        let column = scale(hash >> 32, self.keys);
        match self.skewed.get(column as usize) {
            Some(slot) if hash as u32 >= slot.threshold => slot.alias,
            _ => column,
        }
    }

    /// Appends padding: printable letters that need no escaping in JSON.
    pub(super) fn pad(&self, to: &mut Vec<u8>, bytes: usize, hash: u64) {
        if self.pool.is_empty() {
            return random_letters(to, bytes, hash);
        }
        let mut left = bytes;
        let mut from = scale(mix(hash) >> 32, POOL_BYTES as u32) as usize;
        while left > 0 {
            let piece = left.min(self.pool.len() - from);
            to.extend_from_slice(&self.pool[from..from + piece]);
            (left, from) = (left - piece, 0);
        }
    }
}

/// The checksum inside a message: over all that its other fields do not repeat.
pub(super) fn checksum(id: &[u8], timestamp: i64, user: &[u8], event: &[u8], pad: &[u8]) -> u64 {
    let seed = xxh3_64_with_seed(id, timestamp as u64);
    let seed = xxh3_64_with_seed(user, seed);
    xxh3_64_with_seed(pad, xxh3_64_with_seed(event, seed))
}

/// The finalizer of SplitMix64: each bit of the answer depends on each bit of the question.
pub(super) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A number below `below`, from 32 random bits.
fn scale(bits: u64, below: u32) -> u32 {
    (((bits & 0xffff_ffff) * u64::from(below)) >> 32) as u32
}

/// Letters from `?` to `~`, 6 bits each, so that no codec finds a repetition.
fn random_letters(to: &mut Vec<u8>, bytes: usize, hash: u64) {
    let start = to.len();
    to.reserve(bytes + 8);
    let mut state = hash;
    for _ in 0..bytes.div_ceil(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = mix(state) & 0x3f3f_3f3f_3f3f_3f3f;
        to.extend_from_slice(&(bits + 0x3f3f_3f3f_3f3f_3f3f).to_le_bytes());
    }
    to.truncate(start + bytes);
    // The one letter of these that JSON would escape.
    for byte in &mut to[start..] {
        *byte = if *byte == b'\\' { b'!' } else { *byte };
    }
}

fn words(seed: u64) -> Vec<u8> {
    let mut pool = Vec::with_capacity(POOL_BYTES + 16);
    let mut state = seed;
    while pool.len() < POOL_BYTES {
        state = mix(state);
        pool.extend_from_slice(WORDS[(state >> 59) as usize].as_bytes());
        pool.push(b' ');
    }
    pool.truncate(POOL_BYTES);
    pool
}

/// The alias table of Zipf's law by Vose's method: columns that are too low are filled up from ones
/// that are too high, and each draw costs the same.
fn zipf(keys: u32, exponent: f64) -> Vec<Slot> {
    let weights: Vec<f64> = (1..=keys).map(|rank| f64::from(rank).powf(-exponent)).collect();
    let mean = weights.iter().sum::<f64>() / f64::from(keys);
    let mut heights: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
    let (mut low, mut high): (Vec<u32>, Vec<u32>) =
        (0..keys).partition(|key| heights[*key as usize] < 1.0);
    let mut table: Vec<Slot> =
        (0..keys).map(|key| Slot { threshold: u32::MAX, alias: key }).collect();
    while let (Some(poor), Some(rich)) = (low.pop(), high.last().copied()) {
        let height = heights[poor as usize];
        let threshold = (height * f64::from(u32::MAX)) as u32;
        table[poor as usize] = Slot { threshold, alias: rich };
        heights[rich as usize] -= 1.0 - height;
        if heights[rich as usize] < 1.0 {
            low.extend(high.pop());
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(change: impl FnOnce(&mut Plan)) -> Contents {
        let mut plan = Plan::preset("default").unwrap();
        change(&mut plan);
        Contents::new(&plan)
    }

    fn share_of_first_key(skew: f64) -> f64 {
        let contents = contents(|plan| (plan.keys, plan.key_skew) = (100, skew));
        let draws = 100_000;
        let first = (0..draws).filter(|n| contents.key(contents.hash(3, *n)) == 0).count();
        first as f64 / draws as f64
    }

    #[test]
    fn keys_follow_zipfs_law() {
        // The hundredth harmonic number is 5.187; even keys have one share in a hundred.
        assert!((share_of_first_key(1.0) - 1.0 / 5.187).abs() < 0.01);
        assert!((share_of_first_key(0.0) - 0.01).abs() < 0.002);
    }

    #[test]
    fn every_key_is_used() {
        let contents = contents(|plan| (plan.keys, plan.key_skew) = (50, 0.5));
        let mut used = [false; 50];
        (0..20_000).for_each(|n| used[contents.key(contents.hash(0, n)) as usize] = true);
        assert!(used.iter().all(|used| *used));
    }

    #[test]
    fn padding_needs_no_escaping_and_has_its_length() {
        for compressible in [true, false] {
            let contents = contents(|plan| plan.compressible = compressible);
            for bytes in [0, 1, 7, 8, 1000, 200_000] {
                let mut pad = vec![b'x'];
                contents.pad(&mut pad, bytes, contents.hash(1, bytes as u64));
                assert_eq!(pad.len(), bytes + 1);
                assert!(pad.iter().all(|b| (b' '..=b'~').contains(b) && !b"\"\\".contains(b)));
            }
        }
    }

    #[test]
    fn random_padding_uses_all_letters_evenly() {
        let contents = contents(|plan| plan.compressible = false);
        let mut pad = Vec::new();
        contents.pad(&mut pad, 64_000, 5);
        let mut counts = [0; 256];
        pad.iter().for_each(|b| counts[*b as usize] += 1);
        let used: Vec<i32> = counts.into_iter().filter(|count| *count > 0).collect();
        assert_eq!(used.len(), 64);
        assert!(used.iter().all(|count| (800..1200).contains(count)), "{used:?}");
    }

    #[test]
    fn records_of_different_seeds_differ() {
        let one = contents(|plan| plan.seed = 1);
        let two = contents(|plan| plan.seed = 2);
        assert_ne!(one.hash(0, 0), two.hash(0, 0));
        assert_ne!(one.pool, two.pool);
    }
}
