//! The state of the registry, as it is read.

use super::config::{CompatibilityLevel, SubjectConfig};
use super::entity::{SchemaEntity, SchemaVersion, Stored};
use super::guid::Guid;
use super::interner::Interner;
use super::mode::Mode;
use super::record::Record;
use super::subject::{DEFAULT_CONTEXT, GLOBAL_CONTEXT, QualifiedSubject};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tidegate_model::Offset;

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
    subject: u64,
    scopes: [u64; 4],
}

/// All schemas, configs and modes.
#[derive(Debug)]
pub struct Registry {
    /// What holds where nobody has set anything.
    default_config: Arc<SubjectConfig>,
    pub(super) subjects: BTreeMap<QualifiedSubject, Subject>,
    pub(super) contexts: BTreeMap<Arc<str>, Context>,
    /// Contexts with a CONTEXT record.
    pub(super) named_contexts: BTreeSet<Arc<str>>,
    pub(super) scopes: HashMap<QualifiedSubject, Scope>,
    /// The ids of live versions by what they refer to, with how many versions do.
    pub(super) referenced_by: BTreeMap<(QualifiedSubject, i32), BTreeMap<i32, u32>>,
    /// Keys whose newest record contradicts others and was skipped: a writer writes anew what stands.
    pub(super) contradicted: BTreeSet<(QualifiedSubject, i32)>,
    /// Other forms of keys under which there are values, by the key as it is written here.
    pub(super) foreign_keys: BTreeMap<Bytes, BTreeSet<Bytes>>,
    /// Those of such keys that stand for nothing any more, with the tombstone: a value that is left under
    /// another form would be back once the tombstone is compacted away.
    pub(super) outlived: BTreeMap<Bytes, Record>,
    pub(super) interner: Interner,
    /// Counts changes; a revision is made of such counts.
    pub(super) changes: u64,
    pub(super) subject_removed_at: u64,
    pub(super) scope_removed_at: u64,
    pub(super) live_subjects: usize,
    pub(super) version_count: usize,
    pub(super) skipped_records: u64,
}

#[derive(Debug, Default)]
pub(super) struct Subject {
    /// Rising, never empty but within a change.
    pub(super) versions: Vec<Arc<SchemaVersion>>,
    pub(super) changed_at: u64,
    /// The offset of the record that changed it last.
    pub(super) offset: Offset,
}

impl Subject {
    pub(super) fn position(&self, version: i32) -> Result<usize, usize> {
        self.versions.binary_search_by_key(&version, |held| held.version)
    }

    pub(super) fn has(&self, include: Include) -> bool {
        match include {
            Include::DeletedOnly => !self.has(Include::Live),
            _ => self.versions.iter().rev().any(|version| include.includes(version.deleted)),
        }
    }
}

/// The ids of one context.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) max_id: i32,
    /// All ids from 1 to this one have been in use.
    pub(super) dense_id: i32,
    /// The schema of each id, with how many versions have it.
    pub(super) ids: HashMap<i32, (Arc<Stored>, u32)>,
    /// How many versions have a guid under an id. Usually there is one id; another registry or an import
    /// may have given more.
    pub(super) guids: BTreeMap<(Guid, i32), u32>,
    /// Which version of a subject has an id; the one written last if several do.
    pub(super) uses: BTreeMap<(i32, QualifiedSubject), i32>,
}

impl Context {
    /// The id of the next new schema: one more than the highest, as long as there is one, and then the
    /// lowest one free. One record with the highest id of all must not end all registrations.
    pub(super) fn next_id(&self) -> Option<i32> {
        self.max_id.checked_add(1).or_else(|| self.dense_id.checked_add(1))
    }

    /// The ids that a guid has, the newest first.
    pub(super) fn ids_of(&self, guid: &Guid) -> impl Iterator<Item = i32> {
        let of_guid = self.guids.range((*guid, i32::MIN)..=(*guid, i32::MAX));
        of_guid.rev().map(|((_, id), _)| *id)
    }

