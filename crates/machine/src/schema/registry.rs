//! The state of the registry, as it is read.

use super::config::SubjectConfig;
use super::entity::{SchemaEntity, SchemaVersion, Stored};
use super::guid::Guid;
use super::mode::Mode;
use super::subject::QualifiedSubject;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which versions are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Include {
    /// Those that are not deleted.
    #[default]
    Live,
    /// All, softly deleted ones too.
    All,
    /// Only softly deleted ones.
    DeletedOnly,
}

impl Include {
    /// Whether a version that is deleted or not is meant.
    pub fn includes(self, deleted: bool) -> bool {
        match self {
            Include::Live => !deleted,
            Include::All => true,
            Include::DeletedOnly => deleted,
        }
    }
}

/// What a subject and the configs over it looked like at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    pub(super) subject: u64,
    pub(super) scopes: [u64; 4],
}

/// All schemas, configs and modes.
#[derive(Debug, Default)]
pub struct Registry {
    pub(super) versions: BTreeMap<QualifiedSubject, Vec<Arc<SchemaVersion>>>,
}

impl Registry {
    // Schemas by subject.

    /// One version of exactly that subject, deleted or not.
    pub fn version(&self, subject: &QualifiedSubject, version: i32) -> Option<&Arc<SchemaVersion>> {
        let _ = (subject, version);
        None
    }

    /// The latest version that is not deleted.
    pub fn latest(&self, subject: &QualifiedSubject) -> Option<&Arc<SchemaVersion>> {
        let _ = subject;
        None
    }

    /// All versions of exactly that subject, deleted ones too, rising. Empty for an unknown subject.
    pub fn versions(&self, subject: &QualifiedSubject) -> &[Arc<SchemaVersion>] {
        self.versions.get(subject).map_or(&[], Vec::as_slice)
    }

    /// Whether there is any such version of the subject; of a context as a whole, of any subject in it;
    /// of everything, at all.
    pub fn has_subjects(&self, scope: &QualifiedSubject, include: Include) -> bool {
        let _ = (scope, include);
        false
    }

    /// The version of the subject that has that schema, the newest if several do. With `include` live,
    /// a deleted one is not found.
    pub fn lookup(
        &self,
        subject: &QualifiedSubject,
        entity: &SchemaEntity,
        include: Include,
    ) -> Option<&Arc<SchemaVersion>> {
        let _ = (subject, entity, include);
        None
    }

    /// The subject itself if it has such versions, or else the same name in the first context that
    /// has it; only unqualified subjects are looked for in other contexts (`getUsingContexts`).
    pub fn subject_in_contexts(
        &self,
        subject: &QualifiedSubject,
        include: Include,
    ) -> Option<QualifiedSubject> {
        let _ = (subject, include);
        None
    }

    // Schemas by id and guid.

    /// The schema with that id in exactly that context.
    pub fn schema_by_id(&self, id: i32, context: &QualifiedSubject) -> Option<&Arc<Stored>> {
        let _ = (id, context);
        None
    }

    /// The version that `GET /schemas/ids/{id}?subject=` finds. With a context as a whole, any version
    /// there with the id; with a subject, its version with the id, or else one of the same name in
    /// another context, or else any version of the subject's context with the id.
    pub fn by_id(&self, id: i32, subject: &QualifiedSubject) -> Option<&Arc<SchemaVersion>> {
        let _ = (id, subject);
        None
    }

    /// The subjects and versions that have the schema which `by_id` finds, in order of the subjects.
    /// `None` if it finds none.
    pub fn versions_of_id(
        &self,
        id: i32,
        subject: &QualifiedSubject,
        include: Include,
    ) -> Option<Vec<(QualifiedSubject, i32)>> {
        let _ = (id, subject, include);
        None
    }

    /// The schema with that guid, of whatever context.
    pub fn schema_by_guid(&self, guid: &Guid) -> Option<&Arc<Stored>> {
        let _ = guid;
        None
    }

    /// The ids that the schema with that guid has, with the name of the context (`.`, `.name`).
    pub fn ids_of_guid(&self, guid: &Guid) -> Vec<(String, i32)> {
        let _ = guid;
        Vec::new()
    }

    /// The highest id seen in that context, 0 if none.
    pub fn max_id(&self, context: &QualifiedSubject) -> i32 {
        let _ = context;
        0
    }

    /// The ids of live schemas that refer to that version, rising.
    pub fn referenced_by(&self, subject: &QualifiedSubject, version: i32) -> Vec<i32> {
        let _ = (subject, version);
        Vec::new()
    }

    // Lists.

    /// The names of all contexts, the default one first.
    pub fn contexts(&self) -> Vec<String> {
        Vec::new()
    }

    /// The subjects whose name begins with `prefix`, in order. The prefix is one of Confluent's:
    /// `:*:` and a prefix in every context, `:.c:` and a prefix in that context, or a prefix in the
    /// default context. `DeletedOnly` are those without a live version.
    pub fn subjects(&self, prefix: &str, include: Include) -> Vec<QualifiedSubject> {
        let _ = (prefix, include);
        Vec::new()
    }

    /// All versions of the subjects whose name begins with `prefix`, by subject and version.
    pub fn versions_with_prefix(
        &self,
        prefix: &str,
        include: Include,
        latest_only: bool,
    ) -> Vec<Arc<SchemaVersion>> {
        let _ = (prefix, include, latest_only);
        Vec::new()
    }

    /// The subjects whose config names an alias, with that alias.
    pub fn aliases(&self) -> Vec<(QualifiedSubject, String)> {
        Vec::new()
    }

    // Config and mode.

    /// The config of exactly that subject, context as a whole, or everything.
    pub fn config(&self, scope: &QualifiedSubject) -> Option<&Arc<SubjectConfig>> {
        let _ = scope;
        None
    }

    /// The config in force on a subject: its own, or its context's, or the global one, or the default.
    /// A level is always set in it.
    pub fn config_in_scope(&self, subject: &QualifiedSubject) -> Arc<SubjectConfig> {
        let _ = subject;
        Arc::default()
    }

    /// The mode of exactly that subject, context as a whole, or everything. A global READONLY_OVERRIDE
    /// is everybody's.
    pub fn mode(&self, scope: &QualifiedSubject) -> Option<Mode> {
        let _ = scope;
        None
    }

    /// The mode in force on a subject.
    pub fn mode_in_scope(&self, subject: &QualifiedSubject) -> Mode {
        let _ = subject;
        Mode::ReadWrite
    }

    /// What the subject stands for: the subject that its config names as its alias, or itself.
    pub fn resolve_alias(&self, subject: &QualifiedSubject) -> QualifiedSubject {
        subject.clone()
    }

    /// What a check against the subject looks at: it changes whenever one of its versions, or the
    /// config or the mode in force on it, may have changed.
    pub fn revision(&self, subject: &QualifiedSubject) -> Revision {
        let _ = subject;
        Revision { subject: 0, scopes: [0; 4] }
    }

    // Figures.

    /// Subjects with a version that is not deleted.
    pub fn subject_count(&self) -> usize {
        0
    }

    /// Versions, deleted ones too.
    pub fn version_count(&self) -> usize {
        0
    }

    /// Schemas that differ.
    pub fn schema_count(&self) -> usize {
        0
    }

    /// Records that were skipped because they are damaged, of an unknown kind, or contradict others.
    pub fn skipped_records(&self) -> u64 {
        0
    }
}
