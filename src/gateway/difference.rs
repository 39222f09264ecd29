//! What differs between two registries of nations, in words, and whose rights it takes away.

use crate::config::{NationFile, OriginMarks};
use crate::identity::registry::{Limits, Registry, Rights};
use crate::listener::Peer;
use crate::pki::{RenewalSettings, Signer};
use crate::rpc::changes::Difference;

/// Nations whose files were written, although nothing else is told of them.
pub(super) fn written<'a>(
    seen: &OriginMarks,
    now: &OriginMarks,
    nations: impl Iterator<Item = &'a NationFile>,
    changes: &mut Vec<Difference>,
) {
    for nation in nations {
        let code = Some(nation.nation.code);
        let is_written = now
            .iter()
            .any(|mark| mark.0 == nation.file && !seen.contains(mark));
        if is_written && !changes.iter().any(|change| change.nation == code) {
            let what = "its file was written; nothing in it is different".to_owned();
            changes.push(Difference { nation: code, what });
        }
    }
}

/// What differs in the nations besides their trust.
pub(super) fn compare(now: &Registry, next: &Registry, changes: &mut Vec<Difference>) {
    for nation in next.nations() {
        let Some(was) = now.nation(nation.code) else {
            continue;
        };
        let mut tell = |what: String| {
            changes.push(Difference {
                nation: Some(nation.code),
                what,
            });
        };
        let names = |rights: Rights| match rights.names().collect::<Vec<_>>() {
            none if none.is_empty() => "none".to_owned(),
            some => some.join(", "),
        };
        if was.default_rights != nation.default_rights {
            let (from, to) = (names(was.default_rights), names(nation.default_rights));
            tell(format!(
                "rights of systems that are not listed: {from} becomes {to}"
            ));
        }
        let systems = was.systems.keys().chain(nation.systems.keys());
        let systems: std::collections::BTreeSet<_> = systems.collect();
        for system in systems {
            let (from, to) = (was.rights_of(system), nation.rights_of(system));
            if from != to {
                tell(format!(
                    "rights of {system}: {} becomes {}",
                    names(from),
                    names(to)
                ));
            }
        }
        if was.clearance != nation.clearance || was.special != nation.special {
            let (from, to) = (was.clearance.name(), nation.clearance.name());
            tell(format!(
                "clearance {from} {:?} becomes {to} {:?}",
                was.special, nation.special
            ));
        }
        if was.name != nation.name {
            tell(format!("name {} becomes {}", was.name, nation.name));
        }
        limits(&was.limits, &nation.limits, &mut tell);
    }
}

/// What differs in a nation's limits, each by its key.
fn limits(was: &Limits, now: &Limits, tell: &mut impl FnMut(String)) {
    let values = |limits: &Limits| {
        let Limits {
            connections_max,
            nation_reports_per_s,
            system_reports_per_s,
            nation_bytes_per_s,
            system_bytes_per_s,
            system_in_flight_max,
            quarantine_reports_max,
            quarantine_bytes_max,
        } = *limits;
        [
            ("connections_max", u64::from(connections_max)),
            ("nation_reports_per_s", u64::from(nation_reports_per_s)),
            ("system_reports_per_s", u64::from(system_reports_per_s)),
            ("nation_bytes_per_s", nation_bytes_per_s),
            ("system_bytes_per_s", system_bytes_per_s),
            ("system_in_flight_max", u64::from(system_in_flight_max)),
            ("quarantine_reports_max", quarantine_reports_max),
            ("quarantine_bytes_max", quarantine_bytes_max),
        ]
    };
    for ((name, from), (_, to)) in values(was).into_iter().zip(values(now)) {
        if from != to {
            tell(format!("limits.{name} {from} becomes {to}"));
        }
    }
}

/// What differs in nations' files beside trust and rights: notation, and renewal over the wire.
pub(super) fn compare_files(
    known: &[NationFile],
    next: &[NationFile],
    changes: &mut Vec<Difference>,
) {
    let of_rules = |file: &NationFile| {
        let was = known.iter().find(|w| w.nation.code == file.nation.code);
        was.is_some_and(|was| was.rules != file.rules)
    };
    if next.iter().any(of_rules) {
        let what = "the rules that all nations share ([normalise]) are different".to_owned();
        changes.push(Difference { nation: None, what });
    }
    for file in next {
        let code = file.nation.code;
        let was = known.iter().find(|was| was.nation.code == code);
        let mut tell = |what: String| {
            changes.push(Difference {
                nation: Some(code),
                what,
            });
        };
        match (was.and_then(|was| was.renewal.as_ref()), &file.renewal) {
            (None, None) => {}
            (None, Some(now)) => tell(format!(
                "renewal over the wire is turned on: {}",
                signer(&now.signer)
            )),
            (Some(_), None) => tell("renewal over the wire is turned off".to_owned()),
            (Some(was), Some(now)) => renewal(was, now, &mut tell),
        }
        if was.is_some_and(|was| was.notation != file.notation) {
            tell("its notation is different".to_owned());
        }
    }
}

fn renewal(was: &RenewalSettings, now: &RenewalSettings, tell: &mut impl FnMut(String)) {
    let mut parts = Vec::new();
    let mut differ = |what: &str, was: String, now: String| {
        if was != now {
            parts.push(format!("{what} {was} becomes {now}"));
        }
    };
    let days = |settings: &RenewalSettings| format!("{} days", settings.days);
    let deadline = |settings: &RenewalSettings| format!("{:?}", settings.deadline);
    let per_day = |settings: &RenewalSettings| settings.per_day_max.to_string();
    differ("who signs:", signer(&was.signer), signer(&now.signer));
    differ("validity", days(was), days(now));
    differ("deadline", deadline(was), deadline(now));
    differ("attempts a day", per_day(was), per_day(now));
    if parts.is_empty() && was != now {
        // Arguments of a command may hold what no log should.
        parts.push("the command has other arguments".to_owned());
    }
    if !parts.is_empty() {
        tell(format!("renewal over the wire: {}", parts.join("; ")));
    }
}

/// Who signs, for people.
fn signer(signer: &Signer) -> String {
    match signer {
        Signer::Folder(folder) => {
            format!(
                "the gateway signs with the authority in {}",
                folder.display()
            )
        }
        Signer::Command(words) => match words.split_first() {
            Some((program, arguments)) => {
                format!("the command {program} ({} arguments)", arguments.len())
            }
            None => "an empty command".to_owned(),
        },
    }
}

/// Why a live connection ends when rights change; `None`: it loses none.
pub(super) fn lost_rights(peer: &Peer, now: &Registry, next: &Registry) -> Option<String> {
    let identity = &peer.identity().identity;
    let of = |registry: &Registry| {
        let nation = registry.nation(identity.nation)?;
        Some(nation.rights_of(&identity.system))
    };
    let (was, is) = (of(now)?, of(next)?);
    let has: Vec<_> = is.names().collect();
    let lost: Vec<_> = was.names().filter(|right| !has.contains(right)).collect();
    (!lost.is_empty()).then(|| {
        let lost = lost.join(", ");
        format!("the operator took away its right to {lost}")
    })
}
