//! Reads the stream from where our copy ends, and puts what it reads into the copy. Every
//! gateway has one, and all of them find the same. While nobody else stores anything, what the
//! servers acknowledged to this gateway is taken instead (`own`).
//!
//! Invariants: positions of the copy are sequences of the stream, without a gap. Whatever does
//! not hold (a gap, a damaged or foreign message, a past that differs from what a gateway has
//! seen) stops this gateway: nothing is skipped, and nothing is guessed.

use super::super::{AppendError, Appended, Position};
use super::message::{self, Message, Point, offset};
use super::own::{Busy, Next};
use super::{Shared, server};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use tokio_stream::StreamExt as _;

/// Messages that are asked for at once, and that may wait to be taken into the copy.
const MESSAGES_MAX: usize = 1024;
/// What may wait to be taken into the copy, KiB.
const ROOM_KIB: usize = 32 * 1024;
/// Bytes that are asked for at once, at least; they have to hold any one message.
const ASKED_BYTES_MIN: usize = 8 * 1024 * 1024;
/// A server that is silent for twice as long is asked again.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long one request for messages stands.
const REQUEST_EXPIRES: Duration = Duration::from_secs(20);
/// How long to wait before reading is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// A consumer of which nobody asks goes after so long.
const CONSUMER_EXPIRES: Duration = Duration::from_secs(30);
/// If so many messages in a row are ours, nobody else stores anything, for all that is known.
const OWN_MIN: u32 = 1024;
/// Foreign messages are asked for one by one if at least so many of ours stand between them.
const FOREIGN_MIN: u32 = 128;
/// How long the stream is read, once others were found to store more than that.
const SHARED_FOR: Duration = Duration::from_secs(1);
/// Between two syncs of the copy at least, where many wait for their receipts, or none: the
/// servers sync, too, and may share the disk.
const COPY_INTERVAL: Duration = Duration::from_millis(10);
/// So many are many.
const MANY_IN_FLIGHT: usize = 256;
/// Points and answers of the past that are kept.
const KEPT_MAX: usize = 65_536;

/// What was read last: points of the chain, and what became of the entries.
#[derive(Debug)]
pub(super) struct Past {
    /// Hashes of the chain; the first is of position `first`.
    points: VecDeque<Point>,
    answers: VecDeque<Appended>,
    /// Position of the first of the answers.
    first_answer: u64,
}

impl Past {
    /// A past that begins after a point.
    pub(super) fn new(start: Point) -> Self {
        Self {
            points: VecDeque::from([start]),
            answers: VecDeque::new(),
            first_answer: start.position + 1,
        }
    }

    /// The last point.
    pub(super) fn last(&self) -> Point {
        self.points.back().copied().unwrap_or_default()
    }

    /// What became of the entry at a position, if it was read not long ago.
    pub(super) fn answer(&self, position: u64) -> Option<Appended> {
        let at = offset(position, self.first_answer)?;
        self.answers.get(at).copied()
    }

    /// Takes in a message at the next position; the error: why the stream is not whole.
    fn take(&mut self, message: &Message) -> Result<(), String> {
        let last = self.last();
        let seen = message.seen;
        if seen.position > last.position {
            return Err(format!(
                "the gateway that wrote position {} had read up to position {}: the stream has \
                 lost what stood there",
                last.position + 1,
                seen.position
            ));
        }
        let first = self.points.front().copied().unwrap_or_default().position;
        let known = offset(seen.position, first).and_then(|at| self.points.get(at));
        if known.is_some_and(|known| known.hash != seen.hash) {
            return Err(format!(
                "the gateway that wrote position {} had read another past up to position {} than \
                 this one: the stream was changed",
                last.position + 1,
                seen.position
            ));
        }
        self.points.push_back(last.next(&message.hash));
        if self.points.len() > KEPT_MAX {
            self.points.pop_front();
        }
        Ok(())
    }

    fn answered(&mut self, answers: &[Appended]) {
        self.answers.extend(answers);
        while self.answers.len() > KEPT_MAX {
            self.answers.pop_front();
            self.first_answer += 1;
        }
    }
}

async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// A message on its way into the copy, with its place in memory.
#[derive(Debug)]
pub(super) struct Read {
    sequence: u64,
    bytes: Bytes,
    _place: OwnedSemaphorePermit,
}

/// Reads the stream for as long as the gateway runs, and again from where the copy ends
/// whenever the connection, the consumer or the leader was lost.
pub(super) async fn read(shared: Arc<Shared>, read: mpsc::Sender<Read>) {
    let mut reader = Reader {
        next: shared.log.durable().0 + 1,
        room: Arc::new(Semaphore::new(ROOM_KIB)),
        read,
        shared_until: Instant::now(),
        shared: Arc::clone(&shared),
    };
    loop {
        let kicked = shared.kick.notified();
        let outcome = tokio::select! {
            outcome = reader.consume() => outcome,
            () = kicked => Err("the server is silent and the stream is longer".to_owned()),
        };
        match outcome {
            Ok(Ended::Closed) => return,
            Ok(Ended::Shared) => reader.shared_until = Instant::now() + SHARED_FOR,
            Ok(Ended::Quiet) => {}
            Err(error) => {
                let next = reader.next;
                tracing::warn!(error, next, "the stream is read again from here");
                pause().await;
            }
        }
    }
}

