//! How long the feed is kept: by age, by size, and never what is on legal hold. Decides what the
//! journal removes; the journal knows only positions, and keeps what retries need.
//!
//! Only the oldest segment goes, as a whole, and only when every record in it may go. A hold
//! that was answered is durable, and nothing that it covers goes afterwards: whoever removes has
//! the lock of the holds from the decision to the end.

mod clock;
mod facts;
mod holds;
mod rule;

pub use holds::{Held, Hold, What};
pub use rule::{Rule, Settings};

use crate::clock::Clock;
use crate::feed::{Feed, FeedError};
use crate::journal::{Journal, Position, Removal, RemovalOrder, RemoveError, Sealed};
use clock::Steady;
use facts::Facts;
use holds::Holds;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// Most segments that a plan looks at.
const PLANNED_MAX: usize = 64;

/// Why retention cannot do what is asked. Nothing is different.
#[derive(Debug, Error)]
pub enum RetentionError {
    /// The engine removes nothing.
    #[error("the jetstream engine does not support retention yet")]
    Engine,
    /// Not something that can be held.
    #[error("{0}")]
    What(String),
    /// Nothing of the kind is held.
    #[error("`{0}` is not held")]
    NotHeld(What),
    /// What is not audited is not done.
    #[error("the audit log cannot be written: {0}")]
    Audit(io::Error),
    /// The holds cannot be written.
    #[error("the holds cannot be written: {0}")]
    Disk(io::Error),
    /// The feed cannot be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The journal does not remove.
    #[error(transparent)]
    Remove(#[from] RemoveError),
}

/// A line for the audit log.
#[derive(Clone, Debug)]
pub struct Note {
    /// Who did it.
    pub who: String,
    /// `decided` (before a segment goes) or `applied`.
    pub outcome: &'static str,
    /// What.
    pub what: String,
    /// Further figures.
    pub effect: serde_json::Value,
}

/// Writes the audit log, durably.
pub type Audit = Box<dyn Fn(Timestamp, &Note) -> io::Result<()> + Send + Sync>;

/// A segment that would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The segment.
    pub segment: Sealed,
    /// By which rule.
    pub rule: Rule,
}

/// What would go now, and why not more.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Segments, the oldest first.
    pub goes: Vec<Planned>,
    /// Why what follows them stays.
    pub then: String,
    /// By how much the log is larger than it may be, and would stay so, bytes.
    pub over_bytes: u64,
}

/// What stands and what went.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The first position that is still there.
    pub first: Position,
    /// The last durable position.
    pub durable: Position,
    /// The rules, for people.
    pub rules: Vec<String>,
    /// What is held.
    pub holds: Vec<Held>,
    /// What was removed, in order.
    pub removals: Vec<Removal>,
    /// Size of the segments that are there, bytes.
    pub log_bytes: u64,
    /// Size of the remains of the others, bytes.
    pub remains_bytes: u64,
    /// Why nothing is removed now; empty: nothing is in the way.
    pub standstill: String,
}

impl Shown {
    /// How many segments went by each rule.
    #[must_use]
    pub fn removed_by_rule(&self) -> [(&'static str, u64); 2] {
        let sizes = self.removals.iter();
        let sizes = sizes.filter(|removal| Rule::of_number(removal.rule) == Some(Rule::Size));
        let by_size = sizes.count() as u64;
        let all = self.removals.len() as u64;
        [("age", all - by_size), ("size", by_size)]
    }
}

#[derive(Debug, Default)]
struct State {
    /// Of segments that were read, by first position.
    facts: BTreeMap<u64, Facts>,
    steady: Steady,
    standstill: String,
}

/// Removes what may go, and keeps what is held.
pub struct Retention {
    settings: Settings,
    journal: Journal,
    feed: Arc<Feed>,
    clock: Arc<dyn Clock>,
    audit: Audit,
    is_supported: bool,
    // Held from a decision to the end of what it decides.
    holds: Mutex<Holds>,
    // Taken after the holds, never before.
    state: Mutex<State>,
}

impl fmt::Debug for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retention")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Retention {
    /// Reads the holds that are kept in a folder.
    ///
    /// # Errors
    /// They cannot be read: what has to be kept is not known.
    pub fn open(
        settings: Settings,
        folder: &Path,
        is_supported: bool,
        (journal, feed): (Journal, Arc<Feed>),
        clock: Arc<dyn Clock>,
        audit: Audit,
    ) -> Result<Self, String> {
        Ok(Self {
            settings,
            journal,
            feed,
            clock,
            audit,
            is_supported,
            holds: Mutex::new(Holds::open(folder)?),
            state: Mutex::default(),
        })
    }

