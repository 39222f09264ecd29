//! How the stream is reached and kept.

use std::path::PathBuf;

/// Tag of the servers whose operator vouches that they sync before they acknowledge.
pub(super) const SYNC_TAG: &str = "sync:always";

/// What the operator of the servers promises of their `sync_interval`, which a client cannot
/// read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPromise {
    /// `sync_interval: always`: an acknowledged report survives that all servers lose power.
    Always,
    /// Anything else. Acknowledged reports may be lost when servers lose power together.
    Interval,
}

/// How the stream is reached and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JetStreamSettings {
    /// The servers, each as `tls://host:port`; one that answers is enough to start.
    pub servers: Vec<String>,
    /// PEM file with the authority of the servers' certificates.
    pub ca: PathBuf,
    /// PEM file with the certificate that the gateway shows to the servers.
    pub certificate: PathBuf,
    /// PEM file with its key.
    pub key: PathBuf,
    /// Name of the stream.
    pub stream: String,
    /// First token of the subjects, of this stream alone.
    pub subjects: String,
    /// Servers that keep a copy: 1, 3 or 5.
    pub replicas: usize,
    /// Most reports that wait for an acknowledgement at once.
    pub window: usize,
    /// What is promised of syncs.
    pub sync: SyncPromise,
}

impl JetStreamSettings {
    /// The usual settings, but for what has none.
    #[must_use]
    pub fn new(servers: Vec<String>, ca: PathBuf, certificate: PathBuf, key: PathBuf) -> Self {
        Self {
            servers,
            ca,
            certificate,
            key,
            stream: "ENTENTE".to_owned(),
            subjects: "entente".to_owned(),
            replicas: 3,
            window: 4096,
            sync: SyncPromise::Always,
        }
    }
}
