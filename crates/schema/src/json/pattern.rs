//! Regular expressions of schemas.
//!
//! Those that Java's engine takes and this one does not (`\Q..\E`, some names of classes) are refused.

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
    RegexBuilder::new(pattern)
        .backtrack_limit(BACKTRACKS_MAX)
        .delegate_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| format!("invalid regular expression [{pattern}]: {error}"))
}
