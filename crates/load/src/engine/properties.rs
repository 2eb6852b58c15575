//! What a plan says to clients, in librdkafka's properties.

use crate::plan::Plan;

/// Memory that all producers together may fill with records that wait for a target that stalls.
const PRODUCER_QUEUES_KBYTES: u32 = 1 << 20;

/// Memory that each producer may fill in any case. Without a rate also the most: its queue is always full, and
/// one that outgrows the processor's caches makes every record slower.
const PRODUCER_QUEUE_KBYTES: u32 = 16 << 10;

/// The most that a record's key, headers and framing add to its value.
const RECORD_OVERHEAD_BYTES: u32 = 64 << 10;

/// Properties of every producer of the plan.
pub(super) fn of_producers(plan: &Plan) -> Vec<(String, String)> {
    let delivery_ms = plan.delivery_timeout.as_millis();
    let share_kbytes = if plan.rate > 0.0 { PRODUCER_QUEUES_KBYTES / plan.producers } else { 0 };
    let queue_kbytes = share_kbytes.max(PRODUCER_QUEUE_KBYTES);
    let mut properties = vec![
        ("acks", plan.acks.name().to_owned()),
        ("compression.type", plan.codec.name().to_owned()),
        ("linger.ms", millis(plan.linger.as_micros())),
        ("batch.num.messages", plan.batch_records.to_string()),
        ("enable.idempotence", plan.idempotent.to_string()),
        ("message.timeout.ms", delivery_ms.to_string()),
        ("message.max.bytes", message_max_bytes(plan).to_string()),
        ("queue.buffering.max.kbytes", queue_kbytes.to_string()),
        // As the Java client does: one key, one partition, whichever client sends it.
        ("partitioner", "murmur2_random".to_owned()),
    ];
    if plan.transactional {
        // librdkafka refuses a transaction that ends before its records do.
        properties.push(("transaction.timeout.ms", delivery_ms.max(60_000).to_string()));
    }
    with_users(properties, plan)
}

/// Properties of every consumer of the plan, in groups and without.
pub(super) fn of_consumers(plan: &Plan) -> Vec<(String, String)> {
    let mut properties = vec![
        ("auto.offset.reset", "earliest".to_owned()),
        ("enable.auto.commit", "true".to_owned()),
        // Every second, so that the lag the broker tells is not five seconds old.
        ("auto.commit.interval.ms", "1000".to_owned()),
        // A damaged batch is a fault, and nobody but the client can see it.
        ("check.crcs", "true".to_owned()),
        ("queued.max.messages.kbytes", "32768".to_owned()),
        ("fetch.message.max.bytes", message_max_bytes(plan).to_string()),
    ];
    if plan.churn.as_micros() > 0 || !plan.at.is_empty() {
        // A member that goes while the broker is down cannot say so, and its group waits for it this long:
        // the 45 s that clients come with would be most of the drain.
        properties.push(("session.timeout.ms", "10000".to_owned()));
    }
    with_users(properties, plan)
}

/// Those for questions to the cluster: the user's only, where the keys to the cluster are.
pub(super) fn of_questions(plan: &Plan) -> Vec<(String, String)> {
    with_users(Vec::new(), plan)
}

/// What the topics must allow for values of this size, if it is more than brokers allow as they come.
pub(super) fn topic_configs(plan: &Plan) -> Vec<(String, String)> {
    let max = message_max_bytes(plan);
    (max > MESSAGE_MAX_BYTES_DEFAULT)
        .then(|| ("max.message.bytes".to_owned(), max.to_string()))
        .into_iter()
        .collect()
}

const MESSAGE_MAX_BYTES_DEFAULT: u32 = 1_000_000;

fn message_max_bytes(plan: &Plan) -> u32 {
    (plan.bytes + RECORD_OVERHEAD_BYTES).max(MESSAGE_MAX_BYTES_DEFAULT)
}

fn with_users(ours: Vec<(&str, String)>, plan: &Plan) -> Vec<(String, String)> {
    let ours = ours.into_iter().map(|(name, value)| (name.to_owned(), value));
    let users = plan.properties.iter().map(|(name, value)| (name.clone(), value.clone()));
    ours.chain(users).collect()
}

/// Microseconds as librdkafka's milliseconds, which may have a fraction.
fn millis(micros: u64) -> String {
    match micros % 1000 {
        0 => (micros / 1000).to_string(),
        _ => (micros as f64 / 1000.0).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last<'a>(properties: &'a [(String, String)], name: &str) -> Option<&'a str> {
        properties.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn the_users_properties_come_last_and_so_win() {
        let mut plan = Plan::preset("quick").unwrap();
        plan.properties.insert("linger.ms".to_owned(), "77".to_owned());
        assert_eq!(last(&of_producers(&plan), "linger.ms"), Some("77"));
        assert_eq!(last(&of_producers(&plan), "acks"), Some("all"));
    }

    #[test]
    fn large_values_raise_every_limit_that_they_would_meet() {
        let mut plan = Plan::preset("quick").unwrap();
        assert!(topic_configs(&plan).is_empty());
        plan.bytes = 5_000_000;
        let max = last(&topic_configs(&plan), "max.message.bytes").map(str::to_owned);
        assert_eq!(last(&of_producers(&plan), "message.max.bytes"), max.as_deref());
        assert_eq!(last(&of_consumers(&plan), "fetch.message.max.bytes"), max.as_deref());
        assert!(max.is_some_and(|max| max.parse::<u32>().unwrap() > 5_000_000));
    }

    #[test]
    fn only_a_schedule_needs_a_queue_for_what_a_stall_delays() {
        let mut plan = Plan::preset("standard").unwrap();
        let queue_kbytes = |plan: &Plan| {
            let properties = of_producers(plan);
            last(&properties, "queue.buffering.max.kbytes").unwrap().parse::<u32>().unwrap()
        };
        assert_eq!(queue_kbytes(&plan), (1 << 20) / plan.producers);
        plan.rate = 0.0;
        assert_eq!(queue_kbytes(&plan), 16 << 10);
    }

    #[test]
    fn a_linger_below_a_millisecond_is_not_rounded_away() {
        assert_eq!(millis(500), "0.5");
        assert_eq!(millis(5_000), "5");
    }
}
