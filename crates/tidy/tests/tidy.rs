//! The checks, run on the repository.

use std::path::Path;
use tidegate_tidy::{
    File, Finding, check_imports, check_links, check_logs, check_source, check_text, read_tree,
};

fn repository() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = read_tree(&root).expect("the repository is readable");
    assert!(
        files.iter().any(|file| file.path == "crates/tidy/tests/tidy.rs"),
        "not the repository"
    );
    files
}

fn assert_none(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn crates_import_in_one_direction() {
    assert_none(&check_imports(&repository()));
}

#[test]
fn sources_keep_the_limits_of_style() {
    assert_none(&check_source(&repository()));
}

#[test]
fn log_lines_have_targets_that_the_manual_lists() {
    assert_none(&check_logs(&repository()));
}

#[test]
fn no_file_names_a_machine_or_a_registry() {
    assert_none(&check_text(&repository()));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    assert_none(&check_links(&repository(), |path| root.join(path).exists()));
}
