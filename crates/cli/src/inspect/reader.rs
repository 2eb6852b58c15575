//! Topics by name and their records, from the files of a stopped gateway.

use crate::args::InspectArgs;
use crate::failure::Failure;
use crate::output;
use bytes::Bytes;
use serde::Serialize;
use std::ops::ControlFlow;
use tidegate_broker::compression::record_bytes;
use tidegate_log_local::contents::Contents;
use tidegate_log_local::{OpenError, Settings};
use tidegate_machine::catalog::{Catalog, Record as CatalogRecord};
use tidegate_model::{BatchHeader, Record, Records, TopicId, TopicIdPartition};

/// An open directory.
pub struct Reader {
    /// What it holds.
    pub contents: Contents,
    /// The topics.
    pub catalog: Catalog,
    /// Print JSON.
    pub json: bool,
}

impl Reader {
    /// Reads the catalog of the directory.
    pub fn open(args: &InspectArgs) -> Result<Reader, Failure> {
        if !args.data_dir.is_dir() {
            let directory = args.data_dir.display();
            return Err(Failure::Usage(format!(
                "--data-dir {directory}: there is no such directory"
            )));
        }
        let settings = Settings { wal_dir: args.wal_dir.clone(), ..Settings::new(&args.data_dir) };
        let contents = Contents::open(&settings).map_err(|error| match error {
            OpenError::InUse { .. } => Failure::Failed(format!(
                "{error}: stop the gateway first, or ask it (tidegate topic, group, schema)"
            )),
            error => failed(&error),
        })?;
        let mut reader = Reader { contents, catalog: Catalog::default(), json: args.json };
        let mut catalog = Catalog::default();
        reader.records(TopicIdPartition::METADATA, 0, &mut |_, _, record| {
            // What cannot be read is none of the records that are looked for.
            if let Ok(record) = CatalogRecord::decode(record.key, record.value) {
                catalog.replay(&record);
            }
            ControlFlow::Continue(())
        })?;
        reader.catalog = catalog;
        Ok(reader)
    }

    /// A topic's id.
    pub fn topic_id(&self, topic: &str) -> Result<TopicId, Failure> {
        let known = self.catalog.topic(topic);
        known.map(|topic| topic.topic_id).ok_or_else(|| {
            Failure::Failed(format!(
                "there is no topic {topic:?}; `tidegate inspect topics` lists all"
            ))
        })
    }

    /// The partitions of a topic that hold or held records, in order.
    pub fn partitions(&self, topic_id: TopicId) -> Vec<TopicIdPartition> {
        let partitions = self.contents.partitions().map(|(id, _)| id);
        partitions.filter(|id| id.topic_id == topic_id).collect()
    }

    /// Hands each batch from an offset on to `visit`, until it breaks.
    pub fn batches(
        &self,
        id: TopicIdPartition,
        from: i64,
        visit: &mut dyn FnMut(&BatchHeader, Bytes) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        self.contents.read(id, from, visit).map_err(|error| failed(&error))
    }

    /// Hands each record from an offset on to `visit`, with its offset, until it breaks.
    pub fn records(
        &self,
        id: TopicIdPartition,
        from: i64,
        visit: &mut dyn FnMut(&BatchHeader, i64, &Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let mut problem = None;
        self.batches(id, from, &mut |header, batch| {
            let flow = records_of(header, &batch, from, visit);
            flow.unwrap_or_else(|error| {
                problem = Some(format!("{id} offset {}: {error}", header.base_offset));
                ControlFlow::Break(())
            })
        })?;
        problem.map_or(Ok(()), |problem| Err(Failure::Damaged(problem)))
    }

    /// Prints rows as JSON, or what `table` makes of them.
    pub fn print<T: Serialize>(
        &self,
        rows: &[T],
        table: impl FnOnce(&[T]) -> output::Table,
    ) -> Result<(), Failure> {
        match self.json {
            true => output::print_json(&rows),
            false => output::print(&table(rows).render()),
        }
    }
}

fn records_of(
    header: &BatchHeader,
    batch: &Bytes,
    from: i64,
    visit: &mut dyn FnMut(&BatchHeader, i64, &Record<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, String> {
    if header.attributes.is_control() {
        return Ok(ControlFlow::Continue(()));
    }
    let bytes = record_bytes(header, batch).map_err(|error| error.to_string())?;
    for record in Records::of_bytes(header, &bytes) {
        let record = record.map_err(|error| error.to_string())?;
        let offset = header.base_offset + i64::from(record.offset_delta);
        if offset >= from && visit(header, offset, &record).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn failed(error: &OpenError) -> Failure {
    match error {
        OpenError::Corrupt { .. } => Failure::Damaged(error.to_string()),
        error => Failure::Failed(error.to_string()),
    }
}
