//! What waits to be done for a partition, and what is remembered of partitions that rest.

use crate::client::FilerError;
use crate::format::Place;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};
use tidegate_broker::Look;
use tidegate_machine::group::OffsetAndMetadata;
use tokio::sync::oneshot;

/// What is asked of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Keep this.
    Put(OffsetAndMetadata),
    /// Forget what is kept.
    Remove,
    /// Forget this, unless something else is kept by now.
    RemoveUnchanged(OffsetAndMetadata),
    /// Tell what is kept.
    Read,
}

/// What is kept after something was done, or why it was not.
pub type Done = Result<Option<OffsetAndMetadata>, FilerError>;

/// Something to do, and who waits for it.
pub struct Op {
    /// What.
    pub ask: Ask,
    /// Nobody waits longer.
    pub deadline: Instant,
    /// Whoever waits.
    pub tell: oneshot::Sender<Done>,
}

impl Op {
    /// True if nobody waits and its time has passed: whoever waited was told that it failed.
    pub fn is_given_up(&self) -> bool {
        // A client that left without its answer still means what it asked for.
        self.tell.is_closed() && self.deadline <= Instant::now()
    }
}

/// Makes room for one more: before a list grows, what was given up leaves it. While a filer hangs, a
/// list is no longer than what is asked in the time of a request or two.
pub fn make_room<T>(list: &mut VecDeque<T>, is_given_up: impl Fn(&T) -> bool) {
    if list.len() == list.capacity() {
        list.retain(|one| !is_given_up(one));
        // The next look is far enough away that its cost is spread over what came until then.
        list.reserve(list.len().max(4));
    }
}

/// Operations that are done as one.
pub struct Batch {
    /// What is done.
    pub ask: Ask,
    /// Until when.
    pub deadline: Instant,
    /// All who wait for it.
    pub tell: Vec<oneshot::Sender<Done>>,
}

impl Batch {
    /// Tells all.
    pub fn done(self, done: &Done) {
        for tell in self.tell {
            // Who waits no longer was told that it is not certain.
            drop(tell.send(done.clone()));
        }
    }
}

/// Takes from the queue what is done next: commits that wait behind each other are one commit, of the
/// newest. What was given up is not begun.
pub fn next(queue: &mut VecDeque<Op>) -> Option<Batch> {
    let mut batch: Option<Batch> = None;
    while let Some(op) = queue.front() {
        if op.is_given_up() {
            queue.pop_front();
            continue;
        }
        let is_joined = match &batch {
            None => true,
            Some(batch) => matches!((&batch.ask, &op.ask), (Ask::Put(_), Ask::Put(_))),
        };
        if !is_joined {
            break;
        }
        let Some(op) = queue.pop_front() else { break };
        match &mut batch {
            None => {
                batch = Some(Batch { ask: op.ask, deadline: op.deadline, tell: vec![op.tell] });
            }
            Some(batch) => {
                batch.ask = op.ask;
                batch.deadline = op.deadline.max(batch.deadline);
                batch.tell.push(op.tell);
            }
        }
    }
    batch
}

type Entry = (Instant, Option<OffsetAndMetadata>);
type Entries = HashMap<(String, Place), Entry>;

/// What partitions have that nobody writes to, as it was when this gateway last knew for certain.
///
/// Two generations: when the younger is half of what may be kept, the older one goes.
pub struct Remembered {
    young: Entries,
    old: Entries,
    entries_max: usize,
    believed_for: Duration,
}

impl Remembered {
    /// Remembers nothing yet; a time of zero is for ever.
    pub fn new(entries_max: usize, believed_for: Duration) -> Self {
        Remembered { young: Entries::new(), old: Entries::new(), entries_max, believed_for }
    }

    /// Keeps what a partition has.
    pub fn insert(&mut self, group_id: &str, place: Place, value: Option<OffsetAndMetadata>) {
        if self.entries_max == 0 {
            return;
        }
        if self.young.len() >= self.entries_max.div_ceil(2) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert((group_id.to_owned(), place), (Instant::now(), value));
    }

    /// What a partition has, if that may still be believed.
    pub fn get(&self, group_id: &str, place: &Place) -> Option<Option<OffsetAndMetadata>> {
        let key = (group_id.to_owned(), place.clone());
        let (at, value) = self.young.get(&key).or_else(|| self.old.get(&key))?;
        let is_fresh = self.believed_for.is_zero() || at.elapsed() < self.believed_for;
        is_fresh.then(|| value.clone())
    }

