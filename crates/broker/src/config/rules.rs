//! What may be set on which resource, and what is answered where it may not.
//!
//! Kafka checks in two places, the broker that is asked (`ConfigAdminManager`) and the controller
//! (`ControllerConfigurationValidator`); codes and messages are theirs.

use super::settings::CurrentSettings;
use super::topic::{topic_config, validate_topic_configs};
use super::value::ConfigType;
use tidegate_machine::catalog::{
    self, ConfigChange, ConfigResource, ConfigResourceType, Configs, Failure,
};
use tidegate_model::ErrorCode;

/// The rules under the settings in force.
pub struct ConfigRules {
    settings: CurrentSettings,
}

impl ConfigRules {
    /// Rules that follow `settings`.
    pub fn new(settings: CurrentSettings) -> Self {
        ConfigRules { settings }
    }
}

impl catalog::ConfigRules for ConfigRules {
    fn check(&self, resource: &ConfigResource, configs: &Configs) -> Result<(), Failure> {
        match resource.kind {
            ConfigResourceType::Topic => validate_topic_configs(configs, &self.settings.load())
                .map_err(|message| Failure::new(ErrorCode::InvalidConfig, message)),
            ConfigResourceType::Broker
            | ConfigResourceType::ClientMetrics
            | ConfigResourceType::Group => Err(not_yet()),
        }
    }

    fn list_default(
        &self,
        resource: &ConfigResource,
        name: &str,
        change: &ConfigChange,
    ) -> Result<String, Failure> {
        match resource.kind {
            ConfigResourceType::Topic => match topic_config(name) {
                // The topic's own default, not what the broker's settings make of it.
                Some(config) if config.config_type == ConfigType::List => {
                    Ok(config.default.unwrap_or("").to_owned())
                }
                _ => Err(no_list(name, change)),
            },
            ConfigResourceType::Broker
            | ConfigResourceType::ClientMetrics
            | ConfigResourceType::Group => Err(not_yet()),
        }
    }
}

fn no_list(name: &str, change: &ConfigChange) -> Failure {
    let operation = match change {
        ConfigChange::Append(_) => "APPEND",
        _ => "SUBTRACT",
    };
    let message = format!("Can't {operation} to key {name} because its type is not LIST.");
    Failure::new(ErrorCode::InvalidConfig, message)
}

fn not_yet() -> Failure {
    Failure::new(ErrorCode::InvalidRequest, "only topics can be configured for now")
}
