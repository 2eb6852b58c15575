//! AlterClientQuotas and DescribeClientQuotas in detail: entities of two parts, addresses, numbers
//! that are none, and what each filter finds. What quotas do is in `quotas`.

use crate::admin::until;
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, DescribeClientQuotasRequest, DescribeClientQuotasResponse,
};

scenarios![
    quotas_of_a_user_with_a_client_are_of_both_together,
    quotas_of_an_address_limit_connections,
    a_quota_that_is_no_whole_number,
    a_quota_that_is_no_number,
    an_entity_of_one_type_twice,
    an_empty_name_is_refused,
    an_entity_without_changes,
    no_entities_are_answered_with_none,
    one_wrong_quota_keeps_the_others_from_being_set,
    a_filter_by_name_finds_that_name_only,
    a_filter_that_is_not_strict_finds_more_of_the_entity,
    a_filter_for_any_name_finds_all,
    a_filter_for_the_default_finds_no_names,
    a_filter_by_a_name_that_is_null,
    a_filter_of_an_address_beside_a_user,
    a_filter_for_what_has_no_quotas_finds_nothing,
];

type Entity<'a> = &'a [(&'a str, Option<&'a str>)];
type Op<'a> = (&'a str, Option<f64>);

const PRODUCE: &str = "producer_byte_rate";
const CONSUME: &str = "consumer_byte_rate";

fn entry(entity: Entity<'_>, ops: &[Op<'_>]) -> EntryData {
    let entity = entity.iter().map(|(kind, name)| {
        EntityData::default().with_entity_type(text(kind)).with_entity_name(name.map(text))
    });
    let ops = ops.iter().map(|(key, value)| {
        let op = OpData::default().with_key(text(key)).with_remove(value.is_none());
        op.with_value(value.unwrap_or(0.0))
    });
    EntryData::default().with_entity(entity.collect()).with_ops(ops.collect())
}

fn alter(entries: Vec<EntryData>) -> AlterClientQuotasRequest {
    AlterClientQuotasRequest::default().with_entries(entries)
}

/// Alters the quotas of one entity and shows what is answered.
async fn answers(
    client: &mut Client,
    version: i16,
    error: ErrorCode,
    entity: Entity<'_>,
    ops: &[Op<'_>],
) {
    let response = client.call(version, &alter(vec![entry(entity, ops)])).await;
    expect(response.entries[0].error_code, error);
}

/// Sets quotas of an entity without a word in the transcript, and waits until they are told.
async fn given(client: &mut Client, entity: Entity<'_>, ops: &[Op<'_>]) {
    let response = client.ask(1, &alter(vec![entry(entity, ops)])).await;
    expect(response.entries[0].error_code, ErrorCode::None);
    until_there_are(client, 1, entity, ops.len()).await;
}

const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const ANY: i8 = 2;

fn component(kind: &str, how: i8, name: Option<&str>) -> ComponentData {
    let mut component = ComponentData::default().with_entity_type(text(kind)).with_match_type(how);
    component._match = name.map(text);
    component
}

fn describe(components: Vec<ComponentData>, strict: bool) -> DescribeClientQuotasRequest {
    DescribeClientQuotasRequest::default().with_components(components).with_strict(strict)
}

/// Puts entries, entities and values in order: Kafka tells them in none.
fn in_order(mut response: DescribeClientQuotasResponse) -> DescribeClientQuotasResponse {
    for entry in response.entries.iter_mut().flatten() {
        entry.entity.sort_by_key(|row| row.entity_type.clone());
        entry.values.sort_by_key(|row| row.key.clone());
    }
    if let Some(entries) = &mut response.entries {
        entries.sort_by_key(|entry| {
            let names = entry.entity.iter().map(|row| row.entity_name.clone());
            names.collect::<Vec<_>>()
        });
    }
    response
}

/// Describes just this entity until it has so many quotas.
async fn until_there_are(
    client: &mut Client,
    version: i16,
    entity: Entity<'_>,
    count: usize,
) -> DescribeClientQuotasResponse {
    let components = entity.iter().map(|(kind, name)| match name {
        Some(name) => component(kind, EXACT, Some(name)),
        None => component(kind, DEFAULT, None),
    });
    let request = describe(components.collect(), true);
    let answer = until(client, version, &request, |answer| {
        let entries = answer.entries.iter().flatten();
        answer.error_code == 0 && entries.map(|entry| entry.values.len()).sum::<usize>() == count
    });
    in_order(answer.await)
}

