//! A relay: a reader that hands on what it reads, to one target outside of the federation's feed.
//!
//! A relay is a client like every other: its certificate says who it is, the gateway releases to
//! it what its nation may see, and `onward` keeps back what originators control. It reads by a
//! cursor that the gateway keeps, and acknowledges only what the target took, or what stands
//! durably among its dead letters. Imports nothing of the gateway's side.
//!
//! Invariant: no position is acknowledged before every record up to it was taken by the target,
//! left out by a rule of the settings, or written among the dead letters and synced. A failure
//! never skips.

mod audience;
mod backoff;
mod cascade;
mod dead;
mod engine;
mod entry;
mod event;
mod folder;
mod replay;
mod settings;
mod status;
mod subjects;
mod tak;
mod target;
mod webhook;

pub use dead::{DeadLetter, DeadLetters};
pub use engine::run;
pub use folder::Folder;
pub use replay::{Replayed, replay};
pub use settings::{RelaySettings, SettingsError};
pub use status::{STATUS_FILE, Status};
pub use target::Target;

use crate::client::ClientError;
use crate::trust::TlsError;
use std::path::PathBuf;
use thiserror::Error;

/// Why a relay does not start, or cannot go on.
#[derive(Debug, Error)]
pub enum RelayError {
    /// A file of the relay's own folder.
    #[error("{}: {reason}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Certificates of the relay or of the target.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The target's settings cannot work.
    #[error("{0}")]
    Target(String),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] ClientError),
}
