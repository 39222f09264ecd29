//! TLS profiles: which suites, groups, signatures and keys a listener takes. Each is exactly
//! what its source says, or it does not start: nothing is approximated, and two profiles are
//! never mixed, because what one demands another forbids.
//!
//! Sources: FMN Spiral 5 TLS profile (TLS 1.3, AES-128-GCM mandatory, sessions of 48 hours at
//! most) and Spiral 4 certificate profile; RFC 9151 (CNSA 1.0); draft-becker-cnsa2-tls-profile
//! (CNSA 2.0: ML-KEM-1024 and ML-DSA-87 alone). rustls has no hybrid of P-384 and ML-KEM-1024,
//! so a transitional CNSA profile cannot be had, and none is offered.

use rustls::SignatureScheme as Scheme;
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, default_provider, kx_group as group};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use webpki::aws_lc_rs as algorithm;

/// What a listener demands of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// TLS 1.3, hybrid X25519MLKEM768 first.
    #[default]
    Default,
    /// FMN Spiral 5.
    Fmn5,
    /// CNSA 1.0, RFC 9151.
    Cnsa1,
    /// CNSA 2.0, without a hybrid.
    Cnsa2,
}

/// A key as far as profiles tell keys apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    P256,
    P384,
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
    /// Bits.
    Rsa(usize),
}

impl Profile {
    /// Every profile, with its word in the configuration.
    pub const ALL: [(&'static str, Self); 4] = [
        ("default", Self::Default),
        ("fmn5", Self::Fmn5),
        ("cnsa1", Self::Cnsa1),
        ("cnsa2", Self::Cnsa2),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Fmn5 => "fmn5",
            Self::Cnsa1 => "cnsa1",
            Self::Cnsa2 => "cnsa2",
        }
    }

    /// The longest that one connection may last, if the profile limits it.
    #[must_use]
    pub fn session_max(self) -> Option<Duration> {
        match self {
            // FMN Spiral 5: TLS session lifetime of 48 hours at most.
            Self::Fmn5 => Some(Duration::from_secs(48 * 3600)),
            Self::Default | Self::Cnsa1 | Self::Cnsa2 => None,
        }
    }

    pub(super) fn provider(self) -> &'static Arc<CryptoProvider> {
        match self {
            Self::Default => &DEFAULT,
            Self::Fmn5 => &FMN5,
            Self::Cnsa1 => &CNSA1,
            Self::Cnsa2 => &CNSA2,
        }
    }

    /// Signatures in handshakes, certificates and revocation lists.
    pub(super) fn signatures(self) -> WebPkiSupportedAlgorithms {
        self.provider().signature_verification_algorithms
    }

    /// Whether a key may be a system's, or (`of_issuer`) an authority's.
    pub(super) fn takes(self, key: Key, of_issuer: bool) -> bool {
        match self {
            Self::Default => match key {
                Key::Rsa(bits) => (2048..=4096).contains(&bits),
                _ => true,
            },
            Self::Fmn5 => match key {
                Key::P256 | Key::P384 => true,
                // Authorities 3072 or 4096, subscribers from 2048 on.
                Key::Rsa(bits) => (if of_issuer { 3072 } else { 2048 }..=4096).contains(&bits),
                _ => false,
            },
            Self::Cnsa1 => match key {
                Key::P384 => true,
                Key::Rsa(bits) => (3072..=4096).contains(&bits),
                _ => false,
            },
            Self::Cnsa2 => key == Key::MlDsa87,
        }
    }

    /// The keys that it takes, for people.
    pub(super) fn allowed_keys(self) -> &'static str {
        match self {
            Self::Default => "P-256, P-384, Ed25519, ML-DSA and RSA of 2048 to 4096 bits",
            Self::Fmn5 => {
                "P-256, P-384 and RSA of 2048 to 4096 bits, of authorities 3072 to 4096 (profile fmn5)"
            }
            Self::Cnsa1 => "P-384 and RSA of 3072 to 4096 bits (profile cnsa1)",
            Self::Cnsa2 => "ML-DSA-87 (profile cnsa2)",
        }
    }
}

