//! Certificates of our own making: the development set behind `entente certs init`, and
//! authorities in memory for tests and mock partners, which can also issue what must be refused.
//!
//! Nothing made here is for production: every authority carries
//! [`crate::pki::DEVELOPMENT_ORGANISATION`], by which a production configuration knows it.

mod authority;
mod init;
mod leaf;

pub use authority::{Authority, AuthoritySpec};
pub use init::{DEVELOPMENT_SYSTEMS, InitSpec, Made, Summary, domain_of, init};
pub use leaf::{Fault, Issued, LeafSpec};

use std::path::PathBuf;
use thiserror::Error;

/// Organisation in the subject of every authority made here; `trust` knows it too.
pub const DEVELOPMENT_ORGANISATION: &str = "Entente development, not for production";

/// Why certificates cannot be made.
#[derive(Debug, Error)]
pub enum PkiError {
    /// Files of an earlier run, or of somebody else, are there; nothing was written.
    #[error(
        "{} exists already{}; nothing was written: choose another folder, or remove the old set",
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
    /// A number of days outside of 1 to the most that the gateway accepts.
    #[error("{0} days: a system's certificate may be valid for 1 to {max} days", max = init::DAYS_MAX)]
    Days(u32),
    /// A name that cannot stand in a certificate, or a fault of the library.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
}
