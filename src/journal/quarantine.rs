//! Refused reports, kept by group (a nation) and bounded: when a group is full its oldest go,
//! and are counted. Opaque bytes in a fjall database of its own; one thread groups what waits
//! into one synced write.
//!
//! Invariant: what [`Quarantine::put`] has confirmed is on stable storage until its group's
//! bounds push it out. A disk without room stops it for no longer than there is no room.

mod store;
#[cfg(test)]
mod tests;

use super::disk::{Disk, RealDisk};
use super::error::is_full;
use crate::clock::Clock;
use bytes::Bytes;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use store::{Keeper, Store};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// Longest name of a group, bytes.
const GROUP_BYTES_MAX: usize = 64;
/// When it is worth coming back to a full disk.
const DISK_FULL_RETRY: Duration = Duration::from_secs(5);

/// Why the quarantine cannot do what it was asked.
#[derive(Clone, Debug, Error)]
pub enum QuarantineError {
    /// The database refused.
    #[error("the database says: {0}")]
    Database(String),
    /// A write failed before, and the database could not be opened again yet.
    #[error("a write failed, and the database is not open again yet")]
    Stopped,
    /// Free disk is below the floor, or there is none; nothing was kept.
    #[error("too little free disk; retry after {retry_after:?}")]
    Full {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The folder cannot be made or used.
    #[error("{0}")]
    Folder(String),
    /// It is closed.
    #[error("the quarantine is closed")]
    Closed,
}

impl QuarantineError {
    /// There is no room now.
    fn full() -> Self {
        Self::Full {
            retry_after: DISK_FULL_RETRY,
        }
    }
}

impl From<fjall::Error> for QuarantineError {
    fn from(error: fjall::Error) -> Self {
        match &error {
            fjall::Error::Io(io) if is_full(io) => Self::full(),
            fjall::Error::Poisoned => Self::Stopped,
            _ => Self::Database(error.to_string()),
        }
    }
}

/// How a quarantine is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its folder; made with mode 0700 if it is not there.
    pub folder: PathBuf,
    /// Most calls of [`Quarantine::put`] that wait to be kept.
    pub queue_max: usize,
    /// Most bytes that wait to be kept.
    pub queue_bytes_max: usize,
    /// Nothing is taken when less than this is free; 0: only when the disk is full.
    pub free_bytes_floor: u64,
}

impl Settings {
    /// The usual settings.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            queue_max: 4096,
            queue_bytes_max: 64 * 1024 * 1024,
            free_bytes_floor: 1024 * 1024 * 1024,
        }
    }
}

/// How much of a group is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most bodies.
    pub reports_max: u64,
    /// Most bytes of bodies.
    pub bytes_max: u64,
}

/// Bodies on their way.
#[derive(Debug)]
struct Put {
    group: String,
    bounds: Bounds,
    bodies: Vec<Bytes>,
    answer: oneshot::Sender<Result<(), QuarantineError>>,
    _room: OwnedSemaphorePermit,
}

/// The quarantine.
pub struct Quarantine {
    store: Arc<Store>,
    puts: Option<mpsc::Sender<Put>>,
    room: Arc<Semaphore>,
    room_bytes: usize,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Quarantine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quarantine").finish_non_exhaustive()
    }
}

impl Quarantine {
    /// Opens a quarantine, or makes one.
    ///
    /// # Errors
    /// The folder cannot be made or others may enter it, or the database does not open.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, QuarantineError> {
        Self::open_on(settings, clock, Arc::new(RealDisk))
    }

    /// Opens a quarantine beside a disk that is given and asked only for its free bytes and
    /// the folder; for tests that let it fill up.
    ///
    /// # Errors
    /// As [`Self::open`].
    #[doc(hidden)]
    pub fn open_on(
        settings: Settings,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, QuarantineError> {
        let (puts, waiting) = mpsc::channel(settings.queue_max.max(1));
        // A permit is a byte, and permits are counted in 32 bits.
        let room_bytes = settings.queue_bytes_max.clamp(1, u32::MAX as usize);
        let room = Arc::new(Semaphore::new(room_bytes));
        let folder = settings.folder.clone();
        let store = Arc::new(Store::open(settings, disk)?);
        let keeper = Keeper::new(Arc::clone(&store), clock);
        let thread = std::thread::Builder::new()
            .name("quarantine".to_owned())
            .spawn(move || keeper.work(waiting))
            .map_err(|error| QuarantineError::Folder(format!("{}: {error}", folder.display())))?;
        Ok(Self {
            store,
            puts: Some(puts),
            room,
            room_bytes,
            thread: Some(thread),
        })
    }

    /// Keeps bodies in a group, in order; resolves when they are durable. Waits while as many
    /// bytes as may are on their way.
    ///
    /// # Errors
    /// They were not kept.
    pub async fn put(
        &self,
        group: &str,
        bounds: Bounds,
        bodies: Vec<Bytes>,
    ) -> Result<(), QuarantineError> {
        if bodies.is_empty() {
            return Ok(());
        }
        let bytes = bodies.iter().map(Bytes::len).sum::<usize>();
        // What alone is more than may wait goes alone.
        let bytes = u32::try_from(bytes.min(self.room_bytes)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room)
            .acquire_many_owned(bytes)
            .await
            .map_err(|_| QuarantineError::Closed)?;
        let (answer, answered) = oneshot::channel();
        let group = group.chars().take(GROUP_BYTES_MAX / 4).collect();
        let puts = self.puts.as_ref().ok_or(QuarantineError::Closed)?;
        puts.send(Put {
            group,
            bounds,
            bodies,
            answer,
            _room: room,
        })
        .await
        .map_err(|_| QuarantineError::Closed)?;
        answered.await.map_err(|_| QuarantineError::Closed)?
    }

    /// Shows the bodies of a group from a number on, one at a time with its number, until
    /// `visit` breaks off: it alone bounds how much is read. May block on the disk.
    ///
    /// # Errors
    /// The database refuses.
    pub fn scan(
        &self,
        group: &str,
        from: u64,
        visit: impl FnMut(u64, Bytes) -> ControlFlow<()>,
    ) -> Result<(), QuarantineError> {
        self.store.scan(group, from, visit)
    }

    /// How many bodies a group holds.
    #[must_use]
    pub fn count(&self, group: &str) -> u64 {
        self.store.group(group).count()
    }

    /// How many bodies of a group were pushed out by its bounds.
    #[must_use]
    pub fn dropped(&self, group: &str) -> u64 {
        self.store.group(group).dropped()
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        self.puts = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}
