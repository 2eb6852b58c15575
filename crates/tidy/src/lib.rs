//! What the compiler does not check: who imports whom, the limits of style, and what must not be
//! in the tree. The checks are pure; `tests/tidy.rs` runs them on the repository.

mod imports;
mod links;
mod logs;
mod source;
mod text;
mod tree;

pub use imports::check_imports;
pub use links::check_links;
pub use logs::check_logs;
pub use source::check_source;
pub use text::check_text;
pub use tree::{File, read_tree};

use std::fmt;

/// One thing that is not as it should be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// The file, from the repository's root.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, problem: impl Into<String>) -> Self {
        Finding { path: path.to_owned(), line, problem: problem.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.problem)
    }
}
