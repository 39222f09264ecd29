//! The durable, ordered store. Opaque bytes under opaque keys: it never learns what a record is.
//!
//! The truth is a log of segments; `docs/JOURNAL.md` has every byte. The index of keys is
//! derived from it and may be lost. One writer thread decides, writes and syncs; everything
//! else only reads.
//!
//! Invariant: delivered <= durable <= written. A [`Receipt`] exists only for an entry that is
//! durable; nothing outside this module can make one.

mod appender;
#[doc(hidden)]
pub mod disk;
mod error;
pub mod examine;
mod frame;
mod generation;
mod index;
mod indexer;
mod layout;
mod log;
pub mod quarantine;
mod queue;
mod recent;
mod recovery;
mod repeats;
mod segment;
mod settings;
mod spare;
mod writer;

pub use error::{AppendError, OpenError, ReadError};
pub use queue::Pending;
pub use settings::Settings;

use crate::clock::Clock;
use bytes::Bytes;
use disk::{Disk, RealDisk};
use error::{io_error, is_full};
use log::Log;
use queue::Queue;
use std::fmt;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
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
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    disk: Arc<dyn Disk>,
    log: Arc<Log>,
    queue: Arc<Queue>,
    durable: watch::Receiver<Position>,
    health: watch::Receiver<Health>,
    writer: Mutex<Option<JoinHandle<()>>>,
    // Held for as long as the journal is open: a second process is refused.
    _lock: File,
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
        settings.check()?;
        let folder = &settings.folder;
        disk.create_folder(folder)
            .map_err(io_error("use", folder))?;
        let lock = lock(&settings)?;
        let (durable_in, durable) = watch::channel(Position(0));
        let (health_in, health) = watch::channel(Health::Ready);
        let queue = Arc::new(Queue::new(&settings, health.clone()));
        let (log, writer) = writer::start(writer::Parts {
            settings: settings.clone(),
            disk: Arc::clone(&disk),
            clock,
            queue: Arc::clone(&queue),
            durable: durable_in,
            health: health_in,
        })?;
        let writer = Mutex::new(Some(writer));
        let inner = Inner {
            settings,
            disk,
            log,
            queue,
            durable,
            health,
            writer,
            _lock: lock,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Hands entries over, to be stored in this order; waits while the queue is full. They are
    /// durable only when [`Pending::durable`] says so.
    ///
    /// # Errors
    /// The queue stays full, or nothing is stored any more.
    pub async fn enqueue(&self, entries: Vec<Entry>) -> Result<Pending, AppendError> {
        self.inner.queue.push(entries).await
    }

    /// Stores entries; one answer an entry, in order, after the sync.
    ///
    /// # Errors
    /// As [`Self::enqueue`] and [`Pending::durable`].
    pub async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Appended>, AppendError> {
        self.enqueue(entries).await?.durable().await
    }

    /// Wakes those who wait for answers, until the journal is closed. Whoever opens a journal
    /// in a runtime does well to run this there: it is what makes many small requests cheap.
    pub async fn deliver(&self) {
        self.inner.queue.deliver().await;
    }

    /// The first position that can be read.
    #[must_use]
    pub fn first(&self) -> Position {
        Position(1)
    }

    /// The last durable position; 0: nothing is stored.
    #[must_use]
    pub fn durable(&self) -> Position {
        *self.inner.durable.borrow()
    }

    /// Follows the last durable position.
    #[must_use]
    pub fn watch_durable(&self) -> watch::Receiver<Position> {
        self.inner.durable.clone()
    }

    /// Durable entries from memory; `None`: they have to be read from disk. Never blocks.
    #[must_use]
    pub fn read_recent(
        &self,
        from: Position,
        entries_max: usize,
        bytes_max: usize,
    ) -> Option<Vec<Stored>> {
        self.inner.log.recent(from.0, entries_max, bytes_max)
    }

    /// Durable entries, at least one if there is one. May block on the disk.
    ///
    /// # Errors
    /// The disk cannot be read, or what stands there does not hold.
    pub fn read(
        &self,
        from: Position,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        self.inner.log.read(from.0, entries_max, bytes_max)
    }

    /// Follows whether entries can be stored.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        self.inner.health.clone()
    }

    /// Figures for metrics.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            durable: self.durable(),
            queued_entries: self.inner.queue.entries(),
            free_bytes: self
                .inner
                .disk
                .free_bytes(&self.inner.settings.folder)
                .unwrap_or(0),
        }
    }

    /// Stores what waits, then ends the writer. Blocks.
    pub fn close(self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        self.queue.close();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // A panic in the writer has poisoned the journal already.
            let _ended = writer.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// Takes the lock of the folder.
fn lock(settings: &Settings) -> Result<File, OpenError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = settings.folder.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(io_error("open", &path))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::InUse {
            folder: settings.folder.clone(),
        }),
        Err(error) => Err(io_error("lock", &path)(error.into())),
    }
}
