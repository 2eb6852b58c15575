//! Objects: what is required, properties under each content model, dependencies.
//!
//! A content model is open where any further property may come, closed where none may, and partially
//! open where those that match a schema may.

use super::super::graph::{Additional, NodeId, ObjectShape, Shape};
use super::step::{At, Step};
use super::{Kind, is_empty};
use crate::SchemaError;
use std::collections::BTreeSet;

impl<'g> Step<'g, '_> {
    pub(super) fn compare_objects(
        &mut self,
        original: &'g ObjectShape,
        update: &'g ObjectShape,
    ) -> Result<(), SchemaError> {
        self.compare_required(original, update);
        for (name, before) in &original.properties {
            let at = At::Member("properties", name);
            match update.properties.get(name) {
                Some(after) => self.inside(at, *before, *after),
                None => self.property_removed(at, name, *before, update)?,
            }
        }
        for (name, after) in &update.properties {
            if !original.properties.contains_key(name) {
                self.property_added(name, *after, original, update)?;
            }
        }
        self.compare_dependencies(original, update);
        self.compare_additional(
            "additionalProperties",
            original.additional,
            update.additional,
            [
                Kind::AdditionalPropertiesAdded,
                Kind::AdditionalPropertiesRemoved,
                Kind::AdditionalPropertiesExtended,
                Kind::AdditionalPropertiesNarrowed,
            ],
        );
        self.compare_unevaluated(
            "unevaluatedProperties",
            original.unevaluated,
            update.unevaluated,
            [
                Kind::UnevaluatedPropertiesAdded,
                Kind::UnevaluatedPropertiesRemoved,
                Kind::UnevaluatedPropertiesExtended,
                Kind::UnevaluatedPropertiesNarrowed,
            ],
        );
        self.limit(
            "maxProperties",
            original.max_properties,
            update.max_properties,
            [
                Kind::MaxPropertiesAdded,
                Kind::MaxPropertiesRemoved,
                Kind::MaxPropertiesIncreased,
                Kind::MaxPropertiesDecreased,
            ],
        );
        self.limit(
            "minProperties",
            original.min_properties,
            update.min_properties,
            [
                Kind::MinPropertiesAdded,
                Kind::MinPropertiesRemoved,
                Kind::MinPropertiesIncreased,
                Kind::MinPropertiesDecreased,
            ],
        );
        Ok(())
    }

    /// Only of properties that both sides describe.
    fn compare_required(&mut self, original: &'g ObjectShape, update: &'g ObjectShape) {
        for name in original.properties.keys() {
            let Some(after) = update.properties.get(name) else { continue };
            let kind = match (original.required.contains(name), update.required.contains(name)) {
                (true, false) => Kind::RequiredAttributeRemoved,
                (false, true) if self.has_default(*after) => {
                    Kind::RequiredAttributeWithDefaultAdded
                }
                (false, true) => Kind::RequiredAttributeAdded,
                _ => continue,
            };
            self.differs(At::Member("required", name), kind);
        }
    }

    fn has_default(&self, update: NodeId) -> bool {
        self.sides.updates(self.pair.reversed).node(update).about.default.is_some()
    }

    /// Only the content model of the update matters: it says what may come in the property's place.
    fn property_removed(
        &mut self,
        at: At<'g>,
        name: &str,
        before: NodeId,
        update: &'g ObjectShape,
    ) -> Result<(), SchemaError> {
        let open = is_open(update, |node| self.update_shape(node));
        let kind = if open {
            Kind::PropertyRemovedFromOpen
        } else if let Some(after) =
            self.covering(update, name, |node, step| step.update_shape(node))?
        {
            self.inside(at, before, after);
            let pair = self.below(before, after);
            if self.known.ask(pair)? {
                Kind::PropertyRemovedIsCovered
            } else {
                Kind::PropertyRemovedNotCovered
            }
        } else if *self.original_shape(before) == Shape::False {
            Kind::PropertyWithFalseRemovedFromClosed
        } else {
            Kind::PropertyRemovedFromClosed
        };
        self.differs(at, kind);
        Ok(())
    }

    /// Only the content model of the original matters: it says what writers may have put there.
    fn property_added(
        &mut self,
        name: &'g str,
        after: NodeId,
        original: &'g ObjectShape,
        update: &'g ObjectShape,
    ) -> Result<(), SchemaError> {
        let at = At::Member("properties", name);
        let (required, default) = (update.required.contains(name), self.has_default(after));
        if is_open(original, |node| self.original_shape(node)) {
            let kind = if is_empty(self.update_shape(after)) {
                Kind::PropertyWithEmptySchemaAddedToOpen
            } else if !required {
                Kind::OptionalPropertyAddedToOpen
            } else if default {
                Kind::RequiredPropertyWithDefaultAddedToOpen
            } else {
                Kind::RequiredPropertyAddedToOpen
            };
            self.differs(at, kind);
            return Ok(());
        }
        if let Some(before) =
            self.covering(original, name, |node, step| step.original_shape(node))?
        {
            self.inside(at, before, after);
            let pair = self.below(before, after);
            let covered = self.known.ask(pair)?;
            let (yes, no) = (Kind::PropertyAddedIsCovered, Kind::PropertyAddedNotCovered);
            self.differs(at, if covered { yes } else { no });
        }
        let kind = if !required {
            Kind::OptionalPropertyAddedToUnopen
        } else if default {
            Kind::RequiredPropertyWithDefaultAddedToUnopen
        } else {
            Kind::RequiredPropertyAddedToUnopen
        };
        self.differs(at, kind);
        Ok(())
    }

    fn compare_dependencies(&mut self, original: &'g ObjectShape, update: &'g ObjectShape) {
        let (before, after) = (&original.property_dependencies, &update.property_dependencies);
        for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let kind = match (before.get(name), after.get(name)) {
                (_, None) => Kind::DependencyArrayRemoved,
                (None, Some(_)) => Kind::DependencyArrayAdded,
                (Some(before), Some(after)) if before == after => continue,
                (Some(before), Some(after)) if after.is_superset(before) => {
                    Kind::DependencyArrayExtended
                }
                (Some(before), Some(after)) if before.is_superset(after) => {
                    Kind::DependencyArrayNarrowed
                }
                _ => Kind::DependencyArrayChanged,
            };
            self.differs(At::Member("dependencies", name), kind);
        }
        let (before, after) = (&original.schema_dependencies, &update.schema_dependencies);
        for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let at = At::Member("dependencies", name);
            match (before.get(name), after.get(name)) {
                (_, None) => self.differs(at, Kind::DependencySchemaRemoved),
                (None, Some(_)) => self.differs(at, Kind::DependencySchemaAdded),
                (Some(before), Some(after)) => self.inside(at, *before, *after),
            }
        }
    }

    /// One of the four `kinds` (added, removed, extended, narrowed) if what may come besides differs.
    pub(super) fn compare_additional(
        &mut self,
        keyword: &'static str,
        original: Additional,
        update: Additional,
        [added, removed, extended, narrowed]: [Kind; 4],
    ) {
        let at = At::Keyword(keyword);
        match (original, update) {
            (Additional::Nothing, Additional::Nothing)
            | (Additional::Anything, Additional::Anything) => {}
            (Additional::Nothing, _) => self.differs(at, added),
            (_, Additional::Nothing) => self.differs(at, removed),
            (Additional::Matching(_), Additional::Anything) => self.differs(at, extended),
            (Additional::Anything, Additional::Matching(_)) => self.differs(at, narrowed),
            (Additional::Matching(original), Additional::Matching(update)) => {
                self.inside(at, original, update);
            }
        }
    }

    /// What `object`, which is not open, asks of a property that it does not name; nothing if it is
    /// closed.
    fn covering(
        &mut self,
        object: &ObjectShape,
        name: &str,
        shape: impl Fn(NodeId, &Self) -> &'g Shape,
    ) -> Result<Option<NodeId>, SchemaError> {
        for (pattern, node) in &object.pattern_properties {
            if self.known.is_found(pattern, name)? {
                return Ok(Some(*node));
            }
        }
        let model = match (object.additional, object.unevaluated) {
            (Additional::Anything, Some(node)) => additional(node, shape(node, self)),
            (model, _) => model,
        };
        Ok(match model {
            Additional::Matching(node) => Some(node),
            Additional::Anything | Additional::Nothing => None,
        })
    }

    /// The same of what no other keyword has looked at.
    pub(super) fn compare_unevaluated(
        &mut self,
        keyword: &'static str,
        original: Option<NodeId>,
        update: Option<NodeId>,
        kinds: [Kind; 4],
    ) {
        let before = original.map(|node| additional(node, self.original_shape(node)));
        let after = update.map(|node| additional(node, self.update_shape(node)));
        let after = match (before, after) {
            // To say that anything may come counts as narrower than to say nothing.
            (None, Some(Additional::Anything)) => {
                let [.., narrowed] = kinds;
                return self.differs(At::Keyword(keyword), narrowed);
            }
            (_, after) => after.unwrap_or_default(),
        };
        let before = before.unwrap_or_default();
        self.compare_additional(keyword, before, after, kinds);
    }
}

/// `true` and `{}` let anything come, `false` nothing.
pub(super) fn additional(node: NodeId, shape: &Shape) -> Additional {
    match shape {
        Shape::False => Additional::Nothing,
        shape if is_empty(shape) => Additional::Anything,
        _ => Additional::Matching(node),
    }
}

fn is_open<'g>(object: &ObjectShape, shape: impl Fn(NodeId) -> &'g Shape) -> bool {
    object.pattern_properties.is_empty()
        && object.additional == Additional::Anything
        && object.unevaluated.is_none_or(|node| is_empty(shape(node)))
}
