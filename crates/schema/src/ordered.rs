//! JSON as it was written: members in their order, numbers with their digits.

use crate::{Limits, SchemaError};
use serde::de::Deserialize;
use serde_json::Value;

/// Reads one JSON text; nothing may follow it.
///
/// # Errors
/// [`SchemaError::Invalid`] with line and column; [`SchemaError::TooExpensive`] for a text that is
/// longer or nested deeper than `limits` allow, before anything recurses into it.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Value, SchemaError> {
    if text.len() > limits.text_bytes_max {
        let problem = format!("{} bytes, {} are allowed", text.len(), limits.text_bytes_max);
        return Err(SchemaError::TooExpensive(problem));
    }
    if depth_of(text) > limits.depth_max {
        let problem = format!("more than {} levels", limits.depth_max);
        return Err(SchemaError::TooExpensive(problem));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    let value = Value::deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| SchemaError::Invalid(error.to_string()))?;
    Ok(value)
}

/// How deep brackets are nested outside of strings.
pub(crate) fn depth_of(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_digits_stay_as_they_were_written() {
        let text = r#"{"b":1.10,"a":123456789012345678901234567890,"c":1e400}"#;
        let value = parse(text, &Limits::default()).expect("it is JSON");
        assert_eq!(value.to_string(), text.replace("1e400", "1e+400"));
    }

    #[test]
    fn nesting_beyond_the_limit_is_refused_before_it_is_read() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let limits = Limits { depth_max: 10, ..Limits::default() };
        assert!(parse(&nested(10), &limits).is_ok());
        assert!(matches!(parse(&nested(11), &limits), Err(SchemaError::TooExpensive(_))));
        assert!(matches!(
            parse(&nested(1_000_000), &Limits::default()),
            Err(SchemaError::TooExpensive(_))
        ));
        assert!(parse("\"[[[[[[[[[[[[[[\"", &limits).is_ok(), "brackets in a string do not count");
    }

    #[test]
    fn what_follows_a_text_is_refused() {
        assert!(matches!(parse("{} {}", &Limits::default()), Err(SchemaError::Invalid(_))));
    }
}
