//! Changes of topics by senders who may make only so many (KIP-599).
//!
//! Each partition created or deleted counts. Kafka's controller asks the quota once everything else
//! about a topic is known to be right, and so do these: what would fail anyway costs nothing.

use super::{Broker, CreateTopic, CreatedTopic, DeleteTopic, Refusal};
use crate::groups::CONSUMER_OFFSETS;
use std::sync::Arc;
use tidegate_log::BoxFuture;
use tidegate_machine::catalog::{CreatePartitions, Failure};
use tidegate_model::ErrorCode;

/// Takes a number of partitions and says whether they may be created or deleted now. It is asked
/// while a change is being decided, in the order of the request.
pub type Allow<'a> = dyn FnMut(usize) -> bool + Send + 'a;

/// Kafka tells the code without a word.
const REFUSED: Refusal = (ErrorCode::ThrottlingQuotaExceeded, String::new());

impl Broker {
    /// [`Broker::create_topics`], as far as `allow` lets it.
    pub fn create_topics_within(
        self: &Arc<Self>,
        wanted: Vec<CreateTopic>,
        validate_only: bool,
        allow: &mut Allow<'_>,
    ) -> BoxFuture<Vec<Result<CreatedTopic, Refusal>>> {
        let counts = self.catalog.partitions_to_create(&wanted);
        let is_allowed = ask(counts, wanted.len(), allow);
        let pending = self.create_topics(keep(wanted, &is_allowed), validate_only);
        Box::pin(async move { merge(&is_allowed, pending.await, || Err(REFUSED)) })
    }

    /// [`Broker::create_partitions`], as far as `allow` lets it.
    pub fn create_partitions_within(
        self: &Arc<Self>,
        mut request: CreatePartitions,
        allow: &mut Allow<'_>,
    ) -> BoxFuture<Vec<Failure>> {
        let mut counts = self.catalog.partitions_to_add(&request);
        for (topic, count) in request.topics.iter().zip(&mut counts) {
            if topic.name == CONSUMER_OFFSETS {
                *count = None;
            }
        }
        let is_allowed = ask(counts, request.topics.len(), allow);
        request.topics = keep(request.topics, &is_allowed);
        let pending = self.create_partitions(request);
        Box::pin(async move {
            let refused = Failure { error: ErrorCode::ThrottlingQuotaExceeded, message: None };
            merge(&is_allowed, pending.await, || refused.clone())
        })
    }

    /// [`Broker::delete_topic`], if `allow` lets it.
    pub fn delete_topic_within(
        self: &Arc<Self>,
        which: DeleteTopic,
        allow: &mut Allow<'_>,
    ) -> BoxFuture<Result<(), Refusal>> {
        let topic = match &which {
            DeleteTopic::Name(name) => self.topics.by_name(name),
            DeleteTopic::Id(id) => self.topics.by_id(*id),
        };
        if let Some(topic) = topic
            && self.settings().delete_topic_enable()
            && !allow(topic.partitions.len())
        {
            return Box::pin(std::future::ready(Err(REFUSED)));
        }
        self.delete_topic(which)
    }
}

/// Which of `len` topics may go on: those that `allow` lets, and those that fail without a count.
fn ask(counts: Vec<Option<usize>>, len: usize, allow: &mut Allow<'_>) -> Vec<bool> {
    // Without counts the log takes nothing, and all will fail.
    let counts = counts.into_iter().chain(std::iter::repeat(None)).take(len);
    counts.map(|count| count.is_none_or(&mut *allow)).collect()
}

fn keep<T>(topics: Vec<T>, is_allowed: &[bool]) -> Vec<T> {
    let marked = topics.into_iter().zip(is_allowed);
    marked.filter_map(|(topic, is_allowed)| is_allowed.then_some(topic)).collect()
}

/// One result for each topic: those of the allowed ones in their order, refusals between them.
fn merge<T>(is_allowed: &[bool], results: Vec<T>, refused: impl Fn() -> T) -> Vec<T> {
    let mut results = results.into_iter();
    let row = |is_allowed: &bool| if *is_allowed { results.next() } else { Some(refused()) };
    is_allowed.iter().filter_map(row).collect()
}
