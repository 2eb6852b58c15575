//! What a running gateway shows of itself: log lines, connections.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// Nothing here takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway without a disk, whose log lines can be read. It is killed when the test ends.
struct Gateway {
    child: Child,
    address: String,
    admin: String,
    lines: Receiver<String>,
}

impl Gateway {
    fn start(variables: &[(&str, &str)]) -> Gateway {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["serve", "--storage", "memory", "--listen", "127.0.0.1:0"])
            .args(["--admin-listen", "127.0.0.1:0", "--registry-listen", "off"])
            .args(["--log-format", "text"])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let lines = lines_of(child.stderr.take().expect("it is piped"));
        let greeting = lines_of(child.stdout.take().expect("it is piped"));
        let told = |name: &str| {
            let line = wait_for(&greeting, |line| line.trim().starts_with(name));
            let value = line.trim().trim_start_matches(name).trim();
            value.split("/metrics").next().expect("a first part").to_owned()
        };
        let (address, admin) = (told("kafka"), told("admin"));
        Gateway { child, address, admin, lines }
    }

    /// Runs a Kafka client's command.
    fn run(&self, arguments: &[&str]) -> Output {
        tidegate(arguments, &["--bootstrap", &self.address])
    }

    /// Runs a command on the admin address.
    fn admin(&self, arguments: &[&str]) -> Output {
        tidegate(arguments, &["--admin", &self.admin])
    }

    /// The next log line in which all of these stand.
    fn line_with(&self, parts: &[&str]) -> String {
        wait_for(&self.lines, |line| parts.iter().all(|part| line.contains(part)))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only if it has ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn tidegate(arguments: &[&str], address: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(arguments)
        .args(address)
        .output()
        .expect("the binary was built for this test");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}

fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn wait_for(lines: &Receiver<String>, wanted: impl Fn(&str) -> bool) -> String {
    let until = Instant::now() + PATIENCE;
    let mut seen = String::new();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) if wanted(&line) => return line,
            Ok(line) => seen.push_str(&(line + "\n")),
            Err(_) => panic!("no such line among:\n{seen}"),
        }
    }
}

#[test]
fn the_log_filter_changes_while_the_gateway_runs() {
    let gateway = Gateway::start(&[("TIDEGATE_LOG_LEVEL", "warn"), ("TIDEGATE_LOG", "info")]);
    assert_eq!(text(&gateway.admin(&["log-level"])), "warn,info\n");
    gateway.admin(&["log-level", "warn,tidegate::connection=debug"]);
    gateway.run(&["topic", "list"]);
    let line = gateway.line_with(&["DEBUG", "tidegate::connection", "connection closed"]);
    assert!(line.contains("connection=1 "), "{line}");
    assert!(line.contains("client_id=\"tidegate\""), "{line}");
    gateway.admin(&["log-level", "info"]);
    let changed = gateway.line_with(&["INFO", "tidegate::server", "log filter changed"]);
    assert!(changed.contains("before=\"warn,tidegate::connection=debug\""), "{changed}");
}

#[test]
fn a_wrong_log_filter_changes_nothing_and_says_why() {
    let gateway = Gateway::start(&[]);
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["log-level", "info,tidegate::fetsh=debug", "--admin", &gateway.admin])
        .output()
        .expect("the binary was built for this test");
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("did you mean tidegate::fetch?"), "{message}");
    assert_eq!(text(&gateway.admin(&["log-level"])), "info\n");
}

