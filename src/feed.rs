//! The shared feed: a subscription reads the journal from a cursor, first what is stored, then
//! live, without gap or repeat. A slow reader reads from the journal; nothing is kept for it.
//!
//! Invariant: delivered < next position <= durable + 1, and `next` only grows. What release
//! withholds or a filter leaves out still moves `next`, so a cursor never repeats work.
//!
//! Release decides before the filter does, and what it withholds closes no delivery: of a
//! withheld record a reader learns the position, and nothing else.

pub mod area;
pub mod corroboration;
pub mod cursors;
mod error;
pub mod filter;
mod following;
pub mod gaps;
pub mod picture;
pub mod places;
pub mod ranges;
pub mod release;
pub mod replay;
mod subscription;

pub use error::FeedError;
pub use following::remains;
pub use subscription::{Ask, Subscription};

use crate::clock::Clock;
use crate::identity::Identity;
use crate::identity::registry::Registry;
use crate::journal::{Journal, Position, Stored};
use crate::wire::stored::{Body, Label};
use arc_swap::ArcSwap;
use corroboration::{Corroboration, Links};
use cursors::{Cursors, Terms};
use gaps::Gaps;
use jiff::Timestamp;
use picture::Picture;
use ranges::{Range, Ranges};
use release::{Finding, Reader};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// How long what is derived from the feed is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// How the feed behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most records in one delivery.
    pub delivery_records_max: usize,
    /// Bytes after which a delivery, or a page of contributions, is closed.
    pub delivery_bytes_max: usize,
    /// Silence after which a heartbeat is sent.
    pub heartbeat: Duration,
    /// How long a reader may leave a delivery lying before it is disconnected.
    pub stall_deadline: Duration,
    /// Most subscriptions at a time.
    pub subscriptions_max: usize,
    /// Most of them of one nation.
    pub subscriptions_nation_max: usize,
    /// Most of them of one system.
    pub subscriptions_system_max: usize,
    /// So many of the latest positions are compared with each other; `None`: none are.
    pub corroboration_positions_max: Option<NonZero<usize>>,
    /// A system without a record for so long is silent.
    pub silence: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delivery_records_max: 512,
            delivery_bytes_max: 1024 * 1024,
            heartbeat: Duration::from_secs(5),
            stall_deadline: Duration::from_secs(30),
            subscriptions_max: 2048,
            subscriptions_nation_max: 512,
            subscriptions_system_max: 64,
            corroboration_positions_max: None,
            silence: Duration::from_mins(10),
        }
    }
}

/// A record on its way to a reader.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Where it stands.
    pub position: Position,
    /// Position of the revision that it superseded.
    pub previous: Option<Position>,
    /// What it is about, the record, and the report as submitted.
    pub body: Body,
}

/// Records for a reader, in order.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The records.
    pub records: Vec<Delivered>,
    /// Positions that release withholds from the reader.
    pub withheld: Ranges,
    /// The positions that the delivery speaks for; `None`: it is a heartbeat.
    pub covered: Option<Range>,
    /// When it was made.
    pub at: Timestamp,
    /// Where to go on.
    pub next: Position,
    /// The last durable position.
    pub durable: Position,
    /// The first position that is still there.
    pub first: Position,
    /// Positions that the reader's cursor had not acknowledged when they were removed; said in
    /// the first delivery.
    pub lost: Option<Range>,
    /// The subscription is at its end.
    pub done: bool,
}

/// Why a reader gets a record, or does not.
#[derive(Clone, Debug)]
pub struct Why {
    /// Whether release lets it through.
    pub released: bool,
    /// What every rule says.
    pub findings: Vec<Finding>,
    /// The record's label.
    pub label: Label,
}

/// Gives records to readers.
#[derive(Debug)]
pub struct Feed {
    journal: Journal,
    registry: Arc<ArcSwap<Registry>>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    picture: Picture,
    gaps: Gaps,
    corroboration: Option<Arc<Corroboration>>,
    cursors: Cursors,
}

impl Feed {
    /// A feed over a journal.
    #[must_use]
    pub fn new(
        journal: Journal,
        registry: Arc<ArcSwap<Registry>>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        cursors: Cursors,
    ) -> Self {
        let compared = settings.corroboration_positions_max;
        Self {
            gaps: Gaps::new(settings.silence),
            journal,
            registry,
            clock,
            settings,
            corroboration: compared.map(|max| Arc::new(Corroboration::new(max))),
            picture: Picture::default(),
            cursors,
        }
    }

