//! Shards over logs that others write to as well.
//!
//! A step decides on everything that lies before its own records: what others have appended is replayed
//! first, once it is durable, and an append goes through only where the machine stands. A read has
//! replayed everything that anybody was told is written.

use super::fold::{Damage, fold};
use super::{Answer, Inner, LogRecord, Pending, PendingState, Shard, batch_of, poll_once, replay};
use crate::clock::Clock;
use crate::partition::Partition;
use crate::timers::Timers;
use std::sync::Arc;
use tidegate_log::{Commit, LogError};
use tidegate_machine::{Machine, Now, Outcome, ReplyTo};
use tidegate_model::ErrorCode;
use tracing::error;

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
        Self::load_with(partition, clock, timers, fresh, Damage::IsSkipped).await
    }

    /// Takes one command, after everything that lies in the log. For machines whose steps leave no
    /// trace and answer at once, for a step may be taken again.
    ///
    /// Errors as [`Shard::submit`], and MESSAGE_TOO_LARGE for records that the store can never take.
    pub async fn submit_shared(&self, command: M::Command) -> Result<Pending<M::Reply>, ErrorCode> {
        loop {
            let Behind(commit) = match self.try_submit(&command)? {
                Ok(pending) => return Ok(pending),
                Err(behind) => behind,
            };
            commit.await.map_err(|_| ErrorCode::CoordinatorNotAvailable)?;
        }
    }

    fn try_submit(
        &self,
        command: &M::Command,
    ) -> Result<Result<Pending<M::Reply>, Behind>, ErrorCode> {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        self.refresh(inner)?;
        self.catch_up(inner)?;
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

    /// Looks at the machine as [`Shard::read`] does, with all that is durable in it.
    pub fn read_shared<T>(&self, look: impl FnOnce(&M) -> T) -> Result<(T, Commit), ErrorCode> {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        self.refresh(inner)?;
        self.catch_up(inner)?;
        let seen = look(&inner.machine);
        // Only what the shard itself has appended is replayed before it is durable.
        let is_durable = inner.position <= self.partition.high_watermark();
        let commit = if is_durable { Commit::done() } else { self.partition.last_commit() };
        Ok((seen, commit))
    }

    /// Appends what a step decided if nothing lies between that and what the machine has replayed.
    fn append_shared(
        &self,
        inner: &mut Inner<M>,
        now: Now,
        outcome: &Outcome<M::Record, M::Reply>,
    ) -> Result<Result<Commit, Behind>, ErrorCode> {
        let Some((header, mut batch)) = batch_of(&outcome.records, now) else {
            // An answer is about the log as it is now, too.
            let (end, commit) = self.partition.end();
            return Ok(if end == inner.position { Ok(commit) } else { Err(Behind(commit)) });
        };
        match self.partition.append_at(inner.position, header, &mut batch, now.wall_ms)? {
            Ok(appended) => {
                replay(inner, now, appended.base_offset, &outcome.records);
                Ok(Ok(appended.commit))
            }
            Err(commit) => Ok(Err(Behind(commit))),
        }
    }

    /// Replays what others have appended and is durable.
    fn catch_up(&self, inner: &mut Inner<M>) -> Result<(), ErrorCode> {
        if inner.position >= self.partition.high_watermark() {
            return Ok(());
        }
        let now = self.clock.now();
        let from = inner.position;
        let future = fold(&self.partition, now, &mut inner.machine, from, self.damage);
        match poll_once(future) {
            Some(Ok(position)) => {
                inner.position = position;
                Ok(())
            }
            Some(Err(error)) => {
                // Some of it may be replayed.
                inner.stale = true;
                error!(partition = %self.partition.id(), %error, "shared log cannot be read");
                Err(ErrorCode::CoordinatorNotAvailable)
            }
            None => {
                inner.stale = true;
                Err(ErrorCode::CoordinatorLoadInProgress)
            }
        }
    }
}
