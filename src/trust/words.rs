//! Errors of webpki in plain words: what is wrong, and how to mend it.

use webpki::Error;
use x509_parser::asn1_rs::Err as Parsing;
use x509_parser::error::X509Error;

/// One sentence for an error, without a name of the library's.
pub(super) fn plain(error: &Error) -> &'static str {
    use Error as E;
    match error {
        E::PathLenConstraintViolated => {
            "an authority in the chain may not have another authority below it (path length of \
             its basic constraints); use a certificate by an authority that may issue to systems, \
             or have the authority above issue it anew with a longer path length"
        }
        E::NameConstraintViolation => {
            "an authority in the chain may not vouch for a name in the certificate (name \
             constraints); ask for a certificate with only names that it may give, or have the \
             authority issued anew with other constraints"
        }
        E::UnsupportedNameType => {
            "an authority's name constraints are about a kind of name that cannot be checked, so \
             nothing below it is taken; have the authority issued anew with constraints on DNS or \
             IP names only, or without"
        }
        E::MalformedNameConstraint | E::InvalidNetworkMaskConstraint => {
            "the name constraints of an authority in the chain are malformed; have the authority \
             issued anew with sound ones, or without"
        }
        E::UnsupportedCriticalExtension => {
            "a certificate in the chain has a critical extension that the gateway does not know, \
             and so may not pass over; have it issued anew without, or with the extension not \
             critical"
        }
        E::MaximumPathDepthExceeded => {
            "the chain is too long; have the certificate issued by an authority nearer to the \
             enrolled one"
        }
        E::MaximumSignatureChecksExceeded
        | E::MaximumPathBuildCallsExceeded
        | E::MaximumNameConstraintComparisonsExceeded => {
            "the chain costs too much work to verify; send only the system's certificate and the \
             authorities between it and the enrolled one, without constraints by the hundred"
        }
        _ => plain_of_algorithms(error),
    }
}

fn plain_of_algorithms(error: &Error) -> &'static str {
    use Error as E;
    match error {
        E::UnsupportedSignatureAlgorithmContext(_)
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "a certificate in the chain is signed with an algorithm that the gateway does not take \
             for such a key; have it signed with ECDSA, Ed25519, or RSA with SHA-256 or stronger"
        }
        E::UnsupportedCrlSignatureAlgorithmContext(_)
        | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            "a revocation list is signed with an algorithm that the gateway does not take for such \
             a key; its authority has to sign it with ECDSA, Ed25519, or RSA with SHA-256 or \
             stronger"
        }
        E::SignatureAlgorithmMismatch => {
            "a certificate or list names two different algorithms for its own signature; have it \
             issued anew"
        }
        E::InvalidSignatureForPublicKey => {
            "a signature does not fit the key of its issuer: it was changed, or somebody else \
             signed it; fetch it anew from the authority"
        }
        E::InvalidCrlSignatureForPublicKey | E::IssuerNotCrlSigner => {
            "a revocation list was not signed by the authority that it names, or that authority \
             may not sign lists; fetch the list anew from the authority"
        }
        _ => plain_of_form(error),
    }
}

fn plain_of_form(error: &Error) -> &'static str {
    use Error as E;
    match error {
        E::BadDer | E::TrailingData(_) => {
            "it is not well-formed DER, or has bytes after its end; fetch it anew, or have it \
             issued anew"
        }
        E::BadDerTime | E::InvalidCertValidity => {
            "its dates are malformed, or it ends before it begins; have it issued anew"
        }
        E::InvalidSerialNumber => {
            "its serial number is malformed, negative, or longer than 20 octets; have it issued \
             anew with a sound one"
        }
        E::UnsupportedCertVersion => "it is no X.509 certificate of version 3; have it issued anew",
        E::MalformedExtensions | E::ExtensionValueInvalid | E::EmptyEkuExtension => {
            "an extension of it is malformed, empty, or stands there twice; have it issued anew \
             with sound extensions"
        }
        E::MalformedDnsIdentifier | E::CertNotValidForName(_) => {
            "a name in it is malformed, or not the one that it is used for; have it issued anew \
             with the right name"
        }
        E::InvalidCrlNumber => "its number is malformed, negative, or longer than 20 octets",
        E::UnsupportedCrlVersion => "it is no revocation list of version 2; issue one (RFC 5280)",
        E::UnsupportedDeltaCrl => "it is a delta list; the gateway takes complete lists only",
        E::UnsupportedIndirectCrl => {
            "it is an indirect list, which covers other authorities' certificates; each authority \
             has to issue its own"
        }
        E::UnsupportedCrlIssuingDistributionPoint
        | E::UnsupportedRevocationReason
        | E::UnsupportedRevocationReasonsPartitioning => {
            "it is a partial list, by reasons or in a form that cannot be checked; the authority \
             has to issue one for all reasons"
        }
        E::UnknownIssuer => "it was not issued by an authority that is known here",
        E::CaUsedAsEndEntity => "an authority's certificate is used as a system's",
        E::EndEntityUsedAsCa => "a system's certificate is used as an authority's",
        // The library may learn further ones; those with a word of their own never come here.
        _ => {
            "a rule of RFC 5280 is broken that has no words here; `openssl verify` and `entente \
             certs inspect` show the chain"
        }
    }
}

