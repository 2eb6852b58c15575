//! `/schemas`: by id, by guid, and all of them.

use super::page;
use crate::Registry;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::registry::{SchemaAnswer, StringAnswer};
use bytes::Bytes;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use tidegate_machine::schema::{
    Guid, Include, QualifiedSubject, Registry as State, RuleSet, SchemaVersion,
};

/// The subject that narrows a search by id: the one of the request, or everything.
async fn narrowed(registry: &Registry, call: &Call) -> Result<QualifiedSubject, ApiError> {
    match call.query.get("subject") {
        None | Some("") => Ok(QualifiedSubject::everything()),
        Some(subject) => registry.subject(subject).await,
    }
}

/// `GET /schemas/ids/{id}`
pub async fn by_id(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let id = call.number("id")?;
    let subject = narrowed(registry, call).await?;
    let version = registry.version(&subject, |state| state.by_id(id, &subject).cloned()).await?;
    let version = version.ok_or_else(|| ApiError::schema_named_not_found(id))?;
    let max_id = match call.query.flag("fetchMaxId") {
        true => {
            let context = version.subject.whole_context();
            Some(registry.read(|state| state.max_id(&context)).await?)
        }
        false => None,
    };
    let text = registry.formatted(&version, call.query.get("format")).await?;
    let names_subject = call.query.get("subject").is_some();
    let answers = registry.settings().answers;
    let answer = StringAnswer::new(&version, &text, names_subject, max_id, answers);
    Ok(Answer::json(&answer.with_tags(&super::tags(registry, call, &version).await)))
}

/// `GET /schemas/ids/{id}/schema`
pub async fn text_by_id(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let id = call.number("id")?;
    let subject = narrowed(registry, call).await?;
    let version = registry.version(&subject, |state| state.by_id(id, &subject).cloned()).await?;
    let version = version.ok_or_else(|| ApiError::schema_named_not_found(id))?;
    let text = registry.formatted(&version, call.query.get("format")).await?;
    Ok(Answer::bytes(Bytes::copy_from_slice(text.as_bytes())))
}

/// `GET /schemas/ids/{id}/subjects`
pub async fn subjects_of_id(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let versions = versions_with_id(registry, call).await?;
    let subjects: BTreeSet<&str> = versions.iter().map(|(subject, _)| subject.as_str()).collect();
    Ok(Answer::json(&page(call, registry.settings().subjects, subjects)?))
}

/// `GET /schemas/ids/{id}/versions`
pub async fn versions_of_id(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct SubjectVersion<'a> {
        subject: &'a str,
        version: i32,
    }
    let versions = versions_with_id(registry, call).await?;
    let versions = versions
        .iter()
        .map(|(subject, version)| SubjectVersion { subject: subject.as_str(), version: *version });
    Ok(Answer::json(&page(call, registry.settings().versions, versions)?))
}

async fn versions_with_id(
    registry: &Registry,
    call: &Call,
) -> Result<Vec<(QualifiedSubject, i32)>, ApiError> {
    let id = call.number("id")?;
    let subject = narrowed(registry, call).await?;
    let include = super::with_deleted(call);
    let found = registry.read(|state| state.versions_of_id(id, &subject, include)).await?;
    found.ok_or_else(ApiError::schema_not_found)
}

/// `GET /schemas/guids/{guid}`
pub async fn by_guid(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let named = call.param("guid");
    let missing = || ApiError::schema_named_not_found(named);
    let guid: Guid = named.parse().map_err(|_| missing())?;
    let found = registry
        .version(&QualifiedSubject::everything(), |state| {
            let (context, id) = state.ids_of_guid(&guid).into_iter().next()?;
            let context = QualifiedSubject::context_named(&context).ok()?;
            state.by_id(id, &context).cloned()
        })
        .await?;
    let version = found.ok_or_else(missing)?;
    let text = registry.formatted(&version, call.query.get("format")).await?;
    let answers = registry.settings().answers;
    Ok(Answer::json(&StringAnswer::new(&version, &text, false, None, answers)))
}

/// `GET /schemas/guids/{guid}/ids`
pub async fn ids_of_guid(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct ContextId {
        context: String,
        id: i32,
    }
    let named = call.param("guid");
    let missing = || ApiError::schema_named_not_found(named);
    let guid: Guid = named.parse().map_err(|_| missing())?;
    let ids = registry.read(|state| state.ids_of_guid(&guid)).await?;
    if ids.is_empty() {
        return Err(missing());
    }
    let ids: Vec<ContextId> =
        ids.into_iter().map(|(context, id)| ContextId { context, id }).collect();
    Ok(Answer::json(&ids))
}

/// `GET /schemas`
pub async fn list(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let prefix = call.query.get("subjectPrefix").unwrap_or("").to_owned();
    let include = super::with_deleted(call);
    let latest_only = call.query.flag("latestOnly");
    let wants_aliases = call.query.flag("aliases");
    let rule_type = call.query.get("ruleType").filter(|rule_type| !rule_type.is_empty());
    let (versions, aliases) =
        registry.read(|state| listed(state, &prefix, include, latest_only, wants_aliases)).await?;
    let has_rule = |version: &&Arc<SchemaVersion>| {
        let rules = version.schema.entity.rule_set.as_deref();
        rule_type.is_none_or(|wanted| rules.is_some_and(|rules| has_rules_of(rules, wanted)))
    };
    let page = page(call, registry.settings().schemas, versions.iter().filter(has_rule))?;
    let answers = registry.settings().answers;
    let schemas: Vec<SchemaAnswer<'_>> = page
        .into_iter()
        .map(|version| {
            let answer = SchemaAnswer::new(version, &version.schema.entity.text, answers);
            match aliases.get(&version.subject) {
                Some(aliases) => answer.with_aliases(aliases),
                None => answer,
            }
        })
        .collect();
    Ok(Answer::json(&schemas))
}

/// The names that each subject is an alias' target under.
type Aliases = BTreeMap<QualifiedSubject, Vec<String>>;

fn listed(
    state: &State,
    prefix: &str,
    include: Include,
    latest_only: bool,
    wants_aliases: bool,
) -> (Vec<Arc<SchemaVersion>>, Aliases) {
    let mut versions = state.versions_with_prefix(prefix, include, latest_only);
    let mut aliases = Aliases::new();
    if !wants_aliases {
        return (versions, aliases);
    }
    let is_wanted = |alias: &QualifiedSubject| match prefix.strip_prefix(":*:") {
        Some(prefix) => alias.name().starts_with(prefix),
        None => alias.as_str().starts_with(prefix),
    };
    for (alias, target) in state.aliases().into_iter().filter(|(alias, _)| is_wanted(alias)) {
        aliases.entry(target).or_default().push(alias.to_string());
    }
    let listed: HashSet<_> = versions.iter().map(|version| version.subject.clone()).collect();
    for target in aliases.keys().filter(|target| !listed.contains(*target)) {
        let of_target = state.versions(target).iter();
        let of_target = of_target.filter(|version| include.includes(version.deleted)).cloned();
        let of_target: Vec<_> = of_target.collect();
        let from = if latest_only { of_target.len().saturating_sub(1) } else { 0 };
        versions.extend_from_slice(&of_target[from..]);
    }
    versions.sort_by(|a, b| (&a.subject, a.version).cmp(&(&b.subject, b.version)));
    (versions, aliases)
}

fn has_rules_of(rules: &RuleSet, wanted: &str) -> bool {
    let all = rules.migration_rules.iter().chain(&rules.domain_rules).chain(&rules.encoding_rules);
    all.into_iter().any(|rule| rule.rule_type.as_deref() == Some(wanted))
}
