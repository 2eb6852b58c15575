//! Registering: what is there already, what the mode allows, what goes together, and then one step
//! of the machine. All but the step happens beside it; when something it looked at has changed
//! meanwhile, it is done again.

use super::Registry;
use super::compatibility::Candidate;
use super::errors;
use super::merge;
use super::parsed::Parsed;
use super::references::{self, Resolved};
use super::requests::RegisterRequest;
use crate::error::ApiError;
use std::sync::Arc;
use tidegate_broker::SchemasError;
use tidegate_machine::schema::{
    Include, Mode, QualifiedSubject, Refusal, Register, Registry as State, Revision, SchemaEntity,
    SchemaVersion, SubjectConfig,
};
use tidegate_schema::SchemaType;

/// How often a registration begins anew because others changed the subject meanwhile.
const ATTEMPTS_MAX: usize = 1_000;
/// The version that a request asks for to get the next one.
const NEXT: i32 = -1;

/// A schema that is registered.
pub struct Outcome {
    /// Where.
    pub version: Arc<SchemaVersion>,
    /// Whether the registry has changed what it was given.
    pub was_changed: bool,
}

/// What a request is about, as the state had it at one moment.
pub(super) struct Looked {
    pub(super) subject: QualifiedSubject,
    pub(super) config: Arc<SubjectConfig>,
    pub(super) mode: Mode,
    pub(super) revision: Revision,
    /// Versions that are not deleted, rising.
    pub(super) live: Vec<Arc<SchemaVersion>>,
    /// The version that the next schema gets.
    pub(super) next_version: i32,
    /// The schema as it was sent, with references to the latest versions resolved.
    sent: SchemaEntity,
    references: Result<Vec<Resolved>, String>,
}

impl Registry {
    /// Registers a schema, or finds it registered.
    pub async fn register(
        &self,
        subject: &QualifiedSubject,
        request: &RegisterRequest,
        normalize: bool,
    ) -> Result<Outcome, ApiError> {
        self.check_rules(request.rule_set.as_ref())?;
        if !subject.is_valid(false) {
            return Err(ApiError::invalid_subject(subject.as_str()));
        }
        let tagged;
        let request = if request.changes_tags() || request.propagate_schema_tags == Some(true) {
            tagged = self.with_tags(subject, request).await?;
            &tagged
        } else {
            request
        };
        for _ in 0..ATTEMPTS_MAX {
            let looked = self.look(subject, request).await?;
            if let Some(outcome) = self.attempt(looked, request, normalize).await? {
                return Ok(outcome);
            }
        }
        Err(ApiError::store(format!(
            "Subject {subject} changes faster than it can be compared with"
        )))
    }

