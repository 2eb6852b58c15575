//! What the binary does with wrong arguments and settings: it says what is wrong, and starts nothing.

use std::process::{Command, Output};

fn tidegate(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .expect("the binary was built for this test")
}

fn refused(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = tidegate(arguments, variables);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).expect("messages are UTF-8")
}

#[test]
fn a_wrong_flag_stops_the_start() {
    assert_eq!(
        refused(&["serve", "--storage", "tape"], &[]),
        "tidegate: --storage = \"tape\": there is no such engine; it takes local or memory \
         (default local)\n"
    );
}

#[test]
fn a_wrong_variable_stops_the_start() {
    assert_eq!(
        refused(&["serve"], &[("TIDEGATE_KAFKA_NUM_PARTITIONS", "0")]),
        "tidegate: TIDEGATE_KAFKA_NUM_PARTITIONS = \"0\": Invalid value 0 for configuration \
         num.partitions: Value must be at least 1; it takes a whole number, 1 or more (default 1)\n"
    );
}

#[test]
fn a_missing_file_stops_the_start() {
    for (arguments, variables) in [
        (&["serve", "--config", "/no/such/file"][..], &[][..]),
        (&["serve"][..], &[("TIDEGATE_CONFIG", "/no/such/file")][..]),
    ] {
        assert!(refused(arguments, variables).contains("/no/such/file: cannot be read"));
    }
}

#[test]
fn an_unknown_flag_is_refused() {
    assert!(refused(&["serve", "--lisen", "a:1"], &[]).contains("--listen"));
}

#[test]
fn a_gateway_that_cannot_be_reached_has_an_exit_code_of_its_own() {
    // Port 1 is nobody's.
    let output = tidegate(&["topic", "list", "--bootstrap", "127.0.0.1:1"], &[]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let message = String::from_utf8(output.stderr).expect("messages are UTF-8");
    assert!(message.starts_with("tidegate: cannot reach a Kafka broker at 127.0.0.1:1: "));
}

#[test]
fn the_version_is_the_crates() {
    let output = tidegate(&["--version"], &[]);
    assert_eq!(output.stdout, format!("tidegate {}\n", env!("CARGO_PKG_VERSION")).into_bytes());
}

#[test]
fn help_of_every_command_succeeds() {
    for command in [
        &["--help"][..],
        &["serve", "--help"],
        &["topic", "create", "--help"],
        &["group", "describe", "--help"],
        &["inspect", "--help"],
    ] {
        assert!(tidegate(command, &[]).status.success(), "{command:?}");
    }
}
