//! Cursors that the gateway keeps for readers: named, one owner each (a system), durable.
//!
//! Invariants: an acknowledgement is answered when it is on stable storage; a cursor never moves
//! backwards without a reset; a file that cannot be read is said, stays where it is, and lets
//! nobody read by it until its owner resets or deletes it: then it is kept aside.

mod kept;
pub mod place;

use super::ranges::Range;
use crate::clock::Clock;
use crate::identity::Identity;
use crate::journal::Position;
use jiff::Timestamp;
use kept::Kept;
use place::{Claim, Member, Place};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;

/// Most cursors of a system.
pub const SYSTEM_MAX: usize = 64;
/// Most cursors in all.
pub const ALL_MAX: usize = 8192;
/// Longest name of a cursor, bytes.
const NAME_BYTES_MAX: usize = 64;

/// Why a cursor cannot do what is asked.
#[derive(Debug, Error)]
pub enum CursorError {
    /// Not a name.
    #[error("a cursor's name is 1 to 64 of a-z, 0-9, `-`, `_`")]
    Name,
    /// One more would be too many.
    #[error("{0} cursors are kept already; delete one first")]
    TooMany(usize),
    /// No such cursor.
    #[error("there is no cursor `{0}` of this system")]
    Missing(String),
    /// Its file cannot be read.
    #[error("the file of cursor `{name}` cannot be read ({damage}); reset or delete the cursor")]
    Damaged {
        /// The cursor.
        name: String,
        /// What is wrong.
        damage: String,
    },
    /// Beyond the end of the feed.
    #[error("the feed ends at position {durable}; {position} does not exist yet")]
    Beyond {
        /// What was given.
        position: Position,
        /// The last durable position.
        durable: Position,
    },
    /// The range is backwards.
    #[error("the first position is greater than the last")]
    Backwards,
    /// Too many separate ranges.
    #[error("too many separate ranges are acknowledged; acknowledge what lies between them first")]
    Scattered,
    /// It was not written.
    #[error("the cursor cannot be written: {0}")]
    Disk(#[from] io::Error),
}

/// Whether a cursor may be called so.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(fits)
}

#[derive(Debug)]
struct State {
    place: Place,
    updated_at: Timestamp,
    /// Counts what has to be written.
    version: u64,
    damage: Option<String>,
    is_deleted: bool,
}

/// A cursor.
#[derive(Debug)]
struct Cursor {
    path: PathBuf,
    // Held only to look and to write, never over input or output.
    state: Mutex<State>,
    // The version that is on disk; held while the file is written.
    written: Mutex<u64>,
    /// Told when something may have become free, or the cursor is gone.
    changed: watch::Sender<()>,
}

/// What a cursor says of itself.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Where its readers stand.
    pub place: Place,
    /// When that changed last.
    pub updated_at: Timestamp,
    /// What is wrong with its file.
    pub damage: Option<String>,
}

type Key = (Identity, String);

/// All cursors.
#[derive(Debug)]
pub struct Cursors {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    // Held only to look and to write.
    all: Mutex<BTreeMap<Key, Arc<Cursor>>>,
    members: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cursor {
    fn new(path: PathBuf, kept: &Kept, damage: Option<String>) -> Self {
        Self {
            path,
            state: Mutex::new(State {
                place: Place::new(kept.acknowledged, &kept.beyond),
                updated_at: kept.updated_at(),
                version: 0,
                damage,
                is_deleted: false,
            }),
            written: Mutex::new(0),
            changed: watch::Sender::new(()),
        }
    }

    /// Writes what it says now, unless somebody else has. Blocks.
    fn write(&self) -> io::Result<()> {
        let mut written = locked(&self.written);
        let (kept, version) = {
            let state = locked(&self.state);
            if state.version <= *written || state.is_deleted {
                return Ok(());
            }
            let (floor, beyond) = (state.place.floor(), state.place.beyond());
            (Kept::new(floor, beyond, state.updated_at), state.version)
        };
        kept::write(&self.path, &kept)?;
        *written = version;
        Ok(())
    }
}

impl Cursors {
    /// Reads the cursors of a folder; one that does not exist is made. Blocks.
    ///
    /// # Errors
    /// The folder cannot be made or read. A file that cannot be read is its cursor's damage.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let mut all = BTreeMap::new();
        for (identity, name, kept) in kept::read_folder(folder)? {
            let path = folder.join(kept::file_name(&identity, &name));
            let (kept, damage) = match kept {
                Ok(kept) => (kept, None),
                Err(damage) => {
                    let file = path.display();
                    tracing::error!(%file, damage, "a cursor's file cannot be read");
                    (Kept::new(0, &[], clock.now()), Some(damage))
                }
            };
            all.insert((identity, name), Arc::new(Cursor::new(path, &kept, damage)));
        }
        Ok(Self {
            folder: folder.to_owned(),
            clock,
            all: Mutex::new(all),
            members: AtomicU64::new(0),
        })
    }

