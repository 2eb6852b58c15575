//! Whether a reader can read what a writer wrote: the rules of Avro's schema resolution, with the
//! findings, the places and the order of `SchemaCompatibility` in Avro 1.12.
//!
//! Where Avro 1.11 answers differently, it is in places only: below a writer's union that is read by
//! something else than a union it starts a new path, 1.12 goes on with the number of the branch.

use super::equality::too_deep;
use super::graph::{Body, Field, Graph, Kind, Named, NodeId, Primitive, Record};
use super::print;
use crate::{Incompatibility, Limits, SchemaError, Work};
use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};
use std::fmt::Write;
use std::rc::Rc;

/// How many findings are told. Types that are used in many places can be wrong in all of them, and
/// the number of places grows exponentially with the size of the text.
const FINDINGS_MAX: usize = 1_000;

/// How long all that is told may be: each finding may name all symbols of a large enum.
const TOLD_BYTES_MAX: usize = 1 << 20;

/// Why data written with `writer` may not be readable with `reader`.
pub(super) fn incompatibilities(
    (reader, reader_root): (&Graph, NodeId),
    (writer, writer_root): (&Graph, NodeId),
    limits: &Limits,
) -> Result<Vec<Incompatibility>, SchemaError> {
    let mut checker = Checker {
        reader,
        writer,
        limits,
        results: HashMap::new(),
        compatible: Rc::default(),
        work: Work::new(limits),
        // Where only one side of a pair is a union, only that side gets deeper.
        depth_left: 2 * limits.depth_max,
    };
    match checker.pair(Step::Root, (reader_root, writer_root), &mut Vec::new()) {
        Ok(findings) => Ok(checker.all_told(&findings)),
        Err(Stop::Ambiguous(problem)) => {
            let problem = format!("Unexpected exception during compatibility check: {problem}");
            Ok(vec![Incompatibility::plain(problem)])
        }
        Err(Stop::Refused(error)) => Err(error),
    }
}

/// Why a comparison ends before all is compared.
enum Stop {
    /// A reader's field has several fields of the writer to be read from; it is the whole answer.
    Ambiguous(String),
    Refused(SchemaError),
}

impl From<SchemaError> for Stop {
    fn from(error: SchemaError) -> Self {
        Stop::Refused(error)
    }
}

/// One step from a type into its parts.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Where a path begins. Paths below a branch of the reader's union begin anew: what is found
    /// there is told only if the same two types are met again on another way.
    Root,
    Into(&'static str),
    Position(usize),
}

/// What is wrong at one place.
#[derive(Debug)]
struct Finding {
    problem: Problem,
    /// The types that it is about.
    reader: NodeId,
    writer: NodeId,
    location: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
enum Problem {
    Name,
    FixedSize,
    EnumSymbols,
    /// The reader's field at that position.
    FieldDefault(usize),
    Type,
    UnionBranch,
}

type Findings = Rc<Vec<Rc<Finding>>>;
type Pair = (NodeId, NodeId);

struct Checker<'g> {
    reader: &'g Graph,
    writer: &'g Graph,
    limits: &'g Limits,
    /// What came out for a pair; `None` while it is being compared, which counts as compatible.
    results: HashMap<Pair, Option<Findings>>,
    /// No findings, shared.
    compatible: Findings,
    work: Work,
    depth_left: usize,
}

