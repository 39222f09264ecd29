//! Bearings to degrees from true north. The unit is explicit: 1600 is 90 degrees in NATO mils
//! and 96 in Ukrainian ones, and 100 `grad` are 90 degrees in French and 100 in German.

mod angle;
mod wind;

use super::code;
use super::notes::{Notes, Rule, bounded, quoted};
use crate::record::{AngleUnit, NorthReference};
use crate::report;
use angle::Angle;

static ONE_FORM: Rule = Rule::new(
    "bearing.one_form",
    "a bearing is given once: as text, or as a number with its unit",
    "report.proto",
);
static UNREADABLE: Rule = Rule::new(
    "bearing.unreadable",
    "a bearing is a number with its unit, or one of 16 winds",
    "domain.md 3.7",
);
static UNIT_MISSING: Rule = Rule::new(
    "bearing.unit_missing",
    "a bearing without its unit is refused: 1600 is 90 degrees to some and 96 to others",
    "domain.md 3.7",
);
static UNIT_CONFLICT: Rule = Rule::new(
    "bearing.unit_conflict",
    "the unit of the text and the declared unit agree",
    "domain.md 3.7",
);
static RANGE: Rule = Rule::new(
    "bearing.range",
    "a bearing lies in 0 to a full circle",
    "domain.md 3.7",
);
static CONVERTED: Rule = Rule::new(
    "bearing.converted",
    "a bearing to degrees from true north",
    "domain.md 3.7",
);
static NORTH_ASSUMED: Rule = Rule::new(
    "bearing.north_assumed",
    "a bearing that names no north is taken from true north",
    "report.proto",
);
static GRID_NORTH: Rule = Rule::new(
    "bearing.grid_north",
    "grid bearing plus meridian convergence of the location's UTM zone",
    "domain.md 3.7",
);
static MAGNETIC: Rule = Rule::new(
    "bearing.magnetic",
    "magnetic bearings are not read yet: they need a model of the declination",
    "domain.md 3.7",
);

const FORMS: &str = "for example `45 deg`, `800 mil`, `7-50`, `50 gon`, `NE`; or value and unit";

/// Half-width of the sector of one of 16 winds, degrees.
const WIND_HALF_WIDTH_DEG: f64 = 11.25;

/// A direction from true north.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Direction {
    pub(super) true_deg: f64,
    /// Known for winds only.
    pub(super) half_width_deg: Option<f64>,
}

/// A bearing; `None` where nothing is said, and with a violation where it is wrong. `at` is the
/// location, latitude and longitude in degrees, for grid north.
pub(super) fn bearing(
    bearing: &report::Bearing,
    at: Option<(f64, f64)>,
    field: &str,
    notes: &mut Notes,
) -> Option<Direction> {
    let north = if bearing.north == 0 {
        None
    } else {
        Some(code::optional(
            bearing.north,
            &format!("{field}.north"),
            notes,
        )?)
    };
    let unit = if bearing.unit == 0 {
        None
    } else {
        Some(code::optional(
            bearing.unit,
            &format!("{field}.unit"),
            notes,
        )?)
    };
    let has_text = !bearing.text.trim().is_empty();
    let direction = match (has_text, bearing.value) {
        (false, None) => return None,
        (false, Some(value)) => typed(value, unit, field, notes)?,
        (true, None) => written(&bearing.text, unit, field, notes)?,
        (true, Some(_)) => {
            let message = "both text and value";
            notes.violate(field, &ONE_FORM, message, "either text, or value and unit");
            return None;
        }
    };
    from_true_north(direction, north, at, field, notes)
}

fn typed(value: f64, unit: Option<AngleUnit>, field: &str, notes: &mut Notes) -> Option<Direction> {
    let Some(unit) = unit else {
        let message = format!("{value} without a unit");
        notes.violate(field, &UNIT_MISSING, message, code::one_of::<AngleUnit>());
        return None;
    };
    let true_deg = in_degrees(value, unit, field, notes)?;
    if unit != AngleUnit::Degree {
        let input = format!("{value} {}", unit.name());
        notes.trace(field, &CONVERTED, input, format!("{true_deg}"));
    }
    Some(Direction {
        true_deg,
        half_width_deg: None,
    })
}

fn written(
    text: &str,
    declared: Option<AngleUnit>,
    field: &str,
    notes: &mut Notes,
) -> Option<Direction> {
    let direction = match angle::parse(text) {
        None => {
            notes.violate(
                field,
                &UNREADABLE,
                format!("{} is no bearing", quoted(text)),
                FORMS,
            );
            return None;
        }
        Some(Angle::Wind(deg)) => Direction {
            true_deg: deg,
            half_width_deg: Some(WIND_HALF_WIDTH_DEG),
        },
        Some(Angle::Number(value, written)) => {
            let unit = agreed(written, declared, text, field, notes)?;
            Direction {
                true_deg: in_degrees(value, unit, field, notes)?,
                half_width_deg: None,
            }
        }
    };
    notes.trace(
        field,
        &CONVERTED,
        bounded(text),
        format!("{}", direction.true_deg),
    );
    Some(direction)
}

