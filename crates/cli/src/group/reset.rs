//! `tidegate group reset-offsets`: shows where the committed offsets of groups would go, and with
//! `--execute` commits them there.

use super::file::{self, Entry, to_csv};
use super::plan::{Facts, Target, plan};
use super::{check_inactive, check_kind};
use crate::args::{ResetArgs, ResetTo};
use crate::client::{At, Client, Committed, CommittedOffset, Offsets, Partition};
use crate::failure::Failure;
use crate::outcome::failed;
use crate::output::{Table, number, print, print_json};
use crate::scope::{TopicScope, partitions_of, resolve};
use crate::time::now_ms;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One partition of one group.
#[derive(Serialize)]
struct Row {
    group: String,
    topic: String,
    partition: i32,
    start_offset: i64,
    end_offset: i64,
    current_offset: Option<i64>,
    new_offset: i64,
    /// What is left to read, from the current offset and from the new one.
    current_lag: Option<i64>,
    new_lag: i64,
    /// Why the new offset is another one than was asked for.
    note: Option<String>,
    done: bool,
    error: Option<String>,
}

/// What a file holds: the offsets of each group, or of whichever group the command names.
type FromFile = BTreeMap<Option<String>, BTreeMap<Partition, i64>>;

/// Runs the command.
pub fn run(args: ResetArgs) -> Result<(), Failure> {
    let mut from_file = match &args.to.from_file {
        Some(path) => Some(read_file(path, &args)?),
        None => None,
    };
    let mut client = Client::connect(&args.connect)?;
    let groups = groups(&mut client, &args, from_file.as_ref())?;
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for group in &groups {
        let target = match &mut from_file {
            Some(from_file) => explicit(from_file, group),
            None => Ok(target(&args.to)),
        };
        match target.and_then(|target| reset(&mut client, group, &target, &args)) {
            Ok(of_group) => {
                let errors = of_group.iter().filter_map(|row| row.error.clone());
                let errors: Vec<String> = errors.collect();
                if !errors.is_empty() {
                    failures.push(Failure::several(errors));
                }
                rows.extend(of_group);
            }
            Err(failure) => failures.push(failure),
        }
    }
    show(&args, &rows, groups.len())?;
    failed(failures, groups.len())
}

fn target(to: &ResetTo) -> Target {
    match to {
        ResetTo { to_earliest: true, .. } => Target::Earliest,
        ResetTo { to_latest: true, .. } => Target::Latest,
        ResetTo { to_offset: Some(offset), .. } => Target::Offset(*offset),
        ResetTo { to_datetime: Some(time_ms), .. } => Target::Time(*time_ms),
        ResetTo { by_duration: Some(ms), .. } => Target::Time(now_ms().saturating_sub(*ms)),
        ResetTo { shift_by: Some(by), .. } => Target::Shift(*by),
        // The command line lets exactly one of them through, and a file is not asked for here.
        _ => Target::Current,
    }
}

