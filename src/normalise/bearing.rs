//! Bearings to degrees from true north. The unit is explicit: 1600 is 90 degrees in NATO mils
//! and 96 in Ukrainian ones, and 100 `grad` are 90 degrees in French and 100 in German.
//! Grid and magnetic bearings need a place, magnetic ones a day too; both turns are computed.

mod angle;
mod north;
mod wind;

pub(super) use north::Here;

use super::notes::{Notes, Rule, bounded, quoted};
use super::{Profile, code};
use crate::record::{AngleUnit, NorthReference};
use crate::report;
use angle::Angle;
use wind::Wind;

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
static NORTH_CONFLICT: Rule = Rule::new(
    "bearing.north_conflict",
    "the north that the text names and the declared north agree",
    "domain.md 3.7",
);

const FORMS: &str = "for example `45 deg`, `800 mil`, `7-50`, `50 gon`, `NE`; or value and unit";

/// A direction from true north.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Direction {
    pub(super) true_deg: f64,
    /// Known for winds only.
    pub(super) half_width_deg: Option<f64>,
}

/// A bearing; `None` where nothing is said, and with a violation where it is wrong. `at` is where
/// and when it was taken, for grid and magnetic north.
pub(super) fn bearing(
    bearing: &report::Bearing,
    at: Option<Here>,
    profile: &Profile,
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
    let (direction, named) = match (has_text, bearing.value) {
        (false, None) => return None,
        (false, Some(value)) => (typed(value, unit, field, notes)?, None),
        (true, None) => written(&bearing.text, unit, profile, field, notes)?,
        (true, Some(_)) => {
            let message = "both text and value";
            notes.violate(field, &ONE_FORM, message, "either text, or value and unit");
            return None;
        }
    };
    let north = match (north, named) {
        (Some(declared), Some(named)) if declared != named => {
            let message = format!("{} names another north", quoted(&bearing.text));
            notes.violate(field, &NORTH_CONFLICT, message, "the same north in both");
            return None;
        }
        (declared, named) => declared.or(named),
    };
    let true_deg = north::from_true(direction, north, at, field, notes)?;
    Some(Direction {
        true_deg,
        ..direction
    })
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

/// The direction of a text, and the north that it names.
fn written(
    text: &str,
    declared: Option<AngleUnit>,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<(Direction, Option<NorthReference>)> {
    let (direction, north) = match angle::parse(text, profile) {
        None => {
            notes.violate(
                field,
                &UNREADABLE,
                format!("{} is no bearing", quoted(text)),
                FORMS,
            );
            return None;
        }
        Some(Angle::Wind(Wind {
            deg,
            half_width_deg,
        })) => {
            let direction = Direction {
                true_deg: deg,
                half_width_deg: Some(half_width_deg),
            };
            (direction, None)
        }
        Some(Angle::Number(value, written, north)) => {
            let unit = agreed(written, declared, text, field, notes)?;
            let direction = Direction {
                true_deg: in_degrees(value, unit, field, notes)?,
                half_width_deg: None,
            };
            (direction, north)
        }
    };
    notes.trace(
        field,
        &CONVERTED,
        bounded(text),
        format!("{}", direction.true_deg),
    );
    Some((direction, north))
}

/// The unit, from the text and from its declaration; `None` with a violation.
fn agreed(
    written: angle::Unit,
    declared: Option<AngleUnit>,
    text: &str,
    field: &str,
    notes: &mut Notes,
) -> Option<AngleUnit> {
    let other_mil = matches!(declared, Some(AngleUnit::Mil6000 | AngleUnit::Mil6300));
    if written == angle::Unit::Mil && other_mil {
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
        AngleUnit::Mil6300 => 6_300.0,
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

/// To a millionth of a degree, in 0 to below 360.
fn rounded(degrees: f64) -> f64 {
    let rounded = (degrees * 1e6).round() / 1e6;
    let turned = rounded.rem_euclid(360.0);
    // Of a tiny negative the remainder may be the whole circle.
    if turned >= 360.0 { 0.0 } else { turned }
}

/// A direction from an anchor: degrees from true north, and the half-width of a wind's sector.
/// `mil` alone is the NATO mil here, as in `bearing`.
pub(super) fn from_anchor(text: &str, profile: &Profile) -> Option<(f64, Option<f64>)> {
    match angle::parse(text, profile)? {
        Angle::Wind(Wind {
            deg,
            half_width_deg,
        }) => Some((deg, Some(half_width_deg))),
        // An anchor's bearing is from true north, and a text that says otherwise is not read.
        Angle::Number(_, _, Some(NorthReference::Grid | NorthReference::Magnetic)) => None,
        Angle::Number(value, unit, _) => {
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
