//! Reads, hands on, acknowledges; and what happens when one of the three fails.

use super::RelayError;
use super::audience::Audience;
use super::backoff::Backoff;
use super::dead::DeadLetters;
use super::entry::Entry;
use super::settings::RelaySettings;
use super::status::Board;
use super::target::{End, Target};
use crate::client::Patience;
use crate::client::subscriber::Subscriber;
use crate::clock::Clock;
use crate::wire::proto::{
    FeedEntry, FeedFilter, PositionRange, SubscribeRequest, SubscribeResponse,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Most positions on their way and not acknowledged.
const WINDOW_POSITIONS: u32 = 1024;
/// A target may be down for long; what it has not taken is no other stream's meanwhile.
const ACKNOWLEDGE_WITHIN_S: u32 = 3600;
/// Most ranges that are remembered of which the gateway did not hear that they are done.
const UNHEARD_MAX: usize = 1024;
/// How long the question for the durable position may take.
const DURABLE_DEADLINE: Duration = Duration::from_secs(2);

/// How patiently a broken connection to the gateway is mended before it is said to fail.
const PATIENCE: Patience = Patience {
    attempts_max: 4,
    wait_min: Duration::from_millis(100),
    wait_max: Duration::from_secs(2),
};

/// Whether to go on.
enum Go {
    On,
    /// It is to end; the record at this position was not taken.
    Stop(u64),
}

struct Relay {
    settings: RelaySettings,
    clock: Arc<dyn Clock>,
    target: Target,
    dead: DeadLetters,
    board: Board,
    backoff: Backoff,
    /// Done, but the gateway did not hear it and will deliver them again.
    unheard: VecDeque<PositionRange>,
}

/// Hands the feed on until `stop` says so. What the target has in its hands by then is waited for.
///
/// # Errors
/// Files of the relay. What fails at the gateway or at the target is tried again, and never ends it.
pub async fn run(
    settings: RelaySettings,
    target: Target,
    dead: DeadLetters,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), RelayError> {
    let kind = settings.target.kind();
    let board = Board::new(&settings.state, &settings.name, kind, Arc::clone(&clock));
    let mut relay = Relay {
        settings,
        clock,
        target,
        dead,
        board,
        backoff: Backoff::default(),
        unheard: VecDeque::new(),
    };
    relay.board.dead_letters(relay.dead.count());
    relay.board.show();
    loop {
        let error = match relay.read(&mut stop).await {
            Ok(()) => break,
            Err(error) => error,
        };
        relay.board.failed(&format!("the gateway: {error}"));
        tokio::select! {
            () = stopped(&mut stop) => break,
            () = relay.backoff.pause() => {}
        }
    }
    relay.board.write();
    Ok(())
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever could have said it is gone: that says it, too.
    let _said = stop.wait_for(|stop| *stop).await.is_ok();
}

impl Relay {
    /// Reads by one subscriber, until it is to end or the gateway gives no more.
    async fn read(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), RelayError> {
        // Anew each time, so that a renewed certificate is taken up.
        let endpoint = self.settings.endpoint(&self.clock)?;
        let mut subscriber = Subscriber::new(endpoint, self.request(), PATIENCE);
        loop {
            let answer = tokio::select! {
                biased;
                () = stopped(stop) => return Ok(()),
                answer = subscriber.next() => answer?,
            };
            let Some(answer) = answer else { continue };
            self.board.durable(answer.durable_position);
            self.board.went_well();
            if let Some(PositionRange { first, last }) = answer.removed_before_read {
                self.board.removed(first, last);
            }
            if let (Some(covered), Go::Stop(position)) = (
                answer.covered,
                self.deliver(&mut subscriber, &answer, stop).await,
            ) {
                if position > covered.first {
                    let done = position.saturating_sub(1);
                    self.acknowledge(&mut subscriber, &answer, done).await?;
                }
                return Ok(());
            }
            if let Some(covered) = answer.covered {
                self.acknowledge(&mut subscriber, &answer, covered.last)
                    .await?;
            }
            self.board.position(answer.next_position.saturating_sub(1));
            self.board.show();
            self.backoff.reset();
        }
    }

    fn request(&self) -> SubscribeRequest {
        let RelaySettings { name, wanted, .. } = &self.settings;
        SubscribeRequest {
            filter: Some(FeedFilter {
                kinds: wanted.kinds.clone(),
                nations: wanted.nations.clone(),
                environments: wanted.environments.clone(),
                ..FeedFilter::default()
            }),
            onward: true,
            include_original: self.settings.wants_originals(),
            cursor: name.clone(),
            window: Some(WINDOW_POSITIONS),
            acknowledge_within_s: Some(ACKNOWLEDGE_WITHIN_S),
            ..SubscribeRequest::default()
        }
    }

    /// Says that what an answer covers, up to `last`, is done.
    async fn acknowledge(
        &mut self,
        subscriber: &mut Subscriber,
        answer: &SubscribeResponse,
        last: u64,
    ) -> Result<(), RelayError> {
        let Some(PositionRange { first, .. }) = answer.covered else {
            return Ok(());
        };
        let done = PositionRange { first, last };
        let said = SubscribeResponse {
            covered: Some(done),
            ..SubscribeResponse::default()
        };
        // Remembered first: also when the gateway refuses, these are handed on.
        self.unheard
            .retain(|range| range.first < first || range.last > last);
        self.unheard.push_back(done);
        if self.unheard.len() > UNHEARD_MAX {
            self.unheard.pop_front();
        }
        if subscriber.acknowledge(&said).await? {
            self.unheard.pop_back();
        }
        Ok(())
    }

    /// Brings everything of an answer to an end: taken, left out, or dead.
    async fn deliver(
        &mut self,
        subscriber: &mut Subscriber,
        answer: &SubscribeResponse,
        stop: &mut watch::Receiver<bool>,
    ) -> Go {
        let withheld = answer.withheld.iter();
        let withheld = withheld.map(|range| range.last.saturating_sub(range.first) + 1);
        self.board.withheld(withheld.sum());
        let mut entries = Vec::new();
        for served in &answer.entries {
            let is_done =
                |range: &PositionRange| (range.first..=range.last).contains(&served.position);
            if self.unheard.iter().any(is_done) {
                continue;
            }
            match Entry::new(served.clone()) {
                Ok(entry) if self.audience().may_see(&entry.record) => entries.push(entry),
                Ok(_) => self.board.skipped(1),
                Err(reason) => {
                    let go = self.bury(subscriber, served, &reason, stop).await;
                    if let Go::Stop(_) = go {
                        // Those before it were not handed on either.
                        return Go::Stop(entries.first().map_or(served.position, Entry::position));
                    }
                }
            }
        }
        let mut rest = entries.as_slice();
        while let Some(first) = rest.first() {
            self.board.in_hand(first.received_at());
            if *stop.borrow() {
                return Go::Stop(first.position());
            }
            let taken = self.target.hand(rest, false).await;
            let (done, left) = rest.split_at(taken.count.min(rest.len()));
            rest = left;
            self.board.skipped(taken.skipped as u64);
            self.board
                .handed(done.len().saturating_sub(taken.skipped) as u64);
            if let Some(last) = done.last() {
                self.board.position(last.position());
                self.backoff.reset();
            }
            match (taken.end, rest.split_first()) {
                (End::All, _) | (_, None) => self.board.went_well(),
                (End::Refused(reason), Some((refused, behind))) => {
                    let go = self.bury(subscriber, &refused.served, &reason, stop).await;
                    if let Go::Stop(_) = go {
                        return go;
                    }
                    rest = behind;
                }
                (End::Failed(reason), Some((first, _))) => {
                    self.board.in_hand(first.received_at());
                    let reason = format!("the target: {reason}");
                    if self.wait(subscriber, &reason, stop).await {
                        return Go::Stop(first.position());
                    }
                }
            }
            self.board.show();
        }
        self.board.in_hand(None);
        Go::On
    }

    fn audience(&self) -> &Audience {
        &self.settings.audience
    }

    /// Puts a record among the dead letters, however long it takes.
    async fn bury(
        &mut self,
        subscriber: &mut Subscriber,
        served: &FeedEntry,
        reason: &str,
        stop: &mut watch::Receiver<bool>,
    ) -> Go {
        let position = served.position;
        while let Err(error) = self.dead.append(served, reason, self.clock.now()) {
            if self.wait(subscriber, &error, stop).await {
                return Go::Stop(position);
            }
        }
        tracing::warn!(position, "the target refused a record for good: {reason}");
        self.board.died();
        self.board.dead_letters(self.dead.count());
        self.board.position(position);
        Go::On
    }

    /// Waits before the next attempt, and shows how far behind this puts it. Gives whether it is
    /// to end.
    async fn wait(
        &mut self,
        subscriber: &mut Subscriber,
        reason: &str,
        stop: &mut watch::Receiver<bool>,
    ) -> bool {
        let asked = tokio::time::timeout(DURABLE_DEADLINE, subscriber.durable_position());
        if let Ok(Some(position)) = asked.await {
            self.board.durable(position);
        }
        self.board.failed(reason);
        tokio::select! {
            () = stopped(stop) => true,
            () = self.backoff.pause() => false,
        }
    }
}
