//! Chooses the reader of a position's text by its reference system: the one that the report
//! names, the one in front of the text, or the one of the nation's profile.

use super::degrees::{self, Notation};
use super::gauss::{self, Plain};
use super::grid::{self, GridPoint};
use super::system::{self, Plane, System};
use super::{Fault, Point, area, datum, rounded_deg, trace_point};
use crate::normalise::notes::{Notes, Rule, quoted};
use crate::normalise::{Profile, code};
use crate::record::{AxisOrder, PositionMethod, Text};
use crate::report;

static SYSTEM_UNKNOWN: Rule = Rule::new(
    "position.system_unknown",
    "the reference system of a text is one that the gateway can read",
    "domain.md 3.4",
);
static SYSTEM_MISSING: Rule = Rule::new(
    "position.system_missing",
    "a text has a reference system: its own or that of the nation's profile",
    "report.proto",
);
static SYSTEM_CONFLICT: Rule = Rule::new(
    "position.system_conflict",
    "the text does not name another reference system than the report does",
    "domain.md 3.4",
);
/// The register's order was taken where the other one was possible too.
static ORDER_BY_REGISTER: Rule = Rule::new(
    "position.axis_order_by_register",
    "two bare plane coordinates under an EPSG code have the register's order, northing first; \
     where the other order lies in the area too, the trace warns",
    "report.proto; domain.md 3.4, trap E",
);
static MGRS: Rule = Rule::new(
    "position.mgrs",
    "the centre of the grid cell",
    "domain.md 3.2",
);
static UTM: Rule = Rule::new(
    "position.utm",
    "UTM to latitude and longitude",
    "domain.md 3.2",
);
static DEGREES: Rule = Rule::new(
    "position.degrees",
    "latitude and longitude in WGS 84 as text",
    "domain.md 3.5",
);
static DATUM: Rule = Rule::new(
    "position.datum",
    "latitude and longitude moved to WGS 84 by a pinned operation",
    "domain.md 3.4; EPSG v11.022",
);
static GAUSS_KRUEGER: Rule = Rule::new(
    "position.gauss_krueger",
    "Gauss-Krueger to WGS 84 by a pinned operation",
    "domain.md 3.4; EPSG v11.022",
);

