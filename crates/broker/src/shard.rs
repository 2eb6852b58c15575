//! Runs one machine over one partition's log.
//!
//! A step's records are appended and replayed at once, and its replies leave when the append is
//! durable: later steps may build on state that is not durable yet, because their own replies
//! become durable after it. When an append is refused, soft state that the step touched can no
//! longer be trusted, so the machine is dropped and folded from the log again: recovery has one
//! path, used every day.
//!
//! A log that others write to as well, such as `_schemas`, is followed: see [`shared`].

mod fold;
mod shared;

use crate::clock::Clock;
use crate::partition::Partition;
use crate::timers::{Timed, TimerId, Timers};
use bytes::{Bytes, BytesMut};
use fold::{Damage, fold};
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};
use tidegate_log::{Commit, LogError};
use tidegate_machine::{Machine, Now, Outcome, ReplyTo};
use tidegate_model::{BatchBuilder, BatchHeader, ErrorCode, Offset, Record};
use tokio::sync::oneshot;
use tracing::{error, warn};

/// How a machine's records lie in its partition's log.
pub trait LogRecord: Sized {
    /// The record's key and value.
    fn encode(&self) -> (Option<Bytes>, Option<Bytes>);

    /// Shows the record's key and value to `take`. Records that are written by the hundred make
    /// them in `scratch`, which is lent to one after the other.
    fn encode_with(&self, scratch: &mut BytesMut, take: impl FnOnce(Option<&[u8]>, Option<&[u8]>)) {
        let _ = scratch;
        let (key, value) = self.encode();
        take(key.as_deref(), value.as_deref());
    }

    /// Reads a record back. Unknown ones come back as such or as an error, which says why; both are
    /// skipped.
    fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, String>;
}

/// Sees what was appended and replayed, with the commit after which it is durable.
pub type Observer<Record> = Arc<dyn Fn(&[Record], &Commit) + Send + Sync>;

/// A reply with the commit that it must not overtake.
struct Answer<Reply> {
    reply: Result<Reply, ErrorCode>,
    commit: Commit,
}

/// Hears what happened in a step, once its records are in the log.
pub type Tell<Event> = Box<dyn Fn(&Event) + Send + Sync>;

/// A machine with its log.
pub struct Shard<M: Machine> {
    partition: Arc<Partition>,
    clock: Clock,
    timers: Arc<Timers>,
    timer: OnceLock<TimerId>,
    fresh: Box<dyn Fn() -> M + Send + Sync>,
    tell: Tell<M::Event>,
    damage: Damage,
    observer: Option<Observer<M::Record>>,
    inner: Mutex<Inner<M>>,
}

struct Inner<M: Machine> {
    machine: M,
    /// Offset of the first record that the machine has not replayed.
    position: Offset,
    waiting: HashMap<ReplyTo, oneshot::Sender<Answer<M::Reply>>>,
    next_reply_to: u64,
    /// The machine does not stand for the log any more; fold it again before the next step.
    stale: bool,
    /// Nothing waits any more for what others may do: the gateway is stopping.
    released: bool,
}

/// A reply on its way; resolves when what it stands on is durable.
pub struct Pending<Reply>(PendingState<Reply>);

enum PendingState<Reply> {
    Decided(Answer<Reply>),
    Undecided(oneshot::Receiver<Answer<Reply>>),
}

impl<Reply> Pending<Reply> {
    /// A reply that needs no log.
    pub fn ready(reply: Result<Reply, ErrorCode>) -> Self {
        Pending(PendingState::Decided(Answer { reply, commit: Commit::done() }))
    }

    /// Waits for the decision and its durability.
    ///
    /// Fails with COORDINATOR_NOT_AVAILABLE if the log takes nothing, and NOT_COORDINATOR if this
    /// gateway stopped being the coordinator before it was durable.
    pub async fn wait(self) -> Result<Reply, ErrorCode> {
        let answer = match self.0 {
            PendingState::Decided(answer) => answer,
            PendingState::Undecided(receiver) => {
                receiver.await.map_err(|_| ErrorCode::NotCoordinator)?
            }
        };
        answer.commit.await.map_err(|_| ErrorCode::NotCoordinator)?;
        answer.reply
    }
}

