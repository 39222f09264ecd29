//! Every field of a record is encoded, into the field of the same name and number.

use super::message;
use crate::normalise::NORMALISER_VERSION;
use crate::record::*;
use crate::wire::encode_record;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage as _, Value};

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn instant() -> Instant {
    Instant {
        utc: second(1),
        precision_s: Some(2),
        inferred: true,
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn point() -> GeoPoint {
    GeoPoint {
        latitude_deg: 1.0,
        longitude_deg: 2.0,
        horizontal_uncertainty_m: Some(3.0),
        kind: Some(UncertaintyKind::CellBound),
        height_m: Some(5.0),
        vertical_datum: Some(VerticalDatum::Msl),
        method: PositionMethod::Gazetteer,
        transform_op: "transform_op".into(),
        source_crs: "source_crs".into(),
        original_text: text("original_text"),
    }
}

fn count() -> Count {
    Count {
        min: Some(1),
        max: Some(2),
        qualifier: CountQualifier::About,
    }
}

fn weapon() -> Weapon {
    Weapon {
        class: Some(WeaponClass::Mlrs),
        code_2525d: "code_2525d".into(),
        model: "model".into(),
        calibre_mm: vec![4.0],
        assessed: true,
        original_text: text("original_text"),
    }
}

pub(super) fn sighting() -> Sighting {
    Sighting {
        origin: Origin::Public,
        verification_status: VerificationStatus::Verified,
        observed_from: instant(),
        observed_until: Some(instant()),
        means: vec![ObserverMeans::Radar],
        location: Some(point()),
        location_unknown_reason: text("location_unknown_reason"),
        relative_location: Some(RelativePosition {
            anchor: text("anchor"),
            distance_min_m: 2.0,
            distance_max_m: 3.0,
            azimuth_true_deg: 4.0,
            sector_half_width_deg: 5.0,
        }),
        observer_position: Some(point()),
        place: Some(Place {
            name_as_reported: text("name_as_reported"),
            gazetteer_id: text("gazetteer_id"),
            control_status_as_reported: text("control_status_as_reported"),
        }),
        observations: vec![Observation {
            kind: Some(ObservationType::Burst),
            count: Some(count()),
            count_basis: CountBasis::Episode,
            phase: Some(FirePhase::Impact),
            direction_from_deg: Some(5.0),
            direction_to_deg: Some(6.0),
            direction_half_width_deg: Some(7.0),
            weapon: Some(weapon()),
            withdrawal_status: Some(WithdrawalStatus::MissingFromStorage),
            original_text: text("original_text"),
        }],
        casualties: vec![Casualties {
            category: CasualtyCategory::Monitor,
            killed: Some(count()),
            injured: Some(count()),
        }],
        confidence: Confidence {
            source_reliability: "source_reliability".into(),
            credibility: "credibility".into(),
            derived_pct: Some(3),
            probability_lo_pct: Some(4),
            probability_hi_pct: Some(5),
            scale_id: "scale_id".into(),
            original_term: text("original_term"),
        },
        coverage_note: text("coverage_note"),
    }
}

/// A day of its own for each field.
fn day(field: i8) -> Date {
    date(2026, 1, field)
}

pub(super) fn contribution() -> Contribution {
    Contribution {
        as_of: instant(),
        period_start: Some(day(2)),
        period_end: Some(day(3)),
        contribution_id: text("contribution_id"),
        parent_contribution_id: text("parent_contribution_id"),
        kind: ContributionKind::Cis,
        stage: CommitmentStage::Deployed,
        unit_name: text("unit_name"),
        unit_size: text("unit_size"),
        unit_symbol: text("unit_symbol"),
        personnel: vec![Personnel {
            category: PersonnelCategory::StaffOfficer,
            authorised: Some(2),
            deployed: Some(3),
            effective: Some(4),
            female: Some(5),
            male: Some(6),
            undisclosed: Some(7),
        }],
        equipment: vec![Equipment {
            equipment: weapon(),
            quantity_authorised: Some(2),
            quantity_on_hand: Some(3),
            quantity_fmc: Some(4),
            quantity_pmc: Some(5),
            quantity_nmc: Some(6),
        }],
        sensors: vec![Sensor {
            kind: text("type"),
            uas_class: text("uas_class"),
            range_m: Some(3.0),
            availability_pct: Some(4.0),
        }],
        operational_status: OperationalStatus::Pmc,
        notice_to_move_h: Some(15),
        location: Some(point()),
        area_of_responsibility_geojson: text("area_of_responsibility_geojson"),
        sustainment: Some(Sustainment {
            fuel_days: Some(1.0),
            water_days: Some(2.0),
            rations_days: Some(3.0),
            medical_days: Some(4.0),
        }),
        caveats: vec![Caveat {
            code: Some(CaveatCode::NoUav),
            text: text("text"),
        }],
        valid_from: day(20),
        valid_until: Some(day(21)),
        rotation_date: Some(day(22)),
        point_of_contact_role: text("point_of_contact_role"),
    }
}

pub(super) fn record(body: Body) -> Record {
    Record::seal(RecordParts {
        sequence: Some(840),
        nation: text("nation"),
        system: text("system"),
        report_id: text("report_id"),
        revision: 4,
        action: Action::Update,
        supersedes: Some(Supersedes {
            report_id: text("report_id"),
            revision: 2,
        }),
        environment: Environment::Exercise,
        reported_at: Some(second(8)),
        received_at: second(9),
        marking: Marking {
            level: Level::Secret,
            policy: "policy".into(),
            releasable_to: vec![text("releasable_to")],
            group_codes: vec![text("group_codes")],
            special: vec![text("special")],
            originator_marking: text("originator_marking"),
            mapping_verified: true,
        },
        body: Some(body),
        narratives: vec![Narrative {
            lang: text("lang"),
            text: text("text"),
            is_authoritative: true,
            is_machine_translation: true,
        }],
        evidence: vec![Evidence {
            sha256: vec![1; 32],
            media_type: text("media_type"),
            uri: text("uri"),
            captured_at: Some(second(4)),
        }],
        original_sha256: [15; 32],
        original_media_type: "original_media_type".into(),
        trace: vec![TraceEntry {
            field: "field".into(),
            rule: "rule",
            rule_version: 3,
            input: "input".into(),
            output: "output".into(),
            severity: Severity::Warn,
        }],
    })
}

/// Every field is there and holds its own name or number; the other body is not.
fn check(message: &DynamicMessage, body: &str) {
    for field in message.descriptor().fields() {
        let in_body = field
            .containing_oneof()
            .is_some_and(|oneof| oneof.name() == "body");
        if in_body && field.name() != body {
            continue;
        }
        assert!(
            message.has_field(&field),
            "{} was forgotten",
            field.full_name()
        );
        match message.get_field(&field).as_ref() {
            Value::List(items) => {
                assert_eq!(items.len(), 1);
                items
                    .iter()
                    .for_each(|item| check_value(&field, item, body));
            }
            value => check_value(&field, value, body),
        }
    }
}

fn check_value(field: &FieldDescriptor, value: &Value, body: &str) {
    let (name, number) = (field.full_name(), field.number());
    match value {
        Value::String(text) => match field.name() {
            "normaliser_version" => assert_eq!(text, NORMALISER_VERSION),
            "period_start" | "period_end" | "valid_from" | "valid_until" | "rotation_date" => {
                assert_eq!(*text, format!("2026-01-{number:02}"), "{name}");
            }
            own => assert_eq!(text, own, "{name}"),
        },
        Value::U32(value) => assert_eq!(*value, number, "{name}"),
        Value::U64(value) => assert_eq!((field.name(), *value), ("sequence", 840)),
        Value::F64(value) => assert!((*value - f64::from(number)).abs() < 1e-9, "{name}"),
        Value::Bytes(bytes) => {
            assert!(
                bytes.iter().all(|byte| u32::from(*byte) == number),
                "{name}"
            );
        }
        Value::Message(time) if time.descriptor().name() == "Timestamp" => {
            let seconds = time.get_field_by_name("seconds").unwrap();
            assert_eq!(seconds.as_i64(), Some(i64::from(number)), "{name}");
        }
        Value::Message(inner) => check(inner, body),
        Value::Bool(value) => assert!(value, "{name}"),
        Value::EnumNumber(value) => assert_ne!(*value, 0, "{name}"),
        other => panic!("{name}: {other:?}: say here how it is checked"),
    }
}

#[test]
fn no_field_of_a_record_is_forgotten() {
    for (body, name) in [
        (Body::Sighting(Box::new(sighting())), "sighting"),
        (Body::Contribution(Box::new(contribution())), "contribution"),
    ] {
        let bytes = encode_record(&record(body));
        let message = DynamicMessage::decode(message("Record"), bytes.as_slice()).unwrap();
        assert!(message.unknown_fields().next().is_none());
        check(&message, name);
    }
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let encoded = || encode_record(&record(Body::Sighting(Box::new(sighting()))));
    assert_eq!(encoded(), encoded());
}