/// Why reading ended.
enum Ended {
    /// Nobody takes what is read any more.
    Closed,
    /// Somebody else stores, too.
    Shared,
    /// Nobody stores anything, for all that is known.
    Quiet,
}

/// What reads the stream.
struct Reader {
    shared: Arc<Shared>,
    /// The position that comes next.
    next: u64,
    /// Until then the stream is read in any case.
    shared_until: Instant,
    read: mpsc::Sender<Read>,
    room: Arc<Semaphore>,
}

impl Reader {
    /// Reads until something is lost.
    async fn consume(&mut self) -> Result<Ended, String> {
        let failed =
            |doing: &str, error: &dyn std::fmt::Display| format!("cannot {doing}: {error}");
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: self.next,
            },
            ack_policy: AckPolicy::None,
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: CONSUMER_EXPIRES,
            description: Some("an Entente gateway reads".to_owned()),
            ..pull::Config::default()
        };
        let shared = Arc::clone(&self.shared);
        let bytes_min = shared.message_bytes_max.saturating_mul(2);
        let consumer = shared.stream.create_consumer(config).await;
        let consumer = consumer.map_err(|error| failed("make a consumer", &error))?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(MESSAGES_MAX)
            .max_bytes_per_batch(ASKED_BYTES_MIN.max(bytes_min))
            .heartbeat(HEARTBEAT)
            .expires(REQUEST_EXPIRES)
            .messages()
            .await;
        let mut messages = messages.map_err(|error| failed("ask for messages", &error))?;
        let mut own = 0;
        while let Some(message) = messages.next().await {
            let message = message.map_err(|error| failed("read", &error))?;
            let sequence = message.info().map(|info| info.stream_sequence);
            let sequence = sequence.map_err(|error| failed("place a message", &error))?;
            if sequence < self.next {
                continue;
            }
            if sequence > self.next {
                return missing(&shared, self.next).await;
            }
            own = match message::writer(&message.payload) == Some(shared.writer()) {
                true => own + 1,
                false => 0,
            };
            if !self.hand_on(message.payload.clone()).await {
                return Ok(Ended::Closed);
            }
            if own >= OWN_MIN && Instant::now() >= self.shared_until {
                drop(messages);
                return Ok(self.follow_own().await);
            }
        }
        Err("the consumer ended".to_owned())
    }

    /// Takes what this gateway stores, for as long as others store next to nothing.
    async fn follow_own(&mut self) -> Ended {
        let shared = Arc::clone(&self.shared);
        let mut since_foreign = FOREIGN_MIN;
        loop {
            since_foreign += 1;
            let copied = self.next - 1;
            let busy = || match shared.in_flight() {
                _ if *shared.followed.borrow() < copied => Busy::Copying,
                0 => Busy::No,
                _ => Busy::Sending,
            };
            let message = match shared.own.at(self.next, busy).await {
                Next::Ours(message) => message,
                Next::Quiet => return Ended::Quiet,
                Next::Missing if since_foreign < FOREIGN_MIN => return Ended::Shared,
                Next::Missing => {
                    since_foreign = 0;
                    match shared.stream.get_raw_message(self.next).await {
                        Ok(message) => message.payload,
                        Err(_) => return Ended::Shared,
                    }
                }
            };
            if !self.hand_on(message).await {
                return Ended::Closed;
            }
        }
    }

    /// Hands the next message on into the copy; whether anybody takes it.
    async fn hand_on(&mut self, bytes: Bytes) -> bool {
        let kib = (bytes.len() / 1024 + 1).min(ROOM_KIB);
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        let Ok(place) = Arc::clone(&self.room).acquire_many_owned(kib).await else {
            return false;
        };
        let message = Read {
            sequence: self.next,
            bytes,
            _place: place,
        };
        self.next += 1;
        self.shared.own.passed(self.next);
        self.read.send(message).await.is_ok()
    }
}

