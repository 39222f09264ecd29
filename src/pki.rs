//! Certificates of our own making: authorities on disk behind `entente certs`, the development
//! set, and authorities in memory for tests and mock partners, which can also issue what must
//! be refused.
//!
//! The development set is not for production: its authorities carry
//! [`crate::pki::DEVELOPMENT_ORGANISATION`], by which a production configuration knows them.

mod authority;
pub mod files;
mod init;
mod keys;
mod leaf;
mod office;
pub mod pkcs12;
mod register;
mod renewal;
mod request;

pub use authority::{Authority, AuthoritySpec};
pub use init::{DEVELOPMENT_SYSTEMS, InitSpec, Made, Summary, domain_of, init};
pub use keys::{Key, KeyType};
pub use leaf::{Fault, Issued, LeafSpec};
pub use office::{LIST_DAYS_MAX, ListMade, Office, OfficeFiles};
pub use register::{IssuedEntry, Reason, Register, RevokedEntry, normal_serial, serial_text};
pub use renewal::{RenewError, RenewalSettings, Renewals, Renewer, Signer};
pub use request::{REQUEST_BYTES_MAX, Request, request_spec, write_request, write_request_der};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::path::{Path, PathBuf};
use thiserror::Error;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Organisation in the subject of every authority made here; `trust` knows it too.
pub const DEVELOPMENT_ORGANISATION: &str = "Entente development, not for production";

/// Why certificates cannot be made.
#[derive(Debug, Error)]
pub enum PkiError {
    /// Files of an earlier run, or of somebody else, are there; nothing was written.
    #[error(
        "{} exists already{}; nothing was written: choose another place, or move the old files away",
        first.display(),
        if *others == 0 { String::new() } else { format!(" (and {others} more)") }
    )]
    Exists {
        /// One of them.
        first: PathBuf,
        /// How many more.
        others: usize,
    },
    /// Two of the names make the same file, such as a system called `authority`.
    #[error("{}: two of the names make this file; nothing was written", .0.display())]
    Twice(PathBuf),
    /// A file or folder cannot be written.
    #[error("{}: cannot be written: {reason}", path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A file cannot be read.
    #[error("{}: cannot be read: {reason}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Others on the machine can read or change a key.
    #[error(
        "{}: the key's mode is {mode:04o}, so others than its owner have access; set it to 0600 \
         (chmod 600), and think of whether somebody has read it",
        path.display()
    )]
    KeyMode {
        /// The key's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// No key, or one of a type that is not used here.
    #[error(
        "{}holds no private key that can be used here: expected an unencrypted P-256, P-384, \
         Ed25519, RSA or ML-DSA key in PEM",
        .0.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default()
    )]
    UnknownKey(Option<PathBuf>),
    /// A key and a certificate that do not belong together.
    #[error("{} is not the key of {}", key.display(), certificate.display())]
    NotTheKey {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// A certificate that may not issue others.
    #[error("{}: no certificate to issue others with: it {reason}", path.display())]
    NoAuthority {
        /// Its file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The authority is another nation's.
    #[error("this authority is for the trust domain `{own}`, not for `{asked}`")]
    OtherDomain {
        /// What its register says.
        own: String,
        /// What was asked for.
        asked: String,
    },
    /// A request that is not certified.
    #[error("the request {0}")]
    Request(String),
    /// The register or the list beside it cannot be used.
    #[error("{}: {reason}", path.display())]
    Register {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The library cannot seal a PKCS #12 file.
    #[error("the file cannot be sealed under the password")]
    Seal,
    /// A number of days that no list may be good for.
    #[error("{0} days: a revocation list may be good for 1 to {max} days", max = office::LIST_DAYS_MAX)]
    ListDays(u32),
    /// A number of days outside of 1 to the most that the gateway accepts.
    #[error("{0} days: a system's certificate may be valid for 1 to {max} days", max = init::DAYS_MAX)]
    Days(u32),
    /// A name that cannot stand in a certificate, or a fault of the library.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// Certificates of a PEM or DER file, in their order.
///
/// # Errors
/// It cannot be read, or holds none.
pub fn pem_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PkiError> {
    let bytes = files::read_bounded(path, files::FILE_BYTES_MAX)?;
    if bytes.first() == Some(&0x30) {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(PkiError::Read {
            path: path.to_owned(),
            reason: std::io::Error::other("it holds no certificate in PEM"),
        }),
    }
}

/// The public key (SubjectPublicKeyInfo, DER) of a certificate; none: it cannot be read.
#[must_use]
pub fn public_key_of(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.public_key().raw.to_vec())
}
