//! Whom a change lets in: what one snapshot opens that an earlier one held shut. It names
//! nations, authorities, blocks and serial numbers; which systems hold a certificate that was
//! never shown here, no gateway can know.

use super::anchor::Anchor;
use super::block::Blocked;
use super::revocation::{self, RevocationList};
use super::snapshot::{NationAnchors, TrustSnapshot};
use super::verify::hex;
use crate::identity::{NationCode, SystemName};
use jiff::Timestamp;
use std::sync::Arc;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

/// Most serial numbers that one change of a list is told with.
const SERIALS_SHOWN_MAX: usize = 20;
/// Lists with more entries are not searched for those that went: it would delay their taking
/// effect.
const SEARCHED_MAX: usize = 100_000;

/// Something that a change opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustOpening {
    /// The nation concerned.
    pub nation: NationCode,
    /// The one system that it opens for; none: `what` says for whom.
    pub system: Option<SystemName>,
    /// Nobody of the nation could connect before: it opens for all its systems.
    pub for_all: bool,
    /// For whom, and why.
    pub what: String,
}

impl TrustSnapshot {
    /// Everything that is open at `now` and was shut in an earlier snapshot, by nation.
    #[must_use]
    pub fn openings_since(&self, before: &Self, now: Timestamp) -> Vec<TrustOpening> {
        let mut nations: Vec<_> = self.nations().collect();
        nations.sort_by_key(|(_, nation)| nation.code);
        let mut openings = Vec::new();
        for (domain, nation) in nations {
            if !before.is_same_for(self, domain) {
                let was = before.by_domain(domain);
                of_nation(nation, was, now, &mut openings);
            }
        }
        openings
    }
}

fn of_nation(
    nation: &NationAnchors,
    was: Option<&NationAnchors>,
    now: Timestamp,
    openings: &mut Vec<TrustOpening>,
) {
    let open: Vec<_> = open_anchors(nation, now).collect();
    if open.is_empty() {
        return;
    }
    let mut tell = |system: Option<SystemName>, for_all: bool, what: String| {
        openings.push(TrustOpening {
            nation: nation.code,
            system,
            for_all,
            what,
        });
    };
    let shut = match was {
        None => Some("the nation is enrolled"),
        Some(was) if was.blocked.contains(&Blocked::Nation) => Some("the nation is resumed"),
        Some(was) if open_anchors(was, now).next().is_none() => {
            Some("an authority of the nation vouches now; none did before")
        }
        Some(_) => None,
    };
    if let Some(why) = shut {
        let names: Vec<_> = open.iter().map(|anchor| anchor_name(anchor)).collect();
        let names = names.join(", ");
        let what = format!("{why}: every system with a sound certificate of {names}");
        tell(None, true, what);
        return;
    }
    let Some(was) = was else { return };
    for anchor in open {
        let same = |a: &Anchor| a.spki_sha256 == anchor.spki_sha256;
        if !open_anchors(was, now).any(same) {
            let name = anchor_name(anchor);
            tell(
                None,
                false,
                format!("every system with a sound certificate of {name}, which vouches now"),
            );
        }
    }
    for block in was.blocked.iter().filter(|b| !nation.blocked.contains(b)) {
        match block {
            Blocked::System(system) => {
                let what = "its block is lifted".to_owned();
                tell(Some(system.clone()), false, what);
            }
            other => tell(
                None,
                false,
                format!("whoever has {other}, whose block is lifted"),
            ),
        }
    }
    for list in lists(nation, now) {
        let earlier = lists(was, now).into_iter();
        let mut earlier = earlier.filter(|l| l.issuer == list.issuer && l.scope() == list.scope());
        if let Some(what) = earlier.next().and_then(|old| reinstated(old, list)) {
            tell(None, false, what);
        }
    }
}

/// Anchors that somebody can come in by; none, if the nation is suspended.
fn open_anchors(nation: &NationAnchors, now: Timestamp) -> impl Iterator<Item = &Anchor> {
    let is_suspended = nation.blocked.contains(&Blocked::Nation);
    let grace = nation.overdue_grace;
    let anchors = nation.anchors.iter().filter(move |_| !is_suspended);
    anchors.filter(move |anchor| {
        let is_blocked = nation.blocked.contains(&Blocked::Key(anchor.spki_sha256));
        let counts = |list: &&RevocationList| {
            let end = list.next_update.saturating_add(grace);
            now < end.unwrap_or(Timestamp::MAX)
        };
        let lists = revocation::in_force(&anchor.lists, now);
        !is_blocked && anchor.vouches(now) && anchor.is_live(now) && lists.iter().any(counts)
    })
}

/// Every list in force, of anchors and below.
fn lists(nation: &NationAnchors, now: Timestamp) -> Vec<&RevocationList> {
    let own = nation.anchors.iter().chain(&nation.intermediates);
    let own = own.flat_map(|authority| revocation::in_force(&authority.lists, now));
    own.chain(nation.sub_lists.iter().map(Arc::as_ref))
        .collect()
}

/// Certificates that the old list revoked and the new one does not.
fn reinstated(old: &RevocationList, new: &RevocationList) -> Option<String> {
    if old.content_sha256 == new.content_sha256 {
        return None;
    }
    let (issuer, number) = (&new.issuer_text, &new.number);
    if old.revoked > SEARCHED_MAX {
        return (new.revoked < old.revoked).then(|| {
            let (had, has) = (old.revoked, new.revoked);
            format!(
                "whoever is no longer on revocation list {number} of `{issuer}`, which names {has} \
                 certificates and no longer {had}"
            )
        });
    }
    let (_, parsed) = CertificateRevocationList::from_der(&old.der).ok()?;
    let revoked = parsed.iter_revoked_certificates();
    let gone = revoked.map(|entry| entry.raw_serial().to_vec());
    let gone: Vec<_> = gone
        .filter(|serial| matches!(new.list.find_serial(serial), Ok(None)))
        .collect();
    if gone.is_empty() {
        return None;
    }
    let shown = gone.iter().take(SERIALS_SHOWN_MAX);
    let shown: Vec<_> = shown.map(|serial| hex(serial)).collect();
    let more = match gone.len().saturating_sub(SERIALS_SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = shown.join(", ");
    Some(format!(
        "the certificates with serial number {shown}{more}, which revocation list {number} of \
         `{issuer}` no longer names"
    ))
}

fn anchor_name(anchor: &Anchor) -> String {
    let short = hex(anchor.spki_sha256.get(..8).unwrap_or_default());
    format!("authority `{}` (key {short})", anchor.subject_text)
}
