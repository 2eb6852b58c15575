//! What administrators do: creating and deleting topics, adding partitions, altering configs and
//! client quotas.
//!
//! The catalog decides at once; each future waits until the decision is durable and in force. In
//! force means that a topic's snapshot fits the catalog again: [`Broker::refresh`].

use super::{Broker, CreateTopic, CreatedTopic, DeleteTopic, Refusal};
use crate::config::{
    DescribedConfig, TopicSettings, describe_broker, describe_client_metrics, describe_cluster,
    describe_group, describe_topic,
};
use crate::groups::CONSUMER_OFFSETS;
use crate::partition::Partition;
use crate::quota::{ClientQuotas, QuotaFilter};
use crate::topics::Topic;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_log::{BoxFuture, LogError};
use tidegate_machine::catalog::{
    AlterConfigs, AlterQuotas, ConfigResource, ConfigResourceType, Configs, CreatePartitions,
    Failure, QuotaEntity, Quotas,
};
use tidegate_model::{ErrorCode, TopicId};
use tracing::{info, warn};

impl Broker {
    /// Creates topics, or only checks whether they could be. Each succeeds or fails on its own;
    /// the results are in the order of `wanted`.
    pub fn create_topics(
        self: &Arc<Self>,
        wanted: Vec<CreateTopic>,
        validate_only: bool,
    ) -> BoxFuture<Vec<Result<CreatedTopic, Refusal>>> {
        let count = wanted.len();
        let pending = self.catalog.create(wanted, validate_only);
        let broker = self.clone();
        Box::pin(async move {
            let decided = match pending.wait().await {
                Ok(decided) => decided,
                Err(refusal) => return vec![Err(refusal); count],
            };
            if validate_only {
                return decided;
            }
            let mut opened = Vec::with_capacity(decided.len());
            for topic in decided {
                opened.push(match topic {
                    Ok(created) => match broker.refresh(created.id).await {
                        Ok(()) => Ok(created),
                        Err(error) => Err(storage_error(&error)),
                    },
                    Err(refusal) => Err(refusal),
                });
            }
            opened
        })
    }

    /// Creates one topic, or only checks whether it could be.
    pub async fn create_topic(
        self: &Arc<Self>,
        wanted: CreateTopic,
        validate_only: bool,
    ) -> Result<CreatedTopic, Refusal> {
        let mut created = self.create_topics(vec![wanted], validate_only).await;
        created.pop().expect("one topic has one result")
    }

    /// Deletes a topic with its data; the future waits until the data is gone.
    pub fn delete_topic(self: &Arc<Self>, which: DeleteTopic) -> BoxFuture<Result<(), Refusal>> {
        if !self.settings().delete_topic_enable() {
            let message = "delete.topic.enable is false".to_owned();
            return Box::pin(std::future::ready(Err((ErrorCode::TopicDeletionDisabled, message))));
        }
        let pending = self.catalog.delete(which);
        let broker = self.clone();
        Box::pin(async move {
            let id = pending.wait().await?;
            broker.forget(id).await;
            Ok(())
        })
    }

    /// Adds partitions, which are usable afterwards. The results are in the request's order.
    ///
    /// INVALID_REQUEST for `__consumer_offsets`: where a group lies depends on their number.
    pub fn create_partitions(
        self: &Arc<Self>,
        mut request: CreatePartitions,
    ) -> BoxFuture<Vec<Failure>> {
        let is_fixed: Vec<bool> =
            request.topics.iter().map(|topic| topic.name == CONSUMER_OFFSETS).collect();
        request.topics.retain(|topic| topic.name != CONSUMER_OFFSETS);
        let names: Vec<String> = request.topics.iter().map(|topic| topic.name.clone()).collect();
        let validate_only = request.validate_only;
        let pending = self.catalog.create_partitions(request);
        let broker = self.clone();
        Box::pin(async move {
            let mut decided = pending.wait().await;
            if !validate_only {
                for (name, failure) in names.iter().zip(&mut decided) {
                    broker.refresh_if_changed(name, failure).await;
                }
            }
            let mut decided = decided.into_iter();
            let refused = || {
                let message = format!(
                    "The number of partitions of {CONSUMER_OFFSETS} decides where groups are \
                     kept and cannot change."
                );
                Failure::new(ErrorCode::InvalidRequest, message)
            };
            let row = |is_fixed: bool| if is_fixed { Some(refused()) } else { decided.next() };
            is_fixed.into_iter().filter_map(row).collect()
        })
    }

