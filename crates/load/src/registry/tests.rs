//! What users are told when a registry does not do what one should. The registries here are sockets
//! with fixed answers; the real ones are asked in the tests of the command.

use super::*;
use crate::plan::Span;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Answers each request by its method and path until it is dropped with the test; the address.
fn registry(answer: impl Fn(&str, &str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            // A client that goes away ends its connection, not the registry.
            let _ = serve(connection.unwrap(), &answer);
        }
    });
    format!("http://{address}")
}

fn serve(mut connection: TcpStream, answer: &impl Fn(&str, &str) -> String) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?);
    let mut first = String::new();
    lines.read_line(&mut first)?;
    let mut body = 0;
    loop {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            body = length.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    lines.take(body).read_to_end(&mut Vec::new())?;
    let mut words = first.split_whitespace();
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    connection.write_all(answer(method, path).as_bytes())
}

fn response(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn plan(url: String) -> Plan {
    let mut plan = Plan::preset("quick").unwrap();
    // None of these waits, but for the one that says so.
    (plan.registry, plan.registry_timeout) = (Some(url), Span::from_secs(60));
    plan
}

/// What registering says.
fn sentence(url: String) -> String {
    sentence_of(&plan(url))
}

fn sentence_of(plan: &Plan) -> String {
    let told = Registry::of(plan).and_then(|registry| registry.unwrap().register(plan));
    told.unwrap_err().to_string()
}

/// A registry that has the ten schemas, each with the id of its place, and spoils one answer.
fn whole(spoil: impl Fn(&str) -> Option<String> + Send + 'static) -> String {
    let plan = plan("http://unused".to_owned());
    let subjects = subjects(&plan);
    registry(move |method, path| {
        if let Some(spoilt) = spoil(path) {
            return spoilt;
        }
        let id_of =
            |subject: &Subject| 2 * subject.topic + if subject.side == Side::Key { 1 } else { 2 };
        let by_id = path.strip_prefix("/schemas/ids/").and_then(|id| id.parse::<u32>().ok());
        let named = |subject: &&Subject| {
            path.split('/').any(|part| part == subject.name) || by_id == Some(id_of(subject))
        };
        let subject = subjects.iter().find(named).unwrap();
        let body = json!({
            "subject": subject.name, "id": id_of(subject), "version": 1,
            "schema": subject.text, "schemaType": type_name(subject.format),
        });
        match (method, path.starts_with("/config")) {
            ("PUT", true) => response("200 OK", r#"{"compatibility":"FULL"}"#),
            _ => response("200 OK", &body.to_string()),
        }
    })
}

fn verification(spoil: impl Fn(&str) -> Option<String> + Send + 'static) -> Verification {
    let plan = plan(whole(spoil));
    let registry = Registry::of(&plan).unwrap().unwrap();
    registry.verify(&plan, &SchemaIds::made_up(&plan))
}

#[test]
fn ten_schemas_are_registered_and_found() {
    let plan = plan(whole(|_| None));
    let registry = Registry::of(&plan).unwrap().unwrap();
    let ids = registry.register(&plan).unwrap();
    assert_eq!(ids, SchemaIds::made_up(&plan));
    let verification = registry.verify(&plan, &ids);
    assert!(verification.complete());
    assert_eq!((verification.found, verification.of), (10, 10));
}

#[test]
fn a_schema_that_is_not_found_by_one_of_three_ways_is_named() {
    let missing = r#"{"error_code":40403,"message":"Schema 4 not found"}"#;
    for at in [
        "/subjects/loadtest-topic-1-value/versions/latest",
        "/subjects/loadtest-topic-1-value/versions/1",
        "/schemas/ids/4",
    ] {
        let told =
            verification(move |path| (path == at).then(|| response("404 Not Found", missing)));
        assert_eq!((told.found, told.of), (9, 10), "{told:?}");
        let expected = format!("loadtest-topic-1-value: {at}: Schema 4 not found");
        assert_eq!(told.problems, [expected]);
    }
}

#[test]
fn another_schema_another_id_and_another_type_are_named() {
    for (body, problem) in [
        (r#"{"id":6,"version":1,"schema":"\"int\""}"#, "type AVRO, not PROTOBUF"),
        (r#"{"id":7,"version":1,"schema":"\"int\""}"#, "has id 7, and 6 was registered"),
        (r#"{"version":1}"#, "has no id"),
        (r#"{"id":6,"version":1,"schemaType":"PROTOBUF"}"#, "has no schema"),
        (
            r#"{"id":6,"version":1,"schemaType":"PROTOBUF","schema":"message A {}"}"#,
            "is another schema: message A {}",
        ),
    ] {
        let told = verification(move |path| {
            let one = path == "/subjects/loadtest-topic-2-value/versions/latest";
            one.then(|| response("200 OK", body))
        });
        assert_eq!(told.found, 9);
        assert!(told.problems[0].contains(problem), "{:?}", told.problems);
    }
}

#[test]
fn a_registry_that_is_gone_is_asked_once() {
    let plan = plan("http://127.0.0.1:1".to_owned());
    let registry = Registry::of(&plan).unwrap().unwrap();
    let told = registry.verify(&plan, &SchemaIds::made_up(&plan));
    assert_eq!((told.found, told.of, told.problems.len()), (0, 10, 1));
    assert!(told.problems[0].contains("no schema registry can be reached at http://127.0.0.1:1"));
}

#[test]
fn each_trouble_has_a_sentence_that_says_what_to_do() {
    let html = registry(|_, _| response("200 OK", "<!doctype html><html>hello</html>"));
    assert!(sentence(html).contains("answers with a web page (200 OK)"));
    let text = registry(|_, _| response("200 OK", "hello"));
    assert!(sentence(text).contains("which is no JSON"));
    let moved = registry(|_, _| {
        "HTTP/1.1 301 Moved Permanently\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"
            .to_owned()
    });
    assert!(sentence(moved).contains("sends on to http://elsewhere/: give the registry's own URL"));
    let user = registry(|_, _| response("401 Unauthorized", ""));
    assert!(sentence(user).contains("write http://NAME:PASSWORD@HOST:PORT"));
    let path = registry(|_, _| response("404 Not Found", "not here"));
    assert!(sentence(path).contains("if the registry's interface has a path, give it too"));
    let told = r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#;
    let json = registry(move |_, _| response("404 Not Found", told));
    assert!(sentence(json).contains("if the registry's interface has a path, give it too"));
    let slow = registry(|_, _| {
        std::thread::sleep(std::time::Duration::from_secs(300));
        String::new()
    });
    let impatient = Plan { registry_timeout: Span::from_millis(500), ..plan(slow) };
    assert!(sentence_of(&impatient).contains("did not answer within 500ms"));
    let strange = registry(|_, _| "220 mail.example ESMTP\r\n".to_owned());
    assert!(sentence(strange.clone()).contains("does not speak HTTP"), "{}", sentence(strange));
    let empty = registry(|_, _| response("200 OK", "{}"));
    assert!(sentence(empty).contains("without an id"));
    let refused = sentence("http://127.0.0.1:1".to_owned());
    assert!(refused.contains("start it, or say with registry where it is"), "{refused}");
    let other = whole(|path| {
        let body = r#"{"error_code":409,"message":"incompatible"}"#;
        path.ends_with("/versions").then(|| response("409 Conflict", body))
    });
    assert!(sentence(other).contains("choose another topic_prefix"));
}

#[test]
fn a_level_that_needs_a_schema_is_set_after_it() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let registered = AtomicBool::new(false);
    let url = whole(move |path| {
        if path.ends_with("loadtest-topic-4-key/versions") {
            registered.store(true, Ordering::Relaxed);
        }
        let early = path == "/config/loadtest-topic-4-key" && !registered.load(Ordering::Relaxed);
        early.then(|| response("404 Not Found", r#"{"error_code":40401,"message":"no subject"}"#))
    });
    let plan = plan(url);
    Registry::of(&plan).unwrap().unwrap().register(&plan).unwrap();
}
