//! What differs between two snapshots, in words for operators: the plan before a change, and
//! the audit after it.

use super::anchor::Anchor;
use super::revocation::{self, RevocationList};
use super::snapshot::{NationAnchors, TrustSnapshot};
use super::source::Standing;
use super::verify::hex;
use crate::identity::NationCode;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrustChange {
    /// The nation concerned.
    pub nation: NationCode,
    /// What becomes different.
    pub what: String,
}

impl TrustSnapshot {
    /// Everything that differs from an earlier snapshot, by nation.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<TrustChange> {
        let of = |snapshot: &Self| -> BTreeMap<NationCode, _> {
            snapshot
                .nations()
                .map(|(domain, _)| (domain.clone(), snapshot))
                .filter_map(|(domain, snapshot)| {
                    snapshot.by_domain(&domain).map(|n| (n.code, domain))
                })
                .collect()
        };
        let (old, new) = (of(before), of(self));
        let mut changes = Vec::new();
        for (code, domain) in &old {
            if !new.contains_key(code) {
                let what = format!("nation withdrawn (trust domain {domain})");
                changes.push(TrustChange {
                    nation: *code,
                    what,
                });
            }
        }
        for (code, domain) in &new {
            let mut tell = |what: String| {
                changes.push(TrustChange {
                    nation: *code,
                    what,
                })
            };
            let Some(now) = self.by_domain(domain) else {
                continue;
            };
            match old.get(code) {
                None => {
                    tell(format!("nation enrolled (trust domain {domain})"));
                    now.anchors.iter().for_each(|a| tell(added(a)));
                }
                Some(earlier) => {
                    if earlier != domain {
                        tell(format!("trust domain {earlier} becomes {domain}"));
                    }
                    if let Some(was) = before.by_domain(earlier)
                        && was.content_sha256 != now.content_sha256
                    {
                        compare(was, now, &mut tell);
                    }
                }
            }
        }
        changes
    }
}

fn name(anchor: &Anchor) -> String {
    let short = hex(anchor.spki_sha256.get(..8).unwrap_or_default());
    format!("authority `{}` (key {short})", anchor.subject_text)
}

fn standing(standing: Standing) -> String {
    match standing {
        Standing::Retiring { until } => format!("retiring until {until}"),
        other => other.word().to_owned(),
    }
}

fn added(anchor: &Anchor) -> String {
    let list = anchor.lists.first().map_or_else(
        || ", without a revocation list".to_owned(),
        |list| format!(", with revocation list {}", list.number),
    );
    format!(
        "{} added as {}{list}",
        name(anchor),
        standing(anchor.standing)
    )
}

fn compare(was: &NationAnchors, now: &NationAnchors, tell: &mut impl FnMut(String)) {
    for anchor in &now.anchors {
        let twin = was
            .anchors
            .iter()
            .find(|a| a.spki_sha256 == anchor.spki_sha256);
        let Some(twin) = twin else {
            tell(added(anchor));
            continue;
        };
        if twin.standing != anchor.standing {
            let (from, to) = (standing(twin.standing), standing(anchor.standing));
            tell(format!("{}: {from} becomes {to}", name(anchor)));
        }
        if twin.not_after != anchor.not_after {
            let end = anchor.not_after;
            tell(format!("{}: renewed, valid until {end}", name(anchor)));
        }
        for list in revocation::highest(&anchor.lists) {
            let before = revocation::highest(&twin.lists)
                .into_iter()
                .find(|l| l.scope() == list.scope());
            let issuer = &list.issuer_text;
            match before {
                None => tell(format!(
                    "revocation list {} of `{issuer}` is new",
                    list.number
                )),
                Some(before) if before.content_sha256 != list.content_sha256 => {
                    let (from, to) = (&before.number, &list.number);
                    let (had, has) = (before.revoked, list.revoked);
                    tell(format!(
                        "revocation list of `{issuer}`: number {from} becomes {to}, \
                         {had} revoked certificates become {has}"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    for anchor in &was.anchors {
        if !now
            .anchors
            .iter()
            .any(|a| a.spki_sha256 == anchor.spki_sha256)
        {
            tell(format!("{} removed", name(anchor)));
        }
    }
    compare_rest(was, now, tell);
}

/// Lists of intermediate authorities, blocks, and the grace of overdue lists.
fn compare_rest(was: &NationAnchors, now: &NationAnchors, tell: &mut impl FnMut(String)) {
    for list in now.lists_below() {
        let is_known = |l: &Arc<RevocationList>| l.content_sha256 == list.content_sha256;
        if !was.lists_below().any(is_known) {
            let (number, issuer) = (&list.number, &list.issuer_text);
            tell(format!(
                "revocation list {number} of `{issuer}`, no anchor, is new"
            ));
        }
    }
    for blocked in now.blocked.iter().filter(|b| !was.blocked.contains(b)) {
        tell(format!("blocked: {blocked}"));
    }
    for blocked in was.blocked.iter().filter(|b| !now.blocked.contains(b)) {
        tell(format!("no longer blocked: {blocked}"));
    }
    if was.overdue_grace != now.overdue_grace {
        let (from, to) = (was.overdue_grace, now.overdue_grace);
        tell(format!(
            "overdue revocation lists count for {to:#}, not {from:#}"
        ));
    }
}
