//! Gauss-Krueger positions as text: X is the northing, Y the easting with the zone in front.
//! Two numbers without letters are never guessed: in zone 5 the ranges of X and Y overlap, and
//! a swap would be silent.

use super::Fault;
use super::datum::{self, Datum};
use super::number;
use super::plane::Plane;
use crate::normalise::Rule;
use crate::normalise::notes::quoted;
use crate::record::AxisOrder;

static UNREADABLE: Rule = Rule::new(
    "position.gauss_krueger_unreadable",
    "a Gauss-Krueger position is X (northing) and Y (easting), metres; Cyrillic Х and У are \
     read as X and Y",
    "domain.md 3.4",
);
static ORDER: Rule = Rule::new(
    "position.axis_order_missing",
    "two plane coordinates without the letters X and Y need a declared axis order",
    "domain.md 3.4, trap E",
);
static ZONE: Rule = Rule::new(
    "position.gauss_krueger_zone",
    "the zone in front of the easting is one of the area and agrees with the reference system",
    "domain.md 3.4",
);
static RANGE: Rule = Rule::new(
    "position.gauss_krueger_range",
    "northing and easting lie where their zone has them",
    "domain.md 3.4",
);

const FORM: &str = "for example `X=5320990 Y=7410809`: X the northing, Y the easting with the \
                    zone in front, metres";

/// Northings of the northern hemisphere, metres.
const NORTHING_M: std::ops::RangeInclusive<f64> = 0.0..=10_002_000.0;

/// How far from its meridian a zone may be used, metres: two neighbours overlap.
const OFF_MERIDIAN_M_MAX: f64 = 450_000.0;

/// Two plane coordinates as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Plain {
    /// With the letters X and Y.
    Labelled { x: f64, y: f64 },
    /// Two bare numbers.
    Bare { first: f64, second: f64 },
}

/// A position read from a plane.
#[derive(Debug)]
pub(super) struct PlanePoint {
    pub(super) lat_deg: f64,
    pub(super) lon_deg: f64,
    pub(super) plane: Plane,
}

/// Whether a text has plane coordinates: the letters X or Y, or two numbers that no angle has.
pub(super) fn looks_plane(text: &str, decimal_comma: bool) -> bool {
    const ANGLE_MAX: f64 = 1_000.0;
    let text = number::decimal_points(text, decimal_comma);
    let big = |plain| matches!(plain, Plain::Bare { first, second } if first > ANGLE_MAX && second > ANGLE_MAX);
    labels(&text).next().is_some() || bare(&text).is_some_and(big)
}

/// The letters X and Y, not those inside words: place, length, 0 for X and 1 for Y.
fn labels(text: &str) -> impl Iterator<Item = (usize, usize, usize)> + Clone {
    text.char_indices().filter_map(|(at, c)| {
        let axis = match c {
            'X' | 'x' | 'Х' | 'х' => 0,
            'Y' | 'y' | 'У' | 'у' => 1,
            _ => return None,
        };
        let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphabetic());
        let before = text.get(..at)?.chars().next_back();
        let after = text.get(at + c.len_utf8()..)?.chars().next();
        (alone(before) && alone(after)).then_some((at, c.len_utf8(), axis))
    })
}

/// Reads the two numbers.
pub(super) fn plain(text: &str, decimal_comma: bool) -> Result<Plain, Fault> {
    let fault = |why: &str| Fault::new(&UNREADABLE, format!("{}: {why}", quoted(text)), FORM);
    let text_with_points = number::decimal_points(text, decimal_comma);
    let text = text_with_points.as_ref();
    let mut labelled: [Option<f64>; 2] = [None, None];
    let mut labels = labels(text);
    let Some((start, _, _)) = labels.clone().next() else {
        return bare(text).ok_or_else(|| fault("no two numbers"));
    };
    let before = text.get(..start).unwrap_or_default();
    if !before.chars().all(is_filler) {
        return Err(fault("something before the letters X and Y"));
    }
    while let Some((at, len, axis)) = labels.next() {
        let end = labels
            .clone()
            .next()
            .map_or(text.len(), |(next, _, _)| next);
        let value = text.get(at + len..end).unwrap_or_default();
        let value = spaced_number(value).ok_or_else(|| fault("a letter without its number"))?;
        let slot = labelled.get_mut(axis).filter(|slot| slot.is_none());
        *slot.ok_or_else(|| fault("the same letter twice"))? = Some(value);
    }
    match labelled {
        [Some(x), Some(y)] => Ok(Plain::Labelled { x, y }),
        _ => Err(fault("only one of X and Y")),
    }
}

