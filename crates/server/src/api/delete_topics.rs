//! DeleteTopics (key 20), v1-v6. The response waits until the deletion is durable; the data's space
//! is given back then.
//!
//! A topic that is named twice, or by name and by id, is refused rather than deleted.
//!
//! Versions: v5 error messages and refusals by quota (KIP-599), v6 deletion by id (KIP-516).

use crate::api::configs::sentence;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tidegate_broker::{Broker, DeleteTopic, Topic};
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::WireError;
use uuid::Uuid;

/// From here on, deletions beyond the sender's quota are refused (KIP-599).
const STRICT_SINCE: i16 = 5;
const BY_ID_SINCE: i16 = 6;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DeleteTopicsRequest = request.decode()?;
    let wanted: Vec<DeleteTopicState> = if to.version >= BY_ID_SINCE {
        decoded.topics
    } else {
        let names = decoded.topic_names.into_iter();
        names.map(|name| DeleteTopicState::default().with_name(Some(name))).collect()
    };
    let broker = client.broker().clone();
    let account = request.account.as_ref().filter(|account| account.limits_mutations());
    let delete = |which| match account {
        None => broker.delete_topic(which),
        Some(account) => broker.delete_topic_within(which, &mut |partitions| {
            account.charge_mutation(partitions, STRICT_SINCE)
        }),
    };
    let mut rows = Vec::with_capacity(wanted.len());
    for (topic, known, wrong) in checked(&broker, wanted) {
        let pending = match (&wrong, &topic.name) {
            (Some(wrong), _) => Err((ErrorCode::InvalidRequest, (*wrong).to_owned())),
            (None, Some(name)) => Ok(delete(DeleteTopic::Name(name.to_string()))),
            (None, None) => Ok(delete(DeleteTopic::Id(TopicId(topic.topic_id)))),
        };
        rows.push((topic, known, pending));
    }
    Ok(later(async move {
        let mut response = DeleteTopicsResponse::default();
        for (topic, known, pending) in rows {
            let outcome = match pending {
                Ok(pending) => pending.await,
                Err(refusal) => Err(refusal),
            };
            let mut row = DeletableTopicResult::default().with_name(topic.name.or_else(|| {
                let name = known.as_ref().filter(|_| outcome.is_ok())?;
                Some(super::metadata::topic_name(&name.name))
            }));
            if to.version >= BY_ID_SINCE {
                row.topic_id = known.map_or(topic.topic_id, |known| known.id.0);
            }
            if let Err((error, message)) = outcome {
                row.error_code = error.code();
                if to.version >= 5 {
                    row.error_message = sentence(&message);
                }
            }
            response.responses.push(row);
        }
        to.reply(&response)
    }))
}

/// A topic of the request, what it is, and what is wrong with asking for it that way.
type Checked = (DeleteTopicState, Option<Arc<Topic>>, Option<&'static str>);

/// One row for each topic: what is named twice is refused, and refused once.
fn checked(broker: &Broker, wanted: Vec<DeleteTopicState>) -> Vec<Checked> {
    let mut rows: Vec<Checked> = Vec::with_capacity(wanted.len());
    let mut seen: HashMap<(Option<TopicName>, Uuid), usize> = HashMap::new();
    for topic in wanted {
        let by_name = topic.name.is_some();
        let by_id = !topic.topic_id.is_nil();
        let mut wrong = match (by_name, by_id) {
            (true, true) => Some("You may not specify both topic name and topic id."),
            (false, false) => Some("Neither topic name nor id were specified."),
            _ => None,
        };
        if wrong.is_none() {
            let key = (topic.name.clone(), topic.topic_id);
            if let Some(first) = seen.get(&key) {
                wrong = Some(if by_name { "Duplicate topic name." } else { "Duplicate topic id." });
                (rows[*first].1, rows[*first].2) = (None, wrong);
                continue;
            }
            seen.insert(key, rows.len());
        }
        let known = match (&topic.name, &wrong) {
            (_, Some(_)) => None,
            (Some(name), None) => broker.topics().by_name(name),
            (None, None) => broker.topics().by_id(TopicId(topic.topic_id)),
        };
        rows.push((topic, known, wrong));
    }
    refuse_names_of_ids(&mut rows);
    rows
}

/// Refuses names whose topics are also asked for by id; their ids leave with them.
fn refuse_names_of_ids(rows: &mut Vec<Checked>) {
    let is_fine = |row: &&Checked| row.2.is_none() && row.1.is_some();
    let ids: HashSet<Uuid> = rows
        .iter()
        .filter(is_fine)
        .filter(|row| row.0.name.is_none())
        .map(|row| row.0.topic_id)
        .collect();
    let mut twice = HashSet::new();
    for (topic, known, wrong) in rows.iter_mut() {
        let id = known.as_ref().map_or(Uuid::nil(), |known| known.id.0);
        if wrong.is_none() && topic.name.is_some() && ids.contains(&id) {
            *wrong = Some("The provided topic name maps to an ID that was already supplied.");
            twice.insert(id);
        }
    }
    rows.retain(|row| row.0.name.is_some() || !twice.contains(&row.0.topic_id));
}