/// Why DER could not be read as what it should be.
pub(super) fn unreadable(error: &Parsing<X509Error>) -> &'static str {
    use X509Error as E;
    let (Parsing::Error(error) | Parsing::Failure(error)) = error else {
        return "it ends too early";
    };
    match error {
        E::InvalidVersion => "its version is none that is known",
        E::InvalidSerial | E::InvalidNumber => "a number in it cannot be read",
        E::InvalidAlgorithmIdentifier => "the name of an algorithm in it cannot be read",
        E::InvalidX509Name => "a name in it cannot be read",
        E::InvalidDate => "a date in it cannot be read",
        E::InvalidSPKI => "its public key cannot be read",
        E::InvalidExtensions | E::DuplicateExtensions => {
            "its extensions cannot be read, or one is there twice"
        }
        E::InvalidAttributes | E::DuplicateAttributes => {
            "its attributes cannot be read, or one is there twice"
        }
        E::InvalidSignatureValue => "its signature cannot be read",
        _ => "it is cut off, damaged, or no DER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use webpki::DerTypeId;

    const ALL: &[Error] = &[
        Error::BadDer,
        Error::BadDerTime,
        Error::CaUsedAsEndEntity,
        Error::EmptyEkuExtension,
        Error::EndEntityUsedAsCa,
        Error::ExtensionValueInvalid,
        Error::InvalidCertValidity,
        Error::InvalidCrlNumber,
        Error::InvalidNetworkMaskConstraint,
        Error::InvalidSerialNumber,
        Error::InvalidCrlSignatureForPublicKey,
        Error::InvalidSignatureForPublicKey,
        Error::IssuerNotCrlSigner,
        Error::MalformedDnsIdentifier,
        Error::MalformedExtensions,
        Error::MalformedNameConstraint,
        Error::MaximumNameConstraintComparisonsExceeded,
        Error::MaximumPathBuildCallsExceeded,
        Error::MaximumPathDepthExceeded,
        Error::MaximumSignatureChecksExceeded,
        Error::NameConstraintViolation,
        Error::PathLenConstraintViolated,
        Error::SignatureAlgorithmMismatch,
        Error::TrailingData(DerTypeId::Certificate),
        Error::UnknownIssuer,
        Error::UnsupportedCertVersion,
        Error::UnsupportedCriticalExtension,
        Error::UnsupportedCrlIssuingDistributionPoint,
        Error::UnsupportedCrlVersion,
        Error::UnsupportedDeltaCrl,
        Error::UnsupportedIndirectCrl,
        Error::UnsupportedNameType,
        Error::UnsupportedRevocationReason,
        Error::UnsupportedRevocationReasonsPartitioning,
    ];

    #[test]
    fn every_error_has_words_of_its_own_and_none_of_the_library() {
        let unknown = plain(&Error::CertDistrusted);
        for error in ALL {
            let words = plain(error);
            assert_ne!(words, unknown, "{error:?} has no words");
            let name = format!("{error:?}");
            let name = name.split(['(', '{']).next().unwrap().trim();
            assert!(!words.contains(name), "{words}");
            // CamelCase in the middle of a word is a name of code.
            let is_code = |word: &str| {
                let letters: Vec<_> = word.chars().collect();
                let humps = letters.windows(2);
                humps
                    .filter(|p| p.first().is_some_and(|c| c.is_ascii_lowercase()))
                    .any(|p| p.last().is_some_and(|c| c.is_ascii_uppercase()))
            };
            assert!(!words.split_whitespace().any(is_code), "{words}");
        }
    }
}
