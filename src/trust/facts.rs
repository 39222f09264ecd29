//! What certificates, requests and revocation lists say of themselves, for people who hold no
//! PKI degree. Reads anything, believes nothing: these are claims, not verified facts.

use super::error::{TrustError, Which};
use super::policy;
use super::policy::curve_name;
use super::profile::Profile;
use super::source::FILE_BYTES_MAX;
use super::verify::{digest, hex, shortened, timestamp};
use super::words;
use jiff::Timestamp;
use rustls_pki_types::pem::{PemObject, SectionKind};
use rustls_pki_types::{AlgorithmIdentifier, CertificateDer};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Most objects that are read from one file.
const OBJECTS_MAX: usize = 256;
/// Most revoked serial numbers that are kept of one list.
const REVOKED_MAX: usize = 1_000_000;

/// Something that a file holds.
#[derive(Clone, Debug)]
pub enum Held {
    /// A certificate.
    Certificate(Box<CertificateFacts>),
    /// A request for one.
    Request(Box<RequestFacts>),
    /// A revocation list.
    RevocationList(Box<ListFacts>),
    /// A private key; nothing of it is kept.
    PrivateKey,
    /// Something else, such as a public key.
    Other(String),
}

/// What a certificate says.
#[derive(Clone, Debug)]
pub struct CertificateFacts {
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Subject, for people.
    pub subject: String,
    /// Issuer, for people.
    pub issuer: String,
    /// Serial number, lower-case hexadecimal.
    pub serial_hex: String,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// URIs among the subject alternative names; a system has one, its SPIFFE id.
    pub uris: Vec<String>,
    /// DNS names and addresses among them; a gateway has these.
    pub hosts: Vec<String>,
    /// Key, for people: `P-256`, `RSA 3072 bit`.
    pub key: String,
    /// SHA-256 of the public key (SubjectPublicKeyInfo), lower-case hexadecimal.
    pub spki_sha256_hex: String,
    /// SHA-256 of the whole certificate, lower-case hexadecimal.
    pub sha256_hex: String,
    /// Basic constraints say so.
    pub is_authority: bool,
    /// Key usages, for people.
    pub usages: Vec<&'static str>,
    /// Extended key usages, for people.
    pub purposes: Vec<String>,
    issuer_raw: Vec<u8>,
    subject_raw: Vec<u8>,
}

/// What a request for a certificate says.
#[derive(Clone, Debug)]
pub struct RequestFacts {
    /// Subject, for people.
    pub subject: String,
    /// URIs that it asks for.
    pub uris: Vec<String>,
    /// DNS names and addresses that it asks for.
    pub hosts: Vec<String>,
    /// Key, for people.
    pub key: String,
    /// SHA-256 of the public key, lower-case hexadecimal.
    pub spki_sha256_hex: String,
    /// Whether its key signed it: the requester holds the private half.
    pub is_proven: bool,
    pub(super) spki_der: Vec<u8>,
}

/// What a revocation list says.
#[derive(Clone, Debug)]
pub struct ListFacts {
    /// Issuer, for people.
    pub issuer: String,
    /// Number, decimal; none: the gateway refuses it.
    pub number: Option<String>,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is due; none: the gateway refuses it.
    pub next_update: Option<Timestamp>,
    /// Revoked serial numbers, hexadecimal, with the time of revocation.
    pub revoked: Vec<(String, Timestamp)>,
    pub(super) der: Vec<u8>,
    issuer_raw: Vec<u8>,
}

/// Reads whatever PEM or DER file there is.
///
/// # Errors
/// None of it can be read, or there is too much of it.
pub fn read_held(bytes: &[u8]) -> Result<Vec<Held>, String> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("has more than {FILE_BYTES_MAX} bytes"));
    }
    // A panic of a parser on hostile bytes is an error like any other.
    std::panic::catch_unwind(|| read_unguarded(bytes))
        .unwrap_or_else(|_| Err("the parser could not cope with this file".to_owned()))
}

fn read_unguarded(bytes: &[u8]) -> Result<Vec<Held>, String> {
    if matches!(bytes, [0x30, ..]) {
        return read_der(bytes).map(|held| vec![held]);
    }
    let mut found = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
        let (kind, der) = section.map_err(|error| format!("is not valid PEM: {error}"))?;
        if found.len() >= OBJECTS_MAX {
            return Err(format!("holds more than {OBJECTS_MAX} objects"));
        }
        found.push(match kind {
            SectionKind::Certificate => certificate_facts(&der).map_err(|e| e.to_string())?,
            SectionKind::Csr => request_facts(&der)?,
            SectionKind::Crl => list_facts(&der)?,
            SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => {
                Held::PrivateKey
            }
            other => Held::Other(format!("{other:?}")),
        });
    }
    if found.is_empty() {
        return Err(
            "holds nothing that is known here: expected a certificate, a request or a \
                    revocation list, in PEM or DER"
                .to_owned(),
        );
    }
    Ok(found)
}

