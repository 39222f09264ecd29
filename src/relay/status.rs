//! Where a relay stands, for people: as metrics, and as a small file that `entente relay status`
//! shows. The file tells of the feed's size and of failures, never of what records say.

use super::dead::{REASON_CHARACTERS_MAX, write_whole};
use crate::clock::Clock;
use crate::telemetry::{self, RelayStanding};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Name of the file in the relay's folder.
pub const STATUS_FILE: &str = "status.json";
/// The file is written at most so often, but for the beginning and the end of a failure.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);

/// Where a relay stands.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Name of the relay.
    pub relay: String,
    /// Kind of its target.
    pub target: String,
    /// Position up to which the feed was handed on.
    pub position: u64,
    /// Last durable position of the feed that the relay knows of.
    pub durable_position: u64,
    /// Positions between the two.
    pub positions_behind: u64,
    /// Age of the oldest record in its hands, seconds; 0: none.
    pub seconds_behind: u64,
    /// Records that the target took since the start.
    pub handed: u64,
    /// Records that a rule of the settings, or the target's form, left out since the start.
    pub skipped: u64,
    /// Positions that release withheld since the start.
    pub withheld: u64,
    /// Positions that retention removed since the start before the relay had read them.
    #[serde(default)]
    pub removed: u64,
    /// Records that wait for a person.
    pub dead_letters: u64,
    /// Why it cannot go on at the moment; empty: it can.
    pub failing: String,
    /// The last failure, also when it is over; empty: none since the start.
    pub last_error: String,
    /// When that was, UTC; empty: never.
    pub last_error_at: String,
    /// When this was written, UTC.
    pub updated_at: String,
}

/// Keeps the status, and shows it.
#[derive(Debug)]
pub(super) struct Board {
    path: PathBuf,
    status: Status,
    clock: Arc<dyn Clock>,
    written_at: Option<Duration>,
    /// When the gateway took in the oldest record in hand.
    oldest: Option<Timestamp>,
}

impl Board {
    pub(super) fn new(folder: &Path, relay: &str, target: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            path: folder.join(STATUS_FILE),
            status: Status {
                relay: relay.to_owned(),
                target: target.to_owned(),
                ..Status::default()
            },
            clock,
            written_at: None,
            oldest: None,
        }
    }

    /// The feed is durable up to there.
    pub(super) fn durable(&mut self, position: u64) {
        self.status.durable_position = self.status.durable_position.max(position);
    }

    /// The feed is handed on up to there.
    pub(super) fn position(&mut self, position: u64) {
        self.status.position = self.status.position.max(position);
        self.durable(position);
    }

    /// The record that is waiting to be taken; none: nothing waits.
    pub(super) fn in_hand(&mut self, received_at: Option<Timestamp>) {
        self.oldest = received_at;
    }

    pub(super) fn handed(&mut self, count: u64) {
        telemetry::relayed(&self.status.relay, "handed", count);
        self.status.handed = self.status.handed.saturating_add(count);
    }

    pub(super) fn skipped(&mut self, count: u64) {
        telemetry::relayed(&self.status.relay, "skipped", count);
        self.status.skipped = self.status.skipped.saturating_add(count);
    }

    pub(super) fn withheld(&mut self, count: u64) {
        self.status.withheld = self.status.withheld.saturating_add(count);
    }

    /// These were removed before the relay had read them: nobody can hand them on any more.
    pub(super) fn removed(&mut self, first: u64, last: u64) {
        let count = last.saturating_sub(first).saturating_add(1);
        tracing::error!(
            first,
            last,
            "positions were removed from the feed before they were handed on"
        );
        telemetry::relayed(&self.status.relay, "removed", count);
        self.status.removed = self.status.removed.saturating_add(count);
        self.status.last_error = format!(
            "positions {first} to {last} were removed from the feed before they were handed on"
        );
        self.status.last_error_at = self.clock.now().to_string();
        self.written_at = None;
    }

    /// One more record was refused for good.
    pub(super) fn died(&self) {
        telemetry::relayed(&self.status.relay, "dead", 1);
    }

    pub(super) fn dead_letters(&mut self, count: usize) {
        self.status.dead_letters = count as u64;
    }

    /// It cannot go on. Said in the log when it begins, and when the reason changes.
    pub(super) fn failed(&mut self, reason: &str) {
        let reason: String = reason.chars().take(REASON_CHARACTERS_MAX).collect();
        if self.status.failing != reason {
            tracing::warn!("the relay cannot go on, and tries again: {reason}");
            self.written_at = None;
        }
        self.status.last_error_at = self.clock.now().to_string();
        self.status.last_error.clone_from(&reason);
        self.status.failing = reason;
        self.show();
    }

    /// It goes on.
    pub(super) fn went_well(&mut self) {
        if !self.status.failing.is_empty() {
            tracing::info!("the relay goes on");
            self.status.failing.clear();
            self.written_at = None;
        }
    }

    /// Sets the metrics, and writes the file if it is time to.
    pub(super) fn show(&mut self) {
        let status = &mut self.status;
        let now = self.clock.now();
        let age = self
            .oldest
            .map_or(0, |then| now.duration_since(then).as_secs());
        status.seconds_behind = u64::try_from(age).unwrap_or(0);
        status.positions_behind = status.durable_position.saturating_sub(status.position);
        let standing = RelayStanding {
            position: status.position,
            behind: status.positions_behind,
            behind_s: status.seconds_behind,
            is_failing: !status.failing.is_empty(),
            dead_letters: status.dead_letters,
        };
        telemetry::relay(&status.relay, &standing);
        let since = self.clock.monotonic();
        let is_due = self
            .written_at
            .is_none_or(|written| since.saturating_sub(written) >= WRITE_INTERVAL);
        if is_due {
            self.write();
        }
    }

    /// Writes the file.
    pub(super) fn write(&mut self) {
        self.written_at = Some(self.clock.monotonic());
        self.status.updated_at = self.clock.now().to_string();
        let written = serde_json::to_vec_pretty(&self.status)
            .map_err(std::io::Error::other)
            .and_then(|text| write_whole(&self.path, &text));
        if let Err(error) = written {
            // Nothing of the relay's work rests on it.
            tracing::warn!(%error, "{} cannot be written", self.path.display());
        }
    }
}
