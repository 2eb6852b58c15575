//! Schemas that have been read, kept for the next request that has the same text.
//!
//! Two generations in place of a list of last uses: what is used moves to the young one, and when
//! that is full the old one is dropped whole. A look takes one short lock.

use super::Registry;
use super::errors;
use super::references::{self, Resolved};
use crate::error::ApiError;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use tidegate_machine::schema::{Guid, Include, SchemaEntity, SchemaReference, SchemaVersion};
use tidegate_schema::{Limits, Reference, Schema, SchemaType};

/// What a schema takes in memory when it has been read, for each byte of its text, about.
const BYTES_PER_BYTE: usize = 8;
/// What it takes besides.
const BYTES_APART: usize = 512;

/// A schema that has been read.
#[derive(Debug)]
pub struct Parsed {
    /// The schema.
    pub schema: Schema,
    /// Its canonical text.
    pub canonical: Arc<str>,
    /// The text it was read from.
    source: Arc<str>,
    normalized: OnceLock<Arc<str>>,
}

impl Parsed {
    fn read(
        kind: SchemaType,
        source: Arc<str>,
        references: &[Resolved],
        limits: &Limits,
    ) -> Result<Self, ApiError> {
        let references: Vec<Reference<'_>> = references
            .iter()
            .map(|resolved| Reference {
                name: &resolved.name,
                subject: resolved.version.subject.as_str(),
                version: resolved.version.version,
                text: &resolved.version.schema.entity.text,
                direct: resolved.direct,
            })
            .collect();
        let schema = Schema::parse(kind, &source, &references, limits)
            .map_err(|error| errors::of_schema(kind, error))?;
        let canonical = schema.canonical().into();
        Ok(Parsed { schema, canonical, source, normalized: OnceLock::new() })
    }

    fn bytes(&self) -> usize {
        (self.source.len() + self.canonical.len()) * BYTES_PER_BYTE + BYTES_APART
    }
}

/// Language, and a hash over the text and everything it needs.
type Key = (SchemaType, Guid);

/// The cache.
pub struct ParsedCache {
    generation_bytes_max: usize,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Key, Arc<Parsed>>,
    young_bytes: usize,
    old: HashMap<Key, Arc<Parsed>>,
    old_bytes: usize,
}

impl ParsedCache {
    /// A cache of about that size.
    pub fn new(bytes_max: usize) -> Self {
        ParsedCache { generation_bytes_max: bytes_max / 2, generations: Mutex::default() }
    }

    /// What is held, about.
    pub fn bytes(&self) -> usize {
        let generations = self.generations.lock();
        generations.young_bytes + generations.old_bytes
    }

    fn get(&self, key: &Key) -> Option<Arc<Parsed>> {
        let mut generations = self.generations.lock();
        if let Some(parsed) = generations.young.get(key) {
            return Some(parsed.clone());
        }
        let parsed = generations.old.remove(key)?;
        generations.old_bytes -= parsed.bytes();
        self.keep(&mut generations, *key, parsed.clone());
        Some(parsed)
    }

    fn insert(&self, key: Key, parsed: Arc<Parsed>) {
        self.keep(&mut self.generations.lock(), key, parsed);
    }

    fn keep(&self, generations: &mut Generations, key: Key, parsed: Arc<Parsed>) {
        let bytes = parsed.bytes();
        if bytes > self.generation_bytes_max {
            return;
        }
        if generations.young_bytes + bytes > self.generation_bytes_max {
            generations.old = std::mem::take(&mut generations.young);
            generations.old_bytes = std::mem::take(&mut generations.young_bytes);
        }
        generations.young_bytes += bytes;
        if let Some(replaced) = generations.young.insert(key, parsed) {
            generations.young_bytes -= replaced.bytes();
        }
    }
}

impl Registry {
    /// Reads a text, or finds it read.
    pub(super) async fn parsed(
        &self,
        kind: SchemaType,
        text: Arc<str>,
        references: Vec<Resolved>,
    ) -> Result<Arc<Parsed>, ApiError> {
        let key = (kind, mark(kind, &text, &references));
        // Hashes of hostile texts may be equal; the texts are compared.
        if let Some(parsed) = self.parsed.get(&key).filter(|parsed| parsed.source == text) {
            return Ok(parsed);
        }
        let limits = self.settings.limits;
        let read = move || Parsed::read(kind, text, &references, &limits);
        let parsed = Arc::new(self.work(read).await?);
        self.parsed.insert(key, parsed.clone());
        Ok(parsed)
    }

    /// Its normalized text, which costs as much as reading it.
    pub(super) async fn normalized(&self, parsed: &Arc<Parsed>) -> Arc<str> {
        if let Some(known) = parsed.normalized.get() {
            return known.clone();
        }
        let parsed = parsed.clone();
        let normalize =
            move || parsed.normalized.get_or_init(|| parsed.schema.normalized().into()).clone();
        self.work(normalize).await
    }

    /// Reads a version that is kept, or finds it read.
    pub(super) async fn parsed_version(
        &self,
        version: &SchemaVersion,
    ) -> Result<Arc<Parsed>, ApiError> {
        let entity = &version.schema.entity;
        let references = if entity.references.is_empty() {
            Vec::new()
        } else {
            let mut references = entity.references.to_vec();
            self.peek(|state| {
                references::resolve(state, &version.subject, &mut references, Include::All)
            })
            .await?
            .map_err(|problem| errors::invalid(entity.kind, problem))?
        };
        self.parsed(entity.kind, entity.text.clone(), references).await
    }
}

fn mark(kind: SchemaType, text: &Arc<str>, references: &[Resolved]) -> Guid {
    let references = references.iter().map(|resolved| SchemaReference {
        name: resolved.name.clone(),
        subject: format!("{} {}", resolved.version.schema.guid, resolved.direct),
        version: resolved.version.version,
    });
    let references = references.collect();
    SchemaEntity { references, ..SchemaEntity::of_text(kind, text.clone()) }.guid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Key, Arc<Parsed>) {
        let text: Arc<str> = text.into();
        let key = (SchemaType::Avro, mark(SchemaType::Avro, &text, &[]));
        let parsed = Parsed::read(SchemaType::Avro, text, &[], &Limits::default());
        (key, Arc::new(parsed.expect("it is a schema")))
    }

    #[test]
    fn what_is_used_stays_and_the_size_is_bounded() {
        let (used, schema) = parsed("\"string\"");
        let cache = ParsedCache::new(schema.bytes() * 20);
        cache.insert(used, schema);
        for number in 0..1_000 {
            let text = format!("{{\"type\":\"fixed\",\"name\":\"f{number}\",\"size\":1}}");
            let (key, schema) = parsed(&text);
            cache.insert(key, schema);
            assert!(cache.get(&used).is_some());
            assert!(cache.bytes() <= cache.generation_bytes_max * 2);
        }
        assert!(cache.get(&parsed("{\"type\":\"fixed\",\"name\":\"f0\",\"size\":1}").0).is_none());
    }
}
