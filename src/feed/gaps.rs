//! What came from each system, and what did not: numbers missing from its own count, when it was
//! heard last, and when it was silent. Derived from the feed, and built anew at every start.
//!
//! A number is missing when no record has it: the report never came, or was refused (then it
//! stands in quarantine).

mod track;

pub use track::{Run, Silence};

use crate::journal::Position;
use crate::wire::stored::Glance;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use track::Track;

/// What came from one system.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "feed.proto documents each field")]
pub struct SystemGaps {
    pub nation: String,
    pub system: String,
    pub records: u64,
    pub unnumbered: u64,
    pub repeated: u64,
    pub numbers: Option<Run>,
    pub missing: Vec<Run>,
    pub given_up: u64,
    pub last_heard_ns: i64,
    pub silences: Vec<Silence>,
}

/// A page of systems.
#[derive(Debug)]
pub struct Page {
    /// By nation and system.
    pub systems: Vec<SystemGaps>,
    /// There are more.
    pub is_last: bool,
    /// Everything up to here is counted.
    pub as_of: Position,
}

/// What came from each system.
#[derive(Debug)]
pub struct Gaps {
    silence_ns: i64,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    upto: Position,
    nations: BTreeMap<String, BTreeMap<String, Track>>,
}

impl State {
    fn take(&mut self, glance: &Glance<'_>, received_ns: i64, silence_ns: i64) {
        // Names are made once a system, not once a record.
        let known = self
            .nations
            .get_mut(glance.nation)
            .and_then(|systems| systems.get_mut(glance.system));
        let track = match known {
            Some(track) => track,
            None => self
                .nations
                .entry(glance.nation.to_owned())
                .or_default()
                .entry(glance.system.to_owned())
                .or_default(),
        };
        track.take(glance.sequence, received_ns, silence_ns);
    }
}

impl Gaps {
    /// Silence is no record for this long.
    #[must_use]
    pub fn new(silence: Duration) -> Self {
        Self {
            silence_ns: i64::try_from(silence.as_nanos()).unwrap_or(i64::MAX),
            state: RwLock::default(),
        }
    }

    /// Takes in the records that come next, with when they were received.
    pub(super) fn take<'b>(
        &self,
        records: impl Iterator<Item = (Glance<'b>, i64)>,
        upto: Position,
    ) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for (glance, received_ns) in records {
            state.take(&glance, received_ns, self.silence_ns);
        }
        state.upto = upto;
    }

    /// Systems behind `after` (nation and system), of one nation or of all.
    #[must_use]
    pub fn page(
        &self,
        nation: Option<&str>,
        after: Option<(&str, &str)>,
        now_ns: i64,
        page_max: usize,
    ) -> Page {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let from = after.map_or(Bound::Unbounded, |(nation, _)| Bound::Included(nation));
        let nations = state.nations.range::<str, _>((from, Bound::Unbounded));
        let mut systems = nations
            .filter(|(code, _)| nation.is_none_or(|nation| nation == code.as_str()))
            .flat_map(|(code, systems)| {
                systems.iter().map(move |(name, track)| (code, name, track))
            })
            .filter(|(code, name, _)| {
                after.is_none_or(|after| (code.as_str(), name.as_str()) > after)
            });
        let page: Vec<_> = systems
            .by_ref()
            .take(page_max)
            .map(|(code, name, track)| self.told(code, name, track, now_ns))
            .collect();
        Page {
            systems: page,
            is_last: systems.next().is_none(),
            as_of: state.upto,
        }
    }

    fn told(&self, nation: &str, system: &str, track: &Track, now_ns: i64) -> SystemGaps {
        SystemGaps {
            nation: nation.to_owned(),
            system: system.to_owned(),
            records: track.records,
            unnumbered: track.unnumbered,
            repeated: track.repeated,
            numbers: track.numbers(),
            missing: track.missing(),
            given_up: track.given_up,
            last_heard_ns: track.last_ns,
            silences: track.silences(now_ns, self.silence_ns),
        }
    }
}
