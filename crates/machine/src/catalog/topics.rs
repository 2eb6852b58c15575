//! Creating and deleting topics, adding partitions.

use super::names::{collision_key, validate_topic_name};
use super::{
    CatalogMachine, CatalogOutcome, ConfigResource, Configs, CreatePartitions, CreateTopics,
    CreatedTopic, DeletedTopic, Failure, MorePartitions, NewTopic, PartitionRecord, Record,
    TopicRef,
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
}

impl CatalogMachine {
    /// How many partitions each topic would have if it were created now; `None` for those that
    /// cannot be.
    pub fn partitions_to_create(&self, request: CreateTopics) -> Vec<Option<usize>> {
        let created = self.create_topics(request, &mut CatalogOutcome::default());
        let count = |topic: &CreatedTopic| usize::try_from(topic.partitions).ok();
        created.iter().map(|row| count(row).filter(|_| !row.failure.error.is_error())).collect()
    }

    /// How many partitions each topic would get if they were added now; `None` for those that
    /// cannot get any.
    pub fn partitions_to_add(&self, request: &CreatePartitions) -> Vec<Option<usize>> {
        let decided = self.create_partitions(request, &mut CatalogOutcome::default());
        let added = |topic: &MorePartitions| {
            let present = self.catalog.topic(&topic.name)?.partitions.len();
            usize::try_from(topic.count).ok()?.checked_sub(present)
        };
        let rows = request.topics.iter().zip(decided);
        rows.map(|(topic, row)| added(topic).filter(|_| !row.error.is_error())).collect()
    }

