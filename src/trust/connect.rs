//! A client's handshake that is over only when the gateway has accepted the client too.
//!
//! In TLS 1.3 a client is done before the server has judged its certificate; a refusal comes
//! as the answer to whatever is read first, far from the place that could explain it. The
//! gateway speaks first in HTTP/2, so this waits for its first bytes.

use super::explain::explain;
use super::handshake::tls_cause;
use rustls_pki_types::ServerName;
use std::io;
use std::sync::Arc;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes read ahead while waiting; larger reads later go past this buffer.
const FIRST_READ_BYTES: usize = 4 * 1024;

/// A session with a gateway that has accepted this client.
pub type ClientStream<S> = BufReader<tokio_rustls::client::TlsStream<S>>;

/// Why a client does not come in.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The server name is not one.
    #[error("`{0}` is no server name: expected a DNS name or an IP address")]
    ServerName(String),
    /// One side does not accept the other's certificate, or they have no TLS in common.
    #[error("{explained} ({cause})")]
    Refused {
        /// In plain words, with what to do.
        explained: String,
        /// As TLS has it.
        cause: rustls::Error,
    },
    /// The connection broke.
    #[error("the connection broke during the handshake: {0}")]
    Broken(io::Error),
}

/// Shakes hands with a gateway, and waits until it has accepted us. Bound it with a deadline.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    config: Arc<rustls::ClientConfig>,
    server_name: &str,
    tcp: S,
) -> Result<ClientStream<S>, ConnectError> {
    let name = ServerName::try_from(server_name.to_owned())
        .map_err(|_| ConnectError::ServerName(server_name.to_owned()))?;
    let tls = TlsConnector::from(config)
        .connect(name, tcp)
        .await
        .map_err(named)?;
    let mut stream = BufReader::with_capacity(FIRST_READ_BYTES, tls);
    if stream.fill_buf().await.map_err(named)?.is_empty() {
        return Err(ConnectError::Broken(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(stream)
}

/// A session with a target of a relay. Whether the target has accepted us shows only with what
/// it answers.
pub type TargetStream = tokio_rustls::client::TlsStream<TcpStream>;

/// Shakes hands with a server that is no gateway and does not speak first. Bound it with a
/// deadline.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect_target(
    config: Arc<rustls::ClientConfig>,
    server_name: &str,
    tcp: TcpStream,
) -> Result<TargetStream, ConnectError> {
    let name = ServerName::try_from(server_name.to_owned())
        .map_err(|_| ConnectError::ServerName(server_name.to_owned()))?;
    let connected = TlsConnector::from(config).connect(name, tcp).await;
    connected.map_err(named)
}

/// The first message of a handshake, as it goes over the wire: for measuring what a peer costs
/// that says no more than this.
///
/// # Errors
/// The server name is not one, or TLS does not begin with this configuration.
pub fn client_hello(
    config: Arc<rustls::ClientConfig>,
    server_name: &str,
) -> Result<Vec<u8>, ConnectError> {
    let name = ServerName::try_from(server_name.to_owned())
        .map_err(|_| ConnectError::ServerName(server_name.to_owned()))?;
    let mut session = rustls::ClientConnection::new(config, name)
        .map_err(|error| ConnectError::Broken(io::Error::other(error)))?;
    let mut hello = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut hello).map_err(named)?;
    }
    Ok(hello)
}

fn named(error: io::Error) -> ConnectError {
    match (explain(&error), tls_cause(&error)) {
        (Some(explained), Some(cause)) => ConnectError::Refused {
            explained,
            cause: cause.clone(),
        },
        _ => ConnectError::Broken(error),
    }
}
