//! Which crate may depend on which.

use crate::{File, Finding};

/// What each crate of the workspace may depend on, of the workspace. `*` is everything.
///
/// Sockets and API versions stop in `server` and `wire`; only `cli` knows which engines there are.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("wire", &["model"]),
    ("machine", &["model", "schema"]),
    ("metrics", &[]),
    ("log", &["model", "metrics"]),
    ("log-local", &["log", "model", "metrics"]),
    ("broker", &["machine", "log", "model", "schema", "metrics"]),
    ("server", &["broker", "wire", "machine", "log", "model", "metrics"]),
    ("schema", &[]),
    ("registry", &["broker", "machine", "schema", "log", "model", "metrics"]),
    ("offsets-filer", &["broker", "machine", "log", "model"]),
    ("cli", &["*"]),
    // Judges any Kafka from outside: it knows nothing of the gateway.
    ("load", &[]),
    ("tidy", &[]),
    // Black boxes, in tests/: they know the protocol and an address.
    ("raw-client", &["wire", "model"]),
    ("conformance", &["raw-client", "wire", "model"]),
];

/// What any crate may import for its tests.
const FOR_TESTS: &str = "raw-client";

/// Crates that know neither time nor chance, so that every run of them can be repeated.
pub(crate) const PURE: &[&str] = &["model", "wire", "machine", "schema"];

/// Packages that bring a runtime, a clock or randomness with them.
const IMPURE: &[&str] =
    &["tokio", "async-std", "smol", "rand", "fastrand", "getrandom", "chrono", "time", "jiff"];

const TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Checks the dependencies in every `Cargo.toml` of a crate among `files`.
pub fn check_imports(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let Some(name) = crate_of_manifest(&file.path) else { continue };
        match file.text.parse::<toml::Table>() {
            Ok(manifest) => check_manifest(file, name, &manifest, &mut findings),
            Err(error) => findings.push(Finding::new(&file.path, 1, error.message())),
        }
    }
    findings
}

fn crate_of_manifest(path: &str) -> Option<&str> {
    let path = path.strip_prefix("crates/").or_else(|| path.strip_prefix("tests/"))?;
    let name = path.strip_suffix("/Cargo.toml")?;
    (!name.contains('/')).then_some(name)
}

fn check_manifest(file: &File, name: &str, manifest: &toml::Table, findings: &mut Vec<Finding>) {
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == name) else {
        let problem =
            "a crate without a place in the order of imports (crates/tidy/src/imports.rs)";
        findings.push(Finding::new(&file.path, 1, problem));
        return;
    };
    for table in TABLES {
        let Some(dependencies) = manifest.get(*table).and_then(toml::Value::as_table) else {
            continue;
        };
        for (dependency, spec) in dependencies {
            let line = line_of(&file.text, dependency);
            let mut report =
                |problem: String| findings.push(Finding::new(&file.path, line, problem));
            if let Some(other) = dependency.strip_prefix("tidegate-")
                && !allowed.contains(&"*")
                && !allowed.contains(&other)
                && !(*table == "dev-dependencies" && other == FOR_TESTS)
            {
                report(format!("{name} must not depend on {other}"));
            }
            if *table == "dependencies" && PURE.contains(&name) {
                if IMPURE.contains(&dependency.as_str()) {
                    report(format!("{name} is pure and must not depend on {dependency}"));
                }
                if dependency == "uuid" && makes_random_ids(spec) {
                    report(format!("{name} is pure and must not make random ids"));
                }
            }
        }
    }
}

fn makes_random_ids(spec: &toml::Value) -> bool {
    let features = spec.get("features").and_then(toml::Value::as_array);
    features.is_some_and(|features| {
        features.iter().filter_map(toml::Value::as_str).any(|f| matches!(f, "v1" | "v4" | "v7"))
    })
}

fn line_of(text: &str, dependency: &str) -> usize {
    let is_it = |line: &str| {
        line.trim_start()
            .strip_prefix(dependency)
            .is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
    };
    text.lines().position(is_it).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<String> {
        let files = [File { path: path.to_owned(), text: text.to_owned() }];
        check_imports(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_import_against_the_direction_is_found_with_its_line() {
        let text = "[dependencies]\nbytes = \"1\"\ntidegate-broker = { path = \"../broker\" }\n";
        assert_eq!(
            problems("crates/wire/Cargo.toml", text),
            ["crates/wire/Cargo.toml:3: wire must not depend on broker"]
        );
        assert!(problems("crates/server/Cargo.toml", text).is_empty());
    }

    #[test]
    fn only_the_cli_may_name_an_engine_even_in_tests() {
        let text = "[dev-dependencies]\ntidegate-log-local = { path = \"../log-local\" }\n";
        for name in ["broker", "server", "log"] {
            assert_eq!(problems(&format!("crates/{name}/Cargo.toml"), text).len(), 1, "{name}");
        }
        assert!(problems("crates/cli/Cargo.toml", text).is_empty());
    }

    #[test]
    fn a_pure_crate_has_no_runtime_and_no_random_ids() {
        let runtime = "[dependencies]\ntokio = \"1\"\n";
        let ids = "[dependencies]\nuuid = { version = \"1\", features = [\"v4\"] }\n";
        for text in [runtime, ids] {
            assert_eq!(problems("crates/machine/Cargo.toml", text).len(), 1);
            assert!(problems("crates/broker/Cargo.toml", text).is_empty());
        }
        assert!(
            problems("crates/wire/Cargo.toml", "[dev-dependencies]\nrand = \"1\"\n").is_empty()
        );
    }

    #[test]
    fn the_conformance_suite_knows_the_protocol_and_no_server() {
        let path = "tests/conformance/Cargo.toml";
        assert!(problems(path, "[dependencies]\ntidegate-wire = \"1\"\n").is_empty());
        for name in ["server", "broker", "cli"] {
            let text = format!("[dev-dependencies]\ntidegate-{name} = \"1\"\n");
            assert_eq!(problems(path, &text).len(), 1, "{name}");
        }
    }

    #[test]
    fn the_raw_client_is_for_tests_alone() {
        let text = |table| format!("[{table}]\ntidegate-raw-client = \"1\"\n");
        assert!(problems("crates/server/Cargo.toml", &text("dev-dependencies")).is_empty());
        assert_eq!(problems("crates/server/Cargo.toml", &text("dependencies")).len(), 1);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        for directory in ["crates", "tests"] {
            let path = format!("{directory}/new/Cargo.toml");
            assert_eq!(problems(&path, "[dependencies]\n").len(), 1);
        }
    }
}
