//! All trusted material at one moment: loaded whole or not at all, then never changed.
//!
//! Invariant: a list stands with an anchor only when that anchor's key signed it, and no key
//! is an anchor of two nations.

use super::anchor::Anchor;
use super::error::{Severity, TrustProblem};
use super::load::Loading;
use super::revocation::{self, RevocationList};
use super::source::{NationMaterial, NationSources};
use super::verify::hex;
use crate::clock::Clock;
use crate::identity::NationCode;
use crate::identity::spiffe::TrustDomain;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Anchors and revocation lists of all nations, of one epoch.
#[derive(Debug)]
pub struct TrustSnapshot {
    epoch: u64,
    by_domain: HashMap<TrustDomain, NationAnchors>,
    warnings: Vec<TrustProblem>,
}

/// What one nation is verified with.
#[derive(Debug)]
pub(super) struct NationAnchors {
    pub(super) code: NationCode,
    pub(super) anchors: Vec<Anchor>,
    // Of no anchor's name; an intermediate authority may prove them during a handshake.
    pub(super) sub_lists: Vec<Arc<RevocationList>>,
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
        let read = nations.iter().map(|n| n.read(&mut problems));
        let material: Vec<_> = read.collect();
        Self::build(epoch, &material, clock.now(), previous, problems)
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
        Self::build(epoch, nations, now, previous, Vec::new())
    }

    fn build(
        epoch: u64,
        nations: &[NationMaterial],
        now: Timestamp,
        previous: Option<&Self>,
        mut problems: Vec<TrustProblem>,
    ) -> Result<Self, Vec<TrustProblem>> {
        let mut by_domain = HashMap::new();
        let mut owner_of_key: BTreeMap<[u8; 32], NationCode> = BTreeMap::new();
        for material in nations {
            let before = previous.and_then(|p| p.by_domain(&material.domain));
            let is_broken = problems
                .iter()
                .any(|p| p.nation == material.code && p.severity == Severity::Error);
            let nation = Loading {
                material,
                now,
                problems: &mut problems,
                is_broken,
            }
            .nation(before);
            for anchor in &nation.anchors {
                let owner = *owner_of_key
                    .entry(anchor.spki_sha256)
                    .or_insert(nation.code);
                if owner != nation.code {
                    problems.push(TrustProblem {
                        nation: nation.code,
                        source_name: anchor.source_name.clone(),
                        reason: format!(
                            "this authority also vouches for {owner}; each nation needs its own"
                        ),
                        severity: Severity::Error,
                    });
                }
            }
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
        self.by_domain.get(domain)
    }

    /// For operators: every nation's anchors and lists, sorted by nation.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Vec<AnchorStatus> {
        let mut nations: Vec<_> = self.by_domain.values().collect();
        nations.sort_by_key(|n| n.code);
        nations
            .into_iter()
            .flat_map(|n| n.anchors.iter().map(move |a| anchor_status(n.code, a, now)))
            .collect()
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
        is_development: anchor.is_development,
        crl_number: list.map(|l| l.number.to_string()),
        crl_this_update: list.map(|l| l.this_update),
        crl_next_update: list.map(|l| l.next_update),
    }
}
