//! The verification of a peer: pure, the same during the handshake, after it, and again when
//! the snapshot changes under a live connection.

use super::anchor::Anchor;
use super::error::{TrustError, Which};
use super::policy;
use super::revocation::{self, RevocationList, SignerKey};
use super::snapshot::{NationAnchors, TrustSnapshot};
use crate::identity::spiffe::SpiffeId;
use crate::identity::{Identity, NationCode};
use aws_lc_rs::digest::{SHA256, digest as hash};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use std::sync::Arc;
use std::time::Duration;
use webpki::{
    EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder,
    UnknownStatusPolicy,
};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;

/// The certificates that a peer sent, leaf first. Opaque outside of this module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerChain(pub(super) Arc<[CertificateDer<'static>]>);

impl PeerChain {
    /// Takes certificates in DER, leaf first.
    #[must_use]
    pub fn from_der(certificates: &[&[u8]]) -> Self {
        let owned = certificates
            .iter()
            .map(|der| CertificateDer::from(der.to_vec()));
        Self(owned.collect())
    }
}

/// Who a verified peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerIdentity {
    /// Nation and system.
    pub identity: Identity,
    /// As the certificate has it.
    pub spiffe_id: SpiffeId,
    /// Serial number of the certificate, lower-case hexadecimal.
    pub serial_hex: String,
    /// End of the certificate.
    pub not_after: Timestamp,
    /// Earliest end in the whole chain; no connection outlives it.
    pub valid_until: Timestamp,
    /// SHA-256 of the certificate's public key (SubjectPublicKeyInfo).
    pub spki_sha256: [u8; 32],
    /// SHA-256 of the anchor's public key.
    pub anchor_spki_sha256: [u8; 32],
    /// Subject of the anchor.
    pub anchor_subject: String,
    /// Of the snapshot that verified it.
    pub epoch: u64,
}

/// What a refused certificate said of itself; for the log only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The first URI, shortened.
    pub uri: Option<String>,
    /// Serial number, hexadecimal.
    pub serial_hex: Option<String>,
}

impl TrustSnapshot {
    /// Verifies a chain, leaf first, at `now`.
    ///
    /// # Errors
    /// Every reason to refuse it.
    pub fn verify(&self, chain: &PeerChain, now: Timestamp) -> Result<PeerIdentity, TrustError> {
        let (leaf, intermediates) = chain.0.split_first().ok_or(TrustError::NoCertificate)?;
        self.verify_parts(leaf, intermediates, now, ExpirationPolicy::Enforce)
    }

    /// Verifies the chain of a live connection again. As [`Self::verify`], but a revocation
    /// list past its renewal still counts: it was fresh when the connection was made, and a
    /// reload of one nation's files must not end the connections of another.
    ///
    /// # Errors
    /// Every reason to end the connection.
    pub fn verify_live(
        &self,
        chain: &PeerChain,
        now: Timestamp,
    ) -> Result<PeerIdentity, TrustError> {
        let (leaf, intermediates) = chain.0.split_first().ok_or(TrustError::NoCertificate)?;
        self.verify_parts(leaf, intermediates, now, ExpirationPolicy::Ignore)
    }

    pub(super) fn verify_parts(
        &self,
        leaf_der: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: Timestamp,
        list_expiry: ExpirationPolicy,
    ) -> Result<PeerIdentity, TrustError> {
        if sent.len() > policy::INTERMEDIATES_MAX {
            return Err(TrustError::TooManyCertificates {
                sent: sent.len(),
                sent_max: policy::INTERMEDIATES_MAX,
            });
        }
        let leaf = policy::parse(leaf_der, Which::Leaf)?;
        let spiffe_id = claimed_id(&leaf)?;
        let nation = self
            .by_domain(&spiffe_id.domain)
            .ok_or_else(|| TrustError::UnknownDomain(spiffe_id.domain.clone()))?;
        policy::check_leaf(&leaf)?;

        let mut issuers = Vec::with_capacity(sent.len());
        let mut some_may_not_issue = false;
        for der in sent {
            let parsed = policy::parse(der, Which::Issuer)?;
            if policy::may_issue(&parsed) {
                issuers.push((der.clone(), parsed));
            } else {
                some_may_not_issue = true;
            }
        }
        let attempt = Attempt {
            nation: nation.code,
            leaf_der,
            leaf: &leaf,
            sub_lists: sub_lists(nation, &issuers, now),
            issuers: issuers.iter().map(|(der, _)| der.clone()).collect(),
            now,
            list_expiry,
        };
        let (anchor, valid_until) = attempt.any_anchor(nation).map_err(|error| match error {
            TrustError::UnknownIssuer { .. } if some_may_not_issue => TrustError::IssuerMayNotSign,
            other => other,
        })?;
        Ok(PeerIdentity {
            identity: Identity {
                nation: nation.code,
                system: spiffe_id.system.clone(),
            },
            spiffe_id,
            serial_hex: hex(leaf.raw_serial()),
            not_after: timestamp(leaf.validity().not_after.timestamp()),
            valid_until,
            spki_sha256: digest(leaf.public_key().raw),
            anchor_spki_sha256: anchor.spki_sha256,
            anchor_subject: anchor.subject_text.clone(),
            epoch: self.epoch(),
        })
    }
}

