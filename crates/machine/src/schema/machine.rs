//! Decisions on the registry: what a command comes to, and which records say so.

use super::command::{
    Command, Deleted, DeletedSubject, Done, PutConfig, PutMode, Refusal, Register, Registered,
    Reply,
};
use super::config::{CompatibilityLevel, SubjectConfig};
use super::entity::{SchemaVersion, Stored};
use super::fold::Place;
use super::guid::Guid;
use super::mode::Mode;
use super::record::{Record, SchemaValue};
use super::registry::{Include, Registry};
use super::subject::QualifiedSubject;
use crate::machine::{Machine, Now, Outcome, ReplyTo};
use std::sync::Arc;
use tidegate_model::{Offset, TimestampMs};

/// What the registry is told at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The level where nobody has set one (`schema.compatibility.level`).
    pub compatibility_level: CompatibilityLevel,
    /// The largest key and value of one record together.
    pub record_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        // A record in a batch of its own stays below Kafka's default max.message.bytes.
        let record_bytes_max = 1_048_588 - 128;
        Settings { compatibility_level: CompatibilityLevel::default(), record_bytes_max }
    }
}

/// The registry as a machine.
#[derive(Debug)]
pub struct SchemaMachine {
    settings: Settings,
    registry: Registry,
    /// Where the next record to replay lies.
    next: Place,
}

/// The largest record that is restored, in records of the largest size that we write ourselves: others
/// may have written larger ones.
const RESTORED_ALONE_RECORDS: usize = 4;

type Decision = Result<(Vec<Record>, Done), Refusal>;

impl SchemaMachine {
    /// A registry without schemas.
    pub fn new(settings: Settings) -> Self {
        let registry = Registry::new(settings.compatibility_level);
        SchemaMachine { settings, registry, next: Place { offset: -1, timestamp: -1 } }
    }

    /// The state.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What `command` would come to, and whether it would write anything.
    pub fn preview(&self, now: Now, command: Command) -> (Reply, bool) {
        match self.decide(now, command) {
            Ok((records, done)) => (Ok(done), !records.is_empty()),
            Err(refusal) => (Err(refusal), false),
        }
    }

    fn decide(&self, now: Now, command: Command) -> Decision {
        match command {
            Command::Register(register) => self.register(now, *register),
            Command::DeleteVersion { subject, version, permanent } => {
                self.delete_version(&subject, version, permanent)
            }
            Command::DeleteSubject { subject, permanent } => {
                self.delete_subject(&subject, permanent)
            }
            Command::PutConfig(put) => self.put_config(*put),
            Command::DeleteConfig { scope } => self.delete_config(scope),
            Command::PutMode(put) => self.put_mode(put),
            Command::DeleteMode { scope, recursive } => self.delete_mode(scope, recursive),
            Command::DeleteContext { context } => self.delete_context(&context),
        }
    }

    /// Registers a schema, as `KafkaSchemaRegistry.register` does after its checks.
    fn register(&self, now: Now, register: Register) -> Decision {
        let guid = register.entity.guid();
        if let Some(version) = self.registered_already(&register, guid) {
            let registered = Registered { version: version.clone(), is_new: false };
            return Ok((Vec::new(), Done::Registered(registered)));
        }
        let Register { subject, entity, id, version, checked } = register;
        let mode = self.registry.mode_in_scope(&subject);
        check_register_mode(mode, &subject, id)?;
        if checked.is_some_and(|checked| checked != self.registry.revision(&subject)) {
            return Err(Refusal::Stale);
        }
        let value = SchemaValue { id: 0, deleted: false, entity, md5: None };
        self.check_references(&subject, &value)?;
        let id = self.id_for(&subject, &value, guid, id)?;
        let value = SchemaValue { id, ..value };
        let next = self.registry.versions(&subject).last().map_or(0, |last| last.version);
        let next = next.checked_add(1);
        let version = match version {
            Some(version) if version > 0 && Some(version) != next && !mode.is_import() => {
                return Err(Refusal::VersionNotNext);
            }
            Some(version) if version > 0 => version,
            _ => next.ok_or(Refusal::VersionsExhausted)?,
        };
        let registered = Arc::new(SchemaVersion {
            subject: subject.clone(),
            version,
            id,
            deleted: false,
            ts: now.wall_ms,
            offset: -1,
            schema: Arc::new(Stored { entity: value.entity.clone(), guid, has_md5: false }),
        });
        let mut records = Vec::with_capacity(1);
        if !subject.is_in_default_context()
            && !self.registry.named_contexts.contains(subject.context())
        {
            let context = subject.context().to_owned();
            records.push(Record::Context { context, exists: true });
        }
        // Versions with the same id that are deleted are of no use any more.
        for held in self.registry.versions(&subject) {
            if held.deleted && held.id == id && held.version < version {
                records.push(tombstone(&subject, held.version));
            }
        }
        records.push(Record::Schema { subject, version, value: Some(value) });
        let registered = Registered { version: registered, is_new: true };
        Ok((records, Done::Registered(registered)))
    }

