//! What a running gateway shows and changes at its admin address.

mod connections;
mod log_level;
mod trace;

pub use connections::connections;
pub use log_level::log_level;
pub use trace::trace;

use crate::args::AdminArgs;
use crate::failure::Failure;
use serde_json::Value;
use std::time::Duration;
use ureq::http::Response;
use ureq::{Agent, Body};

/// The largest answer that is read whole.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// A gateway's admin address.
struct Admin {
    agent: Agent,
    base: String,
}

impl Admin {
    /// Nothing is sent yet.
    fn new(args: &AdminArgs) -> Admin {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .build();
        let base = args.admin.trim_end_matches('/');
        let base = if base.contains("://") { base.to_owned() } else { format!("http://{base}") };
        Admin { agent: config.into(), base }
    }

    fn get(&self, path: &str) -> Result<Response<Body>, Failure> {
        let url = format!("{}{path}", self.base);
        self.answered(self.agent.get(&url).call())
    }

    fn put(&self, path: &str, body: &str) -> Result<Response<Body>, Failure> {
        let url = format!("{}{path}", self.base);
        self.answered(self.agent.put(&url).send(body))
    }

    /// An answer with a good status, or the failure that it tells.
    fn answered(
        &self,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, Failure> {
        let base = &self.base;
        let mut answer = answer.map_err(|error| {
            Failure::Unreachable(format!(
                "cannot reach a gateway's admin address at {base}: {error}; it is what `tidegate serve` \
                 was told by --admin-listen"
            ))
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        let told: Option<Value> = serde_json::from_str(&text).ok();
        let told = told.as_ref().and_then(|value| value["error"].as_str());
        Err(Failure::Failed(match told {
            Some(problem) => problem.to_owned(),
            None => format!("{base} answered {status}: is it a Tidegate's admin address?"),
        }))
    }
}

/// The JSON of an answer.
fn json(mut answer: Response<Body>) -> Result<Value, Failure> {
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    let text = body.read_to_string();
    let text = text.map_err(|error| Failure::Failed(format!("the answer broke off: {error}")))?;
    serde_json::from_str(&text).map_err(|_| {
        Failure::Failed("the answer is no JSON: is it a Tidegate's admin address?".to_owned())
    })
}
