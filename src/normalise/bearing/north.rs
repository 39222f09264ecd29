//! From grid and magnetic north to true north: the meridian convergence of the position's own grid,
//! and the declination of the World Magnetic Model on the day of the observation.

use super::{Direction, rounded};
use crate::normalise::notes::{Notes, Rule};
use crate::record::NorthReference;
use jiff::Timestamp;
use jiff::tz::Offset;
use world_magnetic_model::GeomagneticField;
use world_magnetic_model::time::Date;
use world_magnetic_model::uom::si::angle::degree;
use world_magnetic_model::uom::si::f32::{Angle, Length};
use world_magnetic_model::uom::si::length::meter;

static NORTH_ASSUMED: Rule = Rule::new(
    "bearing.north_assumed",
    "a bearing that names no north is taken from true north",
    "report.proto",
);
static GRID_NORTH: Rule = Rule::new(
    "bearing.grid_north",
    "grid bearing plus the meridian convergence at the location: of the plane of its text, else of \
     its UTM zone",
    "domain.md 3.7",
);
static MAGNETIC: Rule = Rule::new(
    "bearing.magnetic",
    "magnetic bearing plus the declination at the location on the day of the observation",
    "domain.md 3.7; World Magnetic Model 2020 and 2025",
);

/// Where and when a bearing was taken.
#[derive(Clone, Copy, Debug)]
pub(in crate::normalise) struct Here {
    /// Latitude, degrees north, WGS 84.
    pub(in crate::normalise) lat_deg: f64,
    /// Longitude, degrees east, WGS 84.
    pub(in crate::normalise) lon_deg: f64,
    /// The meridian that grid north points along, degrees east.
    pub(in crate::normalise) grid_meridian_deg: f64,
    /// When; `None` where the time was not understood.
    pub(in crate::normalise) when: Option<Timestamp>,
}

/// Degrees from true north; `None` with a violation where the turn cannot be known.
pub(super) fn from_true(
    direction: Direction,
    north: Option<NorthReference>,
    at: Option<Here>,
    field: &str,
    notes: &mut Notes,
) -> Option<f64> {
    let given = direction.true_deg;
    let (rule, name, turn_deg) = match north {
        Some(NorthReference::True) => return Some(given),
        None => {
            // A wind is from true north as nobody would say otherwise.
            if direction.half_width_deg.is_none() {
                notes.trace(
                    field,
                    &NORTH_ASSUMED,
                    format!("{given}"),
                    format!("{given}"),
                );
            }
            return Some(given);
        }
        Some(NorthReference::Grid) => {
            let Some(here) = at else {
                let message = "a grid bearing without a location";
                notes.violate(field, &GRID_NORTH, message, "a location, or a true bearing");
                return None;
            };
            (&GRID_NORTH, "grid", convergence_deg(here))
        }
        Some(NorthReference::Magnetic) => {
            let Some((here, when)) = at.and_then(|here| Some((here, here.when?))) else {
                let message = "a magnetic bearing without a location and a time";
                let expected = "a location and a time, or a true bearing";
                notes.violate(field, &MAGNETIC, message, expected);
                return None;
            };
            let Some(declination) = declination_deg(here, when) else {
                let message = format!("no magnetic model holds for {when}");
                let expected = "a time from 2020 to the end of 2029, or a true bearing";
                notes.violate(field, &MAGNETIC, message, expected);
                return None;
            };
            (&MAGNETIC, "magnetic", declination)
        }
    };
    let true_deg = rounded(given + turn_deg);
    let input = format!("{given} from {name} north");
    notes.trace(
        field,
        rule,
        input,
        format!("{true_deg} (turn {turn_deg:+.4})"),
    );
    Some(true_deg)
}

/// Meridian convergence, degrees, east positive; right to a thousandth of a degree anywhere in a
/// zone.
fn convergence_deg(here: Here) -> f64 {
    let off = (here.lon_deg - here.grid_meridian_deg).to_radians();
    (off.tan() * here.lat_deg.to_radians().sin())
        .atan()
        .to_degrees()
}

/// Magnetic declination at the ellipsoid, degrees, east positive; to a hundredth, as the model's
/// own uncertainty is larger. `None` outside the model's years.
fn declination_deg(here: Here, when: Timestamp) -> Option<f64> {
    let day = Offset::UTC.to_datetime(when).date();
    let ordinal = u16::try_from(day.day_of_year()).ok()?;
    let date = Date::from_ordinal_date(i32::from(day.year()), ordinal).ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the model is computed in single precision, a millionth of a degree here"
    )]
    let angle = |deg: f64| Angle::new::<degree>(deg as f32);
    let field = GeomagneticField::new(
        Length::new::<meter>(0.0),
        angle(here.lat_deg),
        angle(here.lon_deg),
        date,
    )
    .ok()?;
    let declination = f64::from(field.declination().get::<degree>());
    declination
        .is_finite()
        .then(|| (declination * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(lat_deg: f64, lon_deg: f64) -> Here {
        Here {
            lat_deg,
            lon_deg,
            grid_meridian_deg: (lon_deg / 6.0).floor() * 6.0 + 3.0,
            when: None,
        }
    }

    #[test]
    fn convergence_is_that_of_proj() {
        for (lat, lon, expected) in [
            (48.0159, 37.8029, -0.8899),
            (50.4501, 30.5234, -1.9101),
            (49.8397, 24.0297, -2.2709),
            (48.6208, 22.2879, 0.9664),
            (49.9935, 36.2304, -2.1221),
        ] {
            let got = convergence_deg(here(lat, lon));
            assert!((got - expected).abs() < 1e-3, "{lat}: {got}");
        }
        // The grid of Donetsk oblast has its meridian at 37.5 degrees.
        let local = Here {
            grid_meridian_deg: 37.5,
            ..here(48.0159, 37.8029)
        };
        assert!((convergence_deg(local) - 0.2252).abs() < 1e-3);
    }

    #[test]
    fn declination_is_that_of_pygeomag() {
        let when = "2026-01-06T18:30:00Z".parse().unwrap();
        for (lat, lon, expected) in [
            (48.0159, 37.8029, 8.73),
            (50.4501, 30.5234, 8.48),
            (49.8397, 24.0297, 7.09),
            (46.4825, 30.7233, 7.38),
            (49.9935, 36.2304, 9.26),
        ] {
            let got = declination_deg(here(lat, lon), when).expect("a declination");
            assert!((got - expected).abs() < 0.011, "{lat}: {got}");
        }
    }

    #[test]
    fn outside_its_years_the_model_says_nothing() {
        for (when, holds) in [
            ("2019-12-31T12:00:00Z", false),
            ("2020-06-01T12:00:00Z", true),
            ("2029-12-01T12:00:00Z", true),
            ("2031-01-01T12:00:00Z", false),
        ] {
            let found = declination_deg(here(48.0, 37.8), when.parse().unwrap());
            assert_eq!(found.is_some(), holds, "{when}");
        }
    }
}
