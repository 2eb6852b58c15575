//! Whether the address that clients are told leads to this gateway. Where it does not they connect,
//! ask for the brokers, and then hang without a word: neither side's log says why.

use crate::settings::HostPort;
use std::time::Duration;
use tokio::net::TcpStream;
use tracing::warn;

/// As long as a client of librdkafka tries one address.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects to `advertise`, and says so if that cannot be done from here.
pub async fn check(advertise: HostPort) {
    let connecting = TcpStream::connect((advertise.host.as_str(), advertise.port));
    let error = match tokio::time::timeout(PATIENCE, connecting).await {
        Ok(Ok(_)) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer in {} s", PATIENCE.as_secs()),
    };
    warn!(target: "tidegate::server", %advertise, error, "the advertised address does not lead here");
}
