//! An answer's bytes in order, wherever they lie: records stay in their files.

use std::os::unix::fs::FileExt;
use tidegate_log::Slice;
use tidegate_wire::fields::Input;

/// Reads an answer without copying its records.
pub struct Slices<'a> {
    rest: &'a [Slice],
    /// Bytes taken from the first of them.
    taken: usize,
    remaining: usize,
}

impl<'a> Slices<'a> {
    /// From the first byte of the frame, which is its length's.
    pub fn new(frame: &'a [Slice]) -> Self {
        let remaining = frame.iter().map(Slice::len).sum();
        Slices { rest: frame, taken: 0, remaining }
    }

    /// Drops slices that are read to their ends.
    fn settle(&mut self) {
        while let Some(first) = self.rest.first()
            && self.taken == first.len()
        {
            self.rest = &self.rest[1..];
            self.taken = 0;
        }
    }
}

impl Input for Slices<'_> {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn read(&mut self, into: &mut [u8]) -> std::io::Result<()> {
        let mut into = into;
        while !into.is_empty() {
            self.settle();
            let first = &self.rest[0];
            let len = into.len().min(first.len() - self.taken);
            let (now, later) = into.split_at_mut(len);
            match first {
                Slice::Memory(bytes) => now.copy_from_slice(&bytes[self.taken..self.taken + len]),
                Slice::File { file, position, .. } => {
                    file.read_exact_at(now, position + self.taken as u64)?;
                }
            }
            self.taken += len;
            self.remaining -= len;
            into = later;
        }
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        let mut left = bytes;
        while left > 0 {
            self.settle();
            let len = left.min(self.rest[0].len() - self.taken);
            self.taken += len;
            self.remaining -= len;
            left -= len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn bytes_come_in_order_across_slices_and_ends() {
        let slices: [&'static [u8]; 4] = [b"ab", b"", b"cde", b"f"];
        let frame: Vec<Slice> =
            slices.iter().map(|slice| Slice::Memory(Bytes::from_static(slice))).collect();
        let mut input = Slices::new(&frame);
        input.skip(1);
        let mut taken = [0; 3];
        input.read(&mut taken).expect("memory is readable");
        assert_eq!((&taken, input.remaining()), (b"bcd", 2));
        input.skip(1);
        let mut last = [0; 1];
        input.read(&mut last).expect("memory is readable");
        assert_eq!((&last, input.remaining()), (b"f", 0));
    }
}
