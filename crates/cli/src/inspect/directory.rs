//! `tidegate inspect` by itself: what a data directory holds, every checksum verified, nothing changed.

use crate::args::InspectArgs;
use crate::failure::Failure;
use crate::output::{self, Table};
use std::fmt::Write;
use tidegate_log_local::Settings;
use tidegate_log_local::inspect::{Inspection, inspect};

/// Prints what the directories hold. Exit code 4 if acknowledged data is damaged.
pub fn run(args: InspectArgs) -> Result<(), Failure> {
    if !args.data_dir.is_dir() {
        let directory = args.data_dir.display();
        return Err(Failure::Usage(format!("--data-dir {directory}: there is no such directory")));
    }
    let settings = Settings { wal_dir: args.wal_dir, ..Settings::new(&args.data_dir) };
    let found = inspect(&settings).map_err(|error| Failure::Failed(error.to_string()))?;
    if args.json {
        output::print_json(&found)?;
    } else {
        output::print(&report(&found))?;
    }
    match found.is_refused() {
        true => Err(Failure::Damaged("acknowledged data is damaged".to_owned())),
        false => Ok(()),
    }
}

fn report(found: &Inspection) -> String {
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments<'_>| {
        writeln!(text, "{words}").expect("a string takes all writes");
    };
    match &found.checkpoint {
        Some(checkpoint) => line(format_args!(
            "checkpoint: lsn {}, incarnation {}, {} partitions, {} segments with {} bytes{}",
            checkpoint.lsn,
            checkpoint.incarnation,
            checkpoint.partitions,
            checkpoint.segments,
            checkpoint.segment_bytes,
            if checkpoint.clean { ", closed in order" } else { "" },
        )),
        None => line(format_args!("checkpoint: none")),
    }
    if !found.segments.is_empty() {
        line(format_args!("\n{}", segments(found).trim_end()));
    }
    if !found.frames.is_empty() {
        line(format_args!("\n{}", frames(found).trim_end()));
    }
    for damage in &found.damage {
        let weight =
            if damage.acknowledged { "ACKNOWLEDGED DATA" } else { "repaired at the start" };
        let (path, position) = (damage.path.display(), damage.position);
        line(format_args!("\ndamage in {path} at byte {position}: {} ({weight})", damage.what));
    }
    if found.damage.is_empty() {
        line(format_args!("\nevery checksum is right"));
    }
    text
}

fn segments(found: &Inspection) -> String {
    let mut table = Table::new(&["SEGMENT OF", "FROM", "TO", "BATCHES", "BYTES"]);
    for segment in &found.segments {
        table.row([
            segment.partition.clone(),
            segment.base_offset.to_string(),
            segment.end_offset.to_string(),
            segment.batches.to_string(),
            segment.bytes.to_string(),
        ]);
    }
    table.render()
}

fn frames(found: &Inspection) -> String {
    let headings = ["LSN", "FILE", "AT", "BYTES", "DURABLE", "PARTITION", "DOES", "FROM", "TO"];
    let mut table = Table::new(&headings);
    for frame in &found.frames {
        let file = frame.path.file_name().unwrap_or_default().to_string_lossy();
        for entry in &frame.entries {
            table.row([
                frame.lsn.to_string(),
                file.to_string(),
                frame.position.to_string(),
                frame.bytes.to_string(),
                frame.durable_lsn.to_string(),
                entry.partition.clone(),
                format!("{:?}", entry.kind).to_lowercase(),
                entry.base_offset.to_string(),
                entry.next_offset.to_string(),
            ]);
        }
    }
    table.render()
}
