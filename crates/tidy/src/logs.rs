//! Log lines: each names its target, and docs/logging.md lists the targets.

use crate::{File, Finding};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;

const MANUAL: &str = "docs/logging.md";

/// The macros that write a line, and the one that asks whether it would be written.
const MACROS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "enabled"];

/// Crates that write no log of the gateway.
const EXEMPT: [&str; 2] = ["crates/load/", "crates/tidy/"];

/// Checks every log line of `files` against the targets that the manual lists.
pub fn check_logs(files: &[File]) -> Vec<Finding> {
    let Some(manual) = files.iter().find(|file| file.path == MANUAL) else {
        return vec![Finding::new(MANUAL, 1, "is missing: it lists the targets of log lines")];
    };
    let listed: BTreeSet<&str> = manual.text.lines().filter_map(target_of_row).collect();
    let sources = files.iter().filter(|file| {
        file.path.starts_with("crates/")
            && file.path.contains("/src/")
            && file.path.ends_with(".rs")
            && !EXEMPT.iter().any(|exempt| file.path.starts_with(exempt))
    });
    let mut walk = Walk { listed: &listed, used: BTreeSet::new(), findings: Vec::new() };
    for file in sources {
        // A source that is no Rust is told by another check.
        let Ok(tokens) = file.text.parse::<TokenStream>() else { continue };
        walk.tokens(&file.path, tokens);
    }
    let Walk { used, mut findings, .. } = walk;
    for target in listed.iter().filter(|target| !used.contains(**target)) {
        let problem = format!("{target} is listed, and no log line has it");
        findings.push(Finding::new(MANUAL, 1, problem));
    }
    findings
}

/// The target of a row of the manual's table.
fn target_of_row(line: &str) -> Option<&str> {
    let name = line.strip_prefix("| `")?.split('`').next()?;
    name.starts_with("tidegate::").then_some(name)
}

struct Walk<'a> {
    listed: &'a BTreeSet<&'a str>,
    used: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn tokens(&mut self, path: &str, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            let is_macro = index >= 2
                && matches!(&tokens[index - 1], TokenTree::Punct(mark) if mark.as_char() == '!')
                && matches!(&tokens[index - 2], TokenTree::Ident(name)
                    if MACROS.iter().any(|known| name == known));
            if is_macro {
                let line = tokens[index - 2].span().start().line;
                self.line(path, line, group.stream());
            }
            self.tokens(path, group.stream());
        }
    }

    fn line(&mut self, path: &str, line: usize, arguments: TokenStream) {
        let first: Vec<String> = arguments.into_iter().take(3).map(|t| t.to_string()).collect();
        let problem = match first.as_slice() {
            [target, colon, name] if target == "target" && colon == ":" => {
                let name = name.trim_matches('"');
                if self.listed.contains(name) {
                    self.used.insert(name.to_owned());
                    return;
                }
                format!("target {name} is not in the table of {MANUAL}")
            }
            _ => "a log line begins with its target: \"tidegate::...\"".to_owned(),
        };
        self.findings.push(Finding::new(path, line, problem));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(source: &str) -> Vec<String> {
        let manual = "| `tidegate::fetch` | Fetch |\n";
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let files = [file(MANUAL, manual), file("crates/server/src/x.rs", source)];
        check_logs(&files).into_iter().map(|finding| finding.problem).collect()
    }

    #[test]
    fn a_line_without_a_target_is_found_also_within_another_macro() {
        let used = "debug!(target: \"tidegate::fetch\", \"fetch\");";
        assert!(problems(&format!("fn f() {{ {used} }}")).is_empty());
        let found =
            problems(&format!("fn f() {{ {used} select! {{ _ => warn!(%error, \"x\") }} }}"));
        assert_eq!(found, ["a log line begins with its target: \"tidegate::...\""]);
    }

    #[test]
    fn a_target_that_is_not_listed_or_not_used_is_found() {
        assert_eq!(
            problems("fn f() { info!(target: \"tidegate::other\", \"x\") }"),
            [
                "target tidegate::other is not in the table of docs/logging.md",
                "tidegate::fetch is listed, and no log line has it",
            ]
        );
    }
}
