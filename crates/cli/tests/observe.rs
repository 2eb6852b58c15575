//! What a running gateway shows of itself: log lines, connections.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
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
