//! Shards over logs that others write to as well.
//!
//! A step decides on everything that lies before its own records: what others have appended is replayed
//! first, once it is durable, and an append goes through only where the machine stands. A read has
//! replayed everything that anybody was told is written.

use super::fold::{Chunk, Damage, read_chunk, replay_chunk};
use super::{Answer, Inner, LogRecord, Pending, PendingState, Shard, batch_of, replay};
use crate::clock::Clock;
use crate::partition::Partition;
use crate::timers::Timers;
use std::sync::Arc;
use tidegate_log::{Commit, LogError};
use tidegate_machine::{Machine, Now, Outcome, ReplyTo};
use tidegate_model::{ErrorCode, Offset};
use tracing::error;

/// How often a step is taken again because somebody else was faster, each time after a sync.
const MISSES_MAX: usize = 1_000;

/// The log has gone on: what lies between is durable after this commit.
struct Behind(Commit);

impl<M> Shard<M>
where
    M: Machine + Send + 'static,
    M::Record: LogRecord + Send,
    M::Reply: Send,
    M::Command: Clone,
{
    /// Folds a log that others write to: records that cannot be read are skipped.
    pub async fn load_shared(
        partition: Arc<Partition>,
        clock: Clock,
        timers: Arc<Timers>,
        fresh: impl Fn() -> M + Send + Sync + 'static,
    ) -> Result<Arc<Self>, LogError> {
        Self::load_with(partition, clock, timers, fresh, Box::new(|_| {}), Damage::IsSkipped, None)
            .await
    }

    /// Takes one command, after everything that lies in the log. For machines whose steps leave no
    /// trace and answer at once, for a step may be taken again.
    ///
    /// Errors as [`Shard::submit`], MESSAGE_TOO_LARGE for records that the store can never take, and
    /// REQUEST_TIMED_OUT if others append without a pause.
    pub async fn submit_shared(&self, command: M::Command) -> Result<Pending<M::Reply>, ErrorCode> {
        for _ in 0..MISSES_MAX {
            self.catch_up().await?;
            let Behind(commit) = match self.try_submit(&command)? {
                Ok(pending) => return Ok(pending),
                Err(behind) => behind,
            };
            commit.await.map_err(|_| ErrorCode::CoordinatorNotAvailable)?;
        }
        Err(ErrorCode::RequestTimedOut)
    }

    fn try_submit(
        &self,
        command: &M::Command,
    ) -> Result<Result<Pending<M::Reply>, Behind>, ErrorCode> {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        let reply_to = ReplyTo(inner.next_reply_to);
        inner.next_reply_to += 1;
        let now = self.clock.now();
        let outcome = inner.machine.step(now, reply_to, command.clone());
        let commit = match self.append_shared(inner, now, &outcome)? {
            Ok(commit) => commit,
            Err(behind) => return Ok(Err(behind)),
        };
        let answer = self.answer(inner, outcome, commit, Some(reply_to));
        let answer = answer.unwrap_or(Answer {
            reply: Err(ErrorCode::UnknownServerError),
            commit: Commit::done(),
        });
        Ok(Ok(Pending(PendingState::Decided(answer))))
    }

    /// Looks at the machine with everything in it that was durable before the call, and the commit
    /// after which what was seen is durable.
    pub async fn read_shared<T>(
        &self,
        look: impl FnOnce(&M) -> T,
    ) -> Result<(T, Commit), ErrorCode> {
        self.catch_up().await?;
        let inner = self.inner.lock();
        Ok((look(&inner.machine), self.durable(&inner)))
    }

    /// Looks at the machine as it stands, whatever others have appended.
    pub fn glance<T>(&self, look: impl FnOnce(&M) -> T) -> T {
        look(&self.inner.lock().machine)
    }

    /// When all that is replayed is durable.
    fn durable(&self, inner: &Inner<M>) -> Commit {
        // Only what the shard itself has appended is replayed before it is durable.
        let is_durable = inner.position <= self.partition.high_watermark();
        if is_durable { Commit::done() } else { self.partition.last_commit() }
    }

    /// Appends what a step decided if nothing lies between that and what the machine has replayed.
    fn append_shared(
        &self,
        inner: &mut Inner<M>,
        now: Now,
        outcome: &Outcome<M::Record, M::Reply, M::Event>,
    ) -> Result<Result<Commit, Behind>, ErrorCode> {
        let Some((header, mut batch)) = batch_of(&outcome.records, now) else {
            return Ok(Ok(self.durable(inner)));
        };
        match self.partition.append_at(inner.position, header, &mut batch, now.wall_ms)? {
            Ok(appended) => {
                replay(inner, now, appended.base_offset, &outcome.records);
                Ok(Ok(appended.commit))
            }
            Err(commit) => Ok(Err(Behind(commit))),
        }
    }

    /// Replays what others have appended and was durable before the call, a part at a time: the lock
    /// is not held while it is read, and others have their turn in between.
    async fn catch_up(&self) -> Result<(), ErrorCode> {
        let target = self.partition.high_watermark();
        loop {
            let position = {
                let mut inner = self.inner.lock();
                // Records that were deleted unread are missed by nobody.
                inner.position = inner.position.max(self.partition.log().log_start_offset());
                inner.position
            };
            if position >= target {
                return Ok(());
            }
            let unreadable = |error: LogError| {
                error!(target: "tidegate::log", partition = %self.partition.id(), %error, "shared log cannot be read");
                ErrorCode::CoordinatorNotAvailable
            };
            let chunk = read_chunk(&self.partition, position).await.map_err(unreadable)?;
            // The log's end was seen a moment ago: it may have been deleted meanwhile.
            let Some(chunk) = chunk else { return Err(ErrorCode::CoordinatorNotAvailable) };
            self.replay_read(position, &chunk).map_err(unreadable)?;
            tokio::task::yield_now().await;
        }
    }

    /// Replays what was read at `position`, unless somebody else has done so.
    fn replay_read(&self, position: Offset, chunk: &Chunk) -> Result<(), LogError> {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        if inner.position != position {
            return Ok(());
        }
        let now = self.clock.now();
        let (machine, position) = (&mut inner.machine, &mut inner.position);
        replay_chunk(&self.partition, now, machine, position, chunk, self.damage)
    }
}
