//! How one file differs from an older one.
//!
//! Messages and enums are matched by name, fields and constants by number. The fields of a message
//! are compared over the whole of it, so that a oneof that is renamed or dissolved hides nothing.
//! A message of another file is compared where a field names it, unless both sides mean the same
//! version of the same subject.

use super::difference::{Difference, Kind};
use super::names::{Named, Names, Origin, Scope};
use super::reader::DEPTH_MAX;
use super::shape::{Group, Shape, shape_of};
use super::tree::{Enum, Field, File, Label, Message, OneOf, Type, enums, messages};
use crate::{SchemaError, Work};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

type Result<T> = std::result::Result<T, SchemaError>;

/// A file with what its names stand for.
#[derive(Clone, Copy)]
pub(super) struct Side<'n, 'a> {
    pub file: &'a File,
    pub names: &'n Names<'a>,
}

/// All that changed from `old` to `new`.
///
/// # Errors
/// [`SchemaError::TooExpensive`]
pub(super) fn compare(
    old: Side<'_, '_>,
    new: Side<'_, '_>,
    work: &mut Work,
) -> Result<Vec<Difference>> {
    let mut comparison = Comparison {
        old: old.names,
        new: new.names,
        work,
        old_scope: Scope::of(old.file.package()),
        new_scope: Scope::of(new.file.package()),
        path: String::new(),
        found: Vec::new(),
        depth_left: DEPTH_MAX,
    };
    if old.file.package != new.file.package {
        comparison.add(Kind::PackageChanged)?;
    }
    comparison.types(&old.file.types, &new.file.types)?;
    let found = std::mem::take(&mut comparison.found);
    comparison.with_elsewhere(found)
}

struct Comparison<'n, 'a, 'w> {
    old: &'n Names<'a>,
    new: &'n Names<'a>,
    work: &'w mut Work,
    old_scope: Scope,
    new_scope: Scope,
    /// Names and numbers with `/` between them.
    path: String,
    found: Vec<Found<'a>>,
    depth_left: usize,
}

/// What comparing two messages, or all of two files, brought to light.
enum Found<'a> {
    Difference(Difference),
    /// A field, at this path, of messages that are yet to be compared.
    Field(String, Pair<'a>),
}

/// Messages of the same name, one of them at least of another file.
#[derive(Clone)]
struct Pair<'a> {
    /// The name without the package.
    local: String,
    old: (Named<'a>, &'a Message),
    new: (Named<'a>, &'a Message),
}

impl Pair<'_> {
    fn key(&self) -> (*const Message, *const Message) {
        (std::ptr::from_ref(self.old.1), std::ptr::from_ref(self.new.1))
    }
}

/// The state of a pair of messages that fields name.
enum Progress {
    UnderWay,
    /// And whether it was compatible.
    Compared(bool),
}

impl<'a> Comparison<'_, 'a, '_> {
    /// The differences among `found` and those of all messages that fields name there. Each pair is
    /// compared once, and not again within itself; a field of a pair that is not compatible is not
    /// either. There may be thousands of messages in a row, which is why this does not recurse.
    fn with_elsewhere(&mut self, found: Vec<Found<'a>>) -> Result<Vec<Difference>> {
        let mut result: Vec<Difference> = Vec::new();
        let mut known = HashMap::new();
        // What is left of each list on the way, with its pair and where its differences begin.
        let mut stack = vec![(found.into_iter().peekable(), None, 0)];
        while let Some((list, pair, start)) = stack.last_mut() {
            match list.peek() {
                None => {
                    let compatible = result[*start..].iter().all(Difference::is_compatible);
                    if let Some(key) = pair {
                        known.insert(*key, Progress::Compared(compatible));
                    }
                    stack.pop();
                    continue;
                }
                Some(Found::Difference(_)) => {}
                Some(Found::Field(path, pair)) => match known.get(&pair.key()) {
                    None => {
                        known.insert(pair.key(), Progress::UnderWay);
                        let (key, start) = (pair.key(), result.len());
                        let found = self.elsewhere(pair.clone())?;
                        stack.push((found.into_iter().peekable(), Some(key), start));
                        continue;
                    }
                    Some(Progress::UnderWay | Progress::Compared(true)) => {}
                    Some(Progress::Compared(false)) => {
                        let (kind, path) = (Kind::FieldNamedTypeChanged, path.clone());
                        result.push(Difference { kind, path });
                    }
                },
            }
            if let Some(Found::Difference(difference)) = list.next() {
                result.push(difference);
            }
        }
        Ok(result)
    }

