//! One partition's two files: read together, written in the order that keeps them one.

use crate::client::{Change, Doubts, FilerClient, FilerError};
use crate::format::{self, Place, Said};
use bytes::Bytes;
use hyper::Method;
use std::sync::Arc;
use std::time::Instant;
use tidegate_machine::group::OffsetAndMetadata;
use tracing::warn;

/// A reader between two writes of somebody else looks again so often.
const LOOKS: usize = 4;

/// What is committed, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Somebody has to look.
    No,
    /// This, or nothing.
    Yes(Option<OffsetAndMetadata>),
}

/// The folder of a partition.
pub struct Partition {
    /// The filers.
    pub client: Arc<FilerClient>,
    /// The group.
    pub group_id: String,
    /// The partition.
    pub place: Place,
    /// The folder's path.
    pub path: String,
}

impl Partition {
    /// What is committed.
    pub async fn read(&self) -> Result<Option<OffsetAndMetadata>, FilerError> {
        let (offset, metadata) =
            (format!("{}/offset", self.path), format!("{}/metadata", self.path));
        let mut before = None;
        for _ in 0..LOOKS {
            let (offset, metadata) =
                tokio::try_join!(self.client.file(&offset), self.client.file(&metadata))?;
            let changed_at = offset.as_ref().map_or(0, |answer| answer.changed_at);
            let seen = (offset.map(|answer| answer.body), metadata.map(|answer| answer.body));
            match format::read(seen.0.as_deref(), seen.1.as_deref(), changed_at) {
                Said::Nothing => return Ok(None),
                Said::Committed(value) => return Ok(Some(value)),
                Said::Unreadable => break,
                // Nobody is writing: the offset is by another hand.
                Said::Bare(value) if before.as_ref() == Some(&seen) => return Ok(Some(value)),
                Said::Bare(_) => before = Some(seen),
            }
        }
        warn!(target: "tidegate::offsets", path = offset, "committed offset cannot be read");
        Err(FilerError::Unreadable(offset))
    }

    /// Finds out what is committed unless it is known. What cannot be read may be written over.
    pub async fn look(&self, known: &mut Known) -> Result<(), FilerError> {
        if *known == Known::No {
            *known = match self.read().await {
                Err(FilerError::Unreadable(_)) => Known::Yes(None),
                read => Known::Yes(read?),
            };
        }
        Ok(())
    }

    /// Commits. Needs to know what is committed, for `metadata` has to tell that too until the offset
    /// changes; afterwards it is known what is, or that somebody has to look.
    pub async fn put(
        &self,
        value: &OffsetAndMetadata,
        known: &mut Known,
        doubts: &mut Doubts,
        deadline: Instant,
    ) -> Result<(), FilerError> {
        self.look(known).await?;
        let Known::Yes(previous) = &*known else { return Err(FilerError::TimedOut) };
        let text = format::metadata_file(&self.group_id, &self.place, value, previous.as_ref());
        let is_same_offset = previous.as_ref().is_some_and(|old| old.offset == value.offset);
        let change = self.file("metadata", text, "application/json");
        let begun = self.client.change(&change, doubts, deadline).await;
        if let Err(error) = begun {
            // Metadata of an offset that is committed already counts as soon as it is there.
            if is_same_offset && error.may_have_happened() {
                *known = Known::No;
            }
            return Err(error);
        }
        let change = self.file("offset", format::offset_file(value), "text/plain");
        match self.client.change(&change, doubts, deadline).await {
            Ok(()) => {
                *known = Known::Yes(Some(value.clone()));
                Ok(())
            }
            Err(error) => {
                if is_same_offset || error.may_have_happened() {
                    *known = Known::No;
                }
                Err(error)
            }
        }
    }

    /// Forgets what is committed.
    pub async fn remove(
        &self,
        known: &mut Known,
        doubts: &mut Doubts,
        deadline: Instant,
    ) -> Result<(), FilerError> {
        // Metadata alone means nothing, so the offset goes first.
        let offset = removal(format!("{}/offset", self.path), false);
        if let Err(error) = self.client.change(&offset, doubts, deadline).await {
            *known = Known::No;
            return Err(error);
        }
        *known = Known::Yes(None);
        let folder = removal(self.path.clone(), true);
        if let Err(error) = self.client.change(&folder, doubts, deadline).await {
            warn!(target: "tidegate::offsets", path = self.path, %error, "empty folder stays");
        }
        Ok(())
    }

    fn file(&self, name: &str, text: String, content_type: &'static str) -> Change {
        Change {
            method: Method::PUT,
            path: format!("{}/{name}", self.path),
            recursive: false,
            body: Bytes::from(text),
            content_type,
        }
    }
}

/// The deletion of a file, or of a folder with all in it.
pub fn removal(path: String, recursive: bool) -> Change {
    Change { method: Method::DELETE, path, recursive, body: Bytes::new(), content_type: "" }
}
