//! The catalog's state: topics, configurations, client quotas and the producer ids handed out.

use super::names;
use super::quotas::{QuotaEntity, QuotaValue, Quotas};
use super::record::{ConfigResource, PartitionRecord, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidegate_model::{LeaderEpoch, ProducerId, TopicId};

/// The configurations of one resource by name: only those that were set.
pub type Configs = BTreeMap<String, String>;

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMeta {
    /// Its name.
    pub name: Arc<str>,
    /// Its id.
    pub topic_id: TopicId,
    /// Its partitions; the index is the partition's number.
    pub partitions: Vec<PartitionMeta>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionMeta {
    /// Nodes that keep it, preferred first.
    pub replicas: Vec<i32>,
    /// Nodes that are in sync.
    pub isr: Vec<i32>,
    /// The node that leads, -1 for none.
    pub leader: i32,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// Rises with every change of the partition.
    pub partition_epoch: i32,
}

impl PartitionMeta {
    fn of(record: &PartitionRecord) -> Self {
        PartitionMeta {
            replicas: record.replicas.clone(),
            isr: record.isr.clone(),
            leader: record.leader,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
        }
    }
}

/// Topics and configurations as the log has them. Clones share the topics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    topics: BTreeMap<Arc<str>, Arc<TopicMeta>>,
    names: BTreeMap<TopicId, Arc<str>>,
    /// Topics by the name under which they collide, for those that can.
    collisions: BTreeMap<String, BTreeSet<Arc<str>>>,
    configs: BTreeMap<ConfigResource, Arc<Configs>>,
    next_producer_id: ProducerId,
    quotas: BTreeMap<QuotaEntity, Quotas>,
}

impl Catalog {
    /// The topic of that name.
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicMeta>> {
        self.topics.get(name)
    }

    /// The topic of that id.
    pub fn topic_by_id(&self, topic_id: TopicId) -> Option<&Arc<TopicMeta>> {
        self.topics.get(self.names.get(&topic_id)?)
    }

    /// All topics in order of name.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<TopicMeta>> {
        self.topics.values()
    }

    /// Number of topics.
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// What was configured for the resource; `None` if nothing was.
    pub fn configs(&self, resource: &ConfigResource) -> Option<&Arc<Configs>> {
        self.configs.get(resource)
    }

    /// What was configured for the topic of that name.
    pub fn topic_configs(&self, name: &str) -> Option<&Arc<Configs>> {
        self.configs(&ConfigResource::topic(name))
    }

    /// Everything that has configurations, in order.
    pub fn configured(&self) -> impl Iterator<Item = (&ConfigResource, &Arc<Configs>)> {
        self.configs.iter()
    }

    /// The quotas of that entity; `None` if it has none.
    pub fn quotas_of(&self, entity: &QuotaEntity) -> Option<&Quotas> {
        self.quotas.get(entity)
    }

    /// All client quotas.
    pub fn quotas(&self) -> &BTreeMap<QuotaEntity, Quotas> {
        &self.quotas
    }

    /// The first producer id that was not handed out.
    pub fn next_producer_id(&self) -> ProducerId {
        self.next_producer_id
    }

    /// Another topic whose name differs from `name` only in '.' and '_'.
    pub(super) fn colliding(&self, name: &str) -> Option<&str> {
        let names = self.collisions.get(&names::collision_key(name))?;
        names.iter().map(|other| &**other).find(|other| *other != name)
    }

    /// Folds one record.
    pub fn replay(&mut self, record: &Record) {
        match record {
            Record::Topic { name, topic_id } => self.insert_topic(name, *topic_id),
            Record::Partition(record) => self.insert_partition(record),
            Record::Config { resource, name, value } => {
                self.set_config(resource, name, value.as_deref());
            }
            Record::RemoveTopic { topic_id } => self.remove_topic(*topic_id),
            Record::ProducerIds { next_producer_id, .. } => {
                self.next_producer_id = self.next_producer_id.max(*next_producer_id);
            }
            Record::ClientQuota { entity, key, value } => self.set_quota(entity, key, *value),
            Record::Unknown { .. } => {}
        }
    }

    fn insert_topic(&mut self, name: &str, topic_id: TopicId) {
        let name: Arc<str> = name.into();
        if let Some(previous) = self.topics.get(&name) {
            let previous = previous.topic_id;
            self.remove_topic(previous);
        }
        if names::may_collide(&name) {
            let key = names::collision_key(&name);
            self.collisions.entry(key).or_default().insert(name.clone());
        }
        self.names.insert(topic_id, name.clone());
        let topic = TopicMeta { name: name.clone(), topic_id, partitions: Vec::new() };
        self.topics.insert(name, Arc::new(topic));
    }

    fn insert_partition(&mut self, record: &PartitionRecord) {
        let Some(name) = self.names.get(&record.topic_id) else { return };
        let Some(topic) = self.topics.get_mut(name) else { return };
        let partitions = &mut Arc::make_mut(topic).partitions;
        let meta = PartitionMeta::of(record);
        match usize::try_from(record.partition) {
            Ok(index) if index < partitions.len() => partitions[index] = meta,
            // Partitions are created in order; one out of order has no place to go.
            Ok(index) if index == partitions.len() => partitions.push(meta),
            _ => {}
        }
    }

    fn set_config(&mut self, resource: &ConfigResource, name: &str, value: Option<&str>) {
        match value {
            Some(value) => {
                let configs = self.configs.entry(resource.clone()).or_default();
                Arc::make_mut(configs).insert(name.to_owned(), value.to_owned());
            }
            None => {
                let Some(configs) = self.configs.get_mut(resource) else { return };
                Arc::make_mut(configs).remove(name);
                if configs.is_empty() {
                    self.configs.remove(resource);
                }
            }
        }
    }

    fn set_quota(&mut self, entity: &QuotaEntity, key: &str, value: Option<QuotaValue>) {
        if let Some(value) = value {
            self.quotas.entry(entity.clone()).or_default().insert(key.to_owned(), value);
            return;
        }
        let Some(quotas) = self.quotas.get_mut(entity) else { return };
        quotas.remove(key);
        if quotas.is_empty() {
            self.quotas.remove(entity);
        }
    }

    fn remove_topic(&mut self, topic_id: TopicId) {
        let Some(name) = self.names.remove(&topic_id) else { return };
        self.topics.remove(&name);
        self.configs.remove(&ConfigResource::topic(&name));
        let key = names::collision_key(&name);
        if let Some(names) = self.collisions.get_mut(&key) {
            names.remove(&name);
            if names.is_empty() {
                self.collisions.remove(&key);
            }
        }
    }
}
