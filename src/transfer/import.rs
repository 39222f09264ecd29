//! An export into whichever engine a journal has. What is there already is compared, and the
//! rest is stored; so it goes on where it ended, however it ended.
//!
//! Invariant: nothing is stored behind an entry that does not stand at its own position.

use crate::journal::portable::{Block, PortableError, Reader, Totals};
use crate::journal::{
    AppendError, Appended, Journal, OpenError, Pending, Position, ReadError, Removal, RemovalOrder,
    RemoveError, Stored,
};
use std::collections::VecDeque;
use std::io::Read;
use thiserror::Error;

/// Blocks that may wait for stable storage.
const BLOCKS_IN_FLIGHT: usize = 4;
/// Entries of the journal that are read at once to compare them.
const COMPARED_BYTES: usize = 4 * 1024 * 1024;

/// Why a feed is not imported, or not to its end. It may be run again.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    File(#[from] PortableError),
    /// The journal has another feed.
    #[error(
        "position {0} of the journal is not what the export has there: it holds another feed; \
         import into an empty folder, or an empty stream"
    )]
    OtherFeed(Position),
    /// The journal has more.
    #[error("the journal ends at position {journal}, the export at position {file}")]
    Longer {
        /// Last position of the journal.
        journal: Position,
        /// Last position of the export.
        file: Position,
    },
    /// Something came between.
    #[error(
        "what the export has at position {expected} was stored otherwise ({found}): is another \
         gateway writing?"
    )]
    Elsewhere {
        /// Where it should stand.
        expected: Position,
        /// What the journal answered.
        found: String,
    },
    /// A batch cannot hold it.
    #[error(
        "position {position} needs {bytes} bytes and the journal takes {bytes_max}: raise \
         journal.batch_bytes_max"
    )]
    TooLarge {
        /// Where it should stand.
        position: Position,
        /// What it needs, bytes.
        bytes: usize,
        /// What there is, bytes.
        bytes_max: usize,
    },
    /// Records were removed, and this engine cannot keep what remains of them.
    #[error(
        "retention removed positions {} to {} of the exported feed, and the jetstream engine \
         cannot keep what remains of them",
        .0, .1
    )]
    Removed(Position, Position),
    /// The journal cannot store.
    #[error("position {position} is not stored: {cause}")]
    Append {
        /// The first of those that are not.
        position: Position,
        /// Why.
        cause: AppendError,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What remains cannot be made.
    #[error(transparent)]
    Remove(#[from] RemoveError),
    /// The folder cannot be marked as unfinished, or as complete.
    #[error(transparent)]
    Mark(#[from] OpenError),
}

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The first position that was not there before.
    pub from: Position,
    /// What the export holds, and now the journal.
    pub totals: Totals,
}

/// Imports an export into a journal that was opened for it (`Settings::importing`).
///
/// # Errors
/// See [`ImportError`]. What was stored stays; run it again to go on.
pub async fn import<R: Read>(
    journal: &Journal,
    file: &mut Reader<R>,
    progress: &mut dyn FnMut(u64, Position),
) -> Result<Imported, ImportError> {
    let before = journal.durable();
    let mut import = Import {
        journal,
        before,
        floor: journal.first(),
        last: Position(0),
        waiting: VecDeque::new(),
        has_begun: false,
    };
    loop {
        match file.block()? {
            Some(Block::Entries(entries)) => import.take(entries, false).await?,
            Some(Block::Removed(entries)) => {
                if let (false, Some(first), Some(last)) =
                    (journal.can_remove(), entries.first(), entries.last())
                {
                    return Err(ImportError::Removed(first.position, last.position));
                }
                import.take(entries, true).await?;
            }
            Some(Block::Removal(removal)) => import.remove(&removal).await?,
            Some(Block::End(totals)) => {
                import.settle(0).await?;
                if before.0 > totals.last {
                    return Err(ImportError::Longer {
                        journal: before,
                        file: Position(totals.last),
                    });
                }
                // Nothing may stand behind it.
                let _over = file.block()?;
                journal.end_import()?;
                let from = Position(before.0 + 1);
                return Ok(Imported { from, totals });
            }
            None => return Err(PortableError::Unfinished { last: import.last }.into()),
        }
        progress(file.offset(), import.last);
    }
}

/// Entries on their way, with what they have to become.
struct Waiting {
    expected: Vec<Stored>,
    pending: Pending,
}

struct Import<'j> {
    journal: &'j Journal,
    /// The last position that was there before.
    before: Position,
    /// The first position of the journal that is whole.
    floor: Position,
    /// The last position that came.
    last: Position,
    waiting: VecDeque<Waiting>,
    /// Whether the folder says that it holds half a feed.
    has_begun: bool,
}

