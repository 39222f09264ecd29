//! What TLS told a client, in plain words. An alert is one octet; whoever runs the client
//! needs to know what to do.

use super::alerts;
use super::handshake::tls_cause;
use rustls::AlertDescription as Alert;
use std::error::Error;

/// Explains why the gateway refused a client, if there is an alert of TLS among the causes of
/// `error`; none if the trouble is another.
#[must_use]
pub fn explain(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return of_tls(tls);
        }
        // An error of I/O shows the causes of what it wraps, but not the wrapped error itself.
        if let Some(io) = current.downcast_ref::<std::io::Error>()
            && let Some(tls) = tls_cause(io)
        {
            return of_tls(tls);
        }
        cause = current.source();
    }
    None
}

pub(super) fn of_tls(error: &rustls::Error) -> Option<String> {
    match error {
        rustls::Error::AlertReceived(alert) => Some(of_alert(*alert)),
        rustls::Error::InvalidCertificate(reason) => Some(format!(
            "this client does not accept the gateway's certificate ({reason}); check the \
             authority file, the server name and this machine's clock"
        )),
        _ => None,
    }
}

fn of_alert(alert: Alert) -> String {
    match alert {
        Alert::CertificateExpired => "the gateway refused this certificate: it, or its issuer's, \
            has expired or is not valid yet; compare its dates with both clocks"
            .to_owned(),
        Alert::CertificateRevoked => "the gateway refused this certificate: it, or its issuer's, \
            has been revoked, or the gateway's operator has blocked it; a new key and a new \
            certificate are needed, or a word with the operator"
            .to_owned(),
        Alert::UnknownCA => "the gateway refused this certificate: it was not issued by an \
            authority that is enrolled for the nation it names, or the gateway has no valid \
            revocation list of that authority; the gateway's operator sees which"
            .to_owned(),
        Alert::UnsupportedCertificate => "the gateway refused this certificate: its key usage \
            must be digital signature, its extended key usage client authentication, and it \
            must be no authority's"
            .to_owned(),
        Alert::AccessDenied => "the gateway refused this certificate: it needs exactly one URI, \
            a SPIFFE id in the trust domain of an enrolled nation, and a key, serial number and \
            lifetime within the gateway's rules; the gateway's operator sees which"
            .to_owned(),
        Alert::CertificateRequired => {
            "the gateway requires a client certificate, and none was sent".to_owned()
        }
        Alert::BadCertificate => "the gateway could not read this certificate".to_owned(),
        Alert::DecryptError => {
            "the key does not belong to the certificate, or its signature is damaged".to_owned()
        }
        Alert::ProtocolVersion => "the gateway speaks TLS 1.3 only".to_owned(),
        Alert::HandshakeFailure => {
            "the client and the gateway have no key exchange group or cipher suite in common"
                .to_owned()
        }
        Alert::NoApplicationProtocol => {
            "the client must offer HTTP/2 (ALPN protocol h2)".to_owned()
        }
        other => format!(
            "the gateway ended the handshake with the {}",
            alerts::alert(other)
        ),
    }
}
