//! The commands on a running gateway, as a user types them.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

/// A gateway without a disk, on ports of its own. It is killed when the test ends.
struct Gateway {
    child: Child,
    address: String,
}

impl Gateway {
    fn start() -> Gateway {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["serve", "--storage", "memory", "--listen", "127.0.0.1:0"])
            .args(["--admin-listen", "off"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let stdout = child.stdout.take().expect("it is piped");
        let address = BufReader::new(stdout).lines().map_while(Result::ok).find_map(|line| {
            line.trim().strip_prefix("kafka ").map(|address| address.trim().to_owned())
        });
        let Some(address) = address else {
            let mut log = String::new();
            let mut stderr = child.stderr.take().expect("it is piped");
            stderr.read_to_string(&mut log).expect("logs are UTF-8");
            panic!("the gateway did not start:\n{log}");
        };
        Gateway { child, address }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(arguments)
            .args(["--bootstrap", &self.address])
            .output()
            .expect("the binary was built for this test")
    }

    /// Runs a command that must succeed and print JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).expect("--json prints JSON")
    }

    /// Runs a command that must fail, and returns what it says.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        String::from_utf8(output.stderr).expect("messages are UTF-8")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only if it has ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_created_topic_is_listed_and_described_until_it_is_deleted() {
    let gateway = Gateway::start();
    gateway.json(&["topic", "create", "orders", "-p", "3", "-c", "cleanup.policy=compact"]);
    let listed = gateway.json(&["topic", "list"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert_eq!((&listed[0]["topic"], &listed[0]["partitions"]), (&"orders".into(), &3.into()));
    let described = gateway.json(&["topic", "describe", "orders"]);
    let partitions = described[0]["partitions"].as_array().expect("an array");
    assert_eq!(partitions.len(), 3);
    for partition in partitions {
        assert_eq!((&partition["start_offset"], &partition["end_offset"]), (&0.into(), &0.into()));
    }
    let configs = described[0]["configs"].as_array().expect("an array");
    assert!(configs.iter().any(|config| {
        config["name"] == "cleanup.policy"
            && config["value"] == "compact"
            && config["source"] == "DYNAMIC_TOPIC_CONFIG"
    }));
    gateway.json(&["topic", "delete", "orders"]);
    assert_eq!(gateway.json(&["topic", "list"]), Value::Array(Vec::new()));
}

#[test]
fn a_topic_that_exists_is_created_again_only_if_that_is_allowed() {
    let gateway = Gateway::start();
    gateway.json(&["topic", "create", "orders"]);
    assert!(gateway.refused(&["topic", "create", "orders"]).contains("TOPIC_ALREADY_EXISTS"));
    let again = gateway.json(&["topic", "create", "orders", "--if-not-exists"]);
    assert_eq!((&again[0]["name"], &again[0]["done"]), (&"orders".into(), &true.into()));
}

#[test]
fn a_wrong_topic_config_is_refused_with_the_nearest_name() {
    let gateway = Gateway::start();
    let message = gateway.refused(&["topic", "create", "orders", "-c", "retention.m=1"]);
    assert!(message.contains("did you mean retention.ms?"), "{message}");
    let message = gateway.refused(&["topic", "create", "orders", "-c", "retention.ms=x"]);
    assert!(message.contains("Not a number of type LONG"), "{message}");
}

#[test]
fn what_does_not_exist_is_said_not_to() {
    let gateway = Gateway::start();
    for arguments in [
        &["topic", "describe", "nothing"][..],
        &["group", "describe", "nothing"],
        &["group", "delete", "nothing"],
    ] {
        let message = gateway.refused(arguments);
        assert!(message.contains("nothing does not exist"), "{arguments:?}: {message}");
    }
    assert_eq!(gateway.json(&["group", "list"]), Value::Array(Vec::new()));
}

#[test]
fn a_second_gateway_on_the_same_address_is_refused() {
    let gateway = Gateway::start();
    let second = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["serve", "--storage", "memory", "--listen", &gateway.address])
        .args(["--admin-listen", "off", "--log-level", "off"])
        .output()
        .expect("the binary was built for this test");
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let message = String::from_utf8(second.stderr).expect("messages are UTF-8");
    assert!(message.contains(&format!("cannot listen on {}", gateway.address)), "{message}");
}

#[test]
fn sigterm_ends_the_gateway_cleanly() {
    let mut gateway = Gateway::start();
    let asked = Command::new("kill").arg(gateway.child.id().to_string()).status();
    assert!(asked.expect("there is a kill command").success());
    assert!(gateway.child.wait().expect("it is our child").success());
}
