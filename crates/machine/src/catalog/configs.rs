//! Altering configurations: of topics, brokers, groups and client metrics.

use super::names::validate_topic_name;
use super::{
    AlterConfigs, Alteration, CatalogMachine, CatalogOutcome, ConfigChange, ConfigResource,
    ConfigResourceType, Configs, Failure, Record,
};
use tidegate_model::ErrorCode;

impl CatalogMachine {
    pub(super) fn alter_configs(
        &self,
        request: AlterConfigs,
        out: &mut CatalogOutcome,
    ) -> Vec<Failure> {
        let mut results = Vec::with_capacity(request.resources.len());
        for (resource, alteration) in request.resources {
            let records = self.config_records(&resource, alteration);
            results.push(Failure::of(records.map(|records| {
                if !request.validate_only {
                    out.records.extend(records);
                }
            })));
        }
        results
    }

    /// What to write so that `resource` is altered: all of it, or nothing where a part is wrong.
    fn config_records(
        &self,
        resource: &ConfigResource,
        alteration: Alteration,
    ) -> Result<Vec<Record>, Failure> {
        let nothing = Configs::new();
        let before = self.catalog.configs(resource).map_or(&nothing, |configs| &**configs);
        let after = match alteration {
            Alteration::Changes(changes) => self.changed(resource, before, changes)?,
            Alteration::Replacement(configs) => configs.into_iter().collect(),
        };
        if resource.kind == ConfigResourceType::Topic {
            check_topic_resource(&resource.name)?;
        }
        self.rules.check(resource, &after)?;
        if resource.kind == ConfigResourceType::Topic
            && self.catalog.topic(&resource.name).is_none()
        {
            let message = format!("The topic '{}' does not exist.", resource.name);
            return Err(Failure::new(ErrorCode::UnknownTopicOrPartition, message));
        }
        // What stays as it is needs no record.
        let set = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
        let removed = before.keys().filter(|name| !after.contains_key(*name));
        let record = |name: &String, value: Option<&String>| Record::Config {
            resource: resource.clone(),
            name: name.clone(),
            value: value.cloned(),
        };
        let set = set.map(|(name, value)| record(name, Some(value)));
        Ok(set.chain(removed.map(|name| record(name, None))).collect())
    }

    fn changed(
        &self,
        resource: &ConfigResource,
        before: &Configs,
        changes: Vec<(String, ConfigChange)>,
    ) -> Result<Configs, Failure> {
        let mut after = before.clone();
        for (name, change) in changes {
            let value = match change {
                ConfigChange::Set(value) => value,
                ConfigChange::Delete => {
                    after.remove(&name);
                    continue;
                }
                ConfigChange::Append(_) | ConfigChange::Subtract(_) => {
                    let default = self.rules.list_default(resource, &name, &change)?;
                    edited(before.get(&name).unwrap_or(&default), &change)
                }
            };
            after.insert(name, value);
        }
        Ok(after)
    }
}

fn check_topic_resource(name: &str) -> Result<(), Failure> {
    if name.is_empty() {
        let message = "Default topic resources are not allowed.";
        return Err(Failure::new(ErrorCode::InvalidRequest, message));
    }
    validate_topic_name(name).map_err(|message| Failure::new(ErrorCode::InvalidTopic, message))
}

/// A list with entries added at its end, or without some. Kafka trims none of them here.
fn edited(list: &str, change: &ConfigChange) -> String {
    let mut entries: Vec<&str> = list.split(',').filter(|entry| !entry.is_empty()).collect();
    match change {
        ConfigChange::Append(more) => {
            for entry in more.split(',') {
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
        }
        ConfigChange::Subtract(fewer) => {
            for entry in fewer.split(',') {
                if let Some(at) = entries.iter().position(|present| *present == entry) {
                    entries.remove(at);
                }
            }
        }
        ConfigChange::Set(_) | ConfigChange::Delete => {}
    }
    entries.join(",")
}
