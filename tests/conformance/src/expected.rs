//! What Apache Kafka answered, what Tidegate answers on purpose instead, and whether both still hold.
//!
//!     expected/<area>/<scenario>.txt            Kafka's transcript
//!     expected/<area>/<scenario>.tidegate.txt   Tidegate's, for those in differences.toml
//!     differences.toml                          which those are, and why

use crate::run::Outcome;
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The directory of the suite.
pub struct Expected {
    directory: PathBuf,
    /// Deliberate differences: the scenario's id and the reason.
    pub differences: BTreeMap<String, String>,
}

impl Expected {
    /// Reads what stands in `directory`, that of this crate.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join("differences.toml");
        let table = read_table(&path)?;
        let mut differences = BTreeMap::new();
        for (area, scenarios) in table {
            for (name, reason) in scenarios.as_table().into_iter().flatten() {
                let reason = reason.as_str().filter(|reason| !reason.is_empty());
                let reason = reason.ok_or_else(|| {
                    io::Error::other(format!("{}: {name} has no reason", path.display()))
                })?;
                differences.insert(format!("{area}/{name}"), reason.to_owned());
            }
        }
        Ok(Expected { directory: directory.to_owned(), differences })
    }

    /// The points that are easily missed, by subject.
    pub fn points(&self) -> io::Result<toml::Table> {
        read_table(&self.directory.join("points.toml"))
    }

    /// Where the scenarios are written.
    pub fn sources(&self) -> PathBuf {
        self.directory.join("src/scenarios")
    }

    /// Where Kafka's transcript of a scenario is kept.
    pub fn of_kafka(&self, id: &str) -> PathBuf {
        self.directory.join("expected").join(format!("{id}.txt"))
    }

    /// Where Tidegate's transcript is kept if it differs on purpose.
    pub fn of_tidegate(&self, id: &str) -> PathBuf {
        self.directory.join("expected").join(format!("{id}.tidegate.txt"))
    }

    /// Keeps what Kafka answered.
    pub fn record(&self, outcome: &Outcome) -> io::Result<()> {
        write(&self.of_kafka(&outcome.scenario.id()), &outcome.transcript)
    }

    /// Keeps what Tidegate answers instead, if that is a deliberate difference.
    pub fn accept(&self, outcome: &Outcome) -> io::Result<bool> {
        let id = outcome.scenario.id();
        let listed = self.differences.contains_key(&id);
        if listed {
            write(&self.of_tidegate(&id), &outcome.transcript)?;
        }
        Ok(listed)
    }

    /// What is wrong with Tidegate's outcome, if anything.
    pub fn problem(&self, outcome: &Outcome) -> Option<String> {
        let id = outcome.scenario.id();
        let Ok(kafka) = fs::read_to_string(self.of_kafka(&id)) else {
            return Some("not recorded from Apache Kafka: make conformance-record".to_owned());
        };
        if !self.differences.contains_key(&id) {
            let difference = diff("Apache Kafka", &kafka, "Tidegate", &outcome.transcript);
            return match (&outcome.failure, difference) {
                (Some(failure), difference) => {
                    Some(format!("{failure}\n{}", difference.unwrap_or_default()))
                }
                (None, difference) => difference,
            };
        }
        if outcome.transcript == kafka {
            return Some("no longer differs: take it out of differences.toml".to_owned());
        }
        let Ok(tidegate) = fs::read_to_string(self.of_tidegate(&id)) else {
            return Some(
                "a deliberate difference that has not been accepted: make conformance-accept"
                    .to_owned(),
            );
        };
        diff("Tidegate as accepted", &tidegate, "Tidegate", &outcome.transcript)
    }

    /// Recordings and differences of scenarios that do not exist.
    pub fn stale(&self, known: &BTreeSet<String>) -> io::Result<Vec<String>> {
        let mut stale = Vec::new();
        for area in fs::read_dir(self.directory.join("expected"))? {
            let area = area?;
            for file in fs::read_dir(area.path())? {
                let name = file?.file_name().to_string_lossy().into_owned();
                let tidegate = name.strip_suffix(".tidegate.txt");
                let scenario = tidegate.or(name.strip_suffix(".txt")).unwrap_or(&name);
                let id = format!("{}/{scenario}", area.file_name().to_string_lossy());
                if !known.contains(&id) || tidegate.is_some() && !self.differences.contains_key(&id)
                {
                    stale.push(format!("{}/{name}", area.file_name().to_string_lossy()));
                }
            }
        }
        let listed = self.differences.keys().filter(|id| !known.contains(*id));
        stale.extend(listed.map(|id| format!("{id} in differences.toml")));
        stale.sort();
        Ok(stale)
    }

    /// Removes recordings that [`Expected::stale`] found.
    pub fn remove(&self, stale: &[String]) -> io::Result<()> {
        stale
            .iter()
            .map(|name| self.directory.join("expected").join(name))
            .filter(|path| path.exists())
            .try_for_each(fs::remove_file)
    }
}

fn read_table(path: &Path) -> io::Result<toml::Table> {
    let wrong = |error| io::Error::other(format!("{}: {error}", path.display()));
    fs::read_to_string(path)?.parse().map_err(wrong)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().expect("recordings stand in the directory of an area"))?;
    fs::write(path, text)
}

/// A unified diff, or nothing if both are the same.
pub fn diff(one_name: &str, one: &str, other_name: &str, other: &str) -> Option<String> {
    (one != other).then(|| {
        let diff = TextDiff::from_lines(one, other);
        diff.unified_diff().context_radius(4).header(one_name, other_name).to_string()
    })
}
