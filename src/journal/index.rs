//! The index: key -> revisions and positions, in a fjall database. Derived from the log; when
//! it is lost or refused it is moved aside and rebuilt.
//!
//! Invariant: before keys are loaded it is durable up to where they may be there (`seen`), and
//! after it up to where all are (`upto`); so it never says more than is there, nor less than may
//! be. Everything in it is durable in the log: an index that has seen more than the log holds is
//! proof that the log has lost something.

use super::OpenError;
use super::layout::{array_at, put, u16_at, u64_at};
use super::recent::Slot;
use fjall::config::{BloomConstructionPolicy, FilterPolicy, FilterPolicyEntry};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use thiserror::Error;

const FOLDER: &str = "index";
const REFUSED: &str = "index.refused";
const DAMAGED: &str = "index.damaged";
const VERSION: u16 = 2;
/// Not among the entries: a key that every load has makes all loads overlap, and then none of
/// them can be moved as it is; the whole index would be written again and again.
const STATE_KEY: [u8; 1] = [0];
const STATE_BYTES: usize = 40;
const ENTRY_PREFIX: u8 = 1;
/// A false alarm costs a read of a block; a bit more costs memory.
const FALSE_ALARMS: f32 = 0.001;
const L0_RUNS_MAX: u8 = 8;

/// Why the index cannot be used.
#[derive(Debug, Error)]
pub(super) enum IndexError {
    /// What the database says.
    #[error("the index failed: {0}")]
    Database(#[from] fjall::Error),
    /// The file system refused.
    #[error("the index failed: {0}")]
    Io(#[from] io::Error),
    /// Something else stands there.
    #[error("the index holds what this version did not write")]
    Foreign,
    /// It panicked.
    #[error("the index panicked")]
    Panicked,
    /// It has seen more than the log holds.
    #[error("the index has seen position {indexed}, and the log ends at {last}")]
    Ahead {
        /// Last position of the log.
        last: u64,
        /// Last position that it holds.
        indexed: u64,
    },
}

impl From<IndexError> for OpenError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Ahead { last, indexed } => Self::Lost { last, indexed },
            other => Self::Index(other.to_string()),
        }
    }
}

impl IndexError {
    /// Whether there was no room.
    pub(super) fn is_full(&self) -> bool {
        let error = match self {
            Self::Database(
                fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)),
            )
            | Self::Io(error) => error,
            Self::Database(_) | Self::Foreign | Self::Panicked | Self::Ahead { .. } => {
                return false;
            }
        };
        super::is_full(error)
    }
}

/// The index.
pub(super) struct Index {
    // Dropped last: the keyspace belongs to it.
    keys: Keyspace,
    state: Keyspace,
    database: Database,
    /// All keys up to there are in it.
    upto: AtomicU64,
    journal_id: [u8; 16],
    folder: PathBuf,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").finish_non_exhaustive()
    }
}

fn options() -> KeyspaceCreateOptions {
    let bloom = BloomConstructionPolicy::FalsePositiveRate(FALSE_ALARMS);
    KeyspaceCreateOptions::default()
        .filter_policy(FilterPolicy::all(FilterPolicyEntry::Bloom(bloom)))
        .compaction_strategy(Arc::new(
            fjall::compaction::Leveled::default().with_l0_threshold(L0_RUNS_MAX),
        ))
}

/// `upto` and `seen` of what was written; `None` if it is of another version or journal.
fn read_state(written: &[u8], journal_id: [u8; 16]) -> Option<(u64, u64)> {
    let ours = written.len() == STATE_BYTES
        && u16_at(written, 0) == Some(VERSION)
        && array_at(written, 8) == Some(journal_id);
    ours.then(|| Some((u64_at(written, 24)?, u64_at(written, 32)?)))?
}

