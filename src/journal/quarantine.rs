//! Refused reports, kept by group (a nation) and bounded: when a group is full its oldest go,
//! and are counted. Opaque bytes in a fjall database of its own; one thread groups what waits
//! into one synced write.
//!
//! Invariant: what [`Quarantine::put`] has confirmed is on stable storage until its group's
//! bounds push it out.

use super::error::is_full;
use super::layout::{put, u64_at};
use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::collections::HashMap;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// Most bodies that are written together.
const BATCH_BODIES_MAX: usize = 1024;
/// Size of a group's state as it is kept.
const STATE_BYTES: usize = 32;
/// Longest name of a group, bytes.
const GROUP_BYTES_MAX: usize = 64;

/// Why the quarantine cannot do what it was asked.
#[derive(Clone, Debug, Error)]
pub enum QuarantineError {
    /// The database refused.
    #[error("the database says: {0}")]
    Database(String),
    /// There is no room.
    #[error("the disk is full")]
    Full,
    /// The folder cannot be made.
    #[error("{0}")]
    Folder(String),
    /// It is closed.
    #[error("the quarantine is closed")]
    Closed,
}

impl From<fjall::Error> for QuarantineError {
    fn from(error: fjall::Error) -> Self {
        match &error {
            fjall::Error::Io(io) if is_full(io) => Self::Full,
            _ => Self::Database(error.to_string()),
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

/// What is known of a group without looking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Group {
    /// Number of the oldest that is kept.
    first: u64,
    /// Number that the next one gets.
    next: u64,
    bytes: u64,
}

impl Group {
    fn encode(self) -> [u8; STATE_BYTES] {
        let mut out = [0; STATE_BYTES];
        put(&mut out, 0, &self.first.to_le_bytes());
        put(&mut out, 8, &self.next.to_le_bytes());
        put(&mut out, 16, &self.bytes.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            first: u64_at(bytes, 0)?,
            next: u64_at(bytes, 8)?,
            bytes: u64_at(bytes, 16)?,
        })
    }
}

/// Bodies on their way.
#[derive(Debug)]
struct Put {
    group: String,
    bounds: Bounds,
    bodies: Vec<Bytes>,
    answer: oneshot::Sender<Result<(), QuarantineError>>,
}

struct Store {
    database: Database,
    bodies: Keyspace,
    states: Keyspace,
    groups: Mutex<HashMap<String, Group>>,
}

/// The quarantine.
pub struct Quarantine {
    store: Arc<Store>,
    puts: Option<mpsc::Sender<Put>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Quarantine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quarantine").finish_non_exhaustive()
    }
}

fn key(group: &str, number: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(group.len() + 9);
    key.extend_from_slice(group.as_bytes());
    key.push(0);
    // Written so that numbers sort as they count.
    let digits: [u8; 8] =
        std::array::from_fn(|place| u8::try_from(number >> (56 - place * 8) & 0xff).unwrap_or(0));
    key.extend_from_slice(&digits);
    key
}

