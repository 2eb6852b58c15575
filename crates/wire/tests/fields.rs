//! The table of fields against frames that Kafka's own classes wrote: every message, every version.

mod support;

use bytes::BytesMut;
use support::{Golden, Variant, golden};
use tidegate_wire::fields::{Entity, Value, decode_request, decode_response};
use tidegate_wire::header::decode_request_header;

fn decoded(golden: &Golden) -> Value {
    let decoded = if golden.is_request {
        let mut frame = BytesMut::from(&golden.frame[..]);
        decode_request_header(&mut frame).expect("golden headers are whole");
        decode_request(golden.api_key, golden.version, &mut &frame[..])
    } else {
        decode_response(golden.api_key, golden.version, &mut &golden.frame[..])
    };
    decoded.unwrap_or_else(|error| panic!("{golden}: {error}"))
}

#[test]
fn every_frame_is_read_to_its_last_byte_and_each_text_under_its_own_name() {
    let mut texts = 0;
    for golden in golden() {
        decoded(&golden).visit(&mut |field| {
            let mut names = Vec::new();
            match &field.value {
                Value::Text(text) => names.push(text),
                Value::List { items, omitted: 0 } => names.extend(items.iter().filter_map(text)),
                _ => {}
            }
            for name in names {
                assert!(name.starts_with(field.name), "{golden}: {name} in {}", field.name);
                texts += 1;
            }
        });
    }
    assert!(texts > 1_000, "{texts}");
}

fn text(value: &Value) -> Option<&String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

#[test]
fn a_frame_that_is_cut_off_anywhere_is_an_error() {
    for golden in golden().iter().filter(|golden| !golden.is_request) {
        for len in 0..golden.frame.len() {
            let mut cut = &golden.frame[..len];
            let decoded = decode_response(golden.api_key, golden.version, &mut cut);
            assert!(decoded.is_err(), "{golden}: {len} bytes");
        }
    }
}

#[test]
fn groups_and_topics_are_marked() {
    let of = |api: &str, request: bool, entity: Entity| {
        let golden = golden();
        let full = golden.iter().filter(|golden| golden.variant == Variant::Full);
        let mut of = full.filter(|golden| golden.name == api && golden.is_request == request);
        let mut found = false;
        of.next().map(decoded).expect("a frame").visit(&mut |field| {
            found |= field.entity == entity && matches!(field.value, Value::Text(_));
        });
        found
    };
    for api in ["OffsetCommit", "OffsetFetch", "JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup"]
    {
        assert!(of(api, true, Entity::Group), "{api}");
    }
    for api in ["Produce", "Fetch", "ListOffsets", "OffsetCommit", "OffsetFetch", "CreateTopics"] {
        assert!(of(api, true, Entity::Topic), "{api}");
    }
}
