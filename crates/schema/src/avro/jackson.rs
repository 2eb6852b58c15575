//! JSON values as text, to the byte as Jackson prints them for Avro's and Confluent's Java libraries.

use serde_json::Value;
use std::fmt::Write;

/// Appends `text` in quotes.
pub(super) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => write!(out, "\\u{:04X}", u32::from(c)).expect("a string takes all"),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Appends `value`; the members of its objects in their order, or sorted by name.
pub(super) fn write_value(out: &mut String, value: &Value, sorted: bool) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number.as_str()),
        Value::String(text) => write_string(out, text),
        Value::Array(elements) => {
            write_list(out, ['[', ']'], elements, |out, element| write_value(out, element, sorted));
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if sorted {
                members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            }
            write_list(out, ['{', '}'], members, |out, (name, member)| {
                write_string(out, name);
                out.push(':');
                write_value(out, member, sorted);
            });
        }
    }
}

/// Appends `items` with commas between brackets.
pub(super) fn write_list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

/// Appends a number that stood in a text as `digits`: whole numbers as they are, all others as the
/// double that they were read as.
fn write_number(out: &mut String, digits: &str) {
    if is_whole(digits) {
        out.push_str(if digits == "-0" { "0" } else { digits });
        return;
    }
    write_double(out, digits.parse().expect("JSON's numbers are doubles to Rust"));
}

/// Whether Jackson reads the number as an integer.
pub(super) fn is_whole(digits: &str) -> bool {
    !digits.contains(['.', 'e', 'E'])
}

/// Appends a double; what is no number of JSON stands in quotes.
pub(super) fn write_double(out: &mut String, double: f64) {
    if double.is_finite() {
        out.push_str(&java_decimal(&format!("{double:e}")));
    } else {
        write!(out, "\"{}\"", java_name(double)).expect("a string takes all");
    }
}

/// Appends a float, with the digits that suffice to tell it from other floats.
pub(super) fn write_float(out: &mut String, float: f32) {
    if float.is_finite() {
        out.push_str(&java_decimal(&format!("{float:e}")));
    } else {
        write_double(out, f64::from(float));
    }
}

fn java_name(double: f64) -> &'static str {
    match double {
        _ if double.is_nan() => "NaN",
        _ if double > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

/// `Double.toString` of the number that Rust writes as `scientific` (`-1.25e-7`): positional from a
/// thousandth to ten million, and always with a digit on both sides of the point.
fn java_decimal(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').expect("Rust's `e` format has an e");
    let exponent: i32 = exponent.parse().expect("a double's exponent has three digits");
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let or_zero = |digits: &str| if digits.is_empty() { "0".to_owned() } else { digits.to_owned() };
    if digits == "0" {
        return format!("{sign}0.0");
    }
    match exponent {
        0..7 => {
            let whole = exponent as usize + 1;
            let padded = format!("{digits:0<whole$}");
            format!("{sign}{}.{}", &padded[..whole], or_zero(&padded[whole..]))
        }
        -3..0 => {
            let zeros = "0".repeat((-exponent - 1) as usize);
            format!("{sign}0.{zeros}{digits}")
        }
        _ => format!("{sign}{}.{}E{exponent}", &digits[..1], or_zero(&digits[1..])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(value: f64) -> String {
        let mut out = String::new();
        write_double(&mut out, value);
        out
    }

    #[test]
    fn doubles_print_as_java_prints_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.25, "-1.25"),
            (100.0, "100.0"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.5e10, "1.5E10"),
            (0.001, "0.001"),
            (0.0125, "0.0125"),
            (0.000_999, "9.99E-4"),
            (1e-7, "1.0E-7"),
            (123_456.789, "123456.789"),
            (1e300, "1.0E300"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::NAN, "\"NaN\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            assert_eq!(double(value), text);
        }
    }

    #[test]
    fn strings_escape_what_jackson_escapes() {
        let mut out = String::new();
        write_string(&mut out, "a\"\\/\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}é€😀");
        assert_eq!(out, "\"a\\\"\\\\/\\b\\t\\n\\f\\r\\u0000\\u001F\u{7f}é€😀\"");
    }

    #[test]
    fn members_keep_their_order_or_are_sorted() {
        let value: Value =
            serde_json::from_str(r#"{"b":1.10,"a":[{"z":-0,"c":null}]}"#).expect("JSON");
        let text = |sorted| {
            let mut out = String::new();
            write_value(&mut out, &value, sorted);
            out
        };
        assert_eq!(text(false), r#"{"b":1.1,"a":[{"z":0,"c":null}]}"#);
        assert_eq!(text(true), r#"{"a":[{"c":null,"z":0}],"b":1.1}"#);
    }
}
