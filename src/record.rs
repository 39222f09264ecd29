//! The canonical record and its trace: UTC, WGS 84, metres, degrees from true north.
//! Absent is `None` or empty; there are no sentinel numbers. A [`Record`] comes only from
//! `normalise`; `tests/tidy.rs` holds that `Record::seal` is called nowhere else.

pub mod codes;

pub use codes::*;
use jiff::Timestamp;
use jiff::civil::Date;
use std::borrow::Cow;
use std::ops::Deref;

/// Text that is mostly known at compile time.
pub type Text = Cow<'static, str>;

/// A normalised, valid report. Cannot be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Record(RecordParts);

impl Record {
    /// Seals a record. Only `normalise` may, after it has found no violation.
    #[must_use]
    pub(crate) fn seal(parts: RecordParts) -> Self {
        Self(parts)
    }

    /// Takes the record apart.
    #[must_use]
    pub fn into_parts(self) -> RecordParts {
        self.0
    }
}

impl Deref for Record {
    type Target = RecordParts;

    fn deref(&self) -> &RecordParts {
        &self.0
    }
}

/// What a record says. The contract's `record.proto` documents each field.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    missing_docs,
    reason = "record.proto documents each field, with unit and absence"
)]
pub struct RecordParts {
    pub nation: String,
    pub system: String,
    pub report_id: String,
    pub revision: u32,
    pub action: Action,
    pub supersedes: Option<Supersedes>,
    pub environment: Environment,
    pub reported_at: Option<Timestamp>,
    pub received_at: Timestamp,
    pub marking: Marking,
    pub body: Option<Body>,
    pub narratives: Vec<Narrative>,
    pub evidence: Vec<Evidence>,
    pub original_sha256: [u8; 32],
    pub original_media_type: Text,
    pub trace: Vec<TraceEntry>,
    pub sequence: Option<u64>,
}

/// The substance of a record; a retraction needs none.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Body {
    Sighting(Box<Sighting>),
    Contribution(Box<Contribution>),
}

/// What a record, or a report, replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Supersedes {
    pub report_id: String,
    pub revision: u32,
}

/// Who may see the record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Marking {
    pub level: Level,
    pub policy: Text,
    pub releasable_to: Vec<String>,
    pub group_codes: Vec<String>,
    pub special: Vec<String>,
    pub originator_marking: String,
    pub mapping_verified: bool,
}

/// A time with what is known of its exactness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Instant {
    pub utc: Timestamp,
    pub precision_s: Option<u32>,
    pub inferred: bool,
}

/// A position in WGS 84.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct GeoPoint {
    pub latitude_deg: f64,
    pub longitude_deg: f64,
    pub horizontal_uncertainty_m: Option<f64>,
    pub kind: Option<UncertaintyKind>,
    pub height_m: Option<f64>,
    pub vertical_datum: Option<VerticalDatum>,
    pub method: PositionMethod,
    pub transform_op: Text,
    pub source_crs: Text,
    pub original_text: String,
}

/// A position relative to an anchor.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct RelativePosition {
    pub anchor: String,
    pub distance_min_m: f64,
    pub distance_max_m: f64,
    pub azimuth_true_deg: f64,
    pub sector_half_width_deg: f64,
}

/// A named place; as reported and as recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Place {
    pub name_as_reported: String,
    pub gazetteer_id: String,
    pub control_status_as_reported: String,
}

/// A count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Count {
    pub min: Option<u32>,
    pub max: Option<u32>,
    pub qualifier: CountQualifier,
}

/// A weapon or equipment, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Weapon {
    pub class: Option<WeaponClass>,
    pub code_2525d: Text,
    pub model: Text,
    pub calibre_mm: Vec<f64>,
    pub assessed: bool,
    pub original_text: String,
}

/// One thing observed. `kind` absent: the text is not in the vocabulary.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Observation {
    pub kind: Option<ObservationType>,
    pub count: Option<Count>,
    pub count_basis: CountBasis,
    pub phase: Option<FirePhase>,
    pub direction_from_deg: Option<f64>,
    pub direction_to_deg: Option<f64>,
    pub direction_half_width_deg: Option<f64>,
    pub weapon: Option<Weapon>,
    pub withdrawal_status: Option<WithdrawalStatus>,
    pub original_text: String,
}

