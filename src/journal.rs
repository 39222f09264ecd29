//! The durable, ordered store. Opaque bytes under opaque keys: it never learns what a record is.
//!
//! Two engines stand behind [`Journal`], and nobody outside learns which. Embedded: the truth
//! is a log of segments; `docs/JOURNAL.md` has every byte. The index of keys is derived from it
//! and may be lost. One writer thread decides, writes and syncs; everything else only reads.
//! JetStream: the truth is a stream of NATS servers (`docs/ENGINES.md`), and the log of
//! segments is a copy of it that every gateway makes for itself.
//!
//! Invariant: delivered <= durable <= written. A [`Receipt`] exists only for an entry that is
//! durable; nothing outside this module can make one.

mod appender;
#[doc(hidden)]
pub mod disk;
mod embedded;
mod error;
pub mod examine;
mod frame;
mod generation;
mod index;
mod indexer;
mod jetstream;
mod layout;
mod log;
mod pending;
pub mod portable;
pub mod quarantine;
mod queue;
mod recent;
mod recovery;
mod remains;
mod repeats;
mod segment;
mod settings;
mod spare;
mod writer;

pub use error::{AppendError, OpenError, ReadError, RemoveError};
pub use jetstream::{JetStreamSettings, SyncPromise};
pub use pending::Pending;
pub use remains::{Removal, RemovalOrder, Sealed};
pub use settings::Settings;

use crate::clock::Clock;
use bytes::Bytes;
use disk::{Disk, RealDisk};
use embedded::{Embedded, Role};
use error::{io_error, is_full};
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// Place of an entry in the journal, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What makes retries idempotent, together with `revision`; at most 512 bytes.
    pub key: Bytes,
    /// Revision of the key, from 1.
    pub revision: u32,
    /// Digest of what was submitted: the same key and revision with another digest is a conflict.
    pub digest: [u8; 32],
    /// When it was taken in, nanoseconds since the Unix epoch.
    pub stamp_ns: i64,
    /// The bytes.
    pub body: Bytes,
}

/// An entry as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where it stands.
    pub position: Position,
    /// Position of the highest lower revision of the same key when it was stored.
    pub previous: Option<Position>,
    /// The entry.
    pub entry: Entry,
}

/// Proof that an entry is durable. Cannot be made outside the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    position: Position,
    previous: Option<Position>,
    digest: [u8; 32],
    stamp_ns: i64,
}

impl Receipt {
    /// Where the entry stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Position of the revision that it superseded.
    #[must_use]
    pub fn previous(&self) -> Option<Position> {
        self.previous
    }

    /// Digest of what was submitted.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// When it was taken in, nanoseconds since the Unix epoch.
    #[must_use]
    pub fn stamp_ns(&self) -> i64 {
        self.stamp_ns
    }
}

/// What became of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Stored now, and durable.
    Stored(Receipt),
    /// Stored now, and durable; a higher revision of the key was already there.
    Superseded(Receipt),
    /// The same entry was stored before; its first receipt.
    Duplicate(Receipt),
    /// The same key and revision was stored before with another digest; its receipt.
    Conflict(Receipt),
    /// Not stored: the key has as many revisions as it may.
    TooManyRevisions,
    /// Not stored: it needs more than a batch may hold.
    TooLarge {
        /// What it needs, bytes.
        bytes: usize,
        /// The limit, bytes.
        bytes_max: usize,
    },
}

/// Whether entries can be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Yes.
    Ready,
    /// Not now: too little free disk. Resumes by itself.
    DiskFull,
    /// Not now: what stores them cannot be reached; why. Resumes by itself.
    Unreachable(String),
    /// Never again in this process; why.
    Poisoned(String),
}

/// Figures for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The last durable position.
    pub durable: Position,
    /// Entries that wait for the writer.
    pub queued_entries: usize,
    /// Free bytes of the disk.
    pub free_bytes: u64,
}

/// A journal that is open. Clones share it.
#[derive(Clone, Debug)]
pub struct Journal {
    /// The log of segments: the truth, or this gateway's copy of the stream.
    log: Embedded,
    /// Where entries go first, with the JetStream engine.
    stream: Option<Arc<jetstream::Engine>>,
}

