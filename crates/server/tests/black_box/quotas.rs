//! Client quotas: altered, described and kept. What they do is in `throttling.rs`.

use crate::common::{Gateway, RawClient, code, text};
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::{AlterClientQuotasRequest, DescribeClientQuotasRequest};
use std::sync::Arc;
use tidegate_broker::quota::QuotaKind;
use tidegate_log::MemoryStore;
use tidegate_model::ErrorCode;
use tidegate_server::Limits;

pub type Entity<'a> = &'a [(&'a str, Option<&'a str>)];

const PRODUCER: &str = "producer_byte_rate";
const CLIENT: Entity<'_> = &[("client-id", Some("raw"))];

fn entry(entity: Entity<'_>, ops: &[(&str, Option<f64>)]) -> EntryData {
    let parts = entity.iter().map(|(kind, name)| {
        EntityData::default().with_entity_type(text(kind)).with_entity_name(name.map(text))
    });
    let ops = ops.iter().map(|(key, value)| {
        let op = OpData::default().with_key(text(key)).with_remove(value.is_none());
        op.with_value(value.unwrap_or(0.0))
    });
    EntryData::default().with_entity(parts.collect()).with_ops(ops.collect())
}

async fn alter(
    client: &mut RawClient,
    version: i16,
    entries: Vec<EntryData>,
) -> Vec<(ErrorCode, Option<String>)> {
    let request = AlterClientQuotasRequest::default().with_entries(entries);
    let response = client.call(version, &request).await;
    let row = |row: &kafka_protocol::messages::alter_client_quotas_response::EntryData| {
        (code(row.error_code), row.error_message.as_ref().map(ToString::to_string))
    };
    response.entries.iter().map(row).collect()
}

/// Sets one quota, or removes it; it must be taken.
pub async fn set(gateway: &Gateway, entity: Entity<'_>, key: &str, value: Option<f64>) {
    let rows = alter(&mut gateway.client().await, 1, vec![entry(entity, &[(key, value)])]).await;
    assert_eq!(rows, [(ErrorCode::None, None)]);
}

/// Entities as "client-id=raw,user=" with their quotas as "producer_byte_rate=1".
async fn describe(
    client: &mut RawClient,
    version: i16,
    components: &[(&str, i8, Option<&str>)],
    strict: bool,
) -> Result<Vec<String>, (ErrorCode, String)> {
    let components = components.iter().map(|(kind, match_type, name)| {
        let component = ComponentData::default().with_entity_type(text(kind));
        component.with_match_type(*match_type).with_match(name.map(text))
    });
    let request = DescribeClientQuotasRequest::default()
        .with_components(components.collect())
        .with_strict(strict);
    let response = client.call(version, &request).await;
    let Some(entries) = response.entries else {
        let message = response.error_message.expect("an error has words");
        return Err((code(response.error_code), message.to_string()));
    };
    assert_eq!(code(response.error_code), ErrorCode::None);
    let described = entries.iter().map(|entry| {
        let parts = entry.entity.iter().map(|part| {
            format!("{}={}", part.entity_type, part.entity_name.as_deref().unwrap_or(""))
        });
        let values = entry.values.iter().map(|value| format!("{}={}", value.key, value.value));
        format!("{}: {}", words(parts), words(values))
    });
    Ok(described.collect())
}

fn words(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn quotas_are_described_as_they_were_set_in_every_version() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    let both: Entity<'_> = &[("user", Some("u")), ("client-id", None)];
    for version in 0..=1 {
        let entries = vec![
            entry(CLIENT, &[(PRODUCER, Some(1e6)), ("request_percentage", Some(12.5))]),
            entry(both, &[("consumer_byte_rate", Some(2e6))]),
            entry(&[("group", None)], &[(PRODUCER, Some(1.0))]),
        ];
        let message = "Unhandled client quota entity type: group".to_owned();
        let refused = (ErrorCode::InvalidRequest, Some(message));
        let taken = (ErrorCode::None, None);
        assert_eq!(alter(&mut client, version, entries).await, [taken.clone(), taken, refused]);
        let raw = "client-id=raw: producer_byte_rate=1000000,request_percentage=12.5";
        let pair = "client-id=,user=u: consumer_byte_rate=2000000";
        for (components, strict, expected) in [
            (&[][..], false, vec![pair, raw]),
            (&[], true, vec![]),
            (&[("client-id", 0, Some("raw"))], false, vec![raw]),
            (&[("client-id", 1, None)], false, vec![pair]),
            (&[("client-id", 1, None)], true, vec![]),
            (&[("client-id", 2, None)], false, vec![pair, raw]),
            (&[("client-id", 2, None)], true, vec![raw]),
            (&[("client-id", 1, None), ("user", 2, None)], true, vec![pair]),
            (&[("user", 0, Some("v"))], false, vec![]),
        ] {
            let described = describe(&mut client, version, components, strict).await;
            let described = described.expect("the filter is good");
            assert_eq!(described, expected, "{components:?} strict {strict}");
        }
    }
}

#[tokio::test]
async fn filters_that_make_no_sense_are_refused_in_kafkas_words() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    for (components, error, message) in [
        (&[("", 0, Some("u"))][..], ErrorCode::InvalidRequest, "Invalid empty entity type."),
        (&[("group", 0, None)], ErrorCode::UnsupportedVersion, "Unsupported entity type group"),
        (
            &[("user", 0, Some("u")), ("user", 2, None)],
            ErrorCode::InvalidRequest,
            "Entity type user cannot appear more than once in the filter.",
        ),
        (
            &[("user", 0, None)],
            ErrorCode::InvalidRequest,
            "Request specified MATCH_TYPE_EXACT, but set match string to null.",
        ),
        (
            &[("user", 1, Some("u"))],
            ErrorCode::InvalidRequest,
            "Request specified MATCH_TYPE_DEFAULT, but also specified a match string.",
        ),
        (
            &[("user", 2, Some("u"))],
            ErrorCode::InvalidRequest,
            "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.",
        ),
        (&[("user", 3, None)], ErrorCode::InvalidRequest, "Unknown match type 3"),
        (
            &[("ip", 2, None), ("client-id", 0, Some("c"))],
            ErrorCode::InvalidRequest,
            "Invalid entity filter component combination. IP filter component should not be used \
             with user or clientId filter component.",
        ),
    ] {
        let refused = describe(&mut client, 1, components, false).await;
        assert_eq!(refused, Err((error, message.to_owned())), "{components:?}");
    }
}

#[tokio::test]
async fn a_restart_keeps_quotas_and_forgets_removed_ones() {
    let store = Arc::new(MemoryStore::new());
    let gateway = Gateway::on(store.clone(), &[], Limits::default()).await;
    set(&gateway, CLIENT, PRODUCER, Some(1e6)).await;
    set(&gateway, CLIENT, "consumer_byte_rate", Some(1e6)).await;
    set(&gateway, CLIENT, "consumer_byte_rate", None).await;
    gateway.stop().await;
    let gateway = Gateway::on(store, &[], Limits::default()).await;
    let active = gateway.broker.quotas().active();
    assert!(active.has(QuotaKind::Produce) && !active.has(QuotaKind::Fetch), "{active:?}");
    let described = describe(&mut gateway.client().await, 1, &[], false).await;
    assert_eq!(described, Ok(vec!["client-id=raw: producer_byte_rate=1000000".to_owned()]));
}