async fn records_what_there_is(
    client: &mut Client,
    version: i16,
    entity: Entity<'_>,
    count: usize,
) {
    let response = until_there_are(client, version, entity, count).await;
    client.record("> DescribeClientQuotas", &response);
}

/// An address that no client has.
fn address(client: &Client) -> String {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    let address = format!("10.{}.{}.{}", bytes[0], bytes[1], bytes[2]);
    client.transcript().alias(&address, "an address");
    address
}

// ---------------------------------------------------------------------- set and removed

async fn quotas_of_a_user_with_a_client_are_of_both_together(mut client: Client) {
    for version in client.each(0..=1) {
        let (user, id) = (client.unique("u"), client.unique("c"));
        let both = &[("user", Some(&user[..])), ("client-id", Some(&id[..]))];
        answers(&mut client, version, ErrorCode::None, both, &[(PRODUCE, Some(7.0))]).await;
        records_what_there_is(&mut client, version, both, 1).await;
        records_what_there_is(&mut client, version, &both[..1], 0).await;
        records_what_there_is(&mut client, version, &both[1..], 0).await;
    }
}

async fn quotas_of_an_address_limit_connections(mut client: Client) {
    for version in client.each(0..=1) {
        let address = address(&client);
        let entity = &[("ip", Some(&address[..]))];
        let rate = "connection_creation_rate";
        answers(&mut client, version, ErrorCode::None, entity, &[(rate, Some(100.0))]).await;
        records_what_there_is(&mut client, version, entity, 1).await;
    }
}

// ---------------------------------------------------------------------- what is refused

/// Shows in both versions that a user does not take these quotas.
async fn are_refused(mut client: Client, error: ErrorCode, ops: &[Op<'_>]) {
    let name = client.unique("n");
    let entity = &[("user", Some(&name[..]))];
    for version in client.each(0..=1) {
        answers(&mut client, version, error, entity, ops).await;
    }
    records_what_there_is(&mut client, 1, entity, 0).await;
}

async fn a_quota_that_is_no_whole_number(mut client: Client) {
    let name = client.unique("n");
    for version in client.each(0..=1) {
        for (key, value) in [(PRODUCE, 1.5), (CONSUME, 0.1), ("controller_mutation_rate", 1.5)] {
            let entity = &[("user", Some(&name[..]))];
            let request = alter(vec![entry(entity, &[(key, Some(value))])]);
            client.call(version, &request.with_validate_only(true)).await;
        }
    }
}

async fn a_quota_that_is_no_number(mut client: Client) {
    let name = client.unique("n");
    for version in client.each(0..=1) {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            for key in [PRODUCE, "request_percentage"] {
                client.note(&format!("{key} {value}"));
                let entity = &[("user", Some(&name[..]))];
                let request = alter(vec![entry(entity, &[(key, Some(value))])]);
                client.call(version, &request.with_validate_only(true)).await;
            }
        }
    }
}

async fn an_entity_of_one_type_twice(mut client: Client) {
    let (one, other) = (client.unique("one"), client.unique("other"));
    for version in client.each(0..=1) {
        let entity = &[("user", Some(&one[..])), ("user", Some(&other[..]))];
        let request = alter(vec![entry(entity, &[(PRODUCE, Some(1e9))])]);
        client.call(version, &request.with_validate_only(true)).await;
    }
}

async fn an_empty_name_is_refused(mut client: Client) {
    for version in client.each(0..=1) {
        for kind in ["user", "client-id", "ip"] {
            let key = if kind == "ip" { "connection_creation_rate" } else { PRODUCE };
            let request = alter(vec![entry(&[(kind, Some(""))], &[(key, Some(1e9))])]);
            client.call(version, &request.with_validate_only(true)).await;
        }
    }
}

async fn an_entity_without_changes(mut client: Client) {
    let name = client.unique("n");
    for version in client.each(0..=1) {
        client.call(version, &alter(vec![entry(&[("user", Some(&name[..]))], &[])])).await;
    }
}

async fn no_entities_are_answered_with_none(mut client: Client) {
    for version in client.each(0..=1) {
        assert!(client.call(version, &alter(Vec::new())).await.entries.is_empty());
    }
}

