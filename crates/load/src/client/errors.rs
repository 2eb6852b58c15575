//! What clients complain about: a code's name and what was said.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
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
            // Not the value: it may be a password, and this goes into reports.
            KafkaError::ClientConfig(_, why, name, _) => {
                format!("{name}: {}", why.trim_end_matches('.'))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_named_as_kafka_names_them() {
        assert_eq!(error_name(RDKafkaErrorCode::UnknownTopicOrPartition), "UNKNOWN_TOPIC_OR_PART");
        assert_eq!(error_name(RDKafkaErrorCode::BrokerTransportFailure), "_TRANSPORT");
    }

    #[test]
    fn a_refused_property_is_named_without_its_value() {
        let mut config = rdkafka::ClientConfig::new();
        config.set("sasl.pasword", "secret");
        let error = config.create_native_config().err().expect("there is no such property");
        let said = ClientError::from(error).to_string();
        assert!(said.contains("sasl.pasword") && !said.contains("secret"), "{said}");
    }
}