    /// The version that answers a registration without a record.
    fn registered_already(&self, register: &Register, guid: Guid) -> Option<&Arc<SchemaVersion>> {
        let (subject, entity) = (&register.subject, &register.entity);
        let found = match register.version {
            None | Some(0) => self.registry.lookup_guid(subject, entity, guid, Include::Live)?,
            Some(version) if version < 0 => {
                let latest = self.registry.latest(subject)?;
                Some(latest).filter(|latest| latest.schema.entity == *entity)?
            }
            Some(version) => {
                let held = self.registry.version(subject, version)?;
                let is_it = !held.deleted && held.schema.entity == *entity;
                // A version of its own is asked for with an id of its own: in an import.
                Some(held).filter(|held| is_it && register.id == Some(held.id))?
            }
        };
        register.id.is_none_or(|id| id == found.id).then_some(found)
    }

    fn check_references(
        &self,
        subject: &QualifiedSubject,
        value: &SchemaValue,
    ) -> Result<(), Refusal> {
        for reference in &value.entity.references {
            let to = subject.reference(&reference.subject);
            if self.registry.version(&to, reference.version).is_none() {
                return Err(Refusal::ReferenceNotFound { subject: to, version: reference.version });
            }
        }
        Ok(())
    }

    /// The id that the schema has in its context already, or the one asked for, or the next one.
    fn id_for(
        &self,
        subject: &QualifiedSubject,
        value: &SchemaValue,
        guid: Guid,
        wanted: Option<i32>,
    ) -> Result<i32, Refusal> {
        let Some(context) = self.registry.contexts.get(subject.context()) else {
            return Ok(wanted.unwrap_or(1));
        };
        let held = self.registry.with_guid(context, &guid);
        let held = held.filter(|held| held.schema.entity == value.entity).map(|held| held.id);
        match wanted {
            Some(id) => {
                let other = context.ids.get(&id).filter(|(other, _)| other.entity != value.entity);
                match other {
                    Some(_) => Err(Refusal::IdInUse { id, context: subject.whole_context() }),
                    None => Ok(id),
                }
            }
            None => match held {
                Some(id) => Ok(id),
                None => context.next_id().ok_or(Refusal::IdsExhausted),
            },
        }
    }

    fn check_writable(&self, scope: &QualifiedSubject) -> Result<(), Refusal> {
        if self.registry.mode_in_scope(scope).is_read_only() {
            return Err(Refusal::ReadOnly { subject: scope.clone() });
        }
        Ok(())
    }

    fn check_unreferenced(&self, held: &SchemaVersion) -> Result<(), Refusal> {
        let (subject, version) = (&held.subject, held.version);
        if self.registry.referenced_by.contains_key(&(subject.clone(), version)) {
            return Err(Refusal::ReferenceExists { subject: subject.clone(), version });
        }
        Ok(())
    }

