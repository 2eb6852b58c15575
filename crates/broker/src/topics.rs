//! The topics that exist now, with their open partitions: the runtime side of the catalog.

use crate::config::TopicSettings;
use crate::partition::Partition;
use parking_lot::RwLock;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tidegate_model::TopicId;

/// One topic as requests see it: a snapshot. When its configs or its partitions change, another
/// one takes its place in the [`TopicMap`]; whoever holds this one goes on with what it says.
#[derive(Debug, Clone)]
pub struct Topic {
    /// The name.
    pub name: Arc<str>,
    /// The identity of this incarnation.
    pub id: TopicId,
    /// True for the coordinators' own topics.
    pub internal: bool,
    /// Settings that differ from the broker's.
    pub configs: Arc<BTreeMap<String, String>>,
    /// What is in force on the topic: its own settings over the broker's.
    pub settings: TopicSettings,
    /// The partitions by index.
    pub partitions: Vec<Arc<Partition>>,
}

impl Topic {
    /// The partition of that index.
    pub fn partition(&self, index: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(index).ok()?)
    }
}

/// All topics, by name and by id.
#[derive(Debug, Default)]
pub struct TopicMap {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    by_id: HashMap<TopicId, Arc<Topic>>,
}

impl TopicMap {
    /// The topic of that name.
    pub fn by_name(&self, name: &str) -> Option<Arc<Topic>> {
        self.state.read().by_name.get(name).cloned()
    }

    /// The topic of that id.
    pub fn by_id(&self, id: TopicId) -> Option<Arc<Topic>> {
        self.state.read().by_id.get(&id).cloned()
    }

    /// All topics in name order.
    pub fn all(&self) -> Vec<Arc<Topic>> {
        self.state.read().by_name.values().cloned().collect()
    }

    /// Number of topics and of their partitions.
    pub fn count(&self) -> (usize, usize) {
        let state = self.state.read();
        (state.by_name.len(), state.by_name.values().map(|topic| topic.partitions.len()).sum())
    }

    /// Puts a topic's newest snapshot in the place of the one before; its logs go by its settings
    /// from now on. Under its name it also takes the place of another topic, which is being deleted
    /// and will be removed by its id.
    pub fn insert(&self, topic: Arc<Topic>) {
        let limits = topic.settings.segment_limits();
        topic.partitions.iter().for_each(|partition| partition.log().limit_segments(limits));
        let mut state = self.state.write();
        state.by_id.insert(topic.id, topic.clone());
        state.by_name.insert(topic.name.clone(), topic);
    }

    /// Removes and returns a topic.
    pub fn remove(&self, id: TopicId) -> Option<Arc<Topic>> {
        let mut state = self.state.write();
        let topic = state.by_id.remove(&id)?;
        if state.by_name.get(&topic.name).is_some_and(|named| named.id == id) {
            state.by_name.remove(&topic.name);
        }
        Some(topic)
    }
}
