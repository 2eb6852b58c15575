//! What each record does to the state: the only place where it changes.
//!
//! Decided as Confluent's reader does (`KafkaStoreMessageHandler`, `InMemoryCache`): a record whose id
//! already stands for another text is skipped, a key's newest record replaces the one before, and a
//! deleted version keeps its id until its tombstone.

use super::entity::SchemaVersion;
use super::mode::Mode;
use super::record::{Record, SchemaValue};
use super::registry::{Context, Include, Registry, Scope, Subject};
use super::subject::QualifiedSubject;
use bytes::Bytes;
use std::collections::{btree_map, hash_map};
use std::sync::Arc;
use tidegate_model::{Offset, TimestampMs};
use tidegate_schema::SchemaType;

/// Where a record lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) offset: Offset,
    pub(super) timestamp: TimestampMs,
}

impl Registry {
    pub(super) fn apply(&mut self, place: Place, record: &Record) {
        self.changes += 1;
        self.note_end(record);
        match record {
            Record::Noop | Record::Other => {}
            Record::Under { key, record } => {
                self.note_foreign_key(key, record);
                self.apply(place, record);
            }
            Record::Schema { subject, version, value } => {
                self.contradicted.remove(&(subject.clone(), *version));
                match value {
                    Some(value) => self.put_version(place, subject, *version, value),
                    None => self.remove_version(place, subject, *version),
                }
            }
            Record::Config { scope, value } => {
                self.change_scope(scope, |scope| scope.config = value.clone());
            }
            Record::Mode { scope, value } => self.change_scope(scope, |scope| scope.mode = *value),
            Record::Context { context, exists: true } => {
                self.named_contexts.insert(context.as_str().into());
            }
            Record::Context { context, exists: false } => {
                self.named_contexts.remove(context.as_str());
            }
            Record::DeleteSubject { subject, version: Some(version) } => {
                self.delete_up_to(place, subject, *version);
            }
            Record::ClearSubject { scope, cleared: true } => self.clear(place, scope),
            Record::DeleteSubject { version: None, .. }
            | Record::ClearSubject { cleared: false, .. } => {}
        }
    }

    /// Remembers that there is a value under another form of the record's key, or forgets it.
    fn note_foreign_key(&mut self, key: &Bytes, record: &Record) {
        let own = record.encode_key();
        let keys = self.foreign_keys.entry(own.clone()).or_default();
        if record.tombstone().as_ref() == Some(record) {
            keys.remove(key);
        } else {
            keys.insert(key.clone());
        }
        if keys.is_empty() {
            self.foreign_keys.remove(&own);
        }
    }

    /// Remembers whether values under other forms of the record's key outlive it.
    fn note_end(&mut self, record: &Record) {
        if self.foreign_keys.is_empty() && self.outlived.is_empty() {
            return;
        }
        let Some(tombstone) = record.tombstone() else { return };
        let own = record.encode_key();
        if *record == tombstone && self.foreign_keys.contains_key(&own) {
            self.outlived.insert(own, tombstone);
        } else {
            self.outlived.remove(&own);
        }
    }

    fn put_version(
        &mut self,
        place: Place,
        subject: &QualifiedSubject,
        version: i32,
        value: &SchemaValue,
    ) {
        if self.contradicts(subject, value) {
            self.skipped_records += 1;
            self.contradicted.insert((subject.clone(), version));
            return;
        }
        let schema = self.interner.intern(value.entity.clone(), value.md5);
        // One text for all that name the subject.
        let named = self.subjects.get_key_value(subject).map(|(held, _)| held.clone());
        let held = Arc::new(SchemaVersion {
            subject: named.unwrap_or_else(|| subject.clone()),
            version,
            id: value.id,
            deleted: value.deleted,
            ts: place.timestamp,
            offset: place.offset,
            schema,
        });
        self.take_out(place, subject, version);
        self.put_in(held);
    }

    /// Whether the id stands for another text already. The texts of Protobuf are let through: releases
    /// print the same schema differently.
    fn contradicts(&self, subject: &QualifiedSubject, value: &SchemaValue) -> bool {
        let held = self.schema_by_id(value.id, subject);
        held.is_some_and(|held| {
            held.entity.text != value.entity.text
                && (held.entity.kind, value.entity.kind)
                    != (SchemaType::Protobuf, SchemaType::Protobuf)
        })
    }

    fn remove_version(&mut self, place: Place, subject: &QualifiedSubject, version: i32) {
        self.take_out(place, subject, version);
        if self.subjects.get(subject).is_some_and(|held| held.versions.is_empty()) {
            self.subjects.remove(subject);
            self.subject_removed_at = self.changes;
        }
    }

    fn delete_up_to(&mut self, place: Place, subject: &QualifiedSubject, version: i32) {
        let meant = self.versions(subject).iter().take_while(|held| held.version <= version);
        let live: Vec<_> = meant.filter(|held| !held.deleted).cloned().collect();
        if live.is_empty() {
            return;
        }
        live.iter().for_each(|held| self.drop_references(held));
        let changes = self.changes;
        self.change_subject(subject.clone(), |subject| {
            // What is deleted keeps its place in every other index.
            for held in subject.versions.iter_mut().take_while(|held| held.version <= version) {
                if !held.deleted {
                    let deleted =
                        SchemaVersion { deleted: true, offset: place.offset, ..(**held).clone() };
                    *held = Arc::new(deleted);
                }
            }
            subject.changed_at = changes;
            subject.offset = place.offset;
        });
    }

