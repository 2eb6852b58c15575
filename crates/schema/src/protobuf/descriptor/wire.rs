//! Protobuf's encoding, as much of it as descriptors need.

/// The fields of an encoded message, one by one.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// What a field was encoded as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Datum<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// A number of fixed length, or a mark of a group: no descriptor has any.
    Other,
}

impl<'a> Datum<'a> {
    /// A string, a message or packed numbers.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Datum::Bytes(bytes) => Some(bytes),
            Datum::Varint(_) | Datum::Other => None,
        }
    }

    pub fn text(self) -> Option<String> {
        Some(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    /// An `int32` or an enum.
    pub fn number(self) -> Option<i32> {
        match self {
            // Negative numbers are written with all 64 bits; the lower half of them counts.
            Datum::Varint(value) => Some(value as u32 as i32),
            Datum::Bytes(_) | Datum::Other => None,
        }
    }

    pub fn boolean(self) -> Option<bool> {
        match self {
            Datum::Varint(value) => Some(value != 0),
            Datum::Bytes(_) | Datum::Other => None,
        }
    }
}

impl<'a> Fields<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        Fields { rest: bytes }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for at in 0..10 {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let length = usize::try_from(length).ok()?;
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u32, Datum<'a>)> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
        let datum = match key & 7 {
            0 => Datum::Varint(self.varint()?),
            1 => self.take(8).map(|_| Datum::Other)?,
            2 => {
                let length = self.varint()?;
                Datum::Bytes(self.take(length)?)
            }
            3 | 4 => Datum::Other,
            5 => self.take(4).map(|_| Datum::Other)?,
            _ => return None,
        };
        Some((number, datum))
    }
}

/// Fields until the end; the last one is `Err` if the bytes are no message.
impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Datum<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field().ok_or(Malformed);
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// These bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// A message that is being encoded.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    bytes: Vec<u8>,
}

impl Encoded {
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub fn number(&mut self, field: u32, value: i32) {
        self.varint(u64::from(field) << 3);
        // Sign-extended, as `int32` is.
        self.varint(i64::from(value) as u64);
    }

    pub fn boolean(&mut self, field: u32, value: bool) {
        self.number(field, i32::from(value));
    }

    pub fn text(&mut self, field: u32, value: &str) {
        self.put(field, value.as_bytes());
    }

    pub fn message(&mut self, field: u32, value: Encoded) {
        self.put(field, &value.bytes);
    }

    fn put(&mut self, field: u32, value: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }
}