    /// How the feed behaves.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The cursors that are kept for readers.
    #[must_use]
    pub fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    /// The last durable position.
    #[must_use]
    pub fn durable(&self) -> Position {
        self.journal.durable()
    }

    /// Opens a subscription. Position 0 means the first that is there. With the name of a cursor
    /// that exists, it goes on where the cursor stands, or, where that was removed, at the first
    /// position that is there; one that does not exist is made, and begins at `from`.
    ///
    /// # Errors
    /// The position was removed, or lies more than one beyond the end, or the caller may not
    /// read.
    pub async fn subscribe(
        self: &Arc<Self>,
        ask: Ask,
        from: Position,
        until_now: bool,
        cursor: Option<(&str, Terms)>,
    ) -> Result<Subscription, FeedError> {
        self.reader(&ask.identity)?;
        let durable = self.journal.durable();
        let first = self.journal.first();
        let next = if from.0 == 0 { first } else { from };
        let until = until_now.then_some(durable);
        let membership = match cursor {
            Some((name, terms)) => {
                let identity = &ask.identity;
                let bounds = (first, durable);
                let joined = self.cursors.join(identity, name, next, bounds, terms);
                Some(joined.await?)
            }
            None if next < first => {
                return Err(FeedError::Removed {
                    position: next,
                    first,
                });
            }
            None if next.0 > durable.0.saturating_add(1) => {
                return Err(if self.journal.is_copy() {
                    FeedError::Behind { from, durable }
                } else {
                    FeedError::Beyond { from, durable }
                });
            }
            None => None,
        };
        let feed = Arc::clone(self);
        Ok(Subscription::new(feed, ask, next, until, membership))
    }

    /// The decision about one record and one reader, with what every rule of release says. The
    /// reader need not have the right to read: that is not asked here.
    ///
    /// # Errors
    /// Nothing is there, or the reader's nation is not known.
    pub async fn why(
        &self,
        position: Position,
        identity: &Identity,
        hands_on: bool,
    ) -> Result<Why, FeedError> {
        let reader = self.reader_of_nation(identity, hands_on)?;
        let label = label(&self.stored(position).await?)?;
        Ok(Why {
            released: release::may_read(&label, &reader),
            findings: release::explain(&label, &reader),
            label,
        })
    }

    /// Gives one record.
    ///
    /// # Errors
    /// Nothing is there, or nothing that the reader may see: the two are not told apart.
    pub async fn record(
        &self,
        identity: &Identity,
        position: Position,
    ) -> Result<Delivered, FeedError> {
        let stored = self.stored(position).await?;
        let reader = self.reader(identity)?;
        let mut record = open(&stored, label(&stored)?)?;
        if !release::may_read(&record.body.label, &reader) {
            return Err(FeedError::NotFound(position));
        }
        self.hide_previous(&mut record, &reader).await?;
        Ok(record)
    }

    /// What stands at a position.
    async fn stored(&self, position: Position) -> Result<Stored, FeedError> {
        if position.0 == 0 || position > self.journal.durable() {
            return Err(FeedError::NotFound(position));
        }
        let stored = self.read(position, 1, usize::MAX).await?;
        let stored = stored.into_iter().next();
        stored.ok_or(FeedError::NotFound(position))
    }

