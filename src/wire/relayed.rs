//! Records of another gateway's feed: read, held to what every record holds, and put into a body
//! for the journal. The record's bytes stay as they are.

use super::agreement::label_of;
use super::stored::{Label, StoredError};
use super::{instant, proto};
use crate::identity::{NationCode, SystemName};
use crate::normalise::bounds::{REVISION_MAX, is_report_id};
use crate::normalise::{Violation, Violations};
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message as _;

/// Most gateways that a record may have come through.
const PATH_MAX: usize = 8;
/// Longest name of a gateway, bytes.
const NAME_BYTES_MAX: usize = 64;
/// By how much another gateway's clock may be ahead of this one.
const AHEAD_MAX_S: i64 = 300;

/// A record that may be stored.
#[derive(Debug)]
pub struct Relayed {
    /// What release and the rest need of it.
    pub label: Label,
    /// Number in its system's own count.
    pub sequence: Option<u64>,
    /// Who reported it.
    pub nation: NationCode,
    /// The record's bytes.
    pub record: Bytes,
    /// The report as submitted.
    pub original: Bytes,
    /// Its media type.
    pub media_type: String,
    /// SHA-256 of it.
    pub original_sha256: [u8; 32],
    /// Gateways that it came through.
    pub path: Vec<String>,
}

/// Whether something may be the name of a gateway.
#[must_use]
pub fn is_gateway_name(name: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

/// Every reason why something is no relayed record.
#[derive(Default)]
struct Faults(Violations);

impl Faults {
    fn add(&mut self, field: &'static str, message: impl Into<String>, expected: &'static str) {
        self.0.push(Violation {
            field: field.into(),
            rule: "relay.record",
            message: message.into().into(),
            expected: expected.into(),
        });
    }

    fn unless(&mut self, holds: bool, field: &'static str, expected: &'static str) {
        if !holds {
            self.add(field, "is missing, or not what a record has", expected);
        }
    }
}

/// Reads a relayed record. `sha256` computes that of the original; `now` is this gateway's time.
///
/// # Errors
/// Every reason why it cannot be one.
pub fn read(
    message: proto::RelayedRecord,
    now: Timestamp,
    sha256: fn(&[u8]) -> [u8; 32],
) -> Result<Relayed, Violations> {
    let mut faults = Faults::default();
    let original = message.original.unwrap_or_default();
    let Ok(record) = proto::Record::decode(message.record.clone()) else {
        faults.add("record", "cannot be parsed", "an entente.v1.Record");
        return Err(faults.0);
    };
    let nation = named(&record, &mut faults);
    let original_sha256 = sha256(&original.content);
    faults.unless(
        record.original_sha256 == original_sha256[..]
            && record.original_media_type == original.media_type,
        "original",
        "the report whose SHA-256 and media type the record names",
    );
    timed(&record, now, &mut faults);
    let sequence = record.sequence;
    let label = label_of(record);
    known(&label, &mut faults);
    faults.unless(
        (1..=PATH_MAX).contains(&message.path.len())
            && message.path.iter().all(|name| is_gateway_name(name)),
        "path",
        "1 to 8 names of gateways",
    );
    match nation {
        Some(nation) if faults.0.list.is_empty() => Ok(Relayed {
            label,
            sequence,
            nation,
            record: message.record,
            original: original.content,
            media_type: original.media_type,
            original_sha256,
            path: message.path,
        }),
        _ => Err(faults.0),
    }
}

/// Whose report it is, and which.
fn named(record: &proto::Record, faults: &mut Faults) -> Option<NationCode> {
    let nation = NationCode::parse(&record.nation).ok();
    faults.unless(nation.is_some(), "record.nation", "ISO 3166-1 alpha-3");
    let is_system = SystemName::parse(&record.system).is_ok();
    faults.unless(is_system, "record.system", "the path of a SPIFFE id");
    faults.unless(
        is_report_id(&record.report_id),
        "record.report_id",
        "1 to 128 characters of visible ASCII",
    );
    faults.unless(
        (1..=REVISION_MAX).contains(&record.revision),
        "record.revision",
        "1 to 4000000000",
    );
    nation
}

/// That it was taken in, and has what a record has.
fn timed(record: &proto::Record, now: Timestamp, faults: &mut Faults) {
    let latest = now.as_second().saturating_add(AHEAD_MAX_S);
    let received = record.received_at.as_ref().and_then(instant);
    faults.unless(
        received.is_some_and(|received| received.as_second() <= latest),
        "record.received_at",
        "a time that is not to come; are both gateways' clocks right?",
    );
    let is_retraction = record.action == proto::Action::Retraction as i32;
    faults.unless(
        record.body.is_some() || is_retraction,
        "record.body",
        "a sighting or a contribution",
    );
}

/// That this version knows what release and filters go by.
fn known(label: &Label, faults: &mut Faults) {
    faults.unless(
        label
            .releasable_to
            .iter()
            .all(|code| NationCode::parse(code).is_ok()),
        "record.marking.releasable_to",
        "ISO 3166-1 alpha-3",
    );
    faults.unless(label.action.is_some(), "record.action", "a known action");
    let is_known = label.environment.is_some();
    faults.unless(is_known, "record.environment", "a known environment");
    faults.unless(
        label.level.is_some(),
        "record.marking.level",
        "a known level",
    );
    let is_place = |(latitude, longitude): (f64, f64)| {
        (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude)
    };
    faults.unless(
        label.point.is_none_or(is_place),
        "record.location",
        "WGS 84 degrees",
    );
}

/// The SHA-256 of the original that a stored body's record names.
///
/// # Errors
/// It is no stored body.
pub fn original_sha256(body: &Bytes) -> Result<Bytes, StoredError> {
    let body = super::stored::Body::decode(body)?;
    let record = proto::Record::decode(body.record)
        .map_err(|error| StoredError::Form(format!("the record: {error}")))?;
    Ok(record.original_sha256)
}
