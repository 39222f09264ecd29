//! A change of trust that was read, proven and compared, but is not in force.

use super::block::Hold;
use super::change::TrustChange;
use super::error::TrustProblem;
use super::floors::Floors;
use super::holds::Holds;
use super::marks::Marks;
use super::profile::Profile;
use super::snapshot::{Before, TrustSnapshot};
use super::source::{Material, NationMaterial, NationSources, Pinned};
use super::state::{Own, TrustEpoch, TrustStateError};
use super::tls::OwnCertificate;
use crate::clock::Clock;
use crate::identity::NationCode;
use jiff::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;

/// What a piece of material on trial would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    /// An active anchor.
    Anchor,
    /// A revocation list.
    RevocationList,
}

/// Material that stands in no file yet, to see what it would do.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Whose it would be.
    pub nation: NationCode,
    /// What it would be.
    pub kind: CandidateKind,
    /// PEM or DER.
    pub material: Material,
}

/// A change that can be looked at, and then committed or dropped.
#[derive(Debug)]
pub struct Prepared {
    pub(super) base: u64,
    pub(super) next: TrustEpoch,
    pub(super) nations: Vec<NationSources>,
    pub(super) seen: Marks,
    pub(super) anchors: Pinned,
    pub(super) faults: Vec<TrustProblem>,
    pub(super) holds: Option<Holds>,
    pub(super) is_trial: bool,
}

impl Prepared {
    /// What would be in force.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<TrustSnapshot> {
        &self.next.snapshot
    }

    /// What does not keep it from being committed, but keeps somebody out.
    #[must_use]
    pub fn warnings(&self) -> Vec<TrustProblem> {
        self.next.warnings()
    }

    /// Why nations keep what they had; only after [`super::TrustState::prepare_sound`].
    #[must_use]
    pub fn faults(&self) -> &[TrustProblem] {
        &self.faults
    }

    /// What differs from what is in force.
    #[must_use]
    pub fn changes(&self, before: &TrustEpoch) -> Vec<TrustChange> {
        self.next.snapshot.changes_since(&before.snapshot)
    }

    /// Whether the gateway's own certificate is another one.
    #[must_use]
    pub fn replaces_own(&self, before: &TrustEpoch) -> bool {
        !self.next.own.is_same(&before.own)
    }

    /// End of the gateway's certificate.
    #[must_use]
    pub fn own_not_after(&self) -> Timestamp {
        self.next.own.not_after()
    }

    /// A digest of everything that was read.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut parts: Vec<_> = self
            .next
            .snapshot
            .nations()
            .map(|(domain, nation)| (domain.as_str(), nation.content_sha256))
            .collect();
        parts.sort_unstable();
        let mut text = format!("{}", self.base);
        for (domain, content) in parts {
            text.push_str(domain);
            text.push_str(&super::verify::hex(&content));
        }
        text.push_str(&super::verify::hex(&self.next.own.sha256()));
        super::verify::digest(text.as_bytes())
    }
}

/// What an epoch is made from.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) nations: Cow<'a, [NationSources]>,
    pub(super) own: &'a Own,
    pub(super) profile: Profile,
    pub(super) floors: &'a Floors,
    pub(super) holds: &'a [Hold],
    pub(super) trial: &'a [Candidate],
    pub(super) pinned: Option<&'a Pinned>,
    // Anchors as they are in force.
    pub(super) anchors: &'a Pinned,
    pub(super) on_fault: OnFault,
}

/// What becomes of a change when the material of one nation is faulty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnFault {
    /// Nothing changes.
    Refuse,
    /// That nation keeps what it had.
    KeepNation,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) epoch: TrustEpoch,
    pub(super) anchors: Pinned,
    pub(super) faults: Vec<TrustProblem>,
}

/// Reads everything.
pub(super) fn load(
    source: &Source<'_>,
    epoch: u64,
    previous: Option<&TrustSnapshot>,
    clock: &dyn Clock,
) -> Result<Loaded, TrustStateError> {
    let mut problems = Vec::new();
    let read = source
        .nations
        .iter()
        .map(|n| n.read(source.pinned, &mut problems));
    let mut material: Vec<_> = read.collect();
    for candidate in source.trial {
        for nation in material.iter_mut().filter(|n| n.code == candidate.nation) {
            let place = match candidate.kind {
                CandidateKind::Anchor => &mut nation.anchors,
                CandidateKind::RevocationList => &mut nation.revocation_lists,
            };
            place.push(candidate.material.clone());
        }
    }
    let before = Before {
        snapshot: previous,
        floors: Some(source.floors),
        holds: source.holds,
        ..Before::default()
    };
    let now = clock.now();
    let (snapshot, faults) = match source.on_fault {
        OnFault::Refuse => TrustSnapshot::build(epoch, &material, now, &before, problems)
            .map(|snapshot| (snapshot, Vec::new())),
        OnFault::KeepNation => {
            TrustSnapshot::build_sound(epoch, &material, now, &before, &problems)
        }
    }
    .map_err(TrustStateError::Trust)?;
    // A nation that keeps what it had keeps its anchors as they are in force.
    let mut anchors = match faults.as_slice() {
        [] => Pinned::new(),
        _ => source.anchors.clone(),
    };
    let sound = |n: &&NationMaterial| faults.iter().all(|f| f.nation != n.code);
    let taken = material.iter().filter(sound);
    anchors.extend(taken.flat_map(NationMaterial::anchors_by_file));
    let own = OwnCertificate::load(&source.own.certificate, &source.own.key)?;
    own.check_profile(&source.own.certificate, source.profile)?;
    let epoch = TrustEpoch {
        snapshot: Arc::new(snapshot),
        own,
        accepted_at: clock.monotonic(),
        profile: source.profile,
    };
    if previous.is_none() {
        warn(&epoch, source.own, clock.now());
    }
    Ok(Loaded {
        epoch,
        anchors,
        faults,
    })
}

impl TrustEpoch {
    /// What keeps somebody out, and what the listener's profile would not take.
    fn warnings(&self) -> Vec<TrustProblem> {
        let mut warnings = self.snapshot.warnings().to_vec();
        warnings.extend(self.snapshot.unfit_for(self.profile));
        warnings
    }
}

/// Says what needs attention in what comes into force.
pub(super) fn warn(epoch: &TrustEpoch, own: &Own, now: Timestamp) {
    for problem in epoch.warnings() {
        tracing::warn!(nation = %problem.nation, source = problem.source_name,
            reason = problem.reason, "trusted material needs attention");
    }
    if epoch.own.not_after() <= now {
        tracing::warn!(not_after = %epoch.own.not_after(), certificate = %own.certificate.display(),
            "the gateway's own certificate has expired: clients refuse it");
    }
}
