//! `tidegate topic delete-records`: shows what would go, and lets it go with `--execute`.

use super::Before;
use crate::args::DeleteRecordsArgs;
use crate::client::{At, Client, Offsets, Partition};
use crate::failure::Failure;
use crate::outcome::failed;
use crate::output::{Table, number, print, print_json};
use crate::scope::{TopicScope, partitions_of, resolve};
use crate::time::now_ms;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The file that Kafka's kafka-delete-records takes.
#[derive(Deserialize)]
struct File {
    partitions: Vec<FilePartition>,
    version: Option<i64>,
}

#[derive(Deserialize)]
struct FilePartition {
    topic: String,
    partition: i32,
    offset: i64,
}

/// What becomes of a partition.
#[derive(Serialize)]
struct Row {
    topic: String,
    partition: i32,
    start_offset: Option<i64>,
    new_start_offset: i64,
    records: Option<i64>,
    /// Why a broker will refuse it.
    note: Option<String>,
    done: bool,
    error: Option<String>,
}

/// What was asked for.
struct Wanted {
    topics: Vec<MetadataResponseTopic>,
    /// Where each partition shall begin.
    offsets: BTreeMap<Partition, i64>,
    /// Where each ends now.
    end: Offsets,
}

/// Shows or does it.
pub fn run(args: &DeleteRecordsArgs) -> Result<(), Failure> {
    let mut client = Client::connect(&args.connect)?;
    let Wanted { topics, offsets, end } = match (&args.from_file, &args.before) {
        (Some(path), _) => from_file(&mut client, path)?,
        (None, Some(before)) => before_each(&mut client, &args.topics, before)?,
        (None, None) => return Err(Failure::Usage("--before or --from-file is needed".to_owned())),
    };
    let start = client.offsets(&topics, At::Earliest)?;
    let mut rows = planned(&offsets, &start, &end);
    let mut failures = Vec::new();
    if args.execute {
        let moving: BTreeMap<Partition, i64> = rows
            .iter()
            .filter(|row| Some(row.new_start_offset) != row.start_offset)
            .map(|row| ((row.topic.clone(), row.partition), row.new_start_offset))
            .collect();
        let mut done = client.delete_records(&topics, &moving)?;
        for row in &mut rows {
            match done.remove(&(row.topic.clone(), row.partition)) {
                Some(Ok(low_watermark)) => {
                    row.done = true;
                    row.new_start_offset = low_watermark;
                }
                Some(Err(failure)) => {
                    row.error = Some(failure.to_string());
                    failures.push(failure);
                }
                // There was nothing to delete.
                None => row.done = true,
            }
        }
    }
    let count = rows.len();
    tell(args, rows)?;
    failed(failures, count)
}

fn planned(wanted: &BTreeMap<Partition, i64>, start: &Offsets, end: &Offsets) -> Vec<Row> {
    let row = |(key, offset): (&Partition, &i64)| {
        let start_offset = start.get(key).map(|listed| listed.offset);
        // A log does not begin earlier because somebody says so.
        let new_start_offset = (*offset).max(start_offset.unwrap_or(*offset));
        Row {
            topic: key.0.clone(),
            partition: key.1,
            start_offset,
            new_start_offset,
            records: start_offset.map(|start| new_start_offset - start),
            note: end
                .get(key)
                .filter(|end| end.offset < new_start_offset)
                .map(|end| format!("after the last record: the log ends at {}", end.offset)),
            done: false,
            error: None,
        }
    };
    wanted.iter().map(row).collect()
}

