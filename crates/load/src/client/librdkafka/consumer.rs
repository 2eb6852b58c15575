//! librdkafka's consumer, in a group or with partitions of its own.

use crate::client::{ClientError, Consumer, ConsumerSink, Incoming, Reads};
use crate::judge::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::{ClientConfig, ClientContext, Message, Offset, TopicPartitionList};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Records that one call passes on at most, so that its caller sees to other things now and then.
const RECORDS_PER_POLL_MAX: usize = 1_000;

/// The longest that leaving a group may take.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(10);

/// What is left of it for closing, at least.
const CLOSE_TIMEOUT_MIN: Duration = Duration::from_secs(1);

pub(super) struct NativeConsumer {
    consumer: BaseConsumer<Changes>,
    in_group: bool,
}

impl NativeConsumer {
    pub(super) fn new(
        mut config: ClientConfig,
        reads: &Reads,
    ) -> Result<NativeConsumer, ClientError> {
        match reads {
            Reads::Group { group, topics } => {
                config.set("group.id", group);
                let consumer: BaseConsumer<Changes> =
                    config.create_with_context(Changes::default())?;
                let names: Vec<&str> = topics.iter().map(String::as_str).collect();
                consumer.subscribe(&names)?;
                Ok(NativeConsumer { consumer, in_group: true })
            }
            Reads::Partitions(partitions) => {
                // librdkafka wants a group even of a consumer that joins none.
                config.set("group.id", "tidegate-load-reader");
                config.set("enable.auto.commit", "false");
                let consumer: BaseConsumer<Changes> =
                    config.create_with_context(Changes::default())?;
                let mut list = TopicPartitionList::with_capacity(partitions.len());
                for (topic, partition) in partitions {
                    list.add_partition_offset(topic, *partition, Offset::Beginning)?;
                }
                consumer.assign(&list)?;
                Ok(NativeConsumer { consumer, in_group: false })
            }
        }
    }

    fn tell_changes(&self, sink: &mut dyn ConsumerSink) {
        let mut happened = self.consumer.context().lock();
        for change in happened.drain(..) {
            match change {
                Change::Assigned(partitions) => sink.assigned(&partitions),
                Change::Revoked(partitions) => sink.revoked(&partitions),
                Change::Trouble(error) => sink.trouble(&error),
            }
        }
    }
}

impl Consumer for NativeConsumer {
    fn poll(&mut self, timeout: Duration, sink: &mut dyn ConsumerSink) -> bool {
        let mut wait = timeout;
        let mut any = false;
        for _ in 0..RECORDS_PER_POLL_MAX {
            let polled = self.consumer.poll(wait);
            // What was assigned or revoked on the way came before the record.
            self.tell_changes(sink);
            match polled {
                None => break,
                Some(Ok(message)) => {
                    any = true;
                    pass_on(&message, sink);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Err(error)) => {
                    // The context has heard of it, with more words, but not that it is fatal.
                    let error = fatal_if_it_is(error);
                    if error.fatal {
                        sink.trouble(&error);
                    }
                }
            }
            wait = Duration::ZERO;
        }
        any
    }

    fn close(mut self: Box<Self>, sink: &mut dyn ConsumerSink) {
        let deadline = Instant::now() + LEAVE_TIMEOUT;
        if self.in_group {
            // Closing would throw away what it polls on the way, and commit that as read.
            self.consumer.unsubscribe();
            let holds = |consumer: &BaseConsumer<Changes>| {
                consumer.assignment().is_ok_and(|assigned| assigned.count() > 0)
            };
            while holds(&self.consumer) && Instant::now() < deadline {
                self.poll(Duration::from_millis(50), sink);
            }
        }
        self.tell_changes(sink);
        let left = deadline.saturating_duration_since(Instant::now()).max(CLOSE_TIMEOUT_MIN);
        if !ends_within(self.consumer, left) {
            sink.trouble(&ClientError::local(
                "_TIMED_OUT",
                format!("a consumer was not closed within {} s", LEAVE_TIMEOUT.as_secs()),
            ));
        }
    }
}

