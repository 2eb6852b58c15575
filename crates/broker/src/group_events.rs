//! Log lines and counters of what happens to groups.

use std::sync::atomic::{AtomicU64, Ordering};
use tidegate_machine::group::{Cause, Event, EventMember};
use tracing::info;

/// Rebalances since the start, by cause.
#[derive(Debug, Default)]
pub struct Rebalances([AtomicU64; Cause::ALL.len()]);

impl Rebalances {
    fn count(&self, cause: Cause) {
        let index = Cause::ALL.iter().position(|known| *known == cause);
        self.0[index.expect("ALL has every cause")].fetch_add(1, Ordering::Relaxed);
    }

    /// Every cause by its name, with the rebalances that it set off.
    pub fn by_cause(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        Cause::ALL.iter().map(|cause| cause.name()).zip(counts)
    }
}

/// Counts an event and writes its line.
pub fn tell(event: &Event, rebalances: &Rebalances) {
    match event {
        Event::Joined { group_id, member } => {
            let EventMember { member_id, group_instance_id, client_id, client_host } = member;
            info!(
                target: "tidegate::group",
                group = &**group_id,
                member = &**member_id,
                instance = shown(group_instance_id),
                client_id,
                host = client_host,
                "member joined"
            );
        }
        Event::Left { group_id, member, departure, reason } => {
            let EventMember { member_id, group_instance_id, client_id, client_host } = member;
            info!(
                target: "tidegate::group",
                group = &**group_id,
                member = &**member_id,
                instance = shown(group_instance_id),
                client_id,
                host = client_host,
                cause = departure.name(),
                reason = shown(reason),
                "member left"
            );
        }
        Event::Rebalance { group_id, generation_id, members, cause, member_id, reason } => {
            rebalances.count(*cause);
            info!(
                target: "tidegate::group",
                group = &**group_id,
                cause = cause.name(),
                member = shown(member_id),
                reason = shown(reason),
                generation = generation_id,
                members,
                "group rebalances"
            );
        }
        Event::Stable { group_id, generation_id, leader, protocol, members } => {
            info!(
                target: "tidegate::group",
                group = &**group_id,
                generation = generation_id,
                members,
                leader = &**leader,
                protocol,
                "group is stable"
            );
        }
        Event::Empty { group_id, generation_id } => {
            info!(target: "tidegate::group", group = &**group_id, generation = generation_id, "group is empty");
        }
        Event::OffsetsExpired { group_id, offsets } => {
            info!(target: "tidegate::offsets", group = &**group_id, offsets, "offsets expired");
        }
        Event::Dead { group_id, deleted } => {
            let cause = if *deleted { "deleted" } else { "expired" };
            info!(target: "tidegate::group", group = &**group_id, cause, "group is dead");
        }
    }
}

/// What is empty is left out of the line.
fn shown(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
