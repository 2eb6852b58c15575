//! DescribeUserScramCredentials where nobody has credentials: everybody is absent, by name.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::DescribeUserScramCredentialsRequest;
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;

scenarios![
    without_names_nobody_is_described,
    users_without_credentials_do_not_exist,
    a_user_named_twice_is_refused_once,
];

fn describe(users: Option<&[&str]>) -> DescribeUserScramCredentialsRequest {
    let users = users
        .map(|users| users.iter().map(|user| UserName::default().with_name(text(user))).collect());
    DescribeUserScramCredentialsRequest::default().with_users(users)
}

async fn without_names_nobody_is_described(mut client: Client) {
    for users in [None, Some(&[][..])] {
        let response = client.call(0, &describe(users)).await;
        expect(response.error_code, ErrorCode::None);
        assert!(response.results.is_empty());
    }
}

/// The results by user, for Kafka promises no order of them.
async fn described(client: &mut Client, users: &[&str]) -> Vec<(String, ErrorCode)> {
    let mut response = client.ask(0, &describe(Some(users))).await;
    response.results.sort_by_key(|result| result.user.to_string());
    client.record("> DescribeUserScramCredentials", &response);
    expect(response.error_code, ErrorCode::None);
    let results = response.results.iter();
    results.map(|result| (result.user.to_string(), code(result.error_code))).collect()
}

async fn users_without_credentials_do_not_exist(mut client: Client) {
    let (one, other) = (client.unique("u"), client.unique("v"));
    let results = described(&mut client, &[&other, &one, ""]).await;
    let absent = ["", &one, &other].map(|user| (user.to_owned(), ErrorCode::ResourceNotFound));
    assert_eq!(results, absent);
}

async fn a_user_named_twice_is_refused_once(mut client: Client) {
    let (twice, once) = (client.unique("u"), client.unique("v"));
    let results = described(&mut client, &[&twice, &once, &twice, &twice]).await;
    let refused = (twice, ErrorCode::DuplicateResource);
    assert_eq!(results, [refused, (once, ErrorCode::ResourceNotFound)]);
}