impl<M> Shard<M>
where
    M: Machine + Send + 'static,
    M::Record: LogRecord + Send,
    M::Reply: Send,
{
    /// Folds the partition's log into the machine that `fresh` makes and starts its timers. `tell`
    /// hears what happens from then on.
    pub async fn load(
        partition: Arc<Partition>,
        clock: Clock,
        timers: Arc<Timers>,
        fresh: impl Fn() -> M + Send + Sync + 'static,
        tell: Tell<M::Event>,
    ) -> Result<Arc<Self>, LogError> {
        Self::load_with(partition, clock, timers, fresh, tell, Damage::IsFatal, None).await
    }

    /// Like [`Shard::load`], with somebody who sees what is appended.
    pub async fn load_observed(
        partition: Arc<Partition>,
        clock: Clock,
        timers: Arc<Timers>,
        fresh: impl Fn() -> M + Send + Sync + 'static,
        tell: Tell<M::Event>,
        observer: Option<Observer<M::Record>>,
    ) -> Result<Arc<Self>, LogError> {
        Self::load_with(partition, clock, timers, fresh, tell, Damage::IsFatal, observer).await
    }

    async fn load_with(
        partition: Arc<Partition>,
        clock: Clock,
        timers: Arc<Timers>,
        fresh: impl Fn() -> M + Send + Sync + 'static,
        tell: Tell<M::Event>,
        damage: Damage,
        observer: Option<Observer<M::Record>>,
    ) -> Result<Arc<Self>, LogError> {
        let (machine, position) = fold_all(&partition, clock.now(), fresh(), damage).await?;
        let shard = Arc::new(Shard {
            partition,
            clock,
            timers,
            timer: OnceLock::new(),
            fresh: Box::new(fresh),
            tell,
            damage,
            observer,
            inner: Mutex::new(Inner {
                machine,
                position,
                waiting: HashMap::new(),
                next_reply_to: 0,
                stale: false,
                released: false,
            }),
        });
        let weak: Weak<dyn Timed> = Arc::downgrade(&(shard.clone() as Arc<dyn Timed>));
        let timer = shard.timers.register(weak);
        shard.timer.get_or_init(|| timer);
        shard.on_due();
        Ok(shard)
    }

    /// The partition whose log this machine folds.
    pub fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// Takes one command. The step happens before this returns; only the reply may come later.
    pub fn submit(&self, command: M::Command) -> Pending<M::Reply> {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        if let Err(error) = self.refresh(inner) {
            return Pending::ready(Err(error));
        }
        let reply_to = ReplyTo(inner.next_reply_to);
        inner.next_reply_to += 1;
        let now = self.clock.now();
        let outcome = inner.machine.step(now, reply_to, command);
        match self.settle(inner, now, outcome, Some(reply_to)) {
            Ok(Some(answer)) => Pending(PendingState::Decided(answer)),
            Ok(None) if inner.released => Pending::ready(Err(ErrorCode::NotCoordinator)),
            Ok(None) => {
                let (sender, receiver) = oneshot::channel();
                inner.waiting.insert(reply_to, sender);
                Pending(PendingState::Undecided(receiver))
            }
            Err(error) => Pending::ready(Err(error)),
        }
    }

    /// Answers NOT_COORDINATOR to all who wait for what other members do, now and from now on.
    pub fn release(&self) {
        let mut inner = self.inner.lock();
        inner.released = true;
        // A reply whose sender is gone is NOT_COORDINATOR.
        inner.waiting.clear();
    }

    /// Looks at the machine, with the commit after which what was seen is durable.
    ///
    /// COORDINATOR_LOAD_IN_PROGRESS while the machine waits to be folded again.
    pub fn read<T>(&self, look: impl FnOnce(&mut M, Now) -> T) -> Result<(T, Commit), ErrorCode> {
        let mut inner = self.inner.lock();
        self.refresh(&mut inner)?;
        let seen = look(&mut inner.machine, self.clock.now());
        Ok((seen, self.partition.last_commit()))
    }

    /// Appends, replays and hands out what a step decided; returns the reply to `own`, if any.
    fn settle(
        &self,
        inner: &mut Inner<M>,
        now: Now,
        outcome: Outcome<M::Record, M::Reply, M::Event>,
        own: Option<ReplyTo>,
    ) -> Result<Option<Answer<M::Reply>>, ErrorCode> {
        let commit = match self.append(inner, &outcome.records, now) {
            Ok(commit) => commit,
            Err(error) => {
                self.drop_machine(inner, error);
                return Err(ErrorCode::CoordinatorNotAvailable);
            }
        };
        Ok(self.answer(inner, outcome, commit, own))
    }

    /// Hands out what a step answered; returns the reply to `own`, if any.
    fn answer(
        &self,
        inner: &mut Inner<M>,
        outcome: Outcome<M::Record, M::Reply, M::Event>,
        commit: Commit,
        own: Option<ReplyTo>,
    ) -> Option<Answer<M::Reply>> {
        outcome.events.iter().for_each(&self.tell);
        let mut own_answer = None;
        for (reply_to, reply) in outcome.replies {
            let answer = Answer { reply: Ok(reply), commit: commit.clone() };
            if own == Some(reply_to) {
                own_answer = Some(answer);
            } else if let Some(sender) = inner.waiting.remove(&reply_to) {
                // The caller may be gone with its connection; nobody else wants the reply.
                drop(sender.send(answer));
            }
        }
        if let Some(timer) = self.timer.get() {
            self.timers.schedule(*timer, outcome.wake_at);
        }
        own_answer
    }

    /// Appends the records as one batch, if there are any, and replays them.
    fn append(
        &self,
        inner: &mut Inner<M>,
        records: &[M::Record],
        now: Now,
    ) -> Result<Commit, ErrorCode> {
        let Some((header, mut batch)) = batch_of(records, now) else {
            return Ok(self.partition.last_commit());
        };
        let appended = self.partition.append(header, &mut batch, now.wall_ms, None)?;
        replay(inner, now, appended.base_offset, records);
        if let Some(observer) = &self.observer {
            observer(records, &appended.commit);
        }
        Ok(appended.commit)
    }

    fn drop_machine(&self, inner: &mut Inner<M>, error: ErrorCode) {
        warn!(target: "tidegate::log", partition = %self.partition.id(), %error, "coordinator append refused, state will be folded again");
        inner.stale = true;
        for (_, sender) in inner.waiting.drain() {
            let reply = Err(ErrorCode::CoordinatorNotAvailable);
            drop(sender.send(Answer { reply, commit: Commit::done() }));
        }
    }

    /// Folds a dropped machine again, if everything appended is durable and can be read at once.
    fn refresh(&self, inner: &mut Inner<M>) -> Result<(), ErrorCode> {
        if !inner.stale {
            return Ok(());
        }
        let now = self.clock.now();
        if !self.partition.last_commit().is_durable() {
            return Err(ErrorCode::CoordinatorLoadInProgress);
        }
        let future = fold_all(&self.partition, now, (self.fresh)(), self.damage);
        match poll_once(future) {
            Some(Ok((machine, position))) => {
                inner.machine = machine;
                inner.position = position;
                inner.stale = false;
                Ok(())
            }
            Some(Err(error)) => {
                error!(target: "tidegate::log", partition = %self.partition.id(), %error, "coordinator log cannot be read");
                Err(ErrorCode::CoordinatorNotAvailable)
            }
            None => Err(ErrorCode::CoordinatorLoadInProgress),
        }
    }
}

