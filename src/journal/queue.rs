//! What waits for the writer: bounded in entries and bytes, first come, first served.
//!
//! Invariant: a request that is in the queue is answered, whatever happens; its places are
//! given back with the answer.

use super::frame::{HEADER_BYTES, entry_bytes};
use super::layout::wide;
use super::pending::{Answer, Pending};
use super::recent::{Told, Unknown};
use super::{AppendError, Appended, Entry, Health, Settings};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

/// How long an entry waits for a place before its sender is told to come back.
pub(super) const PLACE_DEADLINE: Duration = Duration::from_secs(5);
/// When it is worth coming back.
pub(super) const OVERLOADED_RETRY: Duration = Duration::from_secs(1);
/// Longest key, bytes.
const KEY_BYTES_MAX: usize = 512;

/// Batches of answers that may wait to be delivered; more are delivered by the writer itself.
const DELIVERIES_MAX: usize = 64;

/// An answer on its way to a caller.
type Addressed = (oneshot::Sender<Answer>, Answer);

/// Entries that fit into a batch, with its size in bytes; or the answer to one that does not.
pub(super) type Run = Result<(usize, Vec<Entry>), Appended>;

/// Entries of one caller.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) entries: Vec<Entry>,
    /// The position that the first has to get, and the others behind it. `None`: whichever is
    /// next, and they may be here already.
    pub(super) at: Option<u64>,
    answer: oneshot::Sender<Answer>,
    _places: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl Request {
    pub(super) fn answer(self, answer: Answer) {
        deliver(vec![(self.answer, answer)]);
    }
}

fn deliver(answers: Vec<Addressed>) {
    for (caller, answer) in answers {
        // A caller that has gone away submits again, and gets the same receipt.
        let _gone = caller.send(answer);
    }
}

/// Answers that are delivered in any case, also when nobody delivers them any more.
struct Courier(mpsc::Receiver<Vec<Addressed>>);

impl Drop for Courier {
    fn drop(&mut self) {
        self.0.close();
        while let Ok(answers) = self.0.try_recv() {
            deliver(answers);
        }
    }
}

/// Keys with revisions of which somebody wants to know whether they are here.
#[derive(Debug)]
pub(super) struct Question {
    of: Vec<(Bytes, u32)>,
    answer: oneshot::Sender<Result<Vec<Told>, AppendError>>,
}

impl Question {
    /// Answers it; the error: why the index is of no use any more.
    pub(super) fn answer(
        self,
        look_up: impl FnMut(&(Bytes, u32)) -> Result<Told, Unknown>,
    ) -> Result<(), String> {
        let told: Result<Vec<_>, _> = self.of.iter().map(look_up).collect();
        let (answer, outcome) = match told {
            Ok(told) => (Ok(told), Ok(())),
            Err(Unknown::Index(error)) => {
                let reason = error.to_string();
                (Err(AppendError::Poisoned(reason.clone())), Err(reason))
            }
            Err(Unknown::CatchingUp | Unknown::TooManyRevisions) => {
                let retry_after = OVERLOADED_RETRY;
                (Err(AppendError::Overloaded { retry_after }), Ok(()))
            }
        };
        let _gone = self.answer.send(answer);
        outcome
    }
}

/// Whoever waits for the segment to be sealed.
pub(super) type Sealing = oneshot::Sender<Result<(), AppendError>>;

#[derive(Debug, Default)]
struct State {
    requests: VecDeque<Request>,
    questions: Vec<Question>,
    sealings: Vec<Sealing>,
    closing: bool,
    /// The writer sleeps, or is about to, and nobody has woken it yet. To wake somebody costs a
    /// system call, even if nobody sleeps.
    writer_sleeps: bool,
}

impl State {
    fn is_idle(&self) -> bool {
        self.requests.is_empty()
            && self.questions.is_empty()
            && self.sealings.is_empty()
            && !self.closing
    }
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
    courier: Mutex<Option<mpsc::Sender<Vec<Addressed>>>>,
}

/// What the writer found when it asked.
#[derive(Debug)]
pub(super) enum Taken {
    /// Requests that fit into one batch.
    Requests(Vec<Request>),
    /// No request for so long, or a question.
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
            courier: Mutex::default(),
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

    /// Delivers answers until the queue is closed. To wake a caller from the writer's thread
    /// costs a system call, and a batch may have a thousand callers: so the writer wakes this
    /// task, which wakes them from inside the runtime. Without it the writer does it itself.
    pub(super) async fn deliver(&self) {
        let (sender, receiver) = mpsc::channel(DELIVERIES_MAX);
        *self.courier() = Some(sender);
        let mut courier = Courier(receiver);
        while let Some(answers) = courier.0.recv().await {
            deliver(answers);
        }
    }

