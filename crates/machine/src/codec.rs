//! Reading and writing Kafka's primitive types in record keys and values.
//!
//! Both forms occur: "classic" ones with fixed-size lengths, and "flexible" ones (KIP-482) with
//! unsigned varints and tagged fields. Every length is checked against the bytes that are left
//! before anything is allocated, because a log may hold records that others wrote.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;
use tidegate_model::TopicId;
use uuid::Uuid;

/// Why bytes are not the record they should be.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end inside a field, or a length points outside them.
    #[error("record is cut off")]
    Truncated,
    /// A negative length, a null where none may be, text that is not UTF-8, a varint too long.
    #[error("record has a malformed {0}")]
    Malformed(&'static str),
    /// A version that this code cannot read.
    #[error("record has unsupported version {0}")]
    UnsupportedVersion(i32),
    /// Bytes are left over after the last field.
    #[error("record has {0} bytes too many")]
    TrailingBytes(usize),
}

/// A cursor that never reads outside its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes }
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        match self.bytes.len() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.bytes.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.bytes.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn i8(&mut self) -> Result<i8, DecodeError> {
        Ok(self.u8()? as i8)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, DecodeError> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, DecodeError> {
        self.array().map(f64::from_be_bytes)
    }

    pub(crate) fn topic_id(&mut self) -> Result<TopicId, DecodeError> {
        Ok(TopicId(Uuid::from_bytes(self.array()?)))
    }

    pub(crate) fn unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let byte = self.u8()?;
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed("varint"))
    }

    /// The number of elements of a classic array, each of at least `element_len_min` bytes.
    pub(crate) fn array_len(&mut self, element_len_min: usize) -> Result<usize, DecodeError> {
        let len = usize::try_from(self.i32()?).map_err(|_| DecodeError::Malformed("array"))?;
        self.bound(len, element_len_min)
    }

    /// The number of elements of a flexible array; `None` for null.
    pub(crate) fn compact_len(
        &mut self,
        element_len_min: usize,
    ) -> Result<Option<usize>, DecodeError> {
        match self.unsigned_varint()? {
            0 => Ok(None),
            len => self.bound(len as usize - 1, element_len_min).map(Some),
        }
    }

    fn bound(&self, len: usize, element_len_min: usize) -> Result<usize, DecodeError> {
        if len > self.left() / element_len_min.max(1) {
            return Err(DecodeError::Truncated);
        }
        Ok(len)
    }

    pub(crate) fn nullable_string(
        &mut self,
        flexible: bool,
    ) -> Result<Option<String>, DecodeError> {
        let len = if flexible {
            self.compact_len(1)?
        } else {
            match self.i16()? {
                -1 => None,
                len => Some(usize::try_from(len).map_err(|_| DecodeError::Malformed("string"))?),
            }
        };
        let Some(len) = len else { return Ok(None) };
        let text =
            std::str::from_utf8(self.take(len)?).map_err(|_| DecodeError::Malformed("string"))?;
        Ok(Some(text.to_owned()))
    }

    pub(crate) fn string(&mut self, flexible: bool) -> Result<String, DecodeError> {
        self.nullable_string(flexible)?.ok_or(DecodeError::Malformed("string"))
    }

    pub(crate) fn bytes(&mut self, flexible: bool) -> Result<Bytes, DecodeError> {
        let len = if flexible {
            self.compact_len(1)?.ok_or(DecodeError::Malformed("bytes"))?
        } else {
            self.array_len(1)?
        };
        Ok(Bytes::copy_from_slice(self.take(len)?))
    }

    /// Hands each tagged field to `field` as (tag, its bytes).
    pub(crate) fn tagged_fields(
        &mut self,
        mut field: impl FnMut(u32, Reader<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let len = self.unsigned_varint()? as usize;
            let bytes = self.take(len)?;
            field(tag, Reader::new(bytes))?;
        }
        Ok(())
    }

    pub(crate) fn skip_tagged_fields(&mut self) -> Result<(), DecodeError> {
        self.tagged_fields(|_, _| Ok(()))
    }
}

/// What Kafka's primitive types look like when written.
pub(crate) trait Put {
    fn put_unsigned_varint(&mut self, value: u32);
    fn put_string(&mut self, text: &str, flexible: bool);
    fn put_nullable_string(&mut self, text: Option<&str>, flexible: bool);
    fn put_blob(&mut self, bytes: &[u8]);
    fn put_compact_len(&mut self, len: usize);
    fn put_topic_id(&mut self, id: TopicId);
}

impl Put for BytesMut {
    fn put_unsigned_varint(&mut self, value: u32) {
        let mut rest = value;
        while rest >= 0x80 {
            self.put_u8(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.put_u8(rest as u8);
    }

    fn put_string(&mut self, text: &str, flexible: bool) {
        if flexible {
            self.put_compact_len(text.len());
            self.put_slice(text.as_bytes());
        } else {
            // A classic length has 15 bits, and text came through one, or through a limit below.
            let text = clip(text, i16::MAX as usize);
            self.put_i16(text.len() as i16);
            self.put_slice(text.as_bytes());
        }
    }

    fn put_nullable_string(&mut self, text: Option<&str>, flexible: bool) {
        match (text, flexible) {
            (Some(text), _) => self.put_string(text, flexible),
            (None, true) => self.put_u8(0),
            (None, false) => self.put_i16(-1),
        }
    }

    fn put_blob(&mut self, bytes: &[u8]) {
        self.put_i32(i32::try_from(bytes.len()).expect("a request is shorter than 2 GiB"));
        self.put_slice(bytes);
    }

    fn put_compact_len(&mut self, len: usize) {
        let len = u32::try_from(len).expect("a request is shorter than 4 GiB");
        self.put_unsigned_varint(len + 1);
    }

    fn put_topic_id(&mut self, id: TopicId) {
        self.put_slice(id.0.as_bytes());
    }
}

/// The longest prefix of `text` with at most `max` bytes.
fn clip(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_varints_round_trip_at_every_length() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, u32::MAX] {
            let mut buffer = BytesMut::new();
            buffer.put_unsigned_varint(value);
            let mut reader = Reader::new(&buffer);
            assert_eq!(reader.unsigned_varint(), Ok(value));
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn a_varint_of_more_than_32_bits_is_malformed() {
        let bytes = [0xff, 0xff, 0xff, 0xff, 0x1f];
        let read = Reader::new(&bytes).unsigned_varint();
        assert_eq!(read, Err(DecodeError::Malformed("varint")));
    }

    #[test]
    fn a_lying_array_length_is_refused_before_it_is_allocated() {
        let bytes = i32::MAX.to_be_bytes();
        assert_eq!(Reader::new(&bytes).array_len(4), Err(DecodeError::Truncated));
        assert_eq!(
            Reader::new(&(-1i32).to_be_bytes()).array_len(4),
            Err(DecodeError::Malformed("array"))
        );
    }

    #[test]
    fn an_overlong_string_is_cut_at_a_character_instead_of_corrupting_the_record() {
        let text = "é".repeat(20_000);
        let mut buffer = BytesMut::new();
        buffer.put_string(&text, false);
        let mut reader = Reader::new(&buffer);
        let read = reader.string(false).unwrap();
        assert_eq!((read.len(), reader.left()), (32_766, 0));
    }
}
