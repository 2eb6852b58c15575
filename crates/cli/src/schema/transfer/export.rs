//! `tidegate schema export`.

use super::contents::Contents;
use super::gather::gather;
use super::{dump, folder, topic};
use crate::args::ExportArgs;
use crate::failure::Failure;
use crate::output::{print, print_json};
use crate::schema::registry::Registry;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Exported {
    subjects: usize,
    versions: usize,
    /// What was left out, and why.
    notes: Vec<String>,
}

/// Writes what a registry keeps to a folder or a dump.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    if let Some(path) = &args.folder {
        folder::check(path)?;
    }
    let (contents, lines, notes) = match &args.bootstrap {
        Some(bootstrap) => {
            let read = topic::read(bootstrap, &args.topic, args.registry.timeout)?;
            (read.contents, Some(read.lines), read.notes)
        }
        None => {
            let registry = Registry::new(&args.registry)?;
            let gathered = gather(&registry, args.prefix.as_deref().unwrap_or_default())?;
            (gathered.contents, None, gathered.notes)
        }
    };
    for note in &notes {
        eprintln!("tidegate: {note}");
    }
    match (&args.folder, &args.dump) {
        (Some(path), _) => folder::write(path, &contents)?,
        (None, Some(path)) => {
            // From the topic it is the topic's own records, to the last tombstone.
            let text = lines.unwrap_or_else(|| dump::write(&contents));
            return write_dump(args, path, &text, &contents, notes);
        }
        (None, None) => return Err(Failure::Usage("--folder or --dump is needed".to_owned())),
    }
    tell(args, &contents, notes)
}

fn write_dump(
    args: &ExportArgs,
    path: &Path,
    text: &str,
    contents: &Contents,
    notes: Vec<String>,
) -> Result<(), Failure> {
    if path == Path::new("-") {
        return print(text);
    }
    // Beside it first, so that an older dump stays until there is a whole new one.
    let wrong = |error| Failure::Failed(format!("{}: {error}", path.display()));
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, text).map_err(wrong)?;
    std::fs::rename(&partial, path).map_err(wrong)?;
    tell(args, contents, notes)
}

fn tell(args: &ExportArgs, contents: &Contents, notes: Vec<String>) -> Result<(), Failure> {
    let subjects = contents.subjects.values().filter(|subject| !subject.versions.is_empty());
    let exported = Exported { subjects: subjects.count(), versions: contents.count(), notes };
    if args.registry.json {
        return print_json(&exported);
    }
    print(&format!("{} versions of {} subjects\n", exported.versions, exported.subjects))
}
