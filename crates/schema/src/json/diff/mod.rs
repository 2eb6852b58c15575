//! What differs between two JSON Schemas, and whether a reader with the one can read what a writer
//! with the other wrote.
//!
//! The comparison is cut into pairs of nodes. One [`Step`] compares one pair and names the pairs that it
//! depends on; nothing here calls itself, so that neither nesting nor a chain of references takes stack.
//! Every pair counts as compatible until something incompatible is found in it or below it: that is what
//! lets a recursive schema read itself. No pair is looked at more often than pairs below it change, so
//! the cost grows with the number of pairs and never with the number of paths to them.

mod array;
mod combined;
mod difference;
mod object;
mod step;
#[cfg(test)]
mod tests;

pub(super) use difference::Kind;

use super::graph::{Graph, Node, NodeId, Shape};
use super::pattern::Patterns;
use crate::{Limits, Policy, SchemaError, Work};
use std::collections::{BTreeSet, HashMap, HashSet};
use step::{At, Finding, Known, Step};

/// What a pair that comes up for the first time costs beside looking at it, in steps: it takes some
/// hundred bytes.
const PAIR_STEPS: usize = 3;

/// How many differences are listed. The verdict counts all of them.
const DIFFERENCES_MAX: usize = 1_000;

/// The two schemas that are compared.
#[derive(Clone, Copy)]
pub(super) struct Sides<'g> {
    /// What was written is valid under this one: the original, as Confluent calls it.
    pub(super) writer: (&'g Graph, NodeId),
    /// What reads: the update.
    pub(super) reader: (&'g Graph, NodeId),
}

/// A node of the original and one of the update that takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pair {
    original: NodeId,
    update: NodeId,
    /// Under a `not` the reader's node is the original.
    reversed: bool,
}

impl<'g> Sides<'g> {
    fn originals(&self, reversed: bool) -> &'g Graph {
        if reversed { self.reader.0 } else { self.writer.0 }
    }

    fn updates(&self, reversed: bool) -> &'g Graph {
        self.originals(!reversed)
    }

    /// The pair of what the two refer to.
    fn pair(&self, original: NodeId, update: NodeId, reversed: bool) -> Pair {
        Pair {
            original: self.originals(reversed).resolved(original),
            update: self.updates(reversed).resolved(update),
            reversed,
        }
    }

    fn root(&self) -> Pair {
        self.pair(self.writer.1, self.reader.1, false)
    }

    fn original(&self, pair: Pair) -> &'g Node {
        self.originals(pair.reversed).node(pair.original)
    }

    fn update(&self, pair: Pair) -> &'g Node {
        self.updates(pair.reversed).node(pair.update)
    }
}

/// Which differences are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// Those that keep the reader from reading.
    Incompatible,
    /// All, as a tool that shows changes wants them.
    All,
}

/// The differences, each with its path from `#/`.
///
/// # Errors
/// [`SchemaError::TooExpensive`]
pub(super) fn differences(
    sides: Sides<'_>,
    policy: Policy,
    listed: Listed,
    limits: &Limits,
) -> Result<Vec<(Kind, String)>, SchemaError> {
    let mut verdicts = Verdicts::new(sides, policy, Work::new(limits));
    verdicts.number(sides.root())?;
    verdicts.settle()?;
    verdicts.list(listed)
}

/// What is known of every pair that came up.
struct Verdicts<'g> {
    sides: Sides<'g>,
    policy: Policy,
    work: Work,
    patterns: Patterns,
    /// In the order in which they came up.
    pairs: Vec<Pair>,
    numbers: HashMap<Pair, usize>,
    /// By number: whether no difference has been found that matters.
    compatible: Vec<bool>,
    /// By number: pairs that took this one to be compatible.
    dependents: Vec<Vec<usize>>,
    /// Numbers of pairs that have not been looked at.
    fresh: Vec<usize>,
    /// Numbers of pairs one of whose dependencies has turned out to be incompatible.
    stale: BTreeSet<usize>,
}

