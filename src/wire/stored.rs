//! What the journal's opaque bodies hold: a label for routing and release, the record, and the
//! report as it was submitted. The record and the original are kept as bytes and never encoded
//! again.
//!
//! Form: one byte of version (1), then protobuf with the fields of [`Body`]; the label comes
//! first, so that it can be read without touching the rest.

mod relayed;

pub use relayed::relayed;

use super::REPORT_MEDIA_TYPE;
use super::back::Back;
use super::fields::{Field, Taken, Unparsable};
use crate::record::{
    Action, Body as Substance, ContributionKind, Environment, Level, Record, Supersedes, Text,
};
use bytes::{Bytes, BytesMut};
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
    /// Gateways that it came through before this one.
    pub path: Vec<String>,
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
    #[prost(uint64, optional, tag = "18")]
    sequence: Option<u64>,
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
    #[prost(string, repeated, tag = "5")]
    path: Vec<String>,
}

/// Most room that is made at once for bodies, bytes.
const ROOM_BYTES_MAX: usize = 32 * 1024;
/// Room beside a body for what goes with it, bytes.
const BESIDE_BYTES: usize = 128;

/// Makes bodies for the journal, one after the other in the same room. This is the hot path, so
/// nothing is cloned to be encoded, and those that are stored together stand together.
#[derive(Debug)]
pub struct Sealer {
    out: Back,
    room: BytesMut,
    room_bytes: usize,
}

impl Default for Sealer {
    fn default() -> Self {
        Self {
            out: Back::new(),
            room: BytesMut::new(),
            room_bytes: 0,
        }
    }
}

impl Sealer {
    /// The bytes for the journal: label, record and original.
    #[must_use]
    pub fn seal(&mut self, record: &Record, original: &[u8]) -> Bytes {
        let out = &mut self.out;
        out.clear();
        out.part(4, record.original_media_type.as_bytes());
        out.part(3, original);
        out.message(2, record);
        out.nested(1, |out| put_label(record, out));
        out.byte(VERSION);
        make_room(&mut self.room, &mut self.room_bytes, self.out.len());
        self.room.extend_from_slice(self.out.written());
        self.room.split().freeze()
    }

    /// These parts behind each other, in the same room.
    #[must_use]
    pub fn join(&mut self, parts: &[&[u8]]) -> Bytes {
        let bytes = parts.iter().map(|part| part.len()).sum();
        make_room(&mut self.room, &mut self.room_bytes, bytes);
        for part in parts {
            self.room.extend_from_slice(part);
        }
        self.room.split().freeze()
    }
}

/// The first room is as large as what it is for, since most calls bring one report; each
/// further one is twice as large.
fn make_room(room: &mut BytesMut, room_bytes: &mut usize, bytes: usize) {
    if room.capacity() < bytes {
        *room_bytes = (*room_bytes * 2)
            .min(ROOM_BYTES_MAX)
            .max(bytes + BESIDE_BYTES);
        *room = BytesMut::with_capacity(*room_bytes);
    }
}

/// Writes a record's label as [`StoredLabel`] reads it.
fn put_label(record: &Record, out: &mut Back) {
    if let Some(sequence) = record.sequence {
        out.count(18, sequence);
    }
    if let Some(supersedes) = &record.supersedes {
        out.number(17, supersedes.revision);
        out.text(16, &supersedes.report_id);
    }
    let (kind, observed, point) = match &record.body {
        Some(Substance::Sighting(sighting)) => (
            Kind::Sighting,
            Some(sighting.observed_from.utc),
            sighting.location.as_ref(),
        ),
        Some(Substance::Contribution(contribution)) => {
            out.number(15, contribution.kind.number());
            out.text(14, &contribution.contribution_id);
            (
                Kind::Contribution,
                Some(contribution.as_of.utc),
                contribution.location.as_ref(),
            )
        }
        None => (Kind::Retraction, None, None),
    };
    if let Some(point) = point {
        out.optional_fraction(13, Some(point.longitude_deg));
        out.optional_fraction(12, Some(point.latitude_deg));
    }
    if let Some(observed) = observed {
        out.some_number(11, observed.as_second());
    }
    out.texts(10, &record.marking.special);
    out.texts(9, &record.marking.releasable_to);
    out.number(8, record.marking.level.number());
    out.number(7, record.revision);
    out.text(6, &record.report_id);
    out.text(5, &record.system);
    out.text(4, &record.nation);
    out.number(3, record.environment.number());
    out.number(2, record.action.number());
    out.number(1, kind.number());
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

/// A body without its version byte.
fn versioned(bytes: &[u8]) -> Result<&[u8], StoredError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((&other, _)) => Err(StoredError::Version(other)),
        None => Err(StoredError::Empty),
    }
}

