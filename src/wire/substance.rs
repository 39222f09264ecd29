//! What filters look for inside a record: read from its bytes, and nothing else of them.

use super::stored::StoredError;
use crate::record::{ObservationType, WeaponClass};
use bytes::Bytes;
use prost::Message as _;

/// What filters look for inside a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Substance {
    /// Types of its observations.
    pub observation_types: Vec<ObservationType>,
    /// Classes of the weapons of its observations, or of its equipment.
    pub weapon_classes: Vec<WeaponClass>,
    /// Narratives, and names of places as they were reported.
    pub texts: Vec<String>,
    /// How uncertain its location is, a radius in metres. `None`: not known.
    pub horizontal_uncertainty_m: Option<f64>,
}

// The parts of `record.proto` that matter here, under its field numbers.

#[derive(Clone, PartialEq, prost::Message)]
struct Record {
    #[prost(message, optional, tag = "11")]
    sighting: Option<Sighting>,
    #[prost(message, optional, tag = "12")]
    contribution: Option<Contribution>,
    #[prost(message, repeated, tag = "13")]
    narratives: Vec<Narrative>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sighting {
    #[prost(message, optional, tag = "6")]
    location: Option<GeoPoint>,
    #[prost(message, optional, tag = "8")]
    relative_location: Option<Named>,
    #[prost(message, optional, tag = "10")]
    place: Option<Named>,
    #[prost(message, repeated, tag = "11")]
    observations: Vec<Observation>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Contribution {
    #[prost(message, repeated, tag = "12")]
    equipment: Vec<Equipment>,
    #[prost(message, optional, tag = "16")]
    location: Option<GeoPoint>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct GeoPoint {
    #[prost(double, optional, tag = "3")]
    horizontal_uncertainty_m: Option<f64>,
}

/// A place by its name, or a relative position by its anchor's.
#[derive(Clone, PartialEq, prost::Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Observation {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(message, optional, tag = "8")]
    weapon: Option<Weapon>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Equipment {
    #[prost(message, optional, tag = "1")]
    equipment: Option<Weapon>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Weapon {
    #[prost(int32, tag = "1")]
    class: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Narrative {
    #[prost(string, tag = "2")]
    text: String,
}

impl Substance {
    /// Reads a record's bytes.
    ///
    /// # Errors
    /// They are no record.
    pub fn read(record: &Bytes) -> Result<Self, StoredError> {
        let record = Record::decode(record.clone())
            .map_err(|error| StoredError::Form(format!("the record: {error}")))?;
        let mut substance = Self::default();
        let mut weapons = Vec::new();
        if let Some(sighting) = record.sighting {
            let named = [sighting.place, sighting.relative_location];
            let names = named.into_iter().flatten().map(|named| named.name);
            substance
                .texts
                .extend(names.filter(|name| !name.is_empty()));
            for observation in sighting.observations {
                let kind = ObservationType::from_number(observation.kind);
                substance.observation_types.extend(kind);
                weapons.extend(observation.weapon);
            }
            substance.locate(sighting.location);
        }
        if let Some(contribution) = record.contribution {
            let equipment = contribution.equipment.into_iter();
            weapons.extend(equipment.filter_map(|item| item.equipment));
            substance.locate(contribution.location);
        }
        let classes = weapons.iter();
        let classes = classes.filter_map(|weapon| WeaponClass::from_number(weapon.class));
        substance.weapon_classes.extend(classes);
        let narratives = record.narratives.into_iter();
        substance
            .texts
            .extend(narratives.map(|narrative| narrative.text));
        Ok(substance)
    }

    fn locate(&mut self, location: Option<GeoPoint>) {
        self.horizontal_uncertainty_m = location.and_then(|point| point.horizontal_uncertainty_m);
    }
}