    fn courier(&self) -> MutexGuard<'_, Option<mpsc::Sender<Vec<Addressed>>>> {
        self.courier.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers requests. Their places are free from here on, whoever reads the answers when.
    pub(super) fn answer_all(&self, answered: impl Iterator<Item = (Request, Answer)>) {
        let answers: Vec<_> = answered
            .map(|(request, answer)| (request.answer, answer))
            .collect();
        let left = match &*self.courier() {
            Some(courier) if answers.len() > 1 => courier.try_send(answers).err().map(|left| {
                let (mpsc::error::TrySendError::Full(left)
                | mpsc::error::TrySendError::Closed(left)) = left;
                left
            }),
            _ => Some(answers),
        };
        if let Some(left) = left {
            deliver(left);
        }
    }

    /// Puts entries in, when there are places for them.
    pub(super) async fn push(&self, entries: Vec<Entry>) -> Result<Pending, AppendError> {
        self.push_at(None, entries).await
    }

    /// As [`Self::push`], to positions from `at` on and nowhere else. Behind an entry that no batch
    /// can hold nothing could stand at its own: what follows it has no answer.
    pub(super) async fn push_at(
        &self,
        mut at: Option<u64>,
        entries: Vec<Entry>,
    ) -> Result<Pending, AppendError> {
        let mut pending = Pending::default();
        for part in self.split(entries, self.batch_bytes_max) {
            match part {
                Ok((bytes, part)) => {
                    let next = at.map(|at| at + wide(part.len()));
                    pending.sent(self.push_part(at, part, bytes).await?);
                    at = next;
                }
                Err(over) => {
                    pending.answered(over);
                    if at.is_some() {
                        break;
                    }
                }
            }
        }
        Ok(pending)
    }

