//! The group coordinator: one shard for each partition of `__consumer_offsets`.

use crate::clock::Clock;
use crate::group_events::{self, Rebalances};
use crate::offsets::{
    LogOffsets, Metered, OffsetMeter, OffsetStorage, OffsetStore, OffsetsInMemory, StoredOffsets,
};
use crate::shard::{LogRecord, Observer, Pending, Shard};
use crate::timers::Timers;
use crate::topics::{Topic, TopicMap};
use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tidegate_log::{Commit, LogError};
use tidegate_machine::group::{
    Command, Event, GroupMachine, ListGroups, ListedGroup, Record, Reply, Settings,
};
use tidegate_model::{ErrorCode, TopicId};
use tokio::sync::mpsc;
use tracing::info;

/// The topic whose partitions hold groups and offsets.
pub const CONSUMER_OFFSETS: &str = "__consumer_offsets";

/// Where committed offsets are kept.
#[derive(Clone, Default)]
pub enum OffsetStorageKind {
    /// In `__consumer_offsets`, durable.
    #[default]
    Log,
    /// In memory: a restart forgets them.
    Memory,
    /// In a store of another crate.
    Store(Arc<dyn OffsetStore>),
}

impl OffsetStorageKind {
    /// The store in place of the log, if it is not the log.
    fn store(self) -> Option<Arc<dyn OffsetStore>> {
        match self {
            OffsetStorageKind::Log => None,
            OffsetStorageKind::Memory => Some(Arc::new(OffsetsInMemory::default())),
            OffsetStorageKind::Store(store) => Some(store),
        }
    }
}

impl LogRecord for Record {
    fn encode(&self) -> (Option<Bytes>, Option<Bytes>) {
        Record::encode(self)
    }

    fn encode_with(&self, scratch: &mut BytesMut, take: impl FnOnce(Option<&[u8]>, Option<&[u8]>)) {
        Record::encode_with(self, scratch, take);
    }

    fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, String> {
        Record::decode(key, value).map_err(|error| error.to_string())
    }
}

type GroupShard = Arc<Shard<GroupMachine>>;

/// The shards; none while `__consumer_offsets` does not exist or is not loaded.
#[derive(Default)]
pub struct GroupShards {
    loaded: ArcSwap<Loaded>,
}

#[derive(Default)]
struct Loaded {
    shards: Arc<Vec<GroupShard>>,
    /// Groups that are not where they belong, by their partition; see [`misplaced`].
    elsewhere: HashMap<String, usize>,
}

impl GroupShards {
    /// The shard that coordinates a group. While there is none it is NOT_COORDINATOR, so that
    /// clients look for the coordinator, which brings it up.
    pub fn get(&self, group_id: &str) -> Result<GroupShard, ErrorCode> {
        let loaded = self.loaded.load();
        let count = loaded.shards.len();
        if count == 0 {
            return Err(ErrorCode::NotCoordinator);
        }
        let known = if loaded.elsewhere.is_empty() { None } else { loaded.elsewhere.get(group_id) };
        let partition = known.copied().unwrap_or_else(|| partition_of(group_id, count));
        Ok(loaded.shards[partition].clone())
    }

    /// Takes one command for the group's shard.
    pub fn submit(&self, group_id: &str, command: Command) -> Pending<Reply> {
        match self.get(group_id) {
            Ok(shard) => shard.submit(command),
            Err(error) => Pending::ready(Err(error)),
        }
    }

    /// All shards.
    pub fn all(&self) -> Arc<Vec<GroupShard>> {
        self.loaded.load().shards.clone()
    }
}

/// Groups and their offsets.
pub struct Groups {
    shards: Arc<GroupShards>,
    offsets: Metered,
    /// Shows the groups' states to a store that wants them.
    observer: Option<Observer<Record>>,
    clock: Clock,
    timers: Arc<Timers>,
    settings: Settings,
    rebalances: Arc<Rebalances>,
}

impl Groups {
    /// A coordinator without shards: [`Groups::load`] gives it the topic.
    pub fn new(
        clock: Clock,
        timers: Arc<Timers>,
        settings: Settings,
        storage: OffsetStorageKind,
    ) -> Self {
        let shards = Arc::new(GroupShards::default());
        let store = storage.store();
        let settings = Settings { offsets_elsewhere: store.is_some(), ..settings };
        let observer = store.clone().map(show_groups);
        let offsets: Box<dyn OffsetStorage> = match store {
            None => Box::new(LogOffsets::new(shards.clone())),
            Some(store) => Box::new(StoredOffsets::new(shards.clone(), store, &settings)),
        };
        let offsets = Metered::new(offsets);
        Groups { shards, offsets, observer, clock, timers, settings, rebalances: Arc::default() }
    }

