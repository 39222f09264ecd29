//! The picture of contributions follows the journal, from its beginning: what was removed is in
//! it by what remains, so that it is the same after every start. And what it needs to stay.

use super::{Feed, FeedError, label};
use crate::journal::{Position, Stored};
use crate::wire::stored::{is_plain_sighting, label_only};
use bytes::Bytes;

/// How many records the picture takes in at a time.
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

    /// Keeps the picture of contributions up with the journal, until the gateway ends. Spawned
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
                for stored in &batch {
                    // Remains without a body are of a plain sighting.
                    if !stored.entry.body.is_empty() && !is_plain(stored)? {
                        self.picture.apply(stored.position, &label(stored)?);
                    }
                }
                self.picture.reach(last);
                next = Position(last.0 + 1);
            }
            self.picture.built();
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

/// What has to remain of a record that is removed, so that the picture of contributions is the
/// same after every start: its label, where the picture is made of such; or nothing.
///
/// # Errors
/// The body is not in a form that this version knows.
pub fn remains(stored: &Stored) -> Result<Bytes, FeedError> {
    if is_plain(stored)? {
        return Ok(Bytes::new());
    }
    let position = stored.position;
    label_only(&stored.entry.body).map_err(|cause| FeedError::Stored { position, cause })
}

fn is_plain(stored: &Stored) -> Result<bool, FeedError> {
    let position = stored.position;
    is_plain_sighting(&stored.entry.body).map_err(|cause| FeedError::Stored { position, cause })
}