impl Journal {
    /// Opens a journal, or makes one. What was being written when the last process ended is
    /// cut off; damage anywhere else is an error.
    ///
    /// # Errors
    /// The folder is in use, cannot be read or written, or is damaged.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_on(settings, clock, Arc::new(RealDisk))
    }

    /// Opens a journal on a disk that is given; for tests that let it fail.
    ///
    /// # Errors
    /// As [`Self::open`].
    #[doc(hidden)]
    pub fn open_on(
        settings: Settings,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, OpenError> {
        let log = Embedded::open(settings, clock, disk, Role::Truth)?;
        Ok(Self { log, stream: None })
    }

    /// Opens the copy of a stream in the folder of `settings`, makes the stream if it is not
    /// there, and comes to its end. A folder that is empty is filled.
    ///
    /// # Errors
    /// As [`Self::open`]; and the servers cannot be reached, or offer less than is required, or
    /// the stream is another than the copy is of, or has lost something.
    pub async fn open_stream(
        settings: Settings,
        stream: JetStreamSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let open = move || Embedded::open(settings, clock, Arc::new(RealDisk), Role::Copy);
        let log = tokio::task::spawn_blocking(open).await;
        let log = log.map_err(|_| OpenError::JetStream("the start was cut short".to_owned()))??;
        let engine = jetstream::Engine::open(log.clone(), stream).await?;
        Ok(Self {
            log,
            stream: Some(Arc::new(engine)),
        })
    }

    /// Whether this is a copy of a stream that other gateways have too, and may have read further.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.stream.is_some()
    }

    /// Hands entries over, to be stored in this order; waits while the queue is full. They are
    /// durable only when [`Pending::durable`] says so.
    ///
    /// # Errors
    /// The queue stays full, or nothing is stored now, or any more.
    pub async fn enqueue(&self, entries: Vec<Entry>) -> Result<Pending, AppendError> {
        match &self.stream {
            Some(stream) => stream.enqueue(entries).await,
            None => self.log.queue().push(entries).await,
        }
    }

    /// Stores entries; one answer an entry, in order, after the sync.
    ///
    /// # Errors
    /// As [`Self::enqueue`] and [`Pending::durable`].
    pub async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Appended>, AppendError> {
        self.enqueue(entries).await?.durable().await
    }

    /// As [`Self::enqueue`], at positions from `first` on and nowhere else: what was stored
    /// elsewhere comes here. The writer, or with JetStream the servers, refuse what would stand at
    /// another position. Behind one that is too large nothing is stored, or answered.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn enqueue_at(
        &self,
        first: Position,
        entries: Vec<Entry>,
    ) -> Result<Pending, AppendError> {
        match &self.stream {
            Some(stream) => stream.enqueue_at(first, entries).await,
            None => self.log.queue().push_at(Some(first.0), entries).await,
        }
    }

    /// Whether entries can be removed: not with the JetStream engine.
    #[must_use]
    pub fn can_remove(&self) -> bool {
        self.stream.is_none()
    }

    /// Begins a new segment behind what was handed over before, so that the one before it can
    /// be removed.
    ///
    /// # Errors
    /// The disk is full, or refuses.
    pub async fn seal(&self) -> Result<(), AppendError> {
        self.log.queue().seal().await
    }

    /// Says, durably, that a feed is being imported: until [`Self::end_import`] the folder opens for
    /// an import alone. Half a feed is never taken for a whole one. Blocks.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn begin_import(&self) -> Result<(), OpenError> {
        self.log.begin_import()
    }

    /// Says that what is imported is complete: from now on the folder opens as usual. Blocks.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn end_import(&self) -> Result<(), OpenError> {
        self.log.end_import()
    }

    /// Wakes those who wait for answers, until the journal is closed. Whoever opens a journal
    /// in a runtime does well to run this there: it is what makes many small requests cheap.
    pub async fn deliver(&self) {
        self.log.queue().deliver().await;
    }

    /// The first position that can be read; what stood before it was removed.
    #[must_use]
    pub fn first(&self) -> Position {
        Position(self.log.log().first())
    }

    /// Segments that could be removed, the oldest first. The one that is written is not among
    /// them.
    #[must_use]
    pub fn sealed(&self) -> Vec<Sealed> {
        remains::sealed(self.log.log())
    }

    /// Segments that were removed, in order.
    #[must_use]
    pub fn removals(&self) -> Vec<Removal> {
        let segments = self.log.log().segments();
        segments
            .iter()
            .filter_map(|segment| remains::removal(segment))
            .collect()
    }

    /// Size of the files of the log, remains included, bytes.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        let segments = self.log.log().segments();
        segments.iter().map(|segment| segment.header.bytes).sum()
    }

    /// Removes the oldest segment that is there. Of each of its entries all but the body
    /// remains, and of the body what `shorten` leaves; retries get the answers that they got
    /// before. Blocks.
    ///
    /// # Errors
    /// See [`RemoveError`].
    pub fn remove(
        &self,
        order: &RemovalOrder,
        shorten: &mut dyn FnMut(&Stored) -> Bytes,
    ) -> Result<Removal, RemoveError> {
        if self.stream.is_some() {
            return Err(RemoveError::Engine);
        }
        self.log.remove(order, shorten)
    }

    /// As [`Self::read`]; where entries were removed, what remains of them. Not for readers.
    ///
    /// # Errors
    /// The disk cannot be read, or what stands there does not hold.
    pub fn read_with_remains(
        &self,
        from: Position,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let log = self.log.log();
        log.read_with_remains(from.0, entries_max, bytes_max)
    }

    /// The last durable position; 0: nothing is stored.
    #[must_use]
    pub fn durable(&self) -> Position {
        self.log.durable()
    }

    /// Follows the last durable position.
    #[must_use]
    pub fn watch_durable(&self) -> watch::Receiver<Position> {
        self.log.watch_durable()
    }

    /// Durable entries from memory; `None`: they have to be read from disk. Never blocks.
    #[must_use]
    pub fn read_recent(
        &self,
        from: Position,
        entries_max: usize,
        bytes_max: usize,
    ) -> Option<Vec<Stored>> {
        self.log.read_recent(from, entries_max, bytes_max)
    }

    /// Durable entries, at least one if there is one. May block on the disk.
    ///
    /// # Errors
    /// They were removed, the disk cannot be read, or what stands there does not hold.
    pub fn read(
        &self,
        from: Position,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        self.log.read(from, entries_max, bytes_max)
    }

    /// Follows whether entries can be stored.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        match &self.stream {
            Some(stream) => stream.health(),
            None => self.log.health(),
        }
    }

    /// Figures for metrics.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let figures = self.log.figures();
        match &self.stream {
            Some(stream) => Figures {
                queued_entries: stream.in_flight(),
                ..figures
            },
            None => figures,
        }
    }

    /// Stores what waits, then ends the writer. Blocks.
    pub fn close(self) {
        if let Some(stream) = &self.stream {
            stream.stop();
        }
        self.log.close();
    }
}
