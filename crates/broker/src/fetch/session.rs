//! Fetch sessions (KIP-227): what a client fetches, remembered so that it need not be repeated.
//!
//! ```text
//! session id   epoch   meaning
//! 0            0       full fetch, and make a session if there is room
//! 0            -1      full fetch, no session
//! n            0       forget session n, then as 0/0
//! n            -1      forget session n, full fetch
//! n            e > 0   the changes against session n, whose next epoch must be e
//! ```

use indexmap::IndexMap;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tidegate_model::{ErrorCode, LeaderEpoch, Offset, TimestampMs, TopicId};

/// Epoch of a fetch that makes or replaces a session.
pub const INITIAL_EPOCH: i32 = 0;

/// Epoch of a fetch outside any session.
pub const FINAL_EPOCH: i32 = -1;

/// A session idle for this long may make room for another (Kafka's `minEvictionMs`).
const EVICTABLE_AFTER_MS: i64 = 120_000;

/// How a request names a topic: by name before version 13, by id since (KIP-516).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TopicRef {
    /// A name.
    Name(Arc<str>),
    /// An id.
    Id(TopicId),
}

/// One partition as a client fetches it, with what it was last told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPartition {
    /// Offset wanted next.
    pub fetch_offset: Offset,
    /// The leader epoch the client believes in, -1 for none.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch of the last record fetched, -1 for none (KIP-595).
    pub last_fetched_epoch: LeaderEpoch,
    /// Most bytes wanted of it.
    pub max_bytes: i32,
    /// The high watermark last told to the client.
    pub told_high_watermark: Offset,
    /// The log start last told to the client.
    pub told_log_start_offset: Offset,
}

/// True if an answer for `partition` would tell an incremental client nothing.
///
/// An error is always told, and so is any change of high watermark or log start.
pub fn is_unchanged(
    partition: &SessionPartition,
    has_records: bool,
    error: ErrorCode,
    high_watermark: Offset,
    log_start_offset: Offset,
) -> bool {
    !has_records
        && !error.is_error()
        && partition.told_high_watermark == high_watermark
        && partition.told_log_start_offset == log_start_offset
}

/// The partitions of one session in the order of their next turn.
///
/// A partition that returned records moves behind the others, so that a small response cannot
/// starve those at the end (KIP-74).
#[derive(Debug, Default)]
pub struct FetchSession {
    /// 0 outside any session.
    pub id: i32,
    /// The epoch that the next incremental fetch must bring.
    pub next_epoch: i32,
    /// What is fetched.
    pub partitions: IndexMap<(TopicRef, i32), SessionPartition>,
    /// True if topics are named by id.
    uses_topic_ids: bool,
}

/// The session part of a Fetch request.
#[derive(Debug)]
pub struct SessionRequest {
    /// As on the wire.
    pub session_id: i32,
    /// As on the wire.
    pub session_epoch: i32,
    /// New and changed partitions.
    pub partitions: Vec<((TopicRef, i32), SessionPartition)>,
    /// Partitions to remove from the session.
    pub forgotten: Vec<(TopicRef, i32)>,
    /// True from version 13 on.
    pub uses_topic_ids: bool,
}

/// The sessions of all clients.
#[derive(Debug)]
pub struct FetchSessions {
    slots_max: usize,
    state: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    sessions: HashMap<i32, Entry>,
    last_id: i32,
}

#[derive(Debug)]
struct Entry {
    session: Arc<Mutex<FetchSession>>,
    last_used: TimestampMs,
}

impl FetchSessions {
    /// No sessions yet; at most `slots_max` later (`max.incremental.fetch.session.cache.slots`).
    /// Ids count on from `seed`, so that those given before a restart are not met again by chance.
    pub fn new(slots_max: usize, seed: i32) -> Self {
        let state = Mutex::new(Cache { sessions: HashMap::new(), last_id: seed & i32::MAX });
        FetchSessions { slots_max, state }
    }

    /// Number of sessions.
    pub fn len(&self) -> usize {
        self.state.lock().sessions.len()
    }

