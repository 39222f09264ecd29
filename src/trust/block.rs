//! What an operator has blocked: a nation, a key, a serial number, a system. Written in the
//! nation's file or given to the running gateway; both mean the same and act at once.

use crate::identity::registry::Rights;
use crate::identity::{Identity, NationCode, SystemName};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Longest serial number that is blocked, hexadecimal digits; certificates have at most 40.
const SERIAL_DIGITS_MAX: usize = 64;

/// What is blocked, of one nation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blocked {
    /// Everybody: the nation is suspended.
    Nation,
    /// A public key, of a system or of an authority: SHA-256 of its SubjectPublicKeyInfo.
    Key([u8; 32]),
    /// A certificate's serial number: lower-case hexadecimal without leading zeros.
    Serial(String),
    /// A system, whatever certificate it has.
    System(SystemName),
}

/// Why a text names nothing that can be blocked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{0}` names nothing that can be blocked; expected `nation`, `key:` and the SHA-256 of the \
     public key in 64 hexadecimal digits, `serial:` and a serial number in hexadecimal, or \
     `system:` and a system's name"
)]
pub struct BlockedError(String);

impl FromStr for Blocked {
    type Err = BlockedError;

    fn from_str(text: &str) -> Result<Self, BlockedError> {
        let wrong = || BlockedError(text.chars().take(120).collect());
        match text.split_once(':') {
            None if text == "nation" => Ok(Self::Nation),
            Some(("key", digits)) => digest_of(digits).map(Self::Key).ok_or_else(wrong),
            Some(("serial", digits)) => serial_of(digits).map(Self::Serial).ok_or_else(wrong),
            Some(("system", name)) => SystemName::parse(name)
                .map(Self::System)
                .map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nation => f.write_str("nation"),
            Self::Key(digest) => write!(f, "key:{}", super::verify::hex(digest)),
            Self::Serial(serial) => write!(f, "serial:{serial}"),
            Self::System(system) => write!(f, "system:{system}"),
        }
    }
}

/// Digits without the colons that openssl puts between octets.
fn digits_of(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let is_hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| digits.to_ascii_lowercase())
}

fn digest_of(text: &str) -> Option<[u8; 32]> {
    let digits = digits_of(text).filter(|digits| digits.len() == 64)?;
    let mut digest = [0; 32];
    for (at, octet) in digest.iter_mut().enumerate() {
        *octet = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// A serial number as it is compared: lower case, without colons and leading zeros.
pub(super) fn serial_of(text: &str) -> Option<String> {
    let digits = digits_of(text).filter(|digits| digits.len() <= SERIAL_DIGITS_MAX)?;
    let trimmed = digits.trim_start_matches('0');
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// What a verified chain is compared with the blocks by.
#[derive(Debug)]
pub(super) struct Presented<'a> {
    pub(super) serial_hex: &'a str,
    pub(super) system: &'a SystemName,
    /// Of every certificate of the path, the anchor's included.
    pub(super) keys: &'a [[u8; 32]],
}

impl Blocked {
    /// Whether this block concerns the chain.
    pub(super) fn concerns(&self, chain: &Presented<'_>) -> bool {
        match self {
            Self::Nation => true,
            Self::Key(key) => chain.keys.contains(key),
            Self::Serial(serial) => serial_of(chain.serial_hex).as_ref() == Some(serial),
            Self::System(system) => system == chain.system,
        }
    }
}

/// A block that was given to the running gateway; it stays until it is lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The nation concerned.
    pub nation: NationCode,
    /// What of it.
    pub what: Blocked,
    /// Why, in the operator's words.
    pub reason: String,
}

impl Hold {
    /// Whether it would keep an operator out who has these names. Key and serial number are
    /// not looked at: an operator may block a stolen certificate of their own system.
    #[must_use]
    pub fn locks_out(&self, caller: &Identity, rights: Rights) -> bool {
        let concerned = match &self.what {
            Blocked::Nation => true,
            Blocked::System(system) => *system == caller.system,
            Blocked::Key(_) | Blocked::Serial(_) => false,
        };
        rights.operate && self.nation == caller.nation && concerned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_blocked_is_read_and_written_back() {
        let key = format!("key:{}", "ab".repeat(32));
        for text in [
            "nation",
            key.as_str(),
            "serial:1f2e",
            "system:north/uav-cell-4",
        ] {
            assert_eq!(text.parse::<Blocked>().unwrap().to_string(), text);
        }
        let openssl: Blocked = "serial:00:1F:2E".parse().unwrap();
        assert_eq!(openssl.to_string(), "serial:1f2e");
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in [
            "",
            "nations",
            "key:",
            "key:ab",
            "serial:",
            "serial:0",
            "serial:xyz",
            "system:",
            "GBR",
        ] {
            assert!(text.parse::<Blocked>().is_err(), "{text}");
        }
    }
}