    fn delete_version(
        &self,
        subject: &QualifiedSubject,
        version: Option<i32>,
        permanent: bool,
    ) -> Decision {
        let found = match version {
            Some(version) => self.registry.version(subject, version),
            None => self.registry.latest(subject),
        };
        let Some(held) = found else {
            return Err(match self.registry.versions(subject) {
                [] => Refusal::SubjectNotFound(subject.clone()),
                _ => Refusal::VersionNotFound(version.unwrap_or(-1)),
            });
        };
        let (subject, version) = (held.subject.clone(), held.version);
        if held.deleted && !permanent {
            return Err(Refusal::VersionSoftDeleted { subject, version });
        }
        self.check_writable(&subject)?;
        self.check_unreferenced(held)?;
        if permanent && !held.deleted {
            return Err(Refusal::VersionNotSoftDeleted { subject, version });
        }
        let mut records = Vec::new();
        if permanent {
            records.push(tombstone(&subject, version));
            if self.registry.versions(&subject).len() == 1 {
                self.forget_scope(&subject, &mut records);
            }
        } else {
            records.push(Record::Schema { subject, version, value: Some(deleted(held)) });
        }
        Ok((records, Done::Deleted(Deleted { version })))
    }

    fn delete_subject(&self, subject: &QualifiedSubject, permanent: bool) -> Decision {
        let all = self.registry.versions(subject);
        if all.is_empty() {
            return Err(Refusal::SubjectNotFound(subject.clone()));
        }
        let include = if permanent { Include::All } else { Include::Live };
        let meant: Vec<_> = all.iter().filter(|held| include.includes(held.deleted)).collect();
        if meant.is_empty() {
            return Err(Refusal::SubjectSoftDeleted(subject.clone()));
        }
        self.check_writable(subject)?;
        for held in &meant {
            self.check_unreferenced(held)?;
            if permanent && !held.deleted {
                return Err(Refusal::SubjectNotSoftDeleted(subject.clone()));
            }
        }
        let versions: Vec<i32> = meant.iter().map(|held| held.version).collect();
        let mut records = Vec::new();
        if permanent {
            records.extend(versions.iter().map(|version| tombstone(subject, *version)));
            self.forget_scope(subject, &mut records);
        } else {
            let version = versions.last().copied();
            records.push(Record::DeleteSubject { subject: subject.clone(), version });
        }
        Ok((records, Done::DeletedSubject(DeletedSubject { versions })))
    }

    /// What is set on a subject goes with its last version.
    fn forget_scope(&self, subject: &QualifiedSubject, records: &mut Vec<Record>) {
        if self.registry.own_mode(subject).is_some() {
            records.push(Record::Mode { scope: subject.clone(), value: None });
        }
        if self.registry.config(subject).is_some() {
            records.push(Record::Config { scope: subject.clone(), value: None });
        }
    }

    fn put_config(&self, put: PutConfig) -> Decision {
        let PutConfig { scope, update } = put;
        self.check_writable(&scope)?;
        let config = self.registry.config(&scope);
        let config = config.map_or_else(SubjectConfig::default, |config| (**config).clone());
        let config = Arc::new(update.apply(config));
        let records = vec![Record::Config { scope, value: Some(config.clone()) }];
        Ok((records, Done::Config(config)))
    }

    fn delete_config(&self, scope: QualifiedSubject) -> Decision {
        let config = match self.registry.config(&scope) {
            Some(config) => config.clone(),
            None if scope.is_everything() => {
                return Ok((Vec::new(), Done::Config(self.registry.config_in_scope(&scope))));
            }
            None => return Err(Refusal::ConfigNotFound(scope)),
        };
        self.check_writable(&scope)?;
        Ok((vec![Record::Config { scope, value: None }], Done::Config(config)))
    }