/// The bytes of the label of a body.
fn label_bytes(bytes: &[u8]) -> Result<&[u8], StoredError> {
    label_field(&mut versioned(bytes)?)
}

/// Reads the first field, which is the label.
fn label_field<'b>(rest: &mut &'b [u8]) -> Result<&'b [u8], StoredError> {
    let first = Field::next(rest)?;
    if first.number != 1 {
        let reason = "the label does not come first".to_owned();
        return Err(StoredError::Form(reason));
    }
    Ok(first.delimited()?)
}

/// A body of which only the label is left.
///
/// # Errors
/// See [`StoredError`].
pub fn label_only(bytes: &Bytes) -> Result<Bytes, StoredError> {
    let mut rest = versioned(bytes)?;
    label_field(&mut rest)?;
    Ok(bytes.slice(..bytes.len() - rest.len()))
}

impl From<Unparsable> for StoredError {
    fn from(_: Unparsable) -> Self {
        Self::Form("its label is damaged".to_owned())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn form(error: prost::DecodeError) -> StoredError {
    StoredError::Form(error.to_string())
}

impl Body {
    /// Reads a body; record and original share the memory of `bytes`.
    ///
    /// # Errors
    /// Another version, or not in the form.
    pub fn decode(bytes: &Bytes) -> Result<Self, StoredError> {
        let rest = bytes.slice_ref(versioned(bytes)?);
        let stored = StoredBody::decode(rest).map_err(form)?;
        let label = stored
            .label
            .ok_or_else(|| StoredError::Form("no label".to_owned()))?;
        Ok(Self {
            label: label.try_into()?,
            record: stored.record,
            original: stored.original,
            media_type: stored.media_type.into(),
            path: stored.path,
        })
    }
}

impl Body {
    /// Reads what stands behind a label that was read; record and original share the memory of
    /// `bytes`.
    ///
    /// # Errors
    /// Another version, or not in the form.
    pub fn behind(label: Label, bytes: &Bytes) -> Result<Self, StoredError> {
        let mut rest = versioned(bytes)?;
        let (mut record, mut original, mut media_type): (&[u8], &[u8], &str) = Default::default();
        let mut path = Vec::new();
        while !rest.is_empty() {
            let field = Field::next(&mut rest)?;
            match field.number {
                2 => record = field.delimited()?,
                3 => original = field.delimited()?,
                4 => field.borrowed(&mut media_type)?,
                5 => field.texts(&mut path)?,
                _ => field.skip()?,
            }
        }
        Ok(Self {
            label,
            record: bytes.slice_ref(record),
            original: bytes.slice_ref(original),
            media_type: match media_type {
                REPORT_MEDIA_TYPE => REPORT_MEDIA_TYPE.into(),
                other => other.to_owned().into(),
            },
            path,
        })
    }
}

impl Label {
    /// Reads the label alone.
    ///
    /// # Errors
    /// Another version, or not in the form.
    pub fn decode(bytes: &Bytes) -> Result<Self, StoredError> {
        StoredLabel::decode(label_bytes(bytes)?)
            .map_err(form)?
            .try_into()
    }
}

/// A glance at a label: what whoever follows every record has to know of each.
#[derive(Debug, Default)]
pub struct Glance<'b> {
    kind: i32,
    action: i32,
    revision: u32,
    replaces: bool,
    /// Originating nation.
    pub nation: &'b str,
    /// Originating system.
    pub system: &'b str,
    /// Number in the system's own count. `None`: it does not count.
    pub sequence: Option<u64>,
}

impl<'b> Glance<'b> {
    /// Glances at the label of a body.
    ///
    /// # Errors
    /// Another version, or not in the form.
    pub fn at(bytes: &'b [u8]) -> Result<Self, StoredError> {
        let mut seen = Self::default();
        let mut label = label_bytes(bytes)?;
        while !label.is_empty() {
            seen.take(Field::next(&mut label)?)?;
        }
        Ok(seen)
    }

    fn take(&mut self, field: Field<'_, 'b>) -> Taken {
        match field.number {
            1 => field.code(&mut self.kind),
            2 => field.code(&mut self.action),
            4 => field.borrowed(&mut self.nation),
            5 => field.borrowed(&mut self.system),
            7 => field.number(&mut self.revision),
            16 => {
                self.replaces = !field.delimited()?.is_empty();
                Ok(())
            }
            18 => field.optional_count(&mut self.sequence),
            _ => field.skip(),
        }
    }

    /// Whether it is the first word of a sighting that replaces nothing: most are, and they take
    /// no place in the picture of contributions, and take nothing out of it.
    #[must_use]
    pub fn is_plain_sighting(&self) -> bool {
        self.kind == Kind::Sighting.number()
            && self.action == Action::New.number()
            && self.revision == 1
            && !self.replaces
    }
}
