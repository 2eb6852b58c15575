//! Which quotas DescribeClientQuotas asks for (Kafka's `ClientQuotasImage.describe`).

use tidegate_machine::catalog::QuotaEntity;

/// What a component of a filter wants of its entity type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuotaMatch {
    /// That name.
    Exact(String),
    /// The default.
    Default,
    /// Any name, and the default too.
    Any,
}

/// A filter of quota entities.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuotaFilter {
    /// What is wanted by entity type, each type once.
    pub components: Vec<(String, QuotaMatch)>,
    /// True to leave out entities with further types.
    pub strict: bool,
}

impl QuotaFilter {
    /// True if the filter asks for `entity`.
    pub fn matches(&self, entity: &QuotaEntity) -> bool {
        // There is no entity without types, so a strict filter without components asks for none.
        if self.strict && entity.len() != self.components.len() {
            return false;
        }
        self.components.iter().all(|(kind, wanted)| match (entity.name(kind), wanted) {
            (None, _) => false,
            (Some(_), QuotaMatch::Any) => true,
            (Some(name), QuotaMatch::Default) => name.is_none(),
            (Some(name), QuotaMatch::Exact(exact)) => name == Some(exact),
        })
    }
}