    /// It is not known any more what a partition has.
    pub fn remove(&mut self, group_id: &str, place: &Place) {
        let key = (group_id.to_owned(), place.clone());
        self.young.remove(&key);
        self.old.remove(&key);
    }

    /// All that is remembered. What is in both generations is shown once.
    pub fn each(&self, look: Look<'_>) {
        let old = self.old.iter().filter(|(key, _)| !self.young.contains_key(*key));
        for ((group_id, place), (_, value)) in self.young.iter().chain(old) {
            if let Some(value) = value {
                look(group_id, &place.topic, place.partition, value);
            }
        }
    }

    /// Forgets all of a group.
    pub fn forget(&mut self, group_id: &str) {
        self.young.retain(|(group, _), _| group != group_id);
        self.old.retain(|(group, _), _| group != group_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = oneshot::Receiver<Done>;

    fn put(offset: i64) -> Ask {
        Ask::Put(OffsetAndMetadata::new(offset, 0))
    }

    fn queue(asks: Vec<Ask>) -> (VecDeque<Op>, Vec<Told>) {
        let deadline = Instant::now();
        asks.into_iter()
            .map(|ask| {
                let (tell, told) = oneshot::channel();
                (Op { ask, deadline, tell }, told)
            })
            .unzip()
    }

    fn drained(queue: &mut VecDeque<Op>) -> Vec<(Ask, usize)> {
        std::iter::from_fn(|| next(queue).map(|batch| (batch.ask, batch.tell.len()))).collect()
    }

    #[test]
    fn commits_behind_each_other_are_one_of_the_newest() {
        let (mut queue, _told) =
            queue(vec![put(1), put(2), put(3), Ask::Remove, put(4), Ask::Read, put(5)]);
        let expected = [(put(3), 3), (Ask::Remove, 1), (put(4), 1), (Ask::Read, 1), (put(5), 1)];
        assert_eq!(drained(&mut queue), expected);
    }

    #[test]
    fn what_was_given_up_is_not_begun() {
        let (mut queue, mut told) = queue(vec![put(1), put(2), Ask::Remove, Ask::Read]);
        queue[3].deadline += Duration::from_secs(60);
        told.truncate(1);
        assert_eq!(drained(&mut queue), [(put(1), 1), (Ask::Read, 1)]);
    }

    #[test]
    fn a_list_does_not_grow_by_what_was_given_up() {
        let (mut list, told) = queue(vec![put(0)]);
        drop(told);
        let (live, _told) = queue(vec![Ask::Remove, put(7)]);
        for op in live {
            make_room(&mut list, Op::is_given_up);
            list.push_back(op);
        }
        for offset in 0..10_000 {
            let (given_up, told) = queue(vec![put(offset)]);
            drop(told);
            for op in given_up {
                make_room(&mut list, Op::is_given_up);
                list.push_back(op);
            }
        }
        assert!(list.capacity() < 100, "{}", list.capacity());
        list.retain(|op| !op.is_given_up());
        assert_eq!(drained(&mut list), [(Ask::Remove, 1), (put(7), 1)]);
    }

    #[test]
    fn as_much_is_remembered_as_may_be() {
        let place = |partition| Place { topic: "t".to_owned(), partition };
        let mut remembered = Remembered::new(10, Duration::ZERO);
        for partition in 0..100 {
            remembered.insert("g", place(partition), None);
        }
        let kept = remembered.young.len() + remembered.old.len();
        assert!((5..=10).contains(&kept), "{kept}");
        assert_eq!(remembered.get("g", &place(99)), Some(None));
        remembered.remove("g", &place(99));
        assert_eq!(remembered.get("g", &place(99)), None);
        remembered.insert("h", place(1), None);
        remembered.forget("h");
        assert_eq!(remembered.get("h", &place(1)), None);
    }

    #[test]
    fn what_is_too_old_is_not_believed() {
        let place = Place { topic: "t".to_owned(), partition: 0 };
        let mut remembered = Remembered::new(10, Duration::from_millis(1));
        remembered.insert("g", place.clone(), None);
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(remembered.get("g", &place), None);
    }
}
