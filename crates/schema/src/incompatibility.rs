//! What keeps two schemas from going together, in Confluent's words.

use std::fmt;

/// One reason. It prints as Confluent's registry words it, which is
/// `{errorType:'MISSING_UNION_BRANCH', description:'…', additionalInfo:'…'}` for Avro and
/// `{errorType:"FIELD_KIND_CHANGED", description:"…"}` for the other languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incompatibility {
    /// The kind, e.g. `READER_FIELD_MISSING_DEFAULT_VALUE`; empty for a sentence that stands alone.
    pub error_type: &'static str,
    /// The sentence, with the path.
    pub description: String,
    /// What Avro's checker adds; the other languages have no such member.
    pub additional_info: Option<String>,
}

impl Incompatibility {
    /// A sentence that stands alone.
    pub(crate) fn plain(description: String) -> Self {
        Incompatibility { error_type: "", description, additional_info: None }
    }

    /// The same finding where the reader is the old schema and the writer the new one. A sentence speaks
    /// of the reader as the new schema.
    pub fn reversed(&self) -> Self {
        const NEW: &str = "new schema";
        const OLD: &str = "old schema";
        const BOTH: [&str; 2] = ["new and old schema", "old and new schema"];
        let one_way = self.description.strip_suffix(BOTH[0]).map(|start| (start, BOTH[1]));
        let other_way = || self.description.strip_suffix(BOTH[1]).map(|start| (start, BOTH[0]));
        let description = match one_way.or_else(other_way) {
            Some((start, both)) => format!("{start}{both}"),
            None => {
                let parts = self.description.split(NEW).map(|part| part.replace(OLD, NEW));
                parts.collect::<Vec<_>>().join(OLD)
            }
        };
        Incompatibility { description, ..self.clone() }
    }

    /// A schema of another language than the one before it.
    pub(crate) fn other_language() -> Self {
        Self::plain("Incompatible because of different schema type".to_owned())
    }
}

impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.error_type.is_empty() {
            return f.write_str(&self.description);
        }
        let Incompatibility { error_type, description, additional_info } = self;
        match additional_info {
            None => write!(f, "{{errorType:\"{error_type}\", description:\"{description}\"}}"),
            Some(info) => write!(
                f,
                "{{errorType:'{error_type}', description:'{description}', additionalInfo:'{info}'}}"
            ),
        }
    }
}

/// How strictly content models of JSON Schema are compared (`compatibilityPolicy` of a subject's config).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// What a reader might refuse is incompatible.
    #[default]
    Strict,
    /// Properties may be added to and removed from open content models.
    Lenient,
    /// The rules that are Confluent's newest (8.x).
    Logical,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_print_as_confluents_registry_prints_them() {
        let reason = Incompatibility {
            error_type: "TYPE_MISMATCH",
            description: "a sentence".to_owned(),
            additional_info: Some("more".to_owned()),
        };
        let printed =
            "{errorType:'TYPE_MISMATCH', description:'a sentence', additionalInfo:'more'}";
        assert_eq!(reason.to_string(), printed);
        let printed = "Incompatible because of different schema type";
        assert_eq!(Incompatibility::other_language().to_string(), printed);
    }

    #[test]
    fn a_reversed_finding_calls_the_reader_old() {
        for (sentence, reversed) in [
            (
                "The new schema lacks what the old schema has",
                "The old schema lacks what the new schema has",
            ),
            (
                "It is different between the new and old schema",
                "It is different between the old and new schema",
            ),
            ("Neither is named", "Neither is named"),
        ] {
            let found = Incompatibility::plain(sentence.to_owned());
            assert_eq!(found.reversed().description, reversed);
            assert_eq!(found.reversed().reversed(), found);
        }
    }
}