async fn one_wrong_quota_keeps_the_others_from_being_set(client: Client) {
    let ops = [(PRODUCE, Some(1.0)), ("no_such_rate", Some(1.0))];
    are_refused(client, ErrorCode::InvalidRequest, &ops).await;
}

// ---------------------------------------------------------------------- filters

/// Describes by these components and records what is told of entities whose names begin so.
async fn finds(
    client: &mut Client,
    version: i16,
    components: Vec<ComponentData>,
    strict: bool,
    own: &[&str],
) {
    let mut response = client.ask(version, &describe(components, strict)).await;
    if let Some(entries) = &mut response.entries {
        entries.retain(|entry| {
            let mut names = entry.entity.iter().flat_map(|row| row.entity_name.as_deref());
            names.any(|name| own.contains(&name))
        });
    }
    client.record("> DescribeClientQuotas", &in_order(response));
}

async fn a_filter_by_name_finds_that_name_only(mut client: Client) {
    let (one, other) = (client.unique("one"), client.unique("other"));
    for name in [&one, &other] {
        given(&mut client, &[("user", Some(name))], &[(PRODUCE, Some(1.0))]).await;
    }
    for version in client.each(0..=1) {
        for strict in [true, false] {
            let components = vec![component("user", EXACT, Some(&one))];
            finds(&mut client, version, components, strict, &[&one, &other]).await;
        }
    }
}

async fn a_filter_that_is_not_strict_finds_more_of_the_entity(mut client: Client) {
    let (user, id) = (client.unique("u"), client.unique("c"));
    let both = &[("user", Some(&user[..])), ("client-id", Some(&id[..]))];
    for entity in [&both[..], &both[..1], &both[1..]] {
        given(&mut client, entity, &[(PRODUCE, Some(1.0))]).await;
    }
    for version in client.each(0..=1) {
        for strict in [true, false] {
            for kind in [("user", &user), ("client-id", &id)] {
                let components = vec![component(kind.0, EXACT, Some(kind.1))];
                finds(&mut client, version, components, strict, &[&user, &id]).await;
            }
        }
    }
}

async fn a_filter_for_any_name_finds_all(mut client: Client) {
    let (one, other, id) = (client.unique("one"), client.unique("other"), client.unique("id"));
    for name in [&one, &other] {
        given(&mut client, &[("user", Some(name))], &[(PRODUCE, Some(1.0))]).await;
    }
    let entity = &[("client-id", Some(&id[..]))];
    given(&mut client, entity, &[(PRODUCE, Some(1.0))]).await;
    for version in client.each(0..=1) {
        let own: &[&str] = &[&one, &other, &id];
        for strict in [true, false] {
            let components = vec![component("user", ANY, None)];
            finds(&mut client, version, components, strict, own).await;
        }
        finds(&mut client, version, Vec::new(), false, own).await;
        finds(&mut client, version, Vec::new(), true, own).await;
    }
}

async fn a_filter_for_the_default_finds_no_names(mut client: Client) {
    let name = client.unique("n");
    given(&mut client, &[("user", Some(&name))], &[(PRODUCE, Some(1.0))]).await;
    for version in client.each(0..=1) {
        let components = vec![component("user", DEFAULT, None)];
        finds(&mut client, version, components, false, &[&name]).await;
    }
}

async fn a_filter_by_a_name_that_is_null(mut client: Client) {
    let name = client.unique("n");
    given(&mut client, &[("user", Some(&name))], &[(PRODUCE, Some(1.0))]).await;
    for version in client.each(0..=1) {
        finds(&mut client, version, vec![component("user", EXACT, None)], false, &[&name]).await;
        // A name beside a way to match that needs none.
        for how in [DEFAULT, ANY] {
            let components = vec![component("user", how, Some(&name))];
            finds(&mut client, version, components, false, &[&name]).await;
        }
    }
}

async fn a_filter_of_an_address_beside_a_user(mut client: Client) {
    for version in client.each(0..=1) {
        let components =
            vec![component("user", EXACT, Some("n")), component("ip", EXACT, Some("1.2.3.4"))];
        client.call(version, &describe(components, false)).await;
    }
}

async fn a_filter_for_what_has_no_quotas_finds_nothing(mut client: Client) {
    let name = client.unique("n");
    for version in client.each(0..=1) {
        for kind in ["user", "client-id", "ip"] {
            let components = vec![component(kind, EXACT, Some(&name))];
            client.call(version, &describe(components, true)).await;
        }
    }
}
