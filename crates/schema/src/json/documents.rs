//! The texts of a schema and of its references, and what `$ref` finds in them.
//!
//! Nothing is ever fetched: a reference leads into the schema itself, or to what was registered under
//! the name of one of its references.

use super::draft::Draft;
use super::uri::{percent_decoded, resolve, split_fragment};
use crate::{Limits, Reference, SchemaError, Work, ordered};
use serde_json::Value;
use std::collections::HashMap;

/// The base of a schema that names none, as Confluent's registry has it.
const NO_NAME: &str = "mem://input";

/// Texts, read; the first is the schema itself.
pub(super) struct Documents {
    entries: Vec<Entry>,
}

struct Entry {
    /// As which the schema refers to it; the schema itself has no name.
    name: String,
    value: Value,
}

impl Documents {
    /// Reads the texts of `references` behind `root`.
    pub(super) fn read(
        root: Value,
        references: &[Reference<'_>],
        limits: &Limits,
    ) -> Result<Self, SchemaError> {
        let mut entries = vec![Entry { name: String::new(), value: root }];
        for reference in references {
            let value = ordered::parse(reference.text, limits).map_err(|error| match error {
                SchemaError::Invalid(problem) => SchemaError::Invalid(format!(
                    "reference {} (subject {}, version {}): {problem}",
                    reference.name, reference.subject, reference.version
                )),
                other => other,
            })?;
            entries.push(Entry { name: reference.name.to_owned(), value });
        }
        Ok(Documents { entries })
    }

    pub(super) fn root(&self) -> &Value {
        &self.entries[0].value
    }

    pub(super) fn into_root(mut self) -> Value {
        self.entries.swap_remove(0).value
    }
}

/// A schema inside of a text.
#[derive(Clone, Copy)]
pub(super) struct Found<'d> {
    pub(super) value: &'d Value,
    pub(super) scope: Scope,
}

/// Where a schema stands, as far as its references are concerned.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    document: usize,
    /// What relative references are resolved against, by its number in the index.
    base: usize,
    pub(super) draft: Draft,
}

/// A schema that has a URI.
struct Base<'d> {
    /// Without a fragment.
    uri: String,
    value: &'d Value,
}

/// What can be referred to in some documents, by its URI.
pub(super) struct Index<'d> {
    documents: &'d Documents,
    bases: Vec<Base<'d>>,
    /// The numbers of bases by the address of the value.
    of_values: HashMap<usize, usize>,
    /// Whole texts and schemas with an `$id`, by their URI without a fragment.
    resources: HashMap<String, Found<'d>>,
    /// Schemas with an `$anchor`, by the number of the base around them and their name.
    anchors: HashMap<(usize, &'d str), Found<'d>>,
    roots: Vec<Scope>,
}

impl<'d> Index<'d> {
    pub(super) fn new(documents: &'d Documents, work: &mut Work) -> Result<Self, SchemaError> {
        let mut index = Index {
            documents,
            bases: Vec::new(),
            of_values: HashMap::new(),
            resources: HashMap::new(),
            anchors: HashMap::new(),
            roots: Vec::new(),
        };
        let root_draft = Draft::of(documents.root()).unwrap_or(Draft::Seven);
        let mut root_uri = NO_NAME.to_owned();
        for (document, entry) in documents.entries.iter().enumerate() {
            work.steps(root_uri.len() / 32)?;
            let name = split_fragment(&entry.name).0;
            let draft = Draft::of(&entry.value).unwrap_or(root_draft);
            let uri = resolve(&root_uri, name);
            let scope = Scope { document, base: index.add_base(uri.clone(), &entry.value), draft };
            index.resources.insert(uri, Found { value: &entry.value, scope });
            index.walk(&entry.value, &scope, work)?;
            let scope = index.scope_of(&entry.value, &scope);
            index.roots.push(scope);
            if document == 0 {
                root_uri = index.bases[scope.base].uri.clone();
                continue;
            }
            // A reference's name wins over an `$id` of the same name.
            for name in [name.to_owned(), format!("./{name}"), resolve(&root_uri, name)] {
                index.resources.insert(name, Found { value: &entry.value, scope });
            }
        }
        Ok(index)
    }

    fn add_base(&mut self, uri: String, value: &'d Value) -> usize {
        self.bases.push(Base { uri, value });
        self.bases.len() - 1
    }