/// One leaf against the anchors of one nation, each alone.
struct Attempt<'a> {
    nation: NationCode,
    leaf_der: &'a CertificateDer<'a>,
    leaf: &'a X509Certificate<'a>,
    issuers: Vec<CertificateDer<'a>>,
    // Lists of intermediate authorities, proven under the keys of those that were sent.
    sub_lists: Vec<Arc<RevocationList>>,
    now: Timestamp,
    list_expiry: ExpirationPolicy,
}

impl Attempt<'_> {
    fn any_anchor<'n>(
        &self,
        nation: &'n NationAnchors,
    ) -> Result<(&'n Anchor, Timestamp), TrustError> {
        let mut worst = TrustError::NoLiveAnchor {
            nation: self.nation,
            now: self.now,
        };
        for anchor in nation.anchors.iter().filter(|a| a.is_live(self.now)) {
            match self.one_anchor(anchor) {
                Ok(valid_until) => return Ok((anchor, valid_until)),
                Err(error) if error.rank() >= worst.rank() => worst = error,
                Err(_) => {}
            }
        }
        Err(worst)
    }

    fn one_anchor(&self, anchor: &Anchor) -> Result<Timestamp, TrustError> {
        let end_entity =
            EndEntityCert::try_from(self.leaf_der).map_err(|e| TrustError::Malformed {
                which: Which::Leaf,
                reason: format!("{e:?}"),
            })?;
        let mut lists = revocation::in_force(&anchor.lists, self.now);
        lists.extend(self.sub_lists.iter().map(AsRef::as_ref));
        let offered: Vec<_> = lists.iter().map(|l| &l.list).collect();
        // No list at all: path validation still runs, so that the peer learns the first
        // fault; but without a list nothing is ever accepted.
        let revocation = RevocationOptionsBuilder::new(&offered).ok().map(|builder| {
            builder
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(self.list_expiry)
                .build()
        });
        let checked = revocation.is_some();
        let path = end_entity
            .verify_for_usage(
                super::tls::signature_algorithms().all,
                &anchor.trust_anchor,
                &self.issuers,
                unix_time(self.now),
                // Where an issuer names purposes they must include ours. The leaf must name
                // it, which `policy` has checked: webpki's strict form asks it of issuers too.
                KeyUsage::client_auth(),
                revocation,
                None,
            )
            .map_err(|e| self.explain(e))?;
        if !checked {
            return Err(TrustError::RevocationUnknown {
                nation: self.nation,
            });
        }
        let mut valid_until = anchor
            .not_after
            .min(timestamp(self.leaf.validity().not_after.timestamp()));
        for issuer in path.intermediate_certificates() {
            let der = issuer.der();
            let parsed = policy::parse(&der, Which::Issuer)?;
            policy::check_key(parsed.public_key(), Which::Issuer)?;
            valid_until = valid_until.min(timestamp(parsed.validity().not_after.timestamp()));
        }
        Ok(valid_until)
    }

    /// webpki's error in our words, with both clocks named.
    fn explain(&self, error: webpki::Error) -> TrustError {
        use webpki::Error as E;
        let (nation, now) = (self.nation, self.now);
        match error {
            E::CertExpired { not_after, .. } => {
                let not_after = from_unix(not_after);
                let leaf_end = timestamp(self.leaf.validity().not_after.timestamp());
                let which = if leaf_end == not_after {
                    Which::Leaf
                } else {
                    Which::Issuer
                };
                TrustError::Expired {
                    which,
                    not_after,
                    now,
                }
            }
            E::CertNotValidYet { not_before, .. } => {
                let not_before = from_unix(not_before);
                let leaf_start = timestamp(self.leaf.validity().not_before.timestamp());
                let which = if leaf_start == not_before {
                    Which::Leaf
                } else {
                    Which::Issuer
                };
                TrustError::NotYetValid {
                    which,
                    not_before,
                    now,
                }
            }
            E::CertRevoked => TrustError::Revoked { nation },
            E::CrlExpired { next_update, .. } => TrustError::RevocationListExpired {
                nation,
                next_update: from_unix(next_update),
                now,
            },
            E::UnknownRevocationStatus
            | E::InvalidCrlSignatureForPublicKey
            | E::IssuerNotCrlSigner => TrustError::RevocationUnknown { nation },
            E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => TrustError::NotForClients,
            E::CaUsedAsEndEntity => TrustError::AuthorityAsLeaf,
            E::EndEntityUsedAsCa => TrustError::IssuerMayNotSign,
            // A signature that fails is a certificate by somebody with the same name.
            E::UnknownIssuer | E::InvalidSignatureForPublicKey => TrustError::UnknownIssuer {
                nation,
                issuer: shortened(&self.leaf.issuer().to_string()),
            },
            other => TrustError::Path(format!("{other:?}")),
        }
    }
}

