//! All trusted material at one moment: loaded whole or not at all, then never changed.
//!
//! Invariant: a list stands with an anchor only when that anchor's key signed it, and no key
//! is an anchor of two nations.

use super::anchor::Anchor;
use super::block::{Blocked, Hold};
use super::error::{Severity, TrustProblem};
use super::floors::Floors;
use super::load::Loading;
use super::revocation::{self, RevocationList};
use super::source::{NationMaterial, NationSources, Standing};
use super::verify::{digest, hex};
use crate::clock::Clock;
use crate::identity::NationCode;
use crate::identity::spiffe::TrustDomain;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Anchors and revocation lists of all nations, of one epoch.
#[derive(Debug)]
pub struct TrustSnapshot {
    epoch: u64,
    // A nation whose material did not change is shared with the snapshot before.
    by_domain: HashMap<TrustDomain, Arc<NationAnchors>>,
    warnings: Vec<TrustProblem>,
}

/// What one nation is verified with.
#[derive(Clone, Debug)]
pub(super) struct NationAnchors {
    pub(super) code: NationCode,
    pub(super) anchors: Vec<Anchor>,
    // Below the anchors; they only prove lists.
    pub(super) intermediates: Vec<Anchor>,
    // Of no known name; an intermediate authority may prove them during a handshake.
    pub(super) sub_lists: Vec<Arc<RevocationList>>,
    pub(super) blocked: Vec<Blocked>,
    pub(super) overdue_grace: SignedDuration,
    // Of all that it was made from.
    pub(super) content_sha256: [u8; 32],
}

impl NationAnchors {
    /// Lists of authorities below the anchors, proven at loading or not.
    pub(super) fn lists_below(&self) -> impl Iterator<Item = &Arc<RevocationList>> {
        let proven = self.intermediates.iter().flat_map(|a| &a.lists);
        proven.chain(&self.sub_lists)
    }
}

/// What operators see of an anchor and the revocation list in force for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorStatus {
    /// Whose anchor it is.
    pub nation: NationCode,
    /// Subject.
    pub subject: String,
    /// SHA-256 of the public key, lower-case hexadecimal.
    pub spki_sha256_hex: String,
    /// Start of the anchor's certificate.
    pub not_before: Timestamp,
    /// End of the anchor's certificate.
    pub not_after: Timestamp,
    /// Where it stands in its life.
    pub standing: Standing,
    /// Made by `entente certs init`.
    pub is_development: bool,
    /// Number of the list, decimal; none: nobody whom the anchor vouches for can connect.
    pub crl_number: Option<String>,
    /// When the list was made.
    pub crl_this_update: Option<Timestamp>,
    /// When the next one is due; from then on the list proves nothing.
    pub crl_next_update: Option<Timestamp>,
}

impl TrustSnapshot {
    /// Reads every nation's files.
    ///
    /// # Errors
    /// Every problem in every file, if any of them is an error. Mere warnings load, and stay
    /// with the snapshot.
    pub fn load(
        epoch: u64,
        nations: &[NationSources],
        clock: &dyn Clock,
    ) -> Result<Self, Vec<TrustProblem>> {
        Self::load_after(epoch, nations, clock, None)
    }

