//! What the gateway was told: every setting of `tidegate serve`, merged and checked.
//!
//! A flag beats the environment, the environment beats the file, the file beats the default.

mod address;
mod filer;
mod registry;
mod sources;

pub use address::HostPort;
pub use registry::{RegistryListen, RegistryTable};
pub use sources::Setting;

use crate::failure::Failure;
use crate::logging::LogFilter;
use sources::Sources;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use tidegate_broker::Validation;
use tidegate_broker::config::KafkaSettings;
use tidegate_offsets_filer::Settings as FilerSettings;

/// Which engine keeps the data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// Files on the local disk.
    Local,
    /// Memory only: all is gone at the end.
    Memory,
}

/// When an append counts as durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sync {
    /// Once it is on the disk.
    Always,
    /// Once the system has it; the disk follows at this interval.
    Interval(Duration),
    /// Once the system has it, which writes it when it sees fit.
    Os,
}

/// The `[storage]` table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StorageSettings {
    /// `engine`.
    pub engine: Engine,
    /// `offsets`: where committed offsets are kept.
    pub offsets: Offsets,
    /// `[filer]`, if it keeps the offsets.
    pub filer: Option<FilerSettings>,
    /// `offsets_cache_bytes`: memory for offsets that a filer keeps; 0 is no cache.
    pub offsets_cache_bytes: usize,
    /// `offsets_cache_ttl_ms`: how long these are believed; zero is for ever.
    pub offsets_cache_ttl: Duration,
    /// `wal_dir`: where the write-ahead log goes, if not into the data directory.
    pub wal_dir: Option<PathBuf>,
    /// `sync`, with `sync_interval_ms`.
    pub sync: Sync,
    /// `wal_file_bytes`: the size of one file of the write-ahead log.
    pub wal_file_bytes: u64,
    /// `wal_files`: how many such files are kept in rotation.
    pub wal_files: usize,
    /// `tail_bytes_max`: memory for data that has not been written to segments.
    pub tail_bytes_max: u64,
    /// `flush_bytes`: how much of a partition is gathered before it is written to its segment.
    pub flush_bytes: u64,
    /// `checkpoint_bytes`: after how much of the write-ahead log a checkpoint is made.
    pub checkpoint_bytes: u64,
    /// `checkpoint_interval_ms`: after what time one is made at the latest.
    pub checkpoint_interval: Duration,
    /// `open_files_max`: how many segment files are held open.
    pub open_files_max: usize,
}

/// The `[limits]` table: limits that Kafka has no setting for. The rest is in [`KafkaSettings`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitSettings {
    /// `requests_in_flight_max`: requests of one connection that are begun and not answered.
    pub requests_in_flight_max: usize,
    /// `request_bytes_in_flight_max`: memory that large requests share while they arrive.
    pub request_bytes_in_flight_max: usize,
    /// `unacknowledged_bytes_max`: appended and not yet durable, before connections pause.
    pub unacknowledged_bytes_max: u64,
    /// `request_stall_ms`: the longest pause between two bytes of a request.
    pub request_stall_ms: u64,
}

/// The `[metrics]` table: how much `/metrics` shows one by one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetricsSettings {
    /// `lag_partitions_max`: partitions of groups with their lags, the largest first.
    pub lag_partitions_max: usize,
    /// `topic_partitions_max`: partitions with their size and offsets, the largest first.
    pub topic_partitions_max: usize,
}

/// Where committed offsets are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offsets {
    /// In `__consumer_offsets`.
    Log,
    /// In memory: a restart forgets them.
    Memory,
    /// In SeaweedFS filers.
    Filer,
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The `[log]` table.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `level` with `filter` above it: which lines are written.
    pub filter: LogFilter,
    /// `format`.
    pub format: LogFormat,
    /// `slow_request_ms`: from when on a request has a line as slow; `None` for never.
    pub slow_request: Option<Duration>,
}

