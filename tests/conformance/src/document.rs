//! The part of docs/compatibility.md that is written from what stands in this directory: the
//! recordings, the differences and the heads of the scenarios' files. No broker is asked.

use crate::expected::Expected;
use crate::scenario::Scenario;
use crate::scenarios;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The scenario whose transcripts tell the versions of both.
pub const VERSIONS: &str = "api_versions/the_requests_and_their_versions";

const BEGIN: &str = "<!-- `conformance document` writes what follows. -->\n";
const END: &str = "<!-- `conformance document` wrote what stands above. -->\n";

/// The document and what its generated part is made of.
pub struct Document<'a> {
    pub path: PathBuf,
    pub expected: &'a Expected,
}

impl Document<'_> {
    /// Writes the generated part anew and leaves the rest of the document alone.
    pub fn write(&self) -> io::Result<()> {
        fs::write(&self.path, self.current()?)
    }

    /// True if the document is as [`Document::write`] would leave it.
    pub fn is_current(&self) -> io::Result<bool> {
        Ok(fs::read_to_string(&self.path)? == self.current()?)
    }

    fn current(&self) -> io::Result<String> {
        let whole = fs::read_to_string(&self.path)?;
        let parts = whole.split_once(BEGIN).zip(whole.split_once(END));
        let ((head, _), (_, tail)) = parts.ok_or_else(|| {
            io::Error::other(format!("{}: there are no marks", self.path.display()))
        })?;
        Ok(format!("{head}{BEGIN}{}{END}{tail}", self.generated()?))
    }

    fn generated(&self) -> io::Result<String> {
        let kafka = versions(&self.expected.of_kafka(VERSIONS))?;
        let tidegate = versions(&self.expected.of_tidegate(VERSIONS))?;
        let mut text = String::new();
        write_versions(&mut text, &kafka, &tidegate);
        write_differences(&mut text, &self.expected.differences);
        write_areas(&mut text, &self.expected.sources())?;
        write_points(&mut text, &self.expected.points()?)?;
        Ok(text)
    }
}

/// By key: the name and the range.
type Versions = BTreeMap<i16, (String, String)>;

/// Reads lines such as `3 Metadata: 0 to 13`; others are passed over.
fn versions(transcript: &Path) -> io::Result<Versions> {
    let text = fs::read_to_string(transcript)
        .map_err(|error| io::Error::other(format!("{}: {error}", transcript.display())))?;
    let row = |line: &str| {
        let (key, rest) = line.split_once(' ')?;
        let (name, range) = rest.split_once(": ")?;
        Some((key.parse().ok()?, (name.to_owned(), range.to_owned())))
    };
    Ok(text.lines().filter_map(row).collect())
}

fn write_versions(text: &mut String, kafka: &Versions, tidegate: &Versions) {
    text.push_str("\n## Requests and versions\n\n");
    text.push_str("| Key | Request | Kafka 4.3.1 | Tidegate |\n|--:|---|---|---|\n");
    let keys: BTreeSet<&i16> = kafka.keys().chain(tidegate.keys()).collect();
    for key in keys {
        let (of_kafka, of_tidegate) = (kafka.get(key), tidegate.get(key));
        let name = of_kafka.or(of_tidegate).map_or("", |(name, _)| name);
        let range = |of: Option<&(String, String)>| of.map_or("no", |(_, range)| range).to_owned();
        let _ = writeln!(text, "| {key} | {name} | {} | {} |", range(of_kafka), range(of_tidegate));
    }
}

fn write_differences(text: &mut String, differences: &BTreeMap<String, String>) {
    text.push_str("\n## Where answers differ on purpose\n");
    let mut area_before = "";
    for (id, reason) in differences {
        let (area, name) = id.split_once('/').unwrap_or(("", id));
        if area != area_before {
            let _ = write!(text, "\n### {area}\n\n");
            area_before = area;
        }
        let file = format!("../tests/conformance/expected/{id}.tidegate.txt");
        let _ = writeln!(text, "- [{}]({file}): {reason}", name.replace('_', " "));
    }
}