    /// How many rebalances there were since the start, by cause.
    pub fn rebalances(&self) -> &Rebalances {
        &self.rebalances
    }

    /// True once groups can be coordinated.
    pub fn is_loaded(&self) -> bool {
        !self.shards.all().is_empty()
    }

    /// Folds every partition of `topic`, which is `__consumer_offsets`, into a shard of its own.
    pub async fn load(&self, topic: &Topic) -> Result<(), LogError> {
        let mut shards = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let settings = self.settings.clone();
            let fresh = move || GroupMachine::new(settings.clone());
            let (clock, timers) = (self.clock.clone(), self.timers.clone());
            let rebalances = self.rebalances.clone();
            let tell = Box::new(move |event: &Event| group_events::tell(event, &rebalances));
            let observer = self.observer.clone();
            let shard =
                Shard::load_observed(partition.clone(), clock, timers, fresh, tell, observer);
            let shard = shard.await?;
            self.show_all(&shard);
            shards.push(shard);
        }
        let known: Vec<_> = shards.iter().map(group_ids).collect::<Result<_, _>>()?;
        let elsewhere = misplaced(&known);
        self.shards.loaded.store(Arc::new(Loaded { shards: Arc::new(shards), elsewhere }));
        Ok(())
    }

    /// `__consumer_offsets` is deleted: nothing is coordinated until there is another one. Members
    /// that wait are sent to look for it.
    pub fn unload(&self) {
        let loaded = self.shards.loaded.swap(Arc::default());
        loaded.shards.iter().for_each(|shard| shard.release());
    }

    /// Takes one command for a group.
    pub fn submit(&self, group_id: &str, command: Command) -> Pending<Reply> {
        self.shards.submit(group_id, command)
    }

    /// The gateway is stopping: members that wait for others are sent away, to ask again where the
    /// coordinator is then.
    pub fn release(&self) {
        self.shards.all().iter().for_each(|shard| shard.release());
    }

    /// True if offsets are not in the log, so that their expiry is nobody's but the storage's.
    pub fn offsets_are_elsewhere(&self) -> bool {
        self.settings.offsets_elsewhere
    }

    /// How often expired offsets are looked for.
    pub fn expiry_interval(&self) -> Duration {
        let interval_ms = self.settings.offsets_retention_check_interval_ms;
        Duration::from_millis(u64::try_from(interval_ms).unwrap_or(1).max(1))
    }

    /// The shard that coordinates a group; NOT_COORDINATOR while there is none.
    pub(crate) fn shard(&self, group_id: &str) -> Result<GroupShard, ErrorCode> {
        self.shards.get(group_id)
    }

    /// All shards.
    pub(crate) fn shards(&self) -> Arc<Vec<GroupShard>> {
        self.shards.all()
    }

    /// The offsets' storage.
    pub fn offsets(&self) -> &dyn OffsetStorage {
        &self.offsets
    }

    /// What the offsets' storage has done since the start.
    pub fn offset_meter(&self) -> &OffsetMeter {
        self.offsets.meter()
    }

    /// Shows the state of all groups as they are after a start.
    fn show_all(&self, shard: &GroupShard) {
        let Some(observer) = &self.observer else { return };
        // A shard that was loaded just now can be read.
        let _ = shard.read(|machine, _| {
            let membership = machine.membership();
            let states = membership.group_ids().filter_map(|group_id| {
                let value = membership.snapshot(group_id)?;
                Some(Record::GroupMetadata { group_id: group_id.to_owned(), value })
            });
            observer(&states.collect::<Vec<_>>(), &Commit::done());
        });
    }

    /// All groups that pass the filters, in order of their ids.
    pub fn list(&self, filter: &ListGroups) -> Vec<Pending<Reply>> {
        let shards = self.shards.all();
        let list = |shard: &GroupShard| shard.submit(Command::ListGroups(filter.clone()));
        shards.iter().map(list).collect()
    }

    /// Forgets what was committed for topics that were deleted before their offsets were.
    pub async fn forget_all_but(&self, topics: &TopicMap) -> Result<(), ErrorCode> {
        let mut gone = BTreeSet::new();
        for shard in self.shards.all().iter() {
            let look = |machine: &mut GroupMachine, _| {
                let committed = machine.offsets().topics().into_iter();
                let unknown =
                    committed.filter(|(_, id)| *id != TopicId::ZERO && topics.by_id(*id).is_none());
                unknown.map(|(name, id)| (name.to_owned(), id)).collect::<Vec<_>>()
            };
            gone.extend(shard.read(look)?.0);
        }
        if gone.is_empty() {
            return Ok(());
        }
        info!(target: "tidegate::offsets", topics = ?gone, "forgetting the offsets of deleted topics");
        self.offsets.topics_deleted(gone.into_iter().collect()).await
    }
}

