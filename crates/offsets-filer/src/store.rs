//! The store: what is asked of a partition happens in order, of different partitions side by side.
//!
//! A partition with something to do has a queue and one task that works it off; one that rests costs
//! nothing but what is remembered of it. The deletion of a group waits until its partitions rest, and what
//! comes later waits for the deletion.

use crate::client::{Doubts, FilerClient, FilerError};
use crate::format::Place;
use crate::groups::GroupFiles;
use crate::names::{file_name, id_of};
use crate::partition::{Known, Partition, removal};
use crate::settings::{Settings, SettingsError, are_apart, folder};
use crate::slot::{Ask, Batch, Done, Op, Remembered, make_room, next};
use parking_lot::Mutex;
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegate_broker::{Committed, Look, OffsetStore, Select};
use tidegate_log::BoxFuture;
use tidegate_machine::group::GroupMetadata;
use tidegate_model::ErrorCode;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout_at;
use tracing::{info, warn};

/// Entries of a folder that are listed at once.
const PAGE: usize = 1_000;

/// How long to wait before a group's deletion is tried again.
const WIPE_AGAIN: Duration = Duration::from_millis(500);

/// Offsets in a filer.
pub struct FilerOffsets {
    shared: Arc<Shared>,
    groups: Arc<GroupFiles>,
}

struct Shared {
    client: Arc<FilerClient>,
    path: String,
    request_timeout: Duration,
    inner: Mutex<Inner>,
}

struct Inner {
    busy: HashMap<String, BusyGroup>,
    remembered: Remembered,
}

/// A group with something to do.
#[derive(Default)]
struct BusyGroup {
    queues: HashMap<Place, VecDeque<Op>>,
    wipe: Option<Wipe>,
}

/// The deletion of a group, and what was asked of it afterwards.
struct Wipe {
    order: WipeOrder,
    is_running: bool,
    later: VecDeque<Later>,
}

enum Later {
    Op(Place, Op),
    Wipe(WipeOrder),
}

impl Later {
    /// True for what need not be done any more.
    fn is_given_up(&self) -> bool {
        match self {
            Later::Op(_, op) => op.is_given_up(),
            // A deletion is done, whoever waits for it; an empty folder can stay.
            Later::Wipe(order) => order.only_if_empty && order.tell.is_closed(),
        }
    }
}

struct WipeOrder {
    /// Leave the group alone if there are offsets in it.
    only_if_empty: bool,
    tell: oneshot::Sender<()>,
}

impl FilerOffsets {
    /// A store in the filers of the settings; nobody is asked yet.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let (path, groups_path) = (folder(&settings.offsets_path)?, folder(&settings.groups_path)?);
        are_apart(&path, &groups_path)?;
        let client = FilerClient::new(settings)?;
        info!(
            target: "tidegate::offsets", filers = ?settings.urls, offsets_path = path, groups_path,
            "offsets are kept in a filer"
        );
        let remembered = Remembered::new(settings.partitions_remembered_max, settings.believed_for);
        let shared = Arc::new(Shared {
            client: client.clone(),
            path,
            request_timeout: settings.request_timeout,
            inner: Mutex::new(Inner { busy: HashMap::new(), remembered }),
        });
        Ok(FilerOffsets { shared, groups: Arc::new(GroupFiles::new(client, groups_path)) })
    }
}

