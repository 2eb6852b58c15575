//! `tidegate trace`: requests and answers of a running gateway as they come, decoded.

use super::Admin;
use crate::args::TraceArgs;
use crate::failure::Failure;
use crate::output;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use std::fmt::Write;
use std::io::{BufRead, BufReader};

/// Elements of a list that a line for people names.
const SHOWN_MAX: usize = 20;

/// Prints what matches until it is stopped, the gateway stops, or `--limit` is reached.
pub fn trace(args: &TraceArgs) -> Result<(), Failure> {
    let admin = Admin::new(&args.admin);
    let answer = admin.get(&format!("/trace?{}", query(args)))?;
    let lines = BufReader::new(answer.into_body().into_reader()).lines();
    let mut shown = 0;
    for line in lines {
        let line =
            line.map_err(|error| Failure::Unreachable(format!("the trace ends: {error}")))?;
        let value: Value = serde_json::from_str(&line)
            .map_err(|error| Failure::Failed(format!("the trace is not readable: {error}")))?;
        if value["tracing"] == true {
            let base = &admin.base;
            eprintln!("tracing the gateway of {base}, stop with Ctrl-C");
            continue;
        }
        // The gateway says so while there is nothing to show.
        if value["alive"] == true {
            continue;
        }
        shown += u64::from(value["lost"].is_null());
        let text = if args.admin.json { line } else { line_of(&value) };
        output::print(&(text + "\n"))?;
    }
    match args.limit {
        Some(limit) if shown >= limit => Ok(()),
        _ => Err(Failure::Unreachable("the gateway ended the trace".to_owned())),
    }
}

fn query(args: &TraceArgs) -> String {
    let mut pairs = Vec::new();
    let mut pair = |name: &str, value: &str| {
        pairs.push(format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    };
    let filters = [("group", &args.group), ("topic", &args.topic), ("client", &args.client)];
    for (name, value) in filters {
        if let Some(value) = value {
            pair(name, value);
        }
    }
    args.api.iter().for_each(|api| pair("api", api));
    if args.errors {
        pair("errors", "true");
    }
    if let Some(slower_than) = args.slower_than {
        pair("slower_than_ms", &slower_than.as_millis().to_string());
    }
    if let Some(limit) = args.limit {
        pair("limit", &limit.to_string());
    }
    pairs.join("&")
}

/// A request and its answer for people: one line about both, then one for each.
fn line_of(line: &Value) -> String {
    if let Some(lost) = line["lost"].as_u64() {
        return format!("({lost} requests came too fast and are not shown)");
    }
    let errors: Vec<&str> =
        line["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let errors = if errors.is_empty() { "NONE".to_owned() } else { errors.join(" ") };
    let mut text = format!(
        "{} connection={} client={} {} v{} #{} {} ms {errors}\n  request  {}",
        time_of_day(line["at_ms"].as_u64().unwrap_or(0)),
        line["connection"],
        line["client_id"].as_str().unwrap_or("-"),
        line["api"].as_str().unwrap_or("-"),
        line["version"],
        line["correlation_id"],
        line["took_ms"],
        fields(&line["request"]),
    );
    let mut further = |name: &str, value: &Value| {
        write!(text, "\n  {name} {}", fields(value)).expect("a string takes all writes");
    };
    if !line["asked"].is_null() {
        further("asked   ", &line["asked"]);
    }
    match &line["response"] {
        Value::Null => text.push_str("\n  no answer"),
        response => further("response", response),
    }
    text
}

/// Hours to milliseconds, in UTC.
fn time_of_day(at_ms: u64) -> String {
    let (seconds, ms) = (at_ms / 1_000, at_ms % 1_000);
    let (hours, minutes) = (seconds / 3_600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{ms:03}", seconds % 60)
}

fn fields(value: &Value) -> String {
    match value {
        Value::Object(object) => pairs(object),
        other => short(other),
    }
}

fn pairs(object: &Map<String, Value>) -> String {
    let pairs = object.iter().map(|(name, value)| format!("{name}={}", short(value)));
    pairs.collect::<Vec<_>>().join(" ")
}

fn short(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() || text.contains([' ', '"', '=', ',']) => {
            value.to_string()
        }
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let mut parts: Vec<String> = items.iter().take(SHOWN_MAX).map(short).collect();
            if items.len() > SHOWN_MAX {
                parts.push(format!("and {} more", items.len() - SHOWN_MAX));
            }
            format!("[{}]", parts.join(", "))
        }
        Value::Object(object) => format!("{{{}}}", pairs(object)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_and_its_answer_are_three_lines_for_people() {
        let line = json!({
            "at_ms": 45_296_007u64, "connection": 3, "client_id": "app", "api": "OffsetCommit",
            "version": 9, "correlation_id": 5, "took_ms": 0.8, "errors": ["UNKNOWN_MEMBER_ID"],
            "request": {"GroupId": "g", "MemberId": "", "Topics": [{"Name": "a b", "Partitions": [1, 2]}]},
            "response": {"ThrottleTimeMs": 0},
        });
        assert_eq!(
            line_of(&line),
            "12:34:56.007 connection=3 client=app OffsetCommit v9 #5 0.8 ms UNKNOWN_MEMBER_ID\n  \
             request  GroupId=g MemberId=\"\" Topics=[{Name=\"a b\" Partitions=[1, 2]}]\n  \
             response ThrottleTimeMs=0"
        );
    }

    #[test]
    fn long_lists_are_cut_and_lost_requests_are_counted() {
        let long: Vec<usize> = (0..25).collect();
        assert!(short(&json!(long)).ends_with(", 19, and 5 more]"));
        assert!(line_of(&json!({"lost": 7})).starts_with("(7 requests"));
    }
}