    /// As [`Self::load`]; also refuses a list older than the one in `previous`.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_after(
        epoch: u64,
        nations: &[NationSources],
        clock: &dyn Clock,
        previous: Option<&Self>,
    ) -> Result<Self, Vec<TrustProblem>> {
        let mut problems = Vec::new();
        let read = nations.iter().map(|n| n.read(None, &mut problems));
        let material: Vec<_> = read.collect();
        let before = Before {
            snapshot: previous,
            ..Before::default()
        };
        Self::build(epoch, &material, clock.now(), &before, problems)
    }

    /// Takes material from memory.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_material(
        epoch: u64,
        nations: &[NationMaterial],
        now: Timestamp,
        previous: Option<&Self>,
    ) -> Result<Self, Vec<TrustProblem>> {
        let before = Before {
            snapshot: previous,
            ..Before::default()
        };
        Self::build(epoch, nations, now, &before, Vec::new())
    }

    pub(super) fn build(
        epoch: u64,
        nations: &[NationMaterial],
        now: Timestamp,
        before: &Before<'_>,
        mut problems: Vec<TrustProblem>,
    ) -> Result<Self, Vec<TrustProblem>> {
        let no_floors = Floors::default();
        let floors = before.floors.unwrap_or(&no_floors);
        let mut by_domain = HashMap::new();
        let mut owner_of_key: BTreeMap<[u8; 32], NationCode> = BTreeMap::new();
        for material in nations {
            let earlier = before.snapshot.and_then(|p| p.shared(&material.domain));
            if before.kept.contains(&material.code) {
                // One that was never in force is left out: nobody of it comes in.
                let Some(same) = earlier.filter(|e| e.code == material.code) else {
                    continue;
                };
                problems.extend(before.warnings_of(material.code));
                own_keys(same, before.snapshot, &mut owner_of_key, &mut problems);
                by_domain.insert(material.domain.clone(), Arc::clone(same));
                continue;
            }
            let is_broken = problems
                .iter()
                .any(|p| p.nation == material.code && p.severity == Severity::Error);
            let held = before.holds.iter().filter(|h| h.nation == material.code);
            let mut material = material.clone();
            material.terms.blocked.extend(held.map(|h| h.what.clone()));
            let material = &material;
            let nation = Loading {
                material,
                now,
                floors,
                problems: &mut problems,
                is_broken,
            }
            .nation(earlier.map(AsRef::as_ref));
            own_keys(&nation, before.snapshot, &mut owner_of_key, &mut problems);
            let nation = match earlier {
                Some(same) if same.content_sha256 == nation.content_sha256 => Arc::clone(same),
                _ => Arc::new(nation),
            };
            if by_domain.insert(material.domain.clone(), nation).is_some() {
                problems.push(TrustProblem {
                    nation: material.code,
                    source_name: material.domain.to_string(),
                    reason: "another nation has the same trust domain".to_owned(),
                    severity: Severity::Error,
                });
            }
        }
        if problems.iter().any(|p| p.severity == Severity::Error) {
            return Err(problems);
        }
        Ok(Self {
            epoch,
            by_domain,
            warnings: problems,
        })
    }

    /// As [`Self::build`], but a nation whose material is faulty keeps what it had, so that
    /// it cannot stop the revocations of the others. Besides the snapshot: every such fault.
    pub(super) fn build_sound(
        epoch: u64,
        nations: &[NationMaterial],
        now: Timestamp,
        before: &Before<'_>,
        problems: &[TrustProblem],
    ) -> Result<(Self, Vec<TrustProblem>), Vec<TrustProblem>> {
        let mut faults: Vec<TrustProblem> = Vec::new();
        // Keeping one back may reveal another that needs what the first was to give up; each
        // round keeps at least one more.
        loop {
            let kept: BTreeSet<_> = faults.iter().map(|f| f.nation).collect();
            let others = problems.iter().filter(|p| !kept.contains(&p.nation));
            let read = others.cloned().collect();
            let before = Before {
                kept: &kept,
                ..*before
            };
            let mut found = match Self::build(epoch, nations, now, &before, read) {
                Ok(snapshot) => return Ok((snapshot, faults)),
                Err(found) => found,
            };
            found.retain(|p| p.severity == Severity::Error);
            // One whose domain changes, too, has nothing to keep under the new one.
            let is_stuck = |p: &TrustProblem| kept.contains(&p.nation) || before.moves(p, nations);
            if found.iter().any(is_stuck) {
                faults.extend(found);
                return Err(faults);
            }
            faults.extend(found);
        }
    }

    /// Which snapshot this is; rises with every reload.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What does not keep the material from loading, but keeps somebody from connecting.
    #[must_use]
    pub fn warnings(&self) -> &[TrustProblem] {
        &self.warnings
    }

    pub(super) fn by_domain(&self, domain: &TrustDomain) -> Option<&NationAnchors> {
        self.by_domain.get(domain).map(AsRef::as_ref)
    }

    fn shared(&self, domain: &TrustDomain) -> Option<&Arc<NationAnchors>> {
        self.by_domain.get(domain)
    }

    /// Whether the nation of a domain has the same trust in both: then nothing that was
    /// verified with one has to be verified again with the other.
    #[must_use]
    pub fn is_same_for(&self, other: &Self, domain: &TrustDomain) -> bool {
        match (self.shared(domain), other.shared(domain)) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (None, None) => true,
            _ => false,
        }
    }

    /// Every nation with its domain, in no order.
    pub(super) fn nations(&self) -> impl Iterator<Item = (&TrustDomain, &NationAnchors)> {
        self.by_domain.iter().map(|(d, n)| (d, n.as_ref()))
    }

    /// Every authority of every nation that has lists of its own.
    pub(super) fn authorities(&self) -> impl Iterator<Item = &Anchor> {
        let all = self.by_domain.values();
        all.flat_map(|n| n.anchors.iter().chain(&n.intermediates))
    }

    /// Whether time alone changed something between two moments: a list that was to begin
    /// later has begun, or an anchor that was retiring has retired.
    #[must_use]
    pub fn turned_between(&self, before: Timestamp, now: Timestamp) -> bool {
        let within = |at: Timestamp| before < at && at <= now;
        self.nations().any(|(_, nation)| {
            let own = nation.anchors.iter().flat_map(|a| &a.lists);
            let begins = own
                .chain(nation.lists_below())
                .filter_map(|l| l.this_update.checked_sub(revocation::START_SKEW_MAX).ok());
            let retires = nation.anchors.iter().filter_map(|a| match a.standing {
                Standing::Retiring { until } => Some(until),
                _ => None,
            });
            begins.chain(retires).any(within)
        })
    }

    /// The next snapshot with other blocks and nothing else different: what was held before
    /// goes, what is held now comes, and what stands in a nation's file stays.
    pub(super) fn with_holds(&self, before: &[Hold], after: &[Hold]) -> Self {
        let by_domain = self.by_domain.iter().map(|(domain, nation)| {
            let of = |holds: &[Hold]| -> Vec<Blocked> {
                let own = holds.iter().filter(|h| h.nation == nation.code);
                own.map(|h| h.what.clone()).collect()
            };
            let (gone, come) = (of(before), of(after));
            if gone == come {
                return (domain.clone(), Arc::clone(nation));
            }
            // Those of the file stand first, in the order of the file.
            let written = nation.blocked.len().saturating_sub(gone.len());
            let mut blocked: Vec<_> = nation.blocked.iter().take(written).cloned().collect();
            blocked.extend(come);
            let mut text = hex(&nation.content_sha256);
            for block in &blocked {
                text.push_str(&block.to_string());
            }
            let changed = NationAnchors {
                blocked,
                content_sha256: digest(text.as_bytes()),
                ..nation.as_ref().clone()
            };
            (domain.clone(), Arc::new(changed))
        });
        Self {
            epoch: self.epoch + 1,
            by_domain: by_domain.collect(),
            warnings: self.warnings.clone(),
        }
    }

    /// What is blocked, by nation, whether written in its file or given since.
    #[must_use]
    pub fn blocked(&self) -> Vec<(NationCode, Blocked)> {
        let mut all: Vec<_> = self
            .nations()
            .flat_map(|(_, n)| n.blocked.iter().map(|b| (n.code, b.clone())))
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// For operators: every nation's anchors and lists, sorted by nation.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Vec<AnchorStatus> {
        let mut nations: Vec<_> = self.by_domain.values().map(AsRef::as_ref).collect();
        nations.sort_by_key(|n: &&NationAnchors| n.code);
        nations
            .into_iter()
            .flat_map(|n| n.anchors.iter().map(move |a| anchor_status(n.code, a, now)))
            .collect()
    }

    /// The same of the authorities below the anchors that nations' files name.
    #[must_use]
    pub fn status_below(&self, now: Timestamp) -> Vec<AnchorStatus> {
        let nations = self.by_domain.values();
        let below = nations.flat_map(|n| n.intermediates.iter().map(move |a| (n.code, a)));
        below.map(|(code, a)| anchor_status(code, a, now)).collect()
    }
}

