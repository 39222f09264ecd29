//! What there is to know of a segment to judge it: read once, since a sealed segment never
//! changes, and small, whatever is in it.

use super::Settings;
use crate::feed::FeedError;
use crate::journal::{Journal, Position, Sealed};
use crate::record::Level;
use crate::wire::stored::Label;
use std::collections::BTreeSet;

/// Records that are read at a time.
const READ_RECORDS: usize = 512;
const READ_BYTES: usize = 4 * 1024 * 1024;

/// What a segment holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// When its last record by time was taken in, nanoseconds since the Unix epoch.
    pub(super) newest_ns: i64,
    /// When all its records are of age, and the level of the last of them. `None`: never.
    pub(super) of_age: Option<(i64, Option<Level>)>,
    /// Nations that it has records of.
    pub(super) nations: BTreeSet<String>,
}

impl Facts {
    /// Reads a segment.
    pub(super) fn read(
        journal: &Journal,
        segment: &Sealed,
        settings: &Settings,
    ) -> Result<Self, FeedError> {
        let mut facts = Self {
            newest_ns: i64::MIN,
            of_age: Some((i64::MIN, None)),
            nations: BTreeSet::new(),
        };
        let mut next = segment.first;
        while next <= segment.last {
            let batch = journal.read(next, READ_RECORDS, READ_BYTES)?;
            let Some(last) = batch.last().map(|stored| stored.position) else {
                return Err(FeedError::NotFound(next));
            };
            for stored in batch
                .iter()
                .filter(|stored| stored.position <= segment.last)
            {
                let position = stored.position;
                let label = Label::decode(&stored.entry.body)
                    .map_err(|cause| FeedError::Stored { position, cause })?;
                facts.take(&label, stored.entry.stamp_ns, settings);
            }
            next = Position(last.0 + 1);
        }
        Ok(facts)
    }

    pub(super) fn take(&mut self, label: &Label, stamp_ns: i64, settings: &Settings) {
        self.newest_ns = self.newest_ns.max(stamp_ns);
        self.of_age = match (self.of_age, settings.age_of(label)) {
            (Some(known), Some(age)) => {
                let age_ns = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
                let at = stamp_ns.saturating_add(age_ns);
                Some(if at > known.0 {
                    (at, label.level)
                } else {
                    known
                })
            }
            _ => None,
        };
        if !self.nations.contains(&label.nation) {
            self.nations.insert(label.nation.clone());
        }
    }
}
