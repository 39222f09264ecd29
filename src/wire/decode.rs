//! From protobuf to a report, by moves. Judges nothing: an unparsable message is the only
//! fault that is found here.

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
    match proto::Report::decode(bytes) {
        Ok(message) => Ok(message.into()),
        Err(error) => {
            let mut violations = Violations::default();
            violations.push(Violation {
                field: "".into(),
                rule: "wire.unparsable",
                message: format!("the report is no entente.v1.Report: {error}").into(),
                expected: "a serialised entente.v1.Report message".into(),
            });
            Err(violations)
        }
    }
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

impl From<proto::Report> for Report {
    fn from(m: proto::Report) -> Self {
        Self {
            report_id: m.report_id,
            revision: m.revision,
            action: m.action,
            environment: m.environment,
            nation: m.nation,
            system: m.system,
            reported_at: m.reported_at.map(wire_time),
            supersedes: m.supersedes.map(|s| report::Supersedes {
                report_id: s.report_id,
                revision: s.revision,
            }),
            marking: m.marking.map(Into::into),
            body: m.body.map(|body| match body {
                proto::report::Body::Sighting(sighting) => {
                    Body::Sighting(Box::new(sighting.into()))
                }
                proto::report::Body::Contribution(contribution) => {
                    Body::Contribution(Box::new(contribution.into()))
                }
            }),
            narratives: all(m.narratives),
            evidence: all(m.evidence),
        }
    }
}

fn all<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(Into::into).collect()
}

fn wire_time(time: prost_types::Timestamp) -> WireTime {
    WireTime {
        seconds: time.seconds,
        nanos: time.nanos,
    }
}

/// Text or code: the contract has one message for each vocabulary, we have one type for all.
macro_rules! terms {
    ($($message:ident),+) => {
        $(impl From<proto::$message> for Term {
            fn from(m: proto::$message) -> Self {
                Self { text: m.text, code: m.code }
            }
        })+
    };
}

terms!(
    ReportedMeans,
    ReportedObservationType,
    ReportedPhase,
    ReportedContributionKind,
    ReportedStage,
    ReportedStatus
);

impl From<proto::ReportedMarking> for report::Marking {
    fn from(m: proto::ReportedMarking) -> Self {
        Self {
            text: m.text,
            releasable_to: m.releasable_to,
            special: m.special,
        }
    }
}

impl From<proto::ReportedTime> for report::Time {
    fn from(m: proto::ReportedTime) -> Self {
        Self {
            text: m.text,
            utc: m.utc.map(wire_time),
            zone: m.zone,
        }
    }
}

impl From<proto::ReportedLocation> for report::Location {
    fn from(m: proto::ReportedLocation) -> Self {
        Self {
            text: m.text,
            reference_system: m.reference_system,
            axis_order: m.axis_order,
            wgs84: m.wgs84.map(|p| report::Wgs84Point {
                latitude_deg: p.latitude_deg,
                longitude_deg: p.longitude_deg,
            }),
            relative: m.relative.map(|r| report::RelativeLocation {
                anchor: r.anchor,
                distance: r.distance,
                direction: r.direction,
            }),
            horizontal_uncertainty_m: m.horizontal_uncertainty_m,
            height_m: m.height_m,
            vertical_datum: m.vertical_datum,
            height_text: m.height_text,
        }
    }
}

impl From<proto::Place> for report::Place {
    fn from(m: proto::Place) -> Self {
        Self {
            name_as_reported: m.name_as_reported,
            gazetteer_id: m.gazetteer_id,
            control_status_as_reported: m.control_status_as_reported,
        }
    }
}

impl From<proto::ReportedCount> for report::Count {
    fn from(m: proto::ReportedCount) -> Self {
        Self {
            text: m.text,
            min: m.min,
            max: m.max,
            qualifier: m.qualifier,
        }
    }
}

impl From<proto::ReportedBearing> for report::Bearing {
    fn from(m: proto::ReportedBearing) -> Self {
        Self {
            text: m.text,
            value: m.value,
            unit: m.unit,
            north: m.north,
        }
    }
}

impl From<proto::ReportedWeapon> for report::Weapon {
    fn from(m: proto::ReportedWeapon) -> Self {
        Self {
            text: m.text,
            code: m.code,
            model: m.model,
            calibre_mm: m.calibre_mm,
            assessed: m.assessed,
        }
    }
}

impl From<proto::ReportedObservation> for report::Observation {
    fn from(m: proto::ReportedObservation) -> Self {
        Self {
            kind: m.r#type.map(Into::into),
            count: m.count.map(Into::into),
            count_basis: m.count_basis,
            phase: m.phase.map(Into::into),
            direction_from: m.direction_from.map(Into::into),
            direction_to: m.direction_to.map(Into::into),
            weapon: m.weapon.map(Into::into),
            withdrawal_status: m.withdrawal_status,
        }
    }
}

