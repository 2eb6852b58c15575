//! Why bytes are not what they claim to be.

use thiserror::Error;

/// A frame that cannot be understood; its connection is closed.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum WireError {
    /// A field ends after the bytes do.
    #[error("cut off: {0}")]
    Truncated(&'static str),
    /// A length or count that cannot be true of the bytes present.
    #[error("impossible length: {0}")]
    Length(&'static str),
    /// Null where the version does not allow it.
    #[error("null: {0}")]
    Null(&'static str),
    /// A string that is not UTF-8.
    #[error("not UTF-8: {0}")]
    Utf8(&'static str),
    /// A frame larger than the limit.
    #[error("frame of {announced} bytes, the limit is {max}")]
    FrameTooLarge {
        /// Bytes announced.
        announced: i64,
        /// The limit.
        max: usize,
    },
    /// The beginning of another protocol, whose bytes make no length.
    #[error("the client speaks {0}, and this port does not")]
    OtherProtocol(&'static str),
    /// A request type or version that is not known here.
    #[error("request type {api_key} version {version} is not known")]
    Unknown {
        /// The key.
        api_key: i16,
        /// The version.
        version: i16,
    },
    /// The library's codec refused.
    #[error("{0}")]
    Codec(String),
}