/// DER does not say what it is: whatever parses to the end.
fn read_der(der: &[u8]) -> Result<Held, String> {
    certificate_facts(der)
        .or_else(|_| request_facts(der))
        .or_else(|_| list_facts(der))
        .map_err(|_| {
            "is DER, but no certificate, request or revocation list (a PKCS #12 file is opened \
             with its password by `openssl pkcs12`)"
                .to_owned()
        })
}

fn certificate_facts(der: &[u8]) -> Result<Held, TrustError> {
    facts_of(&CertificateDer::from(der.to_vec())).map(|facts| Held::Certificate(Box::new(facts)))
}

pub(super) fn facts_of(der: &CertificateDer<'_>) -> Result<CertificateFacts, TrustError> {
    let parsed = policy::parse(der, Which::Leaf)?;
    let (uris, hosts) = names(parsed.extensions().iter().map(|e| e.parsed_extension()));
    Ok(CertificateFacts {
        der: der.to_vec(),
        subject: shortened(&parsed.subject().to_string()),
        issuer: shortened(&parsed.issuer().to_string()),
        serial_hex: hex(parsed.raw_serial()),
        not_before: timestamp(parsed.validity().not_before.timestamp()),
        not_after: timestamp(parsed.validity().not_after.timestamp()),
        uris,
        hosts,
        key: key_in_words(parsed.public_key()),
        spki_sha256_hex: hex(&digest(parsed.public_key().raw)),
        sha256_hex: hex(&digest(der)),
        is_authority: parsed.is_ca(),
        usages: usages(&parsed),
        purposes: purposes(&parsed),
        issuer_raw: parsed.issuer().as_raw().to_vec(),
        subject_raw: parsed.subject().as_raw().to_vec(),
    })
}

fn request_facts(der: &[u8]) -> Result<Held, String> {
    let (rest, parsed) = X509CertificationRequest::from_der(der)
        .map_err(|e| format!("is no certificate request: {}", words::unreadable(&e)))?;
    if !rest.is_empty() {
        return Err("has bytes after its end".to_owned());
    }
    let info = &parsed.certification_request_info;
    let (uris, hosts) = names(parsed.requested_extensions().into_iter().flatten());
    let key = &info.subject_pki.subject_public_key.data;
    Ok(Held::Request(Box::new(RequestFacts {
        subject: shortened(&info.subject.to_string()),
        uris,
        hosts,
        key: key_in_words(&info.subject_pki),
        spki_sha256_hex: hex(&digest(info.subject_pki.raw)),
        spki_der: info.subject_pki.raw.to_vec(),
        is_proven: is_signed(
            parsed.signature_algorithm.algorithm.as_bytes(),
            key,
            info.raw,
            &parsed.signature_value.data,
        ),
    })))
}

fn list_facts(der: &[u8]) -> Result<Held, String> {
    let (rest, parsed) = CertificateRevocationList::from_der(der)
        .map_err(|e| format!("is no revocation list: {}", words::unreadable(&e)))?;
    if !rest.is_empty() {
        return Err("has bytes after its end".to_owned());
    }
    let revoked = parsed
        .iter_revoked_certificates()
        .take(REVOKED_MAX)
        .map(|entry| {
            let at = timestamp(entry.revocation_date.timestamp());
            (hex(entry.raw_serial()), at)
        });
    Ok(Held::RevocationList(Box::new(ListFacts {
        issuer: shortened(&parsed.issuer().to_string()),
        number: parsed.crl_number().map(ToString::to_string),
        this_update: timestamp(parsed.last_update().timestamp()),
        next_update: parsed.next_update().map(|at| timestamp(at.timestamp())),
        revoked: revoked.collect(),
        der: der.to_vec(),
        issuer_raw: parsed.issuer().as_raw().to_vec(),
    })))
}

impl CertificateFacts {
    /// Whether `issuer` signed this certificate, by name and by key.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        let Ok((_, parsed)) = X509Certificate::from_der(&self.der) else {
            return false;
        };
        self.issuer_raw == issuer.subject_raw
            && issuer.has_signed(
                parsed.signature_algorithm.algorithm.as_bytes(),
                parsed.tbs_certificate.as_ref(),
                &parsed.signature_value.data,
            )
    }

    /// Whether it was issued under its own name, as roots are.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer_raw == self.subject_raw
    }

    fn has_signed(&self, algorithm: &[u8], message: &[u8], signature: &[u8]) -> bool {
        X509Certificate::from_der(&self.der).is_ok_and(|(_, own)| {
            let key = &own.public_key().subject_public_key.data;
            is_signed(algorithm, key, message, signature)
        })
    }
}

