//! What the names in a file stand for.
//!
//! A name is looked for in the innermost scope first, then in each scope around it, up to the root;
//! a leading dot means the root at once. All files that a schema refers to are looked in, and those
//! that the registry knows itself, imported or not: Confluent's registry is that lenient too.

use super::known;
use super::tree::{Extend, Field, File, Label, Message, Type};
use crate::{SchemaError, Work};
use std::collections::HashMap;

/// The types and the extensions that the files of a schema define.
pub(super) struct Names<'a> {
    types: HashMap<String, Named<'a>>,
    extensions: HashMap<String, &'a Field>,
    /// Known files that the schema has a reference of its own for.
    replaced: Vec<&'a str>,
}

/// A type with what was said around it.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub kind: &'a Type,
    pub package: &'a str,
    pub origin: Origin<'a>,
}

impl<'a> Named<'a> {
    /// Key and value, if the type is what stands for the entries of a map.
    pub fn map_entry(&self) -> Option<(&'a Field, &'a Field)> {
        match self.kind {
            Type::Message(message) => message.map_entry(),
            Type::Enum(_) => None,
        }
    }
}

/// Which file a type is from, as far as two schemas can tell that they mean the same file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin<'a> {
    /// The schema itself.
    Own,
    /// A version that the schema refers to.
    Reference(&'a str, i32),
    /// A reference of a reference, or a file that the registry knows.
    Other,
}

/// What a name is looked up as a type or an extension in.
type Lookup<'n, 'a, T> = &'n dyn Fn(&str) -> Option<T>;

impl<'a> Names<'a> {
    /// The names of `files`; of two files that define the same the later one counts.
    pub fn collect(
        files: impl Iterator<Item = (&'a str, &'a File, Origin<'a>)>,
        work: &mut Work,
    ) -> Result<Self, SchemaError> {
        let mut names =
            Names { types: HashMap::new(), extensions: HashMap::new(), replaced: Vec::new() };
        for (path, file, origin) in files {
            names.replaced.push(path);
            names.add_file(file, origin, work)?;
        }
        Ok(names)
    }

    fn add_file(
        &mut self,
        file: &'a File,
        origin: Origin<'a>,
        work: &mut Work,
    ) -> Result<(), SchemaError> {
        let mut scope = Scope::of(file.package());
        self.add_extends(&file.extends, &mut scope, work)?;
        self.add_types(&file.types, file.package(), origin, &mut scope, work)
    }

    fn add_types(
        &mut self,
        types: &'a [Type],
        package: &'a str,
        origin: Origin<'a>,
        scope: &mut Scope,
        work: &mut Work,
    ) -> Result<(), SchemaError> {
        for kind in types {
            let outside = scope.enter(kind.name());
            work.steps(cost_of(&scope.path))?;
            self.types.insert(scope.path.clone(), Named { kind, package, origin });
            if let Type::Message(message) = kind {
                self.add_extends(&message.extends, scope, work)?;
                self.add_types(&message.types, package, origin, scope, work)?;
            }
            scope.leave(outside);
        }
        Ok(())
    }

    fn add_extends(
        &mut self,
        extends: &'a [Extend],
        scope: &mut Scope,
        work: &mut Work,
    ) -> Result<(), SchemaError> {
        for field in extends.iter().flat_map(|extend| &extend.fields) {
            let outside = scope.enter(&field.name);
            work.steps(cost_of(&scope.path))?;
            self.extensions.insert(scope.path.clone(), field);
            scope.leave(outside);
        }
        Ok(())
    }

    /// The type of that full name, without a leading dot.
    pub fn get(&self, full_name: &str) -> Option<Named<'a>> {
        self.types.get(full_name).copied().or_else(|| known::get(full_name, &self.replaced))
    }

    /// Full name and type of what `name` stands for in `scope`.
    pub fn resolve(
        &self,
        name: &str,
        scope: &Scope,
        work: &mut Work,
    ) -> Result<Option<(String, Named<'a>)>, SchemaError> {
        resolve(name, scope, work, &|full_name| self.get(full_name))
    }

    /// Full name of the extension that `name` stands for in `scope`, and whether it is repeated.
    pub fn resolve_extension(
        &self,
        name: &str,
        scope: &Scope,
        work: &mut Work,
    ) -> Result<Option<(String, bool)>, SchemaError> {
        let lookup = |full_name: &str| match self.extensions.get(full_name) {
            Some(field) => Some(field.label == Some(Label::Repeated)),
            None => known::extension(full_name, &self.replaced),
        };
        resolve(name, scope, work, &lookup)
    }
}

fn resolve<T>(
    name: &str,
    scope: &Scope,
    work: &mut Work,
    lookup: Lookup<'_, '_, T>,
) -> Result<Option<(String, T)>, SchemaError> {
    if let Some(name) = name.strip_prefix('.') {
        work.steps(cost_of(name))?;
        return Ok(lookup(name).map(|found| (name.to_owned(), found)));
    }
    let mut around = Some(scope.path.as_str());
    while let Some(prefix) = around {
        let full_name =
            if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        work.steps(cost_of(&full_name))?;
        if let Some(found) = lookup(&full_name) {
            return Ok(Some((full_name, found)));
        }
        around = match prefix.rsplit_once('.') {
            Some((outer, _)) => Some(outer),
            None if prefix.is_empty() => None,
            None => Some(""),
        };
    }
    Ok(None)
}

/// A name costs as much to keep or to compare as it is long.
fn cost_of(name: &str) -> usize {
    1 + name.len() / 16
}

/// Where a name is read: the package with the messages around it, dots between.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    path: String,
}

impl Scope {
    pub fn of(path: &str) -> Self {
        Scope { path: path.to_owned() }
    }

    /// Goes into `name`; gives what [`Scope::leave`] wants.
    pub fn enter(&mut self, name: &str) -> usize {
        let outside = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
        outside
    }

    pub fn leave(&mut self, outside: usize) {
        self.path.truncate(outside);
    }
}

/// The messages of `types` with those in them, with their full names and their places: the number
/// of each message on the way among the messages beside it.
pub(super) fn message_indexes(
    types: &[Type],
    scope: &mut Scope,
    place: &mut Vec<usize>,
    result: &mut Vec<(String, Vec<usize>)>,
) {
    for (at, message) in super::tree::messages(types).enumerate() {
        let outside = scope.enter(&message.name);
        place.push(at);
        result.push((scope.path.clone(), place.clone()));
        let Message { types, .. } = message;
        message_indexes(types, scope, place, result);
        place.pop();
        scope.leave(outside);
    }
}
