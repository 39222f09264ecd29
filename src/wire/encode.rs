//! From a record to its canonical bytes, by moves. The same record gives the same bytes.

use super::{proto, timestamp};
use crate::normalise::NORMALISER_VERSION;
use crate::record::{self, Body, Record};
use jiff::civil::Date;
use prost::Message as _;

/// Encodes a record; these bytes are what is stored and served.
#[must_use]
pub fn encode_record(record: Record) -> Vec<u8> {
    proto::Record::from(record).encode_to_vec()
}

fn all<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(Into::into).collect()
}

/// A code or UNSPECIFIED.
macro_rules! number {
    ($code:expr) => {
        $code.map_or(0, |code| code.number())
    };
}

fn day(date: Option<Date>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}

impl From<Record> for proto::Record {
    fn from(record: Record) -> Self {
        let r = record.into_parts();
        Self {
            nation: r.nation,
            system: r.system,
            report_id: r.report_id,
            revision: r.revision,
            action: r.action.number(),
            supersedes: r.supersedes.map(|s| proto::Supersedes {
                report_id: s.report_id,
                revision: s.revision,
            }),
            environment: r.environment.number(),
            reported_at: r.reported_at.map(timestamp),
            received_at: Some(timestamp(r.received_at)),
            marking: Some(r.marking.into()),
            narratives: all(r.narratives),
            evidence: all(r.evidence),
            original_sha256: r.original_sha256.to_vec().into(),
            original_media_type: r.original_media_type.into_owned(),
            trace: all(r.trace),
            normaliser_version: NORMALISER_VERSION.to_owned(),
            body: r.body.map(|body| match body {
                Body::Sighting(sighting) => proto::record::Body::Sighting((*sighting).into()),
                Body::Contribution(contribution) => {
                    proto::record::Body::Contribution((*contribution).into())
                }
            }),
        }
    }
}

impl From<record::Marking> for proto::Marking {
    fn from(m: record::Marking) -> Self {
        Self {
            level: m.level.number(),
            policy: m.policy.into_owned(),
            releasable_to: m.releasable_to,
            group_codes: m.group_codes,
            special: m.special,
            originator_marking: m.originator_marking,
            mapping_verified: m.mapping_verified,
        }
    }
}

impl From<record::Instant> for proto::Instant {
    fn from(i: record::Instant) -> Self {
        Self {
            utc: Some(timestamp(i.utc)),
            precision_s: i.precision_s,
            inferred: i.inferred,
        }
    }
}

impl From<record::GeoPoint> for proto::GeoPoint {
    fn from(p: record::GeoPoint) -> Self {
        Self {
            latitude_deg: p.latitude_deg,
            longitude_deg: p.longitude_deg,
            horizontal_uncertainty_m: p.horizontal_uncertainty_m,
            kind: number!(p.kind),
            height_m: p.height_m,
            vertical_datum: number!(p.vertical_datum),
            method: p.method.number(),
            transform_op: p.transform_op.into_owned(),
            source_crs: p.source_crs.into_owned(),
            original_text: p.original_text,
        }
    }
}

impl From<record::RelativePosition> for proto::RelativePosition {
    fn from(p: record::RelativePosition) -> Self {
        Self {
            anchor: p.anchor,
            distance_min_m: p.distance_min_m,
            distance_max_m: p.distance_max_m,
            azimuth_true_deg: p.azimuth_true_deg,
            sector_half_width_deg: p.sector_half_width_deg,
        }
    }
}

impl From<record::Place> for proto::Place {
    fn from(p: record::Place) -> Self {
        Self {
            name_as_reported: p.name_as_reported,
            gazetteer_id: p.gazetteer_id,
            control_status_as_reported: p.control_status_as_reported,
        }
    }
}

impl From<record::Count> for proto::Count {
    fn from(c: record::Count) -> Self {
        Self {
            min: c.min,
            max: c.max,
            qualifier: c.qualifier.number(),
        }
    }
}

impl From<record::Weapon> for proto::Weapon {
    fn from(w: record::Weapon) -> Self {
        Self {
            weapon_class: number!(w.class),
            code_2525d: w.code_2525d.into_owned(),
            model: w.model.into_owned(),
            calibre_mm: w.calibre_mm,
            assessed: w.assessed,
            original_text: w.original_text,
        }
    }
}

impl From<record::Observation> for proto::Observation {
    fn from(o: record::Observation) -> Self {
        Self {
            r#type: number!(o.kind),
            count: o.count.map(Into::into),
            count_basis: o.count_basis.number(),
            phase: number!(o.phase),
            direction_from_deg: o.direction_from_deg,
            direction_to_deg: o.direction_to_deg,
            direction_half_width_deg: o.direction_half_width_deg,
            weapon: o.weapon.map(Into::into),
            withdrawal_status: number!(o.withdrawal_status),
            original_text: o.original_text,
        }
    }
}