    /// Alters configs, which are in force afterwards. The results are in the request's order.
    pub fn alter_configs(self: &Arc<Self>, request: AlterConfigs) -> BoxFuture<Vec<Failure>> {
        let resources: Vec<ConfigResource> =
            request.resources.iter().map(|(resource, _)| resource.clone()).collect();
        let validate_only = request.validate_only;
        let pending = self.catalog.alter_configs(request);
        let broker = self.clone();
        Box::pin(async move {
            let mut decided = pending.wait().await;
            if validate_only {
                return decided;
            }
            for (resource, failure) in resources.iter().zip(&mut decided) {
                match resource.kind {
                    ConfigResourceType::Topic => {
                        broker.refresh_if_changed(&resource.name, failure).await;
                    }
                    ConfigResourceType::Broker if !failure.error.is_error() => {
                        if let Err(error) = broker.refresh_settings().await {
                            let (code, message) = storage_error(&error);
                            *failure = Failure::new(code, message);
                        }
                    }
                    // Whoever needs them asks the catalog.
                    ConfigResourceType::Broker
                    | ConfigResourceType::ClientMetrics
                    | ConfigResourceType::Group => {}
                }
            }
            decided
        })
    }

    async fn refresh_if_changed(&self, name: &str, failure: &mut Failure) {
        if failure.error.is_error() {
            return;
        }
        let Some(topic) = self.topics.by_name(name) else { return };
        if let Err(error) = self.refresh(topic.id).await {
            let (code, message) = storage_error(&error);
            *failure = Failure::new(code, message);
        }
    }

    /// Puts a snapshot of the topic into service that is as the catalog has it, with partitions
    /// opened that are new. Nothing happens to a topic that has been deleted in the meantime.
    pub(super) async fn refresh(&self, id: TopicId) -> Result<(), LogError> {
        let _one = self.refreshing.lock().await;
        let Some(catalogued) = self.catalog.durable_topic(id).await? else { return Ok(()) };
        let before = self.topics.by_id(id);
        let is_new = before.is_none();
        let topic = self.catalog.open_topic(&*self.store, &catalogued, before.as_deref()).await?;
        let (partitions, configs) = (topic.partitions.len(), &topic.configs);
        // MirrorMaker sets all configs of every topic again and again, mostly to what they are.
        let is_as_before = before.is_some_and(|before| {
            before.configs == *configs && before.partitions.len() == partitions
        });
        if is_new {
            info!(target: "tidegate::topic", topic = &*topic.name, topic_id = %id, partitions, "topic created");
        } else if !is_as_before {
            info!(target: "tidegate::topic", topic = &*topic.name, topic_id = %id, partitions, ?configs, "topic changed");
        }
        self.topics.insert(topic);
        Ok(())
    }

    /// Puts the settings in force that the catalog has, on every topic too.
    async fn refresh_settings(&self) -> Result<(), LogError> {
        let _one = self.refreshing.lock().await;
        let (node, cluster) = self.catalog.durable_node_configs().await?;
        let settings = Arc::new(self.started_with.with_dynamic(node, cluster));
        self.settings.store(settings.clone());
        for topic in self.topics.all() {
            let in_force = TopicSettings::of(&topic.configs, &settings);
            if in_force != topic.settings {
                self.topics.insert(Arc::new(Topic { settings: in_force, ..(*topic).clone() }));
            }
        }
        // Names only: a value may be a secret.
        info!(target: "tidegate::server", names = ?settings.dynamic_names(), "settings changed");
        Ok(())
    }

    /// Takes a deleted topic out of service and gives its space back.
    async fn forget(&self, id: TopicId) {
        let removed = {
            // Nobody may be loading groups from it, and a snapshot that is being made would put it
            // back.
            let _none = self.ensuring.lock().await;
            let _one = self.refreshing.lock().await;
            let removed = self.topics.remove(id);
            if removed.as_ref().is_some_and(|topic| *topic.name == *CONSUMER_OFFSETS) {
                self.groups.unload();
            }
            removed
        };
        let Some(topic) = removed else { return };
        info!(target: "tidegate::topic", topic = &*topic.name, topic_id = %id, "topic deleted");
        topic.partitions.iter().for_each(|partition| partition.mark_deleted());
        let forgetting = self.groups.offsets().topics_deleted(vec![(topic.name.to_string(), id)]);
        let delete = |partition: &Arc<Partition>| self.store.delete(partition.id());
        // All are begun before the first is awaited: they share writes to the disk.
        let deletions: Vec<_> = topic.partitions.iter().map(delete).collect();
        for (partition, deletion) in topic.partitions.iter().zip(deletions) {
            if let Err(error) = deletion.wait().await {
                // The next start removes it: the catalog no longer knows the id.
                warn!(target: "tidegate::topic", partition = %partition.id(), %error, "data cannot be removed yet");
            }
        }
        if let Err(error) = forgetting.await {
            // The next start forgets them, or they expire.
            warn!(target: "tidegate::offsets", topic = &*topic.name, %error, "committed offsets cannot be forgotten yet");
        }
    }

