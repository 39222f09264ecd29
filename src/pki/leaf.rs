//! What a certificate shall say, faults included. A spec begins sound; each [`Fault`] breaks
//! one thing, so that a test shows that this one thing is refused.

use super::authority::date;
use super::keys::{Key, KeyType};
use super::{PkiError, request};
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
};
use rustls_pki_types::CertificateDer;
use std::net::IpAddr;

/// Start of validity before now, so that a partner whose clock is a little slow can connect.
pub(super) const BACKDATE: SignedDuration = SignedDuration::from_mins(5);

/// One thing that makes a system's certificate unacceptable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Ended an hour ago.
    Expired,
    /// Begins in a day.
    NotYetValid,
    /// No URI at all.
    NoUri,
    /// A second URI.
    SecondUri(String),
    /// This URI in place of the sound one.
    OddUri(String),
    /// No extended key usage.
    NoPurpose,
    /// Any extended key usage, besides client authentication.
    AnyPurpose,
    /// Server authentication only.
    ServerOnly,
    /// An authority's certificate (basic constraints).
    Authority,
    /// Key usage allows signing certificates.
    MaySign,
    /// Key usage without digital signature.
    NoDigitalSignature,
    /// Serial number zero.
    SerialZero,
    /// Serial number of 21 octets.
    SerialLong,
    /// Valid for ten years.
    LongLived,
    /// A key outside of the profile: P-521.
    ForeignCurve,
    /// An RSA key of 1024 bits. Nobody has its private half, so it cannot shake hands.
    WeakRsa,
}

/// What a leaf shall say.
#[derive(Clone, Debug)]
pub struct LeafSpec {
    common_name: String,
    names: Vec<Name>,
    not_before: Timestamp,
    not_after: Timestamp,
    purposes: Vec<ExtendedKeyUsagePurpose>,
    usages: Vec<KeyUsagePurpose>,
    is_authority: bool,
    serial: Option<Vec<u8>>,
    key: KeyKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    Sound(KeyType),
    P521,
    Rsa1024,
}

/// The public half alone, for a key that is only to be refused.
#[derive(Debug)]
pub(super) struct WeakRsaKey(Vec<u8>);

impl WeakRsaKey {
    fn new() -> Self {
        // RSAPublicKey: a modulus of 128 octets with its first bit set, and exponent 65537.
        let mut der = vec![0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00];
        der.extend([0xc5; 128]);
        der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
        Self(der)
    }
}

impl PublicKeyData for WeakRsaKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// A subject alternative name.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Uri(String),
    Dns(String),
    Ip(IpAddr),
}

impl LeafSpec {
    /// A national system's certificate: `uri` is its SPIFFE id.
    #[must_use]
    pub fn system(uri: &str, now: Timestamp, days: u32) -> Self {
        Self {
            common_name: uri
                .rsplit('/')
                .next()
                .unwrap_or(uri)
                .chars()
                .take(64)
                .collect(),
            names: vec![Name::Uri(uri.to_owned())],
            not_before: now - BACKDATE,
            not_after: now + SignedDuration::from_hours(24 * i64::from(days)),
            purposes: vec![ExtendedKeyUsagePurpose::ClientAuth],
            usages: vec![KeyUsagePurpose::DigitalSignature],
            is_authority: false,
            serial: None,
            key: KeyKind::Sound(KeyType::P256),
        }
    }

    /// A gateway's certificate for names and addresses.
    #[must_use]
    pub fn server(names: &[String], now: Timestamp, days: u32) -> Self {
        let name = |n: &String| match n.parse() {
            Ok(address) => Name::Ip(address),
            Err(_) => Name::Dns(n.clone()),
        };
        Self {
            common_name: "gateway".to_owned(),
            names: names.iter().map(name).collect(),
            purposes: vec![ExtendedKeyUsagePurpose::ServerAuth],
            ..Self::system("", now, days)
        }
    }

