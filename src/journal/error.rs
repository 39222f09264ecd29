//! What can go wrong with a journal, by operation.

use super::Position;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// Why a journal does not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use by another process", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The disk refused.
    #[error("cannot {doing} {}: {cause}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// What stands there is damaged. Nothing was changed.
    #[error(
        "segment {segment} is damaged at offset {offset}: {reason}; nothing was changed; \
         restore the folder from a copy, or see docs/JOURNAL.md"
    )]
    Damaged {
        /// The segment's file.
        segment: String,
        /// Where in it, bytes.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// Written by a later version.
    #[error("segment {segment} has format {version}, which this version does not know")]
    Version {
        /// The segment's file.
        segment: String,
        /// Its format.
        version: u16,
    },
    /// A segment is not there.
    #[error("positions {from} to {to} are missing: a segment is not there")]
    Missing {
        /// First missing position.
        from: u64,
        /// Last missing position.
        to: u64,
    },
    /// Entries at the end of the log are gone that were durable. Nothing was changed.
    #[error(
        "the log ends at position {last}, but its index has seen position {indexed}: entries that \
         were durable are lost; nothing was changed; restore the folder from a copy, or see \
         docs/JOURNAL.md"
    )]
    Lost {
        /// Last position of the log.
        last: u64,
        /// Last position that the index holds.
        indexed: u64,
    },
    /// The index can be neither opened nor replaced.
    #[error("index: {0}")]
    Index(String),
    /// Settings that cannot work.
    #[error("{0}")]
    Settings(&'static str),
    /// The JetStream engine does not start.
    #[error("jetstream: {0}")]
    JetStream(String),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// Why entries were not stored. Where it says nothing else, their outcome is unknown and they
/// may be handed in again.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AppendError {
    /// The queue stayed full, or the index is being rebuilt; nothing was stored.
    #[error("too much waits to be stored; retry after {retry_after:?}")]
    Overloaded {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// Free disk is below the floor; nothing was stored.
    #[error("too little free disk; retry after {retry_after:?}")]
    DiskFull {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// What stores entries cannot be reached, or did not answer. Their outcome is unknown.
    #[error("the servers that store reports do not answer; retry after {retry_after:?}")]
    Unreachable {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// It was for one position and would stand at another; nothing was stored. Only of what is
    /// imported.
    #[error("it would not stand at its own position: the next one is {next}")]
    Displaced {
        /// The position that is next.
        next: Position,
    },
    /// It was stored before, and its batch cannot be read now. Nothing else is concerned.
    #[error("the entry stands at position {0}, which cannot be read")]
    Unreadable(Position),
    /// A write or a sync failed; the process must end, and recovery decides what is stored.
    #[error("the journal is stopped: {0}")]
    Poisoned(String),
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}

/// Why entries cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The disk refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What stands there does not hold.
    #[error("segment {segment} is damaged at offset {offset}")]
    Damaged {
        /// The segment's file.
        segment: String,
        /// Where in it, bytes.
        offset: u64,
    },
    /// It was removed by retention.
    #[error("position {position} was removed; the earliest is {first}")]
    Removed {
        /// The position.
        position: Position,
        /// The first position that is still there.
        first: Position,
    },
    /// No segment holds the position.
    #[error("position {position} is in no segment")]
    Missing {
        /// The position.
        position: u64,
    },
}

/// Why a segment is not removed. Unless it says otherwise nothing is different.
#[derive(Debug, Error)]
pub enum RemoveError {
    /// Not the oldest that is there, or the last.
    #[error("no segment that begins with position {0} can be removed")]
    NotRemovable(Position),
    /// It cannot be read, and what cannot be read is never removed.
    #[error("segment {segment} is damaged at offset {offset}; what is damaged is never removed")]
    Damaged {
        /// The segment's file.
        segment: String,
        /// Where in it, bytes.
        offset: u64,
    },
    /// The disk refused.
    #[error("cannot {doing}: {cause}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// A sync failed: whether the remains are durable is unknown. Both they and the segment are
    /// there; nothing more is removed in this process, and the next start decides.
    #[error("cannot make remains durable: {0}; nothing more is removed until the next start")]
    Unknown(io::Error),
    /// A sync failed before.
    #[error("a sync failed before; nothing more is removed until the next start")]
    Stopped,
    /// Not with this engine.
    #[error("the jetstream engine removes nothing")]
    Engine,
}

/// Names what was tried on what.
pub(super) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |cause| OpenError::Io { doing, path, cause }
}

/// Whether an error says that there is no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
