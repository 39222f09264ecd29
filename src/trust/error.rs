//! Why a certificate is refused, and what is wrong with the material that we trust.
//! Display is for the operator; `code` is the short, stable word for the peer and for metrics.

use crate::identity::NationCode;
use crate::identity::spiffe::{SpiffeError, TrustDomain};
use jiff::Timestamp;
use rustls::CertificateError;
use thiserror::Error;

/// Why a peer's certificate is refused. The peer, or its authority, has to act, unless the
/// text says that our own copy of a revocation list is at fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TrustError {
    /// The peer sent no certificate at all.
    #[error("the peer sent no certificate")]
    NoCertificate,
    /// Not DER, not X.509 version 3, or trailing bytes.
    #[error("the {which} is malformed: {reason}")]
    Malformed {
        /// Which certificate of the chain.
        which: Which,
        /// What the parser said.
        reason: String,
    },
    /// More bytes than a certificate has.
    #[error("the {which} has {bytes} bytes; at most {bytes_max} are allowed")]
    TooLarge {
        /// Which certificate of the chain.
        which: Which,
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A long chain, sent by mistake or to keep the path builder busy.
    #[error("the peer sent {sent} intermediate certificates; at most {sent_max} are allowed")]
    TooManyCertificates {
        /// How many came.
        sent: usize,
        /// The limit.
        sent_max: usize,
    },
    /// No URI in the subject alternative name, so the certificate names no system.
    #[error(
        "the certificate has no URI subject alternative name; exactly one SPIFFE id is required"
    )]
    NoUri,
    /// Two or more URIs: ambiguous, refused (X509-SVID section 2).
    #[error("the certificate has {0} URI subject alternative names; exactly one is required")]
    SeveralUris(usize),
    /// The URI is no SPIFFE id.
    #[error("the certificate's URI `{uri}` is no SPIFFE id: {reason}")]
    OddUri {
        /// As far as it can be shown.
        uri: String,
        /// What is wrong with it.
        reason: SpiffeError,
    },
    /// No nation owns the claimed domain.
    #[error("no nation is enrolled with the trust domain `{0}`")]
    UnknownDomain(TrustDomain),
    /// The nation has no anchor that is valid now.
    #[error("{nation} has no trust anchor that is valid at {now}")]
    NoLiveAnchor {
        /// The claimed nation.
        nation: NationCode,
        /// Our clock.
        now: Timestamp,
    },
    /// No path to an anchor of the claimed nation.
    #[error("the certificate was not issued by an authority of {nation} (issuer: {issuer})")]
    UnknownIssuer {
        /// The claimed nation.
        nation: NationCode,
        /// Issuer of the leaf, as it says itself.
        issuer: String,
    },
    /// Something in the chain is over.
    #[error("the {which} expired at {not_after}; the gateway's clock says {now}")]
    Expired {
        /// Which certificate of the chain.
        which: Which,
        /// Its end.
        not_after: Timestamp,
        /// Our clock.
        now: Timestamp,
    },
    /// Something in the chain has not begun; often a clock is wrong.
    #[error("the {which} is not valid before {not_before}; the gateway's clock says {now}")]
    NotYetValid {
        /// Which certificate of the chain.
        which: Which,
        /// Its start.
        not_before: Timestamp,
        /// Our clock.
        now: Timestamp,
    },
    /// The leaf or an intermediate is on a revocation list.
    #[error(
        "the certificate, or an authority in its chain, has been revoked by {nation} \
         (revocation list number {list_number})"
    )]
    Revoked {
        /// The claimed nation.
        nation: NationCode,
        /// Number of the list that says so, decimal.
        list_number: String,
    },
    /// There is no list for an issuer in the chain, so nobody knows: denied.
    #[error(
        "revocation status unknown: the gateway holds no valid revocation list of {nation} for \
         an issuer in the chain"
    )]
    RevocationUnknown {
        /// The claimed nation.
        nation: NationCode,
    },
    /// Our copy of the list is too old to prove anything.
    #[error(
        "the revocation list of {nation} was to be renewed by {next_update}; the gateway's clock \
         says {now}"
    )]
    RevocationListExpired {
        /// The claimed nation.
        nation: NationCode,
        /// When a newer list was due.
        next_update: Timestamp,
        /// Our clock.
        now: Timestamp,
    },
    /// A server's certificate, or one without a stated use.
    #[error("the certificate does not name client authentication among its extended key usages")]
    NotForClients,
    /// Any key usage is no statement of use.
    #[error("the certificate allows any extended key usage; name client authentication instead")]
    AnyUsage,
    /// An authority's certificate used as a system's.
    #[error("the certificate is an authority's; a system needs a certificate of its own")]
    AuthorityAsLeaf,
    /// A system's certificate that may sign certificates or lists.
    #[error("the certificate's key usage allows signing certificates or revocation lists")]
    LeafMaySign,
    /// Key usage is absent or lacks digital signature.
    #[error("the certificate's key usage lacks digital signature")]
    NoDigitalSignature,
    /// An intermediate that was never allowed to issue.
    #[error("an intermediate certificate may not sign certificates (key usage)")]
    IssuerMayNotSign,
    /// Key type or size outside the profile.
    #[error("the {which} has a {key} key; allowed are {allowed}")]
    WeakKey {
        /// Which certificate of the chain.
        which: Which,
        /// What it has.
        key: String,
        /// What the listener's profile allows.
        allowed: &'static str,
    },
    /// Signed with an algorithm outside the profile.
    #[error("the {what} is signed with {algorithm}; allowed are {allowed}")]
    WeakSignature {
        /// What is signed: a certificate of the chain, or a revocation list.
        what: &'static str,
        /// The algorithm.
        algorithm: String,
        /// What the listener's profile allows.
        allowed: &'static str,
    },
    /// Zero, negative or over 20 octets (RFC 5280, 4.1.2.2).
    #[error("the certificate's serial number must be positive and have 1 to 20 octets")]
    OddSerial,
    /// Valid for longer than a system's certificate may be.
    #[error("the certificate is valid for {days} days; at most {days_max} are allowed")]
    LongLived {
        /// Its lifetime.
        days: i64,
        /// The limit.
        days_max: i64,
    },
    /// The authority that issued it is known, but does not vouch for anybody now.
    #[error(
        "the authority `{subject}` of {nation} {standing}; its certificates are no longer, or not yet, taken"
    )]
    AnchorNotInForce {
        /// The claimed nation.
        nation: NationCode,
        /// The authority's subject.
        subject: String,
        /// What became of it, as a clause.
        standing: String,
    },
    /// The nation is suspended.
    #[error("{nation} is suspended by the operator of the gateway")]
    Suspended {
        /// The nation.
        nation: NationCode,
    },
    /// A key, serial number or system that the operator blocked.
    #[error("the operator of the gateway has blocked {what} of {nation}")]
    Blocked {
        /// The nation.
        nation: NationCode,
        /// What matched.
        what: String,
    },
    /// The path builder gave up, or another rule of path validation is broken.
    #[error("path validation failed: {0}")]
    Path(String),
}

