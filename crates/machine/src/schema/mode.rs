//! What may be done to a subject.

use serde::{Deserialize, Serialize};

/// The mode of a subject, a context, or everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// Everything is allowed.
    #[default]
    #[serde(rename = "READWRITE")]
    ReadWrite,
    /// Nothing can be registered or deleted.
    #[serde(rename = "READONLY")]
    ReadOnly,
    /// The same, and set globally it holds whatever subjects and contexts say.
    ReadonlyOverride,
    /// Schemas are registered with ids and versions of their own.
    Import,
    /// As import, and clients are sent elsewhere; kept because others may have written it.
    Forward,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 5] =
        [Mode::ReadWrite, Mode::ReadOnly, Mode::ReadonlyOverride, Mode::Import, Mode::Forward];

    /// Confluent's word.
    pub fn name(self) -> &'static str {
        match self {
            Mode::ReadWrite => "READWRITE",
            Mode::ReadOnly => "READONLY",
            Mode::ReadonlyOverride => "READONLY_OVERRIDE",
            Mode::Import => "IMPORT",
            Mode::Forward => "FORWARD",
        }
    }

    /// The mode of that name, whatever the case of its letters.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name().eq_ignore_ascii_case(name))
    }

    /// Whether nothing may be registered or deleted.
    pub fn is_read_only(self) -> bool {
        matches!(self, Mode::ReadOnly | Mode::ReadonlyOverride)
    }

    /// Whether schemas come with ids of their own, and are not checked.
    pub fn is_import(self) -> bool {
        matches!(self, Mode::Import | Mode::Forward)
    }
}