impl Quarantine {
    /// Opens a quarantine, or makes one; at most `queue_max` calls wait.
    ///
    /// # Errors
    /// The folder cannot be made, or the database does not open.
    pub fn open(folder: &Path, queue_max: usize) -> Result<Self, QuarantineError> {
        let named = |error: &dyn std::fmt::Display| {
            QuarantineError::Folder(format!("{}: {error}", folder.display()))
        };
        let mut builder = std::fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| named(&error))?;
        let database = Database::builder(folder)
            .worker_threads(1)
            .open()
            .map_err(|error| named(&error))?;
        let bodies = database.keyspace("bodies", KeyspaceCreateOptions::default)?;
        let states = database.keyspace("states", KeyspaceCreateOptions::default)?;
        let mut groups = HashMap::new();
        for item in states.iter() {
            let (name, state) = item.into_inner()?;
            let known = std::str::from_utf8(&name).ok().zip(Group::decode(&state));
            let (name, group) = known.ok_or_else(|| named(&"a group's state is not readable"))?;
            groups.insert(name.to_owned(), group);
        }
        let store = Arc::new(Store {
            database,
            bodies,
            states,
            groups: Mutex::new(groups),
        });
        let (puts, waiting) = mpsc::channel(queue_max.max(1));
        let thread = {
            let store = Arc::clone(&store);
            std::thread::Builder::new()
                .name("quarantine".to_owned())
                .spawn(move || store.work(waiting))
                .map_err(|error| named(&error))?
        };
        Ok(Self {
            store,
            puts: Some(puts),
            thread: Some(thread),
        })
    }

    /// Keeps bodies in a group, in order; resolves when they are durable.
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
        let (answer, answered) = oneshot::channel();
        let group = group.chars().take(GROUP_BYTES_MAX / 4).collect();
        let puts = self.puts.as_ref().ok_or(QuarantineError::Closed)?;
        puts.send(Put {
            group,
            bounds,
            bodies,
            answer,
        })
        .await
        .map_err(|_| QuarantineError::Closed)?;
        answered.await.map_err(|_| QuarantineError::Closed)?
    }

    /// Bodies of a group from a number on, with their numbers. May block on the disk.
    ///
    /// # Errors
    /// The database refuses.
    pub fn list(
        &self,
        group: &str,
        from: u64,
        max: usize,
    ) -> Result<Vec<(u64, Bytes)>, QuarantineError> {
        let known = self.store.group(group);
        let (from, to) = (from.max(known.first), known.next);
        let mut found = Vec::new();
        if from >= to {
            return Ok(found);
        }
        for item in self
            .store
            .bodies
            .range(key(group, from)..key(group, to))
            .take(max)
        {
            let (key, body) = item.into_inner()?;
            let digits = key.len().checked_sub(8).and_then(|at| key.get(at..));
            let number = digits
                .unwrap_or_default()
                .iter()
                .fold(0, |n, d| n << 8 | u64::from(*d));
            found.push((number, Bytes::from(body.to_vec())));
        }
        Ok(found)
    }

    /// How many bodies a group holds.
    #[must_use]
    pub fn count(&self, group: &str) -> u64 {
        let known = self.store.group(group);
        known.next - known.first
    }

    /// How many bodies of a group were pushed out by its bounds.
    #[must_use]
    pub fn dropped(&self, group: &str) -> u64 {
        self.store.group(group).first - 1
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

impl Store {
    fn groups(&self) -> MutexGuard<'_, HashMap<String, Group>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn group(&self, name: &str) -> Group {
        let empty = Group {
            first: 1,
            next: 1,
            bytes: 0,
        };
        self.groups().get(name).copied().unwrap_or(empty)
    }

    fn work(&self, mut waiting: mpsc::Receiver<Put>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut count = first.bodies.len();
            let mut puts = vec![first];
            while count < BATCH_BODIES_MAX
                && let Ok(next) = waiting.try_recv()
            {
                count += next.bodies.len();
                puts.push(next);
            }
            let kept = self.keep(&puts);
            for put in puts {
                let _caller_has_gone = put.answer.send(kept.clone());
            }
        }
    }

    /// Writes all in one batch and syncs it. Only then do the groups change.
    fn keep(&self, puts: &[Put]) -> Result<(), QuarantineError> {
        let mut changed: HashMap<&str, Group> = HashMap::new();
        // What this batch brings is not in the database yet, and may be pruned all the same.
        let mut fresh: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut batch = self
            .database
            .batch()
            .durability(Some(PersistMode::SyncData));
        for put in puts {
            let known = changed.get(put.group.as_str()).copied();
            let mut group = known.unwrap_or_else(|| self.group(&put.group));
            for body in &put.bodies {
                let key = key(&put.group, group.next);
                fresh.insert(key.clone(), body.len() as u64);
                batch.insert(&self.bodies, key, body.to_vec());
                group.next += 1;
                group.bytes += body.len() as u64;
            }
            self.prune(&mut batch, put, &fresh, &mut group)?;
            changed.insert(&put.group, group);
        }
        for (name, group) in &changed {
            batch.insert(&self.states, *name, group.encode().to_vec());
        }
        batch.commit()?;
        let mut groups = self.groups();
        groups.extend(
            changed
                .into_iter()
                .map(|(name, group)| (name.to_owned(), group)),
        );
        Ok(())
    }

    /// Removes the oldest until the group is within its bounds; the newest always stays.
    fn prune(
        &self,
        batch: &mut fjall::OwnedWriteBatch,
        put: &Put,
        fresh: &HashMap<Vec<u8>, u64>,
        group: &mut Group,
    ) -> Result<(), QuarantineError> {
        let over = |group: &Group| {
            group.next - group.first > put.bounds.reports_max.max(1)
                || group.bytes > put.bounds.bytes_max
        };
        while over(group) && group.next - group.first > 1 {
            let oldest = key(&put.group, group.first);
            let bytes = match fresh.get(&oldest) {
                Some(bytes) => *bytes,
                None => self.bodies.size_of(&oldest)?.map_or(0, u64::from),
            };
            batch.remove(&self.bodies, oldest);
            group.first += 1;
            group.bytes = group.bytes.saturating_sub(bytes);
        }
        Ok(())
    }
}
