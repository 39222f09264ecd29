//! Brings entries of one caller into the stream, and finds out what became of each.
//!
//! Invariant: only the copy decides what an entry's answer is. An acknowledgement says where to
//! look; a refusal, a timeout and a lost connection say nothing but that one has to look, and
//! publish again what is not there. To publish again is harmless: the subject takes one message.

use super::super::recent::Told;
use super::super::{AppendError, Appended, Entry, Health, Position, Receipt, Stored};
use super::message::{encode, subject};
use super::server::ANSWER_DEADLINE;
use super::{Shared, UNREACHABLE_RETRY};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use std::error::Error as _;
use std::future::IntoFuture as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long the outcome of an entry is looked for before its sender is told to come back.
const OUTCOME_DEADLINE: Duration = Duration::from_secs(20);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(50);
/// Entries that are published before the first of them is waited for.
const PART_ENTRIES: usize = 32;

/// When it is worth coming back to servers that have no room.
const NO_ROOM_RETRY: Duration = Duration::from_secs(5);
/// What servers say that have no room: the stream's limit, the account's, the disk's.
const NO_ROOM: [ErrorCode; 4] = [
    ErrorCode::STREAM_STORE_FAILED,
    ErrorCode::STORAGE_RESOURCES_EXCEEDED,
    ErrorCode::INSUFFICIENT_RESOURCES,
    ErrorCode::TEMP_STORAGE_FAILED,
];

/// Where an entry is on its way.
#[derive(Debug)]
enum State {
    /// Nothing is known.
    Unknown,
    /// It is published; the answer comes.
    Published(PublishAckFuture),
    /// The servers acknowledged it, there.
    Acknowledged(u64),
    /// The copy has it, there.
    Found(u64),
    /// Its key has as many revisions as it may.
    TooManyRevisions,
}

#[derive(Debug)]
struct Item {
    entry: Entry,
    /// Where it must stand. `None`: wherever is next.
    place: Option<Place>,
    state: State,
    /// The message that was published, for our copy. What is imported is read back instead.
    message: Option<Bytes>,
    /// A message of ours may be in the stream although nobody said so.
    unsure: bool,
    /// The servers had no room for it.
    no_room: bool,
}

/// Where an entry must stand, and behind what. The position alone would not do: behind a foreign
/// message the one for the next position would be taken.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its position.
    pub(super) position: u64,
    /// Its message's id.
    pub(super) id: String,
    /// The id of the message before it. `None`: that was looked at.
    pub(super) behind: Option<String>,
}

/// Entries of one caller.
pub(super) struct Batch {
    shared: Arc<Shared>,
    items: Vec<Item>,
}

impl Batch {
    /// Entries that go wherever is next, or to places of their own.
    pub(super) fn new(
        shared: Arc<Shared>,
        entries: Vec<Entry>,
        place: impl Fn(usize) -> Option<Place>,
    ) -> Self {
        let item = |(index, entry)| Item {
            entry,
            place: place(index),
            state: State::Unknown,
            message: None,
            unsure: false,
            no_room: false,
        };
        Self {
            shared,
            items: entries.into_iter().enumerate().map(item).collect(),
        }
    }

    /// Looks in the copy for what is unknown, and publishes what is not there.
    async fn publish(&mut self) -> Result<(), AppendError> {
        self.look().await?;
        self.send().await;
        Ok(())
    }

    /// Looks in the copy for what is unknown.
    pub(super) async fn look(&mut self) -> Result<(), AppendError> {
        let unknown = |item: &&mut Item| matches!(item.state, State::Unknown);
        let mut items: Vec<_> = self.items.iter_mut().filter(unknown).collect();
        if items.is_empty() {
            return Ok(());
        }
        let of = items
            .iter()
            .map(|item| (item.entry.key.clone(), item.entry.revision));
        let told = self.shared.log.queue().ask(of.collect()).await?;
        for (item, told) in items.iter_mut().zip(told) {
            item.state = match told {
                Told::At(position) => State::Found(position),
                Told::TooManyRevisions if item.place.is_none() => State::TooManyRevisions,
                Told::Absent | Told::TooManyRevisions => State::Unknown,
            };
        }
        Ok(())
    }