fn read_file(path: &std::path::Path, args: &ResetArgs) -> Result<FromFile, Failure> {
    let wrong =
        |problem: &str| Failure::Usage(format!("--from-file {}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    let mut from_file = FromFile::new();
    for entry in file::parse(&text).map_err(|problem| wrong(&problem))? {
        let Entry { group, topic, partition, offset, .. } = entry;
        from_file.entry(group).or_default().insert((topic, partition), offset);
    }
    if from_file.contains_key(&None) && args.groups.len() != 1 {
        return Err(wrong("it does not say of which group the offsets are; name one group"));
    }
    Ok(from_file)
}

/// The offsets that the file has for `group`.
fn explicit(from_file: &mut FromFile, group: &str) -> Result<Target, Failure> {
    let found = from_file.remove(&Some(group.to_owned())).or_else(|| from_file.remove(&None));
    found.map(Target::Explicit).ok_or_else(|| {
        Failure::Failed(format!("the file of --from-file has no offsets of group {group}"))
    })
}

fn groups(
    client: &mut Client,
    args: &ResetArgs,
    from_file: Option<&FromFile>,
) -> Result<Vec<String>, Failure> {
    if !args.all_groups {
        return Ok(args.groups.clone());
    }
    if let Some(from_file) = from_file {
        return Ok(from_file.keys().flatten().cloned().collect());
    }
    // Groups of Connect and of schema registries commit no offsets, and of share groups they are
    // another matter.
    let groups = client.groups()?.into_iter().map(|(_, group)| group);
    let consumers = groups.filter(|group| {
        matches!(&*group.protocol_type, "" | "consumer")
            && matches!(&*group.group_type.to_lowercase(), "" | "classic" | "consumer")
    });
    Ok(consumers.map(|group| group.group_id.to_string()).collect())
}

/// Plans the reset of one group, and executes the plan if it shall.
fn reset(
    client: &mut Client,
    name: &str,
    target: &Target,
    args: &ResetArgs,
) -> Result<Vec<Row>, Failure> {
    let group = client.group(name)?;
    check_kind(client, name, &group)?;
    check_inactive(name, &group)?;
    let committed = client.committed(group.coordinator, name)?;
    let scopes = scopes(name, target, args, &committed)?;
    let topics = resolve(client, &scopes)?;
    let mut rows = rows(client, name, target, &topics, &committed)?;
    if args.execute {
        let offsets = rows.iter().map(|row| {
            let offset = row.new_offset;
            let offset = CommittedOffset { offset, leader_epoch: None, metadata: String::new() };
            ((row.topic.clone(), row.partition), offset)
        });
        let mut results = client.commit(group.coordinator, name, &offsets.collect())?;
        for row in &mut rows {
            match results.remove(&(row.topic.clone(), row.partition)) {
                Some(Ok(())) => row.done = true,
                Some(Err(failure)) => row.error = Some(failure.to_string()),
                None => row.error = Some("the broker did not say what came of it".to_owned()),
            }
        }
    }
    Ok(rows)
}

fn scopes(
    group: &str,
    target: &Target,
    args: &ResetArgs,
    committed: &Committed,
) -> Result<Vec<TopicScope>, Failure> {
    let of = |(topic, partition): &Partition| TopicScope {
        topic: topic.clone(),
        partitions: Some(BTreeSet::from([*partition])),
    };
    match target {
        Target::Explicit(offsets) => Ok(offsets.keys().map(of).collect()),
        _ if !args.all_topics => Ok(args.topic.clone()),
        _ if committed.is_empty() => Err(Failure::Failed(format!(
            "group {group} has committed no offsets; name topics with --topic"
        ))),
        _ => Ok(committed.keys().map(of).collect()),
    }
}

fn rows(
    client: &mut Client,
    group: &str,
    target: &Target,
    topics: &[MetadataResponseTopic],
    committed: &Committed,
) -> Result<Vec<Row>, Failure> {
    let starts = client.offsets(topics, At::Earliest)?;
    let ends = client.offsets(topics, At::Latest)?;
    let at_time = match target {
        Target::Time(time_ms) => client.offsets(topics, At::Time(*time_ms))?,
        _ => Offsets::new(),
    };
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for partition in partitions_of(topics) {
        let (Some(start), Some(end)) = (starts.get(&partition), ends.get(&partition)) else {
            problems.push(format!("the offsets of {}-{} are unknown", partition.0, partition.1));
            continue;
        };
        let facts = Facts {
            current: committed.get(&partition).map(|committed| committed.offset),
            start: start.offset,
            end: end.offset,
            at_time: at_time.get(&partition).map(|found| found.offset),
        };
        match plan(target, &partition, &facts) {
            Ok(planned) => rows.push(Row {
                group: group.to_owned(),
                topic: partition.0,
                partition: partition.1,
                start_offset: facts.start,
                end_offset: facts.end,
                current_offset: facts.current,
                new_offset: planned.offset,
                current_lag: facts.current.map(|current| (facts.end - current).max(0)),
                new_lag: (facts.end - planned.offset).max(0),
                note: planned.note,
                done: false,
                error: None,
            }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(rows) } else { Err(Failure::several(problems)) }
}

fn show(args: &ResetArgs, rows: &[Row], groups: usize) -> Result<(), Failure> {
    if args.connect.json {
        return print_json(&rows);
    }
    if args.export {
        let entry = |row: &Row| Entry {
            group: Some(row.group.clone()),
            topic: row.topic.clone(),
            partition: row.partition,
            offset: row.new_offset,
            leader_epoch: None,
            metadata: String::new(),
        };
        let entries: Vec<Entry> = rows.iter().map(entry).collect();
        return print(&to_csv(&entries, groups > 1));
    }
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&[
        "GROUP",
        "TOPIC",
        "PARTITION",
        "CURRENT",
        "NEW",
        "END",
        "LAG",
        "NEW LAG",
        "NOTE",
    ]);
    for row in rows {
        table.row([
            row.group.clone(),
            row.topic.clone(),
            row.partition.to_string(),
            number(row.current_offset),
            row.new_offset.to_string(),
            row.end_offset.to_string(),
            number(row.current_lag),
            row.new_lag.to_string(),
            row.error
                .as_ref()
                .map(|_| "not committed".to_owned())
                .or(row.note.clone())
                .unwrap_or_default(),
        ]);
    }
    let done = rows.iter().filter(|row| row.done).count();
    let said = match (args.execute, done) {
        (false, _) => "nothing was changed; --execute commits these offsets".to_owned(),
        (true, 1) => "committed 1 offset".to_owned(),
        (true, done) => format!("committed {done} offsets"),
    };
    print(&format!("{}\n{said}\n", table.render()))
}
