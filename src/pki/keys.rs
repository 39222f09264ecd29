//! Private keys: made, read from files with checked permissions, and used to sign.
//!
//! Invariant: a key is never printed, never logged, and never read from a file that others
//! than its owner can reach.

use super::PkiError;
use super::files::{self, MODE_OTHERS};
use aws_lc_rs::signature::{
    KeyPair as _, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
};
use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm, SigningKey};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use std::fmt;
use std::path::Path;

/// Largest key file, bytes.
const KEY_BYTES_MAX: u64 = 64 * 1024;

/// Types of key that can be made here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyType {
    /// ECDSA on P-256: taken everywhere.
    #[default]
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519.
    Ed25519,
    /// ML-DSA-44 (FIPS 204).
    MlDsa44,
    /// ML-DSA-65 (FIPS 204).
    MlDsa65,
    /// ML-DSA-87 (FIPS 204), the one that CNSA 2.0 takes.
    MlDsa87,
}

impl KeyType {
    fn algorithm(self) -> &'static SignatureAlgorithm {
        match self {
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
            Self::MlDsa44 => &rcgen::PKCS_ML_DSA_44,
            Self::MlDsa65 => &rcgen::PKCS_ML_DSA_65,
            Self::MlDsa87 => &rcgen::PKCS_ML_DSA_87,
        }
    }
}

/// A private key.
pub struct Key(Kind);

enum Kind {
    Classic(KeyPair),
    // rcgen makes such keys but cannot read them back.
    MlDsa {
        pair: PqdsaKeyPair,
        algorithm: &'static SignatureAlgorithm,
        pkcs8: Vec<u8>,
    },
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(not shown)")
    }
}

impl From<KeyPair> for Key {
    fn from(pair: KeyPair) -> Self {
        Self(Kind::Classic(pair))
    }
}

impl Key {
    /// Makes a key.
    ///
    /// # Errors
    /// The library cannot.
    pub fn make(key_type: KeyType) -> Result<Self, PkiError> {
        let pair = KeyPair::generate_for(key_type.algorithm())?;
        match key_type {
            KeyType::P256 | KeyType::P384 | KeyType::Ed25519 => Ok(pair.into()),
            // Taken through its file form, so that what is made is known to be readable.
            KeyType::MlDsa44 | KeyType::MlDsa65 | KeyType::MlDsa87 => {
                Self::ml_dsa(pair.serialized_der()).ok_or(PkiError::UnknownKey(None))
            }
        }
    }

    /// Reads a key in PEM (PKCS #8, SEC 1 or PKCS #1) from a file that is its owner's alone.
    ///
    /// # Errors
    /// The file cannot be read, others have access to it, or it holds no key that we know.
    pub fn read(path: &Path) -> Result<Self, PkiError> {
        let mode = files::mode(path)?;
        if mode & MODE_OTHERS != 0 {
            return Err(PkiError::KeyMode {
                path: path.to_owned(),
                mode,
            });
        }
        let bytes = files::read_bounded(path, KEY_BYTES_MAX)?;
        let unknown = || PkiError::UnknownKey(Some(path.to_owned()));
        let der = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| unknown())?;
        Self::from_der(&der).ok_or_else(unknown)
    }

    /// Reads a key from PEM in memory.
    ///
    /// # Errors
    /// It is no key that we know.
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .ok()
            .and_then(|der| Self::from_der(&der))
            .ok_or(PkiError::UnknownKey(None))
    }

    fn from_der(der: &PrivateKeyDer<'_>) -> Option<Self> {
        match KeyPair::try_from(der) {
            Ok(pair) => Some(pair.into()),
            Err(_) => Self::ml_dsa(der.secret_der()),
        }
    }

    fn ml_dsa(pkcs8: &[u8]) -> Option<Self> {
        let known = [
            (&ML_DSA_44_SIGNING, &rcgen::PKCS_ML_DSA_44),
            (&ML_DSA_65_SIGNING, &rcgen::PKCS_ML_DSA_65),
            (&ML_DSA_87_SIGNING, &rcgen::PKCS_ML_DSA_87),
        ];
        known.into_iter().find_map(|(signing, algorithm)| {
            let pair = PqdsaKeyPair::from_pkcs8(signing, pkcs8).ok()?;
            Some(Self(Kind::MlDsa {
                pair,
                algorithm,
                pkcs8: pkcs8.to_vec(),
            }))
        })
    }

    /// The key in DER: PKCS #8, or the form in which it was read.
    #[must_use]
    pub fn to_pkcs8(&self) -> Vec<u8> {
        match &self.0 {
            Kind::MlDsa { pkcs8, .. } => pkcs8.clone(),
            Kind::Classic(pair) => pair.serialize_der(),
        }
    }

    /// The key in PKCS #8, DER, also if it was read in an older form (SEC 1, PKCS #1).
    pub(super) fn to_true_pkcs8(&self) -> Result<Vec<u8>, PkiError> {
        let der = self.to_pkcs8();
        // PKCS #8 has the algorithm, a sequence, in second place; the older forms have not.
        let is_pkcs8 = yasna::parse_der(&der, |reader| {
            reader.read_sequence(|reader| {
                reader.next().read_der()?;
                let algorithm = reader.next().lookahead_tag()? == yasna::tags::TAG_SEQUENCE;
                while reader.read_optional(|r| r.read_der())?.is_some() {}
                Ok(algorithm)
            })
        });
        match is_pkcs8 {
            Ok(true) => return Ok(der),
            Ok(false) => {}
            Err(_) => return Err(PkiError::UnknownKey(None)),
        }
        let algorithm = yasna::parse_der(&self.public_key(), |reader| {
            reader.read_sequence(|reader| {
                let algorithm = reader.next().read_der()?;
                reader.next().read_der()?;
                Ok(algorithm)
            })
        })
        .map_err(|_| PkiError::UnknownKey(None))?;
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_u8(0);
                writer.next().write_der(&algorithm);
                writer.next().write_bytes(&der);
            });
        }))
    }

    /// The key in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        match &self.0 {
            Kind::Classic(pair) => pair.serialize_pem(),
            Kind::MlDsa { pkcs8, .. } => files::pem("PRIVATE KEY", pkcs8),
        }
    }

    /// The public half (SubjectPublicKeyInfo), DER.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.subject_public_key_info()
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::Classic(pair) => pair.der_bytes(),
            Kind::MlDsa { pair, .. } => pair.public_key().as_ref(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match &self.0 {
            Kind::Classic(pair) => pair.algorithm(),
            Kind::MlDsa { algorithm, .. } => algorithm,
        }
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        match &self.0 {
            Kind::Classic(pair) => pair.sign(message),
            Kind::MlDsa { pair, .. } => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                let written = pair.sign(message, &mut signature);
                let length = written.map_err(|_| rcgen::Error::RingUnspecified)?;
                signature.truncate(length);
                Ok(signature)
            }
        }
    }
}
