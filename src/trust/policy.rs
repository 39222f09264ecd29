//! What a certificate must be beyond a valid path; webpki ignores key usage, key size and
//! lifetime. Sources: X509-SVID, RFC 5280 4.1.2.2 and 4.2.1, FMN Spiral certificate profile.

use super::error::{TrustError, Which};
use super::profile::{Key, Profile};
use super::words;
use rustls_pki_types::CertificateDer;
use x509_parser::asn1_rs::ToDer as _;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

/// Largest certificate, bytes.
pub(super) const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;
/// Most intermediates that a peer may send; webpki follows six.
pub(super) const INTERMEDIATES_MAX: usize = 6;
/// Longest lifetime of a system's certificate, days.
const LEAF_DAYS_MAX: i64 = 398;
/// Longest serial number, octets.
const SERIAL_BYTES_MAX: usize = 20;
/// Contents of the OIDs 2.16.840.1.101.3.4.3.17 to .19 (FIPS 204, RFC 9881).
const OID_ML_DSA_44: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17];
const OID_ML_DSA_65: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18];
const OID_ML_DSA_87: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 19];

/// Parses one certificate within the size limit.
pub(super) fn parse<'a>(
    der: &'a CertificateDer<'_>,
    which: Which,
) -> Result<X509Certificate<'a>, TrustError> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return Err(TrustError::TooLarge {
            which,
            bytes: der.len(),
            bytes_max: CERTIFICATE_BYTES_MAX,
        });
    }
    let malformed = |reason: String| TrustError::Malformed { which, reason };
    let (rest, parsed) =
        X509Certificate::from_der(der).map_err(|e| malformed(words::unreadable(&e).to_owned()))?;
    if rest.is_empty() {
        Ok(parsed)
    } else {
        Err(malformed("bytes after its end".to_owned()))
    }
}

/// The rules for a system's own certificate; the first one that is broken.
pub(super) fn check_leaf(leaf: &X509Certificate<'_>, profile: Profile) -> Result<(), TrustError> {
    LEAF_RULES.iter().try_for_each(|rule| rule(leaf, profile))
}

/// Every rule that a system's own certificate breaks, in the order of [`check_leaf`].
pub(super) fn leaf_faults(leaf: &X509Certificate<'_>, profile: Profile) -> Vec<TrustError> {
    let broken = LEAF_RULES
        .iter()
        .filter_map(|rule| rule(leaf, profile).err());
    broken.collect()
}

