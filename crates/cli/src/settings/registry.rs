//! The schema registry's settings: `registry_listen` and the `[registry]` table.

use super::sources::Sources;
use super::*;
use tidegate_machine::schema::CompatibilityLevel;
use tidegate_registry::{Answers, HttpSettings, ListLimit, RegistrySettings};
use tidegate_schema::Limits;

/// Where the registry is served where nobody says it.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8081";

/// Where the registry is served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RegistryListen {
    /// Nowhere.
    Off,
    /// At [`DEFAULT_LISTEN`], or nowhere if another program is there.
    Default,
    /// There.
    Named(HostPort),
}

impl RegistryListen {
    /// The address; `None` for nowhere.
    pub fn address(&self) -> Option<HostPort> {
        match self {
            RegistryListen::Off => None,
            RegistryListen::Default => Some(or_default(None, DEFAULT_LISTEN)),
            RegistryListen::Named(address) => Some(address.clone()),
        }
    }
}

/// The `[registry]` table.
#[derive(Clone, Debug)]
pub struct RegistryTable {
    /// `takeover`.
    pub takeover: bool,
    /// `kafkastore.topic`.
    pub topic: String,
    /// `schema.registry.group.id`.
    pub group_id: String,
    /// `schema.compatibility.level`.
    pub compatibility_level: CompatibilityLevel,
    /// `users_file`.
    pub users_file: Option<PathBuf>,
    /// What the registry is told, but for the cluster's id.
    pub rules: RegistrySettings,
    /// What its listener is told.
    pub http: HttpSettings,
}

pub(super) fn listen(sources: &Sources) -> Result<RegistryListen, Failure> {
    let listen = sources.take(&REGISTRY_LISTEN, |text| match text {
        "off" => Ok(RegistryListen::Off),
        _ => text.parse().map(RegistryListen::Named),
    })?;
    Ok(listen.unwrap_or(RegistryListen::Default))
}

pub(super) fn table(sources: &Sources) -> Result<RegistryTable, Failure> {
    let level = sources.take(&COMPATIBILITY, |text| {
        CompatibilityLevel::of(text).ok_or("there is no such level")
    })?;
    let topic = sources.take(&REGISTRY_TOPIC, |text| {
        tidegate_broker::check_topic_name(text).map(|()| text.to_owned())
    })?;
    let group_id = sources.take(&REGISTRY_GROUP, |text| match text {
        "" => Err("is empty"),
        _ => Ok(text.to_owned()),
    })?;
    Ok(RegistryTable {
        takeover: truth(sources, &REGISTRY_TAKEOVER, false)?,
        topic: topic.unwrap_or_else(|| "_schemas".to_owned()),
        group_id: group_id.unwrap_or_else(|| "schema-registry".to_owned()),
        compatibility_level: level.unwrap_or_default(),
        users_file: sources.take(&REGISTRY_USERS, path)?,
        rules: rules(sources)?,
        http: http(sources)?,
    })
}

fn rules(sources: &Sources) -> Result<RegistrySettings, Failure> {
    let default = RegistrySettings::default();
    let answers = sources.take(&REGISTRY_ANSWERS, |text| match text {
        "7" => Ok(Answers::Seven),
        "8" => Ok(Answers::Eight),
        _ => Err("there is no such choice"),
    })?;
    let limit = |by_default: &Setting, most: &Setting, default: ListLimit| {
        let number = |setting, default: usize| {
            number(sources, setting, 1, u32::MAX.into(), default as u64).map(bounded)
        };
        Ok(ListLimit {
            default: number(by_default, default.default)?,
            max: number(most, default.max)?,
        })
    };
    let Limits { text_bytes_max, depth_max, steps_max } = default.limits;
    Ok(RegistrySettings {
        mode_mutability: truth(sources, &MODE_MUTABILITY, default.mode_mutability)?,
        validate_fields: truth(sources, &VALIDATE_FIELDS, default.validate_fields)?,
        answers: answers.unwrap_or_default(),
        schemas: limit(&SCHEMAS_DEFAULT, &SCHEMAS_MAX, default.schemas)?,
        subjects: limit(&SUBJECTS_DEFAULT, &SUBJECTS_MAX, default.subjects)?,
        versions: limit(&VERSIONS_DEFAULT, &VERSIONS_MAX, default.versions)?,
        contexts: limit(&CONTEXTS_DEFAULT, &CONTEXTS_MAX, default.contexts)?,
        limits: Limits {
            text_bytes_max: bounded(number(
                sources,
                &SCHEMA_BYTES,
                1 << 10,
                1 << 30,
                text_bytes_max as u64,
            )?),
            depth_max: bounded(number(sources, &SCHEMA_DEPTH, 8, 512, depth_max as u64)?),
            steps_max: number(sources, &SCHEMA_STEPS, 1_000, u64::MAX, steps_max)?,
        },
        cache_bytes: bounded(number(
            sources,
            &SCHEMA_CACHE,
            0,
            u32::MAX.into(),
            default.cache_bytes as u64,
        )?),
        cluster_id: String::new(),
    })
}

fn http(sources: &Sources) -> Result<HttpSettings, Failure> {
    let default = HttpSettings::default();
    let origins = sources.take(&REGISTRY_ORIGINS, |text| {
        let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        Ok::<_, String>(origins.map(str::to_owned).collect())
    })?;
    let realm = sources.take(&REGISTRY_REALM, |text| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let is_realm = is_plain && !text.contains(['"', '\\']);
        if is_realm { Ok(text.to_owned()) } else { Err("is not plain text") }
    })?;
    let idle_ms = default.idle_max.as_millis();
    let idle_ms = u64::try_from(idle_ms).expect("the default is half a minute");
    let idle_ms = number(sources, &REGISTRY_IDLE, 100, 3_600_000, idle_ms)?;
    let body = default.body_bytes_max as u64;
    let body = number(sources, &REGISTRY_BODY, 1 << 10, 1 << 30, body)?;
    let bodies = body.max(default.bodies_bytes_max as u64);
    let connections = default.connections_max as u64;
    Ok(HttpSettings {
        body_bytes_max: bounded(body),
        bodies_bytes_max: bounded(number(sources, &REGISTRY_BODIES, body, 1 << 40, bodies)?),
        idle_max: Duration::from_millis(idle_ms),
        connections_max: bounded(number(
            sources,
            &REGISTRY_CONNECTIONS,
            1,
            1_000_000,
            connections,
        )?),
        allowed_origins: origins.unwrap_or_default(),
        realm: realm.unwrap_or(default.realm),
    })
}

pub(super) fn truth(sources: &Sources, setting: &Setting, default: bool) -> Result<bool, Failure> {
    let value = sources.take(setting, |text| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("is neither"),
    })?;
    Ok(value.unwrap_or(default))
}

fn number(
    sources: &Sources,
    setting: &Setting,
    least: u64,
    most: u64,
    default: u64,
) -> Result<u64, Failure> {
    Ok(sources.take(setting, whole(least, most))?.unwrap_or(default))
}
