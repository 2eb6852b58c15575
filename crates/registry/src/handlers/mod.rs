//! What answers each route: a request's parts in, a call of the registry, an answer out.

pub mod compatibility;
pub mod config;
pub mod contexts;
pub mod mode;
pub mod schemas;
pub mod server;
pub mod subjects;
pub mod versions;

use crate::Registry;
use crate::error::ApiError;
use crate::http::call::Call;
use crate::registry::SchemaTags;
use std::collections::BTreeSet;
use tidegate_machine::schema::{Include, SchemaVersion};

/// Which versions `deleted` and `deletedOnly` ask for; the second beats the first.
fn included(call: &Call) -> Include {
    if call.query.flag("deletedOnly") {
        Include::DeletedOnly
    } else if call.query.flag("deleted") {
        Include::All
    } else {
        Include::Live
    }
}

/// Deleted ones too, if `deleted` says so.
fn with_deleted(call: &Call) -> Include {
    if call.query.flag("deleted") { Include::All } else { Include::Live }
}

/// The version that a path names; `None` is the latest.
fn version(call: &Call) -> Result<Option<i32>, ApiError> {
    let text = call.param("version").trim();
    if text.eq_ignore_ascii_case("latest") {
        return Ok(None);
    }
    match text.parse::<i32>() {
        Ok(-1) => Ok(None),
        Ok(version) if version > 0 => Ok(Some(version)),
        _ => Err(ApiError::invalid_version(text)),
    }
}

/// The tags in a schema's text that `findTags` asks for.
async fn tags(registry: &Registry, call: &Call, version: &SchemaVersion) -> Vec<SchemaTags> {
    let wanted: BTreeSet<String> = call.query.all("findTags").map(str::to_owned).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    registry.find_tags(version, wanted).await
}

/// The page of a list that `offset` and `limit` ask for.
fn page<T>(
    call: &Call,
    limit: crate::settings::ListLimit,
    list: impl IntoIterator<Item = T>,
) -> Result<Vec<T>, ApiError> {
    let offset = usize::try_from(call.query_number("offset", 0)?).unwrap_or(0);
    let limit = limit.of(call.query_number("limit", -1)?);
    Ok(list.into_iter().skip(offset).take(limit).collect())
}
