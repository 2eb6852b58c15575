//! Configs and modes of an import.

use super::{IMPORT, Import, Stop};
use crate::failure::Failure;
use crate::schema::registry::Refusal;
use serde_json::Value;

impl Import<'_> {
    /// Brings configs and modes to what they were, the modes last: some of them forbid changes.
    pub(super) fn settings(&mut self) -> Result<(), Failure> {
        for (name, subject) in &self.source.subjects {
            let there = self.target.subjects.get(name);
            let opened = self.opened.contains(name);
            if opened || there.and_then(|there| there.config.as_ref()) != subject.config.as_ref() {
                let done = self.set_config(Some(name), subject.config.as_ref());
                self.count_config(name, done)?;
            }
        }
        if self.source.config.is_some() && self.source.config != self.target.config {
            let done = self.set_config(None, self.source.config.as_ref());
            self.count_config("all subjects", done)?;
        }
        for (name, subject) in &self.source.subjects {
            let there = self.target.subjects.get(name).and_then(|there| there.mode.as_deref());
            let now = if self.importing.contains(name) { Some(IMPORT) } else { there };
            if now != subject.mode.as_deref() {
                let done = self.set_mode(name, subject.mode.as_deref());
                self.count_mode(name, there != subject.mode.as_deref(), done)?;
            }
        }
        let changes = self.source.mode != self.target.mode;
        match &self.source.mode {
            Some(mode) if self.has_modes && (changes || self.is_open) => {
                let done = self.registry.set_mode(None, mode, true).map(drop);
                self.count_mode("all subjects", changes, done)
            }
            _ => Ok(()),
        }
    }

    fn set_config(&self, subject: Option<&str>, config: Option<&Value>) -> Result<(), Refusal> {
        let Some(config) = config else {
            return self.registry.delete_config(subject).map(drop);
        };
        // A request calls it otherwise than an answer does.
        let renamed = |name: &String| match name.as_str() {
            "compatibilityLevel" => "compatibility".to_owned(),
            name => name.to_owned(),
        };
        let members = config.as_object().into_iter().flatten();
        let body = members.map(|(name, value)| (renamed(name), value.clone())).collect();
        self.registry.set_config(subject, body).map(drop)
    }

    fn set_mode(&self, subject: &str, mode: Option<&str>) -> Result<(), Refusal> {
        match mode {
            Some(mode) => self.registry.set_mode(Some(subject), mode, true).map(drop),
            None => match self.registry.delete_mode(Some(subject)) {
                // Old registries can set modes and not take them away.
                Err(refusal) if refusal.is_not_found() => {
                    self.registry.set_mode(Some(subject), "READWRITE", true).map(drop)
                }
                done => done.map(drop),
            },
        }
    }

    fn count_config(&mut self, name: &str, done: Result<(), Refusal>) -> Result<(), Failure> {
        self.report.configs += usize::from(done.is_ok());
        self.note(done, &format!("the config of {name}"))
    }

    fn count_mode(
        &mut self,
        name: &str,
        changes: bool,
        done: Result<(), Refusal>,
    ) -> Result<(), Failure> {
        self.report.modes += usize::from(changes && done.is_ok());
        self.note(done, &format!("the mode of {name}"))
    }

    fn note(&mut self, done: Result<(), Refusal>, what: &str) -> Result<(), Failure> {
        self.take(done.map_err(|refusal| Stop::of(refusal, what)))
    }
}
