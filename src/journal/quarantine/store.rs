//! The database under the quarantine, and the thread that writes it.
//!
//! Invariant: the groups' state in memory is what the database holds durably. fjall takes
//! nothing more after a failed write; then the database is opened again, which is what a
//! restart would do, and decides what of that write is there.

use super::super::disk::Disk;
use super::super::layout::{put, u64_at};
use super::{Put, QuarantineError, Settings};
use crate::clock::Clock;
use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::mpsc;

/// Most bodies that are written together.
const BATCH_BODIES_MAX: usize = 1024;
/// Size of a group's state as it is kept.
const STATE_BYTES: usize = 32;
/// Shortest time between two tries to open the database again.
pub(super) const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// What is known of a group without looking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// Number of the oldest that is kept.
    first: u64,
    /// Number that the next one gets.
    next: u64,
    bytes: u64,
}

impl Group {
    const EMPTY: Self = Self {
        first: 1,
        next: 1,
        bytes: 0,
    };

    pub(super) fn count(self) -> u64 {
        self.next.saturating_sub(self.first)
    }

    pub(super) fn dropped(self) -> u64 {
        self.first.saturating_sub(1)
    }

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

#[expect(
    clippy::big_endian_bytes,
    reason = "so that numbers sort as they count"
)]
fn key(group: &str, number: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(group.len() + 9);
    key.extend_from_slice(group.as_bytes());
    key.push(0);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The number in a key.
#[expect(
    clippy::big_endian_bytes,
    reason = "so that numbers sort as they count"
)]
fn number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>()
        .map(|digits| u64::from_be_bytes(*digits))
}

/// A database that is open.
pub(super) struct Opened {
    database: Database,
    bodies: Keyspace,
    states: Keyspace,
}

impl Opened {
    /// Opens the database and reads the groups' states.
    fn open(folder: &Path) -> Result<(Self, HashMap<String, Group>), QuarantineError> {
        let database = Database::builder(folder).worker_threads(1).open()?;
        let bodies = database.keyspace("bodies", KeyspaceCreateOptions::default)?;
        let states = database.keyspace("states", KeyspaceCreateOptions::default)?;
        let mut groups = HashMap::new();
        for item in states.iter() {
            let (name, state) = item.into_inner()?;
            let known = std::str::from_utf8(&name).ok().zip(Group::decode(&state));
            let (name, group) = known.ok_or_else(|| {
                QuarantineError::Database("a group's state is not readable".to_owned())
            })?;
            groups.insert(name.to_owned(), group);
        }
        let opened = Self {
            database,
            bodies,
            states,
        };
        Ok((opened, groups))
    }
}

/// What reads and writes share.
pub(super) struct Store {
    settings: Settings,
    disk: Arc<dyn Disk>,
    // Whoever reads holds it, so that nobody has the old database while it is opened again.
    // None: it could not be opened again.
    pub(super) opened: RwLock<Option<Opened>>,
    groups: Mutex<HashMap<String, Group>>,
}

impl Store {
    pub(super) fn open(settings: Settings, disk: Arc<dyn Disk>) -> Result<Self, QuarantineError> {
        let folder = &settings.folder;
        let named = |error: &dyn std::fmt::Display| {
            QuarantineError::Folder(format!("{}: {error}", folder.display()))
        };
        disk.create_folder(folder).map_err(|error| named(&error))?;
        let (opened, groups) = Opened::open(folder).map_err(|error| named(&error))?;
        Ok(Self {
            settings,
            disk,
            opened: RwLock::new(Some(opened)),
            groups: Mutex::new(groups),
        })
    }

