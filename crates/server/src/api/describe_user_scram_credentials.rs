//! DescribeUserScramCredentials (key 50), v0 (KIP-554). Nobody has SCRAM credentials here, and that
//! is told: whoever is asked for by name does not exist. `kafka-configs` asks this about each user
//! whose quotas it describes, and gives up where it is not answered.
//!
//! Users come in the order of the request; Kafka promises none.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::describe_user_scram_credentials_response::DescribeUserScramCredentialsResult;
use kafka_protocol::messages::{
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::HashMap;
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

pub fn handle(_client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DescribeUserScramCredentialsRequest = request.decode()?;
    let users = decoded.users.unwrap_or_default();
    let mut times: HashMap<&StrBytes, usize> = HashMap::with_capacity(users.len());
    for user in &users {
        *times.entry(&user.name).or_default() += 1;
    }
    // Each user once, where it is named first.
    let named = users.iter().filter_map(|user| times.remove(&user.name).map(|n| (&user.name, n)));
    let results = named.map(|(user, times)| result(user, times)).collect();
    Ok(to.reply(&DescribeUserScramCredentialsResponse::default().with_results(results)))
}

fn result(user: &StrBytes, times: usize) -> DescribeUserScramCredentialsResult {
    let (error, message) = if times > 1 {
        let message =
            "Cannot describe SCRAM credentials for the same user twice in a single request";
        (ErrorCode::DuplicateResource, message)
    } else {
        let message = "Attempt to describe a user credential that does not exist";
        (ErrorCode::ResourceNotFound, message)
    };
    DescribeUserScramCredentialsResult::default()
        .with_user(user.clone())
        .with_error_code(error.code())
        .with_error_message(Some(strbytes(&format!("{message}: {user}"))))
}
