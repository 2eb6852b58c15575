//! What the load test asks of the cluster itself: who is there, which topics, where they end, and what a
//! group has committed. Always through librdkafka, whichever client does the work.

use crate::client::ClientError;
use crate::client::librdkafka::config;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::net::{TcpStream, ToSocketAddrs};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

/// A partition by the name of its topic.
pub type Place = (String, i32);

/// A broker as the cluster names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerAddress {
    /// Its id.
    pub id: i32,
    /// The address clients are told to use, `host:port`.
    pub address: String,
}

/// A topic to create.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// Its replication factor.
    pub replication_factor: i32,
    /// Its configs.
    pub configs: Vec<(String, String)>,
}

/// A connection to the cluster for questions.
pub struct Cluster {
    properties: Vec<(String, String)>,
    admin: AdminClient<DefaultClientContext>,
    reader: BaseConsumer,
    timeout: Duration,
}

impl Cluster {
    /// Connects, and fails with a sentence that says what to do if nobody answers within `timeout`.
    pub fn connect(
        bootstrap: &str,
        properties: &[(String, String)],
        timeout: Duration,
    ) -> Result<Cluster, String> {
        let mut all = vec![("bootstrap.servers".to_owned(), bootstrap.to_owned())];
        all.extend_from_slice(properties);
        let config = config(&all, "tidegate-load-admin");
        let sentence = |error| ClientError::from(error).to_string();
        let cluster = Cluster {
            admin: AdminClient::from_config(&config).map_err(sentence)?,
            reader: BaseConsumer::from_config(&config).map_err(sentence)?,
            properties: all,
            timeout,
        };
        match cluster.reader.fetch_metadata(None, timeout) {
            Ok(metadata) if metadata.brokers().is_empty() => {
                Err(format!("the cluster at {bootstrap} names no brokers"))
            }
            Ok(_) => Ok(cluster),
            Err(error) => Err(unreachable(bootstrap, &ClientError::from(error))),
        }
    }

    /// The cluster's id, if it has one.
    pub fn cluster_id(&self) -> Option<String> {
        self.reader.client().fetch_cluster_id(self.timeout)
    }

    /// The brokers.
    pub fn brokers(&self) -> Result<Vec<BrokerAddress>, ClientError> {
        let metadata = self.reader.fetch_metadata(None, self.timeout)?;
        let address = |host: &str, port| format!("{host}:{port}");
        Ok(metadata
            .brokers()
            .iter()
            .map(|it| BrokerAddress { id: it.id(), address: address(it.host(), it.port()) })
            .collect())
    }

    /// The topics with their numbers of partitions.
    pub fn topics(&self) -> Result<BTreeMap<String, usize>, ClientError> {
        // All of them: asking for one by its name may create it.
        let metadata = self.reader.fetch_metadata(None, self.timeout)?;
        let sizes =
            metadata.topics().iter().map(|it| (it.name().to_owned(), it.partitions().len()));
        Ok(sizes.collect())
    }

    /// Creates topics; each that was not created comes back with the reason.
    pub fn create(&self, topics: &[TopicSpec]) -> Result<Vec<(String, ClientError)>, ClientError> {
        let new: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|topic| {
                let replication = TopicReplication::Fixed(topic.replication_factor);
                let new = NewTopic::new(&topic.name, topic.partitions, replication);
                topic.configs.iter().fold(new, |new, (name, value)| new.set(name, value))
            })
            .collect();
        let options = AdminOptions::new()
            .request_timeout(Some(self.timeout))
            .operation_timeout(Some(self.timeout));
        Ok(refused(block_on(self.admin.create_topics(&new, &options))?))
    }

    /// Deletes topics; each that was not deleted comes back with the reason.
    pub fn delete(&self, names: &[&str]) -> Result<Vec<(String, ClientError)>, ClientError> {
        let options = AdminOptions::new().request_timeout(Some(self.timeout));
        Ok(refused(block_on(self.admin.delete_topics(names, &options))?))
    }

    /// Deletes a group and its offsets.
    pub fn delete_group(&self, group: &str) -> Result<(), ClientError> {
        let options = AdminOptions::new().request_timeout(Some(self.timeout));
        for result in block_on(self.admin.delete_groups(&[group], &options))? {
            result.map_err(|(_, code)| by_code(code))?;
        }
        Ok(())
    }

    /// Where partitions end, as ListOffsets tells a consumer.
    pub fn end_offsets(&self, places: &[Place]) -> Result<BTreeMap<Place, i64>, ClientError> {
        self.list_offsets(places, Offset::End)
    }

    /// Where partitions begin.
    pub fn start_offsets(&self, places: &[Place]) -> Result<BTreeMap<Place, i64>, ClientError> {
        self.list_offsets(places, Offset::Beginning)
    }

    fn list_offsets(
        &self,
        places: &[Place],
        which: Offset,
    ) -> Result<BTreeMap<Place, i64>, ClientError> {
        if places.is_empty() {
            return Ok(BTreeMap::new());
        }
        // ListOffsets takes -1 and -2 in place of a time, and one request asks a broker for all.
        let list = to_list(places, which)?;
        let found = self.reader.offsets_for_times(list, self.timeout)?;
        for place in found.elements() {
            place.error()?;
        }
        Ok(from_list(&found))
    }

    /// A watch on what `group` commits.
    pub fn watch(&self, group: &str) -> Result<GroupWatch, ClientError> {
        let mut config = config(&self.properties, "tidegate-load-watch");
        config.set("group.id", group);
        let timeout = self.timeout;
        let consumer = ManuallyDrop::new(BaseConsumer::from_config(&config)?);
        Ok(GroupWatch { consumer, timeout })
    }
}