impl Index {
    /// Opens the index of a journal; `Index::upto` says up to which position it is complete. One that
    /// is not of this journal or does not open is moved aside; one that is ahead of the log is
    /// an error.
    pub(super) fn open(
        journal: &Path,
        journal_id: [u8; 16],
        durable: u64,
        cache_bytes: u64,
    ) -> Result<Self, IndexError> {
        let folder = journal.join(FOLDER);
        let damaged = Self::mark(journal);
        if !damaged.exists() {
            match Self::try_open(&folder, journal_id, cache_bytes) {
                Ok((index, seen)) if seen <= durable => return Ok(index),
                Ok((_, indexed)) => {
                    let last = durable;
                    return Err(IndexError::Ahead { last, indexed });
                }
                Err(error) if error.is_full() => return Err(error),
                Err(error) => tracing::warn!(%error, "the index is refused"),
            }
        }
        tracing::warn!("the index is moved aside and rebuilt from the log");
        let refused = journal.join(REFUSED);
        if refused.exists() {
            std::fs::remove_dir_all(&refused)?;
        }
        if folder.exists() {
            std::fs::rename(&folder, &refused)?;
        }
        if damaged.exists() {
            std::fs::remove_file(&damaged)?;
        }
        Ok(Self::try_open(&folder, journal_id, cache_bytes)?.0)
    }

    /// The last position that the index of a journal may have seen; 0 if it cannot tell.
    pub(super) fn seen(journal: &Path, journal_id: [u8; 16]) -> u64 {
        let folder = journal.join(FOLDER);
        if !folder.exists() || Self::mark(journal).exists() {
            return 0;
        }
        Self::try_open(&folder, journal_id, 0).map_or(0, |(_, seen)| seen)
    }

