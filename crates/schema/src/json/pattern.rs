//! Regular expressions of schemas.
//!
//! Confluent's registry has them read by `java.util.regex`. What that takes and this engine does not
//! (some names of classes, a reference to a group that is not there) is refused; a brace that stands
//! for itself, which Java refuses and JavaScript takes, is taken.

use crate::{SchemaError, Work};
use fancy_regex::{Regex, RegexBuilder};
use std::collections::HashMap;

/// How often one match may step back before it counts as none. Only expressions that look around or
/// refer back step at all.
const BACKTRACKS_MAX: usize = 10_000;

/// How large an expression may become, in bytes. What is larger is refused.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// What compiling costs beside the length of the text, in steps.
const COMPILE_STEPS: usize = 100;

/// Expressions, each compiled once.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    compiled: HashMap<String, Result<Regex, String>>,
}

impl Patterns {
    /// Whether `pattern` is a regular expression: a sentence on what is wrong with it if not.
    pub(super) fn check(
        &mut self,
        pattern: &str,
        work: &mut Work,
    ) -> Result<Result<(), String>, SchemaError> {
        Ok(self.compiled(pattern, work)?.as_ref().map(|_| ()).map_err(Clone::clone))
    }

    /// Whether `pattern` is found somewhere in `text`.
    pub(super) fn is_found(
        &mut self,
        pattern: &str,
        text: &str,
        work: &mut Work,
    ) -> Result<bool, SchemaError> {
        work.steps(1 + text.len() / 64)?;
        let compiled = self.compiled(pattern, work)?;
        Ok(compiled.as_ref().is_ok_and(|pattern| pattern.is_match(text).unwrap_or(false)))
    }

    fn compiled(
        &mut self,
        pattern: &str,
        work: &mut Work,
    ) -> Result<&Result<Regex, String>, SchemaError> {
        if !self.compiled.contains_key(pattern) {
            work.steps(COMPILE_STEPS + pattern.len())?;
            self.compiled.insert(pattern.to_owned(), compile(pattern));
        }
        Ok(&self.compiled[pattern])
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&without_quotes(pattern))
        .backtrack_limit(BACKTRACKS_MAX)
        .delegate_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| format!("invalid regular expression [{pattern}]: {error}"))
}

/// `pattern` with what stands between `\Q` and `\E` escaped sign by sign.
fn without_quotes(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    let mut signs = pattern.chars().peekable();
    while let Some(sign) = signs.next() {
        if sign != '\\' {
            plain.push(sign);
        } else if signs.next_if_eq(&'Q').is_none() {
            plain.push('\\');
            plain.extend(signs.next());
        } else {
            while let Some(quoted) = signs.next() {
                if quoted == '\\' && signs.next_if_eq(&'E').is_some() {
                    break;
                }
                if quoted.is_ascii_punctuation() {
                    plain.push('\\');
                }
                plain.push(quoted);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn expressions_are_found_anywhere_in_a_text() {
        let (mut patterns, mut work) = (Patterns::default(), Work::new(&Limits::default()));
        for (pattern, text, found) in [
            ("b", "abc", true),
            ("^b", "abc", false),
            ("^I_", "I_123", true),
            (r"^\Qa.(b\E$", "a.(b", true),
            (r"\Qa.b", "axb", false),
            (r"\\Q", r"\Q", true),
            ("(?=a)a+", "xaa", true),
            (r"\p{IsLatin}\d", "é1", true),
        ] {
            let is_found = patterns.is_found(pattern, text, &mut work).unwrap();
            assert_eq!(is_found, found, "{pattern} {text}");
        }
        for pattern in ["(", "[z-a]", "*a", "[[a]", r"\y"] {
            assert!(patterns.check(pattern, &mut work).unwrap().is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_search_that_would_take_for_ever_finds_nothing() {
        let (mut patterns, mut work) = (Patterns::default(), Work::new(&Limits::default()));
        let text = "a".repeat(200);
        assert!(!patterns.is_found(r"^(?=(a+)+$)(a+)+b\1$", &text, &mut work).unwrap());
    }
}
