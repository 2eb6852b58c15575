//! One connection: a single task that reads, answers in order and writes.
//!
//! Requests are decoded and begun in the order of their arrival, without waiting for the answers
//! to earlier ones. Each leaves a reply in a queue; the queue's head is awaited, so answers leave
//! in request order whatever takes longer. Reading, awaiting and writing are three steps of one
//! task rather than three tasks: a Produce costs a wake-up by the socket and one by the disk.

use crate::metrics::Timing;
use crate::net::memory::{RequestMemory, SMALL_FRAME_BYTES, Share};
use crate::net::output::{Output, Response};
use crate::observe::ConnectionInfo;
use bytes::{Buf, BytesMut};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tidegate_wire::frame::next_frame;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tracing::{debug, info};

/// Free room that a read is given at least.
const READ_BYTES_MIN: usize = 16 << 10;

/// Free room that a read is given at most.
const READ_BYTES_MAX: usize = 1 << 20;

/// Responses are taken from the queue until so many bytes wait for the socket.
const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// After so long without traffic a connection gives its read buffer back.
const SHRINK_AFTER: Duration = Duration::from_secs(20);

/// What a request leaves behind.
pub enum Reply {
    /// The response is there.
    Ready(Response),
    /// The response will come; what the request does has begun.
    Later(Pin<Box<dyn Future<Output = Reply> + Send>>),
    /// No response is expected (`acks=0`).
    Silent,
    /// This reply, and nothing more is read from the connection until then (KIP-219). The answer
    /// itself leaves at once: its client is told to wait, and is made to if it does not.
    Throttled(Box<Reply>, Instant),
    /// Answer what came before, then close.
    Close(&'static str),
}

/// What a connection does with a frame.
pub trait Service: Send {
    /// Begins the request in `frame`, which lacks its length prefix.
    fn begin(&mut self, frame: BytesMut) -> Reply;

    /// True while so much waits for the disk that nothing more should be begun by a connection
    /// that has answers outstanding.
    fn is_congested(&self) -> bool;

    /// The socket took so many bytes of answers.
    fn wrote(&mut self, bytes: usize);

    /// The socket took the last byte of an answer.
    fn sent(&mut self, timing: Timing);

    /// The gateway is stopping: what waits for something to happen should not wait longer.
    fn stop(&mut self);
}

/// Limits of a connection.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Largest request, as `socket.request.max.bytes`.
    pub frame_bytes_max: usize,
    /// Requests begun and not answered.
    pub in_flight_max: usize,
    /// A connection without traffic is closed after this, as `connections.max.idle.ms`.
    pub idle_max: Duration,
    /// A request must not pause longer than this between two of its bytes.
    pub stall_max: Duration,
}

impl ConnectionLimits {
    /// How often a connection looks at its limits: which of them counts changes without notice to
    /// the timer, so it must not sleep longer than the shortest.
    fn look_after(&self) -> Duration {
        SHRINK_AFTER.min(self.stall_max).min(self.idle_max)
    }
}

/// Why a connection ended.
#[derive(Debug)]
pub enum End {
    /// The client closed it.
    Closed,
    /// The socket failed.
    Failed(io::Error),
    /// The client broke the protocol, or a request asked for the close.
    Refused(String),
    /// Nothing came for too long.
    Idle,
    /// The gateway is stopping and everything is answered.
    Stopped,
}

type Acquire = Pin<Box<dyn Future<Output = Share> + Send>>;

/// The state of one connection's task.
pub struct Connection<S> {
    stream: TcpStream,
    info: Arc<ConnectionInfo>,
    service: S,
    limits: ConnectionLimits,
    memory: RequestMemory,
    input: BytesMut,
    share: Option<Share>,
    acquiring: Option<Acquire>,
    queue: VecDeque<Reply>,
    output: Output,
    /// Until when nothing is read.
    muted: Option<Pin<Box<Sleep>>>,
    last_activity: Instant,
    timer: Pin<Box<Sleep>>,
    /// Set when nothing more is read: what is queued is answered, then this is the end.
    ending: Option<End>,
}

impl<S: Service> Connection<S> {
    /// A connection on an accepted socket.
    pub fn new(
        stream: TcpStream,
        info: Arc<ConnectionInfo>,
        service: S,
        limits: ConnectionLimits,
        memory: RequestMemory,
    ) -> Self {
        let now = Instant::now();
        Connection {
            stream,
            info,
            service,
            limits,
            memory,
            input: BytesMut::new(),
            share: None,
            acquiring: None,
            queue: VecDeque::new(),
            output: Output::default(),
            muted: None,
            last_activity: now,
            timer: Box::pin(tokio::time::sleep_until(now + limits.look_after())),
            ending: None,
        }
    }

