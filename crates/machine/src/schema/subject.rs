//! Subjects with their contexts, printed as `:.context:subject`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The context of subjects that name none.
pub const DEFAULT_CONTEXT: &str = ".";

/// The context whose config and mode hold for all contexts.
pub const GLOBAL_CONTEXT: &str = ".__GLOBAL";

/// A context's name with a colon in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Context name cannot contain a colon")]
pub struct InvalidContext;

/// A subject in its context (Confluent's `QualifiedSubject`, of the default tenant).
///
/// Cheap to clone. Ordered by context, then by subject. An empty subject stands for the context as a
/// whole, and the empty subject of the default context for everything.
#[derive(Clone)]
pub struct QualifiedSubject {
    /// As it is printed: without a context if that is the default one.
    text: Arc<str>,
    /// Where the subject's own name begins in it.
    name_at: usize,
}

impl QualifiedSubject {
    /// Reads `:.context:subject`, `:*:subject`, or a subject of the default context. Every text is one.
    pub fn parse(text: &str) -> Self {
        let mut text = text;
        // `:.:subject` is in the default context; what is left is read as it will be read in a record.
        while let Some(rest) = text.strip_prefix(":.:") {
            text = rest;
        }
        if text == ":." {
            return QualifiedSubject::everything();
        }
        if text.starts_with(":*:") {
            return QualifiedSubject { text: text.into(), name_at: 3 };
        }
        let Some(rest) = text.strip_prefix(":.") else {
            return QualifiedSubject { text: text.into(), name_at: 0 };
        };
        match rest.find(':') {
            Some(colon) => QualifiedSubject { text: text.into(), name_at: 2 + colon + 1 },
            None => QualifiedSubject { text: format!("{text}:").into(), name_at: text.len() + 1 },
        }
    }

    /// The subject of that name in a context (`.name`, or `.` for the default one).
    pub fn new(context: &str, name: &str) -> Self {
        if context == DEFAULT_CONTEXT {
            return QualifiedSubject::parse(name);
        }
        QualifiedSubject { text: format!(":{context}:{name}").into(), name_at: context.len() + 2 }
    }

    /// The context of that name as a whole, however it is written: `c`, `.c` or `:.c:`.
    ///
    /// # Errors
    /// [`InvalidContext`] for a colon within the name.
    pub fn context_named(name: &str) -> Result<Self, InvalidContext> {
        let name = name.strip_prefix(':').unwrap_or(name);
        let name = name.strip_suffix(':').unwrap_or(name);
        if name.contains(':') {
            return Err(InvalidContext);
        }
        Ok(match name.strip_prefix('.') {
            Some("") => QualifiedSubject::everything(),
            Some(_) => QualifiedSubject::new(name, ""),
            None if name.is_empty() => QualifiedSubject::everything(),
            None => QualifiedSubject::new(&format!(".{name}"), ""),
        })
    }

    /// The empty subject of the default context: the scope of the global config and mode.
    pub fn everything() -> Self {
        QualifiedSubject { text: "".into(), name_at: 0 }
    }

    /// The first of all in order.
    pub(super) fn lowest() -> Self {
        QualifiedSubject::new("*", "")
    }

    /// `reference` as a schema under `self` means it: in `self`'s context unless it names its own
    /// (Confluent's `qualifySubjectWithParent`).
    pub fn reference(&self, reference: &str) -> Self {
        let subject = QualifiedSubject::parse(reference);
        if subject.is_in_default_context() && !self.is_in_default_context() {
            return QualifiedSubject::new(self.context(), reference);
        }
        subject
    }

    /// As it is printed, `:.context:subject` or `subject`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `.`, `.name`, or `*`.
    pub fn context(&self) -> &str {
        if self.name_at == 0 { DEFAULT_CONTEXT } else { &self.text[1..self.name_at - 1] }
    }

    /// `:.context:`, or nothing for the default context: as Confluent's messages name it.
    pub fn context_prefix(&self) -> &str {
        &self.text[..self.name_at]
    }

    /// The name without the context.
    pub fn name(&self) -> &str {
        &self.text[self.name_at..]
    }

    /// Whether the context is the default one.
    pub fn is_in_default_context(&self) -> bool {
        self.name_at == 0
    }

    /// Whether it stands for a context as a whole.
    pub fn is_context(&self) -> bool {
        self.name_at == self.text.len()
    }

    /// Whether it stands for everything.
    pub fn is_everything(&self) -> bool {
        self.text.is_empty()
    }

    /// The context as a whole that it lies in.
    pub fn whole_context(&self) -> Self {
        QualifiedSubject { text: self.context_prefix().into(), name_at: self.name_at }
    }

    /// Whether a schema may be registered under it: no control characters, not one of Confluent's
    /// reserved names. With `for_config` the global context may be named.
    pub fn is_valid(&self, for_config: bool) -> bool {
        !self.text.chars().any(|c| c.is_control())
            && !matches!(self.name(), "__GLOBAL" | "__EMPTY")
            && (for_config || self.context() != GLOBAL_CONTEXT)
    }
}

impl PartialEq for QualifiedSubject {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for QualifiedSubject {}

impl Hash for QualifiedSubject {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for QualifiedSubject {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for QualifiedSubject {
    fn cmp(&self, other: &Self) -> Ordering {
        self.context().cmp(other.context()).then_with(|| self.name().cmp(other.name()))
    }
}

impl fmt::Debug for QualifiedSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for QualifiedSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_read_and_printed_as_confluent_does() {
        for (text, context, name, printed) in [
            ("s", ".", "s", "s"),
            ("", ".", "", ""),
            (":.:s", ".", "s", "s"),
            (":.::.c:s", ".c", "s", ":.c:s"),
            (":.c:s", ".c", "s", ":.c:s"),
            (":.c:s:t", ".c", "s:t", ":.c:s:t"),
            (":.c:", ".c", "", ":.c:"),
            (":.c", ".c", "", ":.c:"),
            (":.", ".", "", ""),
            (":*:s", "*", "s", ":*:s"),
            (":c:s", ".", ":c:s", ":c:s"),
            (":*s", ".", ":*s", ":*s"),
            ("ä:.c:", ".", "ä:.c:", "ä:.c:"),
        ] {
            let parsed = QualifiedSubject::parse(text);
            assert_eq!(
                (parsed.context(), parsed.name(), parsed.as_str()),
                (context, name, printed)
            );
            assert_eq!(QualifiedSubject::new(context, name), parsed);
        }
        let context =
            |name: &str| QualifiedSubject::context_named(name).map(|context| context.to_string());
        for name in ["c", ".c", ":.c:", ":c"] {
            assert_eq!(context(name).as_deref(), Ok(":.c:"), "{name}");
        }
        assert_eq!(context(".").as_deref(), Ok(""));
        assert_eq!(context("a:b"), Err(InvalidContext));
        assert!(
            !QualifiedSubject::parse("a\nb").is_valid(false)
                && !QualifiedSubject::parse("__EMPTY").is_valid(true)
        );
        assert!(
            !QualifiedSubject::parse(":.__GLOBAL:").is_valid(false)
                && QualifiedSubject::parse(":.__GLOBAL:").is_valid(true)
        );
    }
}