/// What was in force before, and what is remembered of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'a> {
    pub(super) snapshot: Option<&'a TrustSnapshot>,
    pub(super) floors: Option<&'a Floors>,
    pub(super) holds: &'a [Hold],
    // Nations that stay as they were, whatever their files say.
    pub(super) kept: &'a BTreeSet<NationCode>,
}

impl Default for Before<'_> {
    fn default() -> Self {
        Self {
            snapshot: None,
            floors: None,
            holds: &[],
            kept: const { &BTreeSet::new() },
        }
    }
}

impl Before<'_> {
    fn warnings_of(&self, nation: NationCode) -> impl Iterator<Item = TrustProblem> {
        let all = self.snapshot.into_iter().flat_map(|s| &s.warnings);
        all.filter(move |w| w.nation == nation).cloned()
    }

    /// Whether the nation of a problem is in force under another domain than it is to have.
    fn moves(&self, problem: &TrustProblem, nations: &[NationMaterial]) -> bool {
        let mut known = self.snapshot.into_iter().flat_map(TrustSnapshot::nations);
        let was = known.find(|(_, n)| n.code == problem.nation);
        let next = nations.iter().find(|n| n.code == problem.nation);
        was.zip(next)
            .is_some_and(|((was, _), next)| *was != next.domain)
    }
}

