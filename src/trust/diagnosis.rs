//! What is wrong with a chain, all of it at once, and what the gateway may say about it to
//! somebody whom it does not know.
//!
//! Invariant: what a stranger is told depends on the certificates that it sent and on the
//! gateway's clock; on trusted material only once an enrolled anchor has vouched for it. So
//! nobody finds out here who else is enrolled.

use super::error::{TrustError, Which};
use super::facts::{CertificateFacts, facts_of, key_in_words};
use super::fit;
use super::policy;
use super::profile::Profile;
use super::snapshot::TrustSnapshot;
use super::verify::{Claim, PeerChain, PeerIdentity, claim, claimed_id, timestamp};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::X509Certificate;

/// What the gateway thinks of a chain.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// What the certificate says of itself.
    pub claim: Claim,
    /// The certificates as they came, leaf first, as far as they can be read.
    pub chain: Vec<CertificateFacts>,
    /// Everything that is wrong with the certificates themselves.
    pub faults: Vec<TrustError>,
    /// Whether an enrolled authority vouches for them.
    pub vouching: Vouching,
}

/// Whether an enrolled authority vouches for a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vouching {
    /// It does, and nothing else is wrong: the door is open.
    Accepted(Box<PeerIdentity>),
    /// It does, but the chain is refused; the reason concerns this nation alone.
    Refused(TrustError),
    /// No nation has this trust domain, or none of its authorities issued the certificate. The
    /// error is for the operator's log; a stranger is not told which.
    Unknown(TrustError),
    /// Not looked at: the certificates themselves have to be mended first.
    Unexamined,
}

impl TrustSnapshot {
    /// Judges a chain in full, as a listener of this profile would, for the diagnosis listener.
    #[must_use]
    pub fn diagnose(&self, chain: &PeerChain, now: Timestamp, profile: Profile) -> Diagnosis {
        let facts = chain.0.iter().filter_map(|der| facts_of(der).ok());
        let mut faults = Vec::new();
        let vouching = match self.verify_for(chain, now, profile) {
            // A needless certificate in the chain may be faulty without harm.
            Ok(peer) => Vouching::Accepted(Box::new(peer)),
            Err(error) => {
                faults = chain_faults(chain, now, profile);
                if faults.is_empty() {
                    Vouching::of(error)
                } else {
                    Vouching::Unexamined
                }
            }
        };
        Diagnosis {
            claim: chain.0.first().map(|leaf| claim(leaf)).unwrap_or_default(),
            chain: facts.collect(),
            faults,
            vouching,
        }
    }
}

impl Vouching {
    fn of(error: TrustError) -> Self {
        match error {
            // Reached only for chains that end at an anchor of the claimed nation.
            TrustError::Revoked { .. }
            | TrustError::RevocationUnknown { .. }
            | TrustError::RevocationListExpired { .. }
            | TrustError::AnchorNotInForce { .. }
            | TrustError::Suspended { .. }
            | TrustError::Blocked { .. }
            | TrustError::WeakKey { .. } => Self::Refused(error),
            other => Self::Unknown(other),
        }
    }
}

/// Everything that is wrong with certificates by themselves, leaf first, whoever vouches for
/// them: what the rules of a listener of this profile say, and the dates against `now`.
#[must_use]
pub fn chain_faults(chain: &PeerChain, now: Timestamp, profile: Profile) -> Vec<TrustError> {
    let Some((leaf, issuers)) = chain.0.split_first() else {
        return vec![TrustError::NoCertificate];
    };
    let mut faults = leaf_faults(leaf, now, profile);
    if issuers.len() > policy::INTERMEDIATES_MAX {
        faults.push(TrustError::TooManyCertificates {
            sent: issuers.len(),
            sent_max: policy::INTERMEDIATES_MAX,
        });
        return faults;
    }
    for issuer in issuers {
        match policy::parse(issuer, Which::Issuer) {
            Ok(parsed) => {
                if !policy::may_issue(&parsed) {
                    faults.push(TrustError::IssuerMayNotSign);
                }
                faults.extend(fit::issuer_faults(&parsed, profile));
                faults.extend(date_fault(&parsed, Which::Issuer, now));
            }
            Err(error) => faults.push(error),
        }
    }
    faults
}

fn leaf_faults(der: &CertificateDer<'_>, now: Timestamp, profile: Profile) -> Vec<TrustError> {
    let parsed = match policy::parse(der, Which::Leaf) {
        Ok(parsed) => parsed,
        Err(error) => return vec![error],
    };
    let mut faults: Vec<_> = claimed_id(&parsed).err().into_iter().collect();
    faults.extend(policy::leaf_faults(&parsed, profile));
    for fault in &mut faults {
        if let TrustError::WeakKey { key, .. } = fault {
            *key = key_in_words(parsed.public_key());
        }
    }
    faults.extend(date_fault(&parsed, Which::Leaf, now));
    faults
}

fn date_fault(
    certificate: &X509Certificate<'_>,
    which: Which,
    now: Timestamp,
) -> Option<TrustError> {
    let validity = certificate.validity();
    let not_before = timestamp(validity.not_before.timestamp());
    let not_after = timestamp(validity.not_after.timestamp());
    if now < not_before {
        return Some(TrustError::NotYetValid {
            which,
            not_before,
            now,
        });
    }
    (not_after < now).then_some(TrustError::Expired {
        which,
        not_after,
        now,
    })
}
