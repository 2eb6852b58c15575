//! Checked reading of primitive types from the front of a buffer.

use crate::error::WireError;
use crate::guard::{self, ARRAY_COUNT_MAX};
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use tidegate_model::TopicId;
use uuid::Uuid;

type Result<T> = std::result::Result<T, WireError>;

/// Reads fields in order; `flexible` picks compact lengths and tagged fields (KIP-482).
pub struct Reader {
    buffer: BytesMut,
    flexible: bool,
}

impl Reader {
    pub fn new(buffer: BytesMut, flexible: bool) -> Self {
        Reader { buffer, flexible }
    }

    /// A reader of a message's body; an error if that version cannot be read here.
    pub fn of_body(api_key: i16, version: i16, body: BytesMut) -> Result<Self> {
        let flexible = guard::readable(api_key, version)?.is_flexible(version);
        Ok(Reader::new(body, flexible))
    }

    /// A reader of a response's body, after its header; and the correlation id.
    pub fn of_response(api_key: i16, version: i16, frame: Bytes) -> Result<(i32, Self)> {
        let mut reader = Reader::of_body(api_key, version, BytesMut::from(frame))?;
        let correlation_id = reader.i32("correlation id")?;
        reader.skip_tagged()?;
        Ok((correlation_id, reader))
    }

    fn need(&self, bytes: usize, what: &'static str) -> Result<()> {
        if self.buffer.len() < bytes { Err(WireError::Truncated(what)) } else { Ok(()) }
    }

    pub fn i8(&mut self, what: &'static str) -> Result<i8> {
        self.need(1, what)?;
        Ok(self.buffer.get_i8())
    }

    pub fn i16(&mut self, what: &'static str) -> Result<i16> {
        self.need(2, what)?;
        Ok(self.buffer.get_i16())
    }

    pub fn i32(&mut self, what: &'static str) -> Result<i32> {
        self.need(4, what)?;
        Ok(self.buffer.get_i32())
    }

    pub fn i64(&mut self, what: &'static str) -> Result<i64> {
        self.need(8, what)?;
        Ok(self.buffer.get_i64())
    }

    pub fn bool(&mut self, what: &'static str) -> Result<bool> {
        Ok(self.i8(what)? != 0)
    }

    pub fn topic_id(&mut self, what: &'static str) -> Result<TopicId> {
        self.need(16, what)?;
        Ok(TopicId(Uuid::from_u128(self.buffer.get_u128())))
    }

    pub fn unsigned_varint(&mut self, what: &'static str) -> Result<u32> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            self.need(1, what)?;
            let byte = self.buffer.get_u8();
            if shift == 28 && byte > 0x0f {
                return Err(WireError::Length(what));
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::Length(what))
    }

    /// A length by `short` (two bytes) or four, or compact; `None` for null.
    fn len(&mut self, short: bool, what: &'static str) -> Result<Option<usize>> {
        let len = if self.flexible {
            i64::from(self.unsigned_varint(what)?) - 1
        } else if short {
            i64::from(self.i16(what)?)
        } else {
            i64::from(self.i32(what)?)
        };
        match len {
            -1 => Ok(None),
            len => usize::try_from(len).map(Some).map_err(|_| WireError::Length(what)),
        }
    }

    /// An array's length, checked against the bytes that its elements need at least.
    pub fn nullable_array(
        &mut self,
        element_bytes_min: usize,
        what: &'static str,
    ) -> Result<Option<usize>> {
        let Some(count) = self.len(false, what)? else { return Ok(None) };
        let count_max = self.buffer.len() / element_bytes_min;
        if count > count_max.min(ARRAY_COUNT_MAX) {
            return Err(WireError::Length(what));
        }
        Ok(Some(count))
    }

    pub fn array(&mut self, element_bytes_min: usize, what: &'static str) -> Result<usize> {
        self.nullable_array(element_bytes_min, what)?.ok_or(WireError::Null(what))
    }

    /// A string, copied: names must not keep a whole frame alive.
    pub fn nullable_string(&mut self, what: &'static str) -> Result<Option<StrBytes>> {
        self.text(what, |bytes| {
            std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| WireError::Utf8(what))
        })
    }

    /// A string in which U+FFFD stands for what is not UTF-8, as Kafka reads all of them.
    pub fn nullable_lossy_string(&mut self, what: &'static str) -> Result<Option<StrBytes>> {
        self.text(what, |bytes| Ok(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn text(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&[u8]) -> Result<String>,
    ) -> Result<Option<StrBytes>> {
        let Some(len) = self.len(true, what)? else { return Ok(None) };
        self.need(len, what)?;
        let text = StrBytes::from_string(read(&self.buffer[..len])?);
        self.buffer.advance(len);
        Ok(Some(text))
    }

    pub fn string(&mut self, what: &'static str) -> Result<StrBytes> {
        self.nullable_string(what)?.ok_or(WireError::Null(what))
    }

    /// Bytes, cut out of the frame without copying.
    pub fn nullable_bytes(&mut self, what: &'static str) -> Result<Option<BytesMut>> {
        let Some(len) = self.len(false, what)? else { return Ok(None) };
        self.need(len, what)?;
        Ok(Some(self.buffer.split_to(len)))
    }

    /// Tagged fields: each is handed to `visit` as a reader of its own; unknown ones are skipped.
    pub fn tagged(&mut self, mut visit: impl FnMut(u32, &mut Reader) -> Result<()>) -> Result<()> {
        if !self.flexible {
            return Ok(());
        }
        let count = self.unsigned_varint("tagged fields")?;
        for _ in 0..count {
            let tag = self.unsigned_varint("tag")?;
            let len = self.unsigned_varint("tagged field")? as usize;
            self.need(len, "tagged field")?;
            let mut field = Reader::new(self.buffer.split_to(len), true);
            visit(tag, &mut field)?;
        }
        Ok(())
    }

    pub fn skip_tagged(&mut self) -> Result<()> {
        self.tagged(|_, _| Ok(()))
    }

    /// What has not been read.
    pub fn into_inner(self) -> BytesMut {
        self.buffer
    }
}
