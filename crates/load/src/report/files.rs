//! Reports in files: written whole or not at all, and read back.

use super::csv::csv;
use super::html::html;
use super::model::{FORMAT, Report};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Why a report could not be written or read: a sentence that says what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportProblem(pub(super) String);

impl std::error::Error for ReportProblem {}

impl fmt::Display for ReportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy)]
enum Form {
    Json,
    Csv,
    Html,
}

/// Whether a report could be written to `path`, asked before a run so that a long one is not in vain.
pub fn check_target(path: &Path) -> Result<(), ReportProblem> {
    form(path)?;
    let target = resolved(path);
    if target.is_dir() {
        return Err(problem(path, "is a folder; give the name of a file"));
    }
    if is_special(&target) {
        return Ok(());
    }
    let trial = beside(&target);
    create(&trial).map_err(|error| failed(path, &error))?;
    fs::remove_file(&trial).map_err(|error| failed(path, &error))
}

/// Writes the report as the extension says: `.json`, `.csv` or `.html`. A file that is there is replaced as a whole.
pub fn write(report: &Report, path: &Path) -> Result<(), ReportProblem> {
    let text = match form(path)? {
        Form::Json => {
            let mut text = serde_json::to_string_pretty(report)
                .map_err(|error| problem(path, &format!("has no JSON form: {error}")))?;
            text.push('\n');
            text
        }
        Form::Csv => csv(report),
        Form::Html => html(report),
    };
    put(&resolved(path), text.as_bytes()).map_err(|error| failed(path, &error))
}

/// Reads a report that was written as JSON.
pub fn read(path: &Path) -> Result<Report, ReportProblem> {
    let text = fs::read_to_string(path).map_err(|error| {
        let what = format!("cannot be read: {error}; give a file that --report wrote as .json");
        problem(path, &what)
    })?;
    let no_report = |error: serde_json::Error| {
        let what = format!("is no report: {error}; give a file that --report wrote as .json");
        problem(path, &what)
    };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(no_report)?;
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => {
            let tool =
                value.get("tool").and_then(serde_json::Value::as_str).unwrap_or("another version");
            let what = format!(
                "has format {format}, written by {tool}; this version reads format {FORMAT}. \
                 Use the version that wrote it, or run the test again"
            );
            return Err(problem(path, &what));
        }
        None => {
            let what = "is no report of a load test; give a file that --report wrote as .json";
            return Err(problem(path, what));
        }
    }
    serde_json::from_value(value).map_err(no_report)
}

fn form(path: &Path) -> Result<Form, ReportProblem> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "json" => Ok(Form::Json),
        "csv" => Ok(Form::Csv),
        "html" | "htm" => Ok(Form::Html),
        _ => Err(problem(path, "has no known form; let its name end in .json, .csv or .html")),
    }
}

/// Where a link leads: the file is replaced, not the link.
fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Pipes and devices are written to, never replaced.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

/// A name in the same folder, thus on the same disk, that a second process does not use.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_special(path) {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let temporary = beside(path);
    let written = create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&temporary, path));
    if done.is_err() {
        // What is half written is of no use; the first error is what counts.
        let _ = fs::remove_file(&temporary);
    }
    done
}

fn failed(path: &Path, error: &io::Error) -> ReportProblem {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.display().to_string(),
        _ => ".".to_owned(),
    };
    let what = match error.kind() {
        ErrorKind::NotFound => {
            format!(
                "cannot be written: there is no folder {folder}; create it with mkdir -p {folder}"
            )
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => format!(
            "cannot be written: no space is left in {folder}; free some, or give --report a file on another disk"
        ),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => format!(
            "cannot be written: {error}; give --report a file in a folder that you may write to"
        ),
        _ => format!("cannot be written: {error}; give --report another file"),
    };
    problem(path, &what)
}

fn problem(path: &Path, what: &str) -> ReportProblem {
    ReportProblem(format!("The report {} {what}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("tidegate-load-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a temporary folder can be made");
        folder
    }

    #[test]
    fn a_report_is_replaced_whole_and_reads_back() {
        let folder = folder("replaced");
        let path = folder.join("a.json");
        fs::write(&path, "what was there").expect("it can be written");
        check_target(&path).expect("it can be written");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "what was there");
        let report = Report { reason: "Because.".into(), ..Report::default() };
        write(&report, &path).expect("it can be written");
        assert_eq!(read(&path), Ok(report));
        assert_eq!(
            fs::read_dir(&folder).expect("it is there").count(),
            1,
            "a temporary file stayed"
        );
        fs::remove_dir_all(folder).expect("it can go");
    }

    #[test]
    #[cfg(unix)]
    fn a_link_stays_a_link() {
        let folder = folder("link");
        let (file, link) = (folder.join("a.json"), folder.join("b.json"));
        fs::write(&file, "").expect("it can be written");
        std::os::unix::fs::symlink(&file, &link).expect("a link can be made");
        write(&Report::default(), &link).expect("it can be written");
        assert!(link.is_symlink());
        assert_eq!(read(&file), Ok(Report::default()));
        fs::remove_dir_all(folder).expect("it can go");
    }

    #[test]
    fn a_missing_folder_and_an_unknown_form_are_told_with_what_to_do() {
        let folder = folder("missing");
        let told = |path: &Path| {
            let before = check_target(path).expect_err("it cannot be written").to_string();
            let after = write(&Report::default(), path).expect_err("it cannot be written");
            assert_eq!(before, after.to_string());
            before
        };
        let missing = told(&folder.join("none/a.json"));
        assert!(missing.contains("create it with mkdir -p"), "{missing}");
        let unknown = told(&folder.join("a.xlsx"));
        assert!(unknown.contains(".json, .csv or .html"), "{unknown}");
        fs::create_dir(folder.join("d.json")).expect("it can be made");
        let problem = check_target(&folder.join("d.json")).expect_err("it is a folder").to_string();
        assert!(problem.contains("is a folder"), "{problem}");
        fs::remove_dir_all(folder).expect("it can go");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_told_with_what_to_do() {
        let folder = folder("full");
        let path = folder.join("a.json");
        std::os::unix::fs::symlink("/dev/full", &path).expect("a link can be made");
        let problem = write(&Report::default(), &path).expect_err("nothing fits").to_string();
        assert!(
            problem.contains("no space is left") && problem.contains("another disk"),
            "{problem}"
        );
        fs::remove_dir_all(folder).expect("it can go");
    }

    #[test]
    fn another_format_and_what_is_no_report_are_refused_in_a_sentence() {
        let folder = folder("formats");
        let path = folder.join("a.json");
        for (text, wanted) in [
            (
                r#"{"format": 2, "tool": "tidegate 9.0.0"}"#,
                "has format 2, written by tidegate 9.0.0",
            ),
            (r#"{"a": 1}"#, "is no report of a load test"),
            ("[1", "is no report: "),
            (r#"{"format": 1, "took_ms": "x"}"#, "is no report: "),
        ] {
            fs::write(&path, text).expect("it can be written");
            let problem = read(&path).expect_err(text).to_string();
            assert!(problem.contains(wanted), "{problem}");
        }
        let problem = read(&folder.join("none.json")).expect_err("it is not there").to_string();
        assert!(problem.contains("cannot be read"), "{problem}");
        fs::remove_dir_all(folder).expect("it can go");
    }
}
