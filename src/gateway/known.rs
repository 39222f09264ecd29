//! What the last change of trust, or the last look at the files, found.

use crate::config::{NationFile, OriginMarks};
use crate::rpc::changes::{Fault, Who};
use crate::telemetry;
use crate::trust::Scope;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What the last change, or look, found.
pub(super) struct Known {
    pub(super) nations: Vec<NationFile>,
    pub(super) seen: OriginMarks,
    pub(super) settling: Option<OriginMarks>,
    pub(super) looked_at: Timestamp,
    pub(super) told_of_waiting: bool,
    // Faults in the nations' files themselves, as of their last reading.
    pub(super) faulty: Vec<Fault>,
    // All faults, as they were told last.
    pub(super) told: Vec<Fault>,
}

impl Known {
    pub(super) fn see(&mut self, marks: OriginMarks, scope: Scope) {
        if scope == Scope::Everything {
            self.seen = marks;
            self.told_of_waiting = false;
        }
        self.settling = None;
    }

    /// Tells in the log and in metrics of faults that leave a nation with what it had, once for
    /// each change of them, however often the files are read; whether they are to be audited.
    pub(super) fn tell(&mut self, who: &Who, faults: &[Fault]) -> bool {
        if self.told == faults {
            return false;
        }
        let names = |faults: &[Fault]| -> BTreeSet<String> {
            faults.iter().map(|fault| fault.nation.clone()).collect()
        };
        for mended in names(&self.told).difference(&names(faults)) {
            telemetry::nation_faulty(mended, false);
        }
        for faulty in names(faults) {
            telemetry::nation_faulty(&faulty, true);
        }
        self.told = faults.to_vec();
        if faults.is_empty() {
            tracing::info!(by = %who, "the faulty files of nations are mended and taken up");
            return false;
        }
        let lines: Vec<_> = faults.iter().map(|fault| fault.what.as_str()).collect();
        let error = lines.join("; ");
        match who {
            Who::Start => tracing::error!(%error, by = %who,
                "nations with faulty files are not admitted until these are mended"),
            _ => tracing::error!(%error, by = %who,
                "trust was not reloaded for nations with faulty files; their old one stands"),
        }
        true
    }
}