    fn groups(&self) -> MutexGuard<'_, HashMap<String, Group>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn group(&self, name: &str) -> Group {
        self.groups().get(name).copied().unwrap_or(Group::EMPTY)
    }

    pub(super) fn scan(
        &self,
        group: &str,
        from: u64,
        mut visit: impl FnMut(u64, Bytes) -> ControlFlow<()>,
    ) -> Result<(), QuarantineError> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let opened = opened.as_ref().ok_or(QuarantineError::Stopped)?;
        let known = self.group(group);
        let (from, to) = (from.max(known.first), known.next);
        if from >= to {
            return Ok(());
        }
        for item in opened.bodies.range(key(group, from)..key(group, to)) {
            let (key, body) = item.into_inner()?;
            let Some(number) = number(&key) else {
                continue;
            };
            if visit(number, Bytes::from(body.to_vec())).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The one that writes.
pub(super) struct Keeper {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    /// When the database was last opened again, or could not be.
    tried: Option<Duration>,
    /// There was no room the last time.
    full: bool,
}

impl Keeper {
    pub(super) fn new(store: Arc<Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            tried: None,
            full: false,
        }
    }

    /// Works until nobody can hand anything in any more.
    pub(super) fn work(mut self, mut waiting: mpsc::Receiver<Put>) {
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
            self.tell(matches!(kept, Err(QuarantineError::Full { .. })));
            for put in puts {
                let _caller_has_gone = put.answer.send(kept.clone());
            }
        }
    }

    /// Says in the log when room ends and when there is room again.
    fn tell(&mut self, full: bool) {
        match (self.full, full) {
            (false, true) => tracing::error!(
                "too little free disk for the quarantine: refused reports are not taken until there is more"
            ),
            (true, false) => tracing::info!("the quarantine has room again"),
            _ => {}
        }
        self.full = full;
    }

    fn keep(&mut self, puts: &[Put]) -> Result<(), QuarantineError> {
        let settings = &self.store.settings;
        // A disk that does not tell is found out by writing to it.
        let free = self.store.disk.free_bytes(&settings.folder);
        if free.unwrap_or(u64::MAX) < settings.free_bytes_floor {
            return Err(QuarantineError::full());
        }
        match self.write(puts) {
            Err(QuarantineError::Stopped) => {
                self.reopen()?;
                self.write(puts)
            }
            other => other,
        }
    }

    /// Opens the database again after a failed write, but not all the time.
    fn reopen(&mut self) -> Result<(), QuarantineError> {
        let now = self.clock.monotonic();
        let is_early = |tried| now.saturating_sub(tried) < REOPEN_PAUSE;
        if self.tried.is_some_and(is_early) {
            return Err(QuarantineError::Stopped);
        }
        self.tried = Some(now);
        let store = &self.store;
        let mut opened = store.opened.write().unwrap_or_else(PoisonError::into_inner);
        // The old one goes first: the folder has a lock.
        *opened = None;
        let (fresh, groups) = Opened::open(&store.settings.folder)?;
        *opened = Some(fresh);
        *store.groups() = groups;
        tracing::info!("the quarantine's database is open again after a failed write");
        Ok(())
    }

    /// Writes all in one batch and syncs it. Only then do the groups change.
    fn write(&self, puts: &[Put]) -> Result<(), QuarantineError> {
        let store = &self.store;
        let opened = store.opened.read().unwrap_or_else(PoisonError::into_inner);
        let opened = opened.as_ref().ok_or(QuarantineError::Stopped)?;
        let mut changed: HashMap<&str, Group> = HashMap::new();
        // What this batch brings is not in the database yet, and may be pruned all the same.
        let mut fresh: HashMap<Vec<u8>, u64> = HashMap::new();
        let batch = opened.database.batch();
        let mut batch = batch.durability(Some(PersistMode::SyncData));
        for put in puts {
            let known = changed.get(put.group.as_str()).copied();
            let mut group = known.unwrap_or_else(|| store.group(&put.group));
            for body in &put.bodies {
                let key = key(&put.group, group.next);
                fresh.insert(key.clone(), body.len() as u64);
                batch.insert(&opened.bodies, key, body.to_vec());
                group.next += 1;
                group.bytes += body.len() as u64;
            }
            opened.prune(&mut batch, put, &fresh, &mut group)?;
            changed.insert(&put.group, group);
        }
        for (name, group) in &changed {
            batch.insert(&opened.states, *name, group.encode().to_vec());
        }
        batch.commit()?;
        let changed = changed.into_iter();
        let changed = changed.map(|(name, group)| (name.to_owned(), group));
        store.groups().extend(changed);
        Ok(())
    }
}

impl Opened {
    /// Removes the oldest until the group is within its bounds; the newest always stays.
    fn prune(
        &self,
        batch: &mut fjall::OwnedWriteBatch,
        put: &Put,
        fresh: &HashMap<Vec<u8>, u64>,
        group: &mut Group,
    ) -> Result<(), QuarantineError> {
        let over = |group: &Group| {
            group.count() > put.bounds.reports_max.max(1) || group.bytes > put.bounds.bytes_max
        };
        while over(group) && group.count() > 1 {
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