    /// Opens it and says what it may have seen.
    fn try_open(
        folder: &Path,
        journal_id: [u8; 16],
        cache_bytes: u64,
    ) -> Result<(Self, u64), IndexError> {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let database = Database::builder(folder)
                .cache_size(cache_bytes)
                .worker_threads(1)
                .max_journaling_size(64 * 1024 * 1024)
                .open()?;
            let keys = database.keyspace("keys", options)?;
            let of_version_1 = keys.get(STATE_KEY)?.is_some();
            let state = database.keyspace("state", KeyspaceCreateOptions::default)?;
            let written = state.get(STATE_KEY)?;
            Ok::<_, fjall::Error>((database, keys, state, written, of_version_1))
        }));
        let (database, keys, state, written, of_version_1) =
            opened.map_err(|_| IndexError::Panicked)??;
        let (upto, seen) = match written {
            None if of_version_1 => return Err(IndexError::Foreign),
            None => (0, 0),
            Some(written) => read_state(&written, journal_id).ok_or(IndexError::Foreign)?,
        };
        let index = Self {
            keys,
            state,
            database,
            upto: AtomicU64::new(upto),
            journal_id,
            folder: folder.to_owned(),
        };
        Ok((index, seen))
    }

    /// All keys up to this position are in it.
    pub(super) fn upto(&self) -> u64 {
        self.upto.load(Ordering::Acquire)
    }

    /// Has the next start rebuild it.
    pub(super) fn mark_damaged(journal: &Path) -> io::Result<()> {
        std::fs::write(Self::mark(journal), b"")
    }

    fn mark(journal: &Path) -> PathBuf {
        journal.join(DAMAGED)
    }

    /// What is known of a key.
    pub(super) fn lookup(
        &self,
        key: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<Option<Slot>, IndexError> {
        scratch.clear();
        scratch.push(ENTRY_PREFIX);
        scratch.extend_from_slice(key);
        let found = catch_unwind(AssertUnwindSafe(|| self.keys.get(scratch.as_slice())));
        let slot = match found {
            Ok(Ok(None)) => return Ok(None),
            Ok(Ok(Some(value))) => Slot::decode(&value).ok_or(IndexError::Foreign),
            Ok(Err(error)) => Err(error.into()),
            Err(_panic) => Err(IndexError::Panicked),
        };
        // Or else the next start would fail at the same key, and every one after it.
        slot.map(Some).inspect_err(|_| {
            let journal = self.folder.parent().unwrap_or(&self.folder);
            if let Err(error) = Self::mark_damaged(journal) {
                tracing::error!(%error, "the index cannot be marked as damaged");
            }
        })
    }

    /// Loads keys, sorted and each once, and says that all up to a position are there now.
    pub(super) fn load(&self, sorted: &[(&[u8], &Slot)], upto: u64) -> Result<(), IndexError> {
        let loaded = catch_unwind(AssertUnwindSafe(|| {
            self.write_state(self.upto(), upto)?;
            let mut load = self.keys.start_ingestion()?;
            let (mut key, mut value) = (Vec::new(), Vec::new());
            for (entry_key, slot) in sorted {
                key.clear();
                key.push(ENTRY_PREFIX);
                key.extend_from_slice(entry_key);
                value.clear();
                slot.encode(&mut value);
                load.write(key.as_slice(), value.as_slice())?;
            }
            load.finish()?;
            self.write_state(upto, upto)
        }));
        loaded.map_err(|_| IndexError::Panicked)??;
        self.upto.store(upto, Ordering::Release);
        Ok(())
    }

    /// Says, durably, up to where all keys are there and up to where some may be.
    fn write_state(&self, upto: u64, seen: u64) -> Result<(), fjall::Error> {
        let mut state = [0; STATE_BYTES];
        put(&mut state, 0, &VERSION.to_le_bytes());
        put(&mut state, 8, &self.journal_id);
        put(&mut state, 24, &upto.to_le_bytes());
        put(&mut state, 32, &seen.to_le_bytes());
        self.state.insert(STATE_KEY, state)?;
        self.database.persist(PersistMode::SyncData)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::recent::Revision;

    const JOURNAL_ID: [u8; 16] = [7; 16];
    const CACHE_BYTES: u64 = 1024 * 1024;

    fn open(journal: &tempfile::TempDir, durable: u64) -> Result<Index, IndexError> {
        Index::open(journal.path(), JOURNAL_ID, durable, CACHE_BYTES)
    }

    fn slot(position: u64) -> Slot {
        let revision = 1;
        Slot::One(Revision { revision, position })
    }

    /// The power may go between what is said before a load and what is said after it.
    #[test]
    fn a_load_that_was_cut_short_counts_as_seen_but_not_as_there() {
        let journal = tempfile::tempdir().unwrap();
        let index = open(&journal, 0).unwrap();
        index.load(&[(b"a", &slot(1))], 10).unwrap();
        index.write_state(10, 20).unwrap();
        drop(index);
        assert_eq!(Index::seen(journal.path(), JOURNAL_ID), 20);
        let Err(IndexError::Ahead { last, indexed }) = open(&journal, 19) else {
            panic!("the log has lost position 20");
        };
        assert_eq!((last, indexed), (19, 20));
        let index = open(&journal, 20).unwrap();
        assert_eq!(index.upto(), 10);
        let mut scratch = Vec::new();
        assert_eq!(index.lookup(b"a", &mut scratch).unwrap(), Some(slot(1)));
        index.load(&[(b"b", &slot(11))], 20).unwrap();
        assert_eq!(index.upto(), 20);
        drop(index);
        assert_eq!(open(&journal, 20).unwrap().upto(), 20);
    }

    /// Version 1 kept what it said among the keys; it is rebuilt, not taken for an empty one.
    #[test]
    fn an_index_of_the_version_before_is_moved_aside() {
        let journal = tempfile::tempdir().unwrap();
        let index = open(&journal, 0).unwrap();
        let mut load = index.keys.start_ingestion().unwrap();
        load.write(STATE_KEY, [1; 32]).unwrap();
        load.finish().unwrap();
        drop(index);
        assert_eq!(open(&journal, 20).unwrap().upto(), 0);
        assert!(journal.path().join(REFUSED).exists(), "it is kept aside");
    }
}
