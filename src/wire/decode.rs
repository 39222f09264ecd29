//! From protobuf to a report. Judges nothing: an unparsable message is the only fault that is
//! found here.

use super::fields::{Field, Take, Taken, read};
use super::proto;
use crate::normalise::{Violation, Violations};
use crate::report::{self, Body, Report, Term, WireTime};
use bytes::Bytes;
use prost::Message as _;

/// Decodes a serialised `Report`.
///
/// # Errors
/// One violation, `wire.unparsable`, that says what protobuf found wrong.
pub fn decode_report(bytes: &[u8]) -> Result<Report, Violations> {
    let mut report = Report::default();
    match read(&mut report, bytes) {
        Ok(()) => Ok(report),
        Err(_) => Err(unparsable(bytes)),
    }
}

/// What is wrong with bytes that are no report.
#[cold]
fn unparsable(bytes: &[u8]) -> Violations {
    let reason = match proto::Report::decode(bytes) {
        Ok(_) => "it is not understood".to_owned(),
        Err(error) => error.to_string(),
    };
    let mut violations = Violations::default();
    violations.push(Violation {
        field: "".into(),
        rule: "wire.unparsable",
        message: format!("the report is no entente.v1.Report: {reason}").into(),
        expected: "a serialised entente.v1.Report message".into(),
    });
    violations
}

/// A payload in a format of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Native {
    /// Media type.
    pub media_type: String,
    /// The payload as the system made it.
    pub content: Bytes,
    /// Report id, revision, environment and marking, where the format has none of its own.
    pub envelope: Report,
    /// The whole message as bytes; "the same report" is judged by it.
    pub submitted: Bytes,
}

impl From<proto::NativePayload> for Native {
    fn from(m: proto::NativePayload) -> Self {
        Self {
            submitted: m.encode_to_vec().into(),
            media_type: m.media_type,
            content: m.content,
            envelope: Report {
                report_id: m.report_id,
                revision: m.revision,
                environment: m.environment,
                marking: m.marking.map(Into::into),
                ..Report::default()
            },
        }
    }
}

impl From<proto::ReportedMarking> for report::Marking {
    fn from(m: proto::ReportedMarking) -> Self {
        Self {
            text: m.text,
            releasable_to: m.releasable_to,
            special: m.special,
        }
    }
}

/// Field numbers of `report.proto` and `record.proto`, how each is written, and where it goes.
/// Several messages of text or code are one type here.
macro_rules! fields {
    ($($of:ty { $($number:literal $kind:ident $field:ident,)+ })+) => {$(
        impl Take for $of {
            fn take(&mut self, field: Field<'_, '_>) -> Taken {
                match field.number {
                    $($number => field.$kind(&mut self.$field),)+
                    _ => field.skip(),
                }
            }
        }
    )+};
}

impl Take for Report {
    fn take(&mut self, field: Field<'_, '_>) -> Taken {
        match field.number {
            1 => field.text(&mut self.report_id),
            2 => field.number(&mut self.revision),
            3 => field.code(&mut self.action),
            4 => field.code(&mut self.environment),
            5 => field.text(&mut self.nation),
            6 => field.text(&mut self.system),
            7 => field.optional(&mut self.reported_at),
            8 => field.optional(&mut self.supersedes),
            9 => field.optional(&mut self.marking),
            10 => match &mut self.body {
                Some(Body::Sighting(there)) => field.message(&mut **there),
                body => {
                    let mut sighting = Box::default();
                    field.message(&mut *sighting)?;
                    *body = Some(Body::Sighting(sighting));
                    Ok(())
                }
            },
            11 => match &mut self.body {
                Some(Body::Contribution(there)) => field.message(&mut **there),
                body => {
                    let mut contribution = Box::default();
                    field.message(&mut *contribution)?;
                    *body = Some(Body::Contribution(contribution));
                    Ok(())
                }
            },
            12 => field.list(&mut self.narratives),
            13 => field.list(&mut self.evidence),
            14 => field.optional_count(&mut self.sequence),
            _ => field.skip(),
        }
    }
}