    /// The schema that was given.
    pub(super) fn root(&self) -> Found<'d> {
        Found { value: self.documents.root(), scope: self.roots[0] }
    }

    /// The scope inside of `value`, a schema in `scope`: another one if it has an `$id`.
    pub(super) fn scope_of(&self, value: &Value, scope: &Scope) -> Scope {
        match self.of_values.get(&address(value)) {
            Some(base) => Scope { base: *base, ..*scope },
            None => *scope,
        }
    }

    /// Notes the names that `value` and what is in it have.
    fn walk(
        &mut self,
        value: &'d Value,
        scope: &Scope,
        work: &mut Work,
    ) -> Result<(), SchemaError> {
        work.step()?;
        match value {
            Value::Object(members) => {
                let inner = self.note(value, scope, work)?;
                for (name, member) in members {
                    // What stands here is data, whatever it looks like.
                    if !matches!(name.as_str(), "enum" | "const" | "default" | "examples") {
                        self.walk(member, &inner, work)?;
                    }
                }
                Ok(())
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.walk(item, scope, work)),
            _ => Ok(()),
        }
    }

    /// Notes the names of one object, and gives the scope inside of it.
    #[inline(never)]
    fn note(
        &mut self,
        value: &'d Value,
        scope: &Scope,
        work: &mut Work,
    ) -> Result<Scope, SchemaError> {
        let mut inner = *scope;
        let mut anchors = Vec::new();
        if let Some(id) = value.get(scope.draft.id_keyword()).and_then(Value::as_str) {
            let (uri, fragment) = split_fragment(id);
            if !uri.is_empty() {
                let outer = &self.bases[scope.base].uri;
                work.steps(outer.len() / 32)?;
                let uri = resolve(outer, uri);
                inner.base = self.add_base(uri.clone(), value);
                self.of_values.insert(address(value), inner.base);
                self.resources.entry(uri).or_insert(Found { value, scope: inner });
            }
            anchors.push(fragment);
        }
        if scope.draft.is_modern() {
            let named = ["$anchor", "$dynamicAnchor"].map(|keyword| value.get(keyword));
            anchors.extend(named.into_iter().flatten().filter_map(Value::as_str));
        }
        for anchor in anchors.into_iter().filter(|anchor| !anchor.is_empty()) {
            self.anchors.entry((inner.base, anchor)).or_insert(Found { value, scope: inner });
        }
        Ok(inner)
    }

    /// How much a reference in `scope` that is not of its own text is to cost.
    pub(super) fn base_len(&self, scope: &Scope) -> usize {
        self.bases[scope.base].uri.len()
    }

    /// What `reference` leads to from a schema in `scope`.
    ///
    /// # Errors
    /// A sentence on what is not there.
    pub(super) fn find(&self, reference: &str, scope: &Scope) -> Result<Found<'d>, String> {
        let (uri, fragment) = split_fragment(reference);
        let candidates = if uri.is_empty() {
            let document = Found {
                value: &self.documents.entries[scope.document].value,
                scope: self.roots[scope.document],
            };
            let resource = Found { value: self.bases[scope.base].value, scope: *scope };
            // The older drafts' `#/a` starts at the text, that of the newer ones at the nearest `$id`.
            if scope.draft.is_modern() {
                [Some(resource), Some(document)]
            } else {
                [Some(document), Some(resource)]
            }
        } else {
            let resolved = resolve(&self.bases[scope.base].uri, uri);
            [self.resources.get(&resolved).copied(), self.resources.get(uri).copied()]
        };
        let mut problem = format!("reference {reference} is not among the schema's references");
        for found in candidates.into_iter().flatten() {
            match self.descend(found, fragment) {
                Ok(found) => return Ok(found),
                Err(missing) => problem = format!("reference {reference}: {missing}"),
            }
        }
        Err(problem)
    }

    /// What `fragment` means in `found`: a JSON pointer or the name of an anchor.
    fn descend(&self, mut found: Found<'d>, fragment: &str) -> Result<Found<'d>, String> {
        let fragment = percent_decoded(fragment);
        if fragment.is_empty() {
            return Ok(found);
        }
        let Some(pointer) = fragment.strip_prefix('/') else {
            let anchor = self.anchors.get(&(found.scope.base, fragment.as_str())).copied();
            return anchor.ok_or_else(|| format!("there is no anchor {fragment}"));
        };
        for token in pointer.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            let next = match found.value {
                Value::Object(members) => members.get(&token),
                Value::Array(items) => token.parse().ok().and_then(|at: usize| items.get(at)),
                _ => None,
            };
            found.value = next.ok_or_else(|| format!("key {token} not found"))?;
            // The scope is that around the value; the value's own `$id` counts inside of it.
            found.scope = self.scope_of(found.value, &found.scope);
        }
        Ok(found)
    }
}

/// Tells two values of one document apart, even equal ones.
pub(super) fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}
