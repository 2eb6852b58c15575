//! Clients in other languages: one driver process does for all producers and consumers of a run what the
//! plan tells, over lines of JSON that `tests/clients/load/README.md` describes.

mod process;
mod wire;

use crate::client::{
    Client, ClientError, Consumer, ConsumerSink, ConsumerSpec, DeliverySink, Incoming, Outgoing,
    Producer, ProducerSpec, Refused,
};
use crate::judge::Timestamp;
use crate::plan::ClientKind;
use process::{Answers, Deliveries, Happened, Owner, Process};
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Names the folder of the drivers.
const FOLDER: &str = "TIDEGATE_LOAD_DRIVERS";
/// How long making a client may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a consumer has to commit and leave.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(20);
/// What a driver has beyond a request's own timeout to answer.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);
/// Records of a producer without an outcome, at most.
const OUTSTANDING_MAX: usize = 100_000;

/// Makes producers and consumers of a driver.
pub struct Driver {
    process: Arc<Process>,
    base: Vec<(String, String)>,
}

impl Driver {
    /// Starts the driver of this kind, for clients of the brokers at `bootstrap`, all of them with these
    /// properties.
    pub fn start(
        kind: ClientKind,
        bootstrap: &str,
        properties: &[(String, String)],
    ) -> Result<Driver, ClientError> {
        let program = folder().join(kind.name());
        if !program.exists() {
            let place = program.display();
            let what = format!(
                "there is no driver for {kind} at {place}: build it with tests/clients/load/build.sh of \
                 Tidegate's sources, or let {FOLDER} name the folder that holds it"
            );
            return Err(ClientError::local("_DRIVER", what));
        }
        Driver::of(kind.name(), Command::new(program), bootstrap, properties)
    }

    fn of(
        name: &str,
        command: Command,
        bootstrap: &str,
        properties: &[(String, String)],
    ) -> Result<Driver, ClientError> {
        let mut base = vec![("bootstrap.servers".to_owned(), bootstrap.to_owned())];
        base.extend_from_slice(properties);
        Ok(Driver { process: Process::start(name, command)?, base })
    }
}

/// Where the drivers are: what build.sh says, if nobody says otherwise.
fn folder() -> PathBuf {
    if let Some(named) = env::var_os(FOLDER) {
        return PathBuf::from(named);
    }
    let cache = env::var_os("TIDEGATE_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache/tidegate")
    });
    cache.join("clients/load")
}

impl Client for Driver {
    fn describe(&self) -> String {
        self.process.client()
    }

    fn producer(
        &self,
        spec: &ProducerSpec,
        deliveries: Box<dyn DeliverySink>,
    ) -> Result<Box<dyn Producer>, ClientError> {
        let deliveries = Arc::new(Mutex::new(Deliveries::new(deliveries)));
        let owner = Owner::Producer(Arc::clone(&deliveries));
        let (id, answers) = self
            .process
            .open(owner, OPEN_TIMEOUT, |id| wire::Command::producer(id, &self.base, spec).line())?;
        Ok(Box::new(DriverProducer { id, process: Arc::clone(&self.process), deliveries, answers }))
    }

    fn consumer(&self, spec: &ConsumerSpec) -> Result<Box<dyn Consumer>, ClientError> {
        let (to, events) = process::events();
        let (id, _) = self.process.open(Owner::Consumer(to), OPEN_TIMEOUT, |id| {
            wire::Command::consumer(id, &self.base, spec).line()
        })?;
        Ok(Box::new(DriverConsumer { id, process: Arc::clone(&self.process), events, open: true }))
    }
}

struct DriverProducer {
    id: u64,
    process: Arc<Process>,
    deliveries: Arc<Mutex<Deliveries>>,
    answers: Answers,
}