type LeafRule = fn(&X509Certificate<'_>, Profile) -> Result<(), TrustError>;

const LEAF_RULES: [LeafRule; 7] = [
    |leaf, _| check_no_authority(leaf),
    |leaf, _| check_usage(leaf),
    |leaf, _| check_purpose(leaf),
    |leaf, _| check_serial(leaf.raw_serial()),
    |leaf, profile| check_key(leaf.public_key(), Which::Leaf, profile),
    |leaf, _| check_lifetime(leaf),
    |leaf, profile| check_signature(&leaf.signature_algorithm, Which::Leaf.word(), profile),
];

fn odd(what: &str) -> TrustError {
    TrustError::Malformed {
        which: Which::Leaf,
        reason: format!("its {what} cannot be read"),
    }
}

fn check_no_authority(leaf: &X509Certificate<'_>) -> Result<(), TrustError> {
    let constraints = leaf
        .basic_constraints()
        .map_err(|_| odd("basic constraints"))?;
    if constraints.is_some_and(|constraints| constraints.value.ca) {
        return Err(TrustError::AuthorityAsLeaf);
    }
    Ok(())
}

fn check_usage(leaf: &X509Certificate<'_>) -> Result<(), TrustError> {
    let usage = leaf.key_usage().map_err(|_| odd("key usage"))?;
    match usage {
        Some(u) if u.value.key_cert_sign() || u.value.crl_sign() => Err(TrustError::LeafMaySign),
        Some(u) if u.value.digital_signature() => Ok(()),
        _ => Err(TrustError::NoDigitalSignature),
    }
}

fn check_purpose(leaf: &X509Certificate<'_>) -> Result<(), TrustError> {
    let purposes = leaf
        .extended_key_usage()
        .map_err(|_| odd("extended key usage"))?;
    match purposes {
        Some(p) if p.value.any => Err(TrustError::AnyUsage),
        Some(p) if p.value.client_auth => Ok(()),
        _ => Err(TrustError::NotForClients),
    }
}

fn check_lifetime(leaf: &X509Certificate<'_>) -> Result<(), TrustError> {
    let validity = leaf.validity();
    let seconds = validity.not_after.timestamp() - validity.not_before.timestamp();
    let days = seconds / 86_400;
    if days > LEAF_DAYS_MAX {
        return Err(TrustError::LongLived {
            days,
            days_max: LEAF_DAYS_MAX,
        });
    }
    Ok(())
}

/// Whether an intermediate may issue at all; an absent key usage is no permission.
pub(super) fn may_issue(issuer: &X509Certificate<'_>) -> bool {
    issuer.is_ca()
        && issuer
            .key_usage()
            .ok()
            .flatten()
            .is_some_and(|usage| usage.value.key_cert_sign())
}

fn check_serial(raw: &[u8]) -> Result<(), TrustError> {
    // DER puts a zero octet before a positive number whose first bit is set.
    let value = match raw {
        [0, rest @ ..] => rest,
        [first, ..] if first & 0x80 != 0 => return Err(TrustError::OddSerial),
        all => all,
    };
    if value.iter().any(|b| *b != 0) && value.len() <= SERIAL_BYTES_MAX {
        Ok(())
    } else {
        Err(TrustError::OddSerial)
    }
}

/// Key types and sizes of the listener's profile.
pub(super) fn check_key(
    spki: &SubjectPublicKeyInfo<'_>,
    which: Which,
    profile: Profile,
) -> Result<(), TrustError> {
    check_known_key(&key_of(spki), which, profile)
}

/// The same for a key that was looked at before.
pub(super) fn check_known_key(
    known: &KnownKey,
    which: Which,
    profile: Profile,
) -> Result<(), TrustError> {
    let name = match known {
        Ok((key, _)) if profile.takes(*key, which == Which::Issuer) => return Ok(()),
        Ok((_, name)) | Err(name) => name,
    };
    Err(TrustError::WeakKey {
        which,
        key: name.clone(),
        allowed: profile.allowed_keys(),
    })
}

/// Signature algorithms of the listener's profile. webpki refuses the others too, but not in
/// words, and only once it knows the issuer.
pub(super) fn check_signature(
    algorithm: &AlgorithmIdentifier<'_>,
    what: &'static str,
    profile: Profile,
) -> Result<(), TrustError> {
    SignatureId::of(algorithm).check(what, profile)
}

/// How something is signed.
#[derive(Clone, Debug)]
pub(super) struct SignatureId {
    // Contents of the AlgorithmIdentifier, which webpki compares: OID, then parameters if any.
    contents: Vec<u8>,
    name: String,
}

impl SignatureId {
    pub(super) fn of(algorithm: &AlgorithmIdentifier<'_>) -> Self {
        let parameters = algorithm.parameters.as_ref();
        let mut contents = algorithm.algorithm.to_der_vec().unwrap_or_default();
        contents.extend(parameters.map_or_else(Vec::new, |p| p.to_der_vec().unwrap_or_default()));
        let oid = algorithm.algorithm.to_id_string();
        let name = SIGNATURE_NAMES.iter().find(|(known, _)| *known == oid);
        Self {
            contents,
            name: name.map_or_else(|| format!("foreign ({oid})"), |(_, n)| (*n).to_owned()),
        }
    }

    /// Whether a profile takes it, for what is signed so.
    pub(super) fn check(&self, what: &'static str, profile: Profile) -> Result<(), TrustError> {
        let mut known = profile.signatures().all.iter();
        if known.any(|known| known.signature_alg_id().as_ref() == self.contents) {
            return Ok(());
        }
        Err(TrustError::WeakSignature {
            what,
            algorithm: self.name.clone(),
            allowed: profile.allowed_signatures(),
        })
    }
}

/// Signature algorithms by their OIDs, for people.
const SIGNATURE_NAMES: [(&str, &str); 13] = [
    ("1.2.840.10045.4.1", "ECDSA and SHA-1"),
    ("1.2.840.10045.4.3.2", "ECDSA and SHA-256"),
    ("1.2.840.10045.4.3.3", "ECDSA and SHA-384"),
    ("1.2.840.10045.4.3.4", "ECDSA and SHA-512"),
    ("1.2.840.113549.1.1.5", "RSA and SHA-1"),
    ("1.2.840.113549.1.1.10", "RSA-PSS of other parameters"),
    ("1.2.840.113549.1.1.11", "RSA and SHA-256"),
    ("1.2.840.113549.1.1.12", "RSA and SHA-384"),
    ("1.2.840.113549.1.1.13", "RSA and SHA-512"),
    ("1.3.101.112", "Ed25519"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
];

/// A curve that no profile takes, by its OID, for people.
pub(super) fn curve_name(oid: &str) -> String {
    let name = match oid {
        "1.2.840.10045.3.1.1" => "P-192",
        "1.3.132.0.33" => "P-224",
        "1.3.132.0.35" => "P-521",
        "1.3.132.0.10" => "secp256k1",
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1",
        oid => return format!("an elliptic curve of no known name ({oid})"),
    };
    name.to_owned()
}

/// A kind of key with its name; or only the name of what no profile takes.
pub(super) type KnownKey = Result<(Key, String), String>;

/// What kind of key it is.
pub(super) fn key_of(spki: &SubjectPublicKeyInfo<'_>) -> KnownKey {
    let algorithm = &spki.algorithm.algorithm;
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let parameters = spki.algorithm.parameters.as_ref();
        let curve = parameters.and_then(|p| p.clone().oid().ok());
        return match curve {
            Some(c) if c == OID_EC_P256 => Ok((Key::P256, "P-256".to_owned())),
            Some(c) if c == OID_NIST_EC_P384 => Ok((Key::P384, "P-384".to_owned())),
            Some(c) => Err(curve_name(&c.to_id_string())),
            None => Err("nameless elliptic curve".to_owned()),
        };
    }
    if *algorithm == OID_SIG_ED25519 {
        return Ok((Key::Ed25519, "Ed25519".to_owned()));
    }
    for (oid, key, name) in [
        (OID_ML_DSA_44, Key::MlDsa44, "ML-DSA-44"),
        (OID_ML_DSA_65, Key::MlDsa65, "ML-DSA-65"),
        (OID_ML_DSA_87, Key::MlDsa87, "ML-DSA-87"),
    ] {
        if algorithm.as_bytes() == oid {
            return Ok((key, name.to_owned()));
        }
    }
    if *algorithm == OID_PKCS1_RSAENCRYPTION {
        return match spki.parsed() {
            Ok(PublicKey::RSA(key)) => {
                let bits = key.key_size();
                Ok((Key::Rsa(bits), format!("{bits} bit RSA")))
            }
            _ => Err("unreadable RSA".to_owned()),
        };
    }
    Err(format!("foreign ({algorithm})"))
}