    /// Breaks one thing.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        const DAY: SignedDuration = SignedDuration::from_hours(24);
        match fault {
            Fault::Expired => {
                self.not_after = self.not_before - SignedDuration::from_hours(1);
                self.not_before = self.not_after - DAY;
            }
            Fault::NotYetValid => self.not_before += DAY,
            Fault::NoUri => self.names = vec![Name::Dns("system.example".to_owned())],
            Fault::SecondUri(uri) => self.names.push(Name::Uri(uri)),
            Fault::OddUri(uri) => self.names = vec![Name::Uri(uri)],
            Fault::NoPurpose => self.purposes.clear(),
            Fault::AnyPurpose => self.purposes.push(ExtendedKeyUsagePurpose::Any),
            Fault::ServerOnly => self.purposes = vec![ExtendedKeyUsagePurpose::ServerAuth],
            Fault::Authority => self.is_authority = true,
            Fault::MaySign => self.usages.push(KeyUsagePurpose::KeyCertSign),
            Fault::NoDigitalSignature => self.usages = vec![KeyUsagePurpose::KeyAgreement],
            Fault::SerialZero => self.serial = Some(vec![0]),
            Fault::SerialLong => self.serial = Some(vec![1; 21]),
            Fault::LongLived => self.not_after = self.not_before + DAY * 3650,
            Fault::ForeignCurve => self.key = KeyKind::P521,
            Fault::WeakRsa => self.key = KeyKind::Rsa1024,
        }
        self
    }

    /// Ends at `not_after`, whatever was said before.
    #[must_use]
    pub fn until(mut self, not_after: Timestamp) -> Self {
        self.not_after = not_after;
        self
    }

    /// Its end.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.not_after
    }

    /// Begins at `not_before`, whatever was said before.
    #[must_use]
    pub fn from(mut self, not_before: Timestamp) -> Self {
        self.not_before = not_before;
        self
    }

    /// A key of this type.
    #[must_use]
    pub fn with_key(mut self, key_type: KeyType) -> Self {
        self.key = KeyKind::Sound(key_type);
        self
    }

    /// These names in place of its own.
    #[must_use]
    pub fn named(mut self, uris: &[String], hosts: &[String]) -> Self {
        self.names = request::names(uris, hosts);
        self
    }

    /// Whom it names, for people.
    pub(super) fn name_in_words(&self) -> String {
        let name = |name: &Name| match name {
            Name::Uri(text) | Name::Dns(text) => text.clone(),
            Name::Ip(address) => address.to_string(),
        };
        let names: Vec<_> = self.names.iter().map(name).collect();
        names.join(", ")
    }

    pub(super) fn key(&self) -> Result<Key, PkiError> {
        match self.key {
            KeyKind::Sound(key_type) => Key::make(key_type),
            KeyKind::P521 => Ok(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512)?.into()),
            KeyKind::Rsa1024 => Key::make(KeyType::P256),
        }
    }

    /// What a request for this certificate says: dates and serial number are the authority's.
    pub(super) fn request_params(&self) -> Result<CertificateParams, PkiError> {
        let params = self.params()?;
        let mut asked = CertificateParams::default();
        asked.distinguished_name = params.distinguished_name;
        asked.subject_alt_names = params.subject_alt_names;
        asked.key_usages = params.key_usages;
        asked.extended_key_usages = params.extended_key_usages;
        Ok(asked)
    }

    /// The public key that goes into the certificate when it is not the key pair's.
    pub(super) fn weak_key(&self) -> Option<WeakRsaKey> {
        (self.key == KeyKind::Rsa1024).then(WeakRsaKey::new)
    }

    pub(super) fn params(&self) -> Result<CertificateParams, PkiError> {
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, self.common_name.as_str());
        params.distinguished_name = name;
        params.subject_alt_names = self.names.iter().map(san).collect::<Result<_, _>>()?;
        params.not_before = date(self.not_before);
        params.not_after = date(self.not_after);
        params.extended_key_usages.clone_from(&self.purposes);
        params.key_usages.clone_from(&self.usages);
        params.serial_number = self.serial.as_deref().map(SerialNumber::from_slice);
        params.use_authority_key_identifier_extension = true;
        // Explicit, so that a subject key identifier is written too.
        params.is_ca = if self.is_authority {
            IsCa::Ca(rcgen::BasicConstraints::Unconstrained)
        } else {
            IsCa::ExplicitNoCa
        };
        Ok(params)
    }
}

fn san(name: &Name) -> Result<SanType, rcgen::Error> {
    Ok(match name {
        Name::Uri(uri) => SanType::URI(uri.as_str().try_into()?),
        Name::Dns(dns) => SanType::DnsName(dns.as_str().try_into()?),
        Name::Ip(ip) => SanType::IpAddress(*ip),
    })
}

/// A certificate that was issued, with its chain and key.
#[derive(Debug)]
pub struct Issued {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) chain_pem: String,
    pub(super) key: Key,
    pub(super) serial: Vec<u8>,
    pub(super) not_after: Timestamp,
}

impl Issued {
    /// The chain, leaf first, without the authority's own certificate if it is a root.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The chain in PEM, leaf first.
    #[must_use]
    pub fn chain_pem(&self) -> &str {
        &self.chain_pem
    }

    /// The key in PEM (PKCS #8).
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.to_pem()
    }

    /// The key in DER (PKCS #8).
    #[must_use]
    pub fn key_der(&self) -> Vec<u8> {
        self.key.to_pkcs8()
    }

    /// Serial number; revoke by it.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// End of the certificate.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}
