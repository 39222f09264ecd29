//! What waits for the writer: bounded in entries and bytes, first come, first served.
//!
//! Invariant: a request that is in the queue is answered, whatever happens; its places are
//! given back with the answer.

use super::frame::entry_bytes;
use super::{AppendError, Appended, Entry, Health, Settings};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

/// How long an entry waits for a place before its sender is told to come back.
const PLACE_DEADLINE: Duration = Duration::from_secs(5);
/// When it is worth coming back.
pub(super) const OVERLOADED_RETRY: Duration = Duration::from_secs(1);
/// Longest key, bytes.
const KEY_BYTES_MAX: usize = 512;

/// What a caller is told: one answer an entry, or why there is none.
type Answer = Result<Vec<Appended>, AppendError>;

/// Entries that are handed over and wait for stable storage.
#[derive(Debug)]
pub struct Pending {
    answer: oneshot::Receiver<Delivered>,
}

impl Pending {
    /// Waits until the entries are durable; one answer an entry, in order.
    ///
    /// # Errors
    /// They were not stored, or the journal stopped.
    pub async fn durable(self) -> Result<Vec<Appended>, AppendError> {
        self.answer.await.map_err(|_| AppendError::Closed)?.answer
    }
}

/// An answer, and those of the same batch that come after it. To wake a caller from the
/// writer's thread costs a system call, and a batch may have a thousand callers: so the writer
/// wakes the first, who passes the others their answers from where waking is cheap.
#[derive(Debug)]
struct Delivered {
    answer: Answer,
    _rest: Rest,
}

/// Answers that are delivered when this is dropped, wherever and why ever that is: a first
/// caller that has gone away holds up nobody.
#[derive(Debug)]
struct Rest(Vec<(Request, Answer)>);

impl Drop for Rest {
    fn drop(&mut self) {
        for (request, answer) in self.0.drain(..) {
            request.deliver(answer, Self(Vec::new()));
        }
    }
}

/// Answers a whole batch, in order.
pub(super) fn answer_all(answered: impl IntoIterator<Item = (Request, Answer)>) {
    let mut answered = answered.into_iter();
    if let Some((first, answer)) = answered.next() {
        first.deliver(answer, Rest(answered.collect()));
    }
}

/// Entries of one caller.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) entries: Vec<Entry>,
    answer: oneshot::Sender<Delivered>,
    _places: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl Request {
    pub(super) fn answer(self, answer: Answer) {
        self.deliver(answer, Rest(Vec::new()));
    }

    fn deliver(self, answer: Answer, rest: Rest) {
        let delivered = Delivered {
            answer,
            _rest: rest,
        };
        // A caller that has gone away submits again, and gets the same receipt.
        let _gone = self.answer.send(delivered);
    }
}

#[derive(Debug, Default)]
struct State {
    requests: VecDeque<Request>,
    closing: bool,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    entries: Arc<Semaphore>,
    entries_max: usize,
    bytes: Arc<Semaphore>,
    batch_entries_max: usize,
    batch_bytes_max: usize,
    health: watch::Receiver<Health>,
}

/// What the writer found when it asked.
#[derive(Debug)]
pub(super) enum Taken {
    /// Requests that fit into one batch.
    Requests(Vec<Request>),
    /// Nothing for so long.
    Nothing,
    /// Nothing, and nothing will come.
    Closed,
}

impl Queue {
    pub(super) fn new(settings: &Settings, health: watch::Receiver<Health>) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Condvar::new(),
            entries: Arc::new(Semaphore::new(settings.queue_entries_max)),
            entries_max: settings.queue_entries_max,
            bytes: Arc::new(Semaphore::new(settings.queue_bytes_max)),
            batch_entries_max: settings.batch_entries_max.min(settings.queue_entries_max),
            batch_bytes_max: settings.batch_bytes_max,
            health,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries that wait.
    pub(super) fn entries(&self) -> usize {
        self.entries_max
            .saturating_sub(self.entries.available_permits())
    }

    /// Puts entries in, when there are places for them. More than a batch holds are refused
    /// by size, not by count: the caller bounds its chunks.
    pub(super) async fn push(&self, entries: Vec<Entry>) -> Result<Pending, AppendError> {
        if let Health::Poisoned(reason) = &*self.health.borrow() {
            return Err(AppendError::Poisoned(reason.clone()));
        }
        let mut bytes = super::frame::HEADER_BYTES;
        for entry in &entries {
            bytes += entry_bytes(entry);
            if entry.key.len() > KEY_BYTES_MAX {
                let (bytes, bytes_max) = (entry.key.len(), KEY_BYTES_MAX);
                return Err(AppendError::TooLarge { bytes, bytes_max });
            }
        }
        if bytes > self.batch_bytes_max || entries.len() > self.batch_entries_max {
            return Err(AppendError::TooLarge {
                bytes,
                bytes_max: self.batch_bytes_max,
            });
        }
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let size = u32::try_from(bytes).unwrap_or(u32::MAX);
        let places = async {
            let entries = Arc::clone(&self.entries).acquire_many_owned(count).await;
            let bytes = Arc::clone(&self.bytes).acquire_many_owned(size).await;
            entries.and_then(|entries| bytes.map(|bytes| (entries, bytes)))
        };
        let places = tokio::time::timeout(PLACE_DEADLINE, places)
            .await
            .map_err(|_| AppendError::Overloaded {
                retry_after: OVERLOADED_RETRY,
            })?
            .map_err(|_| AppendError::Closed)?;
        let (sender, answer) = oneshot::channel();
        {
            let mut state = self.state();
            if state.closing {
                return Err(AppendError::Closed);
            }
            state.requests.push_back(Request {
                entries,
                answer: sender,
                _places: places,
            });
        }
        self.arrived.notify_one();
        Ok(Pending { answer })
    }

    /// Takes what waits, as much as one batch holds; waits for it at most so long. Under load,
    /// whoever is ready to run on this core runs first and may have more for the batch: one
    /// sync for many is what makes each cheap.
    pub(super) fn take(&self, patience: Duration, under_load: bool) -> Taken {
        if under_load {
            std::thread::yield_now();
        }
        let mut state = self.state();
        if state.requests.is_empty() && !state.closing {
            let waited = self
                .arrived
                .wait_timeout_while(state, patience, |s| s.requests.is_empty() && !s.closing);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let (mut count, mut bytes) = (0, super::frame::HEADER_BYTES);
        let mut requests = Vec::new();
        while let Some(next) = state.requests.front() {
            count += next.entries.len();
            bytes += next.entries.iter().map(entry_bytes).sum::<usize>();
            let fits = count <= self.batch_entries_max && bytes <= self.batch_bytes_max;
            if !fits && !requests.is_empty() {
                break;
            }
            requests.extend(state.requests.pop_front());
        }
        match (requests.is_empty(), state.closing) {
            (false, _) => Taken::Requests(requests),
            (true, true) => Taken::Closed,
            (true, false) => Taken::Nothing,
        }
    }

    /// Takes no more requests; what waits is still taken out.
    pub(super) fn close(&self) {
        self.state().closing = true;
        self.arrived.notify_all();
    }

    /// Answers everything that waits with an error, now and from now on.
    pub(super) fn fail_all(&self, error: &AppendError) {
        let requests = {
            let mut state = self.state();
            state.closing = true;
            std::mem::take(&mut state.requests)
        };
        for request in requests {
            request.answer(Err(error.clone()));
        }
    }
}
