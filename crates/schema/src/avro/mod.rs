//! Avro schemas.

use crate::{Incompatibility, Limits, Reference, SchemaError};

/// A schema of this language that has been read.
#[derive(Debug, Clone)]
pub struct AvroSchema {
    text: String,
}

impl AvroSchema {
    /// Reads `text` with all that it refers to.
    ///
    /// # Errors
    /// [`SchemaError`]
    pub fn parse(
        text: &str,
        _references: &[Reference<'_>],
        _limits: &Limits,
    ) -> Result<Self, SchemaError> {
        Ok(AvroSchema { text: text.to_owned() })
    }

    /// The text that is stored and served.
    pub fn canonical(&self) -> String {
        self.text.clone()
    }

    /// The text that is stored with `normalize=true`.
    pub fn normalized(&self) -> String {
        self.text.clone()
    }

    /// The text in the form that `?format=` asks for.
    pub fn formatted(&self, _format: &str) -> String {
        self.text.clone()
    }

    /// Why a reader with `self` cannot read everything that `writer` allows; empty if it can.
    ///
    /// # Errors
    /// [`SchemaError::TooExpensive`]
    pub fn incompatibilities(
        &self,
        _writer: &Self,
        _limits: &Limits,
    ) -> Result<Vec<Incompatibility>, SchemaError> {
        Ok(Vec::new())
    }
}
