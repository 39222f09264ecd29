//! Trust anchors: a nation's own authorities, each with the lists proven under its key.
//! webpki checks neither an anchor's validity nor its key usage; both are checked here.

use super::error::{TrustError, Which};
use super::lint::Constraints;
use super::policy::{self, KnownKey};
use super::profile::Profile;
use super::revocation::{RevocationList, SignerKey};
use super::source::Standing;
use super::verify::{digest, timestamp};
use super::words;
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Organisation in the subject of every authority that `entente certs init` makes. A
/// production configuration refuses anchors that carry it.
pub const DEVELOPMENT_ORGANISATION: &str = "Entente development, not for production";

/// An authority of one nation.
#[derive(Clone, Debug)]
pub(super) struct Anchor {
    pub(super) source_name: String,
    // One alone: webpki is offered exactly this anchor.
    pub(super) trust_anchor: [TrustAnchor<'static>; 1],
    pub(super) subject: Vec<u8>,
    pub(super) subject_text: String,
    pub(super) spki_sha256: [u8; 32],
    pub(super) key: SignerKey,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) is_development: bool,
    pub(super) standing: Standing,
    pub(super) key_kind: KnownKey,
    pub(super) der: CertificateDer<'static>,
    pub(super) constraints: Constraints,
    // Proven under this anchor's key; highest number first.
    pub(super) lists: Vec<Arc<RevocationList>>,
}

impl Anchor {
    /// Parses a certificate. A panic of a parser on hostile bytes is an error like any other.
    pub(super) fn parse(source_name: &str, der: &CertificateDer<'static>) -> Result<Self, String> {
        std::panic::catch_unwind(|| Self::parse_unguarded(source_name, der))
            .unwrap_or_else(|_| Err("the parser could not cope with this certificate".to_owned()))
    }

    fn parse_unguarded(source_name: &str, der: &CertificateDer<'static>) -> Result<Self, String> {
        let (rest, parsed) = X509Certificate::from_der(der)
            .map_err(|e| format!("is no certificate: {}", words::unreadable(&e)))?;
        if !rest.is_empty() {
            return Err("has bytes after the certificate's end".to_owned());
        }
        if !parsed.is_ca() {
            return Err("is not an authority's certificate (basic constraints)".to_owned());
        }
        let usage = parsed
            .key_usage()
            .map_err(|e| format!("has an unreadable key usage: {e}"))?
            .ok_or("has no key usage; certificate and list signing are required")?;
        if !usage.value.key_cert_sign() || !usage.value.crl_sign() {
            return Err(
                "its key usage must allow signing certificates and revocation lists".into(),
            );
        }
        let constraints = Constraints::read(&parsed)?;
        let trust_anchor = webpki::anchor_from_trusted_cert(der)
            .map_err(|e| format!("cannot be an anchor: {}", words::plain(&e)))?
            .to_owned();
        let organisations = parsed.subject().iter_organization();
        let is_development = organisations
            .filter_map(|o| o.as_str().ok())
            .any(|o| o == DEVELOPMENT_ORGANISATION);
        Ok(Self {
            source_name: source_name.to_owned(),
            trust_anchor: [trust_anchor],
            subject: parsed.subject().as_raw().to_vec(),
            subject_text: parsed.subject().to_string(),
            spki_sha256: digest(parsed.public_key().raw),
            key: SignerKey {
                public_key: parsed.public_key().subject_public_key.data.to_vec(),
            },
            not_before: timestamp(parsed.validity().not_before.timestamp()),
            not_after: timestamp(parsed.validity().not_after.timestamp()),
            is_development,
            standing: Standing::Active,
            key_kind: policy::key_of(parsed.public_key()),
            der: der.clone(),
            constraints,
            lists: Vec::new(),
        })
    }

    /// Whether an authority's key signed its certificate.
    pub(super) fn is_issued_by(&self, issuer: &Self) -> bool {
        let Ok((_, parsed)) = X509Certificate::from_der(&self.der) else {
            return false;
        };
        parsed.issuer().as_raw() == issuer.subject
            && issuer.key.signed(
                parsed.signature_algorithm.algorithm.as_bytes(),
                parsed.tbs_certificate.as_ref(),
                &parsed.signature_value.data,
            )
    }

    /// Whether a profile takes its key.
    pub(super) fn check_key(&self, profile: Profile) -> Result<(), TrustError> {
        policy::check_known_key(&self.key_kind, Which::Issuer, profile)
    }

    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// Whether it vouches for anybody at `now`, as far as its standing goes.
    pub(super) fn vouches(&self, now: Timestamp) -> bool {
        match self.standing {
            Standing::Active => true,
            Standing::Retiring { until } => now < until,
            Standing::Published | Standing::Withdrawn => false,
        }
    }

    /// The last moment at which it can vouch.
    pub(super) fn end(&self) -> Timestamp {
        match self.standing {
            Standing::Retiring { until } => until.min(self.not_after),
            _ => self.not_after,
        }
    }
}