impl Profile {
    /// The signatures that it takes, for people.
    pub(super) fn allowed_signatures(self) -> &'static str {
        match self {
            Self::Default => "ECDSA, RSA, Ed25519 and ML-DSA, with SHA-256 or longer",
            Self::Fmn5 => "ECDSA and RSA with SHA-256 or SHA-384 (profile fmn5)",
            Self::Cnsa1 => "ECDSA and RSA with SHA-384 (profile cnsa1)",
            Self::Cnsa2 => "ML-DSA-87 (profile cnsa2)",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

static DEFAULT: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = default_provider();
    provider.cipher_suites = vec![
        suite::TLS13_AES_256_GCM_SHA384,
        suite::TLS13_AES_128_GCM_SHA256,
        suite::TLS13_CHACHA20_POLY1305_SHA256,
    ];
    provider.kx_groups = vec![
        group::X25519MLKEM768,
        group::SECP384R1,
        group::SECP256R1,
        group::X25519,
    ];
    Arc::new(provider)
});

/// What a client of ours offers: everything that any profile of a gateway could demand.
pub(super) static CLIENT: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = CryptoProvider::clone(&DEFAULT);
    provider.kx_groups.push(group::MLKEM1024);
    Arc::new(provider)
});

static FMN5: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = CryptoProvider::clone(&DEFAULT);
    provider.kx_groups = vec![group::X25519MLKEM768, group::SECP384R1, group::SECP256R1];
    provider.signature_verification_algorithms = FMN5_SIGNATURES;
    Arc::new(provider)
});

static CNSA1: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = default_provider();
    provider.cipher_suites = vec![suite::TLS13_AES_256_GCM_SHA384];
    provider.kx_groups = vec![group::SECP384R1];
    provider.signature_verification_algorithms = CNSA1_SIGNATURES;
    Arc::new(provider)
});

static CNSA2: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = default_provider();
    provider.cipher_suites = vec![suite::TLS13_AES_256_GCM_SHA384];
    provider.kx_groups = vec![group::MLKEM1024];
    provider.signature_verification_algorithms = CNSA2_SIGNATURES;
    Arc::new(provider)
});

const FMN5_SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        algorithm::ECDSA_P256_SHA256,
        algorithm::ECDSA_P256_SHA384,
        algorithm::ECDSA_P384_SHA256,
        algorithm::ECDSA_P384_SHA384,
        algorithm::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        algorithm::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        algorithm::RSA_PKCS1_2048_8192_SHA256,
        algorithm::RSA_PKCS1_2048_8192_SHA384,
    ],
    mapping: &[
        (
            Scheme::ECDSA_NISTP384_SHA384,
            &[algorithm::ECDSA_P384_SHA384],
        ),
        (
            Scheme::ECDSA_NISTP256_SHA256,
            &[algorithm::ECDSA_P256_SHA256],
        ),
        (
            Scheme::RSA_PSS_SHA384,
            &[algorithm::RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
        ),
        (
            Scheme::RSA_PSS_SHA256,
            &[algorithm::RSA_PSS_2048_8192_SHA256_LEGACY_KEY],
        ),
    ],
};

const CNSA1_SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        algorithm::ECDSA_P384_SHA384,
        algorithm::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        algorithm::RSA_PKCS1_3072_8192_SHA384,
    ],
    mapping: &[
        (
            Scheme::ECDSA_NISTP384_SHA384,
            &[algorithm::ECDSA_P384_SHA384],
        ),
        (
            Scheme::RSA_PSS_SHA384,
            &[algorithm::RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
        ),
    ],
};

const CNSA2_SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[algorithm::ML_DSA_87],
    mapping: &[(Scheme::ML_DSA_87, &[algorithm::ML_DSA_87])],
};
