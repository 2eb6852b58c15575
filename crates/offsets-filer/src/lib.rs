//! Committed offsets and the state of groups in a SeaweedFS filer, over its HTTP interface.
//!
//! ```text
//! store        what is asked of a partition happens in order, one write at a time
//!   partition  two files that never mix: in which order they are written, how they are read
//!   client     requests to several filers; what becomes of a write that nobody answered
//! groups       a group's state as a file for people
//! ```
//!
//! `docs/formats/filer.md` has the files and what each crash leaves.

mod client;
mod format;
mod groups;
mod names;
mod partition;
mod settings;
mod slot;
mod store;
mod tls;

pub use settings::{Settings, SettingsError};
pub use store::FilerOffsets;