impl From<proto::ReportedCasualties> for report::Casualties {
    fn from(m: proto::ReportedCasualties) -> Self {
        Self {
            category: m.category,
            killed: m.killed.map(Into::into),
            injured: m.injured.map(Into::into),
        }
    }
}

impl From<proto::ReportedConfidence> for report::Confidence {
    fn from(m: proto::ReportedConfidence) -> Self {
        Self {
            source_reliability: m.source_reliability,
            credibility: m.credibility,
            probability_lo_pct: m.probability_lo_pct,
            probability_hi_pct: m.probability_hi_pct,
            term: m.term,
            scale_id: m.scale_id,
        }
    }
}

impl From<proto::Narrative> for report::Narrative {
    fn from(m: proto::Narrative) -> Self {
        Self {
            lang: m.lang,
            text: m.text,
            is_authoritative: m.is_authoritative,
            is_machine_translation: m.is_machine_translation,
        }
    }
}

impl From<proto::Evidence> for report::Evidence {
    fn from(m: proto::Evidence) -> Self {
        Self {
            sha256: m.sha256.into(),
            media_type: m.media_type,
            uri: m.uri,
            captured_at: m.captured_at.map(wire_time),
        }
    }
}

impl From<proto::ReportedSighting> for report::Sighting {
    fn from(m: proto::ReportedSighting) -> Self {
        Self {
            origin: m.origin,
            verification_status: m.verification_status,
            observed_from: m.observed_from.map(Into::into),
            observed_until: m.observed_until.map(Into::into),
            means: all(m.means),
            location: m.location.map(Into::into),
            location_unknown_reason: m.location_unknown_reason,
            observer_position: m.observer_position.map(Into::into),
            place: m.place.map(Into::into),
            observations: all(m.observations),
            casualties: all(m.casualties),
            confidence: m.confidence.map(Into::into),
            coverage_note: m.coverage_note,
        }
    }
}

impl From<proto::Personnel> for report::Personnel {
    fn from(m: proto::Personnel) -> Self {
        Self {
            category: m.category,
            authorised: m.authorised,
            deployed: m.deployed,
            effective: m.effective,
            female: m.female,
            male: m.male,
            undisclosed: m.undisclosed,
        }
    }
}

impl From<proto::ReportedEquipment> for report::Equipment {
    fn from(m: proto::ReportedEquipment) -> Self {
        Self {
            equipment: m.equipment.map(Into::into),
            quantity_authorised: m.quantity_authorised,
            quantity_on_hand: m.quantity_on_hand,
            quantity_fmc: m.quantity_fmc,
            quantity_pmc: m.quantity_pmc,
            quantity_nmc: m.quantity_nmc,
        }
    }
}

impl From<proto::Sensor> for report::Sensor {
    fn from(m: proto::Sensor) -> Self {
        Self {
            kind: m.r#type,
            uas_class: m.uas_class,
            range_m: m.range_m,
            availability_pct: m.availability_pct,
        }
    }
}

impl From<proto::Sustainment> for report::Sustainment {
    fn from(m: proto::Sustainment) -> Self {
        Self {
            fuel_days: m.fuel_days,
            water_days: m.water_days,
            rations_days: m.rations_days,
            medical_days: m.medical_days,
        }
    }
}

impl From<proto::Caveat> for report::Caveat {
    fn from(m: proto::Caveat) -> Self {
        Self {
            code: m.code,
            text: m.text,
        }
    }
}

impl From<proto::ReportedContribution> for report::Contribution {
    fn from(m: proto::ReportedContribution) -> Self {
        Self {
            as_of: m.as_of.map(Into::into),
            period_start: m.period_start,
            period_end: m.period_end,
            contribution_id: m.contribution_id,
            parent_contribution_id: m.parent_contribution_id,
            kind: m.kind.map(Into::into),
            stage: m.stage.map(Into::into),
            unit_name: m.unit_name,
            unit_size: m.unit_size,
            unit_symbol: m.unit_symbol,
            personnel: all(m.personnel),
            equipment: all(m.equipment),
            sensors: all(m.sensors),
            operational_status: m.operational_status.map(Into::into),
            notice_to_move: m.notice_to_move.map(|n| report::NoticeToMove {
                text: n.text,
                hours: n.hours,
            }),
            location: m.location.map(Into::into),
            area_of_responsibility_geojson: m.area_of_responsibility_geojson,
            sustainment: m.sustainment.map(Into::into),
            caveats: all(m.caveats),
            valid_from: m.valid_from,
            valid_until: m.valid_until,
            rotation_date: m.rotation_date,
            point_of_contact_role: m.point_of_contact_role,
        }
    }
}