impl<'g> Checker<'g> {
    fn pair(&mut self, step: Step, pair: Pair, location: &mut Vec<Step>) -> Result<Findings, Stop> {
        self.work.step()?;
        let (reader, writer) = (&self.reader[pair.0].kind, &self.writer[pair.1].kind);
        if let (Kind::Primitive(reader), Kind::Primitive(writer)) = (reader, writer)
            && promotes(*writer, *reader)
        {
            return Ok(self.compatible.clone());
        }
        // A type without a name is a part of one other type only, and so is met once; and what has no
        // parts is told for each of its places.
        let is_shared = match (reader, writer) {
            (Kind::Primitive(_), _) | (_, Kind::Primitive(_)) => false,
            (reader, writer) => reader.body().is_some() || writer.body().is_some(),
        };
        if is_shared {
            match self.results.entry(pair) {
                Entry::Occupied(known) => {
                    return Ok(known.get().as_ref().unwrap_or(&self.compatible).clone());
                }
                Entry::Vacant(unknown) => drop(unknown.insert(None)),
            }
        }
        self.depth_left = self.depth_left.checked_sub(1).ok_or_else(too_deep)?;
        location.push(step);
        let findings = self.compare(pair, location)?;
        location.pop();
        self.depth_left += 1;
        if is_shared {
            self.results.insert(pair, Some(findings.clone()));
        }
        Ok(findings)
    }

    fn compare(&mut self, pair: Pair, location: &mut Vec<Step>) -> Result<Findings, Stop> {
        let (reader, writer) = (self.reader, self.writer);
        match (&reader[pair.0].kind, &writer[pair.1].kind) {
            (Kind::Array(reader), Kind::Array(writer)) => {
                self.pair(Step::Into("items"), (*reader, *writer), location)
            }
            (Kind::Map(reader), Kind::Map(writer)) => {
                self.pair(Step::Into("values"), (*reader, *writer), location)
            }
            (Kind::Named(reader), Kind::Named(writer)) if same_body(reader, writer) => {
                self.named(pair, reader, writer, location)
            }
            (Kind::Union(_), Kind::Union(branches)) => {
                self.union_by_union(pair.0, branches, location)
            }
            (_, Kind::Union(branches)) => {
                let mut findings = Vec::new();
                for (position, branch) in branches.iter().enumerate() {
                    let part = self.pair(Step::Position(position), (pair.0, *branch), location)?;
                    self.merge(&mut findings, &part)?;
                }
                Ok(self.shared(findings))
            }
            (Kind::Union(branches), _) => {
                for branch in branches {
                    let findings = self.pair(Step::Root, (*branch, pair.1), location)?;
                    if findings.is_empty() {
                        return Ok(findings);
                    }
                }
                Ok(found(Problem::UnionBranch, pair, location))
            }
            _ => Ok(found(Problem::Type, pair, location)),
        }
    }

    /// Each branch of the writer must be readable by the reader as a whole. Why one is not, is not told.
    fn union_by_union(
        &mut self,
        reader: NodeId,
        branches: &[NodeId],
        location: &mut Vec<Step>,
    ) -> Result<Findings, Stop> {
        let mut findings = Vec::new();
        for (position, branch) in branches.iter().enumerate() {
            let part = self.pair(Step::Root, (reader, *branch), location)?;
            if !part.is_empty() {
                location.push(Step::Position(position));
                let part = found(Problem::UnionBranch, (reader, *branch), location);
                self.merge(&mut findings, &part)?;
                location.pop();
            }
        }
        Ok(self.shared(findings))
    }

    fn named(
        &mut self,
        pair: Pair,
        reader: &'g Named,
        writer: &'g Named,
        location: &mut Vec<Step>,
    ) -> Result<Findings, Stop> {
        let mut findings = Vec::new();
        self.work.steps(reader.aliases.len())?;
        // Names of different namespaces count as the same if they are the same without them.
        if reader.name.simple() != writer.name.simple() && !reader.has_alias(&writer.name) {
            location.push(Step::Into("name"));
            self.merge(&mut findings, &found(Problem::Name, pair, location))?;
            location.pop();
        }
        match (&reader.body, &writer.body) {
            (Body::Record(reader), Body::Record(writer)) => {
                location.push(Step::Into("fields"));
                for (position, field) in reader.fields.iter().enumerate() {
                    location.push(Step::Position(position));
                    let part = self.field(pair, (position, field), writer, location)?;
                    self.merge(&mut findings, &part)?;
                    location.pop();
                }
                location.pop();
            }
            (Body::Enum { symbols, default }, Body::Enum { symbols: written, .. }) => {
                self.work.steps(symbols.len() + written.len())?;
                if default.is_none() && !missing(symbols, written).is_empty() {
                    location.push(Step::Into("symbols"));
                    self.merge(&mut findings, &found(Problem::EnumSymbols, pair, location))?;
                    location.pop();
                }
            }
            (Body::Fixed { size }, Body::Fixed { size: written }) if size != written => {
                location.push(Step::Into("size"));
                self.merge(&mut findings, &found(Problem::FixedSize, pair, location))?;
                location.pop();
            }
            _ => {}
        }
        Ok(self.shared(findings))
    }

