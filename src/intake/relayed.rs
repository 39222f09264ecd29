//! The story of a record of another gateway: vouched for, held to what records hold, appended.
//! It has the key that it would have had if its originator had handed it in here; so whichever
//! way it comes, and however often, it stands here once.

use super::{Intake, IntakeError, key_of, sha256, stamp_ns};
use crate::identity::NationCode;
use crate::journal::{AppendError, Appended, Entry, Position, ReadError};
use crate::normalise::{Violation, Violations};
use crate::wire::proto::RelayedRecord;
use crate::wire::{relayed, stored};
use std::collections::BTreeSet;

/// What became of a relayed record.
#[derive(Debug)]
pub enum HandedOn {
    /// Stored now.
    Stored(Position),
    /// There already.
    Present(Position),
    /// It came through this gateway before.
    Looped,
    /// Refused, for all these reasons.
    Refused(Violations),
}

/// Who hands on, and to whom.
#[derive(Debug)]
pub struct Chain<'a> {
    /// This gateway's name.
    pub here: &'a str,
    /// Whose records the relay may hand in.
    pub vouches_for: &'a BTreeSet<NationCode>,
}

impl Intake {
    /// Stores records of another gateway's feed, and answers when they are durable, in order.
    ///
    /// # Errors
    /// The journal does not take them now; what became of them is unknown.
    pub async fn hand_on(
        &self,
        chain: &Chain<'_>,
        records: Vec<RelayedRecord>,
    ) -> Result<Vec<HandedOn>, IntakeError> {
        let now = self.clock.now();
        let mut outcomes = Vec::with_capacity(records.len());
        let (mut entries, mut sent) = (Vec::new(), Vec::new());
        for record in records {
            if record.path.iter().any(|name| name == chain.here) {
                outcomes.push(Some(HandedOn::Looped));
                continue;
            }
            let read = relayed::read(record, now, sha256);
            let read = read.and_then(|read| vouched(read, chain));
            match read {
                Ok(read) => {
                    sent.push((outcomes.len(), read.original_sha256));
                    outcomes.push(None);
                    let label = &read.label;
                    entries.push(Entry {
                        key: key_of(&label.nation, &label.system, &label.report_id),
                        revision: label.revision,
                        digest: read.original_sha256,
                        stamp_ns: stamp_ns(now),
                        body: stored::relayed(read),
                    });
                }
                Err(violations) => outcomes.push(Some(HandedOn::Refused(violations))),
            }
        }
        if !entries.is_empty() {
            let appended = self.journal.append(entries).await?;
            for ((index, original), appended) in sent.into_iter().zip(appended) {
                let outcome = self.judged(appended, original).await?;
                if let Some(place) = outcomes.get_mut(index) {
                    *place = Some(outcome);
                }
            }
        }
        // One that the journal did not answer for is not known.
        let all: Option<Vec<_>> = outcomes.into_iter().collect();
        Ok(all.ok_or(AppendError::Closed)?)
    }

    async fn judged(
        &self,
        appended: Appended,
        original: [u8; 32],
    ) -> Result<HandedOn, AppendError> {
        Ok(match appended {
            Appended::Stored(receipt) | Appended::Superseded(receipt) => {
                HandedOn::Stored(receipt.position())
            }
            Appended::Duplicate(receipt) => HandedOn::Present(receipt.position()),
            Appended::Conflict(receipt) => {
                // A native payload that its originator handed in here has a digest with its
                // envelope; it is the same if the payload is.
                let position = receipt.position();
                match self.original_at(position).await? {
                    Some(there) if there == original => HandedOn::Present(position),
                    _ => HandedOn::Refused(super::conflict(receipt)),
                }
            }
            Appended::TooManyRevisions => HandedOn::Refused(super::too_many_revisions()),
            Appended::TooLarge { bytes, bytes_max } => {
                HandedOn::Refused(super::too_large(bytes, bytes_max))
            }
        })
    }

    /// The SHA-256 of the report that stands at a position. `None`: it was removed, and nobody can
    /// tell any more.
    async fn original_at(&self, position: Position) -> Result<Option<Vec<u8>>, AppendError> {
        let journal = self.journal.clone();
        let read = tokio::task::spawn_blocking(move || journal.read(position, 1, usize::MAX));
        let read = match read.await {
            Ok(Err(ReadError::Removed { .. })) => return Ok(None),
            Ok(Ok(read)) => read,
            Ok(Err(error)) => {
                tracing::error!(%position, %error, "a stored entry cannot be read");
                return Err(AppendError::Unreadable(position));
            }
            Err(_) => return Err(AppendError::Closed),
        };
        let first = read.first();
        let first = first.ok_or(AppendError::Unreadable(position))?;
        let there = relayed::original_sha256(&first.entry.body);
        Ok(there.ok().map(|sha256| sha256.to_vec()))
    }
}

/// Whether the relay may hand in a record of this nation.
fn vouched(read: relayed::Relayed, chain: &Chain<'_>) -> Result<relayed::Relayed, Violations> {
    if chain.vouches_for.contains(&read.nation) {
        return Ok(read);
    }
    let mut violations = Violations::default();
    violations.push(Violation {
        field: "record.nation".into(),
        rule: "relay.vouches_for",
        message: format!("this relay may not hand in records of {}", read.nation).into(),
        expected: "a nation of `vouches_for` in the file of the relay's nation".into(),
    });
    Err(violations)
}
