//! The comparison of one pair of nodes, without what is below them.

use super::super::decimal::Decimal;
use super::super::graph::{Criterion, NodeId, NumberShape, Shape, StringShape};
use super::{Kind, Pair, Sides, is_empty};
use crate::SchemaError;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Where below a pair something is.
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'g> {
    /// At the pair itself.
    Here,
    Keyword(&'static str),
    Member(&'static str, &'g str),
    Position(&'static str, usize),
}

/// What one step finds out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Finding<'g> {
    Differs(At<'g>, Kind),
    /// The differences of another pair are differences of this one.
    Inside(At<'g>, Pair),
}

/// The path to `at` below `outer`, as Confluent's registry writes paths.
pub(super) fn path(outer: &[At<'_>], at: At<'_>) -> String {
    let mut path = "#".to_owned();
    for at in outer.iter().chain([&at]) {
        match at {
            At::Here => Ok(()),
            At::Keyword(keyword) => write!(path, "/{keyword}"),
            At::Member(keyword, name) => write!(path, "/{keyword}/{name}"),
            At::Position(keyword, index) => write!(path, "/{keyword}/{index}"),
        }
        .expect("a String takes all");
    }
    if path == "#" {
        path.push('/');
    }
    path
}

/// What a step may ask of whoever makes it.
pub(super) trait Known {
    /// Whether another pair counts as compatible.
    fn ask(&mut self, pair: Pair) -> Result<bool, SchemaError>;

    /// Whether `pattern`, one of the two schemas', is found in `name`.
    fn is_found(&mut self, pattern: &str, name: &str) -> Result<bool, SchemaError>;
}

/// Compares one pair.
pub(super) struct Step<'g, 'k> {
    pub(super) sides: Sides<'g>,
    pub(super) pair: Pair,
    pub(super) known: &'k mut dyn Known,
    pub(super) findings: Vec<Finding<'g>>,
}

impl<'g, 'k> Step<'g, 'k> {
    pub(super) fn new(sides: Sides<'g>, pair: Pair, known: &'k mut dyn Known) -> Self {
        Step { sides, pair, known, findings: Vec::new() }
    }

    pub(super) fn differs(&mut self, at: At<'g>, kind: Kind) {
        self.findings.push(Finding::Differs(at, kind));
    }

    pub(super) fn inside(&mut self, at: At<'g>, original: NodeId, update: NodeId) {
        let pair = self.below(original, update);
        self.findings.push(Finding::Inside(at, pair));
    }

    /// The same for schemas one of which may be missing.
    pub(super) fn inside_if_both(
        &mut self,
        at: At<'g>,
        original: Option<NodeId>,
        update: Option<NodeId>,
    ) {
        match (original, update) {
            (None, None) => {}
            (None, Some(_)) => self.differs(at, Kind::SchemaAdded),
            (Some(_), None) => self.differs(at, Kind::SchemaRemoved),
            (Some(original), Some(update)) => self.inside(at, original, update),
        }
    }

    pub(super) fn below(&self, original: NodeId, update: NodeId) -> Pair {
        self.sides.pair(original, update, self.pair.reversed)
    }

    /// The shape of a node of the original, a reference being one.
    pub(super) fn original_shape(&self, node: NodeId) -> &'g Shape {
        self.sides.originals(self.pair.reversed).shape(node)
    }

    /// The shape of a node of the update, a reference being one.
    pub(super) fn update_shape(&self, node: NodeId) -> &'g Shape {
        self.sides.updates(self.pair.reversed).shape(node)
    }

    pub(super) fn compare(&mut self) -> Result<(), SchemaError> {
        let (original, update) = (self.sides.original(self.pair), self.sides.update(self.pair));
        if self.compare_combined_with_single(&original.shape, &update.shape)? {
            return Ok(());
        }
        if std::mem::discriminant(&original.shape) != std::mem::discriminant(&update.shape) {
            let bytes = original.about.connect_bytes && update.about.connect_bytes;
            if original.shape != Shape::False && !is_empty(&update.shape) && !bytes {
                self.differs(At::Here, Kind::TypeChanged);
            }
            return Ok(());
        }
        for (same, kind) in [
            (original.about.id == update.about.id, Kind::IdChanged),
            (original.about.title == update.about.title, Kind::TitleChanged),
            (original.about.description == update.about.description, Kind::DescriptionChanged),
            (original.about.default == update.about.default, Kind::DefaultChanged),
        ] {
            if !same {
                self.differs(At::Here, kind);
            }
        }
        self.compare_shapes(&original.shape, &update.shape)
    }

    /// One schema against several: they go together if it goes with one of them and that suffices.
    fn compare_combined_with_single(
        &mut self,
        original: &Shape,
        update: &Shape,
    ) -> Result<bool, SchemaError> {
        let (pairs, several): (Vec<Pair>, _) = match (original, update) {
            (Shape::Combined(..), Shape::Combined(..)) => return Ok(false),
            (_, Shape::Combined(criterion, parts)) => {
                let pairs = parts.iter().map(|part| self.below(self.pair.original, *part));
                (pairs.collect(), (*criterion != Criterion::All).then_some(Kind::SumTypeExtended))
            }
            (Shape::Combined(criterion, parts), _) => {
                let pairs = parts.iter().map(|part| self.below(*part, self.pair.update));
                let narrowed = Some(Kind::ProductTypeNarrowed);
                (pairs.collect(), narrowed.filter(|_| *criterion == Criterion::All))
            }
            _ => return Ok(false),
        };
        if pairs.len() != 1 && several.is_none() {
            return Ok(false);
        }
        let single = pairs.len() == 1;
        for pair in pairs {
            if self.known.ask(pair)? {
                self.findings.push(Finding::Inside(At::Here, pair));
                if let Some(kind) = several.filter(|_| !single) {
                    self.differs(At::Here, kind);
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn compare_shapes(
        &mut self,
        original: &'g Shape,
        update: &'g Shape,
    ) -> Result<(), SchemaError> {
        match (original, update) {
            (Shape::String(original), Shape::String(update)) => {
                self.compare_strings(original, update);
            }
            (Shape::Number(original), Shape::Number(update)) => {
                self.compare_numbers(original, update);
            }
            (Shape::Const(original), Shape::Const(update)) if original != update => {
                self.differs(At::Keyword("const"), Kind::EnumArrayChanged);
            }
            (Shape::Enum(original), Shape::Enum(update)) => self.compare_enums(original, update),
            (Shape::Combined(..), Shape::Combined(..)) => {
                self.compare_combined(original, update)?
            }
            (Shape::Not(original), Shape::Not(update)) => {
                // What must not match grows where the schema as a whole shrinks.
                let pair = self.sides.pair(*update, *original, !self.pair.reversed);
                let narrowed = self.known.ask(pair)?;
                let kind = if narrowed { Kind::NotTypeNarrowed } else { Kind::NotTypeExtended };
                self.differs(At::Keyword("not"), kind);
            }
            (Shape::Object(original), Shape::Object(update)) => {
                self.compare_objects(original, update)?;
            }
            (Shape::Array(original), Shape::Array(update)) => {
                self.compare_arrays(original, update)?;
            }
            // Nothing in these is compared: booleans, null, `true`, `false`, conditions.
            _ => {}
        }
        Ok(())
    }

    fn compare_strings(&mut self, original: &StringShape, update: &StringShape) {
        self.limit(
            "maxLength",
            original.max_length,
            update.max_length,
            [
                Kind::MaxLengthAdded,
                Kind::MaxLengthRemoved,
                Kind::MaxLengthIncreased,
                Kind::MaxLengthDecreased,
            ],
        );
        self.limit(
            "minLength",
            original.min_length,
            update.min_length,
            [
                Kind::MinLengthAdded,
                Kind::MinLengthRemoved,
                Kind::MinLengthIncreased,
                Kind::MinLengthDecreased,
            ],
        );
        let kind = match (&original.pattern, &update.pattern) {
            (None, Some(_)) => Kind::PatternAdded,
            (Some(_), None) => Kind::PatternRemoved,
            (original, update) if original != update => Kind::PatternChanged,
            _ => return,
        };
        self.differs(At::Keyword("pattern"), kind);
    }

    /// One of the four `kinds` (added, removed, increased, decreased) if a limit differs.
    pub(super) fn limit(
        &mut self,
        keyword: &'static str,
        original: Option<i32>,
        update: Option<i32>,
        kinds: [Kind; 4],
    ) {
        let order = original.zip(update).map(|(original, update)| update.cmp(&original));
        self.changed(keyword, original.is_some(), update.is_some(), order, kinds);
    }

    fn number_limit(
        &mut self,
        keyword: &'static str,
        original: &Option<Decimal>,
        update: &Option<Decimal>,
        kinds: [Kind; 4],
    ) {
        let order = original.as_ref().zip(update.as_ref());
        let order = order.map(|(original, update)| update.compare(original));
        self.changed(keyword, original.is_some(), update.is_some(), order, kinds);
    }

    fn changed(
        &mut self,
        keyword: &'static str,
        before: bool,
        after: bool,
        order: Option<Ordering>,
        [added, removed, increased, decreased]: [Kind; 4],
    ) {
        let kind = match (before, after, order) {
            (false, true, _) => added,
            (true, false, _) => removed,
            (_, _, Some(Ordering::Greater)) => increased,
            (_, _, Some(Ordering::Less)) => decreased,
            _ => return,
        };
        self.differs(At::Keyword(keyword), kind);
    }

    fn compare_numbers(&mut self, original: &NumberShape, update: &NumberShape) {
        self.number_limit(
            "maximum",
            &original.maximum,
            &update.maximum,
            [
                Kind::MaximumAdded,
                Kind::MaximumRemoved,
                Kind::MaximumIncreased,
                Kind::MaximumDecreased,
            ],
        );
        self.number_limit(
            "minimum",
            &original.minimum,
            &update.minimum,
            [
                Kind::MinimumAdded,
                Kind::MinimumRemoved,
                Kind::MinimumIncreased,
                Kind::MinimumDecreased,
            ],
        );
        let (before, after) = (&original.exclusive_maximum, &update.exclusive_maximum);
        self.number_limit(
            "exclusiveMaximum",
            before,
            after,
            [
                Kind::ExclusiveMaximumAdded,
                Kind::ExclusiveMaximumRemoved,
                Kind::ExclusiveMaximumIncreased,
                Kind::ExclusiveMaximumDecreased,
            ],
        );
        let (before, after) = (&original.exclusive_minimum, &update.exclusive_minimum);
        self.number_limit(
            "exclusiveMinimum",
            before,
            after,
            [
                Kind::ExclusiveMinimumAdded,
                Kind::ExclusiveMinimumRemoved,
                Kind::ExclusiveMinimumIncreased,
                Kind::ExclusiveMinimumDecreased,
            ],
        );
        self.compare_multiples(original.multiple_of.as_ref(), update.multiple_of.as_ref());
        match (original.integer, update.integer) {
            (true, false) => self.differs(At::Here, Kind::TypeExtended),
            (false, true) => self.differs(At::Here, Kind::TypeNarrowed),
            _ => {}
        }
    }

    fn compare_multiples(&mut self, original: Option<&Decimal>, update: Option<&Decimal>) {
        let kind = match (original, update) {
            (None, None) => return,
            (None, Some(_)) => Kind::MultipleOfAdded,
            (Some(_), None) => Kind::MultipleOfRemoved,
            (Some(original), Some(update)) => {
                if original.compare(update) == Ordering::Equal {
                    return;
                } else if update.is_multiple_of(original) {
                    Kind::MultipleOfExpanded
                } else if original.is_multiple_of(update) {
                    Kind::MultipleOfReduced
                } else {
                    Kind::MultipleOfChanged
                }
            }
        };
        self.differs(At::Keyword("multipleOf"), kind);
    }

    fn compare_enums(&mut self, original: &BTreeSet<String>, update: &BTreeSet<String>) {
        let kind = if original == update {
            return;
        } else if update.is_superset(original) {
            Kind::EnumArrayExtended
        } else if original.is_superset(update) {
            Kind::EnumArrayNarrowed
        } else {
            Kind::EnumArrayChanged
        };
        self.differs(At::Keyword("enum"), kind);
    }
}
