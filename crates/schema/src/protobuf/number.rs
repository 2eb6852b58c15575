//! Numbers of options in their normal form: decimal, at most three digits behind the point.
//!
//! Confluent's registry reads them as Java's libraries do (a leading zero means octal, `0x` and `#`
//! hexadecimal, a letter at the end may name the type) and prints them with Java's default format.

/// More digits than a number in an option has any use for.
const DIGITS_MAX: usize = 400;

/// The normal form of `text`, or `text` if it is no number (`inf`, `-nan`, `1.2.3`).
pub(super) fn formatted(text: &str) -> String {
    normal(text).unwrap_or_else(|| text.to_owned())
}

fn normal(text: &str) -> Option<String> {
    if text.len() > DIGITS_MAX {
        return None;
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let hexadecimal = ["0x", "0X", "#"].iter().find_map(|prefix| digits.strip_prefix(prefix));
    let (magnitude, is_zero) = match hexadecimal {
        Some(digits) => integer(digits, 16)?,
        None => match digits.strip_suffix(['l', 'L']).unwrap_or(digits) {
            whole if whole.bytes().all(|byte| byte.is_ascii_digit()) => {
                let octal = whole.len() > 1 && whole.starts_with('0');
                integer(whole, if octal { 8 } else { 10 })?
            }
            _ => return decimal(negative, digits),
        },
    };
    Some(if negative && !is_zero { format!("-{magnitude}") } else { magnitude })
}

/// The decimal digits of a whole number of any size, and whether it is zero.
fn integer(digits: &str, radix: u32) -> Option<(String, bool)> {
    if digits.is_empty() {
        return None;
    }
    // Digits to the base of a thousand million, the lowest first.
    let mut parts = vec![0_u64];
    for digit in digits.chars() {
        let mut carry = u64::from(digit.to_digit(radix)?);
        for part in &mut parts {
            let sum = *part * u64::from(radix) + carry;
            *part = sum % 1_000_000_000;
            carry = sum / 1_000_000_000;
        }
        if carry > 0 {
            parts.push(carry);
        }
    }
    let mut text = parts.last().expect("it begins with one").to_string();
    for part in parts.iter().rev().skip(1) {
        text.push_str(&format!("{part:09}"));
    }
    let is_zero = text == "0";
    Some((text, is_zero))
}

fn decimal(negative: bool, text: &str) -> Option<String> {
    let digits = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte)) {
        return None;
    }
    let value: f64 = digits.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    let rounded = rounded(&format!("{value}"));
    Some(if negative { format!("-{rounded}") } else { rounded })
}

/// Three digits behind the point, half to even, without zeros at the end.
fn rounded(text: &str) -> String {
    let Some((whole, fraction)) = text.split_once('.') else {
        return text.to_owned();
    };
    if fraction.len() <= 3 {
        return text.to_owned();
    }
    let (kept, rest) = fraction.split_at(3);
    let mut digits: Vec<u8> = whole.bytes().chain(kept.bytes()).collect();
    let even = digits.last().is_some_and(|digit| (digit - b'0').is_multiple_of(2));
    let half = rest.starts_with('5') && rest[1..].bytes().all(|digit| digit == b'0');
    if rest.as_bytes()[0] >= b'5' && !(half && even) {
        let mut carries = true;
        for digit in digits.iter_mut().rev() {
            carries = *digit == b'9';
            *digit = if carries { b'0' } else { *digit + 1 };
            if !carries {
                break;
            }
        }
        if carries {
            digits.insert(0, b'1');
        }
    }
    let text = String::from_utf8(digits).expect("it is digits");
    let (whole, fraction) = text.split_at(text.len() - 3);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::formatted;

    #[test]
    fn numbers_are_decimal_with_three_digits_behind_the_point() {
        let pairs = [
            ("1", "1"),
            ("-5", "-5"),
            ("010", "8"),
            ("0x1F", "31"),
            ("-0xff", "-255"),
            ("18446744073709551616", "18446744073709551616"),
            ("1.50", "1.5"),
            ("0.12345", "0.123"),
            ("0.9996", "1"),
            ("1e3", "1000"),
            ("2.5f", "2.5"),
            ("7L", "7"),
            ("09", "09"),
            ("1.2.3", "1.2.3"),
            ("-inf", "-inf"),
            ("-", "-"),
        ];
        for (written, normal) in pairs {
            assert_eq!(formatted(written), normal, "{written}");
        }
    }
}
