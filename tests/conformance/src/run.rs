//! Runs scenarios side by side and gathers what they came to.

use crate::client::Client;
use crate::scenario::{Running, Scenario};
use crate::target::Target;
use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Scenarios at a time.
const LANES: usize = 8;

/// A scenario that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a scenario came to on a broker.
pub struct Outcome {
    pub scenario: Scenario,
    /// What it observed; its last line tells the failure if there was one.
    pub transcript: String,
    /// Why the claim does not hold, and where in the scenario that was seen.
    pub failure: Option<String>,
    pub took: Duration,
}

/// Runs those scenarios on that broker; the outcomes come in the order of the scenarios.
pub async fn run(target: &Arc<Target>, scenarios: &[Scenario]) -> Vec<Outcome> {
    run_within(PATIENCE, target, scenarios).await
}

async fn run_within(
    patience: Duration,
    target: &Arc<Target>,
    scenarios: &[Scenario],
) -> Vec<Outcome> {
    hook_panics();
    let lanes = Arc::new(Semaphore::new(LANES));
    let mut running = JoinSet::new();
    for (index, scenario) in scenarios.iter().copied().enumerate() {
        let (lanes, target) = (lanes.clone(), target.clone());
        running.spawn(async move {
            let _lane = lanes.acquire_owned().await.expect("the lanes are never closed");
            (index, run_one(patience, target, scenario).await)
        });
    }
    let mut outcomes = running.join_all().await;
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn run_one(patience: Duration, target: Arc<Target>, scenario: Scenario) -> Outcome {
    let begun = Instant::now();
    let client = Client::open(target).await;
    let transcript = client.keep_transcript();
    let failure = client.keep_failure();
    let ran = timeout(patience, without_panic((scenario.run)(client))).await;
    let failed = match ran {
        Ok(Ok(())) => None,
        Ok(Err(panic)) => Some(panic),
        Err(_) => {
            Some(Panic { message: format!("not done in {patience:?}"), place: String::new() })
        }
    };
    if let Some(panic) = &failed {
        failure(&panic.message);
    }
    let failure = failed.map(|panic| format!("{}{}", panic.place, panic.message));
    Outcome { scenario, transcript: transcript(), failure, took: begun.elapsed() }
}

struct Panic {
    message: String,
    place: String,
}

thread_local! {
    static LAST_PANIC: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Keeps what panics say for those who catch them, instead of printing it.
fn hook_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let message = info.payload_as_str().unwrap_or("a panic without words").to_owned();
            let place = info.location().map(|at| format!("{}:{}: ", at.file(), at.line()));
            let panic = Panic { message, place: place.unwrap_or_default() };
            LAST_PANIC.set(Some(panic));
        }));
    });
}

async fn without_panic(mut running: Running) -> Result<(), Panic> {
    poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context)));
        polled.map_or_else(
            |_| Err(LAST_PANIC.take().expect("the hook ran on this thread")).into(),
            |polled| polled.map(Ok),
        )
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_scenario_that_hangs_or_panics_fails_by_name_and_leaves_others_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let target = Arc::new(Target {
            address,
            node_id: 0,
            cluster_id: String::new(),
            host: String::new(),
            port: 0,
            versions: BTreeMap::new(),
        });
        let scenarios = [
            Scenario::new("a", "hangs", |client| {
                Box::pin(async move {
                    client.note("seen");
                    std::future::pending().await
                })
            }),
            Scenario::new("a", "panics", |_| Box::pin(async { panic!("because") })),
            Scenario::new("a", "holds", |_| Box::pin(async {})),
        ];
        let outcomes = run_within(Duration::from_millis(20), &target, &scenarios).await;
        let [hangs, panics, holds] = outcomes.as_slice() else { panic!("three outcomes") };
        assert_eq!(
            (hangs.scenario.name, hangs.transcript.as_str()),
            ("hangs", "seen\nFAILED not done in 20ms\n")
        );
        assert!(panics.failure.as_ref().is_some_and(|why| why.ends_with(": because")));
        assert!(holds.failure.is_none());
    }
}