    /// The same entries in parts of a few. Each can be waited for while the next is published:
    /// its acknowledgements come meanwhile, and the copy needs them.
    pub(super) fn parts(self) -> Vec<Self> {
        let mut items = self.items.into_iter().peekable();
        let mut parts = Vec::new();
        while items.peek().is_some() {
            parts.push(Self {
                shared: Arc::clone(&self.shared),
                items: items.by_ref().take(PART_ENTRIES).collect(),
            });
        }
        parts
    }

    /// How many entries it has.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Publishes what is unknown.
    pub(super) async fn send(&mut self) {
        let seen = self.shared.past().last();
        let prefix = &self.shared.settings.subjects;
        for item in &mut self.items {
            if !matches!(item.state, State::Unknown) {
                continue;
            }
            // What is imported is read back, so it must not look like ours, which are not.
            let is_ours = item.place.is_none();
            let writer = if is_ours { self.shared.writer() } else { 0 };
            let payload = encode(&item.entry, &seen, writer);
            item.message = is_ours.then(|| payload.clone());
            let mut message = PublishMessage::build()
                .payload(payload)
                .expected_last_subject_sequence(0);
            if let Some(place) = &item.place {
                message = message
                    .expected_last_sequence(place.position - 1)
                    .message_id(&place.id);
                if let Some(behind) = &place.behind {
                    message = message.expected_last_message_id(behind);
                }
            }
            let subject = subject(prefix, &item.entry);
            match self.shared.context.send_publish(subject, message).await {
                Ok(acknowledgement) => item.state = State::Published(acknowledgement),
                Err(error) => {
                    item.state = item.failed(&error);
                    // Nothing goes out, then: each would take as long to find out.
                    break;
                }
            }
        }
    }

    /// Waits for the outcome of every entry; one answer an entry, in order.
    pub(super) async fn finish(mut self) -> Result<Vec<Appended>, AppendError> {
        let until = Instant::now() + OUTCOME_DEADLINE;
        let mut followed = self.shared.followed.subscribe();
        loop {
            let answered_until = Instant::now() + ANSWER_DEADLINE;
            for item in &mut self.items {
                item.settle(&self.shared, answered_until).await;
            }
            if !self
                .items
                .iter()
                .any(|item| matches!(item.state, State::Unknown))
            {
                break;
            }
            if self.items.iter().any(|item| item.no_room) {
                return Err(AppendError::DiskFull {
                    retry_after: NO_ROOM_RETRY,
                });
            }
            if Instant::now() >= until {
                return Err(unreachable());
            }
            self.shared.ready_or_unreachable()?;
            // What is missing comes with the next messages, or was not stored.
            followed.borrow_and_update();
            let _either = tokio::time::timeout(PAUSE, followed.changed()).await;
            self.publish().await?;
        }
        let last = self.items.iter().filter_map(Item::position).max();
        let last = last.unwrap_or_default();
        let mut health = self.shared.health.subscribe();
        let read_back = async {
            tokio::select! {
                read = followed.wait_for(|position| *position >= last) => {
                    read.map(|_| ()).map_err(|_| AppendError::Closed)
                }
                _ = health.wait_for(|health| matches!(health, Health::Poisoned(_))) => {
                    Err(self.shared.ready().err().unwrap_or(AppendError::Closed))
                }
            }
        };
        let read_back = tokio::time::timeout_at(until, read_back).await;
        read_back.map_err(|_| unreachable())??;
        let mut answers = Vec::with_capacity(self.items.len());
        for item in &self.items {
            answers.push(answer(&self.shared, item).await?);
        }
        Ok(answers)
    }
}