fn tell(args: &DeleteRecordsArgs, rows: Vec<Row>) -> Result<(), Failure> {
    if args.connect.json {
        return print_json(&rows);
    }
    let mut table =
        Table::new(&["TOPIC", "PARTITION", "START", "NEW START", "OFFSETS", "DONE", "NOTE"]);
    for row in rows {
        let done = match (row.done, row.error.is_some()) {
            (true, _) => "yes",
            (false, true) => "failed",
            (false, false) => "no",
        };
        table.row([
            row.topic,
            row.partition.to_string(),
            number(row.start_offset),
            row.new_start_offset.to_string(),
            number(row.records),
            done.to_owned(),
            row.note.unwrap_or_default(),
        ]);
    }
    let hint = match args.execute {
        true => "",
        false => "\nnothing was deleted; add --execute to do it\n",
    };
    print(&(table.render() + hint))
}

/// The topics of `scopes`, and where each of their partitions shall begin. An age or a time that
/// no record reaches deletes all there is now, and not what comes meanwhile.
fn before_each(
    client: &mut Client,
    scopes: &[TopicScope],
    before: &Before,
) -> Result<Wanted, Failure> {
    let topics = resolve(client, scopes)?;
    let end = client.offsets(&topics, At::Latest)?;
    let found = match before {
        Before::Offset(_) | Before::Latest => None,
        Before::Time(time_ms) => Some(client.offsets(&topics, At::Time(*time_ms))?),
        Before::Ago(age_ms) => Some(client.offsets(&topics, At::Time(now_ms() - age_ms))?),
    };
    let mut wanted = BTreeMap::new();
    for key in partitions_of(&topics) {
        let at_time = found.as_ref().and_then(|found| found.get(&key));
        let offset = match (before, at_time.or_else(|| end.get(&key))) {
            (Before::Offset(offset), _) => *offset,
            (_, Some(listed)) => listed.offset,
            (_, None) => continue,
        };
        wanted.insert(key, offset);
    }
    Ok(Wanted { topics, offsets: wanted, end })
}

/// The topics and offsets of a file as Kafka's tool takes it; -1 stands for the end.
fn from_file(client: &mut Client, path: &Path) -> Result<Wanted, Failure> {
    let wrong = |problem: String| Failure::Usage(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let file: File = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if file.version.is_some_and(|version| version != 1) {
        return Err(wrong("its version is not 1, the only one there is".to_owned()));
    }
    let mut named: BTreeMap<Partition, i64> = BTreeMap::new();
    for FilePartition { topic, partition, offset } in file.partitions {
        if offset < -1 {
            return Err(wrong(format!("offset {offset} of {topic}-{partition} is no offset")));
        }
        if named.insert((topic.clone(), partition), offset).is_some() {
            return Err(wrong(format!("{topic}-{partition} is named twice")));
        }
    }
    let scopes: Vec<TopicScope> = named
        .keys()
        .map(|(topic, partition)| TopicScope {
            topic: topic.clone(),
            partitions: Some(BTreeSet::from([*partition])),
        })
        .collect();
    let topics = resolve(client, &scopes)?;
    let end = client.offsets(&topics, At::Latest)?;
    for (key, offset) in &mut named {
        if let (-1, Some(listed)) = (*offset, end.get(key)) {
            *offset = listed.offset;
        }
    }
    Ok(Wanted { topics, offsets: named, end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::offsets::Listed;

    #[test]
    fn a_plan_never_moves_a_start_back_and_notes_what_is_after_the_end() {
        let key = ("orders".to_owned(), 0);
        let start = Offsets::from([(key.clone(), Listed { offset: 10, timestamp_ms: None })]);
        let end = Offsets::from([(key.clone(), Listed { offset: 20, timestamp_ms: None })]);
        let plan = |offset| planned(&BTreeMap::from([(key.clone(), offset)]), &start, &end);
        assert_eq!(plan(5)[0].new_start_offset, 10);
        assert_eq!(plan(5)[0].records, Some(0));
        assert_eq!(plan(15)[0].new_start_offset, 15);
        assert_eq!(plan(15)[0].records, Some(5));
        assert_eq!(plan(20)[0].note, None);
        let note = plan(21)[0].note.clone();
        assert_eq!(note.as_deref(), Some("after the last record: the log ends at 20"));
    }
}