    /// Compares messages of other files, whose paths begin at these.
    fn elsewhere(&mut self, pair: Pair<'a>) -> Result<Vec<Found<'a>>> {
        let Pair { local, old: (old, was), new: (new, is) } = pair;
        for (scope, package) in
            [(&mut self.old_scope, old.package), (&mut self.new_scope, new.package)]
        {
            *scope = Scope::of(package);
            scope.enter(&local);
        }
        self.path = local.replace('.', "/");
        self.messages(was, is)?;
        Ok(std::mem::take(&mut self.found))
    }

    fn add(&mut self, kind: Kind) -> Result<()> {
        let path = self.full_path()?;
        self.found.push(Found::Difference(Difference { kind, path }));
        Ok(())
    }

    fn full_path(&mut self) -> Result<String> {
        self.work.steps(1 + self.path.len() / 16)?;
        Ok(format!("#/{}", self.path))
    }

    /// Compares something that is named in the path, and adds nothing to the scopes.
    fn at(&mut self, name: &str, inner: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let outside = self.path.len();
        if !self.path.is_empty() {
            self.path.push('/');
        }
        self.path.push_str(name);
        let result = inner(self);
        self.path.truncate(outside);
        result
    }

    /// The same for a type, which is a scope too.
    fn within(&mut self, name: &str, inner: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let outside = (self.old_scope.enter(name), self.new_scope.enter(name));
        let result = self.at(name, inner);
        self.old_scope.leave(outside.0);
        self.new_scope.leave(outside.1);
        result
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or_else(|| {
            SchemaError::TooExpensive("its maps have each other for values too deeply".to_owned())
        })?;
        let result = inner(self);
        self.depth_left += 1;
        result
    }

    fn types(&mut self, old: &'a [Type], new: &'a [Type]) -> Result<()> {
        let by_name = |types: &'a [Type]| -> HashMap<&'a str, (usize, &'a Message)> {
            messages(types).enumerate().map(|(at, each)| (each.name.as_str(), (at, each))).collect()
        };
        let (old_messages, new_messages) = (by_name(old), by_name(new));
        for name in names_of(messages(old).chain(messages(new)).map(|each| each.name.as_str())) {
            self.work.step()?;
            let pair = (old_messages.get(name).copied(), new_messages.get(name).copied());
            self.within(name, |this| match pair {
                (Some((old_at, old)), Some((new_at, new))) => {
                    this.messages(old, new)?;
                    // Records name their message by its place in the version they were written
                    // with, so that another place harms nobody.
                    if old_at == new_at { Ok(()) } else { this.add(Kind::MessageMoved) }
                }
                (Some((_, old)), None) if old.map_entry().is_none() => {
                    this.add(Kind::MessageRemoved)
                }
                (None, Some((_, new))) if new.map_entry().is_none() => this.add(Kind::MessageAdded),
                _ => Ok(()),
            })?;
        }
        self.enums(old, new)
    }

    fn enums(&mut self, old: &'a [Type], new: &'a [Type]) -> Result<()> {
        let by_name = |types: &'a [Type]| -> HashMap<&'a str, &'a Enum> {
            enums(types).map(|each| (each.name.as_str(), each)).collect()
        };
        let (old_enums, new_enums) = (by_name(old), by_name(new));
        for name in names_of(enums(old).chain(enums(new)).map(|each| each.name.as_str())) {
            self.work.step()?;
            let pair = (old_enums.get(name), new_enums.get(name));
            self.within(name, |this| match pair {
                (Some(old), Some(new)) => this.constants(old, new),
                (Some(_), None) => this.add(Kind::EnumRemoved),
                (None, _) => this.add(Kind::EnumAdded),
            })?;
        }
        Ok(())
    }

