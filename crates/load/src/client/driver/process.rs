//! A driver's process, and the threads that talk to it: one writes commands, one reads events and gives
//! each to whom it belongs, one keeps the last words of stderr.

use super::wire::{self, Event, PROTOCOL};
use crate::client::{Acknowledged, ClientError, DeliverySink, Undelivered};
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Records and commands that wait for the pipe.
const LINES_WAITING_MAX: usize = 8_192;
/// Records of one line.
const RECORDS_PER_LINE_MAX: usize = 200;
/// Lots of records that wait for a consumer's thread; each has 500 records at most.
const EVENTS_WAITING_MAX: usize = 32;
/// How long a driver may take for its first line: that of Java starts a virtual machine.
const HELLO_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a driver has after its stdin has ended.
const END_TIMEOUT: Duration = Duration::from_secs(3);
/// How long is listened to stderr when stdout has ended.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);
/// Lines of stderr that are remembered.
const SAID_LINES_MAX: usize = 20;

/// What waits for the pipe.
enum Line {
    /// A record of this producer.
    Record(u64, Vec<u8>),
    /// A command, which must not overtake the records before it.
    Command(Vec<u8>),
}

/// What happened to a consumer.
pub(super) enum Happened {
    Records(Vec<wire::Record>),
    Assigned(Vec<(String, i32)>),
    Revoked(Vec<(String, i32)>),
    Trouble(ClientError),
    Closed,
}

/// Records of a producer without an outcome, and who hears of it.
pub(super) struct Deliveries {
    sink: Box<dyn DeliverySink>,
    outstanding: HashSet<u64>,
}

impl Deliveries {
    pub(super) fn new(sink: Box<dyn DeliverySink>) -> Deliveries {
        Deliveries { sink, outstanding: HashSet::new() }
    }

    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    pub(super) fn sent(&mut self, token: u64) {
        self.outstanding.insert(token);
    }

    pub(super) fn not_sent(&mut self, token: u64) {
        self.outstanding.remove(&token);
    }

    /// An outcome counts once: what was given up before is not acknowledged later.
    fn outcome(&mut self, token: u64, outcome: Result<Acknowledged, Undelivered>) {
        if self.outstanding.remove(&token) {
            self.sink.delivered(token, outcome);
        }
    }

    /// Nothing more will be heard of any record.
    pub(super) fn give_up(&mut self, error: &ClientError) {
        for token in std::mem::take(&mut self.outstanding) {
            let undelivered = Undelivered { error: error.clone(), maybe_written: true };
            self.sink.delivered(token, Err(undelivered));
        }
    }
}

/// To whom events of one id belong.
pub(super) enum Owner {
    Producer(Arc<Mutex<Deliveries>>),
    Consumer(SyncSender<Happened>),
}

struct Handle {
    owner: Owner,
    answers: Sender<Result<(), ClientError>>,
}

/// The running driver.
pub(super) struct Process {
    name: String,
    client: Mutex<String>,
    lines: Mutex<Option<SyncSender<Line>>>,
    handles: Mutex<Handles>,
    said: Arc<Mutex<VecDeque<String>>>,
    child: Mutex<Child>,
    hello: Condvar,
}

