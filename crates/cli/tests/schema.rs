//! `tidegate schema` where no registry is needed, as a user types it.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder of its own with files, which is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn of(name: &str, files: &[(&str, &str)]) -> Folder {
        let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("temporary folders can be made");
        for (name, text) in files {
            std::fs::write(folder.join(name), text).expect("temporary files can be written");
        }
        Folder(folder)
    }

    /// Runs a command among the files.
    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .arg("schema")
            .args(arguments)
            .current_dir(&self.0)
            .env_remove("TIDEGATE_REGISTRY_URL")
            .output()
            .expect("the binary was built for this test")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const MONEY: &str = r#"{"type":"record","name":"shop.Money","fields":[]}"#;
const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop",
    "fields":[{"name":"total","type":"Money"}]}"#;
const ORDER_AND_COUNT: &str = r#"{"type":"record","name":"Order","namespace":"shop",
    "fields":[{"name":"total","type":"Money"},{"name":"count","type":"int"}]}"#;

/// Compares two files and returns the rows that are printed; the exit code must fit them.
fn compared(folder: &Folder, old: &str, new: &str, more: &[&str]) -> Vec<(bool, String)> {
    let output = folder.run(&[&["check", "--offline", old, new, "--json"], more].concat());
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let rows: Vec<(bool, String)> = rows
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| (row["compatible"] == true, row["messages"].to_string()))
        .collect();
    let all = rows.iter().all(|(compatible, _)| *compatible);
    assert_eq!(output.status.code(), Some(i32::from(!all)), "{output:?}");
    rows
}

#[test]
fn two_files_are_compared_with_what_they_refer_to_and_without_a_registry() {
    let files = [("old.avsc", ORDER), ("new.avsc", ORDER_AND_COUNT), ("money.avsc", MONEY)];
    let folder = Folder::of("offline", &files);
    let both = &["--with", "money.avsc", "--level", "FULL"];
    let rows = compared(&folder, "old.avsc", "new.avsc", both);
    assert!(!rows[0].0 && rows[0].1.contains("READER_FIELD_MISSING_DEFAULT_VALUE"), "{rows:?}");
    assert_eq!(rows[1], (true, "[]".to_owned()));
    assert!(compared(&folder, "old.avsc", "old.avsc", both).iter().all(|row| row.0));
    let output = folder.run(&["check", "--offline", "old.avsc", "new.avsc"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("shop.Money"), "{}", stderr(&output));
}

#[test]
fn each_language_is_compared_by_its_own_rules() {
    let files = [
        ("old.json", r#"{"type":"object","properties":{"a":{"type":"integer"}}}"#),
        ("new.json", r#"{"type":"object","properties":{"a":{"type":"string"}}}"#),
        ("old.proto", "syntax = \"proto3\"; message A { int64 a = 1; }"),
        ("new.proto", "syntax = \"proto3\"; message A { string a = 1; }"),
    ];
    let folder = Folder::of("languages", &files);
    for (old, new, said) in [
        ("old.json", "new.json", "TYPE_CHANGED"),
        ("old.proto", "new.proto", "FIELD_SCALAR_KIND_CHANGED"),
        ("old.json", "new.proto", "different schema type"),
    ] {
        let rows = compared(&folder, old, new, &[]);
        assert!(!rows[0].0 && rows[0].1.contains(said), "{old} {new}: {rows:?}");
        assert_eq!(compared(&folder, old, old, &[])[0], (true, "[]".to_owned()));
    }
}

#[test]
fn what_cannot_be_done_with_the_arguments_is_exit_code_2_and_asks_nobody() {
    let import = "import \"b.proto\";";
    let files = [("a.proto", import), ("b.proto", "import \"a.proto\";"), ("x.txt", "")];
    let folder = Folder::of("usage", &files);
    for (arguments, said) in [
        (&["register", "x.txt"][..], "--type"),
        (&["register", "a.proto", "b.proto"], "refer to each other"),
        (&["register", "s=a.proto", "s=b.proto"], "refer to each other"),
        (&["register", "s=missing.avsc"], "missing.avsc"),
        (&["register", "-", "--type", "XML"], "AVRO, JSON or PROTOBUF"),
        (&["register", "a.proto", "b.proto", "--id", "7"], "for one file"),
        (&["register", "a.proto", "--reference", "b.proto=b"], "NAME=SUBJECT:VERSION"),
        (&["check", "s", "a.proto", "--level", "FULL"], "--offline"),
        (&["get", "s", "--id", "1"], "cannot be used with"),
        (&["get", "s", "--version", "0"], "not a version"),
        (&["export"], "--folder"),
        (&["export", "--folder", "."], "neither empty nor an export"),
        (&["import", "."], "index.json"),
        (&["import", "missing"], "missing"),
        (&["list", "--user", "a:b", "--user-file", "x.txt"], "cannot be used with"),
        (&["list", "--user-file", "x.txt"], "NAME:PASSWORD"),
        (&["list", "--url", "https://localhost", "--ca-file", "x.txt"], "no certificate"),
        (&["list", "--url", "ftp://localhost"], "http://HOST:PORT"),
        (&["mode", "get", "--effective"], "--subject"),
    ] {
        // Nobody listens there: asking would be exit code 3.
        let nobody = ["--url", "http://127.0.0.1:1"];
        let url = if arguments.contains(&"--url") { &[][..] } else { &nobody };
        let output = folder.run(&[arguments, url].concat());
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(said), "{arguments:?}: {message}");
    }
}

#[test]
fn a_registry_that_is_not_there_is_exit_code_3() {
    let folder = Folder::of("nobody", &[("order.avsc", ORDER)]);
    for arguments in [
        &["list"][..],
        &["get", "s"],
        &["register", "s=order.avsc"],
        &["check", "s", "order.avsc"],
        &["diff", "s"],
        &["delete", "s"],
        &["config", "get"],
        &["mode", "set", "READONLY"],
        &["export", "--dump", "-"],
    ] {
        let output = folder.run(&[arguments, &["--url", "http://127.0.0.1:1"]].concat());
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("http://127.0.0.1:1"), "{}", stderr(&output));
    }
}
