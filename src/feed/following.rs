//! What is derived from the whole feed and kept up with it. The picture of contributions and what
//! came from each system follow the journal from its beginning: what was removed is in them by
//! what remains, so that they are the same after every start. And what the picture needs to stay.

use super::{Feed, FeedError, label};
use crate::journal::{Position, Stored};
use crate::wire::stored::{Glance, label_only};
use bytes::Bytes;
use std::sync::Arc;

/// How many records are taken in at a time.
const FOLLOWED_MAX: usize = 512;
/// And how many bytes.
const FOLLOWED_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Feed {
    /// The first position of a record that is in the picture of contributions: it has to stay.
    ///
    /// # Errors
    /// The picture has not come to `upto`: which records up to there it needs is not known.
    pub fn needed(&self, upto: Position) -> Result<Option<Position>, FeedError> {
        self.picture.oldest(upto)
    }

    /// Keeps the picture of contributions, and what came from each system, up with the journal, until the gateway ends. Spawned
    /// once by the composition root.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn follow_picture(&self) -> Result<(), FeedError> {
        let mut durable = self.journal.watch_durable();
        loop {
            let end = *durable.borrow_and_update();
            let mut next = Position(self.picture.position().0 + 1);
            while next <= end {
                let batch = self.read_with_remains(next).await?;
                let Some(last) = batch.last().map(|stored| stored.position) else {
                    break;
                };
                let mut seen = Vec::with_capacity(batch.len());
                // Remains without a body are of a plain sighting without a number.
                for stored in batch.iter().filter(|stored| !stored.entry.body.is_empty()) {
                    let glance = glance(stored)?;
                    if !glance.is_plain_sighting() {
                        self.picture.apply(stored.position, &label(stored)?);
                    }
                    seen.push((glance, stored.entry.stamp_ns));
                }
                self.gaps.take(seen.into_iter(), last);
                self.picture.reach(last);
                next = Position(last.0 + 1);
            }
            self.picture.built();
            if durable.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Keeps the links between sightings up with the journal, until the gateway ends; does
    /// nothing where they are not wanted. Spawned once by the composition root.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn follow_corroboration(&self) -> Result<(), FeedError> {
        let Some(corroboration) = &self.corroboration else {
            return Ok(());
        };
        let mut durable = self.journal.watch_durable();
        let mut next = corroboration.first(*durable.borrow());
        loop {
            let end = *durable.borrow_and_update();
            next = next.max(self.journal.first());
            while next <= end {
                let batch = match self.read(next, FOLLOWED_MAX, FOLLOWED_BYTES_MAX).await {
                    Err(FeedError::Removed { first, .. }) => {
                        next = first;
                        continue;
                    }
                    batch => batch?,
                };
                let Some(last) = batch.last().map(|stored| stored.position) else {
                    break;
                };
                let taking = Arc::clone(corroboration);
                // Arithmetic on ellipsoids, for hundreds of records: not on the runtime's threads.
                tokio::task::spawn_blocking(move || taking.take_in(&batch))
                    .await
                    .map_err(|_| FeedError::Closed)??;
                next = Position(last.0 + 1);
            }
            if durable.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Records for the picture, which goes back behind what readers may have.
    async fn read_with_remains(&self, from: Position) -> Result<Vec<Stored>, FeedError> {
        let recent = self
            .journal
            .read_recent(from, FOLLOWED_MAX, FOLLOWED_BYTES_MAX);
        if let Some(recent) = recent {
            return Ok(recent);
        }
        let journal = self.journal.clone();
        let read = move || journal.read_with_remains(from, FOLLOWED_MAX, FOLLOWED_BYTES_MAX);
        let read = tokio::task::spawn_blocking(read).await;
        Ok(read.map_err(|_| FeedError::Closed)??)
    }
}

/// What has to remain of a record that is removed, so that the picture of contributions and the
/// numbers that came are the same after every start: its label, where they are made of such; or
/// nothing.
///
/// # Errors
/// The body is not in a form that this version knows.
pub fn remains(stored: &Stored) -> Result<Bytes, FeedError> {
    let glance = glance(stored)?;
    if glance.is_plain_sighting() && glance.sequence.is_none() {
        return Ok(Bytes::new());
    }
    let position = stored.position;
    label_only(&stored.entry.body).map_err(|cause| FeedError::Stored { position, cause })
}

fn glance(stored: &Stored) -> Result<Glance<'_>, FeedError> {
    let position = stored.position;
    Glance::at(&stored.entry.body).map_err(|cause| FeedError::Stored { position, cause })
}