/// The status of an answer of the admin address.
fn status(gateway: &Gateway, start: &str, headers: &str, body: &str) -> String {
    let address = gateway.admin.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    let len = body.len();
    let request = format!(
        "{start} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {len}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status).expect("it answers");
    status.split(' ').nth(1).expect("a status").to_owned()
}

#[test]
fn the_admin_address_refuses_web_pages_and_long_bodies() {
    let gateway = Gateway::start(&[]);
    let get = |headers| status(&gateway, "GET /trace?limit=0", headers, "");
    assert_eq!(get("Host: 127.0.0.1:9644\r\n"), "200");
    assert_eq!(get("Host: rebound.example:9644\r\n"), "403");
    assert_eq!(get("Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\n"), "403");
    let put = |headers, body: &str| status(&gateway, "PUT /log-level", headers, body);
    assert_eq!(put("Host: localhost\r\nOrigin: http://page.example\r\n", "off"), "403");
    assert_eq!(text(&gateway.admin(&["log-level"])), "info\n");
    assert_eq!(put("Host: localhost\r\n", &"a".repeat(4_097)), "413");
    assert_eq!(put("Host: localhost\r\n", "warn"), "200");
}

#[test]
fn open_connections_are_listed_with_what_they_say_of_themselves() {
    let gateway = Gateway::start(&[]);
    let silent = std::net::TcpStream::connect(&gateway.address).expect("the gateway listens");
    let own = silent.local_addr().expect("it is connected").to_string();
    let until = Instant::now() + PATIENCE;
    let listed = loop {
        let listed: Value =
            serde_json::from_slice(&gateway.admin(&["connections", "--json"]).stdout)
                .expect("--json prints JSON");
        if listed[0]["peer"] == own.as_str() {
            break listed;
        }
        assert!(Instant::now() < until, "{listed}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(listed[0]["connection"], 1);
    assert_eq!(listed[0]["requests"], 0);
    assert_eq!(listed[0]["client_id"], Value::Null);
}

/// A trace in a process of its own, begun when this returns.
struct Trace {
    child: Child,
    lines: Receiver<String>,
}

impl Trace {
    fn start(gateway: &Gateway, arguments: &[&str]) -> Trace {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .arg("trace")
            .args(arguments)
            .args(["--json", "--admin", &gateway.admin])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let told = lines_of(child.stderr.take().expect("it is piped"));
        wait_for(&told, |line| line.starts_with("tracing "));
        let lines = lines_of(child.stdout.take().expect("it is piped"));
        Trace { child, lines }
    }

    fn next(&self) -> Value {
        let line = wait_for(&self.lines, |_| true);
        serde_json::from_str(&line).expect("--json prints JSON")
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_trace_of_a_group_shows_its_commits_with_what_was_answered() {
    let gateway = Gateway::start(&[]);
    gateway.run(&["topic", "create", "orders", "--partitions", "1"]);
    let trace = Trace::start(&gateway, &["--group", "billing", "--api", "OffsetCommit"]);
    let reset = ["group", "reset-offsets", "other", "--topic", "orders", "--to-offset", "0"];
    gateway.run(&[&reset[..], &["--execute"]].concat());
    let reset = ["group", "reset-offsets", "billing", "--topic", "orders", "--to-offset", "0"];
    gateway.run(&[&reset[..], &["--execute"]].concat());
    let line = trace.next();
    assert_eq!(line["api"], "OffsetCommit");
    assert_eq!(line["request"]["GroupId"], "billing");
    let topic = &line["request"]["Topics"][0];
    let name = if topic["Name"].is_null() { &topic["TopicName"] } else { &topic["Name"] };
    assert_eq!(name, "orders");
    assert_eq!(topic["Partitions"][0]["PartitionIndex"], 0);
    assert_eq!(topic["Partitions"][0]["CommittedOffset"], 0);
    let answered = &line["response"]["Topics"][0]["Partitions"][0];
    assert_eq!((&answered["ErrorCode"], &answered["Error"]), (&0.into(), &"NONE".into()));
    assert_eq!(line["errors"], Value::Array(Vec::new()));
    assert!(line["connection"].as_u64() > Some(0), "{line}");
    assert!(line["took_ms"].as_f64() > Some(0.0), "{line}");
    assert_eq!(line["client_id"], "tidegate");
}

#[test]
fn a_trace_of_errors_shows_only_those_and_ends_at_its_limit() {
    let gateway = Gateway::start(&[]);
    gateway.run(&["topic", "create", "orders", "--partitions", "1"]);
    let mut trace = Trace::start(&gateway, &["--errors", "--api", "CreateTopics", "--limit", "1"]);
    gateway.run(&["topic", "create", "others", "--partitions", "1"]);
    let again = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["topic", "create", "orders", "--bootstrap", &gateway.address])
        .output()
        .expect("the binary was built for this test");
    assert!(!again.status.success());
    let line = trace.next();
    assert_eq!(line["errors"], serde_json::json!(["TOPIC_ALREADY_EXISTS"]));
    assert_eq!(line["request"]["Topics"][0]["Name"], "orders");
    assert!(trace.child.wait().expect("it was started").success());
}

#[test]
fn the_lines_of_offset_requests_name_group_topic_partition_and_offset() {
    let gateway = Gateway::start(&[("TIDEGATE_LOG", "info,tidegate::offsets=debug")]);
    gateway.run(&["topic", "create", "orders", "--partitions", "1"]);
    let reset = ["group", "reset-offsets", "billing", "--topic", "orders", "--to-offset", "0"];
    gateway.run(&[&reset[..], &["--execute"]].concat());
    let line = gateway.line_with(&["DEBUG", "tidegate::offsets", "offset commit"]);
    for part in ["connection=", "correlation_id=", "client_id=\"tidegate\"", "group=\"billing\""] {
        assert!(line.contains(part), "{line}");
    }
    assert!(line.contains("offsets=\"orders-0@0\""), "{line}");
    assert!(line.contains("errors=\"NONE\"") && line.contains("took_us="), "{line}");
}

#[test]
fn a_slow_request_has_a_line_at_warn() {
    // Every request takes more than no time at all, so the least threshold finds one soon.
    let gateway = Gateway::start(&[("TIDEGATE_SLOW_REQUEST_MS", "1"), ("TIDEGATE_OFFSETS", "log")]);
    let until = Instant::now() + PATIENCE;
    let mut index = 0;
    let line = loop {
        let name = format!("topic-{index}");
        gateway.run(&["topic", "create", &name, "--partitions", "1000"]);
        let found = gateway.lines.try_iter().find(|line| line.contains("tidegate::slow"));
        if let Some(line) = found {
            break line;
        }
        assert!(Instant::now() < until, "no request took a millisecond");
        index += 1;
    };
    assert!(line.contains("WARN") && line.contains("slow request"), "{line}");
    for part in ["connection=", "client_id=", "correlation_id=", "api=", "took_ms=", "suppressed="]
    {
        assert!(line.contains(part), "{line}");
    }
}
