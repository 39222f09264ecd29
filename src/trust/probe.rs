//! A client's handshake taken apart, for `entente doctor`: which step fails, and on whose side.

use super::explain::of_tls;
use super::handshake::tls_cause;
use super::tls::ALPN_H2;
use super::verify::{from_unix, shortened};
use jiff::Timestamp;
use rustls::ClientConfig;
use rustls::{AlertDescription, CertificateError};
use rustls_pki_types::ServerName;
use std::io;
use std::sync::Arc;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Why a handshake with a gateway fails.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProbeError {
    /// The server name is not one.
    #[error("`{0}` is no server name")]
    ServerName(String),
    /// The gateway's certificate is by another authority than the one in our file.
    #[error("the gateway's certificate was not issued by the authority in the CA file")]
    OtherAuthority,
    /// The gateway's certificate has other names.
    #[error("the gateway's certificate is not for `{expected}`; it is for {}", presented.join(", "))]
    OtherName {
        /// What was asked for.
        expected: String,
        /// What it has.
        presented: Vec<String>,
    },
    /// The gateway's certificate is over.
    #[error("the gateway's certificate expired at {0}, by this machine's clock")]
    GatewayExpired(Timestamp),
    /// The gateway's certificate has not begun, by our clock.
    #[error("the gateway's certificate is not valid before {0}, by this machine's clock")]
    GatewayNotYetValid(Timestamp),
    /// Another fault of the gateway's certificate.
    #[error("the gateway's certificate is not acceptable: {0}")]
    GatewayCertificate(String),
    /// Whoever listens there has TLS, but no HTTP/2: often a proxy that ends TLS.
    #[error("whoever listens there did not agree on HTTP/2 (ALPN protocol h2)")]
    NoH2,
    /// The gateway does not accept our certificate.
    #[error("{0}")]
    Refused(String),
    /// Whoever listens there does not speak TLS as we do.
    #[error("no TLS came about: {0}")]
    NoTls(String),
    /// The connection broke.
    #[error("the connection broke during the handshake: {0}")]
    Broken(String),
}

/// Shakes hands and waits for the gateway's first bytes, which come once it has accepted us.
/// Bound it with a deadline.
///
/// # Errors
/// The step that fails.
pub async fn probe(
    config: Arc<ClientConfig>,
    server_name: &str,
    tcp: TcpStream,
) -> Result<(), ProbeError> {
    let name = ServerName::try_from(server_name.to_owned())
        .map_err(|_| ProbeError::ServerName(server_name.to_owned()))?;
    let tls = TlsConnector::from(config)
        .connect(name, tcp)
        .await
        .map_err(|error| step(&error, server_name))?;
    if tls.get_ref().1.alpn_protocol() != Some(ALPN_H2) {
        return Err(ProbeError::NoH2);
    }
    let mut stream = BufReader::new(tls);
    match stream.fill_buf().await {
        Ok([]) => Err(ProbeError::Broken("the gateway closed it".to_owned())),
        Ok(_) => Ok(()),
        Err(error) => Err(step(&error, server_name)),
    }
}

fn step(error: &io::Error, server_name: &str) -> ProbeError {
    match tls_cause(error) {
        Some(rustls::Error::InvalidCertificate(reason)) => gateway_fault(reason, server_name),
        Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
            ProbeError::NoH2
        }
        Some(cause @ rustls::Error::AlertReceived(_)) => {
            ProbeError::Refused(of_tls(cause).unwrap_or_else(|| cause.to_string()))
        }
        Some(other) => ProbeError::NoTls(other.to_string()),
        None => ProbeError::Broken(error.to_string()),
    }
}

fn gateway_fault(reason: &CertificateError, server_name: &str) -> ProbeError {
    use CertificateError as C;
    match reason {
        // A signature that fails is a certificate by somebody with the same name.
        C::UnknownIssuer | C::BadSignature => ProbeError::OtherAuthority,
        C::NotValidForNameContext { presented, .. } => ProbeError::OtherName {
            expected: server_name.to_owned(),
            presented: presented.iter().take(16).map(|n| shortened(n)).collect(),
        },
        C::NotValidForName => ProbeError::OtherName {
            expected: server_name.to_owned(),
            presented: vec!["other names".to_owned()],
        },
        C::ExpiredContext { not_after, .. } => ProbeError::GatewayExpired(from_unix(*not_after)),
        C::NotValidYetContext { not_before, .. } => {
            ProbeError::GatewayNotYetValid(from_unix(*not_before))
        }
        other => ProbeError::GatewayCertificate(other.to_string()),
    }
}