impl ListFacts {
    /// Whether `authority` signed this list, by name and by key.
    #[must_use]
    pub fn is_signed_by(&self, authority: &CertificateFacts) -> bool {
        let Ok((_, parsed)) = CertificateRevocationList::from_der(&self.der) else {
            return false;
        };
        self.issuer_raw == authority.subject_raw
            && authority.has_signed(
                parsed.signature_algorithm.algorithm.as_bytes(),
                parsed.tbs_cert_list.as_ref(),
                &parsed.signature_value.data,
            )
    }
}

/// Whether a key made a signature, by any algorithm that we know under the given name.
fn is_signed(algorithm: &[u8], key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    // Contents of an AlgorithmIdentifier begin with the OID: tag, length, value.
    let names = |id: AlgorithmIdentifier| {
        id.split_at_checked(2)
            .is_some_and(|(_, oid)| oid.starts_with(algorithm))
    };
    Profile::Default
        .signatures()
        .all
        .iter()
        .filter(|candidate| names(candidate.signature_alg_id()))
        .any(|candidate| candidate.verify_signature(key, message, signature).is_ok())
}

fn names<'a>(
    extensions: impl Iterator<Item = &'a ParsedExtension<'a>>,
) -> (Vec<String>, Vec<String>) {
    let (mut uris, mut hosts) = (Vec::new(), Vec::new());
    for extension in extensions {
        let ParsedExtension::SubjectAlternativeName(names) = extension else {
            continue;
        };
        for name in &names.general_names {
            match name {
                GeneralName::URI(uri) => uris.push(shortened(uri)),
                GeneralName::DNSName(dns) => hosts.push(shortened(dns)),
                GeneralName::IPAddress(octets) => hosts.push(address(octets)),
                _ => {}
            }
        }
    }
    (uris, hosts)
}

fn address(octets: &[u8]) -> String {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return std::net::Ipv4Addr::from(v4).to_string();
    }
    match <[u8; 16]>::try_from(octets) {
        Ok(v6) => std::net::Ipv6Addr::from(v6).to_string(),
        Err(_) => format!("odd address {}", hex(octets)),
    }
}

fn usages(certificate: &X509Certificate<'_>) -> Vec<&'static str> {
    let Ok(Some(usage)) = certificate.key_usage() else {
        return Vec::new();
    };
    let usage = usage.value;
    let all = [
        (usage.digital_signature(), "digital signature"),
        (usage.non_repudiation(), "non-repudiation"),
        (usage.key_encipherment(), "key encipherment"),
        (usage.data_encipherment(), "data encipherment"),
        (usage.key_agreement(), "key agreement"),
        (usage.key_cert_sign(), "signing certificates"),
        (usage.crl_sign(), "signing revocation lists"),
    ];
    all.iter()
        .filter(|(set, _)| *set)
        .map(|(_, word)| *word)
        .collect()
}

fn purposes(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(purposes)) = certificate.extended_key_usage() else {
        return Vec::new();
    };
    let purposes = purposes.value;
    let known = [
        (purposes.client_auth, "client authentication"),
        (purposes.server_auth, "server authentication"),
        (purposes.any, "anything"),
        (purposes.code_signing, "code signing"),
        (purposes.email_protection, "email protection"),
        (purposes.time_stamping, "time stamping"),
        (purposes.ocsp_signing, "OCSP signing"),
    ];
    let words = known
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, word)| (*word).to_owned());
    words
        .chain(purposes.other.iter().map(ToString::to_string))
        .collect()
}

/// A key's type and size, for people.
pub(super) fn key_in_words(spki: &SubjectPublicKeyInfo<'_>) -> String {
    let algorithm = &spki.algorithm.algorithm;
    if *algorithm == OID_SIG_ED25519 {
        return "Ed25519".to_owned();
    }
    if *algorithm == OID_PKCS1_RSAENCRYPTION {
        return match spki.parsed() {
            Ok(PublicKey::RSA(key)) => format!("RSA {} bit", key.key_size()),
            _ => "unreadable RSA".to_owned(),
        };
    }
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let parameters = spki.algorithm.parameters.as_ref();
        let curve = parameters.and_then(|p| p.clone().oid().ok());
        return match curve {
            Some(curve) if curve == OID_EC_P256 => "P-256".to_owned(),
            Some(curve) if curve == OID_NIST_EC_P384 => "P-384".to_owned(),
            Some(curve) => curve_name(&curve.to_id_string()),
            None => "nameless elliptic curve".to_owned(),
        };
    }
    match algorithm.to_id_string().as_str() {
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44".to_owned(),
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65".to_owned(),
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87".to_owned(),
        other => format!("foreign ({other})"),
    }
}
