//! What came from each system, as the contract has it.

use crate::feed::gaps::{Page, Run, Silence, SystemGaps};
use crate::wire::{proto, timestamp};
use jiff::Timestamp;

/// Most ranges of missing numbers of one system in an answer.
const MISSING_MAX: usize = 256;

pub(super) fn response(page: &Page) -> proto::ListGapsResponse {
    let last = page.systems.last().filter(|_| !page.is_last);
    proto::ListGapsResponse {
        next_page_token: last.map_or_else(String::new, token),
        systems: page.systems.iter().map(system).collect(),
        as_of_position: page.as_of.0,
    }
}

/// Names of nations and systems hold no space.
fn token(last: &SystemGaps) -> String {
    format!("{} {}", last.nation, last.system)
}

fn system(gaps: &SystemGaps) -> proto::SystemGaps {
    let count = |runs: &[Run]| runs.iter().map(|run| run.last - run.first + 1).sum::<u64>();
    let missing = gaps.missing.get(..MISSING_MAX).unwrap_or(&gaps.missing);
    let listed = count(missing);
    let missing_count = count(&gaps.missing).saturating_add(gaps.given_up);
    proto::SystemGaps {
        nation: gaps.nation.clone(),
        system: gaps.system.clone(),
        record_count: gaps.records,
        unnumbered_count: gaps.unnumbered,
        repeated_count: gaps.repeated,
        sequences: gaps.numbers.map(range),
        missing: missing.iter().copied().map(range).collect(),
        missing_count,
        missing_unlisted_count: missing_count - listed,
        last_heard_at: Some(timestamp(time(gaps.last_heard_ns))),
        silences: gaps.silences.iter().map(silence).collect(),
    }
}

fn range(run: Run) -> proto::SequenceRange {
    proto::SequenceRange {
        first: run.first,
        last: run.last,
    }
}

fn silence(silence: &Silence) -> proto::Silence {
    proto::Silence {
        from: Some(timestamp(time(silence.from_ns))),
        until: silence.until_ns.map(time).map(timestamp),
    }
}

fn time(ns: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(ns)).unwrap_or_default()
}