/// Casualties of one category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Casualties {
    pub category: CasualtyCategory,
    pub killed: Option<Count>,
    pub injured: Option<Count>,
}

/// What the originator thinks of its source and of the information.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Confidence {
    pub source_reliability: Text,
    pub credibility: Text,
    pub derived_pct: Option<u32>,
    pub probability_lo_pct: Option<u32>,
    pub probability_hi_pct: Option<u32>,
    pub scale_id: Text,
    pub original_term: String,
}

/// Free text; as reported and as recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Narrative {
    pub lang: String,
    pub text: String,
    pub is_authoritative: bool,
    pub is_machine_translation: bool,
}

/// Something kept elsewhere that supports the report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Evidence {
    pub sha256: Vec<u8>,
    pub media_type: String,
    pub uri: String,
    pub captured_at: Option<Timestamp>,
}

/// One step of normalisation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct TraceEntry {
    pub field: Text,
    pub rule: &'static str,
    pub rule_version: u32,
    pub input: Text,
    pub output: Text,
    pub severity: Severity,
}

/// A normalised sighting.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Sighting {
    pub origin: Origin,
    pub verification_status: VerificationStatus,
    pub observed_from: Instant,
    pub observed_until: Option<Instant>,
    pub means: Vec<ObserverMeans>,
    pub location: Option<GeoPoint>,
    pub location_unknown_reason: String,
    pub relative_location: Option<RelativePosition>,
    pub observer_position: Option<GeoPoint>,
    pub place: Option<Place>,
    pub observations: Vec<Observation>,
    pub casualties: Vec<Casualties>,
    pub confidence: Confidence,
    pub coverage_note: String,
}

/// People of one category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Personnel {
    pub category: PersonnelCategory,
    pub authorised: Option<u32>,
    pub deployed: Option<u32>,
    pub effective: Option<u32>,
    pub female: Option<u32>,
    pub male: Option<u32>,
    pub undisclosed: Option<u32>,
}

/// Equipment of one type.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Equipment {
    pub equipment: Weapon,
    pub quantity_authorised: Option<u32>,
    pub quantity_on_hand: Option<u32>,
    pub quantity_fmc: Option<u32>,
    pub quantity_pmc: Option<u32>,
    pub quantity_nmc: Option<u32>,
}

/// A sensor; as reported and as recorded.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Sensor {
    pub kind: String,
    pub uas_class: String,
    pub range_m: Option<f64>,
    pub availability_pct: Option<f64>,
}

/// Supplies, days; as reported and as recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Sustainment {
    pub fuel_days: Option<f64>,
    pub water_days: Option<f64>,
    pub rations_days: Option<f64>,
    pub medical_days: Option<f64>,
}

/// A limit that the nation puts on its contribution.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Caveat {
    pub code: Option<CaveatCode>,
    pub text: String,
}

/// A normalised contribution.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Contribution {
    pub as_of: Instant,
    pub period_start: Option<Date>,
    pub period_end: Option<Date>,
    pub contribution_id: String,
    pub parent_contribution_id: String,
    pub kind: ContributionKind,
    pub stage: CommitmentStage,
    pub unit_name: String,
    pub unit_size: String,
    pub unit_symbol: String,
    pub personnel: Vec<Personnel>,
    pub equipment: Vec<Equipment>,
    pub sensors: Vec<Sensor>,
    pub operational_status: OperationalStatus,
    pub notice_to_move_h: Option<u32>,
    pub location: Option<GeoPoint>,
    pub area_of_responsibility_geojson: String,
    pub sustainment: Option<Sustainment>,
    pub caveats: Vec<Caveat>,
    pub valid_from: Date,
    pub valid_until: Option<Date>,
    pub rotation_date: Option<Date>,
    pub point_of_contact_role: String,
}