/// What each area is about stands in the head of its file.
fn write_areas(text: &mut String, sources: &Path) -> io::Result<()> {
    text.push_str("\n## What is compared\n");
    let mut areas: BTreeMap<&str, usize> = BTreeMap::new();
    for scenario in scenarios::all(None) {
        *areas.entry(scenario.area).or_default() += 1;
    }
    for (area, count) in areas {
        let source = fs::read_to_string(sources.join(format!("{area}.rs")))?;
        let head: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        let link = format!("[{area}](../tests/conformance/expected/{area})");
        // A line for the number alone: whoever adds a scenario changes nothing else.
        let _ = write!(text, "\n{link}: {}\n\n- {count} claims\n", head.join(" "));
    }
    text.push('\n');
    Ok(())
}

/// Points that are easily missed, and what shows each of them; `points.toml` has them.
fn write_points(text: &mut String, points: &toml::Table) -> io::Result<()> {
    text.push_str("## What is easily missed\n\nPoints in which others have been wrong.\n");
    let known: BTreeSet<String> = scenarios::all(None).iter().map(Scenario::id).collect();
    for subject in rows(points.get("subject")) {
        let name = word(subject, "name").unwrap_or("no name");
        let _ = write!(text, "\n### {name}\n\n");
        for point in rows(subject.get("point")) {
            let claim = word(point, "claim").unwrap_or("no claim");
            let _ = writeln!(text, "1. {claim}");
            let before = text.len();
            for id in rows(point.get("shown_by")).iter().filter_map(toml::Value::as_str) {
                if !known.contains(id) {
                    return Err(io::Error::other(format!(
                        "points.toml: there is no scenario {id}"
                    )));
                }
                let _ = writeln!(text, "   - [{id}](../tests/conformance/expected/{id}.txt)");
            }
            for other in [word(point, "also"), word(point, "not_yet")].into_iter().flatten() {
                let _ = writeln!(text, "   - {other}");
            }
            if text.len() == before {
                return Err(io::Error::other(format!("points.toml: nothing shows: {claim}")));
            }
        }
    }
    text.push('\n');
    Ok(())
}

fn rows(value: Option<&toml::Value>) -> &[toml::Value] {
    value.and_then(toml::Value::as_array).map_or(&[], Vec::as_slice)
}

fn word<'a>(table: &'a toml::Value, name: &str) -> Option<&'a str> {
    table.get(name).and_then(toml::Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_only_one_of_both_has_is_told_as_such() {
        let of = |key: i16, range: &str| (key, (format!("Name{key}"), range.to_owned()));
        let mut text = String::new();
        let kafka = [of(0, "0 to 13"), of(24, "0 to 5")].into();
        write_versions(&mut text, &kafka, &[of(0, "0 to 12")].into());
        let rows = "| 0 | Name0 | 0 to 13 | 0 to 12 |\n| 24 | Name24 | 0 to 5 | no |\n";
        assert!(text.ends_with(rows), "{text}");
    }

    #[test]
    fn differences_stand_below_their_areas() {
        let mut text = String::new();
        let of = |id: &str| (id.to_owned(), "Reason.".to_owned());
        write_differences(&mut text, &[of("a/one_it"), of("a/two"), of("b/one")].into());
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).skip(1).collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert_eq!(lines[0], "### a");
        assert_eq!(
            lines[1],
            "- [one it](../tests/conformance/expected/a/one_it.tidegate.txt): Reason."
        );
        assert_eq!(lines[3], "### b");
    }

    #[test]
    fn a_point_that_nothing_shows_is_no_point() {
        let written = |point: &str| {
            let points =
                format!("[[subject]]\nname = 's'\n[[subject.point]]\nclaim = 'c'\n{point}");
            write_points(&mut String::new(), &points.parse().expect("it is TOML")).is_ok()
        };
        assert!(written("shown_by = ['requests/fetch_is_answered_in_every_version']"));
        assert!(written("not_yet = 'Not there yet.'"));
        assert!(!written("shown_by = ['requests/no_such_scenario']"));
        assert!(!written(""));
    }
}