    fn field(
        &mut self,
        pair: Pair,
        (position, field): (usize, &Field),
        writer: &Record,
        location: &mut Vec<Step>,
    ) -> Result<Findings, Stop> {
        self.work.steps(1 + field.aliases.len())?;
        let names = std::iter::once(&field.name).chain(&*field.aliases);
        let mut written = names.filter_map(|name| writer.field(name, position));
        match (written.next(), written.next()) {
            (Some(_), Some(_)) => {
                let type_name = self.reader.type_name(field.kind).to_uppercase();
                let field = format!("{} type:{type_name} pos:{position}", field.name);
                let record = print::resolved(self.writer, pair.1, self.limits)?;
                let problem = format!(
                    "Reader record field {field} matches multiple fields in writer record schema {record}"
                );
                Err(Stop::Ambiguous(problem))
            }
            (Some(written), None) => {
                self.pair(Step::Into("type"), (field.kind, written.kind), location)
            }
            (None, _) if field.default.is_some() => Ok(self.compatible.clone()),
            // Avro compares an enum that has a default with the record itself, which never matches.
            (None, _) if has_default_symbol(self.reader, field.kind) => {
                self.pair(Step::Into("type"), (field.kind, pair.1), location)
            }
            (None, _) => Ok(found(Problem::FieldDefault(position), pair, location)),
        }
    }

    fn merge(&mut self, findings: &mut Vec<Rc<Finding>>, part: &Findings) -> Result<(), Stop> {
        self.work.steps(part.len())?;
        let room = FINDINGS_MAX.saturating_sub(findings.len());
        findings.extend(part.iter().take(room).cloned());
        Ok(())
    }

    fn shared(&self, findings: Vec<Rc<Finding>>) -> Findings {
        if findings.is_empty() { self.compatible.clone() } else { Rc::new(findings) }
    }

    /// The findings in words, as many as there is room for, and at least one.
    fn all_told(&self, findings: &[Rc<Finding>]) -> Vec<Incompatibility> {
        // One finding may be there many times, and each time name many symbols.
        let mut known: HashMap<*const Finding, Incompatibility> = HashMap::new();
        let mut all = Vec::new();
        let mut bytes = 0;
        for finding in findings {
            let told = known.entry(Rc::as_ptr(finding)).or_insert_with(|| self.told(finding));
            bytes += told.description.len();
            if bytes > TOLD_BYTES_MAX && !all.is_empty() {
                break;
            }
            all.push(told.clone());
        }
        all
    }

