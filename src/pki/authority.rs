//! An authority in memory: issues certificates, subordinate authorities and revocation lists.

use super::files;
use super::keys::{Key, KeyType};
use super::leaf::{BACKDATE, Issued, LeafSpec};
use super::register::Reason;
use super::request::Request;
use super::{DEVELOPMENT_ORGANISATION, PkiError};
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, PublicKeyData as _, RevokedCertParams,
    SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::path::PathBuf;
use std::time::Duration;
use time::OffsetDateTime;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

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
    /// Carries [`DEVELOPMENT_ORGANISATION`]; a nation's own authority goes without.
    pub is_development: bool,
    /// Most authorities below it in a chain; none: no limit is stated.
    pub path_length: Option<u8>,
    /// Type of its key.
    pub key_type: KeyType,
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
            // A stated limit; room for an issuing authority and for one more below it.
            path_length: Some(2),
            key_type: KeyType::P256,
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
        params.is_ca = IsCa::Ca(match self.path_length {
            Some(length) => BasicConstraints::Constrained(length),
            None => BasicConstraints::Unconstrained,
        });
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
    issuer: Issuer<'static, Key>,
    key_id: KeyIdMethod,
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
        let key = Key::make(spec.key_type)?;
        let params = spec.params();
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            key_id: KeyIdMethod::Sha256,
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
        Self::from_parts(&[certificate], Key::from_pem(key_pem)?)
    }

    /// An authority that was made before, here or elsewhere: its certificate first, then those
    /// above it.
    ///
    /// # Errors
    /// The key is another one's, or the certificate is no authority's.
    pub fn from_parts(
        certificates: &[CertificateDer<'static>],
        key: Key,
    ) -> Result<Self, PkiError> {
        let odd = |reason: &str| PkiError::NoAuthority {
            path: PathBuf::new(),
            reason: reason.to_owned(),
        };
        let certificate = certificates.first().ok_or_else(|| odd("is empty"))?;
        let (_, parsed) =
            X509Certificate::from_der(certificate).map_err(|_| odd("cannot be read"))?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(PkiError::NotTheKey {
                key: PathBuf::new(),
                certificate: PathBuf::new(),
            });
        }
        let may_sign = parsed.key_usage().ok().flatten();
        if !parsed.is_ca() || !may_sign.is_some_and(|usage| usage.value.key_cert_sign()) {
            return Err(odd(
                "may not sign certificates (basic constraints, key usage)",
            ));
        }
        let own_id = parsed
            .iter_extensions()
            .find_map(|e| match e.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            });
        // A root is known to those who verify; what lies between has to be sent along.
        let is_root = |der: &CertificateDer<'_>| {
            X509Certificate::from_der(der).is_ok_and(|(_, c)| c.subject() == c.issuer())
        };
        let between = certificates.iter().filter(|der| !is_root(der));
        Ok(Self {
            certificate_pem: files::pem("CERTIFICATE", certificate),
            chain: between
                .map(|der| (der.clone(), files::pem("CERTIFICATE", der)))
                .collect(),
            serial: serial_of(certificate),
            not_after: end_of(certificate),
            key_id: own_id.map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified),
            issuer: Issuer::from_ca_cert_der(certificate, key)?,
            certificate: certificate.clone(),
        })
    }

    /// An authority below this one.
    ///
    /// # Errors
    /// As [`Self::root`].
    pub fn subordinate(&self, spec: &AuthoritySpec) -> Result<Self, PkiError> {
        let key = Key::make(spec.key_type)?;
        let params = spec.params();
        let certificate = params.signed_by(&key, &self.issuer)?;
        let mut chain = vec![(certificate.der().clone(), certificate.pem())];
        chain.extend(self.chain.iter().cloned());
        Ok(Self {
            key_id: KeyIdMethod::Sha256,
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

    /// Certifies a request's key with the names, purposes and dates of `spec`: the chain, leaf first, in DER and PEM.
    ///
    /// # Errors
    /// A name that cannot stand in a certificate, or an issuer's name that the library cannot
    /// write as it stands in the authority's certificate.
    pub fn certify(
        &self,
        spec: &LeafSpec,
        request: &Request,
    ) -> Result<Vec<(CertificateDer<'static>, String)>, PkiError> {
        let certificate = spec.params()?.signed_by(&request.key, &self.issuer)?;
        let name = |der: &CertificateDer<'_>, issuer: bool| {
            let parsed = X509Certificate::from_der(der).ok().map(|(_, c)| c);
            parsed.map(|c| {
                if issuer { c.issuer() } else { c.subject() }
                    .as_raw()
                    .to_vec()
            })
        };
        if name(certificate.der(), true) != name(&self.certificate, false) {
            return Err(PkiError::NoAuthority {
                path: PathBuf::new(),
                reason: "has a name of several values in one part, which cannot be written here; \
                         sign with the tool that made it"
                    .to_owned(),
            });
        }
        let mut chain = vec![(certificate.der().clone(), certificate.pem())];
        chain.extend(self.chain.iter().cloned());
        Ok(chain)
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
        let entry = |serial: &&[u8]| (serial.to_vec(), this_update, Reason::KeyCompromise);
        let revoked: Vec<_> = revoked.iter().map(entry).collect();
        self.list_with(number, this_update, next_update, &revoked)
    }

    /// A signed revocation list of serial numbers with the time and the reason of each.
    pub(super) fn list_with(
        &self,
        number: u64,
        this_update: Timestamp,
        next_update: Timestamp,
        revoked: &[(Vec<u8>, Timestamp, Reason)],
    ) -> Result<String, PkiError> {
        let revoked_certs = revoked
            .iter()
            .map(|(serial, at, reason)| RevokedCertParams {
                serial_number: SerialNumber::from_slice(serial),
                revocation_time: date(*at),
                reason_code: Some(reason.code()),
                invalidity_date: None,
            })
            .collect();
        let list = CertificateRevocationListParams {
            this_update: date(this_update),
            next_update: date(next_update),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: self.key_id.clone(),
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
        self.issuer.key().to_pem()
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

/// Serial number and end of a certificate.
pub(super) fn serial_and_end(der: &[u8]) -> (Vec<u8>, Timestamp) {
    let der = CertificateDer::from(der);
    (serial_of(&der), end_of(&der))
}

/// When a revocation list is to be renewed.
pub(super) fn list_end(der: &[u8]) -> Option<Timestamp> {
    let (_, list) = CertificateRevocationList::from_der(der).ok()?;
    Timestamp::from_second(list.next_update()?.timestamp()).ok()
}