/// Asks for a group's committed offsets without joining it.
pub struct GroupWatch {
    /// Never dropped: that waits without end for a broker that does not answer. There is one for each group.
    consumer: ManuallyDrop<BaseConsumer>,
    timeout: Duration,
}

impl GroupWatch {
    /// What the group has committed. Partitions without a commit are left out.
    pub fn committed(&self, places: &[Place]) -> Result<BTreeMap<Place, i64>, ClientError> {
        let list = to_list(places, Offset::Invalid)?;
        Ok(from_list(&self.consumer.committed_offsets(list, self.timeout)?))
    }
}

fn to_list(places: &[Place], offset: Offset) -> Result<TopicPartitionList, ClientError> {
    let mut list = TopicPartitionList::with_capacity(places.len());
    for (topic, partition) in places {
        list.add_partition_offset(topic, *partition, offset)?;
    }
    Ok(list)
}

fn from_list(list: &TopicPartitionList) -> BTreeMap<Place, i64> {
    list.elements()
        .iter()
        .filter_map(|place| match place.offset() {
            Offset::Offset(offset) => Some(((place.topic().to_owned(), place.partition()), offset)),
            _ => None,
        })
        .collect()
}

fn refused(results: Vec<Result<String, (String, RDKafkaErrorCode)>>) -> Vec<(String, ClientError)> {
    results
        .into_iter()
        .filter_map(|result| result.err().map(|(name, code)| (name, by_code(code))))
        .collect()
}

fn by_code(code: RDKafkaErrorCode) -> ClientError {
    ClientError::from(rdkafka::error::KafkaError::AdminOp(code))
}

/// Why nobody answered, found out with a plain socket: librdkafka says the same for all reasons.
fn unreachable(bootstrap: &str, error: &ClientError) -> String {
    let advice =
        "start it (`tidegate serve`), name another with --bootstrap, or let --embedded start one";
    let mut reasons = Vec::new();
    for server in bootstrap.split(',').map(str::trim).filter(|server| !server.is_empty()) {
        match server.to_socket_addrs() {
            Err(why) => reasons.push(format!("{server}: {why}")),
            Ok(addresses) => {
                for address in addresses {
                    match TcpStream::connect_timeout(&address, Duration::from_secs(2)) {
                        Ok(_) => {
                            return format!(
                                "{server} takes connections and does not answer as a Kafka broker: {error}; \
                                 is it another service, or does it want TLS or a password? \
                                 (--property security.protocol=...)"
                            );
                        }
                        Err(why) => reasons.push(format!("{server}: {why}")),
                    }
                }
            }
        }
    }
    format!("no Kafka broker answers ({}): {advice}", reasons.join("; "))
}

/// Waits for librdkafka's answer: its thread completes the future, nothing drives it.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_port_nobody_listens_on_is_told_with_the_systems_reason_and_advice() {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr();
        let server = port.expect("it is bound").to_string();
        let said = Cluster::connect(&server, &[], Duration::from_millis(300)).err();
        let said = said.expect("nobody is there");
        assert!(said.contains("refused") && said.contains("--bootstrap"), "{said}");
        assert!(said.contains(&server), "{said}");
    }

    #[test]
    fn a_service_that_is_not_kafka_is_told_from_one_that_is_not_there() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let server = silent.local_addr().expect("it is bound").to_string();
        let said = Cluster::connect(&server, &[], Duration::from_millis(300)).err();
        let said = said.expect("it never answers");
        assert!(said.contains("does not answer as a Kafka broker"), "{said}");
    }
}