    /// The finding in words: the reader is the new schema, the writer the old one.
    fn told(&self, finding: &Finding) -> Incompatibility {
        let path = path(&finding.location);
        let reader = self.reader[finding.reader].kind.body();
        let writer = self.writer[finding.writer].kind.body();
        let type_name = |graph: &Graph, id| graph.type_name(id).to_uppercase();
        let (error_type, description, info) = match (finding.problem, reader, writer) {
            (Problem::Name, _, _) => (
                "NAME_MISMATCH",
                format!("The name of the schema has changed (path '{path}')"),
                format!("expected: {}", self.writer.full_name(finding.writer)),
            ),
            (
                Problem::FixedSize,
                Some(Body::Fixed { size: reader }),
                Some(Body::Fixed { size: writer }),
            ) => (
                "FIXED_SIZE_MISMATCH",
                format!(
                    "The size of FIXED type field at path '{path}' in the new schema does not match with the old schema"
                ),
                format!("expected: {writer}, found: {reader}"),
            ),
            (
                Problem::EnumSymbols,
                Some(Body::Enum { symbols: reader, .. }),
                Some(Body::Enum { symbols: writer, .. }),
            ) => {
                let missing = format!("[{}]", missing(reader, writer).join(", "));
                let description = format!(
                    "The new schema is missing enum symbols '{missing}' at path '{path}' in the old schema"
                );
                ("MISSING_ENUM_SYMBOLS", description, missing)
            }
            (Problem::FieldDefault(position), Some(Body::Record(reader)), _) => {
                let name = &reader.fields[position].name;
                let description = format!(
                    "The field '{name}' at path '{path}' in the new schema has no default value and is missing in the old schema"
                );
                ("READER_FIELD_MISSING_DEFAULT_VALUE", description, name.to_string())
            }
            (Problem::UnionBranch, _, _) => (
                "MISSING_UNION_BRANCH",
                format!(
                    "The new schema is missing a type inside a union field at path '{path}' in the old schema"
                ),
                format!(
                    "reader union lacking writer type: {}",
                    type_name(self.writer, finding.writer)
                ),
            ),
            _ => (
                "TYPE_MISMATCH",
                format!(
                    "The type (path '{path}') of a field in the new schema does not match with the old schema"
                ),
                format!(
                    "reader type: {} not compatible with writer type: {}",
                    type_name(self.reader, finding.reader),
                    type_name(self.writer, finding.writer)
                ),
            ),
        };
        Incompatibility { error_type, description, additional_info: Some(info) }
    }
}

fn found(problem: Problem, (reader, writer): Pair, location: &[Step]) -> Findings {
    let start = location.iter().rposition(|step| matches!(step, Step::Root)).unwrap_or_default();
    let finding = Finding { problem, reader, writer, location: location[start..].to_vec() };
    Rc::new(vec![Rc::new(finding)])
}

/// Whether a value of one primitive type can be read as one of the other.
fn promotes(writer: Primitive, reader: Primitive) -> bool {
    use Primitive::{Bytes, Double, Float, Int, Long, String};
    writer == reader
        || matches!(
            (writer, reader),
            (Int, Long | Float | Double)
                | (Long, Float | Double)
                | (Float, Double)
                | (String, Bytes)
                | (Bytes, String)
        )
}

fn same_body(a: &Named, b: &Named) -> bool {
    std::mem::discriminant(&a.body) == std::mem::discriminant(&b.body)
}

/// The symbols of the writer that the reader does not have, in Java's order of strings.
fn missing<'s>(reader: &[String], writer: &'s [String]) -> Vec<&'s str> {
    let known: HashSet<&str> = reader.iter().map(String::as_str).collect();
    let missing = writer.iter().map(String::as_str).filter(|symbol| !known.contains(symbol));
    let mut missing: Vec<&str> = missing.collect();
    missing.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    missing
}

fn has_default_symbol(graph: &Graph, id: NodeId) -> bool {
    matches!(graph[id].kind.body(), Some(Body::Enum { default: Some(_), .. }))
}

/// A JSON pointer; the root itself is `/`, as Avro has it.
fn path(location: &[Step]) -> String {
    let mut path = String::new();
    for step in &location[1..] {
        match step {
            Step::Root => path.push('/'),
            Step::Into(part) => write!(path, "/{part}").expect("a string takes all"),
            Step::Position(position) => write!(path, "/{position}").expect("a string takes all"),
        }
    }
    if path.is_empty() { "/".to_owned() } else { path }
}