    fn constants(&mut self, old: &Enum, new: &Enum) -> Result<()> {
        let (old, new) = (constants_of(old), constants_of(new));
        for tag in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            self.work.step()?;
            let kind = match (old.get(tag), new.get(tag)) {
                (Some(old), Some(new)) if old == new => continue,
                (Some(_), Some(_)) => Kind::EnumConstChanged,
                (Some(_), None) => Kind::EnumConstRemoved,
                (None, _) => Kind::EnumConstAdded,
            };
            self.at(&tag.to_string(), |this| this.add(kind))?;
        }
        Ok(())
    }

    fn messages(&mut self, old: &'a Message, new: &'a Message) -> Result<()> {
        self.members(old, new)?;
        self.types(&old.types, &new.types)
    }

    fn members(&mut self, old: &'a Message, new: &'a Message) -> Result<()> {
        let (old, new) = (Members::of(old), Members::of(new));
        for oneof in new.oneofs {
            if let Some(kind) = bound_together(oneof, &old) {
                self.at(&oneof.name, |this| this.add(kind))?;
            }
        }
        for name in old.oneof_names.union(&new.oneof_names) {
            let kind = match (old.oneof_names.contains(name), new.oneof_names.contains(name)) {
                (true, false) => Kind::OneofRemoved,
                (false, true) => Kind::OneofAdded,
                _ => continue,
            };
            self.at(name, |this| this.add(kind))?;
        }
        let dissolved = old.dissolved_in(&new);
        for tag in old.by_tag.keys().chain(new.by_tag.keys()).collect::<BTreeSet<_>>() {
            self.work.step()?;
            let member = |oneof: Option<&str>, this: &mut Self, kind| {
                let tag = tag.to_string();
                match oneof {
                    Some(oneof) => this.at(oneof, |this| this.at(&tag, |this| this.add(kind))),
                    None => this.at(&tag, |this| this.add(kind)),
                }
            };
            match (old.by_tag.get(tag), new.by_tag.get(tag)) {
                (Some(was), Some(is)) => self.member(*tag, was, is)?,
                (Some(was), None) => match was.oneof {
                    Some(oneof) if dissolved.contains(oneof) => {}
                    Some(_) => member(was.oneof, self, Kind::OneofFieldRemoved)?,
                    None if was.is_required() => member(None, self, Kind::RequiredFieldRemoved)?,
                    None => member(None, self, Kind::FieldRemoved)?,
                },
                (None, Some(is)) => match is.oneof {
                    Some(_) => member(is.oneof, self, Kind::OneofFieldAdded)?,
                    None if is.is_required() => member(None, self, Kind::RequiredFieldAdded)?,
                    None => member(None, self, Kind::FieldAdded)?,
                },
                (None, None) => unreachable!("the number is one of either"),
            }
        }
        Ok(())
    }

    fn member(&mut self, tag: i32, was: &Member<'a>, is: &Member<'a>) -> Result<()> {
        let tag = tag.to_string();
        if was.oneof.is_some() && is.oneof.is_none() {
            self.at(&tag, |this| this.add(Kind::OneofFieldMovedToTopLevel))?;
        }
        match is.oneof {
            Some(oneof) => {
                self.at(oneof, |this| this.at(&tag, |this| this.fields(was.field, is.field)))
            }
            None => self.at(&tag, |this| this.fields(was.field, is.field)),
        }
    }

    fn fields(&mut self, old: &Field, new: &Field) -> Result<()> {
        if old.name != new.name {
            self.add(Kind::FieldNameChanged)?;
        }
        self.kinds((old.label, &old.kind), (new.label, &new.kind))
    }

    fn kinds(&mut self, old: (Option<Label>, &str), new: (Option<Label>, &str)) -> Result<()> {
        let old_shape = shape_of(old.1, self.old, &self.old_scope, self.work)?;
        let new_shape = shape_of(new.1, self.new, &self.new_scope, self.work)?;
        match (old_shape, new_shape) {
            (Shape::Scalar(was), Shape::Scalar(is)) if was != is => {
                self.add(Kind::FieldScalarKindChanged)
            }
            (Shape::Scalar(group), Shape::Scalar(_)) => match (old.0, new.0) {
                (Some(was), Some(is)) if was != is => self.add(match group {
                    Group::StringOrBytes => Kind::FieldStringOrBytesLabelChanged,
                    _ => Kind::FieldNumericLabelChanged,
                }),
                _ => Ok(()),
            },
            (Shape::Map(old_key, old_value), Shape::Map(new_key, new_value)) => {
                self.deeper(|this| {
                    this.kinds((None, &old_key), (None, &new_key))?;
                    this.kinds((None, &old_value), (None, &new_value))
                })
            }
            (Shape::Message(was), Shape::Message(is)) => self.named(was, is, old.1 == new.1),
            _ => self.add(Kind::FieldKindChanged),
        }
    }

    fn named(
        &mut self,
        old: Option<(String, Named<'a>)>,
        new: Option<(String, Named<'a>)>,
        written_alike: bool,
    ) -> Result<()> {
        let (Some((old_name, old)), Some((new_name, new))) = (old, new) else {
            return if written_alike { Ok(()) } else { self.add(Kind::FieldNamedTypeChanged) };
        };
        let local = local_name(&old_name, &old);
        if local != local_name(&new_name, &new) {
            return self.add(Kind::FieldNamedTypeChanged);
        }
        if old.origin == new.origin && old.origin != Origin::Other {
            return Ok(());
        }
        let (Type::Message(was), Type::Message(is)) = (old.kind, new.kind) else {
            unreachable!("an enum is a number");
        };
        if !std::ptr::eq(was, is) {
            let path = self.full_path()?;
            let pair = Pair { local: local.to_owned(), old: (old, was), new: (new, is) };
            self.found.push(Found::Field(path, pair));
        }
        Ok(())
    }
}

/// Each name once, in the order of its first mention.
fn names_of<T: Copy + Eq + Hash>(names: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

fn constants_of(each: &Enum) -> BTreeMap<i32, &str> {
    each.constants.iter().map(|constant| (constant.tag, constant.name.as_str())).collect()
}

/// The fields of a message by number, whether in a oneof or not.
struct Members<'a> {
    by_tag: HashMap<i32, Member<'a>>,
    oneofs: &'a [OneOf],
    oneof_names: BTreeSet<&'a str>,
}

struct Member<'a> {
    field: &'a Field,
    oneof: Option<&'a str>,
}

