//! What is derived from the whole feed and kept up with it: the picture of contributions, what
//! came from each system, and the links between sightings.

use super::{Feed, FeedError, label};
use crate::journal::{Position, Stored};
use crate::wire::stored::Glance;
use std::sync::Arc;

/// How many records are taken in at a time.
const FOLLOWED_MAX: usize = 512;
/// How many bytes of them.
const FOLLOWED_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Feed {
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
                let batch = self.read(next, FOLLOWED_MAX, FOLLOWED_BYTES_MAX).await?;
                let Some(last) = batch.last().map(|stored| stored.position) else {
                    break;
                };
                let mut seen = Vec::with_capacity(batch.len());
                for stored in &batch {
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
            while next <= end {
                let batch = self.read(next, FOLLOWED_MAX, FOLLOWED_BYTES_MAX).await?;
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
}

fn glance(stored: &Stored) -> Result<Glance<'_>, FeedError> {
    let position = stored.position;
    Glance::at(&stored.entry.body).map_err(|cause| FeedError::Stored { position, cause })
}
