//! A small blocking Kafka client for the commands.
//!
//! It asks the broker that is responsible, so the commands work on clusters of several brokers too,
//! and asks for as much as it can in one request, so that they stay quick on thousands of partitions.

mod configs;
mod connection;
mod fetch;
mod groups;
pub mod offsets;
mod quotas;

pub use configs::{Change, Config, Resource, ResourceType};
pub use groups::{Committed, CommittedOffset, DEAD, Group, Member};
pub use offsets::{At, Offsets, Sizes};
pub use quotas::Entity;

use crate::args::ConnectArgs;
use crate::failure::Failure;
use crate::settings::HostPort;
use connection::Connection;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::{Request, StrBytes};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tidegate_model::ErrorCode;

/// A topic and one of its partitions.
pub type Partition = (String, i32);

/// How long to wait before something is asked again that a cluster is about to make ready.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

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
        let metadata = bootstrap.call(&request, 0..=12)?;
        let brokers = metadata.brokers.iter().map(|broker| {
            let port = u16::try_from(broker.port).unwrap_or_default();
            (broker.node_id.0, HostPort { host: broker.host.to_string(), port })
        });
        let brokers = brokers.collect();
        Ok(Client { timeout, bootstrap, brokers, connections: BTreeMap::new() })
    }

    /// How long the brokers may take for a change, for the requests that say it.
    pub fn timeout_ms(&self) -> i32 {
        i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX)
    }

    /// Asks the broker of `--bootstrap`, for what any broker answers.
    pub fn ask<R: Request>(
        &mut self,
        request: &R,
        versions: RangeInclusive<i16>,
    ) -> Result<R::Response, Failure> {
        self.bootstrap.call(request, versions)
    }

    /// Asks the broker `node_id`.
    pub fn ask_broker<R: Request>(
        &mut self,
        node_id: i32,
        request: &R,
        versions: RangeInclusive<i16>,
    ) -> Result<R::Response, Failure> {
        self.connection(node_id)?.call(request, versions)
    }

    /// Whether the broker `node_id` answers any version of a request of this type.
    pub fn offers<R: Request>(&mut self, node_id: i32) -> Result<bool, Failure> {
        let versions = R::VERSIONS.min..=R::VERSIONS.max;
        Ok(self.connection(node_id)?.version_of::<R>(&versions).is_some())
    }

    fn connection(&mut self, node_id: i32) -> Result<&mut Connection, Failure> {
        let address = self.brokers.get(&node_id).ok_or_else(|| {
            Failure::Failed(format!("broker {node_id} is responsible, and not available"))
        })?;
        // A lone broker is the one of --bootstrap, by whatever address it was reached.
        if self.brokers.len() == 1 || self.bootstrap.address() == address {
            return Ok(&mut self.bootstrap);
        }
        if !self.connections.contains_key(&node_id) {
            let connection = Connection::open(address, self.timeout)?;
            self.connections.insert(node_id, connection);
        }
        Ok(self.connections.get_mut(&node_id).expect("it was put in above"))
    }

    /// The ids of all brokers.
    pub fn broker_ids(&self) -> Vec<i32> {
        self.brokers.keys().copied().collect()
    }

    /// The broker that coordinates `group`. A cluster without a group yet makes the topic of the
    /// committed offsets when it is first asked, so this waits for it.
    pub fn coordinator(&mut self, group: &str) -> Result<i32, Failure> {
        let request = FindCoordinatorRequest::default().with_key(text(group));
        // From version 4 on the request asks for several at once, which nobody here does.
        let found = self.retrying(
            |client| client.ask(&request, 0..=3),
            |found| found.error_code,
            |code| matches!(code, ErrorCode::CoordinatorNotAvailable),
        )?;
        check(found.error_code, found.error_message.as_deref(), || {
            format!("the coordinator of group {group} cannot be found")
        })?;
        Ok(found.node_id.0)
    }

    /// Asks the coordinator of a group, again while it is still loading the group.
    fn ask_coordinator<R: Request>(
        &mut self,
        node_id: i32,
        request: &R,
        versions: RangeInclusive<i16>,
        code: impl Fn(&R::Response) -> i16,
    ) -> Result<R::Response, Failure> {
        self.retrying(
            |client| client.ask_broker(node_id, request, versions.clone()),
            code,
            |code| {
                matches!(
                    code,
                    ErrorCode::CoordinatorLoadInProgress | ErrorCode::CoordinatorNotAvailable
                )
            },
        )
    }

    fn retrying<T>(
        &mut self,
        mut ask: impl FnMut(&mut Client) -> Result<T, Failure>,
        code: impl Fn(&T) -> i16,
        passes: impl Fn(ErrorCode) -> bool,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + self.timeout;
        loop {
            let response = ask(self)?;
            let again = ErrorCode::from_code(code(&response)).is_some_and(&passes);
            if !again || Instant::now() >= deadline {
                return Ok(response);
            }
            sleep(RETRY_INTERVAL);
        }
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
        let mut topics = self.ask(&request, 4..=12)?.topics;
        topics.retain(|topic| topic.error_code != ErrorCode::UnknownTopicOrPartition.code());
        for topic in &topics {
            check(topic.error_code, None, || format!("topic {}", name_of(topic)))?;
        }
        topics.sort_by_key(name_of);
        for topic in &mut topics {
            topic.partitions.sort_by_key(|partition| partition.partition_index);
        }
        Ok(topics)
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

/// The partitions of each topic, as most requests want them.
pub fn by_topic<'a>(
    partitions: impl IntoIterator<Item = &'a Partition>,
) -> BTreeMap<&'a str, Vec<i32>> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    topics
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
