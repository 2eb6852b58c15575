//! librdkafka's producer: records are copied into its queue, and a thread of our own hears the delivery
//! reports.

use crate::client::{
    Acknowledged, ClientError, DeliverySink, Outgoing, Producer, Refused, Undelivered,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer,
};
use rdkafka::{ClientConfig, ClientContext, Message};
use std::sync::Mutex;
use std::time::Duration;

pub(super) struct NativeProducer {
    producer: ThreadedProducer<Reports>,
}

impl NativeProducer {
    pub(super) fn new(
        config: &ClientConfig,
        sink: Box<dyn DeliverySink>,
    ) -> Result<NativeProducer, ClientError> {
        let context = Reports { sink: Mutex::new(sink) };
        Ok(NativeProducer { producer: config.create_with_context(context)? })
    }
}

impl Producer for NativeProducer {
    fn send(&mut self, record: &Outgoing<'_>) -> Result<(), Refused> {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in record.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let token = usize::try_from(record.token).expect("a token fits into a pointer of 64 bits");
        let out: BaseRecord<'_, [u8], [u8], usize> = BaseRecord {
            topic: record.topic,
            partition: record.partition,
            payload: Some(record.value),
            key: record.key,
            timestamp: Some(record.timestamp_ms),
            headers: Some(headers),
            delivery_opaque: token,
        };
        match self.producer.send(out) {
            Ok(()) => Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                Err(Refused::QueueFull)
            }
            Err((error, _)) => Err(Refused::Failed(error.into())),
        }
    }

    fn init_transactions(&mut self, timeout: Duration) -> Result<(), ClientError> {
        Ok(self.producer.init_transactions(timeout)?)
    }

    fn begin_transaction(&mut self) -> Result<(), ClientError> {
        Ok(self.producer.begin_transaction()?)
    }

    fn commit_transaction(&mut self, timeout: Duration) -> Result<(), ClientError> {
        Ok(self.producer.commit_transaction(timeout)?)
    }

    fn abort_transaction(&mut self, timeout: Duration) -> Result<(), ClientError> {
        Ok(self.producer.abort_transaction(timeout)?)
    }

    fn purge(&mut self) {
        self.producer.purge(PurgeConfig::default().queue().inflight());
    }
}

/// Passes delivery reports on. The lock is the delivery thread's alone but for the producer's end.
struct Reports {
    sink: Mutex<Box<dyn DeliverySink>>,
}

impl Reports {
    fn with_sink(&self, tell: impl FnOnce(&mut dyn DeliverySink)) {
        let mut sink = self.sink.lock().expect("no sink panics while it holds the lock");
        tell(sink.as_mut());
    }
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        let error = ClientError::new(&error, reason);
        self.with_sink(|sink| sink.trouble(&error));
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, token: usize) {
        let outcome = match result {
            Ok(message) => {
                Ok(Acknowledged { partition: message.partition(), offset: message.offset() })
            }
            Err((error, message)) => {
                // SAFETY: the message lives as long as the report that it was borrowed from.
                let status = unsafe { rdkafka::bindings::rd_kafka_message_status(message.ptr()) };
                Err(Undelivered {
                    error: ClientError::new(error, ""),
                    maybe_written: status
                        != rdkafka::bindings::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED,
                })
            }
        };
        self.with_sink(|sink| sink.delivered(token as u64, outcome));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Instant;

    struct Tell(Sender<(u64, Result<Acknowledged, Undelivered>)>);

    impl DeliverySink for Tell {
        fn delivered(&mut self, token: u64, outcome: Result<Acknowledged, Undelivered>) {
            // The test may be over.
            let _ = self.0.send((token, outcome));
        }

        fn trouble(&mut self, _: &ClientError) {}
    }

    fn record(token: u64) -> Outgoing<'static> {
        Outgoing {
            topic: "t",
            partition: Some(0),
            key: Some(b"k"),
            value: b"v",
            headers: &[],
            timestamp_ms: 1,
            token,
        }
    }

    /// A port that nobody listens on: bound and given back.
    fn nobody() -> String {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        socket.local_addr().expect("it is bound").to_string()
    }

    #[test]
    fn a_record_that_was_never_sent_is_reported_as_certainly_not_written() {
        let (tell, told) = channel();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", nobody()).set("message.timeout.ms", "200");
        let mut producer =
            NativeProducer::new(&config, Box::new(Tell(tell))).expect("the settings are valid");
        producer.send(&record(7)).expect("the queue is empty");
        let (token, outcome) = told.recv_timeout(Duration::from_secs(60)).expect("it times out");
        let undelivered = outcome.expect_err("nobody acknowledged it");
        assert_eq!(token, 7);
        assert_eq!(undelivered.error.code, "_MSG_TIMED_OUT");
        assert!(!undelivered.maybe_written);
    }

    #[test]
    fn a_full_queue_refuses_without_waiting_and_a_purge_reports_the_rest() {
        let (tell, told) = channel();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", nobody()).set("queue.buffering.max.messages", "2");
        let mut producer =
            NativeProducer::new(&config, Box::new(Tell(tell))).expect("the settings are valid");
        producer.send(&record(1)).expect("there is room for two");
        producer.send(&record(2)).expect("there is room for two");
        let before = Instant::now();
        assert_eq!(producer.send(&record(3)), Err(Refused::QueueFull));
        assert!(before.elapsed() < Duration::from_secs(5));
        producer.purge();
        for _ in 0..2 {
            let (token, outcome) =
                told.recv_timeout(Duration::from_secs(60)).expect("it is purged");
            assert!(token < 3 && outcome.is_err());
        }
    }

    #[test]
    fn a_property_that_does_not_exist_is_named() {
        let mut config = ClientConfig::new();
        config.set("lingr.ms", "5");
        let (tell, _told) = channel();
        let error = NativeProducer::new(&config, Box::new(Tell(tell))).err().expect("no such name");
        assert!(error.message.contains("lingr.ms"), "{error}");
    }
}
