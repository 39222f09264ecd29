//! Feeds the index in the background: what the writer hands over, and, after a start with an
//! index that is behind, what the log holds and the index does not.
//!
//! While it catches up, keys of the part that it has not reached are known by a filter: a key
//! that is not in it is new for certain; one that may be in it gets no answer yet, and its
//! sender tries again. So no answer is ever wrong, and memory is bounded by the filter.

use super::generation::Generation;
use super::index::{Index, IndexError};
use super::log::Log;
use super::recent::{Revision, Stalled};
use super::{ReadError, layout};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use thiserror::Error;

/// How many generations may wait for the index.
const WAITING_MAX: usize = 2;
/// How often the index is tried again when there was no room.
const FULL_RETRY: Duration = Duration::from_millis(500);
const FILTER_BYTES_MAX: u64 = 128 * 1024 * 1024;
const FILTER_BYTES_AN_ENTRY: u64 = 2;
const BLOCK_WORDS: usize = 8;
const PROBES: u32 = 6;

/// A Bloom filter in blocks of one cache line.
struct Filter {
    blocks: Vec<[u64; BLOCK_WORDS]>,
    hasher: RandomState,
}

impl Filter {
    fn new(entries: u64) -> Self {
        let bytes = (entries.saturating_mul(FILTER_BYTES_AN_ENTRY)).min(FILTER_BYTES_MAX);
        let blocks = layout::size(bytes / 64 + 1);
        Self {
            blocks: vec![[0; BLOCK_WORDS]; blocks],
            // Keyed, so that no sender can fill it on purpose.
            hasher: RandomState::new(),
        }
    }

    fn block(&self, hash: u64) -> usize {
        let blocks = u128::from(layout::wide(self.blocks.len()));
        usize::try_from((u128::from(hash) * blocks) >> 64).unwrap_or(0)
    }

    /// The bits of a key in its block: nine bits of a second hash for each.
    fn probes(hash: u64) -> impl Iterator<Item = (usize, u64)> {
        let second = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31);
        (0..PROBES).map(move |probe| {
            let bits = second >> (probe * 9) & 511;
            (usize::try_from(bits / 64).unwrap_or(0), 1 << (bits % 64))
        })
    }

    fn insert(&mut self, key: &[u8]) {
        let hash = self.hasher.hash_one(key);
        let at = self.block(hash);
        if let Some(block) = self.blocks.get_mut(at) {
            for (word, bit) in Self::probes(hash) {
                if let Some(word) = block.get_mut(word) {
                    *word |= bit;
                }
            }
        }
    }

    fn contains(&self, key: &[u8]) -> bool {
        let hash = self.hasher.hash_one(key);
        self.blocks.get(self.block(hash)).is_none_or(|block| {
            Self::probes(hash).all(|(word, bit)| block.get(word).is_none_or(|word| word & bit != 0))
        })
    }
}

#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the index cannot be rebuilt: {0}")]
    Read(#[from] ReadError),
}

#[derive(Debug, Default)]
struct State {
    waiting: usize,
    stalled: bool,
    closing: bool,
    failure: Option<String>,
}

struct Shared {
    index: Index,
    state: Mutex<State>,
    changed: Condvar,
    /// The index is complete up to where the log ended at the start.
    caught_up: AtomicBool,
    filter: OnceLock<Filter>,
    upto: AtomicU64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }
}

/// What the indexer needs to know of the log when it starts.
pub(super) struct Start {
    pub(super) journal: PathBuf,
    pub(super) log: Arc<Log>,
    pub(super) index: Index,
    /// The index is complete up to there.
    pub(super) upto: u64,
    /// It has to catch up to there by itself; the writer hands over the rest.
    pub(super) base: u64,
    pub(super) generation_entries: usize,
    pub(super) generation_bytes: usize,
}

/// The indexer's thread, as the writer sees it.
pub(super) struct Indexer {
    shared: Arc<Shared>,
    orders: Option<SyncSender<Arc<Generation>>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Indexer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indexer").finish_non_exhaustive()
    }
}