    /// The settings in force on a topic with `overrides`.
    pub fn describe_topic_configs(
        &self,
        overrides: &BTreeMap<String, String>,
        names: Option<&[&str]>,
        synonyms: bool,
        documentation: bool,
    ) -> Vec<DescribedConfig> {
        describe_topic(overrides, &self.settings(), names, synonyms, documentation)
    }

    /// The settings of this node.
    pub fn describe_broker_configs(
        &self,
        names: Option<&[&str]>,
        synonyms: bool,
        documentation: bool,
    ) -> Vec<DescribedConfig> {
        describe_broker(&self.settings(), names, synonyms, documentation)
    }

    /// What was set on all nodes while they ran.
    pub fn describe_cluster_configs(
        &self,
        names: Option<&[&str]>,
        synonyms: bool,
        documentation: bool,
    ) -> Vec<DescribedConfig> {
        describe_cluster(&self.settings(), names, synonyms, documentation)
    }

    /// The configs of a group.
    pub fn describe_group_configs(
        &self,
        group_id: &str,
        names: Option<&[&str]>,
        synonyms: bool,
        documentation: bool,
    ) -> Result<Vec<DescribedConfig>, Refusal> {
        let own = self.own_configs(ConfigResourceType::Group, group_id)?;
        Ok(describe_group(&own, &self.settings(), names, synonyms, documentation))
    }

    /// The configs of a subscription to clients' metrics.
    pub fn describe_client_metrics_configs(
        &self,
        subscription: &str,
        names: Option<&[&str]>,
        synonyms: bool,
        documentation: bool,
    ) -> Result<Vec<DescribedConfig>, Refusal> {
        let own = self.own_configs(ConfigResourceType::ClientMetrics, subscription)?;
        Ok(describe_client_metrics(&own, names, synonyms, documentation))
    }

    fn own_configs(&self, kind: ConfigResourceType, name: &str) -> Result<Arc<Configs>, Refusal> {
        let resource = ConfigResource { kind, name: name.to_owned() };
        self.catalog.configs(&resource).map_err(|error| storage_error(&error))
    }

    /// The names of the groups or the subscriptions for which something is configured.
    pub fn configured(&self, kind: ConfigResourceType) -> Result<Vec<String>, Refusal> {
        self.catalog.configured(kind).map_err(|error| storage_error(&error))
    }

    /// Client quotas in force.
    pub fn quotas(&self) -> &ClientQuotas {
        &self.quotas
    }

    /// Alters client quotas, which are in force afterwards, or only checks whether they could be.
    /// Each entity has one result, in the order of its first mention.
    pub fn alter_quotas(
        self: &Arc<Self>,
        request: AlterQuotas,
    ) -> BoxFuture<Result<Vec<(QuotaEntity, Failure)>, Refusal>> {
        let pending = self.catalog.alter_quotas(request);
        let broker = self.clone();
        Box::pin(async move {
            let altered = pending.wait().await?;
            broker.enforce_quotas().map_err(|error| storage_error(&error))?;
            Ok(altered)
        })
    }

    /// The client quotas that `filter` asks for.
    pub fn describe_quotas(
        &self,
        filter: &QuotaFilter,
    ) -> Result<Vec<(QuotaEntity, Quotas)>, Refusal> {
        let quotas = self.catalog.quotas().map_err(|error| storage_error(&error))?;
        Ok(quotas.into_iter().filter(|(entity, _)| filter.matches(entity)).collect())
    }

    /// Puts the catalog's quotas in force.
    pub(super) fn enforce_quotas(&self) -> Result<(), LogError> {
        let _one = self.enforcing.lock();
        self.quotas.set(&self.catalog.quotas()?);
        Ok(())
    }
}

fn storage_error(error: &LogError) -> Refusal {
    (ErrorCode::KafkaStorageError, error.to_string())
}
