//! Names of records, enums and fixed types, and which of them Avro allows.

use super::graph::TYPE_NAMES;
use crate::SchemaError;

/// A full name: a simple name behind a namespace, which may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    full: String,
    /// Where the simple name starts in `full`.
    simple_at: usize,
}

impl Name {
    /// The name that `text` stands for inside `namespace`; a text with dots brings its own namespace.
    pub(super) fn new(text: &str, namespace: Option<&str>) -> Result<Self, SchemaError> {
        let (namespace, simple) = match text.rsplit_once('.') {
            Some((namespace, simple)) => (Some(namespace), simple),
            None => (namespace, text),
        };
        check_name(simple)?;
        Ok(match namespace.filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => {
                let full = format!("{namespace}.{simple}");
                Name { full, simple_at: namespace.len() + 1 }
            }
            None => Name { full: simple.to_owned(), simple_at: 0 },
        })
    }

    /// With the namespace.
    pub(super) fn full(&self) -> &str {
        &self.full
    }

    /// Without the namespace.
    pub(super) fn simple(&self) -> &str {
        &self.full[self.simple_at..]
    }

    /// The namespace, if the name has one.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.simple_at.checked_sub(1).map(|dot| &self.full[..dot])
    }

    /// How the name is written inside of `namespace`: in full where it is another namespace's, and
    /// where the simple name alone would be read as a type of Avro's own.
    pub(super) fn within(&self, namespace: Option<&str>) -> &str {
        let inherited = self.namespace().is_some() && self.namespace() == namespace;
        if inherited && !TYPE_NAMES.contains(&self.simple()) { self.simple() } else { &self.full }
    }

    /// Refuses a name that no type can be defined under.
    pub(super) fn check_definable(&self) -> Result<(), SchemaError> {
        if super::graph::Primitive::of(&self.full).is_some() {
            let problem = format!("Schemas may not be named after primitives: {}", self.full);
            return Err(SchemaError::Invalid(problem));
        }
        Ok(())
    }

    /// Refuses a namespace that has a part which is no name.
    pub(super) fn check_namespace(&self) -> Result<(), SchemaError> {
        for part in self.namespace().into_iter().flat_map(|namespace| namespace.split('.')) {
            if let Err(SchemaError::Invalid(problem)) = check_name(part) {
                let problem = format!("Namespace part \"{part}\" is invalid: {problem}");
                return Err(SchemaError::Invalid(problem));
            }
        }
        Ok(())
    }
}

/// Refuses what can be the name of no type, no field and no symbol.
///
/// Avro's Java library allows letters and digits of all scripts, and so does this. It asks the tables of
/// the JDK that it runs on, one UTF-16 unit after the other: letters beyond the Basic Multilingual Plane
/// are refused there too, but so are vowel signs and numerals that are no digits, which pass here.
pub(super) fn check_name(name: &str) -> Result<(), SchemaError> {
    let in_plane = |c: char| u32::from(c) <= 0xFFFF;
    let mut letters = name.chars();
    let Some(first) = letters.next() else {
        return Err(SchemaError::Invalid("Empty name".to_owned()));
    };
    if !(first == '_' || first.is_alphabetic() && in_plane(first)) {
        return Err(SchemaError::Invalid(format!("Illegal initial character: {name}")));
    }
    if !letters.all(|c| c == '_' || c.is_alphanumeric() && in_plane(c)) {
        return Err(SchemaError::Invalid(format!("Illegal character in: {name}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str, namespace: Option<&str>) -> Name {
        Name::new(text, namespace).expect("a legal name")
    }

    #[test]
    fn a_text_with_dots_brings_its_own_namespace() {
        assert_eq!(name("R", None).full(), "R");
        assert_eq!(name("R", Some("")).namespace(), None);
        assert_eq!(name("R", Some("a.b")).full(), "a.b.R");
        let other = name("c.R", Some("a.b"));
        assert_eq!((other.full(), other.simple(), other.namespace()), ("c.R", "R", Some("c")));
        assert_eq!(name(".R", Some("a.b")).namespace(), None, "a leading dot leaves the namespace");
    }

    #[test]
    fn a_name_is_written_in_full_only_where_the_simple_one_would_be_misread() {
        assert_eq!(name("a.R", None).within(Some("a")), "R");
        assert_eq!(name("a.R", None).within(Some("b")), "a.R");
        assert_eq!(name("a.R", None).within(None), "a.R");
        assert_eq!(name("a.record", None).within(Some("a")), "a.record");
    }

    #[test]
    fn illegal_names_are_refused_in_avros_words() {
        for (text, problem) in [
            ("", "Empty name"),
            ("1a", "Illegal initial character: 1a"),
            ("a-b", "Illegal character in: a-b"),
            ("a.", "Empty name"),
            ("𝒳", "Illegal initial character: 𝒳"),
        ] {
            let refused = Name::new(text, None).expect_err(text);
            assert_eq!(refused.to_string(), problem);
        }
        let refused = name("a-b.R", None).check_namespace().expect_err("a hyphen");
        assert_eq!(
            refused.to_string(),
            "Namespace part \"a-b\" is invalid: Illegal character in: a-b"
        );
        assert!(name("ä_9.Ж", None).check_namespace().is_ok());
        assert!(name("int", None).check_definable().is_err());
        assert!(name("a.int", None).check_definable().is_ok());
    }
}
