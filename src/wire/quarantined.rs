//! What the quarantine's opaque bodies hold: a refused report with its reasons and original.
//!
//! Form: one byte of version (1), then protobuf with the contract's `QuarantinedReport`.

use super::stored::StoredError;
use super::{outcome, proto, timestamp};
use crate::normalise::Violations;
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message as _;

/// Version of the form.
const VERSION: u8 = 1;

/// A refused report.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Nation of the certificate that sent it.
    pub nation: String,
    /// System of the certificate that sent it.
    pub system: String,
    /// When it was refused.
    pub refused_at: Timestamp,
    /// Report id, as far as it could be read.
    pub report_id: String,
    /// Revision, as far as it could be read.
    pub revision: u32,
    /// The reasons.
    pub violations: Violations,
    /// Media type of the original.
    pub media_type: String,
    /// The original bytes.
    pub original: Bytes,
}

impl Refusal {
    /// The bytes for the quarantine.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let message = proto::QuarantinedReport {
            number: 0,
            nation: self.nation.clone(),
            system: self.system.clone(),
            refused_at: Some(timestamp(self.refused_at)),
            report_id: self.report_id.clone(),
            revision: self.revision,
            violations: self
                .violations
                .list
                .iter()
                .map(outcome::violation)
                .collect(),
            violations_omitted: self.violations.omitted,
            media_type: self.media_type.clone(),
            original: self.original.clone(),
        };
        let mut bytes = Vec::with_capacity(1 + message.encoded_len());
        bytes.push(VERSION);
        message.encode_raw(&mut bytes);
        bytes
    }

    /// Reads a refusal as the contract's message; its number is the quarantine's to give.
    ///
    /// # Errors
    /// Another version, or not in the form.
    pub fn decode(bytes: &Bytes) -> Result<proto::QuarantinedReport, StoredError> {
        match bytes.first() {
            Some(&VERSION) => proto::QuarantinedReport::decode(bytes.slice(1..))
                .map_err(|error| StoredError::Form(error.to_string())),
            Some(&other) => Err(StoredError::Version(other)),
            None => Err(StoredError::Empty),
        }
    }
}