impl OffsetStore for FilerOffsets {
    fn name(&self) -> &'static str {
        "filer"
    }

    fn put(&self, group_id: &str, offsets: Vec<Committed>) -> BoxFuture<Vec<ErrorCode>> {
        let deadline = Instant::now() + self.shared.request_timeout;
        let begin = |(topic, partition, value): Committed| {
            self.shared.begin(group_id, Place { topic, partition }, Ask::Put(value), deadline)
        };
        let begun: Vec<_> = offsets.into_iter().map(begin).collect();
        let group_id = group_id.to_owned();
        Box::pin(async move {
            let mut codes = Vec::with_capacity(begun.len());
            let mut failed = None;
            for waiting in begun {
                codes.push(match waiting.done(deadline).await {
                    Ok(_) => ErrorCode::None,
                    Err(error) => code_of(failed.insert(error)),
                });
            }
            if let Some(error) = failed {
                let count = codes.iter().filter(|code| **code != ErrorCode::None).count();
                warn!(
                    target: "tidegate::offsets", group = group_id, count, %error,
                    "offset commit not kept"
                );
            }
            codes
        })
    }

    fn get(&self, group_id: &str, select: Select) -> BoxFuture<Result<Vec<Committed>, ErrorCode>> {
        let deadline = Instant::now() + self.shared.request_timeout;
        let (shared, group_id) = (self.shared.clone(), group_id.to_owned());
        Box::pin(async move {
            let found = shared.get(&group_id, select, deadline);
            let found = timeout_at(deadline.into(), found).await;
            found.unwrap_or(Err(FilerError::TimedOut)).map_err(|error| {
                warn!(target: "tidegate::offsets", group = group_id, %error, "offsets not read");
                code_of(&error)
            })
        })
    }

    fn remove(
        &self,
        group_id: &str,
        partitions: Vec<(String, i32)>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        let places = partitions.into_iter().map(|(topic, partition)| Place { topic, partition });
        self.remove_all(group_id, places.map(|place| (place, Ask::Remove)).collect())
    }

    fn remove_unchanged(
        &self,
        group_id: &str,
        offsets: Vec<Committed>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        let asks = offsets.into_iter().map(|(topic, partition, value)| {
            (Place { topic, partition }, Ask::RemoveUnchanged(value))
        });
        self.remove_all(group_id, asks.collect())
    }

    fn remove_group(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        self.wipe(group_id, false)
    }

    fn tidy(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        self.wipe(group_id, true)
    }

    fn group_ids(&self) -> BoxFuture<Result<Vec<String>, ErrorCode>> {
        let shared = self.shared.clone();
        Box::pin(async move {
            let listed = tokio::time::timeout(shared.request_timeout, shared.names(&shared.path));
            let names = listed.await.unwrap_or(Err(FilerError::TimedOut));
            let names = names.map_err(|error| code_of(&error))?;
            let mut ids: BTreeSet<String> = names.iter().filter_map(|name| id_of(name)).collect();
            ids.extend(shared.inner.lock().busy.keys().cloned());
            Ok(ids.into_iter().collect())
        })
    }

    fn each_known(&self, look: Look<'_>) {
        self.shared.inner.lock().remembered.each(look);
    }

    fn group_changed(&self, group_id: &str, state: Option<&GroupMetadata>) {
        self.groups.changed(group_id, state);
    }
}

impl FilerOffsets {
    fn remove_all(
        &self,
        group_id: &str,
        asks: Vec<(Place, Ask)>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        let deadline = Instant::now() + self.shared.request_timeout;
        let begin = |(place, ask)| self.shared.begin(group_id, place, ask, deadline);
        let begun: Vec<_> = asks.into_iter().map(begin).collect();
        Box::pin(async move {
            let mut result = Ok(());
            for waiting in begun {
                if let Err(error) = waiting.done(deadline).await {
                    result = Err(code_of(&error));
                }
            }
            result
        })
    }

    fn wipe(&self, group_id: &str, only_if_empty: bool) -> BoxFuture<Result<(), ErrorCode>> {
        if file_name(group_id).is_none() {
            return Box::pin(std::future::ready(Ok(())));
        }
        let deadline = Instant::now() + self.shared.request_timeout;
        let (tell, told) = oneshot::channel();
        let order = WipeOrder { only_if_empty, tell };
        self.shared.order_wipe(&mut self.shared.inner.lock(), group_id, order);
        Box::pin(async move {
            match timeout_at(deadline.into(), told).await {
                Ok(Ok(())) => Ok(()),
                // It goes on: the group is gone for its coordinator.
                Ok(Err(_)) | Err(_) => Err(ErrorCode::CoordinatorNotAvailable),
            }
        })
    }
}

/// Somebody's place in a queue.
enum Waiting {
    Refused(FilerError),
    Told(oneshot::Receiver<Done>),
}

impl Waiting {
    async fn done(self, deadline: Instant) -> Done {
        match self {
            Waiting::Refused(error) => Err(error),
            Waiting::Told(told) => match timeout_at(deadline.into(), told).await {
                Ok(Ok(done)) => done,
                Ok(Err(_)) | Err(_) => Err(FilerError::TimedOut),
            },
        }
    }
}

