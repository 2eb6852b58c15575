//! What a hostile JSON Schema costs: it is answered or refused, however deep, long or circular it is.
//!
//! The bounds on time are far above what is needed even on a slow machine; they fail where a cost
//! grows with the number of paths through a schema.

use std::time::{Duration, Instant};
use tidegate_schema::json::JsonSchema;
use tidegate_schema::{Limits, Policy, SchemaError};

const PATIENCE: Duration = Duration::from_secs(30);

fn parse(text: &str) -> Result<JsonSchema, SchemaError> {
    JsonSchema::parse(text, &[], &Limits::default())
}

/// How many differences keep a reader with `reader` from reading what was written under `writer`.
fn refusals(reader: &str, writer: &str) -> usize {
    let (reader, writer) = (parse(reader).expect("a schema"), parse(writer).expect("a schema"));
    let found = reader.incompatibilities(&writer, Policy::Strict, &Limits::default());
    found.expect("it is not too expensive").len()
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    let nested = |levels: usize| r#"{"items":"#.repeat(levels) + "{}" + &"}".repeat(levels);
    assert!(matches!(parse(&nested(1_000)), Err(SchemaError::TooExpensive(_))));
    // What is allowed has to fit into the stack of a thread that has little of it.
    let deepest = nested(Limits::default().depth_max - 1);
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let compared = small.spawn(move || refusals(&deepest, &deepest)).expect("a thread");
    assert_eq!(compared.join().expect("no overflow"), 0);
}