impl Item {
    fn position(&self) -> Option<u64> {
        match self.state {
            State::Acknowledged(position) | State::Found(position) => Some(position),
            State::Unknown | State::Published(_) | State::TooManyRevisions => None,
        }
    }

    /// Waits for the servers' answer, if one is to come.
    async fn settle(&mut self, shared: &Shared, until: Instant) {
        let state = std::mem::replace(&mut self.state, State::Unknown);
        self.state = match state {
            State::Published(acknowledgement) => {
                let acknowledgement = acknowledgement.into_future();
                match tokio::time::timeout_at(until, acknowledgement).await {
                    Ok(Ok(ack)) if ack.stream == shared.settings.stream => {
                        if let Some(message) = self.message.take() {
                            shared.own.acknowledged(ack.sequence, message);
                        }
                        State::Acknowledged(ack.sequence)
                    }
                    Ok(Ok(ack)) => {
                        let stream = ack.stream;
                        tracing::error!(stream, "another stream takes our subjects");
                        State::Unknown
                    }
                    Ok(Err(error)) => self.failed(&error),
                    Err(_) => {
                        self.unsure = true;
                        State::Unknown
                    }
                }
            }
            other => other,
        };
    }

    /// Only a refusal for what stands there already is certain.
    fn failed(&mut self, error: &PublishError) -> State {
        let code = code(error);
        let is_there_already = error.kind() == PublishErrorKind::WrongLastSequence
            || code == Some(ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT);
        if !is_there_already {
            self.unsure = true;
            tracing::debug!(%error, "the outcome of a report is unknown");
        }
        if code.is_some_and(|code| NO_ROOM.contains(&code)) {
            self.no_room = true;
            tracing::error!(%error, "the servers have no room for reports");
        }
        State::Unknown
    }
}

/// Why the servers refused, as their number.
fn code(error: &PublishError) -> Option<ErrorCode> {
    let source = error.source()?;
    let error = source.downcast_ref::<async_nats::jetstream::Error>()?;
    Some(error.error_code())
}

fn unreachable() -> AppendError {
    AppendError::Unreachable {
        retry_after: UNREACHABLE_RETRY,
    }
}

/// The answer to an entry whose place is known and in the copy.
async fn answer(shared: &Shared, item: &Item) -> Result<Appended, AppendError> {
    let Some(position) = item.position() else {
        return Ok(Appended::TooManyRevisions);
    };
    let stored = read(shared, Position(position)).await?;
    let is_ours = stored.entry == item.entry;
    let is_new = match item.state {
        State::Acknowledged(_) if !is_ours => {
            let reason = format!(
                "position {position} of the stream, which the servers acknowledged, holds another \
                 report"
            );
            shared.stop(reason.clone());
            return Err(AppendError::Poisoned(reason));
        }
        State::Acknowledged(_) => true,
        _ => item.unsure && is_ours,
    };
    let answered = is_new.then(|| shared.past().answer(position)).flatten();
    if let Some(answered) = answered {
        return Ok(answered);
    }
    let receipt = Receipt {
        position: stored.position,
        previous: stored.previous,
        digest: stored.entry.digest,
        stamp_ns: stored.entry.stamp_ns,
    };
    Ok(if stored.entry.digest == item.entry.digest {
        Appended::Duplicate(receipt)
    } else {
        Appended::Conflict(receipt)
    })
}

async fn read(shared: &Shared, position: Position) -> Result<Stored, AppendError> {
    let recent = shared.log.read_recent(position, 1, usize::MAX);
    let stored = match recent {
        Some(stored) => Ok(stored),
        None => {
            let log = shared.log.clone();
            let read = move || log.read(position, 1, usize::MAX);
            let read = tokio::task::spawn_blocking(read).await;
            read.map_err(|_| AppendError::Closed)?
        }
    };
    let stored = stored.map_err(|error| {
        tracing::error!(%position, %error, "a stored entry cannot be read");
        AppendError::Unreadable(position)
    })?;
    let first = stored.into_iter().next();
    first.ok_or(AppendError::Unreadable(position))
}
