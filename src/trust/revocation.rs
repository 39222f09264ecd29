//! Revocation lists: read, proven, and the one in force chosen.
//!
//! webpki takes the *first* list whose issuer's name matches, and checks no number and no
//! start. So the choice is made here: of the lists proven under the issuer's key and begun by
//! now, the one with the highest number for each distribution point; no other is offered.

use super::policy::SignatureId;
use super::words;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

/// How far a list's start may lie ahead of our clock, so that a fresh list from an authority
/// whose clock is a little fast counts at once.
pub(super) const START_SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);
/// Longest list number, octets (RFC 5280, 5.2.3).
const NUMBER_BYTES_MAX: usize = 20;

/// A parsed revocation list; not yet proven.
#[derive(Debug)]
pub(super) struct RevocationList {
    pub(super) source_name: String,
    pub(super) list: CertRevocationList<'static>,
    pub(super) der: Vec<u8>,
    // Of what is signed: the same list signed twice differs in its bytes, but not in this.
    pub(super) content_sha256: [u8; 32],
    pub(super) issuer: Vec<u8>,
    pub(super) issuer_text: String,
    pub(super) number: Number,
    pub(super) signature: SignatureId,
    pub(super) this_update: Timestamp,
    pub(super) next_update: Timestamp,
    // How many certificates it revokes.
    pub(super) revoked: usize,
}

/// A list's number: big-endian without leading zeros, so that longer is greater.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number(Vec<u8>);

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl Number {
    /// Hexadecimal, without leading zeros.
    pub(super) fn to_hex(&self) -> String {
        super::verify::hex(&self.0)
    }

    /// Reads what [`Self::to_hex`] wrote.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let octets = text.as_bytes().chunks(2);
        let read = octets.map(|pair| {
            let pair = std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        read.collect::<Option<Vec<u8>>>().map(Self)
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Authorities count; a number beyond 128 bits is shown in hexadecimal.
        if self.0.len() <= 16 {
            let value = self.0.iter().fold(0_u128, |n, b| (n << 8) | u128::from(*b));
            write!(f, "{value}")
        } else {
            write!(f, "0x{}", super::verify::hex(&self.0))
        }
    }
}

impl RevocationList {
    /// Parses DER. A panic of a parser on hostile bytes is an error like any other.
    pub(super) fn parse(source_name: &str, der: Vec<u8>) -> Result<Self, String> {
        std::panic::catch_unwind(|| Self::parse_unguarded(source_name, der))
            .unwrap_or_else(|_| Err("the parser could not cope with this list".to_owned()))
    }

    fn parse_unguarded(source_name: &str, der: Vec<u8>) -> Result<Self, String> {
        fail::fail_point!("trust::parse_list");
        let owned = OwnedCertRevocationList::from_der(&der).map_err(|e| {
            format!(
                "is no revocation list that can be used: {}",
                words::plain(&e)
            )
        })?;
        let (rest, parsed) = CertificateRevocationList::from_der(&der)
            .map_err(|e| format!("is no revocation list: {}", words::unreadable(&e)))?;
        if !rest.is_empty() {
            return Err("has bytes after its end".to_owned());
        }
        let number = parsed
            .crl_number()
            .ok_or("has no number (RFC 5280, 5.2.3), so a stale one could not be told")?
            .to_bytes_be();
        if number.len() > NUMBER_BYTES_MAX {
            return Err(format!(
                "its number has more than {NUMBER_BYTES_MAX} octets"
            ));
        }
        let next_update = parsed
            .next_update()
            .ok_or("says no time by which it will be renewed (nextUpdate)")?;
        let this_update = instant(parsed.last_update().timestamp())?;
        let next_update = instant(next_update.timestamp())?;
        let issuer = parsed.issuer().as_raw().to_vec();
        let issuer_text = parsed.issuer().to_string();
        let content_sha256 = super::verify::digest(parsed.tbs_cert_list.as_ref());
        Ok(Self {
            source_name: source_name.to_owned(),
            list: owned.into(),
            content_sha256,
            issuer,
            issuer_text,
            number: Number(number),
            signature: SignatureId::of(&parsed.signature_algorithm),
            this_update,
            next_update,
            revoked: parsed.iter_revoked_certificates().count(),
            der,
        })
    }

    /// Whether the key signed this list.
    pub(super) fn is_proven_by(&self, key: &SignerKey) -> bool {
        let Ok((_, parsed)) = CertificateRevocationList::from_der(&self.der) else {
            return false;
        };
        key.signed(
            parsed.signature_algorithm.algorithm.as_bytes(),
            parsed.tbs_cert_list.as_ref(),
            &parsed.signature_value.data,
        )
    }

    /// The part of its authority's certificates that it covers.
    pub(super) fn scope(&self) -> Option<&[u8]> {
        self.list.issuing_distribution_point()
    }
}

/// The key that signs certificates and lists of one authority.
#[derive(Clone, Debug)]
pub(super) struct SignerKey {
    /// Contents of the subjectPublicKey bit string.
    pub(super) public_key: Vec<u8>,
}

impl SignerKey {
    /// Whether it made a signature with an algorithm, named by the contents of its OID.
    pub(super) fn signed(&self, algorithm: &[u8], content: &[u8], signature: &[u8]) -> bool {
        // Contents of an AlgorithmIdentifier begin with the OID: tag, length, value.
        let names = |id: &[u8]| {
            id.split_at_checked(2)
                .is_some_and(|(_, oid)| oid.starts_with(algorithm))
        };
        super::profile::Profile::Default
            .signatures()
            .all
            .iter()
            .filter(|candidate| names(candidate.signature_alg_id().as_ref()))
            .any(|candidate| {
                candidate
                    .verify_signature(&self.public_key, content, signature)
                    .is_ok()
            })
    }
}

/// Of lists sorted by [`sort`], the ones in force at `now`: one for each scope.
pub(super) fn in_force(lists: &[Arc<RevocationList>], now: Timestamp) -> Vec<&RevocationList> {
    let latest_start = now.saturating_add(START_SKEW_MAX).unwrap_or(Timestamp::MAX);
    let mut chosen: Vec<&RevocationList> = Vec::new();
    for list in lists {
        if list.this_update <= latest_start && !chosen.iter().any(|c| c.scope() == list.scope()) {
            chosen.push(list);
        }
    }
    chosen
}

/// Of lists sorted by [`sort`], the one with the highest number for each scope, begun or not.
pub(super) fn highest(lists: &[Arc<RevocationList>]) -> Vec<&RevocationList> {
    let mut chosen: Vec<&RevocationList> = Vec::new();
    for list in lists {
        if !chosen.iter().any(|c| c.scope() == list.scope()) {
            chosen.push(list);
        }
    }
    chosen
}

/// Highest number first.
pub(super) fn sort(lists: &mut [Arc<RevocationList>]) {
    lists.sort_by(|a, b| b.number.cmp(&a.number));
}

fn instant(seconds: i64) -> Result<Timestamp, String> {
    Timestamp::from_second(seconds).map_err(|_| "names an impossible time".to_owned())
}
