//! Writing of primitive types, the mirror of `read`.

use bytes::{BufMut, BytesMut};
use tidegate_model::TopicId;

/// Writes fields in order; `flexible` picks compact lengths and tagged fields (KIP-482).
pub struct Writer {
    pub buffer: BytesMut,
    flexible: bool,
}

impl Writer {
    pub fn new(flexible: bool, capacity: usize) -> Self {
        Writer { buffer: BytesMut::with_capacity(capacity), flexible }
    }

    pub fn i8(&mut self, value: i8) {
        self.buffer.put_i8(value);
    }

    pub fn i16(&mut self, value: i16) {
        self.buffer.put_i16(value);
    }

    pub fn i32(&mut self, value: i32) {
        self.buffer.put_i32(value);
    }

    pub fn i64(&mut self, value: i64) {
        self.buffer.put_i64(value);
    }

    pub fn topic_id(&mut self, id: TopicId) {
        self.buffer.put_slice(id.0.as_bytes());
    }

    pub fn unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.buffer.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.buffer.put_u8(value as u8);
    }

    /// A length, by two bytes if `short`, or four, or compact; `None` is null.
    fn len(&mut self, len: Option<usize>, short: bool) {
        if self.flexible {
            self.unsigned_varint(len.map_or(0, |len| len as u32 + 1));
        } else if short {
            self.i16(len.map_or(-1, |len| len as i16));
        } else {
            self.i32(len.map_or(-1, |len| len as i32));
        }
    }

    pub fn array(&mut self, len: Option<usize>) {
        self.len(len, false);
    }

    pub fn nullable_string(&mut self, text: Option<&str>) {
        // Longer than any string of the protocol may be; names are checked long before.
        let text = text.map(|text| &text[..text.floor_char_boundary(i16::MAX as usize)]);
        self.len(text.map(str::len), true);
        self.buffer.put_slice(text.unwrap_or("").as_bytes());
    }

    pub fn string(&mut self, text: &str) {
        self.nullable_string(Some(text));
    }

    /// The length of bytes that follow from elsewhere.
    pub fn bytes_len(&mut self, len: Option<usize>) {
        self.len(len, false);
    }

    pub fn bytes(&mut self, bytes: Option<&[u8]>) {
        self.len(bytes.map(<[u8]>::len), false);
        self.buffer.put_slice(bytes.unwrap_or(&[]));
    }

    /// No tagged fields.
    pub fn no_tags(&mut self) {
        if self.flexible {
            self.buffer.put_u8(0);
        }
    }

    /// Tagged fields by rising tag; those given differ from their defaults.
    pub fn tags(&mut self, fields: &[(u32, BytesMut)]) {
        if !self.flexible {
            return;
        }
        self.unsigned_varint(fields.len() as u32);
        for (tag, bytes) in fields {
            self.unsigned_varint(*tag);
            self.unsigned_varint(bytes.len() as u32);
            self.buffer.put_slice(bytes);
        }
    }
}

/// Starts a response frame: room for its length, then the header.
pub fn response(flexible: bool, correlation_id: i32, capacity: usize) -> Writer {
    let mut writer = Writer::new(flexible, capacity + 9);
    writer.i32(0);
    writer.i32(correlation_id);
    writer.no_tags();
    writer
}

/// Starts a request frame: room for its length, then the header (version 1 or 2).
pub fn request(
    api_key: i16,
    version: i16,
    flexible: bool,
    correlation_id: i32,
    client_id: &str,
) -> Writer {
    let mut writer = Writer::new(flexible, 256);
    writer.i32(0);
    writer.i16(api_key);
    writer.i16(version);
    writer.i32(correlation_id);
    writer.i16(client_id.len() as i16);
    writer.buffer.put_slice(client_id.as_bytes());
    writer.no_tags();
    writer
}

/// Writes the frame's length over its first four bytes; `more` bytes follow from elsewhere.
pub fn finish(writer: Writer, more: usize) -> BytesMut {
    let mut buffer = writer.buffer;
    let len = (buffer.len() - 4 + more) as i32;
    buffer[..4].copy_from_slice(&len.to_be_bytes());
    buffer
}
