//! Fetch without versions: sessions (KIP-227) and the read over many partitions (KIP-74).

mod read;
mod session;

pub use read::{
    EpochEnd, FetchLimits, FetchTarget, FetchedPartition, check_leader_epoch, fetch_once,
    fetch_until, resolve,
};
pub use session::{
    FetchSession, FetchSessions, SessionPartition, SessionRequest, TopicRef, is_unchanged,
};
