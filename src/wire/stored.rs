//! What the journal's opaque bodies hold: a label for routing and release, the record, and the
//! report as it was submitted. The record and the original are kept as bytes and never encoded
//! again.
//!
//! Form: one byte of version (1), then protobuf with the fields of [`Body`]; the label comes
//! first, so that it can be read without touching the rest.

use crate::record::{
    Action, Body as Substance, ContributionKind, Environment, Level, Record, Supersedes, Text,
};
use bytes::Bytes;
use prost::Message as _;
use thiserror::Error;

/// Version of the form.
const VERSION: u8 = 1;

/// Why a stored body cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoredError {
    /// Written by a newer version, or not by us.
    #[error("the stored body has form {0}; this version reads form {VERSION}")]
    Version(u8),
    /// Nothing there.
    #[error("the stored body is empty")]
    Empty,
    /// Not in the form.
    #[error("the stored body is not in its form: {0}")]
    Form(String),
}

/// The kind of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A sighting.
    #[default]
    Sighting,
    /// A contribution.
    Contribution,
    /// A retraction without a body.
    Retraction,
}

impl Kind {
    /// The value with this number in the contract's `RecordKind`.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Sighting),
            2 => Some(Self::Contribution),
            3 => Some(Self::Retraction),
            _ => None,
        }
    }

    /// The number in the contract's `RecordKind`.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Sighting => 1,
            Self::Contribution => 2,
            Self::Retraction => 3,
        }
    }
}

/// What release, filters and the picture of contributions need of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Label {
    /// What it is.
    pub kind: Kind,
    /// What it does to what was reported before. `None`: from a newer version.
    pub action: Option<Action>,
    /// `None`: from a newer version; matches no reader.
    pub environment: Option<Environment>,
    /// Originating nation.
    pub nation: String,
    /// Originating system.
    pub system: String,
    /// The originator's report id.
    pub report_id: String,
    /// Revision.
    pub revision: u32,
    /// Protection level. `None`: from a newer version; released to nobody.
    pub level: Option<Level>,
    /// Nations that may read it.
    pub releasable_to: Vec<String>,
    /// Special categories.
    pub special: Vec<String>,
    /// Time of observation, or "as of", seconds since the Unix epoch.
    pub observed_unix_s: Option<i64>,
    /// Latitude and longitude, WGS 84 degrees.
    pub point: Option<(f64, f64)>,
    /// The contribution's id; empty: not a contribution.
    pub contribution_id: String,
    /// The contribution's kind.
    pub contribution_kind: Option<ContributionKind>,
    /// What it replaces.
    pub supersedes: Option<Supersedes>,
}

/// What a journal's body holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// For routing and release.
    pub label: Label,
    /// The record's bytes.
    pub record: Bytes,
    /// The report as submitted.
    pub original: Bytes,
    /// Media type of the report as submitted.
    pub media_type: Text,
}

/// [`Label`] as it is stored. Field numbers are for ever.
#[derive(Clone, PartialEq, prost::Message)]
struct StoredLabel {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(int32, tag = "2")]
    action: i32,
    #[prost(int32, tag = "3")]
    environment: i32,
    #[prost(string, tag = "4")]
    nation: String,
    #[prost(string, tag = "5")]
    system: String,
    #[prost(string, tag = "6")]
    report_id: String,
    #[prost(uint32, tag = "7")]
    revision: u32,
    #[prost(int32, tag = "8")]
    level: i32,
    #[prost(string, repeated, tag = "9")]
    releasable_to: Vec<String>,
    #[prost(string, repeated, tag = "10")]
    special: Vec<String>,
    #[prost(int64, optional, tag = "11")]
    observed_unix_s: Option<i64>,
    #[prost(double, optional, tag = "12")]
    latitude_deg: Option<f64>,
    #[prost(double, optional, tag = "13")]
    longitude_deg: Option<f64>,
    #[prost(string, tag = "14")]
    contribution_id: String,
    #[prost(int32, tag = "15")]
    contribution_kind: i32,
    #[prost(string, tag = "16")]
    supersedes_report_id: String,
    #[prost(uint32, tag = "17")]
    supersedes_revision: u32,
}

/// [`Body`] as it is stored. Field numbers are for ever.
#[derive(Clone, PartialEq, prost::Message)]
struct StoredBody {
    #[prost(message, optional, tag = "1")]
    label: Option<StoredLabel>,
    #[prost(bytes = "bytes", tag = "2")]
    record: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    original: Bytes,
    #[prost(string, tag = "4")]
    media_type: String,
}

/// The label of a record.
#[must_use]
pub fn label_of(record: &Record) -> Label {
    let mut label = Label {
        kind: Kind::Retraction,
        action: Some(record.action),
        environment: Some(record.environment),
        nation: record.nation.clone(),
        system: record.system.clone(),
        report_id: record.report_id.clone(),
        revision: record.revision,
        level: Some(record.marking.level),
        releasable_to: record.marking.releasable_to.clone(),
        special: record.marking.special.clone(),
        supersedes: record.supersedes.clone(),
        ..Label::default()
    };
    match &record.body {
        Some(Substance::Sighting(sighting)) => {
            label.kind = Kind::Sighting;
            label.observed_unix_s = Some(sighting.observed_from.utc.as_second());
            label.point = sighting
                .location
                .as_ref()
                .map(|p| (p.latitude_deg, p.longitude_deg));
        }
        Some(Substance::Contribution(contribution)) => {
            label.kind = Kind::Contribution;
            label.observed_unix_s = Some(contribution.as_of.utc.as_second());
            label.point = contribution
                .location
                .as_ref()
                .map(|p| (p.latitude_deg, p.longitude_deg));
            label.contribution_id = contribution.contribution_id.clone();
            label.contribution_kind = Some(contribution.kind);
        }
        None => {}
    }
    label
}

