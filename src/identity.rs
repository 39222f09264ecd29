//! Who speaks: a nation and one of its systems, as a verified certificate says.
//! Pure: knows no certificate, no file, no network.

pub mod registry;
pub mod spiffe;

use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Longest name of a system, bytes.
pub const SYSTEM_NAME_BYTES_MAX: usize = 128;

/// A nation: ISO 3166-1 alpha-3 in capitals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NationCode([u8; 3]);

impl NationCode {
    /// Takes exactly three capital letters A to Z.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(IdentityError::NationCode(text.to_owned())),
        }
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Letters A to Z by construction, so this never falls back.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl fmt::Display for NationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for NationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A system of a nation: the path of its SPIFFE id without the leading slash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemName(Arc<str>);

impl SystemName {
    /// Takes SPIFFE path segments (letters, digits, `.`, `-`, `_`), joined by `/`.
    ///
    /// # Errors
    /// An empty name or segment, `.`, `..`, another character, or over
    /// [`SYSTEM_NAME_BYTES_MAX`] bytes.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let segment = |s: &str| {
            !matches!(s, "" | "." | "..")
                && s.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        };
        if text.len() <= SYSTEM_NAME_BYTES_MAX && text.split('/').all(segment) {
            Ok(Self(text.into()))
        } else {
            Err(IdentityError::SystemName(text.chars().take(200).collect()))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a verified certificate says: nation and system. Survives rotation of the certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The nation.
    pub nation: NationCode,
    /// Its system.
    pub system: SystemName,
}

impl Identity {
    /// Reads `GBR/uav-cell-4`.
    ///
    /// # Errors
    /// No slash, or a part that is not a nation or a system.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let (nation, system) = text
            .split_once('/')
            .ok_or_else(|| IdentityError::NoSlash(text.to_owned()))?;
        Ok(Self {
            nation: NationCode::parse(nation)?,
            system: SystemName::parse(system)?,
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.nation, self.system)
    }
}

/// Why a text is no identity.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// Not a country code.
    #[error("`{0}` is no nation: expected three capital letters (ISO 3166-1 alpha-3), such as GBR")]
    NationCode(String),
    /// Not a system name.
    #[error(
        "`{0}` is no system: expected letters, digits, `.`, `-`, `_` in segments joined by `/`, \
         at most {SYSTEM_NAME_BYTES_MAX} bytes"
    )]
    SystemName(String),
    /// Nation and system are not separated.
    #[error("`{0}` is no identity: expected NATION/system, such as GBR/uav-cell-4")]
    NoSlash(String),
}
