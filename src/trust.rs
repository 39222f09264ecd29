//! Who may speak for which nation: anchors, revocation lists, the verifier, TLS profiles.
//!
//! A certificate claims a trust domain; the domain selects the nation; only that nation's
//! anchors and revocation lists are ever offered to path validation. So only GBR's authority
//! can vouch for a GBR identity, whatever else a peer sends along.
//!
//! Only here (and in `pki`) are rustls and X.509 seen. This module opens no socket and spawns
//! nothing. Every refusal says in plain words why: [`TrustError`] for the operator, its
//! `code` and TLS alert for the peer.

mod alerts;
mod anchor;
mod block;
mod change;
mod connect;
mod diagnosis;
mod error;
mod expiry;
mod explain;
mod facts;
mod fit;
mod floors;
mod handshake;
mod holds;
mod keep;
mod lint;
mod load;
mod marks;
mod mend;
mod open_door;
mod opening;
mod path;
mod pem;
mod policy;
mod prepared;
mod probe;
mod profile;
mod revocation;
mod snapshot;
mod source;
mod state;
mod tls;
mod verify;
mod words;

pub use anchor::DEVELOPMENT_ORGANISATION;
pub use block::{Blocked, BlockedError, Hold};
pub use change::TrustChange;
pub use connect::{
    ClientStream, ConnectError, TargetStream, client_hello, connect, connect_target,
};
pub use diagnosis::{Diagnosis, Vouching, chain_faults};
pub use error::{Severity, TrustError, TrustProblem, Which};
pub use expiry::{WARNING_DAYS, ending_soon, threshold};
pub use explain::explain;
pub use facts::{CertificateFacts, Held, ListFacts, RequestFacts, read_held};
pub use fit::{authority_faults, server_faults, system_key_fault};
pub use handshake::{Accepted, HandshakeError, TlsStream, handshake, negotiated};
pub use marks::{FileMark, Looked, Marks, Scope};
pub use open_door::handshake_open;
pub use opening::TrustOpening;
pub use prepared::{Candidate, CandidateKind, Prepared};
pub use probe::{ProbeError, probe};
pub use profile::Profile;
pub use snapshot::{AnchorStatus, TrustSnapshot};
pub use source::{Material, NationMaterial, NationSources, Standing, Terms};
pub use state::{Own, Reloaded, TrustEpoch, TrustState, TrustStateError};
pub use tls::{
    ClientFiles, OwnCertificate, TlsError, client_config, read_secret, server_config, target_config,
};
pub use verify::{Claim, PeerChain, PeerIdentity};

/// A short name for exactly these bytes: 16 hexadecimal digits of their SHA-256.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    let digest = verify::digest(bytes);
    verify::hex(digest.get(..8).unwrap_or_default())
}

/// The client's side of TLS; built by [`client_config`].
pub type ClientConfig = rustls::ClientConfig;
/// The server's side of TLS; built by [`server_config`].
pub type ServerConfig = rustls::ServerConfig;