    /// True without sessions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The session that `request` belongs to, its changes applied, and whether the answer may
    /// leave out what has not changed.
    ///
    /// FETCH_SESSION_ID_NOT_FOUND for a session that is not (or no longer) there,
    /// INVALID_FETCH_SESSION_EPOCH for one whose answer or request was lost,
    /// FETCH_SESSION_TOPIC_ID_ERROR for a change between names and ids.
    pub fn begin(
        &self,
        request: SessionRequest,
        now: TimestampMs,
    ) -> Result<(Arc<Mutex<FetchSession>>, bool), ErrorCode> {
        let SessionRequest { session_id, session_epoch, .. } = request;
        if session_epoch == INITIAL_EPOCH || session_epoch == FINAL_EPOCH {
            let mut cache = self.state.lock();
            if session_id != 0 {
                cache.sessions.remove(&session_id);
            }
            let mut session = FetchSession::of(request);
            if session_epoch == INITIAL_EPOCH {
                return Ok((cache.insert(session, self.slots_max, now), false));
            }
            session.next_epoch = FINAL_EPOCH;
            return Ok((Arc::new(Mutex::new(session)), false));
        }
        let session = {
            let mut cache = self.state.lock();
            let entry =
                cache.sessions.get_mut(&session_id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
            entry.last_used = now;
            entry.session.clone()
        };
        if session.lock().apply(request)? {
            return Ok((session, true));
        }
        // As in Kafka, a session that has lost its last partition is at an end.
        self.state.lock().sessions.remove(&session_id);
        let ended = FetchSession { next_epoch: FINAL_EPOCH, ..FetchSession::default() };
        Ok((Arc::new(Mutex::new(ended)), false))
    }

    /// Drops the session of that id, of which its client has not been told.
    pub fn forget(&self, session_id: i32) {
        self.state.lock().sessions.remove(&session_id);
    }
}

impl Cache {
    /// Keeps `session` under a fresh id if there is room, or as id 0 if there is none.
    fn insert(
        &mut self,
        mut session: FetchSession,
        slots_max: usize,
        now: TimestampMs,
    ) -> Arc<Mutex<FetchSession>> {
        if self.sessions.len() >= slots_max && !self.evict(now) {
            session.next_epoch = FINAL_EPOCH;
            return Arc::new(Mutex::new(session));
        }
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1).max(1);
            if !self.sessions.contains_key(&self.last_id) {
                break;
            }
        }
        session.id = self.last_id;
        session.next_epoch = 1;
        let session = Arc::new(Mutex::new(session));
        let entry = Entry { session: session.clone(), last_used: now };
        self.sessions.insert(self.last_id, entry);
        session
    }

    fn evict(&mut self, now: TimestampMs) -> bool {
        let oldest = self.sessions.iter().min_by_key(|(id, entry)| (entry.last_used, **id));
        match oldest.map(|(id, entry)| (*id, entry.last_used)) {
            Some((id, last_used)) if now - last_used >= EVICTABLE_AFTER_MS => {
                self.sessions.remove(&id).is_some()
            }
            _ => false,
        }
    }
}

impl FetchSession {
    fn of(request: SessionRequest) -> Self {
        FetchSession {
            id: 0,
            next_epoch: INITIAL_EPOCH,
            partitions: request.partitions.into_iter().collect(),
            uses_topic_ids: request.uses_topic_ids,
        }
    }

