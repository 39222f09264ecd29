//! TLS for the diagnosis listener: any client certificate is taken, or none, because nothing is
//! granted. Whoever shows a certificate must still prove that it holds the key.

use super::handshake::{ALERT_NO_APPLICATION_PROTOCOL, HandshakeError, TlsStream, tls_error};
use super::profile::Profile;
use super::state::TrustState;
use super::tls::{ALPN_H2, ClockTime, OwnCertificate, TlsError, seal};
use super::verify::PeerChain;
use crate::clock::Clock;
use crate::socket::TcpStream;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::verify_tls13_signature;
use rustls::server::Acceptor;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio_rustls::LazyConfigAcceptor;

/// Shakes hands with anybody. The chain is what was sent, unjudged; none: no certificate.
///
/// # Errors
/// No TLS comes about, or the peer does not hold the key of its certificate.
pub async fn handshake_open(
    trust: &TrustState,
    tcp: TcpStream,
) -> Result<(TlsStream, PeerChain), HandshakeError> {
    let mut start = LazyConfigAcceptor::new(Acceptor::default(), tcp)
        .await
        .map_err(tls_error)?;
    let offers_h2 = start
        .client_hello()
        .alpn()
        .is_some_and(|mut offered| offered.any(|name| name == ALPN_H2));
    if !offers_h2 {
        // Whether the alert still reaches the peer is its own affair.
        let _ = start.io.write_all(&ALERT_NO_APPLICATION_PROTOCOL).await;
        let _ = start.io.shutdown().await;
        return Err(HandshakeError::NoH2);
    }
    let config = open_config(&trust.current().own, Arc::clone(trust.clock()))
        .map_err(HandshakeError::Own)?;
    let stream = start.into_stream(config).await.map_err(tls_error)?;
    let (_, session) = stream.get_ref();
    let chain = PeerChain(session.peer_certificates().unwrap_or_default().into());
    Ok((stream, chain))
}

fn open_config(
    own: &OwnCertificate,
    clock: Arc<dyn Clock>,
) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let config = rustls::ServerConfig::builder_with_details(
        Arc::clone(Profile::Default.provider()),
        Arc::new(ClockTime(clock)),
    )
    .with_protocol_versions(&[&rustls::version::TLS13])
    .map_err(|e| TlsError::Setup(e.to_string()))?
    .with_client_cert_verifier(Arc::new(Anybody))
    .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&own.certified))));
    Ok(seal(config))
}

/// Takes every certificate, for nothing is granted to its holder.
#[derive(Debug)]
struct Anybody;

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
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
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &Profile::Default.signatures(),
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        Profile::Default.signatures().supported_schemes()
    }
}
