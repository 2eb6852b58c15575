//! What a topic may be called (`org.apache.kafka.common.internals.Topic`).

/// Longest name, so that `name-partition` fits into a file name.
pub const TOPIC_NAME_LEN_MAX: usize = 249;

/// Checks a topic's name; the error says what is wrong with it.
pub fn validate_topic_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("Topic name is empty.".to_owned());
    }
    if name == "." || name == ".." {
        return Err(format!("Topic name '{name}' is reserved for directories."));
    }
    if name.len() > TOPIC_NAME_LEN_MAX {
        let len = name.len();
        return Err(format!("Topic name is {len} bytes long, {TOPIC_NAME_LEN_MAX} are allowed."));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name.chars().find(|c| !allowed(*c)) {
        None => Ok(()),
        Some(c) => Err(format!(
            "Topic name '{}' contains '{}'; letters, digits, '.', '_' and '-' are allowed.",
            name.escape_default(),
            c.escape_default()
        )),
    }
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
