//! A walk over a request's bytes before the library decodes them.
//!
//! The library reserves room by the counts it reads. The walk knows each request's layout and checks
//! that every count and length is borne out by the bytes present, so that a request can make the
//! gateway reserve no more than a small multiple of its own size. It allocates nothing itself.

mod shapes;

use crate::error::WireError;

/// Elements of one array, at most (Kafka 4.4's own limit).
pub const ARRAY_COUNT_MAX: usize = 1_000_000;

/// No last version.
const END: i16 = i16::MAX;

/// A type of request: which versions can be read, and their layout.
pub struct Request {
    /// The number on the wire.
    pub key: i16,
    /// Kafka's name.
    pub name: &'static str,
    /// The first version that can be read.
    pub first: i16,
    /// The last version that can be read.
    pub last: i16,
    /// The first version with compact lengths and tagged fields (KIP-482).
    pub flexible_since: i16,
    /// The layout; `None` if the library does not decode it, but a checking codec of our own.
    fields: Option<&'static [Field]>,
}

impl Request {
    /// True if that version uses compact lengths and tagged fields.
    pub fn is_flexible(&self, version: i16) -> bool {
        version >= self.flexible_since
    }
}

const fn request(
    key: i16,
    name: &'static str,
    first: i16,
    last: i16,
    flexible_since: i16,
    fields: Option<&'static [Field]>,
) -> Request {
    Request { key, name, first, last, flexible_since, fields }
}

/// What a value is made of.
#[derive(Clone, Copy)]
enum Kind {
    /// So many bytes.
    Fixed(usize),
    Text,
    Blob,
    Array(&'static Kind),
    Structure(&'static [Field]),
}

/// A field, the versions that have it, and those in which it may be null.
#[derive(Clone, Copy)]
struct Field {
    name: &'static str,
    kind: Kind,
    first: i16,
    last: i16,
    nullable_first: i16,
    nullable_last: i16,
}

const fn field(name: &'static str, kind: Kind, first: i16, last: i16) -> Field {
    Field { name, kind, first, last, nullable_first: END, nullable_last: -1 }
}

impl Field {
    const fn nullable(self, first: i16, last: i16) -> Field {
        Field { nullable_first: first, nullable_last: last, ..self }
    }

    fn is_in(&self, version: i16) -> bool {
        (self.first..=self.last).contains(&version)
    }

    fn is_nullable(&self, version: i16) -> bool {
        (self.nullable_first..=self.nullable_last).contains(&version)
    }
}

/// Every request that can be read, by rising key.
pub fn requests() -> &'static [Request] {
    shapes::REQUESTS
}

/// The request of that key.
pub fn find(api_key: i16) -> Option<&'static Request> {
    let index = shapes::REQUESTS.binary_search_by_key(&api_key, |request| request.key);
    index.ok().map(|index| &shapes::REQUESTS[index])
}

/// The request of that key, if that version of it can be read.
pub(crate) fn readable(api_key: i16, version: i16) -> Result<&'static Request, WireError> {
    find(api_key)
        .filter(|request| (request.first..=request.last).contains(&version))
        .ok_or(WireError::Unknown { api_key, version })
}

/// Checks a request's body. A request without a layout is an error: nothing is decoded unchecked.
///
/// Bytes after the last field are passed over, as Kafka does: librdkafka 2.16 sends three of them
/// with Metadata 13.
pub fn check(api_key: i16, version: i16, body: &[u8]) -> Result<(), WireError> {
    let request = readable(api_key, version)?;
    let fields = request.fields.ok_or(WireError::Unknown { api_key, version })?;
    let mut walk = Walk { bytes: body, version, flexible: request.is_flexible(version) };
    walk.structure(fields)?;
    Ok(())
}

/// The bytes that are not yet accounted for.
struct Walk<'a> {
    bytes: &'a [u8],
    version: i16,
    flexible: bool,
}

