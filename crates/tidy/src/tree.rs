//! The repository's text files.

use std::path::Path;
use std::{fs, io};

/// A text file.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path from the repository's root, with forward slashes.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// Directories that hold what others made: builds, packages, data.
const SKIPPED: &[&str] = &[
    ".git",
    "target",
    "node_modules",
    "tidegate-data",
    "__pycache__",
    ".pytest_cache",
    ".ruff_cache",
    ".mypy_cache",
    ".venv",
    "corpus",
    "artifacts",
];

/// All text files under `root`, in the order of their paths.
pub fn read_tree(root: &Path) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    read_directory(fs::read_dir(root)?, "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// What vanishes between listing and reading is passed over: other tests make and remove files beside this one.
fn read_directory(entries: fs::ReadDir, prefix: &str, files: &mut Vec<File>) {
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            if let Ok(inner) = fs::read_dir(entry.path()) {
                read_directory(inner, &format!("{path}/"), files);
            }
        } else if kind.is_file()
            // What is not UTF-8 is not text.
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            files.push(File { path, text });
        }
    }
}
