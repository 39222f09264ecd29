//! A position from an anchor, a distance and a direction. The point is the geodesic at the
//! middle of the distance; the uncertainty covers the length of the range and the width of the
//! sector. A place name alone is no anchor yet: it needs coordinates.

use super::degrees::{self, Notation};
use super::{Fault, Point, rounded_deg, trace_point};
use crate::normalise::Profile;
use crate::normalise::bearing;
use crate::normalise::distance::{self, Distance};
use crate::normalise::notes::{Notes, Rule, quoted};
use crate::record::{PositionMethod, RelativePosition, Text};
use crate::report;
use geographiclib_rs::{DirectGeodesic as _, Geodesic};
use std::sync::OnceLock;

static ANCHOR: Rule = Rule::new(
    "position.anchor_unknown",
    "an anchor has coordinates in degrees, alone or in brackets after its name",
    "domain.md 3.6",
);
static DIRECTION: Rule = Rule::new(
    "position.direction_unreadable",
    "a direction from an anchor is one of 16 winds, or a bearing from true north with its unit",
    "domain.md 3.6",
);
static RELATIVE: Rule = Rule::new(
    "position.relative",
    "anchor, distance and direction to a point on the geodesic",
    "domain.md 3.6; GeographicLib",
);

/// Half-width of the sector of a bearing in numbers, degrees: what a hand compass does.
const BEARING_HALF_WIDTH_DEG: f64 = 2.5;

/// Reads a relative position; `None` with violations.
pub(super) fn read(
    from: &report::RelativeLocation,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<Point> {
    let anchor = tell(anchor(&from.anchor, profile), field, "anchor", notes);
    let distance = distance::parse(&from.distance, profile.decimal_comma())
        .map_err(|(rule, message, expected)| Fault::new(rule, message, expected));
    let distance = tell(distance, field, "distance", notes);
    let direction = tell(direction(&from.direction), field, "direction", notes);
    let ((anchor_lat, anchor_lon), distance, (azimuth, half_width)) =
        (anchor?, distance?, direction?);
    let Distance { min_m, max_m, .. } = distance;
    let middle_m = f64::midpoint(min_m, max_m);
    let (lat, lon) = geodesic(anchor_lat, anchor_lon, azimuth, middle_m);
    let along_m = (max_m - min_m) / 2.0;
    let across_m = middle_m * half_width.to_radians().tan();
    let point = Point {
        lat_deg: rounded_deg(lat),
        lon_deg: rounded_deg(lon),
        method: PositionMethod::Relative,
        bound_m: None,
        sigma_m: Some(along_m.hypot(across_m)),
        transform_op: "",
        source_crs: Text::Borrowed("EPSG:4326"),
        swapped: None,
        relative: Some(RelativePosition {
            anchor: from.anchor.clone(),
            distance_min_m: min_m,
            distance_max_m: max_m,
            azimuth_true_deg: azimuth,
            sector_half_width_deg: half_width,
        }),
    };
    trace_point(&point, &RELATIVE, &original(from), field, notes);
    Some(point)
}

/// The relative position in one line, for the record's original text.
pub(super) fn original(from: &report::RelativeLocation) -> String {
    format!("{} {} of {}", from.distance, from.direction, from.anchor)
}

fn tell<T>(outcome: Result<T, Fault>, field: &str, part: &str, notes: &mut Notes) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(fault) => {
            fault.tell(&format!("{field}.relative.{part}"), notes);
            None
        }
    }
}

/// The coordinates of an anchor: the whole text, or what stands in brackets at its end.
fn anchor(text: &str, profile: &Profile) -> Result<(f64, f64), Fault> {
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
    let unknown = |_: Fault| {
        Fault::new(
            &ANCHOR,
            format!("{} has no coordinates", quoted(text)),
            "coordinates in degrees, for example `Avdiivka (48.1394, 37.7472)`",
        )
    };
    let (lat, lon) = degrees::parse(coordinates, notation).map_err(unknown)?;
    if lat.abs() > 89.0 {
        return Err(Fault::new(
            &ANCHOR,
            "the anchor lies at a pole",
            "latitude first",
        ));
    }
    Ok((lat, lon))
}

/// Azimuth and half-width of the sector, degrees.
fn direction(text: &str) -> Result<(f64, f64), Fault> {
    bearing::from_anchor(text)
        .map(|(azimuth, half_width)| (azimuth, half_width.unwrap_or(BEARING_HALF_WIDTH_DEG)))
        .ok_or_else(|| {
            Fault::new(
                &DIRECTION,
                format!("{} is no direction", quoted(text)),
                "one of 16 winds such as `NE` or `south-south-west`, or a bearing with its unit \
                 such as `45 deg`, `800 mil`, `7-50` or `50 gon`",
            )
        })
}

fn geodesic(lat_deg: f64, lon_deg: f64, azimuth_deg: f64, distance_m: f64) -> (f64, f64) {
    static WGS84: OnceLock<Geodesic> = OnceLock::new();
    WGS84
        .get_or_init(Geodesic::wgs84)
        .direct(lat_deg, lon_deg, azimuth_deg, distance_m)
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
            let point = read(&from, &Profile::default(), "location", &mut notes)
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
    fn tells_all_three_parts_at_once() {
        let from = report::RelativeLocation {
            anchor: "Donetsk".to_owned(),
            distance: "far".to_owned(),
            direction: "there".to_owned(),
        };
        let mut notes = Notes::new();
        assert!(read(&from, &Profile::default(), "location", &mut notes).is_none());
        assert_eq!(notes.violation_count(), 3);
    }
}
