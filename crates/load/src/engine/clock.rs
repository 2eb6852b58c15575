//! The run's time: microseconds since 1970 that never go back, and what a token says about them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Wall time as it was at the beginning, carried on by the steady clock: a clock that is set during the
/// run changes no latency.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    began: Instant,
    began_us: i64,
}

impl RunClock {
    /// Begins now.
    pub fn start() -> RunClock {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        RunClock {
            began: Instant::now(),
            began_us: i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX / 2),
        }
    }

    /// Since the run began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Since the run began, in milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Now, in microseconds since 1970.
    pub fn now_us(&self) -> i64 {
        self.began_us + i64::try_from(self.elapsed().as_micros()).unwrap_or(i64::MAX / 2)
    }

    /// When it began, in microseconds since 1970.
    pub fn began_us(&self) -> i64 {
        self.began_us
    }

    /// The steady time of a moment that is at or after the beginning.
    pub fn instant(&self, at_us: i64) -> Instant {
        let after = u64::try_from(at_us - self.began_us).unwrap_or(0);
        self.began + Duration::from_micros(after)
    }
}

/// Bits of a token that hold the counter; the plan allows no higher ones.
const COUNTER_BITS: u32 = 40;
const COUNTER_MASK: u64 = (1 << COUNTER_BITS) - 1;
const TIME_BITS: u32 = 64 - COUNTER_BITS;

/// Packs what a delivery report must bring back into the 64 bits that clients carry for us: the record's
/// counter and, where no schedule says when it was due, the time of the call.
///
/// The time has 24 bits of a unit that is as fine as the longest wait for a report allows: it comes back
/// right if no report takes longer. With two minutes a unit is 8 or 16 microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    unit_shift: u32,
    epoch_us: i64,
}

impl Tokens {
    /// Tokens for records that are reported within `longest`, counted from `epoch_us`.
    pub fn new(epoch_us: i64, longest: Duration) -> Tokens {
        let longest_us = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX).max(1);
        let bits = u64::BITS - longest_us.leading_zeros();
        Tokens { unit_shift: bits.saturating_sub(TIME_BITS), epoch_us }
    }

    /// The token of a record.
    pub fn pack(&self, counter: u64, at_us: i64) -> u64 {
        let time = u64::try_from(at_us - self.epoch_us).unwrap_or(0) >> self.unit_shift;
        (counter & COUNTER_MASK) | (time << COUNTER_BITS)
    }

    /// The record's counter.
    pub fn counter(token: u64) -> u64 {
        token & COUNTER_MASK
    }

    /// When the record of this token was sent, seen from `now_us`.
    pub fn sent_us(&self, token: u64, now_us: i64) -> i64 {
        let now = u64::try_from(now_us - self.epoch_us).unwrap_or(0) >> self.unit_shift;
        let mask = (1 << TIME_BITS) - 1;
        let age = now.wrapping_sub(token >> COUNTER_BITS) & mask;
        let sent = now.saturating_sub(age) << self.unit_shift;
        self.epoch_us + i64::try_from(sent).unwrap_or(i64::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_brings_counter_and_time_back_over_a_day() {
        let longest = Duration::from_secs(150);
        let tokens = Tokens::new(1_000, longest);
        let unit = 1 << tokens.unit_shift;
        for (counter, at_us, age_us) in
            [(0, 1_000, 0), (7, 5_000_000, 149_000_000), (COUNTER_MASK, 86_400_000_000, 90_000_000)]
        {
            let token = tokens.pack(counter, at_us);
            assert_eq!(Tokens::counter(token), counter);
            let sent = tokens.sent_us(token, at_us + age_us);
            assert!((at_us - unit..=at_us).contains(&sent), "{sent} for {at_us}");
        }
    }

    #[test]
    fn the_unit_of_time_is_fine_for_short_waits_and_wide_enough_for_long_ones() {
        assert_eq!(Tokens::new(0, Duration::from_secs(10)).unit_shift, 0);
        assert!(Tokens::new(0, Duration::from_secs(130)).unit_shift <= 4);
        let day = Duration::from_secs(86_400);
        let tokens = Tokens::new(0, day);
        let sent = tokens.sent_us(tokens.pack(1, 0), day.as_micros() as i64);
        assert_eq!(sent, 0);
    }

    #[test]
    fn the_clock_goes_forward_and_finds_its_instants_again() {
        let clock = RunClock::start();
        let one = clock.now_us();
        std::thread::sleep(Duration::from_millis(2));
        assert!(clock.now_us() > one);
        assert!(clock.instant(clock.began_us() + 1_000_000) > clock.instant(clock.began_us()));
    }
}
