//! A position from an anchor, a distance and a direction. The point is the geodesic at the middle of
//! the distance; the uncertainty covers the length of the range, the width of the sector and the
//! extent of the anchor. An anchor is coordinates, or a name that the gazetteer knows.

use super::degrees::{self, Notation};
use super::gazetteer::Known;
use super::{Fault, Point, grid, prose, rounded_deg, trace_point};
use crate::normalise::Profile;
use crate::normalise::bearing;
use crate::normalise::distance::{self, Distance};
use crate::normalise::notes::{Notes, Rule, bounded, quoted};
use crate::record::{PositionMethod, RelativePosition, Text};
use crate::report;
use geographiclib_rs::{DirectGeodesic as _, Geodesic, InverseGeodesic as _};
use std::sync::OnceLock;

static ANCHOR: Rule = Rule::new(
    "position.anchor_unknown",
    "an anchor has coordinates, alone or in brackets after its name, or is a place of the gazetteer",
    "domain.md 3.6",
);
static ANCHOR_FOUND: Rule = Rule::new(
    "position.anchor_gazetteer",
    "an anchor without coordinates is a place of the gazetteer; its extent adds to the uncertainty",
    "domain.md 3.6",
);
static DIRECTION: Rule = Rule::new(
    "position.direction_unreadable",
    "a direction from an anchor is one of 16 winds or two neighbours, or a bearing from true north \
     with its unit",
    "domain.md 3.6",
);
static RELATIVE: Rule = Rule {
    version: 2,
    ..Rule::new(
        "position.relative",
        "anchor, distance and direction to a point on the geodesic; its uncertainty is that of \
         anchor (its extent, or how finely its coordinates are written), distance and direction",
        "domain.md 3.6; GeographicLib",
    )
};

/// Half-width of the sector of a bearing in numbers, degrees: what a hand compass does.
const BEARING_HALF_WIDTH_DEG: f64 = 2.5;

/// Where an anchor is.
struct Anchor {
    lat_deg: f64,
    lon_deg: f64,
    /// One standard deviation, metres.
    extent_m: f64,
    /// Where it comes from the gazetteer.
    known: Option<Known>,
}

/// Reads a relative position; `None` with violations, on the parts below `part_field`.
pub(super) fn read(
    from: &report::RelativeLocation,
    profile: &Profile,
    field: &str,
    part_field: &str,
    notes: &mut Notes,
) -> Option<Point> {
    let mut tell = |fault: Fault, part: &str| {
        fault.tell(&format!("{part_field}.{part}"), notes);
    };
    let anchor = anchor(&from.anchor, profile).map_err(|fault| tell(fault, "anchor"));
    let distance = distance::parse(&from.distance, profile.decimal_comma())
        .map_err(|(rule, message, expected)| Fault::new(rule, message, expected))
        .map_err(|fault| tell(fault, "distance"));
    let direction = direction(&from.direction, profile).map_err(|fault| tell(fault, "direction"));
    let (Ok(anchor), Ok(distance), Ok((azimuth, half_width))) = (anchor, distance, direction)
    else {
        return None;
    };
    if let Some(known) = &anchor.known {
        let input = bounded(&from.anchor);
        prose::trace_known(known, &ANCHOR_FOUND, &input, field, notes);
    }
    let Distance { min_m, max_m, .. } = distance;
    let middle_m = f64::midpoint(min_m, max_m);
    let (lat, lon) = wgs84().direct(anchor.lat_deg, anchor.lon_deg, azimuth, middle_m);
    let along_m = (max_m - min_m) / 2.0;
    let across_m = middle_m * half_width.to_radians().tan();
    let point = Point {
        lat_deg: rounded_deg(lat),
        lon_deg: rounded_deg(lon),
        method: PositionMethod::Relative,
        sigma_m: Some(along_m.hypot(across_m).hypot(anchor.extent_m)),
        relative: Some(RelativePosition {
            anchor: from.anchor.clone(),
            distance_min_m: min_m,
            distance_max_m: max_m,
            azimuth_true_deg: azimuth,
            sector_half_width_deg: half_width,
        }),
        ..Point::direct(Text::Borrowed("EPSG:4326"))
    };
    trace_point(&point, &RELATIVE, &original(from), field, notes);
    Some(point)
}

/// The relative position in one line, for the record's original text.
pub(super) fn original(from: &report::RelativeLocation) -> String {
    format!("{} {} of {}", from.distance, from.direction, from.anchor)
}

