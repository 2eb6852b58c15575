//! DeleteTopics (key 20), v1-v6. The response waits until the deletion is durable; the data's space
//! is given back then.
//!
//! Versions: v5 error messages and refusals by quota (KIP-599), v6 deletion by id (KIP-516).

use crate::api::configs::sentence;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};
use tidegate_broker::DeleteTopic;
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::WireError;

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
    let mut rows = Vec::with_capacity(wanted.len());
    for topic in wanted {
        let which = match &topic.name {
            Some(name) if topic.topic_id.is_nil() => Some(DeleteTopic::Name(name.to_string())),
            None => Some(DeleteTopic::Id(TopicId(topic.topic_id))),
            Some(_) => None,
        };
        let known = match &which {
            Some(DeleteTopic::Name(name)) => broker.topics().by_name(name),
            Some(DeleteTopic::Id(id)) => broker.topics().by_id(*id),
            None => None,
        };
        let pending = which.map(|which| match account {
            None => broker.delete_topic(which),
            Some(account) => broker.delete_topic_within(which, &mut |partitions| {
                account.charge_mutation(partitions, STRICT_SINCE)
            }),
        });
        rows.push((topic, known, pending));
    }
    Ok(later(async move {
        let mut response = DeleteTopicsResponse::default();
        for (topic, known, pending) in rows {
            let outcome = match pending {
                Some(pending) => pending.await,
                None => Err((
                    ErrorCode::InvalidRequest,
                    "You may not specify both topic name and topic id.".to_owned(),
                )),
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
