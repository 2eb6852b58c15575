//! What came of an import.

use crate::failure::Failure;
use crate::output::{Table, print, print_json};
use crate::schema::registry::SubjectVersion;
use serde::Serialize;

/// Counts, and all that is not as it was exported.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Versions that were registered, or would be.
    pub registered: usize,
    /// Versions that were there already.
    pub unchanged: usize,
    /// Versions that were deleted, as they are where they come from.
    pub deleted: usize,
    /// Configs that were set or taken away.
    pub configs: usize,
    /// Modes that were set or taken away.
    pub modes: usize,
    /// Why the registry chose ids and versions itself, if it did.
    pub not_kept: Option<String>,
    /// Versions that have another id or number now.
    pub changed: Vec<Changed>,
    /// What was left out of the export, and why.
    pub notes: Vec<String>,
    /// What did not come over, and why.
    pub problems: Vec<String>,
}

/// A version that has another id or number now.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// The subject.
    pub subject: String,
    /// The version that it was.
    pub version: i32,
    /// The id that it had.
    pub id: i32,
    /// The version that it is.
    pub new_version: i32,
    /// The id that it has.
    pub new_id: i32,
}

impl Report {
    /// Notes that a version has another place now, if it has.
    pub fn place(&mut self, was: &SubjectVersion, id: i32, new_version: i32, new_id: i32) {
        if (was.version, id) != (new_version, new_id) {
            let (subject, version) = (was.subject.clone(), was.version);
            self.changed.push(Changed { subject, version, id, new_version, new_id });
        }
    }

    /// Prints it, and fails if something did not come over.
    pub fn tell(self, json: bool, validate_only: bool) -> Result<(), Failure> {
        match json {
            true => print_json(&self)?,
            false => print(&self.shown(validate_only))?,
        }
        match self.problems.is_empty() {
            true => Ok(()),
            false => Err(Failure::several(self.problems)),
        }
    }

    fn shown(&self, validate_only: bool) -> String {
        let Report { registered, unchanged, deleted, configs, modes, .. } = self;
        if validate_only {
            return format!(
                "{registered} versions would be registered, {unchanged} are there already\n"
            );
        }
        let mut text = format!(
            "{registered} versions registered, {unchanged} were there already, {deleted} deleted; \
             {configs} configs and {modes} modes changed\n"
        );
        if let Some(reason) = &self.not_kept {
            text += &format!("ids and versions are the registry's own choice: {reason}\n");
        }
        if !self.changed.is_empty() {
            let mut table = Table::new(&["SUBJECT", "VERSION", "ID", "NEW VERSION", "NEW ID"]);
            for Changed { subject, version, id, new_version, new_id } in &self.changed {
                let numbers = [version, id, new_version, new_id].map(ToString::to_string);
                table.row([subject.clone()].into_iter().chain(numbers));
            }
            text += &format!("changed:\n{}", table.render());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_with_another_place_are_changed() {
        let mut report = Report { not_kept: Some("no modes".to_owned()), ..Report::default() };
        let was = SubjectVersion { subject: "a".to_owned(), version: 2 };
        report.place(&was, 7, 2, 7);
        assert!(report.changed.is_empty() && !report.shown(false).contains("changed:"));
        report.place(&was, 7, 1, 3);
        let shown = report.shown(false);
        let rows: Vec<Vec<&str>> =
            shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows.last(), Some(&vec!["a", "2", "7", "1", "3"]));
        assert!(shown.contains("the registry's own choice: no modes"), "{shown}");
    }
}