    fn put_mode(&self, put: PutMode) -> Decision {
        let PutMode { scope, mode, force } = put;
        let mut records = Vec::new();
        let current = self.registry.mode_in_scope(&scope);
        if mode == Some(Mode::Import) && current != Mode::Import && !force {
            if self.registry.has_subjects(&scope, Include::Live) {
                return Err(Refusal::ImportOverSubjects);
            }
            for (_, subject) in self.registry.in_scope(&scope) {
                for held in &subject.versions {
                    self.check_unreferenced(held)?;
                    records.push(tombstone(&held.subject, held.version));
                }
            }
            records.push(Record::ClearSubject { scope: scope.clone(), cleared: true });
        }
        records.push(Record::Mode { scope, value: mode });
        Ok((records, Done::Mode(mode)))
    }

    fn delete_mode(&self, scope: QualifiedSubject, recursive: bool) -> Decision {
        let mode = self.registry.own_mode(&scope);
        let mut records = Vec::new();
        if recursive && scope.is_context() {
            let within = self.registry.modes_within(&scope).into_iter();
            records.extend(within.map(|(scope, _)| Record::Mode { scope, value: None }));
        }
        if mode.is_none() && records.is_empty() && !scope.is_everything() {
            return Err(Refusal::ModeNotFound(scope));
        }
        if mode.is_some() {
            records.push(Record::Mode { scope, value: None });
        }
        Ok((records, Done::Mode(mode)))
    }

    fn delete_context(&self, context: &QualifiedSubject) -> Decision {
        let context = context.whole_context();
        if !context.is_everything() && self.registry.has_subjects(&context, Include::All) {
            return Err(Refusal::ContextNotEmpty(context));
        }
        if !self.registry.named_contexts.contains(context.context()) {
            return Ok((Vec::new(), Done::Done));
        }
        let context = context.context().to_owned();
        Ok((vec![Record::Context { context, exists: false }], Done::Done))
    }

    /// What stands again under keys whose newest record was skipped, so that compaction does not leave
    /// the skipped one (Confluent's leader does the same). As many as make up one record of the largest
    /// size, but at least one, for all go into one batch; the next step has the next ones. What the log
    /// may not take even alone stays out, or it would keep out every write.
    fn restorations(&self) -> Vec<Record> {
        let max = self.settings.record_bytes_max;
        let alone_max = max.saturating_mul(RESTORED_ALONE_RECORDS);
        let (mut restored, mut total) = (Vec::new(), 0);
        for (subject, version) in &self.registry.contradicted {
            let held = self.registry.version(subject, *version);
            if held.is_some_and(|held| held.schema.entity.text.len() > alone_max) {
                continue;
            }
            let value = held.map(|held| value_of(held));
            let record = Record::Schema { subject: subject.clone(), version: *version, value };
            let len = encoded_len(&record);
            if len > alone_max {
                continue;
            }
            if total + len > max && !restored.is_empty() {
                break;
            }
            total += len;
            restored.push(record);
        }
        restored
    }

    /// Before each record, the tombstones of other forms of its key: what another registry wrote there
    /// would outlive it in a compacted topic, and a deleted schema would be back. Where there are too
    /// many for one batch, those of a key that has ended go with later steps.
    fn without_foreign_keys(&self, records: Vec<Record>) -> Vec<Record> {
        if records.is_empty() {
            return records;
        }
        let outlived = &self.registry.outlived;
        let mut all = Vec::with_capacity(records.len());
        // First, for a record of the step may be about the same key.
        let mut room = self.settings.record_bytes_max;
        for (own, tombstone) in outlived {
            self.end_foreign_keys(own, tombstone, &mut room, &mut all);
            if room == 0 {
                break;
            }
        }
        let mut room = self.settings.record_bytes_max;
        for record in records {
            let own = record.encode_key();
            if let Some(tombstone) = record.tombstone().filter(|_| !outlived.contains_key(&own)) {
                self.end_foreign_keys(&own, &tombstone, &mut room, &mut all);
            }
            all.push(record);
        }
        all
    }