    /// Entries in runs that fit into a batch, with the size of such a batch; or the answer to
    /// one that fits into none.
    pub(super) fn split(&self, entries: Vec<Entry>, bytes_max: usize) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::with_capacity(1);
        for entry in entries {
            let size = entry_bytes(&entry);
            let over = [
                (HEADER_BYTES + size, bytes_max),
                (entry.key.len(), KEY_BYTES_MAX),
            ];
            if let Some((bytes, bytes_max)) = over.into_iter().find(|(is, max)| is > max) {
                runs.push(Err(Appended::TooLarge { bytes, bytes_max }));
                continue;
            }
            match runs.last_mut() {
                Some(Ok((bytes, run)))
                    if *bytes + size <= self.batch_bytes_max
                        && run.len() < self.batch_entries_max =>
                {
                    *bytes += size;
                    run.push(entry);
                }
                _ => runs.push(Ok((HEADER_BYTES + size, vec![entry]))),
            }
        }
        runs
    }

    async fn push_part(
        &self,
        at: Option<u64>,
        entries: Vec<Entry>,
        bytes: usize,
    ) -> Result<oneshot::Receiver<Answer>, AppendError> {
        if let Health::Poisoned(reason) = &*self.health.borrow() {
            return Err(AppendError::Poisoned(reason.clone()));
        }
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let size = u32::try_from(bytes).unwrap_or(u32::MAX);
        let places = self.places(count, size).await?;
        let (sender, answer) = oneshot::channel();
        self.put(|state| {
            state.requests.push_back(Request {
                entries,
                at,
                answer: sender,
                _places: places,
            });
        })?;
        Ok(answer)
    }

    /// Places for entries and for their bytes, at once where there are some.
    async fn places(
        &self,
        entries: u32,
        bytes: u32,
    ) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), AppendError> {
        let at_once = Arc::clone(&self.entries)
            .try_acquire_many_owned(entries)
            .and_then(|entries| {
                let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(bytes);
                bytes.map(|bytes| (entries, bytes))
            });
        if let Ok(places) = at_once {
            return Ok(places);
        }
        let places = async {
            let entries = Arc::clone(&self.entries).acquire_many_owned(entries).await;
            let bytes = Arc::clone(&self.bytes).acquire_many_owned(bytes).await;
            entries.and_then(|entries| bytes.map(|bytes| (entries, bytes)))
        };
        tokio::time::timeout(PLACE_DEADLINE, places)
            .await
            .map_err(|_| AppendError::Overloaded {
                retry_after: OVERLOADED_RETRY,
            })?
            .map_err(|_| AppendError::Closed)
    }

    /// Puts something in, and wakes the writer for it.
    fn put(&self, something: impl FnOnce(&mut State)) -> Result<(), AppendError> {
        let mut state = self.state();
        if state.closing {
            return Err(AppendError::Closed);
        }
        something(&mut state);
        let sleeps = std::mem::take(&mut state.writer_sleeps);
        drop(state);
        if sleeps {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Takes what waits, as much as one batch holds; waits for it at most so long. Under load,
    /// whoever is ready to run on this core runs first and may have more for the batch: one
    /// sync for many is what makes each cheap.
    pub(super) fn take(&self, patience: Duration, under_load: bool) -> Taken {
        if under_load {
            std::thread::yield_now();
        }
        let sleeps = |state: &mut State| {
            state.writer_sleeps = state.is_idle();
            state.writer_sleeps
        };
        let waited = self
            .arrived
            .wait_timeout_while(self.state(), patience, sleeps);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.writer_sleeps = false;
        let (mut count, mut bytes) = (0, HEADER_BYTES);
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

    /// Asks the writer what it knows of keys. Whoever asks bounds how much is asked at once.
    pub(super) async fn ask(&self, of: Vec<(Bytes, u32)>) -> Result<Vec<Told>, AppendError> {
        let (sender, answer) = oneshot::channel();
        self.put(|state| state.questions.push(Question { of, answer: sender }))?;
        answer.await.map_err(|_| AppendError::Closed)?
    }

    /// The questions that wait.
    pub(super) fn questions(&self) -> Vec<Question> {
        std::mem::take(&mut self.state().questions)
    }

    /// Has the writer begin a new segment behind what it was given before.
    pub(super) async fn seal(&self) -> Result<(), AppendError> {
        let (sender, answer) = oneshot::channel();
        self.put(|state| state.sealings.push(sender))?;
        answer.await.map_err(|_| AppendError::Closed)?
    }

    /// Those who wait for the segment to be sealed, once no request waits before them.
    pub(super) fn sealings(&self) -> Vec<Sealing> {
        let mut state = self.state();
        match state.requests.is_empty() {
            true => std::mem::take(&mut state.sealings),
            false => Vec::new(),
        }
    }

    /// Takes no more requests; what waits is still taken out.
    pub(super) fn close(&self) {
        self.state().closing = true;
        self.arrived.notify_all();
        *self.courier() = None;
    }

    /// Answers everything that waits with an error, now and from now on.
    pub(super) fn fail_all(&self, error: &AppendError) {
        let requests = {
            let mut state = self.state();
            state.closing = true;
            // Whoever asked sees the end of the channel.
            state.questions.clear();
            state.sealings.clear();
            std::mem::take(&mut state.requests)
        };
        for request in requests {
            request.answer(Err(error.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::sync::mpsc;

    /// Longer than a thread takes to wake up; a test that reaches it has failed.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Nobody who puts something in waits for the writer's patience to end, however often the
    /// writer has slept in between.
    #[tokio::test]
    async fn a_writer_that_sleeps_is_woken_by_every_request_and_question() {
        let settings = Settings::new(PathBuf::new());
        let (_health, health) = watch::channel(Health::Ready);
        let queue = Arc::new(Queue::new(&settings, health));
        let (taken, seen) = mpsc::sync_channel(1);
        let writer = Arc::clone(&queue);
        let thread = std::thread::spawn(move || {
            loop {
                let found = writer.take(Duration::from_secs(3600), false);
                let questions = writer.questions().len();
                let ends = matches!(found, Taken::Closed);
                let requests = match found {
                    Taken::Requests(requests) => requests.len(),
                    Taken::Nothing | Taken::Closed => 0,
                };
                if taken.send((requests, questions)).is_err() || ends {
                    return;
                }
            }
        });
        for number in 0..500_u32 {
            let entry = Entry {
                key: Bytes::from(number.to_string()),
                revision: 1,
                digest: [0; 32],
                stamp_ns: 0,
                body: Bytes::new(),
            };
            let _answer = queue.push(vec![entry]).await.unwrap();
            assert_eq!(seen.recv_timeout(PATIENCE), Ok((1, 0)), "{number}");
            // Nobody answers it: it is enough that the writer has seen it.
            let asked = Arc::clone(&queue);
            let asking = tokio::spawn(async move { asked.ask(Vec::new()).await });
            tokio::task::yield_now().await;
            assert_eq!(seen.recv_timeout(PATIENCE), Ok((0, 1)), "{number}");
            assert!(asking.await.unwrap().is_err());
        }
        queue.close();
        assert_eq!(seen.recv_timeout(PATIENCE), Ok((0, 0)));
        thread.join().unwrap();
    }
}
