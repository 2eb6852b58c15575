//! Creating and deleting topics, adding partitions, setting configurations.

use super::names::{collision_key, validate_topic_name};
use super::{
    CatalogMachine, CatalogOutcome, ConfigResource, ConfigResourceType, Configs, CreatePartitions,
    CreateTopics, CreatedTopic, DeletedTopic, Failure, MorePartitions, NewTopic, PartitionRecord,
    Record, SetConfigs, TopicRef,
};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_model::{ErrorCode, TopicId};

/// Its log is the catalog itself.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// What the earlier topics of one request take: they collide with the later ones as those that are
/// there do.
#[derive(Default)]
struct Taken {
    /// Topic by collision key.
    names: BTreeMap<String, String>,
    ids: BTreeSet<TopicId>,
    partitions: usize,
}

impl CatalogMachine {
    pub(super) fn create_topics(
        &self,
        request: CreateTopics,
        out: &mut CatalogOutcome,
    ) -> Vec<CreatedTopic> {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for topic in &request.topics {
            *times.entry(topic.name.clone()).or_default() += 1;
        }
        let mut taken = Taken::default();
        let mut results = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let checked = match times[&topic.name] {
                1 => self.check_new_topic(&topic, &mut taken),
                _ => Err(Failure::new(ErrorCode::InvalidRequest, "Topic is named more than once.")),
            };
            results.push(match checked {
                Err(failure) => failed(topic.name, failure),
                Ok((replicas, configs)) => {
                    if !request.validate_only {
                        out.records.extend(self.topic_records(&topic, &replicas, &configs));
                    }
                    created(topic, &replicas, configs, request.validate_only)
                }
            });
        }
        results
    }

    /// The nodes of each partition and the configurations of a topic that may be created.
    fn check_new_topic(
        &self,
        topic: &NewTopic,
        taken: &mut Taken,
    ) -> Result<(Vec<Vec<i32>>, Configs), Failure> {
        let name = &topic.name;
        validate_topic_name(name)
            .map_err(|message| Failure::new(ErrorCode::InvalidTopic, message))?;
        if name == METADATA_TOPIC {
            let message = format!("Topic '{name}' is the gateway's own.");
            return Err(Failure::new(ErrorCode::InvalidRequest, message));
        }
        if self.catalog.topic(name).is_some() {
            let message = format!("Topic '{name}' already exists.");
            return Err(Failure::new(ErrorCode::TopicAlreadyExists, message));
        }
        let key = collision_key(name);
        let other = self.catalog.colliding(name).or(taken.names.get(&key).map(String::as_str));
        if let Some(other) = other {
            let message =
                format!("Topic '{name}' collides with '{other}': metrics merge '.' and '_'.");
            return Err(Failure::new(ErrorCode::InvalidTopic, message));
        }
        let configs = self.check_new_configs(topic)?;
        let replicas = self.place(topic)?;
        let partitions = taken.partitions + replicas.len();
        if partitions > self.settings.max_partitions_per_request {
            return Err(self.too_many_partitions());
        }
        let id = topic.topic_id;
        if id.is_reserved() || self.catalog.topic_by_id(id).is_some() || !taken.ids.insert(id) {
            let message = format!("Topic '{name}' was given an id that is taken.");
            return Err(Failure::new(ErrorCode::UnknownServerError, message));
        }
        taken.partitions = partitions;
        taken.names.insert(key, name.clone());
        Ok((replicas, configs))
    }

    fn too_many_partitions(&self) -> Failure {
        let max = self.settings.max_partitions_per_request;
        let message = format!("One request may create {max} partitions.");
        Failure::new(ErrorCode::PolicyViolation, message)
    }

    fn check_new_configs(&self, topic: &NewTopic) -> Result<Configs, Failure> {
        let mut configs = Configs::new();
        for (name, value) in &topic.configs {
            let value = value.clone().ok_or_else(|| {
                let message = format!("Configuration '{name}' has no value.");
                Failure::new(ErrorCode::InvalidConfig, message)
            })?;
            configs.insert(name.clone(), value);
        }
        self.check_configs(&ConfigResource::topic(&topic.name), &configs)?;
        Ok(configs)
    }

    fn check_configs(&self, resource: &ConfigResource, configs: &Configs) -> Result<(), Failure> {
        self.rules
            .check(resource, configs)
            .map_err(|message| Failure::new(ErrorCode::InvalidConfig, message))
    }

    /// The nodes that keep each partition of a new topic.
    fn place(&self, topic: &NewTopic) -> Result<Vec<Vec<i32>>, Failure> {
        if !topic.assignments.is_empty() {
            return self.place_as_assigned(topic);
        }
        let replication_factor = match topic.replication_factor {
            -1 => self.settings.default_replication_factor,
            factor => factor,
        };
        if replication_factor < 1 {
            let message = "Replication factor must be at least 1, or -1 for the default.";
            return Err(Failure::new(ErrorCode::InvalidReplicationFactor, message));
        }
        if replication_factor > 1 {
            let message =
                format!("Replication factor {replication_factor} needs more than the one node.");
            return Err(Failure::new(ErrorCode::InvalidReplicationFactor, message));
        }
        let partitions = match topic.partitions {
            -1 => self.settings.num_partitions,
            partitions => partitions,
        };
        let too_many = usize::try_from(partitions)
            .is_ok_and(|count| count > self.settings.max_partitions_per_request);
        if too_many {
            return Err(self.too_many_partitions());
        }
        match usize::try_from(partitions) {
            Ok(count) if count > 0 => Ok(vec![vec![self.settings.node_id]; count]),
            _ => {
                let message = "Number of partitions must be at least 1, or -1 for the default.";
                Err(Failure::new(ErrorCode::InvalidPartitions, message))
            }
        }
    }

    fn place_as_assigned(&self, topic: &NewTopic) -> Result<Vec<Vec<i32>>, Failure> {
        if topic.replication_factor != -1 || topic.partitions != -1 {
            let message =
                "Assignments leave no choice: partitions and replication factor must be -1.";
            return Err(Failure::new(ErrorCode::InvalidRequest, message));
        }
        let mut by_partition: BTreeMap<i32, &Vec<i32>> = BTreeMap::new();
        for (partition, nodes) in &topic.assignments {
            self.check_nodes(nodes)?;
            if by_partition.insert(*partition, nodes).is_some() {
                let message = format!("Partition {partition} is assigned more than once.");
                return Err(Failure::new(ErrorCode::InvalidReplicaAssignment, message));
            }
        }
        let gapless = by_partition.keys().enumerate().all(|(at, key)| *key == at as i32);
        if !gapless {
            let message = "Assigned partitions must count up from 0 without a gap.";
            return Err(Failure::new(ErrorCode::InvalidReplicaAssignment, message));
        }
        Ok(by_partition.into_values().cloned().collect())
    }

    fn check_nodes(&self, nodes: &[i32]) -> Result<(), Failure> {
        let wrong = |message: String| Failure::new(ErrorCode::InvalidReplicaAssignment, message);
        if nodes.is_empty() {
            return Err(wrong("An assignment names no node.".to_owned()));
        }
        let mut seen = BTreeSet::new();
        for node in nodes {
            if !seen.insert(node) {
                return Err(wrong(format!("An assignment names node {node} more than once.")));
            }
            if *node != self.settings.node_id {
                return Err(wrong(format!("An assignment names node {node}, which is unknown.")));
            }
        }
        Ok(())
    }

    fn topic_records(
        &self,
        topic: &NewTopic,
        replicas: &[Vec<i32>],
        configs: &Configs,
    ) -> Vec<Record> {
        let topic_id = topic.topic_id;
        let mut records = vec![Record::Topic { name: topic.name.clone(), topic_id }];
        records.extend(configs.iter().map(|(name, value)| Record::Config {
            resource: ConfigResource::topic(&topic.name),
            name: name.clone(),
            value: Some(value.clone()),
        }));
        records
            .extend((0..).zip(replicas).map(|(at, nodes)| partition_record(topic_id, at, nodes)));
        records
    }

    pub(super) fn delete_topics(
        &self,
        topics: Vec<TopicRef>,
        out: &mut CatalogOutcome,
    ) -> Vec<DeletedTopic> {
        let mut deleted = BTreeSet::new();
        let mut results = Vec::with_capacity(topics.len());
        for topic in topics {
            let (found, name, asked_id, missing) = match topic {
                TopicRef::Name(name) => {
                    let found = self.catalog.topic(&name);
                    (found, Some(name), TopicId::ZERO, ErrorCode::UnknownTopicOrPartition)
                }
                TopicRef::Id(id) => {
                    (self.catalog.topic_by_id(id), None, id, ErrorCode::UnknownTopicId)
                }
            };
            let failure = match found {
                None => Failure::new(missing, "There is no such topic."),
                Some(found) if !deleted.insert(found.topic_id) => {
                    Failure::new(ErrorCode::InvalidRequest, "Topic is named more than once.")
                }
                Some(found) => {
                    out.records.push(Record::RemoveTopic { topic_id: found.topic_id });
                    Failure::NONE
                }
            };
            results.push(DeletedTopic {
                name: found.map(|found| found.name.to_string()).or(name),
                topic_id: found.map_or(asked_id, |found| found.topic_id),
                failure,
            });
        }
        results
    }

    pub(super) fn create_partitions(
        &self,
        request: &CreatePartitions,
        out: &mut CatalogOutcome,
    ) -> Vec<Failure> {
        let mut seen = BTreeSet::new();
        let mut left = self.settings.max_partitions_per_request;
        let mut results = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let records = match seen.insert(&topic.name) {
                true => self.partition_records(topic, &mut left),
                false => {
                    Err(Failure::new(ErrorCode::InvalidRequest, "Topic is named more than once."))
                }
            };
            results.push(match records {
                Err(failure) => failure,
                Ok(records) => {
                    if !request.validate_only {
                        out.records.extend(records);
                    }
                    Failure::NONE
                }
            });
        }
        results
    }

    fn partition_records(
        &self,
        request: &MorePartitions,
        left: &mut usize,
    ) -> Result<Vec<Record>, Failure> {
        let topic = self.catalog.topic(&request.name).ok_or_else(|| {
            Failure::new(ErrorCode::UnknownTopicOrPartition, "There is no such topic.")
        })?;
        let present = topic.partitions.len();
        let wanted = usize::try_from(request.count).unwrap_or(0);
        if wanted <= present {
            let message = format!("Topic has {present} partitions, {wanted} would not be more.");
            return Err(Failure::new(ErrorCode::InvalidPartitions, message));
        }
        let added = wanted - present;
        *left = left.checked_sub(added).ok_or_else(|| self.too_many_partitions())?;
        let placed = match &request.assignments {
            None => vec![vec![self.settings.node_id]; added],
            Some(assignments) if assignments.len() != added => {
                let message =
                    format!("{added} partitions are new, {} are assigned.", assignments.len());
                return Err(Failure::new(ErrorCode::InvalidReplicaAssignment, message));
            }
            Some(assignments) => assignments.clone(),
        };
        for nodes in &placed {
            self.check_nodes(nodes)?;
        }
        let first = present as i32;
        let record = |(at, nodes): (i32, &Vec<i32>)| partition_record(topic.topic_id, at, nodes);
        Ok((first..).zip(&placed).map(record).collect())
    }

    pub(super) fn set_configs(
        &self,
        request: SetConfigs,
        out: &mut CatalogOutcome,
    ) -> Vec<Failure> {
        let mut seen = BTreeSet::new();
        let mut results = Vec::with_capacity(request.resources.len());
        for (resource, changes) in request.resources {
            let records = match seen.insert(resource.clone()) {
                true => self.config_records(&resource, changes),
                false => {
                    let message = "Resource is named more than once.";
                    Err(Failure::new(ErrorCode::InvalidRequest, message))
                }
            };
            results.push(Failure::of(records.map(|records| {
                if !request.validate_only {
                    out.records.extend(records);
                }
            })));
        }
        results
    }

    fn config_records(
        &self,
        resource: &ConfigResource,
        changes: Vec<(String, Option<String>)>,
    ) -> Result<Vec<Record>, Failure> {
        let is_topic = resource.kind == ConfigResourceType::Topic;
        if is_topic && self.catalog.topic(&resource.name).is_none() {
            let message = "There is no such topic.";
            return Err(Failure::new(ErrorCode::UnknownTopicOrPartition, message));
        }
        let before = self.catalog.configs(resource);
        let mut after = before.map_or_else(Configs::new, |configs| Configs::clone(configs));
        let mut changed = BTreeSet::new();
        let mut records = Vec::new();
        for (name, value) in changes {
            if !changed.insert(name.clone()) {
                let message = format!("Configuration '{name}' is named more than once.");
                return Err(Failure::new(ErrorCode::InvalidRequest, message));
            }
            let old = match &value {
                Some(value) => after.insert(name.clone(), value.clone()),
                None => after.remove(&name),
            };
            // What stays as it is needs no record.
            if old != value {
                records.push(Record::Config { resource: resource.clone(), name, value });
            }
        }
        self.check_configs(resource, &after)?;
        Ok(records)
    }
}