    /// What stands and what went.
    #[must_use]
    pub fn show(&self) -> Shown {
        let removals = self.journal.removals();
        let remains_bytes = removals.iter().map(|removal| removal.remains_bytes).sum();
        Shown {
            first: self.journal.first(),
            durable: self.journal.durable(),
            rules: self.settings.told(),
            holds: locked(&self.holds).all().to_vec(),
            log_bytes: self.journal.log_bytes().saturating_sub(remains_bytes),
            remains_bytes,
            removals,
            standstill: locked(&self.state).standstill.clone(),
        }
    }

    /// What would go now. May read segments that were not read before: blocks.
    ///
    /// # Errors
    /// The feed cannot be read.
    pub fn plan(&self) -> Result<Plan, RetentionError> {
        // Nothing is done with it, so nobody who holds or releases has to wait for it.
        let holds = locked(&self.holds).clone();
        self.plan_with(&holds, PLANNED_MAX)
    }

    /// Keeps something from being removed until it is released. Blocks.
    ///
    /// # Errors
    /// It cannot be held, or not be written down.
    pub fn hold(&self, who: &str, hold: Hold) -> Result<(), RetentionError> {
        self.check_engine()?;
        let mut holds = locked(&self.holds);
        let first = self.journal.first();
        if let What::Positions(from, to) = hold.what
            && (from < first || to < from)
        {
            let reason =
                format!("positions FROM to TO, FROM at least {first}, the earliest there is");
            return Err(RetentionError::What(reason));
        }
        let now = self.clock.now();
        let (what, reason) = (hold.what.to_string(), hold.reason.clone());
        let next = holds.with(hold, who, now).map_err(RetentionError::What)?;
        next.keep().map_err(RetentionError::Disk)?;
        *holds = next;
        // It stands, even where that cannot be audited: the other way round is the dangerous one.
        let reason = serde_json::json!({ "reason": reason });
        self.note(who, "applied", format!("hold {what}"), reason)?;
        Ok(())
    }

    /// Lifts a hold. Blocks.
    ///
    /// # Errors
    /// There is no such hold, or it cannot be written down.
    pub fn release(&self, who: &str, what: &What) -> Result<(), RetentionError> {
        self.check_engine()?;
        let mut holds = locked(&self.holds);
        let next = holds
            .without(what)
            .ok_or_else(|| RetentionError::NotHeld(what.clone()))?;
        self.note(
            who,
            "applied",
            format!("release {what}"),
            serde_json::json!({}),
        )?;
        next.keep().map_err(RetentionError::Disk)?;
        *holds = next;
        Ok(())
    }

    /// Removes what may go now; the segments that went, and what is left to say. Blocks.
    ///
    /// # Errors
    /// Something is in the way that should not be; what went before it has gone.
    pub fn round(&self) -> Result<(Vec<Removal>, Plan), RetentionError> {
        let mut gone = Vec::new();
        if self.settings.is_off() || !self.is_supported {
            return Ok((gone, Plan::default()));
        }
        let outcome = loop {
            // Anew for each segment: holds may come, and readers of them do not wait for long.
            let holds = locked(&self.holds);
            if let Err(reason) = self.check_clock() {
                break Ok(Plan {
                    then: reason,
                    ..Plan::default()
                });
            }
            match self.plan_with(&holds, 1) {
                Ok(plan) => match plan.goes.first() {
                    Some(planned) => match self.remove(planned) {
                        Ok(removal) => gone.push(removal),
                        Err(error) => break Err(error),
                    },
                    None => break Ok(plan),
                },
                Err(error) => break Err(error),
            }
        };
        let mut state = locked(&self.state);
        state.standstill = match &outcome {
            Ok(plan) => plan.then.clone(),
            Err(error) => error.to_string(),
        };
        let first = self.journal.first().0;
        state.facts.retain(|of, _| *of >= first);
        drop(state);
        Ok((gone, outcome?))
    }

    fn check_engine(&self) -> Result<(), RetentionError> {
        self.is_supported
            .then_some(())
            .ok_or(RetentionError::Engine)
    }