/// Reads the text of a location; `None` with a violation.
pub(super) fn read(
    location: &report::Location,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<Point> {
    let order = axis_order(location, profile, field, notes).ok()?;
    let (system, text) = match choose(location, profile) {
        Ok(chosen) => chosen,
        Err(fault) => {
            fault.tell(&format!("{field}.reference_system"), notes);
            return None;
        }
    };
    let notation = Notation {
        decimal_comma: profile.decimal_comma(),
        letter_o: profile.letter_o(),
        order,
    };
    match read_in(system, text, notation, location, profile) {
        Ok((point, rule, mended)) => {
            trace_point(&point, rule, &location.text, field, notes);
            if let Some((rule, output)) = mended {
                notes.warn(field, rule, location.text.clone(), output);
            }
            Some(point)
        }
        Err(fault) => {
            fault.tell(field, notes);
            None
        }
    }
}

/// The declared order: the report's, else the profile's.
fn axis_order(
    location: &report::Location,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Result<Option<AxisOrder>, ()> {
    if location.axis_order == 0 {
        return Ok(profile.axis_order());
    }
    code::optional(location.axis_order, &format!("{field}.axis_order"), notes)
        .map(Some)
        .ok_or(())
}

/// The order of two bare plane coordinates: the report's, or that of a nation whose own reference
/// system is a plane. An order that was declared for latitude and longitude says nothing here.
fn declared_order(location: &report::Location, profile: &Profile) -> Option<AxisOrder> {
    let own = profile.reference_system().and_then(System::parse);
    let of_profile = match own {
        Some(System::Named(_) | System::Plane(_)) => profile.axis_order(),
        _ => None,
    };
    AxisOrder::from_number(location.axis_order).or(of_profile)
}

/// The system and the text without a system's name in front.
fn choose<'t>(
    location: &'t report::Location,
    profile: &Profile,
) -> Result<(System, &'t str), Fault> {
    let parse = |name: &str| {
        System::parse(name).ok_or_else(|| {
            Fault::new(
                &SYSTEM_UNKNOWN,
                format!("{} is not known", quoted(name)),
                system::KNOWN,
            )
        })
    };
    let declared = match location.reference_system.trim() {
        "" => None,
        name => Some(parse(name)?),
    };
    let text = location.text.trim();
    match (declared, System::prefix(text)) {
        (Some(declared), Some((prefix, rest))) if agree(declared, prefix) => Ok((declared, rest)),
        (Some(_), Some(_)) => Err(Fault::new(
            &SYSTEM_CONFLICT,
            format!("{} names another reference system", quoted(text)),
            "one reference system",
        )),
        (Some(declared), None) => Ok((declared, text)),
        (None, Some((prefix, rest))) => Ok((prefix, rest)),
        (None, None) => match profile.reference_system() {
            Some(name) => Ok((parse(name)?, text)),
            None => Err(Fault::new(
                &SYSTEM_MISSING,
                "neither the report nor the nation's profile names a reference system",
                system::KNOWN,
            )),
        },
    }
}

/// Whether a name in front of the text says the same as, or less than, the declared one.
fn agree(declared: System, prefix: System) -> bool {
    let datum_of = |system| match system {
        System::Geographic(datum) | System::Named(datum) => Some(datum),
        System::Plane(plane) => Some(plane.datum),
        System::Wgs84 | System::Mgrs | System::Utm(_) => None,
    };
    match (declared, prefix) {
        (System::Utm(_), System::Utm(None) | System::Wgs84) => true,
        (System::Mgrs, System::Wgs84) => true,
        (_, System::Named(datum)) => datum_of(declared) == Some(datum),
        _ => declared == prefix,
    }
}

/// A warning about how the text was read: its rule, and what was made of it.
type Mended = Option<(&'static Rule, String)>;

fn read_in(
    system: System,
    text: &str,
    notation: Notation,
    location: &report::Location,
    profile: &Profile,
) -> Result<(Point, &'static Rule, Mended), Fault> {
    let comma = notation.decimal_comma;
    match system {
        System::Mgrs => {
            let mut point = grid::mgrs(text)?;
            let mended = point.mended.take();
            let mended = mended.map(|output| (&grid::MGRS_BAND_MISMATCH, output));
            Ok((from_grid(&point, Text::Borrowed("MGRS")), &MGRS, mended))
        }
        System::Utm(zone) => {
            let mut point = grid::utm(text, zone, comma)?;
            let mended = point.mended.take();
            let mended = mended.map(|output| (&grid::UTM_BAND_MISMATCH, output));
            let side = if point.lat_deg < 0.0 { 327 } else { 326 };
            let crs = format!("EPSG:{side}{:02}", point.zone);
            Ok((from_grid(&point, crs.into()), &UTM, mended))
        }
        System::Wgs84 => {
            let (lat_deg, lon_deg) = degrees::parse(text, notation)?;
            let point = Point {
                lat_deg: rounded_deg(lat_deg),
                lon_deg: rounded_deg(lon_deg),
                method: PositionMethod::Direct,
                bound_m: None,
                sigma_m: None,
                transform_op: "",
                source_crs: Text::Borrowed("EPSG:4326"),
                swapped: Some((lon_deg, lat_deg)),
                relative: None,
            };
            Ok((point, &DEGREES, None))
        }
        System::Named(datum) if gauss::looks_plane(text, comma) => {
            let order = declared_order(location, profile);
            let (northing, easting) = gauss::ordered(gauss::plain(text, comma)?, order)?;
            let in_zone = |northing, easting| {
                gauss::plane_of(datum, easting)
                    .and_then(|plane| gauss::to_wgs84(plane, northing, easting))
            };
            let straight = in_zone(northing, easting);
            // Only to explain a position outside the area.
            let swapped = if straight
                .as_ref()
                .is_ok_and(|point| lies_inside(point, profile))
            {
                None
            } else {
                in_zone(easting, northing).ok()
            };
            let point = explained(straight, swapped.as_ref(), profile)?;
            Ok((from_plane(&point, swapped.as_ref()), &GAUSS_KRUEGER, None))
        }
        System::Plane(plane) => {
            let plain = gauss::plain(text, comma)?;
            let order = declared_order(location, profile);
            let (point, said) = in_plane(plane, plain, order, profile)?;
            Ok((point, &GAUSS_KRUEGER, said))
        }
        System::Named(datum) | System::Geographic(datum) => {
            geographic(datum, degrees::parse(text, notation)?)
        }
    }
}

fn geographic(
    datum: datum::Datum,
    (lat, lon): (f64, f64),
) -> Result<(Point, &'static Rule, Mended), Fault> {
    let far_off = || Fault::new(&DATUM, "the position cannot be moved to WGS 84", "degrees");
    let (lat_deg, lon_deg) = datum::geographic_to_wgs84(datum, lat, lon).ok_or_else(far_off)?;
    let point = Point {
        lat_deg: rounded_deg(lat_deg),
        lon_deg: rounded_deg(lon_deg),
        method: PositionMethod::Direct,
        bound_m: None,
        sigma_m: Some(datum.sigma_m()),
        transform_op: datum.operation(),
        source_crs: system::geographic_crs(datum),
        swapped: Some((lon, lat)),
        relative: None,
    };
    Ok((point, &DATUM, None))
}

fn lies_inside(point: &gauss::PlanePoint, profile: &Profile) -> bool {
    area::contains(&profile.rules().area, point.lat_deg, point.lon_deg)
}

/// A fault of the straight reading, told as a swap where the swapped one lies in the area.
fn explained(
    straight: Result<gauss::PlanePoint, Fault>,
    swapped: Option<&gauss::PlanePoint>,
    profile: &Profile,
) -> Result<gauss::PlanePoint, Fault> {
    straight.map_err(|fault| match swapped {
        Some(point) if lies_inside(point, profile) => Fault {
            rule: &super::AXES_SWAPPED,
            expected: format!(
                "{}; with the two numbers swapped, the position lies in the area",
                fault.expected
            )
            .into(),
            ..fault
        },
        _ => fault,
    })
}

/// In a plane of the EPSG register bare numbers have the register's order, northing first. Where
/// they would lie in the area the other way round too, nobody could see a swap: that is said.
fn in_plane(
    plane: Plane,
    plain: Plain,
    order: Option<AxisOrder>,
    profile: &Profile,
) -> Result<(Point, Mended), Fault> {
    let bare = matches!(plain, Plain::Bare { .. }) && order.is_none();
    let (northing, easting) = gauss::ordered(plain, Some(order.unwrap_or(AxisOrder::NorthEast)))?;
    let straight = gauss::to_wgs84(plane, northing, easting);
    let swapped = gauss::to_wgs84(plane, easting, northing).ok();
    let either_way = bare
        && swapped
            .as_ref()
            .is_some_and(|point| lies_inside(point, profile));
    let point = explained(straight, swapped.as_ref(), profile)?;
    let said = either_way.then(|| {
        let output = format!("northing {northing}, easting {easting}");
        (&ORDER_BY_REGISTER, output)
    });
    Ok((from_plane(&point, swapped.as_ref()), said))
}

fn from_grid(point: &GridPoint, source_crs: Text) -> Point {
    Point {
        lat_deg: rounded_deg(point.lat_deg),
        lon_deg: rounded_deg(point.lon_deg),
        method: if point.bound_m.is_some() {
            PositionMethod::CellCentre
        } else {
            PositionMethod::Direct
        },
        bound_m: point.bound_m,
        sigma_m: None,
        transform_op: "",
        source_crs,
        swapped: None,
        relative: None,
    }
}

fn from_plane(point: &gauss::PlanePoint, swapped: Option<&gauss::PlanePoint>) -> Point {
    let datum = point.plane.datum;
    Point {
        lat_deg: rounded_deg(point.lat_deg),
        lon_deg: rounded_deg(point.lon_deg),
        method: PositionMethod::Direct,
        bound_m: None,
        sigma_m: Some(datum.sigma_m()),
        transform_op: datum.operation(),
        source_crs: format!("EPSG:{}", point.plane.epsg).into(),
        swapped: swapped.map(|point| (point.lat_deg, point.lon_deg)),
        relative: None,
    }
}