/// The lists of the sent intermediates. Their keys are unverified here; a list counts only
/// for a certificate that the same key issued, which webpki then checks.
fn sub_lists(
    nation: &NationAnchors,
    issuers: &[(CertificateDer<'_>, X509Certificate<'_>)],
    now: Timestamp,
) -> Vec<Arc<RevocationList>> {
    let mut proven = Vec::new();
    for (_, issuer) in issuers {
        let key = SignerKey {
            public_key: issuer.public_key().subject_public_key.data.to_vec(),
        };
        let mut own: Vec<_> = nation
            .sub_lists
            .iter()
            .filter(|l| l.issuer == issuer.subject().as_raw() && l.is_proven_by(&key))
            .cloned()
            .collect();
        revocation::sort(&mut own);
        let chosen = revocation::in_force(&own, now);
        proven.extend(
            own.iter()
                .filter(|l| chosen.iter().any(|c| std::ptr::eq(*c, l.as_ref())))
                .cloned(),
        );
    }
    proven
}

fn claimed_id(leaf: &X509Certificate<'_>) -> Result<SpiffeId, TrustError> {
    let uris = uris(leaf)?;
    match uris.as_slice() {
        [] => Err(TrustError::NoUri),
        [uri] => SpiffeId::parse(uri).map_err(|reason| TrustError::OddUri {
            uri: shortened(uri),
            reason,
        }),
        several => Err(TrustError::SeveralUris(several.len())),
    }
}

fn uris<'a>(leaf: &'a X509Certificate<'_>) -> Result<Vec<&'a str>, TrustError> {
    let malformed = |reason: &str| TrustError::Malformed {
        which: Which::Leaf,
        reason: reason.to_owned(),
    };
    let names = leaf
        .subject_alternative_name()
        .map_err(|_| malformed("its subject alternative name cannot be read, or is doubled"))?;
    let mut uris = Vec::new();
    for name in names.iter().flat_map(|n| &n.value.general_names) {
        match name {
            GeneralName::URI(uri) => uris.push(*uri),
            // A name that one parser skips and another reads is how identities are forged.
            GeneralName::Invalid(..) => {
                return Err(malformed("a subject alternative name cannot be read"));
            }
            _ => {}
        }
    }
    Ok(uris)
}

/// What a certificate claims; never an error, because it is only for the log.
pub(super) fn claim(leaf_der: &CertificateDer<'_>) -> Claim {
    let Ok(leaf) = policy::parse(leaf_der, Which::Leaf) else {
        return Claim::default();
    };
    let uri = uris(&leaf)
        .ok()
        .and_then(|u| u.first().map(|u| shortened(u)));
    Claim {
        uri,
        serial_hex: Some(shortened(&hex(leaf.raw_serial()))),
    }
}

/// At most 200 characters, and none that could break a line of the log.
fn shortened(text: &str) -> String {
    text.chars()
        .take(200)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{b:02x}");
            text
        })
}

pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hash(&SHA256, bytes).as_ref());
    out
}

/// Certificates may name times beyond ours; those saturate.
pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

pub(super) fn unix_time(at: Timestamp) -> UnixTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

pub(super) fn from_unix(at: UnixTime) -> Timestamp {
    timestamp(i64::try_from(at.as_secs()).unwrap_or(i64::MAX))
}
