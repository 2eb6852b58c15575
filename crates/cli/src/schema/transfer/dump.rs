//! A dump of `_schemas`: one record a line, `{"key": ..., "value": ...}`, in the order of the topic.
//!
//! What `kafka-console-consumer --property print.key=true` prints is read too, with whatever stands
//! before the key and between key and value.

use super::contents::Contents;
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
struct Line<'a> {
    key: &'a Value,
    value: &'a Value,
}

/// Contents as a dump.
pub fn write(contents: &Contents) -> String {
    contents.records().iter().map(|(key, value)| line(key, value)).collect()
}

/// One record as a line. A tombstone has the value null.
pub fn line(key: &Value, value: &Value) -> String {
    let line = serde_json::to_string(&Line { key, value }).expect("it is JSON already");
    line + "\n"
}

/// Reads a dump. Lines that are no records of a registry are left out, and told with their numbers.
pub fn read(text: &str) -> (Contents, Vec<String>) {
    let (mut contents, mut notes) = (Contents::default(), Vec::new());
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let replayed = match record(line) {
            Some((key, value)) => contents.replay(&key, value.as_ref()),
            None => Err("it is no record in JSON".to_owned()),
        };
        if let Err(problem) = replayed {
            notes.push(format!("line {} is left out: {problem}", at + 1));
        }
    }
    (contents, notes)
}

/// The key and the value in a line of either form.
fn record(line: &str) -> Option<(Value, Option<Value>)> {
    let line = &line[line.find('{')?..];
    let mut values = serde_json::Deserializer::from_str(line).into_iter::<Value>();
    let mut first = values.next()?.ok()?;
    let rest = &line[values.byte_offset()..];
    if first.get("keytype").is_none() {
        let members = first.as_object_mut()?;
        let key = members.swap_remove("key")?;
        return Some((key, present(members.swap_remove("value").unwrap_or_default())));
    }
    // The separator is the user's, but no registry writes a value that is not an object.
    let value = match rest.find('{') {
        Some(at) => serde_json::from_str(&rest[at..]).ok()?,
        None => Value::Null,
    };
    Some((first, present(value)))
}

/// A value that is there. An empty one is how Karapace has written tombstones.
fn present(value: Value) -> Option<Value> {
    Some(value).filter(|value| !value.is_null() && value.as_str() != Some(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}"#;
    const VALUE: &str =
        r#"{"subject":"a","version":1,"id":9,"schema":"{\"default\":1.10}","deleted":false}"#;

    #[test]
    fn a_dump_is_read_back_to_the_byte() {
        let (contents, notes) = read(&format!("{{\"key\":{SCHEMA},\"value\":{VALUE}}}\n"));
        assert!(notes.is_empty() && contents.subjects["a"].versions[&1].id == 9);
        assert_eq!(write(&contents), format!("{{\"key\":{SCHEMA},\"value\":{VALUE}}}\n"));
    }

    #[test]
    fn what_the_console_consumer_prints_is_read() {
        for line in [
            format!("{SCHEMA}\t{VALUE}"),
            format!("CreateTime:1700000000000\tPartition:0\t{SCHEMA}\t{VALUE}"),
            format!("{SCHEMA} | {VALUE}\r"),
        ] {
            let (contents, notes) = read(&line);
            assert!(notes.is_empty() && contents.count() == 1, "{line}: {notes:?}");
        }
        let (contents, notes) = read(&format!("{SCHEMA}\t{VALUE}\n\n{SCHEMA}\tnull\n{SCHEMA}\t\n"));
        assert!(notes.is_empty() && contents.count() == 0, "{notes:?}");
    }

    #[test]
    fn lines_that_are_no_records_are_told_by_number() {
        let (contents, notes) = read(&format!(
            "{SCHEMA}\t{VALUE}\nnull\tnull\n{{\"a\":1}}\n{{\n{SCHEMA}\t{{\n{{\"keytype\":\"X\"}}\t{{}}"
        ));
        assert_eq!(contents.count(), 1);
        let lines: Vec<&str> = notes.iter().map(|note| &note[..6]).collect();
        assert_eq!(lines, ["line 2", "line 3", "line 4", "line 5", "line 6"]);
    }
}
