//! Frames: four bytes of length, then so many bytes.

use crate::error::WireError;
use bytes::{Buf, BytesMut};

/// Takes the first complete frame, without its length, off `buffer`; `None` if more must come.
///
/// Never reserves anything: the caller grows its buffer by what arrives, not by what is announced.
/// A negative length and one above `max_bytes` are errors at once.
pub fn next_frame(buffer: &mut BytesMut, max_bytes: usize) -> Result<Option<BytesMut>, WireError> {
    let Some(prefix) = buffer.first_chunk::<4>() else { return Ok(None) };
    let announced = i32::from_be_bytes(*prefix);
    let too_large = WireError::FrameTooLarge { announced: i64::from(announced), max: max_bytes };
    let len = usize::try_from(announced).map_err(|_| too_large.clone())?;
    if len > max_bytes {
        return Err(other_protocol(buffer).map_or(too_large, WireError::OtherProtocol));
    }
    if buffer.len() - 4 < len {
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(len)))
}

/// What a client speaks whose first bytes make an impossible length. It is the usual reason for one, and whoever
/// reads the log should not have to know that 369295616 is how TLS begins.
fn other_protocol(buffer: &[u8]) -> Option<&'static str> {
    const METHODS: [&[u8]; 6] = [b"GET ", b"HEAD", b"POST", b"PUT ", b"OPTI", b"PRI "];
    match buffer {
        [0x16, 3, ..] => Some("TLS"),
        _ if METHODS.iter().any(|method| buffer.starts_with(method)) => Some("HTTP"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_another_protocol_is_told_by_its_first_bytes() {
        for (begin, name) in [(&b"\x16\x03\x01\x02\0"[..], "TLS"), (b"GET / HTTP/1.1", "HTTP")] {
            let refused = next_frame(&mut BytesMut::from(begin), 100 << 20);
            assert_eq!(refused, Err(WireError::OtherProtocol(name)));
        }
        let larger = next_frame(&mut BytesMut::from(&b"\x16\x04\0\0"[..]), 100 << 20);
        assert!(matches!(larger, Err(WireError::FrameTooLarge { .. })));
    }

    #[test]
    fn frames_come_out_one_by_one_and_only_when_complete() {
        let mut buffer = BytesMut::from(&b"\0\0\0\x02ab\0\0\0\x01c\0\0\0\x05de"[..]);
        assert_eq!(next_frame(&mut buffer, 10).unwrap().unwrap(), "ab");
        assert_eq!(next_frame(&mut buffer, 10).unwrap().unwrap(), "c");
        assert_eq!(next_frame(&mut buffer, 10).unwrap(), None);
        assert_eq!(buffer.len(), 6);
    }

    #[test]
    fn negative_and_oversized_lengths_are_refused_before_their_bytes_come() {
        for prefix in [[0xff, 0xff, 0xff, 0xff], [0, 0, 0, 11]] {
            let mut buffer = BytesMut::from(&prefix[..]);
            assert!(next_frame(&mut buffer, 10).is_err());
        }
    }

    #[test]
    fn an_announced_length_reserves_nothing() {
        let mut buffer = BytesMut::from(&[0x05, 0, 0, 0, 1][..]);
        assert_eq!(next_frame(&mut buffer, 100 << 20).unwrap(), None);
        assert!(buffer.capacity() < 1 << 10);
    }
}