/// Everything `tidegate serve` was told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where data is kept.
    pub data_dir: PathBuf,
    /// Where Kafka clients connect.
    pub listen: HostPort,
    /// The address they are told to connect to; `None` is the one each of them used.
    pub advertise: Option<HostPort>,
    /// Where metrics and health are served; `None` is nowhere.
    pub admin_listen: Option<HostPort>,
    /// Where the schema registry is served.
    pub registry_listen: RegistryListen,
    /// `[registry]`.
    pub registry: RegistryTable,
    /// `[storage]`.
    pub storage: StorageSettings,
    /// `[limits]`.
    pub limits: LimitSettings,
    /// `[metrics]`.
    pub metrics: MetricsSettings,
    /// `validate.records`.
    pub validation: Validation,
    /// `[log]`.
    pub log: LogSettings,
    /// `[kafka]`.
    pub kafka: KafkaSettings,
    /// What is odd about the settings, to be logged at the start.
    pub warnings: Vec<String>,
}

macro_rules! settings {
    ($($constant:ident $key:literal $variable:literal $takes:literal;)*) => {
        $(const $constant: Setting =
            Setting { key: $key, variable: $variable, takes: $takes };)*
        /// Every setting except Kafka's.
        pub const KNOWN: &[Setting] = &[$($constant),*];
    };
}

