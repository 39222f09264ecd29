//! The parts that filters look for are those that the contract has under the same numbers.

use crate::record::{ObservationType, WeaponClass};
use crate::wire::proto;
use crate::wire::substance::Substance;
use prost::Message as _;

fn weapon(class: proto::WeaponClass) -> proto::Weapon {
    proto::Weapon {
        weapon_class: class.into(),
        ..Default::default()
    }
}

fn point(uncertainty_m: f64) -> Option<proto::GeoPoint> {
    Some(proto::GeoPoint {
        horizontal_uncertainty_m: Some(uncertainty_m),
        ..Default::default()
    })
}

fn read(record: &proto::Record) -> Substance {
    Substance::read(&record.encode_to_vec().into()).unwrap()
}

#[test]
fn a_sighting_gives_its_observations_weapons_names_and_uncertainty() {
    let sighting = proto::Sighting {
        location: point(705.0),
        observer_position: point(1.0),
        relative_location: Some(proto::RelativePosition {
            anchor: "Avdiivka".into(),
            ..Default::default()
        }),
        place: Some(proto::Place {
            name_as_reported: "Торецьк".into(),
            ..Default::default()
        }),
        observations: vec![proto::Observation {
            r#type: proto::ObservationType::Explosion.into(),
            weapon: Some(weapon(proto::WeaponClass::Mlrs)),
            ..Default::default()
        }],
        ..Default::default()
    };
    let read = read(&proto::Record {
        body: Some(proto::record::Body::Sighting(sighting)),
        narratives: vec![proto::Narrative {
            text: "three rounds".into(),
            ..Default::default()
        }],
        ..Default::default()
    });
    assert_eq!(read.observation_types, [ObservationType::Explosion]);
    assert_eq!(read.weapon_classes, [WeaponClass::Mlrs]);
    assert_eq!(read.texts, ["Торецьк", "Avdiivka", "three rounds"]);
    assert_eq!(read.horizontal_uncertainty_m, Some(705.0));
}

#[test]
fn a_contribution_gives_its_equipment_and_uncertainty() {
    let contribution = proto::Contribution {
        equipment: vec![proto::Equipment {
            equipment: Some(weapon(proto::WeaponClass::Tank)),
            ..Default::default()
        }],
        location: point(20.0),
        ..Default::default()
    };
    let read = read(&proto::Record {
        body: Some(proto::record::Body::Contribution(contribution)),
        ..Default::default()
    });
    assert_eq!(read.weapon_classes, [WeaponClass::Tank]);
    assert_eq!(read.horizontal_uncertainty_m, Some(20.0));
    assert!(read.observation_types.is_empty() && read.texts.is_empty());
}

#[test]
fn what_is_no_record_is_an_error() {
    assert!(Substance::read(&b"\xff\xff".as_slice().into()).is_err());
}
