//! The JetStream engine: the truth is a stream that NATS servers replicate; any number of
//! gateways write to it. `docs/ENGINES.md` has names, limits and promises.
//!
//! An entry is published under a subject of its own, with the condition that nothing stands
//! there: so a retry, by whichever gateway and however late, cannot store it twice. Each gateway
//! keeps the stream in a log of segments of its own, which gives it index, feed and the chain over
//! all that stands there. That log is a copy: without it the gateway reads the stream again.
//!
//! Invariant: a receipt exists only for an entry that the servers have acknowledged, and that
//! stands in this gateway's copy at that position, behind all that stands before it in the stream.

mod follower;
mod message;
mod own;
mod publisher;
mod server;
mod settings;
mod watch;

pub use settings::{JetStreamSettings, SyncPromise};

use super::embedded::Embedded;
use super::layout::wide;
use super::pending::{Answer, Pending};
use super::queue::{OVERLOADED_RETRY, PLACE_DEADLINE};
use super::{AppendError, Entry, Health, OpenError, Position};
use async_nats::jetstream::Context;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{RawMessageError, RawMessageErrorKind, Stream};
use follower::Past;
use message::{FIXED_BYTES, Point, entry_hash};
use own::Own;
use publisher::Place;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::watch as cell;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

/// When it is worth coming back to servers that do not answer.
const UNREACHABLE_RETRY: Duration = Duration::from_secs(2);
/// Messages that may wait to be taken into the copy.
const READ_MAX: usize = 1024;
/// How often a long start says how far it is.
const PROGRESS: Duration = Duration::from_secs(5);
/// Entries that are read at once to compute the chain.
const CHAINED_MAX: usize = 4096;
/// Bytes that are read at once to compute the chain.
const CHAINED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What the engine's tasks share.
#[derive(Debug)]
struct Shared {
    log: Embedded,
    context: Context,
    stream: Stream,
    settings: JetStreamSettings,
    /// Most bytes of a message.
    message_bytes_max: usize,
    /// Places of entries that wait for their answers.
    window: Arc<Semaphore>,
    /// A random number, unlike any other gateway's.
    tag: u64,
    past: Mutex<Past>,
    /// What we stored ourselves, on its way into the copy.
    own: Own,
    /// Position up to which the stream is in the copy, and answered.
    followed: cell::Sender<u64>,
    health: cell::Sender<Health>,
    /// Has the reader ask again.
    kick: Notify,
}

impl Shared {
    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names this gateway in its messages. Not 0: that is what was imported.
    fn writer(&self) -> u16 {
        let [low, high, ..] = self.tag.to_le_bytes();
        u16::from_le_bytes([low, high]).max(1)
    }

    /// Entries that wait for their answers.
    fn in_flight(&self) -> usize {
        let window = self.settings.window;
        window.saturating_sub(self.window.available_permits())
    }

    /// Stores nothing any more: what the stream holds is not what it must hold.
    fn stop(&self, reason: String) {
        tracing::error!(reason, "the journal is stopped");
        self.health.send_if_modified(|health| {
            let first = !matches!(health, Health::Poisoned(_));
            if first {
                *health = Health::Poisoned(reason);
            }
            first
        });
    }

    /// Whether it is of use to go on asking after an entry: with servers that do not answer it
    /// is, until the deadline.
    fn ready_or_unreachable(&self) -> Result<(), AppendError> {
        match self.ready() {
            Err(AppendError::Unreachable { .. }) | Ok(()) => Ok(()),
            other => other,
        }
    }

    /// Why nothing can be stored now; `Ok`: it can.
    fn ready(&self) -> Result<(), AppendError> {
        match &*self.health.borrow() {
            Health::Ready => Ok(()),
            Health::DiskFull => Err(AppendError::DiskFull {
                retry_after: UNREACHABLE_RETRY,
            }),
            Health::Unreachable(_) => Err(AppendError::Unreachable {
                retry_after: UNREACHABLE_RETRY,
            }),
            Health::Poisoned(reason) => Err(AppendError::Poisoned(reason.clone())),
        }
    }
}

