//! What one schema may cost.

use crate::SchemaError;

/// Bounds on the work that a schema from outside can ask for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest text, in bytes, that of a reference too.
    pub text_bytes_max: usize,
    /// How many levels a text may be nested.
    pub depth_max: usize,
    /// How many steps (a pair of nodes compared, a name resolved, a node copied) one call may take.
    pub steps_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { text_bytes_max: 4 << 20, depth_max: 256, steps_max: 2_000_000 }
    }
}

/// Counts the steps of one call down from [`Limits::steps_max`].
#[derive(Debug)]
pub struct Work {
    left: u64,
}

impl Work {
    /// The whole budget of `limits`.
    pub fn new(limits: &Limits) -> Self {
        Work { left: limits.steps_max }
    }

    /// Spends one step.
    ///
    /// # Errors
    /// [`SchemaError::TooExpensive`] when none is left.
    pub fn step(&mut self) -> Result<(), SchemaError> {
        self.steps(1)
    }

    /// Spends several steps at once.
    ///
    /// # Errors
    /// [`SchemaError::TooExpensive`] when fewer are left.
    pub fn steps(&mut self, count: usize) -> Result<(), SchemaError> {
        let left = u64::try_from(count).ok().and_then(|count| self.left.checked_sub(count));
        self.left = left.ok_or_else(Self::spent)?;
        Ok(())
    }

    fn spent() -> SchemaError {
        SchemaError::TooExpensive("it takes more steps than the limit allows".to_owned())
    }
}
