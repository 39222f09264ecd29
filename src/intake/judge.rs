//! Judgement of one payload: a record with the entry that will carry it, or every reason why
//! not. Pure.

use super::Payload;
use crate::formats;
use crate::identity::Identity;
use crate::journal::Entry;
use crate::normalise::{Context, Profile, Violation, Violations, normalise};
use crate::record::{Action, Environment, Record, Text};
use crate::report::Report;
use crate::wire::quarantined::Refusal;
use crate::wire::stored::Sealer;
use crate::wire::{self, Native, REPORT_MEDIA_TYPE};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use jiff::Timestamp;

/// Most characters of a report id that a refusal shows.
const REPORT_ID_SHOWN_CHARS_MAX: usize = 128;

/// A payload that became a record.
#[derive(Debug)]
pub struct Valid {
    record: Record,
    digest: [u8; 32],
}

/// What is remembered of a payload while its record is on its way to stable storage.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) report_id: String,
    pub(super) revision: u32,
    media_type: Text,
    original: Bytes,
}

impl Sent {
    /// Makes a refusal of it after all.
    pub(super) fn refuse(
        &self,
        sender: &Identity,
        received_at: Timestamp,
        violations: Violations,
    ) -> Refusal {
        Refusal {
            nation: sender.nation.to_string(),
            system: sender.system.to_string(),
            refused_at: received_at,
            report_id: self.report_id.clone(),
            revision: self.revision,
            violations,
            media_type: self.media_type.to_string(),
            original: self.original.clone(),
        }
    }
}

impl Valid {
    /// The record's report id and revision.
    #[must_use]
    pub fn name(&self) -> (&str, u32) {
        (&self.record.report_id, self.record.revision)
    }

    /// The record's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode_record(&self.record)
    }

    /// Makes the journal entry, and what is remembered until it is durable.
    pub(super) fn send(
        self,
        sender: &Identity,
        payload: &Payload,
        received_at: Timestamp,
        sealer: &mut Sealer,
    ) -> (Entry, Sent) {
        let original = original(payload);
        let body = sealer.seal(&self.record, &original);
        let record = self.record.into_parts();
        let entry = Entry {
            key: sealer.join(&key(sender, &record.report_id)),
            revision: record.revision,
            digest: self.digest,
            stamp_ns: stamp_ns(received_at),
            body,
        };
        let sent = Sent {
            report_id: record.report_id,
            revision: record.revision,
            media_type: record.original_media_type,
            original,
        };
        (entry, sent)
    }
}

/// What identifies a report in the journal, besides its revision. A system name holds no NUL,
/// so no two keys are alike.
fn key<'a>(sender: &'a Identity, report_id: &'a str) -> [&'a [u8]; 5] {
    let (nation, system) = (sender.nation.as_str(), sender.system.as_str());
    [nation, "/", system, "\0", report_id].map(str::as_bytes)
}

/// The same, of a record that somebody else normalised.
pub(super) fn key_of(nation: &str, system: &str, report_id: &str) -> Bytes {
    [nation, "/", system, "\0", report_id].concat().into()
}

pub(super) fn stamp_ns(time: Timestamp) -> i64 {
    // 64 bits of nanoseconds reach from 1677 to 2262; a clock beyond them is clamped.
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

fn original(payload: &Payload) -> Bytes {
    match payload {
        Payload::Report(bytes) => bytes.clone(),
        Payload::Native(native) => native.content.clone(),
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// Judges one payload.
pub(super) fn judge(
    sender: &Identity,
    payload: &Payload,
    profile: &Profile,
    received_at: Timestamp,
) -> Result<Valid, Box<Refusal>> {
    let (report, media_type): (_, Text) = match payload {
        Payload::Report(bytes) => (wire::decode_report(bytes), REPORT_MEDIA_TYPE.into()),
        Payload::Native(native) => (read_native(native), native.media_type.clone().into()),
    };
    let refuse = |report_id: String, revision, violations| {
        let sent = Sent {
            report_id,
            revision,
            media_type: media_type.clone(),
            original: original(payload),
        };
        sent.refuse(sender, received_at, violations)
    };
    let report = report.map_err(|violations| Box::new(refuse(String::new(), 0, violations)))?;
    let (digest, original_sha256) = match payload {
        Payload::Report(bytes) => (sha256(bytes), None),
        Payload::Native(native) => (sha256(&native.submitted), Some(sha256(&native.content))),
    };
    let context = Context {
        identity: sender,
        profile,
        received_at,
        original_sha256: original_sha256.unwrap_or(digest),
        original_media_type: media_type.clone(),
    };
    // Kept aside for a refusal; the record takes the report itself.
    let report_id = shown(&report.report_id).to_owned();
    let revision = report.revision;
    match normalise(report, &context) {
        Ok(record) => Ok(Valid { record, digest }),
        Err(violations) => Err(Box::new(refuse(report_id, revision, violations))),
    }
}

/// As much of a report id as a refusal shows.
fn shown(report_id: &str) -> &str {
    let mut ends = report_id.char_indices().map(|(at, _)| at);
    ends.nth(REPORT_ID_SHOWN_CHARS_MAX)
        .and_then(|end| report_id.get(..end))
        .unwrap_or(report_id)
}

/// Reads a native payload; what its format does not say comes from the envelope.
///
/// # Errors
/// What the reader found wrong, and an environment that is not the envelope's: which of the two
/// is right decides who sees the report, so neither is taken.
pub fn read_native(native: &Native) -> Result<Report, Violations> {
    let envelope = &native.envelope;
    let mut violations = Violations::default();
    let read = formats::read(&native.media_type, &native.content);
    let read = match read {
        Ok(read) => read,
        Err(faults) => {
            for fault in faults {
                violations.push(Violation {
                    field: fault.place.into(),
                    rule: fault.rule,
                    message: fault.message.into(),
                    expected: fault.expected.into(),
                });
            }
            return Err(violations);
        }
    };
    let (inside, outside) = (read.environment, envelope.environment);
    if inside != 0 && outside != 0 && inside != outside {
        let name = |number| Environment::from_number(number).map_or("another", Environment::name);
        violations.push(Violation {
            field: "environment".into(),
            rule: "formats.environment_differs",
            message: format!(
                "the payload says {} and its envelope {}",
                name(inside),
                name(outside)
            )
            .into(),
            expected: "the same in both, or none in the envelope".into(),
        });
        return Err(violations);
    }
    let revision = match read.revision {
        0 => envelope.revision,
        revision => revision,
    };
    let implied = if revision > 1 {
        Action::Update
    } else {
        Action::New
    };
    Ok(Report {
        report_id: match read.report_id.is_empty() {
            true => envelope.report_id.clone(),
            false => read.report_id,
        },
        revision,
        action: match read.action {
            0 => implied.number(),
            action => action,
        },
        environment: match inside {
            0 => outside,
            inside => inside,
        },
        marking: read.marking.or_else(|| envelope.marking.clone()),
        ..read
    })
}
