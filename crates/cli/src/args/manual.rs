//! Commands that the documents name must exist, with the flags that they are shown with.

use super::Cli;
use clap::CommandFactory;
use std::path::{Path, PathBuf};
use tidegate_load::plan::Plan;

/// The documents: what is in docs, and the pages at the top.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<PathBuf> = ["", "docs"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).expect("it is readable"))
        .map(|entry| entry.expect("it is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    assert!(files.iter().any(|path| path.ends_with("README.md")), "not the repository");
    files
}

/// What stands as code in a page, line by line: fenced and indented blocks, and spans in sentences.
fn code_of(text: &str) -> Vec<&str> {
    let mut code = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            code.push(line.trim());
        } else {
            code.extend(line.split('`').skip(1).step_by(2));
        }
    }
    code
}

/// The words after each `tidegate` that is run in `code`, up to where the shell begins something else.
fn calls_in(code: &str) -> Vec<Vec<&str>> {
    let words: Vec<&str> = code.split_whitespace().collect();
    let run =
        words.iter().enumerate().filter(|(_, word)| word.trim_start_matches("$(") == "tidegate");
    run.map(|(at, _)| {
        let rest = words[at + 1..].iter().copied();
        rest.take_while(|word| {
            !matches!(*word, "|" | "||" | "&&" | "&" | "--" | ">" | "<") && !word.starts_with('#')
        })
        .collect()
    })
    .collect()
}

/// What is wrong with a call, if anything.
fn problem_of(call: &[&str]) -> Option<String> {
    let mut command = &Cli::command();
    let root = command.clone();
    let mut rest = call;
    command = &root;
    let named =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    while let [word, after @ ..] = rest {
        if let Some(next) = command.find_subcommand(word) {
            (command, rest) = (next, after);
        } else if command.get_name() == "load" && Plan::preset(word).is_ok() {
            rest = after;
        } else if command.has_subcommands() && named(word) && !word.starts_with('-') {
            return Some(format!("there is no command {word}"));
        } else {
            break;
        }
    }
    let takes = |name: &str| {
        let of_all = ["help", "version"].contains(&name);
        let mut all = command.get_arguments().chain(root.get_arguments());
        of_all
            || all.any(|argument| {
                argument.get_long_and_visible_aliases().is_some_and(|l| l.contains(&name))
            })
    };
    let flags =
        rest.iter().filter_map(|word| word.trim_start_matches(['[', '(']).strip_prefix("--"));
    let names = flags.map(|flag| flag.split(['=', ']', ')', ',', ';']).next().unwrap_or(flag));
    let unknown: Vec<&str> = names.filter(|name| !takes(name)).collect();
    (!unknown.is_empty()).then(|| format!("there is no flag {}", unknown.join(", ")))
}

#[test]
fn every_command_in_the_documents_exists_with_its_flags() {
    let mut problems = Vec::new();
    let mut seen = 0;
    for path in documents() {
        let text = std::fs::read_to_string(&path).expect("it is readable");
        for call in code_of(&text).into_iter().flat_map(calls_in) {
            seen += 1;
            if let Some(problem) = problem_of(&call) {
                problems.push(format!(
                    "{}: tidegate {}: {problem}",
                    path.display(),
                    call.join(" ")
                ));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    assert!(seen > 10, "the documents name commands, and {seen} were found");
}

#[test]
fn a_command_or_flag_that_does_not_exist_is_found() {
    assert_eq!(problem_of(&["topic", "list", "--json"]), None);
    assert_eq!(problem_of(&["topic"]), None);
    assert_eq!(problem_of(&["load", "quick", "--embedded"]), None);
    assert_eq!(problem_of(&["load", "qick"]), Some("there is no command qick".to_owned()));
    assert_eq!(problem_of(&["topic", "lst"]), Some("there is no command lst".to_owned()));
    assert_eq!(problem_of(&["topic", "list", "--jsn"]), Some("there is no flag jsn".to_owned()));
    assert_eq!(calls_in("x | tidegate topic list | wc"), [["topic", "list"]]);
    assert_eq!(code_of("run `a b` or `c`\n\n    tidegate x\n"), ["a b", "c", "tidegate x"]);
}