/// Looks whether a message that was not delivered is in the stream; `Ok`: it is lost, and the
/// gateway stops.
async fn missing(shared: &Shared, position: u64) -> Result<Ended, String> {
    use async_nats::jetstream::stream::LastRawMessageErrorKind as Kind;
    let info = server::ask(&shared.stream).await?;
    if info.state.last_sequence < position {
        // A leader that has just been elected, and has not caught up with itself.
        return Err(format!("position {position} was not delivered"));
    }
    match shared.stream.get_raw_message(position).await {
        Ok(_) => Err(format!("position {position} was not delivered")),
        Err(error) if error.kind() == Kind::NoMessageFound => {
            shared.stop(format!("position {position} is lost from the stream"));
            Ok(Ended::Closed)
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Takes what is read into the copy, for as long as the gateway runs.
pub(super) async fn copy(shared: Arc<Shared>, mut read: mpsc::Receiver<Read>) {
    let mut batch = Vec::new();
    let mut copied = Instant::now();
    while read.recv_many(&mut batch, MESSAGES_MAX).await > 0 {
        // A few that wait for their receipts do not wait for others.
        if !(1..MANY_IN_FLIGHT).contains(&shared.in_flight()) {
            gather(&mut read, &mut batch, copied + COPY_INTERVAL).await;
        }
        if let Err(reason) = take(&shared, &mut batch).await {
            shared.stop(reason);
            return;
        }
        copied = Instant::now();
    }
}

/// Gathers what comes until a moment, so that it shares a sync.
async fn gather(read: &mut mpsc::Receiver<Read>, batch: &mut Vec<Read>, until: Instant) {
    while batch.len() < MESSAGES_MAX {
        let room = MESSAGES_MAX - batch.len();
        match tokio::time::timeout_at(until, read.recv_many(batch, room)).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

async fn take(shared: &Shared, batch: &mut Vec<Read>) -> Result<(), String> {
    let mut entries = Vec::with_capacity(batch.len());
    let first = batch.first().map_or(0, |read| read.sequence);
    for read in batch.iter() {
        let sequence = read.sequence;
        let at = |reason: String| format!("position {sequence} of the stream: {reason}");
        let message = Message::decode(&read.bytes).map_err(|reason| at(reason.to_owned()))?;
        shared.past().take(&message).map_err(at)?;
        entries.push(message.entry);
    }
    let mut next = first;
    for run in shared.log.queue().split(entries, usize::MAX) {
        let Ok((_, run)) = run else {
            return Err("an entry of the stream has a key that is too long".to_owned());
        };
        let answers = append(shared, run).await?;
        for answer in &answers {
            match answer {
                Appended::Stored(receipt) | Appended::Superseded(receipt)
                    if receipt.position() == Position(next) => {}
                other => {
                    return Err(format!(
                        "position {next} of the stream cannot be taken into its copy: {other:?}"
                    ));
                }
            }
            next += 1;
        }
        shared.past().answered(&answers);
        shared.followed.send_replace(next - 1);
    }
    batch.clear();
    Ok(())
}

/// Appends to the copy; waits where the disk is full, and tells so.
async fn append(
    shared: &Shared,
    entries: Vec<super::super::Entry>,
) -> Result<Vec<Appended>, String> {
    loop {
        let pending = shared.log.queue().push(entries.clone()).await;
        let answer = match pending {
            Ok(pending) => pending.durable().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answers) => return Ok(answers),
            Err(AppendError::Overloaded { .. } | AppendError::DiskFull { .. }) => {
                pause().await;
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Entry;
    use super::super::message::entry_hash;
    use super::*;

    fn message(number: u8, seen: Point) -> Message {
        let entry = Entry {
            key: vec![number].into(),
            revision: 1,
            digest: [number; 32],
            stamp_ns: 0,
            body: Bytes::new(),
        };
        Message {
            writer: 0,
            seen,
            hash: entry_hash(&entry),
            entry,
        }
    }

    /// A past of so many messages, and its points.
    fn past(messages: u8) -> (Past, Vec<Point>) {
        let mut past = Past::new(Point::default());
        let mut points = vec![past.last()];
        for number in 0..messages {
            past.take(&message(number, Point::default())).unwrap();
            points.push(past.last());
        }
        (past, points)
    }

    #[test]
    fn whatever_a_writer_had_read_is_held_against_what_was_read_here() {
        let (_, points) = past(5);
        for seen in &points {
            assert_eq!(past(5).0.take(&message(9, *seen)), Ok(()));
        }
        let beyond = Point {
            position: 6,
            ..points[5]
        };
        let lost = past(5).0.take(&message(9, beyond)).unwrap_err();
        assert!(lost.contains("lost what stood there"), "{lost}");
        for point in &points[1..] {
            let mut other = *point;
            other.hash[31] ^= 1;
            let changed = past(5).0.take(&message(9, other)).unwrap_err();
            assert!(changed.contains("was changed"), "{changed}");
        }
    }

    #[test]
    fn two_orders_of_the_same_messages_are_two_pasts() {
        let in_order = |order: [u8; 3]| {
            let mut past = Past::new(Point::default());
            for number in order {
                past.take(&message(number, Point::default())).unwrap();
            }
            past.last()
        };
        assert_eq!(in_order([1, 2, 3]), in_order([1, 2, 3]));
        assert_ne!(in_order([1, 2, 3]), in_order([1, 3, 2]));
        assert_ne!(in_order([1, 2, 3]), in_order([4, 2, 3]));
    }

    #[test]
    fn what_is_kept_of_the_past_is_bounded() {
        let mut past = Past::new(Point::default());
        let first = past.last();
        for _ in 0..KEPT_MAX + 10 {
            past.take(&message(1, Point::default())).unwrap();
            past.answered(&[Appended::TooManyRevisions]);
        }
        assert!(past.points.len() <= KEPT_MAX && past.answers.len() <= KEPT_MAX);
        assert_eq!(past.answer(10), None);
        assert_eq!(past.answer(11), Some(Appended::TooManyRevisions));
        // Too long ago to be held against anything.
        assert_eq!(past.take(&message(1, first)), Ok(()));
    }
}