fn code_of(error: &FilerError) -> ErrorCode {
    match error {
        FilerError::NameTooLong => ErrorCode::InvalidGroupId,
        FilerError::NotSent(_)
        | FilerError::Refused(_)
        | FilerError::InDoubt(_)
        | FilerError::TimedOut
        | FilerError::Unreadable(_) => ErrorCode::CoordinatorNotAvailable,
    }
}

impl Shared {
    fn group_path(&self, group_id: &str) -> Option<String> {
        Some(format!("{}/{}", self.path, file_name(group_id)?))
    }

    fn partition(&self, group_id: &str, place: &Place) -> Option<Partition> {
        let (group, topic) = (self.group_path(group_id)?, file_name(&place.topic)?);
        Some(Partition {
            client: self.client.clone(),
            group_id: group_id.to_owned(),
            place: place.clone(),
            path: format!("{group}/{topic}/{}", place.partition),
        })
    }

    /// Queues something for a partition.
    fn begin(
        self: &Arc<Self>,
        group_id: &str,
        place: Place,
        ask: Ask,
        deadline: Instant,
    ) -> Waiting {
        if self.partition(group_id, &place).is_none() {
            return Waiting::Refused(FilerError::NameTooLong);
        }
        let (tell, told) = oneshot::channel();
        self.enqueue(&mut self.inner.lock(), group_id, place, Op { ask, deadline, tell });
        Waiting::Told(told)
    }

    fn enqueue(self: &Arc<Self>, inner: &mut Inner, group_id: &str, place: Place, op: Op) {
        if !inner.busy.contains_key(group_id) {
            inner.busy.insert(group_id.to_owned(), BusyGroup::default());
        }
        let group = inner.busy.get_mut(group_id).expect("inserted above");
        if let Some(wipe) = &mut group.wipe {
            make_room(&mut wipe.later, Later::is_given_up);
            wipe.later.push_back(Later::Op(place, op));
            return;
        }
        if let Some(queue) = group.queues.get_mut(&place) {
            make_room(queue, Op::is_given_up);
            queue.push_back(op);
            return;
        }
        let Some(partition) = self.partition(group_id, &place) else { return };
        let known = match inner.remembered.get(group_id, &place) {
            Some(value) => Known::Yes(value),
            None => Known::No,
        };
        group.queues.insert(place, VecDeque::from([op]));
        tokio::spawn(self.clone().work(partition, known));
    }

    /// Works a partition's queue off.
    async fn work(self: Arc<Self>, partition: Partition, mut known: Known) {
        let mut doubts = Doubts::default();
        loop {
            // Whatever was sent before has happened or will not: nothing can overtake what comes now.
            if !doubts.is_empty() {
                doubts.settle().await;
            }
            let Some(batch) = self.next_of(&partition, &known) else { return };
            let left = tokio::time::Instant::from_std(batch.deadline);
            let done = timeout_at(left, perform(&partition, &batch, &mut known, &mut doubts)).await;
            let done = done.unwrap_or_else(|_| {
                known = Known::No;
                Err(FilerError::TimedOut)
            });
            batch.done(&done);
        }
    }

    /// What is to be done next, or nothing: then the partition rests.
    fn next_of(self: &Arc<Self>, partition: &Partition, known: &Known) -> Option<Batch> {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        let group_id = &partition.group_id;
        let group = inner.busy.get_mut(group_id)?;
        if let Some(batch) = next(group.queues.get_mut(&partition.place)?) {
            return Some(batch);
        }
        group.queues.remove(&partition.place);
        match known {
            Known::Yes(value) => {
                inner.remembered.insert(group_id, partition.place.clone(), value.clone());
            }
            Known::No => inner.remembered.remove(group_id, &partition.place),
        }
        let may_wipe = group.queues.is_empty();
        match &mut group.wipe {
            Some(_) if may_wipe => self.start_wipe(inner, group_id),
            None if may_wipe => {
                inner.busy.remove(group_id);
            }
            _ => {}
        }
        None
    }