impl<M> Timed for Shard<M>
where
    M: Machine + Send + 'static,
    M::Record: LogRecord + Send,
    M::Reply: Send,
{
    fn on_due(&self) {
        let mut guard: MutexGuard<'_, Inner<M>> = self.inner.lock();
        let inner = &mut *guard;
        if self.refresh(inner).is_err() {
            if let Some(timer) = self.timer.get() {
                self.timers.schedule(*timer, Some(self.clock.steady_ms() + 1_000));
            }
            return;
        }
        let now = self.clock.now();
        let outcome = inner.machine.on_timeout(now);
        if self.settle(inner, now, outcome, None).is_err()
            && let Some(timer) = self.timer.get()
        {
            self.timers.schedule(*timer, Some(now.steady_ms + 1_000));
        }
    }
}

/// Polls a future that does no real waiting, such as reads of a local log.
fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

/// Replays a partition's whole durable log into `machine`; returns where it ended.
async fn fold_all<M>(
    partition: &Partition,
    now: Now,
    mut machine: M,
    damage: Damage,
) -> Result<(M, Offset), LogError>
where
    M: Machine,
    M::Record: LogRecord,
{
    let mut position = 0;
    fold(partition, now, &mut machine, &mut position, damage).await?;
    machine.loaded(now);
    Ok((machine, position))
}

/// The batch of the records, if there are any.
fn batch_of<R: LogRecord>(records: &[R], now: Now) -> Option<(BatchHeader, BytesMut)> {
    let mut builder = BatchBuilder::new();
    let mut scratch = BytesMut::new();
    for record in records {
        record.encode_with(&mut scratch, |key, value| {
            builder.push(&Record::new(now.wall_ms, key, value));
        });
    }
    let batch = builder.finish()?;
    let header = BatchHeader::parse(&batch).expect("the builder makes well-formed batches");
    Some((header, batch))
}

fn replay<M: Machine>(inner: &mut Inner<M>, now: Now, base_offset: Offset, records: &[M::Record]) {
    inner.position = base_offset;
    for record in records {
        inner.machine.replaying(inner.position, now.wall_ms);
        inner.machine.replay(now, record);
        inner.position += 1;
    }
}