    /// Takes in what has changed; false if nothing is fetched any more.
    fn apply(&mut self, request: SessionRequest) -> Result<bool, ErrorCode> {
        if request.session_epoch != self.next_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if request.uses_topic_ids != self.uses_topic_ids {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        self.next_epoch = self.next_epoch.checked_add(1).unwrap_or(1);
        for (key, wanted) in request.partitions {
            match self.partitions.get_mut(&key) {
                Some(known) => {
                    *known = SessionPartition {
                        told_high_watermark: known.told_high_watermark,
                        told_log_start_offset: known.told_log_start_offset,
                        ..wanted
                    };
                }
                None => {
                    self.partitions.insert(key, wanted);
                }
            }
        }
        for key in request.forgotten {
            self.partitions.shift_remove(&key);
        }
        Ok(!self.partitions.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(fetch_offset: Offset) -> SessionPartition {
        SessionPartition {
            fetch_offset,
            current_leader_epoch: -1,
            last_fetched_epoch: -1,
            max_bytes: 1,
            told_high_watermark: -1,
            told_log_start_offset: -1,
        }
    }

    fn request(
        session_id: i32,
        session_epoch: i32,
        partitions: &[(i32, Offset)],
    ) -> SessionRequest {
        let topic = TopicRef::Name("t".into());
        SessionRequest {
            session_id,
            session_epoch,
            partitions: partitions
                .iter()
                .map(|(index, offset)| ((topic.clone(), *index), partition(*offset)))
                .collect(),
            forgotten: Vec::new(),
            uses_topic_ids: false,
        }
    }

    #[test]
    fn epoch_zero_makes_a_session_and_minus_one_does_not() {
        let sessions = FetchSessions::new(10, 0);
        let (full, incremental) = sessions.begin(request(0, 0, &[(0, 5)]), 0).unwrap();
        assert!(!incremental);
        assert_ne!(full.lock().id, 0);
        let (bare, _) = sessions.begin(request(0, -1, &[(0, 5)]), 0).unwrap();
        assert_eq!((bare.lock().id, sessions.len()), (0, 1));
    }

    #[test]
    fn incremental_requests_must_come_with_the_next_epoch() {
        let sessions = FetchSessions::new(10, 0);
        let id = sessions.begin(request(0, 0, &[(0, 5)]), 0).unwrap().0.lock().id;
        let skipped = sessions.begin(request(id, 2, &[]), 0);
        assert_eq!(skipped.unwrap_err(), ErrorCode::InvalidFetchSessionEpoch);
        let (session, incremental) = sessions.begin(request(id, 1, &[(1, 7)]), 0).unwrap();
        assert!(incremental);
        assert_eq!(session.lock().partitions.len(), 2);
        let unknown = sessions.begin(request(id + 1, 1, &[]), 0);
        assert_eq!(unknown.unwrap_err(), ErrorCode::FetchSessionIdNotFound);
    }

    #[test]
    fn forgotten_partitions_leave_the_session() {
        let sessions = FetchSessions::new(10, 0);
        let id = sessions.begin(request(0, 0, &[(0, 5), (1, 6)]), 0).unwrap().0.lock().id;
        let mut next = request(id, 1, &[]);
        next.forgotten = vec![(TopicRef::Name("t".into()), 0)];
        let (session, _) = sessions.begin(next, 0).unwrap();
        let keys: Vec<i32> = session.lock().partitions.keys().map(|key| key.1).collect();
        assert_eq!(keys, vec![1]);
    }

    #[test]
    fn changing_between_names_and_ids_is_refused() {
        let sessions = FetchSessions::new(10, 0);
        let id = sessions.begin(request(0, 0, &[(0, 5)]), 0).unwrap().0.lock().id;
        let mut next = request(id, 1, &[]);
        next.uses_topic_ids = true;
        let refused = sessions.begin(next, 0).unwrap_err();
        assert_eq!(refused, ErrorCode::FetchSessionTopicIdError);
    }

    #[test]
    fn a_full_cache_gives_id_zero_until_a_session_is_old_enough() {
        let sessions = FetchSessions::new(1, 0);
        let first = sessions.begin(request(0, 0, &[(0, 5)]), 0).unwrap().0.lock().id;
        let second = sessions.begin(request(0, 0, &[(0, 5)]), 1).unwrap().0;
        assert_eq!(second.lock().id, 0);
        let third = sessions.begin(request(0, 0, &[(0, 5)]), EVICTABLE_AFTER_MS).unwrap().0;
        assert_ne!(third.lock().id, first);
        assert_eq!(sessions.len(), 1);
    }
}