    /// The cursors of a system, by name.
    #[must_use]
    pub fn of(&self, identity: &Identity) -> Vec<Shown> {
        let all = locked(&self.all);
        let own = all.iter().filter(|((owner, _), _)| owner == identity);
        own.map(|((_, name), cursor)| {
            let state = locked(&cursor.state);
            Shown {
                name: name.clone(),
                place: state.place.clone(),
                updated_at: state.updated_at,
                damage: state.damage.clone(),
            }
        })
        .collect()
    }

    /// Joins the readers of a cursor; one that does not exist is made, before `next`. What lies
    /// before the first position that is there counts as acknowledged, and the member is told.
    ///
    /// # Errors
    /// See [`CursorError`].
    pub async fn join(
        &self,
        identity: &Identity,
        name: &str,
        next: Position,
        (first, durable): (Position, Position),
        terms: Terms,
    ) -> Result<Membership, CursorError> {
        let cursor = match self.find(identity, name) {
            Err(CursorError::Missing(_)) => self.make(identity, name, next, durable)?,
            found => found?,
        };
        let lost = {
            let mut state = locked(&cursor.state);
            if let Some(damage) = state.damage.clone() {
                let name = name.to_owned();
                return Err(CursorError::Damaged { name, damage });
            }
            let position = Position(state.place.floor());
            if position > durable {
                return Err(CursorError::Beyond { position, durable });
            }
            let (next, last) = (position.0.saturating_add(1), first.0.saturating_sub(1));
            let lost = (next <= last).then_some((next, last));
            if lost.is_some() && state.place.acknowledge(next, last) == Some(true) {
                state.updated_at = self.clock.now();
                state.version += 1;
            }
            lost
        };
        if let Some((first, last)) = lost {
            tracing::warn!(reader = %identity, cursor = name, first, last,
                "positions were removed before a cursor had acknowledged them");
        }
        write(&cursor).await?;
        let changed = cursor.changed.subscribe();
        Ok(Membership {
            name: name.to_owned(),
            member: self.members.fetch_add(1, Ordering::Relaxed),
            cursor,
            changed,
            terms,
            lost,
            keeps: false,
        })
    }

    fn find(&self, identity: &Identity, name: &str) -> Result<Arc<Cursor>, CursorError> {
        if !is_name(name) {
            return Err(CursorError::Name);
        }
        let all = locked(&self.all);
        let cursor = all.get(&(identity.clone(), name.to_owned())).cloned();
        cursor.ok_or_else(|| CursorError::Missing(name.to_owned()))
    }

    fn make(
        &self,
        identity: &Identity,
        name: &str,
        next: Position,
        durable: Position,
    ) -> Result<Arc<Cursor>, CursorError> {
        let floor = next.0.saturating_sub(1);
        if floor > durable.0 {
            let position = next;
            return Err(CursorError::Beyond { position, durable });
        }
        let mut all = locked(&self.all);
        let key = (identity.clone(), name.to_owned());
        if let Some(cursor) = all.get(&key) {
            return Ok(Arc::clone(cursor));
        }
        let own = all.keys().filter(|(owner, _)| owner == identity).count();
        for (count, max) in [(own, SYSTEM_MAX), (all.len(), ALL_MAX)] {
            if count >= max {
                return Err(CursorError::TooMany(max));
            }
        }
        let path = self.folder.join(kept::file_name(identity, name));
        let kept = Kept::new(floor, &[], self.clock.now());
        let cursor = Arc::new(Cursor::new(path, &kept, None));
        locked(&cursor.state).version = 1;
        all.insert(key, Arc::clone(&cursor));
        Ok(cursor)
    }

    /// Takes in that readers are done with positions; returns when that is durable, with the
    /// position up to which all is acknowledged.
    ///
    /// # Errors
    /// See [`CursorError`].
    pub async fn acknowledge(
        &self,
        identity: &Identity,
        name: &str,
        (first, last): (Position, Position),
        durable: Position,
    ) -> Result<Position, CursorError> {
        let cursor = self.find(identity, name)?;
        if last > durable {
            let position = last;
            return Err(CursorError::Beyond { position, durable });
        }
        if first > last {
            return Err(CursorError::Backwards);
        }
        let floor = {
            let mut state = locked(&cursor.state);
            if let Some(damage) = state.damage.clone() {
                let name = name.to_owned();
                return Err(CursorError::Damaged { name, damage });
            }
            let news = state.place.acknowledge(first.0, last.0);
            if news.ok_or(CursorError::Scattered)? {
                state.updated_at = self.clock.now();
                state.version += 1;
            }
            state.place.floor()
        };
        cursor.changed.send_replace(());
        write(&cursor).await?;
        Ok(Position(floor))
    }

