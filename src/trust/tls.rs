//! TLS as we speak it: 1.3 only, aws-lc-rs, what a listener's profile demands, no resumption,
//! no early data, h2 required. A resumed session would skip the verifier, so there are no
//! sessions.

use super::error::TrustError;
use super::fit::server_faults;
use super::pem;
use super::profile::{self, Profile};
use super::snapshot::TrustSnapshot;
use super::source::read_bounded;
use super::verify::{
    At, Claim, PeerChain, PeerIdentity, claim, digest, from_unix, timestamp, unix_time,
};
use super::words;
use crate::clock::Clock;
use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::{Resumption, WantsClientCert};
use rustls::crypto::verify_tls13_signature;
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{
    ConfigBuilder, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use thiserror::Error;
use webpki::ExpirationPolicy;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The only protocol above TLS.
pub(super) const ALPN_H2: &[u8] = b"h2";
/// Largest key file, bytes.
const KEY_BYTES_MAX: usize = 64 * 1024;

/// Why our own side of TLS cannot be set up. The operator, or the owner of the client, acts.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TlsError {
    /// Missing, or not ours to read.
    #[error("{what} {}: {reason}", path.display())]
    File {
        /// What the file should hold.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What the system or the parser said.
        reason: String,
    },
    /// Others on the machine can read or change the key.
    #[error(
        "private key {}: its mode is {mode:04o}, so others than its owner have access; \
         set it to 0600",
        path.display()
    )]
    KeyMode {
        /// The key's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key is not the certificate's.
    #[error("private key {} does not belong to the certificate {}", key.display(), certificate.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// The certificate cannot be shown on a listener of this profile.
    #[error(
        "certificate {}: the listener's profile is {profile}, and {reason}",
        certificate.display()
    )]
    Profile {
        /// The certificate's file.
        certificate: PathBuf,
        /// What the listener demands.
        profile: Profile,
        /// What does not fit.
        reason: String,
    },
    /// rustls refused the combination.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// A certificate of our own, with its key.
#[derive(Clone, Debug)]
pub struct OwnCertificate {
    pub(super) certified: Arc<CertifiedKey>,
    not_before: Timestamp,
    not_after: Timestamp,
    subject: String,
}

impl OwnCertificate {
    /// Reads a chain (leaf first) and its key from PEM files.
    ///
    /// # Errors
    /// A file that is missing or cannot be read, a key that others can read, a key of another
    /// certificate.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = load_certificates("certificate", certificate)?;
        let private = load_key(key)?;
        let (not_before, not_after, subject) = describe(certificate, chain.first())?;
        match CertifiedKey::from_der(chain, private, &profile::CLIENT) {
            Ok(certified) => Ok(Self {
                certified: Arc::new(certified),
                not_before,
                not_after,
                subject,
            }),
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch {
                key: key.to_owned(),
                certificate: certificate.to_owned(),
            }),
            Err(error) => Err(file_error("private key", key, error.to_string())),
        }
    }

    /// Whether it can be shown on a listener of a profile: every key of its chain must be one
    /// that the profile takes.
    ///
    /// # Errors
    /// The first certificate that is not.
    pub fn check_profile(&self, file: &Path, profile: Profile) -> Result<(), TlsError> {
        let chain = PeerChain(self.certified.cert.as_slice().into());
        match server_faults(&chain, profile).first() {
            Some(fault) => Err(TlsError::Profile {
                certificate: file.to_owned(),
                profile,
                reason: fault.to_string(),
            }),
            None => Ok(()),
        }
    }

    /// Whether it has a server name.
    pub(super) fn is_for(&self, server_name: &str) -> bool {
        let Some(leaf) = self.certified.cert.first() else {
            return false;
        };
        let Ok(name) = ServerName::try_from(server_name) else {
            return false;
        };
        webpki::EndEntityCert::try_from(leaf)
            .is_ok_and(|leaf| leaf.verify_is_valid_for_subject_name(&name).is_ok())
    }

    /// End of the certificate.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Start of the certificate.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Whether it is the same certificate.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }

    /// SHA-256 of the whole chain.
    pub(super) fn sha256(&self) -> [u8; 32] {
        let whole: Vec<_> = self
            .certified
            .cert
            .iter()
            .flat_map(|der| der.iter().copied())
            .collect();
        digest(&whole)
    }

    /// Subject of the certificate.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// What the verifier found: the peer, or why it is refused and what it sent, for the listener's
/// log line and its memory of refusals. One per handshake.
pub(super) type VerdictSlot = Arc<OnceLock<Result<PeerIdentity, (TrustError, Claim, PeerChain)>>>;

/// Builds the server's side over one snapshot.
///
/// # Errors
/// rustls refuses the combination; a fault of ours.
pub fn server_config(
    snapshot: Arc<TrustSnapshot>,
    own: &OwnCertificate,
    clock: Arc<dyn Clock>,
    profile: Profile,
) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    server_config_noting(snapshot, own, clock, profile, VerdictSlot::default())
}

pub(super) fn server_config_noting(
    snapshot: Arc<TrustSnapshot>,
    own: &OwnCertificate,
    clock: Arc<dyn Clock>,
    profile: Profile,
    verdict: VerdictSlot,
) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let time = Arc::new(ClockTime(clock));
    let verifier = Arc::new(FederationVerifier {
        snapshot,
        profile,
        verdict,
    });
    let provider = Arc::clone(profile.provider());
    let config = rustls::ServerConfig::builder_with_details(provider, time)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| TlsError::Setup(e.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&own.certified))));
    Ok(seal(config))
}