impl Walk<'_> {
    fn structure(&mut self, fields: &'static [Field]) -> Result<(), WireError> {
        let version = self.version;
        for field in fields.iter().filter(|field| field.is_in(version)) {
            self.value(&field.kind, field.is_nullable(version), field.name)?;
        }
        if self.flexible { self.tagged_fields() } else { Ok(()) }
    }

    fn value(
        &mut self,
        kind: &'static Kind,
        nullable: bool,
        name: &'static str,
    ) -> Result<(), WireError> {
        match kind {
            Kind::Fixed(len) => self.take(*len, name).map(drop),
            Kind::Text => {
                let Some(len) = self.length(true, nullable, name)? else { return Ok(()) };
                let text = self.take(len, name)?;
                std::str::from_utf8(text).map(drop).map_err(|_| WireError::Utf8(name))
            }
            Kind::Blob => {
                let Some(len) = self.length(false, nullable, name)? else { return Ok(()) };
                self.take(len, name).map(drop)
            }
            Kind::Array(element) => {
                let Some(count) = self.length(false, nullable, name)? else { return Ok(()) };
                let count_max = self.bytes.len() / self.len_min(element).max(1);
                if count > count_max.min(ARRAY_COUNT_MAX) {
                    return Err(WireError::Length(name));
                }
                (0..count).try_for_each(|_| self.value(element, false, name))
            }
            Kind::Structure(fields) => {
                // A structure that may be null is preceded by 1, or by -1 if it is. Kafka would
                // take others too, but the library would not read them as Kafka does.
                match if nullable { self.take(1, name)?[0] as i8 } else { 1 } {
                    1 => self.structure(fields),
                    -1 => Ok(()),
                    _ => Err(WireError::Length(name)),
                }
            }
        }
    }

    /// The fewest bytes that a value can be encoded in.
    fn len_min(&self, kind: &Kind) -> usize {
        match kind {
            Kind::Fixed(len) => *len,
            Kind::Text | Kind::Blob | Kind::Array(_) if self.flexible => 1,
            Kind::Text => 2,
            Kind::Blob | Kind::Array(_) => 4,
            Kind::Structure(fields) => {
                let present = fields.iter().filter(|field| field.is_in(self.version));
                let fields_min: usize = present
                    .map(|field| match field.kind {
                        Kind::Structure(_) if field.is_nullable(self.version) => 1,
                        kind => self.len_min(&kind),
                    })
                    .sum();
                fields_min + usize::from(self.flexible)
            }
        }
    }

    /// No request that the library decodes has tagged fields of its own: all are unknown ones.
    fn tagged_fields(&mut self) -> Result<(), WireError> {
        const NAME: &str = "tagged fields";
        for _ in 0..self.unsigned_varint(NAME)? {
            // The library keeps tags as `i32`, and cannot write back those that do not fit.
            if self.unsigned_varint(NAME)? > i32::MAX as u32 {
                return Err(WireError::Length(NAME));
            }
            let len = self.unsigned_varint(NAME)? as usize;
            self.take(len, NAME)?;
        }
        Ok(())
    }

    /// A length or count; `None` is null.
    fn length(
        &mut self,
        short: bool,
        nullable: bool,
        name: &'static str,
    ) -> Result<Option<usize>, WireError> {
        let length = if self.flexible {
            i64::from(self.unsigned_varint(name)?) - 1
        } else if short {
            i64::from(i16::from_be_bytes(self.take_array(name)?))
        } else {
            i64::from(i32::from_be_bytes(self.take_array(name)?))
        };
        match usize::try_from(length) {
            Ok(length) => Ok(Some(length)),
            Err(_) if length == -1 && nullable => Ok(None),
            Err(_) if length == -1 => Err(WireError::Null(name)),
            Err(_) => Err(WireError::Length(name)),
        }
    }

    fn unsigned_varint(&mut self, name: &'static str) -> Result<u32, WireError> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let [byte] = self.take_array(name)?;
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::Length(name))
    }

    fn take(&mut self, len: usize, name: &'static str) -> Result<&[u8], WireError> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or(WireError::Truncated(name))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self, name: &'static str) -> Result<[u8; N], WireError> {
        let (taken, rest) =
            self.bytes.split_first_chunk::<N>().ok_or(WireError::Truncated(name))?;
        self.bytes = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_rise_so_that_the_search_finds_each() {
        assert!(requests().is_sorted_by(|one, next| one.key < next.key));
        assert!(requests().iter().all(|r| find(r.key).is_some_and(|found| found.name == r.name)));
    }

    #[test]
    fn a_count_beyond_the_bytes_present_is_refused() {
        // DeleteGroups v0 with two groups announced, of which the bytes can hold one.
        let body = [0, 0, 0, 2, 0, 1, b'g'];
        assert_eq!(check(42, 0, &body), Err(WireError::Length("GroupsNames")));
        assert_eq!(check(42, 0, &[0, 0, 0, 1, 0, 1, b'g']), Ok(()));
    }

    #[test]
    fn a_count_of_more_than_a_million_is_refused_though_the_bytes_are_there() {
        let body = |count: usize| {
            let mut body = (count as i32).to_be_bytes().to_vec();
            body.resize(4 + 2 * count, 0);
            body
        };
        assert_eq!(check(42, 0, &body(ARRAY_COUNT_MAX)), Ok(()));
        assert_eq!(check(42, 0, &body(ARRAY_COUNT_MAX + 1)), Err(WireError::Length("GroupsNames")));
    }

    #[test]
    fn null_is_refused_where_the_version_does_not_allow_it() {
        // Metadata: no topic list at all means every topic, from version 1 on.
        let null = [0xff; 4];
        assert_eq!(check(3, 0, &null), Err(WireError::Null("Topics")));
        assert_eq!(check(3, 1, &null), Ok(()));
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        assert_eq!(check(42, 0, &[0, 0, 0, 1, 0, 1, 0xff]), Err(WireError::Utf8("GroupsNames")));
    }

    #[test]
    fn a_varint_of_more_than_32_bits_is_refused() {
        assert_eq!(
            check(42, 2, &[0xff, 0xff, 0xff, 0xff, 0x1f]),
            Err(WireError::Length("GroupsNames"))
        );
    }

    #[test]
    fn bytes_left_over_are_passed_over() {
        assert_eq!(check(42, 0, &[0, 0, 0, 0, 9]), Ok(()));
    }

    #[test]
    fn unknown_tagged_fields_are_passed_over() {
        // DeleteGroups v2: no groups, one tagged field with tag 7 and two bytes.
        assert_eq!(check(42, 2, &[1, 1, 7, 2, 0, 0]), Ok(()));
        let huge_tag = [1, 1, 0x80, 0x80, 0x80, 0x80, 0x08, 0];
        assert_eq!(check(42, 2, &huge_tag), Err(WireError::Length("tagged fields")));
    }

    #[test]
    fn a_nullable_structure_is_there_or_not() {
        // DescribeTopicPartitions: no topics, limit 1, cursor ("t", 0) or null.
        let with_cursor = |marker| [1, 0, 0, 0, 1, marker, 2, b't', 0, 0, 0, 0, 0, 0];
        assert_eq!(check(75, 0, &with_cursor(1)), Ok(()));
        assert_eq!(check(75, 0, &[1, 0, 0, 0, 1, 0xff, 0]), Ok(()));
        assert_eq!(check(75, 0, &with_cursor(2)), Err(WireError::Length("Cursor")));
    }

    #[test]
    fn requests_and_versions_without_a_layout_are_refused() {
        assert_eq!(check(0, 3, &[]), Err(WireError::Unknown { api_key: 0, version: 3 }));
        assert_eq!(check(42, 3, &[1, 0]), Err(WireError::Unknown { api_key: 42, version: 3 }));
        assert_eq!(check(7, 0, &[]), Err(WireError::Unknown { api_key: 7, version: 0 }));
    }
}
