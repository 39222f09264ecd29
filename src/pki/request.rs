//! Requests for certificates (PKCS #10): written for a key of ours, read from anybody.
//!
//! Invariant: of a foreign request only the key and the names count, and only when the key
//! signed the request; what else it asks for is for the authority to decide.

use super::PkiError;
use super::keys::Key;
use super::leaf::{LeafSpec, Name};
use jiff::Timestamp;
use rcgen::{PublicKeyData, SignatureAlgorithm};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use webpki::aws_lc_rs as verify;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Largest request, bytes.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024;
/// Most names in a request.
const NAMES_MAX: usize = 64;

/// Every signature that a request may carry.
static SIGNATURES: &[&dyn rustls_pki_types::SignatureVerificationAlgorithm] = &[
    webpki::aws_lc_rs::ECDSA_P256_SHA256,
    webpki::aws_lc_rs::ECDSA_P256_SHA384,
    webpki::aws_lc_rs::ECDSA_P384_SHA256,
    webpki::aws_lc_rs::ECDSA_P384_SHA384,
    webpki::aws_lc_rs::ED25519,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
    verify::ML_DSA_44,
    verify::ML_DSA_65,
    verify::ML_DSA_87,
];

/// A request whose signer holds the key.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) key: RequestKey,
    pub(super) der: Vec<u8>,
    /// The public key (SubjectPublicKeyInfo), DER.
    pub public_key: Vec<u8>,
    /// URIs that it asks for.
    pub uris: Vec<String>,
    /// DNS names and addresses that it asks for.
    pub hosts: Vec<String>,
}

/// The public key of a request.
#[derive(Clone, Debug)]
pub(super) struct RequestKey {
    algorithm: &'static SignatureAlgorithm,
    bytes: Vec<u8>,
}

impl RequestKey {
    fn of(spki: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        // rcgen does not name these three when it reads a key.
        let ml_dsa = [
            ("2.16.840.1.101.3.4.3.17", &rcgen::PKCS_ML_DSA_44),
            ("2.16.840.1.101.3.4.3.18", &rcgen::PKCS_ML_DSA_65),
            ("2.16.840.1.101.3.4.3.19", &rcgen::PKCS_ML_DSA_87),
        ];
        let name = spki.algorithm.algorithm.to_id_string();
        let algorithm = match ml_dsa.into_iter().find(|(oid, _)| *oid == name) {
            Some((_, algorithm)) => algorithm,
            None => rcgen::SubjectPublicKeyInfo::from_der(spki.raw)
                .ok()?
                .algorithm(),
        };
        Some(Self {
            algorithm,
            bytes: spki.subject_public_key.data.to_vec(),
        })
    }
}

impl PublicKeyData for RequestKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// Writes a request in PEM.
///
/// # Errors
/// A name that cannot stand in a certificate.
pub fn write_request(spec: &LeafSpec, key: &Key) -> Result<String, PkiError> {
    Ok(spec.request_params()?.serialize_request(key)?.pem()?)
}

/// Writes a request in DER.
///
/// # Errors
/// A name that cannot stand in a certificate.
pub fn write_request_der(spec: &LeafSpec, key: &Key) -> Result<Vec<u8>, PkiError> {
    let request = spec.request_params()?.serialize_request(key)?;
    Ok(request.der().to_vec())
}

/// A specification with the names of a request; dates do not stand in a request.
#[must_use]
pub fn request_spec(uri: Option<&str>, hosts: &[String]) -> LeafSpec {
    match uri {
        Some(uri) => LeafSpec::system(uri, Timestamp::UNIX_EPOCH, 1),
        None => LeafSpec::server(hosts, Timestamp::UNIX_EPOCH, 1),
    }
}