impl From<record::Casualties> for proto::Casualties {
    fn from(c: record::Casualties) -> Self {
        Self {
            category: c.category.number(),
            killed: c.killed.map(Into::into),
            injured: c.injured.map(Into::into),
        }
    }
}

impl From<record::Confidence> for proto::Confidence {
    fn from(c: record::Confidence) -> Self {
        Self {
            source_reliability: c.source_reliability.into_owned(),
            credibility: c.credibility.into_owned(),
            derived_pct: c.derived_pct,
            probability_lo_pct: c.probability_lo_pct,
            probability_hi_pct: c.probability_hi_pct,
            scale_id: c.scale_id.into_owned(),
            original_term: c.original_term,
        }
    }
}

impl From<record::Narrative> for proto::Narrative {
    fn from(n: record::Narrative) -> Self {
        Self {
            lang: n.lang,
            text: n.text,
            is_authoritative: n.is_authoritative,
            is_machine_translation: n.is_machine_translation,
        }
    }
}

impl From<record::Evidence> for proto::Evidence {
    fn from(e: record::Evidence) -> Self {
        Self {
            sha256: e.sha256.into(),
            media_type: e.media_type,
            uri: e.uri,
            captured_at: e.captured_at.map(timestamp),
        }
    }
}

impl From<record::TraceEntry> for proto::TraceEntry {
    fn from(t: record::TraceEntry) -> Self {
        Self {
            field: t.field.into_owned(),
            rule: t.rule.to_owned(),
            rule_version: t.rule_version,
            input: t.input.into_owned(),
            output: t.output.into_owned(),
            severity: t.severity.number(),
        }
    }
}

impl From<record::Sighting> for proto::Sighting {
    fn from(s: record::Sighting) -> Self {
        Self {
            origin: s.origin.number(),
            verification_status: s.verification_status.number(),
            observed_from: Some(s.observed_from.into()),
            observed_until: s.observed_until.map(Into::into),
            means: s
                .means
                .into_iter()
                .map(record::ObserverMeans::number)
                .collect(),
            location: s.location.map(Into::into),
            location_unknown_reason: s.location_unknown_reason,
            relative_location: s.relative_location.map(Into::into),
            observer_position: s.observer_position.map(Into::into),
            place: s.place.map(Into::into),
            observations: all(s.observations),
            casualties: all(s.casualties),
            confidence: Some(s.confidence.into()),
            coverage_note: s.coverage_note,
        }
    }
}

impl From<record::Personnel> for proto::Personnel {
    fn from(p: record::Personnel) -> Self {
        Self {
            category: p.category.number(),
            authorised: p.authorised,
            deployed: p.deployed,
            effective: p.effective,
            female: p.female,
            male: p.male,
            undisclosed: p.undisclosed,
        }
    }
}

impl From<record::Equipment> for proto::Equipment {
    fn from(e: record::Equipment) -> Self {
        Self {
            equipment: Some(e.equipment.into()),
            quantity_authorised: e.quantity_authorised,
            quantity_on_hand: e.quantity_on_hand,
            quantity_fmc: e.quantity_fmc,
            quantity_pmc: e.quantity_pmc,
            quantity_nmc: e.quantity_nmc,
        }
    }
}

impl From<record::Sensor> for proto::Sensor {
    fn from(s: record::Sensor) -> Self {
        Self {
            r#type: s.kind,
            uas_class: s.uas_class,
            range_m: s.range_m,
            availability_pct: s.availability_pct,
        }
    }
}

impl From<record::Sustainment> for proto::Sustainment {
    fn from(s: record::Sustainment) -> Self {
        Self {
            fuel_days: s.fuel_days,
            water_days: s.water_days,
            rations_days: s.rations_days,
            medical_days: s.medical_days,
        }
    }
}

impl From<record::Caveat> for proto::Caveat {
    fn from(c: record::Caveat) -> Self {
        Self {
            code: number!(c.code),
            text: c.text,
        }
    }
}

impl From<record::Contribution> for proto::Contribution {
    fn from(c: record::Contribution) -> Self {
        Self {
            as_of: Some(c.as_of.into()),
            period_start: day(c.period_start),
            period_end: day(c.period_end),
            contribution_id: c.contribution_id,
            parent_contribution_id: c.parent_contribution_id,
            kind: c.kind.number(),
            stage: c.stage.number(),
            unit_name: c.unit_name,
            unit_size: c.unit_size,
            unit_symbol: c.unit_symbol,
            personnel: all(c.personnel),
            equipment: all(c.equipment),
            sensors: all(c.sensors),
            operational_status: c.operational_status.number(),
            notice_to_move_h: c.notice_to_move_h,
            location: c.location.map(Into::into),
            area_of_responsibility_geojson: c.area_of_responsibility_geojson,
            sustainment: c.sustainment.map(Into::into),
            caveats: all(c.caveats),
            valid_from: day(Some(c.valid_from)),
            valid_until: day(c.valid_until),
            rotation_date: day(c.rotation_date),
            point_of_contact_role: c.point_of_contact_role,
        }
    }
}
