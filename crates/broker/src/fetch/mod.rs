//! Fetch without versions: sessions (KIP-227) and the read over many partitions (KIP-74).

mod read;
mod session;

pub use read::{
    check_leader_epoch,
    EpochEnd, FetchLimits, FetchTarget, FetchedPartition, fetch_once, fetch_until, resolve,
};
pub use session::{
    FetchSession, FetchSessions, SessionPartition, SessionRequest, TopicRef, is_unchanged,
};
