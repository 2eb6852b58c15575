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
const PATIENCE: Duration = Duration::from_secs(60);

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
    hook_panics();
    let lanes = Arc::new(Semaphore::new(LANES));
    let mut running = JoinSet::new();
    for (index, scenario) in scenarios.iter().copied().enumerate() {
        let (lanes, target) = (lanes.clone(), target.clone());
        running.spawn(async move {
            let _lane = lanes.acquire_owned().await.expect("the lanes are never closed");
            (index, run_one(target, scenario).await)
        });
    }
    let mut outcomes = running.join_all().await;
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn run_one(target: Arc<Target>, scenario: Scenario) -> Outcome {
    let begun = Instant::now();
    let client = Client::open(target).await;
    let transcript = client.keep_transcript();
    let failure = client.keep_failure();
    let ran = timeout(PATIENCE, without_panic((scenario.run)(client))).await;
    let failed = match ran {
        Ok(Ok(())) => None,
        Ok(Err(panic)) => Some(panic),
        Err(_) => {
            Some(Panic { message: format!("not done in {PATIENCE:?}"), place: String::new() })
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
