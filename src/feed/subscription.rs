//! A reader's way through the feed: waits, reads, and lets through what release and filter let.
//!
//! Invariant: rights are asked after the records were read and before they are judged, each
//! time, so a change of rights acts on the very next delivery.

mod shared;

use super::cursors::Membership;
use super::filter::Filter;
use super::ranges::Ranges;
use super::release::{self, Reader};
use super::replay::{Pace, Replay, TOGETHER};
use super::{Delivered, Delivery, Feed, FeedError, label, open};
use crate::identity::{Identity, NationCode};
use crate::journal::{Position, Stored};
use crate::wire::substance::Substance;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Who reads, and what it wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The reader.
    pub identity: Identity,
    /// What it wants to see.
    pub filter: Filter,
    /// It hands on what it reads.
    pub hands_on: bool,
    /// How fast. `None`: as fast as it goes.
    pub pace: Option<Pace>,
}

/// A reader's place in the feed. Dropping it is the way to end it.
#[derive(Debug)]
pub struct Subscription {
    feed: Arc<Feed>,
    ask: Ask,
    replay: Option<Replay>,
    next: Position,
    until: Option<Position>,
    durable: watch::Receiver<Position>,
    /// Its part in a cursor that the gateway keeps; `None`: the reader keeps its place itself.
    membership: Option<Membership>,
}

/// What a look at the journal found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) records: Vec<Delivered>,
    pub(super) withheld: Ranges,
    /// The first position that was not looked at.
    pub(super) next: Position,
    /// How far the replay has come with it.
    pub(super) replay: Option<Replay>,
    /// When the record at `next` is due; `None`: that is not what the look ended with.
    pub(super) due: Option<Duration>,
    bytes: usize,
}

impl Subscription {
    /// A subscription that stands before `next`.
    pub(super) fn new(
        feed: Arc<Feed>,
        ask: Ask,
        next: Position,
        until: Option<Position>,
        membership: Option<Membership>,
    ) -> Self {
        let durable = feed.journal.watch_durable();
        Self {
            replay: ask.pace.map(Replay::new),
            feed,
            ask,
            next,
            until,
            durable,
            membership,
        }
    }

    /// Where it goes on: the cursor to give after a break.
    #[must_use]
    pub fn position(&self) -> Position {
        self.next
    }

    /// The reader's nation.
    #[must_use]
    pub fn nation(&self) -> NationCode {
        self.ask.identity.nation
    }

    /// Waits for the next delivery: what is there, or a heartbeat after a time of silence. Safe
    /// to drop and call again: the cursor moves only with what is returned.
    ///
    /// # Errors
    /// The journal cannot be read, the right to read or the cursor is gone, or the gateway ends.
    pub async fn next(&mut self) -> Result<Delivery, FeedError> {
        if self.membership.is_some() {
            return self.next_shared().await;
        }
        loop {
            self.feed.reader(&self.ask.identity)?;
            if self.until.is_some_and(|until| self.next > until) {
                return Ok(self.heartbeat(true));
            }
            let heartbeat = self.feed.settings.heartbeat;
            let next = self.next;
            let arrived = self.durable.wait_for(|durable| *durable >= next);
            let arrived = tokio::time::timeout(heartbeat, arrived).await;
            let durable = match arrived.map(|arrived| arrived.map(|durable| *durable)) {
                Err(_silence) => return Ok(self.heartbeat(false)),
                Ok(Err(_ended)) => return Err(FeedError::Closed),
                Ok(Ok(durable)) => durable,
            };
            let last = self.until.map_or(durable, |until| until.min(durable));
            let found = self.feed.look(&self.ask, next, last, self.replay).await?;
            if found.next > next {
                return Ok(self.delivery(found));
            }
            let Some(due) = found.due else {
                // A journal that has nothing at a durable position; cannot happen.
                return Err(FeedError::NotFound(next));
            };
            let now = self.feed.clock.monotonic();
            let wait = due.saturating_sub(now).max(TOGETHER);
            tokio::time::sleep(wait.min(heartbeat)).await;
            if wait > heartbeat {
                return Ok(self.heartbeat(false));
            }
        }
    }

