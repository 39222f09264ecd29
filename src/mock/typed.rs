//! Typed sightings of about 300 bytes for load: our codes, WGS 84, UTC, a marking, confidence
//! and a narrative. Serialised once; each further one is a copy with the few bytes that differ
//! written over it, so that making load costs next to nothing beside sending it.

use super::seed::Draws;
use super::tongue::Tongue;
use crate::wire::proto::{
    Action, CountBasis, CountQualifier, Environment, FirePhase, Narrative, ObservationType,
    ObserverMeans, Origin, Report, ReportedConfidence, ReportedCount, ReportedLocation,
    ReportedMarking, ReportedMeans, ReportedObservation, ReportedObservationType, ReportedPhase,
    ReportedSighting, ReportedTime, ReportedWeapon, VerificationStatus, WeaponClass, Wgs84Point,
    report,
};
use bytes::{Bytes, BytesMut};
use prost::Message as _;

const ID_BYTES: usize = 32;
const ID_PLACEHOLDER: &str = "00000000000000000000000000000000";
const LATITUDE_PLACEHOLDER: f64 = 48.123_456_789;
const LONGITUDE_PLACEHOLDER: f64 = 37.987_654_321;
/// Copies are carved from blocks of this many, so that memory is asked for rarely.
const BLOCK_REPORTS: usize = 256;

/// How report ids follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Rising with time, as UUIDv7 and counters do.
    Rising,
    /// In no order, as UUIDv4.
    Random,
}

/// An endless, seeded stream of typed sightings.
#[derive(Debug)]
pub struct Typed {
    template: Vec<u8>,
    id_at: usize,
    latitude_at: usize,
    longitude_at: usize,
    ids: Ids,
    draws: Draws,
    run: u64,
    number: u64,
    block: BytesMut,
}

impl Typed {
    /// Sightings whose ids are unique to `run` and `seed`, observed at `now_unix_s`.
    #[must_use]
    pub fn new(ids: Ids, run: u64, seed: u64, now_unix_s: i64) -> Self {
        let template = sighting(now_unix_s).encode_to_vec();
        let find = |bytes: &[u8]| {
            template
                .windows(bytes.len())
                .position(|window| window == bytes)
                .unwrap_or(0)
        };
        Self {
            id_at: find(ID_PLACEHOLDER.as_bytes()),
            latitude_at: find(&LATITUDE_PLACEHOLDER.to_le_bytes()),
            longitude_at: find(&LONGITUDE_PLACEHOLDER.to_le_bytes()),
            template,
            ids,
            draws: Draws::of(seed, run, 0),
            run,
            number: 0,
            block: BytesMut::new(),
        }
    }

    /// Size of each report, bytes.
    #[must_use]
    pub const fn report_bytes(&self) -> usize {
        self.template.len()
    }

    /// The next report, serialised, and before it its id.
    pub fn next_with_id(&mut self) -> (Bytes, Bytes) {
        let report = self.next_report();
        (report.slice(self.id_at..self.id_at + ID_BYTES), report)
    }

    /// The next report, serialised.
    pub fn next_report(&mut self) -> Bytes {
        let size = self.template.len();
        if self.block.capacity() - self.block.len() < size {
            self.block = BytesMut::with_capacity(size * BLOCK_REPORTS);
        }
        self.block.extend_from_slice(&self.template);
        let id = self.next_id();
        let latitude = self.draws.between(47.0, 49.5);
        let longitude = self.draws.between(35.0, 39.0);
        overwrite(&mut self.block, self.id_at, &id);
        overwrite(&mut self.block, self.latitude_at, &latitude.to_le_bytes());
        overwrite(&mut self.block, self.longitude_at, &longitude.to_le_bytes());
        self.number += 1;
        self.block.split().freeze()
    }

    fn next_id(&self) -> [u8; ID_BYTES] {
        let (high, low) = match self.ids {
            Ids::Rising => (self.run, self.number),
            // A bijection of the number, so that random ids never meet either.
            Ids::Random => {
                let mut mixed = Draws::of(self.run, 1, self.number);
                (
                    mixed.bits(),
                    self.number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
                )
            }
        };
        let mut id = [b'0'; ID_BYTES];
        let digits = id.iter_mut();
        let bits = u128::from(high) << 64 | u128::from(low);
        for (digit, shift) in digits.zip((0..32).rev()) {
            *digit = hexadecimal(bits >> (shift * 4));
        }
        id
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the lowest four bits are wanted"
)]
const fn hexadecimal(bits: u128) -> u8 {
    match (bits & 0xF) as u8 {
        digit @ 0..=9 => b'0' + digit,
        digit => b'a' + digit - 10,
    }
}

