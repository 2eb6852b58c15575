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

/// How large an expression may become, in bytes.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// What it costs to read an expression, in steps for each byte: a class of two signs is a thousand ranges.
const READ_STEPS: usize = 20;

/// What it costs to compile one, in steps.
const COMPILE_STEPS: usize = 1_000;

/// Expressions, each read and compiled once.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    checked: HashMap<String, Result<(), String>>,
    compiled: HashMap<String, Regex>,
}

impl Patterns {
    /// Whether `pattern` is a regular expression: a sentence on what is wrong with it if not.
    pub(super) fn check(
        &mut self,
        pattern: &str,
        work: &mut Work,
    ) -> Result<Result<(), String>, SchemaError> {
        if let Some(known) = self.checked.get(pattern) {
            return Ok(known.clone());
        }
        work.steps(1 + READ_STEPS * pattern.len())?;
        // What neither looks around nor refers back need not be compiled to know that it can be.
        let checked = if regex_syntax::parse(&without_quotes(pattern)).is_ok() {
            Ok(())
        } else {
            work.steps(COMPILE_STEPS)?;
            compile(pattern).map(|_| ())
        };
        self.checked.insert(pattern.to_owned(), checked.clone());
        Ok(checked)
    }

    /// Whether `pattern`, which has been checked, is found somewhere in `text`.
    ///
    /// # Errors
    /// [`SchemaError::TooExpensive`], also for an expression that is too large when compiled.
    pub(super) fn is_found(
        &mut self,
        pattern: &str,
        text: &str,
        work: &mut Work,
    ) -> Result<bool, SchemaError> {
        work.steps(1 + text.len() / 64)?;
        if !self.compiled.contains_key(pattern) {
            work.steps(COMPILE_STEPS + READ_STEPS * pattern.len())?;
            let compiled = compile(pattern).map_err(SchemaError::TooExpensive)?;
            self.compiled.insert(pattern.to_owned(), compiled);
        }
        Ok(self.compiled[pattern].is_match(text).unwrap_or(false))
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
