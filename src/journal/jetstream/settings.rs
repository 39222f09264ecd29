//! How the stream is reached and kept.

use async_nats::ServerAddr;
use std::path::PathBuf;

/// Tag of the servers whose operator vouches that they sync before they acknowledge.
pub(super) const SYNC_TAG: &str = "sync:always";

/// Longest name of a stream or of its subjects.
const NAME_BYTES_MAX: usize = 64;

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
    /// The servers, all of them, each as `tls://host:port`; one that answers is enough.
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

    /// What cannot work, each with the key it is of.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.servers.is_empty() {
            let message = "missing: the jetstream engine needs at least one server";
            problems.push(("servers", message.to_owned()));
        }
        for server in &self.servers {
            let address = server.strip_prefix("tls://");
            let parts = address.and_then(|address| address.rsplit_once(':'));
            let is_sound = parts.is_some_and(|(host, port)| {
                !host.is_empty() && port.parse().is_ok_and(|port: u16| port > 0)
            }) && server.parse::<ServerAddr>().is_ok();
            if !is_sound {
                let message = format!("`{server}` is not such as tls://nats-1.example:4222");
                problems.push(("servers", message));
            }
        }
        for (key, name) in [("stream", &self.stream), ("subjects", &self.subjects)] {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
                let message = format!(
                    "`{name}` is not of letters, digits, - and _, at most {NAME_BYTES_MAX}"
                );
                problems.push((key, message));
            }
        }
        if self.replicas.is_multiple_of(2) {
            let message = format!("{} is none of 1, 3, 5", self.replicas);
            problems.push(("replicas", message));
        }
        problems
    }
}
