//! What clients complain about, by code: counted, with the last words of each.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fmt;

/// A failure as a client tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientError {
    /// The name of the code: Kafka's (`NOT_LEADER_FOR_PARTITION`) or, with an underscore in front,
    /// librdkafka's own (`_TRANSPORT`).
    pub code: String,
    /// What it says.
    pub message: String,
    /// Whether the client is of no more use.
    pub fatal: bool,
}

impl ClientError {
    /// A failure that has no code of a client.
    pub fn local(code: &str, message: impl Into<String>) -> ClientError {
        ClientError { code: code.to_owned(), message: message.into(), fatal: false }
    }

    /// librdkafka's error with what it said about it.
    pub fn new(error: &KafkaError, message: &str) -> ClientError {
        let code = error.rdkafka_error_code();
        let message = match (message.is_empty(), code) {
            (false, _) => message.to_owned(),
            (true, Some(code)) => code.to_string(),
            (true, None) => error.to_string(),
        };
        ClientError {
            code: code.map_or_else(|| "_LOCAL".to_owned(), error_name),
            message,
            fatal: matches!(code, Some(RDKafkaErrorCode::Fatal | RDKafkaErrorCode::Fenced)),
        }
    }
}

impl From<KafkaError> for ClientError {
    fn from(error: KafkaError) -> ClientError {
        let said = match &error {
            KafkaError::Transaction(inner) => inner.string(),
            KafkaError::ClientConfig(_, why, name, value) => {
                format!("{name} = {value:?}: {}", why.trim_end_matches('.'))
            }
            KafkaError::ClientCreation(why) | KafkaError::Subscription(why) => why.clone(),
            _ => String::new(),
        };
        ClientError::new(&error, &said)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for ClientError {}

/// The name of a code in capitals, as Kafka and librdkafka print it.
pub fn error_name(code: RDKafkaErrorCode) -> String {
    match RDKafkaRespErr::try_from(code as i32) {
        // SAFETY: the function returns a static string for every value of the enum.
        Ok(code) => unsafe { CStr::from_ptr(rdkafka::bindings::rd_kafka_err2name(code)) }
            .to_string_lossy()
            .into_owned(),
        Err(_) => format!("ERR_{}", code as i32),
    }
}

/// How often each code came, and what was said the last time.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ErrorCounts {
    by_code: BTreeMap<String, (u64, String)>,
}

impl ErrorCounts {
    /// More codes than any client has; what comes beyond is counted under one name.
    const CODES_MAX: usize = 256;

    /// Counts one.
    pub fn count(&mut self, error: &ClientError) {
        if let Some((count, message)) = self.by_code.get_mut(&error.code) {
            *count += 1;
            message.clone_from(&error.message);
        } else if self.by_code.len() < Self::CODES_MAX {
            self.by_code.insert(error.code.clone(), (1, error.message.clone()));
        } else {
            self.by_code.entry("_OTHER".to_owned()).or_insert((0, error.message.clone())).0 += 1;
        }
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &ErrorCounts) {
        for (code, (count, message)) in &other.by_code {
            let mine = self.by_code.entry(code.clone()).or_insert((0, String::new()));
            mine.0 += count;
            mine.1.clone_from(message);
        }
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.by_code.values().map(|(count, _)| count).sum()
    }

    /// Code, count and the last message of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64, &str)> {
        self.by_code
            .iter()
            .map(|(code, (count, message))| (code.as_str(), *count, message.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_named_as_kafka_names_them() {
        assert_eq!(error_name(RDKafkaErrorCode::UnknownTopicOrPartition), "UNKNOWN_TOPIC_OR_PART");
        assert_eq!(error_name(RDKafkaErrorCode::BrokerTransportFailure), "_TRANSPORT");
    }

    #[test]
    fn counts_of_several_clients_add_up_and_the_last_words_are_kept() {
        let (mut one, mut two) = (ErrorCounts::default(), ErrorCounts::default());
        one.count(&ClientError::local("_TRANSPORT", "refused"));
        two.count(&ClientError::local("_TRANSPORT", "reset"));
        two.count(&ClientError::local("_MSG_TIMED_OUT", "late"));
        one.merge(&two);
        assert_eq!(one.total(), 3);
        assert_eq!(
            one.iter().collect::<Vec<_>>(),
            [("_MSG_TIMED_OUT", 1, "late"), ("_TRANSPORT", 2, "reset")]
        );
    }

    #[test]
    fn codes_without_end_do_not_fill_the_memory() {
        let mut counts = ErrorCounts::default();
        for number in 0..10_000 {
            counts.count(&ClientError::local(&format!("CODE_{number}"), "x"));
        }
        assert_eq!(counts.total(), 10_000);
        assert!(counts.iter().count() <= ErrorCounts::CODES_MAX + 1);
    }
}
