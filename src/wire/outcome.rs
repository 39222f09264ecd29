//! Acknowledgements. Whatever says "stored" is built from a receipt, and receipts come from
//! the journal alone.

use super::proto::{self, Disposition};
use crate::journal::Receipt;
use crate::normalise::{Violation, Violations};
use bytes::{Bytes, BytesMut};
use prost::Message as _;

/// Refusals of an answer take about this much, bytes; the rest of it far less.
const ANSWER_BYTES_USUAL: usize = 1024 * 1024;
/// SHA-256.
const DIGEST_BYTES: usize = 32;

/// The report that an outcome is about.
#[derive(Clone, Debug)]
pub struct About {
    /// Its number in the stream, from 1.
    pub ordinal: u64,
    /// Its id, as far as it could be read.
    pub report_id: String,
    /// Its revision, as far as it could be read.
    pub revision: u32,
}

/// Room for the digests of a batch of receipts: one for all, so that none of them takes memory of
/// its own, twice, on its way out.
#[derive(Debug)]
pub struct Digests(BytesMut);

impl Digests {
    /// For so many receipts.
    #[must_use]
    pub fn with_room(receipts: usize) -> Self {
        Self(BytesMut::with_capacity(receipts * DIGEST_BYTES))
    }

    fn keep(&mut self, digest: &[u8; DIGEST_BYTES]) -> Bytes {
        self.0.extend_from_slice(digest);
        self.0.split().freeze()
    }
}

/// What became of a report that is stored.
#[must_use]
pub fn stored(
    about: About,
    disposition: Disposition,
    receipt: &Receipt,
    digests: &mut Digests,
) -> proto::Outcome {
    let stamp_ns = receipt.stamp_ns();
    let received_at = prost_types::Timestamp {
        seconds: stamp_ns.div_euclid(1_000_000_000),
        // The remainder of a division by 10^9 fits.
        nanos: i32::try_from(stamp_ns.rem_euclid(1_000_000_000)).unwrap_or(0),
    };
    proto::Outcome {
        ordinal: about.ordinal,
        disposition: disposition.into(),
        report_id: about.report_id,
        revision: about.revision,
        receipt: Some(proto::Receipt {
            position: receipt.position().0,
            received_at: Some(received_at),
            report_sha256: digests.keep(receipt.digest()),
            supersedes_position: receipt.previous().map(|position| position.0),
        }),
        ..proto::Outcome::default()
    }
}

/// Refused, with every reason.
#[must_use]
pub fn rejected(about: About, violations: &Violations) -> proto::Outcome {
    proto::Outcome {
        ordinal: about.ordinal,
        disposition: Disposition::Rejected.into(),
        report_id: about.report_id,
        revision: about.revision,
        violations: violations.list.iter().map(violation).collect(),
        violations_omitted: violations.omitted,
        ..proto::Outcome::default()
    }
}

/// Would be accepted; nothing was stored.
#[must_use]
pub fn valid(about: About) -> proto::Outcome {
    proto::Outcome {
        ordinal: about.ordinal,
        disposition: Disposition::Valid.into(),
        report_id: about.report_id,
        revision: about.revision,
        ..proto::Outcome::default()
    }
}

/// One reason.
#[must_use]
pub fn violation(violation: &Violation) -> proto::Violation {
    proto::Violation {
        field: violation.field.to_string(),
        rule: violation.rule.to_owned(),
        message: violation.message.to_string(),
        expected: violation.expected.to_string(),
    }
}

/// Outcomes in answers that every client can take: gRPC libraries refuse messages of more than
/// 4 MiB, and a hundred reasons for each of hundreds of reports are more than that.
#[must_use]
pub fn pages(outcomes: Vec<proto::Outcome>) -> Vec<Vec<proto::Outcome>> {
    let mut pages = Vec::with_capacity(1);
    let (mut page, mut bytes) = (Vec::with_capacity(outcomes.len()), 0);
    for outcome in outcomes {
        // Only refusals can be large.
        if !outcome.violations.is_empty() {
            bytes += outcome.encoded_len();
        }
        page.push(outcome);
        if bytes > ANSWER_BYTES_USUAL {
            pages.push(std::mem::take(&mut page));
            bytes = 0;
        }
    }
    if !page.is_empty() {
        pages.push(page);
    }
    pages
}
