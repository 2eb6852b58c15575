//! JSON as Jackson writes it: the bytes of a key must be those of Confluent's registry.
//!
//! Control characters without a short form become `\u001F` in capitals, and characters beyond the
//! basic plane become two escapes; everything else is as serde_json has it.

use bytes::Bytes;
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};
use std::io::{self, Write};

struct Jackson;

impl Formatter for Jackson {
    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04X}"),
            other => serde_json::ser::CompactFormatter.write_char_escape(writer, other),
        }
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        // Only characters beyond the basic plane begin with such a byte.
        while let Some(at) = rest.bytes().position(|byte| byte >= 0xF0) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(c) = chars.next() {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04X}")?;
                }
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// `value` in Jackson's bytes.
pub(super) fn to_bytes(value: &impl Serialize) -> Bytes {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = Serializer::with_formatter(&mut bytes, Jackson);
    value
        .serialize(&mut serializer)
        .expect("records have names for members, and a vector takes all");
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_jackson() {
        let text: String =
            (0..0x20).map(char::from).chain("\"\\/\u{7f}é\u{2028}\u{ffff}<&'😀y".chars()).collect();
        // What ObjectMapper.writeValueAsBytes of Jackson 2.16 and 2.21 gives.
        let expected = concat!(
            r#""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000B\f\r\u000E\u000F\u0010"#,
            r#"\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C\u001D\u001E"#,
            r#"\u001F\"\\/"#,
            "\u{7f}é\u{2028}\u{ffff}<&'",
            r#"\uD83D\uDE00y""#
        );
        assert_eq!(to_bytes(&text), expected.as_bytes());
    }
}
