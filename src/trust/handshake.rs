//! One handshake on a connected socket. No deadline here: the listener holds one over all of
//! it. If trust changed meanwhile, the chain is verified again against the newest snapshot,
//! which closes the gap between a handshake that began before a reload and its registration.

use super::alerts;
use super::error::TrustError;
use super::profile::Profile;
use super::state::TrustState;
use super::tls::{ALPN_H2, TlsError, VerdictSlot};
use super::verify::{Claim, PeerChain, PeerIdentity, claim};
use crate::socket::TcpStream;
use rustls::server::Acceptor;
use std::io;
use std::sync::Arc;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio_rustls::LazyConfigAcceptor;

/// A TLS session with a peer.
pub type TlsStream = tokio_rustls::server::TlsStream<TcpStream>;

/// Fatal alert no_application_protocol (RFC 7301), as a plaintext record.
pub(super) const ALERT_NO_APPLICATION_PROTOCOL: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 120];

/// A finished handshake.
#[derive(Debug)]
pub struct Accepted {
    /// The session.
    pub stream: TlsStream,
    /// What the peer sent; verified again when trust changes.
    pub chain: PeerChain,
    /// Who it is.
    pub peer: PeerIdentity,
}

/// Why a handshake failed.
#[derive(Debug, Error)]
pub enum HandshakeError {
    /// The certificate is refused.
    #[error("{error}")]
    Refused {
        /// Why.
        error: TrustError,
        /// What the certificate said of itself.
        claim: Claim,
        /// What the peer sent; that its key is the peer's was not proven.
        chain: PeerChain,
    },
    /// Trust changed while hands were shaken: TLS stands, but the peer is believed no more.
    #[error("{error}")]
    RefusedLate {
        /// Why.
        error: TrustError,
        /// What the certificate said of itself.
        claim: Claim,
        /// What the peer sent.
        chain: PeerChain,
        /// To tell the peer why; TLS has no alert for it any more.
        stream: Box<TlsStream>,
    },
    /// The peer does not speak HTTP/2.
    #[error("the peer does not offer the protocol h2 (ALPN)")]
    NoH2,
    /// TLS failed: another version or suite, no certificate, a key that is not the
    /// certificate's, or bytes that are no TLS.
    #[error("TLS failed: {}", alerts::failure(.0))]
    Tls(rustls::Error),
    /// The peer refused us; often it lacks our authority, or our certificate has not its name.
    #[error("the peer ended the handshake, refusing the gateway: {alert}{}", wrong_name(.asked))]
    PeerRefused {
        /// What it said.
        alert: String,
        /// The server name that it asked for and our certificate has not. `None`: it asked for
        /// none, or for one that is there.
        asked: Option<String>,
    },
    /// The peer went away, or the network did.
    #[error("the connection broke during the handshake: {0}")]
    Broken(io::Error),
    /// Our own fault.
    #[error(transparent)]
    Own(TlsError),
}

impl HandshakeError {
    /// A short, stable word for metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { error, .. } | Self::RefusedLate { error, .. } => error.code(),
            Self::NoH2 => "no_h2",
            Self::Tls(rustls::Error::NoCertificatesPresented) => "no_certificate",
            Self::Tls(_) => "tls",
            Self::PeerRefused { .. } => "peer_refused",
            Self::Broken(_) => "broken",
            Self::Own(_) => "own",
        }
    }
}

fn wrong_name(asked: &Option<String>) -> String {
    asked.as_ref().map_or_else(String::new, |name| {
        let name = name.escape_default();
        format!("; it asked for `{name}`, a name that the gateway's certificate does not have")
    })
}

/// Shakes hands as a profile demands, and verifies the peer.
///
/// # Errors
/// Every way it can fail; the peer got an alert where TLS has one.
pub async fn handshake(
    trust: &TrustState,
    tcp: TcpStream,
    profile: Profile,
) -> Result<Accepted, HandshakeError> {
    let mut start = LazyConfigAcceptor::new(Acceptor::default(), tcp)
        .await
        .map_err(tls_error)?;
    let offers_h2 = start
        .client_hello()
        .alpn()
        .is_some_and(|mut offered| offered.any(|name| name == ALPN_H2));
    if !offers_h2 {
        // rustls goes on when the peer offers nothing at all; we do not. Whether the alert
        // still reaches the peer is its own affair.
        let _ = start.io.write_all(&ALERT_NO_APPLICATION_PROTOCOL).await;
        let _ = start.io.shutdown().await;
        return Err(HandshakeError::NoH2);
    }
    // Who connects by an address asks for no name, and is as welcome.
    let asked = start.client_hello().server_name().map(str::to_owned);
    let verdict = VerdictSlot::default();
    let config = trust
        .server_config_noting(profile, Arc::clone(&verdict))
        .map_err(HandshakeError::Own)?;
    let stream = start
        .into_stream(config)
        .await
        .map_err(|error| match verdict.get() {
            Some(Err((error, claim, chain))) => HandshakeError::Refused {
                error: error.clone(),
                claim: claim.clone(),
                chain: chain.clone(),
            },
            Some(Ok(_)) | None => match tls_error(error) {
                HandshakeError::PeerRefused { alert, .. } => HandshakeError::PeerRefused {
                    alert,
                    asked: asked.filter(|name| !trust.own_is_for(name)),
                },
                other => other,
            },
        })?;
    let (_, session) = stream.get_ref();
    let chain = PeerChain(session.peer_certificates().unwrap_or_default().into());
    let now = trust.clock().now();
    let snapshot = trust.snapshot();
    let verified = match verdict.get() {
        // Verified a moment ago, with the very trust that is in force.
        Some(Ok(peer)) if peer.epoch == snapshot.epoch() => Ok(peer.clone()),
        _ => snapshot.verify_for(&chain, now, profile),
    };
    match verified {
        Ok(peer) => Ok(Accepted {
            stream,
            chain,
            peer,
        }),
        Err(error) => Err(HandshakeError::RefusedLate {
            error,
            claim: chain.0.first().map(|leaf| claim(leaf)).unwrap_or_default(),
            chain,
            stream: Box::new(stream),
        }),
    }
}

/// What a session agreed on: the key exchange group and the cipher suite.
#[must_use]
pub fn negotiated(stream: &TlsStream) -> (String, String) {
    let (_, session) = stream.get_ref();
    let group = session.negotiated_key_exchange_group();
    let suite = session.negotiated_cipher_suite();
    (
        group.map_or_else(String::new, |group| format!("{:?}", group.name())),
        suite.map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
    )
}

/// The error of rustls inside of one of I/O.
pub(super) fn tls_cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// tokio-rustls hides the error of rustls inside of one of I/O.
pub(super) fn tls_error(error: io::Error) -> HandshakeError {
    match error.downcast::<rustls::Error>() {
        Ok(rustls::Error::AlertReceived(alert)) => HandshakeError::PeerRefused {
            alert: alerts::alert(alert),
            asked: None,
        },
        Ok(tls) => HandshakeError::Tls(tls),
        Err(io) => HandshakeError::Broken(io),
    }
}
