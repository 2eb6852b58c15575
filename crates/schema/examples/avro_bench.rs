//! What does it cost to check a new Avro schema against all versions of a subject?
//!
//! A record of 50 fields (primitives, nullable unions, an enum, a nested record, an array and a map) that
//! has grown by an optional field in each of 100 versions. Parsed once each, as the registry keeps them;
//! the check is BACKWARD_TRANSITIVE, so that none is left out.
//!
//!     cargo run --profile fast -p tidegate-schema --example avro_bench
//!
//! The fastest of 50 rounds on a virtual machine with 2 cores (AMD EPYC) and five times as much to do:
//! 0.18 ms to parse and print one version, 1.7 ms to check against 100. A version takes 5 times as much
//! memory as its text.

use std::fmt::Write;
use std::time::Instant;
use tidegate_schema::{Limits, Policy, Schema, SchemaType};

const VERSIONS: usize = 100;
const FIELDS: usize = 50;
const ROUNDS: usize = 50;

fn main() {
    let texts: Vec<String> = (0..VERSIONS).map(version).collect();
    let limits = Limits::default();
    let parse = |text: &String| {
        Schema::parse(SchemaType::Avro, text, &[], &limits).expect("it is a schema")
    };
    let mut parsing = Vec::with_capacity(ROUNDS);
    let mut checking = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let versions: Vec<Schema> = texts.iter().map(parse).collect();
        parsing.push(started.elapsed() / VERSIONS as u32);

        let new = parse(&version(VERSIONS));
        let started = Instant::now();
        for old in versions.iter().rev() {
            let reasons = new.incompatibilities(old, Policy::Strict, &limits);
            assert_eq!(reasons, Ok(vec![]), "each version added an optional field");
        }
        checking.push(started.elapsed());
    }
    for (what, mut times) in [
        (format!("parse and print one version of {FIELDS} fields and more"), parsing),
        (format!("check against {VERSIONS} versions"), checking),
    ] {
        times.sort();
        println!("{what}: {:?} (median {:?})", times[0], times[ROUNDS / 2]);
    }
}

/// The record with `added` fields more than at first.
fn version(added: usize) -> String {
    let mut fields = String::new();
    for position in 0..FIELDS {
        let kind = match position % 8 {
            0 => r#""string""#.to_owned(),
            1 => r#"["null","long"]"#.to_owned(),
            2 => r#"{"type":"long","logicalType":"timestamp-millis"}"#.to_owned(),
            3 => r#"{"type":"map","values":["null","string","double"]}"#.to_owned(),
            4 => r#"{"type":"array","items":"bytes"}"#.to_owned(),
            5 => format!(
                r#"{{"type":"enum","name":"E{position}","symbols":["A","B","C","D"],"default":"A"}}"#
            ),
            6 => format!(
                r#"{{"type":"record","name":"R{position}","fields":[{{"name":"a","type":"int"}},{{"name":"b","type":["null","R{position}"]}}]}}"#
            ),
            _ => r#""double""#.to_owned(),
        };
        let comma = if position == 0 { "" } else { "," };
        write!(fields, r#"{comma}{{"name":"field_{position}","type":{kind},"doc":"what it is"}}"#)
            .expect("a string takes all");
    }
    for position in 0..added {
        write!(fields, r#",{{"name":"added_{position}","type":["null","string"],"default":null}}"#)
            .expect("a string takes all");
    }
    format!(r#"{{"type":"record","name":"Order","namespace":"com.example","fields":[{fields}]}}"#)
}
