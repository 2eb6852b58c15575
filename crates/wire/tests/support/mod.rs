//! Frames written by Kafka's own classes (tools/golden.sh), and every codec by its key.

#![allow(dead_code, reason = "each test uses what it needs")]

pub mod every;

use tidegate_wire::guard;

/// Whose values a frame holds: see tools/Golden.java.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Two elements an array and nothing null.
    Full,
    /// One element an array, and null where that is allowed.
    Null,
    /// As full, and with every tagged field.
    Tagged,
}

/// One frame, header and body, without its length.
pub struct Golden {
    pub name: &'static str,
    pub api_key: i16,
    pub version: i16,
    pub is_request: bool,
    pub variant: Variant,
    pub frame: Vec<u8>,
}

impl std::fmt::Display for Golden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let direction = if self.is_request { "request" } else { "response" };
        write!(f, "{} {direction} v{} {:?}", self.name, self.version, self.variant)
    }
}

impl Golden {
    /// The request as one that is answered: that of a Produce depends on its acks.
    pub fn answered(&self) -> Vec<u8> {
        let mut frame = self.frame.clone();
        if self.api_key != 0 {
            return frame;
        }
        // acks stand behind the transactional id.
        let header = 10 + usize::from(u16::from_be_bytes([frame[8], frame[9]]));
        let flexible = self.version >= 9;
        let body = header + usize::from(flexible);
        let id_len = match (self.variant, flexible) {
            (Variant::Null, true) => 1,
            (Variant::Null, false) => 2,
            (_, true) => usize::from(frame[body]),
            (_, false) => 2 + usize::from(u16::from_be_bytes([frame[body], frame[body + 1]])),
        };
        frame[body + id_len..body + id_len + 2].copy_from_slice(&[0xff, 0xff]);
        frame
    }
}

/// All frames, both directions.
pub fn golden() -> Vec<Golden> {
    include_str!("../golden.txt").lines().map(parse).collect()
}

/// The requests among them.
pub fn golden_requests() -> Vec<Golden> {
    golden().into_iter().filter(|golden| golden.is_request).collect()
}

fn parse(line: &'static str) -> Golden {
    let [name, direction, version, variant, hex] =
        line.split(' ').collect::<Vec<_>>().try_into().expect("five words");
    let request = guard::requests().iter().find(|request| request.name == name);
    Golden {
        name,
        api_key: request.expect("golden frames are of requests in the table").key,
        version: version.parse().expect("a version"),
        is_request: direction == "request",
        variant: match variant {
            "full" => Variant::Full,
            "null" => Variant::Null,
            "tagged" => Variant::Tagged,
            other => panic!("variant {other}"),
        },
        frame: (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits"))
            .collect(),
    }
}

/// Numbers that are the same on every machine (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Changes a frame in one to four places: bits, bytes, lengths, cuts and insertions.
    pub fn mutate(&mut self, frame: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(frame.len().max(1)).min(frame.len().saturating_sub(1));
            if frame.is_empty() {
                frame.push(self.next() as u8);
            }
            match self.below(7) {
                0 => frame[at] ^= 1 << self.below(8),
                1 => frame[at] = self.next() as u8,
                2 => frame[at] = 0xff,
                3 => frame.truncate(at),
                4 => frame.insert(at, self.next() as u8),
                5 => {
                    // A huge count, in the shape of the old encoding or of the compact one.
                    let huge: &[u8] = [
                        &[0x7f, 0xff, 0xff, 0xff][..],
                        &[0x00, 0x10, 0x00, 0x00],
                        &[0xff, 0xff, 0xff, 0xff, 0x0f],
                        &[0x80, 0x80, 0x40],
                    ][self.below(4)];
                    let end = frame.len().min(at + huge.len());
                    frame.splice(at..end, huge.iter().copied());
                }
                _ => {
                    let end = (at + 1 + self.below(16)).min(frame.len());
                    let copy = frame[at..end].to_vec();
                    frame.splice(at..at, copy);
                }
            }
        }
    }
}