/// A certificate of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The system's own.
    Leaf,
    /// Any above it.
    Issuer,
}

impl Which {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Leaf => "certificate",
            Self::Issuer => "issuer's certificate",
        }
    }
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl TrustError {
    /// A short, stable word for metrics and the peer.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::Malformed { .. } => "malformed",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyCertificates { .. } => "too_many_certificates",
            Self::NoUri => "no_uri",
            Self::SeveralUris(_) => "several_uris",
            Self::OddUri { .. } => "odd_uri",
            Self::UnknownDomain(_) => "unknown_domain",
            Self::NoLiveAnchor { .. } => "no_live_anchor",
            Self::UnknownIssuer { .. } => "unknown_issuer",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Revoked { .. } => "revoked",
            Self::RevocationUnknown { .. } => "revocation_unknown",
            Self::RevocationListExpired { .. } => "revocation_list_expired",
            Self::NotForClients => "not_for_clients",
            Self::AnyUsage => "any_usage",
            Self::AuthorityAsLeaf => "authority_as_leaf",
            Self::LeafMaySign => "leaf_may_sign",
            Self::NoDigitalSignature => "no_digital_signature",
            Self::IssuerMayNotSign => "issuer_may_not_sign",
            Self::WeakKey { .. } => "weak_key",
            Self::WeakSignature { .. } => "weak_signature",
            Self::OddSerial => "odd_serial",
            Self::LongLived { .. } => "long_lived",
            Self::AnchorNotInForce { .. } => "anchor_not_in_force",
            Self::Suspended { .. } => "suspended",
            Self::Blocked { .. } => "blocked",
            Self::Path(_) => "path",
        }
    }

    /// The nearest error of rustls, so that the alert tells the peer what it can.
    pub(super) fn to_tls(&self) -> CertificateError {
        match self {
            Self::NoCertificate | Self::Malformed { .. } | Self::TooLarge { .. } => {
                CertificateError::BadEncoding
            }
            Self::Expired { .. } => CertificateError::Expired,
            Self::NotYetValid { .. } => CertificateError::NotValidYet,
            Self::Revoked { .. } => CertificateError::Revoked,
            Self::UnknownIssuer { .. }
            | Self::NoLiveAnchor { .. }
            | Self::AnchorNotInForce { .. } => CertificateError::UnknownIssuer,
            Self::Blocked { .. } => CertificateError::Revoked,
            Self::RevocationUnknown { .. } => CertificateError::UnknownRevocationStatus,
            Self::RevocationListExpired { .. } => CertificateError::ExpiredRevocationList,
            Self::NotForClients
            | Self::AnyUsage
            | Self::AuthorityAsLeaf
            | Self::LeafMaySign
            | Self::NoDigitalSignature
            | Self::IssuerMayNotSign => CertificateError::InvalidPurpose,
            Self::Suspended { .. }
            | Self::TooManyCertificates { .. }
            | Self::NoUri
            | Self::SeveralUris(_)
            | Self::OddUri { .. }
            | Self::UnknownDomain(_)
            | Self::WeakKey { .. }
            | Self::WeakSignature { .. }
            | Self::OddSerial
            | Self::LongLived { .. }
            | Self::Path(_) => CertificateError::ApplicationVerificationFailure,
        }
    }

    /// How much this says; of several anchors' errors the most telling is reported.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::UnknownIssuer { .. } | Self::NoLiveAnchor { .. } => 0,
            Self::Path(_) => 1,
            Self::RevocationUnknown { .. } => 2,
            Self::RevocationListExpired { .. } => 3,
            Self::AnchorNotInForce { .. } => 7,
            Self::Suspended { .. } | Self::Blocked { .. } => 8,
            Self::Revoked { .. } => 9,
            _ => 5,
        }
    }
}

/// How bad a problem with the trusted material is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The material loads; somebody cannot connect, or soon will not.
    Warning,
    /// The material is refused as a whole.
    Error,
}

/// Something wrong with anchors or revocation lists, found while loading.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{nation}: {source_name}: {reason}")]
pub struct TrustProblem {
    /// Whose material it is.
    pub nation: NationCode,
    /// File, or another name of the source.
    pub source_name: String,
    /// What is wrong and what to do.
    pub reason: String,
    /// How bad it is.
    pub severity: Severity,
}
