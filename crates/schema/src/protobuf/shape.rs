//! What of the type of a field decides whether it can be read as another one.

use super::names::{Named, Names, Scope};
use super::tree::{Scalar, Type, map_of};
use crate::{SchemaError, Work};

type Result<T> = std::result::Result<T, SchemaError>;

/// What of a field's type counts for its encoding.
pub(super) enum Shape<'a> {
    Scalar(Group),
    Map(String, String),
    /// Full name and type, if they were found.
    Message(Option<(String, Named<'a>)>),
}

/// Scalars that are read as each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    GeneralNumber,
    SignedNumber,
    StringOrBytes,
    Fixed32,
    Fixed64,
    Float,
    Double,
}

pub(super) fn shape_of<'a>(
    kind: &str,
    names: &Names<'a>,
    scope: &Scope,
    work: &mut Work,
) -> Result<Shape<'a>> {
    if let Some(scalar) = Scalar::of(kind) {
        return Ok(Shape::Scalar(group_of(scalar)));
    }
    if let Some((key, value)) = map_of(kind) {
        return Ok(Shape::Map(key.to_owned(), value.to_owned()));
    }
    let found = names.resolve(kind, scope, work)?;
    if let Some((_, named)) = &found {
        if matches!(named.kind, Type::Enum(_)) {
            return Ok(Shape::Scalar(Group::GeneralNumber));
        }
        if let Some((key, value)) = named.map_entry() {
            return Ok(Shape::Map(key.kind.clone(), value.kind.clone()));
        }
    }
    Ok(Shape::Message(found))
}

fn group_of(scalar: Scalar) -> Group {
    match scalar {
        Scalar::Int32 | Scalar::Int64 | Scalar::Uint32 | Scalar::Uint64 | Scalar::Bool => {
            Group::GeneralNumber
        }
        Scalar::Sint32 | Scalar::Sint64 => Group::SignedNumber,
        Scalar::String | Scalar::Bytes => Group::StringOrBytes,
        Scalar::Fixed32 | Scalar::Sfixed32 => Group::Fixed32,
        Scalar::Fixed64 | Scalar::Sfixed64 => Group::Fixed64,
        Scalar::Float => Group::Float,
        Scalar::Double => Group::Double,
    }
}