impl Import<'_> {
    /// Compares what is there, and stores the rest.
    async fn take(&mut self, entries: Vec<Stored>, are_remains: bool) -> Result<(), ImportError> {
        let Some(last) = entries.last().map(|stored| stored.position) else {
            return Ok(());
        };
        self.last = last;
        let there = entries.partition_point(|stored| stored.position <= self.before);
        let (known, new) = entries.split_at(there);
        self.compare(known, are_remains)?;
        let Some(first) = new.first().map(|stored| stored.position) else {
            return Ok(());
        };
        if !self.has_begun {
            // Before anything is stored, and not before: a wrong file closes no folder.
            self.journal.begin_import()?;
            self.has_begun = true;
        }
        let entries = new.iter().map(|stored| stored.entry.clone()).collect();
        let pending = self.journal.enqueue_at(first, entries).await;
        let pending = pending.map_err(|cause| ImportError::Append {
            position: first,
            cause,
        })?;
        self.waiting.push_back(Waiting {
            expected: new.to_vec(),
            pending,
        });
        self.settle(BLOCKS_IN_FLIGHT).await
    }

    /// Compares entries with what the journal has at their positions.
    fn compare(&self, known: &[Stored], are_remains: bool) -> Result<(), ImportError> {
        let mut rest = known;
        while let Some(first) = rest.first() {
            let there =
                self.journal
                    .read_with_remains(first.position, rest.len(), COMPARED_BYTES)?;
            if there.is_empty() {
                return Err(ImportError::OtherFeed(first.position));
            }
            for (ours, theirs) in there.iter().zip(rest) {
                let mut ours = ours.clone();
                if are_remains || theirs.position < self.floor {
                    // Of one of them only what remains is there.
                    ours.entry.body = theirs.entry.body.clone();
                }
                if ours != *theirs {
                    return Err(ImportError::OtherFeed(theirs.position));
                }
            }
            rest = rest.get(there.len()..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits until at most so many blocks are on their way, and holds what became of the others
    /// against what had to.
    async fn settle(&mut self, in_flight: usize) -> Result<(), ImportError> {
        while self.waiting.len() > in_flight {
            let Some(Waiting { expected, pending }) = self.waiting.pop_front() else {
                return Ok(());
            };
            let first = expected.first().map_or(self.last, |stored| stored.position);
            let appended = pending.durable().await;
            let appended = match appended {
                Ok(appended) => appended,
                Err(cause) => {
                    // The servers refuse what would stand elsewhere for as long as one asks.
                    let durable = self.journal.durable();
                    let there = expected.partition_point(|stored| stored.position <= durable);
                    self.compare(expected.get(..there).unwrap_or_default(), false)?;
                    let position = first;
                    return Err(ImportError::Append { position, cause });
                }
            };
            for (appended, expected) in appended.iter().zip(&expected) {
                check(appended, expected)?;
            }
        }
        Ok(())
    }

    /// Removes what was removed where the export comes from: its remains have come.
    async fn remove(&mut self, removal: &Removal) -> Result<(), ImportError> {
        self.settle(0).await?;
        if removal.last < self.floor || self.before > removal.last {
            // Done before; or the journal kept more than the exported one, and keeps it.
            return Ok(());
        }
        let sealed = self.journal.seal().await;
        sealed.map_err(|cause| ImportError::Append {
            position: Position(removal.last.0 + 1),
            cause,
        })?;
        for segment in self.journal.sealed() {
            if segment.last > removal.last {
                break;
            }
            let order = RemovalOrder {
                first: segment.first,
                at_ns: removal.at_ns,
                rule: removal.rule,
            };
            // They came as remains: nothing is left to be shortened.
            self.journal
                .remove(&order, &mut |stored| stored.entry.body.clone())?;
        }
        Ok(())
    }
}

/// Holds what the journal answered against what the export says.
fn check(appended: &Appended, expected: &Stored) -> Result<(), ImportError> {
    let position = expected.position;
    let receipt = match appended {
        // A publication that was tried twice is its own duplicate.
        Appended::Stored(receipt)
        | Appended::Superseded(receipt)
        | Appended::Duplicate(receipt)
        | Appended::Conflict(receipt) => receipt,
        Appended::TooLarge { bytes, bytes_max } => {
            return Err(ImportError::TooLarge {
                position,
                bytes: *bytes,
                bytes_max: *bytes_max,
            });
        }
        Appended::TooManyRevisions => {
            let found = "as one revision too many".to_owned();
            return Err(ImportError::Elsewhere {
                expected: position,
                found,
            });
        }
    };
    let is_it = receipt.position() == position
        && receipt.previous() == expected.previous
        && *receipt.digest() == expected.entry.digest
        && receipt.stamp_ns() == expected.entry.stamp_ns;
    if is_it {
        return Ok(());
    }
    Err(ImportError::Elsewhere {
        expected: position,
        found: format!("at position {}", receipt.position()),
    })
}
