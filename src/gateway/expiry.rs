//! What ends, and when: as metrics that name the moment, and as warnings in the log 30, 14, 7
//! and 1 days ahead, each once. The systems themselves are told in the metadata of answers.

use crate::identity::Identity;
use crate::rpc::Doors;
use crate::telemetry;
use crate::trust::{Standing, threshold};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How often ends are looked at; metrics of new lists and certificates are no older.
const INTERVAL: Duration = Duration::from_secs(5);

/// Something that ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ending {
    kind: &'static str,
    nation: String,
    name: String,
    from: Timestamp,
    until: Timestamp,
}

/// Warnings that were given, so that each is given once.
#[derive(Debug, Default)]
struct Told {
    threshold_of: BTreeMap<Ending, i64>,
}

impl Told {
    /// The endings of which a warning is due that was not given, with the days ahead. What is
    /// no longer there is forgotten.
    fn due(&mut self, endings: &BTreeSet<Ending>, now: Timestamp) -> Vec<(Ending, i64)> {
        self.threshold_of.retain(|known, _| endings.contains(known));
        let mut due = Vec::new();
        for ending in endings {
            let Some(days) = threshold(ending.from, ending.until, now) else {
                continue;
            };
            let told = self.threshold_of.get(ending);
            if told.is_none_or(|told| days < *told) {
                self.threshold_of.insert(ending.clone(), days);
                due.push((ending.clone(), days));
            }
        }
        due
    }
}

/// Shows and announces ends until the gateway ends.
pub(super) async fn announce(doors: Arc<Doors>) {
    let mut told = Told::default();
    let mut tick = tokio::time::interval(INTERVAL);
    loop {
        tick.tick().await;
        let now = doors.clock.now();
        let endings = endings(&doors);
        for ending in &endings {
            let until = ending.until.as_second();
            telemetry::ends_at(ending.kind, &ending.nation, &ending.name, until);
        }
        for (ending, days) in told.due(&endings, now) {
            warn(&ending, days, now);
        }
    }
}

fn warn(ending: &Ending, days: i64, now: Timestamp) {
    let Ending {
        kind,
        nation,
        name,
        until,
        ..
    } = ending;
    if *until <= now {
        tracing::error!(kind, nation, name, %until, "has ended");
    } else {
        tracing::warn!(kind, nation, name, %until, days_ahead = days, "ends soon");
    }
}

/// Everything that ends.
fn endings(doors: &Doors) -> BTreeSet<Ending> {
    let mut all = BTreeSet::new();
    let own = &doors.trust.current().own;
    all.insert(Ending {
        kind: "gateway certificate",
        nation: String::new(),
        name: String::new(),
        from: own.not_before(),
        until: own.not_after(),
    });
    let anchors = doors.trust.status().into_iter();
    let anchors = anchors.map(|anchor| ("anchor", anchor));
    let below = doors.trust.snapshot().status_below(doors.clock.now());
    let below = below.into_iter().map(|below| ("intermediate", below));
    for (what, anchor) in anchors.chain(below) {
        if anchor.standing == Standing::Withdrawn {
            continue;
        }
        let ending = |kind, from, until| Ending {
            kind,
            nation: anchor.nation.to_string(),
            name: anchor.subject.clone(),
            from,
            until,
        };
        all.insert(ending(what, anchor.not_before, anchor.not_after));
        if let Standing::Retiring { until } = anchor.standing {
            all.insert(ending("retiring anchor", anchor.not_before, until));
        }
        if let (Some(from), Some(until)) = (anchor.crl_this_update, anchor.crl_next_update) {
            all.insert(ending("revocation list", from, until));
            let nation = anchor.nation.as_str();
            telemetry::list_made_at(nation, &anchor.subject, from.as_second());
        }
    }
    all.extend(of_systems(doors));
    all
}

/// The certificates of systems that are connected; of several of one system, the one that
/// ends first.
fn of_systems(doors: &Doors) -> impl Iterator<Item = Ending> {
    let mut first: BTreeMap<Identity, (Timestamp, Timestamp)> = BTreeMap::new();
    for connection in doors.connections.list() {
        let peer = connection.identity;
        let term = (peer.not_before, peer.not_after);
        let known = first.entry(peer.identity).or_insert(term);
        if term.1 < known.1 {
            *known = term;
        }
    }
    first.into_iter().map(|(identity, (from, until))| Ending {
        kind: "system certificate",
        nation: identity.nation.to_string(),
        name: identity.system.to_string(),
        from,
        until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn each_warning_is_given_once_and_a_renewal_begins_anew() {
        let start = Timestamp::from_second(1_780_000_000).unwrap();
        let day = |days: i64| start + SignedDuration::from_hours(24 * days);
        let certificate = |until: Timestamp| Ending {
            kind: "system certificate",
            nation: "GBR".to_owned(),
            name: "uav-cell-4".to_owned(),
            from: start,
            until,
        };
        let mut told = Told::default();
        let all = BTreeSet::from([certificate(day(90))]);
        let mut given = Vec::new();
        for today in 0..92 {
            for (_, days) in told.due(&all, day(today)) {
                given.push((today, days));
            }
        }
        assert_eq!(given, [(60, 30), (76, 14), (83, 7), (89, 1)]);
        let renewed = BTreeSet::from([certificate(day(180))]);
        assert_eq!(told.due(&renewed, day(92)), []);
        assert_eq!(told.threshold_of.len(), 0, "what is gone is forgotten");
    }
}