/// The place of an anchor: coordinates as the whole text or in brackets at its end, else a name of
/// the gazetteer.
fn anchor(text: &str, profile: &Profile) -> Result<Anchor, Fault> {
    let coordinates = text
        .trim_end()
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once('('))
        .map_or(text, |(_, inside)| inside);
    let notation = Notation {
        decimal_comma: profile.decimal_comma(),
        letter_o: profile.letter_o(),
        order: None,
    };
    let (lat_deg, lon_deg, extent_m, known) =
        if let Ok(written) = degrees::parse(coordinates, notation) {
            let extent_m = written.bound_m().unwrap_or(0.0);
            (written.lat_deg, written.lon_deg, extent_m, None)
        } else if let Ok(cell) = grid::mgrs(coordinates, None) {
            (
                cell.lat_deg,
                cell.lon_deg,
                cell.bound_m.unwrap_or(0.0),
                None,
            )
        } else if let Some(known) = profile.rules().places.find(text) {
            let place = &known.place;
            (
                place.lat_deg,
                place.lon_deg,
                place.extent_m,
                Some(known.clone()),
            )
        } else {
            return Err(Fault::new(
                &ANCHOR,
                format!(
                    "{} has no coordinates, and the gazetteer does not know it",
                    quoted(text)
                ),
                "coordinates in degrees or a grid reference, for example `Avdiivka (48.1394, \
                 37.7472)`; or a place of the gazetteer",
            ));
        };
    if lat_deg.abs() > 89.0 {
        return Err(Fault::new(
            &ANCHOR,
            "the anchor lies at a pole",
            "latitude first",
        ));
    }
    Ok(Anchor {
        lat_deg,
        lon_deg,
        extent_m,
        known,
    })
}

/// Whether a text can be an anchor.
pub(super) fn has_place(text: &str, profile: &Profile) -> bool {
    anchor(text, profile).is_ok()
}

/// Azimuth and half-width of the sector, degrees.
fn direction(text: &str, profile: &Profile) -> Result<(f64, f64), Fault> {
    bearing::from_anchor(text, profile)
        .map(|(azimuth, half_width)| (azimuth, half_width.unwrap_or(BEARING_HALF_WIDTH_DEG)))
        .ok_or_else(|| {
            Fault::new(
                &DIRECTION,
                format!("{} is no direction", quoted(text)),
                "one of 16 winds such as `NE` or `south-south-west`, two neighbours such as `SE and \
                 SSE`, or a bearing with its unit such as `45 deg`, `800 mil`, `7-50` or `50 gon`",
            )
        })
}

fn wgs84() -> &'static Geodesic {
    static WGS84: OnceLock<Geodesic> = OnceLock::new();
    WGS84.get_or_init(Geodesic::wgs84)
}

/// The length of the geodesic between two points, metres.
pub(super) fn distance_m(from: (f64, f64), to: (f64, f64)) -> f64 {
    wgs84().inverse(from.0, from.1, to.0, to.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_points_of_the_oracle() {
        for (anchor, distance, wind, lat, lon) in [
            (
                "Donetsk (48.0159, 37.8029)",
                "5 km",
                "SSW",
                47.974_352,
                37.777_272,
            ),
            ("48.0159 37.8029", "15km", "N", 48.150_802, 37.802_900),
            (
                "48.0159 37.8029",
                "57 km",
                "north-east",
                48.377_093,
                38.346_977,
            ),
            ("48.5740 39.3078", "60 km", "W", 48.571_130, 38.494_754),
            (
                "Avdiivka (48.1394, 37.7472)",
                "2-3km",
                "NE",
                48.155_296,
                37.770_960,
            ),
        ] {
            let from = report::RelativeLocation {
                anchor: anchor.to_owned(),
                distance: distance.to_owned(),
                direction: wind.to_owned(),
            };
            let mut notes = Notes::new();
            let point = read(
                &from,
                &Profile::default(),
                "location",
                "location.relative",
                &mut notes,
            )
            .unwrap_or_else(|| panic!("{anchor}: {notes:?}"));
            assert!(
                (point.lat_deg - lat).abs() < 1e-6,
                "{anchor}: {}",
                point.lat_deg
            );
            assert!(
                (point.lon_deg - lon).abs() < 1e-6,
                "{anchor}: {}",
                point.lon_deg
            );
        }
    }

    #[test]
    fn an_anchor_at_a_pole_has_no_directions() {
        for (anchor, fits) in [("89.0N 37.8E", true), ("89.1N 37.8E", false)] {
            let from = report::RelativeLocation {
                anchor: anchor.to_owned(),
                distance: "5 km".to_owned(),
                direction: "N".to_owned(),
            };
            let mut notes = Notes::new();
            let read = read(
                &from,
                &Profile::default(),
                "location",
                "location.relative",
                &mut notes,
            );
            assert_eq!(read.is_some(), fits, "{anchor}");
        }
    }

    #[test]
    fn tells_all_three_parts_at_once() {
        let from = report::RelativeLocation {
            anchor: "somewhere".to_owned(),
            distance: "far".to_owned(),
            direction: "there".to_owned(),
        };
        let mut notes = Notes::new();
        let read = read(
            &from,
            &Profile::default(),
            "location",
            "location.relative",
            &mut notes,
        );
        assert!(read.is_none());
        assert_eq!(notes.violation_count(), 3);
    }
}
