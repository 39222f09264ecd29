//! Corroboration, without verdicts: sightings of different nations that may describe the same
//! event are linked, by a named rule, with what was compared. Nothing is merged, nothing is
//! attributed, and no count is added to another.
//!
//! A link is derived, not stored: the same part of the feed gives the same links, so they are
//! made again at every start. A reader sees a link only where it may read both sightings;
//! otherwise it would learn something of what is withheld.

pub mod rule;
mod window;

pub use window::Link;

use super::FeedError;
use super::release::{Reader, may_read};
use crate::journal::{Position, Stored};
use crate::wire::event::Event;
use crate::wire::stored::{Body, Kind};
use std::num::NonZero;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use window::Window;

/// Most links that are looked at for one page.
const LOOKED_AT_MAX: usize = 10_000;

/// The links of the latest part of the feed.
#[derive(Debug)]
pub struct Corroboration {
    positions_max: u64,
    window: RwLock<Window>,
    reached: watch::Sender<Position>,
}

/// A page of links.
#[derive(Debug)]
pub struct Links {
    /// By the position of the younger sighting.
    pub links: Vec<Link>,
    /// Where to go on; `None`: this was the last page.
    pub next: Option<Position>,
    /// Sightings from here on were compared.
    pub from: Position,
    /// Up to here.
    pub upto: Position,
}

impl Corroboration {
    /// Compares so many of the latest positions of the feed.
    #[must_use]
    pub fn new(positions_max: NonZero<usize>) -> Self {
        let positions_max = positions_max.get() as u64;
        Self {
            positions_max,
            window: RwLock::new(Window::new(positions_max)),
            reached: watch::Sender::new(Position(0)),
        }
    }

    /// The first position that can still be compared, of a feed that ends at `durable`.
    #[must_use]
    pub(super) fn first(&self, durable: Position) -> Position {
        Position(durable.0.saturating_sub(self.positions_max) + 1)
    }

    /// Takes in the records that come next.
    ///
    /// # Errors
    /// One is not in a form that this version knows.
    pub(super) fn take_in(&self, batch: &[Stored]) -> Result<(), FeedError> {
        let mut read = Vec::with_capacity(batch.len());
        for stored in batch {
            let position = stored.position;
            let fault = |cause| FeedError::Stored { position, cause };
            let body = Body::decode(&stored.entry.body).map_err(fault)?;
            let event = match body.label.kind {
                Kind::Sighting => Event::read(&body.record).map_err(fault)?,
                Kind::Contribution | Kind::Retraction => None,
            };
            read.push((position, body.label, event));
        }
        let mut window = self.window.write().unwrap_or_else(PoisonError::into_inner);
        for (position, label, event) in read {
            window.apply(position, label, event);
        }
        self.reached.send_replace(window.upto);
        Ok(())
    }

    /// Waits until everything up to a position is compared, and no longer than `patience`: a
    /// page says how far it reaches.
    pub(super) async fn come_to(&self, wanted: Position, patience: Duration) {
        let mut reached = self.reached.subscribe();
        let there = reached.wait_for(|reached| *reached >= wanted);
        let _in_time = tokio::time::timeout(patience, there).await;
    }

    /// Links that a reader may see, whose younger sighting stands at `from` or later; with `of`
    /// only those of the sighting there.
    #[must_use]
    pub fn links(
        &self,
        reader: &Reader,
        from: Position,
        of: Option<Position>,
        page_max: usize,
    ) -> Links {
        let window = self.window.read().unwrap_or_else(PoisonError::into_inner);
        let mut page = Links {
            links: Vec::new(),
            next: None,
            from: window.first(),
            upto: window.upto,
        };
        let mut younger = None;
        for (looked_at, link) in window.links(from, of).enumerate() {
            // All links of one sighting stand on one page: they are few.
            let is_full = page.links.len() >= page_max || looked_at >= LOOKED_AT_MAX;
            if is_full && younger != Some(link.second) {
                page.next = Some(link.second);
                break;
            }
            younger = Some(link.second);
            if may_read(&link.first_label, reader) && may_read(&link.second_label, reader) {
                page.links.push(link);
            }
        }
        page
    }

    /// Sightings for which not everything was looked at: too many stood around them.
    #[must_use]
    pub fn curtailed(&self) -> u64 {
        let window = self.window.read().unwrap_or_else(PoisonError::into_inner);
        window.curtailed
    }
}