    /// The tombstones of the other forms of a key, as many as there is room for.
    fn end_foreign_keys(
        &self,
        own: &[u8],
        tombstone: &Record,
        room: &mut usize,
        all: &mut Vec<Record>,
    ) {
        for key in self.registry.foreign_keys.get(own).into_iter().flatten() {
            if key.len() > self.settings.record_bytes_max {
                continue;
            }
            let Some(left) = room.checked_sub(key.len()) else {
                *room = 0;
                return;
            };
            *room = left;
            all.push(Record::Under { key: key.clone(), record: Box::new(tombstone.clone()) });
        }
    }

    fn is_too_large(&self, record: &Record) -> bool {
        let Record::Schema { subject, value: Some(value), .. } = record else { return false };
        // An escape takes six bytes at most; only what may be too large is measured.
        let texts = value.entity.text.len() + subject.as_str().len();
        let is_plain = value.entity.references.is_empty()
            && value.entity.metadata.is_none()
            && value.entity.rule_set.is_none();
        if is_plain && texts.saturating_mul(12) + 512 <= self.settings.record_bytes_max {
            return false;
        }
        encoded_len(record) > self.settings.record_bytes_max
    }
}

fn encoded_len(record: &Record) -> usize {
    let (key, value) = record.encode();
    key.len() + value.map_or(0, |value| value.len())
}

fn check_register_mode(
    mode: Mode,
    subject: &QualifiedSubject,
    id: Option<i32>,
) -> Result<(), Refusal> {
    let subject = || subject.clone();
    match (mode, id) {
        (Mode::ReadOnly | Mode::ReadonlyOverride, _) => {
            Err(Refusal::ReadOnly { subject: subject() })
        }
        (Mode::ReadWrite, Some(_)) => Err(Refusal::NotInImportMode { subject: subject() }),
        (Mode::Import | Mode::Forward, None) => {
            Err(Refusal::NotInReadWriteMode { subject: subject() })
        }
        (Mode::ReadWrite, None) | (Mode::Import | Mode::Forward, Some(_)) => Ok(()),
    }
}

fn tombstone(subject: &QualifiedSubject, version: i32) -> Record {
    Record::Schema { subject: subject.clone(), version, value: None }
}

fn value_of(held: &SchemaVersion) -> SchemaValue {
    let Stored { entity, guid, has_md5 } = &*held.schema;
    let md5 = has_md5.then_some(*guid);
    SchemaValue { id: held.id, deleted: held.deleted, entity: entity.clone(), md5 }
}

fn deleted(held: &SchemaVersion) -> SchemaValue {
    SchemaValue { deleted: true, ..value_of(held) }
}

impl Machine for SchemaMachine {
    type Command = Command;
    type Record = Record;
    type Reply = Reply;
    type Event = ();

    fn step(&mut self, now: Now, reply_to: ReplyTo, command: Command) -> Outcome<Record, Reply> {
        let decision = self.decide(now, command);
        let mut records = Vec::new();
        let reply = match decision {
            Ok((decided, _)) if decided.iter().any(|record| self.is_too_large(record)) => {
                Err(Refusal::TooLarge)
            }
            Ok((decided, done)) => {
                if !decided.is_empty() && !self.registry.contradicted.is_empty() {
                    records = self.restorations();
                }
                records.extend(decided);
                Ok(done)
            }
            Err(refusal) => Err(refusal),
        };
        if !self.registry.foreign_keys.is_empty() {
            records = self.without_foreign_keys(records);
        }
        Outcome { records, replies: vec![(reply_to, reply)], ..Outcome::default() }
    }

    fn replaying(&mut self, offset: Offset, timestamp: TimestampMs) {
        self.next = Place { offset, timestamp };
    }

    fn skipped(&mut self) {
        self.registry.skipped_records += 1;
    }

    fn replay(&mut self, _now: Now, record: &Record) {
        self.registry.apply(self.next, record);
    }

    fn loaded(&mut self, _now: Now) {}

    fn on_timeout(&mut self, _now: Now) -> Outcome<Record, Reply> {
        Outcome::default()
    }
}
