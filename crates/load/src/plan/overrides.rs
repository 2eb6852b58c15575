//! What a TOML file or flags change in a plan.

use super::{Acks, ClientKind, Codec, Expectations, FaultCommand, Format, Plan, PlanError, Span};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Declares the settings once: each is an `Option` here and a field of the same name in [`Plan`].
macro_rules! overrides {
    ($($name:ident: $type:ty,)+) => {
        /// Settings that replace those of a plan; each is named and meant as the plan's.
        #[derive(Clone, PartialEq, Default, Deserialize, Debug)]
        #[serde(deny_unknown_fields, default)]
        #[expect(missing_docs, reason = "the plan's fields have them")]
        pub struct Overrides {
            pub preset: Option<String>,
            /// A URL, or `none`.
            pub registry: Option<String>,
            /// These are added to the plan's, not put in their place.
            pub properties: BTreeMap<String, String>,
            $(pub $name: Option<$type>,)+
        }

        impl Overrides {
            pub(super) fn apply(self, plan: &mut Plan) {
                if let Some(registry) = self.registry {
                    plan.registry = (registry != "none").then_some(registry);
                }
                plan.properties.extend(self.properties);
                $(if let Some(value) = self.$name { plan.$name = value.into(); })+
            }
        }
    };
}

overrides! {
    client: ClientKind,
    bootstrap: String,
    registry_timeout: Span,
    registry_restart: String,
    compatibility: String,
    topic_prefix: String,
    topics: u32,
    partitions: u32,
    replication_factor: i16,
    keep_topics: bool,
    formats: Vec<Format>,
    producers: u32,
    rate: f64,
    duration: Span,
    bytes: u32,
    compressible: bool,
    keys: u32,
    key_skew: f64,
    headers: u32,
    acks: Acks,
    codec: Codec,
    linger: Span,
    batch_records: u32,
    idempotent: bool,
    transactional: bool,
    transaction: Span,
    delivery_timeout: Span,
    consumers: u32,
    groups: u32,
    group_prefix: String,
    churn: Span,
    drain_timeout: Span,
    at: Vec<FaultCommand>,
    expect: Expectations,
    seed: u64,
}

impl Overrides {
    /// Reads a TOML file's text; an error names its line.
    pub fn from_toml(text: &str) -> Result<Overrides, PlanError> {
        toml::from_str(text).map_err(|error| PlanError(error.to_string().trim_end().to_owned()))
    }
}