/// Tells the store of each group's state when that is durable, in order.
fn show_groups(store: Arc<dyn OffsetStore>) -> Observer<Record> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Commit, Vec<Record>)>();
    tokio::spawn(async move {
        while let Some((commit, records)) = receiver.recv().await {
            // What is not durable has not happened.
            if commit.await.is_err() {
                continue;
            }
            for record in records {
                match record {
                    Record::GroupMetadata { group_id, value } => {
                        store.group_changed(&group_id, Some(&value));
                    }
                    Record::GroupTombstone { group_id } => store.group_changed(&group_id, None),
                    Record::OffsetCommit { .. }
                    | Record::OffsetTombstone { .. }
                    | Record::Unknown { .. } => {}
                }
            }
        }
    });
    Arc::new(move |records: &[Record], commit: &Commit| {
        let is_of_group = |record: &&Record| {
            matches!(record, Record::GroupMetadata { .. } | Record::GroupTombstone { .. })
        };
        let records: Vec<Record> = records.iter().filter(is_of_group).cloned().collect();
        if !records.is_empty() {
            // At the end of the process nobody shows anything any more.
            let _ = sender.send((commit.clone(), records));
        }
    })
}

/// Waits for the shards' lists and puts them together.
pub async fn gather(lists: Vec<Pending<Reply>>) -> Result<Vec<ListedGroup>, ErrorCode> {
    let mut groups = Vec::new();
    for list in lists {
        if let Reply::ListGroups(listed) = list.wait().await? {
            groups.extend(listed);
        }
    }
    groups.sort_by(|one, other| one.group_id.cmp(&other.group_id));
    Ok(groups)
}

/// The groups that a shard knows. Without all of them some group's offsets might be looked for in the wrong place.
fn group_ids(shard: &GroupShard) -> Result<BTreeSet<String>, LogError> {
    let ids = |machine: &mut GroupMachine, _| {
        let of_members = machine.membership().group_ids();
        of_members.chain(machine.offsets().group_ids()).map(str::to_owned).collect()
    };
    let unread = |error| LogError::Unavailable(format!("groups cannot be read: {error:?}"));
    shard.read(ids).map(|(ids, _)| ids).map_err(unread)
}

/// The groups that lie in another partition than theirs, by that partition; `known` are the groups of each
/// partition. Half of all groups were written elsewhere before [`partition_of`] was Kafka's: they stay where
/// their offsets are.
fn misplaced(known: &[BTreeSet<String>]) -> HashMap<String, usize> {
    let mut elsewhere = HashMap::new();
    for (partition, group_ids) in known.iter().enumerate() {
        for group_id in group_ids {
            let home = partition_of(group_id, known.len());
            if home != partition && !known[home].contains(group_id) {
                elsewhere.insert(group_id.clone(), partition);
            }
        }
    }
    elsewhere
}

/// The partition of `__consumer_offsets` that a group belongs to, as Kafka computes it
/// (`GroupCoordinatorService.partitionFor`): the absolute value of Java's string hash, modulo the number of
/// partitions.
fn partition_of(group_id: &str, partitions: usize) -> usize {
    let hash = group_id
        .encode_utf16()
        .fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // Kafka's `Utils.abs` takes the one number that has no absolute value for 0.
    hash.checked_abs().unwrap_or(0) as usize % partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_lie_in_the_partitions_that_kafka_puts_them_in() {
        assert_eq!(partition_of("a", 50), 97 % 50);
        assert_eq!(partition_of("", 50), 0);
        assert_eq!(partition_of("ab", 50), (97 * 31 + 98) % 50);
        let (zero, one) = ("console-consumer-0", "console-consumer-1");
        assert_eq!((partition_of(zero, 1 << 30) + 1), partition_of(one, 1 << 30));
        // Their hashes are negative, the last one is the lowest there is; as Kafka's own classes tell.
        assert_eq!(partition_of("group-metadat-bd0ff3a1", 50), 18);
        assert_eq!(partition_of("committed-off-34fb634b", 50), 35);
        assert_eq!(partition_of("polygenelubricants", 50), 0);
    }

    #[test]
    fn a_group_stays_where_it_was_written_unless_it_is_at_home_too() {
        let mut known = vec![BTreeSet::new(); 50];
        let (only_away, both, at_home) = ("group-metadat-bd0ff3a1", "committed-off-34fb634b", "a");
        known[30].insert(only_away.to_owned());
        known[13].insert(both.to_owned());
        known[35].insert(both.to_owned());
        known[47].insert(at_home.to_owned());
        assert_eq!(misplaced(&known), HashMap::from([(only_away.to_owned(), 30)]));
    }
}