fn overwrite(block: &mut [u8], at: usize, with: &[u8]) {
    if let Some(place) = block.get_mut(at..at + with.len()) {
        place.copy_from_slice(with);
    }
}

/// The sighting that all others are copies of.
fn sighting(now_unix_s: i64) -> Report {
    let instant = |seconds| prost_types::Timestamp { seconds, nanos: 0 };
    let sighting = ReportedSighting {
        origin: Origin::OwnObservation.into(),
        verification_status: VerificationStatus::Unverified.into(),
        observed_from: Some(ReportedTime {
            utc: Some(instant(now_unix_s - 90)),
            ..Default::default()
        }),
        means: vec![ReportedMeans {
            code: ObserverMeans::Heard.into(),
            ..Default::default()
        }],
        location: Some(ReportedLocation {
            wgs84: Some(Wgs84Point {
                latitude_deg: LATITUDE_PLACEHOLDER,
                longitude_deg: LONGITUDE_PLACEHOLDER,
            }),
            horizontal_uncertainty_m: Some(25.0),
            ..Default::default()
        }),
        observations: vec![observation()],
        confidence: Some(ReportedConfidence {
            source_reliability: "B".into(),
            credibility: "2".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    Report {
        report_id: ID_PLACEHOLDER.into(),
        revision: 1,
        action: Action::New.into(),
        environment: Environment::Live.into(),
        reported_at: Some(instant(now_unix_s - 30)),
        marking: Some(ReportedMarking {
            text: "OFFICIAL-SENSITIVE".into(),
            releasable_to: ["USA", "GBR", "FRA", "UKR"].map(Into::into).to_vec(),
            ..Default::default()
        }),
        body: Some(report::Body::Sighting(sighting)),
        narratives: vec![Narrative {
            lang: Tongue::Gbr.language().into(),
            text: "Patrol heard three outgoing mortar rounds north of its position, then quiet. \
                   No casualties seen; camera 4 was pointing west."
                .into(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn observation() -> ReportedObservation {
    ReportedObservation {
        r#type: Some(ReportedObservationType {
            code: ObservationType::Explosion.into(),
            ..Default::default()
        }),
        count: Some(ReportedCount {
            min: Some(3),
            max: Some(3),
            qualifier: CountQualifier::Exact.into(),
            ..Default::default()
        }),
        count_basis: CountBasis::Individual.into(),
        phase: Some(ReportedPhase {
            code: FirePhase::Outgoing.into(),
            ..Default::default()
        }),
        weapon: Some(ReportedWeapon {
            code: WeaponClass::Mortar.into(),
            calibre_mm: vec![120.0],
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_report_parses_is_about_300_bytes_and_has_its_own_id() {
        for ids in [Ids::Rising, Ids::Random] {
            let mut typed = Typed::new(ids, 5, 6, 1_767_724_200);
            assert!(
                (280..=340).contains(&typed.report_bytes()),
                "{}",
                typed.report_bytes()
            );
            let mut seen = BTreeSet::new();
            for _ in 0..3 * BLOCK_REPORTS {
                let report = Report::decode(typed.next_report()).expect("it parses");
                assert!(seen.insert(report.report_id));
                let Some(report::Body::Sighting(sighting)) = report.body else {
                    panic!("not a sighting");
                };
                let point = sighting.location.and_then(|l| l.wgs84).expect("a point");
                assert!((47.0..49.5).contains(&point.latitude_deg));
                assert!((35.0..39.0).contains(&point.longitude_deg));
            }
        }
    }

    #[test]
    fn rising_ids_rise() {
        let mut typed = Typed::new(Ids::Rising, 5, 6, 1_767_724_200);
        let ids: Vec<String> = (0..300)
            .map(|_| {
                Report::decode(typed.next_report())
                    .expect("it parses")
                    .report_id
            })
            .collect();
        assert!(ids.is_sorted());
    }
}
