//! Area of responsibility: a GeoJSON (RFC 7946) Polygon in WGS 84, longitude first.
//! Kept as it was given; only judged. Invariants: rings closed, at least four positions, in
//! range, bounded.

use crate::normalise::notes::{Notes, Rule};
use crate::normalise::rules::Rules;
use serde::Deserialize;

static POLYGON: Rule = Rule::new(
    "contribution.area",
    "an area of responsibility is a GeoJSON Polygon with closed rings in WGS 84",
    "RFC 7946",
);
static SWAPPED: Rule = Rule::new(
    "contribution.area_swapped",
    "GeoJSON has the longitude first",
    "RFC 7946; domain.md 3.5",
);

const FIELD: &str = "area_of_responsibility_geojson";

/// Longest text, bytes.
const TEXT_BYTES_MAX: usize = 64 * 1_024;

/// Most rings; the first is the outer one.
const RINGS_MAX: usize = 32;

/// Most positions of all rings.
const POSITIONS_MAX: usize = 2_000;

const EXPECTED: &str = r#"such as {"type":"Polygon","coordinates":[[[lon,lat],...,first again]]}"#;

/// One position: longitude, latitude, perhaps a height.
type Position = Vec<f64>;

#[derive(Deserialize)]
struct Polygon {
    r#type: String,
    coordinates: Vec<Vec<Position>>,
}

/// The polygon as given; empty where it is not given, or with a violation where it is wrong.
pub(super) fn polygon(text: String, rules: &Rules, notes: &mut Notes) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    match judge(&text, rules) {
        Ok(()) => text,
        Err((rule, message)) => {
            notes.violate(FIELD, rule, message, EXPECTED);
            String::new()
        }
    }
}

fn judge(text: &str, rules: &Rules) -> Result<(), (&'static Rule, String)> {
    let wrong = |message: String| (&POLYGON, message);
    if text.len() > TEXT_BYTES_MAX {
        return Err(wrong(format!(
            "{} bytes, at most {TEXT_BYTES_MAX}",
            text.len()
        )));
    }
    let polygon: Polygon =
        serde_json::from_str(text).map_err(|error| wrong(format!("no polygon: {error}")))?;
    if polygon.r#type != "Polygon" {
        return Err(wrong("its type is not `Polygon`".to_owned()));
    }
    let rings = &polygon.coordinates;
    if !(1..=RINGS_MAX).contains(&rings.len()) {
        return Err(wrong(format!(
            "{} rings, expected 1 to {RINGS_MAX}",
            rings.len()
        )));
    }
    let positions: usize = rings.iter().map(Vec::len).sum();
    if positions > POSITIONS_MAX {
        return Err(wrong(format!(
            "{positions} positions, at most {POSITIONS_MAX}"
        )));
    }
    for (index, ring) in rings.iter().enumerate() {
        judge_ring(ring).map_err(|why| wrong(format!("ring {index}: {why}")))?;
    }
    let all = || {
        rings
            .iter()
            .flatten()
            .filter_map(|position| lon_lat(position))
    };
    let inside = |lon: f64, lat: f64| {
        let area = &rules.area;
        (area.south_deg..=area.north_deg).contains(&lat)
            && (area.west_deg..=area.east_deg).contains(&lon)
    };
    let straight = all().any(|(lon, lat)| inside(lon, lat));
    let swapped = all().all(|(lon, lat)| inside(lat, lon));
    if swapped && !straight {
        let message = "it lies in the area only with latitude and longitude swapped";
        return Err((&SWAPPED, message.to_owned()));
    }
    Ok(())
}

fn judge_ring(ring: &[Position]) -> Result<(), String> {
    if ring.len() < 4 {
        return Err(format!("{} positions, at least 4", ring.len()));
    }
    for (index, position) in ring.iter().enumerate() {
        let fits = lon_lat(position).is_some_and(|(lon, lat)| {
            (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat)
        });
        if !fits || position.len() > 3 {
            return Err(format!(
                "position {index} is no longitude and latitude in range"
            ));
        }
    }
    let ends = ring.first().zip(ring.last());
    if ends.is_some_and(|(first, last)| first != last) {
        return Err("it is not closed: the last position is not the first".to_owned());
    }
    Ok(())
}

fn lon_lat(position: &[f64]) -> Option<(f64, f64)> {
    match position {
        [lon, lat, ..] => Some((*lon, *lat)),
        _ => None,
    }
}
