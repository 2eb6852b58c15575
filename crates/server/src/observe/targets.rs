//! The targets of log lines: what `TIDEGATE_LOG` picks lines by.

/// One target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// As it stands in a filter and in each line.
    pub name: &'static str,
    /// What its lines are about.
    pub about: &'static str,
}

/// Every target, as docs/logging.md lists them.
pub const TARGETS: &[Target] = &[
    target("tidegate::server", "start, stop, settings, listeners"),
    target("tidegate::connection", "connections accepted, refused and closed"),
    target("tidegate::request", "requests of all types, and those that cannot be read"),
    target("tidegate::produce", "Produce"),
    target("tidegate::fetch", "Fetch"),
    target("tidegate::offsets", "OffsetCommit, OffsetFetch, and offsets that are forgotten"),
    target("tidegate::group", "what happens to consumer groups and their members"),
    target("tidegate::topic", "topics created, changed and deleted"),
    target("tidegate::log", "logs on disk: recovery, checkpoints, retention, damage"),
    target("tidegate::registry", "the schema registry"),
    target("tidegate::slow", "requests that took long"),
];

const fn target(name: &'static str, about: &'static str) -> Target {
    Target { name, about }
}
