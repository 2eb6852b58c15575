//! That messages are what they should be: read back by decoders that share nothing with the
//! encoders, where there are any.

use super::*;
use crate::plan::Format;
use std::sync::Arc;

const RUN: u64 = 0x0123_4567_89ab_cdef;
const DUE_US: i64 = 1_795_284_000_123_456;

fn plan(format: Format, bytes: u32) -> Plan {
    let mut plan = Plan::preset("default").unwrap();
    (plan.formats, plan.bytes) = (vec![format], bytes);
    plan
}

fn encoder(plan: &Plan) -> Encoder {
    Encoder::new(Run::new(plan, RUN, SchemaIds::made_up(plan)))
}

/// Producers and counters where the lengths of numbers change.
fn corners() -> impl Iterator<Item = (u32, u64)> {
    let counters = [0, 1, 63, 64, 127, 128, 8191, 8192, 999_999, 1 << 20, COUNTER_MAX - 1];
    counters.into_iter().flat_map(|counter| [0, 1, 9, 64, 200].map(|producer| (producer, counter)))
}

#[test]
fn a_value_has_exactly_the_bytes_that_were_asked_for() {
    for format in Format::ALL {
        let mut smallest = plan(*format, 0);
        (smallest.rate, smallest.producers) = (0.0, 201);
        let min = value_bytes_min(&smallest);
        // Paddings around 64, 128, 8192 and 16384 bytes have longer lengths before them.
        let around = |middle: u32| middle.saturating_sub(20).max(min)..middle + 260;
        for bytes in [around(0), around(min), around(8192), around(16384)].into_iter().flatten() {
            let mut encoder = encoder(&plan(*format, bytes));
            for (producer, counter) in corners() {
                let record = encoder.encode(producer, counter, DUE_US);
                assert_eq!(record.value.len(), bytes as usize, "{format:?} {producer} {counter}");
            }
        }
    }
}

#[test]
fn a_value_decodes_to_its_record() {
    for (format, compressible) in Format::ALL.iter().flat_map(|f| [(*f, true), (*f, false)]) {
        let mut plan = plan(format, 700);
        (plan.compressible, plan.headers) = (compressible, 3);
        let mut encoder = encoder(&plan);
        for (producer, counter) in corners() {
            let record = encoder.encode(producer, counter, DUE_US);
            let message = decode(format, record.value).unwrap();
            assert_eq!(message.id, format!("0123456789abcdef-{producer}-{counter}"));
            assert_eq!(message.timestamp, DUE_US);
            assert_eq!(message.producer_id, producer as i32);
            assert_eq!(message.counter, counter as i64);
            assert!(message.user_id.starts_with("user-"));
            assert!(message.intact());
            assert_eq!(record.timestamp_ms, DUE_US / 1000);
            let claim = Claim { run: RUN, producer, counter, timestamp_us: DUE_US };
            assert_eq!(Claim::of_value(format, record.value), Some(claim));
            assert_eq!(Claim::of_header(&record.headers[0].1), Some(claim));
            assert_eq!(record.headers[1].1, format.name().as_bytes());
            assert_eq!(record.headers.len(), 3);
        }
    }
}

/// prost reads what it wrote itself in the tests above; here it also writes, and must agree.
#[test]
fn a_protobuf_value_is_what_prost_writes() {
    let mut encoder = encoder(&plan(Format::Protobuf, 9000));
    for (producer, counter) in corners() {
        let value = encoder.encode(producer, counter, DUE_US).value.to_vec();
        let message = decode(Format::Protobuf, &value).unwrap();
        assert_eq!(prost::Message::encode_to_vec(&message), value[6..]);
    }
}

#[test]
fn keys_are_framed_with_their_own_schema() {
    for format in Format::ALL {
        let mut encoder = encoder(&plan(*format, 700));
        let record = encoder.encode(2, 4, DUE_US);
        assert_eq!(record.topic, 1);
        assert_eq!(schema_id(record.key), Some(3));
        assert_eq!(schema_id(record.value), Some(4));
        let user = decode(*format, record.value).unwrap().user_id;
        let expected = match format {
            Format::Avro => format!("\x16{user}"),
            Format::Json => format!("\"{user}\""),
            Format::Protobuf => format!("\0\x0a\x0b{user}"),
        };
        assert_eq!(&record.key[5..], expected.as_bytes());
    }
}

