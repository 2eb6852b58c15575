//! Schemas and texts are kept once, however many subjects and contexts have them.

use super::entity::{SchemaEntity, Stored};
use super::guid::Guid;
use md5::{Digest, Md5};
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// What is held by anybody, by what it consists of. Entries of what nobody holds any more are swept
/// when the tables have doubled.
#[derive(Debug, Default)]
pub(super) struct Interner {
    schemas: Table<Stored>,
    /// The texts of schemas that have more than a text; of others the guid is that of the text.
    texts: Table<str>,
}

impl Interner {
    /// `entity` as it is kept, the one that is held already if there is one.
    pub(super) fn intern(&mut self, mut entity: SchemaEntity, md5: Option<Guid>) -> Arc<Stored> {
        let (guid, has_md5) = match md5 {
            Some(guid) => (guid, true),
            None => (entity.guid(), false),
        };
        let same = self.schemas.get(&guid);
        // The guid is no proof: collisions can be made.
        if let Some(same) = same.filter(|held| held.entity == entity && held.has_md5 == has_md5) {
            return same;
        }
        if !has_md5 {
            self.share_text(&mut entity, guid);
        }
        let stored = Arc::new(Stored { entity, guid, has_md5 });
        self.schemas.insert(guid, Arc::downgrade(&stored));
        stored
    }

    fn share_text(&mut self, entity: &mut SchemaEntity, guid: Guid) {
        let is_text =
            entity.references.is_empty() && entity.metadata.is_none() && entity.rule_set.is_none();
        // The guid of a text and nothing else is the text's own, which need not be computed twice.
        let of_text = match is_text {
            true => guid,
            false => Guid(Md5::digest(entity.text.as_bytes()).into()),
        };
        let plain = self.schemas.get(&of_text).map(|held| held.entity.text.clone());
        let held = plain.or_else(|| self.texts.get(&of_text));
        match held.filter(|held| **held == *entity.text) {
            Some(held) => entity.text = held,
            None if of_text != guid => {
                self.texts.insert(of_text, Arc::downgrade(&entity.text));
            }
            None => {}
        }
    }
}

#[derive(Debug)]
struct Table<T: ?Sized> {
    held: HashMap<Guid, Weak<T>>,
    sweep_at: usize,
}

impl<T: ?Sized> Default for Table<T> {
    fn default() -> Self {
        Table { held: HashMap::new(), sweep_at: 64 }
    }
}

impl<T: ?Sized> Table<T> {
    fn get(&self, guid: &Guid) -> Option<Arc<T>> {
        self.held.get(guid)?.upgrade()
    }

    fn insert(&mut self, guid: Guid, held: Weak<T>) {
        if self.held.len() >= self.sweep_at {
            self.held.retain(|_, held| held.strong_count() > 0);
            self.sweep_at = 2 * self.held.len() + 64;
        }
        self.held.insert(guid, held);
    }
}