/// The engine of one gateway.
#[derive(Debug)]
pub(super) struct Engine {
    shared: Arc<Shared>,
    entry_bytes_max: usize,
    /// The first position that is imported.
    imported_from: OnceLock<u64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Reaches the stream, and brings the copy to its end.
    pub(super) async fn open(
        log: Embedded,
        settings: JetStreamSettings,
    ) -> Result<Self, OpenError> {
        let reached = server::reach(&settings).await?;
        let last = compare(&log, &reached.stream, &settings.stream).await?;
        let start = {
            let log = log.clone();
            let chained = tokio::task::spawn_blocking(move || chain(&log)).await;
            chained.map_err(|_| OpenError::JetStream("the start was cut short".to_owned()))??
        };
        let batch_bytes_max = log.settings().batch_bytes_max;
        let entry_bytes_max = reached.message_bytes_max.saturating_sub(FIXED_BYTES);
        if entry_bytes_max < batch_bytes_max {
            tracing::warn!(
                entry_bytes_max,
                batch_bytes_max,
                "the servers' max_payload is below journal.batch_bytes_max: larger reports are \
                 refused; set max_payload to 8MB"
            );
        }
        let mut tag = [0; 8];
        aws_lc_rs::rand::fill(&mut tag)
            .map_err(|_| OpenError::JetStream("the system gives no random numbers".to_owned()))?;
        let shared = Arc::new(Shared {
            context: reached.context,
            stream: reached.stream,
            message_bytes_max: reached.message_bytes_max,
            window: Arc::new(Semaphore::new(settings.window)),
            tag: u64::from_le_bytes(tag),
            settings,
            past: Mutex::new(Past::new(start)),
            own: Own::default(),
            followed: cell::Sender::new(start.position),
            health: cell::Sender::new(Health::Ready),
            kick: Notify::new(),
            log,
        });
        let (read_in, read) = mpsc::channel(READ_MAX);
        let tasks = vec![
            tokio::spawn(follower::read(Arc::clone(&shared), read_in)),
            tokio::spawn(follower::copy(Arc::clone(&shared), read)),
            tokio::spawn(watch::watch(Arc::clone(&shared))),
        ];
        let engine = Self {
            shared,
            entry_bytes_max: entry_bytes_max.min(batch_bytes_max),
            imported_from: OnceLock::new(),
            tasks,
        };
        engine.come_to(last).await?;
        Ok(engine)
    }

    /// Waits until the copy is complete up to a position.
    async fn come_to(&self, last: u64) -> Result<(), OpenError> {
        let mut followed = self.shared.followed.subscribe();
        let mut health = self.shared.health.subscribe();
        let mut progress = tokio::time::interval(PROGRESS);
        loop {
            tokio::select! {
                _ = followed.wait_for(|position| *position >= last) => return Ok(()),
                stopped = health.wait_for(|health| matches!(health, Health::Poisoned(_))) => {
                    if let Ok(Health::Poisoned(reason)) = stopped.as_deref() {
                        return Err(OpenError::JetStream(reason.clone()));
                    }
                }
                _ = progress.tick() => {
                    let position = *self.shared.followed.borrow();
                    tracing::info!(position, last, "the stream is read into the journal's folder");
                }
            }
        }
    }

    /// Hands entries over, and waits while too many wait for an acknowledgement.
    pub(super) async fn enqueue(&self, entries: Vec<Entry>) -> Result<Pending, AppendError> {
        self.enqueue_where(None, entries).await
    }

    /// As [`Self::enqueue`], at positions from `first` on.
    pub(super) async fn enqueue_at(
        &self,
        first: Position,
        entries: Vec<Entry>,
    ) -> Result<Pending, AppendError> {
        self.enqueue_where(Some(first.0), entries).await
    }

    async fn enqueue_where(
        &self,
        mut at: Option<u64>,
        entries: Vec<Entry>,
    ) -> Result<Pending, AppendError> {
        let mut pending = Pending::default();
        for run in self.shared.log.queue().split(entries, self.entry_bytes_max) {
            let run = match run {
                Ok((_, run)) => run,
                Err(too_large) => {
                    pending.answered(too_large);
                    if at.is_some() {
                        // As in the queue: nothing that follows could stand at its own position.
                        break;
                    }
                    continue;
                }
            };
            let mut run = run.into_iter().peekable();
            while run.peek().is_some() {
                let part: Vec<_> = run.by_ref().take(self.shared.settings.window).collect();
                let next = at.map(|at| at + wide(part.len()));
                for answer in self.publish(at, part).await? {
                    pending.sent(answer);
                }
                at = next;
            }
        }
        Ok(pending)
    }

    async fn publish(
        &self,
        at: Option<u64>,
        entries: Vec<Entry>,
    ) -> Result<Vec<oneshot::Receiver<Answer>>, AppendError> {
        self.shared.ready()?;
        let places = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let places = Arc::clone(&self.shared.window).acquire_many_owned(places);
        let places = tokio::time::timeout(PLACE_DEADLINE, places).await;
        let retry_after = OVERLOADED_RETRY;
        let places = places.map_err(|_| AppendError::Overloaded { retry_after })?;
        let mut places = places.map_err(|_| AppendError::Closed)?;
        let mut batch = {
            let place = |index| at.map(|at| self.place(at + wide(index)));
            publisher::Batch::new(Arc::clone(&self.shared), entries, place)
        };
        batch.look().await?;
        let mut answers = Vec::new();
        for mut part in batch.parts() {
            // The order among a caller's entries is theirs in the stream, too.
            part.send().await;
            let places = places.split(part.len());
            let (sender, answer) = oneshot::channel();
            answers.push(answer);
            tokio::spawn(async move {
                // Whoever has gone away submits again, and gets the receipt then.
                let _gone = sender.send(part.finish().await);
                drop(places);
            });
        }
        Ok(answers)
    }