    pub(super) fn uses_of(&self, id: i32) -> impl Iterator<Item = (&QualifiedSubject, i32)> {
        let from_id = self.uses.range((id, QualifiedSubject::lowest())..);
        let of_id = from_id.take_while(move |((held, _), _)| *held == id);
        of_id.map(|((_, subject), version)| (subject, *version))
    }
}

/// What is set on a subject, a context as a whole, or everything.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) config: Option<Arc<SubjectConfig>>,
    pub(super) mode: Option<Mode>,
    pub(super) changed_at: u64,
}

impl Registry {
    /// A registry without schemas.
    pub fn new(default_level: CompatibilityLevel) -> Self {
        let compatibility_level = Some(default_level);
        let default_config = SubjectConfig { compatibility_level, ..SubjectConfig::default() };
        Registry {
            default_config: Arc::new(default_config),
            subjects: BTreeMap::new(),
            contexts: BTreeMap::new(),
            named_contexts: BTreeSet::new(),
            scopes: HashMap::new(),
            referenced_by: BTreeMap::new(),
            contradicted: BTreeSet::new(),
            foreign_keys: BTreeMap::new(),
            outlived: BTreeMap::new(),
            interner: Interner::default(),
            changes: 0,
            subject_removed_at: 0,
            scope_removed_at: 0,
            live_subjects: 0,
            version_count: 0,
            skipped_records: 0,
        }
    }

    // Schemas by subject.

    /// One version of exactly that subject, deleted or not.
    pub fn version(&self, subject: &QualifiedSubject, version: i32) -> Option<&Arc<SchemaVersion>> {
        let held = self.subjects.get(subject)?;
        Some(&held.versions[held.position(version).ok()?])
    }

    /// The latest version that is not deleted.
    pub fn latest(&self, subject: &QualifiedSubject) -> Option<&Arc<SchemaVersion>> {
        self.versions(subject).iter().rev().find(|version| !version.deleted)
    }

    /// All versions of exactly that subject, deleted ones too, rising. Empty for an unknown subject.
    pub fn versions(&self, subject: &QualifiedSubject) -> &[Arc<SchemaVersion>] {
        self.subjects.get(subject).map_or(&[], |subject| &subject.versions)
    }

    /// Whether there is any such version of the subject; of a context as a whole, of any subject in it;
    /// of everything, at all.
    pub fn has_subjects(&self, scope: &QualifiedSubject, include: Include) -> bool {
        self.in_scope(scope).any(|(_, subject)| subject.has(include))
    }

