//! The names of all metrics, each with its kind, labels and meaning. `docs/OPERATIONS.md` has
//! the same list, and a test holds both against each other.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// What a metric does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from the start of the process.
    Counter,
    /// Moves both ways.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// A metric as it is described to whoever collects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// Its unit.
    pub unit: Unit,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub meaning: &'static str,
}

/// Declares the constants and their list at once, so that neither can lack what the other has.
macro_rules! metrics_of_ours {
    ($($constant:ident = $name:literal $kind:ident $unit:ident [$($label:literal),*] $meaning:literal;)+) => {
        $(#[doc = $meaning] pub const $constant: &str = $name;)+

        /// Every metric.
        pub const ALL: &[Metric] = &[$(Metric {
            name: $constant,
            kind: Kind::$kind,
            unit: Unit::$unit,
            labels: &[$($label),*],
            meaning: $meaning,
        },)+];
    };
}

metrics_of_ours! {
    REPORTS = "entente_reports_total" Counter Count ["nation", "outcome"]
        "Reports by outcome: accepted, duplicate, superseded, rejected.";
    ADMISSION_REFUSED = "entente_admission_refused_total" Counter Count ["nation", "reason"]
        "Calls that quota did not admit.";
    RELAYED_RECORDS = "entente_relayed_records_total" Counter Count ["outcome"]
        "Records that relays of other gateways handed in: stored, present, looped, refused.";
    HANDSHAKES_REFUSED = "entente_handshakes_refused_total" Counter Count ["reason"]
        "Refused connections, by the reason code that the peer is given.";
    NATION_FAULTY = "entente_nation_faulty" Gauge Count ["nation"]
        "Whether a nation's files are faulty, so that it keeps what it had, or is kept out.";
    TRUST_CUT_SECONDS = "entente_trust_cut_seconds" Histogram Seconds []
        "From a change of trust to the closed socket of a connection that it ended.";
    CONNECTIONS = "entente_connections" Gauge Count ["nation"]
        "Live connections.";
    JOURNAL_DURABLE_POSITION = "entente_journal_durable_position" Gauge Count []
        "Last position that is durable.";
    JOURNAL_QUEUED_ENTRIES = "entente_journal_queued_entries" Gauge Count []
        "Entries that wait for the journal's writer.";
    JOURNAL_FREE_BYTES = "entente_journal_free_bytes" Gauge Bytes []
        "Free disk under the journal.";
    JOURNAL_SYNC_SECONDS = "entente_journal_sync_seconds" Histogram Seconds []
        "Time of one sync of the journal.";
    JOURNAL_BATCH_ENTRIES = "entente_journal_batch_entries" Histogram Count []
        "Entries that one sync made durable.";
    VALID_UNTIL_SECONDS = "entente_valid_until_seconds" Gauge Seconds ["kind", "nation", "name"]
        "End of a certificate or of a revocation list, Unix time.";
    LIST_MADE_SECONDS = "entente_revocation_list_made_seconds" Gauge Seconds ["nation", "name"]
        "When the revocation list in force was made, Unix time.";
    TRUST_CHANGES = "entente_trust_changes_total" Counter Count []
        "Changes of trust that were put in force.";
    QUARANTINE_REPORTS = "entente_quarantine_reports" Gauge Count ["nation"]
        "Refused reports that are kept.";
    QUARANTINE_DROPPED = "entente_quarantine_dropped" Gauge Count ["nation"]
        "Refused reports that were dropped because newer ones needed their place.";
    SUBSCRIPTIONS = "entente_subscriptions" Gauge Count []
        "Open subscriptions.";
    RETENTION_FIRST_POSITION = "entente_retention_first_position" Gauge Count []
        "The first position that is still there.";
    RETENTION_LOG_BYTES = "entente_retention_log_bytes" Gauge Bytes []
        "Size of the segments that are there.";
    RETENTION_REMAINS_BYTES = "entente_retention_remains_bytes" Gauge Bytes []
        "Size of what remains of the segments that were removed.";
    RETENTION_REMOVED = "entente_retention_removed_segments" Gauge Count ["rule"]
        "Segments that were removed, by rule: age, size.";
    RETENTION_OVER_BYTES = "entente_retention_over_bytes" Gauge Bytes []
        "By how much the log is larger than it may be, while nothing may go.";
    RETENTION_FAULTY = "entente_retention_faulty" Gauge Count []
        "Whether something may go and cannot be removed; the log says why.";
    FEED_LAG_RECORDS = "entente_feed_lag_records" Gauge Count ["nation"]
        "How far the slowest subscription of a nation is behind the durable position.";
    RELAY_RECORDS = "entente_relay_records_total" Counter Count ["relay", "outcome"]
        "Records that a relay is done with: handed, skipped, dead.";
    RELAY_POSITION = "entente_relay_position" Gauge Count ["relay"]
        "Position up to which a relay has handed the feed on.";
    RELAY_LAG_RECORDS = "entente_relay_lag_records" Gauge Count ["relay"]
        "How many positions a relay is behind the durable position.";
    RELAY_LAG_SECONDS = "entente_relay_lag_seconds" Gauge Seconds ["relay"]
        "Age of the oldest record that a relay holds and has not handed on; 0: none.";
    RELAY_FAILING = "entente_relay_failing" Gauge Count ["relay"]
        "Whether the target, or the gateway, does not take what a relay wants of it.";
    RELAY_DEAD_LETTERS = "entente_relay_dead_letters" Gauge Count ["relay"]
        "Records that the target refused and that wait for a person.";
}

/// Describes every metric to the recorder.
pub(super) fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.unit, metric.meaning),
            Kind::Gauge => describe_gauge!(metric.name, metric.unit, metric.meaning),
            Kind::Histogram => describe_histogram!(metric.name, metric.unit, metric.meaning),
        }
    }
}
