//! Log lines and metrics. Imports nothing of ours; never sees report content, names of sources
//! or key material.

pub mod exposition;
pub mod names;

use metrics::{counter, gauge, histogram};
use std::time::Duration;
use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

pub use exposition::{MetricsError, MetricsSettings, serve_metrics};

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Readable,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The form.
    pub format: Format,
    /// What is logged: `info`, or per module as in `info,entente::listener=debug`.
    pub filter: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            format: Format::Readable,
            filter: "info".to_owned(),
        }
    }
}

impl Settings {
    /// Reads the filter.
    ///
    /// # Errors
    /// It cannot be read.
    fn filter(&self) -> Result<EnvFilter, LogError> {
        EnvFilter::try_new(&self.filter).map_err(|cause| LogError::Filter {
            filter: self.filter.clone(),
            cause: cause.to_string(),
        })
    }

    /// Whether the filter can be read.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(&self) -> Result<(), LogError> {
        self.filter().map(drop)
    }
}

/// Why logging does not start.
#[derive(Debug, Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("the log filter `{filter}` cannot be read: {cause}")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// Starts logging to standard error. A second start in one process changes nothing.
///
/// # Errors
/// The filter cannot be read.
pub fn start(settings: &Settings) -> Result<(), LogError> {
    use std::io::IsTerminal as _;
    let filter = settings.filter()?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE);
    // Only the demo and tests start twice; the first settings stand.
    let _started_before = match settings.format {
        Format::Readable => builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// What became of several reports of one nation; called once a batch.
pub fn report_outcomes(nation: &str, outcome: &'static str, count: u64) {
    if count > 0 {
        counter!(names::REPORTS, "nation" => nation.to_owned(), "outcome" => outcome)
            .increment(count);
    }
}

/// A call was not admitted.
pub fn admission_refused(nation: &str, reason: &'static str) {
    counter!(names::ADMISSION_REFUSED, "nation" => nation.to_owned(), "reason" => reason)
        .increment(1);
}

/// A handshake was refused.
pub fn handshake_refused(reason: &'static str) {
    counter!(names::HANDSHAKES_REFUSED, "reason" => reason).increment(1);
}

/// Whether a nation's files are faulty; without a name: the gateway's own file.
pub fn nation_faulty(nation: &str, is_faulty: bool) {
    gauge!(names::NATION_FAULTY, "nation" => nation.to_owned()).set(f64::from(is_faulty));
}

/// A connection that a change of trust ended is closed: how long after the change.
pub fn trust_cut(took: Duration) {
    histogram!(names::TRUST_CUT_SECONDS).record(took.as_secs_f64());
}

/// Live connections of a nation.
pub fn connections(nation: &str, count: u32) {
    gauge!(names::CONNECTIONS, "nation" => nation.to_owned()).set(count);
}

/// The journal's state, as the gateway sees it now and then.
pub fn journal(durable_position: u64, queued_entries: usize, free_bytes: u64) {
    gauge!(names::JOURNAL_DURABLE_POSITION).set(as_f64(durable_position));
    gauge!(names::JOURNAL_QUEUED_ENTRIES).set(as_f64(queued_entries as u64));
    gauge!(names::JOURNAL_FREE_BYTES).set(as_f64(free_bytes));
}

/// One sync of the journal: how long it took and how many entries it carried.
pub fn journal_sync(took: Duration, entries: usize) {
    histogram!(names::JOURNAL_SYNC_SECONDS).record(took.as_secs_f64());
    histogram!(names::JOURNAL_BATCH_ENTRIES).record(as_f64(entries as u64));
}

/// When a certificate or a revocation list ends, as Unix time.
pub fn ends_at(kind: &'static str, nation: &str, name: &str, unix_s: i64) {
    #[expect(clippy::cast_precision_loss, reason = "Unix seconds stay below 2^53")]
    gauge!(
        names::VALID_UNTIL_SECONDS,
        "kind" => kind, "nation" => nation.to_owned(), "name" => name.to_owned()
    )
    .set(unix_s as f64);
}

/// When the revocation list in force of an authority was made, as Unix time.
pub fn list_made_at(nation: &str, name: &str, unix_s: i64) {
    #[expect(clippy::cast_precision_loss, reason = "Unix seconds stay below 2^53")]
    gauge!(
        names::LIST_MADE_SECONDS, "nation" => nation.to_owned(), "name" => name.to_owned()
    )
    .set(unix_s as f64);
}

/// A change of trust was put in force.
pub fn trust_changed() {
    counter!(names::TRUST_CHANGES).increment(1);
}

/// Refused reports in the quarantine of a nation.
pub fn quarantined(nation: &str, count: u64, dropped: u64) {
    gauge!(names::QUARANTINE_REPORTS, "nation" => nation.to_owned()).set(as_f64(count));
    gauge!(names::QUARANTINE_DROPPED, "nation" => nation.to_owned()).set(as_f64(dropped));
}

/// What retention found at its last look.
pub fn retention(first_position: u64, (log_bytes, remains_bytes): (u64, u64), is_faulty: bool) {
    gauge!(names::RETENTION_FIRST_POSITION).set(as_f64(first_position));
    gauge!(names::RETENTION_LOG_BYTES).set(as_f64(log_bytes));
    gauge!(names::RETENTION_REMAINS_BYTES).set(as_f64(remains_bytes));
    gauge!(names::RETENTION_FAULTY).set(f64::from(is_faulty));
}

/// By how much the log is too large while nothing may go.
pub fn retention_over(bytes: u64) {
    gauge!(names::RETENTION_OVER_BYTES).set(as_f64(bytes));
}

/// Segments that went by a rule.
pub fn retention_removed(rule: &'static str, count: u64) {
    gauge!(names::RETENTION_REMOVED, "rule" => rule).set(as_f64(count));
}

/// Open subscriptions.
pub fn subscriptions(count: usize) {
    gauge!(names::SUBSCRIPTIONS).set(as_f64(count as u64));
}

/// How far the slowest subscription of a nation is behind.
pub fn feed_lag(nation: &str, records: u64) {
    gauge!(names::FEED_LAG_RECORDS, "nation" => nation.to_owned()).set(as_f64(records));
}

/// Where a relay stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayStanding {
    /// Position up to which it has handed the feed on.
    pub position: u64,
    /// Positions that are durable and not yet handed on.
    pub behind: u64,
    /// Age of the oldest record in its hands, seconds.
    pub behind_s: u64,
    /// Whether it cannot go on at the moment.
    pub is_failing: bool,
    /// Records that wait for a person.
    pub dead_letters: u64,
}

