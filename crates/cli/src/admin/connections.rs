//! `tidegate connections`: who is connected to a running gateway.

use super::{Admin, json};
use crate::args::AdminArgs;
use crate::failure::Failure;
use crate::output::{self, Table};
use serde_json::Value;

/// Prints the open connections.
pub fn connections(args: &AdminArgs) -> Result<(), Failure> {
    let list = json(Admin::new(args).get("/connections")?)?;
    if args.json {
        return output::print_json(&list);
    }
    let mut table = Table::new(&[
        "CONNECTION",
        "PEER",
        "CLIENT",
        "SOFTWARE",
        "SECONDS",
        "REQUESTS",
        "IN-FLIGHT",
        "BYTES-IN",
        "BYTES-OUT",
        "THROTTLED",
    ]);
    for connection in list.as_array().into_iter().flatten() {
        let text = |field: &str| match &connection[field] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let software = match connection["software"].is_null() {
            true => "-".to_owned(),
            false => format!("{} {}", text("software"), text("software_version")),
        };
        table.row([
            text("connection"),
            text("peer"),
            text("client_id"),
            software,
            text("age_seconds"),
            text("requests"),
            text("in_flight"),
            text("bytes_in"),
            text("bytes_out"),
            text("throttled"),
        ]);
    }
    output::print(&table.render())
}
