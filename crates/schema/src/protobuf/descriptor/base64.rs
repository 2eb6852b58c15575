//! Base64 with the alphabet of RFC 4648, section 4.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(in super::super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = 0_usize;
        for at in 0..3 {
            group = group << 8 | usize::from(chunk.get(at).copied().unwrap_or_default());
        }
        for at in 0..4 {
            let digit = ALPHABET[group >> (18 - 6 * at) & 63];
            text.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// Nothing but the alphabet is accepted; what fills the last group up may be missing.
pub(in super::super) fn decode(text: &str) -> Option<Vec<u8>> {
    let padded = text.len().is_multiple_of(4);
    let digits = match padded {
        true => text.strip_suffix("==").or(text.strip_suffix('=')).unwrap_or(text),
        false => text,
    };
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.as_bytes().chunks(4) {
        let mut group = 0_u32;
        for at in 0..4 {
            let value = match chunk.get(at) {
                Some(digit) => ALPHABET.iter().position(|known| known == digit)?,
                None => 0,
            };
            group = group << 6 | u32::try_from(value).expect("it is below 64");
        }
        let count = chunk.len().checked_sub(1).filter(|count| *count > 0)?;
        bytes.extend_from_slice(&group.to_be_bytes()[1..=count]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded_again() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(decode("Zm8").as_deref(), Some(b"fo".as_slice()));
        assert_eq!(decode("Z"), None);
        assert_eq!(decode("Zm9v\n"), None);
        assert_eq!(decode("message M {}"), None);
    }
}