settings! {
    DATA_DIR "data_dir" "TIDEGATE_DATA_DIR" "a directory (default ./tidegate-data)";
    LISTEN "listen" "TIDEGATE_LISTEN" "HOST:PORT (default 127.0.0.1:9092)";
    ADVERTISE "advertise" "TIDEGATE_ADVERTISE"
        "the HOST:PORT at which clients reach the gateway (default: the one each of them used)";
    ADMIN_LISTEN "admin_listen" "TIDEGATE_ADMIN_LISTEN" "HOST:PORT or off (default 127.0.0.1:9644)";
    REGISTRY_LISTEN "registry_listen" "TIDEGATE_REGISTRY_LISTEN"
        "HOST:PORT or off (default 127.0.0.1:8081)";
    REGISTRY_TAKEOVER "registry.takeover" "TIDEGATE_REGISTRY_TAKEOVER"
        "true or false (default false)";
    REGISTRY_ANSWERS "registry.answers" "TIDEGATE_REGISTRY_ANSWERS"
        "7 or 8, the release of Confluent's registry whose answers are given (default 8)";
    REGISTRY_USERS "registry.users_file" "TIDEGATE_REGISTRY_USERS_FILE"
        "a file of name:hash lines (default: everybody may ask)";
    REGISTRY_REALM "registry.authentication.realm" "TIDEGATE_REGISTRY_AUTHENTICATION_REALM"
        "text (default SchemaRegistry)";
    REGISTRY_ORIGINS "registry.access.control.allow.origin"
        "TIDEGATE_REGISTRY_ACCESS_CONTROL_ALLOW_ORIGIN" "* or origins with commas (default: none)";
    REGISTRY_IDLE "registry.idle.timeout.ms" "TIDEGATE_REGISTRY_IDLE_TIMEOUT_MS"
        "milliseconds from 100 to 3600000 (default 30000)";
    REGISTRY_CONNECTIONS "registry.connections_max" "TIDEGATE_REGISTRY_CONNECTIONS_MAX"
        "a number from 1 to 1000000 (default 10000)";
    REGISTRY_BODY "registry.request_bytes_max" "TIDEGATE_REGISTRY_REQUEST_BYTES_MAX"
        "bytes from 1024 to 1073741824 (default 10485760)";
    REGISTRY_BODIES "registry.request_bytes_in_flight_max"
        "TIDEGATE_REGISTRY_REQUEST_BYTES_IN_FLIGHT_MAX"
        "bytes, at least registry.request_bytes_max (default 268435456)";
    REGISTRY_TOPIC "registry.kafkastore.topic" "TIDEGATE_REGISTRY_KAFKASTORE_TOPIC"
        "the name of a topic (default _schemas)";
    REGISTRY_GROUP "registry.schema.registry.group.id"
        "TIDEGATE_REGISTRY_SCHEMA_REGISTRY_GROUP_ID"
        "the group in which other registries elect their leader (default schema-registry)";
    COMPATIBILITY "registry.schema.compatibility.level"
        "TIDEGATE_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL"
        "none, backward, forward or full, the last three also with _transitive (default backward)";
    MODE_MUTABILITY "registry.mode.mutability" "TIDEGATE_REGISTRY_MODE_MUTABILITY"
        "true or false (default true)";
    VALIDATE_FIELDS "registry.schema.validate.fields" "TIDEGATE_REGISTRY_SCHEMA_VALIDATE_FIELDS"
        "true or false (default false)";
    SCHEMA_BYTES "registry.schema_bytes_max" "TIDEGATE_REGISTRY_SCHEMA_BYTES_MAX"
        "bytes from 1024 to 1073741824 (default 4194304)";
    SCHEMA_DEPTH "registry.schema_depth_max" "TIDEGATE_REGISTRY_SCHEMA_DEPTH_MAX"
        "a number from 8 to 512 (default 256)";
    SCHEMA_STEPS "registry.schema_steps_max" "TIDEGATE_REGISTRY_SCHEMA_STEPS_MAX"
        "a number from 1000 up (default 2000000)";
    SCHEMA_CACHE "registry.schema_cache_bytes" "TIDEGATE_REGISTRY_SCHEMA_CACHE_BYTES"
        "bytes (default 16777216)";
    SCHEMAS_DEFAULT "registry.schema.search.default.limit"
        "TIDEGATE_REGISTRY_SCHEMA_SEARCH_DEFAULT_LIMIT" "a number from 1 up (default 1000)";
    SCHEMAS_MAX "registry.schema.search.max.limit" "TIDEGATE_REGISTRY_SCHEMA_SEARCH_MAX_LIMIT"
        "a number from 1 up (default 1000)";
    SUBJECTS_DEFAULT "registry.subject.search.default.limit"
        "TIDEGATE_REGISTRY_SUBJECT_SEARCH_DEFAULT_LIMIT" "a number from 1 up (default 20000)";
    SUBJECTS_MAX "registry.subject.search.max.limit" "TIDEGATE_REGISTRY_SUBJECT_SEARCH_MAX_LIMIT"
        "a number from 1 up (default 20000)";
    VERSIONS_DEFAULT "registry.subject.version.search.default.limit"
        "TIDEGATE_REGISTRY_SUBJECT_VERSION_SEARCH_DEFAULT_LIMIT"
        "a number from 1 up (default 20000)";
    VERSIONS_MAX "registry.subject.version.search.max.limit"
        "TIDEGATE_REGISTRY_SUBJECT_VERSION_SEARCH_MAX_LIMIT" "a number from 1 up (default 20000)";
    CONTEXTS_DEFAULT "registry.context.search.default.limit"
        "TIDEGATE_REGISTRY_CONTEXT_SEARCH_DEFAULT_LIMIT" "a number from 1 up (default 20000)";
    CONTEXTS_MAX "registry.context.search.max.limit" "TIDEGATE_REGISTRY_CONTEXT_SEARCH_MAX_LIMIT"
        "a number from 1 up (default 20000)";
    STORAGE "storage.engine" "TIDEGATE_STORAGE" "local or memory (default local)";
    OFFSETS "storage.offsets" "TIDEGATE_OFFSETS" "log, memory or filer (default log)";
    OFFSETS_CACHE "storage.offsets_cache_bytes" "TIDEGATE_OFFSETS_CACHE_BYTES"
        "bytes for offsets that a filer keeps, 0 for no cache (default 16777216)";
    OFFSETS_CACHE_TTL "storage.offsets_cache_ttl_ms" "TIDEGATE_OFFSETS_CACHE_TTL_MS"
        "milliseconds up to 86400000, 0 for ever: where no other gateway writes (default 0)";
    FILER_URLS "filer.urls" "TIDEGATE_FILER_URLS"
        "http:// or https:// addresses with commas, best first (default http://127.0.0.1:8888)";
    FILER_OFFSETS_PATH "filer.offsets_path" "TIDEGATE_FILER_OFFSETS_PATH"
        "a folder of the filer (default /kafka/consumer_offsets)";
    FILER_GROUPS_PATH "filer.groups_path" "TIDEGATE_FILER_GROUPS_PATH"
        "a folder of the filer (default /kafka/consumer_groups)";
    FILER_REQUEST_TIMEOUT "filer.request_timeout_ms" "TIDEGATE_FILER_REQUEST_TIMEOUT_MS"
        "milliseconds from 1 to 600000 that a commit or a fetch may take (default 5000)";
    FILER_ATTEMPT_TIMEOUT "filer.attempt_timeout_ms" "TIDEGATE_FILER_ATTEMPT_TIMEOUT_MS"
        "milliseconds from 1 to 600000 after which the next filer is asked too (default 1500)";
    FILER_CONNECT_TIMEOUT "filer.connect_timeout_ms" "TIDEGATE_FILER_CONNECT_TIMEOUT_MS"
        "milliseconds from 1 to 600000 (default 1000)";
    FILER_SETTLE "filer.settle_ms" "TIDEGATE_FILER_SETTLE_MS"
        "milliseconds from 1 to 600000 that a write may still happen after its connection broke (default 1000)";
    FILER_CONNECTIONS "filer.connections_max" "TIDEGATE_FILER_CONNECTIONS_MAX"
        "a number from 1 to 1024, for each filer (default 32)";
    FILER_FSYNC "filer.fsync" "TIDEGATE_FILER_FSYNC" "true or false (default false)";
    FILER_REMEMBERED "filer.partitions_remembered_max" "TIDEGATE_FILER_PARTITIONS_REMEMBERED_MAX"
        "a number up to 100000000 of partitions whose last commit is remembered (default 100000)";
    FILER_CA "filer.ca_file" "TIDEGATE_FILER_CA_FILE"
        "a file of certificates to trust, in PEM (default: the system's)";
    FILER_CERT "filer.cert_file" "TIDEGATE_FILER_CERT_FILE"
        "a file with the certificate to show, in PEM (default: none)";
    FILER_KEY "filer.key_file" "TIDEGATE_FILER_KEY_FILE" "a file with its key, in PEM (default: none)";
    FILER_JWT "filer.jwt" "TIDEGATE_FILER_JWT" "a token for the filer (default: none)";
    FILER_JWT_FILE "filer.jwt_file" "TIDEGATE_FILER_JWT_FILE"
        "a file that holds such a token and may be replaced at any time (default: none)";
    WAL_DIR "storage.wal_dir" "TIDEGATE_WAL_DIR" "a directory (default: in the data directory)";
    SYNC "storage.sync" "TIDEGATE_SYNC" "always, interval or os (default always)";
    SYNC_INTERVAL "storage.sync_interval_ms" "TIDEGATE_SYNC_INTERVAL_MS"
        "milliseconds from 1 to 60000 (default 100)";
    WAL_FILE_BYTES "storage.wal_file_bytes" "TIDEGATE_WAL_FILE_BYTES"
        "bytes from 1048576 to 1073741824 (default 67108864)";
    WAL_FILES "storage.wal_files" "TIDEGATE_WAL_FILES" "a number from 2 to 1024 (default 16)";
    TAIL_BYTES_MAX "storage.tail_bytes_max" "TIDEGATE_TAIL_BYTES_MAX"
        "bytes from 1048576 up (default 67108864)";
    FLUSH_BYTES "storage.flush_bytes" "TIDEGATE_FLUSH_BYTES"
        "bytes from 4096 to 67108864 (default 262144)";
    CHECKPOINT_BYTES "storage.checkpoint_bytes" "TIDEGATE_CHECKPOINT_BYTES"
        "bytes from 1048576 up (default 268435456)";
    CHECKPOINT_INTERVAL "storage.checkpoint_interval_ms" "TIDEGATE_CHECKPOINT_INTERVAL_MS"
        "milliseconds from 100 up (default 30000)";
    OPEN_FILES_MAX "storage.open_files_max" "TIDEGATE_OPEN_FILES_MAX"
        "a number from 16 up (default 1024)";
    REQUESTS_MAX "limits.requests_in_flight_max" "TIDEGATE_REQUESTS_IN_FLIGHT_MAX"
        "a number from 1 to 10000 (default 64)";
    REQUEST_BYTES_MAX "limits.request_bytes_in_flight_max" "TIDEGATE_REQUEST_BYTES_IN_FLIGHT_MAX"
        "bytes from 1048576 up (default 268435456)";
    UNACKNOWLEDGED_MAX "limits.unacknowledged_bytes_max" "TIDEGATE_UNACKNOWLEDGED_BYTES_MAX"
        "bytes from 1048576 up (default 33554432)";
    REQUEST_STALL "limits.request_stall_ms" "TIDEGATE_REQUEST_STALL_MS"
        "milliseconds from 100 to 3600000 (default 30000)";
    METRICS_LAGS "metrics.lag_partitions_max" "TIDEGATE_METRICS_LAG_PARTITIONS_MAX"
        "a number up to 1000000, 0 for no lags (default 1000)";
    METRICS_PARTITIONS "metrics.topic_partitions_max" "TIDEGATE_METRICS_TOPIC_PARTITIONS_MAX"
        "a number up to 1000000, 0 for no partitions (default 1000)";
    VALIDATE "validate.records" "TIDEGATE_VALIDATE_RECORDS"
        "uncompressed or all (default uncompressed)";
    LOG_LEVEL "log.level" "TIDEGATE_LOG_LEVEL"
        "error, warn, info, debug or trace, also per target: info,tidegate::fetch=debug \
         (default info)";
    LOG_FILTER "log.filter" "TIDEGATE_LOG"
        "what log.level takes, and stands above it (default: nothing)";
    LOG_FORMAT "log.format" "TIDEGATE_LOG_FORMAT" "text or json (default text)";
    SLOW_REQUEST "log.slow_request_ms" "TIDEGATE_SLOW_REQUEST_MS"
        "milliseconds up to 3600000; 0 for no lines about slow requests (default 1000)";
}

