//! Bytes to values, by the definitions.

use super::definitions::{Definition, Kind, Message, Primitive, find};
use super::value::{Batch, Field, Value};
use crate::error::WireError;
use uuid::Uuid;

type Result<T> = std::result::Result<T, WireError>;

const API_VERSIONS: i16 = 18;

/// Elements of a list that are kept; the rest is read over.
const LIST_LEN_MAX: usize = 10_000;

/// Batches of one field that are told.
const BATCHES_MAX: usize = 1_000;

/// Bytes before a batch's own length field ends, and those that its header takes in all.
const BATCH_OVERHEAD_LEN: usize = 12;
const BATCH_HEADER_LEN: usize = 61;

/// Bytes in order, wherever they lie.
pub trait Input {
    /// Bytes that are left.
    fn remaining(&self) -> usize;

    /// Takes as many bytes as `into` has room for; only called if they are left.
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<()>;

    /// Passes over bytes; only called if they are left.
    fn skip(&mut self, bytes: usize);
}

impl Input for &[u8] {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn read(&mut self, into: &mut [u8]) -> std::io::Result<()> {
        let (taken, rest) = self.split_at(into.len());
        into.copy_from_slice(taken);
        *self = rest;
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        *self = &self[bytes..];
    }
}

/// The fields of a request's body, its header taken off.
pub fn decode_request(api_key: i16, version: i16, body: &mut impl Input) -> Result<Value> {
    let message = message(api_key, version)?;
    let flexible = version >= message.flexible_since;
    whole(Decoder { input: body, version, flexible }, &message.request)
}

/// The fields of a response frame, its length taken off. The correlation id is passed over.
pub fn decode_response(api_key: i16, version: i16, frame: &mut impl Input) -> Result<Value> {
    let message = message(api_key, version)?;
    let flexible = version >= message.flexible_since;
    let mut decoder = Decoder { input: frame, version, flexible };
    decoder.take::<4>("correlation id")?;
    // ApiVersions keeps the old header, so that a client that guessed wrong can read the answer.
    if flexible && api_key != API_VERSIONS {
        decoder.tagged(&[], &mut Vec::new())?;
    }
    whole(decoder, &message.response)
}

fn message(api_key: i16, version: i16) -> Result<&'static Message> {
    find(api_key).ok_or(WireError::Unknown { api_key, version })
}

fn whole<I: Input>(
    mut decoder: Decoder<'_, I>,
    definitions: &'static [Definition],
) -> Result<Value> {
    let value = decoder.fields(definitions)?;
    match decoder.input.remaining() {
        0 => Ok(value),
        _ => Err(WireError::Length("bytes after the message")),
    }
}

struct Decoder<'a, I> {
    input: &'a mut I,
    version: i16,
    flexible: bool,
}