/// Notes whose the keys of a nation's anchors are. Of two nations that claim one key, the one
/// that did not have it before is at fault.
fn own_keys(
    nation: &NationAnchors,
    before: Option<&TrustSnapshot>,
    owner_of_key: &mut BTreeMap<[u8; 32], NationCode>,
    problems: &mut Vec<TrustProblem>,
) {
    let trusted = nation.anchors.iter();
    for anchor in trusted.filter(|a| a.standing != Standing::Withdrawn) {
        let key = anchor.spki_sha256;
        let owner = *owner_of_key.entry(key).or_insert(nation.code);
        if owner == nation.code {
            continue;
        }
        let had_it = before
            .into_iter()
            .flat_map(TrustSnapshot::nations)
            .any(|(_, n)| {
                let mut trusted = n.anchors.iter();
                n.code == nation.code
                    && trusted.any(|a| a.spki_sha256 == key && a.standing != Standing::Withdrawn)
            });
        let (faulty, other) = if had_it {
            (owner, nation.code)
        } else {
            (nation.code, owner)
        };
        problems.push(TrustProblem {
            nation: faulty,
            source_name: anchor.source_name.clone(),
            reason: format!("this authority also vouches for {other}; each nation needs its own"),
            severity: Severity::Error,
        });
    }
}

fn anchor_status(nation: NationCode, anchor: &Anchor, now: Timestamp) -> AnchorStatus {
    let lists = revocation::in_force(&anchor.lists, now);
    let list = lists.first();
    AnchorStatus {
        nation,
        subject: anchor.subject_text.clone(),
        spki_sha256_hex: hex(&anchor.spki_sha256),
        not_before: anchor.not_before,
        not_after: anchor.not_after,
        standing: anchor.standing,
        is_development: anchor.is_development,
        crl_number: list.map(|l| l.number.to_string()),
        crl_this_update: list.map(|l| l.this_update),
        crl_next_update: list.map(|l| l.next_update),
    }
}