#[test]
fn definitions_that_double_at_every_level_are_compared_once_each() {
    // 2^60 paths lead to the last definition.
    let doubling = |leaf: &str| {
        let mut text = r##"{"$ref":"#/definitions/d0","definitions":{"##.to_owned();
        for level in 0..60 {
            let next = level + 1;
            text += &format!(
                r##""d{level}":{{"type":"object","properties":{{
                "a":{{"$ref":"#/definitions/d{next}"}},"b":{{"$ref":"#/definitions/d{next}"}}}}}},"##
            );
        }
        text + &format!(r#""d60":{{"type":"{leaf}"}}}}}}"#)
    };
    let started = Instant::now();
    assert_eq!(refusals(&doubling("number"), &doubling("integer")), 0);
    let listed = refusals(&doubling("null"), &doubling("integer"));
    assert_eq!(listed, 1_000, "not each of 2^60 paths is listed");
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn twelve_kinds_of_products_that_refer_to_products_are_compared() {
    // The shape that made another registry hang for hours: a choice of objects whose properties lead
    // back to the choice.
    let products = |kinds: usize, circles: usize, id: &str| {
        let mut text = format!(
            r##"{{"$schema":"https://json-schema.org/draft/2020-12/schema","$ref":"#/$defs/P",
            "$defs":{{"Id":{{"type":"{id}"}},
            "Base":{{"type":"object","properties":{{"name":{{"type":"string"}}}}}},
            "PorId":{{"oneOf":[{{"$ref":"#/$defs/Id"}},{{"$ref":"#/$defs/P"}}]}}"##
        );
        let mut choice = Vec::new();
        for kind in 0..kinds {
            choice.push(format!(r##"{{"$ref":"#/$defs/T{kind}"}}"##));
            let circles: Vec<_> = (0..circles)
                .map(|circle| format!(r##""r{circle}":{{"$ref":"#/$defs/PorId"}}"##))
                .collect();
            text += &format!(
                r##","T{kind}":{{"$ref":"#/$defs/Base","type":"object","properties":{{{},
                "tag":{{"const":"t{kind}"}}}},"required":["tag"]}}"##,
                circles.join(",")
            );
        }
        text + &format!(r#","P":{{"oneOf":[{}]}}}}}}"#, choice.join(","))
    };
    let started = Instant::now();
    assert_eq!(refusals(&products(12, 5, "number"), &products(12, 5, "integer")), 0);
    assert_ne!(refusals(&products(12, 5, "integer"), &products(12, 5, "number")), 0);
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn seven_hundred_definitions_that_refer_to_each_other_are_compared() {
    // As large as the schema of a whole standard: a choice of 150 of the definitions, each told by a
    // constant, and one property of one of them that changes.
    let standard = |changed: &str| {
        let mut text = String::new();
        let mut number = 1_usize;
        for definition in 0..700 {
            let mut properties = format!(r#""kind":{{"const":"d{definition}"}}"#);
            for property in 0..20 {
                number = (number * 31 + 7) % 7_919;
                let target = number % 700;
                properties += &match (definition, property % 4) {
                    (350, 0) => format!(r#","p{property}":{{"type":"{changed}"}}"#),
                    (_, 0) => format!(r#","p{property}":{{"type":"string","maxLength":9}}"#),
                    (_, 1) => format!(r#","p{property}":{{"type":"number"}}"#),
                    (_, 2) => format!(r##","p{property}":{{"$ref":"#/definitions/d{target}"}}"##),
                    _ => format!(
                        r##","p{property}":{{"items":{{"$ref":"#/definitions/d{target}"}}}}"##
                    ),
                };
            }
            text += &format!(
                r#"{}"d{definition}":{{"properties":{{{properties}}},"additionalProperties":false}}"#,
                if definition == 0 { "" } else { "," }
            );
        }
        let choice: Vec<_> =
            (0..150).map(|part| format!(r##"{{"$ref":"#/definitions/d{part}"}}"##)).collect();
        format!(r#"{{"oneOf":[{}],"definitions":{{{text}}}}}"#, choice.join(","))
    };
    let started = Instant::now();
    assert_eq!(refusals(&standard("number"), &standard("integer")), 0);
    // Every definition leads to the one that changed, so that no part of the choice goes with any.
    assert_eq!(refusals(&standard("integer"), &standard("number")), 1);
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn a_chain_of_references_takes_no_stack() {
    let chain = |leaf: &str| {
        let links = 20_000;
        let mut text = r##"{"$ref":"#/definitions/d0","definitions":{"##.to_owned();
        for link in 0..links {
            let next = link + 1;
            text += &format!(r##""d{link}":{{"items":{{"$ref":"#/definitions/d{next}"}}}},"##);
        }
        text + &format!(r#""d{links}":{{"type":"{leaf}"}}}}}}"#)
    };
    let started = Instant::now();
    assert_eq!(refusals(&chain("number"), &chain("integer")), 0);
    assert_eq!(refusals(&chain("integer"), &chain("number")), 1);
    // References to references, the last of which is named in the first text.
    let mut direct = r##"{"$ref":"#/definitions/d0","definitions":{"##.to_owned();
    for link in 0..20_000 {
        direct += &format!(r##""d{link}":{{"$ref":"#/definitions/d{}"}},"##, link + 1);
    }
    direct += r#""d20000":{"type":"null"}}}"#;
    assert_eq!(refusals(&direct, r#"{"type":"null"}"#), 0);
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn a_megabyte_is_answered_or_refused() {
    let many = |piece: &str, count: usize| {
        let pieces: Vec<_> =
            (0..count).map(|number| piece.replace('@', &number.to_string())).collect();
        format!(r#"{{"oneOf":[{}]}}"#, pieces.join(","))
    };
    let members = |keyword: &str, piece: &str, count: usize| {
        let pieces: Vec<_> =
            (0..count).map(|number| piece.replace('@', &number.to_string())).collect();
        format!(r#""{keyword}":{{{}}}"#, pieces.join(","))
    };
    let long = "x".repeat(400_000);
    let expressions = members("patternProperties", r#""(x+x+)+y@":{}"#, 20_000);
    let names = members("properties", r#""xxxxxxxxxxxxxxxx@":{}"#, 20_000);
    let pairs = [
        (many(r#"{"type":"string","pattern":"a@(b|c)+"}"#, 5_000), None),
        (many(r#"{"const":@}"#, 60_000), None),
        (many(r#"{"properties":{"p@":{"enum":[@]}}}"#, 1_000), None),
        (many(r#"{"pattern":"(?!a)@"}"#, 20_000), None),
        (format!(r#"{{"pattern":"{}"}}"#, r"\\w".repeat(200_000)), None),
        (many(r#"{"$id":"http://a/@/b","type":"null"}"#, 25_000), None),
        (
            format!(r#"{{"$id":"http://a/{long}","items":{}}}"#, many(r##"{"$ref":"#"}"##, 30_000)),
            None,
        ),
        (format!(r#"{{"properties":{{"{long}":{}}}}}"#, many(r#"{"minLength":@}"#, 30_000)), None),
        (format!("{{{expressions}}}"), Some(format!("{{{names}}}"))),
    ];
    for (reader, writer) in &pairs {
        let started = Instant::now();
        if let Ok(reader) = parse(reader) {
            let writer = writer.as_deref().map(|writer| parse(writer).unwrap());
            let writer = writer.as_ref().unwrap_or(&reader);
            let _ = reader.incompatibilities(writer, Policy::Strict, &Limits::default());
        }
        eprintln!("{:.40}: {:?}", reader, started.elapsed());
        assert!(started.elapsed() < PATIENCE, "{reader:.40}: {:?}", started.elapsed());
    }
}