impl DriverProducer {
    fn with_deliveries<T>(&self, tell: impl FnOnce(&mut Deliveries) -> T) -> T {
        tell(&mut self.deliveries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ask(
        &self,
        timeout: Duration,
        command: impl FnOnce(u64, u64) -> wire::Command<'static>,
    ) -> Result<(), ClientError> {
        if let Some(error) = self.process.ended() {
            return Err(error);
        }
        self.process.command(command(self.id, wire::millis(timeout)).line(), timeout);
        self.answers.wait(timeout + ANSWER_MARGIN)
    }
}

impl Producer for DriverProducer {
    fn send(&mut self, record: &Outgoing<'_>) -> Result<(), Refused> {
        if let Some(error) = self.process.ended() {
            return Err(Refused::Failed(error));
        }
        let has_room = self.with_deliveries(|deliveries| {
            let has_room = deliveries.outstanding() < OUTSTANDING_MAX;
            if has_room {
                deliveries.sent(record.token);
            }
            has_room
        });
        if !has_room {
            return Err(Refused::QueueFull);
        }
        if !self.process.record(self.id, wire::record(record)) {
            self.with_deliveries(|deliveries| deliveries.not_sent(record.token));
            return Err(Refused::QueueFull);
        }
        // If the driver ended in between, nobody else will tell.
        if let Some(error) = self.process.ended() {
            self.with_deliveries(|deliveries| deliveries.give_up(&error));
        }
        Ok(())
    }

    fn init_transactions(&mut self, timeout: Duration) -> Result<(), ClientError> {
        self.ask(timeout, |id, timeout_ms| wire::Command::Init { id, timeout_ms })
    }

    fn begin_transaction(&mut self) -> Result<(), ClientError> {
        self.ask(OPEN_TIMEOUT, |id, timeout_ms| wire::Command::Begin { id, timeout_ms })
    }

    fn commit_transaction(&mut self, timeout: Duration) -> Result<(), ClientError> {
        self.ask(timeout, |id, timeout_ms| wire::Command::Commit { id, timeout_ms })
    }

    fn abort_transaction(&mut self, timeout: Duration) -> Result<(), ClientError> {
        self.ask(timeout, |id, timeout_ms| wire::Command::Abort { id, timeout_ms })
    }

    fn purge(&mut self) {
        let error = ClientError::local("_PURGE_QUEUE", "given up at the end of the run");
        self.with_deliveries(|deliveries| deliveries.give_up(&error));
    }
}

impl Drop for DriverProducer {
    fn drop(&mut self) {
        // If there is no room, the end of the run will close it.
        self.process.command(wire::Command::Close { id: self.id }.line(), Duration::ZERO);
    }
}

struct DriverConsumer {
    id: u64,
    process: Arc<Process>,
    events: Receiver<Happened>,
    open: bool,
}

impl DriverConsumer {
    /// Tells the sink about one thing. Whether it was records.
    fn tell(&mut self, happened: Happened, sink: &mut dyn ConsumerSink) -> bool {
        match happened {
            Happened::Records(records) => {
                for record in &records {
                    pass_on(record, sink);
                }
                return !records.is_empty();
            }
            Happened::Assigned(partitions) => sink.assigned(&partitions),
            Happened::Revoked(partitions) => sink.revoked(&partitions),
            Happened::Trouble(error) => sink.trouble(&error),
            Happened::Closed => self.open = false,
        }
        false
    }
}

impl Consumer for DriverConsumer {
    fn poll(&mut self, timeout: Duration, sink: &mut dyn ConsumerSink) -> bool {
        let begin = Instant::now();
        let mut wait = timeout;
        let mut any = false;
        loop {
            match self.events.recv_timeout(wait) {
                Ok(happened) => any |= self.tell(happened, sink),
                Err(RecvTimeoutError::Timeout) => return any,
                Err(RecvTimeoutError::Disconnected) => {
                    // The driver is gone, and has been told of. Who asks again shall not ask at once.
                    std::thread::sleep(timeout.saturating_sub(begin.elapsed()));
                    return any;
                }
            }
            if any {
                return true;
            }
            wait = timeout.saturating_sub(begin.elapsed());
        }
    }

    fn close(mut self: Box<Self>, sink: &mut dyn ConsumerSink) {
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        self.process.command(wire::Command::Close { id: self.id }.line(), CLOSE_TIMEOUT);
        while self.open {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(happened) => {
                    self.tell(happened, sink);
                }
                Err(RecvTimeoutError::Timeout) => {
                    sink.trouble(&ClientError::local("_TIMED_OUT", "the consumer did not close"));
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

impl Drop for DriverConsumer {
    fn drop(&mut self) {
        self.process.forget(self.id);
    }
}

fn pass_on(record: &wire::Record, sink: &mut dyn ConsumerSink) {
    let headers: Vec<(&str, Option<&[u8]>)> = record
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_ref().map(|bytes| bytes.0.as_slice())))
        .collect();
    sink.record(&Incoming {
        topic: &record.topic,
        partition: record.partition,
        offset: record.offset,
        timestamp: match record.timestamp {
            ..0 => Timestamp::Missing,
            millis if record.appended => Timestamp::LogAppend(millis),
            millis => Timestamp::Create(millis),
        },
        key: record.key.as_ref().map(|bytes| bytes.0.as_slice()),
        value: record.value.as_ref().map(|bytes| bytes.0.as_slice()),
        headers: &headers,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Acknowledged, Reads, Undelivered};
    use std::sync::mpsc::{Sender, channel};

    struct Tell(Sender<(u64, Result<Acknowledged, Undelivered>)>);

    impl DeliverySink for Tell {
        fn delivered(&mut self, token: u64, outcome: Result<Acknowledged, Undelivered>) {
            // The test may be over.
            let _ = self.0.send((token, outcome));
        }

        fn trouble(&mut self, _: &ClientError) {}
    }

    #[derive(Default)]
    struct Troubles(Vec<ClientError>);

    impl ConsumerSink for Troubles {
        fn record(&mut self, _: &Incoming<'_>) {}
        fn assigned(&mut self, _: &[(String, i32)]) {}
        fn revoked(&mut self, _: &[(String, i32)]) {}
        fn trouble(&mut self, error: &ClientError) {
            self.0.push(error.clone());
        }
    }

    /// A program that speaks the protocol as far as the script does.
    fn scripted(script: &str) -> Result<Driver, ClientError> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Driver::of("scripted", command, "h:1", &[])
    }

    const HELLO: &str = r#"echo '{"event":"hello","client":"c 1","protocol":1}'; "#;

    fn record(token: u64) -> Outgoing<'static> {
        Outgoing {
            topic: "t",
            partition: None,
            key: None,
            value: b"v",
            headers: &[],
            timestamp_ms: 1,
            token,
        }
    }

    #[test]
    fn a_driver_that_ends_gives_up_its_records_and_says_why() {
        let script = format!(
            r#"{HELLO} read a; echo '{{"event":"done","id":1,"do":"producer"}}'; read b;
            echo '{{"event":"delivered","id":1,"acks":[[7,2,30]]}}'; read c; echo 'no memory' >&2; exit 3"#
        );
        let driver = scripted(&script).expect("it says hello");
        assert_eq!(driver.describe(), "c 1");
        let (tell, told) = channel();
        let mut producer =
            driver.producer(&ProducerSpec::default(), Box::new(Tell(tell))).expect("it is made");
        producer.send(&record(7)).expect("there is room");
        let soon = Duration::from_secs(60);
        let (token, outcome) = told.recv_timeout(soon).expect("it is acknowledged");
        assert_eq!((token, outcome), (7, Ok(Acknowledged { partition: 2, offset: 30 })));
        producer.send(&record(8)).expect("there is room");
        let (token, outcome) = told.recv_timeout(soon).expect("it is given up");
        let undelivered = outcome.expect_err("the driver is gone");
        assert_eq!((token, undelivered.maybe_written), (8, true));
        let message = &undelivered.error.message;
        assert!(message.contains("exit status: 3") && message.contains("no memory"), "{message}");
        assert!(matches!(producer.send(&record(9)), Err(Refused::Failed(error)) if error.fatal));
    }

    #[test]
    fn a_consumer_of_a_driver_that_ended_hears_so_once_and_closes() {
        let script = format!(r#"{HELLO} read a; echo '{{"event":"done","id":1,"do":"consumer"}}'"#);
        let driver = scripted(&script).expect("it says hello");
        let spec =
            ConsumerSpec { reads: Reads::Partitions(vec![("t".into(), 0)]), ..Default::default() };
        let mut consumer = driver.consumer(&spec).expect("it is made");
        let mut troubles = Troubles::default();
        let deadline = Instant::now() + Duration::from_secs(60);
        while troubles.0.is_empty() && Instant::now() < deadline {
            assert!(!consumer.poll(Duration::from_millis(50), &mut troubles));
        }
        consumer.poll(Duration::from_millis(50), &mut troubles);
        consumer.close(&mut troubles);
        assert_eq!(troubles.0.len(), 1);
        assert!(troubles.0[0].fatal);
    }

    #[test]
    fn what_is_no_driver_is_refused_with_what_it_wrote() {
        let error = scripted("echo nonsense; exec sleep 60").err().expect("it is no event");
        assert!(error.message.contains("nonsense"), "{error}");
        let old = r#"echo '{"event":"hello","client":"c","protocol":0}'; exec sleep 60"#;
        let error = scripted(old).err().expect("it is another protocol");
        assert!(error.message.contains("version 0"), "{error}");
    }

    #[test]
    fn a_full_pipe_refuses_without_waiting() {
        let script = format!(
            r#"{HELLO} read a; echo '{{"event":"done","id":1,"do":"producer"}}'; exec sleep 60"#
        );
        let driver = scripted(&script).expect("it says hello");
        let (tell, told) = channel();
        let mut producer =
            driver.producer(&ProducerSpec::default(), Box::new(Tell(tell))).expect("it is made");
        let refused = (0..1_000_000).find(|token| producer.send(&record(*token)).is_err());
        let refused = refused.expect("nobody reads");
        producer.purge();
        assert_eq!(told.try_iter().count() as u64, refused);
    }
}