fn is_filler(c: char) -> bool {
    c.is_whitespace() || matches!(c, '=' | ':' | ';' | ',' | '(' | ')')
}

/// A number behind a letter; blanks may group its digits, `м` or `m` may follow.
fn spaced_number(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_filler).trim_end_matches(['м', 'm']);
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(32)
        .collect();
    number::parse(&digits)
}

fn bare(text: &str) -> Option<Plain> {
    let mut numbers = text.split(is_filler).filter(|part| !part.is_empty());
    let (first, second) = (
        number::parse(numbers.next()?)?,
        number::parse(numbers.next()?)?,
    );
    numbers
        .next()
        .is_none()
        .then_some(Plain::Bare { first, second })
}

/// Northing and easting, by letters or by the declared order.
pub(super) fn ordered(plain: Plain, order: Option<AxisOrder>) -> Result<(f64, f64), Fault> {
    match (plain, order) {
        (Plain::Labelled { x, y }, _) => Ok((x, y)),
        (Plain::Bare { first, second }, Some(AxisOrder::NorthEast)) => Ok((first, second)),
        (Plain::Bare { first, second }, Some(AxisOrder::EastNorth)) => Ok((second, first)),
        (Plain::Bare { .. }, None) => Err(Fault::new(
            &ORDER,
            "two numbers, and nothing says which is the northing",
            "the letters X (northing) and Y (easting), or axis_order",
        )),
    }
}

/// The plane of an easting with the zone in front.
pub(super) fn plane_of(datum: Datum, easting_m: f64) -> Result<Plane, Fault> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and the zone is checked below"
    )]
    let zone = (easting_m / 1_000_000.0) as u8;
    Plane::of_zone(datum, zone).ok_or_else(|| {
        let message = if zone == 0 {
            format!("the easting {easting_m} has no zone in front")
        } else {
            format!("zone {zone} of the easting {easting_m} is not in the area")
        };
        Fault::new(
            &ZONE,
            message,
            "an easting such as 7410809, its first digit the zone, 4 to 8 (UCS-2000: 4 to 7); or \
             the EPSG code of the plane",
        )
    })
}

/// The easting with the zone of `plane` in front, which it may have already.
pub(super) fn with_zone(plane: Plane, easting_m: f64) -> Result<f64, Fault> {
    const ZONE_M: f64 = 1_000_000.0;
    let zone = f64::from(plane.false_easting_m / 1_000_000);
    match (easting_m / ZONE_M).floor() {
        0.0 => Ok(zone * ZONE_M + easting_m),
        written if written == zone => Ok(easting_m),
        written => Err(Fault::new(
            &ZONE,
            format!("the easting {easting_m} is of zone {written}, the reference system of {zone}"),
            "the same zone in both, or an easting without its zone in front",
        )),
    }
}

/// The position in WGS 84.
pub(super) fn to_wgs84(plane: Plane, northing_m: f64, easting_m: f64) -> Result<PlanePoint, Fault> {
    let off_meridian_m = easting_m - f64::from(plane.false_easting_m);
    let in_range = NORTHING_M.contains(&northing_m) && off_meridian_m.abs() <= OFF_MERIDIAN_M_MAX;
    let point = in_range
        .then(|| {
            datum::gauss_krueger_to_wgs84(
                plane.datum,
                plane.meridian_min,
                northing_m,
                off_meridian_m,
            )
        })
        .flatten();
    let (lat_deg, lon_deg) = point.ok_or_else(|| {
        let centre = plane.false_easting_m;
        Fault::new(
            &RANGE,
            format!(
                "northing {northing_m} or easting {easting_m} is out of range in EPSG:{}",
                plane.epsg
            ),
            format!(
                "a northing of 0 to 10002000 and an easting within {OFF_MERIDIAN_M_MAX} of \
                 {centre}, metres; X is the northing"
            ),
        )
    })?;
    Ok(PlanePoint {
        lat_deg,
        lon_deg,
        plane,
    })
}