impl From<Label> for StoredLabel {
    fn from(label: Label) -> Self {
        let (supersedes_report_id, supersedes_revision) = label
            .supersedes
            .map(|s| (s.report_id, s.revision))
            .unwrap_or_default();
        Self {
            kind: label.kind.number(),
            action: label.action.map_or(0, Action::number),
            environment: label.environment.map_or(0, Environment::number),
            nation: label.nation,
            system: label.system,
            report_id: label.report_id,
            revision: label.revision,
            level: label.level.map_or(0, Level::number),
            releasable_to: label.releasable_to,
            special: label.special,
            observed_unix_s: label.observed_unix_s,
            latitude_deg: label.point.map(|point| point.0),
            longitude_deg: label.point.map(|point| point.1),
            contribution_id: label.contribution_id,
            contribution_kind: label.contribution_kind.map_or(0, ContributionKind::number),
            supersedes_report_id,
            supersedes_revision,
        }
    }
}

impl TryFrom<StoredLabel> for Label {
    type Error = StoredError;

    fn try_from(stored: StoredLabel) -> Result<Self, StoredError> {
        Ok(Self {
            kind: Kind::from_number(stored.kind)
                .ok_or_else(|| StoredError::Form(format!("kind {}", stored.kind)))?,
            action: Action::from_number(stored.action),
            environment: Environment::from_number(stored.environment),
            nation: stored.nation,
            system: stored.system,
            report_id: stored.report_id,
            revision: stored.revision,
            level: Level::from_number(stored.level),
            releasable_to: stored.releasable_to,
            special: stored.special,
            observed_unix_s: stored.observed_unix_s,
            point: stored.latitude_deg.zip(stored.longitude_deg),
            contribution_id: stored.contribution_id,
            contribution_kind: ContributionKind::from_number(stored.contribution_kind),
            supersedes: (!stored.supersedes_report_id.is_empty()).then_some(Supersedes {
                report_id: stored.supersedes_report_id,
                revision: stored.supersedes_revision,
            }),
        })
    }
}

/// Takes the version byte off.
fn versioned(bytes: &Bytes) -> Result<Bytes, StoredError> {
    match bytes.first() {
        Some(&VERSION) => Ok(bytes.slice(1..)),
        Some(&other) => Err(StoredError::Version(other)),
        None => Err(StoredError::Empty),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn form(error: prost::DecodeError) -> StoredError {
    StoredError::Form(error.to_string())
}

impl Body {
    /// The bytes for the journal.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let stored = StoredBody {
            label: Some(self.label.into()),
            record: self.record,
            original: self.original,
            media_type: self.media_type.into_owned(),
        };
        let mut bytes = Vec::with_capacity(1 + stored.encoded_len());
        bytes.push(VERSION);
        stored.encode_raw(&mut bytes);
        bytes
    }

    /// Reads a body; record and original share the memory of `bytes`.
    ///
    /// # Errors
    /// Another version, or not in the form.
    pub fn decode(bytes: &Bytes) -> Result<Self, StoredError> {
        let stored = StoredBody::decode(versioned(bytes)?).map_err(form)?;
        let label = stored
            .label
            .ok_or_else(|| StoredError::Form("no label".to_owned()))?;
        Ok(Self {
            label: label.try_into()?,
            record: stored.record,
            original: stored.original,
            media_type: stored.media_type.into(),
        })
    }
}

impl Label {
    /// Reads the label alone.
    ///
    /// # Errors
    /// Another version, or not in the form.
    pub fn decode(bytes: &Bytes) -> Result<Self, StoredError> {
        let mut rest = versioned(bytes)?;
        let (tag, wire_type) = prost::encoding::decode_key(&mut rest).map_err(form)?;
        if (tag, wire_type) != (1, prost::encoding::WireType::LengthDelimited) {
            return Err(StoredError::Form(
                "the label does not come first".to_owned(),
            ));
        }
        StoredLabel::decode_length_delimited(rest)
            .map_err(form)?
            .try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Body {
        Body {
            label: Label {
                kind: Kind::Contribution,
                action: Some(Action::Correction),
                environment: Some(Environment::Live),
                nation: "GBR".into(),
                system: "uav-cell-4".into(),
                report_id: "r".into(),
                revision: 3,
                level: Some(Level::Restricted),
                releasable_to: vec!["USA".into()],
                special: vec!["X".into()],
                observed_unix_s: Some(-1),
                point: Some((48.5, -1.25)),
                contribution_id: "c".into(),
                contribution_kind: Some(ContributionKind::Uav),
                supersedes: Some(Supersedes {
                    report_id: "q".into(),
                    revision: 2,
                }),
            },
            record: Bytes::from_static(b"record"),
            original: Bytes::from_static(b"original"),
            media_type: "text/plain".into(),
        }
    }

    #[test]
    fn a_body_comes_back_as_it_was_and_its_label_alone_too() {
        let bytes = Bytes::from(body().encode());
        assert_eq!(Body::decode(&bytes), Ok(body()));
        assert_eq!(Label::decode(&bytes), Ok(body().label));
    }

    #[test]
    fn another_version_and_damage_are_errors() {
        let mut bytes = body().encode();
        bytes[0] = 9;
        assert_eq!(
            Body::decode(&bytes.clone().into()),
            Err(StoredError::Version(9))
        );
        assert_eq!(Label::decode(&Bytes::new()), Err(StoredError::Empty));
        bytes[0] = VERSION;
        for length in 1..bytes.len() {
            let cut = Bytes::copy_from_slice(&bytes[..length]);
            assert!(Body::decode(&cut).is_err() || Body::decode(&cut) != Ok(body()));
        }
    }
}