#[test]
fn a_record_is_a_pure_function_of_its_place() {
    let plan = plan(Format::Json, 700);
    let (mut one, mut two) = (encoder(&plan), encoder(&plan));
    let own = |record: Encoded<'_>| (record.key.to_vec(), record.value.to_vec());
    let first = own(one.encode(1, 2, DUE_US));
    two.encode(5, 6, DUE_US + 1);
    assert_eq!(own(two.encode(1, 2, DUE_US)), first);
    assert_ne!(own(two.encode(1, 3, DUE_US)), first);
    let other = Encoder::new(Run::new(&plan, RUN + 1, SchemaIds::made_up(&plan)));
    assert_ne!(own({ other }.encode(1, 2, DUE_US)), first);
}

/// Any single byte that changes is either no message any more, or its checksum tells.
#[test]
fn no_changed_byte_leaves_a_message_intact() {
    for format in Format::ALL {
        let mut encoder = encoder(&plan(*format, 300));
        let value = encoder.encode(3, 77, DUE_US).value.to_vec();
        let whole = decode(*format, &value).unwrap();
        for at in 5..value.len() {
            let mut changed = value.clone();
            changed[at] ^= 1;
            let Ok(message) = decode(*format, &changed) else { continue };
            // prost forgives a wrong length of an entry of a map.
            let Some((expected, found)) = difference(&whole, &message) else {
                assert_eq!(*format, Format::Protobuf, "byte {at}");
                continue;
            };
            assert_ne!(expected, found);
            // The producer and the counter stand in the id as well, and fill is only filling.
            let repeated = message.producer_id != whole.producer_id
                || message.counter != whole.counter
                || message.properties.get("fill") != whole.properties.get("fill");
            assert!(repeated || !message.intact(), "{format:?} byte {at}");
        }
    }
}

#[test]
fn bytes_that_are_no_message_are_refused_and_never_panic() {
    for format in Format::ALL {
        let mut encoder = encoder(&plan(*format, 300));
        let value = encoder.encode(3, 77, DUE_US).value.to_vec();
        for end in 0..value.len() {
            // In Protobuf, what is left of a message can be one.
            let cut = decode(*format, &value[..end]);
            assert!(!cut.is_ok_and(|message| message.intact()), "{format:?} {end}");
            let _ = Claim::of_value(*format, &value[..end]);
        }
        for seed in 0..2000u64 {
            let mut noise = vec![0; 5];
            noise.extend((0..40u64).map(|n| content::mix(seed << 8 | n) as u8));
            let _ = (decode(*format, &noise), Claim::of_value(*format, &noise));
        }
    }
    assert_eq!(Claim::of_header(b"0123456789abcdef-1-2"), None);
    assert_eq!(Claim::of_header(b"-"), None);
    assert_eq!(Claim::of_header(b"0123456789abcdef-1-99999999999999999999-5"), None);
}

#[test]
fn a_difference_is_shown_from_where_values_part() {
    let mut one = LoadTestMessage { id: "run-1-2".to_owned(), ..Default::default() };
    one.properties.insert("pad".to_owned(), "a".repeat(300));
    let mut two = one.clone();
    two.properties.insert("pad".to_owned(), "a".repeat(100) + "b" + &"a".repeat(199));
    let (expected, found) = difference(&one, &two).unwrap();
    assert_eq!(expected, format!("properties.pad=...{}...", "a".repeat(48)));
    assert_eq!(found, format!("properties.pad=...{}b{}...", "a".repeat(8), "a".repeat(39)));
    two.properties.insert("new".to_owned(), String::new());
    assert_eq!(difference(&one, &two).unwrap().1, "2 properties");
    assert_eq!(difference(&one, &one), None);
}

#[test]
fn records_are_due_at_the_rate_and_producers_take_turns() {
    let mut plan = plan(Format::Avro, 700);
    (plan.producers, plan.rate) = (4, 1000.0);
    let run: Arc<Run> = Run::new(&plan, RUN, SchemaIds::made_up(&plan));
    assert_eq!(run.due_ns(0, 0), 0);
    assert_eq!(run.due_ns(1, 0), 250_000);
    assert_eq!(run.due_ns(0, 1), 1_000_000);
    assert_eq!(run.due_ns(3, 864_000_000), 864_000_000_750_000);
}
