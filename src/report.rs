//! A report as the nation says it; not yet believed. Mirrors `report.proto`, which documents
//! each field. Codes are bare numbers of the contract (0: not given), because a nation may
//! send any number; `normalise` judges them. An empty text is not given.

use jiff::Timestamp;

/// A number of one of the contract's enumerations; 0: not given.
pub type CodeNumber = i32;

/// Text or code, as in `ReportedMeans`, `ReportedObservationType`, `ReportedPhase`,
/// `ReportedContributionKind`, `ReportedStage`, `ReportedStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Term {
    /// In the nation's words.
    pub text: String,
    /// Our code.
    pub code: CodeNumber,
}

/// A report.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Report {
    pub report_id: String,
    pub revision: u32,
    pub action: CodeNumber,
    pub environment: CodeNumber,
    pub nation: String,
    pub system: String,
    pub reported_at: Option<WireTime>,
    pub supersedes: Option<Supersedes>,
    pub marking: Option<Marking>,
    pub body: Option<Body>,
    pub narratives: Vec<Narrative>,
    pub evidence: Vec<Evidence>,
    pub sequence: Option<u64>,
}

/// A timestamp as sent: perhaps out of range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "google.protobuf.Timestamp documents each field"
)]
pub struct WireTime {
    pub seconds: i64,
    pub nanos: i32,
}

impl WireTime {
    /// The time, if it lies in the years 1 to 9999 and its nanoseconds in 0 to 999,999,999
    /// (the range of `google.protobuf.Timestamp`).
    #[must_use]
    pub fn timestamp(self) -> Option<Timestamp> {
        const YEAR_1: i64 = -62_135_596_800;
        let nanos_fit = (0..1_000_000_000).contains(&self.nanos);
        (nanos_fit && self.seconds >= YEAR_1)
            .then(|| Timestamp::new(self.seconds, self.nanos).ok())
            .flatten()
    }
}

/// The substance.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Body {
    Sighting(Box<Sighting>),
    Contribution(Box<Contribution>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Supersedes {
    pub report_id: String,
    pub revision: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Marking {
    pub text: String,
    pub releasable_to: Vec<String>,
    pub special: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Time {
    pub text: String,
    pub utc: Option<WireTime>,
    pub zone: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Wgs84Point {
    pub latitude_deg: f64,
    pub longitude_deg: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct RelativeLocation {
    pub anchor: String,
    pub distance: String,
    pub direction: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Location {
    pub text: String,
    pub reference_system: String,
    pub axis_order: CodeNumber,
    pub wgs84: Option<Wgs84Point>,
    pub relative: Option<RelativeLocation>,
    pub horizontal_uncertainty_m: Option<f64>,
    pub height_m: Option<f64>,
    pub vertical_datum: CodeNumber,
    pub height_text: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Place {
    pub name_as_reported: String,
    pub gazetteer_id: String,
    pub control_status_as_reported: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Count {
    pub text: String,
    pub min: Option<u32>,
    pub max: Option<u32>,
    pub qualifier: CodeNumber,
}

#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Bearing {
    pub text: String,
    pub value: Option<f64>,
    pub unit: CodeNumber,
    pub north: CodeNumber,
}

#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Weapon {
    pub text: String,
    pub code: CodeNumber,
    pub model: String,
    pub calibre_mm: Vec<f64>,
    pub assessed: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Observation {
    pub kind: Option<Term>,
    pub count: Option<Count>,
    pub count_basis: CodeNumber,
    pub phase: Option<Term>,
    pub direction_from: Option<Bearing>,
    pub direction_to: Option<Bearing>,
    pub weapon: Option<Weapon>,
    pub withdrawal_status: CodeNumber,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Casualties {
    pub category: CodeNumber,
    pub killed: Option<Count>,
    pub injured: Option<Count>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Confidence {
    pub source_reliability: String,
    pub credibility: String,
    pub probability_lo_pct: Option<u32>,
    pub probability_hi_pct: Option<u32>,
    pub term: String,
    pub scale_id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Narrative {
    pub lang: String,
    pub text: String,
    pub is_authoritative: bool,
    pub is_machine_translation: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Evidence {
    pub sha256: Vec<u8>,
    pub media_type: String,
    pub uri: String,
    pub captured_at: Option<WireTime>,
}

/// A sighting as the nation says it.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Sighting {
    pub origin: CodeNumber,
    pub verification_status: CodeNumber,
    pub observed_from: Option<Time>,
    pub observed_until: Option<Time>,
    pub means: Vec<Term>,
    pub location: Option<Location>,
    pub location_unknown_reason: String,
    pub observer_position: Option<Location>,
    pub place: Option<Place>,
    pub observations: Vec<Observation>,
    pub casualties: Vec<Casualties>,
    pub confidence: Option<Confidence>,
    pub coverage_note: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Personnel {
    pub category: CodeNumber,
    pub authorised: Option<u32>,
    pub deployed: Option<u32>,
    pub effective: Option<u32>,
    pub female: Option<u32>,
    pub male: Option<u32>,
    pub undisclosed: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Equipment {
    pub equipment: Option<Weapon>,
    pub quantity_authorised: Option<u32>,
    pub quantity_on_hand: Option<u32>,
    pub quantity_fmc: Option<u32>,
    pub quantity_pmc: Option<u32>,
    pub quantity_nmc: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Sensor {
    pub kind: String,
    pub uas_class: String,
    pub range_m: Option<f64>,
    pub availability_pct: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Sustainment {
    pub fuel_days: Option<f64>,
    pub water_days: Option<f64>,
    pub rations_days: Option<f64>,
    pub medical_days: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub struct Caveat {
    pub code: CodeNumber,
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct NoticeToMove {
    pub text: String,
    pub hours: Option<u32>,
}

/// A contribution as the nation says it.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "report.proto documents each field")]
pub struct Contribution {
    pub as_of: Option<Time>,
    pub period_start: String,
    pub period_end: String,
    pub contribution_id: String,
    pub parent_contribution_id: String,
    pub kind: Option<Term>,
    pub stage: Option<Term>,
    pub unit_name: String,
    pub unit_size: String,
    pub unit_symbol: String,
    pub personnel: Vec<Personnel>,
    pub equipment: Vec<Equipment>,
    pub sensors: Vec<Sensor>,
    pub operational_status: Option<Term>,
    pub notice_to_move: Option<NoticeToMove>,
    pub location: Option<Location>,
    pub area_of_responsibility_geojson: String,
    pub sustainment: Option<Sustainment>,
    pub caveats: Vec<Caveat>,
    pub valid_from: String,
    pub valid_until: String,
    pub rotation_date: String,
    pub point_of_contact_role: String,
}
