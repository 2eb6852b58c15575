//! Avro schemas that were made to cost: each is answered or refused, in time that does not depend on
//! how clever it is. The bound here is loose, for machines that do other work; with optimization and the
//! machine to itself each takes less than a second.

use std::fmt::Write;
use std::time::{Duration, Instant};
use tidegate_schema::{Incompatibility, Limits, Policy, Schema, SchemaError, SchemaType};

const PATIENCE: Duration = Duration::from_secs(60);

type Outcome = Result<Vec<Incompatibility>, SchemaError>;

/// Reads both texts, checks and prints them in all forms, and compares them.
fn everything(reader: &str, writer: &str) -> Outcome {
    let started = Instant::now();
    let outcome = (|| {
        let limits = Limits::default();
        let reader = Schema::parse(SchemaType::Avro, reader, &[], &limits)?;
        let writer = Schema::parse(SchemaType::Avro, writer, &[], &limits)?;
        let canonical = reader.canonical();
        let again = Schema::parse(SchemaType::Avro, &canonical, &[], &limits)?;
        assert_eq!(again.canonical(), canonical);
        assert!(reader.normalized().len() < 1 << 27);
        assert!(reader.formatted("resolved").len() < 1 << 27);
        reader.check_new()?;
        reader.incompatibilities(&writer, Policy::Strict, &limits)
    })();
    let took = started.elapsed();
    assert!(took < PATIENCE, "it took {took:?}");
    outcome
}

