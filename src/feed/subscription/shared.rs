//! Reading by a cursor that the gateway keeps: each delivery is claimed, so that it goes to one
//! stream of those that read by the cursor, and comes back if nobody acknowledges it.

use super::Subscription;
use crate::feed::cursors::Membership;
use crate::feed::cursors::place::Claim;
use crate::feed::{Delivery, FeedError};
use crate::journal::Position;
use std::time::Duration;

/// Shortest wait, so that a moment that is just over is not asked for again and again.
const WAIT_MIN: Duration = Duration::from_millis(1);

impl Subscription {
    /// As [`Subscription::next`]. What it claims is free again when the subscription is dropped.
    pub(super) async fn next_shared(&mut self) -> Result<Delivery, FeedError> {
        let delivery = self.next_claimed().await?;
        // Only with what is returned: a call that is dropped has said nothing.
        let lost = self.membership.as_mut().and_then(Membership::take_lost);
        Ok(Delivery { lost, ..delivery })
    }

    async fn next_claimed(&mut self) -> Result<Delivery, FeedError> {
        let start = self.feed.clock.monotonic();
        loop {
            self.feed.reader(&self.ask.identity)?;
            let durable = *self.durable.borrow_and_update();
            let last = self.until.map_or(durable, |until| until.min(durable));
            let most = self.feed.settings.delivery_records_max;
            let now = self.feed.clock.monotonic();
            let Some(membership) = &mut self.membership else {
                return Err(FeedError::Closed);
            };
            let (busy, free_at) = match membership.claim(now, last, most)? {
                Claim::Got(range) => return self.deliver_shared(range).await,
                Claim::Nothing { busy, free_at } => (busy, free_at),
            };
            if self.until.is_some() && !busy {
                membership.keep();
                return Ok(self.heartbeat(true));
            }
            let heartbeat = self.feed.settings.heartbeat;
            let Some(left) = heartbeat.checked_sub(now.saturating_sub(start)) else {
                return Ok(self.heartbeat(false));
            };
            let free = free_at.map_or(left, |at| at.saturating_sub(now));
            let durable = &mut self.durable;
            let news = async {
                tokio::select! {
                    changed = durable.changed() => changed.is_ok(),
                    () = membership.changed() => true,
                }
            };
            let news = tokio::time::timeout(left.min(free).max(WAIT_MIN), news).await;
            if matches!(news, Ok(false)) {
                return Err(FeedError::Closed);
            }
        }
    }

    /// Delivers what was claimed, as far as one delivery holds it.
    async fn deliver_shared(&mut self, range: (u64, u64)) -> Result<Delivery, FeedError> {
        let (first, last) = (Position(range.0), Position(range.1));
        let found = self.feed.look(&self.ask, first, last, None).await?;
        if found.next <= first {
            // A journal that has nothing at a durable position; cannot happen.
            return Err(FeedError::NotFound(first));
        }
        if let Some(membership) = &self.membership {
            membership.went(range, found.next);
        }
        self.next = first;
        let until = self.until.take();
        let delivery = self.delivery(found);
        // Only a claim that finds nothing left says that it is the end.
        self.until = until;
        Ok(delivery)
    }
}
