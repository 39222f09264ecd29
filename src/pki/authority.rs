//! An authority in memory: issues certificates, subordinate authorities and revocation lists.

use super::leaf::{BACKDATE, Issued, LeafSpec};
use super::{DEVELOPMENT_ORGANISATION, PkiError};
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::time::Duration;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What an authority shall say of itself.
#[derive(Clone, Debug)]
pub struct AuthoritySpec {
    /// Name for people.
    pub common_name: String,
    /// Start of its certificate.
    pub not_before: Timestamp,
    /// End of its certificate.
    pub not_after: Timestamp,
    /// Key usage allows signing certificates; an authority without it is a fault.
    pub may_sign_certificates: bool,
    /// Carries [`DEVELOPMENT_ORGANISATION`]; only tests of production settings go without.
    pub is_development: bool,
}

impl AuthoritySpec {
    /// A sound one for `days` from now.
    #[must_use]
    pub fn new(common_name: &str, now: Timestamp, days: u32) -> Self {
        Self {
            common_name: common_name.to_owned(),
            not_before: now - BACKDATE,
            not_after: now + SignedDuration::from_hours(24 * i64::from(days)),
            may_sign_certificates: true,
            is_development: true,
        }
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        if self.is_development {
            name.push(DnType::OrganizationName, DEVELOPMENT_ORGANISATION);
        }
        name.push(DnType::CommonName, self.common_name.as_str());
        params.distinguished_name = name;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::CrlSign];
        if self.may_sign_certificates {
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        }
        params.not_before = date(self.not_before);
        params.not_after = date(self.not_after);
        params.use_authority_key_identifier_extension = true;
        params
    }
}

/// An authority with its key.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    // From this authority's own certificate towards the root, the root excluded.
    chain: Vec<(CertificateDer<'static>, String)>,
    serial: Vec<u8>,
    not_after: Timestamp,
}

impl Authority {
    /// A root.
    ///
    /// # Errors
    /// A name that cannot stand in a certificate.
    pub fn root(spec: &AuthoritySpec) -> Result<Self, PkiError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let params = spec.params();
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            chain: Vec::new(),
            serial: serial_of(certificate.der()),
            not_after: spec.not_after,
            issuer: Issuer::new(params, key),
        })
    }

    /// A root that was made before, from its certificate and key in PEM.
    ///
    /// # Errors
    /// Either is not what it should be.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, PkiError> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
        let key = KeyPair::from_pem(key_pem)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        Ok(Self {
            certificate_pem: certificate_pem.to_owned(),
            chain: Vec::new(),
            serial: serial_of(&certificate),
            not_after: end_of(&certificate),
            certificate,
            issuer,
        })
    }

    /// An authority below this one.
    ///
    /// # Errors
    /// As [`Self::root`].
    pub fn subordinate(&self, spec: &AuthoritySpec) -> Result<Self, PkiError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let params = spec.params();
        let certificate = params.signed_by(&key, &self.issuer)?;
        let mut chain = vec![(certificate.der().clone(), certificate.pem())];
        chain.extend(self.chain.iter().cloned());
        Ok(Self {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            chain,
            serial: serial_of(certificate.der()),
            not_after: spec.not_after,
            issuer: Issuer::new(params, key),
        })
    }

    /// A certificate for another authority's key, issued by this one, with the name that
    /// `spec` gives: the bridge
    /// that must not carry one nation's identities into another.
    ///
    /// # Errors
    /// As [`Self::root`].
    pub fn cross_sign(
        &self,
        other: &Self,
        spec: &AuthoritySpec,
    ) -> Result<CertificateDer<'static>, PkiError> {
        let certificate = spec.params().signed_by(other.issuer.key(), &self.issuer)?;
        Ok(certificate.der().clone())
    }

    /// Issues a leaf.
    ///
    /// # Errors
    /// A name that cannot stand in a certificate.
    pub fn issue(&self, spec: &LeafSpec) -> Result<Issued, PkiError> {
        let key = spec.key()?;
        let params = spec.params()?;
        let certificate = match spec.weak_key() {
            Some(weak) => params.signed_by(&weak, &self.issuer)?,
            None => params.signed_by(&key, &self.issuer)?,
        };
        let mut chain = vec![certificate.der().clone()];
        let mut chain_pem = certificate.pem();
        for (der, pem) in &self.chain {
            chain.push(der.clone());
            chain_pem.push_str(pem);
        }
        Ok(Issued {
            serial: serial_of(certificate.der()),
            not_after: end_of(certificate.der()),
            chain,
            chain_pem,
            key,
        })
    }

    /// A signed revocation list.
    ///
    /// # Errors
    /// `next_update` is not after `this_update`.
    pub fn revocation_list(
        &self,
        number: u64,
        this_update: Timestamp,
        next_update: Timestamp,
        revoked: &[&[u8]],
    ) -> Result<String, PkiError> {
        let revoked_certs = revoked
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from_slice(serial),
                revocation_time: date(this_update),
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            })
            .collect();
        let list = CertificateRevocationListParams {
            this_update: date(this_update),
            next_update: date(next_update),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }

    /// Its certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its key, PEM (PKCS #8).
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Serial number of its certificate.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// End of its certificate.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// Our time as rcgen wants it. Nothing here is made before 1970.
pub(super) fn date(at: Timestamp) -> OffsetDateTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
}

fn serial_of(der: &CertificateDer<'_>) -> Vec<u8> {
    X509Certificate::from_der(der).map_or_else(|_| Vec::new(), |(_, c)| c.raw_serial().to_vec())
}

fn end_of(der: &CertificateDer<'_>) -> Timestamp {
    X509Certificate::from_der(der)
        .ok()
        .and_then(|(_, c)| Timestamp::from_second(c.validity().not_after.timestamp()).ok())
        .unwrap_or(Timestamp::MAX)
}
