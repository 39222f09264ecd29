//! Whether the parts of a stored body agree: its label says of the record what the record
//! itself says. Release decides by the label, so the two must not drift apart.

use super::stored::{Body, Glance, Kind, Label, StoredError};
use super::{instant, proto};
use crate::record::{Action, ContributionKind, Environment, Level, Supersedes};
use bytes::Bytes;
use prost::Message as _;

/// What a record says that a label, a key or an entry says, too.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreed {
    /// The label.
    pub label: Label,
    /// When it was taken in, nanoseconds since the Unix epoch.
    pub received_ns: i128,
    /// SHA-256 of the report as it is kept.
    pub original_sha256: Bytes,
    /// The report as it is kept.
    pub original: Bytes,
    /// The report's media type.
    pub media_type: String,
    /// Whether it came from another gateway.
    pub is_relayed: bool,
}

/// Reads a stored body, and what in it does not agree.
///
/// # Errors
/// It is no stored body.
pub fn agreed(bytes: &Bytes) -> Result<(Agreed, Vec<String>), StoredError> {
    let body = Body::decode(bytes)?;
    let record = proto::Record::decode(body.record.clone())
        .map_err(|error| StoredError::Form(format!("the record: {error}")))?;
    let sequence = Glance::at(bytes)?.sequence;
    let mut faults = Vec::new();
    if record.sequence != sequence {
        let shown = |number: Option<u64>| {
            number.map_or_else(|| "none".to_owned(), |number| number.to_string())
        };
        let (label, record) = (shown(sequence), shown(record.sequence));
        faults.push(format!("the label has number {label}, the record {record}"));
    }
    let received = record.received_at.as_ref().and_then(instant);
    if received.is_none() {
        faults.push("the record does not say when it was taken in".to_owned());
    }
    if record.original_media_type != body.media_type {
        faults.push(format!(
            "the record names the media type {:?}, the body {:?}",
            record.original_media_type, body.media_type
        ));
    }
    let original_sha256 = record.original_sha256.clone();
    for (name, of_label, of_record) in differences(&body.label, &label_of(record)) {
        faults.push(format!(
            "the label says {name} {of_label}, the record {of_record}"
        ));
    }
    let agreed = Agreed {
        label: body.label,
        received_ns: received.map_or(0, jiff::Timestamp::as_nanosecond),
        original_sha256,
        original: body.original,
        media_type: body.media_type.into_owned(),
        is_relayed: !body.path.is_empty(),
    };
    Ok((agreed, faults))
}

/// The label that a record should have.
pub(super) fn label_of(record: proto::Record) -> Label {
    let marking = record.marking.unwrap_or_default();
    let mut label = Label {
        kind: Kind::Retraction,
        action: Action::from_number(record.action),
        environment: Environment::from_number(record.environment),
        nation: record.nation,
        system: record.system,
        report_id: record.report_id,
        revision: record.revision,
        level: Level::from_number(marking.level),
        releasable_to: marking.releasable_to,
        special: marking.special,
        supersedes: record.supersedes.map(|supersedes| Supersedes {
            report_id: supersedes.report_id,
            revision: supersedes.revision,
        }),
        ..Label::default()
    };
    let (time, location) = match record.body {
        Some(proto::record::Body::Sighting(sighting)) => {
            label.kind = Kind::Sighting;
            (sighting.observed_from, sighting.location)
        }
        Some(proto::record::Body::Contribution(contribution)) => {
            label.kind = Kind::Contribution;
            label.contribution_kind = ContributionKind::from_number(contribution.kind);
            label.contribution_id = contribution.contribution_id;
            (contribution.as_of, contribution.location)
        }
        None => (None, None),
    };
    let time = time.and_then(|time| time.utc);
    label.observed_unix_s = time.as_ref().and_then(instant).map(|time| time.as_second());
    label.point = location.map(|point| (point.latitude_deg, point.longitude_deg));
    label
}

/// Fields in which two labels differ: name, and what each says.
fn differences(of_label: &Label, of_record: &Label) -> Vec<(&'static str, String, String)> {
    let (a, b) = (of_label, of_record);
    let shown = |label: &Label| {
        [
            ("kind", format!("{:?}", label.kind)),
            ("action", format!("{:?}", label.action)),
            ("environment", format!("{:?}", label.environment)),
            ("nation", label.nation.clone()),
            ("system", label.system.clone()),
            ("report id", label.report_id.clone()),
            ("revision", label.revision.to_string()),
            ("level", format!("{:?}", label.level)),
            ("release list", label.releasable_to.join(" ")),
            ("special categories", label.special.join(" ")),
            ("time", format!("{:?}", label.observed_unix_s)),
            ("position", format!("{:?}", label.point)),
            ("contribution", label.contribution_id.clone()),
            (
                "contribution kind",
                format!("{:?}", label.contribution_kind),
            ),
            ("supersedes", format!("{:?}", label.supersedes)),
        ]
    };
    if a == b {
        return Vec::new();
    }
    let pairs = shown(a).into_iter().zip(shown(b));
    pairs
        .filter(|((_, a), (_, b))| a != b)
        .map(|((name, a), (_, b))| (name, a, b))
        .collect()
}
