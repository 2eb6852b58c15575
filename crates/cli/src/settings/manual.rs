//! The tables of docs/settings.md are written from the code. These tests hold the file to it, and
//! write it anew with `make settings-manual`.

use super::*;
use std::fmt::Write;
use std::path::PathBuf;
use tidegate_broker::config::broker_config;

/// With this variable set, the tests write the tables instead of comparing them.
const UPDATE: &str = "TIDEGATE_UPDATE_MANUAL";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md")
}

fn own_settings() -> String {
    let mut table = "| Key | Variable | Takes |\n|---|---|---|\n".to_owned();
    for Setting { key, variable, takes } in KNOWN {
        writeln!(table, "| `{key}` | `{variable}` | {takes} |").expect("a string takes all writes");
    }
    table
}

fn configs_of_kafka() -> String {
    let mut names = KafkaSettings::names_with_effect();
    names.sort_unstable();
    let mut table = "| Name | Default | What it is |\n|---|---|---|\n".to_owned();
    for name in names {
        let config = broker_config(name).expect("it has an effect, so it exists");
        let default = KafkaSettings::default_of(name).unwrap_or("");
        let about = &config.documentation;
        writeln!(table, "| `{name}` | {default} | {about} |").expect("a string takes all writes");
    }
    table
}

/// The manual with `table` between the marks of this name.
fn with_table(manual: &str, name: &str, table: &str) -> String {
    let begin = format!("<!-- generated: {name} -->\n");
    let (before, rest) = manual.split_once(&begin).expect("the manual has a mark for each table");
    let (_, after) = rest.split_once("<!-- end -->\n").expect("each table has an end");
    format!("{before}{begin}{table}<!-- end -->\n{after}")
}

#[test]
fn the_manual_has_every_setting_and_every_config_with_an_effect_and_no_other() {
    let manual = std::fs::read_to_string(path()).expect("the manual is there");
    let with_own = with_table(&manual, "own", &own_settings());
    let wanted = with_table(&with_own, "kafka", &configs_of_kafka());
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path(), wanted).expect("the manual can be written");
        return;
    }
    let missing: Vec<&str> =
        wanted.lines().filter(|line| !manual.lines().any(|other| other == *line)).collect();
    assert!(
        manual == wanted,
        "docs/settings.md is not what the code says; `make settings-manual` writes it. It lacks\n{}",
        missing.join("\n")
    );
}

#[test]
fn the_manual_names_every_flag_of_a_setting() {
    let manual = std::fs::read_to_string(path()).expect("the manual is there");
    let serve = <crate::args::Cli as clap::CommandFactory>::command();
    let serve = serve.find_subcommand("serve").expect("there is such a command").clone();
    for flag in serve.get_arguments().filter_map(clap::Arg::get_long) {
        if !matches!(flag, "help" | "version") {
            assert!(manual.contains(&format!("`--{flag}`")), "docs/settings.md lacks --{flag}");
        }
    }
}
