//! Commands that are run against the target at given times, and what came of them.

use super::clock::RunClock;
use super::stop::{Stop, Wish};
use crate::plan::FaultCommand;
use crate::report::Command;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How much of a command's output is kept, from its end.
const OUTPUT_BYTES_MAX: usize = 16 << 10;

/// How long output is waited for when the command is over: what it left running may hold the pipe.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

/// Runs the commands at their times, counted from `epoch_us`, until `over`. What still runs then is left
/// running. `tell` hears a line about each.
pub(super) fn run_all(
    commands: &[FaultCommand],
    environment: &[(String, String)],
    clock: RunClock,
    epoch_us: i64,
    over: &Stop,
    tell: &(dyn Fn(&str) + Sync),
) -> Vec<Command> {
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let mut order: Vec<&FaultCommand> = commands.iter().collect();
        order.sort_by_key(|command| command.after);
        for command in order {
            let at = clock.instant(epoch_us) + command.after.duration();
            if over.wait_until(at, Wish::Stop) {
                break;
            }
            let done = &done;
            // Each in a thread of its own: one that takes long must not delay the next one.
            scope.spawn(move || {
                tell(&format!("running {:?}", command.command));
                let result = run(&command.command, environment, clock, over);
                tell(&match result.exit_code {
                    Some(0) => format!("{:?} is done", command.command),
                    Some(code) => format!("{:?} ended with exit code {code}", command.command),
                    None => format!("{:?} did not end by itself", command.command),
                });
                done.lock().expect("nobody panics with the lock").push(result);
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panics with the lock");
    done.sort_by_key(|command| command.at_ms);
    done
}

/// Runs one command with `sh -c` and waits for its end, or for that of the run.
pub(super) fn run(
    command: &str,
    environment: &[(String, String)],
    clock: RunClock,
    over: &Stop,
) -> Command {
    let at_ms = clock.elapsed_ms();
    let (exit_code, output) = match spawn(command, environment) {
        Ok(child) => wait(child, over),
        Err(error) => (None, format!("sh was not started: {error}")),
    };
    let took_ms = clock.elapsed_ms() - at_ms;
    Command { command: command.to_owned(), at_ms, took_ms, exit_code, output }
}

fn spawn(command: &str, environment: &[(String, String)]) -> std::io::Result<Child> {
    std::process::Command::new("sh")
        .arg("-c")
        // One pipe for both, so that lines stay in their order.
        .arg(format!("exec 2>&1\n{command}"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

fn wait(mut child: Child, over: &Stop) -> (Option<i32>, String) {
    let output = Arc::new(Mutex::new((Vec::new(), false)));
    if let Some(mut pipe) = child.stdout.take() {
        let output = output.clone();
        // Goes on reading when the command is over, so that what it left running does not block.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                let mut output = output.lock().expect("nobody panics with the lock");
                output.0.extend_from_slice(&buffer[..count]);
                let excess = output.0.len().saturating_sub(OUTPUT_BYTES_MAX);
                output.0.drain(..excess);
            }
            output.lock().expect("nobody panics with the lock").1 = true;
        });
    }
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if over.wait(Duration::from_millis(10), Wish::Stop) => {
                break child.try_wait().ok().flatten();
            }
            Ok(None) => {}
            Err(_) => break None,
        }
    };
    let deadline = Instant::now() + OUTPUT_GRACE;
    while !output.lock().expect("nobody panics with the lock").1 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    let bytes = output.lock().expect("nobody panics with the lock").0.clone();
    let mut text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
    if let Some(signal) = status.and_then(|status| status.signal()) {
        text = format!("{text}\n(ended by signal {signal})").trim_start().to_owned();
    }
    (status.and_then(|status| status.code()), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Span;

    fn now(command: &str) -> Command {
        run(command, &[], RunClock::start(), &Stop::default())
    }

    #[test]
    fn exit_code_and_both_outputs_are_kept() {
        let result = now("echo out; echo err >&2; exit 3");
        assert_eq!((result.exit_code, result.output.as_str()), (Some(3), "out\nerr"));
    }

    #[test]
    fn what_a_command_leaves_running_does_not_hold_the_run() {
        let before = Instant::now();
        let result = now("sleep 600 & echo $!");
        assert!(before.elapsed() < Duration::from_secs(60));
        assert_eq!(result.exit_code, Some(0));
        assert_eq!(now(&format!("kill {}", result.output)).exit_code, Some(0));
    }

    #[test]
    fn the_end_of_a_long_output_is_kept() {
        let result = now("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
        assert!(result.output.len() <= OUTPUT_BYTES_MAX);
        assert!(result.output.ends_with("line 19999"));
    }

    #[test]
    fn commands_run_in_the_order_of_their_times_with_the_environment() {
        let command = |millis, text: &str| FaultCommand {
            after: Span::from_millis(millis),
            command: text.to_owned(),
        };
        let clock = RunClock::start();
        let commands = [command(80, "echo b$NAME"), command(0, "echo a$NAME")];
        let environment = [("NAME".to_owned(), "x".to_owned())];
        let done =
            run_all(&commands, &environment, clock, clock.began_us(), &Stop::default(), &|_| {});
        let outputs: Vec<&str> = done.iter().map(|command| command.output.as_str()).collect();
        assert_eq!(outputs, ["ax", "bx"]);
        assert!(done[1].at_ms >= 80);
    }

    #[test]
    fn a_command_whose_time_does_not_come_is_not_run() {
        let over = Stop::default();
        over.ask();
        let commands = [FaultCommand { after: Span::from_secs(3600), command: "echo".to_owned() }];
        let clock = RunClock::start();
        assert!(run_all(&commands, &[], clock, clock.began_us(), &over, &|_| {}).is_empty());
    }
}