impl<'g> Verdicts<'g> {
    fn new(sides: Sides<'g>, policy: Policy, work: Work) -> Self {
        Verdicts {
            sides,
            policy,
            work,
            patterns: Patterns::default(),
            pairs: Vec::new(),
            numbers: HashMap::new(),
            compatible: Vec::new(),
            dependents: Vec::new(),
            fresh: Vec::new(),
            stale: BTreeSet::new(),
        }
    }

    /// Looks at pairs until no verdict changes any more.
    fn settle(&mut self) -> Result<(), SchemaError> {
        // New pairs first, then those that came up last: what a pair depends on is mostly settled
        // before the pair itself is looked at again.
        while let Some(number) = self.fresh.pop().or_else(|| self.stale.pop_last()) {
            if self.compatible[number] && !self.look_at(number)? {
                self.compatible[number] = false;
                self.stale.extend(std::mem::take(&mut self.dependents[number]));
            }
        }
        Ok(())
    }

    /// Whether nothing speaks against pair `number`, as far as is known. What can be told at once is
    /// looked at before what brings up other pairs: two parts of a choice that differ in a constant
    /// need no look at all that is below them.
    fn look_at(&mut self, number: usize) -> Result<bool, SchemaError> {
        let findings = self.findings(number)?;
        let mut open = Vec::new();
        for finding in findings {
            match finding {
                Finding::Differs(_, kind) if !kind.is_compatible(self.policy) => return Ok(false),
                Finding::Differs(..) => {}
                Finding::Inside(_, pair) => match self.glance(pair)? {
                    Some(false) => return Ok(false),
                    Some(true) => {}
                    None => open.push(pair),
                },
            }
        }
        for pair in open {
            if !self.ask(pair, number)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The verdict on `pair` if nothing is below it, or if its two sides are of different types.
    fn glance(&mut self, pair: Pair) -> Result<Option<bool>, SchemaError> {
        self.work.step()?;
        let (original, update) = (self.sides.original(pair), self.sides.update(pair));
        let same = std::mem::discriminant(&original.shape) == std::mem::discriminant(&update.shape);
        let apart = !same && !original.shape.is_combined() && !update.shape.is_combined();
        let told = apart || same && original.shape.is_leaf();
        if told { Ok(Some(self.hopefully(pair)?.is_some())) } else { Ok(None) }
    }

    /// The pairs that `pair` depends on if all pairs are compatible; nothing if it is not even then.
    fn hopefully(&mut self, pair: Pair) -> Result<Option<Vec<Pair>>, SchemaError> {
        let mut hope = Hope { patterns: &mut self.patterns, work: &mut self.work };
        let mut step = Step::new(self.sides, pair, &mut hope);
        step.compare()?;
        let mut below = Vec::new();
        for finding in step.findings {
            match finding {
                Finding::Differs(_, kind) if !kind.is_compatible(self.policy) => return Ok(None),
                Finding::Differs(..) => {}
                Finding::Inside(_, pair) => below.push(pair),
            }
        }
        Ok(Some(below))
    }

    /// Whether a look one level deep does not speak against `pair`.
    fn peek(&mut self, pair: Pair) -> Result<bool, SchemaError> {
        let Some(below) = self.hopefully(pair)? else { return Ok(false) };
        for pair in below {
            if self.glance(pair)? == Some(false) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn findings(&mut self, number: usize) -> Result<Vec<Finding<'g>>, SchemaError> {
        let (sides, pair) = (self.sides, self.pairs[number]);
        let mut asking = Asking { verdicts: self, dependent: number };
        let mut step = Step::new(sides, pair, &mut asking);
        step.compare()?;
        Ok(step.findings)
    }

    /// The findings of pair `number` when every verdict that they build on is final.
    fn final_findings(&mut self, number: usize) -> Result<Vec<Finding<'g>>, SchemaError> {
        loop {
            let findings = self.findings(number)?;
            if self.fresh.is_empty() {
                return Ok(findings);
            }
            self.settle()?;
        }
    }

    /// Whether `pair` counts as compatible, for `dependent` to build on.
    fn ask(&mut self, pair: Pair, dependent: usize) -> Result<bool, SchemaError> {
        if let Some(verdict) = self.glance(pair)? {
            return Ok(verdict);
        }
        let known = self.numbers.contains_key(&pair);
        let hopeless = !known && !self.peek(pair)?;
        let number = self.number(pair)?;
        if hopeless {
            self.fresh.pop();
            self.compatible[number] = false;
        }
        let compatible = self.compatible[number];
        if compatible && self.dependents[number].last() != Some(&dependent) {
            self.dependents[number].push(dependent);
        }
        Ok(compatible)
    }

    fn number(&mut self, pair: Pair) -> Result<usize, SchemaError> {
        if let Some(number) = self.numbers.get(&pair) {
            return Ok(*number);
        }
        self.work.steps(PAIR_STEPS)?;
        let number = self.pairs.len();
        self.pairs.push(pair);
        self.numbers.insert(pair, number);
        self.compatible.push(true);
        self.dependents.push(Vec::new());
        self.fresh.push(number);
        Ok(number)
    }

    /// Walks from the root to every difference that is to be listed. The verdict stands by then: what
    /// is too much to list is left out, as long as something is listed.
    fn list(&mut self, listed: Listed) -> Result<Vec<(Kind, String)>, SchemaError> {
        let mut differences = Vec::new();
        match self.walk(listed, &mut differences) {
            Err(error) if differences.is_empty() => Err(error),
            _ => Ok(differences),
        }
    }

    fn walk(
        &mut self,
        listed: Listed,
        differences: &mut Vec<(Kind, String)>,
    ) -> Result<(), SchemaError> {
        let mut path: Vec<At<'g>> = Vec::new();
        // The pairs that are being walked through, each with what is left of its findings.
        let mut frames = Vec::new();
        let mut open = HashSet::new();
        let root = self.number(self.sides.root())?;
        if listed == Listed::All || !self.compatible[root] {
            open.insert(root);
            frames.push((root, self.final_findings(root)?.into_iter()));
        }
        while let Some((number, findings)) = frames.last_mut() {
            match findings.next() {
                _ if differences.len() == DIFFERENCES_MAX => break,
                None => {
                    open.remove(number);
                    path.pop();
                    frames.pop();
                }
                Some(Finding::Differs(at, kind)) => {
                    if listed == Listed::All || !kind.is_compatible(self.policy) {
                        differences.push((kind, step::path(&path, at)));
                    }
                }
                Some(Finding::Inside(at, pair)) => {
                    let below = self.number(pair)?;
                    // A verdict may have been reached without a look at this one.
                    self.settle()?;
                    let wanted = listed == Listed::All || !self.compatible[below];
                    if wanted && open.insert(below) {
                        path.push(at);
                        frames.push((below, self.final_findings(below)?.into_iter()));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Pair number `dependent`, while it is looked at.
struct Asking<'v, 'g> {
    verdicts: &'v mut Verdicts<'g>,
    dependent: usize,
}

impl Known for Asking<'_, '_> {
    fn ask(&mut self, pair: Pair) -> Result<bool, SchemaError> {
        self.verdicts.ask(pair, self.dependent)
    }

    fn is_found(&mut self, pattern: &str, name: &str) -> Result<bool, SchemaError> {
        let Verdicts { work, patterns, .. } = self.verdicts;
        patterns.is_found(pattern, name, work)
    }
}

/// For a comparison that takes every pair to be compatible.
struct Hope<'v> {
    patterns: &'v mut Patterns,
    work: &'v mut Work,
}

impl Known for Hope<'_> {
    fn ask(&mut self, _pair: Pair) -> Result<bool, SchemaError> {
        self.work.step()?;
        Ok(true)
    }

    fn is_found(&mut self, pattern: &str, name: &str) -> Result<bool, SchemaError> {
        self.patterns.is_found(pattern, name, self.work)
    }
}

fn is_empty(shape: &Shape) -> bool {
    matches!(shape, Shape::True | Shape::Empty)
}
