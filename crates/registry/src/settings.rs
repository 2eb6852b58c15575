//! What the registry can be told, with Confluent's names where it has one for it.

use std::time::Duration;
use tidegate_schema::Limits;

/// The generation of Confluent's registry whose answers are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answers {
    /// `{"id": n}` for a registration, and no `schemaType` for Avro.
    Seven,
    /// With guid, schema type, time stamp, and more.
    #[default]
    Eight,
}

impl Answers {
    /// `error_code` of a schema that is incompatible.
    pub(crate) fn incompatible_code(self) -> u32 {
        match self {
            Answers::Seven => 409,
            Answers::Eight => 40901,
        }
    }
}

/// How long lists may get: what a request gets that names no limit, and the most it can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListLimit {
    /// `*.search.default.limit`.
    pub default: usize,
    /// `*.search.max.limit`; who asks for more gets the default.
    pub max: usize,
}

impl ListLimit {
    /// The limit in force where a request asked for `wanted`.
    pub fn of(self, wanted: i32) -> usize {
        match usize::try_from(wanted) {
            Ok(wanted) if wanted > 0 && wanted <= self.max => wanted,
            _ => self.default,
        }
    }
}

/// The settings of the registry.
#[derive(Debug, Clone)]
pub struct RegistrySettings {
    /// `mode.mutability`: whether modes can be changed.
    pub mode_mutability: bool,
    /// `schema.validate.fields`: whether new schemas must not drop or reuse what
    /// `confluent:reserved` names.
    pub validate_fields: bool,
    /// The generation of answers.
    pub answers: Answers,
    /// `schema.search.*.limit`, of `GET /schemas`.
    pub schemas: ListLimit,
    /// `subject.search.*.limit`, of `GET /subjects`.
    pub subjects: ListLimit,
    /// `subject.version.search.*.limit`, of `GET /subjects/{subject}/versions`.
    pub versions: ListLimit,
    /// `context.search.*.limit`, of `GET /contexts`.
    pub contexts: ListLimit,
    /// What one schema may cost to read and to compare.
    pub limits: Limits,
    /// Memory for schemas that have been read, in bytes of their texts.
    pub cache_bytes: usize,
    /// The cluster's id, for `GET /v1/metadata/id`.
    pub cluster_id: String,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        let limit = |of| ListLimit { default: of, max: of };
        RegistrySettings {
            mode_mutability: true,
            validate_fields: false,
            answers: Answers::Eight,
            schemas: limit(1_000),
            subjects: limit(20_000),
            versions: limit(20_000),
            contexts: limit(20_000),
            limits: Limits::default(),
            cache_bytes: 16 << 20,
            cluster_id: String::new(),
        }
    }
}

/// How it is reached.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The largest body that is read, in bytes.
    pub body_bytes_max: usize,
    /// Memory that the bodies of all requests share until they are answered, in bytes; at least
    /// `body_bytes_max`.
    pub bodies_bytes_max: usize,
    /// `idle.timeout.ms`: how long a connection may be silent between requests, and how long the
    /// head of one, its body, and a part of an answer may each take.
    pub idle_max: Duration,
    /// How many connections there may be; further ones wait to be accepted.
    pub connections_max: usize,
    /// `access.control.allow.origin`: whose pages may read answers, `*` for anybody's; empty for
    /// nobody's.
    pub allowed_origins: Vec<String>,
    /// `authentication.realm`.
    pub realm: String,
}

impl Default for HttpSettings {
    fn default() -> Self {
        HttpSettings {
            body_bytes_max: 10 << 20,
            bodies_bytes_max: 256 << 20,
            idle_max: Duration::from_secs(30),
            connections_max: 10_000,
            allowed_origins: Vec::new(),
            realm: "SchemaRegistry".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_no_limit_or_beyond_the_maximum_is_the_default() {
        let limit = ListLimit { default: 10, max: 20 };
        assert_eq!([-1, 0, 1, 20, 21].map(|wanted| limit.of(wanted)), [10, 10, 1, 20, 10]);
    }
}
