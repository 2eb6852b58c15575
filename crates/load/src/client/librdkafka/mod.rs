//! librdkafka as a client of the load test.

mod consumer;
mod producer;

use crate::client::{
    Client, ClientError, Consumer, ConsumerSpec, DeliverySink, Producer, ProducerSpec,
};
use rdkafka::ClientConfig;

/// Makes librdkafka's producers and consumers.
#[derive(Clone, Debug)]
pub struct Librdkafka {
    base: Vec<(String, String)>,
}

impl Librdkafka {
    /// Clients of the brokers at `bootstrap`, all of them with these properties.
    pub fn new(bootstrap: &str, properties: &[(String, String)]) -> Librdkafka {
        let mut base = vec![("bootstrap.servers".to_owned(), bootstrap.to_owned())];
        base.extend_from_slice(properties);
        Librdkafka { base }
    }

    fn config(&self, client_id: &str, properties: &[(String, String)]) -> ClientConfig {
        config(self.base.iter().chain(properties), client_id)
    }
}

/// A configuration; of two properties with the same name the later one counts.
pub(crate) fn config<'a>(
    properties: impl IntoIterator<Item = &'a (String, String)>,
    client_id: &str,
) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("client.id", client_id);
    // The first connection to a broker that restarts should not be the last for ten seconds.
    config.set("reconnect.backoff.max.ms", "1000");
    for (name, value) in properties {
        config.set(name, value);
    }
    config
}

impl Client for Librdkafka {
    fn describe(&self) -> String {
        format!("librdkafka {}", rdkafka::util::get_rdkafka_version().1)
    }

    fn producer(
        &self,
        spec: &ProducerSpec,
        deliveries: Box<dyn DeliverySink>,
    ) -> Result<Box<dyn Producer>, ClientError> {
        let mut config = self.config(&spec.client_id, &spec.properties);
        if let Some(id) = &spec.transactional_id {
            config.set("transactional.id", id);
        }
        Ok(Box::new(producer::NativeProducer::new(&config, deliveries)?))
    }

    fn consumer(&self, spec: &ConsumerSpec) -> Result<Box<dyn Consumer>, ClientError> {
        let config = self.config(&spec.client_id, &spec.properties);
        Ok(Box::new(consumer::NativeConsumer::new(config, &spec.reads)?))
    }
}