/// Where a relay stands; called at least every few seconds, since idle gauges go.
pub fn relay(name: &str, standing: &RelayStanding) {
    let relay = || name.to_owned();
    gauge!(names::RELAY_POSITION, "relay" => relay()).set(as_f64(standing.position));
    gauge!(names::RELAY_LAG_RECORDS, "relay" => relay()).set(as_f64(standing.behind));
    gauge!(names::RELAY_LAG_SECONDS, "relay" => relay()).set(as_f64(standing.behind_s));
    gauge!(names::RELAY_FAILING, "relay" => relay()).set(f64::from(u8::from(standing.is_failing)));
    gauge!(names::RELAY_DEAD_LETTERS, "relay" => relay()).set(as_f64(standing.dead_letters));
}

/// Records that a relay is done with.
pub fn relayed(name: &str, outcome: &'static str, count: u64) {
    if count > 0 {
        counter!(names::RELAY_RECORDS, "relay" => name.to_owned(), "outcome" => outcome)
            .increment(count);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a float; positions and sizes stay below 2^53"
)]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;

    #[test]
    fn outcomes_are_counted_by_nation_once_somebody_collects() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            report_outcomes("GBR", "accepted", 3);
            report_outcomes("GBR", "accepted", 1);
            report_outcomes("UKR", "rejected", 1);
            report_outcomes("UKR", "accepted", 0);
        });
        let text = recorder.handle().render();
        for line in [
            r#"entente_reports_total{nation="GBR",outcome="accepted"} 4"#,
            r#"entente_reports_total{nation="UKR",outcome="rejected"} 1"#,
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(
            !text.contains(r#"nation="UKR",outcome="accepted""#),
            "{text}"
        );
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        let settings = |filter: &str| Settings {
            filter: filter.to_owned(),
            ..Settings::default()
        };
        assert!(settings("info,entente::listener=debug").check().is_ok());
        assert!(settings("entente=loud").check().is_err());
    }
}