    /// The subjects that a scope stands for.
    pub(super) fn in_scope<'a>(
        &'a self,
        scope: &'a QualifiedSubject,
    ) -> Box<dyn Iterator<Item = (&'a QualifiedSubject, &'a Subject)> + 'a> {
        if scope.is_everything() {
            return Box::new(self.subjects.iter());
        }
        let range = self.subjects.range(scope.clone()..);
        if scope.is_context() {
            return Box::new(range.take_while(|(held, _)| held.context() == scope.context()));
        }
        Box::new(range.take_while(move |(held, _)| *held == scope))
    }

    /// The version of the subject that has that schema, the newest if several do. With `include` live,
    /// a deleted one is not found.
    pub fn lookup(
        &self,
        subject: &QualifiedSubject,
        entity: &SchemaEntity,
        include: Include,
    ) -> Option<&Arc<SchemaVersion>> {
        self.lookup_guid(subject, entity, entity.guid(), include)
    }

    /// The same with the schema's guid, which costs as much as the text is long.
    pub fn lookup_guid(
        &self,
        subject: &QualifiedSubject,
        entity: &SchemaEntity,
        guid: Guid,
        include: Include,
    ) -> Option<&Arc<SchemaVersion>> {
        let matches = |version: &&Arc<SchemaVersion>| {
            include.includes(version.deleted)
                && version.schema.guid == guid
                && version.schema.entity == *entity
        };
        let context = self.contexts.get(subject.context())?;
        let by_id = context.ids_of(&guid).find_map(|id| {
            let version = context.uses.get(&(id, subject.clone()))?;
            self.version(subject, *version).filter(&matches)
        });
        by_id.or_else(|| self.versions(subject).iter().rev().find(matches))
    }

    /// The subject itself if it has such versions, or else the same name in the first context that
    /// has it; only unqualified subjects are looked for in other contexts (`getUsingContexts`).
    pub fn subject_in_contexts(
        &self,
        subject: &QualifiedSubject,
        include: Include,
    ) -> Option<QualifiedSubject> {
        let has = |subject: &QualifiedSubject| {
            self.subjects.get(subject).is_some_and(|held| held.has(include))
        };
        let found = has(subject).then(|| subject.clone());
        found.or_else(|| self.elsewhere(subject).find(|other| has(other)))
    }

    /// The same name in each other context, if the subject names none itself.
    fn elsewhere<'a>(
        &'a self,
        subject: &'a QualifiedSubject,
    ) -> impl Iterator<Item = QualifiedSubject> + 'a {
        let contexts = self.named_contexts.iter().filter(|_| subject.is_in_default_context());
        contexts.map(|context| QualifiedSubject::new(context, subject.name()))
    }

    /// The offset of the newest record on which it rests that `found` is what was found where `asked`
    /// was looked for. Within a subject that is the subject's last change: what was passed over may
    /// have gone by it. An id has the same schema wherever in a context it is found. `None` for what
    /// is found elsewhere than asked, for then any record may have taken away what lay nearer.
    pub fn seen_offset(&self, asked: &QualifiedSubject, found: &SchemaVersion) -> Option<Offset> {
        if asked.is_context() {
            return Some(found.offset);
        }
        let subject = self.subjects.get(asked).filter(|_| found.subject == *asked)?;
        Some(subject.offset)
    }

    // Schemas by id and guid.

    /// The schema with that id in exactly that context.
    pub fn schema_by_id(&self, id: i32, context: &QualifiedSubject) -> Option<&Arc<Stored>> {
        self.contexts.get(context.context())?.ids.get(&id).map(|(schema, _)| schema)
    }

    /// The version that `GET /schemas/ids/{id}?subject=` finds. With a context as a whole, any version
    /// there with the id, a live one if there is one; with a subject, its version with the id, or else
    /// one of the same name in another context, or else any of the subject's context.
    pub fn by_id(&self, id: i32, subject: &QualifiedSubject) -> Option<&Arc<SchemaVersion>> {
        if subject.is_context() {
            return self.any_with_id(id, subject);
        }
        let own = self.with_id(id, subject);
        if own.is_some() || !subject.is_in_default_context() {
            return own;
        }
        let elsewhere = self.elsewhere(subject).find_map(|other| self.with_id(id, &other));
        elsewhere.or_else(|| self.any_with_id(id, subject))
    }

    fn with_id(&self, id: i32, subject: &QualifiedSubject) -> Option<&Arc<SchemaVersion>> {
        let context = self.contexts.get(subject.context())?;
        self.version(subject, *context.uses.get(&(id, subject.clone()))?)
    }

    fn any_with_id(&self, id: i32, subject: &QualifiedSubject) -> Option<&Arc<SchemaVersion>> {
        let context = self.contexts.get(subject.context())?;
        let held = |(subject, version)| self.version(subject, version);
        let live = context.uses_of(id).filter_map(held).find(|version| !version.deleted);
        live.or_else(|| context.uses_of(id).find_map(held))
    }

    /// The subjects and versions that have the schema which `by_id` finds, in order of the subjects.
    /// `None` if it finds none.
    pub fn versions_of_id(
        &self,
        id: i32,
        subject: &QualifiedSubject,
        include: Include,
    ) -> Option<Vec<(QualifiedSubject, i32)>> {
        let found = self.by_id(id, subject)?;
        let context = self.contexts.get(found.subject.context())?;
        let is_meant = |(subject, version): &(&QualifiedSubject, i32)| {
            self.version(subject, *version).is_some_and(|held| include.includes(held.deleted))
        };
        let uses = context.uses_of(id).filter(is_meant);
        Some(uses.map(|(subject, version)| (subject.clone(), version)).collect())
    }

    /// The schema with that guid, of whatever context.
    pub fn schema_by_guid(&self, guid: &Guid) -> Option<&Arc<Stored>> {
        let found = self.contexts.values().find_map(|context| self.with_guid(context, guid));
        found.map(|version| &version.schema)
    }

    /// The ids that the schema with that guid has, with the name of the context (`.`, `.name`).
    pub fn ids_of_guid(&self, guid: &Guid) -> Vec<(String, i32)> {
        let ids = self.contexts.iter().filter_map(|(name, context)| {
            Some((name.to_string(), self.with_guid(context, guid)?.id))
        });
        ids.collect()
    }

    pub(super) fn with_guid(&self, context: &Context, guid: &Guid) -> Option<&Arc<SchemaVersion>> {
        let ids = context.ids_of(guid);
        let held = ids.flat_map(|id| context.uses_of(id));
        let mut held = held.filter_map(|(subject, version)| self.version(subject, version));
        held.find(|version| version.schema.guid == *guid)
    }

    /// The highest id seen in that context, 0 if none.
    pub fn max_id(&self, context: &QualifiedSubject) -> i32 {
        self.contexts.get(context.context()).map_or(0, |context| context.max_id)
    }

    /// The ids of live schemas that refer to that version, rising.
    pub fn referenced_by(&self, subject: &QualifiedSubject, version: i32) -> Vec<i32> {
        let ids = self.referenced_by.get(&(subject.clone(), version));
        ids.map_or(Vec::new(), |ids| ids.keys().copied().collect())
    }

    // Lists.

    /// The names of all contexts, the default one first.
    pub fn contexts(&self) -> Vec<String> {
        let named = self.named_contexts.iter().map(ToString::to_string);
        std::iter::once(DEFAULT_CONTEXT.to_owned()).chain(named).collect()
    }

    /// The subjects whose name begins with `prefix`, in order. The prefix is one of Confluent's:
    /// `:*:` and a prefix in every context, `:.c:` and a prefix in that context, or a prefix in the
    /// default context. `DeletedOnly` are those without a live version.
    pub fn subjects(&self, prefix: &str, include: Include) -> Vec<QualifiedSubject> {
        let held = self.with_prefix(prefix).filter(|(_, subject)| subject.has(include));
        let mut subjects: Vec<_> = held.map(|(subject, _)| subject.clone()).collect();
        subjects.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        subjects
    }

    /// All versions of the subjects whose name begins with `prefix`, by subject and version.
    pub fn versions_with_prefix(
        &self,
        prefix: &str,
        include: Include,
        latest_only: bool,
    ) -> Vec<Arc<SchemaVersion>> {
        let mut versions = Vec::new();
        for (_, subject) in self.with_prefix(prefix) {
            let is_meant = |version: &&Arc<SchemaVersion>| include.includes(version.deleted);
            let mut meant = subject.versions.iter().filter(is_meant);
            if latest_only {
                versions.extend(meant.next_back().cloned());
            } else {
                versions.extend(meant.cloned());
            }
        }
        versions.sort_by(|one, other| one.subject.as_str().cmp(other.subject.as_str()));
        versions
    }

    fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> Box<dyn Iterator<Item = (&'a QualifiedSubject, &'a Subject)> + 'a> {
        if let Some(name) = prefix.strip_prefix(":*:") {
            return Box::new(
                self.subjects.iter().filter(move |(held, _)| held.name().starts_with(name)),
            );
        }
        if let Some(context) = prefix.strip_prefix(':').filter(|rest| rest.starts_with('.'))
            && !context.contains(':')
        {
            let held = self.subjects.iter();
            return Box::new(held.filter(move |(held, _)| held.context().starts_with(context)));
        }
        let first = QualifiedSubject::parse(prefix);
        let range = self.subjects.range(first.clone()..);
        Box::new(range.take_while(move |(held, _)| {
            held.context() == first.context() && held.name().starts_with(first.name())
        }))
    }

    /// The subjects whose config names an alias, with what it stands for, in order.
    pub fn aliases(&self) -> Vec<(QualifiedSubject, QualifiedSubject)> {
        let aliases = self.scopes.iter().filter_map(|(scope, set)| {
            let alias = set.config.as_ref()?.alias.as_ref()?;
            Some((scope.clone(), scope.reference(alias)))
        });
        let mut aliases: Vec<_> = aliases.collect();
        aliases.sort();
        aliases
    }

    // Config and mode.

    /// The config of exactly that subject, context as a whole, or everything.
    pub fn config(&self, scope: &QualifiedSubject) -> Option<&Arc<SubjectConfig>> {
        self.scopes.get(scope)?.config.as_ref()
    }

    /// The config in force on a subject: its own, or that of its context, or that of the global
    /// context, or the default. A level that it lacks is taken from the next wider one, so that one is
    /// always set.
    pub fn config_in_scope(&self, subject: &QualifiedSubject) -> Arc<SubjectConfig> {
        let scopes = scopes_of(subject);
        let mut configs = scopes.iter().filter_map(|scope| self.config(scope));
        let Some(config) = configs.next() else { return self.default_config.clone() };
        if config.compatibility_level.is_some() {
            return config.clone();
        }
        let level = configs.find_map(|config| config.compatibility_level);
        let compatibility_level = level.or(self.default_config.compatibility_level);
        Arc::new(SubjectConfig { compatibility_level, ..(**config).clone() })
    }

    /// The mode of exactly that subject, context as a whole, or everything. A global READONLY_OVERRIDE
    /// is everybody's.
    pub fn mode(&self, scope: &QualifiedSubject) -> Option<Mode> {
        let global = self.own_mode(&QualifiedSubject::everything());
        global.filter(|mode| *mode == Mode::ReadonlyOverride).or_else(|| self.own_mode(scope))
    }

    pub(super) fn own_mode(&self, scope: &QualifiedSubject) -> Option<Mode> {
        self.scopes.get(scope)?.mode
    }

    /// The mode in force on a subject: its own, or that of its context, or that of the global context.
    pub fn mode_in_scope(&self, subject: &QualifiedSubject) -> Mode {
        let scopes = scopes_of(subject);
        let narrowest = || scopes.iter().find_map(|scope| self.own_mode(scope));
        let global = self.own_mode(&QualifiedSubject::everything());
        let forced = global.filter(|mode| *mode == Mode::ReadonlyOverride);
        forced.or_else(narrowest).unwrap_or_default()
    }

    /// What the subject stands for: the subject that its config names as its alias, or itself.
    pub fn resolve_alias(&self, subject: &QualifiedSubject) -> QualifiedSubject {
        let alias = self.config(subject).and_then(|config| config.alias.as_deref());
        match alias.filter(|alias| !alias.is_empty()) {
            Some(alias) => subject.reference(alias),
            None => subject.clone(),
        }
    }

    /// What a check against the subject looks at: it changes whenever one of its versions, or the
    /// config or the mode in force on it, may have changed.
    pub fn revision(&self, subject: &QualifiedSubject) -> Revision {
        let held = self.subjects.get(subject);
        let changed_at = |scope: &QualifiedSubject| {
            self.scopes.get(scope).map_or(self.scope_removed_at, |scope| scope.changed_at)
        };
        let [own, context, global_context] = scopes_of(subject);
        let everything = QualifiedSubject::everything();
        Revision {
            subject: held.map_or(self.subject_removed_at, |subject| subject.changed_at),
            scopes: [own, context, global_context, everything].map(|scope| changed_at(&scope)),
        }
    }

    // Figures.

    /// Subjects with a version that is not deleted.
    pub fn subject_count(&self) -> usize {
        self.live_subjects
    }

    /// Versions, deleted ones too.
    pub fn version_count(&self) -> usize {
        self.version_count
    }

    /// Ids in use, in all contexts.
    pub fn schema_count(&self) -> usize {
        self.contexts.values().map(|context| context.ids.len()).sum()
    }

    /// Records that were skipped because they are damaged, of an unknown kind, or contradict others.
    pub fn skipped_records(&self) -> u64 {
        self.skipped_records
    }
}

/// Where to look for what is set for a subject, narrowest first. The default context as a whole is
/// the global scope.
fn scopes_of(subject: &QualifiedSubject) -> [QualifiedSubject; 3] {
    let global_context = QualifiedSubject::new(GLOBAL_CONTEXT, "");
    [subject.clone(), subject.whole_context(), global_context]
}