fn joined(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

fn record(name: &str, fields: &str) -> String {
    format!(r#"{{"type":"record","name":"{name}","fields":[{fields}]}}"#)
}

fn expensive(outcome: &Outcome) -> bool {
    matches!(outcome, Err(SchemaError::TooExpensive(_)))
}

#[test]
fn a_megabyte_of_fields_is_compared() {
    let fields = joined(25_000, |n| format!(r#"{{"name":"field_{n}","type":["null","string"]}}"#));
    let text = record("R", &fields);
    assert!(text.len() > 1 << 20);
    assert_eq!(everything(&text, &text), Ok(vec![]));
    let reasons = everything(&text, &record("R", "")).expect("a thousand reasons");
    assert_eq!(reasons.len(), 1_000);
}

#[test]
fn a_thousand_levels_are_refused_and_two_hundred_are_not() {
    let nested = |levels: usize| {
        let open = r#"{"type":"array","items":"#.repeat(levels);
        format!("{open}\"int\"{}", "}".repeat(levels))
    };
    assert!(expensive(&everything(&nested(1_000), "\"int\"")));
    assert_eq!(everything(&nested(200), &nested(200)), Ok(vec![]));
    // Each level of one side is a union, and of the other one is not.
    let unions = |levels: usize| {
        let open = r#"{"type":"map","values":["#.repeat(levels);
        format!("{open}\"int\"{}", "]}".repeat(levels))
    };
    let maps = |levels: usize| {
        let open = r#"{"type":"map","values":"#.repeat(levels);
        format!("{open}\"int\"{}", "}".repeat(levels))
    };
    assert_eq!(everything(&unions(120), &maps(120)), Ok(vec![]));
    assert_eq!(everything(&maps(120), &unions(120)), Ok(vec![]));
}

#[test]
fn types_that_are_nested_by_name_only_are_refused_where_they_are_too_deep() {
    let forward = joined(5_000, |n| {
        record(&format!("R{n}"), &format!(r#"{{"name":"f","type":"R{}"}}"#, (n + 1) % 5_000))
    });
    assert!(expensive(&everything(&format!("[{forward}]"), "\"int\"")));
    let backward = joined(5_000, |n| match n {
        0 => record("R0", ""),
        n => record(&format!("R{n}"), &format!(r#"{{"name":"f","type":"R{}"}}"#, n - 1)),
    });
    let backward = format!("[{backward}]");
    assert!(expensive(&everything(&backward, &backward)));
}

#[test]
fn places_that_double_with_each_level_are_visited_once() {
    let levels = |leaf: &str| {
        let mut text = record("L0", &format!(r#"{{"name":"v","type":"{leaf}"}}"#));
        for level in 1..40 {
            let fields =
                format!(r#"{{"name":"a","type":{text}}},{{"name":"b","type":"L{}"}}"#, level - 1);
            text = record(&format!("L{level}"), &fields);
        }
        text
    };
    assert_eq!(everything(&levels("long"), &levels("int")), Ok(vec![]));
    let outcome = everything(&levels("int"), &levels("long"));
    assert_eq!(outcome.expect("a thousand reasons").len(), 1_000);
}

#[test]
fn unions_whose_branches_are_all_compared_with_all_are_refused() {
    let branches = |start: usize| {
        let branches =
            joined(4_000, |n| record(&format!("R{}", n + start), r#"{"name":"a","type":"int"}"#));
        format!("[{branches}]")
    };
    assert!(expensive(&everything(&branches(0), &branches(4_000))));
    let enums = |start: usize| {
        let symbols = joined(800, |n| format!("\"S{n}\""));
        let enums = joined(250, |n| {
            format!(r#"{{"type":"enum","name":"E{}","symbols":[{symbols}]}}"#, n + start)
        });
        format!("[{enums}]")
    };
    assert!(expensive(&everything(&enums(0), &enums(250))));
}

#[test]
fn recursion_ends() {
    let both = |kind: &str| {
        record(
            "A",
            &format!(
                r#"{{"name":"a","type":["null","A",{{"type":"array","items":"A"}}]}},
                {{"name":"b","type":{}}}"#,
                record(
                    "B",
                    &format!(
                        r#"{{"name":"a","type":"A"}},{{"name":"b","type":["A","B","{kind}"]}}"#
                    )
                )
            ),
        )
    };
    assert_eq!(everything(&both("long"), &both("int")), Ok(vec![]));
    assert_eq!(everything(&both("int"), &both("long")).expect("few reasons").len(), 1);
    let default = record("R", r#"{"name":"a","type":"R","default":{}}"#);
    assert!(expensive(&everything(&default, &default)));
}

#[test]
fn defaults_that_fit_many_branches_end() {
    // Each level of the default may be any of the records, which differ in the last field alone.
    let names = joined(8, |n| format!("\"R{n}\""));
    let branches = joined(8, |n| {
        record(
            &format!("R{n}"),
            &format!(r#"{{"name":"next","type":["null",{names}]}},{{"name":"x{n}","type":"int"}}"#),
        )
    });
    let mut default = r#"{"none":1}"#.to_owned();
    for _ in 0..50 {
        default = format!(r#"{{"next":{default},{}}}"#, joined(8, |n| format!("\"x{n}\":1")));
    }
    let field = format!(r#"{{"name":"f","type":[{branches}],"default":{default}}}"#);
    assert!(everything(&record("R", &field), "\"int\"").is_err());
}

#[test]
fn long_names_and_lists_are_not_multiplied() {
    let space = "n".repeat(500_000);
    let fields = joined(5_000, |n| {
        format!(r#"{{"name":"f{n}","type":{{"type":"fixed","name":"F{n}","size":1}}}}"#)
    });
    assert!(expensive(&everything(&record(&format!("{space}.R"), &fields), "\"int\"")));

    let aliases = joined(100_000, |n| format!("\"A{n}\""));
    let aliased = format!(r#"{{"type":"fixed","name":"F","size":1,"aliases":[{aliases}]}}"#);
    assert_eq!(everything(&aliased, &aliased), Ok(vec![]));

    let mut properties = String::new();
    (0..50_000).for_each(|n| write!(properties, r#","p{n}":{n}"#).expect("a string takes all"));
    let twice = format!(r#"{{"type":"fixed","name":"F","size":1{properties}}}"#);
    let twice =
        record("R", &format!(r#"{{"name":"a","type":{twice}}},{{"name":"b","type":{twice}}}"#));
    assert_eq!(everything(&twice, &twice), Ok(vec![]));
}

#[test]
fn symbols_that_are_missing_in_many_places_are_not_told_without_end() {
    let symbols = joined(20_000, |n| format!("\"SYMBOL_{n}\""));
    let text = |symbols: &str| {
        let first = format!(r#"{{"type":"enum","name":"E","symbols":[{symbols}]}}"#);
        let fields = joined(900, |n| match n {
            0 => format!(r#"{{"name":"f0","type":{first}}}"#),
            n => format!(r#"{{"name":"f{n}","type":"E"}}"#),
        });
        record("R", &fields)
    };
    let reasons = everything(&text("\"NONE\""), &text(&symbols)).expect("some reasons");
    let told: usize = reasons.iter().map(|reason| reason.description.len()).sum();
    assert!((1..1 << 21).contains(&told), "{told} bytes");
}
