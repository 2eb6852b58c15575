//! What `tidegate inspect` shows of the directory of a gateway that was stopped, or killed.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A directory of its own, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("tidegate-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        Directory(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A gateway with its registry, killed at the end if it was not stopped.
struct Gateway {
    child: Child,
    kafka: String,
    registry: String,
}

impl Gateway {
    fn start(directory: &Path) -> Gateway {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "off"])
            .args(["--registry-listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary was built for this test");
        let mut greeting = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut told = |name: &str| {
            let line = greeting.by_ref().map_while(Result::ok).find(|line| line.contains(name));
            let line = line.expect("the gateway starts");
            line.split_whitespace().last().expect("an address").to_owned()
        };
        let (kafka, registry) = (told("kafka "), told("registry "));
        Gateway { child, kafka, registry }
    }

    fn run(&self, arguments: &[&str]) {
        let output = tidegate(arguments, &["--bootstrap", &self.kafka]);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    /// Ends it in order, so that it leaves a checkpoint of everything.
    fn stop(mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there");
        assert!(sent.success());
        assert!(self.child.wait().expect("it was started").success());
    }

    /// Ends it at once, so that all is in the write-ahead log.
    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only if it has ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn tidegate(arguments: &[&str], more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(arguments)
        .args(more)
        .output()
        .expect("the binary was built for this test")
}

fn inspected(directory: &Path, arguments: &[&str]) -> Value {
    let directory = directory.to_str().expect("temporary directories have UTF-8 names");
    let arguments = [&["inspect"], arguments].concat();
    let output = tidegate(&arguments, &["--json", "--data-dir", directory]);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).expect("--json prints JSON")
}

/// A topic, offsets of two groups, and two versions of a schema of which one is deleted.
fn fill(gateway: &Gateway, directory: &Path) {
    gateway.run(&["topic", "create", "orders", "--partitions", "2"]);
    for group in ["billing", "shipping"] {
        let reset = ["group", "reset-offsets", group, "--topic", "orders:1", "--to-offset", "0"];
        gateway.run(&[&reset[..], &["--execute"]].concat());
    }
    let schema = directory.join("text.avsc");
    std::fs::write(&schema, "\"string\"").expect("the directory is there");
    let schema = format!("orders-value={}", schema.display());
    let registered = tidegate(&["schema", "register", &schema], &["--url", &gateway.registry]);
    assert!(registered.status.success(), "{registered:?}");
}

fn look_at(directory: &Path) {
    let topics = inspected(directory, &["topics"]);
    let of = |topic: &str| {
        let rows = topics.as_array().expect("a list").iter();
        rows.filter(|row| row["topic"] == topic).cloned().collect::<Vec<_>>()
    };
    assert_eq!(of("orders").len(), 2);
    assert!(of("_schemas")[0]["end_offset"].as_i64() > Some(0), "{topics}");

    let groups = inspected(directory, &["groups"]);
    assert_eq!(groups[0]["group"], "billing");
    assert_eq!(groups[0]["state"], "Empty");
    assert_eq!((&groups[0]["offsets"], &groups[1]["group"]), (&1.into(), &"shipping".into()));

    let offsets = inspected(directory, &["offsets", "--group", "shipping"]);
    let [offset] = offsets.as_array().expect("a list").as_slice() else { panic!("{offsets}") };
    assert_eq!(offset["topic"], "orders");
    assert_eq!((&offset["partition"], &offset["committed_offset"]), (&1.into(), &0.into()));

    let records = inspected(directory, &["registry"]);
    let schema = records.as_array().expect("a list").iter();
    let mut schema = schema.filter(|row| row["key"]["keytype"] == "SCHEMA");
    let schema = schema.next().expect("the schema's record");
    assert_eq!(schema["key"]["subject"], "orders-value");
    assert_eq!((&schema["value"]["id"], &schema["value"]["version"]), (&1.into(), &1.into()));

    let offset = schema["offset"].to_string();
    let log = ["log", "--topic", "_schemas", "--from", &offset, "--limit", "1"];
    let batches = inspected(directory, &log);
    assert_eq!(batches[0]["compression"], "none");
    assert!(batches[0]["last_offset"].as_i64() >= schema["offset"].as_i64(), "{batches}");
    let records = inspected(directory, &[&log[..], &["--records"]].concat());
    assert_eq!(records[0]["offset"], schema["offset"]);
    let value: Value = serde_json::from_str(records[0]["value"].as_str().expect("a text"))
        .expect("registries write JSON");
    assert_eq!(value, schema["value"]);
    assert_eq!(inspected(directory, &["producers", "--topic", "orders"]), json!([]));
}

#[test]
fn a_gateway_that_was_killed_and_one_that_stopped_show_the_same() {
    let directory = Directory::new("inspect");
    let gateway = Gateway::start(directory.path());
    fill(&gateway, directory.path());
    gateway.kill();
    look_at(directory.path());
    Gateway::start(directory.path()).stop();
    look_at(directory.path());
    // Looking changes nothing that a start would mind.
    Gateway::start(directory.path()).stop();
}

#[test]
fn the_directory_of_a_running_gateway_is_refused() {
    let directory = Directory::new("inspect-running");
    let gateway = Gateway::start(directory.path());
    let data_dir = directory.path().to_str().expect("temporary directories have UTF-8 names");
    let output = tidegate(&["inspect", "groups"], &["--data-dir", data_dir]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    let pid = gateway.child.id();
    assert!(message.contains(&format!("in use by the process {pid}")), "{message}");
    assert!(message.contains("stop the gateway first"), "{message}");
    gateway.stop();
    let output = tidegate(&["inspect", "groups"], &["--data-dir", data_dir]);
    assert!(output.status.success(), "{output:?}");
    let output = tidegate(&["inspect", "log", "--topic", "none"], &["--data-dir", data_dir]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