/// What every server of ours has: h2, no resumption, no early data.
pub(super) fn seal(mut config: rustls::ServerConfig) -> Arc<rustls::ServerConfig> {
    config.alpn_protocols = vec![ALPN_H2.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Arc::new(config)
}

/// Files of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFiles {
    /// Its chain, leaf first, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM, mode 0600.
    pub key: PathBuf,
    /// The authority of the gateway, PEM.
    pub authority: PathBuf,
}

/// Builds the client's side.
///
/// # Errors
/// As [`OwnCertificate::load`], or the authority cannot be used.
pub fn client_config(
    files: &ClientFiles,
    clock: Arc<dyn Clock>,
) -> Result<Arc<rustls::ClientConfig>, TlsError> {
    let own = OwnCertificate::load(&files.certificate, &files.key)?;
    let roots = roots("gateway authority", &files.authority)?;
    let builder = towards(roots, clock)?;
    let own = Arc::new(SingleCertAndKey::from(own.certified));
    let mut config = builder.with_client_cert_resolver(own);
    config.alpn_protocols = vec![ALPN_H2.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Builds our side towards a server that is no gateway, such as the target of a relay: TLS 1.3,
/// no ALPN, the authority of `authority` alone, and a certificate of our own where there is one.
///
/// # Errors
/// As [`OwnCertificate::load`], or the authority cannot be used.
pub fn target_config(
    authority: &Path,
    own: Option<(&Path, &Path)>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<rustls::ClientConfig>, TlsError> {
    let builder = towards(roots("authority", authority)?, clock)?;
    let mut config = match own {
        Some((certificate, key)) => {
            let own = OwnCertificate::load(certificate, key)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own.certified)))
        }
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Reads a file that holds a secret, which others than its owner may not reach.
///
/// # Errors
/// It is missing, too large, or others have access.
pub fn read_secret(path: &Path) -> Result<Vec<u8>, TlsError> {
    check_mode(path)?;
    let bytes = read_bounded(path).map_err(|reason| file_error("secret", path, reason))?;
    if bytes.len() > KEY_BYTES_MAX {
        let reason = format!("has more than {KEY_BYTES_MAX} bytes");
        return Err(file_error("secret", path, reason));
    }
    Ok(bytes)
}

fn roots(what: &'static str, path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in load_certificates(what, path)? {
        roots
            .add(authority)
            .map_err(|e| file_error(what, path, e.to_string()))?;
    }
    Ok(roots)
}

fn towards(
    roots: RootCertStore,
    clock: Arc<dyn Clock>,
) -> Result<ConfigBuilder<rustls::ClientConfig, WantsClientCert>, TlsError> {
    let time = Arc::new(ClockTime(clock));
    let builder = rustls::ClientConfig::builder_with_details(Arc::clone(&profile::CLIENT), time)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| TlsError::Setup(e.to_string()))?;
    Ok(builder.with_root_certificates(roots))
}

/// Asks the snapshot; keeps what it says, of which TLS could only carry an alert.
#[derive(Debug)]
struct FederationVerifier {
    snapshot: Arc<TrustSnapshot>,
    profile: Profile,
    verdict: VerdictSlot,
}

impl ClientCertVerifier for FederationVerifier {
    // No hints: a stranger learns nothing of who the partners are.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let at = At::new(from_unix(now), self.profile, ExpirationPolicy::Enforce);
        // Set once: there is one verification in a handshake.
        match self.snapshot.verify_parts(end_entity, intermediates, at) {
            Ok(peer) => {
                let _first = self.verdict.set(Ok(peer));
                Ok(ClientCertVerified::assertion())
            }
            Err(error) => {
                let alert = error.to_tls();
                let sent = std::iter::once(end_entity).chain(intermediates);
                let chain = PeerChain(sent.map(|der| der.clone().into_owned()).collect());
                let _first = self.verdict.set(Err((error, claim(end_entity), chain)));
                Err(rustls::Error::InvalidCertificate(alert))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // Never reached: TLS 1.2 is not offered.
        Err(rustls::PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.profile.signatures())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.profile.signatures().supported_schemes()
    }
}

/// Our clock, as rustls asks for it.
#[derive(Debug)]
pub(super) struct ClockTime(pub(super) Arc<dyn Clock>);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.0.now()))
    }
}

fn load_certificates(
    what: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    read_bounded(path)
        .and_then(|bytes| pem::certificates(&bytes))
        .map_err(|reason| file_error(what, path, reason))
}

fn load_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    check_mode(path)?;
    let bytes = read_bounded(path).map_err(|reason| file_error("private key", path, reason))?;
    if bytes.len() > KEY_BYTES_MAX {
        let reason = format!("has more than {KEY_BYTES_MAX} bytes");
        return Err(file_error("private key", path, reason));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        file_error(
            "private key",
            path,
            "holds no private key in PEM".to_owned(),
        )
    })
}

/// A key that the group or others can read is as good as published.
fn check_mode(path: &Path) -> Result<(), TlsError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path)
        .map_err(|e| file_error("private key", path, format!("cannot be opened: {e}")))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(TlsError::KeyMode {
            path: path.to_owned(),
            mode,
        })
    }
}

fn describe(
    path: &Path,
    leaf: Option<&CertificateDer<'static>>,
) -> Result<(Timestamp, Timestamp, String), TlsError> {
    let none = || file_error("certificate", path, "holds no certificate".to_owned());
    let leaf = leaf.ok_or_else(none)?;
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(|e| {
        let reason = format!("is malformed: {}", words::unreadable(&e));
        file_error("certificate", path, reason)
    })?;
    let start = timestamp(parsed.validity().not_before.timestamp());
    let end = timestamp(parsed.validity().not_after.timestamp());
    Ok((start, end, parsed.subject().to_string()))
}

fn file_error(what: &'static str, path: &Path, reason: String) -> TlsError {
    TlsError::File {
        what,
        path: path.to_owned(),
        reason,
    }
}