fields! {
    WireTime { 1 signed seconds, 2 code nanos, }
    Term { 1 text text, 2 code code, }
    report::Supersedes { 1 text report_id, 2 number revision, }
    report::Marking { 1 text text, 2 texts releasable_to, 3 texts special, }
    report::Time { 1 text text, 2 optional utc, 3 text zone, }
    report::Wgs84Point { 1 fraction latitude_deg, 2 fraction longitude_deg, }
    report::RelativeLocation { 1 text anchor, 2 text distance, 3 text direction, }
    report::Location {
        1 text text,
        2 text reference_system,
        3 code axis_order,
        4 optional wgs84,
        5 optional relative,
        6 optional_fraction horizontal_uncertainty_m,
        7 optional_fraction height_m,
        8 code vertical_datum,
        9 text height_text,
    }
    report::Place {
        1 text name_as_reported,
        2 text gazetteer_id,
        3 text control_status_as_reported,
    }
    report::Count { 1 text text, 2 optional_number min, 3 optional_number max, 4 code qualifier, }
    report::Bearing { 1 text text, 2 optional_fraction value, 3 code unit, 4 code north, }
    report::Weapon { 1 text text, 2 code code, 3 text model, 4 fractions calibre_mm, 5 flag assessed, }
    report::Observation {
        1 optional kind,
        2 optional count,
        3 code count_basis,
        4 optional phase,
        5 optional direction_from,
        6 optional direction_to,
        7 optional weapon,
        8 code withdrawal_status,
    }
    report::Casualties { 1 code category, 2 optional killed, 3 optional injured, }
    report::Confidence {
        1 text source_reliability,
        2 text credibility,
        3 optional_number probability_lo_pct,
        4 optional_number probability_hi_pct,
        5 text term,
        6 text scale_id,
    }
    report::Narrative { 1 text lang, 2 text text, 3 flag is_authoritative, 4 flag is_machine_translation, }
    report::Evidence { 1 bytes sha256, 2 text media_type, 3 text uri, 4 optional captured_at, }
    report::Sighting {
        1 code origin,
        2 code verification_status,
        3 optional observed_from,
        4 optional observed_until,
        5 list means,
        6 optional location,
        7 text location_unknown_reason,
        8 optional observer_position,
        9 optional place,
        10 list observations,
        11 list casualties,
        12 optional confidence,
        13 text coverage_note,
    }
    report::Personnel {
        1 code category,
        2 optional_number authorised,
        3 optional_number deployed,
        4 optional_number effective,
        5 optional_number female,
        6 optional_number male,
        7 optional_number undisclosed,
    }
    report::Equipment {
        1 optional equipment,
        2 optional_number quantity_authorised,
        3 optional_number quantity_on_hand,
        4 optional_number quantity_fmc,
        5 optional_number quantity_pmc,
        6 optional_number quantity_nmc,
    }
    report::Sensor { 1 text kind, 2 text uas_class, 3 optional_fraction range_m, 4 optional_fraction availability_pct, }
    report::Sustainment {
        1 optional_fraction fuel_days,
        2 optional_fraction water_days,
        3 optional_fraction rations_days,
        4 optional_fraction medical_days,
    }
    report::Caveat { 1 code code, 2 text text, }
    report::NoticeToMove { 1 text text, 2 optional_number hours, }
    report::Contribution {
        1 optional as_of,
        2 text period_start,
        3 text period_end,
        4 text contribution_id,
        5 text parent_contribution_id,
        6 optional kind,
        7 optional stage,
        8 text unit_name,
        9 text unit_size,
        10 text unit_symbol,
        11 list personnel,
        12 list equipment,
        13 list sensors,
        14 optional operational_status,
        15 optional notice_to_move,
        16 optional location,
        17 text area_of_responsibility_geojson,
        18 optional sustainment,
        19 list caveats,
        20 text valid_from,
        21 text valid_until,
        22 text rotation_date,
        23 text point_of_contact_role,
    }
}
