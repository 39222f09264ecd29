//! The embedded engine: one folder, one writer. The jetstream engine keeps its copy of the
//! stream in one, too.
//!
//! Invariant: whoever holds an [`Embedded`] holds the lock of its folder.

use super::disk::Disk;
use super::error::io_error;
use super::log::Log;
use super::queue::Queue;
use super::recent::REVISIONS_MAX;
use super::recovery::log_names;
use super::remains;
use super::{
    Figures, Health, OpenError, Position, ReadError, Removal, RemovalOrder, RemoveError, Settings,
    Stored, writer,
};
use crate::clock::Clock;
use bytes::Bytes;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// Its presence says that a folder is a copy.
const COPY_MARK: &str = "copy-of-stream";

/// Its presence says that a feed is being imported.
const IMPORT_MARK: &str = "unfinished-import";

/// What a folder is to its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The one place where the entries are.
    Truth,
    /// A copy of a stream, which alone decides what stands where: it takes all that it is given.
    Copy,
}

impl Role {
    /// Most revisions of a key.
    fn revisions_max(self, importing: bool) -> usize {
        match self {
            Self::Truth if !importing => REVISIONS_MAX,
            Self::Truth | Self::Copy => usize::MAX,
        }
    }

    /// Makes sure that the folder is of this engine. A copy that was written to as if it were
    /// the truth would be neither.
    fn claim(self, disk: &dyn Disk, folder: &Path) -> Result<(), OpenError> {
        let mark = folder.join(COPY_MARK);
        let is_copy = mark.try_exists().map_err(io_error("look for", &mark))?;
        match self {
            Self::Truth if is_copy => Err(OpenError::Settings(
                "the folder is the jetstream engine's copy of a stream; set journal.engine = \
                 \"jetstream\", or give the embedded engine another journal.folder",
            )),
            Self::Copy if !is_copy => {
                if !log_names(disk, folder)?.log.is_empty() {
                    return Err(OpenError::Settings(
                        "the folder holds a journal of the embedded engine; give the jetstream \
                         engine another journal.folder, which may be empty",
                    ));
                }
                File::create_new(&mark).map_err(io_error("make", &mark))?;
                disk.sync_folder(folder).map_err(io_error("sync", folder))
            }
            Self::Truth | Self::Copy => Ok(()),
        }
    }
}

/// Refuses a folder that holds half a feed to everybody but an import.
fn refuse_half(settings: &Settings) -> Result<(), OpenError> {
    let mark = settings.folder.join(IMPORT_MARK);
    let is_there = mark.try_exists().map_err(io_error("look for", &mark))?;
    match is_there && !settings.importing {
        true => Err(OpenError::Settings(
            "a feed was being imported into the folder, and not all of it is there; run the same \
             `entente feed import` again",
        )),
        false => Ok(()),
    }
}

/// A folder that is open. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Embedded {
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
    /// Held while a segment is removed; `false`: none is removed any more.
    removing: Mutex<bool>,
    // Held for as long as the journal is open: a second process is refused.
    _lock: File,
}

impl Embedded {
    /// Opens a folder, or makes one.
    pub(super) fn open(
        settings: Settings,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
        role: Role,
    ) -> Result<Self, OpenError> {
        settings.check()?;
        let folder = &settings.folder;
        disk.create_folder(folder)
            .map_err(io_error("use", folder))?;
        let lock = lock(&settings)?;
        role.claim(&*disk, folder)?;
        refuse_half(&settings)?;
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
            revisions_max: role.revisions_max(settings.importing),
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
            removing: Mutex::new(true),
            _lock: lock,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// What waits for the writer.
    pub(super) fn queue(&self) -> &Queue {
        &self.inner.queue
    }

    /// How it is kept.
    pub(super) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The last durable position; 0: nothing is stored.
    pub(super) fn durable(&self) -> Position {
        *self.inner.durable.borrow()
    }

    /// Follows the last durable position.
    pub(super) fn watch_durable(&self) -> watch::Receiver<Position> {
        self.inner.durable.clone()
    }

    /// Durable entries from memory; `None`: they have to be read from disk. Never blocks.
    pub(super) fn read_recent(
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
    pub(super) fn read(
        &self,
        from: Position,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        self.inner.log.read(from.0, entries_max, bytes_max)
    }

    /// Says that a feed is being imported. Blocks.
    pub(super) fn begin_import(&self) -> Result<(), OpenError> {
        let Inner { settings, disk, .. } = &*self.inner;
        let (folder, mark) = (&settings.folder, settings.folder.join(IMPORT_MARK));
        File::create(&mark).map_err(io_error("make", &mark))?;
        disk.sync_folder(folder).map_err(io_error("sync", folder))
    }

    /// Says that all of it is there. Blocks.
    pub(super) fn end_import(&self) -> Result<(), OpenError> {
        let Inner { settings, disk, .. } = &*self.inner;
        let (folder, mark) = (&settings.folder, settings.folder.join(IMPORT_MARK));
        if mark.try_exists().map_err(io_error("look for", &mark))? {
            disk.remove(&mark).map_err(io_error("remove", &mark))?;
        }
        disk.sync_folder(folder).map_err(io_error("sync", folder))
    }

    /// The log, and what is left of it.
    pub(super) fn log(&self) -> &Log {
        &self.inner.log
    }

    /// Removes the oldest segment that is there, and leaves its remains. Blocks.
    pub(super) fn remove(
        &self,
        order: &RemovalOrder,
        shorten: &mut dyn FnMut(&Stored) -> Bytes,
    ) -> Result<Removal, RemoveError> {
        let inner = &self.inner;
        let mut may_go_on = inner
            .removing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !*may_go_on {
            return Err(RemoveError::Stopped);
        }
        let removed = remains::remove(
            &*inner.disk,
            &inner.settings.folder,
            &inner.log,
            order,
            shorten,
        );
        *may_go_on = !matches!(removed, Err(RemoveError::Unknown(_)));
        removed
    }

    /// Follows whether entries can be stored.
    pub(super) fn health(&self) -> watch::Receiver<Health> {
        self.inner.health.clone()
    }

    /// Figures for metrics.
    pub(super) fn figures(&self) -> Figures {
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
    pub(super) fn close(&self) {
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
