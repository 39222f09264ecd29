//! SPIFFE id grammar, strictly: `spiffe://<trust domain>/<path>`; no user, port, query,
//! fragment, percent-encoding or upper-case domain.
//! Source: SPIFFE-ID specification, sections 2.1 to 2.3.

use super::{IdentityError, SystemName};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Longest SPIFFE id, bytes (SPIFFE-ID section 2.3).
pub const SPIFFE_ID_BYTES_MAX: usize = 2048;
/// Longest trust domain, bytes (SPIFFE-ID section 2.1).
pub const TRUST_DOMAIN_BYTES_MAX: usize = 255;

/// The name of a nation's trust domain: lower-case letters, digits, `.`, `-`, `_`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(Arc<str>);

impl TrustDomain {
    /// Takes the name alone, without `spiffe://`.
    ///
    /// # Errors
    /// An empty or over-long name, or another character.
    pub fn parse(text: &str) -> Result<Self, SpiffeError> {
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
        if (1..=TRUST_DOMAIN_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(SpiffeError::TrustDomain(text.chars().take(64).collect()))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A SPIFFE id: a claim until a certificate that carries it is verified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpiffeId {
    /// The trust domain; it selects the nation.
    pub domain: TrustDomain,
    /// The path without its leading slash.
    pub system: SystemName,
}

impl SpiffeId {
    /// Reads `spiffe://gbr.example/uav-cell-4`.
    ///
    /// # Errors
    /// Every departure from the grammar.
    pub fn parse(text: &str) -> Result<Self, SpiffeError> {
        if text.len() > SPIFFE_ID_BYTES_MAX {
            return Err(SpiffeError::TooLong(text.len()));
        }
        let rest = text.strip_prefix("spiffe://").ok_or(SpiffeError::Scheme)?;
        let (domain, path) = rest.split_once('/').ok_or(SpiffeError::NoPath)?;
        Ok(Self {
            domain: TrustDomain::parse(domain)?,
            system: SystemName::parse(path)?,
        })
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spiffe://{}/{}", self.domain, self.system)
    }
}

/// Why a text is no SPIFFE id.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SpiffeError {
    /// Another scheme, or capitals in it.
    #[error("the URI does not begin with `spiffe://`")]
    Scheme,
    /// Over [`SPIFFE_ID_BYTES_MAX`].
    #[error("the URI has {0} bytes; at most {SPIFFE_ID_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// Nothing after the trust domain.
    #[error("the URI names no system after the trust domain")]
    NoPath,
    /// The trust domain is not one.
    #[error("`{0}` is no trust domain: lower-case letters, digits, `.`, `-`, `_` only")]
    TrustDomain(String),
    /// The path is not a system name.
    #[error(transparent)]
    System(#[from] IdentityError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_is_read_and_written_back() {
        let id = SpiffeId::parse("spiffe://gbr.example/north/uav-cell-4").unwrap();
        assert_eq!(id.domain.as_str(), "gbr.example");
        assert_eq!(id.system.as_str(), "north/uav-cell-4");
        assert_eq!(id.to_string(), "spiffe://gbr.example/north/uav-cell-4");
    }

    #[test]
    fn every_odd_uri_is_refused() {
        for odd in [
            "https://gbr.example/a",
            "SPIFFE://gbr.example/a",
            "spiffe://GBR.example/a",
            "spiffe://user@gbr.example/a",
            "spiffe://gbr.example:443/a",
            "spiffe://gbr.example/a?x=1",
            "spiffe://gbr.example/a#x",
            "spiffe://gbr.example/a%20b",
            "spiffe://gbr.example/",
            "spiffe://gbr.example",
            "spiffe://gbr.example//a",
            "spiffe://gbr.example/a/",
            "spiffe://gbr.example/./a",
            "spiffe://gbr.example/../a",
            "spiffe:///a",
            "spiffe://гбр.example/a",
            "",
        ] {
            assert!(SpiffeId::parse(odd).is_err(), "{odd} was taken");
        }
    }
}
