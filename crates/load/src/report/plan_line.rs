//! The plan in one line.

use crate::human::{bytes, counted, grouped, number};
use crate::plan::Plan;

/// The plan in one line for people: what matters most, first.
pub fn plan_line(plan: &Plan) -> String {
    let rate = if plan.rate > 0.0 {
        let each =
            if plan.rate.fract() == 0.0 { grouped(plan.rate as u64) } else { number(plan.rate) };
        format!("{} x {each}/s", counted(plan.producers.into(), "producer"))
    } else {
        format!("{} as fast as possible", counted(plan.producers.into(), "producer"))
    };
    let mut consumers = counted(plan.consumers.into(), "consumer");
    if plan.groups > 1 {
        consumers = format!("{} x {consumers}", counted(plan.groups.into(), "group"));
    }
    let mut parts = vec![
        rate,
        consumers,
        format!("values of {}", bytes(plan.bytes.into())),
        format!("{} x {} partitions", counted(plan.topics.into(), "topic"), plan.partitions),
        format!("acks={}", plan.acks.name()),
        plan.codec.name().to_owned(),
    ];
    if plan.transactional {
        parts.push("transactions".to_owned());
    } else if plan.idempotent {
        parts.push("idempotent".to_owned());
    }
    parts.push(format!("for {}", plan.duration));
    format!("{}: {}", plan.preset, parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_told_in_one_line() {
        let mut plan = Plan::preset("quick").expect("it is a preset");
        assert_eq!(
            plan_line(&plan),
            "quick: 1 producer x 10/s, 1 consumer, values of 256 B, 5 topics x 4 partitions, acks=all, snappy, \
             idempotent, for 1m"
        );
        (plan.rate, plan.groups, plan.idempotent) = (0.0, 2, false);
        assert_eq!(
            plan_line(&plan),
            "quick: 1 producer as fast as possible, 2 groups x 1 consumer, values of 256 B, 5 topics x 4 partitions, \
             acks=all, snappy, for 1m"
        );
    }
}