    pub(super) fn create_topics(
        &self,
        request: CreateTopics,
        out: &mut CatalogOutcome,
    ) -> Vec<CreatedTopic> {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for topic in &request.topics {
            *times.entry(topic.name.clone()).or_default() += 1;
        }
        let once = request.topics.iter().filter(|topic| times[&topic.name] == 1);
        let partitions =
            once.map(|topic| self.wanted_partitions(topic)).fold(0, usize::saturating_add);
        let is_excessive = partitions > self.settings.max_partitions_per_request;
        let mut taken = Taken::default();
        let mut records = Vec::new();
        let mut results = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let checked = match times[&topic.name] {
                1 if is_excessive => Err(too_many_partitions()),
                1 => self.check_new_topic(&topic, &mut taken),
                _ => Err(Failure::new(ErrorCode::InvalidRequest, "Duplicate topic name.")),
            };
            results.push(match checked {
                Err(failure) => failed(topic.name, failure),
                Ok((replicas, configs)) => {
                    records.extend(self.topic_records(&topic, &replicas, &configs));
                    created(topic, &replicas, configs)
                }
            });
        }
        if records.len() > self.settings.max_records_per_request {
            let message = "Unable to perform excessively large batch operation.";
            let failure = Failure::new(ErrorCode::PolicyViolation, message);
            let refuse = |row: CreatedTopic| match row.failure.error.is_error() {
                true => row,
                false => failed(row.name, failure.clone()),
            };
            return results.into_iter().map(refuse).collect();
        }
        if !request.validate_only {
            out.records.extend(records);
        }
        results
    }

    /// How many partitions a topic asks for, whatever else may be wrong with it.
    fn wanted_partitions(&self, topic: &NewTopic) -> usize {
        let partitions = match topic.partitions {
            _ if !topic.assignments.is_empty() => return topic.assignments.len(),
            -1 => self.settings.num_partitions,
            partitions => partitions,
        };
        usize::try_from(partitions).unwrap_or(0)
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
            let message = format!("Creation of internal topic {name} is prohibited.");
            return Err(Failure::new(ErrorCode::InvalidRequest, message));
        }
        if self.catalog.topic(name).is_some() {
            let message = format!("Topic '{name}' already exists.");
            return Err(Failure::new(ErrorCode::TopicAlreadyExists, message));
        }
        let key = collision_key(name);
        let other = self.catalog.colliding(name).or(taken.names.get(&key).map(String::as_str));
        if let Some(other) = other {
            let message = format!("Topic '{name}' collides with existing topic: {other}");
            return Err(Failure::new(ErrorCode::InvalidTopic, message));
        }
        let configs = self.check_new_configs(topic)?;
        let replicas = self.place(topic)?;
        let id = topic.topic_id;
        if id.is_reserved() || self.catalog.topic_by_id(id).is_some() || !taken.ids.insert(id) {
            let message = format!("Topic '{name}' was given an id that is taken.");
            return Err(Failure::new(ErrorCode::UnknownServerError, message));
        }
        taken.names.insert(key, name.clone());
        Ok((replicas, configs))
    }

    fn check_new_configs(&self, topic: &NewTopic) -> Result<Configs, Failure> {
        let given = topic.configs.iter();
        let null: Vec<&str> =
            given.filter(|(_, value)| value.is_none()).map(|(name, _)| name.as_str()).collect();
        if !null.is_empty() {
            let names = null.join(",");
            let message = format!("Null value not supported for topic configs: {names}");
            return Err(Failure::new(ErrorCode::InvalidConfig, message));
        }
        let given = topic.configs.iter();
        let configs: Configs =
            given.filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
        self.rules.check(&ConfigResource::topic(&topic.name), &configs)?;
        Ok(configs)
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
            let message =
                "Replication factor must be larger than 0, or -1 to use the default value.";
            return Err(Failure::new(ErrorCode::InvalidReplicationFactor, message));
        }
        if replication_factor > 1 {
            let message = format!(
                "Unable to replicate the partition {replication_factor} time(s): The target \
                 replication factor of {replication_factor} cannot be reached because only 1 \
                 broker(s) are registered or some brokers have all their log directories cordoned."
            );
            return Err(Failure::new(ErrorCode::InvalidReplicationFactor, message));
        }
        let partitions = match topic.partitions {
            -1 => self.settings.num_partitions,
            partitions => partitions,
        };
        match usize::try_from(partitions) {
            Ok(count) if count > 0 => Ok(vec![vec![self.settings.node_id]; count]),
            _ => {
                let message = "Number of partitions was set to an invalid non-positive value.";
                Err(Failure::new(ErrorCode::InvalidPartitions, message))
            }
        }
    }

    fn place_as_assigned(&self, topic: &NewTopic) -> Result<Vec<Vec<i32>>, Failure> {
        let must_be_default = |what: &str| {
            let message = format!(
                "A manual partition assignment was specified, but {what} was not set to -1."
            );
            Err(Failure::new(ErrorCode::InvalidRequest, message))
        };
        if topic.replication_factor != -1 {
            return must_be_default("replication factor");
        }
        if topic.partitions != -1 {
            return must_be_default("numPartitions");
        }
        let mut by_partition: BTreeMap<i32, &Vec<i32>> = BTreeMap::new();
        for (partition, nodes) in &topic.assignments {
            self.check_nodes(nodes)?;
            if by_partition.insert(*partition, nodes).is_some() {
                let message = format!(
                    "Found multiple manual partition assignments for partition {partition}"
                );
                return Err(Failure::new(ErrorCode::InvalidReplicaAssignment, message));
            }
        }
        let gapless = by_partition.keys().enumerate().all(|(at, key)| *key == at as i32);
        if !gapless {
            let message = "partitions should be a consecutive 0-based integer sequence";
            return Err(Failure::new(ErrorCode::InvalidReplicaAssignment, message));
        }
        Ok(by_partition.into_values().cloned().collect())
    }

    fn check_nodes(&self, nodes: &[i32]) -> Result<(), Failure> {
        let wrong = |message: String| Failure::new(ErrorCode::InvalidReplicaAssignment, message);
        let includes = "The manual partition assignment includes";
        if nodes.is_empty() {
            return Err(wrong(format!("{includes} an empty replica list.")));
        }
        let mut sorted = nodes.to_vec();
        sorted.sort_unstable();
        for (at, node) in sorted.iter().enumerate() {
            if *node != self.settings.node_id {
                let message =
                    format!("{includes} broker {node}, but no such broker is registered.");
                return Err(wrong(message));
            }
            if at > 0 {
                return Err(wrong(format!("{includes} the broker {node} more than once.")));
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
                None if missing == ErrorCode::UnknownTopicId => {
                    Failure::new(missing, "This server does not host this topic ID.")
                }
                None => Failure::new(missing, "This server does not host this topic-partition."),
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
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for topic in &request.topics {
            *times.entry(&topic.name).or_default() += 1;
        }
        let mut left = self.settings.max_partitions_per_request;
        let mut results = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let records = match times[topic.name.as_str()] {
                1 => self.partition_records(topic, &mut left),
                _ => Err(Failure::new(ErrorCode::InvalidRequest, "Duplicate topic name.")),
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
        let (name, count) = (&request.name, request.count);
        let unknown = Failure { error: ErrorCode::UnknownTopicOrPartition, message: None };
        let topic = self.catalog.topic(name).ok_or(unknown)?;
        let present = topic.partitions.len();
        let wanted = usize::try_from(count).unwrap_or(0);
        if wanted == present {
            let message = format!("Topic already has {present} partition(s).");
            return Err(Failure::new(ErrorCode::InvalidPartitions, message));
        }
        if wanted < present {
            let message = format!(
                "The topic {name} currently has {present} partition(s); {count} would not be an \
                 increase."
            );
            return Err(Failure::new(ErrorCode::InvalidPartitions, message));
        }
        let added = wanted - present;
        *left = left.checked_sub(added).ok_or_else(too_many_partitions)?;
        let placed = match &request.assignments {
            None => vec![vec![self.settings.node_id]; added],
            Some(assignments) if assignments.len() != added => {
                let message = format!(
                    "Attempted to add {added} additional partition(s), but only {} assignment(s) \
                     were specified.",
                    assignments.len()
                );
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
}

fn too_many_partitions() -> Failure {
    let message = "Excessively large number of partitions per request.";
    Failure::new(ErrorCode::PolicyViolation, message)
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

fn created(topic: NewTopic, replicas: &[Vec<i32>], configs: Configs) -> CreatedTopic {
    CreatedTopic {
        name: topic.name,
        topic_id: topic.topic_id,
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
