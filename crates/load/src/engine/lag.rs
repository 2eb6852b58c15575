//! Lag as the broker tells it: what groups have committed, against where the partitions end.

use super::consume::GroupState;
use super::stage::Stage;
use super::stop::{Stop, Wish};
use crate::client::ClientError;
use crate::client::cluster::{Cluster, GroupWatch};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often the broker is asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// An answer that is older than this is none.
const FRESH: Duration = Duration::from_secs(5);

/// The last answer.
#[derive(Debug, Default)]
pub(super) struct Lag {
    /// By group, and when it was told.
    last: Mutex<Option<(Vec<u64>, Instant)>>,
}

impl Lag {
    /// What all groups have not committed, if the broker has told it lately.
    pub fn total(&self) -> Option<u64> {
        self.by_group().map(|groups| groups.iter().sum())
    }

    /// The same by group.
    pub fn by_group(&self) -> Option<Vec<u64>> {
        let last = self.last.lock().expect("nobody panics with the lock");
        last.as_ref().filter(|(_, at)| at.elapsed() < FRESH).map(|(groups, _)| groups.clone())
    }

    fn set(&self, groups: Vec<u64>) {
        let mut last = self.last.lock().expect("nobody panics with the lock");
        *last = Some((groups, Instant::now()));
    }
}

/// Asks for the lag of groups.
pub(super) struct LagWatch {
    watches: Vec<GroupWatch>,
}

impl LagWatch {
    /// A watch on these groups.
    pub fn new(cluster: &Cluster, groups: &[Arc<GroupState>]) -> Result<LagWatch, ClientError> {
        let watches =
            groups.iter().map(|group| cluster.watch(&group.name)).collect::<Result<_, _>>()?;
        Ok(LagWatch { watches })
    }

    /// Asks once. A partition without a commit lags from its beginning, where the group would begin.
    pub fn ask(&self, cluster: &Cluster, stage: &Stage, lag: &Lag) -> Result<(), ClientError> {
        let places = stage.topics.places();
        let mut committed = Vec::new();
        // The ends are asked for last: a commit can then not be ahead of them, and no lag is negative.
        for watch in &self.watches {
            committed.push(watch.committed(&places)?);
        }
        let ends = stage.topics.table(&cluster.end_offsets(&places)?, 0);
        let of_group = |committed| -> u64 {
            let mut table = stage.topics.starts.clone();
            for ((topic, partition), offset) in stage.topics.known(committed) {
                table[topic][partition] = offset;
            }
            let rows = table.iter().flatten().zip(ends.iter().flatten());
            rows.map(|(at, end)| (end - at).max(0) as u64).sum()
        };
        lag.set(committed.iter().map(of_group).collect());
        Ok(())
    }

    /// Asks every second until `over`.
    pub fn run(&self, cluster: &Cluster, stage: &Stage, lag: &Lag, over: &Stop) {
        if self.watches.is_empty() {
            return;
        }
        while !over.wait(INTERVAL, Wish::Stop) {
            if let Err(error) = self.ask(cluster, stage, lag) {
                stage.error("admin", &error);
            }
        }
    }
}
