//! The readers of a position's text, one for each kind of reference system.

use super::degrees::{self, Notation, Written};
use super::gauss::{self, Plain};
use super::grid::{self, GridPoint};
use super::plane::{self, Plane, Reach};
use super::square;
use super::system::{self, System};
use super::utm;
use super::{Fault, Point, area, datum, rounded_deg};
use crate::normalise::Profile;
use crate::normalise::notes::Rule;
use crate::record::{AxisOrder, PositionMethod, Text};

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
static UPS: Rule = Rule::new(
    "position.ups",
    "Universal Polar Stereographic to latitude and longitude",
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
static BEYOND_REACH: Rule = Rule::new(
    "position.beyond_zone",
    "a position further from its zone's meridian than the zone reaches, or outside the oblast of its \
     local system, is pointed out: zone or system may be wrong",
    "domain.md 3.3, 3.4; EPSG v11.022",
);
static SQUARE: Rule = Rule::new(
    "position.square",
    "the centre of a map square, or of a part of it, near its declared anchor",
    "domain.md 3.4; EPSG v11.022",
);

/// A position that was read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) point: Point,
    /// What read it.
    pub(super) rule: &'static Rule,
    /// Warnings: a rule, and what was made of the text.
    pub(super) said: Vec<(&'static Rule, String)>,
}

impl Reading {
    fn plain(point: Point, rule: &'static Rule) -> Self {
        Self {
            point,
            rule,
            said: Vec::new(),
        }
    }
}

/// Reads a text in a system. `declared` is the order of two bare plane coordinates.
pub(super) fn read_in(
    system: System,
    text: &str,
    notation: Notation,
    declared: Option<AxisOrder>,
    profile: &Profile,
) -> Result<Reading, Fault> {
    let comma = notation.decimal_comma;
    match system {
        System::Mgrs => mgrs(text, None),
        System::MgrsIn(square) => mgrs(text, Some(square)),
        System::Utm(zone) => utm_position(text, zone, comma, profile),
        System::Ups(north) => {
            let point = utm::ups(text, north, comma)?;
            let crs = if point.lat_deg < 0.0 { 5_042 } else { 5_041 };
            let point = from_grid(&point, format!("EPSG:{crs}").into());
            Ok(Reading::plain(point, &UPS))
        }
        System::Wgs84 => {
            let written = degrees::parse(text, notation)?;
            let point = Point {
                lat_deg: rounded_deg(written.lat_deg),
                lon_deg: rounded_deg(written.lon_deg),
                written: Some(written),
                swapped: Some((written.lon_deg, written.lat_deg)),
                ..Point::direct(Text::Borrowed("EPSG:4326"))
            };
            Ok(Reading::plain(point, &DEGREES))
        }
        System::Squares(datum, anchor) => squares(text, datum, Some(anchor)),
        System::Named(datum) if square::looks_like(text) => squares(text, datum, None),
        System::Named(datum) if gauss::looks_plane(text, comma) => {
            let (northing, easting) = gauss::ordered(gauss::plain(text, comma)?, declared)?;
            in_zone(datum, northing, easting, profile)
        }
        System::Zone(plane) => {
            let (northing, easting) = gauss::ordered(gauss::plain(text, comma)?, declared)?;
            let easting = gauss::with_zone(plane, easting)?;
            in_zone(plane.datum, northing, easting, profile)
        }
        System::Plane(plane) => in_plane(plane, gauss::plain(text, comma)?, declared, profile),
        System::Named(datum) | System::Geographic(datum) => {
            geographic(datum, degrees::parse(text, notation)?)
        }
    }
}

fn mgrs(text: &str, within: Option<grid::Square>) -> Result<Reading, Fault> {
    let mut point = grid::mgrs(text, within)?;
    let mended = point.mended.take();
    Ok(Reading {
        said: mended
            .map(|output| (&grid::MGRS_BAND_MISMATCH, output))
            .into_iter()
            .collect(),
        ..Reading::plain(from_grid(&point, Text::Borrowed("MGRS")), &MGRS)
    })
}

fn utm_position(
    text: &str,
    zone: Option<(u8, bool)>,
    comma: bool,
    profile: &Profile,
) -> Result<Reading, Fault> {
    let utm::UtmPoint { straight, swapped } = utm::utm(text, zone, comma)?;
    let inside = |(lat, lon): (f64, f64)| area::contains(&profile.rules().area, lat, lon);
    let mut point = straight.map_err(|fault| as_swap(fault, swapped.is_some_and(inside)))?;
    let mended = point.mended.take();
    let off_deg = (point.lon_deg - plane::utm_meridian_deg(point.zone)).abs();
    let beyond = (off_deg > plane::REACH_6_DEG).then(|| {
        let output = format!(
            "{off_deg:.1} degrees from the meridian of zone {}",
            point.zone
        );
        (&BEYOND_REACH, output)
    });
    let side = if point.lat_deg < 0.0 { 327 } else { 326 };
    let crs = format!("EPSG:{side}{:02}", point.zone);
    let found = Point {
        swapped,
        ..from_grid(&point, crs.into())
    };
    Ok(Reading {
        said: mended
            .map(|output| (&utm::UTM_BAND_MISMATCH, output))
            .into_iter()
            .chain(beyond)
            .collect(),
        ..Reading::plain(found, &UTM)
    })
}

/// A position in a 6-degree zone that the easting names.
fn in_zone(
    datum: datum::Datum,
    northing: f64,
    easting: f64,
    profile: &Profile,
) -> Result<Reading, Fault> {
    let read = |northing, easting| {
        gauss::plane_of(datum, easting).and_then(|plane| gauss::to_wgs84(plane, northing, easting))
    };
    let straight = read(northing, easting);
    // Only to explain a position outside the area.
    let swapped = if straight
        .as_ref()
        .is_ok_and(|point| lies_inside(point, profile))
    {
        None
    } else {
        read(easting, northing).ok()
    };
    let point = explained(straight, swapped.as_ref(), profile)?;
    Ok(Reading {
        said: beyond_reach(&point).into_iter().collect(),
        ..Reading::plain(from_plane(&point, swapped.as_ref()), &GAUSS_KRUEGER)
    })
}

/// A warning where the position lies beyond what its plane is used for.
fn beyond_reach(point: &gauss::PlanePoint) -> Option<(&'static Rule, String)> {
    let plane = point.plane;
    let meridian_deg = plane.meridian_deg();
    let holds = plane
        .reach
        .holds(meridian_deg, point.lat_deg, point.lon_deg);
    (!holds).then(|| {
        let off_deg = (point.lon_deg - meridian_deg).abs();
        let output = match plane.reach {
            Reach::Meridian(reach_deg) => format!(
                "{off_deg:.1} degrees from the meridian of EPSG:{}, which reaches {reach_deg}",
                plane.epsg
            ),
            Reach::Area(_) => format!(
                "latitude {:.3}, longitude {:.3} is not in the oblast of EPSG:{}",
                point.lat_deg, point.lon_deg, plane.epsg
            ),
        };
        (&BEYOND_REACH, output)
    })
}

fn squares(
    text: &str,
    datum: datum::Datum,
    anchor: Option<square::Anchor>,
) -> Result<Reading, Fault> {
    let found = square::read(text, datum, anchor)?;
    let point = gauss::to_wgs84(found.plane, found.northing_m, found.easting_m)?;
    let point = Point {
        method: PositionMethod::CellCentre,
        bound_m: Some(found.side_m * grid::HALF_DIAGONAL),
        ..from_plane(&point, None)
    };
    Ok(Reading::plain(point, &SQUARE))
}

fn geographic(datum: datum::Datum, written: Written) -> Result<Reading, Fault> {
    let (lat, lon) = (written.lat_deg, written.lon_deg);
    let far_off = || Fault::new(&DATUM, "the position cannot be moved to WGS 84", "degrees");
    let (lat_deg, lon_deg) = datum::geographic_to_wgs84(datum, lat, lon).ok_or_else(far_off)?;
    let point = Point {
        lat_deg: rounded_deg(lat_deg),
        lon_deg: rounded_deg(lon_deg),
        sigma_m: Some(datum.sigma_m()),
        transform_op: datum.operation(),
        written: Some(written),
        swapped: Some((lon, lat)),
        ..Point::direct(system::geographic_crs(datum))
    };
    Ok(Reading::plain(point, &DATUM))
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
    straight.map_err(|fault| as_swap(fault, swapped.is_some_and(|p| lies_inside(p, profile))))
}

fn as_swap(fault: Fault, swapped_lies_inside: bool) -> Fault {
    if !swapped_lies_inside {
        return fault;
    }
    Fault {
        rule: &super::AXES_SWAPPED,
        expected: format!(
            "{}; with the two numbers swapped, the position lies in the area",
            fault.expected
        )
        .into(),
        ..fault
    }
}

/// In a plane of the EPSG register bare numbers have the register's order, northing first. Where
/// they would lie in the area the other way round too, nobody could see a swap: that is said.
fn in_plane(
    plane: Plane,
    plain: Plain,
    order: Option<AxisOrder>,
    profile: &Profile,
) -> Result<Reading, Fault> {
    let bare = matches!(plain, Plain::Bare { .. }) && order.is_none();
    let (northing, easting) = gauss::ordered(plain, Some(order.unwrap_or(AxisOrder::NorthEast)))?;
    let straight = gauss::to_wgs84(plane, northing, easting);
    let swapped = gauss::to_wgs84(plane, easting, northing).ok();
    let either_way = bare
        && swapped
            .as_ref()
            .is_some_and(|point| lies_inside(point, profile));
    let point = explained(straight, swapped.as_ref(), profile)?;
    let mut said: Vec<_> = beyond_reach(&point).into_iter().collect();
    if either_way {
        let output = format!("northing {northing}, easting {easting}");
        said.push((&ORDER_BY_REGISTER, output));
    }
    Ok(Reading {
        said,
        ..Reading::plain(from_plane(&point, swapped.as_ref()), &GAUSS_KRUEGER)
    })
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
        ..Point::direct(source_crs)
    }
}

fn from_plane(point: &gauss::PlanePoint, swapped: Option<&gauss::PlanePoint>) -> Point {
    let datum = point.plane.datum;
    Point {
        lat_deg: rounded_deg(point.lat_deg),
        lon_deg: rounded_deg(point.lon_deg),
        sigma_m: Some(datum.sigma_m()),
        transform_op: datum.operation(),
        swapped: swapped.map(|point| (point.lat_deg, point.lon_deg)),
        ..Point::direct(format!("EPSG:{}", point.plane.epsg).into())
    }
}