impl Member<'_> {
    fn is_required(&self) -> bool {
        self.field.label == Some(Label::Required)
    }
}

impl<'a> Members<'a> {
    fn of(message: &'a Message) -> Self {
        let plain = message.fields.iter().map(|field| (None, field));
        let chosen = message
            .oneofs
            .iter()
            .flat_map(|oneof| oneof.fields.iter().map(|field| (Some(oneof.name.as_str()), field)));
        let members = plain.chain(chosen);
        Members {
            by_tag: members.map(|(oneof, field)| (field.tag, Member { field, oneof })).collect(),
            oneofs: &message.oneofs,
            oneof_names: message.oneofs.iter().map(|oneof| oneof.name.as_str()).collect(),
        }
    }

    /// The oneofs that `new` has neither by name nor any field of: they are deleted as a whole.
    fn dissolved_in(&self, new: &Self) -> HashSet<&'a str> {
        let survives =
            |oneof: &OneOf| oneof.fields.iter().any(|field| new.by_tag.contains_key(&field.tag));
        let gone =
            |oneof: &&OneOf| !new.oneof_names.contains(oneof.name.as_str()) && !survives(oneof);
        self.oneofs.iter().filter(gone).map(|oneof| oneof.name.as_str()).collect()
    }
}

/// Whether fields of `oneof` exclude each other now that could stand together in `old`. Those of one
/// old oneof excluded each other before, and new fields were in no record.
fn bound_together(oneof: &OneOf, old: &Members<'_>) -> Option<Kind> {
    let (mut groups, mut moved_in) = (HashSet::new(), 0);
    for field in &oneof.fields {
        let Some(member) = old.by_tag.get(&field.tag) else { continue };
        match member.oneof {
            Some(_) => {
                groups.insert((member.oneof, 0));
            }
            None => {
                groups.insert((None, field.tag));
                moved_in += 1;
            }
        }
    }
    match (groups.len(), moved_in) {
        (0 | 1, _) => None,
        (_, 0 | 1) => Some(Kind::FieldMovedToExistingOneof),
        _ => Some(Kind::MultipleFieldsMovedToOneof),
    }
}

/// The name without the package.
fn local_name<'s>(full_name: &'s str, named: &Named<'_>) -> &'s str {
    let rest = full_name.strip_prefix(named.package);
    rest.and_then(|rest| rest.strip_prefix('.')).unwrap_or(full_name)
}