/// Values from the command line: `(key, flag, value)`.
pub type Flags = Vec<(&'static str, &'static str, String)>;

impl Settings {
    /// Merges the file, the environment and the flags.
    pub fn load(
        file: Option<&Path>,
        environment: Vec<(String, String)>,
        flags: Flags,
    ) -> Result<Settings, Failure> {
        let sources = Sources::read(KNOWN, file, environment, flags)?;
        let listen = or_default(sources.take(&LISTEN, HostPort::from_str)?, "127.0.0.1:9092");
        let advertise = sources.take(&ADVERTISE, reachable)?;
        let kafka = sources.kafka()?;
        let mut warnings = sources.warnings.clone();
        for name in kafka.without_effect() {
            warnings.push(format!("{name} is set, and has no effect on this gateway"));
        }
        Ok(Settings {
            data_dir: sources.take(&DATA_DIR, path)?.unwrap_or_else(|| "./tidegate-data".into()),
            listen,
            advertise,
            admin_listen: sources
                .take(&ADMIN_LISTEN, |text| match text {
                    "off" => Ok(None),
                    _ => text.parse::<HostPort>().map(Some),
                })?
                .unwrap_or_else(|| Some(or_default(None, "127.0.0.1:9644"))),
            registry_listen: registry::listen(&sources)?,
            registry: registry::table(&sources)?,
            storage: storage(&sources)?,
            limits: limits(&sources)?,
            metrics: metrics(&sources)?,
            validation: validation(&sources)?,
            log: log(&sources)?,
            kafka,
            warnings,
        })
    }
}