impl Indexer {
    pub(super) fn start(start: Start) -> std::io::Result<Self> {
        let (orders, received) = sync_channel(WAITING_MAX + 1);
        let shared = Arc::new(Shared {
            index: start.index,
            state: Mutex::default(),
            changed: Condvar::new(),
            caught_up: AtomicBool::new(start.upto >= start.base),
            filter: OnceLock::new(),
            upto: AtomicU64::new(start.upto),
        });
        let worker = Worker {
            shared: Arc::clone(&shared),
            log: start.log,
            base: start.base,
            beyond: start.base,
            generation_entries: start.generation_entries,
            generation_bytes: start.generation_bytes,
            orders: received,
        };
        let journal = start.journal;
        let thread = std::thread::Builder::new()
            .name("journal-index".to_owned())
            .spawn(move || worker.run(&journal))?;
        Ok(Self {
            shared,
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    pub(super) fn index(&self) -> &Index {
        &self.shared.index
    }

    /// Whether a key may stand in the part of the log that the index has not reached.
    pub(super) fn may_be_ahead(&self, key: &[u8]) -> bool {
        !self.shared.caught_up.load(Ordering::Acquire)
            && self
                .shared
                .filter
                .get()
                .is_none_or(|filter| filter.contains(key))
    }

    /// Waits until a generation can be handed over.
    pub(super) fn wait_for_room(&self) -> Result<(), Stalled> {
        let mut state = self.shared.state();
        while state.waiting >= WAITING_MAX && !state.stalled && state.failure.is_none() {
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        (state.waiting < WAITING_MAX).then_some(()).ok_or(Stalled)
    }

    pub(super) fn has_room(&self) -> bool {
        self.shared.state().waiting < WAITING_MAX
    }

    /// Hands a generation over. There must be room.
    pub(super) fn hand_over(&self, generation: Arc<Generation>) {
        self.shared.change(|state| state.waiting += 1);
        if let Some(orders) = &self.orders {
            // One that does not arrive is replayed from the log at the next start.
            let _arrived = orders.try_send(generation);
        }
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.shared.state().failure.clone()
    }

    /// Finishes what was handed over and ends the thread.
    pub(super) fn close(&mut self) {
        self.orders = None;
        self.shared.change(|state| state.closing = true);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.close();
    }
}

struct Worker {
    shared: Arc<Shared>,
    log: Arc<Log>,
    base: u64,
    /// Up to where the writer has handed over.
    beyond: u64,
    generation_entries: usize,
    generation_bytes: usize,
    orders: Receiver<Arc<Generation>>,
}

impl Worker {
    fn run(mut self, journal: &std::path::Path) {
        if let Err(failure) = self.work() {
            tracing::error!(error = %failure, "the index failed");
            if let Failure::Index(_) = failure
                && let Err(error) = Index::mark_damaged(journal)
            {
                tracing::error!(%error, "the index cannot be marked as damaged");
            }
            self.shared
                .change(|state| state.failure = Some(failure.to_string()));
        }
    }

    fn work(&mut self) -> Result<(), Failure> {
        if !self.shared.caught_up.load(Ordering::Acquire) && !self.catch_up()? {
            return Ok(());
        }
        while let Ok(generation) = self.orders.recv() {
            self.take(&generation)?;
        }
        Ok(())
    }

    /// Loads what the writer handed over. The index is complete up to its end, unless there
    /// is something to catch up with first.
    fn take(&mut self, generation: &Generation) -> Result<(), Failure> {
        self.beyond = generation.last;
        if self.shared.caught_up.load(Ordering::Acquire) {
            self.shared.upto.store(self.beyond, Ordering::Relaxed);
        }
        self.load(generation)?;
        generation.mark_indexed();
        self.shared
            .change(|state| state.waiting = state.waiting.saturating_sub(1));
        Ok(())
    }

    fn load(&self, generation: &Generation) -> Result<(), Failure> {
        let sorted = generation.sorted();
        let upto = self.shared.upto.load(Ordering::Relaxed);
        loop {
            match self.shared.index.load(&sorted, upto) {
                Ok(()) => {
                    self.shared.change(|state| state.stalled = false);
                    return Ok(());
                }
                Err(error) if error.is_full() => {
                    self.shared.change(|state| state.stalled = true);
                    let state = self.shared.state();
                    let (state, _) = self
                        .shared
                        .changed
                        .wait_timeout_while(state, FULL_RETRY, |state| !state.closing)
                        .unwrap_or_else(PoisonError::into_inner);
                    if state.closing {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Indexes the log up to where it ended at the start; says whether it got there.
    fn catch_up(&mut self) -> Result<bool, Failure> {
        let from = self.shared.upto.load(Ordering::Relaxed) + 1;
        tracing::info!(from, to = self.base, "the index is rebuilt from the log");
        let mut filter = Filter::new(self.base.saturating_sub(from) + 1);
        let mut next = from;
        while next <= self.base {
            let frame = self.log.frame(next)?;
            while let Some(raw) = frame.raw(next).filter(|_| next <= self.base) {
                filter.insert(raw.key);
                next += 1;
            }
            if self.shared.state().closing {
                return Ok(false);
            }
        }
        let _first = self.shared.filter.set(filter);
        let mut next = from;
        while next <= self.base {
            next = self.catch_up_from(next)?;
            if self.shared.state().closing {
                return Ok(false);
            }
            while let Ok(generation) = self.orders.try_recv() {
                self.take(&generation)?;
            }
        }
        // What the writer handed over meanwhile counts from now on.
        self.shared.upto.store(self.beyond, Ordering::Relaxed);
        self.load(&Generation::default())?;
        self.shared.caught_up.store(true, Ordering::Release);
        tracing::info!("the index is complete");
        Ok(true)
    }

    /// Indexes one generation of the log.
    fn catch_up_from(&self, from: u64) -> Result<u64, Failure> {
        let mut generation = Generation::default();
        let mut scratch = Vec::new();
        let mut next = from;
        while next <= self.base
            && !generation.is_ripe(self.generation_entries, self.generation_bytes)
        {
            let frame = self.log.frame(next)?;
            next = replay(
                &mut generation,
                &frame,
                next,
                self.base,
                &self.shared.index,
                &mut scratch,
            )?;
        }
        self.shared
            .upto
            .store(next.saturating_sub(1), Ordering::Relaxed);
        self.load(&generation)?;
        Ok(next)
    }
}

/// Takes the entries of a batch into a generation, from one position up to another; says
/// where to go on.
pub(super) fn replay(
    generation: &mut Generation,
    frame: &super::frame::Frame,
    from: u64,
    to: u64,
    index: &Index,
    scratch: &mut Vec<u8>,
) -> Result<u64, IndexError> {
    let mut next = from;
    while let Some(raw) = frame.raw(next).filter(|_| next <= to) {
        let new = Revision {
            revision: raw.revision,
            position: next,
        };
        generation.replay(raw.key, new, || index.lookup(raw.key, scratch))?;
        next += 1;
    }
    Ok(next)
}