    /// Takes the position of a superseded record away from a reader that may not see that one:
    /// of what is withheld nobody learns what it belongs to.
    async fn hide_previous(
        &self,
        record: &mut Delivered,
        reader: &Reader,
    ) -> Result<(), FeedError> {
        if let Some(previous) = record.previous {
            let stored = match self.stored(previous).await {
                Ok(stored) => stored,
                // Nobody can tell any more whether the reader might see it.
                Err(FeedError::Removed { .. }) => {
                    record.previous = None;
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            if !release::may_read(&label(&stored)?, reader) {
                record.previous = None;
            }
        }
        Ok(())
    }

    /// The current picture of contributions, as far as the reader may see it: a page after
    /// `token`, the token of the next page, and the position up to which it is complete. What
    /// is durable now is waited for, shortly.
    ///
    /// # Errors
    /// The picture is being read for the first time, or the token is foreign.
    pub async fn contributions(
        &self,
        identity: &Identity,
        wanted: &picture::Wanted,
        token: &str,
        page_max: usize,
    ) -> Result<(Vec<Delivered>, String, Position), FeedError> {
        let durable = self.journal.durable();
        self.picture.come_to(durable, PATIENCE).await?;
        let reader = self.reader(identity)?;
        let page = self.picture.page(wanted, &reader, token, page_max)?;
        let mut records = Vec::with_capacity(page.shown.len());
        let (mut bytes, mut last) = (0, String::new());
        for shown in page.shown {
            let position = shown.position;
            let stored = match self.read(position, 1, usize::MAX).await {
                // Superseded since the page was made, and removed since then.
                Err(FeedError::Removed { .. }) => continue,
                read => read?,
            };
            let stored = stored.first().ok_or(FeedError::NotFound(position))?;
            // The whole of what is stored counts: that is what the page holds in memory.
            bytes += stored.entry.body.len();
            if bytes > self.settings.delivery_bytes_max && !records.is_empty() {
                return Ok((records, last, page.as_of));
            }
            let mut record = open(stored, label(stored)?)?;
            self.hide_previous(&mut record, &reader).await?;
            records.push(record);
            last = shown.token;
        }
        Ok((records, page.next_token, page.as_of))
    }

    /// What came from each system of one nation or of all, behind `after` (nation and system).
    /// What is durable now is waited for, shortly.
    ///
    /// # Errors
    /// The feed is being read for the first time.
    pub async fn gaps(
        &self,
        nation: Option<&str>,
        after: Option<(&str, &str)>,
        page_max: usize,
    ) -> Result<gaps::Page, FeedError> {
        let durable = self.journal.durable();
        self.picture.come_to(durable, PATIENCE).await?;
        let now_ns = i64::try_from(self.clock.now().as_nanosecond()).unwrap_or(i64::MAX);
        Ok(self.gaps.page(nation, after, now_ns, page_max))
    }

    /// Links between sightings that the reader may see; see [`Corroboration::links`]. What is
    /// durable now is waited for, shortly.
    ///
    /// # Errors
    /// Sightings are not compared, or the caller may not read.
    pub async fn corroborations(
        &self,
        identity: &Identity,
        from: Position,
        of: Option<Position>,
        page_max: usize,
    ) -> Result<Links, FeedError> {
        let corroboration = self.corroboration.as_ref();
        let corroboration = corroboration.ok_or(FeedError::NotCompared)?;
        let durable = self.journal.durable();
        corroboration.come_to(durable, PATIENCE).await;
        let reader = self.reader(identity)?;
        Ok(corroboration.links(&reader, from, of, page_max))
    }

    /// The rights of a reader at this moment.
    fn reader(&self, identity: &Identity) -> Result<Reader, FeedError> {
        if self.registry.load().rights_of(identity).read {
            self.reader_of_nation(identity, false)
        } else {
            Err(FeedError::NotAReader(identity.clone()))
        }
    }

    fn reader_of_nation(&self, identity: &Identity, hands_on: bool) -> Result<Reader, FeedError> {
        let registry = self.registry.load();
        let nation = registry.nation(identity.nation);
        let nation = nation.ok_or_else(|| FeedError::NotAReader(identity.clone()))?;
        Ok(Reader {
            nation: identity.nation,
            clearance: nation.clearance,
            special: nation.special.clone(),
            hands_on,
        })
    }

    /// Reads without blocking the runtime: recent records come from memory at once.
    async fn read(
        &self,
        from: Position,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Stored>, FeedError> {
        if let Some(recent) = self.journal.read_recent(from, entries_max, bytes_max) {
            return Ok(recent);
        }
        let journal = self.journal.clone();
        tokio::task::spawn_blocking(move || journal.read(from, entries_max, bytes_max))
            .await
            .map_err(|_| FeedError::Closed)?
            .map_err(FeedError::from)
    }
}

fn label(stored: &Stored) -> Result<Label, FeedError> {
    let position = stored.position;
    Label::decode(&stored.entry.body).map_err(|cause| FeedError::Stored { position, cause })
}

/// What stands behind a label that was read.
fn open(stored: &Stored, label: Label) -> Result<Delivered, FeedError> {
    let position = stored.position;
    let body = Body::behind(label, &stored.entry.body);
    Ok(Delivered {
        position,
        previous: stored.previous,
        body: body.map_err(|cause| FeedError::Stored { position, cause })?,
    })
}
