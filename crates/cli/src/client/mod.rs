//! A small blocking Kafka client for the commands: metadata, offsets, and finding coordinators.
//!
//! It asks the broker that is responsible, so the commands work on clusters of several brokers too.

mod connection;

use crate::args::ConnectArgs;
use crate::failure::Failure;
use crate::settings::HostPort;
use connection::Connection;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    FindCoordinatorRequest, ListOffsetsRequest, MetadataRequest, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};
use std::collections::BTreeMap;
use std::time::Duration;
use tidegate_model::ErrorCode;

/// ListOffsets' stand-in for the first offset.
pub const EARLIEST: i64 = -2;
/// ListOffsets' stand-in for the offset after the last record.
pub const LATEST: i64 = -1;

/// A topic and one of its partitions.
pub type Partition = (String, i32);

/// Connections to the brokers of a cluster, opened as they are needed.
#[derive(Debug)]
pub struct Client {
    timeout: Duration,
    bootstrap: Connection,
    brokers: BTreeMap<i32, HostPort>,
    connections: BTreeMap<i32, Connection>,
}

impl Client {
    /// Connects to the first broker of `--bootstrap` that answers, and learns of the others.
    pub fn connect(args: &ConnectArgs) -> Result<Client, Failure> {
        let timeout = Duration::from_secs(args.timeout);
        let mut failure = Failure::Usage("--bootstrap names no broker".to_owned());
        for address in args.bootstrap.split(',').filter(|address| !address.trim().is_empty()) {
            let address: HostPort = address.trim().parse().map_err(|problem| {
                Failure::Usage(format!("--bootstrap {address:?} {problem}; it takes HOST:PORT"))
            })?;
            match Connection::open(&address, timeout) {
                Ok(bootstrap) => return Client::with_brokers(bootstrap, timeout),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn with_brokers(mut bootstrap: Connection, timeout: Duration) -> Result<Client, Failure> {
        let request = MetadataRequest::default().with_topics(Some(Vec::new()));
        let metadata = bootstrap.call(&request, 12)?;
        let brokers = metadata.brokers.iter().map(|broker| {
            let port = u16::try_from(broker.port).unwrap_or_default();
            (broker.node_id.0, HostPort { host: broker.host.to_string(), port })
        });
        let brokers = brokers.collect();
        Ok(Client { timeout, bootstrap, brokers, connections: BTreeMap::new() })
    }

    /// Asks the broker of `--bootstrap`, for what any broker answers.
    pub fn ask<R: Request>(
        &mut self,
        request: &R,
        max_version: i16,
    ) -> Result<R::Response, Failure> {
        self.bootstrap.call(request, max_version)
    }

    /// Asks the broker `node_id`.
    pub fn ask_broker<R: Request>(
        &mut self,
        node_id: i32,
        request: &R,
        max_version: i16,
    ) -> Result<R::Response, Failure> {
        if !self.connections.contains_key(&node_id) {
            let address = self.brokers.get(&node_id).ok_or_else(|| {
                Failure::Failed(format!("broker {node_id} is responsible, and not available"))
            })?;
            let connection = Connection::open(address, self.timeout)?;
            self.connections.insert(node_id, connection);
        }
        let connection = self.connections.get_mut(&node_id).expect("it was put in above");
        connection.call(request, max_version)
    }

    /// The ids of all brokers.
    pub fn broker_ids(&self) -> Vec<i32> {
        self.brokers.keys().copied().collect()
    }

    /// The broker that coordinates `group`.
    pub fn coordinator(&mut self, group: &str) -> Result<i32, Failure> {
        let request = FindCoordinatorRequest::default().with_key(text(group));
        // From version 4 on the request asks for several at once, which nobody here does.
        let found = self.ask(&request, 3)?;
        check(found.error_code, found.error_message.as_deref(), || {
            format!("the coordinator of group {group} cannot be found")
        })?;
        Ok(found.node_id.0)
    }

    /// The topics of these names, or all of them. Topics that do not exist are left out.
    pub fn topics(
        &mut self,
        names: Option<&[String]>,
    ) -> Result<Vec<MetadataResponseTopic>, Failure> {
        let topic =
            |name: &String| MetadataRequestTopic::default().with_name(Some(TopicName(text(name))));
        let request = MetadataRequest::default()
            .with_topics(names.map(|names| names.iter().map(topic).collect()))
            .with_allow_auto_topic_creation(false);
        let mut topics = self.ask(&request, 12)?.topics;
        topics.retain(|topic| topic.error_code != ErrorCode::UnknownTopicOrPartition.code());
        for topic in &topics {
            check(topic.error_code, None, || format!("topic {}", name_of(topic)))?;
        }
        topics.sort_by_key(name_of);
        Ok(topics)
    }

    /// The topic `name`, which must exist.
    pub fn topic(&mut self, name: &str) -> Result<MetadataResponseTopic, Failure> {
        let topic = self.topics(Some(&[name.to_owned()]))?.into_iter().next();
        topic.ok_or_else(|| Failure::Failed(format!("topic {name} does not exist")))
    }

    /// The offsets at `timestamp` ([`EARLIEST`] or [`LATEST`]) of all partitions of `topics` that
    /// have a leader.
    pub fn offsets(
        &mut self,
        topics: &[MetadataResponseTopic],
        timestamp: i64,
    ) -> Result<BTreeMap<Partition, i64>, Failure> {
        let mut by_leader: BTreeMap<i32, Vec<ListOffsetsTopic>> = BTreeMap::new();
        for topic in topics {
            let mut partitions: BTreeMap<i32, Vec<ListOffsetsPartition>> = BTreeMap::new();
            for partition in topic.partitions.iter().filter(|partition| partition.leader_id.0 >= 0)
            {
                let wanted = ListOffsetsPartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_timestamp(timestamp);
                partitions.entry(partition.leader_id.0).or_default().push(wanted);
            }
            for (leader, partitions) in partitions {
                let topic = ListOffsetsTopic::default()
                    .with_name(TopicName(text(&name_of(topic))))
                    .with_partitions(partitions);
                by_leader.entry(leader).or_default().push(topic);
            }
        }
        let mut offsets = BTreeMap::new();
        for (leader, topics) in by_leader {
            let request =
                ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(topics);
            for topic in self.ask_broker(leader, &request, 7)?.topics {
                for partition in topic.partitions {
                    let index = partition.partition_index;
                    let of = || format!("the offsets of {}-{index}", topic.name.as_str());
                    check(partition.error_code, None, of)?;
                    offsets.insert((topic.name.to_string(), index), partition.offset);
                }
            }
        }
        Ok(offsets)
    }
}

/// The name of a topic in a metadata response.
pub fn name_of(topic: &MetadataResponseTopic) -> String {
    topic.name.as_ref().map(|name| name.to_string()).unwrap_or_default()
}

/// A string of the protocol.
pub fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

/// Turns an error code of a response into a failure that says what it was about.
pub fn check(
    code: i16,
    message: Option<&str>,
    what: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if code == ErrorCode::None.code() {
        return Ok(());
    }
    let name = match ErrorCode::from_code(code) {
        Some(error) => error.name().to_owned(),
        None => format!("error {code}"),
    };
    let detail = message.filter(|message| !message.is_empty());
    Err(Failure::Failed(match detail {
        Some(detail) => format!("{}: {detail} ({name})", what()),
        None => format!("{}: {name}", what()),
    }))
}