fn partition_record(topic_id: TopicId, partition: i32, nodes: &[i32]) -> Record {
    Record::Partition(PartitionRecord {
        version: 1,
        partition,
        topic_id,
        replicas: nodes.to_vec(),
        isr: nodes.to_vec(),
        removing_replicas: Vec::new(),
        adding_replicas: Vec::new(),
        leader: nodes[0],
        leader_recovery_state: 0,
        leader_epoch: 0,
        partition_epoch: 0,
        // `DirectoryId.UNASSIGNED`: the store decides where bytes lie.
        directories: vec![TopicId::ZERO; nodes.len()],
        eligible_leader_replicas: None,
        last_known_elr: None,
    })
}

fn created(
    topic: NewTopic,
    replicas: &[Vec<i32>],
    configs: Configs,
    validate_only: bool,
) -> CreatedTopic {
    CreatedTopic {
        name: topic.name,
        topic_id: if validate_only { TopicId::ZERO } else { topic.topic_id },
        failure: Failure::NONE,
        partitions: replicas.len() as i32,
        replication_factor: replicas.first().map_or(-1, |nodes| nodes.len() as i16),
        configs,
    }
}

fn failed(name: String, failure: Failure) -> CreatedTopic {
    CreatedTopic {
        name,
        topic_id: TopicId::ZERO,
        failure,
        partitions: -1,
        replication_factor: -1,
        configs: Configs::new(),
    }
}
