//! Positions as nations write them, to WGS 84. Pins its datum operations, carries uncertainty,
//! and refuses what has two meanings. Invariants of an accepted point: finite, in range, inside
//! the area of interest, uncertainty >= 0.

mod area;
mod datum;
mod degrees;
mod gauss;
mod gazetteer;
mod grid;
mod height;
mod look_alike;
mod number;
mod plane;
mod prose;
mod read;
mod relative;
mod sheet;
mod square;
mod system;
mod text;
mod utm;

pub use gazetteer::{Former, Place, Places};
pub(super) use plane::grid_meridian_deg;
pub(super) use prose::place_id;
pub(super) use system::KNOWN as KNOWN_SYSTEMS;

use super::Profile;
use super::notes::{Notes, Rule, bounded};
use crate::record::{GeoPoint, PositionMethod, RelativePosition, Text, UncertaintyKind};
use crate::report;

static ONE_FORM: Rule = Rule::new(
    "position.one_form",
    "a position is given once: as text, as a WGS 84 point, or relative to an anchor",
    "report.proto",
);
static RANGE: Rule = Rule::new(
    "position.range",
    "latitude lies in -90 to 90 and longitude in -180 to 180",
    "report.proto",
);
static OUTSIDE_AREA: Rule = Rule::new(
    "position.outside_area",
    "a position outside the area of interest is a mistake of zone, axis or digit",
    "domain.md 3.2",
);
static AXES_SWAPPED: Rule = Rule::new(
    "position.axes_swapped",
    "a position that lies in the area only with its axes swapped is refused, never mended",
    "domain.md 3.5",
);
static UNCERTAINTY: Rule = Rule::new(
    "position.uncertainty",
    "a reporter's uncertainty is finite, not negative, and no sentinel",
    "domain.md 10",
);
static COMBINED: Rule = Rule::new(
    "position.uncertainty_combined",
    "the uncertainties of reporter, datum operation and cell are combined in quadrature",
    "domain.md 3.4",
);

static WRITTEN: Rule = Rule::new(
    "position.written_precision",
    "degrees are known no better than they are written: half the diagonal of the cell of all \
     positions that are written so is a bound, unless the reporter states a larger uncertainty; a \
     written precision below a metre says nothing",
    "as a grid cell in domain.md 3.2",
);

/// A larger uncertainty says nothing about the area; CoT's 9999999 means unknown.
const UNCERTAINTY_M_MAX: f64 = 500_000.0;

/// Why a text is no position.
#[derive(Debug)]
struct Fault {
    rule: &'static Rule,
    message: Text,
    expected: Text,
}

impl Fault {
    fn new(rule: &'static Rule, message: impl Into<Text>, expected: impl Into<Text>) -> Self {
        Self {
            rule,
            message: message.into(),
            expected: expected.into(),
        }
    }

    fn tell(self, field: &str, notes: &mut Notes) {
        notes.violate(field, self.rule, self.message, self.expected);
    }
}

/// A position in WGS 84 as far as its own notation tells.
#[derive(Debug)]
struct Point {
    lat_deg: f64,
    lon_deg: f64,
    method: PositionMethod,
    /// Half-diagonal of the grid cell, metres.
    bound_m: Option<f64>,
    /// The degrees as they were written.
    written: Option<degrees::Written>,
    /// One standard deviation of what was computed, metres.
    sigma_m: Option<f64>,
    transform_op: &'static str,
    source_crs: Text,
    /// The same with its axes swapped, to tell a swap from a wrong zone.
    swapped: Option<(f64, f64)>,
    relative: Option<RelativePosition>,
}

impl Point {
    /// A point at nought with nothing known of it but its system, for the readers to fill.
    fn direct(source_crs: Text) -> Self {
        Self {
            lat_deg: 0.0,
            lon_deg: 0.0,
            method: PositionMethod::Direct,
            bound_m: None,
            written: None,
            sigma_m: None,
            transform_op: "",
            source_crs,
            swapped: None,
            relative: None,
        }
    }
}

