//! The phases of the schema registry: register, verify, restart, verify again.

use super::Attempt;
use super::commands;
use super::stop::Wish;
use crate::message::SchemaIds;
use crate::registry::{Registry, Verification};
use crate::report::{Report, SchemaCheck};
use std::time::{Duration, Instant};

/// How long a registry may take to have all schemas again after a restart.
const RESTART_TIMEOUT: Duration = Duration::from_secs(60);

/// Registers and verifies the plan's schemas, if it has a registry.
pub(super) fn prepare(attempt: &Attempt<'_>, report: &mut Report) -> Result<SchemaIds, String> {
    let plan = attempt.plan;
    let registry = Registry::of(plan).map_err(|error| error.to_string())?;
    let Some(registry) = registry else { return Ok(SchemaIds::made_up(plan)) };
    attempt.phase("register", None);
    let ids = registry.register(plan).map_err(|error| error.to_string())?;
    attempt.note(format!("{} schemas", 2 * ids.topics.len()));
    attempt.phase("verify", None);
    let verified = registry.verify(plan, &ids);
    told(attempt, report, "registered", verified);
    if attempt.hooks.restart.is_some() || plan.registry_restart.is_some() {
        attempt.stop_asked("before a record was sent")?;
        attempt.phase("restart", None);
        restart(attempt)?;
        let deadline = Instant::now() + RESTART_TIMEOUT;
        let verified = loop {
            let verified = registry.verify(plan, &ids);
            let patient = Instant::now() < deadline
                && !attempt.stop.wait(Duration::from_millis(200), Wish::Stop);
            if verified.complete() || !patient {
                break verified;
            }
        };
        told(attempt, report, "after restart", verified);
    }
    Ok(ids)
}

fn told(attempt: &Attempt<'_>, report: &mut Report, when: &str, verified: Verification) {
    let Verification { found, of, problems } = verified;
    attempt.note(format!("{found}/{of} found"));
    report.schemas.push(SchemaCheck { when: when.to_owned(), found, of, problems });
}

fn restart(attempt: &Attempt<'_>) -> Result<(), String> {
    if let Some(restart) = &attempt.hooks.restart {
        return restart();
    }
    let Some(command) = &attempt.plan.registry_restart else { return Ok(()) };
    // A wish to stop ends the waiting: the command may hang.
    let done = commands::run(command, &attempt.hooks.environment, attempt.clock, attempt.stop);
    match done.exit_code {
        Some(0) => Ok(()),
        None if attempt.stop.wish() > Wish::None => {
            Err(format!("Stopped by hand while {command:?} was restarting the registry."))
        }
        code => Err(format!(
            "the command that restarts the registry, {command:?}, {}: {}",
            code.map_or("was ended".to_owned(), |code| format!("ended with exit code {code}")),
            if done.output.is_empty() { "it wrote nothing" } else { &done.output }
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::RunClock;
    use super::super::{Hooks, Stop};
    use super::*;
    use crate::live::Live;
    use crate::plan::Plan;
    use crate::report::Recorder;
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_wish_to_stop_ends_a_restart_that_hangs() {
        let mut plan = Plan::preset("quick").expect("there is one");
        // If it were waited for, it would end well.
        plan.registry_restart = Some("sleep 10".to_owned());
        let (stop, recorder) = (Arc::default(), Mutex::new(Recorder::new(Live::quiet(), None)));
        Stop::ask(&stop);
        let attempt = Attempt {
            plan: &plan,
            id: 1,
            clock: RunClock::start(),
            stop: &stop,
            hooks: Hooks::default(),
            recorder: &recorder,
        };
        let said = restart(&attempt).expect_err("it was stopped");
        assert!(said.starts_with("Stopped by hand") && said.contains("sleep 10"), "{said}");
    }
}