impl Request {
    /// Reads PEM or DER.
    ///
    /// # Errors
    /// It is no request, its key did not sign it, or its key is of no known type.
    pub fn read(bytes: &[u8]) -> Result<Self, PkiError> {
        let odd = |reason: &str| PkiError::Request(reason.to_owned());
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(PkiError::Request(format!(
                "has {} bytes; at most {REQUEST_BYTES_MAX} are allowed",
                bytes.len()
            )));
        }
        let der = if bytes.first() == Some(&0x30) {
            CertificateSigningRequestDer::from(bytes.to_vec())
        } else {
            CertificateSigningRequestDer::from_pem_slice(bytes)
                .map_err(|_| odd("holds no certificate request in PEM or DER"))?
        };
        // A panic of a parser on hostile bytes is an error like any other.
        std::panic::catch_unwind(|| Self::parse(&der))
            .unwrap_or_else(|_| Err(odd("the parser could not cope with it")))
    }

    fn parse(der: &[u8]) -> Result<Self, PkiError> {
        let odd = |reason: String| PkiError::Request(reason);
        let (rest, parsed) = X509CertificationRequest::from_der(der)
            .map_err(|e| odd(format!("is no certificate request: {e}")))?;
        if !rest.is_empty() {
            return Err(odd("has bytes after its end".to_owned()));
        }
        let info = &parsed.certification_request_info;
        if !is_proven(&parsed) {
            return Err(odd(
                "was not signed by the key that it names, or by an algorithm that is not taken"
                    .to_owned(),
            ));
        }
        let key = RequestKey::of(&info.subject_pki)
            .ok_or_else(|| odd("has a key of a type that is not known here".to_owned()))?;
        let (mut uris, mut hosts) = (Vec::new(), Vec::new());
        for extension in parsed.requested_extensions().into_iter().flatten() {
            let ParsedExtension::SubjectAlternativeName(names) = extension else {
                continue;
            };
            for name in &names.general_names {
                match name {
                    GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                    GeneralName::DNSName(dns) => hosts.push((*dns).to_owned()),
                    GeneralName::IPAddress(octets) => hosts.push(address(octets)?),
                    other => {
                        return Err(odd(format!("asks for a name of another kind: {other}")));
                    }
                }
            }
        }
        if uris.len() + hosts.len() > NAMES_MAX {
            return Err(odd(format!("asks for more than {NAMES_MAX} names")));
        }
        Ok(Self {
            key,
            der: der.to_vec(),
            public_key: info.subject_pki.raw.to_vec(),
            uris,
            hosts,
        })
    }
}

fn is_proven(request: &X509CertificationRequest<'_>) -> bool {
    let algorithm = request.signature_algorithm.algorithm.as_bytes();
    let info = &request.certification_request_info;
    SIGNATURES
        .iter()
        .filter(|candidate| {
            // Contents of an AlgorithmIdentifier begin with the OID: tag, length, value.
            let id = candidate.signature_alg_id();
            id.split_at_checked(2)
                .is_some_and(|(_, oid)| oid.starts_with(algorithm))
        })
        .any(|candidate| {
            let key = &info.subject_pki.subject_public_key.data;
            candidate
                .verify_signature(key, info.raw, &request.signature_value.data)
                .is_ok()
        })
}

fn address(octets: &[u8]) -> Result<String, PkiError> {
    let v4 = <[u8; 4]>::try_from(octets).map(|a| IpAddr::from(Ipv4Addr::from(a)));
    let v6 = || <[u8; 16]>::try_from(octets).map(|a| IpAddr::from(Ipv6Addr::from(a)));
    v4.or_else(|_| v6())
        .map(|address| address.to_string())
        .map_err(|_| PkiError::Request("asks for an address of an odd length".to_owned()))
}

/// The names of a request or a certificate, as a certificate's specification has them.
pub(super) fn names(uris: &[String], hosts: &[String]) -> Vec<Name> {
    let uris = uris.iter().map(|uri| Name::Uri(uri.clone()));
    let hosts = hosts.iter().map(|host| match host.parse() {
        Ok(address) => Name::Ip(address),
        Err(_) => Name::Dns(host.clone()),
    });
    uris.chain(hosts).collect()
}