/// Whether the normaliser can read positions in a reference system of this name.
#[must_use]
pub fn knows_system(name: &str) -> bool {
    system::System::parse(name).is_some()
}

/// A position in WGS 84 inside the area of interest; `None` with a violation where it is wrong.
pub fn location(
    location: &report::Location,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<(GeoPoint, Option<RelativePosition>)> {
    judge(location, true, profile, field, notes)
}

/// A position anywhere on Earth: contributions also stand in neighbouring countries, at a
/// headquarters, or still at home.
pub fn location_anywhere(
    location: &report::Location,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<(GeoPoint, Option<RelativePosition>)> {
    judge(location, false, profile, field, notes)
}

fn judge(
    location: &report::Location,
    inside_only: bool,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<(GeoPoint, Option<RelativePosition>)> {
    let has_text = !location.text.trim().is_empty();
    let (point, original) = match (has_text, &location.wgs84, &location.relative) {
        (false, Some(point), None) => (typed(*point, field, notes), String::new()),
        (true, None, None) => (
            text::read(location, profile, field, notes),
            location.text.clone(),
        ),
        (false, None, Some(from)) => (
            relative::read(from, profile, field, &format!("{field}.relative"), notes),
            relative::original(from),
        ),
        (false, None, None) => {
            notes.violate(field, &ONE_FORM, "no position", "text, wgs84 or relative");
            (None, String::new())
        }
        _ => {
            let message = "more than one position";
            notes.violate(
                field,
                &ONE_FORM,
                message,
                "only one of text, wgs84 and relative",
            );
            (None, String::new())
        }
    };
    let reported_m = reported_uncertainty(location, field, notes);
    let height = height::read(location, profile, field, notes);
    let point = point?;
    inside(&point, inside_only, profile, field, notes)?;
    let (reported_m, (height_m, vertical_datum)) = (reported_m?, height?);
    let (uncertainty_m, kind) = uncertainty(&point, reported_m, field, notes);
    let geo = GeoPoint {
        latitude_deg: point.lat_deg,
        longitude_deg: point.lon_deg,
        horizontal_uncertainty_m: uncertainty_m,
        kind,
        height_m,
        vertical_datum,
        method: point.method,
        transform_op: Text::Borrowed(point.transform_op),
        source_crs: point.source_crs,
        original_text: original,
    };
    Some((geo, point.relative))
}

fn typed(point: report::Wgs84Point, field: &str, notes: &mut Notes) -> Option<Point> {
    let report::Wgs84Point {
        latitude_deg,
        longitude_deg,
    } = point;
    let mut fits = true;
    for (name, value, limit) in [
        ("latitude_deg", latitude_deg, 90.0),
        ("longitude_deg", longitude_deg, 180.0),
    ] {
        if !(-limit..=limit).contains(&value) {
            fits = false;
            let swapped = name == "latitude_deg" && value.abs() <= 180.0;
            let hint = if swapped {
                "; are the axes swapped?"
            } else {
                ""
            };
            notes.violate(
                &format!("{field}.wgs84.{name}"),
                &RANGE,
                format!("{value} is out of range"),
                format!("a number from -{limit} to {limit}{hint}"),
            );
        }
    }
    fits.then(|| Point {
        lat_deg: latitude_deg,
        lon_deg: longitude_deg,
        swapped: Some((longitude_deg, latitude_deg)),
        ..Point::direct(Text::Borrowed("EPSG:4326"))
    })
}

/// `None` with a violation where the point lies outside the area; where it may lie anywhere,
/// only when it lies inside with its axes swapped.
fn inside(
    point: &Point,
    inside_only: bool,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<()> {
    let area = &profile.rules().area;
    let Point {
        lat_deg, lon_deg, ..
    } = *point;
    if area::contains(area, lat_deg, lon_deg) {
        return Some(());
    }
    let message = format!("latitude {lat_deg:.5}, longitude {lon_deg:.5} is outside the area");
    let swapped = point
        .swapped
        .is_some_and(|(lat, lon)| area::contains(area, lat, lon));
    if swapped {
        let expected = "the axes in their order: with the two numbers swapped, the position lies \
                        in the area";
        notes.violate(field, &AXES_SWAPPED, message, expected);
    } else if inside_only {
        notes.violate(field, &OUTSIDE_AREA, message, area::describe(area));
    } else {
        return Some(());
    }
    None
}

/// The reporter's uncertainty; `None` with a violation where it is wrong.
fn reported_uncertainty(
    location: &report::Location,
    field: &str,
    notes: &mut Notes,
) -> Option<Option<f64>> {
    let Some(value) = location.horizontal_uncertainty_m else {
        return Some(None);
    };
    if (0.0..=UNCERTAINTY_M_MAX).contains(&value) {
        return Some(Some(value));
    }
    notes.violate(
        &format!("{field}.horizontal_uncertainty_m"),
        &UNCERTAINTY,
        format!("{value} is no uncertainty"),
        format!("metres from 0 to {UNCERTAINTY_M_MAX}; leave it out when it is not known"),
    );
    None
}

/// Uncertainty and its kind, from what is known.
fn uncertainty(
    point: &Point,
    reported_m: Option<f64>,
    field: &str,
    notes: &mut Notes,
) -> (Option<f64>, Option<UncertaintyKind>) {
    let bound_m = point
        .bound_m
        .or_else(|| written_bound_m(point, reported_m, field, notes));
    let (total_m, kind) = match (bound_m, point.sigma_m, reported_m) {
        (None, None, None) => return (None, None),
        (None, None, Some(reported)) => return (Some(reported), Some(UncertaintyKind::OneSigma)),
        (Some(bound), None, None) => (bound, UncertaintyKind::CellBound),
        (bound, sigma, reported) => {
            let parts = [bound, sigma, reported].map(|part| part.unwrap_or(0.0));
            let total = parts.iter().map(|part| part * part).sum::<f64>().sqrt();
            if let Some(reported) = reported {
                notes.trace(
                    &format!("{field}.horizontal_uncertainty_m"),
                    &COMBINED,
                    format!("{reported}"),
                    format!("{total:.2}"),
                );
            }
            (total, UncertaintyKind::OneSigma)
        }
    };
    // Two decimals of a metre: more would claim what nobody measured.
    (Some((total_m * 100.0).round() / 100.0), Some(kind))
}

/// How far off the position may be because of how finely its degrees are written; `None` where
/// that says nothing new. A reporter who states more knows what he wrote.
fn written_bound_m(
    point: &Point,
    reported_m: Option<f64>,
    field: &str,
    notes: &mut Notes,
) -> Option<f64> {
    let written = point.written?;
    let bound_m = written
        .bound_m()
        .filter(|bound| reported_m.is_none_or(|reported| reported < *bound))?;
    notes.trace(
        &format!("{field}.horizontal_uncertainty_m"),
        &WRITTEN,
        written.unit(),
        format!("{bound_m:.2}"),
    );
    Some(bound_m)
}

/// Eight decimals of a degree, about a millimetre: more is noise of the computation.
fn rounded_deg(degrees: f64) -> f64 {
    (degrees * 1e8).round() / 1e8
}

/// Records how a text became a position.
fn trace_point(point: &Point, rule: &'static Rule, input: &str, field: &str, notes: &mut Notes) {
    let mut output = format!("{:.8} {:.8}", point.lat_deg, point.lon_deg);
    if !point.transform_op.is_empty() {
        output.push_str(" by ");
        output.push_str(point.transform_op);
    }
    notes.trace(field, rule, bounded(input), output);
}
