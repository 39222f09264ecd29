//! What corroboration compares of a sighting: read from the record's bytes, and nothing else of
//! them.

use super::stored::StoredError;
use crate::record::{
    Count, CountBasis, CountQualifier, FirePhase, ObservationType, UncertaintyKind, WeaponClass,
};
use bytes::Bytes;
use prost::Message as _;

/// A sighting as something that happened at a time and a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// When it began, seconds since the Unix epoch.
    pub from_unix_s: i64,
    /// When it ended, or was seen last; as it began where the originator does not say.
    pub until_unix_s: i64,
    /// Finest unit of either time, seconds. `None`: not known.
    pub precision_s: Option<u32>,
    /// Latitude and longitude, WGS 84 degrees.
    pub point: (f64, f64),
    /// Uncertainty of the point, metres. `None`: not known.
    pub uncertainty_m: Option<f64>,
    /// The uncertainty is a bound (a cell's half-diagonal), not a standard deviation.
    pub is_bound: bool,
    /// What was observed, as far as its type is known.
    pub seen: Vec<Seen>,
}

/// One thing observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// What.
    pub kind: ObservationType,
    /// How many. `None`: not said.
    pub count: Option<Count>,
    /// What one unit of the count is. `None`: not said.
    pub basis: Option<CountBasis>,
    /// Where in its course. `None`: not said.
    pub phase: Option<FirePhase>,
    /// Weapon. `None`: not said, or not known.
    pub weapon: Option<WeaponClass>,
    /// Candidate calibres, millimetres; empty: not known.
    pub calibre_mm: Vec<f64>,
}

// The parts of `record.proto` that matter here, under its field numbers.

#[derive(Clone, PartialEq, prost::Message)]
struct Record {
    #[prost(message, optional, tag = "11")]
    sighting: Option<Sighting>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sighting {
    #[prost(message, optional, tag = "3")]
    observed_from: Option<Instant>,
    #[prost(message, optional, tag = "4")]
    observed_until: Option<Instant>,
    #[prost(message, optional, tag = "6")]
    location: Option<GeoPoint>,
    #[prost(message, repeated, tag = "11")]
    observations: Vec<Observation>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Instant {
    #[prost(message, optional, tag = "1")]
    utc: Option<prost_types::Timestamp>,
    #[prost(uint32, optional, tag = "2")]
    precision_s: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct GeoPoint {
    #[prost(double, tag = "1")]
    latitude_deg: f64,
    #[prost(double, tag = "2")]
    longitude_deg: f64,
    #[prost(double, optional, tag = "3")]
    horizontal_uncertainty_m: Option<f64>,
    #[prost(int32, tag = "4")]
    kind: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Observation {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(message, optional, tag = "2")]
    count: Option<Quantity>,
    #[prost(int32, tag = "3")]
    count_basis: i32,
    #[prost(int32, tag = "4")]
    phase: i32,
    #[prost(message, optional, tag = "8")]
    weapon: Option<Weapon>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Quantity {
    #[prost(uint32, optional, tag = "1")]
    min: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    max: Option<u32>,
    #[prost(int32, tag = "3")]
    qualifier: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Weapon {
    #[prost(int32, tag = "1")]
    class: i32,
    #[prost(double, repeated, tag = "4")]
    calibre_mm: Vec<f64>,
}

impl Event {
    /// Reads a record's bytes. `None`: it is no sighting with a time, a place and a known type
    /// of observation.
    ///
    /// # Errors
    /// They are no record.
    pub fn read(record: &Bytes) -> Result<Option<Self>, StoredError> {
        let record = Record::decode(record.clone())
            .map_err(|error| StoredError::Form(format!("the record: {error}")))?;
        Ok(record.sighting.and_then(Self::of))
    }

    fn of(sighting: Sighting) -> Option<Self> {
        let from = sighting.observed_from?;
        let point = sighting.location?;
        let until = sighting.observed_until;
        let from_unix_s = from.utc?.seconds;
        let ended = until.as_ref().and_then(|until| until.utc);
        let seen: Vec<_> = sighting
            .observations
            .into_iter()
            .filter_map(Seen::of)
            .collect();
        let precision_s = match until {
            Some(until) => from
                .precision_s
                .zip(until.precision_s)
                .map(|(from, until)| from.max(until)),
            None => from.precision_s,
        };
        (!seen.is_empty()).then(|| Self {
            from_unix_s,
            until_unix_s: ended.map_or(from_unix_s, |ended| ended.seconds.max(from_unix_s)),
            precision_s,
            point: (point.latitude_deg, point.longitude_deg),
            uncertainty_m: point.horizontal_uncertainty_m,
            is_bound: UncertaintyKind::from_number(point.kind) == Some(UncertaintyKind::CellBound),
            seen,
        })
    }
}

impl Seen {
    fn of(observation: Observation) -> Option<Self> {
        let weapon = observation.weapon;
        Some(Self {
            kind: ObservationType::from_number(observation.kind)?,
            count: observation.count.and_then(Quantity::count),
            basis: CountBasis::from_number(observation.count_basis),
            phase: FirePhase::from_number(observation.phase),
            weapon: weapon
                .as_ref()
                .and_then(|weapon| WeaponClass::from_number(weapon.class)),
            calibre_mm: weapon.map(|weapon| weapon.calibre_mm).unwrap_or_default(),
        })
    }
}

impl Quantity {
    fn count(self) -> Option<Count> {
        Some(Count {
            min: self.min,
            max: self.max,
            qualifier: CountQualifier::from_number(self.qualifier)?,
        })
    }
}
