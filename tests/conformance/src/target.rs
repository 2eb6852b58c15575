//! The broker under test, and what of its answers is its own affair: who and where it is.

use kafka_protocol::messages::{
    ApiVersionsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest, MetadataRequest,
};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;
use tidegate_model::ErrorCode;
use tidegate_raw_client::{RawClient, code, text};
use tokio::net::lookup_host;

/// A broker and its facts.
#[derive(Debug)]
pub struct Target {
    pub address: SocketAddr,
    pub node_id: i32,
    pub cluster_id: String,
    pub host: String,
    pub port: i32,
    /// The versions that ApiVersions names, by key.
    pub versions: BTreeMap<i16, RangeInclusive<i16>>,
}

impl Target {
    /// Asks the broker at `bootstrap` who it is.
    pub async fn find(bootstrap: &str) -> io::Result<Target> {
        let address = lookup_host(bootstrap).await?.next();
        let address = address.ok_or_else(|| io::Error::other("the name has no address"))?;
        // The client below panics where nobody listens; here that is the user's mistake.
        drop(tokio::net::TcpStream::connect(address).await?);
        let mut client = RawClient::connect(address).await;
        let versions = client.call(0, &ApiVersionsRequest::default()).await.api_keys;
        let none = MetadataRequest::default().with_topics(Some(Vec::new()));
        let metadata = client.call(4, &none).await;
        let broker = metadata.brokers.first();
        let broker = broker.ok_or_else(|| io::Error::other("there is no broker in Metadata"))?;
        until_groups_are_coordinated(&mut client).await?;
        Ok(Target {
            address,
            node_id: broker.node_id.0,
            cluster_id: metadata.cluster_id.map(|id| id.to_string()).unwrap_or_default(),
            host: broker.host.to_string(),
            port: broker.port,
            versions: versions
                .iter()
                .map(|row| (row.api_key, row.min_version..=row.max_version))
                .collect(),
        })
    }
}

/// Enough groups that every partition of `__consumer_offsets` has one.
const GROUPS: usize = 64;

/// Lets the broker make `__consumer_offsets`, which the first question for a coordinator does, and
/// waits until every partition of it is loaded.
async fn until_groups_are_coordinated(client: &mut RawClient) -> io::Result<()> {
    let mut groups = (0..GROUPS).map(|number| text(&format!("nobody-{number}"))).peekable();
    for _ in 0..3_000 {
        let Some(group) = groups.peek().cloned() else { return Ok(()) };
        client.call(0, &FindCoordinatorRequest::default().with_key(group.clone())).await;
        let beat = HeartbeatRequest::default().with_group_id(GroupId(group));
        if code(client.call(0, &beat).await.error_code) == ErrorCode::UnknownMemberId {
            groups.next();
        } else {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Err(io::Error::other("groups are not coordinated"))
}
