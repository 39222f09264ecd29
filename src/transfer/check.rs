//! Every invariant of a feed, entry by entry: what a reader may rely on when nobody looks.
//! Checksums and the chain are the business of whoever reads the entries; this is what they say.

use crate::journal::Stored;
use crate::wire::REPORT_MEDIA_TYPE;
use crate::wire::agreement::{Agreed, agreed};
use aws_lc_rs::digest::{SHA256, digest};
use std::collections::BTreeSet;

/// Faults that are kept; the others are only counted.
pub const FAULTS_MAX: usize = 1000;
/// Keys that are compared with each other at once, 40 bytes each; a larger feed is read again.
const KEYS_MAX: usize = 4 * 1024 * 1024;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Of which entry.
    pub position: u64,
    /// Which invariant; `docs/EXPORT.md` lists them.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
}

/// What was found in a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Last position.
    pub last: u64,
    /// Entries that are whole.
    pub entries: u64,
    /// Entries of which only remains are there.
    pub removed: u64,
    /// What does not hold, the first [`FAULTS_MAX`].
    pub faults: Vec<Fault>,
    /// How many there are.
    pub fault_count: u64,
}

/// A key's hash, with one of its revisions and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    key: u128,
    position: u64,
    revision: u32,
    previous: u64,
}

/// Checks a feed. It is given every entry in order, and again as often as it asks.
#[derive(Debug, Default)]
pub struct Checker {
    verdict: Verdict,
    /// Of the keys of this pass.
    seen: Vec<Seen>,
    keys_max: usize,
    /// This pass, and how many there are; `None`: this is the first, and nobody knows yet.
    pass: Option<(u128, u128)>,
    /// More keys came than one pass compares.
    has_more: bool,
}

impl Checker {
    /// Begins with a feed from position 1.
    #[must_use]
    pub fn new() -> Self {
        Self::with_keys(KEYS_MAX)
    }

    fn with_keys(keys_max: usize) -> Self {
        Self {
            keys_max,
            ..Self::default()
        }
    }

    /// Takes an entry that is whole.
    pub fn entry(&mut self, stored: &Stored) {
        self.key(stored);
        if self.pass.is_some() {
            return;
        }
        self.verdict.entries += 1;
        self.position(stored);
        match agreed(&stored.entry.body) {
            Ok((agreed, faults)) => {
                for message in faults {
                    self.fault(stored, "label", message);
                }
                self.body(stored, &agreed);
            }
            Err(error) => self.fault(stored, "body", error.to_string()),
        }
    }

    /// Takes what remains of an entry.
    pub fn removed(&mut self, stored: &Stored) {
        self.key(stored);
        if self.pass.is_none() {
            self.verdict.removed += 1;
            self.position(stored);
        }
    }

    /// Ends a pass; `true`: the feed has to be read again from its beginning.
    pub fn ends(&mut self) -> bool {
        if self.pass.is_none() && self.has_more {
            let keys = u128::from(self.verdict.entries + self.verdict.removed);
            let keys_max = self.keys_max.max(1) as u128;
            self.seen = Vec::new();
            // Hashes spread evenly, but not exactly.
            self.pass = Some((0, (keys * 5 / 4).div_ceil(keys_max).max(1)));
            return true;
        }
        self.compare();
        match &mut self.pass {
            Some((pass, passes)) => {
                *pass += 1;
                *pass < *passes
            }
            None => false,
        }
    }

    /// What was found.
    #[must_use]
    pub fn verdict(mut self) -> Verdict {
        self.verdict.faults.sort_by_key(|fault| fault.position);
        self.verdict
    }

    fn fault(&mut self, stored: &Stored, rule: &'static str, message: String) {
        self.fault_at(stored.position.0, rule, message);
    }

    fn fault_at(&mut self, position: u64, rule: &'static str, message: String) {
        self.verdict.fault_count += 1;
        if self.verdict.faults.len() < FAULTS_MAX {
            self.verdict.faults.push(Fault {
                position,
                rule,
                message,
            });
        }
    }

    fn position(&mut self, stored: &Stored) {
        let expected = self.verdict.last + 1;
        if stored.position.0 != expected {
            let message = format!("position {expected} should come here");
            self.fault(stored, "position", message);
        }
        self.verdict.last = stored.position.0;
    }

    /// Whether the entry's body is what key, revision, time and digest say.
    fn body(&mut self, stored: &Stored, agreed: &Agreed) {
        let (entry, label) = (&stored.entry, &agreed.label);
        let key = format!("{}/{}\0{}", label.nation, label.system, label.report_id);
        if entry.key != key.as_bytes() || entry.revision != label.revision {
            let message = format!(
                "the entry is {} revision {}, its record {} revision {}",
                entry.key.escape_ascii(),
                entry.revision,
                key.as_bytes().escape_ascii(),
                label.revision
            );
            self.fault(stored, "key", message);
        }
        // A relayed one was taken in elsewhere before.
        if !agreed.is_relayed && i128::from(entry.stamp_ns) != agreed.received_ns {
            let message = "entry and record were taken in at different times".to_owned();
            self.fault(stored, "received", message);
        }
        let sha256 = digest(&SHA256, &agreed.original);
        if *agreed.original_sha256 != *sha256.as_ref() {
            let message = "the report is not the one whose SHA-256 the record names".to_owned();
            self.fault(stored, "original", message);
        }
        // The digest of a native payload covers its envelope, too.
        let is_plain = agreed.is_relayed || agreed.media_type == REPORT_MEDIA_TYPE;
        if is_plain && entry.digest != *sha256.as_ref() {
            let message = "the report is not the one that the receipt is for".to_owned();
            self.fault(stored, "receipt", message);
        }
    }

    /// Remembers a key, if this pass is for it.
    fn key(&mut self, stored: &Stored) {
        let hash = blake3::hash(&stored.entry.key);
        let (half, _) = hash.as_bytes().split_at(16);
        let key = u128::from_le_bytes(half.try_into().unwrap_or_default());
        match self.pass {
            Some((pass, passes)) if key % passes != pass => return,
            None if self.seen.len() >= self.keys_max => {
                self.has_more = true;
                return;
            }
            _ => {}
        }
        self.seen.push(Seen {
            key,
            position: stored.position.0,
            revision: stored.entry.revision,
            previous: stored.previous.map_or(0, |previous| previous.0),
        });
    }

    /// Each revision of a key stands once, and names the highest lower one before it.
    fn compare(&mut self) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.sort_unstable();
        for group in seen.chunk_by(|a, b| a.key == b.key) {
            let mut before: BTreeSet<(u32, u64)> = BTreeSet::new();
            for one in group {
                let lower = before.range(..(one.revision, 0)).next_back();
                let lower = lower.map_or(0, |(_, position)| *position);
                if one.previous != lower {
                    let (is, should) = (one.previous, lower);
                    let message = format!("it names position {is} as superseded, not {should}");
                    self.fault_at(one.position, "supersedes", message);
                }
                let same = before.range((one.revision, 0)..=(one.revision, u64::MAX));
                if let Some((_, position)) = { same }.next() {
                    let message = format!("the same report stands at position {position}");
                    self.fault_at(one.position, "once", message);
                }
                before.insert((one.revision, one.position));
            }
        }
    }
}

#[cfg(test)]
mod tests;
