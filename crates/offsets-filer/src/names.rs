//! Names of groups and topics as names of files, and paths as parts of addresses.
//!
//! A group's id is any text. As a file's name it keeps letters, digits, `-`, `_` and `.`; every other byte
//! of its UTF-8 is `%` and two upper-case hex digits, and so is a dot at its beginning. The empty id is
//! `%empty`. So every name is one name, inside of its folder, and says to people what it is.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays as it is in a file's name.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// What stays as it is in an address.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/');

/// The empty id: `%` before anything but hex digits is no byte.
const EMPTY: &str = "%empty";

/// The longest name that a filer takes.
const NAME_LEN_MAX: usize = 255;

/// The file's name for an id; `None` if it would be longer than a name can be.
pub fn file_name(id: &str) -> Option<String> {
    if id.is_empty() {
        return Some(EMPTY.to_owned());
    }
    let name = utf8_percent_encode(id, NAME).to_string();
    let name = match name.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None => name,
    };
    (name.len() <= NAME_LEN_MAX).then_some(name)
}

/// The id that a file's name stands for; `None` for a name that no id has.
pub fn id_of(name: &str) -> Option<String> {
    if name == EMPTY {
        return Some(String::new());
    }
    let id = percent_decode_str(name).decode_utf8().ok()?.into_owned();
    (file_name(&id)? == name).then_some(id)
}

/// A filer's path as the path of an address.
pub fn escaped(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: [&str; 16] = [
        "",
        ".",
        "..",
        "...",
        ".a",
        "a/b",
        "../../etc/passwd",
        "%2e%2e",
        "%2E%2E",
        "%",
        "%empty",
        "\u{0}",
        "a\nb",
        "日本 🌊",
        " ",
        "?recursive=true#",
    ];

    #[test]
    fn every_id_is_one_plain_name_and_comes_back() {
        for id in ODD {
            let name = file_name(id).expect("short enough");
            assert_eq!(id_of(&name).as_deref(), Some(id), "{name}");
            assert!(!name.is_empty() && !name.starts_with('.'), "{id:?} is {name}");
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.%".contains(c);
            assert!(name.chars().all(is_plain), "{id:?} is {name}");
        }
    }

    #[test]
    fn no_two_ids_share_a_name() {
        let names: std::collections::BTreeSet<_> = ODD.iter().map(|id| file_name(id)).collect();
        assert_eq!(names.len(), ODD.len());
    }

    #[test]
    fn people_can_read_ordinary_names() {
        assert_eq!(file_name("my-group_1.x").as_deref(), Some("my-group_1.x"));
        assert_eq!(file_name("a/b").as_deref(), Some("a%2Fb"));
        assert_eq!(file_name("..").as_deref(), Some("%2E."));
    }

    #[test]
    fn a_name_that_a_filer_cannot_take_is_none() {
        assert!(file_name(&"x".repeat(255)).is_some());
        assert!(file_name(&"x".repeat(256)).is_none());
        assert!(file_name(&"/".repeat(86)).is_none());
    }

    #[test]
    fn names_that_others_made_are_nobodys() {
        for name in ["a b", "%2e", "%61", ".hidden", "a/b", "%FF", "%zz"] {
            assert_eq!(id_of(name), None, "{name}");
        }
    }

    #[test]
    fn an_address_says_a_percent_sign_in_a_name_as_such() {
        assert_eq!(escaped("/kafka/a%2Fb/t"), "/kafka/a%252Fb/t");
    }
}
