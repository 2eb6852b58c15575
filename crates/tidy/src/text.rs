//! What must not stand in any file: paths of one machine, and hosts that packages come from.

use crate::{File, Finding};

/// Beginnings of paths that exist on somebody's machine only, taken apart so that this file does
/// not hold them.
const MACHINE_PATHS: &[[&str; 2]] = &[["/wo", "rk/"], ["/ro", "ot/"], ["/tmp/bash", "_jobs"]];

/// Hosts of package registries. Their clients know them; a mirror must be able to stand in.
const REGISTRY_HOSTS: &[[&str; 2]] = &[
    ["crates", ".io"],
    ["static.crates", ".io"],
    ["pypi", ".org"],
    ["files.pythonhosted", ".org"],
    ["registry.npmjs", ".org"],
    ["repo1.maven", ".org"],
    ["repo.maven.apache", ".org"],
    ["proxy.golang", ".org"],
    ["deb.debian", ".org"],
];

/// Cargo writes the host of its index into the lock file; there is no way to have it without.
const LOCK_FILE: &str = "Cargo.lock";

/// Checks every text file of `files`.
pub fn check_text(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            let mut report =
                |problem: String| findings.push(Finding::new(&file.path, index + 1, problem));
            for path in MACHINE_PATHS.iter().map(|parts| parts.concat()) {
                if begins_a_path(line, &path) {
                    report(format!("{path} is a path of one machine"));
                }
            }
            if file.path.ends_with(LOCK_FILE) {
                continue;
            }
            for host in REGISTRY_HOSTS.iter().map(|parts| parts.concat()) {
                if line.contains(&host) {
                    report(format!("{host} is a registry's host; leave it to the client's config"));
                }
            }
        }
    }
    findings
}

/// True if `path` stands in `line` as the beginning of an absolute path, not within a longer one.
fn begins_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<String> {
        let files = [File { path: path.to_owned(), text: text.to_owned() }];
        check_text(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_path_of_one_machine_is_found_with_its_line() {
        let text = format!("a\ncd {}x\n", MACHINE_PATHS[0].concat());
        let found = problems("docs/a.md", &text);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("docs/a.md:2: "), "{found:?}");
    }

    #[test]
    fn the_same_letters_within_a_longer_path_are_fine() {
        let text = format!(
            "see docs{}x and https://a.b{}x\n",
            MACHINE_PATHS[0].concat(),
            MACHINE_PATHS[1].concat()
        );
        assert!(problems("docs/a.md", &text).is_empty());
    }

    #[test]
    fn a_registry_host_is_found_everywhere_but_in_cargos_lock_file() {
        for host in REGISTRY_HOSTS {
            let text = format!("\"resolved\": \"https://{}/x\"\n", host.concat());
            assert!(!problems("package-lock.json", &text).is_empty(), "{host:?}");
            assert!(problems("Cargo.lock", &text).is_empty(), "{host:?}");
        }
    }
}