impl<I: Input> Decoder<'_, I> {
    fn fields(&mut self, definitions: &'static [Definition]) -> Result<Value> {
        let mut fields = Vec::new();
        for definition in definitions {
            if definition.tag.is_none() && definition.versions.contains(&self.version) {
                fields.push(self.field(definition)?);
            }
        }
        if self.flexible {
            self.tagged(definitions, &mut fields)?;
        }
        Ok(Value::Struct(fields))
    }

    fn field(&mut self, definition: &'static Definition) -> Result<Field> {
        let (name, entity) = (definition.name, definition.entity);
        let nullable = definition.nullable.as_ref();
        let nullable = nullable.is_some_and(|versions| versions.contains(&self.version));
        let value = match &definition.kind {
            Kind::Primitive(kind) => self.primitive(*kind, name)?,
            Kind::List(kind) => self.list(name, |decoder| decoder.primitive(*kind, name))?,
            Kind::Structs(fields) => self.list(name, |decoder| decoder.fields(fields))?,
            Kind::Struct(_) if nullable && self.take::<1>(name)? == [0xff] => Value::Null,
            Kind::Struct(fields) => self.fields(fields)?,
        };
        Ok(Field { name, entity, value })
    }

    fn tagged(
        &mut self,
        definitions: &'static [Definition],
        fields: &mut Vec<Field>,
    ) -> Result<()> {
        for _ in 0..self.varint("tagged fields")? {
            let tag = self.varint("tag")?;
            let len = self.varint("tagged field")? as usize;
            self.need(len, "tagged field")?;
            let end = self.input.remaining() - len;
            let known = definitions.iter().find(|definition| definition.tag == Some(tag));
            if let Some(definition) = known {
                fields.push(self.field(definition)?);
            }
            let left = self.input.remaining().checked_sub(end);
            self.input.skip(left.ok_or(WireError::Length("tagged field"))?);
        }
        Ok(())
    }

    fn list(
        &mut self,
        name: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<Value>,
    ) -> Result<Value> {
        let Some(count) = self.len(false, name)? else { return Ok(Value::Null) };
        // An element takes a byte at least, so a count cannot make this run on.
        self.need(count, name)?;
        let mut items = Vec::new();
        for _ in 0..count {
            let item = element(self)?;
            if items.len() < LIST_LEN_MAX {
                items.push(item);
            }
        }
        let omitted = count - items.len();
        Ok(Value::List { items, omitted })
    }

    fn primitive(&mut self, kind: Primitive, name: &'static str) -> Result<Value> {
        Ok(match kind {
            Primitive::Bool => Value::Bool(self.take::<1>(name)? != [0]),
            Primitive::Int8 => Value::Int(i8::from_be_bytes(self.take(name)?).into()),
            Primitive::Int16 => Value::Int(i16::from_be_bytes(self.take(name)?).into()),
            Primitive::Uint16 => Value::Int(u16::from_be_bytes(self.take(name)?).into()),
            Primitive::Int32 => Value::Int(i32::from_be_bytes(self.take(name)?).into()),
            Primitive::Int64 => Value::Int(i64::from_be_bytes(self.take(name)?)),
            Primitive::Float64 => Value::Float(f64::from_be_bytes(self.take(name)?)),
            Primitive::Uuid => Value::Uuid(Uuid::from_bytes(self.take(name)?)),
            Primitive::Text => match self.len(true, name)? {
                None => Value::Null,
                Some(len) => {
                    self.need(len, name)?;
                    let mut bytes = vec![0; len];
                    self.read(&mut bytes)?;
                    Value::Text(String::from_utf8_lossy(&bytes).into_owned())
                }
            },
            Primitive::Bytes => match self.len(false, name)? {
                None => Value::Null,
                Some(len) => {
                    self.need(len, name)?;
                    self.input.skip(len);
                    Value::Bytes(len)
                }
            },
            Primitive::Records => match self.len(false, name)? {
                None => Value::Null,
                Some(len) => {
                    self.need(len, name)?;
                    self.records(len)?
                }
            },
        })
    }

    /// The headers of the batches within `len` bytes; the last one may be cut off.
    fn records(&mut self, len: usize) -> Result<Value> {
        let mut batches = Vec::new();
        let mut left = len;
        while left >= BATCH_HEADER_LEN && batches.len() < BATCHES_MAX {
            let header: [u8; BATCH_HEADER_LEN] = self.take("batch header")?;
            left -= BATCH_HEADER_LEN;
            let Some(batch) = batch(&header) else { break };
            let body = (batch.bytes - BATCH_HEADER_LEN).min(left);
            self.input.skip(body);
            left -= body;
            batches.push(batch);
        }
        self.input.skip(left);
        Ok(Value::Records { batches, bytes: len })
    }

    /// A length of two bytes if `short`, of four if not, or compact; `None` for null.
    fn len(&mut self, short: bool, name: &'static str) -> Result<Option<usize>> {
        let len = if self.flexible {
            i64::from(self.varint(name)?) - 1
        } else if short {
            i16::from_be_bytes(self.take(name)?).into()
        } else {
            i32::from_be_bytes(self.take(name)?).into()
        };
        match len {
            -1 => Ok(None),
            len => usize::try_from(len).map(Some).map_err(|_| WireError::Length(name)),
        }
    }

    fn varint(&mut self, name: &'static str) -> Result<u32> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let [byte] = self.take(name)?;
            value |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::Length(name))
    }

    fn need(&self, bytes: usize, name: &'static str) -> Result<()> {
        if self.input.remaining() < bytes { Err(WireError::Truncated(name)) } else { Ok(()) }
    }

    fn take<const LEN: usize>(&mut self, name: &'static str) -> Result<[u8; LEN]> {
        self.need(LEN, name)?;
        let mut bytes = [0; LEN];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    fn read(&mut self, into: &mut [u8]) -> Result<()> {
        self.input.read(into).map_err(|error| WireError::Codec(error.to_string()))
    }
}

/// What a header tells; `None` for the formats before Kafka 0.11, which have another.
fn batch(header: &[u8; BATCH_HEADER_LEN]) -> Option<Batch> {
    const MAGIC: u8 = 2;
    let i16_at = |at: usize| i16::from_be_bytes([header[at], header[at + 1]]);
    let i32_at = |at: usize| i32::from_be_bytes(std::array::from_fn(|index| header[at + index]));
    let i64_at = |at: usize| i64::from_be_bytes(std::array::from_fn(|index| header[at + index]));
    let bytes = usize::try_from(i32_at(8)).ok()?.checked_add(BATCH_OVERHEAD_LEN)?;
    if header[16] != MAGIC || bytes < BATCH_HEADER_LEN {
        return None;
    }
    Some(Batch {
        base_offset: i64_at(0),
        records: i32_at(57),
        bytes,
        attributes: i16_at(21),
        producer_id: i64_at(43),
        producer_epoch: i16_at(51),
        base_sequence: i32_at(53),
        base_timestamp: i64_at(27),
        max_timestamp: i64_at(35),
    })
}