#[derive(Default)]
struct Handles {
    by_id: HashMap<u64, Handle>,
    next_id: u64,
    /// Why there will be no more events.
    ended: Option<ClientError>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked leaves counts and queues that are still worth reading.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Process {
    /// Starts the program and returns when it has said hello.
    pub(super) fn start(name: &str, mut command: Command) -> Result<Arc<Process>, ClientError> {
        // Ctrl-C in a terminal is the load test's to handle: it wants to drain first.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy().into_owned();
            ClientError::local("_DRIVER", format!("{program} cannot be started: {error}"))
        })?;
        let stdin = child.stdin.take().expect("it was asked for");
        let stdout = child.stdout.take().expect("it was asked for");
        let stderr = child.stderr.take().expect("it was asked for");
        let (lines, waiting) = sync_channel(LINES_WAITING_MAX);
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let process = Arc::new(Process {
            name: name.to_owned(),
            client: Mutex::new(String::new()),
            lines: Mutex::new(Some(lines)),
            handles: Mutex::new(Handles::default()),
            said: Arc::clone(&said),
            child: Mutex::new(child),
            hello: Condvar::new(),
        });
        let thread_of = |what: &str| thread::Builder::new().name(format!("driver-{what}"));
        let no_thread = |error: std::io::Error| ClientError::local("_DRIVER", error.to_string());
        thread_of("in").spawn(move || write_lines(&waiting, stdin)).map_err(no_thread)?;
        let listen = move || remember(stderr, &said);
        let listening = thread_of("err").spawn(listen).map_err(no_thread)?;
        let reader = Arc::downgrade(&process);
        let read = move || {
            let outcome = read_events(stdout, &reader);
            if let Some(process) = reader.upgrade() {
                process.end(outcome.err(), &listening);
            }
        };
        thread_of("out").spawn(read).map_err(no_thread)?;
        process.wait_for_hello()?;
        Ok(process)
    }

    fn wait_for_hello(&self) -> Result<(), ClientError> {
        let deadline = Instant::now() + HELLO_TIMEOUT;
        let mut client = lock(&self.client);
        while client.is_empty() {
            if let Some(error) = self.ended() {
                return Err(error);
            }
            if Instant::now() >= deadline {
                let what = format!("the driver {} said nothing for {HELLO_TIMEOUT:?}", self.name);
                return Err(ClientError::local("_DRIVER", what));
            }
            let waited = self.hello.wait_timeout(client, Duration::from_millis(100));
            client = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    /// Name and version of the client.
    pub(super) fn client(&self) -> String {
        lock(&self.client).clone()
    }

    /// Why the driver is gone.
    pub(super) fn ended(&self) -> Option<ClientError> {
        lock(&self.handles).ended.clone()
    }

    /// Tells the driver to make something, and waits until it has.
    pub(super) fn open(
        &self,
        owner: Owner,
        timeout: Duration,
        line: impl FnOnce(u64) -> Vec<u8>,
    ) -> Result<(u64, Answers), ClientError> {
        let (answers, receiver) = channel();
        let id = {
            let mut handles = lock(&self.handles);
            if let Some(error) = &handles.ended {
                return Err(error.clone());
            }
            handles.next_id += 1;
            let id = handles.next_id;
            handles.by_id.insert(id, Handle { owner, answers });
            id
        };
        let answers = Answers(receiver);
        self.command(line(id), timeout);
        match answers.wait(timeout) {
            Ok(()) => Ok((id, answers)),
            Err(error) => {
                self.forget(id);
                Err(error)
            }
        }
    }

    /// Forgets an id: what the driver still says of it is nobody's business.
    pub(super) fn forget(&self, id: u64) {
        lock(&self.handles).by_id.remove(&id);
    }

    /// Queues a command, behind all records that were queued before. Waits for room as long as it may;
    /// false if there was none.
    pub(super) fn command(&self, line: Vec<u8>, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut line = Line::Command(line);
        loop {
            let Some(lines) = lock(&self.lines).clone() else {
                return false;
            };
            match lines.try_send(line) {
                Ok(()) => return true,
                // The writer is gone and so is the driver, which its reader tells.
                Err(TrySendError::Disconnected(_)) => return true,
                Err(TrySendError::Full(back)) => line = back,
            }
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Queues a record. False if there is no room.
    pub(super) fn record(&self, id: u64, record: Vec<u8>) -> bool {
        match &*lock(&self.lines) {
            Some(lines) => {
                !matches!(lines.try_send(Line::Record(id, record)), Err(TrySendError::Full(_)))
            }
            None => false,
        }
    }

    /// The driver is gone, or what it says cannot be understood.
    fn end(&self, misunderstood: Option<String>, listening: &JoinHandle<()>) {
        let status = {
            let mut child = lock(&self.child);
            if misunderstood.is_some() {
                // It may be gone already.
                let _ = child.kill();
            }
            child.wait()
        };
        // Its last words may still be on their way. Somebody whom it has started may keep stderr open.
        let deadline = Instant::now() + LAST_WORDS_TIMEOUT;
        while !listening.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        let said = Vec::from(std::mem::take(&mut *lock(&self.said))).join("\n");
        let why = match (misunderstood, status) {
            (Some(what), _) => format!("the driver {} wrote what is no event: {what}", self.name),
            (None, Ok(status)) => format!("the driver {} ended ({status})", self.name),
            (None, Err(error)) => format!("the driver {} is gone: {error}", self.name),
        };
        let message = if said.is_empty() { why } else { format!("{why}; it said: {said}") };
        let error = ClientError { code: "_DRIVER".to_owned(), message, fatal: true };
        let handles = {
            let mut handles = lock(&self.handles);
            handles.ended = Some(error.clone());
            std::mem::take(&mut handles.by_id)
        };
        for handle in handles.into_values() {
            match handle.owner {
                Owner::Producer(deliveries) => lock(&deliveries).give_up(&error),
                // A consumer that nobody drives any more needs not to know.
                Owner::Consumer(to) => drop(to.try_send(Happened::Trouble(error.clone()))),
            }
            let _ = handle.answers.send(Err(error.clone()));
        }
        self.hello.notify_all();
    }

    fn take(&self, event: Event) -> Result<(), String> {
        match event {
            Event::Hello { protocol, .. } if protocol != PROTOCOL => {
                return Err(format!(
                    "it speaks version {protocol} of the protocol and not {PROTOCOL}: build it anew"
                ));
            }
            Event::Hello { client, .. } => {
                *lock(&self.client) = client;
                self.hello.notify_all();
            }
            Event::Done { id } => self.answer(id, Ok(())),
            Event::Failed { id, error } => self.answer(id, Err(error.into())),
            Event::Delivered { id, acks } => self.deliveries(id, |deliveries| {
                for (token, partition, offset) in acks {
                    deliveries.outcome(token, Ok(Acknowledged { partition, offset }));
                }
            }),
            Event::Undelivered { id, token, error, maybe_written } => {
                let outcome = Err(Undelivered { error: error.into(), maybe_written });
                self.deliveries(id, |deliveries| deliveries.outcome(token, outcome));
            }
            Event::Records { id, records } => self.happened(id, Happened::Records(records)),
            Event::Assigned { id, partitions } => self.happened(id, Happened::Assigned(partitions)),
            Event::Revoked { id, partitions } => self.happened(id, Happened::Revoked(partitions)),
            Event::Trouble { id, error } => {
                let error = ClientError::from(error);
                self.deliveries(id, |deliveries| deliveries.sink.trouble(&error));
                self.happened(id, Happened::Trouble(error));
            }
            Event::Closed { id } => {
                self.happened(id, Happened::Closed);
                self.forget(id);
            }
        }
        Ok(())
    }

    fn answer(&self, id: u64, answer: Result<(), ClientError>) {
        if let Some(handle) = lock(&self.handles).by_id.get(&id) {
            // Who asked may have given up.
            let _ = handle.answers.send(answer);
        }
    }

    fn deliveries(&self, id: u64, tell: impl FnOnce(&mut Deliveries)) {
        let deliveries = match lock(&self.handles).by_id.get(&id) {
            Some(Handle { owner: Owner::Producer(deliveries), .. }) => Arc::clone(deliveries),
            _ => return,
        };
        tell(&mut lock(&deliveries));
    }

    fn happened(&self, id: u64, what: Happened) {
        let consumer = match lock(&self.handles).by_id.get(&id) {
            Some(Handle { owner: Owner::Consumer(to), .. }) => to.clone(),
            _ => return,
        };
        // Without the lock: this waits while the consumer's thread is slow. If it is gone, so be it.
        let _ = consumer.send(what);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The writer ends, with it the driver's stdin, and so the driver.
        *lock(&self.lines) = None;
        let mut child = lock(&self.child);
        let deadline = Instant::now() + END_TIMEOUT;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                // It may have ended meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The queue of a new consumer's events.
pub(super) fn events() -> (SyncSender<Happened>, Receiver<Happened>) {
    sync_channel(EVENTS_WAITING_MAX)
}

/// Answers to commands of one id.
pub(super) struct Answers(Receiver<Result<(), ClientError>>);

impl Answers {
    pub(super) fn wait(&self, timeout: Duration) -> Result<(), ClientError> {
        self.0.recv_timeout(timeout).unwrap_or_else(|_| {
            let what = format!("the driver did not answer within {timeout:?}");
            Err(ClientError::local("_TIMED_OUT", what))
        })
    }
}

/// Keeps the last lines. Holds nothing of the process, which must be able to end.
fn remember(stderr: impl Read, said: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let mut said = lock(said);
        if said.len() == SAID_LINES_MAX {
            said.pop_front();
        }
        said.push_back(line);
    }
}

/// Writes what waits. Records that wait together go out together.
fn write_lines(waiting: &Receiver<Line>, mut stdin: ChildStdin) {
    let mut by_producer: HashMap<u64, Vec<Vec<u8>>> = HashMap::new();
    let mut out = Vec::new();
    while let Ok(first) = waiting.recv() {
        let mut next = Some(first);
        let mut count = 0;
        while let Some(line) = next {
            match line {
                Line::Record(id, record) => by_producer.entry(id).or_default().push(record),
                Line::Command(command) => {
                    put_records(&mut by_producer, &mut out);
                    out.extend_from_slice(&command);
                    out.push(b'\n');
                }
            }
            count += 1;
            next = if count < RECORDS_PER_LINE_MAX { waiting.try_recv().ok() } else { None };
        }
        put_records(&mut by_producer, &mut out);
        if stdin.write_all(&out).is_err() {
            // The driver is gone, which its reader tells.
            return;
        }
        out.clear();
    }
}

fn put_records(by_producer: &mut HashMap<u64, Vec<Vec<u8>>>, out: &mut Vec<u8>) {
    for (id, records) in by_producer.drain() {
        wire::send(id, &records, out);
    }
}

/// Gives each event to whom it belongs, until there are no more. An error is what cannot be understood.
fn read_events(stdout: impl Read, process: &std::sync::Weak<Process>) -> Result<(), String> {
    let mut lines = BufReader::with_capacity(1 << 20, stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        if !matches!(lines.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            return Ok(());
        }
        let event = serde_json::from_slice(&line).map_err(|error| {
            let begin = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
            format!("{error}: {}", begin.trim_end())
        })?;
        let Some(process) = process.upgrade() else {
            return Ok(());
        };
        process.take(event)?;
    }
}