    /// The place of an entry that is imported. Each names the message before it, so that nothing
    /// is stored behind a foreign one; only what stands before the first was compared.
    fn place(&self, position: u64) -> Place {
        let first = *self.imported_from.get_or_init(|| position);
        let id = |position: u64| format!("import-{:016x}-{position}", self.shared.tag);
        Place {
            position,
            id: id(position),
            behind: (position > first).then(|| id(position - 1)),
        }
    }

    pub(super) fn health(&self) -> cell::Receiver<Health> {
        self.shared.health.subscribe()
    }

    /// Entries that wait for an acknowledgement.
    pub(super) fn in_flight(&self) -> usize {
        self.shared.in_flight()
    }

    /// Ends reading and storing.
    pub(super) fn stop(&self) {
        self.shared.window.close();
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether the copy is of this stream, and the stream as long as the copy; gives the stream's
/// last position.
async fn compare(log: &Embedded, stream: &Stream, name: &str) -> Result<u64, OpenError> {
    let refuse = |reason: String| {
        Err(OpenError::JetStream(format!(
            "{reason}; nothing was changed; see \"When the stream has lost something\" in \
             docs/ENGINES.md"
        )))
    };
    let durable = log.durable().0;
    let patience = match stream.cached_info().config.num_replicas {
        1 => Duration::ZERO,
        // A leader that has just been elected may not have caught up with itself.
        _ => server::START_DEADLINE,
    };
    let until = tokio::time::Instant::now() + patience;
    let info = loop {
        let info = server::ask(stream).await;
        match info {
            Ok(info) if info.state.last_sequence >= durable => break info,
            outcome if tokio::time::Instant::now() >= until => {
                break outcome.map_err(OpenError::JetStream)?;
            }
            Ok(_) | Err(_) => server::pause().await,
        }
    };
    let last = info.state.last_sequence;
    let is_short = last < durable
        && server::lacks(stream, durable).await.map_err(|error| {
            OpenError::JetStream(format!("position {durable} of the stream {name}: {error}"))
        })?;
    if is_short {
        return refuse(format!(
            "the stream {name} ends at position {last}, and this gateway has read up to position \
             {durable}: reports that were acknowledged are lost, or the folder {} is of another \
             stream",
            log.settings().folder.display()
        ));
    }
    if info.state.messages != last {
        return refuse(format!(
            "the stream {name} ends at position {last} and holds {} messages: some are lost, or \
             were deleted",
            info.state.messages
        ));
    }
    if durable == 0 {
        return Ok(last);
    }
    let message = message_at(stream, durable, until).await;
    let message = message.map_err(|error| {
        OpenError::JetStream(format!("position {durable} of the stream {name}: {error}"))
    })?;
    let ours = log.read(Position(durable), 1, usize::MAX);
    let ours = ours.map_err(|error| OpenError::JetStream(error.to_string()))?;
    let theirs = message::Message::decode(&message.payload).map(|message| message.entry);
    if theirs.ok() == ours.into_iter().next().map(|stored| stored.entry) {
        Ok(last)
    } else {
        refuse(format!(
            "position {durable} of the stream {name} is not what this gateway has read there: \
             the folder {} is of another stream, or the stream was changed",
            log.settings().folder.display()
        ))
    }
}

/// The message at a position. In the middle of an election nobody answers for the stream; that
/// passes, and is waited for.
async fn message_at(
    stream: &Stream,
    position: u64,
    until: tokio::time::Instant,
) -> Result<StreamMessage, RawMessageError> {
    loop {
        match stream.get_raw_message(position).await {
            Err(error)
                if error.kind() != RawMessageErrorKind::NoMessageFound
                    && tokio::time::Instant::now() < until =>
            {
                server::pause().await;
            }
            answer => return answer,
        }
    }
}

/// The chain over all that is in the copy.
fn chain(log: &Embedded) -> Result<Point, OpenError> {
    let mut point = Point::default();
    let last = log.durable().0;
    while point.position < last {
        let from = Position(point.position + 1);
        let stored = log.read(from, CHAINED_MAX, CHAINED_BYTES_MAX);
        let stored = stored.map_err(|error| OpenError::JetStream(error.to_string()))?;
        if stored.is_empty() {
            return Err(OpenError::JetStream(format!("position {from} is missing")));
        }
        for one in &stored {
            point = point.next(&entry_hash(&one.entry));
        }
    }
    Ok(point)
}
