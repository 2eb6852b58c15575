//! Links between documents: a page or a heading that is not there is found before a reader does.

use crate::{File, Finding};

/// Checks the relative links of every Markdown file; `exists` tells of a path from the root.
pub fn check_links(files: &[File], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, target) in links_of(&file.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { file.path.clone() } else { resolve(&file.path, path) };
            let mut report =
                |problem: String| findings.push(Finding::new(&file.path, line, problem));
            if !exists(&path) {
                report(format!("{target} leads to {path}, which is not there"));
            } else if !heading.is_empty() {
                let page = files.iter().find(|page| page.path == path);
                if page.is_some_and(|page| !headings_of(&page.text).any(|name| name == heading)) {
                    report(format!("{path} has no heading #{heading}"));
                }
            }
        }
    }
    findings
}

/// The targets of `[text](target)` outside of code, with their lines.
fn links_of(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    for (index, line) in prose_of(text) {
        // Within a span of code nothing is a link: every second piece is one.
        for piece in line.split('`').step_by(2) {
            for after in piece.split("](").skip(1) {
                let target = after.split(')').next().unwrap_or(after).trim();
                links.push((index + 1, target));
            }
        }
    }
    links
}

/// The lines that are no code block.
fn prose_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence && !line.starts_with("    ")
    })
}

/// The names by which the headings of a page are linked to.
fn headings_of(text: &str) -> impl Iterator<Item = String> {
    prose_of(text).filter_map(|(_, line)| {
        let title = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
    })
}

/// The path from the root that `target` is in the file `from`.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let files = [
            File { path: "docs/a.md".to_owned(), text: text.to_owned() },
            File { path: "docs/b.md".to_owned(), text: "# One `two`, three\n".to_owned() },
        ];
        let there = |path: &str| matches!(path, "docs/a.md" | "docs/b.md" | "docs/c.png" | "docs");
        check_links(&files, there).into_iter().map(|finding| finding.problem).collect()
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        assert_eq!(problems("[x](d.md)"), ["d.md leads to docs/d.md, which is not there"]);
        assert_eq!(problems("[x](../d.md)"), ["../d.md leads to d.md, which is not there"]);
        assert_eq!(problems("![x](c.png) [y](b.md) [z](../docs) <https://a.example/b>"), [""; 0]);
    }

    #[test]
    fn a_heading_that_is_not_there_is_found() {
        assert_eq!(problems("[x](b.md#one-two-three)"), [""; 0]);
        assert_eq!(problems("[x](b.md#four)"), ["docs/b.md has no heading #four"]);
        assert_eq!(problems("[x](#four)\n"), ["docs/a.md has no heading #four"]);
    }

    #[test]
    fn code_has_no_links() {
        assert_eq!(problems("`[x](d.md)`\n\n    [x](d.md)\n```\n[x](d.md)\n```\n"), [""; 0]);
    }
}
