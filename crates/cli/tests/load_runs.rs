//! `tidegate load` as a process: what it ends with, against a gateway of its own and against nobody.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn load(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.arg("load").args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ended(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn run(arguments: &[&str], code: i32) -> String {
    ended(&load(arguments).output().expect("the binary was built for this test"), code)
}

/// A file of this test and its removal.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> File {
        File(std::env::temp_dir().join(format!("tidegate-load-test-{}-{name}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the temporary directory is UTF-8")
    }

    fn json(&self) -> Value {
        let text = std::fs::read(&self.0).expect("the report was written");
        serde_json::from_slice(&text).expect("the report is JSON")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A test that failed before may not have written it.
        let _ = std::fs::remove_file(&self.0);
    }
}

const SHORT: &[&str] = &["quick", "--embedded", "--quiet", "--rate", "50"];

fn short<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SHORT.iter().chain(more).copied().collect()
}

#[test]
fn a_run_against_a_gateway_of_its_own_judges_every_record_and_all_schemas() {
    let report = File::new("clean.json");
    run(&short(&["--duration", "3s", "--report", report.path()]), 0);
    let told = report.json();
    assert_eq!(told["verdict"]["counts"]["acknowledged"], 150, "{told}");
    assert_eq!(told["verdict"]["counts"]["present"], 150);
    assert_eq!(told["totals"]["consumed"], 150);
    assert_eq!(told["totals"]["read_back"], 150);
    for check in told["schemas"].as_array().expect("both were verified") {
        assert_eq!((&check["found"], &check["of"]), (&10.into(), &10.into()), "{check}");
    }
    assert_eq!(told["schemas"][1]["when"], "after restart");
    assert_eq!(told["target"]["embedded"], true);
}

#[test]
fn a_gateway_that_a_command_kills_comes_back_and_nothing_is_lost() {
    let report = File::new("killed.json");
    let kill = "kill -9 $(cat $TIDEGATE_LOAD_PID_FILE)";
    run(&short(&["--duration", "6s", "--at", "1s", kill, "--report", report.path()]), 0);
    let told = report.json();
    assert_eq!(told["verdict"]["counts"]["acknowledged"], 300, "{told}");
    assert_eq!(told["commands"][0]["exit_code"], 0);
    // The gateway was away for half a second at least, and no record that was due meanwhile says otherwise.
    let longest_us = told["ack_latency"]["max_us"].as_u64().expect("it was measured");
    assert!(longest_us > 300_000, "{longest_us}");
}

#[test]
fn a_gateway_that_is_killed_while_it_starts_again_comes_back_all_the_same() {
    let report = File::new("killed-twice.json");
    // The file names the new process before that is ready.
    let kills = "file=$TIDEGATE_LOAD_PID_FILE; old=$(cat $file); kill -9 $old; \
                 while new=$(cat $file); [ -z \"$new\" ] || [ \"$new\" = \"$old\" ]; do :; done; kill -9 $new";
    run(&short(&["--duration", "5s", "--at", "1s", kills, "--report", report.path()]), 0);
    let told = report.json();
    assert_eq!(told["verdict"]["counts"]["acknowledged"], 250, "{told}");
    assert_eq!(told["commands"][0]["exit_code"], 0, "{told}");
}

#[test]
fn a_gateway_that_never_answers_again_ends_the_run_with_a_report() {
    let report = File::new("mute.json");
    let mute = "kill -STOP $(cat $TIDEGATE_LOAD_PID_FILE)";
    let times = ["--duration", "5s", "--delivery-timeout", "2s", "--drain-timeout", "1s"];
    let more = ["--at", "1s", mute, "--report", report.path()];
    let child = load(&[SHORT, &times, &more].concat()).spawn();
    let output =
        within(child.expect("the binary was built for this test"), Duration::from_secs(300));
    let said = ended(&output, 2);
    assert!(said.contains("the target could not be read at the end"), "{said}");
    let told = report.json();
    assert_eq!(told["exit_code"], 2, "{told}");
    assert_eq!(told["commands"][0]["exit_code"], 0);
}

#[test]
fn a_missed_service_level_has_an_exit_code_of_its_own() {
    let said = run(&short(&["--duration", "1s", "--expect", "ack.p50=1us"]), 3);
    assert!(said.contains("ack.p50=1us"), "{said}");
}

#[test]
fn a_wish_to_stop_ends_a_run_early_with_its_judgement() {
    let report = File::new("stopped.json");
    let arguments = ["quick", "--embedded", "--rate", "50", "--progress-interval", "500ms"];
    let more = ["--duration", "10m", "--report", report.path()];
    let child = load(&[&arguments[..], &more[..]].concat()).spawn();
    let mut child = child.expect("the binary was built for this test");
    let told = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut lines = told.lines().map_while(Result::ok);
    // Only then has something been acknowledged.
    lines.find(|line| line.contains("ack p50")).expect("it tells what it does");
    interrupt(&child);
    let reader = std::thread::spawn(move || lines.count());
    ended(&within(child, Duration::from_secs(120)), 0);
    reader.join().expect("it only counts");
    let told = report.json();
    assert_eq!(told["interrupted"], true);
    assert_eq!(told["verdict"]["counts"]["unresolved"], 0);
    assert_eq!(told["totals"]["read_back"], told["totals"]["acknowledged"]);
}

/// What a run said that must end by itself; it says less than a pipe holds.
fn within(mut child: Child, longest: Duration) -> Output {
    let deadline = Instant::now() + longest;
    while child.try_wait().expect("it is our child").is_none() {
        if Instant::now() >= deadline {
            child.kill().expect("it is our child");
            panic!("it did not end");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.wait_with_output().expect("it has ended")
}

fn interrupt(child: &Child) {
    let status = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status();
    assert!(status.expect("there is a shell").success());
}

#[test]
fn what_cannot_be_used_is_told_in_a_sentence_with_exit_code_2() {
    for (arguments, words) in [
        (&["quik"][..], "there is no preset 'quik'"),
        (&["quick", "--bootstrap", "127.0.0.1:1", "--quiet"], "--bootstrap"),
        (&["quick", "--report", "/no/such/folder/x.json"], "/no/such/folder"),
        (&["quick", "--report", "report.xls"], "report.xls"),
        (&["quick", "--config", "/no/such/file"], "/no/such/file"),
        (&["quick", "--at", "soon", "true"], "--at soon"),
        (&["quick", "--embedded", "--quiet", "--", "--storage", "tape"], "tape"),
    ] {
        let said = run(arguments, 2);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}
