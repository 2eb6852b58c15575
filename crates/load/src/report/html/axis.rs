//! Axes: which numbers stand at them, and where a value lies.

/// A value axis from the bottom of the plot to its top.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Axis {
    /// From 0 to a little above the highest value.
    pub fn linear(highest: f64) -> Self {
        let highest = if highest.is_finite() { highest.max(1e-3) } else { 1.0 };
        let step = nice_step(highest / 5.0);
        Self { low: 0.0, high: (highest / step).ceil() * step, logarithmic: false }
    }

    /// Whole powers of ten around the values.
    pub fn logarithmic(lowest: f64, highest: f64) -> Self {
        let low = 10f64.powf(lowest.max(1.0).log10().floor());
        let high = 10f64.powf(highest.max(low * 10.0).log10().ceil());
        Self { low, high, logarithmic: true }
    }

    /// Where a value lies: 0 at the bottom, 1 at the top.
    pub fn part(&self, value: f64) -> f64 {
        let part = if self.logarithmic {
            (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        part.clamp(0.0, 1.0)
    }

    /// The numbers that stand at the axis.
    pub fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let decades = (self.high / self.low).log10().round() as i32;
            return (0..=decades).map(|n| self.low * 10f64.powi(n)).collect();
        }
        let step = nice_step(self.high / 5.0);
        let count = (self.high / step + 0.001).floor() as u32;
        (0..=count).map(|n| f64::from(n) * step).collect()
    }
}

/// 1, 2, 2.5 or 5 times a power of ten, at least `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .map(|n| n * power)
        .into_iter()
        .find(|nice| *nice >= step * 0.999)
        .unwrap_or(step)
}

/// Points in time, in milliseconds, at which a time axis is marked: at most ten, at whole seconds, minutes or hours.
pub(super) fn time_ticks(from_ms: u64, to_ms: u64) -> Vec<u64> {
    const STEPS_S: &[u64] = &[
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200,
        86_400,
    ];
    let span_s = (to_ms.saturating_sub(from_ms) / 1000).max(1);
    let days = 86_400 * span_s.div_ceil(864_000);
    let step_s = STEPS_S.iter().copied().find(|step| span_s / step <= 10).unwrap_or(days);
    let step_ms = step_s * 1000;
    let first = from_ms.div_ceil(step_ms) * step_ms;
    (0..=10).map(|n| first + n * step_ms).take_while(|at| *at <= to_ms).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_axis_has_round_numbers_and_room_for_the_highest() {
        for highest in [0.0, 0.37, 1.0, 7.0, 10_040.0, 123_456.0, 1e12] {
            let axis = Axis::linear(highest);
            let ticks = axis.ticks();
            assert!((3..=6).contains(&ticks.len()), "{highest}: {ticks:?}");
            assert!(axis.high >= highest);
            assert_eq!(axis.part(axis.high), 1.0);
            assert_eq!(axis.part(0.0), 0.0);
        }
        assert_eq!(
            Axis::linear(10_040.0).ticks(),
            [0.0, 2500.0, 5000.0, 7500.0, 10_000.0, 12_500.0]
        );
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten() {
        let axis = Axis::logarithmic(230.0, 2_040_000.0);
        assert_eq!(axis.ticks(), [100.0, 1e3, 1e4, 1e5, 1e6, 1e7]);
        assert!((axis.part(1e4) - 0.4).abs() < 1e-9);
        assert_eq!(axis.part(0.0), 0.0);
        assert_eq!(Axis::logarithmic(5.0, 5.0).ticks(), [1.0, 10.0]);
    }

    #[test]
    fn a_time_axis_is_marked_at_round_times() {
        assert_eq!(time_ticks(0, 60_000).len(), 7);
        assert_eq!(time_ticks(500, 3_200), [1000, 2000, 3000]);
        assert_eq!(time_ticks(0, 86_400_000)[1], 3 * 3_600_000 + 3_600_000);
        assert!(time_ticks(0, u64::MAX / 2).len() <= 11);
        assert_eq!(time_ticks(7, 7), Vec::<u64>::new());
    }
}
