//! What TLS says when it fails, in words: names of alerts as the standards have them, and what
//! went wrong, without a name of the library's.

use rustls::{AlertDescription, Error, PeerIncompatible};

/// The alert by its name and number in RFC 8446 and the registry of IANA.
pub(super) fn alert(alert: AlertDescription) -> String {
    let number = u8::from(alert);
    let name = match number {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "of no known name",
    };
    format!("alert {name} ({number})")
}

/// Why TLS with a peer failed.
pub(super) fn failure(error: &Error) -> String {
    use PeerIncompatible as P;
    let words = match error {
        Error::NoCertificatesPresented => "the peer sent no certificate",
        Error::NoApplicationProtocol => "the peer does not offer HTTP/2 (ALPN protocol h2)",
        Error::DecryptError => "a record of the peer's could not be decrypted",
        Error::PeerSentOversizedRecord => "the peer sent a record over TLS's limit",
        Error::InvalidMessage(rustls::InvalidMessage::HandshakePayloadTooLarge) => {
            "a message of the peer's handshake is over TLS's limit of 64 KiB: its certificate chain \
             is too large"
        }
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => {
            "what came is no TLS: plain text, another protocol, or damaged"
        }
        Error::InappropriateHandshakeMessage { .. } | Error::PeerMisbehaved(_) => {
            "the peer breaks the rules of TLS"
        }
        Error::InvalidCertificate(rustls::CertificateError::BadSignature) => {
            "the peer has not the key of the certificate that it showed"
        }
        Error::PeerIncompatible(why) => match why {
            P::SupportedVersionsExtensionRequired
            | P::ServerDoesNotSupportTls12Or13
            | P::ServerTlsVersionIsDisabledByOurConfig
            | P::Tls12NotOffered
            | P::Tls12NotOfferedOrEnabled => "the peer does not offer TLS 1.3",
            P::NoKxGroupsInCommon
            | P::NamedGroupsExtensionRequired
            | P::KeyShareExtensionRequired => {
                "the peer offers no key exchange group that is taken here"
            }
            P::NoCipherSuitesInCommon => "the peer offers no cipher suite that is taken here",
            P::NoSignatureSchemesInCommon
            | P::SignatureAlgorithmsExtensionRequired
            | P::NoCertificateRequestSignatureSchemesInCommon => {
                "the peer and the gateway have no signature scheme in common"
            }
            _ => "the peer's TLS and the gateway's do not fit each other",
        },
        Error::AlertReceived(received) => return format!("the peer sent {}", alert(*received)),
        other => return other.to_string(),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_the_names_of_the_standard() {
        let named = alert(AlertDescription::UnknownCA);
        assert_eq!(named, "alert unknown_ca (48)");
        let unknown = alert(AlertDescription::from(200));
        assert_eq!(unknown, "alert of no known name (200)");
    }

    #[test]
    fn failures_have_no_names_of_the_librarys() {
        for (error, words) in [
            (
                Error::PeerIncompatible(PeerIncompatible::SupportedVersionsExtensionRequired),
                "the peer does not offer TLS 1.3",
            ),
            (
                Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
                "what came is no TLS: plain text, another protocol, or damaged",
            ),
            (
                Error::AlertReceived(AlertDescription::BadCertificate),
                "the peer sent alert bad_certificate (42)",
            ),
        ] {
            assert_eq!(failure(&error), words);
        }
    }
}