    /// Serves until the connection ends, or until `stopping` resolves and all begun requests are
    /// answered.
    pub async fn run(mut self, stopping: impl Future<Output = ()>) -> End {
        let mut stopping = std::pin::pin!(stopping);
        let mut stopped = false;
        std::future::poll_fn(move |context| {
            if !stopped && stopping.as_mut().poll(context).is_ready() {
                stopped = true;
                self.service.stop();
                self.ending.get_or_insert(End::Stopped);
            }
            self.poll(context)
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            let wrote = match self.poll_output(context) {
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(error)) => return Poll::Ready(End::Failed(error)),
                Poll::Pending => false,
            };
            let answered = self.poll_queue(context);
            if self.queue.is_empty()
                && self.output.is_empty()
                && let Some(end) = self.ending.take()
            {
                return Poll::Ready(end);
            }
            let read = match self.poll_input(context) {
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(end)) => {
                    self.ending.get_or_insert(end);
                    true
                }
                Poll::Pending => false,
            };
            if !(wrote || answered || read) {
                break;
            }
            self.last_activity = Instant::now();
        }
        self.info.set_in_flight(self.queue.len());
        self.poll_timer(context)
    }

    /// Ready if the socket took something.
    fn poll_output(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.output.is_empty() {
            return Poll::Pending;
        }
        let bytes = std::task::ready!(self.output.poll_write(&mut self.stream, context))?;
        self.info.sent(bytes);
        self.service.wrote(bytes);
        while let Some(timing) = self.output.pop_sent() {
            self.service.sent(timing);
        }
        Poll::Ready(Ok(()))
    }

    /// Moves answers whose turn has come to the output; true if any moved.
    fn poll_queue(&mut self, context: &mut Context<'_>) -> bool {
        let mut moved = false;
        while self.output.len() < OUTPUT_BYTES_MAX {
            let Some(head) = self.queue.front_mut() else { break };
            if let Reply::Later(future) = head {
                match future.as_mut().poll(context) {
                    Poll::Ready(reply) => *head = reply,
                    Poll::Pending => break,
                }
                continue;
            }
            moved = true;
            match self.queue.pop_front() {
                Some(Reply::Ready(response)) => self.output.push(response),
                Some(Reply::Close(why)) => {
                    self.queue.clear();
                    self.ending = Some(End::Refused(why.to_owned()));
                }
                Some(Reply::Throttled(reply, until)) => {
                    self.info.throttled();
                    self.mute(until);
                    self.queue.push_front(*reply);
                }
                Some(Reply::Silent | Reply::Later(_)) | None => {}
            }
        }
        moved
    }

    /// Begins requests that are complete, then reads. Ready if anything happened.
    fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        if self.ending.is_some() || self.is_saturated() || self.poll_mute(context).is_pending() {
            return Poll::Pending;
        }
        if self.begin_requests()? {
            return Poll::Ready(Ok(()));
        }
        if self.poll_share(context).is_pending() {
            return Poll::Pending;
        }
        self.reserve();
        self.poll_read(context)
    }

    /// True if answers must leave before more is begun. An empty queue never waits: the answers to
    /// wait for would be other connections'.
    fn is_saturated(&self) -> bool {
        self.queue.len() >= self.limits.in_flight_max
            || (!self.queue.is_empty() && self.service.is_congested())
    }

    fn mute(&mut self, until: Instant) {
        match &mut self.muted {
            Some(sleep) if sleep.deadline() >= until => {}
            Some(sleep) => sleep.as_mut().reset(until),
            None => self.muted = Some(Box::pin(tokio::time::sleep_until(until))),
        }
    }

    /// A large request that has begun to arrive is read to its end all the same: it holds memory
    /// that other connections wait for.
    fn is_muted(&self) -> bool {
        self.muted.is_some() && self.share.is_none() && self.acquiring.is_none()
    }

    fn poll_mute(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.muted
            && sleep.as_mut().poll(context).is_ready()
        {
            self.muted = None;
            // A request cut in two by the mute has all its time for the rest.
            self.last_activity = Instant::now();
        }
        if self.is_muted() { Poll::Pending } else { Poll::Ready(()) }
    }

    fn begin_requests(&mut self) -> Result<bool, End> {
        let mut begun = false;
        while !self.is_saturated() && !self.is_muted() {
            let frame = next_frame(&mut self.input, self.limits.frame_bytes_max)
                .map_err(|error| End::Refused(error.to_string()))?;
            let Some(frame) = frame else { break };
            begun = true;
            let mut reply = self.service.begin(frame);
            self.share = None;
            if let Reply::Throttled(inner, until) = reply {
                self.info.throttled();
                self.mute(until);
                reply = *inner;
            }
            if let Reply::Close(why) = &reply {
                self.ending.get_or_insert(End::Refused((*why).to_owned()));
                self.input.clear();
                break;
            }
            self.queue.push_back(reply);
        }
        Ok(begun)
    }

    /// Asks for the memory of a large frame before its second megabyte is read.
    fn poll_share(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.share.is_some() || self.input.len() < SMALL_FRAME_BYTES {
            return Poll::Ready(());
        }
        let announced = announced_len(&self.input).unwrap_or(0);
        let memory = &self.memory;
        let acquiring =
            self.acquiring.get_or_insert_with(|| Box::pin(memory.clone().acquire(announced)));
        let share = std::task::ready!(acquiring.as_mut().poll(context));
        self.acquiring = None;
        self.share = Some(share);
        Poll::Ready(())
    }

    /// Makes room for the next read: at most as much again as has come, never the announced length.
    fn reserve(&mut self) {
        let missing = announced_len(&self.input)
            .map_or(0, |announced| (announced + 4).saturating_sub(self.input.len()));
        let room = missing.min(self.input.len()).clamp(READ_BYTES_MIN, READ_BYTES_MAX);
        if self.input.capacity() - self.input.len() < room {
            self.input.reserve(room);
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        let spare = self.input.spare_capacity_mut();
        let room = spare.len().min(READ_BYTES_MAX);
        let mut buffer = ReadBuf::uninit(&mut spare[..room]);
        match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(End::Failed(error))),
            Poll::Ready(Ok(())) => {
                let read = buffer.filled().len();
                if read == 0 {
                    return Poll::Ready(Err(End::Closed));
                }
                self.info.received(read);
                let len = self.input.len() + read;
                // SAFETY: `poll_read` initialized the first `read` bytes of the spare capacity.
                unsafe { self.input.set_len(len) };
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Gives unused memory back, then ends connections that are idle or stalled for too long.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<End> {
        while self.timer.as_mut().poll(context).is_ready() {
            let quiet = self.last_activity.elapsed();
            let waits = !self.queue.is_empty() || !self.output.is_empty();
            let is_stalled = self.input.has_remaining() && self.acquiring.is_none();
            let limit = if is_stalled && !self.is_muted() {
                self.limits.stall_max
            } else {
                self.limits.idle_max
            };
            if quiet >= limit && !waits {
                return Poll::Ready(End::Idle);
            }
            // A peer that takes no byte of its answers for so long is gone.
            if quiet >= self.limits.idle_max && !self.output.is_empty() {
                return Poll::Ready(End::Idle);
            }
            if quiet >= SHRINK_AFTER && self.input.is_empty() {
                self.input = BytesMut::new();
            }
            let wake = (self.last_activity + limit).min(Instant::now() + self.limits.look_after());
            let next = wake.max(Instant::now() + Duration::from_millis(100));
            self.timer.as_mut().reset(next);
        }
        Poll::Pending
    }
}

/// The length that a partly received frame announces, once its prefix is there.
fn announced_len(input: &BytesMut) -> Option<usize> {
    let prefix = input.first_chunk::<4>()?;
    usize::try_from(i32::from_be_bytes(*prefix)).ok()
}

impl End {
    /// Writes the one line that a closed connection leaves in the log.
    pub fn log(&self, of: &ConnectionInfo) {
        let (connection, peer, client_id) = (of.id, of.peer, of.client_id());
        match self {
            End::Closed | End::Stopped => {
                debug!(target: "tidegate::connection", connection, %peer, client_id, "connection closed");
            }
            End::Failed(error) => {
                debug!(target: "tidegate::connection", connection, %peer, client_id, %error, "connection failed");
            }
            End::Refused(why) => {
                info!(target: "tidegate::connection", connection, %peer, client_id, why, "connection refused and closed");
            }
            End::Idle => {
                debug!(target: "tidegate::connection", connection, %peer, client_id, "idle connection closed");
            }
        }
    }
}