    /// Whether the wall clock can be believed.
    fn check_clock(&self) -> Result<(), String> {
        let durable = self.journal.durable();
        let newest = self.journal.read(durable, 1, 1);
        let newest = newest.map_err(|error| error.to_string())?;
        let newest_ns = newest
            .first()
            .map_or(i64::MIN, |stored| stored.entry.stamp_ns);
        let (wall, monotonic) = (self.clock.now(), self.clock.monotonic());
        locked(&self.state).steady.check(wall, monotonic, newest_ns)
    }

    fn plan_with(&self, holds: &Holds, most: usize) -> Result<Plan, RetentionError> {
        let now_ns = nanoseconds(self.clock.now());
        let shown_bytes = self
            .journal
            .removals()
            .iter()
            .map(|r| r.remains_bytes)
            .sum();
        let mut log_bytes = self.journal.log_bytes().saturating_sub(shown_bytes);
        let mut plan = Plan::default();
        for segment in self.journal.sealed() {
            let facts = self.facts(&segment)?;
            let kept = match holds.reason(&segment, &facts) {
                None => self.needed(&segment)?,
                held => held,
            };
            let verdict = match kept {
                Some(kept) => Err(kept),
                None => self.settings.judge(&facts, now_ns, log_bytes),
            };
            match verdict {
                Ok(rule) => plan.goes.push(Planned { segment, rule }),
                Err(kept) => {
                    plan.then = format!("positions {} to {}: {kept}", segment.first, segment.last);
                    plan.over_bytes = self.settings.over(log_bytes);
                    return Ok(plan);
                }
            }
            log_bytes = log_bytes.saturating_sub(segment.bytes);
            if plan.goes.len() >= most {
                plan.then = "more was not looked at".to_owned();
                return Ok(plan);
            }
        }
        plan.then = "what is being written is never removed".to_owned();
        plan.over_bytes = self.settings.over(log_bytes);
        Ok(plan)
    }

    /// Why the picture of contributions needs a segment, if it does.
    fn needed(&self, segment: &Sealed) -> Result<Option<String>, RetentionError> {
        match self.feed.needed(segment.last) {
            Ok(Some(needed)) if needed <= segment.last => Ok(Some(format!(
                "the contribution at position {needed} is in force"
            ))),
            Ok(_) => Ok(None),
            Err(behind @ FeedError::PictureBehind { .. }) => Ok(Some(behind.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    fn facts(&self, segment: &Sealed) -> Result<Facts, RetentionError> {
        if let Some(known) = locked(&self.state).facts.get(&segment.first.0) {
            return Ok(known.clone());
        }
        let facts = Facts::read(&self.journal, segment, &self.settings)?;
        let mut state = locked(&self.state);
        if state.facts.len() < PLANNED_MAX {
            state.facts.insert(segment.first.0, facts.clone());
        }
        Ok(facts)
    }

    fn remove(&self, planned: &Planned) -> Result<Removal, RetentionError> {
        let Planned { segment, rule } = planned;
        let what = format!("remove positions {} to {}", segment.first, segment.last);
        let figures = serde_json::json!({
            "rule": rule.to_string(),
            "records": segment.last.0 - segment.first.0 + 1,
            "bytes": segment.bytes,
        });
        self.note("retention", "decided", what.clone(), figures.clone())?;
        let order = RemovalOrder {
            first: segment.first,
            at_ns: nanoseconds(self.clock.now()),
            rule: rule.number(),
        };
        let removed = self.journal.remove(&order, &mut |stored| {
            // Every body was read when it was judged; one that cannot be read now stays whole.
            crate::feed::remains(stored).unwrap_or_else(|_| stored.entry.body.clone())
        })?;
        if let Err(error) = self.note("retention", "applied", what, figures) {
            tracing::error!(%error, "a removal is in no audit log; its remains tell of it");
        }
        tracing::info!(first = %removed.first, last = %removed.last, rule = %rule,
            "a segment was removed");
        Ok(removed)
    }

    fn note(
        &self,
        who: &str,
        outcome: &'static str,
        what: String,
        effect: serde_json::Value,
    ) -> Result<(), RetentionError> {
        let note = Note {
            who: who.to_owned(),
            outcome,
            what,
            effect,
        };
        (self.audit)(self.clock.now(), &note).map_err(RetentionError::Audit)
    }
}

fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}
