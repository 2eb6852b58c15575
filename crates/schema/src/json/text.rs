//! JSON texts as Confluent's registry prints them: compact, with Jackson's escapes and numbers.

use serde_json::{Map, Number, Value};

/// Which order the members of an object come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Members {
    /// As they were written.
    AsWritten,
    /// By their names, UTF-16 code unit after code unit, as a Java `TreeMap` has them.
    Sorted,
}

/// The text of `value` without white space.
pub(super) fn print(value: &Value, members: Members) -> String {
    let mut text = String::new();
    write(&mut text, value, members);
    text
}

fn write(text: &mut String, value: &Value, members: Members) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(text, number),
        Value::String(string) => write_string(text, string),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(text, item, members);
            }
            text.push(']');
        }
        Value::Object(object) => write_object(text, object, members),
    }
}

fn write_object(text: &mut String, object: &Map<String, Value>, members: Members) {
    let mut entries: Vec<_> = object.iter().collect();
    if members == Members::Sorted {
        entries.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    }
    text.push('{');
    for (index, (name, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_string(text, name);
        text.push(':');
        write(text, value, members);
    }
    text.push('}');
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => text.push_str(&format!("\\u{:04X}", u32::from(control))),
            other => text.push(other),
        }
    }
    text.push('"');
}

/// Integers keep their digits; anything with a point or an exponent is printed as
/// `java.math.BigDecimal.toString` prints it, which keeps the zeros at the end.
fn write_number(text: &mut String, number: &Number) {
    let written = number.as_str();
    if !written.contains(['.', 'e', 'E']) {
        text.push_str(if written == "-0" { "0" } else { written });
        return;
    }
    match Scientific::of(written) {
        Some(number) => number.write(text),
        // The exponent does not fit: `unprintable` has found it before.
        None => text.push_str(written),
    }
}

/// A number in `value` whose exponent is more than a `BigDecimal` can hold.
pub(super) fn unprintable(value: &Value) -> Option<&Number> {
    match value {
        Value::Number(number) => {
            let written = number.as_str();
            let integer = !written.contains(['.', 'e', 'E']);
            (!integer && Scientific::of(written).is_none()).then_some(number)
        }
        Value::Array(items) => items.iter().find_map(unprintable),
        Value::Object(members) => members.values().find_map(unprintable),
        _ => None,
    }
}

/// A decimal as `BigDecimal` holds it: digits and the power of ten of the last of them.
struct Scientific {
    negative: bool,
    /// Without leading zeros, at least one digit.
    digits: String,
    exponent: i32,
}

impl Scientific {
    fn of(written: &str) -> Option<Self> {
        let (mantissa, exponent) = match written.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (written, 0),
        };
        let negative = mantissa.starts_with('-');
        let mantissa = mantissa.trim_start_matches('-');
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        // The scale of a BigDecimal is the negated exponent, and both are 32 bits wide.
        exponent.checked_neg()?;
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_start_matches('0');
        let zero = significant.is_empty();
        Some(Scientific {
            negative: negative && !zero,
            digits: if zero { "0".to_owned() } else { significant.to_owned() },
            exponent,
        })
    }

    fn write(&self, text: &mut String) {
        if self.negative {
            text.push('-');
        }
        let count = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let exponent = i64::from(self.exponent);
        // The power of ten of the first digit; a number without an exponent is only printed from
        // one millionth up, and only if its last digit stands behind the point.
        let adjusted = exponent + count - 1;
        if exponent == 0 {
            text.push_str(&self.digits);
        } else if exponent < 0 && adjusted >= -6 {
            self.write_plain(text, count + exponent);
        } else {
            let (first, rest) = self.digits.split_at(1);
            text.push_str(first);
            if !rest.is_empty() {
                text.push('.');
                text.push_str(rest);
            }
            if adjusted != 0 {
                text.push_str(&format!("E{adjusted:+}"));
            }
        }
    }

    /// With `whole` digits before the point.
    fn write_plain(&self, text: &mut String, whole: i64) {
        match usize::try_from(whole) {
            Ok(whole) if whole > 0 => {
                text.push_str(&self.digits[..whole]);
                text.push('.');
                text.push_str(&self.digits[whole..]);
            }
            _ => {
                text.push_str("0.");
                for _ in whole..0 {
                    text.push('0');
                }
                text.push_str(&self.digits);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, ordered};

    fn printed(text: &str, members: Members) -> String {
        print(&ordered::parse(text, &Limits::default()).unwrap(), members)
    }

    #[test]
    fn members_stay_in_their_order_and_white_space_goes() {
        let text = "{ \"b\" : [ 1 , 2 ] ,\n \"a\" : null }";
        assert_eq!(printed(text, Members::AsWritten), r#"{"b":[1,2],"a":null}"#);
        assert_eq!(printed(text, Members::Sorted), r#"{"a":null,"b":[1,2]}"#);
    }

    #[test]
    fn members_sort_by_utf16_at_every_level() {
        // U+FF61 comes before U+10000 by code point, behind it by code unit (D800).
        let text = "{\"\u{ff61}\":1,\"\u{10000}\":{\"b\":1,\"B\":2}}";
        assert_eq!(
            printed(text, Members::Sorted),
            "{\"\u{10000}\":{\"B\":2,\"b\":1},\"\u{ff61}\":1}"
        );
    }

    #[test]
    fn strings_are_escaped_as_jackson_does() {
        let text = r#""\u0001\u001f\b\t\n\f\r\"\\\/\u00e9\u007f""#;
        assert_eq!(
            printed(text, Members::AsWritten),
            "\"\\u0001\\u001F\\b\\t\\n\\f\\r\\\"\\\\/é\u{7f}\""
        );
    }

    #[test]
    fn numbers_are_printed_as_java_prints_a_big_decimal() {
        let numbers = [
            ("1", "1"),
            ("-0", "0"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("1.10", "1.10"),
            ("1.0", "1.0"),
            ("-0.0", "0.0"),
            ("0.00", "0.00"),
            ("1e2", "1E+2"),
            ("1E400", "1E+400"),
            ("12.5e3", "1.25E+4"),
            ("12.5e1", "125"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1E-7"),
            ("1.0e-7", "1.0E-7"),
            ("123e-2", "1.23"),
            ("-123.456", "-123.456"),
            ("1e0", "1"),
            ("0e5", "0E+5"),
            ("0.1e1", "1"),
        ];
        for (written, expected) in numbers {
            assert_eq!(printed(written, Members::AsWritten), expected, "{written}");
        }
    }
}
