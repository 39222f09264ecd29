//! What a partner has to do about each refusal, in words that need no PKI degree.

use super::error::{TrustError, Which};

impl TrustError {
    /// How to mend it, for whoever holds the certificate.
    #[must_use]
    #[expect(
        clippy::too_many_lines,
        reason = "one sentence for each refusal, in one exhaustive match"
    )]
    pub fn mend(&self) -> &'static str {
        match self {
            Self::NoCertificate => {
                "configure the client with a certificate and its key; the gateway takes nobody \
                 without one"
            }
            Self::Malformed { .. } => {
                "fetch the certificate anew from your authority; `entente certs inspect FILE` \
                 shows what can be read of it"
            }
            Self::TooLarge { .. } => {
                "ask your authority for a certificate without bulky extensions"
            }
            Self::TooManyCertificates { .. } => {
                "send the system's certificate and only the intermediates up to the enrolled \
                 anchor, not every authority you know"
            }
            Self::NoUri => {
                "ask for a certificate with exactly one URI among its subject alternative names: \
                 spiffe://<trust domain>/<system>; `entente certs csr` writes such a request"
            }
            Self::SeveralUris(_) => {
                "ask for a certificate with one URI only, the system's SPIFFE id"
            }
            Self::OddUri { .. } => {
                "the URI must read spiffe://<trust domain>/<system>, the domain in lower case, \
                 without port, user, query or percent signs"
            }
            Self::UnknownDomain(_) => {
                "check the trust domain in the certificate; if it is right, the gateway's operator \
                 has to enrol the nation"
            }
            Self::NoLiveAnchor { .. } => {
                "give the gateway's operator the current certificate of your authority"
            }
            Self::UnknownIssuer { .. } => {
                "use a certificate by the authority that is enrolled; if it was issued by an \
                 intermediate authority, append that one's certificate to the system's file"
            }
            Self::Expired { .. } => {
                "renew the certificate (`entente certs renew`); if it should still be valid, \
                 compare both clocks"
            }
            Self::NotYetValid { .. } => {
                "compare both clocks; if they agree, wait, or have the certificate issued with an \
                 earlier start"
            }
            Self::Revoked { .. } => {
                "make a new key and ask your authority for a new certificate; this one will never \
                 be taken again"
            }
            Self::RevocationUnknown { .. } => {
                "your authority has to give the gateway's operator its revocation list, also when \
                 the list is empty"
            }
            Self::RevocationListExpired { .. } => {
                "your authority has to issue its next revocation list (`entente certs crl`) and \
                 give it to the gateway's operator"
            }
            Self::NotForClients => {
                "ask for a certificate whose extended key usage names client authentication \
                 (clientAuth)"
            }
            Self::AnyUsage => {
                "ask for extended key usage client authentication alone, without anyExtendedKeyUsage"
            }
            Self::AuthorityAsLeaf => {
                "use a certificate that your authority issued for this system, not the authority's own"
            }
            Self::LeafMaySign => {
                "ask for key usage digital signature alone, without signing of certificates or lists"
            }
            Self::NoDigitalSignature => "ask for key usage digital signature",
            Self::IssuerMayNotSign => {
                "the intermediate needs basic constraints CA and key usage certificate signing; \
                 your authority has to issue it anew"
            }
            Self::WeakKey {
                which: Which::Issuer,
                ..
            } => {
                "the nation needs an authority with a key of an allowed type (`entente certs init \
                 --nation NATION --profile PROFILE` chooses one), and certificates by it"
            }
            Self::WeakKey { .. } => {
                "make a new key of an allowed type (`entente certs csr --profile PROFILE` chooses \
                 one) and have it certified"
            }
            Self::WeakSignature { .. } => {
                "your authority has to sign anew, with an algorithm that is allowed; `entente \
                 certs` signs with SHA-256 by a P-256 or RSA key, with SHA-384 by a P-384 key \
                 (openssl: -sha384)"
            }
            Self::OddSerial => {
                "your authority has to issue the certificate with a sound serial number"
            }
            Self::LongLived { .. } => "ask for a certificate of a shorter life, such as 90 days",
            Self::AnchorNotInForce { .. } => {
                "get a certificate by the authority that is in force now; the nation says which, \
                 and the gateway's operator when it changes"
            }
            Self::Suspended { .. } => {
                "speak with the gateway's operator; no certificate of the nation is taken until \
                 the suspension is lifted"
            }
            Self::Blocked { .. } => {
                "speak with the gateway's operator; if a key is in other hands, make a new one and \
                 have it certified"
            }
            Self::Path(_) => {
                "compare the chain with your authority's rules, such as name constraints and path \
                 length; the reason names the one that is broken"
            }
        }
    }
}
