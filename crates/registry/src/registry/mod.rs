//! The registry: what the state holds, and the rules by which new schemas come to it.

mod answers;
mod compatibility;
mod errors;
mod inline_tags;
mod lookup;
mod merge;
mod parsed;
mod references;
mod register;
mod requests;
mod reserved;
mod rules;
mod tags;

pub use answers::{RegisteredAnswer, SchemaAnswer, StringAnswer};
pub use inline_tags::SchemaTags;
pub use requests::{ConfigRequest, ModeRequest, RegisterRequest, TagRequest};

use crate::error::ApiError;
use crate::http::metrics::Counts;
use crate::settings::RegistrySettings;
use parsed::ParsedCache;
use std::sync::Arc;
use tidegate_broker::Schemas;
use tidegate_machine::schema::{QualifiedSubject, Registry as State, RuleSet, SchemaVersion};
use tokio::sync::Semaphore;

/// Schemas, their subjects, and the rules by which new ones come.
pub struct Registry {
    schemas: Arc<Schemas>,
    settings: RegistrySettings,
    parsed: ParsedCache,
    /// How many schemas are read or compared at once, as many as there are cores.
    work: Arc<Semaphore>,
}

impl Registry {
    /// The registry over what is kept in `schemas`.
    pub fn new(schemas: Arc<Schemas>, settings: RegistrySettings) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Registry {
            schemas,
            parsed: ParsedCache::new(settings.cache_bytes),
            settings,
            work: Arc::new(Semaphore::new(cores)),
        }
    }

    /// What it was told.
    pub fn settings(&self) -> &RegistrySettings {
        &self.settings
    }

    /// What keeps the schemas.
    pub fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// How much there is.
    pub fn counts(&self) -> Counts {
        let figures = self.schemas.figures();
        Counts {
            subjects: figures.subjects as u64,
            versions: figures.versions as u64,
            schemas: figures.schemas as u64,
            skipped_records: figures.skipped_records,
            cache_bytes: self.parsed.bytes() as u64,
        }
    }

    /// Looks at the state. What is seen is durable.
    pub async fn read<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T, ApiError> {
        self.schemas.read(look).await.map_err(ApiError::from)
    }

    /// Looks for a version in `asked`, a subject or a context as a whole. That it is the one is durable;
    /// what others are writing elsewhere meanwhile is not waited for.
    pub async fn version(
        &self,
        asked: &QualifiedSubject,
        look: impl FnOnce(&State) -> Option<Arc<SchemaVersion>>,
    ) -> Result<Option<Arc<SchemaVersion>>, ApiError> {
        let look = |state: &State| {
            let found = look(state);
            let offset = found.as_ref().and_then(|found| state.seen_offset(asked, found));
            (found, offset)
        };
        self.schemas.read_seen(look).await.map_err(ApiError::from)
    }

    /// Looks at the state for a decision. What is seen may not be durable yet, so that nothing but a
    /// step of the machine, whose answer waits for it, may be built on it.
    async fn peek<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T, ApiError> {
        const WRITTEN_LONG_AGO: i64 = -1;
        let look = |state: &State| (look(state), Some(WRITTEN_LONG_AGO));
        self.schemas.read_seen(look).await.map_err(ApiError::from)
    }

    /// The subject that a request names, or the one that its config says it is an alias of.
    pub async fn subject(&self, named: &str) -> Result<QualifiedSubject, ApiError> {
        let subject = QualifiedSubject::parse(named);
        self.peek(|state| state.resolve_alias(&subject)).await
    }

    /// Refuses rules that contradict themselves (42210).
    pub fn check_rules(&self, rules: Option<&RuleSet>) -> Result<(), ApiError> {
        rules.map_or(Ok(()), |rules| rules::check(rules).map_err(ApiError::invalid_rule_set))
    }

    /// The text of a version in the form that `format` names; the stored one where it names none.
    pub async fn formatted(
        &self,
        version: &SchemaVersion,
        format: Option<&str>,
    ) -> Result<Arc<str>, ApiError> {
        let Some(format) = format.map(str::trim).filter(|format| !format.is_empty()) else {
            return Ok(version.schema.entity.text.clone());
        };
        let parsed = self.parsed_version(version).await?;
        let format = format.to_owned();
        Ok(self.work(move || parsed.schema.formatted(&format)).await.into())
    }

    /// Does work that may take milliseconds off the threads that serve connections.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        permitted(self.work.clone(), work).await
    }
}

/// Does work on a thread of its own when there is a permit for it.
///
/// The work ends by itself only, also when nobody waits for it any more because the client went: it
/// takes the permit along, or clients that come and go would have more done at once than there are
/// permits.
async fn permitted<T: Send + 'static>(
    permits: Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let permit = permits.acquire_owned().await.expect("the semaphore is never closed");
    let work = move || {
        let _permit = permit;
        work()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // What breaks here is a broken invariant, as it would be without the thread.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn work_keeps_its_permit_when_nobody_waits_for_it_any_more() {
        let permits = Arc::new(Semaphore::new(1));
        let (go_on, wait) = mpsc::channel::<()>();
        let work = permitted(permits.clone(), move || wait.recv().is_err());
        let waiting = tokio::time::timeout(std::time::Duration::from_millis(50), work);
        assert!(waiting.await.is_err(), "it is not done yet");
        assert_eq!(permits.available_permits(), 0);
        drop(go_on);
        assert!(permitted(permits, || true).await, "the permit came back with the end of the work");
    }
}
