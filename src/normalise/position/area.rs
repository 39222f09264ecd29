//! Is a point within the area of interest? Catches the wrong zone, which is valid grid but a
//! wrong continent, and swapped axes.

use crate::normalise::rules::Area;

/// Metres of a degree of latitude, near enough for a margin.
const DEGREE_M: f64 = 111_320.0;

/// Whether the point lies in the area or its margin.
#[must_use]
pub(super) fn contains(area: &Area, lat_deg: f64, lon_deg: f64) -> bool {
    let margin_lat = area.margin_m / DEGREE_M;
    let lats = (area.south_deg - margin_lat)..=(area.north_deg + margin_lat);
    if !lats.contains(&lat_deg) {
        return false;
    }
    // A degree of longitude shrinks towards the poles; not below a hundredth, for the poles' sake.
    let margin_lon = margin_lat / lat_deg.to_radians().cos().max(0.01);
    ((area.west_deg - margin_lon)..=(area.east_deg + margin_lon)).contains(&lon_deg)
}

/// The area in words, for a message.
#[must_use]
pub(super) fn describe(area: &Area) -> String {
    let Area {
        south_deg,
        north_deg,
        west_deg,
        east_deg,
        margin_m,
    } = area;
    format!(
        "latitude {south_deg} to {north_deg}, longitude {west_deg} to {east_deg}, and {} km around",
        margin_m / 1_000.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_edges() {
        let area = Area::default();
        for (lat, lon, inside) in [
            (48.0159, 37.8029, true),
            (48.6208, 22.2879, true),
            (48.0, 42.8, true),
            (48.0, 43.0, false),
            (54.1, 30.0, true),
            (54.3, 30.0, false),
            (37.8029, 48.0159, false),
            (48.0159, -142.197, false),
            (90.0, 0.0, false),
            (f64::NAN, 30.0, false),
            (48.0, f64::NAN, false),
        ] {
            assert_eq!(contains(&area, lat, lon), inside, "{lat} {lon}");
        }
    }
}
