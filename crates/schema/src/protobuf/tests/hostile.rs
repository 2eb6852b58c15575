//! Texts that ask for more than they are worth: they are refused, or answered at once.

use super::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// A server's answer must not take a second; an unoptimized test on a busy machine may take longer.
const TIME_MAX: Duration = Duration::from_secs(15);

/// Less than a thread of a server has.
const STACK_BYTES: usize = 1 << 20;

/// What becomes of `text` in a thread with little stack.
#[track_caller]
fn outcome(text: String) -> Result<(), SchemaError> {
    let work = move || {
        let started = Instant::now();
        let schema = parse(&text);
        let result = schema.and_then(|schema| {
            schema.formatted("serialized");
            schema.incompatibilities(&schema, &Limits::default()).map(drop)
        });
        assert!(started.elapsed() < TIME_MAX, "it took {:?}", started.elapsed());
        result
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    thread.expect("a thread can be started").join().expect("it does not panic")
}

#[track_caller]
fn is_too_expensive(text: String) {
    let outcome = outcome(text);
    assert!(matches!(outcome, Err(SchemaError::TooExpensive(_))), "{outcome:?}");
}

fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

#[test]
fn what_is_nested_as_deep_as_allowed_is_answered() {
    let levels = super::super::reader::DEPTH_MAX;
    outcome(nested("message M{", "", "}", levels)).expect("it is allowed");
    outcome(format!("option o = {};", nested("[", "1", "]", levels))).expect("it is allowed");
    outcome(format!("option o = {};", nested("{a:", "1", "}", levels))).expect("it is allowed");
    let inner = nested("map<int32,", "int32", ">", levels - 1);
    outcome(format!("message M {{ {inner} m = 1; }}")).expect("it is allowed");
    let path = vec!["a"; levels].join(".");
    outcome(format!("option (o).{path} = 1;")).expect("it is allowed");
}

#[test]
fn what_is_nested_deeper_is_refused() {
    for levels in [1_000, 100_000] {
        is_too_expensive(nested("message M{", "", "}", levels));
        is_too_expensive(nested("message M{", "", "", levels));
        is_too_expensive(format!("option o = {};", nested("[", "1", "]", levels)));
        is_too_expensive(format!("option o = {};", nested("{a:", "1", "}", levels)));
        is_too_expensive(format!("option o = {};", nested("{a", "{}", "}", levels)));
        is_too_expensive(format!(
            "message M {{ {} m = 1; }}",
            nested("map<int32,", "int32", ">", levels)
        ));
        is_too_expensive(format!("option (o){} = 1;", ".a".repeat(levels)));
        is_too_expensive(format!(
            "message M {{ {}",
            nested("optional group G = 1 {", "", "}", levels)
        ));
    }
}

#[test]
fn a_descriptor_that_is_nested_deeper_is_refused() {
    use super::super::descriptor::encode_bytes;
    let mut message = vec![0x0a, 1, b'M'];
    for _ in 0..1_000 {
        let mut outer = vec![0x0a, 1, b'M', 0x1a];
        let mut length = message.len();
        while length >= 0x80 {
            outer.push(length as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend(&message);
        message = outer;
    }
    let mut file = vec![0x22];
    let length = message.len();
    file.extend([length as u8 | 0x80, (length >> 7) as u8]);
    file.extend(message);
    assert!(outcome(encode_bytes(&file)).is_err());
}

#[test]
fn indentation_does_not_make_a_text_a_thousand_times_longer() {
    let fields = "int32 a=1;".repeat(90_000);
    let text = format!("syntax=\"proto3\";{}", nested("message M{", &fields, "}", 99));
    is_too_expensive(text);
}

#[test]
fn long_names_are_not_repeated_without_limit() {
    let package = vec!["a"; 250_000].join(".");
    let messages: String = (0..30_000).map(|at| format!("message M{at}{{}}")).collect();
    is_too_expensive(format!("package {package}; {messages}"));
    let fields: String = (0..10_000).map(|at| format!("Missing f{at}={at};")).collect();
    is_too_expensive(format!("syntax=\"proto3\"; package {package}; message M {{ {fields} }}"));
}

#[test]
fn an_option_that_is_set_again_and_again_is_refused() {
    let extend = "extend google.protobuf.FileOptions { optional M o = 5000; } message M {}";
    let settings: String = (0..50_000).map(|at| format!("option (o).a = {at};")).collect();
    is_too_expensive(format!("{extend} {settings}"));
    let fields: String = (0..50_000).map(|at| format!("a.b{at}: 1 ")).collect();
    outcome(format!("option o = {{ {fields} }};")).expect("it is large and plain");
}

#[test]
fn many_fields_are_answered() {
    let fields: String = (1..40_000).map(|at| format!("int32 f{at} = {at};\n")).collect();
    outcome(format!("syntax=\"proto3\"; message M {{ {fields} }}")).expect("it is large and plain");
    let constants: String = (0..40_000).map(|at| format!("C{at} = {at};\n")).collect();
    outcome(format!("enum E {{ {constants} }}")).expect("it is large and plain");
}

#[test]
fn a_map_entry_of_itself_is_refused() {
    let text = "syntax = \"proto3\"; message M { repeated E a = 1; message E { option map_entry = true; \
                string key = 1; E value = 2; } }";
    let outcome = outcome(text.to_owned());
    assert!(matches!(outcome, Err(SchemaError::TooExpensive(_))), "{outcome:?}");
}

#[test]
fn messages_of_other_files_are_not_compared_exponentially() {
    let chain = |kind: &str, length: usize| {
        let message =
            |at: usize| format!("message A{at} {{ A{n} a = 1; A{n} b = 2; }}", n = at + 1);
        let chain: String = (0..length).map(message).collect();
        format!("syntax = \"proto3\"; package o; {chain} message A{length} {{ {kind} x = 1; }}")
    };
    let schema = |kind, length, version| {
        let text = chain(kind, length);
        let reference = Reference { name: "o", subject: "o", version, text: &text, direct: true };
        let user = "syntax = \"proto3\"; message M { .o.A0 a = 1; }";
        ProtobufSchema::parse(user, &[reference], &Limits::default()).expect("it is a schema")
    };
    let differences = |length| {
        let (old, new) = (schema("int32", length, 1), schema("string", length, 2));
        new.incompatibilities(&old, &Limits::default())
    };
    // One reason at the end of the chain, two for each message on the way, one for the field of M.
    for length in [100, 5_000] {
        assert_eq!(differences(length).expect("it is bounded").len(), 1 + 2 * length + 1);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "syntax", "=", "\"proto3\"", ";", "message", "M", "{", "}", "enum", "E", "oneof", "option",
                "(o)", ".a", "[", "]", "1", "-1", "string", "optional", "repeated", "map", "<", ">", ",",
                "reserved", "to", "max", "extensions", "extend", "service", "rpc", "returns", "stream",
                "group", "'", "\"", "\\", "//", "/*", "*/", "\n", " ", "package", "import", "ü", ":", "default",
            ]),
            0..40,
        ),
        glue in prop::sample::select(vec!["", " "]),
    ) {
        let _ = parse(&parts.join(glue));
    }

    #[test]
    fn no_damage_to_a_descriptor_makes_it_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = parse(MANY_SIDED).expect("it is a schema").formatted("serialized");
        let mut bytes = super::super::descriptor::decode_bytes(&whole).expect("it is base64");
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = parse(&super::super::descriptor::encode_bytes(&bytes));
        bytes.truncate(cut.index(bytes.len()));
        let _ = parse(&super::super::descriptor::encode_bytes(&bytes));
    }

    #[test]
    fn no_descriptor_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = parse(&super::super::descriptor::encode_bytes(&bytes));
    }
}
