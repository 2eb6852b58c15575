//! Arrays: one schema for all items, tuples under each content model, limits.

use super::super::graph::{Additional, ArrayShape, NodeId, Shape};
use super::object::additional;
use super::step::{At, Step};
use super::{Kind, is_empty};
use crate::SchemaError;

impl<'g> Step<'g, '_> {
    pub(super) fn compare_arrays(
        &mut self,
        original: &'g ArrayShape,
        update: &'g ArrayShape,
    ) -> Result<(), SchemaError> {
        self.inside_if_both(At::Keyword("items"), original.every_item, update.every_item);
        let positions = original.items.len().max(update.items.len());
        for index in 0..positions {
            let at = At::Position("items", index);
            match (original.items.get(index), update.items.get(index)) {
                (Some(before), Some(after)) => self.inside(at, *before, *after),
                (Some(before), None) => self.item_removed(at, *before, update)?,
                (None, Some(after)) => self.item_added(at, *after, original)?,
                (None, None) => {}
            }
        }
        self.compare_additional(
            "additionalItems",
            original.additional,
            update.additional,
            [
                Kind::AdditionalItemsAdded,
                Kind::AdditionalItemsRemoved,
                Kind::AdditionalItemsExtended,
                Kind::AdditionalItemsNarrowed,
            ],
        );
        self.compare_unevaluated(
            "unevaluatedItems",
            original.unevaluated,
            update.unevaluated,
            [
                Kind::UnevaluatedItemsAdded,
                Kind::UnevaluatedItemsRemoved,
                Kind::UnevaluatedItemsExtended,
                Kind::UnevaluatedItemsNarrowed,
            ],
        );
        self.compare_limits(original, update);
        Ok(())
    }

    fn compare_limits(&mut self, original: &ArrayShape, update: &ArrayShape) {
        self.limit(
            "maxItems",
            original.max_items,
            update.max_items,
            [
                Kind::MaxItemsAdded,
                Kind::MaxItemsRemoved,
                Kind::MaxItemsIncreased,
                Kind::MaxItemsDecreased,
            ],
        );
        self.limit(
            "minItems",
            original.min_items,
            update.min_items,
            [
                Kind::MinItemsAdded,
                Kind::MinItemsRemoved,
                Kind::MinItemsIncreased,
                Kind::MinItemsDecreased,
            ],
        );
        match (original.unique_items, update.unique_items) {
            (true, false) => self.differs(At::Keyword("uniqueItems"), Kind::UniqueItemsRemoved),
            (false, true) => self.differs(At::Keyword("uniqueItems"), Kind::UniqueItemsAdded),
            _ => {}
        }
        self.limit(
            "maxContains",
            original.max_contains,
            update.max_contains,
            [
                Kind::MaxContainsAdded,
                Kind::MaxContainsRemoved,
                Kind::MaxContainsIncreased,
                Kind::MaxContainsDecreased,
            ],
        );
        self.limit(
            "minContains",
            original.min_contains,
            update.min_contains,
            [
                Kind::MinContainsAdded,
                Kind::MinContainsRemoved,
                Kind::MinContainsIncreased,
                Kind::MinContainsDecreased,
            ],
        );
    }

    fn item_removed(
        &mut self,
        at: At<'g>,
        before: NodeId,
        update: &'g ArrayShape,
    ) -> Result<(), SchemaError> {
        let kind = match content_model(update, |node| self.update_shape(node)) {
            Additional::Anything => Kind::ItemRemovedFromOpen,
            Additional::Matching(after) => {
                self.inside(at, before, after);
                let pair = self.below(before, after);
                let covered = self.known.ask(pair)?;
                if covered { Kind::ItemRemovedIsCovered } else { Kind::ItemRemovedNotCovered }
            }
            Additional::Nothing if *self.original_shape(before) == Shape::False => {
                Kind::ItemWithFalseRemovedFromClosed
            }
            Additional::Nothing => Kind::ItemRemovedFromClosed,
        };
        self.differs(at, kind);
        Ok(())
    }

    fn item_added(
        &mut self,
        at: At<'g>,
        after: NodeId,
        original: &'g ArrayShape,
    ) -> Result<(), SchemaError> {
        let kind = match content_model(original, |node| self.original_shape(node)) {
            Additional::Anything if is_empty(self.update_shape(after)) => {
                Kind::ItemWithEmptySchemaAddedToOpen
            }
            Additional::Anything => Kind::ItemAddedToOpen,
            Additional::Matching(before) => {
                self.inside(at, before, after);
                let pair = self.below(before, after);
                let covered = self.known.ask(pair)?;
                if covered { Kind::ItemAddedIsCovered } else { Kind::ItemAddedNotCovered }
            }
            Additional::Nothing => Kind::ItemAddedToClosed,
        };
        self.differs(at, kind);
        Ok(())
    }
}

/// What may come behind the items that have a schema of their own.
fn content_model<'g>(array: &ArrayShape, shape: impl Fn(NodeId) -> &'g Shape) -> Additional {
    match (array.additional, array.unevaluated) {
        (Additional::Anything, Some(node)) => additional(node, shape(node)),
        (model, _) => model,
    }
}