/// Drops a client, and says whether that was over in time. It waits for the broker's answers, and without
/// end for a broker that gives none: a thread goes on with it then, for a member whose broker comes back
/// should still leave its group.
fn ends_within(client: impl Send + 'static, timeout: Duration) -> bool {
    let (tell, told) = channel();
    let end = move || {
        drop(client);
        // Nobody may be waiting any more.
        let _ = tell.send(());
    };
    match std::thread::Builder::new().name("closing".to_owned()).spawn(end) {
        Ok(_) => told.recv_timeout(timeout).is_ok(),
        // Then it was dropped here.
        Err(_) => true,
    }
}

fn fatal_if_it_is(error: KafkaError) -> ClientError {
    let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
    let error = ClientError::from(error);
    ClientError { fatal: fatal || error.fatal, ..error }
}

/// More headers than ours has a record of somebody else.
const HEADERS_MAX: usize = 8;

fn pass_on(message: &BorrowedMessage<'_>, sink: &mut dyn ConsumerSink) {
    let mut room = [("", None); HEADERS_MAX];
    let mut more = Vec::new();
    let count = message.headers().map_or(0, Headers::count);
    let headers = match message.headers() {
        Some(found) if count <= HEADERS_MAX => {
            for (place, header) in room.iter_mut().zip(found.iter()) {
                *place = (header.key, header.value);
            }
            &room[..count]
        }
        Some(found) => {
            more.extend(found.iter().map(|header| (header.key, header.value)));
            &more[..]
        }
        None => &room[..0],
    };
    sink.record(&Incoming {
        topic: message.topic(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: match message.timestamp() {
            rdkafka::Timestamp::CreateTime(ms) => Timestamp::Create(ms),
            rdkafka::Timestamp::LogAppendTime(ms) => Timestamp::LogAppend(ms),
            rdkafka::Timestamp::NotAvailable => Timestamp::Missing,
        },
        key: message.key(),
        value: message.payload(),
        headers,
    });
}

enum Change {
    Assigned(Vec<(String, i32)>),
    Revoked(Vec<(String, i32)>),
    Trouble(ClientError),
}

/// What happens in callbacks, until the call that they interrupt has ended.
#[derive(Default)]
struct Changes {
    happened: Mutex<Vec<Change>>,
}

impl Changes {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Change>> {
        self.happened.lock().expect("nobody panics while holding the lock")
    }
}

impl ClientContext for Changes {
    fn error(&self, error: KafkaError, reason: &str) {
        self.lock().push(Change::Trouble(ClientError::new(&error, reason)));
    }
}

impl ConsumerContext for Changes {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.lock().push(match rebalance {
            Rebalance::Assign(list) => Change::Assigned(names(list)),
            Rebalance::Revoke(list) => Change::Revoked(names(list)),
            Rebalance::Error(error) => Change::Trouble(ClientError::new(error, "")),
        });
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            self.lock().push(Change::Trouble(ClientError::new(&error, "")));
        }
    }
}

fn names(list: &TopicPartitionList) -> Vec<(String, i32)> {
    list.elements().iter().map(|place| (place.topic().to_owned(), place.partition())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard {
        records: usize,
        troubles: Vec<ClientError>,
    }

    impl ConsumerSink for Heard {
        fn record(&mut self, _: &Incoming<'_>) {
            self.records += 1;
        }

        fn assigned(&mut self, _: &[(String, i32)]) {}

        fn revoked(&mut self, _: &[(String, i32)]) {}

        fn trouble(&mut self, error: &ClientError) {
            self.troubles.push(error.clone());
        }
    }

    #[test]
    fn an_error_is_told_once_and_is_no_record() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let nobody = socket.local_addr().expect("it is bound").to_string();
        drop(socket);
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", nobody);
        let reads = Reads::Partitions(vec![("t".to_owned(), 0)]);
        let mut consumer = NativeConsumer::new(config, &reads).expect("the settings are valid");
        let mut heard = Heard::default();
        let deadline = Instant::now() + Duration::from_secs(60);
        while heard.troubles.is_empty() && Instant::now() < deadline {
            assert!(!consumer.poll(Duration::from_secs(1), &mut heard), "nobody sent a record");
        }
        assert_eq!(heard.records, 0);
        assert!(!heard.troubles.is_empty(), "nobody listens there");
        for error in &heard.troubles {
            // The second report of an error has nothing but the code's own words.
            assert!(!error.message.contains("(Local: "), "{error}");
        }
    }
}