    fn clear(&mut self, place: Place, scope: &QualifiedSubject) {
        let deleted = self.in_scope(scope).flat_map(|(_, subject)| &subject.versions);
        let deleted = deleted.filter(|held| held.deleted);
        let deleted: Vec<_> = deleted.map(|held| (held.subject.clone(), held.version)).collect();
        for (subject, version) in deleted {
            self.remove_version(place, &subject, version);
        }
    }

    /// Puts a version in whose place is free, and into every index.
    fn put_in(&mut self, held: Arc<SchemaVersion>) {
        let context = self.contexts.entry(held.subject.context().into()).or_default();
        context.max_id = context.max_id.max(held.id);
        context.ids.entry(held.id).or_insert_with(|| (held.schema.clone(), 0)).1 += 1;
        context.grow_dense();
        *context.guids.entry((held.schema.guid, held.id)).or_default() += 1;
        context.uses.insert((held.id, held.subject.clone()), held.version);
        if !held.deleted {
            for reference in &held.schema.entity.references {
                let to = (held.subject.reference(&reference.subject), reference.version);
                *self.referenced_by.entry(to).or_default().entry(held.id).or_default() += 1;
            }
        }
        self.version_count += 1;
        let changes = self.changes;
        self.change_subject(held.subject.clone(), |subject| {
            subject.changed_at = changes;
            subject.offset = held.offset;
            if let Err(at) = subject.position(held.version) {
                subject.versions.insert(at, held);
            }
        });
    }

    /// Takes a version out, if there is one, and out of every index. The subject stays, be it empty.
    fn take_out(&mut self, place: Place, subject: &QualifiedSubject, version: i32) {
        let Some(held) = self.version(subject, version).cloned() else { return };
        if !held.deleted {
            self.drop_references(&held);
        }
        self.version_count -= 1;
        let changes = self.changes;
        self.change_subject(subject.clone(), |subject| {
            if let Ok(at) = subject.position(version) {
                subject.versions.remove(at);
            }
            subject.changed_at = changes;
            subject.offset = place.offset;
        });
        let Some(context) = self.contexts.get_mut(subject.context()) else { return };
        let others = context.drop_id(&held);
        let other = || self.subjects.get(subject)?.versions.iter().rev().find(|o| o.id == held.id);
        let other = others.then(other).flatten().map(|other| other.version);
        context.drop_use(&held, other);
    }

    fn drop_references(&mut self, from: &SchemaVersion) {
        for reference in &from.schema.entity.references {
            self.drop_reference(from, &reference.subject, reference.version);
        }
    }

    fn drop_reference(&mut self, from: &SchemaVersion, subject: &str, version: i32) {
        let to = (from.subject.reference(subject), version);
        let Some(ids) = self.referenced_by.get_mut(&to) else { return };
        if let Some(count) = ids.get_mut(&from.id) {
            *count -= 1;
            if *count == 0 {
                ids.remove(&from.id);
            }
        }
        if ids.is_empty() {
            self.referenced_by.remove(&to);
        }
    }

    fn change_subject(&mut self, subject: QualifiedSubject, change: impl FnOnce(&mut Subject)) {
        let held = self.subjects.entry(subject).or_default();
        let was_live = held.has(Include::Live);
        change(held);
        match (was_live, held.has(Include::Live)) {
            (false, true) => self.live_subjects += 1,
            (true, false) => self.live_subjects -= 1,
            _ => {}
        }
    }

    fn change_scope(&mut self, scope: &QualifiedSubject, change: impl FnOnce(&mut Scope)) {
        let held = self.scopes.entry(scope.clone()).or_default();
        change(held);
        held.changed_at = self.changes;
        if held.config.is_none() && held.mode.is_none() {
            self.scopes.remove(scope);
            self.scope_removed_at = self.changes;
        }
    }

    /// The modes of the subjects in a context.
    pub(super) fn modes_within(&self, context: &QualifiedSubject) -> Vec<(QualifiedSubject, Mode)> {
        let within = |scope: &QualifiedSubject| {
            !scope.is_context() && (context.is_everything() || scope.context() == context.context())
        };
        let modes = self.scopes.iter().filter(|(scope, _)| within(scope));
        let modes = modes.filter_map(|(scope, set)| Some((scope.clone(), set.mode?)));
        let mut modes: Vec<_> = modes.collect();
        modes.sort_by(|one, other| one.0.cmp(&other.0));
        modes
    }
}

impl Context {
    /// Goes on to the id before the lowest one that is free. It never goes back, so that ids that were
    /// given once are not given again, and all calls together look at each id once.
    fn grow_dense(&mut self) {
        while let Some(next) = self.dense_id.checked_add(1)
            && self.ids.contains_key(&next)
        {
            self.dense_id = next;
        }
    }

    /// Counts a version less with its id and guid; true if others have the id.
    fn drop_id(&mut self, held: &SchemaVersion) -> bool {
        if let btree_map::Entry::Occupied(mut count) = self.guids.entry((held.schema.guid, held.id))
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        let hash_map::Entry::Occupied(mut schema) = self.ids.entry(held.id) else { return false };
        schema.get_mut().1 -= 1;
        let others = schema.get().1 > 0;
        if !others {
            schema.remove();
        }
        others
    }

    /// Forgets that a version has its id; `other` is a version of the same subject that has it too.
    fn drop_use(&mut self, held: &SchemaVersion, other: Option<i32>) {
        let key = (held.id, held.subject.clone());
        if self.uses.get(&key) == Some(&held.version) {
            match other {
                Some(other) => drop(self.uses.insert(key, other)),
                None => drop(self.uses.remove(&key)),
            }
        }
    }
}