    /// Orders the deletion of a group, behind all that was asked of it before.
    fn order_wipe(self: &Arc<Self>, inner: &mut Inner, group_id: &str, order: WipeOrder) {
        let group = inner.busy.entry(group_id.to_owned()).or_default();
        match &mut group.wipe {
            Some(wipe) => wipe.later.push_back(Later::Wipe(order)),
            None => {
                group.wipe = Some(Wipe { order, is_running: false, later: VecDeque::new() });
                if group.queues.is_empty() {
                    self.start_wipe(inner, group_id);
                }
            }
        }
    }

    fn start_wipe(self: &Arc<Self>, inner: &mut Inner, group_id: &str) {
        inner.remembered.forget(group_id);
        let group = inner.busy.get_mut(group_id);
        let Some(wipe) = group.and_then(|group| group.wipe.as_mut()) else { return };
        if std::mem::replace(&mut wipe.is_running, true) {
            return;
        }
        let (shared, group_id) = (self.clone(), group_id.to_owned());
        let only_if_empty = wipe.order.only_if_empty;
        tokio::spawn(async move {
            shared.delete_folder(&group_id, only_if_empty).await;
            shared.end_wipe(&group_id);
        });
    }

    /// Deletes a group's folder, however long it takes: the group is gone, and the next one of its name
    /// must not find what it left.
    async fn delete_folder(&self, group_id: &str, only_if_empty: bool) {
        let Some(path) = self.group_path(group_id) else { return };
        let mut doubts = Doubts::default();
        loop {
            let deadline = Instant::now() + self.request_timeout;
            if only_if_empty {
                match timeout_at(deadline.into(), self.has_offsets(&path)).await {
                    Ok(Ok(false)) => {}
                    // A folder that is in nobody's way can stay until the next look.
                    Ok(Ok(true) | Err(_)) | Err(_) => return,
                }
            }
            let deleted =
                self.client.change(&removal(path.clone(), true), &mut doubts, deadline).await;
            doubts.settle().await;
            match deleted {
                Err(error) if !only_if_empty => {
                    warn!(target: "tidegate::offsets", group = group_id, %error, "offsets of a deleted group stay for now");
                    tokio::time::sleep(WIPE_AGAIN).await;
                }
                Ok(()) | Err(_) => return,
            }
        }
    }

    /// Goes on with what was asked of the group after its deletion.
    fn end_wipe(self: &Arc<Self>, group_id: &str) {
        let mut inner = self.inner.lock();
        let Some(mut group) = inner.busy.remove(group_id) else { return };
        let Some(wipe) = group.wipe.take() else { return };
        // Whoever ordered it may have given up; it is done all the same.
        let _ = wipe.order.tell.send(());
        for later in wipe.later {
            match later {
                Later::Op(place, op) => self.enqueue(&mut inner, group_id, place, op),
                Later::Wipe(order) => self.order_wipe(&mut inner, group_id, order),
            }
        }
    }

    async fn get(
        self: &Arc<Self>,
        group_id: &str,
        select: Select,
        deadline: Instant,
    ) -> Result<Vec<Committed>, FilerError> {
        let Some(path) = self.group_path(group_id) else { return Ok(Vec::new()) };
        let (places, is_sorted) = match select {
            Select::Partitions(wanted) => {
                let places = wanted.into_iter();
                (places.map(|(topic, partition)| Place { topic, partition }).collect(), false)
            }
            Select::Topics(topics) => (self.places(group_id, &path, topics).await?, true),
            Select::All => {
                let names = self.names(&path).await?;
                let topics = names.iter().filter_map(|name| id_of(name)).collect();
                (self.places(group_id, &path, topics).await?, true)
            }
        };
        let mut reads = JoinSet::new();
        for (index, place) in places.into_iter().enumerate() {
            let Some(reading) = self.begin_read(group_id, place.clone(), deadline) else {
                continue;
            };
            reads.spawn(async move { (index, place, reading.await) });
        }
        let mut found = Vec::with_capacity(reads.len());
        while let Some(read) = reads.join_next().await {
            let (index, place, value) = read.map_err(|_| FilerError::TimedOut)?;
            if let Some(value) = value? {
                found.push((index, place, value));
            }
        }
        match is_sorted {
            true => found.sort_by(|one, other| one.1.cmp(&other.1)),
            false => found.sort_by_key(|(index, _, _)| *index),
        }
        Ok(found
            .into_iter()
            .map(|(_, place, value)| (place.topic, place.partition, value))
            .collect())
    }

