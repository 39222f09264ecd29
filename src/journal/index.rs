//! The index: key -> revisions and positions, in a fjall database. Derived from the log; when
//! it is lost or refused it is moved aside and rebuilt.
//!
//! Invariant: `indexed up to` stands in the same bulk load as the keys that it speaks of, so
//! that it never says more than is there. Everything in it is durable in the log: an index
//! that has seen more than the log holds is proof that the log has lost something.

use super::OpenError;
use super::layout::{array_at, put, u16_at, u64_at};
use super::recent::Slot;
use fjall::config::{BloomConstructionPolicy, FilterPolicy, FilterPolicyEntry};
use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

const FOLDER: &str = "index";
const REFUSED: &str = "index.refused";
const DAMAGED: &str = "index.damaged";
const VERSION: u16 = 1;
/// Sorts before all entries, whose keys begin with 1.
const STATE_KEY: [u8; 1] = [0];
const STATE_BYTES: usize = 32;
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
    _database: Database,
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

impl Index {
    /// Opens the index of a journal, and says up to which position it is complete. One that
    /// is not of this journal or does not open is moved aside; one that is ahead of the log is
    /// an error.
    pub(super) fn open(
        journal: &Path,
        journal_id: [u8; 16],
        durable: u64,
        cache_bytes: u64,
    ) -> Result<(Self, u64), IndexError> {
        let folder = journal.join(FOLDER);
        let damaged = Self::mark(journal);
        if !damaged.exists() {
            match Self::try_open(&folder, journal_id, cache_bytes) {
                Ok((index, upto)) if upto <= durable => return Ok((index, upto)),
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
        Self::try_open(&folder, journal_id, cache_bytes)
    }

    /// The last position that the index of a journal has seen; 0 if it cannot tell.
    pub(super) fn seen(journal: &Path, journal_id: [u8; 16]) -> u64 {
        let folder = journal.join(FOLDER);
        if !folder.exists() || Self::mark(journal).exists() {
            return 0;
        }
        Self::try_open(&folder, journal_id, 0).map_or(0, |(_, upto)| upto)
    }

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
            let state = keys.get(STATE_KEY)?;
            Ok::<_, fjall::Error>((database, keys, state))
        }));
        let (database, keys, state) = opened.map_err(|_| IndexError::Panicked)??;
        let upto = match state {
            None => 0,
            Some(state) => {
                let ours = u16_at(&state, 0) == Some(VERSION)
                    && array_at(&state, 8) == Some(journal_id)
                    && state.len() == STATE_BYTES;
                ours.then(|| u64_at(&state, 24))
                    .flatten()
                    .ok_or(IndexError::Foreign)?
            }
        };
        let index = Self {
            keys,
            _database: database,
            journal_id,
            folder: folder.to_owned(),
        };
        Ok((index, upto))
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
            let mut load = self.keys.start_ingestion()?;
            let mut state = [0; STATE_BYTES];
            put(&mut state, 0, &VERSION.to_le_bytes());
            put(&mut state, 8, &self.journal_id);
            put(&mut state, 24, &upto.to_le_bytes());
            load.write(STATE_KEY, state)?;
            let (mut key, mut value) = (Vec::new(), Vec::new());
            for (entry_key, slot) in sorted {
                key.clear();
                key.push(ENTRY_PREFIX);
                key.extend_from_slice(entry_key);
                value.clear();
                slot.encode(&mut value);
                load.write(key.as_slice(), value.as_slice())?;
            }
            load.finish()
        }));
        Ok(loaded.map_err(|_| IndexError::Panicked)??)
    }
}