/// The unit, from the text and from its declaration; `None` with a violation.
fn agreed(
    written: angle::Unit,
    declared: Option<AngleUnit>,
    text: &str,
    field: &str,
    notes: &mut Notes,
) -> Option<AngleUnit> {
    if written == angle::Unit::Mil && declared == Some(AngleUnit::Mil6000) {
        return declared;
    }
    match (written.candidates(), declared) {
        (&[], None) => {
            let message = format!("{} has no unit", quoted(text));
            notes.violate(field, &UNIT_MISSING, message, FORMS);
            None
        }
        (&[], Some(declared)) => Some(declared),
        (&[only], None) => Some(only),
        (several, Some(declared)) if several.contains(&declared) => Some(declared),
        (several, None) => {
            let names: Vec<&str> = several.iter().map(|unit| unit.name()).collect();
            let message = format!("the unit of {} has two meanings", quoted(text));
            let expected = format!("unit: {}", names.join(" or "));
            notes.violate(field, &UNIT_MISSING, message, expected);
            None
        }
        (_, Some(declared)) => {
            let message = format!("{} is not in {}", quoted(text), declared.name());
            notes.violate(field, &UNIT_CONFLICT, message, "the same unit in both");
            None
        }
    }
}

/// Units of a full circle.
const fn circle(unit: AngleUnit) -> f64 {
    match unit {
        AngleUnit::Degree => 360.0,
        AngleUnit::MilNato => 6_400.0,
        AngleUnit::Mil6000 => 6_000.0,
        AngleUnit::Gon => 400.0,
    }
}

fn in_degrees(value: f64, unit: AngleUnit, field: &str, notes: &mut Notes) -> Option<f64> {
    let circle = circle(unit);
    if !(0.0..=circle).contains(&value) {
        let message = format!("{value} is out of range");
        notes.violate(
            field,
            &RANGE,
            message,
            format!("0 to {circle} {}", unit.name()),
        );
        return None;
    }
    Some(rounded(value * 360.0 / circle))
}

fn from_true_north(
    direction: Direction,
    north: Option<NorthReference>,
    at: Option<(f64, f64)>,
    field: &str,
    notes: &mut Notes,
) -> Option<Direction> {
    match north {
        Some(NorthReference::True) => Some(direction),
        None => {
            if direction.half_width_deg.is_none() {
                let degrees = format!("{}", direction.true_deg);
                notes.trace(field, &NORTH_ASSUMED, degrees.clone(), degrees);
            }
            Some(direction)
        }
        Some(NorthReference::Grid) => {
            let Some((lat, lon)) = at else {
                let message = "a grid bearing without a location";
                notes.violate(field, &GRID_NORTH, message, "a location, or a true bearing");
                return None;
            };
            let turned = rounded(direction.true_deg + convergence_deg(lat, lon));
            let input = format!("{} from grid north", direction.true_deg);
            notes.trace(field, &GRID_NORTH, input, format!("{turned}"));
            Some(Direction {
                true_deg: turned,
                ..direction
            })
        }
        Some(NorthReference::Magnetic) => {
            let message = "magnetic bearings are not supported yet";
            notes.violate(
                field,
                &MAGNETIC,
                message,
                "a bearing from true or grid north",
            );
            None
        }
    }
}

/// Meridian convergence in the location's UTM zone, degrees, east positive; right to a
/// thousandth of a degree anywhere in a zone.
fn convergence_deg(lat_deg: f64, lon_deg: f64) -> f64 {
    let meridian_deg = (lon_deg / 6.0).floor() * 6.0 + 3.0;
    let off = (lon_deg - meridian_deg).to_radians();
    (off.tan() * lat_deg.to_radians().sin()).atan().to_degrees()
}

/// To a millionth of a degree, in 0 to below 360.
fn rounded(degrees: f64) -> f64 {
    let rounded = (degrees * 1e6).round() / 1e6;
    let turned = rounded.rem_euclid(360.0);
    // Of a tiny negative the remainder may be the whole circle.
    if turned >= 360.0 { 0.0 } else { turned }
}

/// A direction from an anchor: degrees from true north, and the half-width of a wind's sector.
/// `mil` alone is the NATO mil here, as in `bearing`.
pub(super) fn from_anchor(text: &str) -> Option<(f64, Option<f64>)> {
    match angle::parse(text)? {
        Angle::Wind(deg) => Some((deg, Some(WIND_HALF_WIDTH_DEG))),
        Angle::Number(value, unit) => {
            let &[unit] = unit.candidates() else {
                return None;
            };
            let circle = circle(unit);
            (0.0..=circle)
                .contains(&value)
                .then(|| (rounded(value * 360.0 / circle), None))
        }
    }
}

#[cfg(test)]
mod tests;
