//! `allOf`, `anyOf` and `oneOf` against each other.

use super::super::graph::{Criterion, NodeId, Shape};
use super::Kind;
use super::step::{At, Finding, Step};
use crate::SchemaError;
use std::collections::HashSet;

impl<'g> Step<'g, '_> {
    /// As many parts of the one as there can be must each have a part of the other to go with,
    /// whatever order they stand in.
    pub(super) fn compare_combined(
        &mut self,
        original: &'g Shape,
        update: &'g Shape,
    ) -> Result<(), SchemaError> {
        let (Shape::Combined(before, originals), Shape::Combined(after, updates)) =
            (original, update)
        else {
            return Ok(());
        };
        if before != after {
            let extended = may_replace((*before, originals.len()), (*after, updates.len()));
            if !extended {
                self.differs(At::Here, Kind::CombinedTypeChanged);
                return Ok(());
            }
            self.differs(At::Here, Kind::CombinedTypeExtended);
        }
        let (originals, updates) = (distinct(originals), distinct(updates));
        if originals.len() < updates.len() {
            let product = *after == Criterion::All;
            let kind = if product { Kind::ProductTypeExtended } else { Kind::SumTypeExtended };
            self.differs(At::Here, kind);
        } else if originals.len() > updates.len() {
            let product = *before == Criterion::All;
            let kind = if product { Kind::ProductTypeNarrowed } else { Kind::SumTypeNarrowed };
            self.differs(At::Here, kind);
        }
        let matching = self.matching(&originals, &updates)?;
        let count = matching.iter().flatten().count();
        for (index, (original, update)) in originals.iter().zip(matching).enumerate() {
            if let Some(update) = update {
                let pair = self.below(*original, updates[update]);
                let at = At::Position(before.keyword(), index);
                self.findings.push(Finding::Inside(at, pair));
            }
        }
        if count < originals.len().min(updates.len()) {
            self.differs(At::Here, Kind::CombinedTypeSubschemasChanged);
        }
        Ok(())
    }

    /// For each of `originals` the position of the one of `updates` it goes with, no update twice, and
    /// as many as possible.
    fn matching(
        &mut self,
        originals: &[NodeId],
        updates: &[NodeId],
    ) -> Result<Vec<Option<usize>>, SchemaError> {
        let mut of_original = vec![None; originals.len()];
        let mut of_update = vec![None; updates.len()];
        // Most schemas keep their order: what goes with its own position needs no search.
        for index in 0..originals.len().min(updates.len()) {
            let pair = self.below(originals[index], updates[index]);
            if self.known.ask(pair)? {
                (of_original[index], of_update[index]) = (Some(index), Some(index));
            }
        }
        for first in 0..originals.len() {
            if of_original[first].is_none() {
                self.augment(first, originals, updates, &mut of_original, &mut of_update)?;
            }
        }
        Ok(of_original)
    }

    /// Finds a place for `first`, moving others to other places where that helps: the shortest
    /// alternating path from it to an update that is free, level by level.
    fn augment(
        &mut self,
        first: usize,
        originals: &[NodeId],
        updates: &[NodeId],
        of_original: &mut [Option<usize>],
        of_update: &mut [Option<usize>],
    ) -> Result<(), SchemaError> {
        let mut came_from = vec![None; updates.len()];
        let mut level = vec![first];
        while !level.is_empty() {
            let mut next = Vec::new();
            for original in level {
                for update in 0..updates.len() {
                    if came_from[update].is_some() {
                        continue;
                    }
                    let pair = self.below(originals[original], updates[update]);
                    if !self.known.ask(pair)? {
                        continue;
                    }
                    came_from[update] = Some(original);
                    match of_update[update] {
                        Some(taken) => next.push(taken),
                        None => {
                            flip(update, &came_from, of_original, of_update);
                            return Ok(());
                        }
                    }
                }
            }
            level = next;
        }
        Ok(())
    }
}

/// Gives `free` to the original that found it, whose update goes to the one that found that, and so on.
fn flip(
    free: usize,
    came_from: &[Option<usize>],
    of_original: &mut [Option<usize>],
    of_update: &mut [Option<usize>],
) {
    let mut update = Some(free);
    while let Some(at) = update {
        let Some(original) = came_from[at] else { break };
        of_update[at] = Some(original);
        update = of_original[original].replace(at);
    }
}

/// Whether a combination of another kind can read everything, as long as its parts can.
fn may_replace(original: (Criterion, usize), update: (Criterion, usize)) -> bool {
    let (before, originals) = original;
    let (after, updates) = update;
    after == Criterion::Any
        || originals == 1 && (updates == 1 || after == Criterion::One)
        || updates == 1 && before == Criterion::All
}

/// `parts` without those that equal an earlier one.
fn distinct(parts: &[NodeId]) -> Vec<NodeId> {
    let mut seen = HashSet::with_capacity(parts.len());
    parts.iter().copied().filter(|part| seen.insert(*part)).collect()
}
