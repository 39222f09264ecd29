//! An authority's memory: what it issued, what it revoked, and the number of its last list.
//!
//! Invariant: numbers only rise and what is revoked stays revoked, even when the register is
//! lost: the revocation list beside it is read too, and the two are joined.

use super::PkiError;
use super::files::{self, FILE_BYTES_MAX, NewFile};
use jiff::Timestamp;
use rcgen::RevocationReason;
use serde::{Deserialize, Serialize};
use std::path::Path;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

/// Times as RFC 3339 text, for people who read the file.
mod as_text {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Why a certificate is revoked (RFC 5280, 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The key is, or may be, in other hands.
    KeyCompromise,
    /// A newer certificate takes its place.
    Superseded,
    /// The system is out of service.
    CessationOfOperation,
    /// The system belongs to somebody else now.
    AffiliationChanged,
    /// The system may no longer do what the certificate says.
    PrivilegeWithdrawn,
    /// No reason is given.
    Unspecified,
}

impl Reason {
    pub(super) fn code(self) -> RevocationReason {
        match self {
            Self::KeyCompromise => RevocationReason::KeyCompromise,
            Self::Superseded => RevocationReason::Superseded,
            Self::CessationOfOperation => RevocationReason::CessationOfOperation,
            Self::AffiliationChanged => RevocationReason::AffiliationChanged,
            Self::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
            Self::Unspecified => RevocationReason::Unspecified,
        }
    }
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedEntry {
    /// Serial number, hexadecimal, without leading zeros.
    pub serial: String,
    /// Whom it names: a SPIFFE id, or hosts.
    pub name: String,
    /// When it was issued, UTC.
    #[serde(with = "as_text")]
    pub issued_at: Timestamp,
    /// Its end, UTC.
    #[serde(with = "as_text")]
    pub not_after: Timestamp,
}

/// A certificate that was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokedEntry {
    /// Serial number, hexadecimal, without leading zeros.
    pub serial: String,
    /// When it was revoked, UTC.
    #[serde(with = "as_text")]
    pub revoked_at: Timestamp,
    /// Why.
    pub reason: Reason,
}

/// The register, as its file holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Register {
    /// Trust domain of the nation; none: an authority for gateways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<String>,
    /// Number of the last revocation list; 0: none.
    pub list_number: u64,
    /// What was issued, oldest first.
    pub issued: Vec<IssuedEntry>,
    /// What was revoked, oldest first.
    pub revoked: Vec<RevokedEntry>,
}

impl Register {
    /// Reads the register beside an authority; none: a fresh one.
    pub(super) fn read(path: &Path) -> Result<Self, PkiError> {
        if path.symlink_metadata().is_err() {
            return Ok(Self::default());
        }
        let bytes = files::read_bounded(path, FILE_BYTES_MAX)?;
        serde_json::from_slice(&bytes).map_err(|error| PkiError::Register {
            path: path.to_owned(),
            reason: error.to_string(),
        })
    }

    /// Takes up what a revocation list says and the register does not.
    pub(super) fn join(&mut self, list_der: &[u8], path: &Path) -> Result<(), PkiError> {
        let odd = |reason: String| PkiError::Register {
            path: path.to_owned(),
            reason,
        };
        let (_, list) = CertificateRevocationList::from_der(list_der)
            .map_err(|e| odd(format!("is no revocation list: {e}")))?;
        let number = list.crl_number().map_or(0, |number| {
            number.iter_u64_digits().next().unwrap_or_default()
        });
        self.list_number = self.list_number.max(number);
        for entry in list.iter_revoked_certificates() {
            let serial = serial_text(entry.raw_serial());
            if !self.is_revoked(&serial) {
                let at = Timestamp::from_second(entry.revocation_date.timestamp());
                self.revoked.push(RevokedEntry {
                    serial,
                    revoked_at: at.map_err(|_| odd("names an impossible time".to_owned()))?,
                    reason: reason_of(entry.reason_code().map(|(_, code)| code.0)),
                });
            }
        }
        Ok(())
    }

    pub(super) fn file(&self, path: &Path) -> Result<NewFile, PkiError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| PkiError::Register {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(NewFile::public(path.to_owned(), text + "\n"))
    }

    /// Whether a serial number is revoked.
    #[must_use]
    pub fn is_revoked(&self, serial: &str) -> bool {
        self.revoked.iter().any(|entry| entry.serial == serial)
    }
}

fn reason_of(code: Option<u8>) -> Reason {
    match code {
        Some(1) => Reason::KeyCompromise,
        Some(3) => Reason::AffiliationChanged,
        Some(4) => Reason::Superseded,
        Some(5) => Reason::CessationOfOperation,
        Some(9) => Reason::PrivilegeWithdrawn,
        _ => Reason::Unspecified,
    }
}

/// A serial number as the register writes it.
#[must_use]
pub fn serial_text(raw: &[u8]) -> String {
    let hex: String = raw.iter().map(|octet| format!("{octet:02x}")).collect();
    normal_serial(&hex).unwrap_or(hex)
}

/// A serial number as people write it (`0A:1B…`, capitals, leading zeros) in the register's form.
#[must_use]
pub fn normal_serial(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches("0x").replace([':', ' '], "");
    let digits = bare.to_ascii_lowercase();
    if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let trimmed = digits.trim_start_matches('0');
    let padded = if trimmed.len() % 2 == 1 { "0" } else { "" };
    Some(match trimmed {
        "" => "00".to_owned(),
        some => format!("{padded}{some}"),
    })
}

/// The octets of a serial number in the register's form.
pub(super) fn serial_octets(serial: &str) -> Option<Vec<u8>> {
    let pairs = (0..serial.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(serial.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_one_however_they_are_written() {
        for written in ["0A1B", "0a:1b", "000a1b", "0x0A1B", "a1b"] {
            assert_eq!(normal_serial(written).unwrap(), "0a1b", "{written}");
        }
        assert_eq!(serial_text(&[0, 0x8f, 1]), "8f01");
        assert_eq!(serial_octets("8f01").unwrap(), [0x8f, 1]);
        for odd in ["", "xyz", "12 3g"] {
            assert_eq!(normal_serial(odd), None, "{odd}");
        }
    }
}
