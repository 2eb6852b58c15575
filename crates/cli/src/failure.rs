//! How a command fails: what it says and the exit code it leaves.

use std::fmt;
use std::process::ExitCode;

/// Why a command did not do what it was asked to. Exit codes are part of the interface.
#[derive(Debug)]
pub enum Failure {
    /// Exit code 2: the arguments or settings are wrong, nothing was attempted.
    Usage(String),
    /// Exit code 1: it was attempted and did not succeed.
    Failed(String),
    /// Exit code 3: the gateway could not be reached, or stopped answering.
    Unreachable(String),
    /// Exit code 4: stored data is damaged.
    Damaged(String),
}

impl Failure {
    /// Exit code 1 for several things that did not succeed, one a line.
    pub fn several(problems: Vec<String>) -> Failure {
        Failure::Failed(problems.join("\n          "))
    }

    /// The code the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Unreachable(_) => 3,
            Failure::Damaged(_) => 4,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(text)
            | Failure::Failed(text)
            | Failure::Unreachable(text)
            | Failure::Damaged(text) => f.write_str(text),
        }
    }
}
