//! The drain: groups read on until they have all that is in the log, as long as they get on.

use super::Attempt;
use super::consume::GroupState;
use super::sample::consumed;
use super::stage::Stage;
use super::stop::Wish;
use crate::client::ClientError;
use crate::client::cluster::Cluster;
use crate::plan::Acks;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is looked whether all is read.
const INTERVAL: Duration = Duration::from_millis(100);

/// In transactions the last offsets are marks that no application sees: silence this long is the end.
const MARKS_SILENCE: Duration = Duration::from_secs(3);

/// With acks=0 all records have come when partitions end where they ended so long before.
const SETTLED: Duration = Duration::from_secs(1);

/// Waits until the groups have read everything. Says how many records they did not get.
pub(super) fn drain(
    attempt: &Attempt<'_>,
    stage: &Stage,
    cluster: &Cluster,
    groups: &[Arc<GroupState>],
) -> Result<u64, ClientError> {
    let Some(ends) = ends(attempt, stage, cluster)? else { return Ok(0) };
    let behind = || groups.iter().map(|group| group.behind(&ends)).sum::<u64>();
    let (starts, marks) = (&stage.topics.starts, i64::from(stage.plan().producers));
    let places = stage.topics.places().len() as i64;
    // Nobody holds a partition while a group shares them out, and then silence says nothing.
    let at_marks = |group: &Arc<GroupState>| {
        group.behind_but_for_marks(starts, &ends, marks) == 0 && group.assigned() >= places
    };
    let patience = stage.plan().drain_timeout.duration();
    let mut seen = consumed(groups);
    let mut progress = Instant::now();
    loop {
        let left = behind();
        let silence = progress.elapsed();
        let silent = stage.plan().transactional && silence >= MARKS_SILENCE;
        if left == 0 || silent && groups.iter().all(at_marks) {
            return Ok(0);
        }
        if silence >= patience || attempt.stop.wait(INTERVAL, Wish::Abort) {
            return Ok(left);
        }
        let now = consumed(groups);
        if now != seen {
            (seen, progress) = (now, Instant::now());
        }
    }
}

/// Where the partitions end. A broker that is on its way back is waited for; none if the user will not.
pub(super) fn ends(
    attempt: &Attempt<'_>,
    stage: &Stage,
    cluster: &Cluster,
) -> Result<Option<Vec<Vec<i64>>>, ClientError> {
    let ask = || ask(attempt, stage, |places| cluster.end_offsets(places));
    let mut told = ask()?;
    if stage.plan().acks != Acks::None {
        return Ok(told);
    }
    // Nobody waited for an answer: records may still be on their way.
    let deadline = Instant::now() + stage.plan().drain_timeout.duration();
    while told.is_some() && Instant::now() < deadline {
        if attempt.stop.wait(SETTLED, Wish::Abort) {
            return Ok(None);
        }
        let now = ask()?;
        if now == told {
            break;
        }
        told = now;
    }
    Ok(told)
}

/// Where the partitions begin.
pub(super) fn starts(
    attempt: &Attempt<'_>,
    stage: &Stage,
    cluster: &Cluster,
) -> Result<Option<Vec<Vec<i64>>>, ClientError> {
    ask(attempt, stage, |places| cluster.start_offsets(places))
}

type Told = std::collections::BTreeMap<crate::client::cluster::Place, i64>;

fn ask(
    attempt: &Attempt<'_>,
    stage: &Stage,
    question: impl Fn(&[crate::client::cluster::Place]) -> Result<Told, ClientError>,
) -> Result<Option<Vec<Vec<i64>>>, ClientError> {
    let places = stage.topics.places();
    let deadline = Instant::now() + stage.plan().drain_timeout.duration();
    loop {
        let error = match question(&places) {
            Ok(told) if told.len() == places.len() => {
                return Ok(Some(stage.topics.table(&told, 0)));
            }
            Ok(told) => ClientError::local(
                "_INCOMPLETE",
                format!("{} of {} partitions told their offsets", told.len(), places.len()),
            ),
            Err(error) => error,
        };
        stage.error("admin", &error);
        if Instant::now() >= deadline {
            return Err(error);
        }
        if attempt.stop.wait(Duration::from_millis(500), Wish::Abort) {
            return Ok(None);
        }
    }
}
