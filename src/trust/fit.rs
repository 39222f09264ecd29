//! Whether what lies in files, or is in force, fits a listener's profile: keys and signatures of
//! authorities, gateways, requests and revocation lists. Systems' chains are judged whole
//! ([`super::chain_faults`]); here is what nobody sends in a handshake.

use super::error::{Severity, TrustError, TrustProblem, Which};
use super::facts::{ListFacts, RequestFacts};
use super::policy;
use super::profile::Profile;
use super::revocation;
use super::snapshot::TrustSnapshot;
use super::source::Standing;
use super::verify::PeerChain;
use super::words;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::x509::SubjectPublicKeyInfo;

/// A revocation list, as refusals call it.
const LIST: &str = "revocation list";

/// What a profile refuses of an authority by its make: its key, and, unless it is a root, how
/// it is signed.
#[must_use]
pub fn authority_faults(der: &[u8], profile: Profile) -> Vec<TrustError> {
    match policy::parse(&CertificateDer::from(der), Which::Issuer) {
        Ok(parsed) => issuer_faults(&parsed, profile),
        Err(error) => vec![error],
    }
}

pub(super) fn issuer_faults(issuer: &X509Certificate<'_>, profile: Profile) -> Vec<TrustError> {
    let key = policy::check_key(issuer.public_key(), Which::Issuer, profile).err();
    // Nobody verifies what a root says of itself.
    let is_root = issuer.subject() == issuer.issuer();
    let signature = || {
        let algorithm = &issuer.signature_algorithm;
        policy::check_signature(algorithm, Which::Issuer.word(), profile).err()
    };
    key.into_iter()
        .chain((!is_root).then(signature).flatten())
        .collect()
}

/// What a listener of a profile refuses to show of its own chain, leaf first: keys that it does
/// not take.
#[must_use]
pub fn server_faults(chain: &PeerChain, profile: Profile) -> Vec<TrustError> {
    let certificates = chain.0.iter().enumerate();
    let faults = certificates.filter_map(|(at, der)| {
        let which = if at == 0 { Which::Leaf } else { Which::Issuer };
        policy::parse(der, which)
            .and_then(|parsed| policy::check_key(parsed.public_key(), which, profile))
            .err()
    });
    faults.collect()
}

/// What a profile refuses of the public key (SubjectPublicKeyInfo, DER) of a system.
#[must_use]
pub fn system_key_fault(spki: &[u8], profile: Profile) -> Option<TrustError> {
    match SubjectPublicKeyInfo::from_der(spki) {
        Ok((_, parsed)) => policy::check_key(&parsed, Which::Leaf, profile).err(),
        Err(error) => Some(TrustError::Malformed {
            which: Which::Leaf,
            reason: words::unreadable(&error.map(x509_parser::error::X509Error::from)).to_owned(),
        }),
    }
}

impl TrustSnapshot {
    /// Authorities and lists in force that a listener of a profile does not take: each keeps out
    /// everybody for whom it stands.
    #[must_use]
    pub fn unfit_for(&self, profile: Profile) -> Vec<TrustProblem> {
        let mut unfit = Vec::new();
        for (_, nation) in self.nations() {
            let mut say = |source_name: &str, fault: TrustError| {
                unfit.push(TrustProblem {
                    nation: nation.code,
                    source_name: source_name.to_owned(),
                    reason: format!("nobody for whom it stands can connect: {fault}"),
                    severity: Severity::Warning,
                });
            };
            let anchors = nation.anchors.iter();
            let anchors = anchors.filter(|a| a.standing != Standing::Withdrawn);
            for authority in anchors.chain(&nation.intermediates) {
                // A list of an unfit authority does not matter any more.
                if let Err(fault) = authority.check_key(profile) {
                    say(&authority.source_name, fault);
                    continue;
                }
                for list in revocation::highest(&authority.lists) {
                    if let Err(fault) = list.signature.check(LIST, profile) {
                        say(&list.source_name, fault);
                    }
                }
            }
        }
        unfit.sort_by(|a, b| (a.nation, &a.source_name).cmp(&(b.nation, &b.source_name)));
        unfit
    }
}

impl RequestFacts {
    /// What a profile would refuse of a certificate for its key.
    #[must_use]
    pub fn key_fault(&self, profile: Profile) -> Option<TrustError> {
        system_key_fault(&self.spki_der, profile)
    }
}

impl ListFacts {
    /// What a profile refuses of the way in which it is signed.
    #[must_use]
    pub fn signature_fault(&self, profile: Profile) -> Option<TrustError> {
        let (_, parsed) = CertificateRevocationList::from_der(&self.der).ok()?;
        policy::check_signature(&parsed.signature_algorithm, LIST, profile).err()
    }
}
