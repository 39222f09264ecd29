//! What the last change of trust, or the last look at the files, found.

use crate::config::{NationFile, OriginMarks};
use crate::rpc::changes::Who;
use crate::trust::Scope;
use jiff::Timestamp;

/// What the last change, or look, found.
pub(super) struct Known {
    pub(super) nations: Vec<NationFile>,
    pub(super) seen: OriginMarks,
    pub(super) settling: Option<OriginMarks>,
    pub(super) looked_at: Timestamp,
    pub(super) told_of_waiting: bool,
    // Faults that left a nation with what it had, as they were told last.
    pub(super) told: Vec<String>,
}

impl Known {
    pub(super) fn see(&mut self, marks: OriginMarks, scope: Scope) {
        if scope == Scope::Everything {
            self.seen = marks;
            self.told_of_waiting = false;
        }
        self.settling = None;
    }

    /// Tells in the log of faults that leave a nation with what it had, once for each change
    /// of them, however often the files are read; whether they are to be audited now.
    pub(super) fn tell(&mut self, who: &Who, faults: &[String]) -> bool {
        if self.told == faults {
            return false;
        }
        self.told = faults.to_vec();
        if faults.is_empty() {
            tracing::info!(by = %who, "the faulty files of nations are mended and taken up");
            return false;
        }
        let error = faults.join("; ");
        tracing::error!(%error, by = %who,
            "trust was not reloaded for nations with faulty files; their old one stands");
        true
    }
}
