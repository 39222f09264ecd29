//! What a caller holds until its entries are durable.

use super::{AppendError, Appended};
use tokio::sync::oneshot;

/// What a caller is told: one answer an entry, or why there is none.
pub(super) type Answer = Result<Vec<Appended>, AppendError>;

/// Entries that are handed over and wait for stable storage.
#[derive(Debug, Default)]
pub struct Pending {
    parts: Vec<Part>,
}

/// Entries that share a batch.
#[derive(Debug)]
enum Part {
    Sent(oneshot::Receiver<Answer>),
    /// One entry that no batch can hold.
    TooLarge(Appended),
}

impl Pending {
    /// Adds entries whose answers come.
    pub(super) fn sent(&mut self, answer: oneshot::Receiver<Answer>) {
        self.parts.push(Part::Sent(answer));
    }

    /// Adds an entry that has its answer.
    pub(super) fn answered(&mut self, answer: Appended) {
        self.parts.push(Part::TooLarge(answer));
    }

    /// Waits until the entries are durable; one answer an entry, in order.
    ///
    /// # Errors
    /// They were not stored, or the journal stopped. Some of them may be stored.
    pub async fn durable(self) -> Result<Vec<Appended>, AppendError> {
        let mut appended = Vec::new();
        for part in self.parts {
            match part {
                Part::Sent(answer) => {
                    let part = answer.await.map_err(|_| AppendError::Closed)??;
                    match appended.is_empty() {
                        true => appended = part,
                        false => appended.extend(part),
                    }
                }
                Part::TooLarge(answer) => appended.push(answer),
            }
        }
        Ok(appended)
    }
}