    /// Reads one partition: behind what is asked of it, so that no answer is taken back.
    fn begin_read(
        self: &Arc<Self>,
        group_id: &str,
        place: Place,
        deadline: Instant,
    ) -> Option<BoxFuture<Done>> {
        let partition = self.partition(group_id, &place)?;
        let mut inner = self.inner.lock();
        let group = inner.busy.get(group_id);
        if group.is_some_and(|group| group.wipe.is_some() || group.queues.contains_key(&place)) {
            let (tell, told) = oneshot::channel();
            self.enqueue(&mut inner, group_id, place, Op { ask: Ask::Read, deadline, tell });
            return Some(Box::pin(Waiting::Told(told).done(deadline)));
        }
        Some(Box::pin(async move { partition.read().await }))
    }

    /// The partitions of topics that have a folder, or something to do.
    async fn places(
        &self,
        group_id: &str,
        path: &str,
        topics: Vec<String>,
    ) -> Result<BTreeSet<Place>, FilerError> {
        let mut places = BTreeSet::new();
        for topic in &topics {
            let Some(name) = file_name(topic) else { continue };
            let partitions = self.names(&format!("{path}/{name}")).await?;
            let numbers = partitions.iter().filter_map(|name| name.parse::<i32>().ok());
            places.extend(numbers.map(|partition| Place { topic: topic.clone(), partition }));
        }
        let inner = self.inner.lock();
        let queues = inner.busy.get(group_id).into_iter().flat_map(|group| group.queues.keys());
        places.extend(queues.filter(|place| topics.contains(&place.topic)).cloned());
        Ok(places)
    }

    async fn has_offsets(&self, path: &str) -> Result<bool, FilerError> {
        for topic in self.names(path).await? {
            let topic = format!("{path}/{topic}");
            for partition in self.names(&topic).await? {
                if self.client.file(&format!("{topic}/{partition}/offset")).await?.is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The names in a folder; none if there is no such folder.
    async fn names(&self, path: &str) -> Result<Vec<String>, FilerError> {
        let mut names = Vec::new();
        let mut after = String::new();
        loop {
            let Some(page) = self.client.listing(path, &after, PAGE).await? else {
                return Ok(names);
            };
            let listing: Listing = serde_json::from_slice(&page.body)
                .map_err(|_| FilerError::Unreadable(format!("the listing of {path}")))?;
            let entries = listing.entries.unwrap_or_default();
            let paths = entries.iter().map(|entry| entry.full_path.rsplit('/').next());
            names.extend(paths.flatten().map(str::to_owned));
            if !listing.more || listing.last <= after {
                return Ok(names);
            }
            after = listing.last;
        }
    }
}

/// Does what is asked; what is kept afterwards.
async fn perform(
    partition: &Partition,
    batch: &Batch,
    known: &mut Known,
    doubts: &mut Doubts,
) -> Done {
    let deadline = batch.deadline;
    match &batch.ask {
        Ask::Put(value) => partition.put(value, known, doubts, deadline).await?,
        Ask::Remove => partition.remove(known, doubts, deadline).await?,
        Ask::RemoveUnchanged(value) => {
            partition.look(known).await?;
            let meant = Known::Yes(Some(value.clone()));
            if *known != meant {
                // Another hand may have written what was meant.
                *known = Known::Yes(partition.read().await?);
            }
            if *known == meant {
                partition.remove(known, doubts, deadline).await?;
            }
        }
        Ask::Read => {
            if *known == Known::No {
                *known = Known::Yes(partition.read().await?);
            }
        }
    }
    Ok(match known {
        Known::Yes(value) => value.clone(),
        Known::No => None,
    })
}

/// A folder's listing, as far as it is of use here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    entries: Option<Vec<ListedEntry>>,
    #[serde(rename = "LastFileName", default)]
    last: String,
    #[serde(rename = "ShouldDisplayLoadMore", default)]
    more: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedEntry {
    full_path: String,
}