    /// Sets a cursor behind a position, wherever it stood; a damaged file is kept aside.
    ///
    /// # Errors
    /// See [`CursorError`].
    pub async fn reset(
        &self,
        identity: &Identity,
        name: &str,
        position: Position,
        durable: Position,
    ) -> Result<(), CursorError> {
        let cursor = self.find(identity, name)?;
        if position > durable {
            return Err(CursorError::Beyond { position, durable });
        }
        self.keep_aside(&cursor).await?;
        {
            let mut state = locked(&cursor.state);
            state.place.reset(position.0);
            state.updated_at = self.clock.now();
            state.version += 1;
        }
        cursor.changed.send_replace(());
        write(&cursor).await?;
        Ok(())
    }

    /// Deletes a cursor; who reads by it is told.
    ///
    /// # Errors
    /// See [`CursorError`].
    pub async fn delete(&self, identity: &Identity, name: &str) -> Result<(), CursorError> {
        let cursor = self.find(identity, name)?;
        self.keep_aside(&cursor).await?;
        let gone = Arc::clone(&cursor);
        blocking(move || {
            let _nobody_writes = locked(&gone.written);
            locked(&gone.state).is_deleted = true;
            kept::remove(&gone.path)
        })
        .await?;
        let key = (identity.clone(), name.to_owned());
        let mut all = locked(&self.all);
        if all
            .get(&key)
            .is_some_and(|found| Arc::ptr_eq(found, &cursor))
        {
            all.remove(&key);
        }
        cursor.changed.send_replace(());
        Ok(())
    }

    /// Gives the file of a damaged cursor another name; then it is damaged no longer.
    async fn keep_aside(&self, cursor: &Arc<Cursor>) -> io::Result<()> {
        let (cursor, now) = (Arc::clone(cursor), self.clock.now());
        blocking(move || {
            let _nobody_writes = locked(&cursor.written);
            if locked(&cursor.state).damage.is_some() {
                let aside = kept::set_aside(&cursor.path, now)?;
                tracing::warn!(file = %aside.display(), "a cursor's damaged file is kept aside");
                locked(&cursor.state).damage = None;
            }
            Ok(())
        })
        .await
    }
}

async fn write(cursor: &Arc<Cursor>) -> io::Result<()> {
    let cursor = Arc::clone(cursor);
    blocking(move || cursor.write()).await
}

async fn blocking<T: Send + 'static>(
    step: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(step).await;
    done.map_err(io::Error::other)?
}

/// How a stream reads by a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Most positions that it has and has not acknowledged.
    pub window: u64,
    /// What is not acknowledged within this time is delivered again.
    pub acknowledge_within: Duration,
}

/// A stream's part in a cursor. What it has in flight is free again when it is dropped.
#[derive(Debug)]
pub struct Membership {
    name: String,
    member: Member,
    cursor: Arc<Cursor>,
    changed: watch::Receiver<()>,
    terms: Terms,
    lost: Option<Range>,
    keeps: bool,
}

impl Membership {
    /// Takes positions up to `last`, at most `most`.
    ///
    /// # Errors
    /// The cursor was deleted.
    pub(super) fn claim(
        &mut self,
        now: Duration,
        last: Position,
        most: usize,
    ) -> Result<Claim, CursorError> {
        self.changed.mark_unchanged();
        let mut state = locked(&self.cursor.state);
        if state.is_deleted {
            return Err(CursorError::Missing(self.name.clone()));
        }
        let until = now.saturating_add(self.terms.acknowledge_within);
        let size = (most as u64, self.terms.window);
        Ok(state.place.claim(self.member, now, until, last.0, size))
    }

    /// The positions that were removed before the cursor had acknowledged them; said once.
    pub(super) fn take_lost(&mut self) -> Option<Range> {
        self.lost.take()
    }

    /// Of a claim, only what lies before `next` went out.
    pub(super) fn went(&self, claimed: (u64, u64), next: Position) {
        let mut state = locked(&self.cursor.state);
        state.place.went(self.member, claimed, next.0);
        drop(state);
        if next.0 <= claimed.1 {
            self.cursor.changed.send_replace(());
        }
    }

    /// Waits until something may have become free.
    pub(super) async fn changed(&mut self) {
        // The sender lives as long as the cursor, which is held here.
        let _changed = self.changed.changed().await;
    }

    /// The stream ends in order: what it has in flight may still be acknowledged in time.
    pub(super) fn keep(&mut self) {
        self.keeps = true;
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if !self.keeps {
            locked(&self.cursor.state).place.release(self.member);
            self.cursor.changed.send_replace(());
        }
    }
}