fn storage(sources: &Sources) -> Result<StorageSettings, Failure> {
    let engine = sources.take(&STORAGE, |text| match text {
        "local" => Ok(Engine::Local),
        "memory" => Ok(Engine::Memory),
        _ => Err("there is no such engine"),
    })?;
    let offsets = sources.take(&OFFSETS, |text| match text {
        "log" => Ok(Offsets::Log),
        "memory" => Ok(Offsets::Memory),
        "filer" => Ok(Offsets::Filer),
        _ => Err("there is no such place"),
    })?;
    let interval_ms = sources.take(&SYNC_INTERVAL, whole(1, 60_000))?.unwrap_or(100);
    let sync = sources.take(&SYNC, |text| match text {
        "always" => Ok(Sync::Always),
        "interval" => Ok(Sync::Interval(Duration::from_millis(interval_ms))),
        "os" => Ok(Sync::Os),
        _ => Err("there is no such mode"),
    })?;
    let size = |setting, least, most, default: u64| -> Result<u64, Failure> {
        Ok(sources.take(setting, whole(least, most))?.unwrap_or(default))
    };
    let offsets = offsets.unwrap_or(Offsets::Log);
    let offsets_cache_ttl = Duration::from_millis(size(&OFFSETS_CACHE_TTL, 0, 86_400_000, 0)?);
    let checkpoint_interval_ms = size(&CHECKPOINT_INTERVAL, 100, u64::MAX, 30_000)?;
    Ok(StorageSettings {
        engine: engine.unwrap_or(Engine::Local),
        offsets,
        filer: filer::table(sources, offsets, offsets_cache_ttl)?,
        offsets_cache_bytes: bounded(size(&OFFSETS_CACHE, 0, 1 << 40, 16 << 20)?),
        offsets_cache_ttl,
        wal_dir: sources.take(&WAL_DIR, path)?,
        sync: sync.unwrap_or(Sync::Always),
        wal_file_bytes: size(&WAL_FILE_BYTES, 1 << 20, 1 << 30, 64 << 20)?,
        wal_files: bounded(size(&WAL_FILES, 2, 1024, 16)?),
        tail_bytes_max: size(&TAIL_BYTES_MAX, 1 << 20, u64::MAX, 64 << 20)?,
        flush_bytes: size(&FLUSH_BYTES, 4096, 64 << 20, 256 << 10)?,
        checkpoint_bytes: size(&CHECKPOINT_BYTES, 1 << 20, u64::MAX, 256 << 20)?,
        checkpoint_interval: Duration::from_millis(checkpoint_interval_ms),
        open_files_max: bounded(size(&OPEN_FILES_MAX, 16, u32::MAX.into(), 1024)?),
    })
}

