//! What no run can be: each refusal names the setting, its value and what would be right.

use super::{Acks, ClientKind, Plan, PlanError};
use crate::message::{self, COUNTER_MAX};

const COMPATIBILITY_LEVELS: [&str; 7] = [
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
];

impl Plan {
    /// Refuses a plan that cannot be run.
    pub fn check(&self) -> Result<(), PlanError> {
        self.check_numbers()?;
        self.check_names()?;
        self.check_producers()?;
        self.check_times()?;
        self.check_value_size()
    }

    fn check_numbers(&self) -> Result<(), PlanError> {
        let ranges: [(&str, u64, u64, u64); 8] = [
            ("topics", self.topics.into(), 1, 10_000),
            ("partitions", self.partitions.into(), 1, 100_000),
            ("producers", self.producers.into(), 1, 10_000),
            ("consumers", self.consumers.into(), 0, 10_000),
            ("groups", self.groups.into(), 1, 1_000),
            ("keys", self.keys.into(), 1, 1_000_000),
            ("headers", self.headers.into(), 0, 64),
            ("batch_records", self.batch_records.into(), 1, 1_000_000),
        ];
        for (name, value, min, max) in ranges {
            if !(min..=max).contains(&value) {
                return refuse(format!("{name} is {value}: from {min} to {max} is possible"));
            }
        }
        if self.replication_factor < 1 && self.replication_factor != -1 {
            let value = self.replication_factor;
            return refuse(format!(
                "replication_factor is {value}: write 1 or more, or -1 for the target's default"
            ));
        }
        if !(self.rate.is_finite() && (0.0..=1e8).contains(&self.rate)) {
            return refuse(format!(
                "rate is {}: write records per second of each producer, or 0 for as fast as it goes",
                self.rate
            ));
        }
        if !(0.0..=10.0).contains(&self.key_skew) {
            let value = self.key_skew;
            return refuse(format!("key_skew is {value}: from 0 (even) to 10 is possible"));
        }
        let partitions = u64::from(self.topics) * u64::from(self.partitions);
        if partitions > 200_000 {
            return refuse(format!(
                "topics times partitions is {partitions}: at most 200000 partitions are possible"
            ));
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), PlanError> {
        for (name, value) in
            [("topic_prefix", &self.topic_prefix), ("group_prefix", &self.group_prefix)]
        {
            let legal = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
            // Ten characters are left for a dash and an index: Kafka allows 249.
            if value.is_empty() || value.len() > 200 || !value.chars().all(legal) {
                return refuse(format!(
                    "{name} is '{value}': write 1 to 200 letters, digits, dots, dashes and underscores"
                ));
            }
        }
        if self.bootstrap.trim().is_empty() {
            return refuse("bootstrap is empty: write HOST:PORT, several with commas".to_owned());
        }
        if self.formats.is_empty() {
            return refuse(
                "formats is empty: name at least one of avro, json, protobuf".to_owned(),
            );
        }
        if let Some(url) = &self.registry
            && !url.starts_with("http://")
            && !url.starts_with("https://")
        {
            return refuse(format!(
                "registry is '{url}': write its URL, as in http://127.0.0.1:8081, or none"
            ));
        }
        if self.registry.is_none() && self.registry_restart.is_some() {
            return refuse(
                "registry_restart is set, but there is no registry: name one".to_owned(),
            );
        }
        if !COMPATIBILITY_LEVELS.contains(&self.compatibility.as_str()) {
            return refuse(format!(
                "compatibility is '{}': it is one of {}",
                self.compatibility,
                COMPATIBILITY_LEVELS.join(", ")
            ));
        }
        Ok(())
    }

    fn check_producers(&self) -> Result<(), PlanError> {
        if self.acks != Acks::All && (self.idempotent || self.transactional) {
            let which = if self.transactional { "transactional" } else { "idempotent" };
            return refuse(format!(
                "acks is {}, but {which} producers need all: set {which} to false, or acks to all",
                self.acks.name()
            ));
        }
        if self.transactional && self.client != ClientKind::Librdkafka {
            return refuse(format!(
                "transactional is set, which the client {} does not do here: use librdkafka",
                self.client
            ));
        }
        if self.transactional
            && let Some(lag) = self.expect.of_lag()
        {
            return refuse(format!(
                "{lag} is expected of a transactional run: the marks of transactions count as lag, and no \
                 group reads them; expect no lag, or set transactional to false"
            ));
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), PlanError> {
        for (name, span) in [
            ("duration", self.duration),
            ("delivery_timeout", self.delivery_timeout),
            ("drain_timeout", self.drain_timeout),
            ("registry_timeout", self.registry_timeout),
            ("transaction", self.transaction),
        ] {
            if span.as_millis() == 0 {
                return refuse(format!("{name} is {span}: write at least 1ms"));
            }
        }
        if self.linger > self.delivery_timeout {
            return refuse(format!(
                "linger is {}, longer than delivery_timeout, which is {}: a batch would fail before it is sent",
                self.linger, self.delivery_timeout
            ));
        }
        if let Some(late) = self.at.iter().find(|command| command.after >= self.duration) {
            return refuse(format!(
                "the command '{}' would run at {}, when the duration of {} is over: let it run earlier, \
                 or make the duration longer",
                late.command, late.after, self.duration
            ));
        }
        if self.rate * self.duration.duration().as_secs_f64() > COUNTER_MAX as f64 {
            return refuse(format!(
                "rate {} over {} is more than {COUNTER_MAX} records of a producer: lower one of them",
                self.rate, self.duration
            ));
        }
        Ok(())
    }

    fn check_value_size(&self) -> Result<(), PlanError> {
        let min = message::value_bytes_min(self);
        if self.bytes < min || self.bytes > message::VALUE_BYTES_MAX {
            return refuse(format!(
                "bytes is {}: from {min} to {} is possible with these formats, for a value has an id, \
                 a time, names and a checksum",
                self.bytes,
                message::VALUE_BYTES_MAX
            ));
        }
        Ok(())
    }
}

fn refuse(sentence: String) -> Result<(), PlanError> {
    Err(PlanError(sentence))
}