    fn delivery(&mut self, found: Found) -> Delivery {
        let covered = Some((self.next.0, found.next.0.saturating_sub(1)));
        self.next = found.next;
        self.replay = found.replay;
        let done = self.until.is_some_and(|until| found.next > until);
        Delivery {
            records: found.records,
            withheld: found.withheld,
            covered,
            ..self.heartbeat(done)
        }
    }

    fn heartbeat(&self, done: bool) -> Delivery {
        Delivery {
            records: Vec::new(),
            withheld: Ranges::default(),
            covered: None,
            at: self.feed.clock.now(),
            next: self.next,
            durable: *self.durable.borrow(),
            first: self.feed.journal.first(),
            lost: None,
            done,
        }
    }
}

impl Feed {
    /// Looks at what stands from `from` to `last`, until a delivery is full. Only what the
    /// reader gets fills it: how large something is that is withheld shows nowhere.
    pub(super) async fn look(
        &self,
        ask: &Ask,
        from: Position,
        last: Position,
        replay: Option<Replay>,
    ) -> Result<Found, FeedError> {
        let most = self.settings.delivery_records_max;
        let end = from.0.saturating_add(most as u64).saturating_sub(1);
        let last = last.min(Position(end));
        let mut found = Found {
            records: Vec::new(),
            withheld: Ranges::default(),
            next: from,
            replay,
            due: None,
            bytes: 0,
        };
        while found.next <= last {
            let left = last.0.saturating_sub(found.next.0).saturating_add(1);
            let left = usize::try_from(left).unwrap_or(most).min(most);
            let bytes_max = self.settings.delivery_bytes_max;
            let batch = self.read(found.next, left, bytes_max).await?;
            if batch.is_empty() {
                break;
            }
            let reader = Reader {
                hands_on: ask.hands_on,
                ..self.reader(&ask.identity)?
            };
            if self.judge(batch, ask, &reader, &mut found)?.is_break() {
                break;
            }
        }
        // Rights once more: the judgement about an earlier revision is one, too.
        if found.records.iter().any(|record| record.previous.is_some()) {
            let reader = Reader {
                hands_on: ask.hands_on,
                ..self.reader(&ask.identity)?
            };
            for record in &mut found.records {
                self.hide_previous(record, &reader).await?;
            }
        }
        Ok(found)
    }

    /// Lets records through or withholds them; breaks when the delivery is full.
    fn judge(
        &self,
        batch: Vec<Stored>,
        ask: &Ask,
        reader: &Reader,
        found: &mut Found,
    ) -> Result<ControlFlow<()>, FeedError> {
        let now = self.clock.monotonic();
        for stored in batch {
            let (position, stamp_ns) = (stored.position, stored.entry.stamp_ns);
            let label = label(&stored)?;
            if !release::may_read(&label, reader) {
                found.withheld.insert(position.0, position.0);
                found.next = Position(position.0.saturating_add(1));
                continue;
            }
            let mut opened = None;
            let substance = || {
                let record = open(&stored, label.clone())?;
                let substance = Substance::read(&record.body.record);
                opened = Some(record);
                substance.map_err(|cause| FeedError::Stored { position, cause })
            };
            if ask.filter.matches(&label, stamp_ns, substance)? {
                let bytes = stored.entry.body.len();
                let is_full = found.bytes.saturating_add(bytes) > self.settings.delivery_bytes_max;
                if is_full && !found.records.is_empty() {
                    return Ok(ControlFlow::Break(()));
                }
                if let Some(replay) = &mut found.replay {
                    let due = replay.due(stamp_ns);
                    if due > now {
                        found.due = Some(due);
                        return Ok(ControlFlow::Break(()));
                    }
                    replay.gone(stamp_ns, now);
                }
                found.bytes = found.bytes.saturating_add(bytes);
                found.records.push(match opened {
                    Some(record) => record,
                    None => open(&stored, label)?,
                });
            }
            found.next = Position(position.0.saturating_add(1));
        }
        Ok(ControlFlow::Continue(()))
    }
}