fn limits(sources: &Sources) -> Result<LimitSettings, Failure> {
    let size = |setting, least, most, default: u64| -> Result<u64, Failure> {
        Ok(sources.take(setting, whole(least, most))?.unwrap_or(default))
    };
    let memory_max = u64::try_from(isize::MAX).expect("isize::MAX is positive");
    Ok(LimitSettings {
        requests_in_flight_max: bounded(size(&REQUESTS_MAX, 1, 10_000, 64)?),
        request_bytes_in_flight_max: bounded(size(
            &REQUEST_BYTES_MAX,
            1 << 20,
            memory_max,
            256 << 20,
        )?),
        unacknowledged_bytes_max: size(&UNACKNOWLEDGED_MAX, 1 << 20, memory_max, 32 << 20)?,
        request_stall_ms: size(&REQUEST_STALL, 100, 3_600_000, 30_000)?,
    })
}

fn metrics(sources: &Sources) -> Result<MetricsSettings, Failure> {
    let max = |setting| -> Result<usize, Failure> {
        Ok(bounded(sources.take(setting, whole(0, 1_000_000))?.unwrap_or(1_000)))
    };
    Ok(MetricsSettings {
        lag_partitions_max: max(&METRICS_LAGS)?,
        topic_partitions_max: max(&METRICS_PARTITIONS)?,
    })
}

fn validation(sources: &Sources) -> Result<Validation, Failure> {
    let validation = sources.take(&VALIDATE, |text| match text {
        "uncompressed" => Ok(Validation::Uncompressed),
        "all" => Ok(Validation::All),
        _ => Err("there is no such choice"),
    })?;
    Ok(validation.unwrap_or_default())
}

fn log(sources: &Sources) -> Result<LogSettings, Failure> {
    let level = sources.take(&LOG_LEVEL, LogFilter::from_str)?.unwrap_or_default();
    let filter = match sources.take(&LOG_FILTER, LogFilter::from_str)? {
        Some(filter) => level.with(&filter),
        None => level,
    };
    let format = sources.take(&LOG_FORMAT, |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("there is no such format"),
    })?;
    let slow_ms = sources.take(&SLOW_REQUEST, whole(0, 3_600_000))?.unwrap_or(1_000);
    let slow_request = (slow_ms > 0).then(|| Duration::from_millis(slow_ms));
    Ok(LogSettings { filter, format: format.unwrap_or(LogFormat::Text), slow_request })
}

fn or_default(address: Option<HostPort>, default: &str) -> HostPort {
    address.unwrap_or_else(|| default.parse().expect("the default address is valid"))
}

fn reachable(text: &str) -> Result<HostPort, String> {
    let address = text.parse::<HostPort>()?;
    if address.is_wildcard() {
        return Err("is no address a client can connect to".to_owned());
    }
    Ok(address)
}

fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() { Err("is empty") } else { Ok(PathBuf::from(text)) }
}

fn whole(least: u64, most: u64) -> impl Fn(&str) -> Result<u64, String> {
    move |text| match text.replace('_', "").parse::<u64>() {
        Ok(value) if value < least => Err(format!("is below {least}")),
        Ok(value) if value > most => Err(format!("is above {most}")),
        Ok(value) => Ok(value),
        Err(_) => Err("is not a whole number".to_owned()),
    }
}

fn bounded<T: TryFrom<u64, Error: std::fmt::Debug>>(value: u64) -> T {
    value.try_into().expect("the setting's range fits the type")
}

#[cfg(test)]
mod manual;
#[cfg(test)]
mod tests;