    /// One attempt; `None` if the subject has changed under it.
    async fn attempt(
        &self,
        mut looked: Looked,
        request: &RegisterRequest,
        normalize: bool,
    ) -> Result<Option<Outcome>, ApiError> {
        let normalize = normalize || looked.config.normalize == Some(true);
        let (id, version) = (request.id.filter(|id| *id >= 0), request.version.unwrap_or(0));
        let mut missed = None;
        if !looked.config.has_defaults_or_overrides()
            && let Some((entity, _)) = self.canonical(&looked, normalize).await?
        {
            if let Some(existing) = self.existing(&looked, &entity, id, version).await? {
                return Ok(Some(Outcome { version: existing, was_changed: false }));
            }
            missed = Some(entity);
        }
        check_mode(&looked, id)?;
        let mut was_changed = false;
        if !looked.mode.is_import() {
            was_changed = self.populate(&mut looked, version)?;
        }
        let Some((entity, parsed)) = self.canonical(&looked, normalize).await? else {
            return Err(ApiError::invalid_schema("Empty schema"));
        };
        if version == 0
            && missed.as_ref() != Some(&entity)
            && let Some(existing) = self.existing(&looked, &entity, id, version).await?
        {
            return Ok(Some(Outcome { version: existing, was_changed }));
        }
        if id.is_none() {
            check_new(&looked.config, &parsed)?;
        }
        if !looked.mode.is_import() {
            let new = Candidate { entity: &entity, parsed: &parsed };
            let reasons = self.incompatibilities(&looked.config, new, &looked.live).await?;
            if !reasons.is_empty() {
                let code = self.settings.answers.incompatible_code();
                return Err(ApiError::incompatible(looked.subject.as_str(), &reasons, code));
            }
        }
        let register = Register {
            subject: looked.subject,
            entity,
            id,
            version: (version != 0).then_some(version),
            checked: Some(looked.revision),
        };
        match self.schemas.register(register).await {
            Ok(registered) => Ok(Some(Outcome { version: registered.version, was_changed })),
            Err(SchemasError::Refused(Refusal::Stale)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at everything that a request about a schema may need, at once.
    pub(super) async fn look(
        &self,
        subject: &QualifiedSubject,
        request: &RegisterRequest,
    ) -> Result<Looked, ApiError> {
        let kind = request.schema_type.as_deref().unwrap_or(SchemaType::Avro.name());
        let kind = SchemaType::of(kind)
            .ok_or_else(|| ApiError::invalid_schema(format!("Invalid schema type {kind}")))?;
        let references = references::requested(request.references.as_deref())
            .map_err(|problem| errors::invalid(kind, problem))?;
        let sent = SchemaEntity {
            kind,
            text: request.schema.as_deref().unwrap_or("").into(),
            references: references.into(),
            metadata: request.metadata.clone().map(Box::new),
            rule_set: request.rule_set.clone().map(Box::new),
        };
        self.peek(|state| looked(state, subject, sent)).await
    }

    /// The schema in the form in which it is kept; `None` if it is empty.
    pub(super) async fn canonical(
        &self,
        looked: &Looked,
        normalize: bool,
    ) -> Result<Option<(SchemaEntity, Arc<Parsed>)>, ApiError> {
        let sent = &looked.sent;
        if sent.text.trim().is_empty() {
            return Ok(None);
        }
        let references = looked.references.clone();
        let references = references.map_err(|problem| errors::invalid(sent.kind, problem))?;
        let parsed = self.parsed(sent.kind, sent.text.clone(), references).await?;
        let text = match normalize {
            true => self.normalized(&parsed).await,
            false => parsed.canonical.clone(),
        };
        // Such as a Protobuf file of comments alone.
        if text.is_empty() {
            return Ok(None);
        }
        Ok(Some((SchemaEntity { text, ..sent.clone() }, parsed)))
    }

    /// The version that has the schema already, if that is what the request would get.
    async fn existing(
        &self,
        looked: &Looked,
        entity: &SchemaEntity,
        id: Option<i32>,
        version: i32,
    ) -> Result<Option<Arc<SchemaVersion>>, ApiError> {
        let found = match version {
            NEXT => {
                let latest = looked.live.last();
                match latest.filter(|latest| latest.schema.entity == *entity) {
                    // What was peeked at may not be durable yet.
                    Some(latest) => {
                        let (subject, version) = (&latest.subject, latest.version);
                        self.version(subject, |state| state.version(subject, version).cloned())
                            .await?
                    }
                    None => None,
                }
            }
            _ => self.lookup(&looked.subject, entity, Include::Live).await?,
        };
        Ok(found.filter(|found| match version {
            0 | NEXT => id.is_none_or(|id| id == found.id),
            version => id == Some(found.id) && version == found.version,
        }))
    }

    /// Gives the schema what it does not say itself: the text of the version before, metadata, rules.
    fn populate(&self, looked: &mut Looked, version: i32) -> Result<bool, ApiError> {
        let previous = looked.live.last().map(|latest| &latest.schema.entity);
        let mut was_changed = false;
        if looked.sent.text.trim().is_empty() {
            let Some(previous) = previous else {
                return Err(ApiError::invalid_schema("Empty schema"));
            };
            looked.sent.text = previous.text.clone();
            looked.sent.kind = previous.kind;
            looked.sent.references = previous.references.clone();
            was_changed = true;
        }
        let next = Some(looked.next_version);
        was_changed |= merge::populate(&mut looked.sent, &looked.config, previous, next, version);
        Ok(was_changed)
    }
}

/// Refuses what was let through in the past and may be kept, but not added to: invalid defaults.
pub(super) fn check_new(config: &SubjectConfig, parsed: &Parsed) -> Result<(), ApiError> {
    let checks = config.validate_new_schemas.or(config.validate_names).unwrap_or(true);
    if !checks {
        return Ok(());
    }
    let kind = parsed.schema.kind();
    parsed.schema.check_new().map_err(|error| errors::of_schema(kind, error))
}

fn looked(state: &State, subject: &QualifiedSubject, mut sent: SchemaEntity) -> Looked {
    let versions = state.versions(subject);
    let references = references::resolve(state, subject, &mut sent.references, Include::Live);
    Looked {
        subject: subject.clone(),
        config: state.config_in_scope(subject),
        mode: state.mode_in_scope(subject),
        revision: state.revision(subject),
        live: versions.iter().filter(|version| !version.deleted).cloned().collect(),
        next_version: versions.last().map_or(1, |latest| latest.version.saturating_add(1)),
        sent,
        references,
    }
}

/// What the mode does not allow, before anything else is looked at.
fn check_mode(looked: &Looked, id: Option<i32>) -> Result<(), ApiError> {
    let subject = looked.subject.clone();
    let refusal = match looked.mode {
        mode if mode.is_read_only() => Refusal::ReadOnly { subject },
        mode if id.is_some() && !mode.is_import() => Refusal::NotInImportMode { subject },
        mode if id.is_none() && mode != Mode::ReadWrite => Refusal::NotInReadWriteMode { subject },
        _ => return Ok(()),
    };
    Err(refusal.into())
}
