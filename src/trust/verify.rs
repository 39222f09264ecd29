//! The verification of a peer: pure, the same during the handshake, after it, and again when
//! the snapshot changes under a live connection.

use super::block::{Blocked, Presented};
use super::error::{TrustError, Which};
use super::path::{Attempt, Vouched, sub_lists};
use super::policy;
use super::profile::Profile;
use super::snapshot::{NationAnchors, TrustSnapshot};
use super::source::Standing;
use crate::identity::Identity;
use crate::identity::spiffe::SpiffeId;
use aws_lc_rs::digest::{SHA256, digest as hash};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use std::sync::Arc;
use std::time::Duration;
use webpki::ExpirationPolicy;
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

    /// Bytes of all its certificates.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.iter().map(|der| der.len()).sum()
    }

    /// The trust domain that the leaf claims, whether it is believed or not; none: the leaf has
    /// no sound identity.
    #[must_use]
    pub fn claimed_domain(&self) -> Option<String> {
        let leaf = policy::parse(self.0.first()?, Which::Leaf).ok()?;
        let id = claimed_id(&leaf).ok()?;
        Some(id.domain.to_string())
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
    /// Start of the certificate.
    pub not_before: Timestamp,
    /// End of the certificate.
    pub not_after: Timestamp,
    /// Earliest end in the whole chain, or of its authority's retirement; no connection
    /// outlives it.
    pub valid_until: Timestamp,
    /// The authority retires then, which ends the connection before the chain does.
    pub is_retiring: bool,
    /// Past its renewal, the revocation list still counted, by the operator's leave.
    pub list_overdue_since: Option<Timestamp>,
    /// What the listener demanded.
    pub profile: Profile,
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
    /// Verifies a chain, leaf first, at `now`, as a listener of the default profile does.
    ///
    /// # Errors
    /// Every reason to refuse it.
    pub fn verify(&self, chain: &PeerChain, now: Timestamp) -> Result<PeerIdentity, TrustError> {
        self.verify_for(chain, now, Profile::Default)
    }

    /// Verifies a chain, leaf first, at `now`, as a listener of this profile does.
    ///
    /// # Errors
    /// Every reason to refuse it.
    pub fn verify_for(
        &self,
        chain: &PeerChain,
        now: Timestamp,
        profile: Profile,
    ) -> Result<PeerIdentity, TrustError> {
        let (leaf, intermediates) = chain.0.split_first().ok_or(TrustError::NoCertificate)?;
        let at = At::new(now, profile, ExpirationPolicy::Enforce);
        self.verify_parts(leaf, intermediates, at)
    }

    /// Verifies the chain of a live connection again. As [`Self::verify_for`], but a
    /// revocation list past its renewal still counts: it was fresh when the connection was
    /// made, and a reload of one nation's files must not end the connections of another.
    ///
    /// # Errors
    /// Every reason to end the connection.
    pub fn verify_live(
        &self,
        chain: &PeerChain,
        now: Timestamp,
        profile: Profile,
    ) -> Result<PeerIdentity, TrustError> {
        let (leaf, intermediates) = chain.0.split_first().ok_or(TrustError::NoCertificate)?;
        let at = At::new(now, profile, ExpirationPolicy::Ignore);
        self.verify_parts(leaf, intermediates, at)
    }

    pub(super) fn verify_parts(
        &self,
        leaf_der: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        at: At,
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
        policy::check_leaf(&leaf, at.profile)?;

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
            nation,
            leaf_der,
            leaf: &leaf,
            sub_lists: sub_lists(nation, &issuers, at.now),
            issuers: issuers.iter().map(|(der, _)| der.clone()).collect(),
            at,
        };
        let Vouched {
            anchor,
            valid_until,
            keys,
            list_overdue_since,
        } = attempt.any_anchor().map_err(|error| match error {
            TrustError::UnknownIssuer { .. } if some_may_not_issue => TrustError::IssuerMayNotSign,
            other => other,
        })?;
        let serial_hex = hex(leaf.raw_serial());
        refuse_blocked(
            nation,
            &Presented {
                serial_hex: &serial_hex,
                system: &spiffe_id.system,
                keys: &keys,
            },
        )?;
        Ok(PeerIdentity {
            identity: Identity {
                nation: nation.code,
                system: spiffe_id.system.clone(),
            },
            spiffe_id,
            serial_hex,
            not_before: timestamp(leaf.validity().not_before.timestamp()),
            not_after: timestamp(leaf.validity().not_after.timestamp()),
            valid_until,
            is_retiring: anchor.standing == Standing::Retiring { until: valid_until },
            list_overdue_since,
            profile: at.profile,
            spki_sha256: digest(leaf.public_key().raw),
            anchor_spki_sha256: anchor.spki_sha256,
            anchor_subject: anchor.subject_text.clone(),
            epoch: self.epoch(),
        })
    }
}

impl TrustSnapshot {
    /// Whether a glance suffices to doubt a live connection: its authority does not vouch any
    /// more, its serial number stands on a list, or it is blocked. A glance, not a judgement:
    /// it tells which connections to verify first.
    #[must_use]
    pub fn doubts(&self, peer: &PeerIdentity, now: Timestamp) -> bool {
        let Some(nation) = self.by_domain(&peer.spiffe_id.domain) else {
            return true;
        };
        let mut known = nation.anchors.iter();
        let anchor = known.find(|a| a.spki_sha256 == peer.anchor_spki_sha256);
        let Some(anchor) = anchor.filter(|a| a.vouches(now)) else {
            return true;
        };
        let serial = from_hex(&peer.serial_hex);
        let mut lists = anchor.lists.iter().chain(nation.lists_below());
        if lists.any(|l| matches!(l.list.find_serial(&serial), Ok(Some(_)))) {
            return true;
        }
        let presented = Presented {
            serial_hex: &peer.serial_hex,
            system: &peer.spiffe_id.system,
            keys: &[peer.spki_sha256, peer.anchor_spki_sha256],
        };
        nation.blocked.iter().any(|b| b.concerns(&presented))
    }
}

/// The circumstances of a verification.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) now: Timestamp,
    pub(super) profile: Profile,
    pub(super) list_expiry: ExpirationPolicy,
}

impl At {
    pub(super) fn new(now: Timestamp, profile: Profile, list_expiry: ExpirationPolicy) -> Self {
        Self {
            now,
            profile,
            list_expiry,
        }
    }
}

/// What the operator has blocked of a nation, held against a chain that is sound.
fn refuse_blocked(nation: &NationAnchors, chain: &Presented<'_>) -> Result<(), TrustError> {
    let concerned = |block: &&Blocked| block.concerns(chain);
    // Of several the suspension says most.
    match nation.blocked.iter().filter(concerned).min() {
        None => Ok(()),
        Some(Blocked::Nation) => Err(TrustError::Suspended {
            nation: nation.code,
        }),
        Some(block) => Err(TrustError::Blocked {
            nation: nation.code,
            what: block.to_string(),
        }),
    }
}

pub(super) fn claimed_id(leaf: &X509Certificate<'_>) -> Result<SpiffeId, TrustError> {
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

pub(super) fn uris<'a>(leaf: &'a X509Certificate<'_>) -> Result<Vec<&'a str>, TrustError> {
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
pub(super) fn shortened(text: &str) -> String {
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

/// Reads what [`hex`] wrote; what is no digit counts as zero.
fn from_hex(text: &str) -> Vec<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16).unwrap_or(0);
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let value = pair
                .iter()
                .fold(0, |value, octet| value << 4 | digit(*octet));
            u8::try_from(value).unwrap_or_default()
        })
        .collect()
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
