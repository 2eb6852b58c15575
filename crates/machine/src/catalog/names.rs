//! What a topic may be called (`org.apache.kafka.common.internals.Topic`).

/// Longest name, so that `name-partition` fits into a file name.
pub const TOPIC_NAME_LEN_MAX: usize = 249;

/// Checks a topic's name; the error says what is wrong with it, in Kafka's words.
pub fn validate_topic_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("Topic name is invalid: the empty string is not allowed".to_owned());
    }
    if name == "." || name == ".." {
        return Err(format!("Topic name is invalid: '{name}' is not allowed"));
    }
    // Java counts UTF-16 units.
    if name.encode_utf16().count() > TOPIC_NAME_LEN_MAX {
        return Err(format!(
            "Topic name is invalid: the length of '{name}' is longer than the max allowed length \
             {TOPIC_NAME_LEN_MAX}"
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.chars().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "Topic name is invalid: '{name}' contains one or more characters other than ASCII \
         alphanumerics, '.', '_' and '-'"
    ))
}

/// The name under which topics collide: metric names cannot tell '.' and '_' apart.
pub(super) fn collision_key(name: &str) -> String {
    name.replace('.', "_")
}

/// True if the name shares its [`collision_key`] with other possible names.
pub(super) fn may_collide(name: &str) -> bool {
    name.contains(['.', '_'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_allowed_characters_up_to_249_bytes_are_valid() {
        for name in ["a", "_schemas", "a.b_c-D9", "...", &"x".repeat(249)] {
            assert_eq!(validate_topic_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn empty_dotted_long_and_odd_names_are_refused() {
        for name in ["", ".", "..", &"x".repeat(250), "a b", "a/b", "ä", "a\n", "a\0", "a:b"] {
            assert!(validate_topic_name(name).is_err(), "{name:?}");
        }
    }
}
